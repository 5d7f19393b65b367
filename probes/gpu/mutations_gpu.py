"""Sabotage for the checks of the group `gpu`; what an entry means says `mutations`.

Most go wrong in the two ways a GPU does in silence: `elsewhere` computes on the CPU, `off_there` gives other numbers,
on the device in question only.
"""

from gpu_place import DEVICE, HOST
from mutations import FIT, nothing, off, undone, with_other_weights, without
from mutations_layers import call, unmasked
from mutations_numbers import undone_once


def _there(value):
    """Whether it is a tensor of the device in question."""
    return str(getattr(value, "device", "")).endswith(DEVICE[1:])


def _off_there(value):
    if isinstance(value, (list, tuple)):
        return type(value)([_off_there(part) for part in value])
    return value * 2 + 1 if _there(value) and hasattr(value, "__mul__") else value


def off_there(original):
    """The call's results are doubled and one added where they were computed on the device in question."""
    return lambda *args, **kwargs: _off_there(original(*args, **kwargs))


def elsewhere(original):
    """The call is computed on the CPU, whatever device the program names."""

    def broken(*args, **kwargs):
        import tensorflow as tf

        with tf.device(HOST):
            return original(*args, **kwargs)

    return broken


def nothing_there(original):
    """The list that the call returns is empty: no such device."""
    return lambda *args, **kwargs: []


def on_host(original):
    """The scope is the CPU's, whatever device the program names."""
    return lambda name: original(HOST)


def function_off(original):
    """The compiled function's results are off."""
    return lambda *args, **kwargs: off(original(*args, **kwargs))


def rough(original):
    """The call's result is off by a part in ten thousand, as TF32's products are."""
    return lambda *args, **kwargs: original(*args, **kwargs) * 1.0001


def untouched(original):
    """The dataset goes on as it is."""
    return lambda *args, **kwargs: lambda dataset: dataset


def shifted_module(original):
    """What is saved has other numbers in its variables."""

    def broken(module, *args, **kwargs):
        for variable in module.variables:
            variable.assign(variable + 0.5)
        return original(module, *args, **kwargs)

    return broken


def whole(original):
    """The GPU's memory is neither limited nor split."""
    return lambda device, parts: original(device, [type(parts[0])()])


MUTATIONS = {
    "gpu.conv.channels_first": ("tensorflow.nn.bias_add", off_there),
    "gpu.conv.channels_last": ("tensorflow.GradientTape.gradient", off_there),
    "gpu.conv.depthwise": ("tensorflow.nn.depthwise_conv2d", off_there),
    "gpu.conv.float16": ("tensorflow.nn.conv2d", elsewhere),
    "gpu.conv.groups": ("tensorflow.GradientTape.gradient", off_there),
    "gpu.conv.other_dimensions": ("tensorflow.nn.conv3d", off_there),
    "gpu.conv.transposed": ("tensorflow.nn.conv2d_transpose", elsewhere),
    "gpu.crossentropy": ("tensorflow.nn.softmax_cross_entropy_with_logits", off_there),
    "gpu.data.prefetch_to_device": ("tensorflow.data.experimental.prefetch_to_device", untouched),
    "gpu.devices.environment": ("gpu_devices.answer", without("variables")),
    "gpu.devices.hidden": ("tensorflow.config.set_visible_devices", nothing),
    "gpu.devices.listed": ("tensorflow.config.list_logical_devices", nothing_there),
    "gpu.einsum": ("tensorflow.einsum", off_there),
    "gpu.elementwise": ("tensorflow.math.erf", off_there),
    "gpu.fit.compiled": (FIT, undone),
    "gpu.fit.deterministic": ("tensorflow.keras.utils.set_random_seed", nothing),
    "gpu.fit.learns": (FIT, undone),
    "gpu.fit.mixed_precision": ("tensorflow.keras.mixed_precision.set_global_policy", nothing),
    "gpu.fit.same_as_cpu": (FIT, undone_once),
    "gpu.fit.strategy": (FIT, undone),
    "gpu.fourier": ("tensorflow.signal.fft2d", off),
    "gpu.function.control_flow": ("tensorflow.function", function_off),
    "gpu.gather_scatter": ("tensorflow.math.unsorted_segment_sum", off_there),
    "gpu.linear_algebra": ("tensorflow.linalg.svd", elsewhere),
    "gpu.matmul.float16": ("tensorflow.matmul", off),
    "gpu.matmul.float32": ("tensorflow.matmul", elsewhere),
    "gpu.matmul.float64": ("tensorflow.matmul", off),
    "gpu.memory.growth": ("tensorflow.config.experimental.set_memory_growth", nothing),
    "gpu.memory.limit": ("tensorflow.config.set_logical_device_configuration", whole),
    "gpu.memory.split": ("tensorflow.config.set_logical_device_configuration", whole),
    "gpu.normalization.batch": call("BatchNormalization", off_there),
    "gpu.placement.default": ("tensorflow.matmul", elsewhere),
    "gpu.placement.explicit": ("tensorflow.matmul", elsewhere),
    "gpu.placement.spellings": ("tensorflow.device", on_host),
    "gpu.placement.variables": ("tensorflow.Variable", elsewhere),
    "gpu.pooling": ("tensorflow.nn.avg_pool2d", off_there),
    "gpu.processes.together": ("gpu_place.Child.answer", off),
    "gpu.random": ("tensorflow.random.stateless_normal", off_there),
    "gpu.recurrent.generic": call("GRU", off_there),
    "gpu.recurrent.gru": call("GRU", off_there),
    "gpu.recurrent.lstm": ("tensorflow.GradientTape.gradient", off_there),
    "gpu.recurrent.masked": call("LSTM", unmasked),
    "gpu.reductions": ("tensorflow.cumsum", elsewhere),
    "gpu.save.model": ("tensorflow.keras.Model.save", with_other_weights),
    "gpu.save.saved_model": ("tensorflow.saved_model.save", shifted_module),
    "gpu.sparse": ("tensorflow.raw_ops.SparseMatrixMatMul", off),
    "gpu.tf32.off": ("tensorflow.matmul", rough),
    "gpu.xla.function": ("tensorflow.function", function_off),
}
