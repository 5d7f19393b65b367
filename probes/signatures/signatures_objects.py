"""Attributes and methods of models, layers, tensors and optimizers that came or went, and whether they still work."""

from harness import assert_close, behaviour, check, expect, subject
from spelled import attempt, presence
from synthetic import eager


def _built(tf):
    """(model, layer, tensor): a Functional model of one Dense layer, compiled, with weights of one."""
    import numpy as np

    inputs = tf.keras.Input(shape=(2,))
    layer = tf.keras.layers.Dense(1, use_bias=False)
    outputs = layer(inputs)
    model = tf.keras.Model(inputs, outputs)
    model.compile(tf.keras.optimizers.SGD(0.1), "mse")
    model.set_weights([np.ones((2, 1), "float32")])
    return model, layer, outputs


@behaviour(
    "signatures.objects.model",
    "Which attributes and methods does a compiled model have: fit_generator, _layers, state_updates, to_yaml, …?",
    source="seed 004 (internal class structures or method naming conventions changed)",
    needs=("tensorflow",),
    light=True,
)
def model_attributes():
    import tensorflow as tf

    names = (
        "_collected_trainable_weights", "_compile_metrics", "_feed_inputs", "_get_save_spec", "_is_compiled",
        "_is_graph_network", "_layers", "_network_nodes", "_nodes_by_depth", "_set_inputs", "_updated_config",
        "add_loss", "add_metric", "build_from_config", "compiled", "compiled_loss", "compiled_metrics",
        "compute_loss", "compute_metrics", "distribute_strategy", "dynamic", "evaluate_generator", "export",
        "fit_generator", "get_compile_config", "get_layer", "get_metrics_result", "input_names", "inputs",
        "jit_compile", "layers", "load_own_variables", "make_train_function", "metrics", "metrics_names",
        "non_trainable_variables", "output_names", "predict_classes", "predict_function", "predict_generator",
        "predict_proba", "quantize", "reset_metrics", "reset_states", "run_eagerly", "sample_weights", "save_spec",
        "state_updates", "stateful", "targets", "to_json", "to_yaml", "total_loss", "train_function",
        "trainable_weights", "uses_learning_phase",
    )  # fmt: skip
    model = _built(tf)[0]
    with subject("Model"):
        return presence(model, names)


@behaviour(
    "signatures.objects.sequential",
    "Which methods does a Sequential model have: predict_classes, predict_proba, pop, reset_states?",
    source="TensorFlow 2.6 release notes (predict_classes and predict_proba removed)",
    needs=("tensorflow",),
    light=True,
)
def sequential_attributes():
    import tensorflow as tf

    names = ("add", "pop", "predict_classes", "predict_proba", "reset_states", "rebuild", "get_weights", "outputs")
    model = tf.keras.Sequential([tf.keras.layers.Dense(1, input_shape=(2,))])
    with subject("Sequential"):
        return presence(model, names)


@behaviour(
    "signatures.objects.layer",
    "Which attributes does a layer in use have: inbound_nodes, get_input_at, input_shape, updates, …?",
    source="seed 004 (internal class structures or method naming conventions changed)",
    needs=("tensorflow",),
    light=True,
)
def layer_attributes():
    import tensorflow as tf

    names = (
        "_inbound_nodes", "_keras_api_names", "_layers", "_non_trainable_weights", "_obj_reference_counts_dict",
        "_outbound_nodes", "_trainable_weights", "add_loss", "add_metric", "add_update", "add_variable", "apply",
        "compute_mask", "compute_output_shape", "compute_output_signature", "compute_output_spec", "count_params",
        "dtype_policy", "dynamic", "from_config", "get_build_config", "get_input_at", "get_input_mask_at",
        "get_input_shape_at", "get_losses_for", "get_output_at", "get_output_shape_at", "get_updates_for",
        "inbound_nodes", "input", "input_mask", "input_shape", "input_spec", "losses", "metrics",
        "metrics_variables", "non_trainable_weights", "outbound_nodes", "output", "output_shape", "path", "stateful",
        "submodules", "supports_masking", "trainable_weights", "updates", "variable_dtype", "variables",
        "with_name_scope",
    )  # fmt: skip
    layer = _built(tf)[1]
    with subject("Layer"):
        return presence(layer, names)


@behaviour(
    "signatures.objects.symbolic_tensor",
    "Which attributes does a symbolic Keras tensor have, and of which class is it?",
    source="TensorFlow 2.4 release notes (KerasTensor)",
    needs=("tensorflow",),
    light=True,
)
def symbolic_tensor():
    import tensorflow as tf

    names = (
        "_keras_history", "_keras_mask", "_keras_shape", "_uses_learning_phase", "device", "dtype.name", "get_shape",
        "graph", "name", "ndim", "numpy", "op", "shape.as_list", "type_spec",
    )  # fmt: skip
    tensor = _built(tf)[2]
    with subject("KerasTensor"):
        found = presence(tensor, names)
        found["class"] = type(tensor).__name__
        found["is a tf.Tensor"] = isinstance(tensor, tf.Tensor)
        return found


@behaviour(
    "signatures.objects.variable",
    "Of which class is a layer's weight, how is it named, and which methods does it have?",
    source="seed 003 example 1 (kernel[0, 0].numpy())",
    needs=("tensorflow",),
    light=True,
)
def variable():
    import tensorflow as tf

    names = (
        "assign", "assign_add", "assign_sub", "constraint", "device", "dtype", "eval", "handle", "initializer",
        "name", "numpy", "path", "read_value", "regularizer", "shape.as_list", "shape.rank", "trainable", "value",
    )  # fmt: skip
    layer = tf.keras.layers.Dense(1, name="named")
    layer.build((None, 2))
    with subject("Layer.kernel"):
        found = presence(layer.kernel, names)
        found["class"] = type(layer.kernel).__name__
        found["is a tf.Variable"] = isinstance(layer.kernel, tf.Variable)
        found["named"] = layer.kernel.name
        return found


@behaviour(
    "signatures.objects.optimizer",
    "Which attributes and methods does an optimizer have: lr, get_weights, weights, iterations, get_slot, …?",
    source="TensorFlow 2.11 release notes (new Keras optimizers)",
    needs=("tensorflow",),
    light=True,
)
def optimizer_attributes():
    import tensorflow as tf

    names = (
        "_create_slots", "_decayed_lr", "_get_hyper", "_hyper", "_learning_rate", "_prepare_local",
        "_resource_apply_dense", "_set_hyper", "add_slot", "add_variable", "add_weight", "aggregate_gradients",
        "apply", "apply_gradients", "build", "clipnorm", "exclude_from_weight_decay", "finalize_variable_values",
        "from_config", "get_config", "get_gradients", "get_slot", "get_slot_names", "get_updates", "get_weights",
        "iterations", "learning_rate", "load_own_variables", "lr", "minimize", "set_weights", "stateless_apply",
        "update_step", "variables", "weights",
    )  # fmt: skip
    optimizer = tf.keras.optimizers.Adam(0.1)
    with subject("Adam"):
        found = presence(optimizer, names)
        found["variables is called"] = callable(optimizer.variables)
        found["class of iterations"] = type(optimizer.iterations).__name__
        found["class of learning_rate"] = type(optimizer.learning_rate).__name__
        return found


@behaviour(
    "signatures.objects.setting_the_rate",
    "Which ways of changing the learning rate of a compiled model take effect in the next step?",
    source="Keras API, LearningRateScheduler",
    needs=("tensorflow",),
)
def setting_the_rate():
    import numpy as np
    import tensorflow as tf

    eager(tf)
    backend = tf.keras.backend

    def moves(change):
        model = _built(tf)[0]
        model.compile(tf.keras.optimizers.SGD(0.5), lambda truth, guess: tf.reduce_mean(guess), run_eagerly=True)
        change(model.optimizer)
        model.train_on_batch(np.array([[1.0, 1.0]], "float32"), np.zeros((1, 1), "float32"))
        return abs(float(model.get_weights()[0][0, 0]) - 0.75) < 1e-6

    calls = {
        "optimizer.learning_rate = 0.25": lambda o: setattr(o, "learning_rate", 0.25),
        "optimizer.lr = 0.25": lambda o: setattr(o, "lr", 0.25),
        "optimizer.learning_rate.assign(0.25)": lambda o: o.learning_rate.assign(0.25),
        "K.set_value(optimizer.lr, 0.25)": lambda o: backend.set_value(o.lr, 0.25),
        "K.set_value(optimizer.learning_rate, 0.25)": lambda o: backend.set_value(o.learning_rate, 0.25),
    }
    with subject("optimizer.learning_rate"):
        return {
            name: attempt("lr" if ".lr" in name else "learning_rate", lambda change=change: moves(change))
            for name, change in calls.items()
        }


@behaviour(
    "signatures.objects.generator_methods",
    "Do fit_generator, evaluate_generator and predict_generator still work, and warn?",
    source="TensorFlow API, Model.fit_generator (deprecated)",
    needs=("tensorflow",),
)
def generator_methods():
    import numpy as np
    import tensorflow as tf

    eager(tf)
    model = _built(tf)[0]
    x, y = np.ones((2, 2), "float32"), np.zeros((2, 1), "float32")

    def batches():
        while True:
            yield x, y

    calls = {
        "fit_generator": lambda: len(model.fit_generator(batches(), steps_per_epoch=1, verbose=0).history["loss"]) == 1,
        "evaluate_generator": lambda: float(model.evaluate_generator(batches(), steps=1)) >= 0,
        "predict_generator": lambda: model.predict_generator(batches(), steps=1).shape == (2, 1),
        "fit of a generator": lambda: len(model.fit(batches(), steps_per_epoch=1, verbose=0).history["loss"]) == 1,
    }
    with subject("Model.fit_generator"):
        return {name: attempt(name, call) for name, call in calls.items()}


@behaviour(
    "signatures.objects.names",
    "How are layers, weights and outputs named by default, and which names are refused?",
    source="keras-team/keras issue 18467 (Keras 3 differences)",
    needs=("tensorflow",),
)
def names():
    import tensorflow as tf

    eager(tf)
    with subject("names"):
        tf.keras.backend.clear_session()
        layers = tf.keras.layers
        first = [layers.Dense(2).name, layers.Dense(2).name, layers.MaxPooling2D().name, layers.LSTM(1).name]
        norm = layers.BatchNormalization(name="norm")
        norm.build((None, 2))
        model = tf.keras.Sequential([layers.Dense(2, input_shape=(2,))])
        odd = {}
        for name in ("a/b", "a b", "A.b-c", "_a", "1"):
            odd[name] = attempt(name, lambda name=name: layers.Dense(2, name=name).name == name)
        return {
            "layers": first,
            "weights": [weight.name for weight in norm.weights],
            "model": model.name,
            "output names": list(getattr(model, "output_names", ["none"])),
            "odd": odd,
        }


@behaviour(
    "signatures.objects.history_keys",
    "Under which keys does fit report loss, accuracy and validation values, for 'acc' and 'accuracy'?",
    source="seed 001 (metrics=['accuracy'])",
    needs=("tensorflow",),
)
def history_keys():
    import numpy as np
    import tensorflow as tf

    eager(tf)
    x, y = np.ones((2, 2), "float32"), np.zeros((2, 1), "float32")
    found = {}
    with subject("History.history"):
        for metric in ("acc", "accuracy", "mae"):
            model = _built(tf)[0]
            model.compile("sgd", "mse", metrics=[metric], run_eagerly=True)
            before = list(model.metrics_names)
            keys = sorted(model.fit(x, y, validation_data=(x, y), verbose=0).history)
            found[metric] = {"keys": keys, "metrics_names": list(model.metrics_names), "before fit": before}
        return found


@check(
    "signatures.compat_v1_session",
    "Does a graph with a placeholder run in a tf.compat.v1.Session and give the right numbers?",
    source="TensorFlow guide, migrate to TensorFlow 2 (tf.compat.v1)",
    needs=("tensorflow",),
)
def compat_v1_session():
    import tensorflow as tf

    v1 = tf.compat.v1
    with subject("tf.compat.v1.Session"):
        with v1.Graph().as_default():
            x = v1.placeholder("float32", shape=(None, 2))
            weight = v1.get_variable("w", shape=(2, 1), initializer=v1.ones_initializer())
            total = tf.matmul(x, weight)
            with v1.Session() as session:
                session.run(v1.global_variables_initializer())
                result = session.run(total, feed_dict={x: [[1.0, 2.0], [3.0, 4.0]]})
        assert_close(result, [[3.0], [7.0]], what="the product")


@check(
    "signatures.set_seed",
    "Does tf.random.set_seed make random numbers come out the same again, and another seed others?",
    source="seed 003 statement 1 (controlling seed values)",
    needs=("tensorflow",),
)
def set_seed():
    import tensorflow as tf

    eager(tf)
    with subject("tf.random.set_seed"):
        drawn = []
        for seed in (7, 7, 8):
            tf.random.set_seed(seed)
            drawn.append([float(value) for value in tf.random.uniform((3,))])
        assert_close(drawn[0], drawn[1], what="numbers drawn with one seed")
        expect(drawn[0] != drawn[2], "another seed gives the same numbers")


@behaviour(
    "signatures.autotune",
    "What are tf.data.AUTOTUNE and tf.data.experimental.AUTOTUNE, and does prefetch take them?",
    source="TensorFlow API, tf.data",
    needs=("tensorflow",),
)
def autotune():
    import tensorflow as tf

    eager(tf)

    def prefetched(value):
        return [int(item) for item in tf.data.Dataset.range(3).prefetch(value())] == [0, 1, 2] and int(value()) == -1

    with subject("tf.data.AUTOTUNE"):
        return {
            "tf.data.AUTOTUNE": attempt("AUTOTUNE", lambda: prefetched(lambda: tf.data.AUTOTUNE)),
            "tf.data.experimental.AUTOTUNE": attempt(
                "AUTOTUNE", lambda: prefetched(lambda: tf.data.experimental.AUTOTUNE)
            ),
        }
