"""Of which kind is what Keras gives back and writes down: numbers, records of versions, warnings."""

import json
import logging
import os
import tempfile
import warnings

from harness import behaviour, subject
from synthetic import eager


def _model(tf):
    model = tf.keras.Sequential([tf.keras.layers.Dense(1, input_shape=(2,))])
    model.compile("sgd", "mse", metrics=["mae"])
    return model


@behaviour(
    "reporting.kinds",
    "Of which types is what fit, evaluate, predict, train_on_batch and get_weights give back?",
    source="seed 001 example 1 (loss, accuracy = model.evaluate; print)",
    needs=("tensorflow",),
)
def kinds():
    import numpy as np
    import tensorflow as tf

    x, y = np.ones((2, 2), "float32"), np.ones((2, 1), "float32")

    def kind(value):
        if isinstance(value, (list, tuple)):
            return [type(value).__name__, kind(value[0])]
        module = type(value).__module__.split(".")[0].replace("tensorflow_core", "tensorflow")
        return type(value).__name__ if module == "builtins" else module + " " + type(value).__name__

    with subject("Model.fit"):
        model = _model(tf)
        history = model.fit(x, y, verbose=0)
        return {
            "fit": type(history).__name__,
            "history['loss']": kind(history.history["loss"]),
            "history.epoch": kind(history.epoch),
            "evaluate": kind(model.evaluate(x, y, verbose=0)),
            "predict": kind(model.predict(x)),
            "train_on_batch": kind(model.train_on_batch(x, y)),
            "get_weights": kind(model.get_weights()),
            "call": kind(model(x)),
        }


@behaviour(
    "reporting.json_of_history",
    "Can history.history and evaluate's numbers be written as JSON?",
    source="Keras API, History callback",
    needs=("tensorflow",),
)
def json_of_history():
    import numpy as np
    import tensorflow as tf

    x, y = np.ones((2, 2), "float32"), np.ones((2, 1), "float32")

    def written(value):
        try:
            return bool(json.dumps(value))
        except Exception as error:
            return {"raised": type(error).__name__}

    with subject("json.dumps"):
        model = _model(tf)
        reduced = tf.keras.callbacks.ReduceLROnPlateau(monitor="loss")
        history = model.fit(x, y, verbose=0, callbacks=[reduced]).history
        return {
            "keys": sorted(history),
            "history": written(history),
            "loss": written(history["loss"]),
            "evaluate": written(model.evaluate(x, y, verbose=0)),
            "get_config": written(model.get_config()),
            "optimizer.get_config": written(model.optimizer.get_config()),
        }


@behaviour(
    "reporting.versions_in_files",
    "Which keras_version and backend do to_json and an HDF5 file record, and is it tf.keras.__version__?",
    source="seed 003 statement 3 (saving and loading across versions)",
    needs=("tensorflow",),
)
def versions_in_files():
    import tensorflow as tf

    path = os.path.join(tempfile.mkdtemp(), "model.h5")
    with subject("keras_version"):
        import h5py

        model = _model(tf)
        model.save(path)
        said = str(getattr(tf.keras, "__version__", "none"))
        described = json.loads(model.to_json())
        with h5py.File(path, "r") as file:
            attributes = dict(file.attrs)
        version = attributes.get("keras_version", "absent")
        version = version.decode() if isinstance(version, bytes) else str(version)
        return {
            "json keys": sorted(described),
            "json": "same" if described.get("keras_version") == said else described.get("keras_version", "absent"),
            "h5 attributes": sorted(attributes),
            "h5": "same" if version == said else version,
        }


class _Log(logging.Handler):
    """Collects the levels of what is logged."""

    def __init__(self):
        logging.Handler.__init__(self)
        self.levels = []

    def emit(self, record):
        self.levels.append(record.levelname)


def _warned(call):
    """Categories of Python's warnings and levels of log records that `call()` caused, or what it raised."""
    log = _Log()
    loggers = [logging.getLogger(name) for name in ("tensorflow", "absl")]
    for logger in loggers:
        logger.addHandler(log)
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            call()
    except Exception as error:
        return {"raised": type(error).__name__}
    finally:
        for logger in loggers:
            logger.removeHandler(log)
    ours = [w for w in caught if not issubclass(w.category, (ResourceWarning, ImportWarning))]
    return sorted(
        set([w.category.__name__ for w in ours] + ["log " + level for level in log.levels if level != "INFO"])
    )


@behaviour(
    "reporting.deprecated_calls",
    "What do deprecated calls say: a Python warning (which), a line in the log, or nothing?",
    source="seed 002 (pay close attention to any deprecation warnings)",
    needs=("tensorflow",),
)
def deprecated_calls():
    import numpy as np
    import tensorflow as tf

    eager(tf)
    folder = tempfile.mkdtemp()
    x, y = np.ones((2, 2), "float32"), np.ones((2, 1), "float32")
    model = _model(tf)
    inputs = tf.keras.Input(shape=(2,))
    layer = tf.keras.layers.Dense(1)
    layer(inputs)

    def batches():
        while True:
            yield x, y

    calls = {
        "SGD(lr=)": lambda: tf.keras.optimizers.SGD(lr=0.1),
        "SGD(decay=)": lambda: tf.keras.optimizers.SGD(0.1, decay=0.1),
        "Dense(input_shape=)": lambda: tf.keras.layers.Dense(1, input_shape=(2,)),
        "LeakyReLU(alpha=)": lambda: tf.keras.layers.LeakyReLU(alpha=0.1),
        "Embedding(input_length=)": lambda: tf.keras.layers.Embedding(2, 2, input_length=3),
        "ModelCheckpoint(period=)": lambda: tf.keras.callbacks.ModelCheckpoint("m.h5", period=2),
        "ReduceLROnPlateau(epsilon=)": lambda: tf.keras.callbacks.ReduceLROnPlateau(epsilon=0.1),
        "save('model.h5')": lambda: model.save(os.path.join(folder, "model.h5")),
        "fit_generator": lambda: model.fit_generator(batches(), steps_per_epoch=1, verbose=0),
        "layer.updates": lambda: layer.updates,
        "layer.add_variable": lambda: tf.keras.layers.Layer().add_variable("w", (1,)),
        "tf.test.is_gpu_available": lambda: tf.test.is_gpu_available(),
        "tf.keras.utils.to_categorical": lambda: tf.keras.utils.to_categorical([0, 1]),
        "ImageDataGenerator": lambda: tf.keras.preprocessing.image.ImageDataGenerator(),
        "GRU without anything": lambda: tf.keras.layers.GRU(1),
        "tf.data.experimental.save": lambda: tf.data.experimental.save(tf.data.Dataset.range(1), folder + "/d"),
        "tf.compat.v1.placeholder in a graph": lambda: _placeholder(tf),
    }  # fmt: skip
    with subject("deprecated calls"):
        return {name: _warned(call) for name, call in calls.items()}


def _placeholder(tf):
    with tf.Graph().as_default():
        tf.compat.v1.placeholder("float32")
