"""Arguments of compile, fit, evaluate and predict that came, went or were renamed: what becomes of them?"""

from harness import behaviour, subject
from spelled import attempt
from synthetic import eager


def compiled(tf, **compile_arguments):
    """A compiled model of one weight, (2,) → (1,), whose weight is 1 and 1; SGD with rate 0.1 and mse."""
    import numpy as np

    model = tf.keras.Sequential([tf.keras.layers.Dense(1, use_bias=False, input_shape=(2,))])
    arguments = {"optimizer": tf.keras.optimizers.SGD(0.1), "loss": "mse"}
    arguments.update(compile_arguments)
    model.compile(**arguments)
    model.set_weights([np.ones((2, 1), "float32")])
    return model


def _data():
    import numpy as np

    return np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 8.0]], "float32"), np.zeros((4, 1), "float32")


def _batches(tf, model, **fit_arguments):
    """How often callbacks are told of a batch's end in a fit over four batches."""
    seen = []
    told = tf.keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(batch))
    told.on_train_batch_end = lambda batch, logs=None: seen.append(batch)
    x, y = _data()
    model.fit(x, y, batch_size=1, epochs=1, verbose=0, callbacks=[told], **fit_arguments)
    return len(seen)


@behaviour(
    "signatures.compile.arguments",
    "Which of compile's arguments that came and went are taken, and if not, does the message name them?",
    source="TensorFlow 2.16 release notes (Keras 3 by default), Keras API, model training",
    needs=("tensorflow",),
)
def compile_arguments():
    import tensorflow as tf

    eager(tf)
    x, y = _data()

    def loss(**arguments):
        return float(compiled(tf, **arguments).evaluate(x, y, verbose=0))

    def jitted():
        model = compiled(tf, jit_compile=True)
        return getattr(model, "jit_compile", getattr(model, "_jit_compile", None)) is True

    def weighted(**arguments):
        return len(compiled(tf, **arguments).evaluate(x, y, verbose=0, sample_weight=y[:, 0] + 1)) == 2

    calls = {
        "experimental_run_tf_function": lambda: compiled(tf, experimental_run_tf_function=False),
        "run_eagerly": lambda: compiled(tf, run_eagerly=True).run_eagerly is True,
        "sample_weight_mode": lambda: compiled(tf, sample_weight_mode="temporal"),
        "target_tensors": lambda: compiled(tf, target_tensors=None),
        "distribute": lambda: compiled(tf, distribute=None),
        "steps_per_execution": lambda: _batches(tf, compiled(tf, steps_per_execution=2)) == 2,
        "experimental_steps_per_execution": lambda: compiled(tf, experimental_steps_per_execution=2),
        "jit_compile": jitted,
        "weighted_metrics": lambda: weighted(weighted_metrics=["mae"]),
        "loss_weights": lambda: loss(loss_weights=[0.5]) == 0.5 * loss(),
        "auto_scale_loss": lambda: compiled(tf, auto_scale_loss=False),
        "pss_evaluation_shards": lambda: compiled(tf, pss_evaluation_shards=0),
        "nonsense": lambda: compiled(tf, nonsense=1) is None,
    }  # fmt: skip
    with subject("Model.compile"):
        return {name: attempt(name, call) for name, call in calls.items()}


@behaviour(
    "signatures.fit.arguments",
    "Which of fit's arguments that came and went are taken, and if not, does the message name them?",
    source="Keras 2.0 release notes (nb_epoch), TensorFlow 2.16 release notes (Keras 3 by default)",
    needs=("tensorflow",),
)
def fit_arguments():
    import tensorflow as tf

    eager(tf)
    x, y = _data()
    model = compiled(tf, run_eagerly=True)

    def epochs(**arguments):
        return len(model.fit(x, y, verbose=0, **arguments).history["loss"])

    def validated(**arguments):
        history = model.fit(x, y, verbose=0, epochs=2, validation_data=(x, y), **arguments).history
        return len(history["val_loss"])

    calls = {
        "nb_epoch": lambda: epochs(nb_epoch=2) == 2,
        "samples_per_epoch": lambda: epochs(samples_per_epoch=4) is None,
        "validation_freq": lambda: validated(validation_freq=2) == 1,
        "validation_batch_size": lambda: validated(validation_batch_size=2),
        "max_queue_size": lambda: epochs(max_queue_size=2),
        "workers": lambda: epochs(workers=1),
        "use_multiprocessing": lambda: epochs(use_multiprocessing=False),
        "initial_epoch": lambda: epochs(initial_epoch=1, epochs=3) == 2,
        "shuffle=batch": lambda: epochs(shuffle="batch"),
        "verbose=auto": lambda: len(model.fit(x, y, verbose="auto").history["loss"]),
    }
    with subject("Model.fit"):
        return {name: attempt(name.split("=")[0], call) for name, call in calls.items()}


@behaviour(
    "signatures.evaluate.arguments",
    "Do evaluate and predict take return_dict, workers, callbacks and steps, and what comes of them?",
    source="Keras API, model training",
    needs=("tensorflow",),
)
def evaluate_arguments():
    import tensorflow as tf

    eager(tf)
    x, y = _data()
    model = compiled(tf, run_eagerly=True)

    def on_batch(**arguments):
        return isinstance(model.train_on_batch(x, y, **arguments), dict)

    calls = {
        "evaluate return_dict": lambda: list(model.evaluate(x, y, verbose=0, return_dict=True)) == ["loss"],
        "evaluate workers": lambda: model.evaluate(x, y, verbose=0, workers=1),
        "evaluate max_queue_size": lambda: model.evaluate(x, y, verbose=0, max_queue_size=2),
        "evaluate nonsense": lambda: model.evaluate(x, y, verbose=0, nonsense=1) is None,
        "predict workers": lambda: model.predict(x, workers=1),
        "predict verbose=auto": lambda: model.predict(x, verbose="auto"),
        "predict steps": lambda: len(model.predict(x, batch_size=2, steps=1)) == 2,
        "train_on_batch return_dict": lambda: on_batch(return_dict=True),
        "train_on_batch reset_metrics": lambda: model.train_on_batch(x, y, reset_metrics=True),
    }
    with subject("Model.evaluate, Model.predict"):
        return {name: attempt(name.split()[1].split("=")[0], call) for name, call in calls.items()}
