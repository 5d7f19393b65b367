"""Model files that TensorFlow 2.8.0 wrote: do they load, answer as they did, and train on?"""

from harness import assert_close, behaviour, check, subject
from synthetic import eager
from writings import Written, answers_as_written, errors, rebuilt, scaled, uses

WRITER = "2.8.0"
READS = ("written/2.8.0/models.zip", "written/2.8.0/expected.json")
SOURCE = "seed 003 example 2 (a model saved by TensorFlow 2.8 and loaded by a later one)"


@check(
    "saving.written_280.dense_h5",
    "Does a Sequential .h5 file of TensorFlow 2.8.0 load with compile=False and answer as it did?",
    source=SOURCE,
    needs=("tensorflow",),
)
def dense_h5():
    import tensorflow as tf

    eager(tf)
    old = Written(WRITER)
    with subject("load_model"):
        model = tf.keras.models.load_model(old.path("dense.h5"), compile=False)
        answers_as_written(model, old, "dense.h5")


@check(
    "saving.written_280.weights_h5",
    "Do weights that TensorFlow 2.8.0 saved as .h5 load into the same model made anew?",
    source=SOURCE,
    needs=("tensorflow",),
)
def weights_h5():
    import tensorflow as tf

    eager(tf)
    old = Written(WRITER)
    model = rebuilt(tf)
    with subject("load_weights"):
        model.load_weights(old.path("weights.h5"))
        answers_as_written(model, old, "dense.h5")


@check(
    "saving.written_280.whole_file_weights",
    "Do the weights in a whole-model .h5 file of TensorFlow 2.8.0 load into the model made anew?",
    source=SOURCE,
    needs=("tensorflow",),
)
def whole_file_weights():
    import tensorflow as tf

    eager(tf)
    old = Written(WRITER)
    model = rebuilt(tf)
    with subject("load_weights (of a whole model)"):
        model.load_weights(old.path("dense.h5"))
        answers_as_written(model, old, "dense.h5")


@check(
    "saving.written_280.checkpoint",
    "Does a tf.train.Checkpoint of TensorFlow 2.8.0 bring back the weights of a Sequential model?",
    source=SOURCE,
    needs=("tensorflow",),
)
def checkpoint():
    import tensorflow as tf

    eager(tf)
    old = Written(WRITER)
    model = rebuilt(tf)
    with subject("tf.train.Checkpoint.restore"):
        tf.train.Checkpoint(model=model).restore(old.path("checkpoint/ckpt-1"))
        answers_as_written(model, old, "compiled.h5")


@check(
    "saving.written_280.saved_model_signature",
    "Does tf.saved_model.load serve a folder that TensorFlow 2.8.0 wrote, with the same answers?",
    source=SOURCE,
    needs=("tensorflow",),
)
def saved_model_signature():
    import tensorflow as tf

    eager(tf)
    old = Written(WRITER)
    with subject("tf.saved_model.load"):
        loaded = tf.saved_model.load(old.path("plain"))
        found = list(loaded.signatures["serving_default"](tf.constant(old.inputs("dense.h5"))).values())
        assert_close(found[0], old.expected("dense.h5"), rtol=1e-3, atol=1e-4, what="predictions")


@behaviour(
    "saving.written_280.compiled_signature",
    "Does tf.saved_model.load serve a folder of a compiled model that TensorFlow 2.8.0 wrote?",
    source=SOURCE,
    needs=("tensorflow",),
)
def compiled_signature():
    import tensorflow as tf

    eager(tf)
    old = Written(WRITER)
    with subject("tf.saved_model.load (compiled model)"):
        loaded = tf.saved_model.load(old.path("folder"))
        found = list(loaded.signatures["serving_default"](tf.constant(old.inputs("compiled.h5"))).values())
        assert_close(found[0], old.expected("compiled.h5"), rtol=1e-3, atol=1e-4, what="predictions")
        return "the same"


@behaviour(
    "saving.written_280.conv_h5",
    "Is an .h5 file of TensorFlow 2.8.0 with a Functional CNN with BatchNormalization still of use?",
    source=SOURCE,
    needs=("tensorflow",),
)
def conv_h5():
    import tensorflow as tf

    eager(tf)
    old = Written(WRITER)
    with subject("load_model"):
        return uses(tf, tf.keras.models.load_model(old.path("conv.h5"), compile=False), old, "conv.h5")


@behaviour(
    "saving.written_280.depthwise_h5",
    "Is an .h5 file of TensorFlow 2.8.0 with depthwise, separable and transposed convolutions still of use?",
    source=SOURCE,
    needs=("tensorflow",),
)
def depthwise_h5():
    import tensorflow as tf

    eager(tf)
    old = Written(WRITER)
    with subject("load_model"):
        return uses(tf, tf.keras.models.load_model(old.path("depthwise.h5"), compile=False), old, "depthwise.h5")


@behaviour(
    "saving.written_280.lstm_h5",
    "Is an .h5 file of TensorFlow 2.8.0 with a Sequential model with an LSTM still of use?",
    source=SOURCE,
    needs=("tensorflow",),
)
def lstm_h5():
    import tensorflow as tf

    eager(tf)
    old = Written(WRITER)
    with subject("load_model"):
        return uses(tf, tf.keras.models.load_model(old.path("lstm.h5"), compile=False), old, "lstm.h5")


@behaviour(
    "saving.written_280.gru_h5",
    "Is an .h5 file of TensorFlow 2.8.0 with a Bidirectional GRU and a SimpleRNN still of use?",
    source=SOURCE,
    needs=("tensorflow",),
)
def gru_h5():
    import tensorflow as tf

    eager(tf)
    old = Written(WRITER)
    with subject("load_model"):
        return uses(tf, tf.keras.models.load_model(old.path("gru.h5"), compile=False), old, "gru.h5")


@behaviour(
    "saving.written_280.operators_h5",
    "Is an .h5 file of TensorFlow 2.8.0 with a model made with plain operators (x * 2 + 1) still of use?",
    source=SOURCE,
    needs=("tensorflow",),
)
def operators_h5():
    import tensorflow as tf

    eager(tf)
    old = Written(WRITER)
    with subject("load_model"):
        return uses(tf, tf.keras.models.load_model(old.path("operators.h5"), compile=False), old, "operators.h5")


@behaviour(
    "saving.written_280.scaled_h5",
    "Is an .h5 file of TensorFlow 2.8.0 with a custom layer (custom_objects=) still of use?",
    source=SOURCE,
    needs=("tensorflow",),
)
def scaled_h5():
    import tensorflow as tf

    eager(tf)
    old = Written(WRITER)
    known = scaled(tf)
    with subject("load_model"):
        model = tf.keras.models.load_model(old.path("scaled.h5"), custom_objects=known, compile=False)
        return uses(tf, model, old, "scaled.h5")


@behaviour(
    "saving.written_280.lambda_h5",
    "Is an .h5 file of TensorFlow 2.8.0 with a Lambda layer still of use, loaded as it always was?",
    source=SOURCE,
    needs=("tensorflow",),
)
def lambda_h5():
    import tensorflow as tf

    eager(tf)
    old = Written(WRITER)
    with subject("load_model"):
        return uses(tf, tf.keras.models.load_model(old.path("lambda.h5"), compile=False), old, "lambda.h5")


@behaviour(
    "saving.written_280.lambda_h5_unsafe",
    "Is an .h5 file of TensorFlow 2.8.0 with a Lambda layer of use with safe_mode=False?",
    source=SOURCE,
    needs=("tensorflow",),
)
def lambda_h5_unsafe():
    import tensorflow as tf

    eager(tf)
    old = Written(WRITER)
    with subject("load_model(safe_mode=False)"):
        model = tf.keras.models.load_model(old.path("lambda.h5"), compile=False, safe_mode=False)
        return uses(tf, model, old, "lambda.h5")


@behaviour(
    "saving.written_280.compiled_h5",
    "Does a compiled .h5 file (loss 'mse', metric 'mae') of TensorFlow 2.8.0 load compiled?",
    source=SOURCE,
    needs=("tensorflow",),
)
def compiled_h5():
    import tensorflow as tf

    eager(tf)
    old = Written(WRITER)
    with subject("load_model (compiled)"):
        model = tf.keras.models.load_model(old.path("compiled.h5"))
        found = uses(tf, model, old, "compiled.h5")
        found["optimizer"] = type(model.optimizer).__name__
        return found


@behaviour(
    "saving.written_280.compiled_h5_state",
    "Which step is the optimizer at that comes with a compiled .h5 file of TensorFlow 2.8.0 (saved at 2)?",
    source=SOURCE,
    needs=("tensorflow",),
)
def compiled_h5_state():
    import tensorflow as tf

    eager(tf)
    old = Written(WRITER)
    with subject("load_model (optimizer state)"):
        model = tf.keras.models.load_model(old.path("compiled.h5"), custom_objects=errors(tf))
        return int(model.optimizer.iterations.numpy())


@behaviour(
    "saving.written_280.folder",
    "Is a folder that model.save of TensorFlow 2.8.0 wrote still of use to load_model?",
    source=SOURCE,
    needs=("tensorflow",),
)
def folder():
    import tensorflow as tf

    eager(tf)
    old = Written(WRITER)
    with subject("load_model (folder)"):
        return uses(tf, tf.keras.models.load_model(old.path("folder")), old, "compiled.h5")


@behaviour(
    "saving.written_280.folder_layer",
    "Does TFSMLayer take a folder that model.save of TensorFlow 2.8.0 wrote, with the same answers?",
    source=SOURCE,
    needs=("tensorflow",),
)
def folder_layer():
    import tensorflow as tf

    eager(tf)
    old = Written(WRITER)
    with subject("TFSMLayer"):
        layer = tf.keras.layers.TFSMLayer(old.path("plain"), call_endpoint="serving_default")
        found = layer(tf.constant(old.inputs("dense.h5")))
        assert_close(list(found.values())[0], old.expected("dense.h5"), rtol=1e-3, atol=1e-4, what="predictions")
        return sorted(found)


@behaviour(
    "saving.written_280.weights_tf",
    "Do weights in the TensorFlow format of TensorFlow 2.8.0 load by model.load_weights?",
    source=SOURCE,
    needs=("tensorflow",),
)
def weights_tf():
    import tensorflow as tf

    eager(tf)
    old = Written(WRITER)
    model = rebuilt(tf)
    with subject("load_weights (TensorFlow format)"):
        model.load_weights(old.path("weights/weights"))
        answers_as_written(model, old, "dense.h5")
        return "the same"


@behaviour(
    "saving.written_280.optimizer_checkpoint",
    "Does a tf.train.Checkpoint of TensorFlow 2.8.0 bring back the step of Adam it was saved at (2)?",
    source=SOURCE,
    needs=("tensorflow",),
)
def optimizer_checkpoint():
    import tensorflow as tf

    eager(tf)
    old = Written(WRITER)
    model = rebuilt(tf)
    with subject("tf.train.Checkpoint.restore (optimizer)"):
        model.compile(optimizer=tf.keras.optimizers.Adam(0.01), loss="mean_squared_error")
        status = tf.train.Checkpoint(model=model, optimizer=model.optimizer).restore(old.path("checkpoint/ckpt-1"))
        status.expect_partial()
        return int(model.optimizer.iterations.numpy())


@behaviour(
    "saving.written_280.architecture_json",
    "Does model_from_json still rebuild the architecture that TensorFlow 2.8.0 wrote as JSON?",
    source=SOURCE,
    needs=("tensorflow",),
)
def architecture_json():
    import tensorflow as tf

    eager(tf)
    old = Written(WRITER)
    with open(old.path("architecture.json")) as file:
        text = file.read()
    with subject("model_from_json"):
        model = tf.keras.models.model_from_json(text)
        return [model.name] + [type(layer).__name__ for layer in model.layers]
