"""Callbacks: which hooks run when, with which logs; what the ones that come with Keras do."""

import os
import tempfile

from attempts import attempt, attempts
from harness import assert_close, behaviour, check, expect, subject
from models_small import column, linear
from synthetic import eager

HOOKS = tuple(
    "on_%s_%s" % (of, at)
    for of in ("train", "epoch", "test", "predict", "train_batch", "test_batch", "predict_batch", "batch")
    for at in ("begin", "end")
)


def recorder(tf, seen):
    """A callback that appends (hook, sorted keys of its logs) to `seen`."""

    def hook(name):
        def record(self, *args, **options):
            logs = options.get("logs", args[-1] if args else None)
            seen.append((name, sorted(logs or {})))

        return record

    methods = dict((name, hook(name)) for name in HOOKS)
    return type("Recorder", (tf.keras.callbacks.Callback,), methods)()


@behaviour(
    "models.callbacks.order",
    "In which order does fit with validation data call a callback's methods?",
    source="Keras guide, writing your own callbacks",
    needs=("tensorflow",),
)
def callbacks_order():
    import tensorflow as tf

    x, seen = column(1, 2), []
    with subject("Model.fit(callbacks=…)"):
        linear(tf, run_eagerly=True).fit(x, x, validation_data=(x, x), verbose=0, callbacks=[recorder(tf, seen)])
        return [name for name, _ in seen]


@behaviour(
    "models.callbacks.logs",
    "Which keys have the logs that callbacks get, per hook?",
    source="Keras guide, writing your own callbacks: usage of logs dict",
    needs=("tensorflow",),
)
def callbacks_logs():
    import tensorflow as tf

    x, seen = column(1, 2), []
    with subject("Model.fit(callbacks=…)"):
        model = linear(tf, metrics=["mae"], run_eagerly=True)
        model.fit(x, x, validation_data=(x, x), verbose=0, callbacks=[recorder(tf, seen)])
        model.predict(x, verbose=0, callbacks=[recorder(tf, seen)])
        return dict((name, keys) for name, keys in seen if keys)


@behaviour(
    "models.callbacks.batch_loss",
    "Is the loss in on_train_batch_end this batch's or the mean since the epoch began?",
    source="TensorFlow 2.2 release notes (training loop rewritten)",
    needs=("tensorflow",),
)
def callbacks_batch_loss():
    import tensorflow as tf

    x, losses = column(1, 3), []

    class Noting(tf.keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            losses.append(round(float(logs["loss"]), 4))

    with subject("Model.fit(callbacks=…)"):
        linear(tf).fit(x, 0 * x, batch_size=1, shuffle=False, verbose=0, callbacks=[Noting()])
        return {"[1.0, 9.0]": "this batch's", "[1.0, 5.0]": "mean so far"}.get(str(losses), losses)


@check(
    "models.callbacks.checkpoint_weights",
    "Does ModelCheckpoint(save_weights_only=True) write one file per epoch under the name its pattern says?",
    source="Keras API, ModelCheckpoint (filepath)",
    needs=("tensorflow",),
)
def callbacks_checkpoint_weights():
    import tensorflow as tf

    x, folder = column(1, 1), tempfile.mkdtemp()
    with subject("ModelCheckpoint"):
        model = linear(tf, rate=0.25)
        pattern = os.path.join(folder, "w.{epoch:02d}-{loss:.2f}.weights.h5")
        saving = tf.keras.callbacks.ModelCheckpoint(pattern, save_weights_only=True)
        model.fit(x, 0 * x, epochs=2, verbose=0, callbacks=[saving])
        names = ["w.01-1.00.weights.h5", "w.02-0.25.weights.h5"]
        expect(sorted(os.listdir(folder)) == names, "wrote %s" % sorted(os.listdir(folder)))
        model.load_weights(os.path.join(folder, names[0]))
        assert_close(float(model.get_weights()[0][0, 0]), 0.5, rtol=1e-4, what="weight of the first epoch")


@behaviour(
    "models.callbacks.checkpoint_names",
    "Which file names does ModelCheckpoint take, and what does it write there?",
    source="Keras API, ModelCheckpoint (filepath)",
    needs=("tensorflow",),
)
def callbacks_checkpoint_names():
    import tensorflow as tf

    x = column(1, 1)

    def written(name, weights):
        folder = tempfile.mkdtemp()
        saving = tf.keras.callbacks.ModelCheckpoint(os.path.join(folder, name), save_weights_only=weights)
        linear(tf, run_eagerly=True).fit(x, x, verbose=0, callbacks=[saving])
        found = sorted(os.listdir(folder))
        return ["%s/" % n if os.path.isdir(os.path.join(folder, n)) else n for n in found]

    with subject("ModelCheckpoint"):
        return attempts(
            {
                "m.h5": lambda: written("m.h5", False),
                "m.keras": lambda: written("m.keras", False),
                "m": lambda: written("m", False),
                "w.h5, weights only": lambda: written("w.h5", True),
                "w.weights.h5, weights only": lambda: written("w.weights.h5", True),
                "w.ckpt, weights only": lambda: written("w.ckpt", True),
            }
        )


def _diverging(tf, epochs, patience):
    """Weight after fit with EarlyStopping(restore_best_weights=True); each epoch times -2."""
    x = column(1, 1)
    model = linear(tf, rate=1.5)
    stop = tf.keras.callbacks.EarlyStopping(monitor="loss", patience=patience, restore_best_weights=True)
    model.fit(x, 0 * x, epochs=epochs, batch_size=2, verbose=0, callbacks=[stop])
    return round(float(model.get_weights()[0][0, 0]), 4)


@check(
    "models.callbacks.restore_best_weights",
    "Does EarlyStopping with restore_best_weights bring back the best epoch's weights when it stops?",
    source="Keras API, EarlyStopping (restore_best_weights)",
    needs=("tensorflow",),
)
def callbacks_restore_best_weights():
    import tensorflow as tf

    with subject("EarlyStopping(restore_best_weights=True)"):
        assert_close(_diverging(tf, epochs=9, patience=2), -2.0, rtol=1e-4, what="weight after the first epoch")


@behaviour(
    "models.callbacks.restore_without_stopping",
    "Does EarlyStopping with restore_best_weights restore when the epochs run out before it stops?",
    source="Keras API, EarlyStopping (restore_best_weights)",
    needs=("tensorflow",),
)
def callbacks_restore_without_stopping():
    import tensorflow as tf

    with subject("EarlyStopping(restore_best_weights=True)"):
        weight = _diverging(tf, epochs=3, patience=8)
        return {-2.0: "restores", -8.0: "keeps the last"}.get(weight, weight)


@check(
    "models.callbacks.learning_rate_scheduler",
    "Does LearningRateScheduler set the rate that each epoch trains with?",
    source="Keras API, LearningRateScheduler",
    needs=("tensorflow",),
)
def callbacks_learning_rate_scheduler():
    import tensorflow as tf

    x = column(1, 1)
    with subject("LearningRateScheduler"):
        model = linear(tf, rate=0.9)
        rates = tf.keras.callbacks.LearningRateScheduler(lambda epoch: (0.25, 0.125)[epoch])
        model.fit(x, 0 * x, epochs=2, batch_size=2, verbose=0, callbacks=[rates])
        assert_close(float(model.get_weights()[0][0, 0]), 0.5 * 0.75, rtol=1e-4, what="weight")


@behaviour(
    "models.callbacks.learning_rate_key",
    "Under which name does the history show the learning rate of LearningRateScheduler?",
    source="Keras API, LearningRateScheduler",
    needs=("tensorflow",),
)
def callbacks_learning_rate_key():
    import tensorflow as tf

    x = column(1, 1)
    with subject("LearningRateScheduler"):
        rates = tf.keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)
        model = linear(tf, rate=0.5, run_eagerly=True)
        history = model.fit(x, x, epochs=2, verbose=0, callbacks=[rates]).history
        return dict((key, [round(float(v), 4) for v in values]) for key, values in history.items() if key != "loss")


@check(
    "models.callbacks.reduce_on_plateau",
    "Does ReduceLROnPlateau cut the rate by its factor once the loss stands still?",
    source="Keras API, ReduceLROnPlateau",
    needs=("tensorflow",),
)
def callbacks_reduce_on_plateau():
    import tensorflow as tf

    eager(tf)
    x, rates = column(1, 1), []

    class Noting(tf.keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            rates.append(float(self.model.optimizer.learning_rate.numpy()))

    with subject("ReduceLROnPlateau"):
        # at rate 1 the weight only changes its sign and the loss stays 1
        reduce = tf.keras.callbacks.ReduceLROnPlateau(monitor="loss", factor=0.5, patience=2)
        linear(tf, rate=1.0).fit(x, 0 * x, epochs=4, batch_size=2, verbose=0, callbacks=[reduce, Noting()])
        assert_close(rates, [1.0, 1.0, 0.5, 0.5], rtol=1e-4, what="rates")


@check(
    "models.callbacks.stop_training",
    "Does model.stop_training = True in a callback, or TerminateOnNaN, end the training?",
    source="Keras API, TerminateOnNaN",
    needs=("tensorflow",),
)
def callbacks_stop_training():
    import tensorflow as tf

    x = column(1, float("nan"))

    class Stopping(tf.keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = epoch == 1

    with subject("stop_training"):
        history = linear(tf).fit(x[:1], x[:1], epochs=5, verbose=0, callbacks=[Stopping()])
        expect(len(history.epoch) == 2, "stop_training: %d epochs" % len(history.epoch))
        history = linear(tf).fit(x, x, epochs=5, verbose=0, callbacks=[tf.keras.callbacks.TerminateOnNaN()])
        expect(len(history.epoch) <= 1, "TerminateOnNaN: %d epochs" % len(history.epoch))


@behaviour(
    "models.callbacks.csv_logger",
    "Which columns does CSVLogger write?",
    source="Keras API, CSVLogger",
    needs=("tensorflow",),
)
def callbacks_csv_logger():
    import tensorflow as tf

    x, path = column(1, 2), os.path.join(tempfile.mkdtemp(), "log.csv")
    with subject("CSVLogger"):
        model = linear(tf, metrics=["mae"], run_eagerly=True)
        model.fit(x, x, validation_data=(x, x), verbose=0, callbacks=[tf.keras.callbacks.CSVLogger(path)])
        with open(path) as file:
            return file.readline().strip().split(",")


@behaviour(
    "models.callbacks.arguments",
    "Which older arguments do callbacks still take: period, epsilon, save_freq, mode, write_grads?",
    source="Keras API, ModelCheckpoint and ReduceLROnPlateau",
    needs=("tensorflow",),
    light=True,
)
def callbacks_arguments():
    import tensorflow as tf

    callbacks = tf.keras.callbacks
    with subject("callbacks"):
        return attempts(
            {
                "ModelCheckpoint(period=2)": lambda: callbacks.ModelCheckpoint("m.keras", period=2) is not None,
                "ModelCheckpoint(save_freq=2)": lambda: callbacks.ModelCheckpoint("m.keras", save_freq=2) is not None,
                "ModelCheckpoint(mode='best')": lambda: callbacks.ModelCheckpoint("m.keras", mode="best") is not None,
                "ReduceLROnPlateau(epsilon=1)": lambda: callbacks.ReduceLROnPlateau(epsilon=1.0) is not None,
                "ReduceLROnPlateau(factor=1.5)": lambda: callbacks.ReduceLROnPlateau(factor=1.5) is not None,
                "EarlyStopping(start_from_epoch=1)": lambda: callbacks.EarlyStopping(start_from_epoch=1) is not None,
                "BackupAndRestore": lambda: hasattr(callbacks, "BackupAndRestore"),
                "SwapEMAWeights": lambda: hasattr(callbacks, "SwapEMAWeights"),
            }
        )


@behaviour(
    "models.callbacks.early_stopping_unknown",
    "What does EarlyStopping do when what it monitors is not there?",
    source="Keras API, EarlyStopping (monitor)",
    needs=("tensorflow",),
)
def callbacks_early_stopping_unknown():
    import tensorflow as tf

    x = column(1, 2)

    def epochs(name):
        stop = tf.keras.callbacks.EarlyStopping(monitor=name)
        model = linear(tf, metrics=["mae"], run_eagerly=True)
        return len(model.fit(x, x, epochs=3, verbose=0, callbacks=[stop]).epoch)

    with subject("EarlyStopping"):
        return {"val_loss": attempt(lambda: epochs("val_loss")), "a made-up name": attempt(lambda: epochs("acc"))}
