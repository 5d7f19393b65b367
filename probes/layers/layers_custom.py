"""Custom layers: add_weight's spellings, what is tracked, the training argument, building, configuration."""

from attempts import attempt, attempts
from harness import assert_close, behaviour, check, drift, subject
from layers_by_hand import numbers
from synthetic import eager


@behaviour(
    "layers.custom.add_weight",
    "Which spellings of add_weight work: name first, shape first, keywords, add_variable?",
    source="Keras API, Layer.add_weight",
    needs=("tensorflow",),
)
def custom_add_weight():
    import tensorflow as tf

    def layer():
        return tf.keras.layers.Layer()

    def made(weight):
        name = weight.name.split("/")[-1].split(":")[0]
        return [[int(n) for n in weight.shape], name if name == "w" else "another name"]

    with subject("Layer.add_weight"):
        return attempts(
            {
                "('w', (2, 3))": lambda: made(layer().add_weight("w", (2, 3))),
                "('w', shape=(2, 3))": lambda: made(layer().add_weight("w", shape=(2, 3))),
                "((2, 3))": lambda: made(layer().add_weight((2, 3))),
                "(shape=(2, 3))": lambda: made(layer().add_weight(shape=(2, 3))),
                "(shape=[2, 3], name='w')": lambda: made(layer().add_weight(shape=[2, 3], name="w")),
                "(shape=TensorShape)": lambda: made(layer().add_weight(shape=tf.TensorShape([2, 3]), name="w")),
                "(name='w')": lambda: made(layer().add_weight(name="w")),
                "(name='w', shape=(2, None))": lambda: made(layer().add_weight(name="w", shape=(2, None))),
                "add_variable('w', (2, 3))": lambda: made(layer().add_variable("w", (2, 3))),
            }
        )


@check(
    "layers.custom.dense_by_hand",
    "Does a layer written as the guide shows (build, add_weight, call, get_config) compute and rebuild?",
    source="seed 004 example 3 (custom layer with build, call and get_config)",
    needs=("tensorflow",),
)
def custom_dense_by_hand():
    import tensorflow as tf

    eager(tf)

    class Linear(tf.keras.layers.Layer):
        def __init__(self, units=2, **kwargs):
            super(Linear, self).__init__(**kwargs)
            self.units = units

        def build(self, input_shape):
            self.w = self.add_weight(
                name="w", shape=(int(input_shape[-1]), self.units), initializer="ones", trainable=True
            )
            self.count = self.add_weight(name="count", shape=(), initializer="zeros", trainable=False)
            super(Linear, self).build(input_shape)

        def call(self, inputs):
            return tf.matmul(inputs, self.w)

        def get_config(self):
            config = super(Linear, self).get_config()
            config.update({"units": self.units})
            return config

    x = numbers(2, 3)
    with subject("Layer subclass"):
        layer = Linear(4, name="mine")
        assert_close(layer(tf.constant(x)), x.sum(axis=1, keepdims=True).repeat(4, axis=1), atol=1e-5, what="outputs")
        again = Linear.from_config(layer.get_config())
        assert_close([again.units, again.name == "mine"], [4, True], what="what from_config makes")
        counts = [len(layer.trainable_weights), len(layer.non_trainable_weights)]
        assert_close(counts, [1, 1], what="trainable and other weights")


@behaviour(
    "layers.custom.tracked",
    "What does a layer track as its own weights: tf.Variable, variables in lists and dicts, layers in those?",
    source="Keras guide, migrating Keras 2 code to multi-backend Keras 3 (automatically tracked tf.Variables)",
    needs=("tensorflow",),
)
def custom_tracked():
    import tensorflow as tf

    eager(tf)

    class Plain(tf.keras.layers.Layer):
        def call(self, inputs):
            return inputs

    def count(value, after_build=False):
        layer = Plain()
        if after_build:
            layer(tf.zeros((1, 2)))
        layer.something = value()
        return len(layer.weights)

    def dense():
        layer = tf.keras.layers.Dense(1)
        layer.build((None, 2))
        return layer

    with subject("Layer.weights"):
        return attempts(
            {
                "tf.Variable": lambda: count(lambda: tf.Variable(1.0)),
                "tf.Variable after the first call": lambda: count(lambda: tf.Variable(1.0), True),
                "list of tf.Variable": lambda: count(lambda: [tf.Variable(1.0)]),
                "layer": lambda: count(dense),
                "layer after the first call": lambda: count(dense, True),
                "list of layers": lambda: count(lambda: [dense(), dense()]),
                "dict of layers": lambda: count(lambda: {"a": dense()}),
                "tuple of layers": lambda: count(lambda: (dense(),)),
            }
        )


@behaviour(
    "layers.custom.training_argument",
    "Which value of training does a custom layer's call get: called, in predict, evaluate and fit?",
    source="seed 002 example 3 (call with a training argument)",
    needs=("tensorflow",),
)
def custom_training_argument():
    import tensorflow as tf

    eager(tf)
    seen = []

    class Looking(tf.keras.layers.Layer):
        def call(self, inputs, training=None):
            seen.append(training if training is None or isinstance(training, (bool, int)) else "tensor")
            return inputs

    def given(call):
        del seen[:]
        call()
        return seen[-1]

    x = numbers(4, 2)
    with subject("call(inputs, training=None)"):
        layer = Looking()
        model = tf.keras.Sequential([tf.keras.layers.Dense(2), layer])
        model(tf.constant(x))
        model.compile(optimizer="sgd", loss="mse", run_eagerly=True)
        return attempts(
            {
                "layer(x)": lambda: given(lambda: layer(tf.constant(x))),
                "layer(x, training=True)": lambda: given(lambda: layer(tf.constant(x), training=True)),
                "model(x)": lambda: given(lambda: model(tf.constant(x))),
                "predict": lambda: given(lambda: model.predict(x, verbose=0)),
                "evaluate": lambda: given(lambda: model.evaluate(x, x, verbose=0)),
                "fit": lambda: given(lambda: model.fit(x, x, verbose=0)),
            }
        )


@behaviour(
    "layers.custom.wrong_call",
    "What does a layer raise for an unknown call argument, for weights of a wrong shape, before it is built?",
    source="Keras API, Layer",
    needs=("tensorflow",),
)
def custom_wrong_call():
    import numpy as np
    import tensorflow as tf

    eager(tf)
    x = tf.zeros((1, 3))

    def shaped(x):
        return [int(n) for n in x.shape]

    with subject("Layer"):
        layer = tf.keras.layers.Dense(2)
        layer(x)
        return attempts(
            {
                "unknown argument": lambda: shaped(layer(x, colour="red")),
                "no argument": lambda: shaped(layer()),
                "other number of features": lambda: shaped(layer(tf.zeros((1, 4)))),
                "one dimension": lambda: shaped(layer(tf.zeros((3,)))),
                "weights of a wrong shape": lambda: layer.set_weights([np.zeros((2, 2)), np.zeros(2)]),
                "too few weights": lambda: layer.set_weights([np.zeros((3, 2))]),
                "get_weights before build": lambda: tf.keras.layers.Dense(2).get_weights(),
                "count_params before build": lambda: tf.keras.layers.Dense(2).count_params(),
                "kernel before build": lambda: tf.keras.layers.Dense(2).kernel is None,
                "image into Conv2D without channels": lambda: shaped(tf.keras.layers.Conv2D(1, 2)(tf.zeros((1, 4, 4)))),
                "a list": lambda: shaped(tf.keras.layers.Dense(2)([[1.0, 2.0]])),
                "a numpy array": lambda: shaped(tf.keras.layers.Dense(2)(np.zeros((1, 3)))),
            }
        )


@drift(
    "layers.custom.gradients",
    "Which gradients come through a custom gradient, stop_gradient and clipping inside a layer?",
    source="TensorFlow guide, automatic differentiation: custom gradients",
    needs=("tensorflow",),
)
def custom_gradients():
    import tensorflow as tf

    eager(tf)

    @tf.custom_gradient
    def reversed_gradient(x):
        return tf.identity(x), lambda upstream: -2.0 * upstream

    class Layered(tf.keras.layers.Layer):
        def call(self, inputs):
            return reversed_gradient(inputs) * tf.stop_gradient(inputs) + tf.clip_by_value(inputs, 0.0, 2.0)

    x = tf.constant([-1.0, 1.0, 3.0])
    with subject("GradientTape through a layer"):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = Layered()(x)
        return tape.gradient(y, x).numpy().astype(float).round(6).tolist()


@behaviour(
    "layers.custom.no_super_init",
    "What happens when a custom layer's __init__ sets attributes before or without calling super().__init__?",
    source="Keras guide, making new layers",
    needs=("tensorflow",),
)
def custom_no_super_init():
    import tensorflow as tf

    eager(tf)

    class Base(tf.keras.layers.Layer):
        def call(self, inputs):
            return inputs

    class Before(Base):
        def __init__(self):
            self.units = 3
            super(Before, self).__init__()

    class LayerBefore(Base):
        def __init__(self):
            self.inner = tf.keras.layers.Dense(1)
            super(LayerBefore, self).__init__()

    class Without(Base):
        def __init__(self):
            self.units = 3

    def called(make):
        return attempt(lambda: len(make()(tf.zeros((1, 2))).shape))

    with subject("Layer.__init__"):
        return {"number before": called(Before), "layer before": called(LayerBefore), "without": called(Without)}
