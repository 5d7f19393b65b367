"""Regularizers and constraints of weights."""

from harness import assert_close, behaviour, check, subject
from plain import outcomes
from synthetic import eager


@check(
    "numbers.regularizers.by_hand",
    "Do the l1 and l2 penalties equal what is computed by hand?",
    source="Keras API, layer weight regularizers",
    needs=("tensorflow",),
)
def regularizers():
    import tensorflow as tf

    eager(tf)
    made, weights = tf.keras.regularizers, tf.constant([[1.0, -2.0], [0.0, 3.0]])
    with subject("Regularizer.__call__"):
        assert_close(made.l1(0.1)(weights), 0.6, what="l1(0.1)")
        assert_close(made.l2(0.1)(weights), 1.4, what="l2(0.1)")
        assert_close(made.l1_l2(0.1, 0.2)(weights), 3.4, what="l1_l2(0.1, 0.2)")
        assert_close(made.get("l2")(weights), 0.14, what="'l2'")


@behaviour(
    "numbers.regularizers.defaults",
    "Which penalty do l1(), l2(), l1_l2() and their names give a weight of 10 by default?",
    source="Keras API, layer weight regularizers",
    needs=("tensorflow",),
)
def regularizer_defaults():
    import tensorflow as tf

    eager(tf)
    made, ten = tf.keras.regularizers, tf.constant([[10.0]])
    with subject("Regularizer.__call__"):
        cases = [(name + "()", lambda name=name: getattr(made, name)()(ten)) for name in ("l1", "l2", "l1_l2", "L2")]
        return outcomes(cases + [(repr(name), lambda name=name: made.get(name)(ten)) for name in ("l2", "L2", "l1_l2")])


@check(
    "numbers.constraints.by_hand",
    "Do the weight constraints give what is computed by hand, also after a training step?",
    source="Keras API, layer weight constraints",
    needs=("tensorflow",),
)
def constraints():
    import numpy as np
    import tensorflow as tf

    eager(tf)
    made, weights = tf.keras.constraints, tf.constant([[3.0, -1.0], [4.0, 0.0]])
    model = tf.keras.Sequential(
        [tf.keras.layers.Dense(1, use_bias=False, input_shape=(1,), kernel_constraint=made.NonNeg())]
    )
    model.set_weights([np.ones((1, 1), "float32")])
    model.compile(optimizer=tf.keras.optimizers.SGD(1.0), loss="mae", run_eagerly=True)
    one = np.ones((1, 1), "float32")
    with subject("Constraint.__call__"):
        assert_close(made.MaxNorm(2.5)(weights), [[1.5, -1.0], [2.0, 0.0]], rtol=1e-4, what="MaxNorm")
        assert_close(made.UnitNorm()(weights), [[0.6, -1.0], [0.8, 0.0]], rtol=1e-4, what="UnitNorm")
        assert_close(made.NonNeg()(weights), [[3.0, 0.0], [4.0, 0.0]], what="NonNeg")
        between = made.MinMaxNorm(2.0, 2.5)(weights)
        assert_close(between, [[1.5, -2.0], [2.0, 0.0]], rtol=1e-4, what="MinMaxNorm")
        model.train_on_batch(one * 3, one * -9)
        assert_close(model.get_weights()[0], [[0.0]], what="weight kept from -2")
