"""What the surgeon probes share: small models with seeded weights and what they must be after an operation.

The references never go through KerasSurgeon: expected weights are the original's with slices taken out by numpy,
expected outputs are the original evaluated with everything that reads the removed channels set to zero.

A *cut* is (layer name, index of the array in `layer.get_weights()`, axis, indices along that axis).
"""

from harness import assert_close, expect

NEEDS = ("tensorflow", "kerassurgeon")
README = "https://github.com/BenWhetton/keras-surgeon README, Usage"
LAYERS = "kerassurgeon.surgeon.Surgeon._apply_delete_mask: the layer types it handles by name"
CHANNELS = "kerassurgeon.operations.delete_channels, docstring"
GONE = [0, 2]
"""The channels that the probes delete of a layer with four."""

RTOL = 1e-4
ATOL = 1e-5
"""float32 sums of fewer than 200 products of numbers around 1, added up in another order."""


def keras_of_surgeon():
    """The Keras module whose classes KerasSurgeon itself uses: `tensorflow.keras`, or standalone `keras`.

    Found by asking whose `Model` it builds: 0.1.3 and older import `keras`, 0.2.0 `tensorflow.keras`.
    """
    import importlib

    import tensorflow
    from kerassurgeon import surgeon

    for name in ("tensorflow.keras", "keras"):
        keras = tensorflow.keras if name == "tensorflow.keras" else importlib.import_module(name)
        if keras.models.Model is surgeon.Model:
            return keras
    raise LookupError("neither tensorflow.keras nor keras has the Model of kerassurgeon: %r" % (surgeon.Model,))


# ---------------------------------------------------------------- models and data


def numbers(shape, seed):
    """float32 array of `shape`, uniform in [-1, 1), the same on every machine and numpy."""
    import numpy as np

    return np.random.RandomState(seed).uniform(-1.0, 1.0, size=shape).astype("float32")


def settle(model, seed=7):
    """Gives every weight of `model` a seeded value (those of BatchNormalization positive) and returns the model."""
    for position, layer in enumerate(model.layers):
        arrays = [numbers(w.shape, seed + 100 * position + i) for i, w in enumerate(layer.get_weights())]
        if type(layer).__name__ == "BatchNormalization":
            arrays = [1.0 + a / 2 for a in arrays]
        if arrays:
            layer.set_weights(arrays)
    return model


def chain(keras, shape, *layers):
    """A settled functional model: an input of `shape` (without the batch) and `layers` one after another."""
    start = keras.layers.Input(shape=shape)
    tensor = start
    for layer in layers:
        tensor = layer(tensor)
    return settle(keras.models.Model(start, tensor))


def pruned_conv(keras, name="pruned"):
    """Conv2D with four 3x3 filters and relu: the layer whose channels the two-dimensional probes delete."""
    return keras.layers.Conv2D(4, (3, 3), activation="relu", name=name)


def conv_to_conv(keras, *between):
    """(6, 6, 2) -> the pruned Conv2D (4, 4, 4) -> `between` -> a Conv2D called "after" with 2x2 filters."""
    after = keras.layers.Conv2D(3, (2, 2), name="after")
    return chain(keras, (6, 6, 2), pruned_conv(keras), *(tuple(between) + (after,)))


def conv_to_dense(keras, *between):
    """(6, 6, 2) -> the pruned Conv2D (4, 4, 4) -> `between` -> a Dense called "after"."""
    return chain(keras, (6, 6, 2), pruned_conv(keras), *(tuple(between) + (keras.layers.Dense(3, name="after"),)))


def images(batch=5):
    return numbers((batch, 6, 6, 2), 11)


def outputs(model, x):
    """What `model` predicts for `x`: a list with an array per output."""
    found = model.predict(x, verbose=0)
    return list(found) if isinstance(found, (list, tuple)) else [found]


def weights(model):
    """{layer name: its arrays}, layers without weights left out."""
    return dict((layer.name, layer.get_weights()) for layer in model.layers if layer.get_weights())


# ---------------------------------------------------------------- what must come out


def last(name, arrays, indices=None):
    """Cuts of the last axis of the first `arrays` arrays of a layer: the channels it makes."""
    return [(name, i, -1, GONE if indices is None else indices) for i in range(arrays)]


def flattened(gone, positions, channels):
    """Which entries of a flattened channels-last tensor belong to the channels `gone`."""
    return [position * channels + channel for position in range(positions) for channel in gone]


def _without(array, axis, indices):
    import numpy as np

    kept = [i for i in range(array.shape[axis]) if i not in set(indices)]
    return np.take(array, kept, axis=axis)


def _silenced(array, axis, indices):
    import numpy as np

    array = np.array(array)
    where = [slice(None)] * array.ndim
    where[axis] = list(indices)
    array[tuple(where)] = 0.0
    return array


def _edited(arrays, cuts, edit):
    """`arrays` with `edit` applied for each cut; cuts of one array must be along different axes."""
    edited = dict((name, list(values)) for name, values in arrays.items())
    for name, index, axis, indices in cuts:
        edited[name][index] = edit(edited[name][index], axis, indices)
    return edited


def reference(model, x, own, incoming):
    """What deleting channels must give: {"weights": {layer: arrays}, "outputs": [arrays], "x": x}.

    `own` are the cuts of the arrays that make the deleted channels, `incoming` those of the arrays that read them.
    Leaves the model as it was.
    """
    before = weights(model)
    kept = _edited(before, list(own) + list(incoming), _without)
    for name, arrays in _edited(before, incoming, _silenced).items():
        model.get_layer(name).set_weights(arrays)
    silent = outputs(model, x)
    for name, arrays in before.items():
        model.get_layer(name).set_weights(arrays)
    return {"weights": kept, "outputs": silent, "x": x}


def assert_outputs(model, x, wanted):
    """The model's predictions are the arrays `wanted`: same number, shapes and values."""
    found = outputs(model, x)
    expect(len(found) == len(wanted), "%d outputs, expected %d" % (len(found), len(wanted)))
    for position, (got, should) in enumerate(zip(found, wanted)):  # noqa: B905 - strict= is too new
        assert_close(got, should, rtol=RTOL, atol=ATOL, what="output %d" % position)


def assert_weights(model, wanted):
    """The model has exactly the layers with weights that `wanted` names, with these arrays, unchanged to the bit."""
    found = weights(model)
    expect(sorted(found) == sorted(wanted), "layers with weights: %s, expected %s" % (sorted(found), sorted(wanted)))
    for name in sorted(wanted):
        expect(len(found[name]) == len(wanted[name]), "%s has %d arrays" % (name, len(found[name])))
        for index, (got, should) in enumerate(zip(found[name], wanted[name])):  # noqa: B905 - strict= is too new
            assert_close(got, should, rtol=0, atol=0, what="weights[%d] of %s" % (index, name))


def assert_pruned(model, wanted):
    """`model` is what `reference` says it must be: kept weights to the bit, outputs within RTOL and ATOL."""
    assert_weights(model, wanted["weights"])
    assert_outputs(model, wanted["x"], wanted["outputs"])


def dense(x, arrays, activation=None):
    """A Dense layer in numpy; `activation` None or "relu"."""
    import numpy as np

    y = np.dot(x, arrays[0]) + arrays[1]
    return np.maximum(y, 0) if activation == "relu" else y
