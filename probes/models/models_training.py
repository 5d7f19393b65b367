"""How models train: steps of one's own, freezing, tracing, precision, strategies, losses added by hand."""

from attempts import attempt
from harness import assert_close, behaviour, check, expect, subject
from models_small import column, linear
from synthetic import eager


def with_step(tf, step):
    """(class, calls): a Model class whose train_step is `step`, which gets the model, x and y; `calls` counts."""
    calls = []

    class Stepping(tf.keras.Model):
        def train_step(self, data):
            calls.append(1)
            return step(self, data[0], data[1])

    return Stepping, calls


def stepped(tf, step):
    """Fits a model with that train_step, one SGD step at 0.25 from weight 1. Returns history and weight."""
    made, calls = with_step(tf, step)
    inputs = tf.keras.Input(shape=(1,))
    model = made(inputs, tf.keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")(inputs))
    model.compile(optimizer=tf.keras.optimizers.SGD(0.25), loss="mse", metrics=["mae"])
    history = model.fit(column(1, 1), column(0, 0), verbose=0).history
    return {
        "used": bool(calls),
        "weight": round(float(model.get_weights()[0][0, 0]), 4),
        "history": dict((key, round(float(v[0]), 4)) for key, v in history.items()),
    }


@behaviour(
    "models.train_step.compiled_loss",
    "Does a train_step as the guides of TensorFlow 2.2 to 2.15 write it (compiled_loss, compiled_metrics) still train?",
    source="TensorFlow 2.2 release notes (train_step) and Keras guide, customizing what happens in fit",
    needs=("tensorflow",),
)
def train_step_compiled_loss():
    import tensorflow as tf

    def step(model, x, y):
        with tf.GradientTape() as tape:
            predicted = model(x, training=True)
            loss = model.compiled_loss(y, predicted, regularization_losses=model.losses)
        gradients = tape.gradient(loss, model.trainable_variables)
        model.optimizer.apply_gradients(zip(gradients, model.trainable_variables))
        model.compiled_metrics.update_state(y, predicted)
        return {m.name: m.result() for m in model.metrics}

    with subject("Model.train_step"):
        return stepped(tf, step)


@behaviour(
    "models.train_step.compute_loss",
    "Does a train_step as Keras 3's guide writes it (compute_loss, metric.update_state) train?",
    source="Keras guide, customizing what happens in fit() with TensorFlow",
    needs=("tensorflow",),
)
def train_step_compute_loss():
    import tensorflow as tf

    def step(model, x, y):
        with tf.GradientTape() as tape:
            predicted = model(x, training=True)
            loss = model.compute_loss(y=y, y_pred=predicted)
        gradients = tape.gradient(loss, model.trainable_variables)
        model.optimizer.apply_gradients(zip(gradients, model.trainable_variables))
        for metric in model.metrics:
            if metric.name == "loss":
                metric.update_state(loss)
            else:
                metric.update_state(y, predicted)
        return {m.name: m.result() for m in model.metrics}

    with subject("Model.train_step"):
        return stepped(tf, step)


@behaviour(
    "models.test_step.overridden",
    "Are a model's own test_step and predict_step used by evaluate and predict?",
    source="TensorFlow 2.2 release notes (train_step, test_step, predict_step)",
    needs=("tensorflow",),
)
def test_step_overridden():
    import tensorflow as tf

    class Stepping(tf.keras.Model):
        def test_step(self, data):
            return {"loss": tf.constant(7.0)}

        def predict_step(self, data):
            return self(data[0] if isinstance(data, (tuple, list)) else data) + 100.0

    inputs = tf.keras.Input(shape=(1,))
    model = Stepping(inputs, tf.keras.layers.Dense(1, kernel_initializer="zeros")(inputs))
    model.compile(optimizer="sgd", loss="mse")
    x = column(1, 2)

    def evaluated():
        result = model.evaluate(x, x, verbose=0)
        if isinstance(result, dict):
            return {"dict": round(float(result["loss"]), 4)}
        return round(float(result[0] if isinstance(result, list) else result), 4)

    with subject("Model.test_step, predict_step"):
        return {"evaluate": attempt(evaluated), "predict": attempt(lambda: float(model.predict(x, verbose=0)[0, 0]))}


@check(
    "models.custom_loop",
    "Does a training loop of one's own (GradientTape, apply_gradients, tf.function) go the steps fit goes?",
    source="Keras guide, writing a training loop from scratch",
    needs=("tensorflow",),
)
def custom_loop():
    import tensorflow as tf

    eager(tf)
    x, y = column(1, 2), column(0, 1)
    with subject("GradientTape, apply_gradients"):
        model = linear(tf)
        optimizer = tf.keras.optimizers.SGD(0.1)
        error = tf.keras.losses.MeanSquaredError()

        @tf.function
        def step(x, y):
            with tf.GradientTape() as tape:
                loss = error(y, model(x, training=True))
            gradients = tape.gradient(loss, model.trainable_variables)
            optimizer.apply_gradients(zip(gradients, model.trainable_variables))
            return loss

        w = 1.0
        for _ in range(3):
            loss = float(step(tf.constant(x), tf.constant(y)))
            assert_close(loss, (w * w + (2 * w - 1) ** 2) / 2, rtol=1e-4, what="loss")
            w -= 0.1 * (w + 2 * (2 * w - 1))
        assert_close(float(model.get_weights()[0][0, 0]), w, rtol=1e-4, what="weight after three steps")


def _two(tf, **options):
    """A compiled model of two Dense layers of one weight each, both 1, at rate 0.1."""
    model = tf.keras.Sequential(
        [
            tf.keras.layers.Dense(1, use_bias=False, kernel_initializer="ones", input_shape=(1,)),
            tf.keras.layers.Dense(1, use_bias=False, kernel_initializer="ones"),
        ]
    )
    model.compile(optimizer=tf.keras.optimizers.SGD(0.1), loss="mse", **options)
    return model


@check(
    "models.trainable.frozen",
    "Does a layer frozen before compile keep its weights in fit, while the others train?",
    source="Keras guide, transfer learning and fine-tuning",
    needs=("tensorflow",),
)
def trainable_frozen():
    import tensorflow as tf

    x = column(1, 1)
    model = _two(tf)
    with subject("trainable = False"):
        model.layers[0].trainable = False
        model.compile(optimizer=tf.keras.optimizers.SGD(0.1), loss="mse")
        model.fit(x, 0 * x, epochs=1, verbose=0)
        one, other = [float(w[0, 0]) for w in model.get_weights()]
        assert_close([one, other], [1.0, 0.8], rtol=1e-4, what="the frozen and the other weight")
        counts = [len(model.trainable_weights), len(model.non_trainable_weights)]
        expect(counts == [1, 1], "trainable and other weights: %r" % counts)


@behaviour(
    "models.trainable.after_compile",
    "Does trainable = False set after compile, without compiling again, freeze: before the first fit, after one?",
    source="Keras guide, transfer learning: call compile again after changing trainable",
    needs=("tensorflow",),
)
def trainable_after_compile():
    import tensorflow as tf

    x = column(1, 1)

    def froze(fit_first):
        model = _two(tf)
        if fit_first:
            model.fit(x, 0 * x, verbose=0)
        model.layers[0].trainable = False
        before = float(model.get_weights()[0][0, 0])
        model.fit(x, 0 * x, verbose=0)
        return "frozen" if float(model.layers[0].get_weights()[0][0, 0]) == before else "trains"

    with subject("trainable = False"):
        return {"before the first fit": attempt(lambda: froze(False)), "after a fit": attempt(lambda: froze(True))}


@check(
    "models.trainable.batch_normalization",
    "Does BatchNormalization with trainable=False keep and use its moving statistics in training?",
    source="Keras guide, transfer learning: BatchNormalization layers when frozen",
    needs=("tensorflow",),
)
def trainable_batch_normalization():
    import numpy as np
    import tensorflow as tf

    eager(tf)
    x = column(10, 20)
    with subject("BatchNormalization, trainable = False"):
        model = tf.keras.Sequential([tf.keras.layers.BatchNormalization(input_shape=(1,))])
        model.trainable = False
        result = model(tf.constant(x), training=True)
        assert_close(result, x / np.sqrt(1.001), rtol=1e-4, what="outputs with training=True")
        assert_close(model.get_weights()[2:], [[0.0], [1.0]], what="moving mean and variance")
