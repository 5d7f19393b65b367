"""What models are made of: names, shapes, configurations, nested and shared parts, what they say of themselves."""

from attempts import attempt, attempts
from harness import assert_close, behaviour, check, expect, subject
from layers_by_hand import fixed, numbers


def shape(x):
    """A shape or the shape of a tensor as a list of integers and None."""
    return [None if n is None else int(n) for n in tuple(getattr(x, "shape", x))]


@behaviour(
    "models.attributes",
    "Which attributes have Sequential and functional models and their layers: input, output_shape, input_names?",
    source="Keras API, Model (inputs, outputs)",
    needs=("tensorflow",),
)
def attributes():
    import tensorflow as tf

    def said(model):
        return attempts(
            {
                "layers": lambda: [type(layer).__name__ for layer in model.layers],
                "input": lambda: shape(model.input),
                "inputs": lambda: [type(model.inputs).__name__, len(model.inputs)],
                "output": lambda: shape(model.output),
                "input_shape": lambda: shape(model.input_shape),
                "output_shape": lambda: shape(model.output_shape),
                "input_names": lambda: list(model.input_names),
                "output_names": lambda: list(model.output_names),
                "layers[-1].output_shape": lambda: shape(model.layers[-1].output_shape),
                "layers[-1].output": lambda: shape(model.layers[-1].output),
            }
        )

    layers = tf.keras.layers
    with subject("Model"):
        inputs = tf.keras.Input(shape=(3,), name="given")
        return {
            "Sequential": said(tf.keras.Sequential([layers.Dense(2, input_shape=(3,), name="made")])),
            "Sequential without a shape": said(tf.keras.Sequential([layers.Dense(2)])),
            "functional": said(tf.keras.Model(inputs, layers.Dense(2, name="made")(inputs))),
        }


@behaviour(
    "models.names",
    "Which names do models and layers get by themselves, and again after clear_session?",
    source="Keras API, backend.clear_session",
    needs=("tensorflow",),
)
def names():
    import tensorflow as tf

    def made():
        inputs = tf.keras.Input(shape=(3,))
        outputs = tf.keras.layers.Dense(2)(tf.keras.layers.Dense(2)(inputs))
        model = tf.keras.Model(inputs, outputs)
        return [layer.name for layer in model.layers] + [model.name, tf.keras.Sequential().name]

    with subject("Layer.name"):
        found = [made(), made()]
        tf.keras.backend.clear_session()
        return {"first": found[0], "second": found[1], "after clear_session": made()}


@behaviour(
    "models.names_taken_twice",
    "What happens when two layers of a model, or two inputs, have one name, or a name has odd characters?",
    source="Keras API, Model (names of layers)",
    needs=("tensorflow",),
    light=True,
)
def names_taken_twice():
    import tensorflow as tf

    layers = tf.keras.layers

    def functional():
        inputs = tf.keras.Input(shape=(3,))
        model = tf.keras.Model(inputs, layers.Dense(1, name="same")(layers.Dense(1, name="same")(inputs)))
        return len(model.layers)

    def sequential():
        return len(tf.keras.Sequential([layers.Dense(1, name="same"), layers.Dense(1, name="same")]).layers)

    def called(name):
        return layers.Dense(1, name=name)(tf.keras.Input(shape=(2,))) is not None

    with subject("Model"):
        return attempts(
            {
                "functional": functional,
                "Sequential": sequential,
                "name with a space": lambda: called("two words"),
                "name with a slash": lambda: called("a/b"),
                "name with a dot": lambda: called("a.b"),
                "name with an umlaut": lambda: called("\u00fcber"),
                "number as a name": lambda: called(3),
            }
        )


@check(
    "models.features_of_inner_layer",
    "Does a new model from model.input to an inner layer's output compute that layer's outputs?",
    source="Keras guide, the Functional API: extract and reuse nodes in the graph of layers",
    needs=("tensorflow",),
)
def features_of_inner_layer():
    import numpy as np
    import tensorflow as tf

    x = numbers(4, 3)
    with subject("Model(model.input, layer.output)"):
        inputs = tf.keras.Input(shape=(3,))
        inner = tf.keras.layers.Dense(2, activation="relu", name="inner")(inputs)
        model = tf.keras.Model(inputs, tf.keras.layers.Dense(1)(inner))
        kernel, bias = fixed(model)[:2]
        part = tf.keras.Model(model.input, model.get_layer("inner").output)
        assert_close(part.predict(x, verbose=0), np.maximum(x.dot(kernel) + bias, 0), rtol=1e-4, what="features")


@check(
    "models.nested",
    "Does a model used as a layer, twice in one model, share its weights and compute right?",
    source="Keras guide, the Functional API: all models are callable, just like layers",
    needs=("tensorflow",),
)
def nested():
    import tensorflow as tf

    x = numbers(4, 3)
    with subject("Model called in a Model"):
        inner = tf.keras.Sequential([tf.keras.layers.Dense(3, use_bias=False, input_shape=(3,))], name="inner")
        inputs = tf.keras.Input(shape=(3,))
        model = tf.keras.Model(inputs, inner(inner(inputs)))
        expect(len(model.get_weights()) == 1, "%d weights, not 1" % len(model.get_weights()))
        (kernel,) = fixed(model)
        assert_close(inner.get_weights()[0], kernel, what="the inner model's weights")
        assert_close(model.predict(x, verbose=0), x.dot(kernel).dot(kernel), rtol=1e-4, atol=1e-5, what="predictions")


@behaviour(
    "models.weights_order",
    "In which order does a model with a nested one list its weights (trainable first, layer by layer)?",
    source="Keras API, Model.get_weights",
    needs=("tensorflow",),
    light=True,
)
def weights_order():
    import tensorflow as tf

    layers = tf.keras.layers
    with subject("Model.weights"):
        inner = tf.keras.Sequential([layers.Dense(2, input_shape=(3,)), layers.BatchNormalization()], name="inner")
        model = tf.keras.Sequential([inner, layers.Dense(1), layers.BatchNormalization()])
        model.build((None, 3))

        def names():
            return [w.name.split("/")[-1].split(":")[0] + str(shape(w)[-1]) for w in model.weights]

        before = names()
        inner.trainable = False
        return {"all trainable": before, "inner model frozen: same order": names() == before}


@check(
    "models.clone",
    "Does clone_model make a model with weights of its own that predicts the same once given the weights?",
    source="Keras API, clone_model",
    needs=("tensorflow",),
)
def clone():
    import tensorflow as tf

    x = numbers(4, 3)
    with subject("clone_model"):
        inputs = tf.keras.Input(shape=(3,))
        shared = tf.keras.layers.Dense(3)
        outputs = tf.keras.layers.Add()([shared(inputs), shared(shared(inputs))])
        model = tf.keras.Model(inputs, outputs)
        weights = fixed(model)
        copy = tf.keras.models.clone_model(model)
        copy.set_weights([0 * w for w in weights])
        assert_close(model.get_weights()[0], weights[0], what="the original's weights")
        copy.set_weights(weights)
        assert_close(copy.predict(x, verbose=0), model.predict(x, verbose=0), rtol=1e-4, what="predictions")


@behaviour(
    "models.clone_function",
    "What does clone_model's clone_function get: which layers, input layers too?",
    source="Keras API, clone_model (clone_function)",
    needs=("tensorflow",),
)
def clone_function():
    import tensorflow as tf

    def given(model):
        seen = []

        def copy(layer):
            seen.append(type(layer).__name__)
            return type(layer).from_config(layer.get_config())

        tf.keras.models.clone_model(model, clone_function=copy)
        return sorted(seen)

    with subject("clone_model(clone_function=…)"):
        inputs = tf.keras.Input(shape=(3,))
        functional = tf.keras.Model(inputs, tf.keras.layers.Dense(1)(inputs))
        sequential = tf.keras.Sequential([tf.keras.layers.Dense(1, input_shape=(3,))])
        return attempts({"functional": lambda: given(functional), "Sequential": lambda: given(sequential)})


@check(
    "models.from_config",
    "Does a functional model with two branches come back from its own get_config?",
    source="Keras API, Model.from_config",
    needs=("tensorflow",),
)
def from_config():
    import tensorflow as tf

    x = numbers(4, 3)
    with subject("Model.from_config"):
        inputs = tf.keras.Input(shape=(3,), name="given")
        left = tf.keras.layers.Dense(2, activation="tanh")(inputs)
        right = tf.keras.layers.Dense(2)(inputs)
        model = tf.keras.Model(inputs, tf.keras.layers.Multiply()([left, right]), name="mine")
        again = tf.keras.Model.from_config(model.get_config())
        again.set_weights(fixed(model))
        expect(again.name == "mine", "its name is %r" % again.name)
        assert_close(again.predict(x, verbose=0), model.predict(x, verbose=0), rtol=1e-4, what="predictions")


@behaviour(
    "models.config_keys",
    "Which keys have the configurations of models and of common layers?",
    source="seed 004 (the Keras API used to define the model and the version that interprets it)",
    needs=("tensorflow",),
    light=True,
)
def config_keys():
    import tensorflow as tf

    class Subclassed(tf.keras.Model):
        def call(self, inputs):
            return inputs

    layers = tf.keras.layers
    with subject("get_config"):
        inputs = tf.keras.Input(shape=(3,))
        return attempts(
            {
                "functional": lambda: sorted(tf.keras.Model(inputs, layers.Dense(1)(inputs)).get_config()),
                "Sequential": lambda: sorted(tf.keras.Sequential([layers.Dense(1, input_shape=(3,))]).get_config()),
                "subclassed": lambda: sorted(Subclassed().get_config()),
                "InputLayer": lambda: sorted(layers.InputLayer((3,)).get_config()),
                "Dense": lambda: sorted(layers.Dense(1).get_config()),
                "initializer of Dense": lambda: sorted(layers.Dense(1).get_config()["kernel_initializer"]),
                "dtype of Dense": lambda: type(layers.Dense(1).get_config()["dtype"]).__name__,
            }
        )


@behaviour(
    "models.summary_form",
    "How does summary print: calls of print_fn, characters beyond ASCII, what an ASCII file makes of it?",
    source="Keras API, Model.summary (print_fn)",
    needs=("tensorflow",),
)
def summary_form():
    import io

    import tensorflow as tf

    with subject("Model.summary(print_fn=…)"):
        model = tf.keras.Sequential([tf.keras.layers.Dense(2, input_shape=(3,), name="first")])
        lines = []

        def ascii_file():
            file = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
            model.summary(print_fn=lambda text: file.write(text + "\n"))
            return "written"

        model.summary(print_fn=lambda text, **options: lines.append(text))
        return {
            "calls of print_fn": "one" if len(lines) == 1 else "several",
            "beyond ASCII": any(ord(c) > 127 for line in lines for c in line),
            "names the layer": any("first" in line for line in lines),
            "ASCII file": attempt(ascii_file),
            "before build": attempt(
                lambda: tf.keras.Sequential([tf.keras.layers.Dense(1)]).summary(print_fn=lines.append)
            ),
            "returns": type(model.summary(print_fn=lines.append)).__name__,
        }


METHODS = (
    "add_loss", "add_metric", "add_update", "add_variable", "build_from_config", "compile_from_config", "compiled_loss",
    "compiled_metrics", "compute_loss", "compute_mask", "compute_metrics", "evaluate_generator", "export",
    "fit_generator", "from_config", "get_compile_config", "get_losses_for", "get_metrics_result", "get_updates_for",
    "make_predict_function", "make_test_function", "make_train_function", "non_trainable_variables", "predict_classes",
    "predict_generator", "predict_proba", "quantize", "rebuild_with_input", "reset_metrics", "reset_states",
    "run_eagerly", "save_spec", "save_weights", "state_updates", "stateful", "test_step", "to_json", "to_yaml",
    "train_step", "train_tf_function", "updates",
)  # fmt: skip


@behaviour(
    "models.methods",
    "Which methods and attributes does a compiled Sequential model lack?",
    source="TensorFlow 2.6 release notes (predict_classes, predict_proba removed) and others",
    needs=("tensorflow",),
    light=True,
)
def methods():
    import tensorflow as tf

    model = tf.keras.Sequential([tf.keras.layers.Dense(1, input_shape=(2,))])
    model.compile(optimizer="sgd", loss="mse")
    with subject("Model"):
        return [name for name in METHODS if not hasattr(model, name)]
