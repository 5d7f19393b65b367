"""The parameters of the methods and functions everybody calls, in order, with their defaults, as values."""

from harness import behaviour, subject
from spelled import parameters, signatures


@behaviour(
    "signatures.model.compile",
    "Which parameters does Model.compile take, in which order, with which defaults?",
    source="seed 002 example 1 (model.compile)",
    needs=("tensorflow",),
    light=True,
)
def model_compile():
    import tensorflow as tf

    with subject("Model.compile"):
        return parameters(tf.keras.Model.compile)


@behaviour(
    "signatures.model.fit",
    "Which parameters does Model.fit take, in which order, with which defaults?",
    source="seed 001 example 1 (model.fit)",
    needs=("tensorflow",),
    light=True,
)
def model_fit():
    import tensorflow as tf

    with subject("Model.fit"):
        return parameters(tf.keras.Model.fit)


@behaviour(
    "signatures.model.evaluate_predict",
    "Which parameters do Model.evaluate and Model.predict take, with which defaults?",
    source="seed 001 example 1 (model.evaluate)",
    needs=("tensorflow",),
    light=True,
)
def evaluate_predict():
    import tensorflow as tf

    with subject("Model.evaluate, Model.predict"):
        return signatures(tf.keras.Model, ("evaluate", "predict"))


@behaviour(
    "signatures.model.on_batch",
    "Which parameters do train_on_batch, test_on_batch and predict_on_batch take, with which defaults?",
    source="Keras API, model training",
    needs=("tensorflow",),
    light=True,
)
def on_batch():
    import tensorflow as tf

    with subject("Model.train_on_batch"):
        return signatures(tf.keras.Model, ("train_on_batch", "test_on_batch", "predict_on_batch"))


@behaviour(
    "signatures.model.save_load",
    "Which parameters do Model.save and load_model take, in which order, with which defaults?",
    source="seed 003 example 2 (model.save, load_model)",
    needs=("tensorflow",),
    light=True,
)
def save_load():
    import tensorflow as tf

    with subject("Model.save, load_model"):
        return {"save": parameters(tf.keras.Model.save), "load_model": parameters(tf.keras.models.load_model)}


@behaviour(
    "signatures.model.weights_files",
    "Which parameters do Model.save_weights and Model.load_weights take, with which defaults?",
    source="seed 003 statement 3 (saving and loading)",
    needs=("tensorflow",),
    light=True,
)
def weights_files():
    import tensorflow as tf

    with subject("Model.save_weights, Model.load_weights"):
        return signatures(tf.keras.Model, ("save_weights", "load_weights"))


@behaviour(
    "signatures.model.summary",
    "Which parameters do Model.summary, plot_model and clone_model take, with which defaults?",
    source="seed 000 example 1 (new_model.summary())",
    needs=("tensorflow",),
    light=True,
)
def summary():
    import tensorflow as tf

    with subject("Model.summary"):
        return signatures(tf.keras, ("Model.summary", "utils.plot_model", "models.clone_model"))


@behaviour(
    "signatures.model.overridable",
    "Which parameters do the methods that custom models override take: train_step, compute_loss and so on?",
    source="TensorFlow 2.2 release notes (Model.train_step)",
    needs=("tensorflow",),
    light=True,
)
def overridable():
    import tensorflow as tf

    with subject("Model.train_step"):
        names = (
            "train_step", "test_step", "predict_step", "compute_loss", "compute_metrics", "make_train_function",
            "call", "build", "get_config", "from_config",
        )  # fmt: skip
        return signatures(tf.keras.Model, names)


@behaviour(
    "signatures.optimizers.methods",
    "Which parameters do an optimizer's apply_gradients, minimize and build take, with which defaults?",
    source="TensorFlow 2.11 release notes (new Keras optimizers)",
    needs=("tensorflow",),
    light=True,
)
def optimizer_methods():
    import tensorflow as tf

    with subject("Optimizer.apply_gradients"):
        names = ("apply_gradients", "minimize", "build", "get_gradients", "get_updates", "add_slot", "add_variable")
        return signatures(tf.keras.optimizers.Optimizer, names)


@behaviour(
    "signatures.metrics.methods",
    "Which methods of Metric are there to override, and which parameters do they take?",
    source="TensorFlow API, tf.keras.metrics.Metric",
    needs=("tensorflow",),
    light=True,
)
def metric_methods():
    import tensorflow as tf

    with subject("Metric"):
        names = ("update_state", "result", "reset_state", "reset_states", "merge_state", "add_weight", "add_variable")
        return signatures(tf.keras.metrics.Metric, names)


@behaviour(
    "signatures.function",
    "Which parameters does tf.function take, in which order, with which defaults?",
    source="TensorFlow API, tf.function",
    needs=("tensorflow",),
    light=True,
)
def function():
    import tensorflow as tf

    with subject("tf.function"):
        return parameters(tf.function)


@behaviour(
    "signatures.data.methods",
    "Which parameters do Dataset.map, batch, shuffle, prefetch, cache and from_generator take, with which defaults?",
    source="seed 003 example 3 (tf.data pipelines)",
    needs=("tensorflow",),
    light=True,
)
def dataset_methods():
    import tensorflow as tf

    with subject("tf.data.Dataset"):
        names = (
            "map",
            "batch",
            "shuffle",
            "prefetch",
            "cache",
            "repeat",
            "from_generator",
            "from_tensor_slices",
            "interleave",
        )
        return signatures(tf.data.Dataset, names)


@behaviour(
    "signatures.array_functions",
    "Which parameters do to_categorical, normalize, get_file, one_hot and cast take, with which defaults?",
    source="seed 004 example 2 (to_categorical(labels, num_classes=10))",
    needs=("tensorflow",),
    light=True,
)
def array_functions():
    import tensorflow as tf

    with subject("to_categorical"):
        found = signatures(tf.keras.utils, ("to_categorical", "normalize", "get_file"))
        found.update(signatures(tf, ("one_hot", "cast", "reduce_mean", "expand_dims", "argmax", "nn.dropout")))
        return found


@behaviour(
    "signatures.saved_model",
    "Which parameters do tf.saved_model.save and load and tf.train.Checkpoint's methods take, with which defaults?",
    source="TensorFlow API, tf.saved_model",
    needs=("tensorflow",),
    light=True,
)
def saved_model():
    import tensorflow as tf

    with subject("tf.saved_model"):
        names = (
            "saved_model.save",
            "saved_model.load",
            "train.Checkpoint",
            "train.Checkpoint.restore",
            "train.CheckpointManager",
        )
        return signatures(tf, names)
