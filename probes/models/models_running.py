"""How models run: traced, compiled, eagerly, in mixed precision, under a strategy; losses added by hand."""

from attempts import attempt, attempts
from harness import assert_close, behaviour, check, expect, subject
from models_small import column, linear
from synthetic import eager


@behaviour(
    "models.tracing",
    "How often does Python run a model's call: in predict on equal shapes, on another batch size, in fit, called?",
    source="TensorFlow guide, better performance with tf.function: retracing of predict",
    needs=("tensorflow",),
)
def tracing():
    import tensorflow as tf

    runs = []

    class Counting(tf.keras.Model):
        def __init__(self):
            super(Counting, self).__init__()
            self.inner = tf.keras.layers.Dense(1)

        def call(self, inputs):
            runs.append(1)
            return self.inner(inputs)

    def count(call):
        del runs[:]
        call()
        return len(runs)

    x = column(1, 2, 3, 4)
    with subject("Model.call"):
        model = Counting()
        model.compile(optimizer="sgd", loss="mse")
        return [
            ["predict", count(lambda: model.predict(x, verbose=0))],
            ["predict again", count(lambda: model.predict(x, verbose=0))],
            ["predict, other batch size", count(lambda: model.predict(x[:3], verbose=0))],
            ["predict, third batch size", count(lambda: model.predict(x[:2], verbose=0))],
            ["fit", count(lambda: model.fit(x, x, verbose=0))],
            ["fit again", count(lambda: model.fit(x, x, verbose=0))],
            ["evaluate", count(lambda: model.evaluate(x, x, verbose=0))],
        ]


@behaviour(
    "models.jit_compile",
    "Is a compiled model's training compiled with XLA by default, and can it be asked for?",
    source="Keras API, Model.compile (jit_compile)",
    needs=("tensorflow",),
)
def jit_compile():
    import tensorflow as tf

    def compiled(**options):
        model = linear(tf, **options)
        return getattr(model, "jit_compile", getattr(model, "_jit_compile", "no such attribute"))

    with subject("Model.compile(jit_compile=…)"):
        return attempts({"default": compiled, "True": lambda: compiled(jit_compile=True)})


@check(
    "models.run_eagerly",
    "Does run_eagerly=True run a model's call eagerly in fit, and the default not?",
    source="Keras API, Model.compile (run_eagerly)",
    needs=("tensorflow",),
)
def run_eagerly():
    import tensorflow as tf

    eager(tf)
    seen = []

    class Looking(tf.keras.Model):
        def __init__(self):
            super(Looking, self).__init__()
            self.inner = tf.keras.layers.Dense(1)

        def call(self, inputs):
            seen.append(tf.executing_eagerly())
            return self.inner(inputs)

    x = column(1, 2)
    with subject("Model.compile(run_eagerly=True)"):
        for wanted in (True, False):
            model = Looking()
            model.compile(optimizer="sgd", loss="mse", run_eagerly=wanted)
            model.fit(x, x, verbose=0)
            expect(seen[-1] is wanted, "run_eagerly=%s ran eagerly: %s" % (wanted, seen[-1]))


@behaviour(
    "models.mixed_precision",
    "Mixed precision: where is the policy set, what runs in float16, is the optimizer wrapped?",
    source="TensorFlow 2.4 release notes (mixed_precision no longer experimental)",
    needs=("tensorflow",),
)
def mixed_precision():
    import tensorflow as tf

    eager(tf)
    home = tf.keras.mixed_precision

    def early():
        home.experimental.set_policy("mixed_float16")
        return True

    def late():
        home.set_global_policy("mixed_float16")
        return True

    with subject("mixed_precision"):
        found = attempts({"experimental.set_policy": early, "set_global_policy": late})
        model = tf.keras.Sequential([tf.keras.layers.Dense(1, input_shape=(1,))])
        model.compile(optimizer="sgd", loss="mse")
        found.update(
            {
                "compute": tf.as_dtype(model(tf.constant(column(1))).dtype).name,
                "variable": tf.as_dtype(model.weights[0].dtype).name,
                "optimizer": type(model.optimizer).__name__,
                "fit": attempt(lambda: str(model.fit(column(1), column(1), verbose=0).history["loss"][0] >= 0)),
                "predict": attempt(lambda: model.predict(column(1), verbose=0).dtype.name),
            }
        )
        return found


@check(
    "models.one_device_strategy",
    "Does fit under OneDeviceStrategy go the same steps as without a strategy?",
    source="TensorFlow guide, distributed training",
    needs=("tensorflow",),
)
def one_device_strategy():
    import tensorflow as tf

    x = column(1, 1)
    with subject("OneDeviceStrategy"):
        with tf.distribute.OneDeviceStrategy("/cpu:0").scope():
            model = linear(tf, rate=0.25)
        model.fit(x, 0 * x, epochs=2, batch_size=2, verbose=0)
        assert_close(float(model.get_weights()[0][0, 0]), 0.25, rtol=1e-4, what="weight after two steps")
        assert_close(model.predict(x, verbose=0), [[0.25], [0.25]], rtol=1e-4, what="predictions")


@check(
    "models.add_loss",
    "Does what a layer gives to add_loss in its call count in evaluate's loss?",
    source="Keras guide, training and evaluation: add_loss",
    needs=("tensorflow",),
)
def add_loss():
    import tensorflow as tf

    class Penalised(tf.keras.layers.Layer):
        def call(self, inputs):
            self.add_loss(0.1 * tf.reduce_sum(inputs))
            return inputs

    x = column(1, 2)
    model = tf.keras.Sequential([tf.keras.layers.Activation("linear", input_shape=(1,)), Penalised()])
    model.compile(optimizer="sgd", loss="mse")
    with subject("Layer.add_loss"):
        assert_close(float(model.evaluate(x, 0 * x, verbose=0)), 2.5 + 0.3, rtol=1e-4, what="loss")


@behaviour(
    "models.add_loss_of_tensors",
    "Do model.add_loss and add_metric take a functional model's tensors?",
    source="Keras guide, migrating Keras 2 code to multi-backend Keras 3 (add_loss, add_metric)",
    needs=("tensorflow",),
)
def add_loss_of_tensors():
    import tensorflow as tf

    x = column(1, 2)

    def model():
        inputs = tf.keras.Input(shape=(1,))
        outputs = tf.keras.layers.Activation("linear")(inputs)
        return tf.keras.Model(inputs, outputs), outputs

    def with_loss():
        made, outputs = model()
        made.add_loss(tf.keras.backend.sum(outputs))
        made.compile(optimizer="sgd", loss="mse")
        return round(float(made.evaluate(x, 0 * x, verbose=0)), 4)

    def with_metric():
        made, outputs = model()
        made.add_metric(outputs, name="mean_output", aggregation="mean")
        made.compile(optimizer="sgd", loss="mse")
        return [round(float(v), 4) for v in made.evaluate(x, 0 * x, verbose=0)]

    def in_layer():
        class Measuring(tf.keras.layers.Layer):
            def call(self, inputs):
                self.add_metric(inputs, name="mean_output", aggregation="mean")
                return inputs

        made = tf.keras.Sequential([tf.keras.layers.Activation("linear", input_shape=(1,)), Measuring()])
        made.compile(optimizer="sgd", loss="mse")
        return [round(float(v), 4) for v in made.evaluate(x, 0 * x, verbose=0)]

    with subject("Model.add_loss, add_metric"):
        return attempts({"add_loss": with_loss, "add_metric": with_metric, "layer.add_metric": in_layer})
