"""Deleting channels: what stands between the layer that loses them and the layer that reads them."""

from harness import check, subject
from surgeon_models import (
    GONE,
    LAYERS,
    NEEDS,
    assert_pruned,
    chain,
    conv_to_conv,
    conv_to_dense,
    flattened,
    images,
    keras_of_surgeon,
    last,
    numbers,
    pruned_conv,
    reference,
    settle,
)


@check(
    "surgeon.delete_channels.through_flatten",
    "Do deleted filters reach a Dense layer behind Flatten?",
    source=LAYERS,
    needs=NEEDS,
)
def through_flatten():
    from kerassurgeon.operations import delete_channels

    keras = keras_of_surgeon()
    model = conv_to_dense(keras, keras.layers.Flatten())
    wanted = reference(model, images(), own=last("pruned", 2), incoming=[("after", 0, 0, flattened(GONE, 16, 4))])
    with subject("surgeon.delete_channels"):
        assert_pruned(delete_channels(model, model.get_layer("pruned"), GONE), wanted)


@check(
    "surgeon.delete_channels.through_max_pooling",
    "Do deleted filters reach a Dense layer behind MaxPooling2D and Flatten?",
    source=LAYERS,
    needs=NEEDS,
)
def through_max_pooling():
    from kerassurgeon.operations import delete_channels

    keras = keras_of_surgeon()
    model = conv_to_dense(keras, keras.layers.MaxPooling2D((2, 2)), keras.layers.Flatten())
    wanted = reference(model, images(), own=last("pruned", 2), incoming=[("after", 0, 0, flattened(GONE, 4, 4))])
    with subject("surgeon.delete_channels"):
        assert_pruned(delete_channels(model, model.get_layer("pruned"), GONE), wanted)


@check(
    "surgeon.delete_channels.through_average_pooling",
    "Do deleted filters reach a Conv2D behind AveragePooling2D?",
    source=LAYERS,
    needs=NEEDS,
)
def through_average_pooling():
    from kerassurgeon.operations import delete_channels

    keras = keras_of_surgeon()
    model = conv_to_conv(keras, keras.layers.AveragePooling2D((2, 2)))
    wanted = reference(model, images(), own=last("pruned", 2), incoming=[("after", 0, 2, GONE)])
    with subject("surgeon.delete_channels"):
        assert_pruned(delete_channels(model, model.get_layer("pruned"), GONE), wanted)


@check(
    "surgeon.delete_channels.through_global_max_pooling",
    "Do deleted filters reach a Dense layer behind GlobalMaxPooling2D?",
    source=LAYERS,
    needs=NEEDS,
)
def through_global_max_pooling():
    from kerassurgeon.operations import delete_channels

    keras = keras_of_surgeon()
    model = conv_to_dense(keras, keras.layers.GlobalMaxPooling2D())
    wanted = reference(model, images(), own=last("pruned", 2), incoming=[("after", 0, 0, GONE)])
    with subject("surgeon.delete_channels"):
        assert_pruned(delete_channels(model, model.get_layer("pruned"), GONE), wanted)


@check(
    "surgeon.delete_channels.through_global_average_pooling",
    "Do deleted filters reach a Dense layer behind GlobalAveragePooling2D?",
    source=LAYERS,
    needs=NEEDS,
)
def through_global_average_pooling():
    from kerassurgeon.operations import delete_channels

    keras = keras_of_surgeon()
    model = conv_to_dense(keras, keras.layers.GlobalAveragePooling2D())
    wanted = reference(model, images(), own=last("pruned", 2), incoming=[("after", 0, 0, GONE)])
    with subject("surgeon.delete_channels"):
        assert_pruned(delete_channels(model, model.get_layer("pruned"), GONE), wanted)


@check(
    "surgeon.delete_channels.through_batch_normalization",
    "Do deleted filters take their BatchNormalization entries with them?",
    source=LAYERS + "; keras-surgeon issue 64",
    needs=NEEDS,
)
def through_batch_normalization():
    from kerassurgeon.operations import delete_channels

    keras = keras_of_surgeon()
    model = conv_to_conv(keras, keras.layers.BatchNormalization(name="norm"))
    own = last("pruned", 2) + last("norm", 4)
    wanted = reference(model, images(), own=own, incoming=[("after", 0, 2, GONE)])
    with subject("surgeon.delete_channels"):
        assert_pruned(delete_channels(model, model.get_layer("pruned"), GONE), wanted)


@check(
    "surgeon.delete_channels.through_activations",
    "Do deleted filters pass Activation, LeakyReLU, ELU, Dropout and GaussianNoise layers?",
    source=LAYERS,
    needs=NEEDS,
)
def through_activations():
    from kerassurgeon.operations import delete_channels

    keras = keras_of_surgeon()
    layers = keras.layers
    model = conv_to_conv(
        keras,
        layers.Activation("tanh"),
        layers.LeakyReLU(),
        layers.ELU(),
        layers.Dropout(0.5),
        layers.SpatialDropout2D(0.5),
        layers.GaussianNoise(0.1),
    )
    wanted = reference(model, images(), own=last("pruned", 2), incoming=[("after", 0, 2, GONE)])
    with subject("surgeon.delete_channels"):
        assert_pruned(delete_channels(model, model.get_layer("pruned"), GONE), wanted)


@check(
    "surgeon.delete_channels.through_padding_and_cropping",
    "Do deleted filters reach a Dense layer behind ZeroPadding2D, Cropping2D and Flatten?",
    source=LAYERS,
    needs=NEEDS,
)
def through_padding_and_cropping():
    from kerassurgeon.operations import delete_channels

    keras = keras_of_surgeon()
    layers = keras.layers
    model = conv_to_dense(keras, layers.ZeroPadding2D((1, 1)), layers.Cropping2D(((0, 1), (2, 1))), layers.Flatten())
    wanted = reference(model, images(), own=last("pruned", 2), incoming=[("after", 0, 0, flattened(GONE, 15, 4))])
    with subject("surgeon.delete_channels"):
        assert_pruned(delete_channels(model, model.get_layer("pruned"), GONE), wanted)


@check(
    "surgeon.delete_channels.through_up_sampling",
    "Do deleted filters reach a Dense layer behind UpSampling2D and Flatten?",
    source=LAYERS,
    needs=NEEDS,
)
def through_up_sampling():
    from kerassurgeon.operations import delete_channels

    keras = keras_of_surgeon()
    model = conv_to_dense(keras, keras.layers.UpSampling2D((2, 2)), keras.layers.Flatten())
    wanted = reference(model, images(), own=last("pruned", 2), incoming=[("after", 0, 0, flattened(GONE, 64, 4))])
    with subject("surgeon.delete_channels"):
        assert_pruned(delete_channels(model, model.get_layer("pruned"), GONE), wanted)


@check(
    "surgeon.delete_channels.through_reshape",
    "Do deleted filters pass a Reshape whose channels are inferred (-1)?",
    source=LAYERS,
    needs=NEEDS,
)
def through_reshape():
    from kerassurgeon.operations import delete_channels

    keras = keras_of_surgeon()
    layers = keras.layers
    model = conv_to_dense(keras, layers.Reshape((-1,)))
    wanted = reference(model, images(), own=last("pruned", 2), incoming=[("after", 0, 0, flattened(GONE, 16, 4))])
    with subject("surgeon.delete_channels"):
        assert_pruned(delete_channels(model, model.get_layer("pruned"), GONE), wanted)


@check(
    "surgeon.delete_channels.through_permute",
    "Do deleted filters reach a Dense layer behind Permute and Flatten?",
    source=LAYERS,
    needs=NEEDS,
)
def through_permute():
    from kerassurgeon.operations import delete_channels

    keras = keras_of_surgeon()
    model = conv_to_dense(keras, keras.layers.Permute((3, 1, 2)), keras.layers.Flatten())
    rows = [channel * 16 + position for channel in GONE for position in range(16)]
    wanted = reference(model, images(), own=last("pruned", 2), incoming=[("after", 0, 0, rows)])
    with subject("surgeon.delete_channels"):
        assert_pruned(delete_channels(model, model.get_layer("pruned"), GONE), wanted)


@check(
    "surgeon.delete_channels.through_repeat_vector",
    "Do deleted units reach a SimpleRNN behind RepeatVector?",
    source=LAYERS,
    needs=NEEDS,
)
def through_repeat_vector():
    from kerassurgeon.operations import delete_channels

    keras = keras_of_surgeon()
    layers = keras.layers
    model = chain(
        keras,
        (6,),
        layers.Dense(4, activation="relu", name="pruned"),
        layers.RepeatVector(3),
        layers.SimpleRNN(3, name="after"),
    )
    wanted = reference(model, numbers((5, 6), 11), own=last("pruned", 2), incoming=[("after", 0, 0, GONE)])
    with subject("surgeon.delete_channels"):
        assert_pruned(delete_channels(model, model.get_layer("pruned"), GONE), wanted)


def two_branches(keras, join):
    """(6, 6, 2) -> two Conv2D of 4 filters, "left" and "right" -> `join`(left, right) -> Conv2D "after"."""
    start = keras.layers.Input(shape=(6, 6, 2))
    joined = join(pruned_conv(keras, "left")(start), pruned_conv(keras, "right")(start))
    return settle(keras.models.Model(start, keras.layers.Conv2D(3, (2, 2), name="after")(joined)))


@check(
    "surgeon.delete_channels.through_concatenate",
    "Do filters deleted from one branch reach a Conv2D behind Concatenate?",
    source=LAYERS,
    needs=NEEDS,
)
def through_concatenate():
    from kerassurgeon.operations import delete_channels

    keras = keras_of_surgeon()
    model = two_branches(keras, lambda left, right: keras.layers.Concatenate()([left, right]))
    incoming = [("after", 0, 2, [4 + i for i in GONE])]
    wanted = reference(model, images(), own=last("right", 2), incoming=incoming)
    with subject("surgeon.delete_channels"):
        assert_pruned(delete_channels(model, model.get_layer("right"), GONE), wanted)


@check(
    "surgeon.delete_channels.through_add",
    "Do filters deleted from both branches reach a Conv2D behind Add?",
    source=LAYERS,
    needs=NEEDS,
)
def through_add():
    from kerassurgeon import Surgeon

    keras = keras_of_surgeon()
    model = two_branches(keras, lambda left, right: keras.layers.Add()([left, right]))
    own = last("left", 2) + last("right", 2)
    wanted = reference(model, images(), own=own, incoming=[("after", 0, 2, GONE)])
    with subject("surgeon.operate"):
        surgeon = Surgeon(model)
        surgeon.add_job("delete_channels", model.get_layer("left"), channels=GONE)
        surgeon.add_job("delete_channels", model.get_layer("right"), channels=GONE)
        assert_pruned(surgeon.operate(), wanted)


@check(
    "surgeon.delete_channels.through_multiply_average_maximum",
    "Do filters deleted from both branches pass Multiply, Average and Maximum?",
    source=LAYERS,
    needs=NEEDS,
)
def through_multiply_average_maximum():
    from kerassurgeon import Surgeon

    keras = keras_of_surgeon()
    layers = keras.layers

    def join(left, right):
        mean = layers.Average()([layers.Multiply()([left, right]), left])
        return layers.Maximum()([mean, right])

    model = two_branches(keras, join)
    own = last("left", 2) + last("right", 2)
    wanted = reference(model, images(), own=own, incoming=[("after", 0, 2, GONE)])
    with subject("surgeon.operate"):
        surgeon = Surgeon(model)
        surgeon.add_job("delete_channels", model.get_layer("left"), channels=GONE)
        surgeon.add_job("delete_channels", model.get_layer("right"), channels=GONE)
        assert_pruned(surgeon.operate(), wanted)
