"""Activations by name and as layers, merging and reshaping, number formats."""

from attempts import attempt, attempts
from harness import assert_close, behaviour, check, drift, subject
from layers_by_hand import fixed, numbers, softmax
from synthetic import eager

NAMES = (
    "elu", "exponential", "gelu", "glu", "hard_sigmoid", "hard_silu", "hard_swish", "leaky_relu", "linear",
    "log_sigmoid", "log_softmax", "mish", "relu", "relu6", "selu", "sigmoid", "silu", "softmax", "softplus",
    "softsign", "swish", "tanh",
)  # fmt: skip


@behaviour(
    "layers.activations.names",
    "Which activations can't be had by their name?",
    source="Keras API, activations",
    needs=("tensorflow",),
    light=True,
)
def activations_names():
    import tensorflow as tf

    with subject("activations.get"):
        found = attempts(dict((name, lambda name=name: callable(tf.keras.activations.get(name))) for name in NAMES))
        return dict((name, said) for name, said in sorted(found.items()) if said is not True)


@drift(
    "layers.activations.numbers",
    "Which numbers do the named activations give at -2, -0.5, 0, 1 and 3?",
    source="Keras API, activations (hard_sigmoid, gelu, leaky_relu)",
    needs=("tensorflow",),
)
def activations_numbers():
    import tensorflow as tf

    eager(tf)
    x = tf.constant([[-2.0, -0.5, 0.0, 1.0, 3.0]])

    def at(name):
        return tf.keras.layers.Activation(name)(x).numpy()[0].astype(float).round(5).tolist()

    names = ("elu", "gelu", "hard_sigmoid", "leaky_relu", "selu", "sigmoid", "softplus", "softsign", "swish", "tanh")
    with subject("Activation"):
        return attempts(dict((name, lambda name=name: at(name)) for name in names))


@behaviour(
    "layers.activations.layer_defaults",
    "Which slopes and limits do LeakyReLU, ReLU, ELU and PReLU have, and under which argument names?",
    source="Keras API, LeakyReLU (negative_slope)",
    needs=("tensorflow",),
)
def activations_layer_defaults():
    import tensorflow as tf

    eager(tf)

    def at(make):
        return [round(float(v), 4) for v in make()(tf.constant([[-1.0, 2.0, 9.0]])).numpy()[0]]

    layers = tf.keras.layers
    with subject("LeakyReLU, ReLU, ELU"):
        return attempts(
            {
                "LeakyReLU()": lambda: at(lambda: layers.LeakyReLU()),
                "LeakyReLU(0.1)": lambda: at(lambda: layers.LeakyReLU(0.1)),
                "LeakyReLU(alpha=0.1)": lambda: at(lambda: layers.LeakyReLU(alpha=0.1)),
                "LeakyReLU(negative_slope=0.1)": lambda: at(lambda: layers.LeakyReLU(negative_slope=0.1)),
                "LeakyReLU(-0.5)": lambda: at(lambda: layers.LeakyReLU(-0.5)),
                "ReLU(max_value=6, negative_slope=0.2)": lambda: at(
                    lambda: layers.ReLU(max_value=6.0, negative_slope=0.2)
                ),
                "ReLU(threshold=3)": lambda: at(lambda: layers.ReLU(threshold=3.0)),
                "ELU()": lambda: at(lambda: layers.ELU()),
                "PReLU()": lambda: at(lambda: layers.PReLU()),
                "ThresholdedReLU()": lambda: at(lambda: layers.ThresholdedReLU()),
            }
        )


@check(
    "layers.activations.softmax_axis",
    "Does Softmax work over the axis it is given, and over the last one by name?",
    source="Keras API, Softmax (axis)",
    needs=("tensorflow",),
)
def activations_softmax_axis():
    import tensorflow as tf

    eager(tf)
    x = numbers(2, 3, 4)
    with subject("Softmax"):
        for axis in (-1, 1, 2):
            result = tf.keras.layers.Softmax(axis=axis)(tf.constant(x))
            assert_close(result, softmax(x, axis), atol=1e-5, what="axis %d" % axis)
        assert_close(tf.keras.layers.Activation("softmax")(tf.constant(x)), softmax(x), atol=1e-5, what="by name")


@behaviour(
    "layers.activations.as_layer",
    "Does Dense(activation=…) take an activation layer, a function, a class; what does its config say?",
    source="Keras API, layer activations: advanced activations as layers",
    needs=("tensorflow",),
)
def activations_as_layer():
    import tensorflow as tf

    eager(tf)

    def made(activation):
        layer = tf.keras.layers.Dense(1, activation=activation, kernel_initializer="ones")
        value = round(float(layer(tf.constant([[-2.0]]))[0, 0]), 4)
        saved = attempt(lambda: layer.get_config()["activation"])
        return [value, saved if isinstance(saved, str) else type(saved).__name__]

    with subject("Dense(activation=…)"):
        return attempts(
            {
                "name": lambda: made("relu"),
                "tf.nn.relu": lambda: made(tf.nn.relu),
                "tf.nn.leaky_relu": lambda: made(tf.nn.leaky_relu),
                "layer": lambda: made(tf.keras.layers.ELU()),
                "tf.math.abs": lambda: made(tf.math.abs),
                "unknown name": lambda: made("no_such_activation"),
            }
        )


@check(
    "layers.merge",
    "Do Concatenate, Dot, Subtract, Maximum, Minimum and Average give numpy's numbers?",
    source="Keras API, merging layers",
    needs=("tensorflow",),
)
def merge():
    import numpy as np
    import tensorflow as tf

    eager(tf)
    layers = tf.keras.layers
    a, b = numbers(2, 3, 4), numbers(2, 3, 4, seed=1)
    unit = [v / np.sqrt((v**2).sum(axis=-1, keepdims=True)) for v in (a, b)]
    with subject("merging layers"):
        for label, layer, expected in (
            ("Concatenate", layers.Concatenate(axis=1), np.concatenate([a, b], axis=1)),
            ("Dot", layers.Dot(axes=2), np.einsum("bid,bjd->bij", a, b)),
            ("Dot, normalised", layers.Dot(axes=(2, 2), normalize=True), np.einsum("bid,bjd->bij", *unit)),
            ("Subtract", layers.Subtract(), a - b),
            ("Maximum", layers.Maximum(), np.maximum(a, b)),
            ("Minimum", layers.Minimum(), np.minimum(a, b)),
            ("Average", layers.Average(), (a + b) / 2),
        ):
            result = layer([tf.constant(a), tf.constant(b)])
            assert_close(result, expected, rtol=1e-4, atol=1e-5, what=label)


@behaviour(
    "layers.merge_shapes",
    "Which shapes do Add and Concatenate refuse, and which do they broadcast?",
    source="Keras API, merging layers",
    needs=("tensorflow",),
)
def merge_shapes():
    import tensorflow as tf

    eager(tf)
    layers = tf.keras.layers

    def shape(layer, *shapes):
        result = layer([tf.zeros(s) for s in shapes])
        return [int(n) for n in result.shape]

    with subject("merging layers"):
        return attempts(
            {
                "Add (2, 3) and (2, 1)": lambda: shape(layers.Add(), (2, 3), (2, 1)),
                "Add (2, 3) and (2, 4, 3)": lambda: shape(layers.Add(), (2, 3), (2, 4, 3)),
                "Add (2, 3) and (2, 4)": lambda: shape(layers.Add(), (2, 3), (2, 4)),
                "Add of one": lambda: shape(layers.Add(), (2, 3)),
                "Concatenate (2, 3) and (2, 4)": lambda: shape(layers.Concatenate(), (2, 3), (2, 4)),
                "Concatenate (2, 3) and (3, 3)": lambda: shape(layers.Concatenate(), (2, 3), (3, 3)),
                "Concatenate of one": lambda: shape(layers.Concatenate(), (2, 3)),
                "Dense on three dimensions": lambda: [int(n) for n in layers.Dense(5)(tf.zeros((2, 3, 4))).shape],
            }
        )


@check(
    "layers.reshaping",
    "Do Reshape, Permute, RepeatVector and Flatten put each number where numpy does?",
    source="Keras API, reshaping layers",
    needs=("tensorflow",),
)
def reshaping():
    import numpy as np
    import tensorflow as tf

    eager(tf)
    layers = tf.keras.layers
    x = numbers(2, 3, 4)
    with subject("reshaping layers"):
        assert_close(layers.Reshape((2, -1))(tf.constant(x)), x.reshape(2, 2, 6), what="Reshape")
        assert_close(layers.Permute((2, 1))(tf.constant(x)), x.transpose(0, 2, 1), what="Permute")
        assert_close(layers.Flatten()(tf.constant(x)), x.reshape(2, 12), what="Flatten")
        repeated = np.repeat(x[:, :1], 3, axis=1)
        assert_close(layers.RepeatVector(3)(tf.constant(x[:, 0])), repeated, what="RepeatVector")


@check(
    "layers.noise_in_inference",
    "Do the noise and dropout layers leave inference alone?",
    source="Keras API, regularization layers",
    needs=("tensorflow",),
)
def noise_in_inference():
    import tensorflow as tf

    eager(tf)
    layers = tf.keras.layers
    x = numbers(2, 3, 4)
    with subject("regularization layers"):
        for layer in (
            layers.GaussianNoise(0.9),
            layers.GaussianDropout(0.9),
            layers.SpatialDropout1D(0.9),
            layers.Dropout(0.9),
        ):
            assert_close(layer(tf.constant(x), training=False), x, what=type(layer).__name__)


@check(
    "layers.constraint",
    "Does a constraint hold after a training step, and is a max norm taken per column?",
    source="Keras API, layer weight constraints",
    needs=("tensorflow",),
)
def constraint():
    import numpy as np
    import tensorflow as tf

    layer = tf.keras.layers.Dense(
        2, use_bias=False, kernel_constraint=tf.keras.constraints.MaxNorm(1.0), input_shape=(2,)
    )
    model = tf.keras.Sequential([layer])
    model.set_weights([np.array([[3.0, 0.1], [4.0, 0.2]], "float32")])
    model.compile(optimizer=tf.keras.optimizers.SGD(0.0), loss="mse")
    x = np.ones((2, 2), "float32")
    with subject("kernel_constraint"):
        model.train_on_batch(x, x)
        assert_close(model.get_weights()[0], [[0.6, 0.1], [0.8, 0.2]], rtol=1e-4, what="kernel")


@behaviour(
    "layers.dtype.autocast",
    "Which dtype comes out of layers for float64, integer, float16 and boolean inputs?",
    source="TensorFlow 2.0 release notes (layers cast inputs to the layer's dtype)",
    needs=("tensorflow",),
)
def dtype_autocast():
    import tensorflow as tf

    eager(tf)
    layers = tf.keras.layers

    def out(layer, dtype):
        return str(tf.as_dtype(layer(tf.cast(tf.constant([[1, 0]]), dtype)).dtype).name)

    class Plain(layers.Layer):
        def call(self, inputs):
            return tf.identity(inputs)

    found = {}
    with subject("Layer.__call__"):
        for label, make in (("Dense", lambda: layers.Dense(1)), ("Flatten", layers.Flatten), ("custom", Plain)):
            for dtype in ("float64", "float16", "int32", "bool"):
                found["%s of %s" % (label, dtype)] = attempt(lambda: out(make(), dtype))
        found["Dense(dtype='float64') of float32"] = attempt(lambda: out(layers.Dense(1, dtype="float64"), "float32"))
        found["custom(autocast=False) of float64"] = attempt(lambda: out(Plain(autocast=False), "float64"))
    return found


@behaviour(
    "layers.dtype.floatx",
    "After set_floatx('float64'): which dtypes have weights, outputs, predictions and inputs?",
    source="Keras API, backend.set_floatx",
    needs=("tensorflow",),
)
def dtype_floatx():
    import tensorflow as tf

    eager(tf)
    with subject("set_floatx('float64')"):
        tf.keras.backend.set_floatx("float64")
        model = tf.keras.Sequential([tf.keras.layers.Dense(1, input_shape=(2,))])
        return {
            "weights": tf.as_dtype(model.weights[0].dtype).name,
            "input": tf.as_dtype(model.inputs[0].dtype).name,
            "output": tf.as_dtype(model(numbers(1, 2)).dtype).name,
            "predict": model.predict(numbers(1, 2), verbose=0).dtype.name,
        }


@check(
    "layers.dense_of_many_dimensions",
    "Does Dense multiply the last axis of inputs with three and four dimensions?",
    source="Keras API, Dense",
    needs=("tensorflow",),
)
def dense_of_many_dimensions():
    import tensorflow as tf

    eager(tf)
    with subject("Dense"):
        for shape in ((2, 3, 4), (2, 3, 2, 4)):
            x = numbers(*shape)
            layer = tf.keras.layers.Dense(3)
            layer.build((None,) + shape[1:])
            kernel, bias = fixed(layer)
            assert_close(
                layer(tf.constant(x)), x.dot(kernel) + bias, rtol=1e-4, atol=1e-5, what="%d dimensions" % len(shape)
            )
