"""Optimizers in use: clipping, weight decay, missing gradients, state, reuse and old configurations."""

from harness import assert_close, behaviour, check, expect, subject
from numbers_optimizers import stepped
from plain import named, outcome, outcomes, rounded
from synthetic import eager


def one_weight(tf, optimizer):
    """A compiled model without bias whose one weight is 0."""
    import numpy as np

    model = tf.keras.Sequential([tf.keras.layers.Dense(1, use_bias=False, input_shape=(1,), name="only")])
    model.compile(optimizer=optimizer, loss="mse")
    model.set_weights([np.zeros((1, 1), "float32")])
    return model


@check(
    "numbers.optimizers.clipping_in_training",
    "Do clipvalue and clipnorm bound the gradient when a model trains?",
    source="tensorflow/tensorflow issue 33929 (clipvalue and clipnorm not working in TensorFlow 2.0)",
    needs=("tensorflow",),
)
def clipping_in_training():
    import numpy as np
    import tensorflow as tf

    eager(tf)
    x, y = np.array([[1.0]], "float32"), np.array([[-10.0]], "float32")
    with subject("SGD(clipnorm=…)"):
        for argument in ("clipvalue", "clipnorm"):
            model = one_weight(tf, tf.keras.optimizers.SGD(1.0, **{argument: 0.5}))
            model.train_on_batch(x, y)
            # the gradient of (w - -10)² at w = 0 is 20
            assert_close(model.get_weights()[0], [[-0.5]], what="weight after a step with %s" % argument)


@behaviour(
    "numbers.optimizers.clipping_in_apply_gradients",
    "Does apply_gradients clip too, and by each variable's norm or that of all together?",
    source="tensorflow/tensorflow issue 36001 (global gradient clipping); Keras API, optimizers",
    needs=("tensorflow",),
)
def clipping_in_apply_gradients():
    import tensorflow as tf

    eager(tf)

    def moved(**arguments):
        one, other = tf.Variable([0.0]), tf.Variable([0.0])
        optimizer = tf.keras.optimizers.SGD(1.0, **arguments)
        optimizer.apply_gradients([(tf.constant([3.0]), one), (tf.constant([4.0]), other)])
        return [one.numpy()[0], other.numpy()[0]]

    with subject("Optimizer.apply_gradients"):
        return outcomes(
            [
                ("clipvalue=1", lambda: moved(clipvalue=1.0)),
                ("clipnorm=1", lambda: moved(clipnorm=1.0)),
                ("global_clipnorm=1", lambda: moved(global_clipnorm=1.0)),
                ("clipvalue and clipnorm", lambda: moved(clipvalue=1.0, clipnorm=1.0)),
                ("clipnorm and global_clipnorm", lambda: moved(clipnorm=1.0, global_clipnorm=1.0)),
            ]
        )


@behaviour(
    "numbers.optimizers.weight_decay",
    "Where does weight_decay move a weight of 1 whose gradient is zero?",
    source="Keras API, optimizers (weight_decay)",
    needs=("tensorflow",),
)
def weight_decay():
    import tensorflow as tf

    eager(tf)

    def moved(name, **arguments):
        optimizer = getattr(tf.keras.optimizers, name)(learning_rate=0.5, **arguments)
        return stepped(tf, optimizer, gradients=([0.0],), start=(1.0,)).numpy()[0]

    with subject("Optimizer(weight_decay=…)"):
        return outcomes(
            [
                ("SGD(weight_decay=0.1)", lambda: moved("SGD", weight_decay=0.1)),
                ("Adam(weight_decay=0.1)", lambda: moved("Adam", weight_decay=0.1)),
                ("AdamW(weight_decay=0.1)", lambda: moved("AdamW", weight_decay=0.1)),
                ("AdamW()", lambda: moved("AdamW")),
            ]
        )


@behaviour(
    "numbers.optimizers.none_gradient",
    "What does apply_gradients do with gradients that are None: one of them, or all?",
    source="Keras API, Optimizer.apply_gradients",
    needs=("tensorflow",),
)
def none_gradient():
    import tensorflow as tf

    eager(tf)

    def moved(*gradients):
        pairs = [(None if g is None else tf.constant([g]), tf.Variable([0.0])) for g in gradients]
        tf.keras.optimizers.SGD(1.0).apply_gradients(pairs)
        return [variable.numpy()[0] for _, variable in pairs]

    with subject("Optimizer.apply_gradients"):
        return outcomes(
            [
                ("one of two", lambda: moved(1.0, None)),
                ("all", lambda: moved(None, None)),
                ("no pair at all", lambda: moved()),
            ]
        )


@behaviour(
    "numbers.optimizers.minimize",
    "Which ways of calling Optimizer.minimize and its kin work, and where do they lead?",
    source="Keras API, Optimizer.minimize",
    needs=("tensorflow",),
)
def minimize():
    import tensorflow as tf

    eager(tf)

    def moved(call):
        variable = tf.Variable([3.0])
        call(tf.keras.optimizers.SGD(0.5), variable)
        return variable.numpy()[0]

    def with_tape(optimizer, variable):
        with tf.GradientTape() as tape:
            loss = variable * variable / 2.0
        optimizer.minimize(loss, [variable], tape=tape)

    with subject("Optimizer.minimize"):
        return outcomes(
            [
                ("callable", lambda: moved(lambda o, v: o.minimize(lambda: v * v / 2.0, [v]))),
                ("callable for variables", lambda: moved(lambda o, v: o.minimize(lambda: v * v / 2.0, lambda: [v]))),
                ("tape", lambda: moved(with_tape)),
                ("get_gradients", lambda: named(tf.keras.optimizers.SGD(0.5).get_gradients)),
                ("apply", lambda: moved(lambda o, v: o.apply([tf.constant([3.0])], [v]))),
            ]
        )


@behaviour(
    "numbers.optimizers.state_names",
    "How are the variables of an Adam that trained one layer called, in order?",
    source="seed 003 statement 3 (silent incompatibilities)",
    needs=("tensorflow",),
)
def state_names():
    import numpy as np
    import tensorflow as tf

    eager(tf)
    model = one_weight(tf, tf.keras.optimizers.Adam(0.1, name="Adam"))
    x = np.ones((2, 1), "float32")
    model.train_on_batch(x, x)
    with subject("Optimizer.variables"):
        found = model.optimizer.variables
        found = list(found() if callable(found) else found)
        return [[v.name, getattr(v, "path", None) and v.path, rounded(v).__class__.__name__] for v in found]


@behaviour(
    "numbers.optimizers.state_api",
    "Which ways to reach an optimizer's state exist?",
    source="TensorFlow 2.11 release notes (the new Keras optimizers)",
    needs=("tensorflow",),
    light=True,
)
def state_api():
    import tensorflow as tf

    names = (
        "weights", "variables", "get_weights", "set_weights", "get_slot", "add_slot", "add_variable", "build",
        "save_own_variables", "load_own_variables", "_create_all_weights", "get_updates", "lr",
        "exclude_from_weight_decay",
    )  # fmt: skip
    with subject("Adam"):
        optimizer = tf.keras.optimizers.Adam()

        def kind(name):
            found = getattr(optimizer, name)
            return "method" if callable(found) else "attribute"

        return dict((name, outcome(kind, name)) for name in names)


@behaviour(
    "numbers.optimizers.second_model",
    "Can one optimizer object train a second model after the first?",
    source="Keras API, Optimizer.build; TensorFlow 2.11 release notes (new optimizers)",
    needs=("tensorflow",),
)
def second_model():
    import numpy as np
    import tensorflow as tf

    eager(tf)
    x, y = np.array([[1.0]], "float32"), np.array([[-1.0]], "float32")

    def second(name):
        optimizer = getattr(tf.keras.optimizers, name)(0.1)
        first, other = one_weight(tf, optimizer), one_weight(tf, optimizer)
        first.train_on_batch(x, y)
        other.train_on_batch(x, y)
        return other.get_weights()[0][0][0]

    with subject("Model.train_on_batch"):
        return outcomes([("SGD", lambda: second("SGD")), ("Adam", lambda: second("Adam"))], digits=3)


@behaviour(
    "numbers.optimizers.same_variable_twice",
    "What do two gradients for one variable in one apply_gradients call do?",
    source="Keras API, Optimizer.apply_gradients",
    needs=("tensorflow",),
)
def same_variable_twice():
    import tensorflow as tf

    eager(tf)

    def moved(optimizer):
        variable = tf.Variable([0.0])
        optimizer.apply_gradients([(tf.constant([1.0]), variable), (tf.constant([2.0]), variable)])
        return variable.numpy()[0]

    with subject("Optimizer.apply_gradients"):
        made = tf.keras.optimizers
        return outcomes([("SGD", lambda: moved(made.SGD(1.0))), ("Adam", lambda: moved(made.Adam(1.0)))], digits=4)


@behaviour(
    "numbers.optimizers.old_configurations",
    "Does Adam.from_config take the configurations that other generations wrote?",
    source="seed 003 statement 3 (saved in one version, loaded into another)",
    needs=("tensorflow",),
    light=True,
)
def old_configurations():
    import tensorflow as tf

    own = {"name": "Adam", "learning_rate": 0.25, "beta_1": 0.8, "beta_2": 0.9, "epsilon": 1e-7, "amsgrad": False}
    written = {
        "2.1": {"decay": 0.0},
        "2.1 with decay": {"decay": 0.5},
        "2.11": {"is_legacy_optimizer": False, "jit_compile": False, "weight_decay": None, "use_ema": False},
        "Keras 3": {"weight_decay": None, "gradient_accumulation_steps": None, "loss_scale_factor": None},
        "unknown key": {"beta_3": 0.5},
    }

    def taken(more):
        config = tf.keras.optimizers.Adam.from_config(dict(own, **more)).get_config()
        return rounded([config["learning_rate"], config["beta_1"]], 3)

    with subject("Adam.from_config"):
        return dict((name, outcome(taken, written[name])) for name in sorted(written))


@behaviour(
    "numbers.optimizers.gradient_accumulation",
    "When do the weights move with gradient_accumulation_steps=2 or with use_ema?",
    source="Keras API, optimizers (gradient_accumulation_steps, use_ema)",
    needs=("tensorflow",),
)
def gradient_accumulation():
    import tensorflow as tf

    eager(tf)

    def course(finish=False, **arguments):
        optimizer, variable = tf.keras.optimizers.SGD(1.0, **arguments), tf.Variable([0.0])
        seen = []
        for gradient in (1.0, 3.0, 1.0, 1.0):
            optimizer.apply_gradients([(tf.constant([gradient]), variable)])
            seen.append(variable.numpy()[0])
        if finish:
            optimizer.finalize_variable_values([variable])
            seen.append(variable.numpy()[0])
        return seen

    with subject("SGD(gradient_accumulation_steps=…)"):
        return outcomes(
            [
                ("gradient_accumulation_steps=2", lambda: course(gradient_accumulation_steps=2)),
                ("use_ema", lambda: course(use_ema=True, ema_momentum=0.5, finish=True)),
            ]
        )


@check(
    "numbers.optimizers.state_goes_on",
    "Does Adam train on from its state when fit is called again, as one longer fit would?",
    source="Keras API, Model.fit",
    needs=("tensorflow",),
)
def state_goes_on():
    import numpy as np
    import tensorflow as tf

    eager(tf)
    x, y = np.array([[1.0], [2.0]], "float32"), np.array([[-3.0], [1.0]], "float32")
    with subject("Model.fit"):
        twice, once = one_weight(tf, tf.keras.optimizers.Adam(0.1)), one_weight(tf, tf.keras.optimizers.Adam(0.1))
        for _ in range(2):
            twice.fit(x, y, batch_size=1, epochs=2, shuffle=False, verbose=0)
        once.fit(x, y, batch_size=1, epochs=4, shuffle=False, verbose=0)
        assert_close(twice.get_weights()[0], once.get_weights()[0], rtol=1e-4, what="weight")
        expect(abs(once.get_weights()[0][0][0]) > 0.01, "nothing was trained")
