"""Arguments of layers that came, went or were renamed: honoured, ignored or refused, and with which words?

Each value is {"what": "honoured" | "ignored" | "accepted" | "refused", …}: honoured means that the effect was seen,
accepted that no error came and no effect can be seen from outside.
"""

from harness import behaviour, subject
from spelled import attempt
from synthetic import eager


def _shape(layer, shape):
    """The layer's output shape for an input of ones, as a list."""
    import numpy as np

    return [int(size) for size in layer(np.ones(shape, "float32")).shape]


@behaviour(
    "signatures.layers.keras1_names",
    "Are the argument names of Keras 1 (border_mode, nb_filter, init, output_dim, …) taken, and if not, named?",
    source="seed 002 example 2 (border_mode) and Keras 2.0 release notes (renamed arguments)",
    needs=("tensorflow",),
)
def keras1_names():
    import tensorflow as tf

    layers = tf.keras.layers
    eager(tf)
    image = (1, 4, 4, 2)
    calls = {
        "border_mode": lambda: _shape(layers.Conv2D(3, (3, 3), border_mode="same"), image) == [1, 4, 4, 3],
        "subsample": lambda: _shape(layers.Conv2D(3, (1, 1), subsample=(2, 2)), image) == [1, 2, 2, 3],
        "dim_ordering": lambda: layers.Conv2D(3, (1, 1), dim_ordering="th").data_format == "channels_first",
        "nb_filter": lambda: layers.Conv2D(nb_filter=3, kernel_size=1).filters == 3,
        "nb_row": lambda: layers.Conv2D(3, nb_row=2, nb_col=3).kernel_size == (2, 3),
        "output_dim": lambda: layers.Dense(output_dim=3).units == 3,
        "init": lambda: "Zeros" in type(layers.Dense(3, init="zeros").kernel_initializer).__name__,
        "W_regularizer": lambda: layers.Dense(3, W_regularizer="l2").kernel_regularizer is not None,
        "bias": lambda: layers.Dense(3, bias=False).use_bias is False,
        "p": lambda: layers.Dropout(p=0.25).rate == 0.25,
        "inner_activation": lambda: layers.LSTM(3, inner_activation="relu").recurrent_activation.__name__ == "relu",
        "pool_length": lambda: layers.MaxPooling1D(pool_length=3).pool_size in (3, (3,)),
    }
    with subject("Keras 1 arguments"):
        return {name: attempt(name, call) for name, call in calls.items()}


@behaviour(
    "signatures.misspelt",
    "Is a misspelt argument refused, with its name in the message, by layers, losses, optimizers, compile and fit?",
    source="seed 002 (errors that seem unrelated to the argument itself)",
    needs=("tensorflow",),
)
def misspelt():
    import numpy as np
    import tensorflow as tf

    keras = tf.keras
    model = keras.Sequential([keras.layers.Dense(1, input_shape=(2,))])
    model.compile("sgd", "mse")
    ones = np.ones((2, 2), "float32")
    calls = {
        "return_seqs": lambda: keras.layers.LSTM(3, return_seqs=True) is None,
        "kernal_size": lambda: keras.layers.Conv2D(3, 3, kernal_size=2) is None,
        "activaton": lambda: keras.layers.Dense(3, activaton="relu") is None,
        "learning_rat": lambda: keras.optimizers.Adam(learning_rat=0.1) is None,
        "from_logit": lambda: keras.losses.BinaryCrossentropy(from_logit=True) is None,
        "patients": lambda: keras.callbacks.EarlyStopping(patients=3) is None,
        "save_best": lambda: keras.callbacks.ModelCheckpoint("m.h5", save_best=True) is None,
        "metric": lambda: model.compile("sgd", "mse", metric=["mae"]) is not None,
        "epoch": lambda: model.fit(ones, ones[:, :1], epoch=2, verbose=0) is None,
        "batchsize": lambda: model.predict(ones, batchsize=2) is None,
    }
    with subject("misspelt arguments"):
        return {name: attempt(name, call) for name, call in calls.items()}


@behaviour(
    "signatures.layers.input_arguments",
    "Do layers take input_shape, batch_input_shape, input_dim, batch_size and weights, and is the layer built then?",
    source="seed 002 example 1 (input_shape), keras-team/keras issue 18467 (Keras 3 differences)",
    needs=("tensorflow",),
)
def input_arguments():
    import numpy as np
    import tensorflow as tf

    eager(tf)
    layers = tf.keras.layers
    weights = [np.full((2, 3), 7.0, "float32"), np.zeros(3, "float32")]

    def alone(**arguments):
        model = tf.keras.Sequential([layers.Dense(3, **arguments)])
        return [None if size is None else int(size) for size in model.input_shape]

    def weighted():
        layer = layers.Dense(3, weights=weights)
        layer(np.ones((1, 2), "float32"))
        return float(layer.get_weights()[0][0, 0]) == 7.0

    calls = {
        "input_shape": lambda: alone(input_shape=(2,)) == [None, 2],
        "batch_input_shape": lambda: alone(batch_input_shape=(4, 2)) == [4, 2],
        "input_dim": lambda: alone(input_dim=2) == [None, 2],
        "batch_size": lambda: alone(input_shape=(2,), batch_size=4) == [4, 2],
        "batch_shape": lambda: alone(batch_shape=(4, 2)) == [4, 2],
        "shape": lambda: alone(shape=(2,)) == [None, 2],
        "weights": weighted,
    }
    with subject("input arguments of a layer"):
        return {name: attempt(name, call) for name, call in calls.items()}


@behaviour(
    "signatures.layers.embedding_arguments",
    "Do Embedding's input_length, weights, mask_zero and output_dim work?",
    source="keras-team/keras issue 18467 (Keras 3 differences)",
    needs=("tensorflow",),
)
def embedding_arguments():
    import numpy as np
    import tensorflow as tf

    eager(tf)
    layers = tf.keras.layers
    table = np.arange(6, dtype="float32").reshape(3, 2)

    def looked_up(layer):
        return [float(value) for value in np.array(layer(np.array([[2]])))[0, 0]]

    def long():
        model = tf.keras.Sequential([layers.Embedding(3, 2, input_length=4)])
        return bool(model.built) and list(model.output_shape) == [None, 4, 2]

    def masked():
        mask = layers.Embedding(3, 2, mask_zero=True).compute_mask(tf.constant([[0, 1]]))
        return np.array(mask).tolist() == [[False, True]]

    calls = {
        "input_length": long,
        "weights": lambda: looked_up(layers.Embedding(3, 2, weights=[table])) == [4.0, 5.0],
        "mask_zero": masked,
        "output_dim": lambda: len(looked_up(layers.Embedding(input_dim=3, output_dim=2))) == 2,
        "embeddings_initializer": lambda: (
            looked_up(layers.Embedding(3, 2, embeddings_initializer=tf.keras.initializers.Constant(table)))
            == [4.0, 5.0]
        ),
    }
    with subject("Embedding"):
        return {name: attempt(name, call) for name, call in calls.items()}


@behaviour(
    "signatures.layers.recurrent_arguments",
    "Do LSTM's implementation, time_major, unroll, return_state and GRU's reset_after work?",
    source="keras-team/keras issue 18467 (Keras 3 differences)",
    needs=("tensorflow",),
)
def recurrent_arguments():
    import numpy as np
    import tensorflow as tf

    eager(tf)
    layers = tf.keras.layers
    x = np.ones((5, 3, 2), "float32")

    def bias(after):
        layer = layers.GRU(4, reset_after=after)
        layer(x)
        return [int(size) for size in layer.get_weights()[2].shape]

    def stateful():
        inputs = tf.keras.Input(shape=(3, 2), batch_size=5)
        model = tf.keras.Model(inputs, layers.LSTM(4, stateful=True)(inputs))
        before = model.predict_on_batch(x)
        return bool(np.abs(np.array(before) - np.array(model.predict_on_batch(x))).max() > 1e-6)

    calls = {
        "implementation": lambda: layers.LSTM(4, implementation=1),
        "time_major": lambda: _shape(layers.LSTM(4, time_major=True), (5, 3, 2)) == [3, 4],
        "unroll": lambda: layers.LSTM(4, unroll=True),
        "return_state": lambda: len(layers.LSTM(4, return_state=True)(x)) == 3,
        "reset_after": lambda: bias(True) == [2, 12] and bias(False) == [12],
        "recurrent_dropout": lambda: layers.LSTM(4, recurrent_dropout=0.5),
        "stateful": stateful,
    }
    with subject("LSTM, GRU"):
        return {name: attempt(name, call) for name, call in calls.items()}


@behaviour(
    "signatures.layers.renamed_later",
    "Which of a renamed layer argument's two names work: alpha/negative_slope, interpolation, fused, renorm?",
    source="keras-team/keras issue 18467 (Keras 3 differences), Keras API, LeakyReLU layer",
    needs=("tensorflow",),
)
def renamed_later():
    import numpy as np
    import tensorflow as tf

    eager(tf)
    layers = tf.keras.layers

    def leak(**slope):
        return round(float(np.array(layers.LeakyReLU(**slope)(np.array([-1.0], "float32")))[0]), 4)

    def upsampled(**how):
        out = layers.UpSampling2D(2, **how)(np.array([[[[0.0], [1.0]]]], "float32"))
        return not set(np.array(out).ravel().tolist()) <= {0.0, 1.0}

    calls = {
        "alpha": lambda: leak(alpha=0.25) == -0.25,
        "negative_slope": lambda: leak(negative_slope=0.25) == -0.25,
        "interpolation": lambda: upsampled(interpolation="bilinear"),
        "fused": lambda: layers.BatchNormalization(fused=False),
        "renorm": lambda: layers.BatchNormalization(renorm=True),
        "virtual_batch_size": lambda: layers.BatchNormalization(virtual_batch_size=2),
        "synchronized": lambda: layers.BatchNormalization(synchronized=False),
        "groups": lambda: layers.Conv2D(4, 1, groups=2).groups == 2,
        "keepdims": lambda: _shape(layers.GlobalAveragePooling2D(keepdims=True), (1, 4, 4, 2)) == [1, 1, 1, 2],
        "lora_rank": lambda: layers.Dense(4, lora_rank=1),
        "use_scale": lambda: layers.Attention(use_scale=True).use_scale is True,
        "causal": lambda: layers.Attention(causal=True),
        "output_shape": lambda: layers.Lambda(lambda x: x, output_shape=(2,)),
        "dynamic": lambda: layers.Layer(dynamic=True).dynamic is True,
        "autocast": lambda: layers.Layer(autocast=False),
    }
    with subject("renamed layer arguments"):
        return {name: attempt(name, call) for name, call in calls.items()}


@behaviour(
    "signatures.layers.add_weight_forms",
    "Which ways of calling Layer.add_weight work: name first, shape first, without a name, initializer as text?",
    source="seed 004 example 3 (add_weight(shape=…, initializer=…))",
    needs=("tensorflow",),
)
def add_weight_forms():
    import tensorflow as tf

    eager(tf)

    def shape(*args, **kwargs):
        weight = tf.keras.layers.Layer().add_weight(*args, **kwargs)
        return [int(size) for size in weight.shape] == [2, 3]

    calls = {
        "name, shape": lambda: shape("w", (2, 3)),
        "name, shape=": lambda: shape("w", shape=(2, 3)),
        "shape": lambda: shape((2, 3)),
        "shape=": lambda: shape(shape=(2, 3)),
        "initializer": lambda: shape(shape=(2, 3), initializer="ones"),
        "trainable": lambda: shape(shape=(2, 3), trainable=False),
        "aggregation": lambda: shape(shape=(2, 3), aggregation=tf.VariableAggregation.MEAN),
        "synchronization": lambda: shape(shape=(2, 3), synchronization=tf.VariableSynchronization.AUTO),
        "partitioner": lambda: shape(shape=(2, 3), partitioner=None),
        "use_resource": lambda: shape(shape=(2, 3), use_resource=True),
        "experimental_autocast": lambda: shape(shape=(2, 3), experimental_autocast=False),
        "getter": lambda: shape(shape=(2, 3), getter=None),
        "add_variable": lambda: [int(n) for n in tf.keras.layers.Layer().add_variable("w", (2, 3)).shape] == [2, 3],
    }
    with subject("Layer.add_weight"):
        return {name: attempt(name, call) for name, call in calls.items()}
