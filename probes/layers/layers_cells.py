"""Cells and wrappers around them: custom cells, stacks of cells, TimeDistributed."""

from harness import assert_close, behaviour, check, subject
from layers_by_hand import fixed, lstm, numbers
from synthetic import eager

NEAR = {"rtol": 1e-4, "atol": 1e-5}


@check(
    "layers.recurrent.custom_cell",
    "Does RNN run a custom cell, with its weights and its state, over the sequence?",
    source="Keras API, RNN (custom cell, the example of its docstring)",
    needs=("tensorflow",),
)
def recurrent_custom_cell():
    import numpy as np
    import tensorflow as tf

    eager(tf)

    class Summing(tf.keras.layers.Layer):
        def __init__(self, units, **kwargs):
            super(Summing, self).__init__(**kwargs)
            self.units = units
            self.state_size = units

        def build(self, input_shape):
            self.kernel = self.add_weight(shape=(input_shape[-1], self.units), initializer="ones", name="kernel")
            self.built = True

        def call(self, inputs, states):
            output = tf.matmul(inputs, self.kernel) + states[0]
            return output, [output]

    x = numbers(2, 4, 3)
    with subject("RNN(cell)"):
        layer = tf.keras.layers.RNN(Summing(2), return_sequences=True, return_state=True)
        results = layer(tf.constant(x))
        expected = np.cumsum(x.sum(axis=2), axis=1)[:, :, None].repeat(2, axis=2)
        assert_close(results[0], expected, what="outputs", **NEAR)
        assert_close(results[1], expected[:, -1], what="state", **NEAR)


@check(
    "layers.recurrent.stacked_cells",
    "Does RNN with a list of LSTM cells compute one LSTM behind the other?",
    source="Keras API, StackedRNNCells",
    needs=("tensorflow",),
)
def recurrent_stacked_cells():
    import tensorflow as tf

    eager(tf)
    x = numbers(2, 4, 2)
    with subject("RNN([cell, cell])"):
        cells = [tf.keras.layers.LSTMCell(units, recurrent_activation="sigmoid") for units in (3, 2)]
        layer = tf.keras.layers.RNN(cells)
        layer(tf.constant(x))
        weights = fixed(layer)
        expected = lstm(lstm(x, weights[:3])[0], weights[3:])[1]
        assert_close(layer(tf.constant(x)), expected, what="outputs", **NEAR)


@check(
    "layers.time_distributed",
    "Does TimeDistributed apply its layer to each step on its own, also with a convolution inside?",
    source="Keras API, TimeDistributed",
    needs=("tensorflow",),
)
def time_distributed():
    import numpy as np
    import tensorflow as tf

    eager(tf)
    x, frames = numbers(2, 3, 4), numbers(1, 3, 4, 4, 2)
    with subject("TimeDistributed"):
        layer = tf.keras.layers.TimeDistributed(tf.keras.layers.Dense(2))
        layer.build((None, 3, 4))
        kernel, bias = fixed(layer)
        assert_close(layer(tf.constant(x)), x.dot(kernel) + bias, what="Dense", **NEAR)
        inner = tf.keras.layers.Conv2D(2, 2)
        layer = tf.keras.layers.TimeDistributed(inner)
        result = layer(tf.constant(frames)).numpy()
        each = np.stack([inner(tf.constant(frames[:, t])).numpy() for t in range(3)], axis=1)
        assert_close(result, each, what="Conv2D", **NEAR)


@behaviour(
    "layers.time_distributed_mask",
    "What becomes of masked steps in TimeDistributed(Dense): computed, zeros; does the mask go on?",
    source="Keras API, TimeDistributed",
    needs=("tensorflow",),
)
def time_distributed_mask():
    import numpy as np
    import tensorflow as tf

    eager(tf)
    x = np.array([[[1.0, 1.0], [0.0, 0.0], [2.0, 2.0]]], "float32")
    with subject("Masking, TimeDistributed"):
        layer = tf.keras.layers.TimeDistributed(tf.keras.layers.Dense(1, bias_initializer="ones"))
        result = layer(tf.keras.layers.Masking()(tf.constant(x)))
        mask = getattr(result, "_keras_mask", None)
        return {
            "masked step": round(float(result[0, 1, 0]), 4),
            "mask": None if mask is None else np.array(mask).tolist(),
        }
