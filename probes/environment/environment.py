"""What is installed and importable in this cell: TensorFlow itself, the lock's versions, and where Keras lives."""

import importlib
import importlib.util
import json
import os
import sys

from harness import behaviour, check, expect, skip, subject

STANDARD_LIBRARY = (
    "bz2", "csv", "ctypes", "curses", "dbm.gnu", "decimal", "ensurepip", "hashlib", "lzma", "multiprocessing",
    "readline", "sqlite3", "ssl", "tkinter", "unittest", "uuid", "venv", "xml.etree.ElementTree", "zlib",
)  # fmt: skip
"""Modules that a CPython built without some library lacks."""


def expected():
    """The lock's pins, name → version. The supervisor passes them on as `COMPAT_EXPECTED` (JSON); skips without."""
    pins = json.loads(os.environ.get("COMPAT_EXPECTED", "{}"))
    if not pins:
        skip("no lock was given to compare with")
    return pins


def normal(name):
    """A distribution's name as indexes compare it."""
    return name.lower().replace("_", "-").replace(".", "-")


def _field(text, name):
    for line in text.splitlines():
        if line.lower().startswith(name + ":"):
            return line.split(":", 1)[1].strip()
    return ""


def installed():
    """Installed distributions, normal name → version, read from the *.dist-info and *.egg-info on the path.

    By hand, since importlib.metadata comes with 3.8 and setuptools need not be there.
    """
    versions = {}
    for folder in sys.path:
        for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else ():
            if not name.endswith((".dist-info", ".egg-info")):
                continue
            path = os.path.join(folder, name)
            if os.path.isdir(path):
                path = os.path.join(path, "METADATA" if name.endswith(".dist-info") else "PKG-INFO")
            if os.path.exists(path):
                with open(path, encoding="utf-8", errors="replace") as file:
                    text = file.read().split("\n\n")[0]
                # The first on the path is the one that an import gets.
                versions.setdefault(normal(_field(text, "name")), _field(text, "version"))
    return versions


def same_version(one, other):
    """Whether two spellings mean one version, so far as lock files and metadata differ: case and leading v."""
    return one.lower().lstrip("v") == other.lower().lstrip("v")


@check(
    "environment.import_tensorflow",
    "Does TensorFlow import?",
    source="seeds 000 to 004 (their first line)",
    needs=("tensorflow",),
)
def import_tensorflow():
    with subject("import tensorflow"):
        import tensorflow as tf

        expect(bool(tf.__version__), "tensorflow has no version")
        expect(tf.constant([1]).shape.as_list() == [1], "a constant has the wrong shape")


@check(
    "environment.versions",
    "Is every distribution of the lock installed in the version it names?",
    source="the lock of the cell",
)
def versions():
    wanted = expected()
    with subject("installed versions"):
        present = installed()
        wrong = []
        for name in sorted(wanted):
            found = present.get(normal(name))
            if found is None or not same_version(found, wanted[name]):
                wrong.append("%s %s, not %s" % (name, found or "absent", wanted[name]))
        expect(not wrong, "; ".join(wrong))


@check(
    "environment.keras_home",
    "Does tf.keras import and offer models, layers, optimizers and load_model?",
    source="seed 001 (Keras is TensorFlow's high-level API)",
    needs=("tensorflow",),
)
def keras_home():
    with subject("tf.keras"):
        import tensorflow as tf
        from tensorflow import keras

        expect(tf.keras.Model is keras.Model, "tf.keras and tensorflow.keras are not one")
        for part in (keras.Sequential, keras.Model, keras.layers.Dense, keras.optimizers.Adam, keras.models.load_model):
            expect(callable(part), "%r can't be called" % (part,))


def _home(kind):
    """The package a class really is in: as much of its module as is stable ("tensorflow.python.keras", "keras")."""
    module = kind.__module__
    for home in ("tensorflow.python.keras", "tensorflow_core.python.keras", "tf_keras", "keras"):
        if module == home or module.startswith(home + "."):
            return home
    return module


@behaviour(
    "environment.tf_keras",
    "Which Keras is tf.keras?",
    source="seed 000 (which Keras does TensorFlow include?)",
    needs=("tensorflow",),
    light=True,
)
def tf_keras():
    with subject("tf.keras"):
        import tensorflow as tf

        home = _home(tf.keras.Model)
        package = home.split(".")[0]
        return {
            "home": home,
            "package": "%s %s" % (package, getattr(sys.modules[package], "__version__", "none")),
            "tf.keras.__version__": str(getattr(tf.keras, "__version__", "none")),
        }


@behaviour(
    "environment.keras",
    "What does 'import keras' give, with which backend, and is it the Keras of TensorFlow?",
    source="seed 004 (from keras import layers) and seed 002 (keras and tf.keras in one environment)",
    needs=("tensorflow",),
)
def keras():
    with subject("import keras"):
        import keras

        found = {"version": str(getattr(keras, "__version__", "none")), "home": _home(keras.Model)}
        backend = getattr(keras, "backend", None)
        found["backend"] = backend.backend() if hasattr(backend, "backend") else "none"
        import tensorflow as tf

        found["tf.keras"] = str(getattr(tf.keras, "__version__", "none"))
        found["one Model class"] = keras.Model is tf.keras.Model
        return found


@behaviour(
    "environment.tensorflow_keras_import",
    "Which spellings of importing Keras from TensorFlow work?",
    source="seed 002 (replace keras imports with tf.keras imports)",
    needs=("tensorflow",),
)
def tensorflow_keras_import():
    found = {}
    for name in ("tensorflow.keras", "tensorflow.keras.layers", "tensorflow.python.keras", "keras.layers", "tf_keras"):
        try:
            importlib.import_module(name)
        except Exception as error:
            found[name] = {"raised": type(error).__name__}
        else:
            found[name] = "imports"
    return found


@behaviour(
    "environment.kerassurgeon_imports",
    "Which Keras does KerasSurgeon import, standalone or TensorFlow's?",
    source="seed 000 (which Keras does KerasSurgeon rely on?)",
    needs=("tensorflow",),
)
def kerassurgeon_imports():
    if importlib.util.find_spec("kerassurgeon") is None:
        skip("kerassurgeon is not installed here")
    with subject("import kerassurgeon"):
        before = set(name.split(".")[0] for name in sys.modules)
        import kerassurgeon

        brought = set(name.split(".")[0] for name in sys.modules) - before
        asked = ("keras", "pandas", "PIL", "tensorflow", "tf_keras")
        return {
            "version": str(getattr(kerassurgeon, "__version__", "none")),
            "imports": sorted(brought.intersection(asked)),
        }


@behaviour(
    "environment.missing_modules",
    "Which modules of the standard library can't be imported here?",
    source="the base of the cell",
    fresh=True,
)
def missing_modules():
    missing = []
    for name in STANDARD_LIBRARY:
        try:
            importlib.import_module(name)
        except ImportError:
            missing.append(name)
    return missing


@behaviour(
    "environment.tensorflow_build",
    "Was this TensorFlow built with CUDA, and how does it execute by default?",
    source="seed 001 (eager execution versus graph execution)",
    needs=("tensorflow",),
    light=True,
)
def tensorflow_build():
    import tensorflow as tf

    with subject("tf.test"):
        return {"cuda": bool(tf.test.is_built_with_cuda()), "eager": bool(tf.executing_eagerly())}
