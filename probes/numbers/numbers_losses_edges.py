"""Losses at their edges: labels of every type, one class, no samples, NaN, masks."""

from harness import behaviour, check, expect, subject
from numbers_losses import as_is
from plain import outcome, outcomes, rounded
from synthetic import eager


@behaviour(
    "numbers.losses.sparse_label_types",
    "Which types and shapes of labels does the sparse cross-entropy take?",
    source="Keras API, SparseCategoricalCrossentropy",
    needs=("tensorflow",),
)
def sparse_label_types():
    import numpy as np
    import tensorflow as tf

    eager(tf)
    p = tf.constant([[0.25, 0.75], [0.5, 0.5]])
    loss = tf.keras.losses.SparseCategoricalCrossentropy()
    with subject("SparseCategoricalCrossentropy"):
        types = ("int32", "int64", "uint8", "bool", "float32", "float64")
        cases = [(name, lambda name=name: loss(np.array([1, 0]).astype(name), p)) for name in types]
        cases.append(("(n, 1)", lambda: loss(np.array([[1], [0]]), p)))
        cases.append(("one-hot", lambda: loss(np.array([[0.0, 1.0], [1.0, 0.0]]), p)))
        return outcomes(cases, digits=4)


@behaviour(
    "numbers.losses.label_out_of_range",
    "What does the sparse cross-entropy do with a label that is no class?",
    source="TensorFlow API, nn.sparse_softmax_cross_entropy_with_logits (NaN or an exception)",
    needs=("tensorflow",),
)
def label_out_of_range():
    import numpy as np
    import tensorflow as tf

    eager(tf)
    p = np.array([[0.25, 0.75]], "float32")
    loss = tf.keras.losses.SparseCategoricalCrossentropy()
    model = as_is(tf, 2)
    model.compile(optimizer="sgd", loss="sparse_categorical_crossentropy")
    with subject("SparseCategoricalCrossentropy"):
        return outcomes(
            [
                ("5 of 2", lambda: loss(np.array([5]), tf.constant(p))),
                ("-1", lambda: loss(np.array([-1]), tf.constant(p))),
                ("in a model", lambda: model.test_on_batch(p, np.array([5]))),
            ],
            digits=4,
        )


@behaviour(
    "numbers.losses.ignore_class",
    "Does the sparse cross-entropy ignore a class when told to, and what does it divide by?",
    source="Keras API, SparseCategoricalCrossentropy (ignore_class)",
    needs=("tensorflow",),
)
def ignore_class():
    import numpy as np
    import tensorflow as tf

    eager(tf)
    p = tf.constant([[0.25, 0.75], [0.5, 0.5], [0.9, 0.1]])

    def loss(labels, ignored):
        return tf.keras.losses.SparseCategoricalCrossentropy(ignore_class=ignored)(np.array(labels), p)

    with subject("SparseCategoricalCrossentropy(ignore_class=…)"):
        return outcomes(
            [
                ("-1", lambda: loss([1, 0, -1], -1)),
                ("255", lambda: loss([1, 0, 255], 255)),
                ("0", lambda: loss([1, 0, 1], 0)),
                ("all ignored", lambda: loss([-1, -1, -1], -1)),
            ],
            digits=4,
        )


@behaviour(
    "numbers.losses.one_class",
    "What does the categorical cross-entropy say of a single output column: an error, or a loss of 0 for ever?",
    source="Keras API, CategoricalCrossentropy; a known trap",
    needs=("tensorflow",),
)
def one_class():
    import numpy as np
    import tensorflow as tf

    eager(tf)
    y, p = np.array([[1.0], [0.0]], "float32"), tf.constant([[0.25], [0.5]])
    made = tf.keras.losses
    with subject("CategoricalCrossentropy"):
        return outcomes(
            [
                ("probabilities", lambda: made.CategoricalCrossentropy()(y, p)),
                ("logits", lambda: made.CategoricalCrossentropy(from_logits=True)(y, p)),
                ("labels without an axis", lambda: made.CategoricalCrossentropy()(y[:, 0], p)),
                ("sparse", lambda: made.SparseCategoricalCrossentropy()(np.array([0, 0]), p)),
            ],
            digits=4,
        )


@behaviour(
    "numbers.losses.nothing_to_average",
    "What is the loss of no samples at all, and of samples that all weigh nothing?",
    source="Keras API, Loss.__call__ (edge cases)",
    needs=("tensorflow",),
)
def nothing_to_average():
    import numpy as np
    import tensorflow as tf

    eager(tf)
    loss = tf.keras.losses.MeanSquaredError()
    none, two = np.zeros((0, 2), "float32"), np.ones((2, 2), "float32")
    with subject("MeanSquaredError"):
        return outcomes(
            [
                ("no samples", lambda: loss(none, none)),
                ("weights of zero", lambda: loss(two, two * 3, sample_weight=np.zeros(2, "float32"))),
                ("one weight for all", lambda: loss(two, two * 3, sample_weight=0.5)),
                ("negative weight", lambda: loss(two, two * 3, sample_weight=np.array([-1.0, 1.0], "float32"))),
            ]
        )


@behaviour(
    "numbers.losses.nan",
    "Does a NaN in labels, predictions or a sample of weight zero make the loss NaN?",
    source="Keras API, losses (NaN inputs)",
    needs=("tensorflow",),
)
def nan():
    import numpy as np
    import tensorflow as tf

    eager(tf)
    fine, broken = np.array([[0.5], [0.5]], "float32"), np.array([[np.nan], [0.5]], "float32")
    made = tf.keras.losses
    with subject("Loss.__call__"):
        return outcomes(
            [
                ("labels", lambda: made.MeanSquaredError()(broken, fine)),
                ("predictions", lambda: made.MeanSquaredError()(fine, broken)),
                ("crossentropy, predictions", lambda: made.BinaryCrossentropy()(fine, broken)),
                ("weight zero", lambda: made.MeanSquaredError()(fine, broken, sample_weight=np.array([0.0, 1.0]))),
                ("huber", lambda: made.Huber()(fine, broken)),
            ]
        )


@behaviour(
    "numbers.losses.masked_steps",
    "By what does the loss of a masked sequence divide: all time steps, or those that count?",
    source="Keras guide, masking and padding; seed 003 statement 4",
    needs=("tensorflow",),
)
def masked_steps():
    import numpy as np
    import tensorflow as tf

    eager(tf)
    # one step of four counts: its squared error is 4
    x = np.array([[[2.0], [0.0], [0.0], [0.0]]], "float32")

    def reported(x, **arguments):
        model = tf.keras.Sequential([tf.keras.layers.Masking(0.0, input_shape=(4, 1))])
        model.compile(optimizer="sgd", loss="mse", metrics=["mse"], run_eagerly=True)
        return model.evaluate(x, np.zeros_like(x), verbose=0, **arguments)

    with subject("Model.evaluate"):
        return outcomes(
            [
                ("one of four", lambda: reported(x)),
                ("all masked", lambda: reported(x * 0)),
                ("two samples, one all masked", lambda: reported(np.concatenate([x, x * 0]))),
                ("weighted", lambda: reported(np.concatenate([x, x]), sample_weight=np.array([1.0, 0.5], "float32"))),
            ]
        )


@behaviour(
    "numbers.losses.result_type",
    "Of which type is a loss computed from float64, float16 or integer inputs?",
    source="Keras API, losses (dtype)",
    needs=("tensorflow",),
)
def result_type():
    import numpy as np
    import tensorflow as tf

    eager(tf)

    def of(y, p):
        found = tf.keras.losses.MeanSquaredError()(np.ones((2, 1), y), np.ones((2, 1), p) * 3)
        return [getattr(found.dtype, "name", str(found.dtype)), rounded(found)]

    with subject("MeanSquaredError"):
        kinds = (("float64", "float64"), ("float16", "float16"), ("int32", "float32"), ("int32", "int32"))
        return dict(("%s, %s" % kind, outcome(of, *kind)) for kind in kinds)


@check(
    "numbers.losses.regression_by_hand",
    "Do the squared, absolute and Huber losses equal what is computed by hand?",
    source="Keras API, regression losses",
    needs=("tensorflow",),
)
def regression_by_hand():
    import numpy as np
    import tensorflow as tf

    eager(tf)
    y, p = np.array([[0.0, 1.0], [2.0, 4.0]], "float32"), np.array([[0.5, -1.0], [2.0, 1.0]], "float32")
    apart = np.abs(y - p)
    expected = {
        "MeanSquaredError": (apart**2).mean(),
        "MeanAbsoluteError": apart.mean(),
        "MeanSquaredLogarithmicError": ((np.log1p(y) - np.log1p(np.maximum(p, 0))) ** 2).mean(),
        "Huber": np.where(apart <= 1, apart**2 / 2, apart - 0.5).mean(),
        "LogCosh": np.log(np.cosh(y - p)).mean(),
    }
    with subject("MeanSquaredError"):
        for name in sorted(expected):
            loss = float(getattr(tf.keras.losses, name)()(y, p))
            expect(abs(loss - float(expected[name])) < 1e-4, "%s is %r, not %r" % (name, loss, float(expected[name])))


@behaviour(
    "numbers.losses.numpy_predictions",
    "Which losses take their predictions as NumPy arrays?",
    source="Keras API, Loss.__call__",
    needs=("tensorflow",),
)
def numpy_predictions():
    import numpy as np
    import tensorflow as tf

    eager(tf)
    y, p = np.array([[0.0, 1.0]], "float32"), np.array([[0.25, 0.75]], "float32")
    made = tf.keras.losses
    with subject("Loss.__call__"):
        names = ("MeanSquaredError", "BinaryCrossentropy", "CategoricalCrossentropy", "Hinge", "KLDivergence")
        cases = [(name, lambda name=name: getattr(made, name)()(y, p)) for name in names]
        cases.append(("SparseCategoricalCrossentropy", lambda: made.SparseCategoricalCrossentropy()(np.array([1]), p)))
        cases.append(("lists", lambda: made.MeanSquaredError()([[0.0, 1.0]], [[0.25, 0.75]])))
        return outcomes(cases, digits=4)


@behaviour(
    "numbers.losses.own_function",
    "What may an own loss function return: one value per sample, a scalar, a Python number, integers?",
    source="Keras guide, training and evaluation: custom losses",
    needs=("tensorflow",),
)
def own_function():
    import numpy as np
    import tensorflow as tf

    eager(tf)
    x, y = np.array([[1.0], [3.0]], "float32"), np.zeros((2, 1), "float32")

    def reported(loss):
        model = as_is(tf)
        model.compile(optimizer="sgd", loss=loss, run_eagerly=True)
        return model.test_on_batch(x, y)

    with subject("Model.compile(loss=function)"):
        return outcomes(
            [
                ("per sample", lambda: reported(lambda y, p: tf.reduce_mean(tf.abs(p - y), axis=-1))),
                ("scalar", lambda: reported(lambda y, p: tf.reduce_sum(tf.abs(p - y)))),
                ("per output", lambda: reported(lambda y, p: tf.abs(p - y))),
                ("a number", lambda: reported(lambda y, p: 2.5)),
                ("None", lambda: reported(lambda y, p: None)),
            ]
        )
