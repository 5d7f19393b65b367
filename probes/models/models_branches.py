"""Models with several inputs and outputs: by list, by name; losses, weights and metrics, and what these are called."""

from attempts import attempt, attempts
from harness import assert_close, behaviour, check, subject
from models_small import column
from synthetic import eager


def branched(tf, **options):
    """A compiled model of one input with the outputs "same" = x and "double" = 2 x; x without trainable weights."""
    inputs = tf.keras.Input(shape=(1,), name="given")
    same = tf.keras.layers.Activation("linear", name="same")(inputs)
    double = tf.keras.layers.Dense(1, use_bias=False, kernel_initializer="ones", name="twice")(inputs)
    double = tf.keras.layers.Add(name="double")([double, inputs])
    model = tf.keras.Model(inputs, [same, double])
    model.compile(optimizer=tf.keras.optimizers.SGD(0.0), **options)
    return model


@check(
    "models.outputs.loss_weights",
    "Is the total loss the sum of the outputs' losses times loss_weights, given as lists and by name?",
    source="Keras guide, training and evaluation: multi-input, multi-output models",
    needs=("tensorflow",),
)
def outputs_loss_weights():
    import tensorflow as tf

    x = column(1, 3)
    with subject("Model.compile(loss_weights=…)"):
        # mean squares 5 and 20
        for losses, weights in (
            (["mse", "mse"], [1.0, 0.1]),
            ({"same": "mse", "double": "mse"}, {"same": 1.0, "double": 0.1}),
        ):
            model = branched(tf, loss=losses, loss_weights=weights)
            total = model.evaluate(x, [0 * x, 0 * x], verbose=0)
            assert_close(float(total[0] if isinstance(total, list) else total), 7.0, rtol=1e-4, what="total loss")


@behaviour(
    "models.outputs.history",
    "Which keys has the history of a model with two named outputs, a metric each and validation?",
    source="Keras guide, training and evaluation: multi-output models",
    needs=("tensorflow",),
)
def outputs_history():
    import tensorflow as tf

    x = column(1, 3)
    losses = {"same": "mse", "double": "mae"}

    def keys(metrics):
        model = branched(tf, loss=losses, metrics=metrics, run_eagerly=True)
        fitted = model.fit(x, {"same": x, "double": x}, validation_data=(x, {"same": x, "double": x}), verbose=0)
        return sorted(key for key in fitted.history if not key.startswith("val_"))

    with subject("Model.fit of two outputs"):
        return attempts(
            {
                "by name": lambda: keys({"same": ["mae"], "double": "mse"}),
                "for one output": lambda: keys({"double": ["mse"]}),
                "one list": lambda: keys(["mae"]),
                "list of lists": lambda: keys([["mae"], ["mse"]]),
                "none": lambda: keys(None),
            }
        )


@behaviour(
    "models.outputs.evaluate",
    "What does evaluate return for two outputs with a metric each, in which order?",
    source="Keras API, Model.evaluate",
    needs=("tensorflow",),
)
def outputs_evaluate():
    import tensorflow as tf

    x = column(1, 3)
    with subject("Model.evaluate of two outputs"):
        model = branched(tf, loss={"same": "mse", "double": "mse"}, metrics={"same": ["mae"], "double": ["mae"]})
        # total 25, mean squares 5 and 20, mean absolutes 2 and 4
        result = model.evaluate(x, [0 * x, 0 * x], verbose=0)
        return [round(float(v), 4) for v in result]


@behaviour(
    "models.metrics_names",
    "What does model.metrics_names say: before training, after, with two outputs?",
    source="Keras API, Model.metrics_names",
    needs=("tensorflow",),
)
def metrics_names():
    import tensorflow as tf

    x = column(1, 3)
    with subject("Model.metrics_names"):
        model = branched(tf, loss="mse", metrics={"double": ["mae"]})
        before = attempt(lambda: list(model.metrics_names))
        model.evaluate(x, [x, x], verbose=0)
        return {"before": before, "after": list(model.metrics_names), "metrics": len(model.metrics)}


@behaviour(
    "models.history_names",
    "Under which names does the history show metrics given as 'accuracy', 'acc', 'mae', objects and functions?",
    source="seed 003 statement 4 (loss and metric variations)",
    needs=("tensorflow",),
)
def history_names():
    import tensorflow as tf

    def my_metric(y_true, y_pred):
        return tf.reduce_mean(y_pred)

    x = column(0, 1)
    model = tf.keras.Sequential([tf.keras.layers.Dense(1, activation="sigmoid", input_shape=(1,))])
    with subject("Model.fit"):

        def names(metric):
            model.compile(optimizer="sgd", loss="binary_crossentropy", metrics=[metric], run_eagerly=True)
            return [key for key in model.fit(x, x, verbose=0).history if key != "loss"]

        return attempts(
            {
                "'accuracy'": lambda: names("accuracy"),
                "'acc'": lambda: names("acc"),
                "'mae'": lambda: names("mae"),
                "'mean_absolute_error'": lambda: names("mean_absolute_error"),
                "'AUC'": lambda: names("AUC"),
                "AUC()": lambda: names(tf.keras.metrics.AUC()),
                "function": lambda: names(my_metric),
                "tf.keras.losses.mae": lambda: names(tf.keras.losses.mean_absolute_error),
                "Mean(name='m')": lambda: names(tf.keras.metrics.MeanAbsoluteError(name="m")),
            }
        )


@check(
    "models.inputs.by_name",
    "Does a model of two named inputs fit and predict on a dictionary, in any order?",
    source="Keras guide, training and evaluation: multi-input models",
    needs=("tensorflow",),
)
def inputs_by_name():
    import tensorflow as tf

    a, b = column(1, 2), column(30, 50)
    with subject("Model of named inputs"):
        left, right = tf.keras.Input(shape=(1,), name="left"), tf.keras.Input(shape=(1,), name="right")
        weight = tf.keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")
        model = tf.keras.Model([right, left], tf.keras.layers.Subtract()([weight(right), left]))
        model.compile(optimizer=tf.keras.optimizers.SGD(0.0), loss="mse")
        assert_close(model.predict({"left": a, "right": b}, verbose=0), b - a, what="predictions")
        history = model.fit({"right": b, "left": a}, b - a, verbose=0).history
        assert_close(float(history["loss"][0]), 0.0, what="loss")


@behaviour(
    "models.inputs.odd_dictionaries",
    "What happens to a dictionary with a name too many, too few or wrong, or by position?",
    source="Keras guide, training and evaluation: multi-input models",
    needs=("tensorflow",),
)
def inputs_odd_dictionaries():
    import tensorflow as tf

    a, b = column(1, 2), column(30, 50)
    left, right = tf.keras.Input(shape=(1,), name="left"), tf.keras.Input(shape=(1,), name="right")
    model = tf.keras.Model([left, right], tf.keras.layers.Subtract()([right, left]))

    def predicted(given):
        return [round(float(v), 4) for v in model.predict(given, verbose=0)[:, 0]]

    with subject("Model.predict of a dictionary"):
        return attempts(
            {
                "one too many": lambda: predicted({"left": a, "right": b, "more": a}),
                "one too few": lambda: predicted({"left": a}),
                "other names": lambda: predicted({"links": a, "rechts": b}),
                "tuple": lambda: predicted((a, b)),
                "list": lambda: predicted([a, b]),
            }
        )


@behaviour(
    "models.inputs.made_of_dictionaries",
    "Can a model be made with dictionaries of inputs and outputs, and what does predict then return?",
    source="Keras API, Model (inputs and outputs as dictionaries)",
    needs=("tensorflow",),
)
def inputs_made_of_dictionaries():
    import tensorflow as tf

    def out(result):
        if isinstance(result, dict):
            return dict((key, round(float(v[0, 0]), 4)) for key, v in result.items())
        if isinstance(result, (list, tuple)):
            return [round(float(v[0, 0]), 4) for v in result]
        return round(float(result[0, 0]), 4)

    def inputs():
        left, right = tf.keras.Input(shape=(1,), name="left"), tf.keras.Input(shape=(1,), name="right")
        model = tf.keras.Model({"left": left, "right": right}, tf.keras.layers.Subtract()([right, left]))
        return out(model.predict({"right": column(30), "left": column(1)}, verbose=0))

    def outputs():
        given = tf.keras.Input(shape=(1,))
        same = tf.keras.layers.Activation("linear")(given)
        model = tf.keras.Model(given, {"same": same, "double": tf.keras.layers.Add()([given, given])})
        return out(model.predict(column(3), verbose=0))

    def nested_list():
        given = tf.keras.Input(shape=(1,))
        return out(tf.keras.Model([given], [given]).predict(column(3), verbose=0))

    with subject("Model(dict, dict)"):
        return attempts({"inputs": inputs, "outputs": outputs, "lists of one": nested_list})


@behaviour(
    "models.subclassed.build",
    "What does a subclassed model know before it is called, after build, after a call: weights, summary, shapes?",
    source="seed 001 example 3 (a subclassed model)",
    needs=("tensorflow",),
)
def subclassed_build():
    import tensorflow as tf

    eager(tf)

    class Small(tf.keras.Model):
        def __init__(self):
            super(Small, self).__init__()
            self.inner = tf.keras.layers.Dense(2)

        def call(self, inputs):
            return self.inner(inputs)

    def said(model):
        return attempts(
            {
                "built": lambda: bool(model.built),
                "weights": lambda: len(model.weights),
                "summary": lambda: model.summary(print_fn=lambda text, **options: None),
                "count_params": lambda: int(model.count_params()),
                "inputs": lambda: None if model.inputs is None else len(model.inputs),
                "output_shape": lambda: [None if n is None else int(n) for n in tuple(model.output_shape)],
            }
        )

    with subject("subclassed Model"):
        made, built, called = Small(), Small(), Small()
        built.build((None, 3))
        called(tf.zeros((1, 3)))
        return {"made": said(made), "after build": said(built), "after a call": said(called)}
