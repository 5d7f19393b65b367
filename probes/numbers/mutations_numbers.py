"""Sabotage for the checks of optimizers, losses, metrics, initializers and mathematics."""

from mutations import EVALUATE, FIT, doubled, nothing, off, undone, without, zeros

SGD = "tensorflow.keras.optimizers.SGD.__init__"


def undone_once(original):
    """The first call on a model trains nothing; later ones do."""
    seen = []
    broken = undone(original)

    def first_undone(self, *args, **kwargs):
        seen.append(self)
        return (broken if len(seen) == 1 else original)(self, *args, **kwargs)

    return first_undone


def shifted_arrays(original):
    """The arrays that the call returns in a list are doubled."""
    return lambda *args, **kwargs: [array * 2 for array in original(*args, **kwargs)]


def without_arguments(original):
    """The call gets none of its arguments."""
    return lambda *args, **kwargs: original()


LOSSES = "tensorflow.keras.losses."

MUTATIONS = {
    "numbers.constraints.by_hand": ("tensorflow.keras.constraints.MinMaxNorm.__call__", off),
    "numbers.initializers.conv2d_default": ("tensorflow.keras.layers.Conv2D.get_weights", shifted_arrays),
    "numbers.initializers.spread": ("tensorflow.keras.initializers.RandomNormal.__call__", zeros),
    "numbers.math.einsum_and_reductions": ("tensorflow.einsum", zeros),
    "numbers.math.extremes": ("tensorflow.nn.softmax", off),
    "numbers.math.softmax_gradient": ("tensorflow.GradientTape.gradient", off),
    "numbers.random.repeats": ("tensorflow.random.set_seed", nothing),
    "numbers.regularizers.by_hand": ("tensorflow.keras.regularizers.l1_l2", without_arguments),
    "numbers.losses.crossentropies_by_hand": (LOSSES + "SparseCategoricalCrossentropy.__call__", off),
    "numbers.losses.hinge_labels": (LOSSES + "Hinge.__call__", off),
    "numbers.losses.label_smoothing": (LOSSES + "BinaryCrossentropy.__init__", without("label_smoothing")),
    "numbers.losses.regression_by_hand": (LOSSES + "LogCosh.__call__", zeros),
    "numbers.losses.sample_weight": (LOSSES + "MeanSquaredError.__call__", without("sample_weight")),
    "numbers.metrics.auc": ("tensorflow.keras.metrics.AUC.result", off),
    "numbers.metrics.by_hand": ("tensorflow.keras.metrics.MeanIoU.result", off),
    "numbers.metrics.reset": (EVALUATE, off),
    "numbers.metrics.unequal_batches": (EVALUATE, off),
    "numbers.metrics.weighted": (EVALUATE, without("sample_weight")),
    "numbers.optimizers.clipping_in_training": (SGD, without("clipnorm")),
    "numbers.optimizers.iterations": ("tensorflow.keras.backend.get_value", off),
    "numbers.optimizers.schedule_in_training": (
        "tensorflow.keras.optimizers.schedules.ExponentialDecay.__init__",
        doubled,
    ),
    "numbers.optimizers.state_goes_on": (FIT, undone_once),
}
