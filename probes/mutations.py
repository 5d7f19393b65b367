"""Sabotage, one per check: what must make it fail, so that a pass is worth something.

`apply(id)` is called in the probe's own process, after its needs were imported and before it runs. Each entry of
`MUTATIONS` names a module or an attribute (as a user spells it) and what becomes of it: a function of this
module, from what was there to what takes its place. They go wrong in silence (other weights, zeros, a fit that
trains nothing), which proves more than a call that raises. A check that passes under its mutation is no
check. Standard library only, CPython 3.6 to 3.14.
"""

import functools
import importlib
import os
import sys
import types

# ---------------------------------------------------------------- ways to go wrong


def nothing(original):
    """The call does nothing and returns None."""
    return lambda *args, **kwargs: None


def first_argument(original):
    """The call gives back its first argument, for a method the first after self (self where there is none)."""

    def broken(*args, **kwargs):
        given = args[1:] or args
        return given[0] if given else None

    return broken


def itself(original):
    """The method does nothing and returns its object."""
    return lambda self, *args, **kwargs: self


def _off(value):
    if isinstance(value, str):
        return value + "-off"
    if isinstance(value, dict):
        return dict((key, _off(part)) for key, part in value.items())
    if isinstance(value, (list, tuple)):
        return type(value)(_off(part) for part in value)
    return value * 2 + 1 if hasattr(value, "__mul__") else value


def off(original):
    """The call's result is off: numbers, arrays and tensors doubled and one added, texts longer."""
    return lambda *args, **kwargs: _off(original(*args, **kwargs))


def zeros(original):
    """The call's result is as it should be, times zero."""
    return lambda *args, **kwargs: original(*args, **kwargs) * 0


def _shift(model):
    model.set_weights([weight + 0.5 for weight in model.get_weights()])


def other_weights(original):
    """The model the call returns, or is a method of, has other weights afterwards."""

    def broken(*args, **kwargs):
        result = original(*args, **kwargs)
        _shift(result if hasattr(result, "set_weights") else args[0])
        return result

    return broken


def touched(original):
    """The call's first argument, a model, has other weights afterwards."""

    def broken(*args, **kwargs):
        result = original(*args, **kwargs)
        _shift(args[0])
        return result

    return broken


def undone(original):
    """The model's weights are afterwards what they were before the call (a fit that trains nothing)."""

    def broken(self, *args, **kwargs):
        before = self.get_weights()
        result = original(self, *args, **kwargs)
        self.set_weights(before)
        return result

    return broken


def with_other_weights(original):
    """The call sees other weights of the model it is given, which has its own again afterwards."""

    def broken(model, *args, **kwargs):
        before = model.get_weights()
        _shift(model)
        result = original(model, *args, **kwargs)
        model.set_weights(before)
        return result

    return broken


def new_optimizer(original):
    """The model the call returns is compiled anew: same optimizer and loss, none of its state."""

    def broken(*args, **kwargs):
        model = original(*args, **kwargs)
        optimizer = type(model.optimizer).from_config(model.optimizer.get_config())
        model.compile(optimizer=optimizer, loss=model.loss)
        return model

    return broken


def doubled(original):
    """The call's first number among its positional arguments is doubled."""

    def broken(*args, **kwargs):
        given = list(args)
        at = [i for i, value in enumerate(given) if isinstance(value, (int, float))]
        if at:
            given[at[0]] *= 2
        return original(*given, **kwargs)

    return broken


def without(*names):
    """The call doesn't get these keyword arguments."""

    def make(original):
        return lambda *args, **kwargs: original(*args, **{k: v for k, v in kwargs.items() if k not in names})

    return make


def empty(original):
    """An empty module in its place."""
    return types.ModuleType("sabotaged")


def absent(original):
    """The module can't be imported."""
    return None


# ---------------------------------------------------------------- what is sabotaged for which check

FIT = "tensorflow.keras.Model.fit"
EVALUATE = "tensorflow.keras.Model.evaluate"
PREDICT = "tensorflow.keras.Model.predict"
LOAD = "tensorflow.keras.models.load_model"
OPERATE = "kerassurgeon.Surgeon.operate"

MUTATIONS = {
    "environment.import_tensorflow": ("tensorflow", absent),
    "environment.keras_home": ("tensorflow.keras", empty),
    "environment.versions": ("environment.installed", off),
    "surgeon.delete_channels.behind_embedding": (OPERATE, other_weights),
    "surgeon.delete_channels.behind_nested_model": (OPERATE, other_weights),
    "surgeon.delete_channels.behind_unsupported_layers": (OPERATE, other_weights),
    "surgeon.delete_channels.conv1d": (OPERATE, other_weights),
    "surgeon.delete_channels.conv2d": (OPERATE, other_weights),
    "surgeon.delete_channels.conv2d_without_bias": (OPERATE, other_weights),
    "surgeon.delete_channels.conv3d": (OPERATE, other_weights),
    "surgeon.delete_channels.copy": ("kerassurgeon.utils.clean_copy", first_argument),
    "surgeon.delete_channels.dense": (OPERATE, other_weights),
    "surgeon.delete_channels.gru": (OPERATE, other_weights),
    "surgeon.delete_channels.into_shared_layer": (OPERATE, other_weights),
    "surgeon.delete_channels.lstm": (OPERATE, other_weights),
    "surgeon.delete_channels.original": ("kerassurgeon.operations.delete_channels", touched),
    "surgeon.delete_channels.sequential": (OPERATE, other_weights),
    "surgeon.delete_channels.shared_layer": (OPERATE, other_weights),
    "surgeon.delete_channels.simple_rnn": (OPERATE, other_weights),
    "surgeon.delete_channels.through_activations": (OPERATE, other_weights),
    "surgeon.delete_channels.through_add": (OPERATE, other_weights),
    "surgeon.delete_channels.through_average_pooling": (OPERATE, other_weights),
    "surgeon.delete_channels.through_batch_normalization": (OPERATE, other_weights),
    "surgeon.delete_channels.through_concatenate": (OPERATE, other_weights),
    "surgeon.delete_channels.through_flatten": (OPERATE, other_weights),
    "surgeon.delete_channels.through_global_average_pooling": (OPERATE, other_weights),
    "surgeon.delete_channels.through_global_max_pooling": (OPERATE, other_weights),
    "surgeon.delete_channels.through_max_pooling": (OPERATE, other_weights),
    "surgeon.delete_channels.through_multiply_average_maximum": (OPERATE, other_weights),
    "surgeon.delete_channels.through_padding_and_cropping": (OPERATE, other_weights),
    "surgeon.delete_channels.through_permute": (OPERATE, other_weights),
    "surgeon.delete_channels.through_repeat_vector": (OPERATE, other_weights),
    "surgeon.delete_channels.through_reshape": (OPERATE, other_weights),
    "surgeon.delete_channels.through_up_sampling": (OPERATE, other_weights),
    "surgeon.delete_channels.two_inputs_two_outputs": (OPERATE, other_weights),
    "surgeon.delete_channels.whole_branch": (OPERATE, other_weights),
    "surgeon.delete_layer.dense": (OPERATE, other_weights),
    "surgeon.delete_layer.one_use_of_shared_layer": (OPERATE, other_weights),
    "surgeon.delete_layer.original": ("kerassurgeon.utils.clean_copy", first_argument),
    "surgeon.delete_layer.sequential": (OPERATE, other_weights),
    "surgeon.delete_layer.shared_layer": (OPERATE, other_weights),
    "surgeon.get_apoz.conv2d": ("kerassurgeon.identify.get_apoz", off),
    "surgeon.get_apoz.dense": ("kerassurgeon.identify.get_apoz", off),
    "surgeon.get_apoz.generator": ("kerassurgeon.identify.get_apoz", off),
    "surgeon.get_apoz.original": ("kerassurgeon.identify.get_apoz", other_weights),
    "surgeon.get_apoz.shared_layer": ("kerassurgeon.identify.get_apoz", off),
    "surgeon.high_apoz.absolute": ("kerassurgeon.identify.high_apoz", off),
    "surgeon.high_apoz.both": ("kerassurgeon.identify.high_apoz", off),
    "surgeon.high_apoz.std": ("kerassurgeon.identify.high_apoz", off),
    "surgeon.import": ("kerassurgeon", absent),
    "surgeon.insert_layer.dense": (OPERATE, other_weights),
    "surgeon.insert_layer.sequential": (OPERATE, other_weights),
    "surgeon.operate.delete_channels_of_neighbours": (OPERATE, other_weights),
    "surgeon.operate.four_operations": (OPERATE, other_weights),
    "surgeon.operate.one_after_another": (OPERATE, other_weights),
    "surgeon.replace_layer.dense": (OPERATE, other_weights),
    "surgeon.replace_layer.output": (OPERATE, other_weights),
    "surgeon.result.loaded_model": (OPERATE, other_weights),
    "surgeon.result.prune_lenet": (OPERATE, other_weights),
    "surgeon.result.save_load": (OPERATE, other_weights),
    "surgeon.result.train": (OPERATE, other_weights),
    "tensorflow.callbacks.called": (FIT, without("callbacks")),
    "tensorflow.callbacks.early_stopping": (FIT, without("callbacks")),
    "tensorflow.data.batch_map": ("tensorflow.data.Dataset.map", itself),
    "tensorflow.data.fit": ("tensorflow.data.Dataset.batch", doubled),
    "tensorflow.data.order": ("tensorflow.data.Dataset.shuffle", itself),
    "tensorflow.data.shuffle": ("tensorflow.data.Dataset.shuffle", itself),
    "tensorflow.evaluate.known_numbers": (EVALUATE, off),
    "tensorflow.fit.class_weight": (FIT, without("class_weight")),
    "tensorflow.fit.functional_cnn": (FIT, undone),
    "tensorflow.fit.sequential": (FIT, undone),
    "tensorflow.fit.subclassed": (FIT, undone),
    "tensorflow.function.retracing": ("tensorflow.function", first_argument),
    "tensorflow.gradient_tape": ("tensorflow.GradientTape.gradient", off),
    "tensorflow.layers.batch_normalization": ("tensorflow.keras.layers.BatchNormalization.call", first_argument),
    "tensorflow.layers.conv2d": (PREDICT, off),
    "tensorflow.layers.dropout": ("tensorflow.keras.layers.Dropout.call", first_argument),
    "tensorflow.layers.embedding_lstm": ("tensorflow.keras.layers.LSTM.call", zeros),
    "tensorflow.losses.regularizer": ("tensorflow.keras.regularizers.l2", doubled),
    "tensorflow.metrics.accuracy": (EVALUATE, off),
    "tensorflow.optimizers.adam_step": ("tensorflow.keras.optimizers.Adam.__init__", doubled),
    "tensorflow.optimizers.sgd_step": ("tensorflow.keras.optimizers.SGD.__init__", doubled),
    "tensorflow.predict.numbers": (PREDICT, off),
    "tensorflow.predict.two_inputs": (PREDICT, off),
    "tensorflow.save.architecture": ("tensorflow.keras.Model.set_weights", nothing),
    "tensorflow.save.checkpoint": ("tensorflow.train.Checkpoint.restore", nothing),
    "tensorflow.save.custom_layer": (LOAD, other_weights),
    "tensorflow.save.h5": (LOAD, other_weights),
    "tensorflow.save.h5_compiled": (LOAD, other_weights),
    "tensorflow.save.keras_file": (LOAD, other_weights),
    "tensorflow.save.optimizer_state": (LOAD, new_optimizer),
    "tensorflow.save.saved_model": ("tensorflow.saved_model.save", with_other_weights),
    "tensorflow.save.weights": ("tensorflow.keras.Model.load_weights", nothing),
    "tensorflow.summary": ("tensorflow.keras.Model.summary", nothing),
}
"""Check → (what is sabotaged, how). A path names a module, or an attribute of one, as it is spelled in the probe."""


def known():
    """`MUTATIONS` of this module and of every `mutations_*.py` beside it, which name those of one group each."""
    found = dict(MUTATIONS)
    for name in sorted(os.listdir(os.path.dirname(os.path.abspath(__file__)))):
        if name.startswith("mutations_") and name.endswith(".py"):
            found.update(importlib.import_module(name[:-3]).MUTATIONS)
    return found


def owner(path):
    """(object, name) such that `path` is that object's attribute of that name; modules are imported on the way."""
    parts = path.split(".")
    found = importlib.import_module(parts[0])
    for i, part in enumerate(parts[1:-1], 2):
        try:
            found = getattr(found, part)
        except AttributeError:
            found = importlib.import_module(".".join(parts[:i]))
    return found, parts[-1]


def apply(id):
    """Sabotages this process for the check `id`. Returns the path of what is broken, or "" where no way is known."""
    path, way = known().get(id, ("", None))
    if not path:
        return ""
    if way is absent:
        sys.modules[path] = None
    else:
        holder, name = owner(path)
        original = getattr(holder, name)
        broken = way(original)
        if isinstance(original, types.FunctionType):
            # Keras reads the names of a layer's arguments from its signature.
            broken = functools.wraps(original)(broken)
        setattr(holder, name, broken)
    return path
