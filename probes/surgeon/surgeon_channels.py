"""Deleting channels: of each kind of layer that has them, and what that leaves alone."""

from harness import check, expect, subject
from surgeon_models import (
    CHANNELS,
    GONE,
    LAYERS,
    NEEDS,
    README,
    assert_outputs,
    assert_pruned,
    assert_weights,
    chain,
    conv_to_conv,
    dense,
    images,
    keras_of_surgeon,
    last,
    numbers,
    outputs,
    pruned_conv,
    reference,
    settle,
    weights,
)


@check("surgeon.delete_channels.dense", "Can units of a Dense layer be deleted?", source="seed 000", needs=NEEDS)
def of_dense():
    from kerassurgeon.operations import delete_channels

    keras = keras_of_surgeon()
    layers = keras.layers
    model = chain(keras, (6,), layers.Dense(4, activation="relu", name="pruned"), layers.Dense(3, name="after"))
    x = numbers((5, 6), 11)
    wanted = reference(model, x, own=last("pruned", 2), incoming=[("after", 0, 0, GONE)])
    kept = wanted["weights"]
    by_hand = dense(dense(x, kept["pruned"], "relu"), kept["after"])
    with subject("surgeon.delete_channels"):
        new = delete_channels(model, model.get_layer("pruned"), GONE)
        assert_pruned(new, wanted)
        assert_outputs(new, x, [by_hand])


@check("surgeon.delete_channels.conv1d", "Can filters of a Conv1D layer be deleted?", source=LAYERS, needs=NEEDS)
def of_conv1d():
    from kerassurgeon.operations import delete_channels

    keras = keras_of_surgeon()
    layers = keras.layers
    model = chain(
        keras,
        (9, 2),
        layers.Conv1D(4, 3, activation="relu", name="pruned"),
        layers.MaxPooling1D(2),
        layers.Conv1D(3, 2, name="after"),
    )
    wanted = reference(model, numbers((5, 9, 2), 11), own=last("pruned", 2), incoming=[("after", 0, 1, GONE)])
    with subject("surgeon.delete_channels"):
        assert_pruned(delete_channels(model, model.get_layer("pruned"), GONE), wanted)


@check("surgeon.delete_channels.conv2d", "Can filters of a Conv2D layer be deleted?", source=README, needs=NEEDS)
def of_conv2d():
    from kerassurgeon.operations import delete_channels

    model = conv_to_conv(keras_of_surgeon())
    wanted = reference(model, images(), own=last("pruned", 2), incoming=[("after", 0, 2, GONE)])
    with subject("surgeon.delete_channels"):
        assert_pruned(delete_channels(model, model.get_layer("pruned"), GONE), wanted)


@check("surgeon.delete_channels.conv3d", "Can filters of a Conv3D layer be deleted?", source=LAYERS, needs=NEEDS)
def of_conv3d():
    from kerassurgeon.operations import delete_channels

    keras = keras_of_surgeon()
    layers = keras.layers
    model = chain(
        keras,
        (5, 5, 5, 2),
        layers.Conv3D(4, (2, 2, 2), activation="relu", name="pruned"),
        layers.AveragePooling3D((2, 2, 2)),
        layers.Conv3D(3, (2, 2, 2), name="after"),
    )
    wanted = reference(model, numbers((3, 5, 5, 5, 2), 11), own=last("pruned", 2), incoming=[("after", 0, 3, GONE)])
    with subject("surgeon.delete_channels"):
        assert_pruned(delete_channels(model, model.get_layer("pruned"), GONE), wanted)


@check(
    "surgeon.delete_channels.conv2d_without_bias",
    "Can filters of a Conv2D layer without bias be deleted?",
    source=LAYERS,
    needs=NEEDS,
)
def of_conv2d_without_bias():
    from kerassurgeon.operations import delete_channels

    keras = keras_of_surgeon()
    layers = keras.layers
    model = chain(
        keras,
        (6, 6, 2),
        layers.Conv2D(4, (3, 3), strides=(2, 2), padding="same", use_bias=False, name="pruned"),
        layers.Conv2D(3, (2, 2), use_bias=False, name="after"),
    )
    wanted = reference(model, images(), own=last("pruned", 1), incoming=[("after", 0, 2, GONE)])
    with subject("surgeon.delete_channels"):
        assert_pruned(delete_channels(model, model.get_layer("pruned"), GONE), wanted)


def recurrent(keras, kind):
    """(4 steps, 2) -> `kind` with 4 units, called "pruned" -> `kind` with 3 units, called "after"."""
    layer = getattr(keras.layers, kind)
    return chain(keras, (4, 2), layer(4, return_sequences=True, name="pruned"), layer(3, name="after"))


def recurrent_reference(model, gates):
    """What deleting units GONE gives: in each of `gates` blocks of 4, and in what the layer reads of itself."""
    own = [4 * gate + unit for gate in range(gates) for unit in GONE]
    incoming = [("pruned", 1, 0, GONE), ("after", 0, 0, GONE)]
    return reference(model, numbers((5, 4, 2), 11), own=last("pruned", 3, own), incoming=incoming)


@check("surgeon.delete_channels.simple_rnn", "Can units of a SimpleRNN be deleted?", source=LAYERS, needs=NEEDS)
def of_simple_rnn():
    from kerassurgeon.operations import delete_channels

    model = recurrent(keras_of_surgeon(), "SimpleRNN")
    wanted = recurrent_reference(model, 1)
    with subject("surgeon.delete_channels"):
        assert_pruned(delete_channels(model, model.get_layer("pruned"), GONE), wanted)


@check("surgeon.delete_channels.gru", "Can units of a GRU be deleted?", source=LAYERS, needs=NEEDS)
def of_gru():
    from kerassurgeon.operations import delete_channels

    model = recurrent(keras_of_surgeon(), "GRU")
    wanted = recurrent_reference(model, 3)
    with subject("surgeon.delete_channels"):
        assert_pruned(delete_channels(model, model.get_layer("pruned"), GONE), wanted)


@check("surgeon.delete_channels.lstm", "Can units of an LSTM be deleted?", source=LAYERS, needs=NEEDS)
def of_lstm():
    from kerassurgeon.operations import delete_channels

    model = recurrent(keras_of_surgeon(), "LSTM")
    wanted = recurrent_reference(model, 4)
    with subject("surgeon.delete_channels"):
        assert_pruned(delete_channels(model, model.get_layer("pruned"), GONE), wanted)


@check(
    "surgeon.delete_channels.sequential",
    "Can channels be deleted from a Sequential model?",
    source="seed 000, example 1",
    needs=NEEDS,
)
def from_sequential():
    from kerassurgeon.operations import delete_channels

    keras = keras_of_surgeon()
    layers = keras.layers
    model = keras.models.Sequential([
        layers.Dense(4, activation="relu", input_shape=(6,), name="pruned"),
        layers.Dense(3, activation="softmax", name="after"),
    ])  # fmt: skip
    settle(model)
    wanted = reference(model, numbers((5, 6), 11), own=last("pruned", 2), incoming=[("after", 0, 0, GONE)])
    with subject("surgeon.delete_channels"):
        assert_pruned(delete_channels(model, model.layers[0], GONE), wanted)


@check(
    "surgeon.delete_channels.copy",
    "Does deleting channels with copy=True leave the original model alone?",
    source=CHANNELS,
    needs=NEEDS,
)
def with_copy():
    from kerassurgeon.operations import delete_channels

    keras = keras_of_surgeon()
    layers = keras.layers
    # Nothing of "before" is deleted: without a copy both models would share it.
    before = layers.Conv2D(2, (1, 1), name="before")
    model = chain(keras, (6, 6, 2), before, pruned_conv(keras), layers.Conv2D(3, (2, 2), name="after"))
    x = images()
    wanted = reference(model, x, own=last("pruned", 2), incoming=[("after", 0, 2, GONE)])
    arrays, predicted = weights(model), outputs(model, x)
    with subject("surgeon.delete_channels"):
        new = delete_channels(model, model.get_layer("pruned"), GONE, copy=True)
        assert_pruned(new, wanted)
        for layer in new.layers:
            if layer.get_weights():
                layer.set_weights([w * 0 for w in layer.get_weights()])
        assert_weights(model, arrays)
        assert_outputs(model, x, predicted)


@check(
    "surgeon.delete_channels.original",
    "Does the original model still predict the same after channels were deleted without a copy?",
    source=CHANNELS + ": returns a new Model",
    needs=NEEDS,
)
def leaves_original():
    from kerassurgeon.operations import delete_channels

    model = conv_to_conv(keras_of_surgeon())
    x = images()
    before, predicted = weights(model), outputs(model, x)
    with subject("surgeon.delete_channels"):
        new = delete_channels(model, model.get_layer("pruned"), GONE)
        expect(new is not model, "the model itself came back")
        expect(new.get_layer("pruned").get_weights()[1].shape == (2,), "no channel was deleted")
        assert_weights(model, before)
        assert_outputs(model, x, predicted)
