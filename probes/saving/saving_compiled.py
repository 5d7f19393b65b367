"""What of a compiled model comes back with it: optimizer, its state, losses, metrics, loss weights, custom objects."""

from harness import assert_close, behaviour, check, expect, subject
from saved import compiled, fixed, place, rows, same, tried
from synthetic import eager

FILES = ("model.h5", "model.keras")
GUIDE = "Keras guide, whole-model saving and loading"


def stepped(model):
    """The model's weights after one more step of training."""
    model.train_on_batch(rows(4, 3), rows(4, 2))
    return model.get_weights()


def rate(model):
    """The learning rate of a model's optimizer."""
    return round(float(model.optimizer.learning_rate.numpy()), 4)


@check(
    "saving.compiled.h5_optimizer_state",
    "Does Adam go on from where it was (step and slots) in a model loaded from .h5?",
    source=GUIDE,
    needs=("tensorflow",),
)
def h5_optimizer_state():
    import tensorflow as tf

    eager(tf)
    model = compiled(tf)
    path = place("model.h5")
    with subject("save and load_model (optimizer state in .h5)"):
        model.save(path)
        loaded = tf.keras.models.load_model(path)
        loaded.run_eagerly = True
        step = int(loaded.optimizer.iterations.numpy())
        expect(step == 2, "saved at step 2, loaded at step %d" % step)
        for i, (one, other) in enumerate(zip(stepped(model), stepped(loaded))):  # noqa: B905 - strict= is too new
            assert_close(other, one, rtol=1e-4, atol=1e-5, what="weight %d after one more step" % i)


@check(
    "saving.compiled.loss_weights",
    "Do the losses and loss weights of a model with two outputs come back with it?",
    source=GUIDE,
    needs=("tensorflow",),
)
def loss_weights():
    import numpy as np
    import tensorflow as tf

    eager(tf)
    layers = tf.keras.layers
    x = tf.keras.Input((3,), name="x")
    model = fixed(tf.keras.Model(x, [layers.Dense(1, name="one")(x), layers.Dense(1, name="two")(x)]))
    model.compile("sgd", loss=["mean_squared_error", "mean_absolute_error"], loss_weights=[1.0, 3.0], run_eagerly=True)
    data = (rows(4, 3), [rows(4, 1), rows(4, 1)])

    def loss(of):
        of.run_eagerly = True
        return float(np.ravel(of.test_on_batch(*data))[0])

    expected = loss(model)
    with subject("save and load_model (loss weights)"):
        for name in FILES:
            path = place(name)
            model.save(path)
            assert_close(loss(tf.keras.models.load_model(path)), expected, rtol=1e-4, what="loss from " + name)


@behaviour(
    "saving.compiled.learning_rate",
    "Which learning rate does a loaded model have: that of compile or the one set later?",
    source="TensorFlow API documentation, tf.keras.Model.save (state of the optimizer)",
    needs=("tensorflow",),
)
def learning_rate():
    import tensorflow as tf

    eager(tf)
    with subject("save and load_model (learning rate)"):
        found = {}
        for name in FILES:
            model = compiled(tf)
            model.optimizer.learning_rate.assign(0.25)
            path = place(name)
            model.save(path)
            found[name] = rate(tf.keras.models.load_model(path))
        return found


@behaviour(
    "saving.compiled.h5_then_keras",
    "Which learning rate comes back from a .keras file when the model was saved as .h5 just before?",
    source="TensorFlow API documentation, tf.keras.Model.save (state of the optimizer)",
    needs=("tensorflow",),
)
def h5_then_keras():
    import tensorflow as tf

    eager(tf)
    model = compiled(tf)
    with subject("save (.h5), save (.keras), load_model"):
        found = []
        for _ in range(2):
            path = place("model.keras")
            model.save(path)
            found.append(rate(tf.keras.models.load_model(path)))
            model.save(place("model.h5"))
        return {"before": found[0], "after": found[1]}


@behaviour(
    "saving.compiled.learning_rate_schedule",
    "Does a learning rate schedule come back as a schedule?",
    source="TensorFlow API documentation, tf.keras.optimizers.schedules",
    needs=("tensorflow",),
)
def learning_rate_schedule():
    import tensorflow as tf

    eager(tf)
    with subject("save and load_model (schedule)"):
        found = {}
        for name in FILES:
            schedule = tf.keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.5)
            path = place(name)
            compiled(tf, optimizer=tf.keras.optimizers.SGD(schedule)).save(path)
            config = tf.keras.models.load_model(path).optimizer.get_config()["learning_rate"]
            found[name] = config["class_name"] if isinstance(config, dict) else type(config).__name__
        return found


@behaviour(
    "saving.compiled.include_optimizer",
    "Is a model saved with include_optimizer=False compiled after loading?",
    source="TensorFlow API documentation, tf.keras.Model.save (include_optimizer)",
    needs=("tensorflow",),
)
def include_optimizer():
    import tensorflow as tf

    eager(tf)
    model = compiled(tf)

    def state(name):
        path = place(name)
        model.save(path, include_optimizer=False)
        loaded = tf.keras.models.load_model(path)
        return type(getattr(loaded, "optimizer", None)).__name__

    with subject("save(include_optimizer=False)"):
        return {name: tried(state, name) for name in FILES}


@behaviour(
    "saving.compiled.compile_false",
    "What does a model loaded with compile=False do when it is asked to train or to evaluate?",
    source="TensorFlow API documentation, tf.keras.models.load_model (compile)",
    needs=("tensorflow",),
)
def compile_false():
    import tensorflow as tf

    eager(tf)
    model = compiled(tf)
    path = place("model.h5")
    with subject("load_model(compile=False)"):
        model.save(path)
        loaded = tf.keras.models.load_model(path, compile=False)
        return {
            "optimizer": type(getattr(loaded, "optimizer", None)).__name__,
            "fit": tried(loaded.fit, rows(4, 3), rows(4, 2), verbose=0),
            "evaluate": tried(loaded.evaluate, rows(4, 3), rows(4, 2), verbose=0),
        }


@behaviour(
    "saving.compiled.metrics_names",
    "What is metrics_names of a loaded model before and after its first batch?",
    source="TensorFlow API documentation, tf.keras.Model (metrics_names)",
    needs=("tensorflow",),
)
def metrics_names():
    import tensorflow as tf

    eager(tf)
    model = compiled(tf, metrics=["mean_absolute_error"])
    with subject("metrics_names"):
        found = {"trained": list(model.metrics_names)}
        for name in FILES:
            path = place(name)
            model.save(path)
            loaded = tf.keras.models.load_model(path)
            loaded.run_eagerly = True
            before = list(loaded.metrics_names)
            loaded.test_on_batch(rows(4, 3), rows(4, 2))
            found[name] = [before, list(loaded.metrics_names)]
        return found


@behaviour(
    "saving.compiled.short_names",
    "Does a compiled model whose loss and metric were named 'mse' and 'mae' load from each file?",
    source="seed 003 example 2 (loss='mse', saved, loaded elsewhere)",
    needs=("tensorflow",),
)
def short_names():
    import tensorflow as tf

    eager(tf)
    model = compiled(tf, loss="mse", metrics=["mae"])
    expected = [float(v) for v in model.test_on_batch(rows(4, 3), rows(4, 2))]

    def loads(name):
        path = place(name)
        model.save(path)
        loaded = tf.keras.models.load_model(path)
        loaded.run_eagerly = True
        assert_close([float(v) for v in loaded.test_on_batch(rows(4, 3), rows(4, 2))], expected, rtol=1e-4)
        return "the same"

    with subject("load_model (mse, mae)"):
        return {name: tried(loads, name) for name in FILES}


@behaviour(
    "saving.compiled.custom_loss",
    "What becomes of a custom loss function when the model is loaded without and with custom_objects?",
    source=GUIDE + " (custom objects)",
    needs=("tensorflow",),
)
def custom_loss():
    import tensorflow as tf

    def tripled(wanted, found):
        return 3.0 * tf.reduce_mean(tf.square(wanted - found), axis=-1)

    eager(tf)
    model = compiled(tf, loss=tripled)
    expected = float(model.test_on_batch(rows(4, 3), rows(4, 2)))

    def loads(path, known):
        loaded = tf.keras.models.load_model(path, custom_objects=known)
        loaded.run_eagerly = True
        assert_close(float(loaded.test_on_batch(rows(4, 3), rows(4, 2))), expected, rtol=1e-4)
        return "the same"

    with subject("load_model (custom loss)"):
        found = {}
        for name in FILES:
            path = place(name)
            model.save(path)
            found[name] = [tried(loads, path, None), tried(loads, path, {"tripled": tripled})]
        return found


@behaviour(
    "saving.compiled.metric_objects",
    "Do metric objects (AUC with thresholds, a named accuracy) come back with their settings?",
    source="TensorFlow API documentation, tf.keras.metrics.AUC",
    needs=("tensorflow",),
)
def metric_objects():
    import tensorflow as tf

    eager(tf)
    x, y = rows(8, 3), (rows(8, 1) > 0).astype("float32")
    model = tf.keras.Sequential([tf.keras.layers.Dense(1, activation="sigmoid", input_shape=(3,), name="only")])
    metrics = [tf.keras.metrics.AUC(num_thresholds=7, name="area"), tf.keras.metrics.BinaryAccuracy(threshold=0.7)]
    fixed(model).compile("sgd", loss="mean_squared_error", metrics=metrics, run_eagerly=True)
    expected = [float(v) for v in model.test_on_batch(x, y)]

    def loads(name):
        path = place(name)
        model.save(path)
        loaded = tf.keras.models.load_model(path)
        loaded.run_eagerly = True
        assert_close([float(v) for v in loaded.test_on_batch(x, y)], expected, rtol=1e-4)
        return "the same"

    with subject("load_model (metric objects)"):
        return {name: tried(loads, name) for name in FILES}


@behaviour(
    "saving.compiled.slots_in_h5",
    "Under which names does a .h5 file hold the state of Adam?",
    source="TensorFlow 2.11 release notes (new optimizers)",
    needs=("tensorflow",),
)
def slots_in_h5():
    import h5py
    import tensorflow as tf

    eager(tf)
    model = compiled(tf)
    path = place("model.h5")
    names = []

    def note(name, item):
        if hasattr(item, "shape"):
            names.append(name)

    with subject("save (.h5, optimizer weights)"):
        model.save(path)
        with h5py.File(path, "r") as file:
            file["optimizer_weights"].visititems(note)
        return sorted(names)


@behaviour(
    "saving.compiled.other_optimizer_state",
    "Can the saved state of Adam be set on a new Adam by get_weights and set_weights?",
    source="TensorFlow 2.11 release notes (new optimizers)",
    needs=("tensorflow",),
)
def other_optimizer_state():
    import tensorflow as tf

    eager(tf)
    model, other = compiled(tf), compiled(tf)
    with subject("optimizer.get_weights and set_weights"):
        values = model.optimizer.get_weights()
        other.optimizer.set_weights(values)
        return [len(values), int(other.optimizer.iterations.numpy())]


@behaviour(
    "saving.compiled.trains_on_the_same",
    "Is a step of training after loading the same with RMSprop and Nadam, from .h5 and .keras?",
    source="seed 003 statement 3 (silent incompatibilities)",
    needs=("tensorflow",),
)
def trains_the_same():
    import tensorflow as tf

    eager(tf)
    makers = {"RMSprop": {"centered": True}, "Nadam": {}}

    def once(maker, name):
        optimizer = getattr(tf.keras.optimizers, maker)(0.01, **makers[maker])
        model = compiled(tf, optimizer=optimizer)
        path = place(name)
        model.save(path)
        loaded = tf.keras.models.load_model(path)
        loaded.run_eagerly = True
        same(model, loaded, rows(4, 3))
        apart = [abs(a - b).max() for a, b in zip(stepped(model), stepped(loaded))]  # noqa: B905
        return "the same" if max(apart) < 1e-4 else "differs"

    with subject("save, load_model and train on"):
        return {maker: [tried(once, maker, name) for name in FILES] for maker in sorted(makers)}
