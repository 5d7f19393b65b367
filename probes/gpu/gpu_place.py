"""The device that the group `gpu` asks about: is it there, was it used, and do its numbers agree with the CPU's?

Every probe of the group calls `ready` first thing in its subject. A machine that shows TensorFlow no GPU fails there:
nothing of the group may pass by being computed on the CPU instead.
"""

import json
import os
import subprocess
import sys

from harness import assert_close, expect
from layers_by_hand import numbers

DEVICE = "/GPU:0"
HOST = "/CPU:0"
SECONDS = 300
"""Limit of a probe: where TensorFlow brings no kernels for the GPU, the driver compiles them first, for minutes."""

NEAR = {"rtol": 1e-4, "atol": 1e-4}
"""Tolerance of one float32 operation, TF32 being off."""
FAR = {"rtol": 2e-3, "atol": 2e-3}
"""Tolerance where cuDNN picks the algorithm or sums are long, TF32 being off."""
HALF = {"rtol": 1e-2, "atol": 5e-2}
"""Tolerance of float16, whose numbers have eleven binary digits."""


def kind():
    """The device's kind as `tf.config` spells it: "GPU"."""
    return DEVICE.strip("/").split(":")[0]


def shown(tf):
    """Asserts that TensorFlow shows such a device, without starting it. Returns the physical devices of the kind."""
    found = tf.config.list_physical_devices(kind())
    expect(len(found) > 0, "TensorFlow shows no %s" % kind())
    return found


def ready(tf):
    """Starts TensorFlow's devices, float32 meaning float32, and asserts that the one in question is among them.

    Memory is taken as it is needed (the variable is in TensorFlow's guide "Use a GPU"): others share the GPU.
    """
    os.environ["TF_FORCE_GPU_ALLOW_GROWTH"] = "true"
    shown(tf)
    tf.config.experimental.enable_tensor_float_32_execution(False)
    found = [device.name for device in tf.config.list_logical_devices(kind())]
    expect(any(name.endswith(DEVICE[1:]) for name in found), "no %s among TensorFlow's devices %r" % (DEVICE, found))


def home(value):
    """The device of an eager tensor, a variable or a Keras weight: "GPU:0"."""
    inner = getattr(value, "value", None)
    if inner is not None and not callable(inner):  # a weight of Keras 3 holds its variable there
        value = inner
    # a tensor's `device` is that of its operation, which may have left its numbers elsewhere
    return (getattr(value, "backing_device", None) or value.device).rpartition("device:")[2]


def lives(value, device=None):
    """Asserts that a tensor, variable or weight is on the device in question (or the one given). Returns it."""
    wanted = (device or DEVICE)[1:]
    expect(home(value) == wanted, "it is on %r, not on %s" % (home(value), wanted))
    return value


def _results(tf, device, function, arrays):
    """(result, gradients) of a function of constants, all on that device; no gradients where integers come out."""
    with tf.device(device):
        given = [tf.constant(array) for array in arrays]
        sources = [tensor for tensor in given if tensor.dtype.is_floating]
        with tf.GradientTape() as tape:
            tape.watch(sources)
            result = function(*given)
        if not result.dtype.is_floating:
            return result, []
        upstream = tf.cast(tf.constant(numbers(*result.shape, seed=99)), result.dtype)
        return result, [tf.convert_to_tensor(g) for g in tape.gradient(result, sources, output_gradients=upstream)]


def agree(tf, function, arrays, what, near=None, reference=None):
    """Asserts that a function and its gradients are computed on the device in question as they are on the CPU.

    `reference` computes the same there, for what the CPU has no kernel for.
    """
    near = near or NEAR
    result, gradients = _results(tf, DEVICE, function, arrays)
    expected, wanted = _results(tf, HOST, reference or function, arrays)
    lives(result)
    assert_close(_single(tf, result), _single(tf, expected), what=what, **near)
    expect(len(gradients) == len(wanted), "%s: %d gradients, the CPU has %d" % (what, len(gradients), len(wanted)))
    for i, (got, other) in enumerate(zip(gradients, wanted)):
        lives(got)
        assert_close(_single(tf, got), _single(tf, other), what="%s, gradient %d" % (what, i), **near)


def _single(tf, tensor):
    """A float tensor as float32, which every version can turn into Python's numbers."""
    return tf.cast(tensor, tf.float32) if tensor.dtype.is_floating else tensor


# ---------------------------------------------------------------- other processes

_CHILD = """
import json, sys
sys.path.insert(0, sys.argv[1])
sys.dont_write_bytecode = True
import tensorflow as tf
import gpu_place as place
given = json.loads(sys.argv[2])

def say(value):
    sys.stdout.write("\\n%s%s\\n" % (sys.argv[3], json.dumps(value)))
    sys.stdout.flush()
"""
_MARK = "the answer: "


class Child(object):
    """A further process of this interpreter that runs `code`, with `tf`, `place` (this module) and `given` at hand.

    `code` answers by `say(value)` and may read lines from its standard input. What else it prints is kept in `printed`,
    its errors go where this process's go, or into the file `errors`. Use it in a `with` block: it ends there.
    """

    def __init__(self, code, given=None, variables=None, errors=None):
        here = os.path.dirname(os.path.abspath(__file__))
        self.printed = ""
        self.process = subprocess.Popen(
            [sys.executable, "-c", _CHILD + code, here, json.dumps(given), _MARK],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env=dict(os.environ, **(variables or {})),
            universal_newlines=True,
        )

    def __enter__(self):
        return self

    def __exit__(self, kind, exception, traceback):
        self.process.kill()
        self.process.communicate()
        return False

    def tell(self, line):
        """Writes a line to its input."""
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def answer(self):
        """The next value that it says; AssertionError where it ends instead."""
        for line in iter(self.process.stdout.readline, ""):
            if line.startswith(_MARK):
                return json.loads(line[len(_MARK) :])
            self.printed += line
        expect(False, "a further process ended with %r before it answered" % self.process.wait())


def answer(code, given=None, variables=None):
    """What a further process that runs `code` answers."""
    with Child(code, given, variables) as child:
        return child.answer()
