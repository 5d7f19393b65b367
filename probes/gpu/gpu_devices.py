"""The GPU as TensorFlow shows and shares it: devices, placement, memory, several processes.

Only sent to containers with a GPU; what all of these probes do first, and why, says `gpu_place`.
"""

import os

from gpu_place import DEVICE, HOST, NEAR, SECONDS, Child, answer, home, kind, lives, ready, shown
from harness import assert_close, behaviour, check, expect, subject
from layers_by_hand import numbers
from plain import outcome, outcomes, rounded

MEBIBYTE = 1 << 20


# ---------------------------------------------------------------- devices


@check(
    "gpu.devices.listed",
    "Does TensorFlow list the GPU as a physical and as a logical device, by the names its guide gives?",
    source="TensorFlow guide, Use a GPU (list_physical_devices)",
    needs=("tensorflow",),
    seconds=SECONDS,
)
def devices_listed():
    import tensorflow as tf

    with subject("tf.config.list_physical_devices"):
        ready(tf)
        physical = [(d.name, d.device_type) for d in tf.config.list_physical_devices(kind())]
        expect(("/physical_device:%s:0" % kind(), kind()) in physical, "physical devices %r" % (physical,))
        logical = [(d.name, d.device_type) for d in tf.config.list_logical_devices(kind())]
        expect(("/device:" + DEVICE[1:], kind()) in logical, "logical devices %r" % (logical,))
        expect(len(tf.config.list_physical_devices("CPU")) == 1, "the CPU is not listed once")


@behaviour(
    "gpu.devices.details",
    "What does get_device_details tell of the GPU?",
    source="TensorFlow API, tf.config.experimental.get_device_details",
    needs=("tensorflow",),
    seconds=SECONDS,
)
def devices_details():
    import tensorflow as tf

    with subject("get_device_details"):
        return rounded(tf.config.experimental.get_device_details(shown(tf)[0]))


@behaviour(
    "gpu.devices.build",
    "What does TensorFlow say it was built with: CUDA, cuDNN, compute capabilities?",
    source="TensorFlow API, tf.sysconfig.get_build_info and tf.test.is_built_with_cuda",
    needs=("tensorflow",),
    seconds=SECONDS,
)
def devices_build():
    import tensorflow as tf

    with subject("tf.sysconfig.get_build_info"):
        ready(tf)
        return {
            "is_built_with_cuda": tf.test.is_built_with_cuda(),
            "is_built_with_gpu_support": tf.test.is_built_with_gpu_support(),
            "gpu_device_name": tf.test.gpu_device_name(),
            "build": rounded(dict(tf.sysconfig.get_build_info())),
        }


@check(
    "gpu.devices.hidden",
    "Is everything computed on the CPU after set_visible_devices([], 'GPU')?",
    source="TensorFlow guide, Use a GPU (set_visible_devices)",
    needs=("tensorflow",),
    fresh=True,
    seconds=SECONDS,
)
def devices_hidden():
    import tensorflow as tf

    with subject("tf.config.set_visible_devices"):
        shown(tf)
        tf.config.set_visible_devices([], kind())
        expect(tf.config.list_logical_devices(kind()) == [], "a hidden device is a logical device")
        lives(tf.matmul(tf.ones([4, 4]), tf.ones([4, 4])), HOST)


@check(
    "gpu.devices.environment",
    "Does a process with CUDA_VISIBLE_DEVICES=-1 see no GPU while this one does?",
    source="CUDA C++ programming guide, CUDA environment variables (CUDA_VISIBLE_DEVICES)",
    needs=("tensorflow",),
    seconds=SECONDS,
)
def devices_environment():
    import tensorflow as tf

    with subject("CUDA_VISIBLE_DEVICES"):
        ready(tf)
        code = "say([device.name for device in tf.config.list_physical_devices('GPU')])"
        seen = answer(code, variables={"CUDA_VISIBLE_DEVICES": "-1"})
        expect(seen == [], "it sees %r" % (seen,))


# ---------------------------------------------------------------- placement


@check(
    "gpu.placement.default",
    "Do operations, constants and variables go to the GPU where the program names no device?",
    source="TensorFlow guide, Use a GPU (the GPU device is prioritized)",
    needs=("tensorflow",),
    seconds=SECONDS,
)
def placement_default():
    import tensorflow as tf

    a = numbers(4, 4)
    with subject("placement"):
        ready(tf)
        lives(tf.Variable(a))
        product = tf.matmul(tf.constant(a), tf.constant(a))
        assert_close(lives(product), a.dot(a), what="product", **NEAR)


@check(
    "gpu.placement.spellings",
    "Does tf.device put a result on the GPU by each of the spellings that the guide gives?",
    source="TensorFlow guide, Use a GPU (/device:CPU:0, /GPU:0, the fully qualified name)",
    needs=("tensorflow",),
    seconds=SECONDS,
)
def placement_spellings():
    import tensorflow as tf

    short = DEVICE[1:]
    with subject("tf.device"):
        ready(tf)
        for start in ("/", "", "/device:", "/job:localhost/replica:0/task:0/device:"):
            with tf.device(start + short):
                expect(home(tf.ones([2, 2]) + 1.0) == short, "by %r it is elsewhere" % (start + short))
        with tf.device("/" + short.lower()):
            expect(home(tf.ones([2, 2]) + 1.0) == short, "in lower case it is elsewhere")


@check(
    "gpu.placement.explicit",
    "Does each operation run on the device that tf.device names, and do numbers survive the way there and back?",
    source="TensorFlow guide, Use a GPU (manual device placement)",
    needs=("tensorflow",),
    seconds=SECONDS,
)
def placement_explicit():
    import tensorflow as tf

    a = numbers(5, 5)
    with subject("tf.device"):
        ready(tf)
        with tf.device(HOST):
            start = lives(tf.constant(a), HOST)
        with tf.device(DEVICE):
            there = lives(tf.matmul(start, start))
        with tf.device(HOST):
            back = lives(tf.identity(there), HOST)
            again = lives(tf.add(there, back), HOST)
        assert_close(back, a.dot(a), what="copied back", **NEAR)
        assert_close(again, 2 * a.dot(a), what="added on the CPU", **NEAR)


@check(
    "gpu.placement.variables",
    "Does a variable made under tf.device live on the GPU and stay there when it is changed?",
    source="TensorFlow guide, Introduction to Variables (placing variables)",
    needs=("tensorflow",),
    seconds=SECONDS,
)
def placement_variables():
    import tensorflow as tf

    a = numbers(3, 4)
    with subject("tf.Variable"):
        ready(tf)
        with tf.device(DEVICE):
            variable = tf.Variable(a)
        variable.assign_add(tf.ones([3, 4]))
        variable.assign(variable * 2.0)
        assert_close(lives(variable), (a + 1) * 2, what="value", **NEAR)


@behaviour(
    "gpu.placement.soft",
    "Where do operations go that have no kernel for the GPU, or name one that is not there, softly placed or not?",
    source="TensorFlow guide, Use a GPU (set_soft_device_placement)",
    needs=("tensorflow",),
    seconds=SECONDS,
)
def placement_soft():
    import tensorflow as tf

    def joined(device):
        with tf.device(device):
            return home(tf.strings.join(["a", "b"]))

    def added(device):
        with tf.device(device):
            return home(tf.ones([2]) + 1.0)

    with subject("tf.config.set_soft_device_placement"):
        ready(tf)
        found = {"by default": bool(tf.config.get_soft_device_placement())}
        for soft in (True, False):
            tf.config.set_soft_device_placement(soft)
            cases = [("strings", lambda: joined(DEVICE)), ("no such device", lambda: added("/%s:9" % kind()))]
            found["soft" if soft else "hard"] = outcomes(cases)
        return found


# ---------------------------------------------------------------- memory


def _memory():
    """(free, all) bytes of the first GPU, as its driver tells (`cuMemGetInfo`), apart from what a context takes."""
    import ctypes

    driver = ctypes.CDLL("libcuda.so.1")
    device, context = ctypes.c_int(), ctypes.c_void_p()
    free, total = ctypes.c_size_t(), ctypes.c_size_t()
    for name, arguments in (
        ("cuInit", (0,)),
        ("cuDeviceGet", (ctypes.byref(device), 0)),
        ("cuDevicePrimaryCtxRetain", (ctypes.byref(context), device)),
        ("cuCtxSetCurrent", (context,)),
        ("cuMemGetInfo_v2", (ctypes.byref(free), ctypes.byref(total))),
        ("cuCtxSetCurrent", (None,)),
        ("cuDevicePrimaryCtxRelease_v2", (device,)),
    ):
        status = getattr(driver, name)(*arguments)
        expect(status == 0, "the driver's %s says %d" % (name, status))
    return free.value, total.value


@check(
    "gpu.memory.growth",
    "With set_memory_growth, does a small computation leave more than half of the GPU's memory to others?",
    source="TensorFlow guide, Use a GPU (limiting GPU memory growth)",
    needs=("tensorflow",),
    fresh=True,
    seconds=SECONDS,
)
def memory_growth():
    import tensorflow as tf

    os.environ.pop("TF_FORCE_GPU_ALLOW_GROWTH", None)
    with subject("tf.config.experimental.set_memory_growth"):
        for device in shown(tf):
            tf.config.experimental.set_memory_growth(device, True)
        before, total = _memory()
        lives(tf.matmul(tf.ones([256, 256]), tf.ones([256, 256])))
        taken = before - _memory()[0]
        expect(taken < total // 2, "it took %d of %d MiB" % (taken // MEBIBYTE, total // MEBIBYTE))


def _limited(tf, count, mebibytes):
    """Splits the GPU into `count` logical devices with so much memory each, and starts them."""
    os.environ["TF_FORCE_GPU_ALLOW_GROWTH"] = "true"  # so that a limit which doesn't hold takes nothing from others
    part = tf.config.LogicalDeviceConfiguration(memory_limit=mebibytes)
    tf.config.set_logical_device_configuration(shown(tf)[0], [part] * count)
    ready(tf)


@check(
    "gpu.memory.limit",
    "Does a logical device with 256 MiB take 16 MiB and refuse 512 MiB with ResourceExhaustedError?",
    source="TensorFlow guide, Use a GPU (set_logical_device_configuration, memory_limit)",
    needs=("tensorflow",),
    fresh=True,
    seconds=SECONDS,
)
def memory_limit():
    import tensorflow as tf

    def filled(mebibytes):
        with tf.device(DEVICE):
            return home(tf.zeros([mebibytes * MEBIBYTE // 4]) + 1.0)

    with subject("LogicalDeviceConfiguration(memory_limit=256)"):
        _limited(tf, 1, 256)
        expect(filled(16) == DEVICE[1:], "16 MiB are elsewhere")
        refused = outcome(lambda: filled(512))
        expect(refused == {"raised": "ResourceExhaustedError"}, "512 MiB: %r" % (refused,))


@check(
    "gpu.memory.split",
    "Are two logical devices on one GPU both used, and do numbers pass between them?",
    source="TensorFlow guide, Use a GPU (using multiple GPUs, with virtual GPUs)",
    needs=("tensorflow",),
    fresh=True,
    seconds=SECONDS,
)
def memory_split():
    import tensorflow as tf

    a, second = numbers(8, 8), "/%s:1" % kind()
    with subject("two logical devices"):
        _limited(tf, 2, 256)
        with tf.device(DEVICE):
            first = lives(tf.matmul(tf.constant(a), tf.constant(a)))
        with tf.device(second):
            assert_close(lives(first + 1.0, second), a.dot(a) + 1, what="on the second", **NEAR)


@behaviour(
    "gpu.memory.info",
    "What does get_memory_info tell, and does it count a tensor of 64 MiB while there is one?",
    source="TensorFlow API, tf.config.experimental.get_memory_info",
    needs=("tensorflow",),
    seconds=SECONDS,
)
def memory_info():
    import tensorflow as tf

    with subject("tf.config.experimental.get_memory_info"):
        ready(tf)
        with tf.device(DEVICE):
            tf.zeros([4]) + 1.0
            before = tf.config.experimental.get_memory_info(DEVICE[1:])
            big = tf.zeros([64 * MEBIBYTE // 4])
            during = tf.config.experimental.get_memory_info(DEVICE[1:])
            grown = during["current"] - before["current"]
            del big
            after = tf.config.experimental.get_memory_info(DEVICE[1:])
        return {
            "keys": sorted(during),
            "counts it": bool(64 <= grown // MEBIBYTE <= 66),
            "forgets it": bool(after["current"] <= before["current"] + MEBIBYTE),
            "remembers the peak": bool(after.get("peak", 0) >= during["current"]),
        }


# ---------------------------------------------------------------- several processes

_IN_STEP = """
place.ready(tf)
with tf.device(place.DEVICE):
    ones = tf.ones([128, 128])
    first = place.lives(tf.matmul(ones, ones))
say(float(first[0, 0].numpy()))
sys.stdin.readline()
with tf.device(place.DEVICE):
    second = place.lives(tf.matmul(first, ones))
say(float(second[0, 0].numpy()))
"""


@check(
    "gpu.processes.together",
    "Can two further processes use the GPU while this one does, all three between two of their computations?",
    source="NVIDIA, Multi-Process Service (time-sliced contexts); TensorFlow guide, Use a GPU (memory growth)",
    needs=("tensorflow",),
    seconds=SECONDS,
)
def processes_together():
    import tensorflow as tf

    with subject("three processes"):
        ready(tf)
        with tf.device(DEVICE):
            own = lives(tf.matmul(tf.ones([128, 128]), tf.ones([128, 128])))
        with Child(_IN_STEP) as one, Child(_IN_STEP) as other:
            expect([one.answer(), other.answer()] == [128.0, 128.0], "their first product is wrong")
            for child in (one, other):
                child.tell("go on")
            with tf.device(DEVICE):
                own = lives(tf.matmul(own, tf.ones([128, 128])))
            expect([one.answer(), other.answer()] == [16384.0, 16384.0], "their second product is wrong")
        expect(float(own[0, 0]) == 16384.0, "this process's product is %r" % float(own[0, 0]))
