"""How the checks of the `saving` group are sabotaged (see `mutations`)."""

from mutations import first_argument, new_optimizer, nothing, other_weights, with_other_weights

LOAD = "tensorflow.keras.models.load_model"

LOAD_WEIGHTS = "tensorflow.keras.Model.load_weights"
RESTORE = "tensorflow.train.Checkpoint.restore"
LOAD_FOLDER = "tensorflow.saved_model.load"


def served_off(original):
    """What is loaded serves numbers that are off by one."""

    def broken(*args, **kwargs):
        loaded = original(*args, **kwargs)
        for variable in getattr(loaded, "variables", None) or [loaded.amount]:
            variable.assign_add(variable * 0 + 1)
        return loaded

    return broken


def shifted_first(original):
    """The model has other weights already when the call begins."""

    def broken(self, *args, **kwargs):
        self.set_weights([weight + 0.5 for weight in self.get_weights()])
        return original(self, *args, **kwargs)

    return broken


def nameless(original):
    """The configuration has lost the layer's name."""
    return lambda self: {key: value for key, value in original(self).items() if key != "name"}


def one_more(original):
    """One more checkpoint is kept than was asked for."""

    def broken(self, *args, **kwargs):
        if "max_to_keep" in kwargs:
            kwargs["max_to_keep"] += 1
        return original(self, *args, **kwargs)

    return broken


SET_WEIGHTS = "tensorflow.keras.Model.set_weights"

MUTATIONS = {
    "saving.checkpoint.best_weights": (LOAD_WEIGHTS, other_weights),
    "saving.checkpoint.callback_model": (LOAD, other_weights),
    "saving.checkpoint.manager": ("tensorflow.train.CheckpointManager.__init__", one_more),
    "saving.checkpoint.module": (RESTORE, nothing),
    "saving.checkpoint.optimizer": (RESTORE, nothing),
    "saving.compiled.h5_optimizer_state": (LOAD, new_optimizer),
    "saving.compiled.loss_weights": (LOAD, other_weights),
    "saving.copies.clone_model": ("tensorflow.keras.models.clone_model", first_argument),
    "saving.copies.from_config": (SET_WEIGHTS, nothing),
    "saving.custom.layer_config": ("tensorflow.keras.layers.Layer.get_config", nameless),
    "saving.custom.registered": (LOAD, other_weights),
    "saving.custom.scope": (LOAD, other_weights),
    "saving.errors.kept_weights": (LOAD_WEIGHTS, shifted_first),
    "saving.export.module": (LOAD_FOLDER, served_off),
    "saving.files.h5_values": ("tensorflow.keras.Model.save", with_other_weights),
    "saving.kinds.convolutional": (LOAD, other_weights),
    "saving.kinds.nested": (LOAD, other_weights),
    "saving.kinds.recurrent": (LOAD, other_weights),
    "saving.kinds.several_inputs_outputs": (LOAD, other_weights),
    "saving.kinds.shared_layer": (LOAD, other_weights),
    "saving.weights.from_whole_file": (LOAD_WEIGHTS, nothing),
    "saving.weights.get_set": (SET_WEIGHTS, nothing),
    "saving.weights.sequential_to_functional": (LOAD_WEIGHTS, nothing),
    "saving.written_234.checkpoint": (RESTORE, nothing),
    "saving.written_234.dense_h5": (LOAD, other_weights),
    "saving.written_234.saved_model_signature": (LOAD_FOLDER, served_off),
    "saving.written_234.weights_h5": (LOAD_WEIGHTS, nothing),
    "saving.written_234.whole_file_weights": (LOAD_WEIGHTS, nothing),
    "saving.written_280.checkpoint": (RESTORE, nothing),
    "saving.written_280.dense_h5": (LOAD, other_weights),
    "saving.written_280.saved_model_signature": (LOAD_FOLDER, served_off),
    "saving.written_280.weights_h5": (LOAD_WEIGHTS, nothing),
    "saving.written_280.whole_file_weights": (LOAD_WEIGHTS, nothing),
}
