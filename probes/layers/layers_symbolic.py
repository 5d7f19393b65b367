"""Keras' symbolic tensors: what they are, which TensorFlow and Python operations they bear, keras.backend on them."""

from attempts import attempt, attempts
from harness import assert_close, behaviour, check, subject
from layers_by_hand import numbers
from synthetic import eager


@behaviour(
    "layers.symbolic.tensorflow_ops",
    "Which TensorFlow operations work on a functional model's tensors?",
    source="Keras guide, migrating Keras 2 code to multi-backend Keras 3 (KerasTensor in TensorFlow functions)",
    needs=("tensorflow",),
    light=True,
)
def symbolic_tensorflow_ops():
    import tensorflow as tf

    x = tf.keras.Input(shape=(4, 2), batch_size=3)

    def shape(y):
        return [None if n is None else int(n) for n in tuple(y.shape)]

    with subject("TensorFlow operations on Keras tensors"):
        return attempts(
            {
                "tf.reshape": lambda: shape(tf.reshape(x, (3, 8))),
                "tf.concat": lambda: shape(tf.concat([x, x], axis=-1)),
                "tf.reduce_mean": lambda: shape(tf.reduce_mean(x, axis=1)),
                "tf.matmul": lambda: shape(tf.matmul(x, tf.ones((2, 5)))),
                "tf.expand_dims": lambda: shape(tf.expand_dims(x, 1)),
                "tf.nn.relu": lambda: shape(tf.nn.relu(x)),
                "tf.cast": lambda: shape(tf.cast(x, "int32")),
                "tf.shape": lambda: shape(tf.shape(x)),
                "tf.split": lambda: len(tf.split(x, 2, axis=1)),
                "tf.stack": lambda: shape(tf.stack([x, x])),
                "tf.image.resize": lambda: shape(
                    tf.image.resize(tf.keras.Input(shape=(4, 4, 1), batch_size=1), (2, 2))
                ),
                "x + 1": lambda: shape(x + 1),
                "tf.ones + x": lambda: shape(tf.ones((4, 2)) + x),
                "x * x": lambda: shape(x * x),
                "x > 0": lambda: shape(x > 0),
                "x[:, 0]": lambda: shape(x[:, 0]),
                "x @ w": lambda: shape(x @ tf.ones((2, 5))),
                "-x": lambda: shape(-x),
            }
        )


@behaviour(
    "layers.symbolic.python_ops",
    "What do len, bool, iteration, float and numpy raise for a functional model's tensor?",
    source="TensorFlow 2.4 release notes (KerasTensor)",
    needs=("tensorflow",),
    light=True,
)
def symbolic_python_ops():
    import numpy as np
    import tensorflow as tf

    x = tf.keras.Input(shape=(4,))
    with subject("Python operations on Keras tensors"):
        return attempts(
            {
                "len(x)": lambda: len(x),
                "bool(x)": lambda: bool(x),
                "iter(x)": lambda: len(list(iter(x))),
                "float(x)": lambda: float(x),
                "np.array(x)": lambda: np.array(x).dtype.name,
                "np.sqrt(x)": lambda: type(np.sqrt(x)).__name__ == type(x).__name__,
                "x == x": lambda: type(x == x).__name__ == type(x).__name__,
                "hash(x)": lambda: isinstance(hash(x), int),
                "x in [x]": lambda: x in [x],
                "x.numpy()": lambda: x.numpy() is None,
            }
        )


@behaviour(
    "layers.symbolic.what_it_is",
    "What is a functional model's tensor: its type, its shape's and dtype's types, is it a tf.Tensor?",
    source="TensorFlow 2.4 release notes (KerasTensor)",
    needs=("tensorflow",),
    light=True,
)
def symbolic_what_it_is():
    import tensorflow as tf

    x = tf.keras.Input(shape=(4,))
    with subject("Keras tensor"):
        return attempts(
            {
                "type": lambda: type(x).__name__,
                "isinstance tf.Tensor": lambda: isinstance(x, tf.Tensor),
                "tf.is_tensor": lambda: bool(tf.is_tensor(x)),
                "K.is_keras_tensor": lambda: bool(tf.keras.backend.is_keras_tensor(x)),
                "shape": lambda: type(x.shape).__name__,
                "shape[0]": lambda: type(x.shape[0]).__name__,
                "shape.as_list()": lambda: x.shape.as_list(),
                "get_shape()": lambda: type(x.get_shape()).__name__,
                "K.int_shape": lambda: list(tf.keras.backend.int_shape(x)),
                "dtype": lambda: type(x.dtype).__name__,
                "dtype == 'float32'": lambda: bool(x.dtype == "float32"),
                "_keras_history": lambda: type(x._keras_history).__name__,
                "op": lambda: type(x.op).__name__,
                "graph": lambda: type(x.graph).__name__,
                "set_shape": lambda: x.set_shape((None, 4)) is None,
            }
        )


@behaviour(
    "layers.symbolic.model_of_ops",
    "Does a model with a TensorFlow operation between its layers predict, rebuild from its config and list the op?",
    source="Keras guide, migrating Keras 2 code to multi-backend Keras 3 (KerasTensor in TensorFlow functions)",
    needs=("tensorflow",),
)
def symbolic_model_of_ops():
    import numpy as np
    import tensorflow as tf

    x = numbers(2, 3)
    with subject("tf.square in a functional model"):
        inputs = tf.keras.Input(shape=(3,))
        model = tf.keras.Model(inputs, tf.keras.layers.Activation("linear")(tf.square(inputs)))
        good = bool(np.allclose(model.predict(x, verbose=0), x**2, atol=1e-5))

        def again():
            same = tf.keras.Model.from_config(model.get_config())
            return bool(np.allclose(same.predict(x, verbose=0), x**2, atol=1e-5))

        return {"predicts": good, "layers": [type(layer).__name__ for layer in model.layers], "rebuilt": attempt(again)}


@behaviour(
    "layers.symbolic.keras_ops",
    "Is there keras.ops, tf.keras.ops, and does it work on symbolic tensors?",
    source="Keras 3 release announcement (keras.ops)",
    needs=("tensorflow",),
    light=True,
)
def symbolic_keras_ops():
    import tensorflow as tf

    with subject("tf.keras.ops"):
        y = tf.keras.ops.reshape(tf.keras.Input(shape=(4,)), (-1, 2, 2))
        return list(y.shape)


FUNCTIONS = (
    "abs", "all", "any", "arange", "argmax", "batch_dot", "batch_flatten", "batch_get_value", "batch_set_value",
    "binary_crossentropy", "cast", "cast_to_floatx", "categorical_crossentropy", "clear_session", "clip",
    "concatenate", "constant", "conv2d", "ctc_decode", "dot", "dropout", "epsilon", "equal", "eval", "exp",
    "expand_dims", "flatten", "floatx", "function", "gather", "get_session", "get_uid", "get_value", "gradients",
    "image_data_format", "in_train_phase", "int_shape", "is_keras_tensor", "is_sparse", "l2_normalize",
    "learning_phase", "log", "logsumexp", "manual_variable_initialization", "max", "maximum", "mean",
    "moving_average_update", "ndim", "one_hot", "ones", "permute_dimensions", "placeholder", "pool2d", "pow",
    "print_tensor",
    "random_normal", "random_uniform", "repeat_elements", "reset_uids", "reshape", "resize_images", "rnn",
    "set_epsilon", "set_floatx", "set_image_data_format", "set_learning_phase", "set_session", "set_value",
    "shape", "sigmoid", "slice", "softmax", "sparse_categorical_crossentropy", "sqrt", "square", "squeeze",
    "stack", "std", "stop_gradient", "sum", "switch", "tile", "transpose", "update", "update_add", "var",
    "variable", "zeros", "zeros_like",
)  # fmt: skip


@behaviour(
    "layers.backend.missing",
    "Which functions of tf.keras.backend are missing?",
    source="seed 004 example 3 (K.dot altered or replaced in more recent releases)",
    needs=("tensorflow",),
    light=True,
)
def backend_missing():
    import tensorflow as tf

    with subject("tf.keras.backend"):
        return [name for name in FUNCTIONS if not hasattr(tf.keras.backend, name)]


@check(
    "layers.backend.numbers",
    "Do keras.backend's functions inside a custom layer give numpy's numbers?",
    source="seed 004 example 3 (K.dot in a custom layer's call)",
    needs=("tensorflow",),
)
def backend_numbers():
    import numpy as np
    import tensorflow as tf

    eager(tf)
    K = tf.keras.backend

    class Doing(tf.keras.layers.Layer):
        def __init__(self, call):
            super(Doing, self).__init__()
            self.does = call

        def call(self, inputs):
            return self.does(inputs)

    x, w = np.abs(numbers(2, 3)) + 0.5, numbers(3, 2)
    cases = (
        ("dot", lambda t: K.dot(t, tf.constant(w)), x.dot(w)),
        ("mean", lambda t: K.mean(t, axis=-1, keepdims=True), x.mean(axis=-1, keepdims=True)),
        ("sum, square, sqrt", lambda t: K.sqrt(K.sum(K.square(t), axis=1)), np.sqrt((x**2).sum(axis=1))),
        ("std", lambda t: K.std(t, axis=0), x.std(axis=0)),
        ("clip", lambda t: K.clip(t, 0.8, 1.2), x.clip(0.8, 1.2)),
        ("concatenate", lambda t: K.concatenate([t, t]), np.concatenate([x, x], axis=-1)),
        ("permute_dimensions", lambda t: K.permute_dimensions(t, (1, 0)), x.T),
        ("l2_normalize", lambda t: K.l2_normalize(t, axis=1), x / np.sqrt((x**2).sum(axis=1, keepdims=True))),
        ("repeat_elements", lambda t: K.repeat_elements(t, 2, axis=1), x.repeat(2, axis=1)),
        ("log, exp", lambda t: K.log(K.exp(t)), x),
        ("one_hot", lambda t: K.one_hot(K.argmax(t, axis=-1), 3), np.eye(3)[x.argmax(axis=-1)]),
    )
    with subject("keras.backend"):
        for label, call, expected in cases:
            assert_close(Doing(call)(tf.constant(x)), expected, rtol=1e-4, atol=1e-5, what="K.%s" % label)


@behaviour(
    "layers.backend.on_symbolic",
    "Which keras.backend functions work on a functional model's tensors?",
    source="seed 004 example 3 (keras.backend in models)",
    needs=("tensorflow",),
)
def backend_on_symbolic():
    import tensorflow as tf

    K = tf.keras.backend
    x = tf.keras.Input(shape=(4,), batch_size=3)

    def shape(y):
        return [None if n is None else int(n) for n in tuple(y.shape)]

    with subject("keras.backend on Keras tensors"):
        return attempts(
            {
                "K.mean": lambda: shape(K.mean(x, axis=-1)),
                "K.square": lambda: shape(K.square(x)),
                "K.concatenate": lambda: shape(K.concatenate([x, x])),
                "K.expand_dims": lambda: shape(K.expand_dims(x)),
                "K.dot": lambda: shape(K.dot(x, tf.ones((4, 2)))),
                "K.shape": lambda: shape(K.shape(x)),
                "K.function": lambda: [round(float(v), 4) for v in K.function([x], [x])([numbers(3, 4)])[0][0]],
            }
        )


@check(
    "layers.lambda",
    "Does Lambda run its function with arguments, on one input and on two, in a model?",
    source="Keras API, Lambda",
    needs=("tensorflow",),
)
def lambda_layer():
    import tensorflow as tf

    x = numbers(2, 3)
    with subject("Lambda"):
        one, two = tf.keras.Input(shape=(3,)), tf.keras.Input(shape=(3,))
        scaled = tf.keras.layers.Lambda(lambda t, by: t * by, arguments={"by": 3.0})(one)
        difference = tf.keras.layers.Lambda(lambda pair: pair[0] - pair[1])([scaled, two])
        model = tf.keras.Model([one, two], difference)
        assert_close(model.predict([x, x], verbose=0), 2 * x, atol=1e-5, what="predictions")
