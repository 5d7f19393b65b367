"""Deleting channels in models of other forms than a chain: several inputs, shared layers, layers it can't follow."""

from harness import behaviour, check, subject
from surgeon_models import (
    CHANNELS,
    GONE,
    LAYERS,
    NEEDS,
    README,
    assert_pruned,
    chain,
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
    "surgeon.delete_channels.two_inputs_two_outputs",
    "Can channels be deleted from a model with two inputs and two outputs?",
    source=README + ": compatible with any model architecture",
    needs=NEEDS,
)
def with_two_inputs_and_outputs():
    from kerassurgeon.operations import delete_channels

    keras = keras_of_surgeon()
    layers = keras.layers
    one, two = layers.Input(shape=(6,)), layers.Input(shape=(3,))
    middle = layers.Dense(4, activation="relu", name="pruned")(one)
    joined = layers.Concatenate()([middle, two])
    model = settle(
        keras.models.Model([one, two], [layers.Dense(2, name="a")(joined), layers.Dense(3, name="b")(middle)])
    )
    x = [numbers((5, 6), 11), numbers((5, 3), 12)]
    wanted = reference(model, x, own=last("pruned", 2), incoming=[("a", 0, 0, GONE), ("b", 0, 0, GONE)])
    with subject("surgeon.delete_channels"):
        assert_pruned(delete_channels(model, model.get_layer("pruned"), GONE), wanted)


def shared(keras):
    """Two inputs through one Dense of 4 units, "pruned", side by side into "after"."""
    layers = keras.layers
    one, two = layers.Input(shape=(6,)), layers.Input(shape=(6,))
    layer = layers.Dense(4, activation="relu", name="pruned")
    joined = layers.Concatenate()([layer(one), layer(two)])
    return settle(keras.models.Model([one, two], layers.Dense(3, name="after")(joined)))


@check(
    "surgeon.delete_channels.shared_layer",
    "Can channels be deleted from a layer that a model uses twice?",
    source=CHANNELS,
    needs=NEEDS,
)
def of_shared_layer():
    from kerassurgeon.operations import delete_channels

    model = shared(keras_of_surgeon())
    x = [numbers((5, 6), 11), numbers((5, 6), 12)]
    incoming = [("after", 0, 0, GONE + [4 + i for i in GONE])]
    wanted = reference(model, x, own=last("pruned", 2), incoming=incoming)
    with subject("surgeon.delete_channels"):
        assert_pruned(delete_channels(model, model.get_layer("pruned"), GONE), wanted)


@behaviour(
    "surgeon.delete_channels_of_one_use",
    "What comes of deleting channels from one use of a shared layer (node_indices), as the docstring promises?",
    source=CHANNELS + ": channels will be deleted from the corresponding layer instances only",
    needs=NEEDS,
)
def of_one_use_of_shared_layer():
    """A behaviour, not a check: 0.2.0 can't rename a tf.keras layer on any TensorFlow (0.1.3 could, on Keras), so
    the result says nothing about which versions go together.
    """
    from kerassurgeon.operations import delete_channels

    model = shared(keras_of_surgeon())
    x = [numbers((5, 6), 11), numbers((5, 6), 12)]
    wanted = reference(model, x, own=[], incoming=[("after", 0, 0, GONE)])
    smaller = reference(model, x, own=last("pruned", 2), incoming=[])["weights"]["pruned"]
    wanted["weights"]["pruned_delete_channels"] = smaller
    with subject("surgeon.delete_channels"):
        assert_pruned(delete_channels(model, model.get_layer("pruned"), GONE, node_indices=[0]), wanted)
        return "as promised"


@check(
    "surgeon.delete_channels.into_shared_layer",
    "Can channels be deleted when the layer behind them is used twice?",
    source="keras-surgeon tests/test_surgeon.py: downstream sharing",
    needs=NEEDS,
)
def into_shared_layer():
    from kerassurgeon import Surgeon

    keras = keras_of_surgeon()
    layers = keras.layers
    start = layers.Input(shape=(6,))
    one = layers.Dense(4, activation="relu", name="one")(start)
    two = layers.Dense(4, activation="relu", name="two")(start)
    after = layers.Dense(3, name="after")
    model = settle(keras.models.Model(start, [after(one), after(two)]))
    own = last("one", 2) + last("two", 2)
    wanted = reference(model, numbers((5, 6), 11), own=own, incoming=[("after", 0, 0, GONE)])
    with subject("surgeon.operate"):
        surgeon = Surgeon(model)
        surgeon.add_job("delete_channels", model.get_layer("one"), channels=GONE)
        surgeon.add_job("delete_channels", model.get_layer("two"), channels=GONE)
        assert_pruned(surgeon.operate(), wanted)


@check(
    "surgeon.delete_channels.whole_branch",
    "Can all channels of one branch of a Concatenate be deleted?",
    source="keras-surgeon tests/test_surgeon.py: delete all channels in a branch",
    needs=NEEDS,
)
def whole_branch():
    from kerassurgeon.operations import delete_channels

    keras = keras_of_surgeon()
    layers = keras.layers
    start = layers.Input(shape=(6, 6, 2))
    joined = layers.Concatenate()([pruned_conv(keras, "left")(start), pruned_conv(keras, "right")(start)])
    model = settle(keras.models.Model(start, layers.Conv2D(3, (2, 2), name="after")(joined)))
    wanted = reference(model, images(), own=[], incoming=[("after", 0, 2, [0, 1, 2, 3])])
    del wanted["weights"]["left"]
    with subject("surgeon.delete_channels"):
        assert_pruned(delete_channels(model, model.get_layer("left"), [0, 1, 2, 3]), wanted)


@check(
    "surgeon.delete_channels.behind_embedding",
    "Can channels be deleted from a layer that reads an Embedding?",
    source=LAYERS,
    needs=NEEDS,
)
def behind_embedding():
    import numpy as np
    from kerassurgeon.operations import delete_channels

    keras = keras_of_surgeon()
    layers = keras.layers
    model = chain(
        keras,
        (7,),
        layers.Embedding(10, 3, name="embedding"),
        layers.Conv1D(4, 3, activation="relu", name="pruned"),
        layers.GlobalMaxPooling1D(),
        layers.Dense(2, name="after"),
    )
    x = np.arange(35).reshape(5, 7) % 10
    wanted = reference(model, x, own=last("pruned", 2), incoming=[("after", 0, 0, GONE)])
    with subject("surgeon.delete_channels"):
        assert_pruned(delete_channels(model, model.get_layer("pruned"), GONE), wanted)


@check(
    "surgeon.delete_channels.behind_nested_model",
    "Can channels be deleted behind a model used as a layer?",
    source=README + ", Limitations: unsupported layers matter where the operation affects them",
    needs=NEEDS,
)
def behind_nested_model():
    from kerassurgeon.operations import delete_channels

    keras = keras_of_surgeon()
    layers = keras.layers
    within = layers.Input(shape=(6,))
    nested = keras.models.Model(within, layers.Dense(5, activation="tanh")(within), name="nested")
    model = chain(keras, (6,), nested, layers.Dense(4, activation="relu", name="pruned"), layers.Dense(3, name="after"))
    wanted = reference(model, numbers((5, 6), 11), own=last("pruned", 2), incoming=[("after", 0, 0, GONE)])
    with subject("surgeon.delete_channels"):
        assert_pruned(delete_channels(model, model.get_layer("pruned"), GONE), wanted)


@check(
    "surgeon.delete_channels.behind_unsupported_layers",
    "Can channels be deleted behind layers whose own channels it can't follow (DepthwiseConv2D, SeparableConv2D)?",
    source=README + ", Limitations: unsupported layers matter where the operation affects them",
    needs=NEEDS,
)
def behind_unsupported_layers():
    from kerassurgeon.operations import delete_channels

    keras = keras_of_surgeon()
    layers = keras.layers
    model = chain(
        keras,
        (6, 6, 2),
        layers.DepthwiseConv2D((2, 2), name="depthwise"),
        layers.SeparableConv2D(3, (2, 2), name="separable"),
        layers.Conv2D(4, (2, 2), activation="relu", name="pruned"),
        layers.Flatten(),
        layers.Dense(3, name="after"),
    )
    incoming = [("after", 0, 0, flattened(GONE, 9, 4))]
    wanted = reference(model, images(), own=last("pruned", 2), incoming=incoming)
    with subject("surgeon.delete_channels"):
        assert_pruned(delete_channels(model, model.get_layer("pruned"), GONE), wanted)
