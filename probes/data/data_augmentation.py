"""Augmentation, splits and options: what training data becomes on its way."""

from data_pipelines import listed
from harness import behaviour, check, drift, expect, subject
from plain import outcome, outcomes
from synthetic import eager


def found(tf, name):
    """A preprocessing layer's class, from where this version keeps it."""
    layers = tf.keras.layers
    return getattr(layers, name, None) or getattr(layers.experimental.preprocessing, name)


@drift(
    "data.augmentation_layers",
    "What do the random augmentation layers make of a 3×3 image with seed 1, in training and in inference?",
    source="seed 003 (a subtle difference in data augmentation by a Keras preprocessing layer)",
    needs=("tensorflow",),
)
def augmentation_layers():
    import numpy as np
    import tensorflow as tf

    eager(tf)
    tf.compat.v1.set_random_seed(1)
    image = np.arange(9, dtype="float32").reshape(1, 3, 3, 1) / 10

    # without RandomFlip: on 2.11 its seed does not decide what it does
    def made(name, *given, **arguments):
        training = arguments.pop("training", True)
        result = found(tf, name)(*given, seed=1, **arguments)(image, training=training)
        return np.array(result)[0, :, :, 0]

    with subject("RandomRotation"):
        return outcomes(
            [
                ("RandomRotation", lambda: made("RandomRotation", 0.25)),
                ("RandomContrast", lambda: made("RandomContrast", 0.5)),
                ("RandomBrightness", lambda: made("RandomBrightness", 0.5, value_range=(0, 1))),
                ("RandomCrop", lambda: made("RandomCrop", 2, 2)),
                ("RandomFlip in inference", lambda: made("RandomFlip", training=False)),
            ],
            digits=4,
        )


@behaviour(
    "data.deterministic_preprocessing",
    "What do Rescaling, Resizing, CenterCrop and Normalization give, and from which module?",
    source="TensorFlow 2.6 release notes (preprocessing layers leave experimental)",
    needs=("tensorflow",),
)
def deterministic_preprocessing():
    import numpy as np
    import tensorflow as tf

    eager(tf)
    image = np.arange(16, dtype="float32").reshape(1, 4, 4, 1)

    def made(name, *given, **arguments):
        return np.array(found(tf, name)(*given, **arguments)(image))[0, :, :, 0]

    def normalized():
        layer = found(tf, "Normalization")()
        layer.adapt(np.array([[1.0], [3.0]], "float32"))
        return np.array(layer(np.array([[5.0]], "float32")))

    with subject("Rescaling"):
        layers = tf.keras.layers
        return outcomes(
            [
                ("Rescaling", lambda: made("Rescaling", 0.5, 1.0)[0]),
                ("Resizing", lambda: made("Resizing", 2, 2)),
                ("CenterCrop", lambda: made("CenterCrop", 2, 2)),
                ("Normalization", normalized),
                ("tf.keras.layers.Rescaling", lambda: layers.Rescaling.__name__),
                ("tf.keras.layers.experimental", lambda: layers.experimental.preprocessing.Rescaling.__name__),
            ]
        )


@check(
    "data.validation_split",
    "Does validation_split hold back the last samples, before any shuffling, and never train on them?",
    source="Keras API, Model.fit (validation_split)",
    needs=("tensorflow",),
)
def validation_split():
    import numpy as np
    import tensorflow as tf

    eager(tf)
    x = np.array([[1.0], [1.0], [1.0], [5.0]], "float32")
    model = tf.keras.Sequential([tf.keras.layers.Dense(1, use_bias=False, input_shape=(1,))])
    model.set_weights([np.zeros((1, 1), "float32")])
    model.compile(optimizer=tf.keras.optimizers.SGD(0.5), loss="mse", run_eagerly=True)
    with subject("Model.fit(validation_split=…)"):
        history = model.fit(x, x * 0 + 1, batch_size=3, epochs=1, validation_split=0.25, verbose=0).history
        weight = float(model.get_weights()[0][0][0])
        expect(abs(weight - 1.0) < 1e-4, "one step on the first three leads to 1, not %r" % weight)
        # the last sample: 5 · 1 - 1 = 4, squared
        expect(abs(history["val_loss"][0] - 16.0) < 1e-3, "the validation loss is %r" % history["val_loss"][0])


@behaviour(
    "data.split_of_other_inputs",
    "Does fit split off validation data from a tf.data.Dataset or a list too?",
    source="Keras API, Model.fit (validation_split)",
    needs=("tensorflow",),
)
def split_of_other_inputs():
    import numpy as np
    import tensorflow as tf

    eager(tf)
    x = np.ones((4, 1), "float32")

    def fitted(*data):
        model = tf.keras.Sequential([tf.keras.layers.Dense(1, use_bias=False, input_shape=(1,))])
        model.compile(optimizer="sgd", loss="mse", run_eagerly=True)
        return sorted(model.fit(*data, epochs=1, validation_split=0.5, verbose=0).history)

    with subject("Model.fit(validation_split=…)"):
        return outcomes(
            [
                ("arrays", lambda: fitted(x, x)),
                ("tensors", lambda: fitted(tf.constant(x), tf.constant(x))),
                ("dataset", lambda: fitted(tf.data.Dataset.from_tensor_slices((x, x)).batch(2))),
                ("lists", lambda: fitted(x.tolist(), x.tolist())),
            ]
        )


@behaviour(
    "data.options",
    "Which settings of tf.data.Options exist, and are unknown ones refused?",
    source="TensorFlow API, data.Options",
    needs=("tensorflow",),
)
def options():
    import tensorflow as tf

    eager(tf)

    def set_to(name, value):
        chosen = tf.data.Options()
        holder = chosen
        for part in name.split(".")[:-1]:
            holder = getattr(holder, part)
        setattr(holder, name.split(".")[-1], value)
        return listed(tf.data.Dataset.range(3).with_options(chosen))

    with subject("tf.data.Options"):
        return outcomes(
            [
                ("deterministic", lambda: set_to("deterministic", True)),
                ("experimental_deterministic", lambda: set_to("experimental_deterministic", True)),
                ("threading.private_threadpool_size", lambda: set_to("threading.private_threadpool_size", 1)),
                ("experimental_threading", lambda: set_to("experimental_threading.private_threadpool_size", 1)),
                ("autotune.enabled", lambda: set_to("autotune.enabled", False)),
                ("experimental_slack", lambda: set_to("experimental_slack", True)),
                ("unknown", lambda: set_to("no_such_thing", 1)),
            ]
        )


@behaviour(
    "data.python_in_map",
    "Does map take print, if, py_function, numpy_function and a Python counter as people expect?",
    source="TensorFlow guide, tf.data (applying arbitrary Python logic)",
    needs=("tensorflow",),
)
def python_in_map():
    import tensorflow as tf

    eager(tf)
    calls = []

    def counted(x):
        calls.append(1)
        return x

    def branched(x):
        if x > 1:
            x = x * 10
        return x

    def mapped(function):
        return listed(tf.data.Dataset.range(3).map(function))

    with subject("Dataset.map"):
        return outcomes(
            [
                ("if", lambda: mapped(branched)),
                ("side effect", lambda: mapped(counted) and len(calls)),
                ("py_function", lambda: mapped(lambda x: tf.py_function(lambda y: y.numpy() + 1, [x], tf.int64))),
                ("numpy_function", lambda: mapped(lambda x: tf.numpy_function(lambda y: y + 1, [x], tf.int64))),
                (".numpy()", lambda: mapped(lambda x: x.numpy())),
                ("a dictionary", lambda: [sorted(e) for e in mapped(lambda x: {"a": x, "b": x})]),
                ("bad return", lambda: mapped(lambda x: object())),
                ("spec of a list", lambda: outcome(lambda: len(mapped(lambda x: [x, x])[0]))),
            ]
        )
