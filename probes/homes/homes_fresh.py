"""What decides which Keras and which backend one gets: environment variables, keras.json, the order of imports.

Each runs in a process of its own and imports as its question says.
"""

import json
import os
import sys
import tempfile

from harness import behaviour, subject


class Heard(object):
    """What is written to the process's standard error while the block runs, by Python or by C++, as `text`."""

    def __enter__(self):
        self.text = ""
        sys.stderr.flush()
        self.kept = os.dup(2)
        self.file = tempfile.TemporaryFile()
        os.dup2(self.file.fileno(), 2)
        return self

    def __exit__(self, kind, exception, traceback):
        sys.stderr.flush()
        os.dup2(self.kept, 2)
        os.close(self.kept)
        self.file.seek(0)
        self.text = self.file.read().decode("utf-8", "replace")
        self.file.close()
        return False


def _settings(keras):
    backend = keras.backend
    return {
        "backend": backend.backend() if hasattr(backend, "backend") else "none",
        "floatx": backend.floatx(),
        "epsilon": round(float(backend.epsilon()), 9),
        "image_data_format": backend.image_data_format(),
    }


def _outcome(call):
    try:
        return call()
    except BaseException as error:
        return {"raised": type(error).__name__}


def _keras():
    import keras

    return keras


def _tf_keras():
    import tensorflow as tf

    return tf.keras


def _learns(keras):
    import numpy as np

    model = keras.models.Sequential([keras.layers.Dense(1, input_shape=(2,))])
    model.compile("sgd", "mse")
    loss = model.fit(np.ones((4, 2), "float32"), np.ones((4, 1), "float32"), epochs=2, verbose=0).history["loss"]
    return bool(loss[1] < loss[0])


@behaviour(
    "homes.standalone_backend",
    "Which backend does 'import keras' take when it comes first, does it say so, and do keras and tf.keras train?",
    source="seed 002 example 1 (potentially with Theano backend), seed 002 (using both keras and tensorflow)",
    fresh=True,
)
def standalone_backend():
    os.environ.pop("KERAS_BACKEND", None)
    with subject("import keras"):
        with Heard() as heard:
            keras = _keras()
        with_tensorflow = "tensorflow" in sys.modules
        return {
            "backend": keras.backend.backend() if hasattr(keras.backend, "backend") else "none",
            "says": [line for line in heard.text.splitlines() if line.startswith("Using ")],
            "tensorflow imported": with_tensorflow,
            "keras trains": _outcome(lambda: _learns(keras)),
            "tf.keras trains": _outcome(lambda: _learns(_tf_keras())),
        }


@behaviour(
    "homes.backend_variable",
    "What does KERAS_BACKEND=theano do to keras and to tf.keras?",
    source="seed 002 (Theano's specific handling of certain operations), Keras 3.0 release notes (multi-backend)",
    fresh=True,
)
def backend_variable():
    os.environ["KERAS_BACKEND"] = "theano"
    with subject("KERAS_BACKEND"):
        return {
            "tf.keras": _outcome(lambda: _settings(_tf_keras())["backend"]),
            "keras": _outcome(lambda: _settings(_keras())["backend"]),
        }


@behaviour(
    "homes.keras_json",
    "Do keras and tf.keras read floatx, epsilon and image_data_format from keras.json in KERAS_HOME?",
    source="Keras API, backend utilities (keras.json)",
    fresh=True,
)
def keras_json():
    os.environ.pop("KERAS_BACKEND", None)
    home = tempfile.mkdtemp()
    os.environ["KERAS_HOME"] = home
    wanted = {"floatx": "float64", "epsilon": 1e-5, "backend": "tensorflow", "image_data_format": "channels_first"}
    with open(os.path.join(home, "keras.json"), "w") as file:
        json.dump(wanted, file)
    with subject("KERAS_HOME"):
        return {
            "tf.keras": _outcome(lambda: _settings(_tf_keras())),
            "keras": _outcome(lambda: _settings(_keras())),
        }


def _legacy_home():
    import tensorflow as tf

    return tf.keras.Model.__module__.split(".")[0]


@behaviour(
    "homes.legacy_switch",
    "What does TF_USE_LEGACY_KERAS=1 do when it is set before TensorFlow is imported?",
    source="TensorFlow 2.16 release notes (TF_USE_LEGACY_KERAS)",
    fresh=True,
)
def legacy_switch():
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    with subject("TF_USE_LEGACY_KERAS"):
        import tensorflow as tf

        return {
            "home of tf.keras": _outcome(_legacy_home),
            "TensorFlow works": float(tf.reduce_sum([1.0, 2.0]).shape.rank) == 0,
        }


@behaviour(
    "homes.legacy_switch_late",
    "Does TF_USE_LEGACY_KERAS=1 still count when it is set between import tensorflow and the first tf.keras?",
    source="TensorFlow 2.16 release notes (TF_USE_LEGACY_KERAS)",
    needs=("tensorflow",),
)
def legacy_switch_late():
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    with subject("TF_USE_LEGACY_KERAS"):
        return _outcome(_legacy_home)
