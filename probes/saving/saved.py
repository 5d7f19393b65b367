"""Small models of every kind with fixed weights, a place to save them to, and what came of it."""

import os
import tempfile

from harness import assert_close, expect


def place(name):
    """Path of a file or folder to be, in a new temporary folder."""
    return os.path.join(tempfile.mkdtemp(), name)


def rows(*shape):
    """A float32 array of this shape with fixed numbers between -1 and 1."""
    import numpy as np

    return np.cos(np.arange(np.prod(shape)) * 0.7).reshape(shape).astype("float32")


def fixed(model, shift=0.0):
    """The model, with fixed numbers between 0.1 and 0.9 (plus `shift`) as its weights."""
    import numpy as np

    model.set_weights(
        [
            (0.5 + shift + 0.4 * np.sin(np.arange(weight.size) + i)).reshape(weight.shape).astype("float32")
            for i, weight in enumerate(model.get_weights())
        ]
    )
    return model


def dense(tf, units=4, shift=0.0):
    """A Sequential model of two Dense layers called "first" and "second", 3 numbers in, 2 out."""
    layers = tf.keras.layers
    model = tf.keras.Sequential(
        [layers.Dense(units, activation="relu", input_shape=(3,), name="first"), layers.Dense(2, name="second")]
    )
    return fixed(model, shift)


def compiled(tf, **options):
    """`dense`, compiled with Adam and mean squared error (`options` add to it), trained for two steps."""
    model = dense(tf)
    given = {"optimizer": tf.keras.optimizers.Adam(0.01), "loss": "mean_squared_error", "run_eagerly": True}
    given.update(options)
    model.compile(**given)
    for _ in range(2):
        model.train_on_batch(rows(4, 3), rows(4, 2))
    return model


def answers(model, *inputs):
    """What the model answers in inference, as a list of arrays, without `predict` (which compiles a function)."""
    import numpy as np
    import tensorflow as tf

    tensors = [tf.constant(x) for x in inputs]
    found = model(tensors[0] if len(tensors) == 1 else tensors, training=False)
    if isinstance(found, dict):
        found = [found[key] for key in sorted(found)]
    return [np.asarray(one) for one in (found if isinstance(found, (list, tuple)) else [found])]


def same(model, loaded, *inputs):
    """AssertionError unless both have the same weights and the same answers."""
    before, after = model.get_weights(), loaded.get_weights()
    expect(len(before) == len(after), "%d weights were saved, %d came back" % (len(before), len(after)))
    for i, (one, other) in enumerate(zip(before, after)):  # noqa: B905 - strict= is too new
        assert_close(other, one, what="weight %d" % i)
    wanted, got = answers(model, *inputs), answers(loaded, *inputs)
    expect(len(wanted) == len(got), "%d outputs were saved, %d came back" % (len(wanted), len(got)))
    for one, other in zip(wanted, got):  # noqa: B905
        assert_close(other, one, rtol=1e-4, atol=1e-5, what="answers")


def tried(function, *arguments, **named):
    """What the call returns, or the type of what it raised as {"raised": name}."""
    try:
        return function(*arguments, **named)
    except Exception as error:
        return {"raised": type(error).__name__}


def comes_back(tf, model, name, *inputs, **options):
    """ "the same", "differs" or what was raised and by what ("save" or "load"): saved as `name`, then loaded."""
    path = place(name)
    try:
        model.save(path)
    except Exception as error:
        return "save: " + type(error).__name__
    try:
        loaded = tf.keras.models.load_model(path, **options)
    except Exception as error:
        return "load: " + type(error).__name__
    try:
        same(model, loaded, *inputs)
    except AssertionError:
        return "differs"
    return "the same"


def written(path):
    """What lies at `path`, by its first bytes or its files' names."""
    if os.path.isdir(path):
        return "SavedModel" if os.path.exists(os.path.join(path, "saved_model.pb")) else "folder"
    if not os.path.exists(path):
        return "checkpoint" if os.path.exists(path + ".index") else "nothing"
    with open(path, "rb") as file:
        start = file.read(8)
    if start.startswith(b"\x89HDF"):
        return "hdf5"
    return "zip" if start.startswith(b"PK") else "other"
