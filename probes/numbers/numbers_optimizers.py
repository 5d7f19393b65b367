"""Optimizers: the numbers they compute, their defaults, and what became of their arguments."""

from harness import assert_close, behaviour, check, drift, expect, subject
from plain import named, outcome, outcomes, rounded
from synthetic import eager

GRADIENTS = ([0.1, -0.2], [0.3, 0.1], [-0.2, 0.4])

CLASSIC = (
    ("sgd", "SGD", {}),
    ("sgd_momentum", "SGD", {"momentum": 0.9}),
    ("sgd_nesterov", "SGD", {"momentum": 0.9, "nesterov": True}),
    ("rmsprop", "RMSprop", {}),
    ("rmsprop_momentum", "RMSprop", {"momentum": 0.5}),
    ("rmsprop_centered", "RMSprop", {"centered": True}),
    ("adam", "Adam", {}),
    ("adam_amsgrad", "Adam", {"amsgrad": True}),
    ("adam_large_epsilon", "Adam", {"epsilon": 0.1}),
    ("adamax", "Adamax", {}),
    ("nadam", "Nadam", {}),
    ("adagrad", "Adagrad", {}),
    ("adadelta", "Adadelta", {}),
    ("ftrl", "Ftrl", {}),
    ("ftrl_l1_l2", "Ftrl", {"l1_regularization_strength": 0.1, "l2_regularization_strength": 0.1}),
)
LATER = (
    ("adamw", "AdamW", {}),
    ("adafactor", "Adafactor", {}),
    ("lion", "Lion", {}),
    ("lamb", "Lamb", {}),
    ("muon", "Muon", {}),
    ("schedule_free_adamw", "ScheduleFreeAdamW", {}),
)


def stepped(tf, optimizer, gradients=GRADIENTS, start=(1.0, -2.0)):
    """A variable that began at `start`, after one step per gradient."""
    variable = tf.Variable(list(start))
    for gradient in gradients:
        optimizer.apply_gradients([(tf.constant(gradient), variable)])
    return variable


def three_steps(tf, cases):
    def steps(name, arguments):
        return stepped(tf, getattr(tf.keras.optimizers, name)(learning_rate=0.1, **arguments))

    return outcomes([(label, lambda name=name, given=given: steps(name, given)) for label, name, given in cases])


@drift(
    "numbers.optimizers.three_steps",
    "Where do three steps of each classic optimizer lead from fixed weights and gradients?",
    source="seed 003 statement 1 (the entire learning path might diverge)",
    needs=("tensorflow",),
)
def classic_steps():
    import tensorflow as tf

    eager(tf)
    with subject("Optimizer.apply_gradients"):
        return three_steps(tf, CLASSIC)


@drift(
    "numbers.optimizers.three_steps_of_later_ones",
    "Where do three steps of AdamW, Adafactor, Lion, Lamb and Muon lead, where they exist?",
    source="Keras API, optimizers",
    needs=("tensorflow",),
)
def later_steps():
    import tensorflow as tf

    eager(tf)
    with subject("Optimizer.apply_gradients"):
        return three_steps(tf, LATER)


@drift(
    "numbers.optimizers.sparse_gradient",
    "Does an optimizer move the rows of an embedding that a sparse gradient leaves out?",
    source="Keras API, optimizers.Adam (sparse behavior)",
    needs=("tensorflow",),
)
def sparse_gradient():
    import tensorflow as tf

    eager(tf)

    def rows(optimizer):
        variable = tf.Variable([[1.0], [1.0], [1.0]])
        for indices in ([0, 1], [1, 1]):
            sparse = tf.IndexedSlices(tf.constant([[0.5], [0.25]]), tf.constant(indices), tf.constant([3, 1]))
            optimizer.apply_gradients([(sparse, variable)])
        return variable.numpy()[:, 0]

    with subject("Optimizer.apply_gradients(IndexedSlices)"):
        made = tf.keras.optimizers
        return outcomes(
            [
                ("sgd", lambda: rows(made.SGD(0.1))),
                ("sgd_momentum", lambda: rows(made.SGD(0.1, momentum=0.9))),
                ("adam", lambda: rows(made.Adam(0.1))),
                ("rmsprop", lambda: rows(made.RMSprop(0.1))),
                ("adagrad", lambda: rows(made.Adagrad(0.1))),
            ]
        )


@behaviour(
    "numbers.optimizers.defaults",
    "What are the default learning rate, epsilon, momentum and rho of each optimizer?",
    source="seed 003 statement 1; Keras API, optimizers",
    needs=("tensorflow",),
    light=True,
)
def defaults():
    import tensorflow as tf

    asked = ("learning_rate", "momentum", "rho", "beta_1", "beta_2", "epsilon", "decay", "weight_decay")

    def config(name):
        values = getattr(tf.keras.optimizers, name)().get_config()
        return dict((key, values[key] and float("%.6g" % values[key])) for key in asked if key in values)

    with subject("Optimizer.get_config"):
        names = ("SGD", "RMSprop", "Adam", "AdamW", "Adamax", "Nadam", "Adagrad", "Adadelta", "Ftrl")
        return dict((name, outcome(config, name)) for name in names)


@behaviour(
    "numbers.optimizers.string_names",
    "Which optimizer does each string name give?",
    source="seed 001 (the 'adam' optimizer)",
    needs=("tensorflow",),
    light=True,
)
def string_names():
    import tensorflow as tf

    names = ("sgd", "SGD", "adam", "Adam", "ADAM", "rmsprop", "RMSProp", "adamw", "adafactor", "lion", "tfoptimizer")
    with subject("optimizers.get"):
        return dict((name, outcome(lambda: named(tf.keras.optimizers.get(name)))) for name in names)


@behaviour(
    "numbers.optimizers.family",
    "Which generation of optimizers do compile('adam'), the class and its legacy namesake belong to?",
    source="TensorFlow 2.11 release notes (tf.keras.optimizers.Optimizer is the new base class)",
    needs=("tensorflow",),
)
def family():
    import tensorflow as tf

    def bases(optimizer):
        names = [cls.__name__ for cls in type(optimizer).__mro__]
        for mark, meaning in (
            ("OptimizerV2", "OptimizerV2"),
            ("BaseOptimizer", "Keras 3"),
            ("_BaseOptimizer", "experimental, default from 2.11"),
        ):
            if mark in names:
                return meaning
        return "Keras 2 without OptimizerV2" if "Optimizer" in names else "none"

    def compiled():
        model = tf.keras.Sequential([tf.keras.layers.Dense(1, input_shape=(1,))])
        model.compile(optimizer="adam", loss="mse")
        return bases(model.optimizer)

    with subject("Model.compile(optimizer='adam')"):
        return outcomes(
            [
                ("compile('adam')", compiled),
                ("optimizers.Adam", lambda: bases(tf.keras.optimizers.Adam())),
                ("optimizers.legacy.Adam", lambda: bases(tf.keras.optimizers.legacy.Adam())),
                ("optimizers.experimental.Adam", lambda: bases(tf.keras.optimizers.experimental.Adam())),
            ]
        )


@behaviour(
    "numbers.optimizers.lr_and_decay_effect",
    "What do the old arguments lr and decay do to the steps: honoured, ignored or refused?",
    source="TensorFlow 2.11 release notes (the new Keras optimizers); Keras API, optimizers.legacy",
    needs=("tensorflow",),
)
def lr_and_decay_effect():
    import tensorflow as tf

    eager(tf)

    def after_two(name, **arguments):
        moved = stepped(tf, getattr(tf.keras.optimizers, name)(**arguments), gradients=([1.0], [1.0]), start=(0.0,))
        return moved.numpy()[0]

    with subject("SGD(lr=…, decay=…)"):
        return outcomes(
            [
                ("SGD(lr=1)", lambda: after_two("SGD", lr=1.0)),
                ("SGD(learning_rate=1, decay=1)", lambda: after_two("SGD", learning_rate=1.0, decay=1.0)),
                ("Adam(lr=1)", lambda: after_two("Adam", lr=1.0)),
                ("Adam(learning_rate=1, decay=1)", lambda: after_two("Adam", learning_rate=1.0, decay=1.0)),
            ],
            digits=4,
        )


@behaviour(
    "numbers.optimizers.learning_rate_set",
    "Which ways of setting the learning rate afterwards change the next step?",
    source="Keras guide, writing your own callbacks (learning rate scheduling)",
    needs=("tensorflow",),
)
def learning_rate_set():
    import tensorflow as tf

    eager(tf)

    def effect(change):
        optimizer = tf.keras.optimizers.SGD(learning_rate=1.0)
        change(optimizer)
        moved = stepped(tf, optimizer, gradients=([1.0],), start=(0.0,)).numpy()[0]
        return {-0.25: "honoured", -1.0: "ignored"}.get(float(moved), "other")

    with subject("Optimizer.learning_rate"):
        return outcomes(
            [
                ("learning_rate = x", lambda: effect(lambda o: setattr(o, "learning_rate", 0.25))),
                ("lr = x", lambda: effect(lambda o: setattr(o, "lr", 0.25))),
                ("learning_rate.assign(x)", lambda: effect(lambda o: o.learning_rate.assign(0.25))),
                ("K.set_value(lr, x)", lambda: effect(lambda o: tf.keras.backend.set_value(o.lr, 0.25))),
                ("K.set_value", lambda: effect(lambda o: tf.keras.backend.set_value(o.learning_rate, 0.25))),
            ]
        )


@drift(
    "numbers.optimizers.schedules",
    "What learning rates do the built-in schedules give at and around their marks?",
    source="Keras API, learning rate schedules",
    needs=("tensorflow",),
)
def schedules():
    import tensorflow as tf

    eager(tf)

    def at(name, *given, **arguments):
        schedule = getattr(tf.keras.optimizers.schedules, name)(*given, **arguments)
        return [schedule(tf.constant(step)).numpy() for step in (0, 5, 10, 11, 25)]

    with subject("LearningRateSchedule"):
        return outcomes(
            [
                ("exponential", lambda: at("ExponentialDecay", 1.0, 10, 0.5)),
                ("exponential_staircase", lambda: at("ExponentialDecay", 1.0, 10, 0.5, staircase=True)),
                ("piecewise", lambda: at("PiecewiseConstantDecay", [5, 10], [1.0, 0.5, 0.25])),
                ("polynomial", lambda: at("PolynomialDecay", 1.0, 10, 0.1, power=2.0)),
                ("polynomial_cycle", lambda: at("PolynomialDecay", 1.0, 10, 0.1, cycle=True)),
                ("inverse_time", lambda: at("InverseTimeDecay", 1.0, 10, 0.5)),
                ("cosine", lambda: at("CosineDecay", 1.0, 10)),
                ("cosine_warmup", lambda: at("CosineDecay", 0.0, 10, warmup_target=1.0, warmup_steps=5)),
                ("cosine_restarts", lambda: at("CosineDecayRestarts", 1.0, 10)),
            ]
        )


@check(
    "numbers.optimizers.schedule_in_training",
    "Does training with an exponential schedule lower the learning rate step by step?",
    source="Keras API, schedules.ExponentialDecay",
    needs=("tensorflow",),
)
def schedule_in_training():
    import tensorflow as tf

    eager(tf)
    with subject("SGD(ExponentialDecay)"):
        schedule = tf.keras.optimizers.schedules.ExponentialDecay(1.0, decay_steps=1, decay_rate=0.5)
        moved = stepped(tf, tf.keras.optimizers.SGD(schedule), gradients=([1.0],) * 3, start=(0.0,))
        assert_close(moved, [-1.75], what="weight after steps of 1, 1/2 and 1/4")


@check(
    "numbers.optimizers.iterations",
    "Does optimizer.iterations count the training steps, over several epochs?",
    source="Keras API, Optimizer",
    needs=("tensorflow",),
)
def iterations():
    import numpy as np
    import tensorflow as tf

    eager(tf)
    model = tf.keras.Sequential([tf.keras.layers.Dense(1, input_shape=(1,))])
    model.compile(optimizer=tf.keras.optimizers.SGD(0.1), loss="mse")
    x = np.ones((5, 1), "float32")
    with subject("Optimizer.iterations"):
        model.fit(x, x, batch_size=2, epochs=2, verbose=0)
        counted = int(tf.keras.backend.get_value(model.optimizer.iterations))
        expect(counted == 6, "%d steps were counted, not 2 epochs of 3" % counted)


@behaviour(
    "numbers.optimizers.schedule_as_learning_rate",
    "What does optimizer.learning_rate give when a schedule was passed: the schedule or the current rate?",
    source="Keras API, Optimizer (learning_rate)",
    needs=("tensorflow",),
)
def schedule_as_learning_rate():
    import tensorflow as tf

    eager(tf)

    def kind(value):
        if hasattr(value, "get_config") and callable(value):
            return "schedule"
        return rounded(value)

    with subject("Optimizer.learning_rate"):
        schedule = tf.keras.optimizers.schedules.ExponentialDecay(1.0, decay_steps=1, decay_rate=0.5)
        optimizer = tf.keras.optimizers.SGD(schedule)
        stepped(tf, optimizer, gradients=([1.0],), start=(0.0,))
        return outcomes([("learning_rate", lambda: kind(optimizer.learning_rate)), ("lr", lambda: kind(optimizer.lr))])
