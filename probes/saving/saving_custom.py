"""Custom layers, functions and Lambdas: by which ways are they found again when a model is loaded?"""

from harness import behaviour, check, expect, subject
from saved import fixed, place, rows, same, tried
from synthetic import eager

GUIDE = "Keras guide, whole-model saving and loading (custom objects)"
FILES = ("model.h5", "model.keras")


def scaled(tf):
    """A layer class with weights, an argument of its own and get_config."""

    class Scaled(tf.keras.layers.Layer):
        def __init__(self, factor=1.0, **kwargs):
            super(Scaled, self).__init__(**kwargs)
            self.factor = factor

        def build(self, input_shape):
            self.w = self.add_weight(name="w", shape=(int(input_shape[-1]), 2), initializer="ones")

        def call(self, inputs):
            return tf.matmul(inputs, self.w) * self.factor

        def get_config(self):
            return dict(super(Scaled, self).get_config(), factor=self.factor)

    return Scaled


def holding(tf, *layers):
    """A Sequential model: a Dense layer, then these."""
    return fixed(tf.keras.Sequential([tf.keras.layers.Dense(3, input_shape=(3,), name="first")] + list(layers)))


@check(
    "saving.custom.scope",
    "Is a custom layer found by custom_object_scope when a model is loaded from .h5 and .keras?",
    source=GUIDE,
    needs=("tensorflow",),
)
def scope():
    import tensorflow as tf

    eager(tf)
    Scaled = scaled(tf)
    model = holding(tf, Scaled(2.5, name="scaled"))
    with subject("custom_object_scope"):
        for name in FILES:
            path = place(name)
            model.save(path)
            with tf.keras.utils.custom_object_scope({"Scaled": Scaled}):
                loaded = tf.keras.models.load_model(path, compile=False)
            expect(loaded.layers[-1].factor == 2.5, "factor came back as %r" % loaded.layers[-1].factor)
            same(model, loaded, rows(4, 3))


@check(
    "saving.custom.registered",
    "Does a registered custom layer load from .h5 and .keras without custom_objects?",
    source=GUIDE,
    needs=("tensorflow",),
)
def registered():
    import tensorflow as tf

    eager(tf)
    Scaled = scaled(tf)
    with subject("register_keras_serializable"):
        Known = tf.keras.utils.register_keras_serializable(package="Probe")(Scaled)
        model = holding(tf, Known(2.5, name="scaled"))
        for name in FILES:
            path = place(name)
            model.save(path)
            same(model, tf.keras.models.load_model(path, compile=False), rows(4, 3))


@behaviour(
    "saving.custom.unknown",
    "What is raised when a custom layer is not known to load_model, and does it name the layer?",
    source=GUIDE,
    needs=("tensorflow",),
)
def unknown():
    import tensorflow as tf

    eager(tf)
    model = holding(tf, scaled(tf)(2.5, name="scaled"))
    with subject("load_model (unknown layer)"):
        found = {}
        for name in FILES:
            path = place(name)
            model.save(path)
            try:
                tf.keras.models.load_model(path, compile=False)
                found[name] = "loaded"
            except Exception as error:
                found[name] = [type(error).__name__, "Scaled" in str(error)]
        return found


@behaviour(
    "saving.custom.registered_name",
    "Under which class name is a registered layer written, and by which ways does one ask for it?",
    source="TensorFlow API documentation, tf.keras.utils.get_registered_name",
    needs=("tensorflow",),
)
def registered_name():
    import tensorflow as tf

    eager(tf)
    Known = tf.keras.utils.register_keras_serializable(package="Probe", name="Other")(scaled(tf))
    with subject("get_registered_name"):
        entry = tf.keras.layers.serialize(Known(2.0, name="scaled"))
        return {
            "name": tf.keras.utils.get_registered_name(Known),
            "class_name": entry["class_name"],
            "registered_name": entry.get("registered_name"),
            "found": tf.keras.utils.get_registered_object("Probe>Other") is Known,
        }


@behaviour(
    "saving.custom.without_get_config",
    "Can a model be saved whose layer takes arguments and has no get_config?",
    source=GUIDE,
    needs=("tensorflow",),
)
def without_get_config():
    import tensorflow as tf

    eager(tf)

    class Bare(tf.keras.layers.Layer):
        def __init__(self, factor):
            super(Bare, self).__init__(name="bare")
            self.factor = factor

        def call(self, inputs):
            return inputs * self.factor

    model = holding(tf, Bare(3.0))
    with subject("save (no get_config)"):
        found = {}
        for name in FILES:
            path = place(name)
            saved = tried(model.save, path)
            if saved is None:
                options = {"custom_objects": {"Bare": Bare}, "compile": False}
                saved = tried(lambda p=path, o=options: tf.keras.models.load_model(p, **o).layers[-1].factor)
            found[name] = saved
        return found


@behaviour(
    "saving.custom.activation",
    "Does a custom activation function come back by its name, known and unknown?",
    source=GUIDE,
    needs=("tensorflow",),
)
def activation():
    import tensorflow as tf

    def bent(x):
        return tf.abs(x) + 1.0

    eager(tf)
    model = holding(tf, tf.keras.layers.Dense(2, activation=bent, name="curved"))

    def loads(path, known):
        same(model, tf.keras.models.load_model(path, custom_objects=known, compile=False), rows(4, 3))
        return "the same"

    with subject("load_model (custom activation)"):
        found = {}
        for name in FILES:
            path = place(name)
            model.save(path)
            found[name] = [tried(loads, path, None), tried(loads, path, {"bent": bent})]
        return found


@behaviour(
    "saving.custom.lambda_layer",
    "Does a Lambda layer load from .h5 and .keras, as it always was and with safe_mode=False?",
    source="TensorFlow API documentation, tf.keras.models.load_model (safe_mode)",
    needs=("tensorflow",),
)
def lambda_layer():
    import tensorflow as tf

    eager(tf)
    model = holding(tf, tf.keras.layers.Lambda(lambda x: x * 2.0, name="twice"))

    def loads(path, **options):
        same(model, tf.keras.models.load_model(path, compile=False, **options), rows(4, 3))
        return "the same"

    with subject("load_model (Lambda)"):
        found = {}
        for name in FILES:
            path = place(name)
            model.save(path)
            found[name] = [tried(loads, path), tried(loads, path, safe_mode=False)]
        return found


@behaviour(
    "saving.custom.lambda_outside",
    "Does a Lambda that uses a module imported beside it still answer after loading?",
    source="TensorFlow API documentation, tf.keras.layers.Lambda (limitations)",
    needs=("tensorflow",),
)
def lambda_outside():
    import tensorflow as tf

    eager(tf)
    space = {"library": tf}
    function = eval("lambda x: library.abs(x)", space)
    model = holding(tf, tf.keras.layers.Lambda(function, name="positive"))
    path = place("model.h5")

    def loads():
        named = {"compile": False}
        try:
            loaded = tf.keras.models.load_model(path, safe_mode=False, **named)
        except TypeError:
            loaded = tf.keras.models.load_model(path, **named)
        same(model, loaded, rows(4, 3))
        return "the same"

    with subject("load_model (Lambda with a global name)"):
        model.save(path)
        return tried(loads)


@behaviour(
    "saving.custom.unsafe_switch",
    "By which names can loading of Lambdas be allowed for the whole process?",
    source="Keras API documentation, keras.config.enable_unsafe_deserialization",
    needs=("tensorflow",),
    light=True,
)
def unsafe_switch():
    import tensorflow as tf

    with subject("enable_unsafe_deserialization"):
        keras = tf.keras
        homes = {
            "keras.config": getattr(keras, "config", None),
            "keras.__internal__": getattr(keras, "__internal__", None),
        }
        return sorted(name for name in homes if hasattr(homes[name], "enable_unsafe_deserialization"))


@behaviour(
    "saving.custom.shadowing",
    "Which layer is loaded when custom_objects holds another class by a built-in layer's name?",
    source="TensorFlow API documentation, tf.keras.models.load_model (custom_objects)",
    needs=("tensorflow",),
)
def shadowing():
    import tensorflow as tf

    eager(tf)

    class Dense(tf.keras.layers.Dense):
        pass

    model = holding(tf)

    def loads(name):
        path = place(name)
        model.save(path)
        loaded = tf.keras.models.load_model(path, custom_objects={"Dense": Dense}, compile=False)
        return "mine" if type(loaded.layers[-1]) is Dense else "built-in"

    with subject("load_model (a built-in name in custom_objects)"):
        return {name: tried(loads, name) for name in FILES}


@check(
    "saving.custom.layer_config",
    "Is a custom layer made anew from its own config, with its arguments?",
    source="seed 004 example 3 (custom layer with get_config)",
    needs=("tensorflow",),
)
def layer_config():
    import tensorflow as tf

    eager(tf)
    Scaled = scaled(tf)
    with subject("from_config"):
        layer = Scaled(2.5, name="mine", trainable=False)
        other = Scaled.from_config(layer.get_config())
        found = [other.factor, other.name, other.trainable]
        expect(found == [2.5, "mine", False], "came back as %r" % (found,))
