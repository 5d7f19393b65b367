"""Calling models, and what is missing or raised: wrong inputs, no compile, methods that went."""

from attempts import attempts
from harness import behaviour, subject
from layers_by_hand import numbers
from synthetic import eager


def shape(x):
    """A tensor's or an array's shape as a list of integers."""
    return [int(n) for n in x.shape]


@behaviour(
    "models.not_compiled",
    "What do fit, evaluate, predict and train_on_batch do without compile?",
    source="Keras API, Model.compile",
    needs=("tensorflow",),
)
def not_compiled():
    import tensorflow as tf

    x = numbers(2, 2)
    model = tf.keras.Sequential([tf.keras.layers.Dense(2, input_shape=(2,))])
    with subject("Model"):
        return attempts(
            {
                "fit": lambda: model.fit(x, x, verbose=0) is not None,
                "evaluate": lambda: model.evaluate(x, x, verbose=0) is not None,
                "train_on_batch": lambda: model.train_on_batch(x, x) is not None,
                "predict": lambda: list(model.predict(x, verbose=0).shape),
                "optimizer": lambda: type(model.optimizer).__name__,
            }
        )


@behaviour(
    "models.wrong_input",
    "What is raised for inputs of a wrong shape or number: called, and in predict?",
    source="seed 004 (tensors of unexpectedly different shapes)",
    needs=("tensorflow",),
)
def wrong_input():
    import tensorflow as tf

    eager(tf)
    one, two = tf.keras.Input(shape=(3,)), tf.keras.Input(shape=(3,))
    single = tf.keras.Sequential([tf.keras.layers.Dense(2, input_shape=(3,))])
    double = tf.keras.Model([one, two], tf.keras.layers.Add()([one, two]))
    x, wrong = numbers(2, 3), numbers(2, 4)

    def eagerly(model, given):
        return shape(model(given))

    with subject("Model.__call__, Model.predict"):
        return attempts(
            {
                "4 of 3 features, called": lambda: eagerly(single, tf.constant(wrong)),
                "4 of 3 features, predict": lambda: shape(single.predict(wrong, verbose=0)),
                "one dimension too many, predict": lambda: shape(single.predict(numbers(2, 3, 3), verbose=0)),
                "one of two inputs, called": lambda: eagerly(double, tf.constant(x)),
                "one of two inputs, predict": lambda: shape(double.predict([x], verbose=0)),
                "three of two inputs, predict": lambda: shape(double.predict([x, x, x], verbose=0)),
                "tuple for a list of two, called": lambda: eagerly(double, (tf.constant(x), tf.constant(x))),
                "lengths 2 and 3, predict": lambda: shape(double.predict([x, numbers(3, 3)], verbose=0)),
                "two for one input, predict": lambda: shape(single.predict([x, x], verbose=0)),
            }
        )


@behaviour(
    "models.called_on",
    "What may a model be called on: numpy, lists, integers, float64; what comes back?",
    source="seed 004 example 2 (integer input into a float model)",
    needs=("tensorflow",),
)
def called_on():
    import numpy as np
    import tensorflow as tf

    eager(tf)
    model = tf.keras.Sequential([tf.keras.layers.Dense(1, kernel_initializer="ones", input_shape=(2,))])

    def said(given, call=model):
        result = call(given)
        return [type(result).__name__, tf.as_dtype(result.dtype).name, round(float(result[0, 0]), 4)]

    with subject("Model.__call__"):
        return attempts(
            {
                "numpy": lambda: said(np.array([[1.0, 2.0]], "float32")),
                "numpy float64": lambda: said(np.array([[1.0, 2.0]])),
                "numpy integers": lambda: said(np.array([[1, 2]])),
                "tensor of integers": lambda: said(tf.constant([[1, 2]])),
                "list": lambda: said([[1.0, 2.0]]),
                "model.call of numpy integers": lambda: said(np.array([[1, 2]]), model.call),
                "predict of integers": lambda: said(np.array([[1, 2]]), lambda x: model.predict(x, verbose=0)),
                "predict of booleans": lambda: said(np.array([[True, False]]), lambda x: model.predict(x, verbose=0)),
            }
        )
