"""Writes one small model into each kind of file, and what the models answer: for later versions to load.

    python write.py FOLDER      makes FOLDER/<TensorFlow's version>/models.zip and expected.json

Weights and inputs are fixed numbers, so what is written means the same every time (old HDF5 files also hold the
time they were written at). Standard library and TensorFlow 2.3 to 2.8 with the h5py and numpy it brought. The folders
beside this file were written by

    2.3.4   Python 3.7.16, numpy 1.18.5, h5py 2.10.0
    2.8.0   Python 3.8.18, numpy 1.22.2, h5py 3.6.0
"""

import json
import os
import platform
import shutil
import sys
import tempfile
import zipfile

WHEN = (1980, 1, 1, 0, 0, 0)


def rows(*shape):
    import numpy as np

    return np.cos(np.arange(np.prod(shape)) * 0.7).reshape(shape).astype("float32")


def fixed(model):
    import numpy as np

    model.set_weights(
        [
            (0.5 + 0.4 * np.sin(np.arange(weight.size) + i)).reshape(weight.shape).astype("float32")
            for i, weight in enumerate(model.get_weights())
        ]
    )
    return model


def dense(layers, keras):
    return keras.Sequential(
        [layers.Dense(4, activation="relu", input_shape=(3,), name="first"), layers.Dense(2, name="second")],
        name="dense",
    )


def conv(layers, keras):
    x = keras.Input((6, 6, 1), name="x")
    y = layers.BatchNormalization(name="norm")(layers.Conv2D(2, 3, name="conv")(x))
    y = layers.Flatten(name="flat")(layers.MaxPooling2D(2, name="pool")(layers.ReLU(name="relu")(y)))
    return keras.Model(x, layers.Dense(2, activation="softmax", name="end")(y), name="conv")


def depthwise(layers, keras):
    x = keras.Input((5, 5, 2), name="x")
    y = layers.SeparableConv2D(2, 2, name="separable")(layers.DepthwiseConv2D(3, name="depthwise")(x))
    y = layers.Conv2DTranspose(2, 2, name="transposed")(y)
    return keras.Model(x, layers.GlobalAveragePooling2D(name="pool")(layers.ReLU(6.0, name="relu6")(y)), name="mobile")


def lstm(layers, keras):
    return keras.Sequential(
        [layers.LSTM(3, input_shape=(4, 2), name="lstm"), layers.Dense(1, name="end")], name="recurrent"
    )


def gru(layers, keras):
    x = keras.Input((4, 2), name="x")
    y = layers.Bidirectional(layers.GRU(2, return_sequences=True, name="gru"), name="two_ways")(x)
    return keras.Model(x, layers.SimpleRNN(2, name="simple")(y), name="gates")


def operators(layers, keras):
    x = keras.Input((3,), name="x")
    return keras.Model(x, layers.Dense(2, name="dense")(x) * 2.0 + 1.0, name="operators")


def scaled(layers, keras):
    """A model with a layer of its own: `Scaled(units, factor)`, a matrix product times the factor."""
    import tensorflow as tf

    class Scaled(layers.Layer):
        def __init__(self, units=2, factor=1.0, **kwargs):
            super(Scaled, self).__init__(**kwargs)
            self.units, self.factor = units, factor

        def build(self, input_shape):
            self.w = self.add_weight(name="w", shape=(int(input_shape[-1]), self.units), initializer="ones")

        def call(self, inputs):
            return tf.matmul(inputs, self.w) * self.factor

        def get_config(self):
            return dict(super(Scaled, self).get_config(), units=self.units, factor=self.factor)

    return keras.Sequential([layers.Dense(3, input_shape=(3,), name="first"), Scaled(2, 2.5, name="scaled")])


def lambdas(layers, keras):
    return keras.Sequential(
        [layers.Dense(2, input_shape=(3,), name="first"), layers.Lambda(lambda x: x * 2.0, name="twice")]
    )


HDF5 = {
    "dense": (dense, (4, 3)),
    "conv": (conv, (2, 6, 6, 1)),
    "depthwise": (depthwise, (2, 5, 5, 2)),
    "lstm": (lstm, (2, 4, 2)),
    "gru": (gru, (2, 4, 2)),
    "operators": (operators, (4, 3)),
    "scaled": (scaled, (4, 3)),
    "lambda": (lambdas, (4, 3)),
}
"""Name of a whole-model .h5 file → (what makes the model, shape of its input)."""


def compiled(keras, layers):
    """The dense model, trained for two steps by Adam, one metric beside the loss."""
    model = fixed(dense(layers, keras))
    model.compile(optimizer=keras.optimizers.Adam(0.01), loss="mse", metrics=["mae"])
    for _ in range(2):
        model.train_on_batch(rows(4, 3), rows(4, 2))
    return model


def write(work):
    """Writes every file into the folder `work`. Returns what the models answer, by file."""
    import tensorflow as tf

    keras, layers = tf.keras, tf.keras.layers
    answers = {}
    for name, (make, shape) in sorted(HDF5.items()):
        model = fixed(make(layers, keras))
        model.save(os.path.join(work, name + ".h5"))
        answers[name + ".h5"] = (shape, model)
    model = fixed(dense(layers, keras))
    model.save(os.path.join(work, "plain"))
    model.save_weights(os.path.join(work, "weights.h5"))
    model.save_weights(os.path.join(work, "weights", "weights"), save_format="tf")
    with open(os.path.join(work, "architecture.json"), "w") as file:
        file.write(answers["conv.h5"][1].to_json())
    model = compiled(keras, layers)
    model.save(os.path.join(work, "compiled.h5"))
    model.save(os.path.join(work, "folder"))
    tf.train.Checkpoint(model=model, optimizer=model.optimizer).save(os.path.join(work, "checkpoint", "ckpt"))
    answers["compiled.h5"] = ((4, 3), model)
    found = {}
    for name, (shape, model) in answers.items():
        found[name] = {"shape": shape, "predictions": model.predict(rows(*shape)).astype("float64").round(6).tolist()}
    found["compiled.h5"]["iterations"] = int(model.optimizer.iterations.numpy())
    found["compiled.h5"]["evaluate"] = [round(float(v), 6) for v in model.evaluate(rows(4, 3), rows(4, 2), verbose=0)]
    return found


def pack(work, path):
    """All files below `work` in one archive, in order, without times."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for folder, names, files in os.walk(work):
            names.sort()
            for name in sorted(files):
                whole = os.path.join(folder, name)
                entry = zipfile.ZipInfo(os.path.relpath(whole, work).replace(os.sep, "/"), WHEN)
                entry.compress_type = zipfile.ZIP_DEFLATED
                with open(whole, "rb") as file:
                    archive.writestr(entry, file.read())


def main(arguments):
    if len(arguments) != 1 or arguments[0].startswith("-"):
        sys.stderr.write(__doc__)
        return 2
    import h5py
    import numpy
    import tensorflow as tf

    work = tempfile.mkdtemp()
    found = {
        "python": platform.python_version(), "tensorflow": tf.__version__, "keras": tf.keras.__version__,
        "h5py": h5py.__version__, "numpy": numpy.__version__, "answers": write(work),
    }  # fmt: skip
    place = os.path.join(arguments[0], tf.__version__)
    if not os.path.isdir(place):
        os.makedirs(place)
    pack(work, os.path.join(place, "models.zip"))
    with open(os.path.join(place, "expected.json"), "w") as file:
        file.write(json.dumps(found, indent=1, sort_keys=True) + "\n")
    shutil.rmtree(work)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
