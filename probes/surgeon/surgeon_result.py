"""What the result of an operation is good for: saving, loading, training, and the published example."""

from harness import assert_close, check, expect, subject
from surgeon_models import (
    ATOL,
    GONE,
    NEEDS,
    RTOL,
    assert_outputs,
    assert_pruned,
    chain,
    conv_to_conv,
    dense,
    images,
    keras_of_surgeon,
    last,
    numbers,
    outputs,
    reference,
    settle,
)


@check(
    "surgeon.result.save_load",
    "Can a model be saved to HDF5 and loaded back after channels were deleted?",
    source="seed 000, example 1: operate() gives a model to go on with",
    needs=NEEDS,
)
def save_load():
    import os
    import tempfile

    from kerassurgeon.operations import delete_channels

    keras = keras_of_surgeon()
    model = conv_to_conv(keras, keras.layers.BatchNormalization(name="norm"))
    own = last("pruned", 2) + last("norm", 4)
    wanted = reference(model, images(), own=own, incoming=[("after", 0, 2, GONE)])
    path = os.path.join(tempfile.mkdtemp(), "pruned.h5")
    with subject("surgeon.delete_channels, save, load_model"):
        delete_channels(model, model.get_layer("pruned"), GONE).save(path)
        expect(os.path.getsize(path) > 0, "save wrote nothing")
        assert_pruned(keras.models.load_model(path), wanted)


@check(
    "surgeon.result.loaded_model",
    "Can channels be deleted from a model that was loaded from a file?",
    source="keras-surgeon examples: load_model, then delete_channels",
    needs=NEEDS,
)
def operate_on_loaded():
    import os
    import tempfile

    from kerassurgeon.operations import delete_channels

    keras = keras_of_surgeon()
    model = conv_to_conv(keras)
    wanted = reference(model, images(), own=last("pruned", 2), incoming=[("after", 0, 2, GONE)])
    path = os.path.join(tempfile.mkdtemp(), "original.h5")
    model.save(path)
    loaded = keras.models.load_model(path)
    with subject("surgeon.delete_channels"):
        assert_pruned(delete_channels(loaded, loaded.get_layer("pruned"), GONE), wanted)


@check(
    "surgeon.result.train",
    "Does training after deleting channels do what training the small model does?",
    source="seed 000, example 1: operate() gives a model to go on with",
    needs=NEEDS,
)
def train_after():
    import numpy as np
    from kerassurgeon.operations import delete_channels

    keras = keras_of_surgeon()
    layers = keras.layers
    model = chain(keras, (6,), layers.Dense(4, activation="relu", name="pruned"), layers.Dense(3, name="after"))
    x, y = numbers((8, 6), 11), numbers((8, 3), 12)
    kept = reference(model, x, own=last("pruned", 2), incoming=[("after", 0, 0, GONE)])["weights"]
    # One step of gradient descent (rate 0.1) on the mean squared error, by hand.
    hidden = dense(x, kept["pruned"], "relu")
    error = 2.0 * (dense(hidden, kept["after"]) - y) / y.size
    back = np.dot(error, kept["after"][0].T) * (hidden > 0)
    stepped = {
        "pruned": [kept["pruned"][0] - 0.1 * np.dot(x.T, back), kept["pruned"][1] - 0.1 * back.sum(axis=0)],
        "after": [kept["after"][0] - 0.1 * np.dot(hidden.T, error), kept["after"][1] - 0.1 * error.sum(axis=0)],
    }
    with subject("surgeon.delete_channels, fit"):
        new = delete_channels(model, model.get_layer("pruned"), GONE, copy=True)
        new.compile(optimizer=keras.optimizers.SGD(0.1), loss="mse")
        history = new.fit(x, y, batch_size=8, epochs=1, verbose=0)
        expect(np.isfinite(history.history["loss"]).all(), "loss %r" % history.history["loss"])
        for name in sorted(stepped):
            for got, should in zip(new.get_layer(name).get_weights(), stepped[name]):  # noqa: B905 - strict= is too new
                assert_close(got, should, rtol=RTOL, atol=ATOL, what="%s after one step" % name)


@check(
    "surgeon.result.prune_lenet",
    "Does the published example work: train, find dead channels, delete them, train on (a small LeNet)?",
    source="keras-surgeon examples/lenet_mnist.py",
    needs=NEEDS,
    seconds=60,
)
def prune_lenet():
    import numpy as np
    from kerassurgeon import identify
    from kerassurgeon.operations import delete_channels

    keras = keras_of_surgeon()
    layers = keras.layers
    model = keras.models.Sequential([
        layers.Conv2D(4, (3, 3), activation="relu", input_shape=(12, 12, 1), name="conv_1"),
        layers.MaxPooling2D(),
        layers.Conv2D(4, (2, 2), activation="relu", name="conv_2"),
        layers.MaxPooling2D(),
        layers.Flatten(),
        layers.Dense(6, activation="relu", name="dense_1"),
        layers.Dense(3, activation="softmax", name="dense_2"),
    ])  # fmt: skip
    settle(model)
    kernel, bias = model.get_layer("conv_2").get_weights()
    bias[:] = 1e2
    bias[GONE] = -1e3  # relu never lets these two through, and always the others: deleting them must change nothing
    model.get_layer("conv_2").set_weights([kernel, bias])
    kernel, bias = model.get_layer("dense_1").get_weights()
    model.get_layer("dense_1").set_weights([kernel / 100, bias])  # keeps the softmax away from 0 and 1
    x, y = numbers((20, 12, 12, 1), 11), np.eye(3, dtype="float32")[np.arange(20) % 3]
    model.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, y, epochs=1, verbose=0)
    before = outputs(model, x)
    with subject("surgeon.prune"):
        apoz = identify.get_apoz(model, model.get_layer("conv_2"), x)
        dead = identify.high_apoz(apoz, "absolute")
        expect(sorted(int(i) for i in dead) == GONE, "dead channels %r, expected %r" % (dead, GONE))
        new = delete_channels(model, model.get_layer("conv_2"), dead)
        expect(new.get_layer("conv_2").get_weights()[0].shape == (2, 2, 4, 2), "the filters are still there")
        assert_outputs(new, x, before)
        new.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"])
        loss = new.fit(x, y, epochs=2, verbose=0).history["loss"]
        expect(np.isfinite(loss).all() and loss[1] != loss[0], "losses %r" % (loss,))
