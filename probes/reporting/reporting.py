"""Every way people read a version, a backend or a setting, and what it yields."""

import os
import sys

from environment import expected, installed, same_version
from harness import behaviour, check, expect, skip, subject
from homes_fresh import Heard
from spelled import presence, reach

TENSORFLOWS = ("tensorflow", "tensorflow-cpu", "tensorflow-gpu", "tf-nightly", "tf-nightly-cpu")
"""Names of distributions that bring `tensorflow`."""

WORDS = ("CPU instructions", "cuda", "cudart", "FutureWarning", "oneDNN", "protobuf", "registered", "TensorRT")
"""What the lines that TensorFlow writes when it is imported are about."""


def _asked(call):
    """What `call()` returns, or {"raised": TYPE}."""
    try:
        return call()
    except Exception as error:
        return {"raised": type(error).__name__}


@check(
    "reporting.tensorflow_version",
    "Do tf.__version__ and tf.version.VERSION say the version of the installed distribution?",
    source="seed 004 (utilizing the tf.__version__ and keras.__version__ attributes)",
    needs=("tensorflow",),
)
def tensorflow_version():
    import tensorflow as tf

    present = installed()
    brought = [present[name] for name in TENSORFLOWS if name in present]
    with subject("tf.__version__"):
        expect(brought, "no distribution brings tensorflow")
        for spelled, said in (("tf.__version__", tf.__version__), ("tf.version.VERSION", tf.version.VERSION)):
            expect(same_version(said, brought[0]), "%s is %s, installed is %s" % (spelled, said, brought[0]))


@check(
    "reporting.lock_version",
    "Does tf.__version__ say the version that the lock names?",
    source="seed 000 example 1 (Ensure compatible versions. This is crucial.)",
    needs=("tensorflow",),
)
def lock_version():
    import tensorflow as tf

    pins = expected()
    pinned = [pins[name] for name in TENSORFLOWS if name in pins]
    with subject("tf.__version__"):
        expect(pinned, "the lock names no tensorflow")
        expect(same_version(tf.__version__, pinned[0]), "it is %s, the lock has %s" % (tf.__version__, pinned[0]))


@behaviour(
    "reporting.keras_versions",
    "What does each way to ask for Keras' version yield: keras.__version__, tf.keras.__version__, version()?",
    source="seed 000 example 1 (keras.__version__ of tensorflow.keras), CalculatedContent/WeightWatcher issue 279",
    needs=("tensorflow",),
)
def keras_versions():
    import importlib

    import tensorflow as tf

    found = {}
    with subject("keras.__version__"):
        for path in (
            "tf.keras",
            "keras",
            "tensorflow.keras",
            "tensorflow.python.keras",
            "tf_keras",
            "tensorflow.compat.v1.keras",
        ):
            for name in ("__version__", "version"):
                found["%s.%s" % (path, name)] = _asked(
                    lambda path=path, name=name: _version(
                        tf.keras if path == "tf.keras" else importlib.import_module(path), name
                    )
                )
        return found


def _version(module, name):
    value = getattr(module, name)
    return str(value() if callable(value) else getattr(value, "__name__", value))


@behaviour(
    "reporting.versions_agree",
    "Do keras.__version__ and tf.keras.__version__ say the version of the installed keras?",
    source="seed 004 (reviewing the installed versions of both TensorFlow and Keras)",
    needs=("tensorflow",),
)
def versions_agree():
    import tensorflow as tf

    versions = installed()
    if "keras" not in versions:
        skip("no distribution called keras is installed")

    def says(keras):
        return str(keras.__version__) == versions["keras"]

    def standalone():
        import keras

        return says(keras)

    with subject("keras.__version__"):
        return {"keras": _asked(standalone), "tf.keras": _asked(lambda: says(tf.keras))}


@behaviour(
    "reporting.kerassurgeon_version",
    "Does kerassurgeon.__version__, which seed 000 prints, say what is installed?",
    source="seed 000 example 1 (ks.__version__)",
    needs=("tensorflow", "kerassurgeon"),
)
def kerassurgeon_version():
    import kerassurgeon

    with subject("kerassurgeon.__version__"):
        return str(kerassurgeon.__version__) == installed().get("kerassurgeon")


@behaviour(
    "reporting.metadata",
    "Which ways to ask for an installed version work, and do they agree with __version__?",
    source="seed 004 (explicitly define the TensorFlow and Keras versions)",
    needs=("tensorflow",),
)
def metadata():
    import importlib

    import tensorflow as tf

    def resources(name):
        return importlib.import_module("pkg_resources").get_distribution(name).version

    ways = {
        "importlib.metadata": lambda name: importlib.import_module("importlib.metadata").version(name),
        "importlib_metadata": lambda name: importlib.import_module("importlib_metadata").version(name),
        "pkg_resources": resources,
    }
    found = {}
    with subject("version()"):
        for way, ask in sorted(ways.items()):
            for name in ("tensorflow", "tensorflow-cpu"):
                found["%s %s" % (way, name)] = _asked(lambda ask=ask, name=name: ask(name) == tf.__version__)
        return found


@behaviour(
    "reporting.comparing_versions",
    "Which ways to compare tf.__version__ work: split, LooseVersion of distutils, packaging, pkg_resources?",
    source="tensorflow/probability issue 1693 (distutils.version.LooseVersion)",
    needs=("tensorflow",),
)
def comparing_versions():
    import importlib

    import tensorflow as tf

    version = tf.__version__
    ways = {
        "split": lambda: tuple(int(part) for part in version.split(".")[:2]) >= (1, 15),
        "float(version[:3])": lambda: float(version[:3]) >= 1.1,
        "text >= '2.4'": lambda: (version >= "2.4") == (tuple(int(p) for p in version.split(".")[:2]) >= (2, 4)),
        "distutils": lambda: _module("distutils.version").LooseVersion(version) >= "1.15",
        "packaging": lambda: _module("packaging.version").parse(version) >= _module("packaging.version").parse("1.15"),
        "pkg_resources": lambda: (
            _module("pkg_resources").parse_version(version) >= _module("pkg_resources").parse_version("1.15")
        ),
    }

    def _module(name):
        return importlib.import_module(name)

    with subject("tf.__version__"):
        return {name: _asked(way) for name, way in ways.items()}


@behaviour(
    "reporting.build",
    "What do tf.version and tf.sysconfig say of the build: git, compiler, ABI, get_build_info?",
    source="TensorFlow API, tf.version and tf.sysconfig",
    needs=("tensorflow",),
)
def build():
    import tensorflow as tf

    with subject("tf.version"):
        return {
            "GIT_VERSION": _asked(lambda: str(tf.version.GIT_VERSION)),
            "COMPILER_VERSION": _asked(lambda: str(tf.version.COMPILER_VERSION)),
            "GRAPH_DEF_VERSION": _asked(lambda: int(tf.version.GRAPH_DEF_VERSION)),
            "__compiler_version__": _asked(lambda: tf.__compiler_version__ == tf.version.COMPILER_VERSION),
            "CXX11_ABI_FLAG": _asked(lambda: int(tf.sysconfig.CXX11_ABI_FLAG)),
            "get_build_info": _asked(lambda: sorted(tf.sysconfig.get_build_info())),
            "get_lib is a folder": _asked(lambda: os.path.isdir(tf.sysconfig.get_lib())),
            "get_include is a folder": _asked(lambda: os.path.isdir(tf.sysconfig.get_include())),
        }


@behaviour(
    "reporting.accelerators",
    "What do the ways to ask TensorFlow for its devices yield?",
    source="TensorFlow guide, use a GPU",
    needs=("tensorflow",),
)
def accelerators():
    import tensorflow as tf

    calls = {
        "test.is_gpu_available()": lambda: tf.test.is_gpu_available(),
        "test.gpu_device_name()": lambda: tf.test.gpu_device_name(),
        "test.is_built_with_gpu_support()": lambda: tf.test.is_built_with_gpu_support(),
        "test.is_built_with_rocm()": lambda: tf.test.is_built_with_rocm(),
        "test.is_built_with_xla()": lambda: tf.test.is_built_with_xla(),
        "config.list_physical_devices": lambda: [d.device_type for d in tf.config.list_physical_devices()],
        "config.experimental.list_physical_devices": lambda: [
            d.device_type for d in tf.config.experimental.list_physical_devices("CPU")
        ],
        "config.list_logical_devices": lambda: [d.name for d in tf.config.list_logical_devices()],
        "device_lib": lambda: [d.name for d in _device_lib().list_local_devices()],
    }

    def _device_lib():
        from tensorflow.python.client import device_lib

        return device_lib

    with subject("tf.config"):
        return {name: _asked(call) for name, call in calls.items()}


@behaviour(
    "reporting.keras_settings",
    "What do tf.keras.backend's backend(), floatx(), epsilon() and image_data_format() yield by default?",
    source="seed 002 (incompatible backend usage)",
    needs=("tensorflow",),
    light=True,
)
def keras_settings():
    import tensorflow as tf

    names = ("backend", "floatx", "epsilon", "image_data_format", "learning_phase")
    with subject("tf.keras.backend"):
        found = {}
        for name in names:
            value = _asked(lambda name=name: reach(tf.keras.backend, name)())
            found[name] = value if isinstance(value, (str, int, float, dict)) else type(value).__name__
        found["config.floatx"] = _asked(lambda: tf.keras.config.floatx())
        return found


@behaviour(
    "reporting.eager_where",
    "What does tf.executing_eagerly() say at top level, in tf.function, in a graph, and in a layer in predict?",
    source="seed 001 (eager execution versus graph execution)",
    needs=("tensorflow",),
)
def eager_where():
    import numpy as np
    import tensorflow as tf

    said = {"at top level": bool(tf.executing_eagerly())}

    def inside(x):
        said["in tf.function"] = bool(tf.executing_eagerly())
        return x

    class Asking(tf.keras.layers.Layer):
        def call(self, inputs):
            said[at[0]] = bool(tf.executing_eagerly())
            return inputs

    at = ["in a layer of predict"]
    x = np.ones((2, 1), "float32")
    with subject("tf.executing_eagerly"):
        tf.function(inside)(tf.constant(1.0))
        with tf.Graph().as_default():
            said["in a graph"] = bool(tf.executing_eagerly())
        model = tf.keras.Sequential([tf.keras.layers.Dense(1, input_shape=(1,)), Asking()])
        model.predict(x)
        at[0] = "in a layer of predict, run_eagerly"
        refused = _asked(lambda: model.compile("sgd", "mse", run_eagerly=True))
        if refused is None:
            model.predict(x)
        else:
            said[at[0]] = refused
        at[0] = "in a layer called by itself"
        Asking()(tf.constant([[1.0]]))
        return said


@behaviour(
    "reporting.import_prints",
    "What does importing TensorFlow write to the terminal when no log level is set, and the first operation after it?",
    source="TensorFlow guide (TF_CPP_MIN_LOG_LEVEL), seed 004 (cryptic errors)",
    fresh=True,
)
def import_prints():
    os.environ.pop("TF_CPP_MIN_LOG_LEVEL", None)
    with subject("import tensorflow"):
        with Heard() as imported:
            import tensorflow as tf
        with Heard() as first:
            tf.constant([1.0]) + 1.0  # noqa: B018 - what it writes is the question
            tf.keras.backend.floatx()
        return {
            "import": [word for word in WORDS if word.lower() in imported.text.lower()],
            "import is silent": not imported.text.strip(),
            "first operation": [word for word in WORDS if word.lower() in first.text.lower()],
            "first operation is silent": not first.text.strip(),
        }


@behaviour(
    "reporting.logger",
    "What level and handlers does tf.get_logger() have by default, and where is its verbosity set?",
    source="TensorFlow API, tf.get_logger",
    needs=("tensorflow",),
)
def logger():
    import tensorflow as tf

    with subject("tf.get_logger"):
        log = tf.get_logger()
        return {
            "name": log.name,
            "level": log.level,
            "handlers": [type(h).__name__ for h in log.handlers if type(h).__module__.startswith(("logging", "absl"))],
            "propagate": bool(log.propagate),
            "verbosity": presence(tf, ("autograph.set_verbosity", "compat.v1.logging.set_verbosity", "logging")),
            "absl": "absl.logging" in sys.modules,
        }
