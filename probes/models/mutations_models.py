"""Sabotage for the checks of the group `models`; what an entry means says `mutations`."""

from mutations import EVALUATE, FIT, PREDICT, doubled, first_argument, nothing, off, other_weights, undone, without

COMPILE = "tensorflow.keras.Model.compile"


def backwards(original):
    """The call's array arguments are given to it last row first."""

    def turned(value):
        return value[::-1] if hasattr(value, "shape") else value

    return lambda *args, **kwargs: original(args[0], *[turned(value) for value in args[1:]], **kwargs)


MUTATIONS = {
    "models.add_loss": ("tensorflow.keras.layers.Layer.add_loss", nothing),
    "models.callbacks.checkpoint_weights": (FIT, without("callbacks")),
    "models.callbacks.learning_rate_scheduler": (FIT, without("callbacks")),
    "models.callbacks.reduce_on_plateau": ("tensorflow.keras.callbacks.ReduceLROnPlateau.on_epoch_end", nothing),
    "models.callbacks.restore_best_weights": (
        "tensorflow.keras.callbacks.EarlyStopping.__init__",
        without("restore_best_weights"),
    ),
    "models.callbacks.stop_training": (FIT, without("callbacks")),
    "models.clone": ("tensorflow.keras.models.clone_model", first_argument),
    "models.custom_loop": ("tensorflow.keras.optimizers.SGD.__init__", doubled),
    "models.evaluate.labels_without_axis": (EVALUATE, off),
    "models.features_of_inner_layer": (PREDICT, off),
    "models.fit.generator": (FIT, undone),
    "models.fit.initial_epoch": (FIT, without("initial_epoch")),
    "models.fit.sample_weight": (FIT, without("sample_weight")),
    "models.fit.shuffle_off": (FIT, backwards),
    "models.fit.validation_freq": (FIT, without("validation_freq")),
    "models.fit.validation_split": (FIT, backwards),
    "models.from_config": ("tensorflow.keras.Model.set_weights", nothing),
    "models.inputs.by_name": (PREDICT, off),
    "models.nested": (PREDICT, off),
    "models.one_device_strategy": (FIT, undone),
    "models.outputs.loss_weights": (COMPILE, without("loss_weights")),
    "models.predict.sequence": (PREDICT, off),
    "models.run_eagerly": (COMPILE, without("run_eagerly")),
    "models.trainable.batch_normalization": ("tensorflow.keras.layers.BatchNormalization.call", first_argument),
    "models.trainable.frozen": (FIT, other_weights),
}
