"""tf.train.Checkpoint, its manager, and the ModelCheckpoint callback."""

import os

from harness import assert_close, behaviour, check, expect, subject
from saved import compiled, dense, fixed, place, rows, same, tried, written
from synthetic import eager

GUIDE = "TensorFlow guide, training checkpoints"
CALLBACK = "TensorFlow API documentation, tf.keras.callbacks.ModelCheckpoint"


@check(
    "saving.checkpoint.optimizer",
    "Does a tf.train.Checkpoint bring Adam's step and slots back, so that training goes on the same?",
    source=GUIDE,
    needs=("tensorflow",),
)
def optimizer():
    import tensorflow as tf

    eager(tf)
    model, other = compiled(tf), fixed(compiled(tf), 0.25)
    prefix = place("ckpt")
    with subject("tf.train.Checkpoint (optimizer)"):
        path = tf.train.Checkpoint(model=model, optimizer=model.optimizer).save(prefix)
        other.train_on_batch(rows(4, 3), rows(4, 2))
        tf.train.Checkpoint(model=other, optimizer=other.optimizer).restore(path)
        step = int(other.optimizer.iterations.numpy())
        expect(step == 2, "saved at step 2, restored at step %d" % step)
        for one in (model, other):
            one.train_on_batch(rows(4, 3), rows(4, 2))
        for i, (one, two) in enumerate(zip(model.get_weights(), other.get_weights())):  # noqa: B905
            assert_close(two, one, rtol=1e-4, atol=1e-5, what="weight %d after one more step" % i)


@check(
    "saving.checkpoint.manager",
    "Does CheckpointManager keep the last two checkpoints, and does latest_checkpoint find the last?",
    source=GUIDE,
    needs=("tensorflow",),
)
def manager():
    import tensorflow as tf

    eager(tf)
    value = tf.Variable(0.0)
    checkpoint = tf.train.Checkpoint(value=value)
    folder = place("checkpoints")
    with subject("tf.train.CheckpointManager"):
        keeper = tf.train.CheckpointManager(checkpoint, folder, max_to_keep=2)
        for number in (1.0, 2.0, 3.0):
            value.assign(number)
            keeper.save()
        kept = sorted(name for name in os.listdir(folder) if name.endswith(".index"))
        expect(kept == ["ckpt-2.index", "ckpt-3.index"], "kept: %r" % (kept,))
        value.assign(9.0)
        checkpoint.restore(tf.train.latest_checkpoint(folder))
        assert_close(float(value.numpy()), 3.0, what="the last value")


@check(
    "saving.checkpoint.module",
    "Does a tf.Module with variables in lists and dictionaries come back from a checkpoint?",
    source="TensorFlow guide, modules, layers and models",
    needs=("tensorflow",),
)
def module():
    import tensorflow as tf

    class Holder(tf.Module):
        def __init__(self, start):
            super(Holder, self).__init__(name="holder")
            self.listed = [tf.Variable(start), tf.Variable(start + 1)]
            self.named = {"one": tf.Variable(start + 2)}

    eager(tf)
    prefix = place("ckpt")
    with subject("tf.train.Checkpoint (tf.Module)"):
        path = tf.train.Checkpoint(holder=Holder(1.0)).save(prefix)
        other = Holder(10.0)
        tf.train.Checkpoint(holder=other).restore(path).assert_consumed()
        found = [float(v.numpy()) for v in other.listed + [other.named["one"]]]
        assert_close(found, [1.0, 2.0, 3.0], what="variables")


@behaviour(
    "saving.checkpoint.names",
    "Under which names does tf.train.Checkpoint hold the variables of a Sequential model?",
    source="TensorFlow API documentation, tf.train.list_variables",
    needs=("tensorflow",),
)
def names():
    import tensorflow as tf

    eager(tf)
    prefix = place("ckpt")
    with subject("tf.train.Checkpoint and list_variables"):
        path = tf.train.Checkpoint(model=dense(tf)).save(prefix)
        return sorted(name.split("/.ATTRIBUTES")[0] for name, _ in tf.train.list_variables(path))


@behaviour(
    "saving.checkpoint.asserts",
    "What do a checkpoint's assert_consumed and its kin say when it holds more than the model?",
    source=GUIDE + " (loading mechanics)",
    needs=("tensorflow",),
)
def asserts():
    import tensorflow as tf

    eager(tf)
    prefix = place("ckpt")

    def said(path, objects, name):
        status = tf.train.Checkpoint(**objects).restore(path)
        status.expect_partial()
        result = tried(getattr(status, name))
        return "fine" if not isinstance(result, dict) else result["raised"]

    with subject("restore"):
        path = tf.train.Checkpoint(a=tf.Variable(1.0), b=tf.Variable(2.0)).save(prefix)
        kinds = ("assert_consumed", "assert_existing_objects_matched", "assert_nontrivial_match")
        return {
            "less": [said(path, {"a": tf.Variable(0.0)}, kind) for kind in kinds],
            "other": [said(path, {"c": tf.Variable(0.0)}, kind) for kind in kinds],
        }


@behaviour(
    "saving.checkpoint.shape",
    "What does restoring a variable of another shape, and from a missing file, raise?",
    source=GUIDE,
    needs=("tensorflow",),
)
def shape():
    import tensorflow as tf

    eager(tf)
    prefix = place("ckpt")
    with subject("restore (other shape)"):
        path = tf.train.Checkpoint(a=tf.Variable([1.0, 2.0])).save(prefix)
        checkpoint = tf.train.Checkpoint(a=tf.Variable([1.0, 2.0, 3.0]))
        missing = tried(checkpoint.restore, prefix + "-99")
        return [tried(checkpoint.restore, path), missing]


@behaviour(
    "saving.checkpoint.keras_reads",
    "Does load_weights take a checkpoint of tf.train.Checkpoint(model), and of Checkpoint(model=model)?",
    source=GUIDE,
    needs=("tensorflow",),
)
def keras_reads():
    import tensorflow as tf

    eager(tf)
    model, other = dense(tf), dense(tf, shift=0.25)

    def loads(make):
        path = make().save(place("ckpt"))
        fixed(other, 0.25).load_weights(path)
        same(model, other, rows(4, 3))
        return "the same"

    with subject("load_weights (checkpoint)"):
        return {
            "Checkpoint(model)": tried(loads, lambda: tf.train.Checkpoint(model)),
            "Checkpoint(model=model)": tried(loads, lambda: tf.train.Checkpoint(model=model)),
        }


def callback(tf, name, epochs=1, **options):
    """(model, path) after some epochs with a ModelCheckpoint that writes to `name`."""
    model = compiled(tf)
    path = place(name)
    options.setdefault("verbose", 0)
    watcher = tf.keras.callbacks.ModelCheckpoint(path, **options)
    model.fit(rows(4, 3), rows(4, 2), epochs=epochs, verbose=0, shuffle=False, callbacks=[watcher])
    return model, path


@check(
    "saving.checkpoint.best_weights",
    "Does ModelCheckpoint(save_best_only, save_weights_only) keep the best epoch's weights?",
    source=CALLBACK,
    needs=("tensorflow",),
)
def best_weights():
    import tensorflow as tf

    eager(tf)
    model = dense(tf)
    model.compile(tf.keras.optimizers.SGD(0.0), loss="mean_squared_error", run_eagerly=True)
    path = place("best.weights.h5")
    best = [weight.copy() for weight in model.get_weights()]

    class Worsen(tf.keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch:
                self.model.set_weights([weight + 5.0 * epoch for weight in best])

    watcher = tf.keras.callbacks.ModelCheckpoint(path, monitor="loss", save_best_only=True, save_weights_only=True)
    with subject("ModelCheckpoint"):
        model.fit(rows(4, 3), rows(4, 2), epochs=3, verbose=0, callbacks=[Worsen(), watcher])
        model.load_weights(path)
        for i, (one, other) in enumerate(zip(best, model.get_weights())):  # noqa: B905
            assert_close(other, one, what="weight %d" % i)


@check(
    "saving.checkpoint.callback_model",
    "Does the whole model that ModelCheckpoint wrote as .keras load as it was in the end?",
    source=CALLBACK,
    needs=("tensorflow",),
)
def callback_model():
    import tensorflow as tf

    eager(tf)
    with subject("ModelCheckpoint (whole model)"):
        model, path = callback(tf, "m.keras")
        same(model, tf.keras.models.load_model(path, compile=False), rows(4, 3))


@behaviour(
    "saving.checkpoint.callback_writes",
    "What does ModelCheckpoint write, or refuse, for each way to name the target?",
    source=CALLBACK,
    needs=("tensorflow",),
)
def callback_writes():
    import tensorflow as tf

    eager(tf)

    def writes(name, **options):
        return written(callback(tf, name, **options)[1])

    with subject("ModelCheckpoint"):
        return {
            "m.h5": tried(writes, "m.h5"),
            "m": tried(writes, "m"),
            "w.h5, weights": tried(writes, "w.h5", save_weights_only=True),
            "w.weights.h5, weights": tried(writes, "w.weights.h5", save_weights_only=True),
            "w, weights": tried(writes, "w", save_weights_only=True),
            "m.weights.h5, whole": tried(writes, "m.weights.h5"),
            "period=1": tried(writes, "m.h5", period=1),
            "save_freq=1": tried(writes, "m.h5", save_freq=1),
        }


@behaviour(
    "saving.checkpoint.callback_names",
    "Which file names does ModelCheckpoint make of 'w{epoch:02d}.weights.h5' in two epochs?",
    source=CALLBACK + " (formatting options)",
    needs=("tensorflow",),
)
def callback_names():
    import tensorflow as tf

    eager(tf)
    with subject("ModelCheckpoint (formatted name)"):
        _, path = callback(tf, "w{epoch:02d}.weights.h5", 2, save_weights_only=True)
        return sorted(os.listdir(os.path.dirname(path)))
