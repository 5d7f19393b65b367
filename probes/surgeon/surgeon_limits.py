"""What KerasSurgeon does where it promises nothing: behaviours, neither good nor bad."""

from harness import behaviour, subject
from surgeon_models import (
    ATOL,
    CHANNELS,
    GONE,
    NEEDS,
    README,
    RTOL,
    chain,
    conv_to_conv,
    images,
    keras_of_surgeon,
    numbers,
    outputs,
    pruned_conv,
    settle,
)

UNSUPPORTED = "kerassurgeon.surgeon.Surgeon._apply_delete_mask, comment: Not implemented"

# ---------------------------------------------------------------- calls at the edge of what it promises


def small(keras):
    layers = keras.layers
    return chain(keras, (6,), layers.Dense(4, activation="relu", name="pruned"), layers.Dense(3, name="after"))


@behaviour(
    "surgeon.add_job_positional",
    "Does add_job take its channels by position, as its own docstring shows?",
    source="kerassurgeon.Surgeon, docstring",
    needs=NEEDS,
)
def add_job_positional():
    from kerassurgeon import Surgeon

    model = small(keras_of_surgeon())
    with subject("surgeon.add_job"):
        Surgeon(model).add_job("delete_channels", model.get_layer("pruned"), GONE)
        return "accepted"


@behaviour("surgeon.unknown_job", "What does an operation with an unknown name give?", source=README, needs=NEEDS)
def unknown_job():
    from kerassurgeon import Surgeon

    model = small(keras_of_surgeon())
    with subject("surgeon.add_job"):
        Surgeon(model).add_job("remove", model.get_layer("pruned"))
        return "accepted"


@behaviour(
    "surgeon.two_jobs_on_one_layer",
    "Can one Surgeon do two things to one layer?",
    source="kerassurgeon.Surgeon.add_job, docstring: a maximum of one job per node",
    needs=NEEDS,
)
def two_jobs_on_one_layer():
    from kerassurgeon import Surgeon

    model = small(keras_of_surgeon())
    with subject("surgeon.add_job"):
        surgeon = Surgeon(model)
        surgeon.add_job("delete_channels", model.get_layer("pruned"), channels=[0])
        surgeon.add_job("delete_channels", model.get_layer("pruned"), channels=[1])
        return "accepted"


@behaviour("surgeon.layer_by_name", "Can the layer be given by its name?", source=CHANNELS, needs=NEEDS)
def layer_by_name():
    from kerassurgeon.operations import delete_channels

    model = small(keras_of_surgeon())
    with subject("surgeon.delete_channels"):
        delete_channels(model, "pruned", GONE)
        return "accepted"


@behaviour("surgeon.index_out_of_range", "What does a channel that isn't there give?", source=CHANNELS, needs=NEEDS)
def index_out_of_range():
    from kerassurgeon.operations import delete_channels

    model = small(keras_of_surgeon())
    with subject("surgeon.delete_channels"):
        delete_channels(model, model.get_layer("pruned"), [4])
        return "accepted"


@behaviour("surgeon.negative_index", "Does a negative channel count from the end?", source=CHANNELS, needs=NEEDS)
def negative_index():
    from kerassurgeon.operations import delete_channels

    model = small(keras_of_surgeon())
    kept = model.get_layer("pruned").get_weights()[0][:, :3]
    with subject("surgeon.delete_channels"):
        found = delete_channels(model, model.get_layer("pruned"), [-1]).get_layer("pruned").get_weights()[0]
        return "from the end" if found.tolist() == kept.tolist() else "something else"


@behaviour("surgeon.no_channels", "What does deleting an empty list of channels give?", source=CHANNELS, needs=NEEDS)
def no_channels():
    from kerassurgeon.operations import delete_channels

    model = small(keras_of_surgeon())
    kept = model.get_layer("pruned").get_weights()[0]
    with subject("surgeon.delete_channels"):
        found = delete_channels(model, model.get_layer("pruned"), []).get_layer("pruned").get_weights()[0]
        return "unchanged" if found.tolist() == kept.tolist() else "changed"


@behaviour("surgeon.compiled_after", "Is the result of an operation compiled?", source=CHANNELS, needs=NEEDS)
def compiled_after():
    from kerassurgeon.operations import delete_channels

    model = small(keras_of_surgeon())
    model.compile(optimizer="sgd", loss="mse")
    with subject("surgeon.delete_channels"):
        new = delete_channels(model, model.get_layer("pruned"), GONE)
        return getattr(new, "optimizer", None) is not None


@behaviour(
    "surgeon.model_class_after",
    "Is a Sequential model still Sequential after an operation?",
    source=CHANNELS,
    needs=NEEDS,
)
def model_class_after():
    from kerassurgeon.operations import delete_channels

    keras = keras_of_surgeon()
    layers = keras.layers
    model = keras.models.Sequential([layers.Dense(4, input_shape=(6,), name="pruned"), layers.Dense(3, name="after")])
    with subject("surgeon.delete_channels"):
        return isinstance(delete_channels(model, model.get_layer("pruned"), GONE), keras.models.Sequential)


@behaviour(
    "surgeon.high_apoz_of_list",
    "Does high_apoz take a plain list, as its docstring says?",
    source="kerassurgeon.identify.high_apoz, docstring",
    needs=NEEDS,
)
def high_apoz_of_list():
    from kerassurgeon.identify import high_apoz

    with subject("surgeon.high_apoz"):
        return [int(i) for i in high_apoz([0.1, 0.995, 0.2, 0.9])]


# ---------------------------------------------------------------- models and layers it does not promise to follow


def numbers_after(model, x, new):
    """ "right" or "wrong": the outputs of `new` against the original's with the channels GONE of "pruned" silent."""
    import numpy as np

    arrays = model.get_layer("pruned").get_weights()
    silent = [np.array(array) for array in arrays]
    for array in silent:
        array[..., GONE] = 0.0
    model.get_layer("pruned").set_weights(silent)
    wanted = outputs(model, x)[0]
    model.get_layer("pruned").set_weights(arrays)
    found = outputs(new, x)[0]
    close = found.shape == wanted.shape and np.allclose(found, wanted, rtol=RTOL, atol=ATOL)
    return "right" if close else "wrong"


@behaviour("surgeon.unsupported.relu", "What becomes of a ReLU layer behind deleted filters?",
           source="keras-surgeon issue 47", needs=NEEDS)  # fmt: skip
def before_relu():
    from kerassurgeon.operations import delete_channels

    keras = keras_of_surgeon()
    model = conv_to_conv(keras, keras.layers.ReLU())
    with subject("surgeon.delete_channels"):
        return numbers_after(model, images(), delete_channels(model, model.get_layer("pruned"), GONE))


@behaviour("surgeon.unsupported.depthwise_conv2d", "What becomes of a DepthwiseConv2D behind deleted filters?",
           source="keras-surgeon issues 35 and 47", needs=NEEDS)  # fmt: skip
def before_depthwise():
    from kerassurgeon.operations import delete_channels

    keras = keras_of_surgeon()
    model = conv_to_conv(keras, keras.layers.DepthwiseConv2D((2, 2), use_bias=False))
    with subject("surgeon.delete_channels"):
        return numbers_after(model, images(), delete_channels(model, model.get_layer("pruned"), GONE))


@behaviour("surgeon.unsupported.separable_conv2d", "What becomes of a SeparableConv2D behind deleted filters?",
           source=UNSUPPORTED + "; keras-surgeon issue 66", needs=NEEDS)  # fmt: skip
def before_separable():
    from kerassurgeon.operations import delete_channels

    keras = keras_of_surgeon()
    model = conv_to_conv(keras, keras.layers.SeparableConv2D(3, (2, 2)))
    with subject("surgeon.delete_channels"):
        return numbers_after(model, images(), delete_channels(model, model.get_layer("pruned"), GONE))


@behaviour("surgeon.unsupported.filters_of_separable_conv2d", "Can filters of a SeparableConv2D itself be deleted?",
           source="keras-surgeon issue 66", needs=NEEDS)  # fmt: skip
def of_separable():
    from kerassurgeon.operations import delete_channels

    keras = keras_of_surgeon()
    layers = keras.layers
    model = chain(
        keras, (6, 6, 2), layers.SeparableConv2D(4, (3, 3), name="pruned"), layers.Conv2D(3, (2, 2), name="after")
    )
    with subject("surgeon.delete_channels"):
        new = delete_channels(model, model.get_layer("pruned"), GONE)
        return [list(w.shape) for w in new.get_layer("pruned").get_weights()]


@behaviour("surgeon.unsupported.conv2d_transpose", "What becomes of a Conv2DTranspose behind deleted filters?",
           source=UNSUPPORTED, needs=NEEDS)  # fmt: skip
def before_transpose():
    from kerassurgeon.operations import delete_channels

    keras = keras_of_surgeon()
    model = conv_to_conv(keras, keras.layers.Conv2DTranspose(3, (2, 2)))
    with subject("surgeon.delete_channels"):
        return numbers_after(model, images(), delete_channels(model, model.get_layer("pruned"), GONE))


@behaviour("surgeon.unsupported.filters_of_conv2d_transpose", "Are filters of a Conv2DTranspose deleted rightly?",
           source=UNSUPPORTED, needs=NEEDS)  # fmt: skip
def of_transpose():
    from kerassurgeon.operations import delete_channels

    keras = keras_of_surgeon()
    layers = keras.layers
    model = chain(
        keras, (6, 6, 4), layers.Conv2DTranspose(4, (3, 3), name="pruned"), layers.Conv2D(3, (2, 2), name="after")
    )
    with subject("surgeon.delete_channels"):
        new = delete_channels(model, model.get_layer("pruned"), GONE)
        return [list(w.shape) for w in new.get_layer("pruned").get_weights()]


@behaviour("surgeon.unsupported.time_distributed", "What becomes of TimeDistributed(Dense) behind deleted filters?",
           source=UNSUPPORTED, needs=NEEDS)  # fmt: skip
def before_time_distributed():
    from kerassurgeon.operations import delete_channels

    keras = keras_of_surgeon()
    layers = keras.layers
    last = layers.TimeDistributed(layers.Dense(3), name="after")
    model = chain(keras, (9, 2), layers.Conv1D(4, 3, activation="relu", name="pruned"), last)
    with subject("surgeon.delete_channels"):
        new = delete_channels(model, model.get_layer("pruned"), GONE)
        return numbers_after(model, numbers((5, 9, 2), 11), new)


@behaviour("surgeon.unsupported.bidirectional", "What becomes of Bidirectional(SimpleRNN) behind deleted filters?",
           source=UNSUPPORTED, needs=NEEDS)  # fmt: skip
def before_bidirectional():
    from kerassurgeon.operations import delete_channels

    keras = keras_of_surgeon()
    layers = keras.layers
    last = layers.Bidirectional(layers.SimpleRNN(3), name="after")
    model = chain(keras, (9, 2), layers.Conv1D(4, 3, activation="relu", name="pruned"), last)
    with subject("surgeon.delete_channels"):
        new = delete_channels(model, model.get_layer("pruned"), GONE)
        return numbers_after(model, numbers((5, 9, 2), 11), new)


@behaviour("surgeon.unsupported.dense_on_sequence", "What becomes of a Dense applied to a sequence of deleted filters?",
           source="kerassurgeon.surgeon.Surgeon._apply_delete_mask: Dense", needs=NEEDS)  # fmt: skip
def before_dense_on_sequence():
    from kerassurgeon.operations import delete_channels

    keras = keras_of_surgeon()
    layers = keras.layers
    model = chain(keras, (9, 2), layers.Conv1D(4, 3, activation="relu", name="pruned"), layers.Dense(3, name="after"))
    with subject("surgeon.delete_channels"):
        new = delete_channels(model, model.get_layer("pruned"), GONE)
        return numbers_after(model, numbers((5, 9, 2), 11), new)


@behaviour("surgeon.unsupported.lambda", "What becomes of a Lambda behind deleted filters?", source=UNSUPPORTED,
           needs=NEEDS)  # fmt: skip
def before_lambda():
    from kerassurgeon.operations import delete_channels

    keras = keras_of_surgeon()
    model = conv_to_conv(keras, keras.layers.Lambda(lambda x: x * 2.0))
    with subject("surgeon.delete_channels"):
        return numbers_after(model, images(), delete_channels(model, model.get_layer("pruned"), GONE))


@behaviour("surgeon.unsupported.reshape_to_fixed_size", "What becomes of a Reshape to a fixed size?",
           source="kerassurgeon.surgeon.Surgeon._apply_delete_mask: Reshape", needs=NEEDS)  # fmt: skip
def before_fixed_reshape():
    from kerassurgeon.operations import delete_channels

    keras = keras_of_surgeon()
    layers = keras.layers
    model = chain(keras, (6, 6, 2), pruned_conv(keras), layers.Reshape((16, 4)), layers.Conv1D(3, 2, name="after"))
    with subject("surgeon.delete_channels"):
        return numbers_after(model, images(), delete_channels(model, model.get_layer("pruned"), GONE))


@behaviour("surgeon.unsupported.nested_model", "What becomes of a nested model behind deleted units?",
           source=README + ": compatible with any model architecture", needs=NEEDS)  # fmt: skip
def before_nested_model():
    from kerassurgeon.operations import delete_channels

    keras = keras_of_surgeon()
    layers = keras.layers
    within = layers.Input(shape=(4,))
    nested = keras.models.Model(within, layers.Dense(3)(within), name="nested")
    model = chain(keras, (6,), layers.Dense(4, activation="relu", name="pruned"), nested)
    with subject("surgeon.delete_channels"):
        new = delete_channels(model, model.get_layer("pruned"), GONE)
        return numbers_after(model, numbers((5, 6), 11), new)


@behaviour("surgeon.unsupported.layer_of_nested_model", "Can a layer inside a nested model be operated on?",
           source=README + ": compatible with any model architecture", needs=NEEDS)  # fmt: skip
def of_nested_model():
    from kerassurgeon.operations import delete_channels

    keras = keras_of_surgeon()
    layers = keras.layers
    within = layers.Input(shape=(6,))
    inner = layers.Dense(4, name="pruned")
    nested = keras.models.Model(within, layers.Dense(3)(inner(within)), name="nested")
    model = chain(keras, (6,), nested, layers.Dense(2, name="after"))
    with subject("surgeon.delete_channels"):
        delete_channels(model, inner, GONE)
        return "accepted"


@behaviour("surgeon.unsupported.one_branch_of_add", "What does deleting filters of one branch of an Add give?",
           source="Raukk/tf-keras-surgeon issue 7", needs=NEEDS)  # fmt: skip
def one_branch_of_add():
    from kerassurgeon.operations import delete_channels

    keras = keras_of_surgeon()
    start = keras.layers.Input(shape=(6, 6, 2))
    joined = keras.layers.Add()([pruned_conv(keras)(start), pruned_conv(keras, "other")(start)])
    model = settle(keras.models.Model(start, keras.layers.Conv2D(3, (2, 2), name="after")(joined)))
    with subject("surgeon.delete_channels"):
        return numbers_after(model, images(), delete_channels(model, model.get_layer("pruned"), GONE))


@behaviour("surgeon.unsupported.sequential_without_input_shape", "Can a Sequential built only by data be operated on?",
           source=README + ", Limitations: input shape must be defined; issue 64", needs=NEEDS)  # fmt: skip
def without_input_shape():
    from kerassurgeon.operations import delete_channels

    keras = keras_of_surgeon()
    layers = keras.layers
    x = numbers((5, 6), 11)
    model = keras.models.Sequential([layers.Dense(4, activation="relu", name="pruned"), layers.Dense(3, name="after")])
    model.build((None, 6))
    settle(model)
    with subject("surgeon.delete_channels"):
        return numbers_after(model, x, delete_channels(model, model.get_layer("pruned"), GONE))


@behaviour("surgeon.unsupported.sequence_of_any_length", "Can units of an RNN over sequences of any length be deleted?",
           source=README + ", Limitations: sequence length must be defined", needs=NEEDS)  # fmt: skip
def any_length():
    from kerassurgeon.operations import delete_channels

    keras = keras_of_surgeon()
    layer = keras.layers.SimpleRNN
    model = chain(keras, (None, 2), layer(4, return_sequences=True, name="pruned"), layer(3, name="after"))
    with subject("surgeon.delete_channels"):
        new = delete_channels(model, model.get_layer("pruned"), GONE)
        return list(outputs(new, numbers((5, 4, 2), 11))[0].shape)
