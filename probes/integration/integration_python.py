"""TensorFlow with the small libraries it stands on: wrapt, gast, absl, ml_dtypes, setuptools and others."""

import importlib
import importlib.util

from harness import assert_close, behaviour, check, expect, subject
from plain import outcome, outcomes, rounded
from synthetic import eager


@check(
    "integration.gast.autograph",
    "Does tf.function turn if, for, while, break and and/or on tensors into a graph that computes right?",
    source="TensorFlow guide, tf.function: AutoGraph transformations (needs a fitting gast)",
    needs=("tensorflow",),
)
def autograph():
    import tensorflow as tf

    eager(tf)

    @tf.function
    def collatz(n):
        steps = tf.constant(0)
        while n != 1 and steps < 100:
            if n % 2 == 0:
                n = n // 2
            else:
                n = 3 * n + 1
            steps += 1
        return steps

    @tf.function
    def summed(values, limit):
        total = tf.constant(0)
        for value in values:
            if value < 0:
                continue
            if total > limit:
                break
            total += value
        return total

    with subject("tf.function"):
        assert_close(collatz(tf.constant(6)), 8, what="steps from 6")
        assert_close(collatz(tf.constant(1)), 0, what="steps from 1")
        assert_close(summed(tf.constant([1, -5, 3, 4, 9]), tf.constant(3)), 4, what="sum with continue and break")


@behaviour(
    "integration.gast.newer_python",
    "Which newer Python syntax and features does tf.function take: f-strings, lambdas, walrus, match, closures?",
    source="TensorFlow guide, tf.function: AutoGraph limitations",
    needs=("tensorflow",),
)
def newer_python():
    import os
    import tempfile

    import tensorflow as tf

    eager(tf)
    sources = {
        "f-string": "def f(x):\n    f'{x.shape!r}'\n    if x > 1:\n        x = x * 2\n    return x\n",
        "walrus": "def f(x):\n    if (y := x * 2) > 1:\n        x = y\n    return x\n",
        "match": "def f(x):\n    match 1:\n        case 1:\n            x = x * 2\n    return x\n",
        "type hints": "def f(x: 'int', *, k: float = 2.0) -> 'int':\n    if x > 1:\n        x = x * k\n    return x\n",
        "positional only": "def f(x, /):\n    if x > 1:\n        x = x * 2\n    return x\n",
        "try": "def f(x):\n    try:\n        x = x * 2\n    finally:\n        pass\n    return x\n",
        "lambda": "f = lambda x: x * 2 if x > 1 else x\n",
    }

    def run(name):
        path = os.path.join(tempfile.mkdtemp(), "written.py")
        with open(path, "w") as file:
            file.write(sources[name])
        space = {}
        exec(compile(sources[name], path, "exec"), space)
        return tf.function(space["f"])(tf.constant(2.0))

    with subject("tf.function"):
        return outcomes([(name, lambda name=name: run(name)) for name in sorted(sources)])


@check(
    "integration.wrapt.tracked_attributes",
    "Do lists and dictionaries as attributes of a tf.Module hold their variables, compare, and copy?",
    source="tensorflow/tensorflow issue 59869 (this __dict__ descriptor does not support '_DictWrapper' objects)",
    needs=("tensorflow",),
)
def tracked_attributes():
    import copy
    import json

    import tensorflow as tf

    eager(tf)

    class Holder(tf.Module):
        def __init__(self):
            super(Holder, self).__init__()
            self.named = {"b": tf.Variable(1.0), "a": [tf.Variable(2.0)]}
            self.listed = [tf.Variable(3.0), (tf.Variable(4.0),)]
            self.plain = {"x": 1, "y": [2]}

    with subject("tf.Module"):
        holder = Holder()
        holder.listed.append(tf.Variable(5.0))
        found = sorted(float(v.numpy()) for v in holder.variables)
        expect(found == [1.0, 2.0, 3.0, 4.0, 5.0], "variables found: %r" % found)
        expect(holder.plain == {"x": 1, "y": [2]}, "the plain dictionary became %r" % holder.plain)
        expect(isinstance(holder.plain, dict) and isinstance(holder.listed, list), "no dictionary or list any more")
        expect(copy.copy(holder.plain) == holder.plain, "a copy differs")
        checkpoint = tf.train.Checkpoint(holder=holder)
        expect(len(tf.nest.flatten(dict(holder.named))) == 2, "nest.flatten")
        expect(checkpoint is not None and json.loads("1") == 1, "no checkpoint")


@behaviour(
    "integration.wrapt.dictionary_types",
    "As which types does a model give back its list, dictionary and tuple attributes, and do they pickle?",
    source="TensorFlow API, Module (attributes are tracked through wrappers)",
    needs=("tensorflow",),
)
def dictionary_types():
    import copy
    import json
    import pickle

    import tensorflow as tf

    eager(tf)

    def kept(holder):
        holder.d, holder.l, holder.t = {"a": 1}, [1, 2], (1, 2)
        return {
            "types": [type(value).__name__ for value in (holder.d, holder.l, holder.t)],
            "json": outcome(lambda: json.dumps([holder.d, holder.l, holder.t])),
            "pickle": outcome(lambda: str(pickle.loads(pickle.dumps(holder.d)) == {"a": 1})),
            "deepcopy": outcome(lambda: str(copy.deepcopy(holder.d) == {"a": 1})),
            "isinstance": [isinstance(holder.d, dict), isinstance(holder.l, list)],
            "merged": outcome(lambda: sorted(dict(holder.d, b=2))),
        }

    with subject("attributes of a model"):
        return {
            "Layer": outcome(lambda: kept(tf.keras.layers.Layer())),
            "Module": outcome(lambda: kept(tf.Module())),
            "Checkpoint": outcome(lambda: kept(tf.train.Checkpoint())),
        }


@behaviour(
    "integration.absl.logging_and_flags",
    "What do TensorFlow's loggers and absl's flags look like after the import?",
    source="absl-py documentation; TensorFlow API, get_logger",
    needs=("tensorflow",),
    light=True,
)
def logging_and_flags():
    import logging

    import tensorflow as tf

    def flags():
        from absl import flags

        return flags.FLAGS.is_parsed()

    def handlers(logger):
        # one with an underscore belongs to what watches the probe
        return [type(h).__name__ for h in logger.handlers if not type(h).__name__.startswith("_")]

    with subject("tf.get_logger"):
        return outcomes(
            [
                ("logger's name", lambda: tf.get_logger().name),
                ("its level", lambda: logging.getLevelName(tf.get_logger().level)),
                ("it propagates", lambda: tf.get_logger().propagate),
                ("its handlers", lambda: handlers(tf.get_logger())),
                ("root handlers", lambda: handlers(logging.getLogger())),
                ("flags parsed", flags),
                ("tf.compat.v1.flags", lambda: tf.compat.v1.flags.FLAGS.is_parsed()),
            ]
        )


@behaviour(
    "integration.ml_dtypes.bfloat16",
    "What do bfloat16, float8 and int4 tensors look like in NumPy, and do they compute?",
    source="ml_dtypes documentation; TensorFlow API, dtypes",
    needs=("tensorflow",),
)
def bfloat16():
    import numpy as np
    import tensorflow as tf

    eager(tf)
    half = tf.cast(tf.constant([1.0, 2.5, 3.14159]), tf.bfloat16)
    with subject("tf.bfloat16"):
        return outcomes(
            [
                ("type in NumPy", lambda: str(half.numpy().dtype)),
                ("values", lambda: half.numpy().astype("float32")),
                ("sum", lambda: tf.cast(tf.reduce_sum(half), tf.float32)),
                ("NumPy's sum", lambda: float(np.sum(half.numpy()))),
                ("as_numpy_dtype", lambda: tf.bfloat16.as_numpy_dtype.__name__),
                ("module of the type", lambda: tf.bfloat16.as_numpy_dtype.__module__.split(".")[0]),
                ("float8_e4m3fn", lambda: tf.cast(tf.cast([3.14159], tf.float8_e4m3fn), tf.float32)),
                ("tf.int4", lambda: tf.int4.name),
                ("tf.dtypes.experimental.int4", lambda: tf.dtypes.experimental.int4.name),
            ],
            digits=4,
        )


@behaviour(
    "integration.python.what_is_there",
    "Which modules that TensorFlow code and its users import can be imported after tensorflow?",
    source="Python 3.12 release notes (distutils, imp removed); setuptools 80 (pkg_resources deprecated)",
    needs=("tensorflow",),
)
def what_is_there():
    import warnings

    import tensorflow as tf  # noqa: F401 - what its process can import

    names = ("distutils.version", "imp", "pkg_resources", "six", "termcolor", "astunparse", "opt_einsum", "gast",
             "wrapt", "grpc", "flatbuffers", "google.protobuf", "pasta", "typing_extensions", "absl.logging",
             "tensorboard", "tensorflow_estimator", "keras_preprocessing", "keras_applications", "ml_dtypes", "optree",
             "rich", "namex", "h5py", "scipy", "pandas", "PIL", "yaml", "astor")  # fmt: skip

    def load(name):
        importlib.import_module(name)
        return True

    with subject("importlib.import_module"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = dict((name, outcome(load, name)) for name in names)
        return dict((name, value if value is True else value["raised"]) for name, value in found.items())


@behaviour(
    "integration.python.import_leaves",
    "What does importing tensorflow change in the process: modules, log level, eager execution?",
    source="seed 003 statement 5 (conflicts and unexpected behavior)",
    needs=("tensorflow",),
)
def import_leaves():
    import logging
    import sys

    import tensorflow as tf

    with subject("import tensorflow"):
        return {
            "tf is tensorflow": sys.modules["tensorflow"] is tf,
            "eager": outcome(tf.executing_eagerly),
            "root level": logging.getLevelName(logging.getLogger().level),
            "numpy imported": "numpy" in sys.modules,
            "keras imported": "keras" in sys.modules,
            "tensorboard imported": "tensorboard" in sys.modules,
            "pandas imported": "pandas" in sys.modules,
            "h5py imported": "h5py" in sys.modules,
            "scipy imported": "scipy" in sys.modules,
            "__version__ is text": isinstance(rounded(tf.__version__), str),
        }


@check(
    "integration.opt_einsum.three_operands",
    "Does einsum of three operands with an ellipsis equal NumPy's, in every optimization?",
    source="TensorFlow API, einsum (optimize, by opt_einsum)",
    needs=("tensorflow",),
)
def three_operands():
    import numpy as np
    import tensorflow as tf

    eager(tf)
    a, b = np.arange(12.0).reshape(2, 2, 3), np.arange(6.0).reshape(3, 2)
    c = np.arange(4.0).reshape(2, 2)
    with subject("tf.einsum(optimize=…)"):
        for way in ("greedy", "optimal", "auto"):
            found = tf.einsum("...ij,jk,kl->...il", a, b, c, optimize=way)
            assert_close(found, np.einsum("...ij,jk,kl->...il", a, b, c), what=way)
