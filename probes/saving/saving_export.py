"""SavedModel folders for serving, TFSMLayer, and conversion to TensorFlow Lite."""

from harness import assert_close, behaviour, check, expect, subject
from saved import answers, compiled, dense, place, rows, same, tried, written
from synthetic import eager

GUIDE = "TensorFlow guide, using the SavedModel format"


@check(
    "saving.export.module",
    "Does a tf.Module with a tf.function answer the same after tf.saved_model.save and load?",
    source=GUIDE,
    needs=("tensorflow",),
)
def module():
    import tensorflow as tf

    class Adder(tf.Module):
        def __init__(self):
            super(Adder, self).__init__(name="adder")
            self.amount = tf.Variable([1.0, 2.0])

        @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.float32)])
        def add(self, x):
            return x + self.amount

    eager(tf)
    path = place("adder")
    with subject("tf.saved_model (tf.Module)"):
        made = Adder()
        made.amount.assign([3.0, 4.0])
        tf.saved_model.save(made, path)
        loaded = tf.saved_model.load(path)
        assert_close(loaded.add(tf.constant([[1.0, 1.0]])), [[4.0, 5.0]], what="sum")
        loaded.amount.assign([0.0, 1.0])
        assert_close(loaded.add(tf.constant([[1.0, 1.0]])), [[1.0, 2.0]], what="sum after assign")


@behaviour(
    "saving.export.signature",
    "By which names does the serving signature of a Keras model take its input and give its output?",
    source=GUIDE + " (specifying signatures during export)",
    needs=("tensorflow",),
)
def signature():
    import tensorflow as tf

    eager(tf)
    path = place("model")
    with subject("tf.saved_model.save (signature)"):
        tf.saved_model.save(dense(tf), path)
        loaded = tf.saved_model.load(path)
        serve = loaded.signatures["serving_default"]
        return {
            "signatures": sorted(loaded.signatures),
            "inputs": len(serve.structured_input_signature[1]),
            "outputs": sorted(serve.structured_outputs),
            "callable": callable(loaded),
        }


@behaviour(
    "saving.export.model_export",
    "Is there model.export, what does it write, and does its 'serve' answer the same?",
    source="Keras guide, exporting models (Model.export)",
    needs=("tensorflow",),
)
def model_export():
    import tensorflow as tf

    eager(tf)
    model = dense(tf)
    path = place("exported")
    with subject("model.export"):
        model.export(path)
        loaded = tf.saved_model.load(path)
        assert_close(loaded.serve(tf.constant(rows(4, 3))), answers(model, rows(4, 3))[0], rtol=1e-4, atol=1e-5)
        return [written(path)] + sorted(loaded.signatures)


@behaviour(
    "saving.export.loaded_by_keras",
    "Does load_model take a folder that tf.saved_model.save wrote, and as what?",
    source=GUIDE,
    needs=("tensorflow",),
)
def loaded_by_keras():
    import tensorflow as tf

    eager(tf)
    model = dense(tf)
    path = place("model")
    with subject("load_model (of tf.saved_model.save)"):
        tf.saved_model.save(model, path)
        loaded = tf.keras.models.load_model(path, compile=False)
        same(model, loaded, rows(4, 3))
        return type(loaded).__name__


@behaviour(
    "saving.export.tfsm_layer",
    "Does TFSMLayer bring a SavedModel back as a layer, and can a model with it be saved?",
    source="Keras API documentation, keras.layers.TFSMLayer",
    needs=("tensorflow",),
)
def tfsm_layer():
    import tensorflow as tf

    eager(tf)
    model = dense(tf)
    path = place("model")
    with subject("TFSMLayer"):
        tf.saved_model.save(model, path)
        layer = tf.keras.layers.TFSMLayer(path, call_endpoint="serving_default")
        found = layer(tf.constant(rows(4, 3)))
        assert_close(list(found.values())[0], answers(model, rows(4, 3))[0], rtol=1e-4, atol=1e-5)
        return {"outputs": len(found), "weights": len(layer.weights), "trainable": len(layer.trainable_weights)}


@behaviour(
    "saving.export.folder_optimizer",
    "Does a folder written by model.save bring the optimizer's step (2) back?",
    source=GUIDE,
    needs=("tensorflow",),
)
def folder_optimizer():
    import tensorflow as tf

    eager(tf)
    model = compiled(tf)
    path = place("model")
    with subject("save and load_model (folder, optimizer)"):
        model.save(path)
        loaded = tf.keras.models.load_model(path)
        return [type(loaded.optimizer).__name__, int(loaded.optimizer.iterations.numpy())]


@behaviour(
    "saving.export.contains",
    "What does tf.saved_model.contains_saved_model say of a SavedModel, an empty folder and a missing one?",
    source="TensorFlow API documentation, tf.saved_model.contains_saved_model",
    needs=("tensorflow",),
)
def contains():
    import os

    import tensorflow as tf

    eager(tf)
    empty = place("empty")
    with subject("contains_saved_model"):
        os.mkdir(empty)
        path = place("module")
        tf.saved_model.save(tf.Module(), path)
        found = [bool(tf.saved_model.contains_saved_model(one)) for one in (path, empty, empty + "-no")]
        return found + [tried(tf.saved_model.load, empty)]


def interpreted(tf, content, x):
    """What the TensorFlow Lite interpreter answers for each row of x."""
    import numpy as np

    interpreter = tf.lite.Interpreter(model_content=content)
    interpreter.allocate_tensors()
    start, end = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]
    found = []
    for row in x:
        interpreter.set_tensor(start, row[np.newaxis])
        interpreter.invoke()
        found.append(interpreter.get_tensor(end)[0].copy())
    return np.array(found)


@behaviour(
    "saving.export.lite",
    "Does TFLiteConverter.from_keras_model write a TensorFlow Lite file that answers the same?",
    source="TensorFlow Lite guide, converting TensorFlow models",
    needs=("tensorflow",),
)
def lite():
    import tensorflow as tf

    eager(tf)
    model = dense(tf)
    with subject("TFLiteConverter.from_keras_model"):
        content = tf.lite.TFLiteConverter.from_keras_model(model).convert()
        expect(content[4:8] == b"TFL3", "the file begins with %r" % (content[:8],))
        assert_close(interpreted(tf, content, rows(4, 3)), answers(model, rows(4, 3))[0], rtol=1e-4, atol=1e-5)
        return "the same"
