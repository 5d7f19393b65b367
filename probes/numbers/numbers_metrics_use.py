"""Metrics in a compiled model: their names in the history, weights, own functions, and what is reset when."""

from harness import assert_close, behaviour, check, subject
from numbers_losses import as_is
from plain import outcomes, rounded
from synthetic import eager


def _fitted(tf, metrics, **arguments):
    """The History of one epoch on a model that trains nothing."""
    import numpy as np

    model = as_is(tf)
    model.compile(optimizer="sgd", loss="mse", metrics=metrics, run_eagerly=True)
    ones = np.ones((2, 1), "float32")
    return model.fit(ones, ones, epochs=1, verbose=0, **arguments)


@behaviour(
    "numbers.metrics.history_keys",
    "Under which keys, in which order, does the history hold 'acc', 'accuracy', classes and unnamed metrics?",
    source="TensorFlow 2.0 release notes (accuracy is reported under the name it was asked for)",
    needs=("tensorflow",),
)
def history_keys():
    import tensorflow as tf

    eager(tf)
    made = tf.keras.metrics

    def keys(*metrics, **arguments):
        import numpy as np

        ones = np.ones((2, 1), "float32")
        more = {"validation_data": (ones, ones)} if arguments else {}
        return list(_fitted(tf, list(metrics), **more).history)

    with subject("History.history"):
        return outcomes(
            [
                ("acc", lambda: keys("acc")),
                ("accuracy", lambda: keys("accuracy")),
                ("mse and mean_squared_error", lambda: keys("mse", "mean_squared_error")),
                ("two of a class", lambda: keys(made.BinaryAccuracy(), made.BinaryAccuracy())),
                ("AUC() and 'AUC'", lambda: keys(made.AUC(), "AUC")),
                ("validation", lambda: keys("mae", validation=True)),
                ("a function", lambda: keys(tf.keras.losses.get("mae"))),
                ("a lambda", lambda: keys(lambda y, p: tf.abs(y - p))),
            ]
        )


@behaviour(
    "numbers.metrics.metrics_names",
    "What does model.metrics_names say before and after the first batch?",
    source="Keras API, Model.metrics_names",
    needs=("tensorflow",),
)
def metrics_names():
    import numpy as np
    import tensorflow as tf

    eager(tf)
    model = as_is(tf)
    model.compile(optimizer="sgd", loss="mse", metrics=["mae", "accuracy"], run_eagerly=True)
    ones = np.ones((2, 1), "float32")
    with subject("Model.metrics_names"):

        def after():
            model.evaluate(ones, ones, verbose=0)
            return model.metrics_names

        return outcomes(
            [
                ("before", lambda: model.metrics_names),
                ("metrics before", lambda: [m.name for m in model.metrics]),
                ("after", after),
                ("metrics after", lambda: [m.name for m in model.metrics]),
                ("return_dict", lambda: sorted(model.evaluate(ones, ones, verbose=0, return_dict=True))),
            ]
        )


@check(
    "numbers.metrics.weighted",
    "Are weighted_metrics weighted by sample_weight, and metrics not?",
    source="Keras API, Model.compile (weighted_metrics)",
    needs=("tensorflow",),
)
def weighted():
    import numpy as np
    import tensorflow as tf

    model = as_is(tf)
    x, y = np.array([[1.0], [4.0]], "float32"), np.zeros((2, 1), "float32")
    with subject("Model.compile(weighted_metrics=…)"):
        model.compile(optimizer="sgd", loss="mse", metrics=["mae"], weighted_metrics=["mse"])
        values = model.evaluate(x, y, sample_weight=np.array([2.0, 1.0], "float32"), verbose=0)
        assert_close([float(v) for v in values], [9.0, 2.5, 18.0 / 3], what="loss, mean error, weighted squared error")


@behaviour(
    "numbers.metrics.weighted_namesake",
    "What does evaluate return when one metric is asked for both plain and weighted?",
    source="Keras API, Model.compile (weighted_metrics)",
    needs=("tensorflow",),
)
def weighted_namesake():
    import numpy as np
    import tensorflow as tf

    eager(tf)
    model = as_is(tf)
    x, y = np.array([[1.0], [4.0]], "float32"), np.zeros((2, 1), "float32")
    with subject("Model.compile(weighted_metrics=…)"):
        model.compile(optimizer="sgd", loss="mse", metrics=["mae"], weighted_metrics=["mae"], run_eagerly=True)
        weights = np.array([2.0, 1.0], "float32")
        return rounded(model.evaluate(x, y, sample_weight=weights, verbose=0))


@check(
    "numbers.metrics.unequal_batches",
    "Are loss and metrics of batches of unequal size averaged over samples, not over batches?",
    source="Keras API, Model.evaluate",
    needs=("tensorflow",),
)
def unequal_batches():
    import numpy as np
    import tensorflow as tf

    eager(tf)
    model = as_is(tf)
    x, y = np.array([[1.0], [1.0], [1.0], [5.0]], "float32"), np.zeros((4, 1), "float32")
    with subject("Model.evaluate"):
        model.compile(optimizer="sgd", loss="mse", metrics=["mae"], run_eagerly=True)
        assert_close(model.evaluate(x, y, batch_size=3, verbose=0), [28.0 / 4, 2.0], what="loss and error")


@behaviour(
    "numbers.metrics.own_function",
    "How is an own metric function's value averaged over batches of 3 and 1 samples?",
    source="Keras guide, training and evaluation: custom metrics",
    needs=("tensorflow",),
)
def own_function():
    import numpy as np
    import tensorflow as tf

    eager(tf)
    x, y = np.array([[1.0], [1.0], [1.0], [5.0]], "float32"), np.zeros((4, 1), "float32")

    def reported(metric):
        model = as_is(tf)
        model.compile(optimizer="sgd", loss="mse", metrics=[metric], run_eagerly=True)
        return model.evaluate(x, y, batch_size=3, verbose=0)[1]

    with subject("Model.evaluate"):
        return outcomes(
            [
                ("per sample", lambda: reported(lambda y, p: tf.abs(y - p))),
                ("scalar", lambda: reported(lambda y, p: tf.reduce_mean(tf.abs(y - p)))),
                ("a number", lambda: reported(lambda y, p: 1.5)),
                ("boolean", lambda: reported(lambda y, p: p > 2.0)),
                ("an unbuilt class", lambda: reported(tf.keras.metrics.MeanAbsoluteError)),
            ]
        )


@behaviour(
    "numbers.metrics.on_batch_accumulates",
    "Does a second test_on_batch report its own batch, or the mean since the model was compiled?",
    source="Keras API, Model.test_on_batch (reset_metrics)",
    needs=("tensorflow",),
)
def on_batch_accumulates():
    import numpy as np
    import tensorflow as tf

    eager(tf)
    x, y = np.ones((1, 1), "float32"), np.zeros((1, 1), "float32")

    def second(method, **arguments):
        model = as_is(tf)
        model.compile(optimizer="sgd", loss="mse", metrics=["mae"], run_eagerly=True)
        getattr(model, method)(x, y)
        return getattr(model, method)(x * 3, y, **arguments)

    with subject("Model.test_on_batch"):
        return outcomes(
            [
                ("test_on_batch", lambda: second("test_on_batch")),
                ("train_on_batch", lambda: second("train_on_batch")),
                ("reset_metrics=False", lambda: second("test_on_batch", reset_metrics=False)),
                ("return_dict", lambda: second("test_on_batch", return_dict=True)),
            ]
        )


@behaviour(
    "numbers.metrics.given_to_two_models",
    "Do two models that were compiled with one metric object share its count?",
    source="Keras API, Model.compile (metrics)",
    needs=("tensorflow",),
)
def given_to_two_models():
    import numpy as np
    import tensorflow as tf

    eager(tf)
    x, y = np.ones((2, 1), "float32"), np.zeros((2, 1), "float32")
    metric = tf.keras.metrics.MeanAbsoluteError(name="shared")
    with subject("Model.compile(metrics=[object])"):

        def reported(size):
            model = as_is(tf)
            model.compile(optimizer="sgd", loss="mse", metrics=[metric], run_eagerly=True)
            return [model.evaluate(x * size, y, verbose=0)[1], metric.result()]

        return outcomes([("first", lambda: reported(1)), ("second", lambda: reported(5))])
