"""Weights alone, copies of models, and architectures as JSON, YAML and configurations."""

import copy
import json
import pickle

from harness import behaviour, check, expect, subject
from saved import compiled, dense, fixed, place, rows, same, tried
from synthetic import eager

GUIDE = "Keras guide, weights-only saving and loading"


@check(
    "saving.weights.get_set",
    "Does set_weights(get_weights()) make another model answer the same, also through numpy's savez?",
    source=GUIDE,
    needs=("tensorflow",),
)
def get_set():
    import numpy as np
    import tensorflow as tf

    eager(tf)
    model, other = dense(tf), dense(tf, shift=0.25)
    path = place("weights.npz")
    with subject("get_weights and set_weights"):
        np.savez(path, *model.get_weights())
        with np.load(path) as file:
            other.set_weights([file[name] for name in file.files])
        same(model, other, rows(4, 3))


@check(
    "saving.weights.from_whole_file",
    "Does load_weights take the weights out of a whole-model .h5 file?",
    source=GUIDE,
    needs=("tensorflow",),
)
def from_whole_file():
    import tensorflow as tf

    eager(tf)
    model, other = dense(tf), dense(tf, shift=0.25)
    path = place("model.h5")
    with subject("load_weights (of a whole .h5 file)"):
        model.save(path)
        other.load_weights(path)
        same(model, other, rows(4, 3))


@check(
    "saving.weights.sequential_to_functional",
    "Do weights saved from a Sequential model load into a Functional one of the same layers?",
    source=GUIDE + " (transfer between models of compatible architecture)",
    needs=("tensorflow",),
)
def sequential_to_functional():
    import tensorflow as tf

    eager(tf)
    model = dense(tf)
    layers = tf.keras.layers
    x = tf.keras.Input((3,), name="x")
    other = tf.keras.Model(x, layers.Dense(2, name="second")(layers.Dense(4, activation="relu", name="first")(x)))
    path = place("model.weights.h5")
    with subject("save_weights and load_weights (Sequential to Functional)"):
        model.save_weights(path)
        fixed(other, 0.25).load_weights(path)
        same(model, other, rows(4, 3))


@behaviour(
    "saving.weights.other_names",
    "Do saved weights load into a model whose layers have other names?",
    source=GUIDE,
    needs=("tensorflow",),
)
def other_names():
    import tensorflow as tf

    eager(tf)
    model = dense(tf)
    layers = tf.keras.layers
    other = tf.keras.Sequential(
        [layers.Dense(4, activation="relu", input_shape=(3,), name="uno"), layers.Dense(2, name="due")]
    )

    def loads(name):
        path = place(name)
        (model.save if name == "m.h5" else model.save_weights)(path)
        fixed(other, 0.25).load_weights(path)
        same(model, other, rows(4, 3))
        return "the same"

    with subject("load_weights (other names)"):
        return {name: tried(loads, name) for name in ("w.weights.h5", "m.h5")}


@behaviour(
    "saving.weights.frozen_since",
    "Do weights saved while a layer in a nested model was frozen load when it no longer is?",
    source="Keras guide, transfer learning and fine-tuning (trainable and the order of weights)",
    needs=("tensorflow",),
)
def frozen_since():
    import tensorflow as tf

    eager(tf)
    layers = tf.keras.layers

    def build():
        inner = tf.keras.Sequential(
            [
                layers.Dense(3, use_bias=False, input_shape=(3,), name="a"),
                layers.BatchNormalization(name="norm"),
                layers.Dense(3, use_bias=False, name="b"),
            ],
            name="inner",
        )
        x = tf.keras.Input((3,), name="x")
        return fixed(tf.keras.Model(x, layers.Dense(2, name="end")(inner(x)))), inner

    def loads(name):
        model, inner = build()
        inner.layers[0].trainable = False
        path = place(name)
        (model.save if name == "m.h5" else model.save_weights)(path)
        other, _ = build()
        other.load_weights(path)
        inner.layers[0].trainable = True
        same(model, other, rows(4, 3))
        return "the same"

    with subject("load_weights (frozen when saved)"):
        return {name: tried(loads, name) for name in ("w.weights.h5", "m.h5")}


@behaviour(
    "saving.weights.tf_format",
    "Do weights saved without an extension (TensorFlow format) come back, and what does load_weights return?",
    source=GUIDE + " (TensorFlow checkpoint format)",
    needs=("tensorflow",),
)
def tf_format():
    import tensorflow as tf

    eager(tf)
    model, other = dense(tf), dense(tf, shift=0.25)
    path = place("weights")
    with subject("save_weights and load_weights (TensorFlow format)"):
        model.save_weights(path)
        status = other.load_weights(path)
        same(model, other, rows(4, 3))
        return type(status).__name__


@check(
    "saving.copies.clone_model",
    "Is a clone a model of its own: other weights at first, the same answers with the original's?",
    source="TensorFlow API documentation, tf.keras.models.clone_model",
    needs=("tensorflow",),
)
def clone_model():
    import tensorflow as tf

    eager(tf)
    model = dense(tf)
    with subject("clone_model"):
        other = tf.keras.models.clone_model(model)
        apart = abs(other.get_weights()[0] - model.get_weights()[0]).max()
        expect(apart > 1e-3, "the clone came with the original's weights")
        other.set_weights(model.get_weights())
        same(model, other, rows(4, 3))
        fixed(other, 0.25)
        expect(abs(model.get_weights()[0] - dense(tf).get_weights()[0]).max() == 0, "the original's weights changed")


@check(
    "saving.copies.from_config",
    "Is a Functional model made anew by from_config(get_config()), its layer names kept?",
    source="Keras guide, serialization (get_config and from_config)",
    needs=("tensorflow",),
)
def from_config():
    import tensorflow as tf

    eager(tf)
    x = tf.keras.Input((3,), name="x")
    model = fixed(tf.keras.Model(x, tf.keras.layers.Dense(2, activation="tanh", name="dense")(x), name="named"))
    with subject("from_config"):
        other = tf.keras.Model.from_config(model.get_config())
        names = [other.name] + [layer.name for layer in other.layers]
        expect(names == ["named", "x", "dense"], "names came back as %r" % (names,))
        other.set_weights(model.get_weights())
        same(model, other, rows(4, 3))


def _through(model, copied):
    same(model, copied(model), rows(4, 3))
    return "the same"


@behaviour(
    "saving.copies.pickle_deepcopy",
    "Can a model be pickled and deep-copied, compiled and not?",
    source="TensorFlow API documentation, tf.keras.Model; Python documentation, pickle",
    needs=("tensorflow",),
)
def pickle_deepcopy():
    import tensorflow as tf

    eager(tf)
    plain, trained = dense(tf), compiled(tf)

    def pickled(model):
        return pickle.loads(pickle.dumps(model))

    with subject("pickle and deepcopy"):
        return {
            "pickle": [tried(_through, plain, pickled), tried(_through, trained, pickled)],
            "deepcopy": [tried(_through, plain, copy.deepcopy), tried(_through, trained, copy.deepcopy)],
        }


@behaviour(
    "saving.copies.yaml",
    "Is there to_yaml and model_from_yaml, and do they work?",
    source="TensorFlow 2.6 release notes (to_yaml and model_from_yaml raise)",
    needs=("tensorflow",),
)
def yaml():
    import tensorflow as tf

    eager(tf)
    model = dense(tf)
    with subject("to_yaml and model_from_yaml"):
        other = tf.keras.models.model_from_yaml(model.to_yaml())
        return [layer.name for layer in other.layers]


@behaviour(
    "saving.copies.json_keys",
    "Which keys and which module and class names does to_json write for a model and for its input?",
    source="Keras guide, saving the architecture",
    needs=("tensorflow",),
)
def json_keys():
    import tensorflow as tf

    eager(tf)
    model = dense(tf)
    with subject("to_json"):
        found = json.loads(model.to_json())
        layers = found["config"]["layers"]
        first = layers[0]
        return {
            "model": sorted(found),
            "config": sorted(found["config"]),
            "layers": [layer["class_name"] for layer in layers],
            "first": sorted(first),
            "input shape": sorted(key for key in first["config"] if "shape" in key),
        }


@behaviour(
    "saving.copies.config_keys",
    "Which keys does get_config of Dense, LSTM and BatchNormalization have?",
    source="TensorFlow API documentation, tf.keras.layers (get_config)",
    needs=("tensorflow",),
    light=True,
)
def config_keys():
    import tensorflow as tf

    with subject("get_config"):
        layers = tf.keras.layers
        return {
            type(layer).__name__: sorted(layer.get_config())
            for layer in (layers.Dense(1), layers.LSTM(1), layers.BatchNormalization())
        }


@behaviour(
    "saving.copies.config_as_json",
    "Can json.dumps write get_config of a model, and does a model come back from what it wrote?",
    source="Keras guide, serialization (get_config and from_config)",
    needs=("tensorflow",),
)
def config_as_json():
    import tensorflow as tf

    eager(tf)
    model = dense(tf)
    with subject("json.dumps(get_config())"):
        other = tf.keras.Sequential.from_config(json.loads(json.dumps(model.get_config())))
        other.set_weights(model.get_weights())
        same(model, other, rows(4, 3))
        return "the same"


@behaviour(
    "saving.copies.names_again",
    "Do two models with layers of the same names go together in one saved model?",
    source="Keras guide, the Functional API (names of layers are unique)",
    needs=("tensorflow",),
)
def names_again():
    import tensorflow as tf

    eager(tf)
    x = tf.keras.Input((3,), name="x")

    def saved(name):
        model = tf.keras.Model(x, tf.keras.layers.Add(name="sum")([dense(tf)(x), dense(tf, shift=0.25)(x)]))
        path = place(name)
        model.save(path)
        same(model, tf.keras.models.load_model(path, compile=False), rows(4, 3))
        return "the same"

    with subject("save (equal layer names in two models)"):
        return {name: tried(saved, name) for name in ("m.h5", "m.keras")}
