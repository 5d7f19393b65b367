"""What fit, evaluate and predict do with data, weights, batches and epochs."""

from attempts import attempts
from harness import assert_close, behaviour, check, expect, subject
from models_small import column, linear


@check(
    "models.fit.validation_split",
    "Does validation_split hold back the last samples, also when the rest is shuffled?",
    source="Keras API, Model.fit (validation_split)",
    needs=("tensorflow",),
)
def fit_validation_split():
    import tensorflow as tf

    x = column(1, 1, 1, 1, 1, 1, 3, 5)
    with subject("Model.fit(validation_split=…)"):
        history = linear(tf).fit(x, 0 * x, validation_split=0.25, epochs=1, batch_size=2, verbose=0).history
        assert_close(float(history["loss"][0]), 1.0, what="loss of the first six")
        assert_close(float(history["val_loss"][0]), (9 + 25) / 2, what="loss of the last two")


@check(
    "models.fit.validation_freq",
    "Does fit validate on validation_data only every second epoch when asked, with evaluate's numbers?",
    source="Keras API, Model.fit (validation_freq)",
    needs=("tensorflow",),
)
def fit_validation_freq():
    import tensorflow as tf

    x = column(1, 2)
    with subject("Model.fit(validation_freq=2)"):
        history = linear(tf).fit(
            x, x, validation_data=(x, 0 * x), validation_freq=2, epochs=4, verbose=0
        )  # fmt: skip
        assert_close([float(v) for v in history.history["val_loss"]], [2.5, 2.5], what="validation losses")
        expect(len(history.history["loss"]) == 4, "%d epochs" % len(history.history["loss"]))


@check(
    "models.fit.sample_weight",
    "Is a step's gradient the mean of the samples' gradients times their weights?",
    source="Keras guide, training and evaluation: sample weights",
    needs=("tensorflow",),
)
def fit_sample_weight():
    import numpy as np
    import tensorflow as tf

    x = column(1, 2)
    with subject("Model.fit(sample_weight=…)"):
        model = linear(tf, rate=0.1)
        model.fit(x, 0 * x, sample_weight=np.array([0.0, 0.5]), batch_size=2, epochs=1, verbose=0)
        # gradient of (0 · w² + 0.5 · 4 w²) / 2 at w = 1 is 2
        assert_close(float(model.get_weights()[0][0, 0]), 1.0 - 0.1 * 2.0, rtol=1e-4, what="weight")


@behaviour(
    "models.evaluate.sample_weight",
    "What do loss, metrics and weighted_metrics say when evaluate gets sample weights?",
    source="Keras API, Model.compile (weighted_metrics)",
    needs=("tensorflow",),
)
def evaluate_sample_weight():
    import numpy as np
    import tensorflow as tf

    x = column(1, 2, 3)
    model = linear(tf, metrics=["mae"], weighted_metrics=["mse"])
    with subject("Model.evaluate(sample_weight=…)"):
        # squares 1, 4, 9; weights 1, 3, 0: the weighted sum 13 over all 3 samples is 4.3333, over all weight 3.25
        result = model.evaluate(x, 0 * x, sample_weight=np.array([1.0, 3.0, 0.0]), verbose=0)
        return [round(float(v), 4) for v in result]


@behaviour(
    "models.evaluate.unequal_batches",
    "Does the last, smaller batch count as much as the others in evaluate's and fit's loss?",
    source="seed 003 statement 4 (loss and metric variations)",
    needs=("tensorflow",),
)
def evaluate_unequal_batches():
    import tensorflow as tf

    x = column(1, 1, 1, 3)

    def said(loss):
        return {3.0: "by sample", 5.0: "by batch"}.get(round(float(loss), 4), round(float(loss), 4))

    with subject("Model.evaluate"):
        model = linear(tf)
        return {
            "evaluate": said(model.evaluate(x, 0 * x, batch_size=3, verbose=0)),
            "fit": said(model.fit(x, 0 * x, batch_size=3, shuffle=False, verbose=0).history["loss"][0]),
        }


@check(
    "models.fit.shuffle_off",
    "Does fit with shuffle=False train on the samples in their order?",
    source="Keras API, Model.fit (shuffle)",
    needs=("tensorflow",),
)
def fit_shuffle_off():
    import tensorflow as tf

    x, y = column(1, 2, 1, 1, 2), column(1, 0, 3, 0, 1)
    w = 1.0
    for a, b in zip(x[:, 0], y[:, 0]):
        w -= 0.1 * 2 * float(a) * (float(a) * w - float(b))
    with subject("Model.fit(shuffle=False)"):
        model = linear(tf, rate=0.1)
        model.fit(x, y, batch_size=1, epochs=1, shuffle=False, verbose=0)
        assert_close(float(model.get_weights()[0][0, 0]), w, rtol=1e-4, what="weight")


@check(
    "models.fit.initial_epoch",
    "Does fit with initial_epoch=3 and epochs=5 run the epochs 3 and 4?",
    source="Keras API, Model.fit (initial_epoch)",
    needs=("tensorflow",),
)
def fit_initial_epoch():
    import tensorflow as tf

    x = column(1, 2)
    with subject("Model.fit(initial_epoch=3)"):
        history = linear(tf).fit(x, x, initial_epoch=3, epochs=5, verbose=0)
        expect(list(history.epoch) == [3, 4], "epochs %r" % (history.epoch,))


@check(
    "models.fit.generator",
    "Does fit take steps_per_epoch batches per epoch from an endless generator?",
    source="Keras API, Model.fit (steps_per_epoch)",
    needs=("tensorflow",),
)
def fit_generator():
    import tensorflow as tf

    def batches():
        while True:
            yield column(1, 1), column(0, 0)

    with subject("Model.fit(generator)"):
        model = linear(tf, rate=0.25)
        history = model.fit(batches(), steps_per_epoch=3, epochs=2, verbose=0)
        # each step halves the weight
        assert_close(float(model.get_weights()[0][0, 0]), 0.5**6, rtol=1e-4, what="weight")
        expect(len(history.history["loss"]) == 2, "%d epochs" % len(history.history["loss"]))


@check(
    "models.predict.sequence",
    "Does predict on a keras.utils.Sequence return its batches in order?",
    source="Keras API, utils.Sequence",
    needs=("tensorflow",),
)
def predict_sequence():
    import tensorflow as tf

    class Batches(tf.keras.utils.Sequence):
        def __len__(self):
            return 3

        def __getitem__(self, index):
            return column(2 * index, 2 * index + 1), column(0, 0)

    with subject("Model.predict(Sequence)"):
        result = linear(tf, start=2.0).predict(Batches(), verbose=0)
        assert_close(result, column(0, 2, 4, 6, 8, 10), what="predictions")


@behaviour(
    "models.fit.sequence",
    "How often does fit call a Sequence's on_epoch_end, and does it need super().__init__?",
    source="Keras API, utils.Sequence (on_epoch_end)",
    needs=("tensorflow",),
)
def fit_sequence():
    import tensorflow as tf

    ends = []

    class Batches(tf.keras.utils.Sequence):
        def __init__(self):
            self.size = 2

        def __len__(self):
            return self.size

        def __getitem__(self, index):
            return column(1, 1), column(0, 0)

        def on_epoch_end(self):
            ends.append(1)

    with subject("Model.fit(Sequence)"):
        history = linear(tf).fit(Batches(), epochs=2, shuffle=False, verbose=0)
        return {"epochs": len(history.epoch), "on_epoch_end": len(ends)}


@behaviour(
    "models.fit.refused",
    "What does fit raise for arguments that don't go with the data?",
    source="Keras API, Model.fit",
    needs=("tensorflow",),
)
def fit_refused():
    import numpy as np
    import tensorflow as tf

    x = column(1, 2, 3, 4)
    data = tf.data.Dataset.from_tensor_slices((x, x)).batch(2)

    def fit(*args, **options):
        return len(linear(tf, run_eagerly=True).fit(*args, verbose=0, **options).epoch)

    with subject("Model.fit"):
        return attempts(
            {
                "dataset and validation_split": lambda: fit(data, validation_split=0.5),
                "dataset and batch_size": lambda: fit(data, batch_size=2),
                "dataset and y": lambda: fit(data, x),
                "no y": lambda: fit(x),
                "x and y of other lengths": lambda: fit(x, x[:3]),
                "one list of lists": lambda: fit([[1.0], [2.0]], [[1.0], [2.0]]),
                "flat lists": lambda: fit([1.0, 2.0], [1.0, 2.0]),
                "x of objects": lambda: fit(np.array([[1.0], [2.0]], dtype=object), x[:2]),
                "a tensor for x, an array for y": lambda: fit(tf.constant(x), x),
                "nothing": lambda: fit(x[:0], x[:0]),
                "class weights that miss a class": lambda: fit(x, x, class_weight={1: 1.0, 2: 1.0}),
            }
        )


@check(
    "models.evaluate.labels_without_axis",
    "Is the loss of labels of shape (n,) and predictions of shape (n, 1) taken row by row?",
    source="Keras API, Model.evaluate",
    needs=("tensorflow",),
)
def evaluate_labels_without_axis():
    import tensorflow as tf

    x = column(1, 2, 3)
    with subject("Model.evaluate"):
        loss = linear(tf).evaluate(x, x[:, 0], verbose=0)
        assert_close(float(loss), 0.0, what="loss of what is predicted exactly")


@behaviour(
    "models.predict.shapes",
    "Which shapes does predict give for one sample, for inputs without a feature axis, for no samples?",
    source="Keras API, Model.predict",
    needs=("tensorflow",),
)
def predict_shapes():
    import numpy as np
    import tensorflow as tf

    model = linear(tf)

    def shape(x):
        return list(model.predict(x, verbose=0).shape)

    with subject("Model.predict"):
        return attempts(
            {
                "(1, 1)": lambda: shape(column(1)),
                "(3,)": lambda: shape(np.arange(3.0)),
                "(0, 1)": lambda: shape(column()),
                "list of numbers": lambda: shape([1.0, 2.0]),
                "nested list": lambda: shape([[1.0], [2.0]]),
                "tuple of one array": lambda: shape((column(1, 2),)),
                "tensor": lambda: shape(tf.constant(column(1, 2))),
            }
        )


@behaviour(
    "models.train_on_batch.returns",
    "What do train_on_batch, test_on_batch and evaluate return: types, order, dict with return_dict?",
    source="Keras API, Model.train_on_batch (return_dict)",
    needs=("tensorflow",),
)
def train_on_batch_returns():
    import tensorflow as tf

    x = column(1, 2)

    def kind(value):
        if isinstance(value, dict):
            return sorted(value)
        if isinstance(value, (list, tuple)):
            return [type(value).__name__] + [type(v).__name__ for v in value]
        return type(value).__name__

    with subject("Model.train_on_batch"):
        alone, more = linear(tf), linear(tf, metrics=["mae"])
        return attempts(
            {
                "train, loss only": lambda: kind(alone.train_on_batch(x, x)),
                "train, one metric": lambda: kind(more.train_on_batch(x, x)),
                "train, return_dict": lambda: kind(more.train_on_batch(x, x, return_dict=True)),
                "test, one metric": lambda: kind(more.test_on_batch(x, x)),
                "evaluate, loss only": lambda: kind(alone.evaluate(x, x, verbose=0)),
                "evaluate, one metric": lambda: kind(more.evaluate(x, x, verbose=0)),
                "evaluate, return_dict": lambda: kind(more.evaluate(x, x, verbose=0, return_dict=True)),
                "predict_on_batch": lambda: kind(alone.predict_on_batch(x)),
            }
        )


@behaviour(
    "models.train_on_batch.accumulates",
    "Is what train_on_batch returns this batch's loss and metric, or a mean over the calls so far?",
    source="Keras API, Model.train_on_batch (reset_metrics)",
    needs=("tensorflow",),
)
def train_on_batch_accumulates():
    import tensorflow as tf

    def said(values):
        first, second = values
        return {9.0: "this batch", 5.0: "mean of both"}.get(round(float(second), 3), round(float(second), 3))

    with subject("Model.train_on_batch"):
        model = linear(tf, metrics=["mse"])
        results = [model.train_on_batch(column(a), column(0)) for a in (1, 3)]
        return {"loss": said([r[0] for r in results]), "metric": said([r[1] for r in results])}
