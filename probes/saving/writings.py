"""The model files below `written/` (see `written/write.py`), unpacked, and what to ask of them."""

import json
import os
import tempfile
import zipfile

from harness import assert_close, expect
from saved import answers, fixed, rows, tried

HERE = os.path.dirname(os.path.abspath(__file__))


class Written(object):
    """What one TensorFlow version wrote: its files unpacked in a new folder, and what its models answered."""

    def __init__(self, version):
        folder = os.path.join(HERE, "written", version)
        with open(os.path.join(folder, "expected.json")) as file:
            self.answers = json.load(file)["answers"]
        self.folder = tempfile.mkdtemp()
        with zipfile.ZipFile(os.path.join(folder, "models.zip")) as archive:
            archive.extractall(self.folder)

    def path(self, name):
        return os.path.join(self.folder, *name.split("/"))

    def inputs(self, name):
        return rows(*self.answers[name]["shape"])

    def expected(self, name):
        return self.answers[name]["predictions"]


def answers_as_written(model, old, name):
    """AssertionError unless the model answers as the one that was written to the file `name`."""
    found = answers(model, old.inputs(name))[0]
    assert_close(found, old.expected(name), rtol=1e-3, atol=1e-4, what="predictions")


def _agrees(model, old, name):
    answers_as_written(model, old, name)
    return True


def _trains(tf, model, old, name):
    """Whether one step of training, compiled as loaded or anew with SGD, changes the weights and keeps them finite."""
    import numpy as np

    if getattr(model, "optimizer", None) is None:
        model.compile(optimizer=tf.keras.optimizers.SGD(0.01), loss="mean_squared_error")
    model.run_eagerly = True
    before = [weight.copy() for weight in model.get_weights()]
    model.train_on_batch(old.inputs(name), np.zeros(np.shape(old.expected(name)), "float32"))
    after = model.get_weights()
    expect(all(np.isfinite(weight).all() for weight in after), "weights are no longer finite")
    return any((one != other).any() for one, other in zip(before, after))  # noqa: B905 - strict= is too new


def uses(tf, model, old, name):
    """What a loaded model is good for: {"same_predictions": true, "trains_on": true}, or what went wrong with which."""
    return {
        "loads": True,
        "same_predictions": tried(_agrees, model, old, name),
        "trains_on": tried(_trains, tf, model, old, name),
    }


def rebuilt(tf):
    """The model of dense.h5, made anew by this version, with weights of its own."""
    layers = tf.keras.layers
    model = tf.keras.Sequential(
        [layers.Dense(4, activation="relu", input_shape=(3,), name="first"), layers.Dense(2, name="second")]
    )
    return fixed(model, 0.25)


def scaled(tf):
    """The custom layer of scaled.h5, as a custom_objects dictionary."""

    class Scaled(tf.keras.layers.Layer):
        def __init__(self, units=2, factor=1.0, **kwargs):
            super(Scaled, self).__init__(**kwargs)
            self.units, self.factor = units, factor

        def build(self, input_shape):
            self.w = self.add_weight(name="w", shape=(int(input_shape[-1]), self.units), initializer="ones")

        def call(self, inputs):
            return tf.matmul(inputs, self.w) * self.factor

        def get_config(self):
            return dict(super(Scaled, self).get_config(), units=self.units, factor=self.factor)

    return {"Scaled": Scaled}


def errors(tf):
    """The loss and the metric of compiled.h5 by the names in the file, as a custom_objects dictionary."""
    return {
        "mse": lambda wanted, found: tf.reduce_mean(tf.square(wanted - found), axis=-1),
        "mae": lambda wanted, found: tf.reduce_mean(tf.abs(wanted - found), axis=-1),
    }
