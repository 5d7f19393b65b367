"""Metrics: their numbers, and which accuracy "accuracy" is."""

from harness import assert_close, behaviour, check, drift, expect, subject
from numbers_losses import as_is
from plain import named, outcome, outcomes, rounded
from synthetic import eager


def updated(metric, *batches):
    """`metric` after update_state with each of `batches`, tuples of its arguments."""
    for batch in batches:
        metric.update_state(*batch)
    return metric


@check(
    "numbers.metrics.auc",
    "Is the area under the ROC curve right for a perfect, a reversed, a useless and a mixed guess?",
    source="Keras API, metrics.AUC",
    needs=("tensorflow",),
)
def auc():
    import numpy as np
    import tensorflow as tf

    eager(tf)
    y = np.array([0.0, 0.0, 1.0, 1.0], "float32")
    with subject("AUC"):
        for guess, area in (
            ([0.1, 0.2, 0.8, 0.9], 1.0),
            ([0.8, 0.9, 0.1, 0.2], 0.0),
            ([0.5, 0.5, 0.5, 0.5], 0.5),
            ([0.1, 0.6, 0.4, 0.9], 0.75),
        ):
            metric = updated(tf.keras.metrics.AUC(), (y, np.array(guess, "float32")))
            assert_close(float(metric.result()), area, atol=1e-3, what="area for %r" % guess)


@drift(
    "numbers.metrics.auc_edges",
    "What does AUC give with one class only, few thresholds, weights, PR curves, several labels and logits?",
    source="Keras API, metrics.AUC",
    needs=("tensorflow",),
)
def auc_edges():
    import numpy as np
    import tensorflow as tf

    eager(tf)
    y, p = np.array([0.0, 1.0, 1.0, 0.0, 1.0], "float32"), np.array([0.1, 0.35, 0.8, 0.4, 0.9], "float32")

    def area(y, p, *weights, **arguments):
        return updated(tf.keras.metrics.AUC(**arguments), (y, p) + weights).result()

    with subject("AUC"):
        return outcomes(
            [
                ("plain", lambda: area(y, p)),
                ("three thresholds", lambda: area(y, p, num_thresholds=3)),
                ("PR", lambda: area(y, p, curve="PR")),
                ("PR majoring", lambda: area(y, p, curve="PR", summation_method="majoring")),
                ("ones only", lambda: area(y * 0 + 1, p)),
                ("zeros only", lambda: area(y * 0, p)),
                ("weighted", lambda: area(y, p, np.array([1.0, 5.0, 1.0, 1.0, 1.0], "float32"))),
                ("several labels", lambda: area(np.stack([y, 1 - y], 1), np.stack([p, p], 1), multi_label=True)),
                ("logits", lambda: area(y, p * 10 - 5, from_logits=True)),
                ("out of range", lambda: area(y, p * 3)),
                ("PR, ones only", lambda: area(y * 0 + 1, p, curve="PR")),
            ]
        )


@check(
    "numbers.metrics.by_hand",
    "Do Precision, Recall, the confusion counts, MeanIoU, top-k and the means equal what is counted by hand?",
    source="Keras API, metrics",
    needs=("tensorflow",),
)
def by_hand():
    import numpy as np
    import tensorflow as tf

    eager(tf)
    made = tf.keras.metrics
    y = np.array([1.0, 1.0, 0.0, 1.0, 0.0], "float32")
    p = np.array([0.9, 0.6, 0.7, 0.2, 0.1], "float32")
    three = np.array([[0.1, 0.6, 0.3], [0.5, 0.1, 0.4], [0.2, 0.3, 0.5]], "float32")
    with subject("Precision"):
        for metric, batches, expected in (
            (made.Precision(), [(y, p)], 2 / 3),
            (made.Precision(thresholds=0.8), [(y, p)], 1.0),
            (made.Recall(), [(y[:2], p[:2]), (y[2:], p[2:])], 2 / 3),
            (made.Recall(thresholds=[0.15, 0.8]), [(y, p)], [1.0, 1 / 3]),
            (made.TruePositives(), [(y, p)], 2.0),
            (made.FalsePositives(), [(y, p)], 1.0),
            (made.FalseNegatives(), [(y, p), (y, p)], 2.0),
            (made.MeanIoU(num_classes=2), [([0, 0, 1, 1], [0, 1, 0, 1])], 1 / 3),
            (made.TopKCategoricalAccuracy(k=2), [(np.eye(3, dtype="float32"), three)], 1 / 3),
            (made.SparseTopKCategoricalAccuracy(k=2), [(np.array([2, 2, 2]), three)], 1.0),
            (made.Mean(), [([1.0, 3.0, 5.0, 7.0], [1.0, 1.0, 0.0, 0.0])], 2.0),
            (made.Sum(), [([1.0, 3.0],), ([5.0],)], 9.0),
            (made.MeanAbsoluteError(), [([[0.0]], [[1.0]]), ([[0.0], [0.0]], [[4.0], [4.0]])], 3.0),
            (made.RootMeanSquaredError(), [([[0.0], [0.0]], [[3.0], [4.0]])], 12.5**0.5),
        ):
            result = updated(metric, *batches).result()
            assert_close(result, expected, rtol=1e-4, what=type(metric).__name__)


@drift(
    "numbers.metrics.later_ones",
    "What do F1Score, FBetaScore, R2Score, the IoU family and others give, where they exist?",
    source="Keras API, metrics",
    needs=("tensorflow",),
)
def later_ones():
    import numpy as np
    import tensorflow as tf

    eager(tf)
    y = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]], "float32")
    p = np.array([[0.9, 0.2], [0.6, 0.7], [0.3, 0.6]], "float32")

    def value(name, y=y, p=p, **arguments):
        return updated(getattr(tf.keras.metrics, name)(**arguments), (y, p)).result()

    flat, odds = y[:, 0], p[:, 0]
    with subject("Metric.result"):
        return outcomes(
            [
                ("F1Score", lambda: value("F1Score", threshold=0.5)),
                ("F1Score, micro", lambda: value("F1Score", average="micro")),
                ("FBetaScore", lambda: value("FBetaScore", beta=2.0, threshold=0.5)),
                ("R2Score", lambda: value("R2Score")),
                ("IoU", lambda: value("IoU", flat, odds > 0.5, num_classes=2, target_class_ids=[1])),
                ("BinaryIoU", lambda: value("BinaryIoU", flat, odds)),
                ("OneHotMeanIoU", lambda: value("OneHotMeanIoU", num_classes=2)),
                ("PrecisionAtRecall", lambda: value("PrecisionAtRecall", flat, odds, recall=0.5)),
                ("RecallAtPrecision", lambda: value("RecallAtPrecision", flat, odds, precision=0.5)),
                ("SensitivityAtSpecificity", lambda: value("SensitivityAtSpecificity", flat, odds, specificity=0.5)),
                ("CosineSimilarity", lambda: value("CosineSimilarity")),
                ("LogCoshError", lambda: value("LogCoshError")),
                ("KLDivergence", lambda: value("KLDivergence")),
                ("MeanRelativeError", lambda: value("MeanRelativeError", flat, odds, normalizer=[2.0, 2.0, 2.0])),
                ("ConcordanceCorrelation", lambda: value("ConcordanceCorrelation", axis=0)),
            ],
            digits=5,
        )


@behaviour(
    "numbers.metrics.which_accuracy",
    "Which accuracy is computed for 'accuracy', by the shapes of labels and outputs?",
    source="seed 003 statement 4 (metric variations); Keras API, Model.compile (metrics)",
    needs=("tensorflow",),
)
def which_accuracy():
    import numpy as np
    import tensorflow as tf

    eager(tf)
    two = np.array([[0.9, 0.8], [0.2, 0.1], [0.7, 0.6], [0.4, 0.45]], "float32")
    hot = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]], "float32")
    # binary: 4 of 8 entries right; categorical: 3 of 4 rows right; exact equality: none

    def reported(loss, y, p):
        model = as_is(tf, p.shape[1])
        model.compile(optimizer="sgd", loss=loss, metrics=["accuracy"], run_eagerly=True)
        return model.evaluate(p, y, verbose=0)[1]

    with subject("metrics=['accuracy']"):
        return outcomes(
            [
                ("binary loss, two columns", lambda: reported("binary_crossentropy", hot, two)),
                ("categorical loss, two columns", lambda: reported("categorical_crossentropy", hot, two)),
                ("mse, two columns", lambda: reported("mse", hot, two)),
                ("mse, one column", lambda: reported("mse", hot[:, :1], two[:, :1])),
                ("sparse loss, (n,)", lambda: reported("sparse_categorical_crossentropy", hot[:, 1], two)),
                ("sparse loss, (n, 1)", lambda: reported("sparse_categorical_crossentropy", hot[:, 1:], two)),
                ("binary loss, (n,)", lambda: reported("binary_crossentropy", hot[:, 0], two[:, :1])),
            ],
            digits=4,
        )


@behaviour(
    "numbers.metrics.thresholds_and_ties",
    "Does a guess of exactly the threshold count as positive, and which class wins a tie?",
    source="Keras API, accuracy metrics",
    needs=("tensorflow",),
)
def thresholds_and_ties():
    import numpy as np
    import tensorflow as tf

    eager(tf)
    made = tf.keras.metrics
    tie = np.array([[0.5, 0.5]], "float32")

    def value(metric, y, p):
        return updated(metric, (y, p)).result()

    with subject("Metric.update_state"):
        return outcomes(
            [
                ("BinaryAccuracy at 0.5", lambda: value(made.BinaryAccuracy(), [[1.0]], [[0.5]])),
                ("Precision at 0.5", lambda: value(made.TruePositives(), [[1.0]], [[0.5]])),
                ("tie, first class", lambda: value(made.SparseCategoricalAccuracy(), np.array([0]), tie)),
                ("tie in top 1", lambda: value(made.SparseTopKCategoricalAccuracy(k=1), np.array([1]), tie)),
                ("k beyond classes", lambda: value(made.SparseTopKCategoricalAccuracy(k=5), np.array([1]), tie)),
                ("NaN guess", lambda: value(made.SparseCategoricalAccuracy(), np.array([0]), tie * np.nan)),
                ("Accuracy of ints and floats", lambda: value(made.Accuracy(), [1, 2], [1.0, 2.5])),
                ("Accuracy of (n,) and (n, 1)", lambda: value(made.Accuracy(), [1, 2], [[1], [2]])),
            ]
        )


@behaviour(
    "numbers.metrics.empty_result",
    "What is a metric's result before any update?",
    source="Keras API, Metric.result (edge cases)",
    needs=("tensorflow",),
)
def empty_result():
    import tensorflow as tf

    eager(tf)
    made = tf.keras.metrics
    with subject("Metric.result"):
        names = ("Mean", "Sum", "Accuracy", "AUC", "Precision", "Recall", "TruePositives", "RootMeanSquaredError")
        cases = [(name, lambda name=name: getattr(made, name)().result()) for name in names]
        return outcomes(cases + [("MeanIoU", lambda: made.MeanIoU(num_classes=2).result())])


@behaviour(
    "numbers.metrics.result_type",
    "What do result(), update_state and the call of a metric return, by type?",
    source="Keras API, Metric",
    needs=("tensorflow",),
)
def result_type():
    import tensorflow as tf

    eager(tf)

    def kind(value):
        if hasattr(value, "numpy"):
            return "tensor, %s" % getattr(value.dtype, "name", value.dtype)
        return type(value).__name__

    made = tf.keras.metrics
    one = ([1.0], [1.0])
    with subject("Metric.result"):
        return outcomes(
            [
                ("result", lambda: kind(updated(made.Accuracy(), one).result())),
                ("update_state", lambda: kind(made.Accuracy().update_state(*one))),
                ("call", lambda: kind(made.Accuracy()(*one))),
                ("Recall, thresholds", lambda: kind(updated(made.Recall(thresholds=[0.1, 0.2]), one).result())),
                ("float64", lambda: kind(made.Mean(dtype="float64").result())),
                ("Precision", lambda: kind(updated(made.Precision(), one).result())),
            ]
        )


@behaviour(
    "numbers.metrics.string_names",
    "Which names does metrics.get understand, and as what?",
    source="seed 001 (metrics=['accuracy']); Keras API, metrics.get",
    needs=("tensorflow",),
    light=True,
)
def string_names():
    import tensorflow as tf

    names = (
        "acc", "accuracy", "Accuracy", "binary_accuracy", "mse", "MSE", "mean_squared_error", "MeanSquaredError", "auc",
        "AUC", "precision", "Precision", "recall", "f1_score", "F1Score", "cosine_proximity", "cosine_similarity",
        "top_k_categorical_accuracy", "TopKCategoricalAccuracy", "binary_crossentropy", "logcosh", "r2_score",
        "RootMeanSquaredError", "root_mean_squared_error", "mean_iou", "kld",
    )  # fmt: skip
    with subject("metrics.get"):
        return dict((name, outcome(lambda: named(tf.keras.metrics.get(name)))) for name in names)


@check(
    "numbers.metrics.reset",
    "Does a metric forget what it saw when it is reset, and a model's metrics between epochs?",
    source="Keras API, Metric.reset_state (earlier reset_states)",
    needs=("tensorflow",),
)
def reset():
    import numpy as np
    import tensorflow as tf

    eager(tf)
    metric = tf.keras.metrics.Mean()
    again = getattr(metric, "reset_state", None) or metric.reset_states
    model = as_is(tf)
    model.compile(optimizer="sgd", loss="mse", metrics=["mae"], run_eagerly=True)
    ones = np.ones((2, 1), "float32")
    with subject("Metric.reset_state"):
        updated(metric, ([10.0],))
        again()
        assert_close(float(updated(metric, ([2.0],)).result()), 2.0, what="mean after the reset")
        for size in (4.0, 2.0):
            assert_close(model.evaluate(ones * size, ones * 0, verbose=0)[1], size, what="mean absolute error")
        expect(float(metric.result()) == 2.0, "another's evaluation changed the metric")


@behaviour(
    "numbers.metrics.api",
    "Which methods and attributes does a metric have: reset_states or reset_state, and others?",
    source="Keras API, Metric.reset_state (earlier reset_states)",
    needs=("tensorflow",),
    light=True,
)
def api():
    import tensorflow as tf

    names = ("reset_states", "reset_state", "merge_state", "add_weight", "weights", "variables", "stateless_result",
             "get_config", "from_config", "total", "count", "dtype", "stateful")  # fmt: skip
    with subject("Mean"):
        metric = tf.keras.metrics.Mean()
        found = dict((name, hasattr(metric, name)) for name in names)
        found["MeanMetricWrapper"] = hasattr(tf.keras.metrics, "MeanMetricWrapper")
        found["variables of AUC"] = outcome(lambda: rounded(len(tf.keras.metrics.AUC().variables)))
        return found
