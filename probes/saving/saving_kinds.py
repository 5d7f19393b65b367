"""Which kinds of model come back from which kinds of file."""

from harness import behaviour, check, subject
from saved import answers, comes_back, dense, fixed, place, rows, same
from synthetic import eager


def several(tf):
    """Two inputs, two outputs."""
    layers = tf.keras.layers
    a, b = tf.keras.Input((3,), name="a"), tf.keras.Input((2,), name="b")
    joined = layers.Concatenate(name="joined")([layers.Dense(2, name="left")(a), b])
    outputs = [layers.Dense(1, name="one")(joined), layers.Dense(2, activation="tanh", name="two")(joined)]
    return fixed(tf.keras.Model([a, b], outputs, name="several"))


def nested(tf):
    """A Functional model that holds a Sequential and a Functional one."""
    layers = tf.keras.layers
    x = tf.keras.Input((2,), name="inner_in")
    inner = tf.keras.Model(x, layers.Dense(2, activation="relu", name="inner_dense")(x), name="inner")
    sequence = tf.keras.Sequential([layers.Dense(2, input_shape=(3,), name="deep")], name="sequence")
    start = tf.keras.Input((3,), name="start")
    return fixed(tf.keras.Model(start, layers.Dense(1, name="end")(inner(sequence(start))), name="outer"))


def shared(tf):
    """One Dense layer, used on two inputs."""
    layers = tf.keras.layers
    a, b = tf.keras.Input((3,), name="a"), tf.keras.Input((3,), name="b")
    both = layers.Dense(2, name="both")
    return fixed(tf.keras.Model([a, b], layers.Subtract(name="apart")([both(a), both(b)]), name="shared"))


def recurrent(tf):
    """Bidirectional LSTM, then GRU."""
    layers = tf.keras.layers
    x = tf.keras.Input((4, 2), name="x")
    y = layers.Bidirectional(layers.LSTM(2, return_sequences=True, name="lstm"), name="two_ways")(x)
    return fixed(tf.keras.Model(x, layers.GRU(2, name="gru")(y), name="recurrent"))


def convolutional(tf):
    """Convolution, batch normalisation, depthwise and separable convolution."""
    layers = tf.keras.layers
    x = tf.keras.Input((6, 6, 1), name="x")
    y = layers.Conv2D(2, 3, padding="same", name="conv")(x)
    y = layers.BatchNormalization(name="norm")(y)
    y = layers.DepthwiseConv2D(3, name="depthwise")(layers.ReLU(6.0, name="relu6")(y))
    y = layers.SeparableConv2D(2, 2, name="separable")(y)
    return fixed(tf.keras.Model(x, layers.GlobalAveragePooling2D(name="pool")(y), name="convolutional"))


def subclassed(tf):
    class Twice(tf.keras.Model):
        def __init__(self, **kwargs):
            super(Twice, self).__init__(**kwargs)
            self.inner = tf.keras.layers.Dense(2, name="inner")

        def call(self, inputs):
            return self.inner(inputs) * 2.0

        def get_config(self):
            return {"name": self.name}

        @classmethod
        def from_config(cls, config, custom_objects=None):
            return cls(**config)

    model = Twice(name="twice")
    model(tf.constant(rows(2, 3)))
    return fixed(model), {"Twice": Twice}


def both_files(tf, model, *inputs):
    """AssertionError unless the model comes back from an .h5 and from a .keras file."""
    for name in ("model.h5", "model.keras"):
        path = place(name)
        model.save(path)
        same(model, tf.keras.models.load_model(path, compile=False), *inputs)


@check(
    "saving.kinds.several_inputs_outputs",
    "Does a model with two inputs and two outputs come back from .h5 and .keras files?",
    source="Keras guide, whole-model saving and loading",
    needs=("tensorflow",),
)
def several_inputs_outputs():
    import tensorflow as tf

    eager(tf)
    with subject("save and load_model (two inputs, two outputs)"):
        both_files(tf, several(tf), rows(4, 3), rows(4, 2))


@check(
    "saving.kinds.nested",
    "Does a model that holds other models come back from .h5 and .keras files?",
    source="Keras guide, whole-model saving and loading",
    needs=("tensorflow",),
)
def nested_models():
    import tensorflow as tf

    eager(tf)
    with subject("save and load_model (nested models)"):
        both_files(tf, nested(tf), rows(4, 3))


@check(
    "saving.kinds.shared_layer",
    "Does a model that uses one layer twice come back, the layer still one?",
    source="Keras guide, the Functional API (shared layers)",
    needs=("tensorflow",),
)
def shared_layer():
    import tensorflow as tf

    eager(tf)
    with subject("save and load_model (shared layer)"):
        both_files(tf, shared(tf), rows(4, 3), rows(4, 3) * 2)


@check(
    "saving.kinds.recurrent",
    "Do LSTM, GRU and Bidirectional layers come back from .h5 and .keras files?",
    source="seed 003 statement 3 (saving and loading)",
    needs=("tensorflow",),
)
def recurrent_layers():
    import tensorflow as tf

    eager(tf)
    with subject("save and load_model (recurrent)"):
        both_files(tf, recurrent(tf), rows(2, 4, 2))


@check(
    "saving.kinds.convolutional",
    "Do convolutions and a BatchNormalization's moving averages come back from .h5 and .keras files?",
    source="seed 003 statement 3 (saving and loading)",
    needs=("tensorflow",),
)
def convolutional_layers():
    import tensorflow as tf

    eager(tf)
    with subject("save and load_model (convolutional)"):
        both_files(tf, convolutional(tf), rows(2, 6, 6, 1))


@behaviour(
    "saving.kinds.subclassed",
    "Does a subclassed model with get_config come back from a .h5 file, a .keras file and a folder?",
    source="Keras guide, whole-model saving and loading (custom objects)",
    needs=("tensorflow",),
)
def subclassed_model():
    import tensorflow as tf

    eager(tf)
    model, known = subclassed(tf)
    with subject("save and load_model (subclassed)"):
        return {
            name: comes_back(tf, model, name, rows(4, 3), custom_objects=known, compile=False)
            for name in ("model.h5", "model.keras", "model")
        }


@behaviour(
    "saving.kinds.subclassed_weights",
    "Do a subclassed model's saved weights come back in a new one, built or not yet built?",
    source="Keras guide, weights-only saving and loading",
    needs=("tensorflow",),
)
def subclassed_weights():
    import tensorflow as tf

    eager(tf)
    model, known = subclassed(tf)
    x = rows(4, 3)
    with subject("save_weights and load_weights (subclassed)"):
        path = place("model.weights.h5")
        model.save_weights(path)
        found = {}
        for state in ("built", "not yet built"):
            other = known["Twice"](name="twice")
            if state == "built":
                other(tf.constant(x))
            try:
                other.load_weights(path)
                same(model, other, x)
                found[state] = "the same"
            except Exception as error:
                found[state] = type(error).__name__
        return found


@behaviour(
    "saving.kinds.folder",
    "Does a model with two inputs and two outputs come back from a folder written by model.save?",
    source="TensorFlow guide, using the SavedModel format",
    needs=("tensorflow",),
)
def folder():
    import tensorflow as tf

    eager(tf)
    with subject("save and load_model (folder)"):
        return comes_back(tf, several(tf), "model", rows(4, 3), rows(4, 2), compile=False)


@behaviour(
    "saving.kinds.operations",
    "Does a Functional model made with plain operators (x * 2 + 1) come back?",
    source="TensorFlow 2.4 release notes (Keras Functional API and TensorFlow operations)",
    needs=("tensorflow",),
)
def operations():
    import tensorflow as tf

    eager(tf)
    with subject("save and load_model (operators)"):
        x = tf.keras.Input((3,), name="x")
        model = fixed(tf.keras.Model(x, tf.keras.layers.Dense(2, name="dense")(x) * 2.0 + 1.0))
        found = {name: comes_back(tf, model, name, rows(4, 3)) for name in ("model.h5", "model.keras")}
        found["layers"] = [type(layer).__name__ for layer in model.layers]
        return found


@behaviour(
    "saving.kinds.mixed_precision",
    "Does a layer with mixed precision still compute in float16, on float32 weights, after loading?",
    source="TensorFlow guide, mixed precision (saving the model)",
    needs=("tensorflow",),
)
def mixed_precision():
    import tensorflow as tf

    eager(tf)
    with subject("save and load_model (mixed precision)"):
        home = tf.keras.mixed_precision
        policy = (getattr(home, "Policy", None) or home.experimental.Policy)("mixed_float16")
        model = fixed(tf.keras.Sequential([tf.keras.layers.Dense(2, input_shape=(3,), dtype=policy, name="half")]))
        found = {}
        for name in ("model.h5", "model.keras"):
            path = place(name)
            model.save(path)
            loaded = tf.keras.models.load_model(path, compile=False)
            same(model, loaded, rows(4, 3))
            found[name] = [str(answers(loaded, rows(4, 3))[0].dtype), str(loaded.get_weights()[0].dtype)]
        return found


@behaviour(
    "saving.kinds.unbuilt",
    "Can a Sequential model be saved that never saw its input shape?",
    source="Keras guide, the Sequential model (specifying the input shape in advance)",
    needs=("tensorflow",),
)
def unbuilt():
    import tensorflow as tf

    eager(tf)
    model = tf.keras.Sequential([tf.keras.layers.Dense(2, name="only")])
    with subject("save (not yet built)"):
        found = {}
        for name in ("model.h5", "model.keras", "model"):
            path = place(name)
            try:
                model.save(path)
                found[name] = len(tf.keras.models.load_model(path, compile=False).layers)
            except Exception as error:
                found[name] = type(error).__name__
        return found


@behaviour(
    "saving.kinds.frozen",
    "Is a frozen layer still frozen after saving and loading?",
    source="Keras guide, transfer learning and fine-tuning (freezing layers)",
    needs=("tensorflow",),
)
def frozen():
    import tensorflow as tf

    eager(tf)
    model = dense(tf)
    model.layers[0].trainable = False
    with subject("save and load_model (frozen layer)"):
        found = {}
        for name in ("model.h5", "model.keras"):
            path = place(name)
            model.save(path)
            loaded = tf.keras.models.load_model(path, compile=False)
            found[name] = [layer.trainable for layer in loaded.layers]
        return found
