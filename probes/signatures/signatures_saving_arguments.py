"""Arguments of save, load, callbacks and generators that came, went or were renamed: what becomes of them?"""

import os
import tempfile

from harness import behaviour, subject
from signatures_training_arguments import compiled
from spelled import attempt


@behaviour(
    "signatures.save.arguments",
    "Which arguments of save, load_model, save_weights and load_weights are honoured, by the files they make?",
    source="keras-team/keras issue 18467 (Keras 3 differences), Keras API, model saving",
    needs=("tensorflow",),
)
def save_arguments():
    import tensorflow as tf

    model = compiled(tf)
    folder = tempfile.mkdtemp()
    model.save(os.path.join(folder, "there.h5"))

    def place(name):
        return os.path.join(folder, name)

    def saved(name, **arguments):
        model.save(place(name), **arguments)
        with open(place(name), "rb") as file:
            return file.read()

    def start(name, **arguments):
        return saved(name, **arguments)[:4]

    def without_optimizer():
        kept = saved("with.h5"), saved("without.h5", include_optimizer=False)
        return b"training_config" in kept[0] and b"training_config" not in kept[1]

    def load(**arguments):
        return tf.keras.models.load_model(place("there.h5"), **arguments)

    def folder_saved(**arguments):
        model.save(place("folder"), **arguments)
        return os.path.isdir(place("folder"))

    calls = {
        "save save_format=h5": lambda: start("a", save_format="h5") == b"\x89HDF",
        "save save_format=tf": lambda: folder_saved(save_format="tf"),
        "save save_format=keras": lambda: start("b.keras", save_format="keras") == b"PK\3\4",
        "save include_optimizer": without_optimizer,
        "save signatures": lambda: start("d.h5", signatures=None),
        "save options": lambda: start("e.h5", options=None),
        "save save_traces": lambda: start("f.h5", save_traces=False),
        "save zipped": lambda: start("g.keras", zipped=True),
        "load_model compile": lambda: getattr(load(compile=False), "optimizer", None) is None,
        "load_model options": lambda: load(compile=False, options=None),
        "load_model safe_mode": lambda: load(compile=False, safe_mode=True),
        "save_weights save_format": lambda: model.save_weights(place("h.weights.h5"), save_format="h5"),
        "save_weights options": lambda: model.save_weights(place("i.weights.h5"), options=None),
        "load_weights by_name": lambda: model.load_weights(place("there.h5"), by_name=True),
        "load_weights skip_mismatch": lambda: model.load_weights(place("there.h5"), skip_mismatch=True),
    }  # fmt: skip
    with subject("Model.save, load_model"):
        return {name: attempt(name.split()[1].split("=")[0], call) for name, call in calls.items()}


@behaviour(
    "signatures.save_weights.names",
    "Which file names does save_weights take: .weights.h5, .h5, .keras, .ckpt and one without an ending?",
    source="keras-team/keras issue 18467 (Keras 3 differences)",
    needs=("tensorflow",),
)
def save_weights_names():
    import tensorflow as tf

    model = compiled(tf)
    found = {}
    with subject("Model.save_weights"):
        for name in ("w.weights.h5", "w.h5", "w.hdf5", "w.keras", "w.ckpt", "w.tf", "w"):
            folder = tempfile.mkdtemp()
            try:
                model.save_weights(os.path.join(folder, name))
            except Exception as error:
                found[name] = {"raised": type(error).__name__}
            else:
                found[name] = sorted(os.listdir(folder))
        return found


@behaviour(
    "signatures.callbacks.arguments",
    "Do callbacks take period, save_freq, epsilon, start_from_epoch, write_grads and other renamed arguments?",
    source="Keras API, ModelCheckpoint callback",
    needs=("tensorflow",),
    light=True,
)
def callback_arguments():
    import tensorflow as tf

    callbacks = tf.keras.callbacks
    board = callbacks.TensorBoard

    def checkpoint(**arguments):
        return callbacks.ModelCheckpoint("m.weights.h5", save_weights_only=True, **arguments)

    calls = {
        "period": lambda: checkpoint(period=2).period == 2,
        "save_freq": lambda: checkpoint(save_freq=2).save_freq == 2,
        "options": lambda: checkpoint(options=None),
        "load_weights_on_restart": lambda: checkpoint(load_weights_on_restart=True),
        "initial_value_threshold": lambda: checkpoint(initial_value_threshold=0.5).best == 0.5,
        "epsilon": lambda: callbacks.ReduceLROnPlateau(epsilon=0.5).min_delta == 0.5,
        "min_delta": lambda: callbacks.ReduceLROnPlateau(min_delta=0.5).min_delta == 0.5,
        "start_from_epoch": lambda: callbacks.EarlyStopping(start_from_epoch=3).start_from_epoch == 3,
        "write_grads": lambda: board("logs", write_grads=True),
        "batch_size": lambda: board("logs", batch_size=3),
        "embeddings_freq": lambda: board("logs", embeddings_freq=1).embeddings_freq == 1,
        "write_steps_per_second": lambda: board("logs", write_steps_per_second=True),
    }  # fmt: skip
    with subject("callbacks"):
        return {name: attempt(name, call) for name, call in calls.items()}


@behaviour(
    "signatures.image_generator.arguments",
    "Do ImageDataGenerator and pad_sequences take dim_ordering, data_format, validation_split and value?",
    source="Keras 2.0 release notes (dim_ordering renamed to data_format)",
    needs=("tensorflow",),
    light=True,
)
def image_generator_arguments():
    import tensorflow as tf

    kind = tf.keras.preprocessing.image.ImageDataGenerator
    calls = {
        "dim_ordering": lambda: kind(dim_ordering="th").data_format == "channels_first",
        "data_format": lambda: kind(data_format="channels_first").channel_axis == 1,
        "validation_split": lambda: kind(validation_split=0.25)._validation_split == 0.25,
        "interpolation_order": lambda: kind(interpolation_order=2).interpolation_order == 2,
        "brightness_range": lambda: kind(brightness_range=(0.5, 1.5)).brightness_range is not None,
    }  # fmt: skip
    with subject("ImageDataGenerator"):
        return {name: attempt(name, call) for name, call in calls.items()}
