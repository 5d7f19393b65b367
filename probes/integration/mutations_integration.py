"""Sabotage for the checks of how TensorFlow gets on with other libraries."""

from mutations import PREDICT, nothing, off, zeros


def to_zero(original):
    """The compiled function's result is zero."""
    return lambda function: lambda *args: original(function)(*args) * 0


def last_lost(original):
    """Of the variables that the property finds the last is missing."""
    return property(lambda self: tuple(original.fget(self))[:-1])


MUTATIONS = {
    "integration.gast.autograph": ("tensorflow.function", to_zero),
    "integration.h5py.weights_attributes": ("tensorflow.keras.Model.load_weights", nothing),
    "integration.opt_einsum.three_operands": ("tensorflow.einsum", zeros),
    "integration.protobuf.graph_round_trip": ("tensorflow.compat.v1.Session.run", off),
    "integration.tensorboard.event_file": ("tensorflow.summary.scalar", nothing),
    "integration.wrapt.tracked_attributes": ("tensorflow.Module.variables", last_lost),
    "integration.numpy.recurrent_layer": (PREDICT, off),
    "integration.numpy.there_and_back": ("tensorflow.constant", zeros),
    "integration.numpy.variable_assignment": ("tensorflow.gather", zeros),
}
