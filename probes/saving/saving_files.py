"""What is written: by which names, in which form, with which keys inside."""

import json
import os
import zipfile

from harness import behaviour, check, expect, subject
from saved import compiled, dense, place, rows, same, tried, written
from synthetic import eager

SAVE = "TensorFlow API documentation, tf.keras.Model.save"
SAVE_WEIGHTS = "TensorFlow API documentation, tf.keras.Model.save_weights"


def text(value):
    """An HDF5 attribute as [type, text]: old h5py gives bytes or str, and arrays of either."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, (list, tuple)):
        return [text(one) for one in value]
    return [type(value).__name__, value.decode("utf-8") if isinstance(value, bytes) else str(value)]


def whole(tf):
    """An open h5py.File of the compiled model saved whole."""
    import h5py

    path = place("model.h5")
    compiled(tf).save(path)
    return h5py.File(path, "r")


@behaviour(
    "saving.files.h5_attributes",
    "Which attributes and groups does a whole-model .h5 file have at its top?",
    source=SAVE,
    needs=("tensorflow",),
)
def h5_attributes():
    import tensorflow as tf

    eager(tf)
    with subject("save (.h5)"):
        with whole(tf) as file:
            return {"attributes": sorted(file.attrs), "groups": sorted(file), "backend": text(file.attrs["backend"])}


@behaviour(
    "saving.files.h5_keras_version",
    "Which keras_version does a .h5 file name, compared with tf.keras.__version__?",
    source=SAVE,
    needs=("tensorflow",),
)
def h5_keras_version():
    import tensorflow as tf

    eager(tf)
    with subject("keras_version of a .h5 file"):
        with whole(tf) as file:
            named = text(file.attrs["keras_version"])[1]
        return {"file": named, "tf.keras.__version__": getattr(tf.keras, "__version__", None)}


@behaviour(
    "saving.files.h5_names",
    "Are layer and weight names in a .h5 file read as bytes or str, and how are weights called?",
    source="h5py 3.0 release notes (strings are read as str)",
    needs=("tensorflow",),
)
def h5_names():
    import tensorflow as tf

    eager(tf)
    with subject("names in a .h5 file"):
        with whole(tf) as file:
            group = file["model_weights"]
            return {
                "layer_names": text(group.attrs["layer_names"]),
                "weight_names": text(group["first"].attrs["weight_names"]),
            }


@check(
    "saving.files.h5_values",
    "Do the arrays in a .h5 file, read by h5py alone, hold the model's weights?",
    source="Keras FAQ (weights in HDF5)",
    needs=("tensorflow",),
)
def h5_values():
    import h5py
    import numpy as np
    import tensorflow as tf

    eager(tf)
    model = dense(tf)
    path = place("model.h5")
    with subject("save (.h5) and h5py"):
        model.save(path)
        found = []
        with h5py.File(path, "r") as file:
            group = file["model_weights"]
            for layer in group.attrs["layer_names"]:
                names = group[layer].attrs["weight_names"]
                found.extend(np.array(group[layer][name]) for name in names)
        wanted = model.get_weights()
        expect(len(found) == len(wanted), "%d arrays for %d weights" % (len(found), len(wanted)))
        equal = [np.array_equal(one, other) for one, other in zip(found, wanted)]  # noqa: B905
        expect(all(equal), "equal to the weights: %r" % (equal,))


@behaviour(
    "saving.files.keras_members",
    "Which members does a .keras file have, and which keys do its JSON files?",
    source="Keras guide, whole-model saving and loading (the .keras format)",
    needs=("tensorflow",),
)
def keras_members():
    import tensorflow as tf

    eager(tf)
    path = place("model.keras")
    with subject("save (.keras)"):
        compiled(tf).save(path)
        if not zipfile.is_zipfile(path):
            return written(path)
        with zipfile.ZipFile(path) as archive:
            found = {"members": sorted(archive.namelist())}
            for name in ("metadata.json", "config.json"):
                found[name] = sorted(json.loads(archive.read(name).decode("utf-8")))
        return found


@behaviour(
    "saving.files.keras_layer_entry",
    "With which keys does a .keras file describe a Dense layer?",
    source="Keras guide, serialization (registered_name, build_config)",
    needs=("tensorflow",),
)
def keras_layer_entry():
    import tensorflow as tf

    eager(tf)
    path = place("model.keras")
    with subject("save (.keras), entry of a layer"):
        dense(tf).save(path)
        if not zipfile.is_zipfile(path):
            return written(path)
        with zipfile.ZipFile(path) as archive:
            layers = json.loads(archive.read("config.json").decode("utf-8"))["config"]["layers"]
        entry = layers[-1]
        return {
            "keys": sorted(entry),
            "module": entry.get("module"),
            "class_name": entry["class_name"],
            "config": sorted(entry["config"]),
        }


@behaviour(
    "saving.files.keras_weights_layout",
    "Under which paths does a .weights.h5 file hold the weights of a Sequential model?",
    source=SAVE_WEIGHTS,
    needs=("tensorflow",),
)
def weights_layout():
    import h5py
    import tensorflow as tf

    eager(tf)
    path = place("model.weights.h5")
    names = []

    def note(name, item):
        if hasattr(item, "shape"):
            names.append(name)

    with subject("save_weights (.weights.h5)"):
        dense(tf).save_weights(path)
        with h5py.File(path, "r") as file:
            file.visititems(note)
        return sorted(names)


@behaviour(
    "saving.files.weights_names",
    "What does save_weights write for each way to name the target?",
    source=SAVE_WEIGHTS,
    needs=("tensorflow",),
)
def weights_names():
    import tensorflow as tf

    eager(tf)
    model = dense(tf)

    def writes(name, **options):
        path = place(name)
        model.save_weights(path, **options)
        return written(path)

    with subject("save_weights"):
        found = {name: tried(writes, name) for name in ("w", "w.h5", "w.weights.h5", "w.keras", "w.ckpt")}
        found["save_format=h5"] = tried(writes, "w", save_format="h5")
        found["save_format=tf"] = tried(writes, "w", save_format="tf")
        return found


@behaviour(
    "saving.files.folder_members",
    "Which files does tf.saved_model.save write for a Keras model?",
    source="TensorFlow guide, using the SavedModel format",
    needs=("tensorflow",),
)
def folder_members():
    import tensorflow as tf

    eager(tf)
    path = place("model")
    with subject("tf.saved_model.save"):
        tf.saved_model.save(dense(tf), path)
        found = []
        for folder, names, files in os.walk(path):
            found.extend(os.path.relpath(os.path.join(folder, name), path) for name in files)
            found.extend(os.path.relpath(os.path.join(folder, name), path) + "/" for name in names)
        return sorted(found)


@behaviour(
    "saving.files.save_format",
    "What does model.save write with save_format 'h5', 'tf' and 'keras'?",
    source="Keras guide, migrating Keras 2 code to Keras 3 (saving)",
    needs=("tensorflow",),
)
def save_format():
    import tensorflow as tf

    eager(tf)
    model = dense(tf)

    def writes(name, kind):
        path = place(name)
        model.save(path, save_format=kind)
        return written(path)

    with subject("save(save_format=…)"):
        found = {kind: tried(writes, "model", kind) for kind in ("h5", "tf", "keras")}
        found["h5, model.keras"] = tried(writes, "model.keras", "h5")
        return found


@behaviour(
    "saving.files.extensions",
    "What does model.save write under other extensions, and for a pathlib.Path?",
    source=SAVE,
    needs=("tensorflow",),
)
def extensions():
    import pathlib

    import tensorflow as tf

    eager(tf)
    model = dense(tf)

    def writes(name, kind=str):
        path = place(name)
        model.save(kind(path) if kind is not str else path)
        return written(path)

    with subject("save"):
        found = {name: tried(writes, name) for name in ("m.hdf5", "m.H5")}
        found["Path(m.h5)"] = tried(writes, "m.h5", pathlib.Path)
        return found


@behaviour(
    "saving.files.open_file",
    "Can a model be saved to and loaded from an open h5py.File, in memory?",
    source="TensorFlow API documentation, tf.keras.models.load_model (filepath)",
    needs=("tensorflow",),
)
def open_file():
    import h5py
    import tensorflow as tf

    eager(tf)
    model = dense(tf)
    with subject("save and load_model (h5py.File)"):
        with h5py.File("memory.h5", "w", driver="core", backing_store=False) as file:
            model.save(file)
            same(model, tf.keras.models.load_model(file, compile=False), rows(4, 3))
        return "the same"


@behaviour(
    "saving.files.overwrite",
    "Does save(overwrite=False) ask before it replaces a file, and keep it when the answer is no?",
    source=SAVE + " (overwrite)",
    needs=("tensorflow",),
)
def overwrite():
    import builtins

    import tensorflow as tf

    eager(tf)
    model = dense(tf)
    asked = []
    builtins.input = lambda *words: asked.append(words) or "n"

    def keeps(name):
        path = place(name)
        with open(path, "w") as file:
            file.write("mine")
        del asked[:]
        result = tried(model.save, path, overwrite=False)
        with open(path, "rb") as file:
            return {"asks": len(asked), "kept": file.read() == b"mine", "result": result}

    with subject("save(overwrite=False)"):
        return {name: keeps(name) for name in ("model.h5", "model.keras")}


@behaviour(
    "saving.files.times_inside",
    "Do .h5 and .keras files hold the time they were saved at, so that no two are equal?",
    source="h5py documentation (track_times); Keras guide, whole-model saving and loading",
    needs=("tensorflow",),
)
def times_inside():
    import h5py
    import tensorflow as tf

    eager(tf)
    model = dense(tf)
    with subject("save"):
        first, second = place("model.h5"), place("model.keras")
        model.save(first)
        model.save(second)
        kernel = []
        with h5py.File(first, "r") as file:
            file.visititems(lambda name, item: kernel.append(item) if hasattr(item, "shape") else None)
            found = {"h5": bool(h5py.h5g.get_objinfo(kernel[0].id).mtime)}
        if zipfile.is_zipfile(second):
            with zipfile.ZipFile(second) as archive:
                found["keras"] = "date_saved" in json.loads(archive.read("metadata.json").decode("utf-8"))
                found["keras, zip entries"] = any(one.date_time[0] > 1980 for one in archive.infolist())
        return found
