"""Training on the GPU: fit, mixed precision, determinism, compiled functions, data, and what is saved of it."""

import inspect

from gpu_place import DEVICE, FAR, HOST, NEAR, SECONDS, answer, lives, ready
from harness import assert_close, check, expect, skip, subject
from layers_by_hand import fixed, numbers
from synthetic import images, seeded

# ---------------------------------------------------------------- fit


def _network(tf, **options):
    """A small convolutional classifier of 28 by 28 images, compiled with `options`."""
    layers = tf.keras.layers
    model = tf.keras.Sequential(
        [
            layers.Conv2D(8, 3, activation="relu", input_shape=(28, 28, 1)),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(16, activation="relu"),
            layers.Dense(10),
            layers.Activation("softmax", dtype="float32"),
        ]
    )
    model.compile(tf.keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy", **options)
    return model


def _learns(model, epochs=5):
    """Fits it on made-up images; asserts that its weights are on the GPU and that the loss fell by a fifth."""
    import numpy as np

    x, y = images()
    x = x[..., np.newaxis]
    before = float(model.evaluate(x, y, verbose=0))
    model.fit(x, y, epochs=epochs, batch_size=16, verbose=0)
    after = float(model.evaluate(x, y, verbose=0))
    for weight in model.weights:
        lives(weight)
    expect(after < 0.8 * before, "loss went from %r to %r" % (before, after))
    return lives(model(x[:4]))


@check(
    "gpu.fit.learns",
    "Does a convolutional network learn on the GPU where the program names no device?",
    source="TensorFlow guide, Use a GPU (tf.keras models run on a single GPU with no code changes)",
    needs=("tensorflow",),
    seconds=SECONDS,
)
def fit_learns():
    import tensorflow as tf

    with subject("Model.fit"):
        ready(tf)
        seeded(tf)
        _learns(_network(tf))


@check(
    "gpu.fit.same_as_cpu",
    "Does fit on the GPU end at the weights and losses of fit on the CPU from the same start?",
    source="Keras API, Model.fit; TensorFlow guide, Use a GPU (manual device placement)",
    needs=("tensorflow",),
    seconds=SECONDS,
)
def fit_same_as_cpu():
    import tensorflow as tf

    x, y = numbers(24, 6), numbers(24, 2, seed=1)

    def fitted(device):
        with tf.device(device):
            layers = [tf.keras.layers.Dense(8, activation="tanh", input_shape=(6,)), tf.keras.layers.Dense(2)]
            model = tf.keras.Sequential(layers)
            start = fixed(model)
            model.compile(tf.keras.optimizers.SGD(0.05, momentum=0.9), "mse")
            losses = model.fit(x, y, epochs=3, batch_size=8, shuffle=False, verbose=0).history["loss"]
            return model, start, losses

    with subject("Model.fit"):
        ready(tf)
        (model, start, losses), (other, _, expected) = fitted(DEVICE), fitted(HOST)
        for weight, reference in zip(model.weights, other.weights):
            lives(weight)
            lives(reference, HOST)
        expect(abs(model.get_weights()[0] - start[0]).max() > 0.01, "fit left the weights as they were")
        for got, reference in zip(model.get_weights(), other.get_weights()):
            assert_close(got, reference, what="weights", **FAR)
        assert_close(losses, expected, what="losses", **FAR)


@check(
    "gpu.fit.mixed_precision",
    "Does a network learn in mixed_float16: float16 in its layers, float32 weights, a scaled loss?",
    source="TensorFlow guide, Mixed precision",
    needs=("tensorflow",),
    seconds=SECONDS,
)
def fit_mixed_precision():
    import tensorflow as tf

    with subject("mixed_float16"):
        ready(tf)
        seeded(tf)
        tf.keras.mixed_precision.set_global_policy("mixed_float16")
        model = _network(tf)
        first = model.layers[0]
        expect(first.compute_dtype == "float16", "the first layer computes in %s" % first.compute_dtype)
        expect(first.variable_dtype == "float32", "its weights are %s" % first.variable_dtype)
        optimizer = type(model.optimizer).__name__
        expect("LossScale" in optimizer, "the loss is not scaled: the optimizer is %s" % optimizer)
        result = _learns(model)
        expect(result.dtype == tf.float32, "the last layer gives %s" % result.dtype)


@check(
    "gpu.fit.compiled",
    "Does a model compiled with jit_compile=True learn on the GPU?",
    source="Keras API, Model.compile (jit_compile)",
    needs=("tensorflow",),
    seconds=SECONDS,
)
def fit_compiled():
    import tensorflow as tf

    with subject("Model.compile(jit_compile=True)"):
        ready(tf)
        if "jit_compile" not in inspect.signature(tf.keras.Model.compile).parameters:
            skip("Model.compile has no jit_compile")
        seeded(tf)
        _learns(_network(tf, jit_compile=True))


@check(
    "gpu.fit.strategy",
    "Does a model learn under MirroredStrategy on the one GPU?",
    source="TensorFlow guide, Distributed training (MirroredStrategy)",
    needs=("tensorflow",),
    seconds=SECONDS,
)
def fit_strategy():
    import tensorflow as tf

    with subject("tf.distribute.MirroredStrategy"):
        ready(tf)
        seeded(tf)
        strategy = tf.distribute.MirroredStrategy([DEVICE])
        with strategy.scope():
            model = _network(tf)
        _learns(model)


@check(
    "gpu.fit.deterministic",
    "After enable_op_determinism, does the same training end twice at the very same weights on the GPU?",
    source="TensorFlow API, tf.config.experimental.enable_op_determinism",
    needs=("tensorflow",),
    fresh=True,
    seconds=SECONDS,
)
def fit_deterministic():
    import numpy as np
    import tensorflow as tf

    x, y = (np.arange(32 * 12) * 7 % 9).reshape(32, 12), numbers(32, 1)

    def trained():
        tf.keras.utils.set_random_seed(3)
        layers = tf.keras.layers
        with tf.device(DEVICE):
            model = tf.keras.Sequential(
                [
                    layers.Embedding(9, 8),
                    layers.Conv1D(8, 3, activation="relu"),
                    layers.GlobalAveragePooling1D(),
                    layers.Dropout(0.5),
                    layers.Dense(1),
                ]
            )
            model.compile("adam", "mse")
            model.fit(x, y, epochs=2, batch_size=8, verbose=0)
        for weight in model.weights:
            lives(weight)
        return model.get_weights()

    with subject("enable_op_determinism"):
        ready(tf)
        if not hasattr(tf.config.experimental, "enable_op_determinism"):
            skip("TensorFlow has no enable_op_determinism")
        tf.config.experimental.enable_op_determinism()
        for first, second in zip(trained(), trained()):
            assert_close(first, second, rtol=0, atol=0, what="weights")


# ---------------------------------------------------------------- functions and data


@check(
    "gpu.function.control_flow",
    "Does a tf.function with a loop and a condition give the right numbers on the GPU?",
    source="TensorFlow guide, Better performance with tf.function (loops)",
    needs=("tensorflow",),
    seconds=SECONDS,
)
def function_control_flow():
    import tensorflow as tf

    def steps(x):
        total = tf.zeros_like(x)
        while tf.reduce_max(x) > 1.0:
            if tf.reduce_sum(x) > 20.0:
                total += x
            else:
                total -= x
            x = x * 0.5
        return total

    with subject("tf.function"):
        ready(tf)
        with tf.device(DEVICE):
            result = lives(tf.function(steps)(tf.constant([4.0, 8.0, 16.0])))
        # sums 28, 14, 7, 3.5: the first is added, the others are taken away
        assert_close(result, [4 * (1 - 0.875), 8 * (1 - 0.875), 16 * (1 - 0.875)], what="total", **NEAR)


def _compiled(tf, function):
    """The function compiled by XLA; the argument's name is another one up to TensorFlow 2.4."""
    try:
        return tf.function(function, jit_compile=True)
    except TypeError:
        return tf.function(function, experimental_compile=True)


@check(
    "gpu.xla.function",
    "Does XLA compile a function for the GPU (ptxas, libdevice), with the numbers it has without?",
    source="XLA documentation, Use XLA with tf.function; tensorflow/tensorflow issue 58681 (libdevice not found)",
    needs=("tensorflow",),
    seconds=SECONDS,
)
def xla_function():
    import tensorflow as tf

    a, b = numbers(32, 16), numbers(16, 8, seed=1)

    def fused(x, y):
        # tanh, exp and pow come from libdevice
        return tf.reduce_sum(tf.exp(-tf.tanh(tf.matmul(x, y))) + tf.pow(tf.abs(y[:1]) + 1.0, 1.5), axis=0)

    with subject("tf.function(jit_compile=True)"):
        ready(tf)
        with tf.device(HOST):
            expected = fused(tf.constant(a), tf.constant(b))
        with tf.device(DEVICE):
            result = lives(_compiled(tf, fused)(tf.constant(a), tf.constant(b)))
        assert_close(result, expected, what="compiled", rtol=1e-3, atol=1e-3)


@check(
    "gpu.data.prefetch_to_device",
    "Does prefetch_to_device hand out the elements on the GPU, all of them and in order?",
    source="TensorFlow API, tf.data.experimental.prefetch_to_device",
    needs=("tensorflow",),
    seconds=SECONDS,
)
def data_prefetch_to_device():
    import tensorflow as tf

    x = numbers(6, 3)
    with subject("prefetch_to_device"):
        ready(tf)
        dataset = tf.data.Dataset.from_tensor_slices(x).batch(2)
        found = [lives(part) for part in dataset.apply(tf.data.experimental.prefetch_to_device(DEVICE))]
        assert_close(
            [part.numpy().tolist() for part in found], [x[i : i + 2].tolist() for i in (0, 2, 4)], what="elements"
        )


# ---------------------------------------------------------------- saved work

_NO_GPU = {"CUDA_VISIBLE_DEVICES": "-1"}

_LOADED = """
model = tf.keras.models.load_model("model.h5", compile=False)
say([len(tf.config.list_physical_devices("GPU")), model.predict(tf.constant(given), verbose=0).tolist()])
"""


@check(
    "gpu.save.model",
    "Does a model that was trained and saved on the GPU predict the same in a process without one?",
    source="Keras guide, Save, serialize, and export models",
    needs=("tensorflow",),
    seconds=SECONDS,
)
def save_model():
    import tensorflow as tf

    x = numbers(8, 5)
    with subject("Model.save"):
        ready(tf)
        with tf.device(DEVICE):
            layers = [tf.keras.layers.Dense(6, activation="tanh", input_shape=(5,)), tf.keras.layers.Dense(2)]
            model = tf.keras.Sequential(layers)
            fixed(model)
            model.compile("sgd", "mse")
            model.fit(x, x[:, :2], epochs=1, verbose=0)
            expected = lives(model(tf.constant(x)))
        model.save("model.h5")
        gpus, predicted = answer(_LOADED, x.tolist(), _NO_GPU)
        expect(gpus == 0, "that process saw %d GPUs" % gpus)
        assert_close(predicted, expected, what="predictions", **NEAR)


_SERVED = """
module = tf.saved_model.load("module")
say([len(tf.config.list_physical_devices("GPU")), module.scaled(tf.constant(given)).numpy().tolist()])
"""


@check(
    "gpu.save.saved_model",
    "Does a SavedModel whose function names the GPU run in a process without one?",
    source="TensorFlow guide, Using the SavedModel format; Use a GPU (soft placement)",
    needs=("tensorflow",),
    seconds=SECONDS,
)
def save_saved_model():
    import tensorflow as tf

    x = numbers(4, 3)
    with subject("tf.saved_model.save"):
        ready(tf)
        module = tf.Module()
        with tf.device(DEVICE):
            module.factor = tf.Variable(3.0)

        @tf.function(input_signature=[tf.TensorSpec([None, 3])])
        def scaled(given):
            with tf.device(DEVICE):
                return given * module.factor

        module.scaled = scaled
        lives(module.scaled(tf.constant(x)))
        tf.saved_model.save(module, "module")
        gpus, found = answer(_SERVED, x.tolist(), _NO_GPU)
        expect(gpus == 0, "that process saw %d GPUs" % gpus)
        assert_close(found, 3 * x, what="what it serves", **NEAR)
