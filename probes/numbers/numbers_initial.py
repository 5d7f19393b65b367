"""Initializers and seeds."""

from harness import assert_close, behaviour, check, drift, expect, subject
from plain import named, outcome, outcomes, rounded
from synthetic import eager


@behaviour(
    "numbers.initializers.layer_defaults",
    "With which initializers do Dense, Conv2D, Embedding, LSTM and others start by default?",
    source="seed 003 statement 1 and example 1 (Conv2D default said to have changed between 2.8 and 2.10)",
    needs=("tensorflow",),
    light=True,
)
def layer_defaults():
    import tensorflow as tf

    made = {
        "Dense": lambda: tf.keras.layers.Dense(2),
        "Conv2D": lambda: tf.keras.layers.Conv2D(2, 3),
        "Conv2DTranspose": lambda: tf.keras.layers.Conv2DTranspose(2, 3),
        "SeparableConv2D": lambda: tf.keras.layers.SeparableConv2D(2, 3),
        "DepthwiseConv2D": lambda: tf.keras.layers.DepthwiseConv2D(3),
        "Embedding": lambda: tf.keras.layers.Embedding(2, 2),
        "SimpleRNN": lambda: tf.keras.layers.SimpleRNN(2),
        "LSTM": lambda: tf.keras.layers.LSTM(2),
        "GRU": lambda: tf.keras.layers.GRU(2),
        "BatchNormalization": lambda: tf.keras.layers.BatchNormalization(),
        "PReLU": lambda: tf.keras.layers.PReLU(),
    }

    def of(make):
        config = make().get_config()
        return dict(
            (key.replace("_initializer", ""), value["class_name"])
            for key, value in config.items()
            if key.endswith("_initializer") and value
        )

    with subject("Layer.get_config"):
        return dict((name, outcome(of, made[name])) for name in sorted(made))


@check(
    "numbers.initializers.conv2d_default",
    "Are a new Conv2D's weights drawn from glorot_uniform's interval, as seed 003's 'TF 2.8' says?",
    source="seed 003 example 1 (default was glorot_uniform in 2.8 'but not in 2.10')",
    needs=("tensorflow",),
)
def conv2d_default():
    import tensorflow as tf

    with subject("Conv2D"):
        layer = tf.keras.layers.Conv2D(32, (3, 3), activation="relu", input_shape=(28, 28, 1))
        model = tf.keras.models.Sequential([layer])
        kernel, bias = model.layers[0].get_weights()
        limit = (6.0 / (9 * 1 + 9 * 32)) ** 0.5
        expect(abs(kernel).max() <= limit, "a weight lies beyond glorot_uniform's limit %r" % limit)
        expect(abs(kernel).max() > 0.9 * limit, "no weight comes near glorot_uniform's limit %r" % limit)
        # uniform on ±limit has standard deviation limit / √3
        expect(abs(kernel.std() * 3**0.5 / limit - 1) < 0.15, "the spread is %r, not uniform's" % float(kernel.std()))
        expect((bias == 0).all(), "the bias does not start at zero")


@check(
    "numbers.initializers.spread",
    "Do the initializers draw from the ranges and with the spreads that they document?",
    source="Keras API, layer weight initializers",
    needs=("tensorflow",),
)
def spread():
    import numpy as np
    import tensorflow as tf

    eager(tf)
    made = tf.keras.initializers
    with subject("Initializer.__call__"):
        fans = 200 + 100
        expected = (
            (made.GlorotUniform(seed=1), (2.0 / fans) ** 0.5),
            (made.GlorotNormal(seed=1), (2.0 / fans) ** 0.5),
            (made.get("he_normal"), (2.0 / 200) ** 0.5),
            (made.get("he_uniform"), (2.0 / 200) ** 0.5),
            (made.get("lecun_normal"), (1.0 / 200) ** 0.5),
            (made.RandomUniform(-1.0, 1.0, seed=1), 3**-0.5),
            (made.RandomNormal(stddev=0.5, seed=1), 0.5),
            (made.VarianceScaling(scale=2.0, mode="fan_avg", seed=1), (4.0 / fans) ** 0.5),
        )
        for initializer, deviation in expected:
            drawn = np.array(initializer((200, 100)))
            name = type(initializer).__name__
            expect(abs(drawn.std() / deviation - 1) < 0.03, "%s: %r, not %r" % (name, float(drawn.std()), deviation))
            expect(abs(drawn.mean()) < deviation / 20, "%s: its mean is %r" % (name, float(drawn.mean())))
        square = np.array(made.Orthogonal(seed=1)((4, 4)))
        assert_close(square.dot(square.T), np.eye(4), atol=1e-5, what="Orthogonal times its transpose")
        assert_close(made.Identity(gain=2.0)((2, 2)), [[2.0, 0.0], [0.0, 2.0]], what="Identity")
        assert_close(made.Constant(3.0)((1, 2)), [[3.0, 3.0]], what="Constant")


@drift(
    "numbers.initializers.seeded_draws",
    "Which numbers does each initializer draw with seed 1?",
    source="seed 003 statement 1 (initialization strategy)",
    needs=("tensorflow",),
)
def seeded_draws():
    import tensorflow as tf

    eager(tf)
    names = ("GlorotUniform", "GlorotNormal", "RandomUniform", "RandomNormal", "TruncatedNormal", "VarianceScaling",
             "Orthogonal", "HeNormal", "LecunUniform")  # fmt: skip
    with subject("Initializer.__call__"):
        return outcomes([(n, lambda n=n: getattr(tf.keras.initializers, n)(seed=1)((2, 2))) for n in names], digits=5)


@behaviour(
    "numbers.initializers.called_twice",
    "Does an initializer give the same numbers when it is called again, seeded and unseeded?",
    source="TensorFlow 2.10 release notes (Keras initializers are stateless)",
    needs=("tensorflow",),
)
def called_twice():
    import numpy as np
    import tensorflow as tf

    eager(tf)

    def pair(one, other):
        return "same" if (np.array(one((3, 3))) == np.array(other((3, 3)))).all() else "different"

    def new(seed=None):
        return tf.keras.initializers.GlorotUniform(seed=seed)

    def dense():
        initializer = new(1)
        layers = [tf.keras.layers.Dense(3, kernel_initializer=initializer) for _ in range(2)]
        return pair(*[lambda shape, l=l: (l.build(shape), l.get_weights()[0])[1] for l in layers])  # noqa: E741

    with subject("GlorotUniform.__call__"):
        seeded, unseeded = new(1), new()
        return outcomes(
            [
                ("one object, seeded", lambda: pair(seeded, seeded)),
                ("two objects, one seed", lambda: pair(new(1), new(1))),
                ("one object, unseeded", lambda: pair(unseeded, unseeded)),
                ("two objects, unseeded", lambda: pair(new(), new())),
                ("two layers, one seeded object", dense),
                ("two layers by name", lambda: pair(*[tf.keras.initializers.get("glorot_uniform") for _ in "12"])),
            ]
        )


@behaviour(
    "numbers.initializers.names_and_defaults",
    "What are the names of initializers understood as, and what spread do the random ones default to?",
    source="Keras API, initializers.get",
    needs=("tensorflow",),
    light=True,
)
def names_and_defaults():
    import tensorflow as tf

    names = (
        "uniform", "normal", "random_uniform", "random_normal", "RandomNormal", "truncated_normal", "glorot_uniform",
        "GlorotUniform", "glorotuniform", "he_normal", "HeNormal", "lecun_uniform", "one", "ones", "Zeros", "zero",
        "identity", "orthogonal", "constant",
    )  # fmt: skip

    def understood(name):
        found = tf.keras.initializers.get(name)
        config = found.get_config() if hasattr(found, "get_config") else {}
        shown = ("minval", "maxval", "stddev", "scale", "mode", "distribution", "gain", "value")
        return [named(found)] + [rounded(config[key]) for key in shown if key in config]

    with subject("initializers.get"):
        return dict((name, outcome(understood, name)) for name in names)


@behaviour(
    "numbers.random.what_seeds_the_weights",
    "Which seeding makes a new model start with the same weights again?",
    source="seed 003 statement 1; Keras API, utils.set_random_seed",
    needs=("tensorflow",),
)
def what_seeds_the_weights():
    import random

    import numpy as np
    import tensorflow as tf

    eager(tf)

    def repeats(*seeds):
        drawn = []
        for _ in range(2):
            for seed in seeds:
                seed(5)
            layer = tf.keras.layers.Dense(3)
            layer.build((None, 3))
            drawn.append(layer.get_weights()[0].tolist())
        return "same" if drawn[0] == drawn[1] else "different"

    with subject("Dense.build"):
        return outcomes(
            [
                ("nothing", repeats),
                ("tf.random.set_seed", lambda: repeats(tf.random.set_seed)),
                ("numpy.random.seed", lambda: repeats(np.random.seed)),
                ("random.seed", lambda: repeats(random.seed)),
                ("all three", lambda: repeats(tf.random.set_seed, np.random.seed, random.seed)),
                ("keras.utils.set_random_seed", lambda: repeats(tf.keras.utils.set_random_seed)),
            ]
        )


@drift(
    "numbers.random.draws",
    "Which numbers do TensorFlow's random functions draw from fixed seeds?",
    source="TensorFlow guide, random number generation",
    needs=("tensorflow",),
)
def draws():
    import tensorflow as tf

    eager(tf)

    def after_seed(call):
        tf.random.set_seed(1)
        return [call().numpy().tolist(), call().numpy().tolist()]

    with subject("tf.random"):
        return outcomes(
            [
                ("uniform, global seed", lambda: after_seed(lambda: tf.random.uniform((2,)))),
                ("uniform, both seeds", lambda: after_seed(lambda: tf.random.uniform((2,), seed=2))),
                ("normal", lambda: after_seed(lambda: tf.random.normal((2,), seed=2))),
                ("truncated_normal", lambda: after_seed(lambda: tf.random.truncated_normal((2,), seed=2))),
                ("shuffle", lambda: after_seed(lambda: tf.random.shuffle(list(range(6)), seed=2))),
                ("categorical", lambda: after_seed(lambda: tf.random.categorical([[0.0, 0.0, 1.0]], 6, seed=2))),
                ("stateless_uniform", lambda: tf.random.stateless_uniform((2,), seed=(1, 2))),
                ("stateless_normal", lambda: tf.random.stateless_normal((2,), seed=(1, 2))),
                ("Generator", lambda: tf.random.Generator.from_seed(1).normal((2,))),
                ("Generator, experimental", lambda: tf.random.experimental.Generator.from_seed(1).normal((2,))),
                ("fold_in", lambda: tf.random.experimental.stateless_fold_in([1, 2], 3)),
            ],
            digits=5,
        )


@check(
    "numbers.random.repeats",
    "Do set_seed and a stateless seed repeat their numbers, also inside tf.function, and else not?",
    source="TensorFlow API, random.set_seed",
    needs=("tensorflow",),
)
def repeats():
    import tensorflow as tf

    eager(tf)

    def drawn():
        tf.random.set_seed(3)
        return [tf.random.uniform((4,)).numpy().tolist() for _ in range(2)]

    @tf.function
    def stateless():
        return tf.random.stateless_uniform((4,), seed=(1, 2))

    with subject("tf.random.set_seed"):
        first = drawn()
        expect(first == drawn(), "the same seed gave other numbers")
        expect(first[0] != first[1], "the second call repeats the first")
        assert_close(stateless(), tf.random.stateless_uniform((4,), seed=(1, 2)), what="stateless in tf.function")


@drift(
    "numbers.random.dropout_mask",
    "Which of 12 values does Dropout(0.5, seed=1) keep, in its first and second call?",
    source="seed 003 statement 1 (specifics of dropout during training)",
    needs=("tensorflow",),
)
def dropout_mask():
    import tensorflow as tf

    eager(tf)
    tf.compat.v1.set_random_seed(1)
    ones = tf.ones((1, 12))

    def kept(layer):
        return "".join("1" if value else "0" for value in rounded(layer(ones, training=True))[0])

    with subject("Dropout(seed=…)"):
        layer = tf.keras.layers.Dropout(0.5, seed=1)
        return [kept(layer), kept(layer), kept(tf.keras.layers.Dropout(0.5, seed=1))]
