"""Saving and loading: does what was saved come back, with its weights, its predictions and its training state?"""

import os
import tempfile

from harness import assert_close, behaviour, check, expect, subject
from synthetic import eager, seeded


def trained(tf):
    """(model, x, y): a small compiled model after two epochs, and its data."""
    import numpy as np

    seeded(tf)
    x = np.random.RandomState(0).normal(size=(32, 6)).astype("float32")
    y = np.random.RandomState(1).normal(size=(32, 2)).astype("float32")
    model = built(tf)
    model.fit(x, y, epochs=2, batch_size=8, verbose=0)
    return model, x, y


def built(tf):
    """The untrained, compiled model of `trained`."""
    model = tf.keras.Sequential(
        [
            tf.keras.layers.Dense(8, activation="relu", input_shape=(6,)),
            tf.keras.layers.BatchNormalization(),
            tf.keras.layers.Dense(2),
        ]
    )
    model.compile(optimizer=tf.keras.optimizers.Adam(0.01), loss="mse")
    return model


def place(name):
    """Path of a file or folder to be, in a new temporary folder."""
    return os.path.join(tempfile.mkdtemp(), name)


def same(model, loaded, x):
    """AssertionError unless both have the same weights and predict the same."""
    before, after = model.get_weights(), loaded.get_weights()
    expect(len(before) == len(after), "%d weights were saved, %d came back" % (len(before), len(after)))
    for i, (one, other) in enumerate(zip(before, after)):  # noqa: B905 - strict= is too new
        assert_close(other, one, what="weight %d" % i)
    assert_close(loaded.predict(x), model.predict(x), rtol=1e-4, atol=1e-5, what="predictions")


@check(
    "tensorflow.save.h5",
    "Does a model saved as HDF5 (.h5) come back the same?",
    source="seed 003 statement 3 (saving and loading)",
    needs=("tensorflow",),
)
def save_h5():
    import tensorflow as tf

    model, x, _ = trained(tf)
    path = place("model.h5")
    with subject("save and load_model (.h5)"):
        model.save(path)
        same(model, tf.keras.models.load_model(path, compile=False), x)


@check(
    "tensorflow.save.h5_compiled",
    "Does a compiled model saved as HDF5 come back compiled, with mse as its loss?",
    source="seed 003 example 2 (loss='mse', saved, loaded elsewhere)",
    needs=("tensorflow",),
)
def save_h5_compiled():
    import tensorflow as tf

    model, x, y = trained(tf)
    path = place("model.h5")
    with subject("save and load_model (.h5, compiled)"):
        model.save(path)
        loaded = tf.keras.models.load_model(path)
        assert_close(float(loaded.evaluate(x, y, verbose=0)), float(model.evaluate(x, y, verbose=0)), what="loss")


@check(
    "tensorflow.save.keras_file",
    "Does a model saved as 'model.keras' come back the same?",
    source="Keras guide, whole-model saving and loading",
    needs=("tensorflow",),
)
def save_keras_file():
    import tensorflow as tf

    model, x, _ = trained(tf)
    path = place("model.keras")
    with subject("save and load_model (.keras)"):
        model.save(path)
        same(model, tf.keras.models.load_model(path), x)


@check(
    "tensorflow.save.optimizer_state",
    "Does training go on after loading as if there had been no save?",
    source="seed 003 statement 3 (silent incompatibilities)",
    needs=("tensorflow",),
)
def save_optimizer_state():
    import tensorflow as tf

    model, x, y = trained(tf)
    path = place("model.keras")
    with subject("save and load_model (optimizer state)"):
        model.save(path)
        loaded = tf.keras.models.load_model(path)
        for one in (model, loaded):
            one.fit(x, y, epochs=2, batch_size=8, shuffle=False, verbose=0)
        for i, (a, b) in enumerate(zip(model.get_weights(), loaded.get_weights())):  # noqa: B905
            assert_close(b, a, rtol=1e-3, atol=1e-4, what="weight %d after more training" % i)


@check(
    "tensorflow.save.saved_model",
    "Does tf.saved_model.save write a model whose serving signature predicts the same?",
    source="TensorFlow guide, using the SavedModel format",
    needs=("tensorflow",),
)
def save_saved_model():
    import tensorflow as tf

    eager(tf)
    model, x, _ = trained(tf)
    path = place("model")
    with subject("tf.saved_model"):
        tf.saved_model.save(model, path)
        loaded = tf.compat.v2.saved_model.load(path)
        outputs = loaded.signatures["serving_default"](tf.constant(x))
        expect(len(outputs) == 1, "the signature has %d outputs" % len(outputs))
        assert_close(list(outputs.values())[0], model.predict(x), rtol=1e-4, atol=1e-5, what="predictions")


@check(
    "tensorflow.save.weights",
    "Do saved weights come back in a new model of the same shape?",
    source="seed 003 example 2 (saving and loading model weights)",
    needs=("tensorflow",),
)
def save_weights():
    import tensorflow as tf

    model, x, _ = trained(tf)
    other = built(tf)
    path = place("model.weights.h5")
    with subject("save_weights and load_weights"):
        model.save_weights(path)
        other.load_weights(path)
        same(model, other, x)


@check(
    "tensorflow.save.checkpoint",
    "Does tf.train.Checkpoint bring a model's weights back?",
    source="TensorFlow guide, training checkpoints",
    needs=("tensorflow",),
)
def save_checkpoint():
    import tensorflow as tf

    eager(tf)
    model, x, _ = trained(tf)
    other = built(tf)
    prefix = place("ckpt")
    with subject("tf.train.Checkpoint"):
        path = tf.train.Checkpoint(model=model).save(prefix)
        tf.train.Checkpoint(model=other).restore(path)
        same(model, other, x)


@check(
    "tensorflow.save.custom_layer",
    "Does a custom layer with get_config and weights survive save and load?",
    source="seed 004 example 3 (custom layer with get_config)",
    needs=("tensorflow",),
)
def save_custom_layer():
    import numpy as np
    import tensorflow as tf

    class Scaled(tf.keras.layers.Layer):
        def __init__(self, units=32, factor=1.0, **kwargs):
            super(Scaled, self).__init__(**kwargs)
            self.units = units
            self.factor = factor

        def build(self, input_shape):
            self.w = self.add_weight(
                name="w", shape=(input_shape[-1], self.units), initializer="random_normal", trainable=True
            )
            super(Scaled, self).build(input_shape)

        def call(self, inputs):
            return tf.matmul(inputs, self.w) * self.factor

        def get_config(self):
            config = super(Scaled, self).get_config()
            config.update({"units": self.units, "factor": self.factor})
            return config

    seeded(tf)
    x = np.random.RandomState(0).normal(size=(5, 4)).astype("float32")
    path = place("model.h5")
    with subject("save and load_model (custom layer)"):
        model = tf.keras.Sequential([tf.keras.layers.Dense(4, input_shape=(4,)), Scaled(3, factor=2.5)])
        model.save(path)
        loaded = tf.keras.models.load_model(path, custom_objects={"Scaled": Scaled}, compile=False)
        expect(loaded.layers[-1].units == 3, "units came back as %r" % loaded.layers[-1].units)
        assert_close(loaded.layers[-1].factor, 2.5, what="factor")
        same(model, loaded, x)


@check(
    "tensorflow.save.architecture",
    "Does a model rebuilt from its JSON have the same layers and take the same weights?",
    source="Keras guide, saving the architecture",
    needs=("tensorflow",),
)
def save_architecture():
    import tensorflow as tf

    model, x, _ = trained(tf)
    with subject("to_json and model_from_json"):
        other = tf.keras.models.model_from_json(model.to_json())
        names = [layer.name for layer in model.layers]
        expect([layer.name for layer in other.layers] == names, "layers came back under other names")
        other.set_weights(model.get_weights())
        same(model, other, x)


def _kind(path):
    """What lies at `path`, by its first bytes: "hdf5", "zip", "folder", "nothing" or "other"."""
    if os.path.isdir(path):
        return "folder"
    if not os.path.exists(path):
        return "nothing"
    with open(path, "rb") as file:
        start = file.read(8)
    if start.startswith(b"\x89HDF"):
        return "hdf5"
    return "zip" if start.startswith(b"PK") else "other"


@behaviour(
    "tensorflow.save.writes",
    "What does model.save write, by its bytes, for each way to name the target?",
    source="seed 003 example 2",
    needs=("tensorflow",),
)
def save_writes():
    import tensorflow as tf

    model, _, _ = trained(tf)
    found = {}
    for name in ("model", "model.h5", "model.keras", "model.tf"):
        path = place(name)
        try:
            model.save(path)
        except Exception as error:
            found[name] = {"raised": type(error).__name__}
        else:
            found[name] = _kind(path)
    return found


@behaviour(
    "tensorflow.save.folder_comes_back",
    "Does model.save('folder') followed by load_model('folder') give the same model?",
    source="seed 003 example 2",
    needs=("tensorflow",),
)
def save_folder_comes_back():
    import tensorflow as tf

    model, x, _ = trained(tf)
    path = place("model_28")
    with subject("save and load_model (no extension)"):
        model.save(path)
        same(model, tf.keras.models.load_model(path), x)
    return "the same"
