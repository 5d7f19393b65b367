"""Activations, gradients and arithmetic: numbers at the edges and where implementations may differ."""

from harness import assert_close, behaviour, check, drift, subject
from plain import outcome, outcomes, rounded
from synthetic import eager


@drift(
    "numbers.math.activations",
    "What does each activation give for -3, -1, 0, 0.5 and 2?",
    source="Keras API, layer activations; Keras 3 (hard_sigmoid)",
    needs=("tensorflow",),
)
def activations():
    import tensorflow as tf

    eager(tf)
    names = (
        "relu", "relu6", "elu", "selu", "gelu", "swish", "silu", "softplus", "softsign", "tanh", "sigmoid",
        "hard_sigmoid", "hard_silu", "hard_tanh", "exponential", "linear", "mish", "leaky_relu", "log_sigmoid", "celu",
        "softmax", "log_softmax",
    )  # fmt: skip
    x = tf.constant([[-3.0, -1.0, 0.0, 0.5, 2.0]])
    with subject("activations.get"):
        cases = [(name, lambda name=name: tf.keras.activations.get(name)(x)[0]) for name in names]
        cases.append(("LeakyReLU()", lambda: tf.keras.layers.LeakyReLU()(x)[0]))
        cases.append(("relu(x, 0.1, 1)", lambda: tf.keras.activations.relu(x, 0.1, 1.0)[0]))
        return outcomes(cases)


@drift(
    "numbers.math.gradient_edges",
    "What are gradients where a function has a kink, a pole or a tie?",
    source="seed 003 statement 1 (numerical differences in gradients)",
    needs=("tensorflow",),
)
def gradient_edges():
    import tensorflow as tf

    eager(tf)

    def slope(function, *at):
        x = tf.constant(list(at))
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = function(x)
        found = tape.gradient(y, x)
        return "None" if found is None else rounded(found)

    with subject("GradientTape.gradient"):
        return outcomes(
            [
                ("relu at 0", lambda: slope(tf.nn.relu, 0.0)),
                ("abs at 0", lambda: slope(tf.abs, 0.0)),
                ("sqrt at 0", lambda: slope(tf.sqrt, 0.0)),
                ("norm at 0", lambda: slope(tf.norm, 0.0, 0.0)),
                ("max of a tie", lambda: slope(tf.reduce_max, 1.0, 1.0)),
                ("maximum of a tie", lambda: slope(lambda x: tf.maximum(x, 1.0), 1.0)),
                ("clip at its bound", lambda: slope(lambda x: tf.clip_by_value(x, -1.0, 1.0), 1.0, 2.0)),
                ("round", lambda: slope(tf.round, 0.7)),
                ("x ** 0.5 at 0", lambda: slope(lambda x: x**0.5, 0.0)),
                ("where over NaN", lambda: slope(lambda x: tf.where(x > 0, tf.sqrt(x), 0.0 * x), -1.0)),
                ("cast and back", lambda: slope(lambda x: tf.cast(tf.cast(x, "int32"), "float32"), 1.5)),
                ("sigmoid at 100", lambda: slope(tf.sigmoid, 100.0)),
                ("relu6 at 6", lambda: slope(tf.nn.relu6, 6.0)),
                ("prod with a zero", lambda: slope(tf.reduce_prod, 2.0, 0.0, 3.0)),
            ]
        )


@check(
    "numbers.math.softmax_gradient",
    "Is the gradient of softmax cross-entropy the difference of probabilities and labels?",
    source="seed 003 statement 4 (cross-entropy)",
    needs=("tensorflow",),
)
def softmax_gradient():
    import numpy as np
    import tensorflow as tf

    eager(tf)
    logits = tf.constant([[1.0, -2.0, 0.5], [1000.0, 0.0, -1000.0]])
    labels = tf.constant([[0.0, 1.0, 0.0], [0.5, 0.25, 0.25]])
    with subject("softmax_cross_entropy_with_logits"):
        with tf.GradientTape() as tape:
            tape.watch(logits)
            loss = tf.nn.softmax_cross_entropy_with_logits(labels=labels, logits=logits)
        shifted = np.exp(logits.numpy() - logits.numpy().max(axis=1, keepdims=True))
        odds = shifted / shifted.sum(axis=1, keepdims=True)
        assert_close(tape.gradient(loss, logits), odds - labels.numpy(), rtol=1e-4, what="gradient")
        assert_close(loss[1], 750.0, what="loss of huge logits")


@check(
    "numbers.math.extremes",
    "Do softmax, log-sum-exp, sigmoid and softplus stay finite and right for huge inputs?",
    source="seed 003 statement 4 (numerical approximations)",
    needs=("tensorflow",),
)
def extremes():
    import tensorflow as tf

    eager(tf)
    x = tf.constant([1000.0, 1000.0, -1000.0])
    with subject("tf.nn.softmax"):
        assert_close(tf.nn.softmax(x), [0.5, 0.5, 0.0], what="softmax")
        assert_close(tf.reduce_logsumexp(x), 1000.0 + 0.693147, rtol=1e-6, what="log-sum-exp")
        assert_close(tf.nn.log_softmax(x)[2], -2000.693147, rtol=1e-6, what="log_softmax")
        assert_close(tf.sigmoid(x), [1.0, 1.0, 0.0], what="sigmoid")
        assert_close(tf.nn.softplus(x), [1000.0, 1000.0, 0.0], what="softplus")
        bce = tf.nn.sigmoid_cross_entropy_with_logits(labels=tf.constant([0.0, 1.0, 1.0]), logits=x)
        assert_close(bce, [1000.0, 0.0, 1000.0], what="sigmoid cross-entropy")


@behaviour(
    "numbers.math.arithmetic_edges",
    "What come division by zero, integer division, casts, ties, overflow and empty reductions to?",
    source="TensorFlow API, tf.math",
    needs=("tensorflow",),
)
def arithmetic_edges():
    import tensorflow as tf

    eager(tf)
    constant = tf.constant
    none = constant([], dtype="float32")
    with subject("tf.math"):
        return outcomes(
            [
                ("1.0 / 0.0", lambda: constant(1.0) / constant(0.0)),
                ("0.0 / 0.0", lambda: constant(0.0) / constant(0.0)),
                ("1 // 0", lambda: constant(1) // constant(0)),
                ("1 % 0", lambda: constant(1) % constant(0)),
                ("-7 // 2", lambda: constant(-7) // constant(2)),
                ("-7 % 3", lambda: constant(-7) % constant(3)),
                ("7 / 2 of integers", lambda: constant(7) / constant(2)),
                ("type of 7 / 2", lambda: (constant(7) / constant(2)).dtype.name),
                ("divide_no_nan", lambda: tf.math.divide_no_nan(1.0, 0.0)),
                ("round 0.5 1.5 2.5", lambda: tf.round(constant([0.5, 1.5, 2.5, -0.5]))),
                ("argmax of a tie", lambda: tf.argmax([1.0, 3.0, 3.0])),
                ("argmax with NaN", lambda: tf.argmax([1.0, float("nan"), 3.0])),
                ("top_k of a tie", lambda: tf.math.top_k([1.0, 3.0, 3.0], k=2).indices),
                ("0.0 ** 0.0", lambda: constant(0.0) ** constant(0.0)),
                ("int ** negative int", lambda: constant(2) ** constant(-1)),
                ("sqrt(-1)", lambda: tf.sqrt(-1.0)),
                ("log(0)", lambda: tf.math.log(0.0)),
                ("cast 3.9 and -3.9 to int", lambda: tf.cast([3.9, -3.9], "int32")),
                ("cast -1 to uint8", lambda: tf.cast(constant(-1), "uint8")),
                ("int32 overflow", lambda: constant(2**31 - 1) + constant(1)),
                ("mean of nothing", lambda: tf.reduce_mean(none)),
                ("max of nothing", lambda: tf.reduce_max(none)),
                ("sum of nothing", lambda: tf.reduce_sum(none)),
                ("argmax of nothing", lambda: tf.argmax(none)),
                ("maximum with NaN", lambda: tf.maximum(constant(float("nan")), 1.0)),
                ("mean of integers", lambda: tf.reduce_mean([1, 2])),
                ("sort with NaN", lambda: tf.sort([2.0, float("nan"), 1.0])),
            ]
        )


@behaviour(
    "numbers.math.mixed_types",
    "Which types may be added to a float32 tensor, and what type results?",
    source="TensorFlow guide, introduction to tensors; NumPy 2.0 release notes (promotion)",
    needs=("tensorflow",),
)
def mixed_types():
    import numpy as np
    import tensorflow as tf

    eager(tf)
    single, whole = tf.constant([1.0]), tf.constant([1])

    def kind(call):
        return call().dtype.name

    with subject("Tensor.__add__"):
        cases = {
            "float32 + 1": lambda: single + 1,
            "float32 + 1.5": lambda: single + 1.5,
            "float32 + int32": lambda: single + whole,
            "int32 + 1.5": lambda: whole + 1.5,
            "float32 + float64": lambda: single + tf.constant([1.0], "float64"),
            "float32 + np.float64": lambda: single + np.float64(1.5),
            "float32 + np.float32": lambda: single + np.float32(1.5),
            "np.float64 + float32": lambda: np.float64(1.5) + single,
            "float32 + np.int64": lambda: single + np.int64(1),
            "float32 + float64 array": lambda: single + np.array([1.5]),
            "float64 array + float32": lambda: np.array([1.5]) + single,
            "int32 + int64 array": lambda: whole + np.array([1]),
            "float32 + True": lambda: single + True,
            "bool + bool": lambda: tf.constant([True]) + tf.constant([True]),
            "float16 * 2.0": lambda: tf.constant([1.0], "float16") * 2.0,
        }
        return dict((name, outcome(kind, cases[name])) for name in sorted(cases))


@drift(
    "numbers.math.resize",
    "What does tf.image.resize make of a 4×4 ramp with each method, smaller and larger?",
    source="seed 003 (data augmentation; image resizing); TensorFlow API, image.resize",
    needs=("tensorflow",),
)
def resize():
    import numpy as np
    import tensorflow as tf

    eager(tf)
    image = tf.constant((np.arange(16, dtype="float32") ** 1.5).reshape(1, 4, 4, 1))

    def row(*size, **arguments):
        return tf.image.resize(image, size, **arguments)[0, 0, :, 0]

    with subject("tf.image.resize"):
        methods = ("bilinear", "nearest", "bicubic", "area", "lanczos3", "lanczos5", "gaussian", "mitchellcubic")
        cases = [(m + " to 3", lambda m=m: row(3, 3, method=m)) for m in methods]
        cases += [(m + " to 6", lambda m=m: row(6, 6, method=m)) for m in methods[:3]]
        cases.append(("bilinear to 2, antialias", lambda: row(2, 2, antialias=True)))
        cases.append(
            ("keep aspect", lambda: [int(n) for n in tf.image.resize(image, (2, 8), preserve_aspect_ratio=True).shape])
        )
        return outcomes(cases, digits=4)


@drift(
    "numbers.math.float32",
    "What do float32 matrix products, sums and convolutions of fixed numbers come to?",
    source="seed 003 statement 1 (numerical differences)",
    needs=("tensorflow",),
)
def float32():
    import numpy as np
    import tensorflow as tf

    eager(tf)
    random = np.random.RandomState(0)
    a, b = random.normal(size=(64, 64)).astype("float32"), random.normal(size=(64, 64)).astype("float32")
    image, kernel = a.reshape(1, 64, 64, 1), b[:3, :3].reshape(3, 3, 1, 1)
    with subject("tf.matmul"):
        return outcomes(
            [
                ("matmul", lambda: tf.matmul(a, b)[0, :3]),
                ("cancelling", lambda: tf.reduce_sum(tf.constant([1e8, 1.0, -1e8, 1.0]))),
                ("conv2d", lambda: tf.nn.conv2d(image, kernel, strides=1, padding="VALID")[0, 0, :3, 0]),
                ("float16 matmul", lambda: tf.matmul(tf.cast(a, "float16"), tf.cast(b, "float16"))[0, :3]),
                ("tanh(0.1)", lambda: tf.tanh(0.1)),
                ("exp(10)", lambda: tf.exp(10.0)),
                ("erf(0.5)", lambda: tf.math.erf(0.5)),
                ("lgamma(0.5)", lambda: tf.math.lgamma(0.5)),
            ],
            digits=4,
        )


@behaviour(
    "numbers.math.backend_constants",
    "What are keras.backend's epsilon, float type and image format?",
    source="Keras API, backend config",
    needs=("tensorflow",),
    light=True,
)
def backend_constants():
    import tensorflow as tf

    def read(name):
        value = getattr(tf.keras.backend, name)()
        return rounded(value, 9) if isinstance(value, (int, float, str)) else type(value).__name__

    with subject("keras.backend"):
        names = ("epsilon", "floatx", "image_data_format", "backend", "learning_phase")
        return dict((name, outcome(read, name)) for name in names)


@check(
    "numbers.math.einsum_and_reductions",
    "Do einsum, tensordot, cumsum, segment sums and scatter equal what NumPy computes?",
    source="TensorFlow API, tf.math",
    needs=("tensorflow",),
)
def einsum_and_reductions():
    import numpy as np
    import tensorflow as tf

    eager(tf)
    a = np.arange(6, dtype="float32").reshape(2, 3)
    b = np.arange(12, dtype="float32").reshape(3, 4) - 5
    with subject("tf.einsum"):
        assert_close(tf.einsum("ij,jk->ki", a, b), a.dot(b).T, what="einsum")
        assert_close(tf.tensordot(a, b, axes=1), a.dot(b), what="tensordot")
        assert_close(tf.cumsum(a, axis=1, exclusive=True), [[0.0, 0.0, 1.0], [0.0, 3.0, 7.0]], what="cumsum")
        assert_close(tf.math.segment_sum(b, [0, 0, 1]), [(b[0] + b[1]).tolist(), b[2].tolist()], what="segment_sum")
        updated = tf.tensor_scatter_nd_update(tf.zeros((3,)), [[1], [2]], [5.0, 7.0])
        assert_close(updated, [0.0, 5.0, 7.0], what="scatter")
        assert_close(tf.math.reduce_std(a), float(a.std()), what="standard deviation")
