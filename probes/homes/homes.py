"""Where Keras lives: which module paths import, and whether what they give is one Keras or several."""

import importlib
import importlib.util
import os
import sys

from harness import behaviour, subject
from spelled import imports, reach
from synthetic import eager

PATHS = ("tf.keras", "tensorflow.keras", "keras", "tensorflow.python.keras")
"""The ways to spell Keras; `tf` is the imported tensorflow, the others are imported by name."""


def keras_at(path):
    """The Keras that `path` of `PATHS` leads to; raises what importing it raises."""
    if path == "tf.keras":
        import tensorflow as tf

        return tf.keras
    return importlib.import_module(path)


def same_as(paths, name):
    """Groups of paths whose attribute `name` is one and the same object; those without it by what they raise."""
    groups, failed = [], {}
    for path in paths:
        try:
            found = reach(keras_at(path), name)
        except Exception as error:
            failed[path] = type(error).__name__
            continue
        for group in groups:
            if group[0] is found:
                group[1].append(path)
                break
        else:
            groups.append((found, [path]))
    result = {"same": [group[1] for group in groups]}
    if failed:
        result["raised"] = failed
    return result


@behaviour(
    "homes.old_modules",
    "Which module paths of Keras 2 and 1 import: keras.engine, keras.utils.np_utils, keras.layers.core, …?",
    source="seed 002 (replace keras imports), keras-team/keras issue 18593 (No module named 'keras.engine')",
    needs=("tensorflow",),
)
def old_modules():
    with subject("import keras.engine"):
        return imports(
            (
                "keras", "keras.engine", "keras.engine.topology", "keras.engine.base_layer",
                "keras.engine.training", "keras.engine.saving", "keras.legacy", "keras.objectives",
                "keras.layers.advanced_activations", "keras.layers.convolutional", "keras.layers.core",
                "keras.layers.embeddings", "keras.layers.merge", "keras.layers.normalization",
                "keras.layers.pooling", "keras.layers.recurrent", "keras.layers.wrappers", "keras.optimizers",
                "keras.preprocessing.image", "keras.preprocessing.text", "keras.utils.data_utils",
                "keras.utils.generic_utils", "keras.utils.layer_utils", "keras.utils.np_utils",
                "keras.utils.vis_utils", "keras.utils.training_utils", "keras.backend.tensorflow_backend",
                "keras.wrappers.scikit_learn", "keras.saving.hdf5_format", "keras.optimizer_v2",
                "keras.datasets.mnist",
            )
        )  # fmt: skip


@behaviour(
    "homes.new_modules",
    "Which module paths of newer Keras import: keras.src, keras.api, keras.ops, keras.saving, …?",
    source="keras-team/keras issue 18878 (No module named 'keras.src')",
    needs=("tensorflow",),
)
def new_modules():
    with subject("import keras.src"):
        return imports(
            (
                "keras.src", "keras.src.engine", "keras.src.layers", "keras.src.backend", "keras.api",
                "keras.api._v2.keras", "keras.api.layers", "keras._tf_keras.keras", "keras.ops", "keras.random",
                "keras.saving", "keras.mixed_precision", "keras.distribution", "keras.export", "keras.tree",
                "keras.utils.legacy", "keras.legacy.saving", "keras.dtensor", "keras.integration_test",
                "keras.premade_models", "keras.feature_column",
            )
        )  # fmt: skip


@behaviour(
    "homes.tensorflow_modules",
    "Which paths of Keras inside TensorFlow import as modules: tensorflow.keras.layers, tensorflow.python.keras.…?",
    source="seed 002 (from keras.models import Sequential becomes tensorflow.keras.models)",
    needs=("tensorflow",),
)
def tensorflow_modules():
    with subject("import tensorflow.keras"):
        return imports(
            (
                "tensorflow.keras", "tensorflow.keras.applications.vgg16", "tensorflow.keras.backend",
                "tensorflow.keras.callbacks", "tensorflow.keras.datasets.mnist", "tensorflow.keras.initializers",
                "tensorflow.keras.layers", "tensorflow.keras.layers.experimental.preprocessing",
                "tensorflow.keras.losses", "tensorflow.keras.models", "tensorflow.keras.optimizers",
                "tensorflow.keras.preprocessing.image", "tensorflow.keras.preprocessing.sequence",
                "tensorflow.keras.preprocessing.text", "tensorflow.keras.utils",
                "tensorflow.keras.wrappers.scikit_learn", "tensorflow.python.keras",
                "tensorflow.python.keras.applications.vgg16", "tensorflow.python.keras.backend",
                "tensorflow.python.keras.engine.base_layer", "tensorflow.python.keras.engine.training",
                "tensorflow.python.keras.layers", "tensorflow.python.keras.models",
                "tensorflow.python.keras.utils.np_utils", "tensorflow.python.keras.layers.core",
                "tensorflow.python.keras.saving.hdf5_format", "tensorflow.compat.v1.keras",
                "tensorflow.compat.v2.keras", "tensorflow.contrib.keras", "tensorflow.estimator",
                "tensorflow.keras.estimator", "tensorflow_core.python.keras",
            )
        )  # fmt: skip


@behaviour(
    "homes.companions",
    "Which packages around Keras can be imported: keras_preprocessing, keras_applications, tf_keras, keras_core, …?",
    source="seed 000 (version alignment of Keras and TensorFlow), TensorFlow 2.16 release notes (tf_keras)",
    needs=("tensorflow",),
)
def companions():
    names = (
        "keras_applications", "keras_contrib", "keras_core", "keras_preprocessing", "keras_tuner",
        "tensorflow_addons", "tensorflow_estimator", "tensorflow_hub", "tensorflow_io", "tf_keras",
    )  # fmt: skip
    with subject("find_spec"):
        return sorted(name for name in names if importlib.util.find_spec(name) is not None)


@behaviour(
    "homes.statements",
    "Which import statements of Keras work, as people write them?",
    source="seed 004 (from tensorflow import keras; from keras import layers) and seed 002 example 1",
    needs=("tensorflow",),
)
def statements():
    lines = (
        "from tensorflow.keras.layers import Dense",
        "from tensorflow.keras import layers",
        "from tensorflow import keras; keras.layers.Dense",
        "from tensorflow import keras; from keras import layers",
        "from tensorflow import keras; from keras.layers import Dense",
        "import tensorflow.keras as keras",
        "import tensorflow.keras.layers as layers",
        "import tensorflow.keras.backend as K; K.dot",
        "from tensorflow.keras.utils import to_categorical",
        "from tensorflow.keras.layers.experimental import preprocessing",
        "from tensorflow.keras.layers.experimental.preprocessing import Rescaling",
        "from tensorflow.python.keras.layers import Dense",
        "from tensorflow.python.keras import backend as K; K.dot",
        "from tensorflow.python.keras.utils.np_utils import to_categorical",
        "from tensorflow.keras.optimizers import Adam",
        "from tensorflow.keras.optimizers.legacy import Adam",
        "from tensorflow.keras.preprocessing.image import ImageDataGenerator",
        "from keras.layers import Dense",
        "from keras import backend as K; K.dot",
        "from keras.optimizers import Adam",
        "from keras.utils import to_categorical",
        "from keras.utils.np_utils import to_categorical",
        "from keras.layers import BatchNormalization",
        "from keras.layers.normalization import BatchNormalization",
        "from keras.preprocessing.image import ImageDataGenerator",
        "from keras.engine import Layer",
        "from keras.engine.topology import Layer",
        "from keras.models import load_model",
        "from keras.utils import plot_model",
        "from keras.utils import multi_gpu_model",
        "from keras.wrappers.scikit_learn import KerasClassifier",
    )
    found = {"works": []}
    with subject("import"):
        for line in lines:
            try:
                exec(line, {})
            except Exception as error:
                found.setdefault("raises " + type(error).__name__, []).append(line)
            else:
                found["works"].append(line)
        return found


@behaviour(
    "homes.found_without_import",
    "Is there a folder tensorflow/keras, where editors look for tensorflow.keras, and which others hold a Keras?",
    source="microsoft/pylance-release issue 3753 (import tensorflow.keras could not be resolved)",
    needs=("tensorflow",),
)
def found_without_import():
    with subject("the folder tensorflow/keras"):
        found = {}
        for name in ("tensorflow/keras", "tensorflow/python/keras", "tensorflow_core/python/keras", "keras/layers"):
            found[name] = any(os.path.isdir(os.path.join(folder, *name.split("/"))) for folder in sys.path)
        return found


@behaviour(
    "homes.lazy",
    "Is Keras imported with TensorFlow or only when tf.keras is touched, and of which class is tf.keras?",
    source="TensorFlow 2.6 release notes (Keras split into its own package)",
    needs=("tensorflow",),
)
def lazy():
    import tensorflow as tf

    def loaded():
        names = ("keras", "tf_keras", "tensorflow.python.keras.engine.training", "tensorflow.keras")
        return [name for name in names if name in sys.modules]

    with subject("tf.keras"):
        found = {"after import tensorflow": loaded(), "class before": type(tf.__dict__.get("keras")).__name__}
        found["name"] = tf.keras.__name__
        found["after tf.keras"] = loaded()
        tf.keras.layers.Dense  # noqa: B018 - what touching it brings in
        found["after tf.keras.layers.Dense"] = loaded()
        found["class after"] = type(tf.__dict__.get("keras")).__name__
        return found


@behaviour(
    "homes.modules_of_classes",
    "In which modules are Dense, Model, Adam, load_model and ImageDataGenerator of tf.keras really defined?",
    source="seed 004 (mismatch between the Keras API and the TensorFlow version)",
    needs=("tensorflow",),
)
def modules_of_classes():
    import tensorflow as tf

    names = (
        "layers.Dense", "layers.LSTM", "layers.BatchNormalization", "Model", "Sequential", "optimizers.Adam",
        "losses.MeanSquaredError", "metrics.Mean", "models.load_model", "callbacks.EarlyStopping",
        "preprocessing.image.ImageDataGenerator", "preprocessing.text.Tokenizer", "utils.to_categorical",
        "backend.dot",
    )  # fmt: skip
    with subject("__module__"):
        return {name: reach(tf.keras, name).__module__ for name in names}


@behaviour(
    "homes.same_classes",
    "Are Dense, Model, Adam, load_model and backend one and the same by each path to Keras?",
    source="seed 002 (keras and tf.keras), seed 004 (from tensorflow import keras; from keras import layers)",
    needs=("tensorflow",),
)
def same_classes():
    with subject("keras and tf.keras"):
        names = ("Model", "layers.Dense", "optimizers.Adam", "models.load_model", "callbacks.Callback", "backend")
        return {name: same_as(PATHS, name) for name in names}


@behaviour(
    "homes.backend_by_path",
    "Does K.dot multiply, by each path to keras.backend?",
    source="seed 004 example 3 (from keras import backend as K; K.dot)",
    needs=("tensorflow",),
)
def backend_by_path():
    import numpy as np
    import tensorflow as tf

    eager(tf)
    found = {}
    with subject("keras.backend"):
        for path in PATHS + ("keras.src", "tensorflow.compat.v1.keras"):
            try:
                product = keras_at(path).backend.dot(tf.constant([[1.0, 2.0]]), tf.constant([[3.0], [4.0]]))
                found[path] = "multiplies" if float(np.array(product)[0, 0]) == 11.0 else "is wrong"
            except Exception as error:
                found[path] = type(error).__name__
        return found


def _floatx(path):
    try:
        return keras_at(path).backend.floatx()
    except Exception:
        return ""  # what is raised is named where this path is the one that sets


@behaviour(
    "homes.settings_shared",
    "Is a setting of keras.backend (floatx, image_data_format) seen by tf.keras and tensorflow.python.keras?",
    source="seed 002 (using both keras and tensorflow in the same environment)",
    needs=("tensorflow",),
)
def settings_shared():
    found = {}
    with subject("keras.backend.set_floatx"):
        for setter in PATHS:
            try:
                keras_at(setter).backend.set_floatx("float64")
            except Exception as error:
                found[setter] = type(error).__name__
                continue
            seen = [path for path in PATHS if _floatx(path) == "float64"]
            keras_at(setter).backend.set_floatx("float32")
            found[setter] = seen
        return found
