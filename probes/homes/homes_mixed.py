"""Two Kerases in one program: do models, layers, optimizers and callbacks of one work in the other?"""

import importlib
import importlib.util

from harness import behaviour, skip, subject
from homes import PATHS, keras_at
from synthetic import eager


def _fits(models, layers, optimizer="sgd", callbacks=(), loss="mse"):
    """Fits a Sequential of `models` whose layers come from `layers`. Returns "fits", or where what was raised."""
    import numpy as np

    step = "build"
    try:
        model = models.Sequential([layers.Dense(2, input_shape=(2,)), layers.Dense(1)])
        model.set_weights([np.full(weight.shape, 0.1, "float32") for weight in model.get_weights()])
        step = "compile"
        model.compile(optimizer() if callable(optimizer) else optimizer, loss() if callable(loss) else loss)
        step = "fit"
        history = model.fit(
            np.ones((4, 2), "float32"),
            np.ones((4, 1), "float32"),
            epochs=2,
            verbose=0,
            callbacks=[make() for make in callbacks],
        )
        return "fits" if history.history["loss"][1] < history.history["loss"][0] else "does not learn"
    except Exception as error:
        return "%s: %s" % (step, type(error).__name__)


def _both(other):
    """(tf.keras, the Keras at `other`), or skips where there is none; for what is mixed, not for what is there."""
    try:
        return keras_at("tf.keras"), keras_at(other)
    except Exception as error:
        skip("%s can't be imported: %s" % (other, type(error).__name__))


@behaviour(
    "homes.mixed.keras_layers",
    "Do keras layers in a tf.keras model train, and tf.keras layers in a keras model?",
    source="seed 004 example 1, tensorflow/tensorflow issue 50249 (mixed keras imports, untracked variables)",
    needs=("tensorflow",),
)
def keras_layers():
    tf_keras, keras = _both("keras")
    with subject("keras.layers in tf.keras"):
        return {
            "keras layers in a tf.keras model": _fits(tf_keras, keras.layers),
            "tf.keras layers in a keras model": _fits(keras, tf_keras.layers),
        }


@behaviour(
    "homes.mixed.python_keras_layers",
    "Do tensorflow.python.keras layers in a tf.keras model train, and the other way round?",
    source="seed 002 (incompatible backend usage), tensorflow/tensorflow issue 50249 (mixed keras imports)",
    needs=("tensorflow",),
)
def python_keras_layers():
    tf_keras, python_keras = _both("tensorflow.python.keras")
    with subject("tensorflow.python.keras layers in tf.keras"):
        return {
            "tensorflow.python.keras layers in a tf.keras model": _fits(tf_keras, python_keras.layers),
            "tf.keras layers in a tensorflow.python.keras model": _fits(python_keras, tf_keras.layers),
        }


@behaviour(
    "homes.mixed.python_keras_alone",
    "Does a model made of tensorflow.python.keras alone still train?",
    source="seed 002 (outdated layer implementations)",
    needs=("tensorflow",),
)
def python_keras_alone():
    python_keras = _both("tensorflow.python.keras")[1]
    with subject("tensorflow.python.keras"):
        return _fits(python_keras, python_keras.layers)


@behaviour(
    "homes.mixed.optimizer_loss_callback",
    "Does a tf.keras model train with an optimizer, a loss or a callback of keras or of tensorflow.python.keras?",
    source="seed 002 (using both keras and tensorflow in the same environment)",
    needs=("tensorflow",),
)
def optimizer_loss_callback():
    tf_keras = keras_at("tf.keras")
    found = {}
    with subject("mixed optimizer, loss and callback"):
        for path in ("keras", "tensorflow.python.keras"):
            try:
                other = keras_at(path)
                kinds = {
                    "optimizer": {"optimizer": lambda other=other: _sgd(other)},
                    "loss": {"loss": other.losses.MeanSquaredError},
                    "callback": {"callbacks": (other.callbacks.TerminateOnNaN,)},
                }
            except Exception as error:
                found[path] = type(error).__name__
                continue
            found[path] = {name: _fits(tf_keras, tf_keras.layers, **kinds[name]) for name in sorted(kinds)}
        return found


def _sgd(keras):
    """An SGD of the given Keras; tensorflow.python.keras has the class in a module of its own in some versions."""
    kind = getattr(keras.optimizers, "SGD", None)
    if kind is None:
        kind = importlib.import_module(keras.__name__ + ".optimizer_v2.gradient_descent").SGD
    return kind(0.1)


@behaviour(
    "homes.mixed.isinstance",
    "Is a tf.keras model an instance of keras.Model and tensorflow.python.keras.Model, and a layer of their Layer?",
    source="seed 000 (KerasSurgeon's functionality relies heavily on the underlying Keras API)",
    needs=("tensorflow",),
)
def instances():
    tf_keras = keras_at("tf.keras")
    model = tf_keras.Sequential([tf_keras.layers.Dense(1, input_shape=(2,))])
    found = {}
    with subject("isinstance"):
        for path in PATHS:
            try:
                keras = keras_at(path)
                found[path] = [isinstance(model, keras.Model), isinstance(model.layers[0], keras.layers.Layer)]
            except Exception as error:
                found[path] = type(error).__name__
        return found


@behaviour(
    "homes.mixed.weights_and_json",
    "Do a tf.keras model's weights, its JSON and its HDF5 file go into a keras and a tensorflow.python.keras model?",
    source="seed 002 (switching from Keras to tf.keras)",
    needs=("tensorflow",),
)
def weights_and_json():
    import os
    import tempfile

    import numpy as np
    import tensorflow as tf

    eager(tf)
    x = np.ones((1, 2), "float32")
    model = tf.keras.Sequential([tf.keras.layers.Dense(1, input_shape=(2,))])
    path = os.path.join(tempfile.mkdtemp(), "model.h5")
    model.save(path)
    wanted = float(np.array(model(x))[0, 0])
    found = {}

    def outcome(make):
        try:
            return "same" if abs(float(np.array(make().predict(x))[0, 0]) - wanted) < 1e-5 else "differs"
        except Exception as error:
            return type(error).__name__

    def from_json(keras):
        made = keras.models.model_from_json(model.to_json())
        made.set_weights(model.get_weights())
        return made

    with subject("model_from_json, load_model"):
        for name in ("keras", "tensorflow.python.keras"):
            try:
                keras = keras_at(name)
            except Exception as error:
                found[name] = type(error).__name__
                continue
            found[name] = {
                "model_from_json and set_weights": outcome(lambda keras=keras: from_json(keras)),
                "load_model": outcome(lambda keras=keras: keras.models.load_model(path, compile=False)),
            }
        return found


@behaviour(
    "homes.mixed.tf_keras_package",
    "Where the tf_keras package is installed: is tf.keras that package, and do the two mix?",
    source="TensorFlow 2.16 release notes (tf_keras, TF_USE_LEGACY_KERAS)",
    needs=("tensorflow",),
)
def tf_keras_package():
    if importlib.util.find_spec("tf_keras") is None:
        skip("tf_keras is not installed here")
    tf_keras = keras_at("tf.keras")
    with subject("tf_keras"):
        package = importlib.import_module("tf_keras")
        return {
            "is tf.keras": package.Model is tf_keras.Model,
            "alone": _fits(package, package.layers),
            "its layers in a tf.keras model": _fits(tf_keras, package.layers),
            "tf.keras layers in its model": _fits(package, tf_keras.layers),
        }
