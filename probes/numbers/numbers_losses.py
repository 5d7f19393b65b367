"""Losses: their numbers on fixed data, and their edges (one class, extremes, NaN, labels, shapes, masks)."""

from harness import assert_close, behaviour, check, drift, subject
from plain import named, outcome, outcomes
from synthetic import eager

TRUTH = [[0.0, 1.0, 0.0], [0.25, 0.25, 0.5]]
GUESS = [[0.2, 0.7, 0.1], [0.5, 0.1, 0.4]]


def as_is(tf, size=1, activation="linear"):
    """A model, not compiled, that returns its input (through `activation`)."""
    return tf.keras.Sequential([tf.keras.layers.Activation(activation, input_shape=(size,))])


@drift(
    "numbers.losses.values",
    "What does each built-in loss give on fixed data?",
    source="seed 003 statement 4 (loss functions modified internally)",
    needs=("tensorflow",),
)
def values():
    import tensorflow as tf

    eager(tf)
    y, p = tf.constant(TRUTH), tf.constant(GUESS)
    names = (
        "MeanSquaredError", "MeanAbsoluteError", "MeanAbsolutePercentageError", "MeanSquaredLogarithmicError",
        "BinaryCrossentropy", "CategoricalCrossentropy", "Hinge", "SquaredHinge", "CategoricalHinge", "KLDivergence",
        "Poisson", "CosineSimilarity", "Huber", "LogCosh", "BinaryFocalCrossentropy", "CategoricalFocalCrossentropy",
        "Dice", "Tversky",
    )  # fmt: skip
    with subject("Loss.__call__"):
        cases = [(name, lambda name=name: getattr(tf.keras.losses, name)()(y, p)) for name in names]
        sparse = tf.keras.losses.SparseCategoricalCrossentropy
        return outcomes(cases + [("SparseCategoricalCrossentropy", lambda: sparse()(tf.constant([1, 2]), p))])


@check(
    "numbers.losses.crossentropies_by_hand",
    "Do the cross-entropies equal what is computed by hand, from probabilities and from logits?",
    source="seed 003 statement 4 (the implementation of cross-entropy)",
    needs=("tensorflow",),
)
def crossentropies_by_hand():
    import numpy as np
    import tensorflow as tf

    eager(tf)
    made, labels = tf.keras.losses, np.array([2, 0])
    logits = np.array([[1.0, -2.0, 0.5], [0.0, 3.0, -1.0]], "float32")
    odds = (np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)).astype("float32")
    each = (1 / (1 + np.exp(-logits))).astype("float32")
    hot = np.eye(3, dtype="float32")[labels]
    several = float(-np.log(odds[[0, 1], labels]).mean())
    binary = float(-(hot * np.log(each) + (1 - hot) * np.log(1 - each)).mean())
    odds, each, logits = tf.constant(odds), tf.constant(each), tf.constant(logits)
    with subject("CategoricalCrossentropy"):
        assert_close(made.CategoricalCrossentropy()(hot, odds), several, rtol=1e-4, what="categorical")
        from_logits = made.CategoricalCrossentropy(from_logits=True)
        assert_close(from_logits(hot, logits), several, rtol=1e-4, what="categorical, logits")
        assert_close(made.SparseCategoricalCrossentropy()(labels, odds), several, rtol=1e-4, what="sparse")
        from_logits = made.SparseCategoricalCrossentropy(from_logits=True)
        assert_close(from_logits(labels, logits), several, rtol=1e-4, what="sparse, logits")
        assert_close(made.BinaryCrossentropy()(hot, each), binary, rtol=1e-4, what="binary")
        assert_close(made.BinaryCrossentropy(from_logits=True)(hot, logits), binary, rtol=1e-4, what="binary, logits")


@check(
    "numbers.losses.label_smoothing",
    "Does label smoothing move the labels as documented: towards 1/2, or towards 1/classes?",
    source="Keras API, probabilistic losses (label_smoothing)",
    needs=("tensorflow",),
)
def label_smoothing():
    import numpy as np
    import tensorflow as tf

    eager(tf)
    y, p = np.array([[0.0, 1.0, 0.0]], "float32"), np.array([[0.2, 0.7, 0.1]], "float32")
    several, binary = y * 0.7 + 0.1, y * 0.7 + 0.15
    with subject("CategoricalCrossentropy(label_smoothing=…)"):
        loss = tf.keras.losses.CategoricalCrossentropy(label_smoothing=0.3)(y, p)
        assert_close(loss, float(-(several * np.log(p)).sum()), rtol=1e-4, what="categorical")
        loss = tf.keras.losses.BinaryCrossentropy(label_smoothing=0.3)(y, p)
        by_hand = float(-(binary * np.log(p) + (1 - binary) * np.log(1 - p)).mean())
        assert_close(loss, by_hand, rtol=1e-4, what="binary")


@check(
    "numbers.losses.sample_weight",
    "Does a loss with sample weights divide by the number of samples, and not by the sum of weights?",
    source="Keras API, Loss.__call__",
    needs=("tensorflow",),
)
def sample_weight():
    import numpy as np
    import tensorflow as tf

    eager(tf)
    y, p = np.zeros((4, 1), "float32"), np.array([[1.0], [2.0], [3.0], [4.0]], "float32")
    weights = np.array([1.0, 0.0, 2.0, 0.0], "float32")
    with subject("Loss.__call__(sample_weight=…)"):
        loss = tf.keras.losses.MeanSquaredError()(y, p, sample_weight=weights)
        assert_close(loss, (1.0 + 18.0) / 4, what="weights per sample")
        wide = tf.keras.losses.MeanAbsoluteError()(
            np.zeros((2, 2), "float32"), p.reshape(2, 2), np.array([[2.0], [1.0]])
        )
        assert_close(wide, (2 * 1.5 + 3.5) / 2, what="weights of shape (n, 1)")


@check(
    "numbers.losses.hinge_labels",
    "Does Hinge take labels 0 and 1 for -1 and 1?",
    source="Keras API, hinge losses",
    needs=("tensorflow",),
)
def hinge_labels():
    import tensorflow as tf

    eager(tf)
    p = tf.constant([[0.5], [-2.0], [0.25]])
    with subject("Hinge"):
        expected = (0.5 + 0.0 + 1.25) / 3
        assert_close(tf.keras.losses.Hinge()(tf.constant([[1.0], [-1.0], [-1.0]]), p), expected, what="-1 and 1")
        assert_close(tf.keras.losses.Hinge()(tf.constant([[1.0], [0.0], [0.0]]), p), expected, what="0 and 1")


@behaviour(
    "numbers.losses.string_names",
    "Which spellings of a loss's name are understood, and as what?",
    source="seed 003 example 2 (loss='mse'); Keras API, losses.get",
    needs=("tensorflow",),
    light=True,
)
def string_names():
    import tensorflow as tf

    names = (
        "mse", "MSE", "mean_squared_error", "MeanSquaredError", "mae", "mape", "msle", "bce", "BCE", "kld", "KLD",
        "kl_divergence", "kullback_leibler_divergence", "cosine_proximity", "cosine_similarity", "CosineSimilarity",
        "logcosh", "log_cosh", "LogCosh", "huber", "huber_loss", "Huber", "hinge", "poisson", "crossentropy", "ctc",
        "binary_focal_crossentropy", "CategoricalCrossentropy",
    )  # fmt: skip
    with subject("losses.get"):
        return dict((name, outcome(lambda: named(tf.keras.losses.get(name)))) for name in names)


@behaviour(
    "numbers.losses.reduction",
    "Which reductions does a loss take, and what do they give for two samples of two outputs?",
    source="Keras API, Loss (reduction)",
    needs=("tensorflow",),
)
def reduction():
    import tensorflow as tf

    eager(tf)
    y, p = tf.zeros((2, 2)), tf.constant([[1.0, 2.0], [3.0, 4.0]])

    def reduced(*given):
        return tf.keras.losses.MeanSquaredError(**({"reduction": given[0]} if given else {}))(y, p)

    with subject("MeanSquaredError(reduction=…)"):
        ways = ("none", "sum", "sum_over_batch_size", "auto", "mean", "mean_with_sample_weight", "mittel", None)
        cases = [("default", reduced), ("Reduction.NONE", lambda: reduced(tf.keras.losses.Reduction.NONE))]
        return outcomes(cases + [(str(way), lambda way=way: reduced(way)) for way in ways])


@behaviour(
    "numbers.losses.shapes_broadcast",
    "Labels of shape (n,) and predictions of shape (n, 1): matched in pairs or broadcast to n × n?",
    source="Keras API, losses; a known trap of mean squared error",
    needs=("tensorflow",),
)
def shapes_broadcast():
    import numpy as np
    import tensorflow as tf

    eager(tf)
    y, p = np.array([1.0, 2.0, 3.0], "float32"), np.array([[1.0], [2.0], [3.0]], "float32")
    model = as_is(tf)
    model.compile(optimizer="sgd", loss="mse")
    with subject("MeanSquaredError"):
        made = tf.keras.losses
        return outcomes(
            [
                ("class", lambda: made.MeanSquaredError()(y, p)),
                ("function", lambda: tf.reduce_mean(made.get("mse")(y, p))),
                ("evaluate", lambda: model.evaluate(p, y, verbose=0)),
                ("binary", lambda: made.BinaryCrossentropy()(np.array([0.0, 1.0]), np.array([[0.25], [0.75]]))),
                ("metric", lambda: tf.keras.metrics.MeanSquaredError()(y, p)),
                ("(n, 1) and (n,)", lambda: made.MeanSquaredError()(p, y)),
                ("three and two columns", lambda: made.MeanSquaredError()(tf.ones((2, 3)), tf.ones((2, 2)))),
            ],
            digits=5,
        )


@drift(
    "numbers.losses.extremes",
    "What do the cross-entropies give for certain but wrong predictions, and for huge logits?",
    source="seed 003 statement 4 (edge cases, numerical approximations)",
    needs=("tensorflow",),
)
def extremes():
    import tensorflow as tf

    eager(tf)
    made = tf.keras.losses

    def of(name, y, p, **arguments):
        return getattr(made, name)(**arguments)(tf.constant(y), tf.constant(p))

    logits = {"from_logits": True}
    with subject("BinaryCrossentropy"):
        return outcomes(
            [
                ("binary, 0 and 1", lambda: of("BinaryCrossentropy", [[1.0], [0.0]], [[0.0], [1.0]])),
                ("binary, right", lambda: of("BinaryCrossentropy", [[1.0]], [[1.0]])),
                ("binary, logits", lambda: of("BinaryCrossentropy", [[1.0]], [[-1000.0]], from_logits=True)),
                ("categorical", lambda: of("CategoricalCrossentropy", [[1.0, 0.0]], [[0.0, 1.0]])),
                ("categorical, sum not 1", lambda: of("CategoricalCrossentropy", [[1.0, 0.0]], [[0.5, 1.5]])),
                ("categorical, logits", lambda: of("CategoricalCrossentropy", [[1.0, 0.0]], [[-1e3, 1e3]], **logits)),
                ("sparse", lambda: of("SparseCategoricalCrossentropy", [0], [[0.0, 1.0]])),
                ("sparse, sum not 1", lambda: of("SparseCategoricalCrossentropy", [0], [[0.5, 1.5]])),
                ("divergence, zeros", lambda: of("KLDivergence", [[0.0, 1.0]], [[0.5, 0.0]])),
                ("poisson, zero", lambda: of("Poisson", [[1.0]], [[0.0]])),
                ("log of negative", lambda: of("MeanSquaredLogarithmicError", [[1.0]], [[-2.0]])),
                ("percentage of zero", lambda: of("MeanAbsolutePercentageError", [[0.0]], [[1.0]])),
                ("cosine of zeros", lambda: of("CosineSimilarity", [[1.0, 0.0]], [[0.0, 0.0]])),
                ("log cosh of 1000", lambda: of("LogCosh", [[0.0]], [[1000.0]])),
            ],
            digits=4,
        )  # fmt: skip


@drift(
    "numbers.losses.undone_sigmoid",
    "Does a cross-entropy behind a sigmoid or softmax layer look through it to the logits?",
    source="seed 003 statement 4 (cross-entropy revised to handle edge cases)",
    needs=("tensorflow",),
)
def undone_sigmoid():
    import numpy as np
    import tensorflow as tf

    def reported(activation, size, loss, x, y):
        model = as_is(tf, size, activation)
        model.compile(optimizer="sgd", loss=loss)
        return model.test_on_batch(np.array(x, "float32"), np.array(y))

    several = "categorical_crossentropy"
    with subject("Model.test_on_batch"):
        return outcomes(
            [
                ("sigmoid(50), wrong", lambda: reported("sigmoid", 1, "binary_crossentropy", [[50.0]], [[0.0]])),
                ("softmax, wrong", lambda: reported("softmax", 2, several, [[0.0, 50.0]], [[1.0, 0.0]])),
                ("sparse, wrong", lambda: reported("softmax", 2, "sparse_" + several, [[0.0, 50.0]], [0])),
            ],
            digits=3,
        )  # fmt: skip
