"""What is asked of the model files below `written/`, whichever TensorFlow wrote them (`writer`, its version)."""

from harness import assert_close, subject
from synthetic import eager
from writings import Written, answers_as_written, errors, rebuilt, scaled, uses


def read_dense_h5(writer):
    import tensorflow as tf

    eager(tf)
    old = Written(writer)
    with subject("load_model"):
        model = tf.keras.models.load_model(old.path("dense.h5"), compile=False)
        answers_as_written(model, old, "dense.h5")


def read_weights_h5(writer):
    import tensorflow as tf

    eager(tf)
    old = Written(writer)
    model = rebuilt(tf)
    with subject("load_weights"):
        model.load_weights(old.path("weights.h5"))
        answers_as_written(model, old, "dense.h5")


def read_whole_file_weights(writer):
    import tensorflow as tf

    eager(tf)
    old = Written(writer)
    model = rebuilt(tf)
    with subject("load_weights (of a whole model)"):
        model.load_weights(old.path("dense.h5"))
        answers_as_written(model, old, "dense.h5")


def read_checkpoint(writer):
    import tensorflow as tf

    eager(tf)
    old = Written(writer)
    model = rebuilt(tf)
    with subject("tf.train.Checkpoint.restore"):
        tf.train.Checkpoint(model=model).restore(old.path("checkpoint/ckpt-1"))
        answers_as_written(model, old, "compiled.h5")


def read_saved_model_signature(writer):
    import tensorflow as tf

    eager(tf)
    old = Written(writer)
    with subject("tf.saved_model.load"):
        loaded = tf.saved_model.load(old.path("plain"))
        found = list(loaded.signatures["serving_default"](tf.constant(old.inputs("dense.h5"))).values())
        assert_close(found[0], old.expected("dense.h5"), rtol=1e-3, atol=1e-4, what="predictions")


def read_compiled_signature(writer):
    import tensorflow as tf

    eager(tf)
    old = Written(writer)
    with subject("tf.saved_model.load (compiled model)"):
        loaded = tf.saved_model.load(old.path("folder"))
        found = list(loaded.signatures["serving_default"](tf.constant(old.inputs("compiled.h5"))).values())
        assert_close(found[0], old.expected("compiled.h5"), rtol=1e-3, atol=1e-4, what="predictions")
        return "the same"


def read_conv_h5(writer):
    import tensorflow as tf

    eager(tf)
    old = Written(writer)
    with subject("load_model"):
        return uses(tf, tf.keras.models.load_model(old.path("conv.h5"), compile=False), old, "conv.h5")


def read_depthwise_h5(writer):
    import tensorflow as tf

    eager(tf)
    old = Written(writer)
    with subject("load_model"):
        return uses(tf, tf.keras.models.load_model(old.path("depthwise.h5"), compile=False), old, "depthwise.h5")


def read_lstm_h5(writer):
    import tensorflow as tf

    eager(tf)
    old = Written(writer)
    with subject("load_model"):
        return uses(tf, tf.keras.models.load_model(old.path("lstm.h5"), compile=False), old, "lstm.h5")


def read_gru_h5(writer):
    import tensorflow as tf

    eager(tf)
    old = Written(writer)
    with subject("load_model"):
        return uses(tf, tf.keras.models.load_model(old.path("gru.h5"), compile=False), old, "gru.h5")


def read_operators_h5(writer):
    import tensorflow as tf

    eager(tf)
    old = Written(writer)
    with subject("load_model"):
        return uses(tf, tf.keras.models.load_model(old.path("operators.h5"), compile=False), old, "operators.h5")


def read_scaled_h5(writer):
    import tensorflow as tf

    eager(tf)
    old = Written(writer)
    known = scaled(tf)
    with subject("load_model"):
        model = tf.keras.models.load_model(old.path("scaled.h5"), custom_objects=known, compile=False)
        return uses(tf, model, old, "scaled.h5")


def read_lambda_h5(writer):
    import tensorflow as tf

    eager(tf)
    old = Written(writer)
    with subject("load_model"):
        return uses(tf, tf.keras.models.load_model(old.path("lambda.h5"), compile=False), old, "lambda.h5")


def read_lambda_h5_unsafe(writer):
    import tensorflow as tf

    eager(tf)
    old = Written(writer)
    with subject("load_model(safe_mode=False)"):
        model = tf.keras.models.load_model(old.path("lambda.h5"), compile=False, safe_mode=False)
        return uses(tf, model, old, "lambda.h5")


def read_compiled_h5(writer):
    import tensorflow as tf

    eager(tf)
    old = Written(writer)
    with subject("load_model (compiled)"):
        model = tf.keras.models.load_model(old.path("compiled.h5"))
        found = uses(tf, model, old, "compiled.h5")
        found["optimizer"] = type(model.optimizer).__name__
        return found


def read_compiled_h5_state(writer):
    import tensorflow as tf

    eager(tf)
    old = Written(writer)
    with subject("load_model (optimizer state)"):
        model = tf.keras.models.load_model(old.path("compiled.h5"), custom_objects=errors(tf))
        return int(model.optimizer.iterations.numpy())


def read_folder(writer):
    import tensorflow as tf

    eager(tf)
    old = Written(writer)
    with subject("load_model (folder)"):
        return uses(tf, tf.keras.models.load_model(old.path("folder")), old, "compiled.h5")


def read_folder_layer(writer):
    import tensorflow as tf

    eager(tf)
    old = Written(writer)
    with subject("TFSMLayer"):
        layer = tf.keras.layers.TFSMLayer(old.path("plain"), call_endpoint="serving_default")
        found = layer(tf.constant(old.inputs("dense.h5")))
        assert_close(list(found.values())[0], old.expected("dense.h5"), rtol=1e-3, atol=1e-4, what="predictions")
        return sorted(found)


def read_weights_tf(writer):
    import tensorflow as tf

    eager(tf)
    old = Written(writer)
    model = rebuilt(tf)
    with subject("load_weights (TensorFlow format)"):
        model.load_weights(old.path("weights/weights"))
        answers_as_written(model, old, "dense.h5")
        return "the same"


def read_optimizer_checkpoint(writer):
    import tensorflow as tf

    eager(tf)
    old = Written(writer)
    model = rebuilt(tf)
    with subject("tf.train.Checkpoint.restore (optimizer)"):
        model.compile(optimizer=tf.keras.optimizers.Adam(0.01), loss="mean_squared_error")
        status = tf.train.Checkpoint(model=model, optimizer=model.optimizer).restore(old.path("checkpoint/ckpt-1"))
        status.expect_partial()
        return int(model.optimizer.iterations.numpy())


def read_architecture_json(writer):
    import tensorflow as tf

    eager(tf)
    old = Written(writer)
    with open(old.path("architecture.json")) as file:
        text = file.read()
    with subject("model_from_json"):
        model = tf.keras.models.model_from_json(text)
        return [model.name] + [type(layer).__name__ for layer in model.layers]
