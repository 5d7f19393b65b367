"""Recurrent layers against numpy: gates, masks, states, directions, cells; and what their calls return."""

from attempts import attempt, attempts
from harness import assert_close, behaviour, check, drift, expect, subject
from layers_by_hand import fixed, gru, lstm, numbers, simple_rnn
from synthetic import eager

NEAR = {"rtol": 1e-4, "atol": 1e-5}


def _built(layer, features=2):
    """(layer, its fixed weights): built for sequences of that many features."""
    layer.build((None, None, features))
    return layer, fixed(layer)


@check(
    "layers.recurrent.simple_rnn",
    "Does SimpleRNN give numpy's numbers, also with an initial state and backwards?",
    source="Keras API, SimpleRNN",
    needs=("tensorflow",),
)
def recurrent_simple_rnn():
    import tensorflow as tf

    eager(tf)
    x, state = numbers(2, 5, 2), numbers(2, 3, seed=9)
    with subject("SimpleRNN"):
        layer, weights = _built(tf.keras.layers.SimpleRNN(3, return_sequences=True))
        assert_close(layer(tf.constant(x)), simple_rnn(x, weights), what="all outputs", **NEAR)
        given = layer(tf.constant(x), initial_state=tf.constant(state))
        assert_close(given, simple_rnn(x, weights, state), what="with an initial state", **NEAR)
        layer, weights = _built(tf.keras.layers.SimpleRNN(3, return_sequences=True, go_backwards=True))
        assert_close(layer(tf.constant(x)), simple_rnn(x[:, ::-1], weights), what="backwards", **NEAR)


@check(
    "layers.recurrent.lstm",
    "Does LSTM give numpy's numbers from given weights: outputs, last state, initial state?",
    source="Keras API, LSTM",
    needs=("tensorflow",),
)
def recurrent_lstm():
    import tensorflow as tf

    eager(tf)
    x = numbers(2, 5, 2)
    states = [numbers(2, 3, seed=8), numbers(2, 3, seed=9)]
    with subject("LSTM"):
        layer, weights = _built(tf.keras.layers.LSTM(3, return_sequences=True, return_state=True))
        for label, given in (("zeros", None), ("given", states)):
            initial = None if given is None else [tf.constant(s) for s in given]
            results = layer(tf.constant(x), initial_state=initial)
            for got, wanted, what in zip(results, lstm(x, weights, given), ("outputs", "h", "c")):
                assert_close(got, wanted, what="%s, initial state %s" % (what, label), **NEAR)


@check(
    "layers.recurrent.gru",
    "Does GRU give numpy's numbers with reset_after=True and with reset_after=False?",
    source="Keras API, GRU (reset_after)",
    needs=("tensorflow",),
)
def recurrent_gru():
    import tensorflow as tf

    eager(tf)
    x = numbers(2, 4, 2)
    with subject("GRU"):
        for after in (True, False):
            layer, weights = _built(tf.keras.layers.GRU(3, reset_after=after))
            assert_close(layer(tf.constant(x)), gru(x, weights, after), what="reset_after=%s" % after, **NEAR)


@behaviour(
    "layers.recurrent.defaults",
    "Which activations, gate activations, biases and reset_after do recurrent layers have by default?",
    source="Keras API, GRU (reset_after) and LSTM (recurrent_activation)",
    needs=("tensorflow",),
    light=True,
)
def recurrent_defaults():
    import tensorflow as tf

    names = ("activation", "recurrent_activation", "unit_forget_bias", "reset_after", "unroll", "implementation")

    def defaults(layer):
        config = layer.get_config()
        return dict((name, config[name]) for name in names if name in config)

    with subject("get_config"):
        layers = tf.keras.layers
        return {
            "SimpleRNN": defaults(layers.SimpleRNN(2)),
            "LSTM": defaults(layers.LSTM(2)),
            "GRU": defaults(layers.GRU(2)),
            "ConvLSTM2D": defaults(layers.ConvLSTM2D(2, 1)),
        }


@check(
    "layers.recurrent.mask",
    "Do recurrent layers skip masked steps, at the end, at the beginning and in the middle?",
    source="Keras guide, masking and padding",
    needs=("tensorflow",),
)
def recurrent_mask():
    import tensorflow as tf

    eager(tf)
    x = numbers(1, 5, 2)
    layers = tf.keras.layers
    with subject("mask"):
        for make in (layers.SimpleRNN, layers.LSTM, layers.GRU):
            layer, _ = _built(make(3))
            for kept in ([0, 1, 2], [2, 3, 4], [0, 2, 4]):
                mask = tf.constant([[i in kept for i in range(5)]])
                expected = layer(tf.constant(x[:, kept]))
                assert_close(
                    layer(tf.constant(x), mask=mask), expected, what="%s, steps %s" % (make.__name__, kept), **NEAR
                )


@behaviour(
    "layers.recurrent.masked_outputs",
    "What does LSTM(return_sequences=True) put out at masked steps: the previous output, zeros?",
    source="Keras API, RNN (zero_output_for_mask)",
    needs=("tensorflow",),
)
def recurrent_masked_outputs():
    import numpy as np
    import tensorflow as tf

    eager(tf)
    x = numbers(1, 4, 2)
    mask = tf.constant([[True, True, False, True]])

    def what(make, **options):
        layer, _ = _built(make(3, return_sequences=True, **options))
        out = layer(tf.constant(x), mask=mask).numpy()[0]
        return "zeros" if not out[2].any() else "previous" if np.allclose(out[2], out[1]) else "other"

    with subject("LSTM(return_sequences=True)"):
        layers = tf.keras.layers
        return attempts(
            {
                "LSTM": lambda: what(layers.LSTM),
                "GRU": lambda: what(layers.GRU),
                "SimpleRNN": lambda: what(layers.SimpleRNN),
                "LSTM(zero_output_for_mask=True)": lambda: what(layers.LSTM, zero_output_for_mask=True),
            }
        )


@check(
    "layers.recurrent.unroll",
    "Does unroll=True change nothing in the numbers of LSTM and GRU?",
    source="Keras API, LSTM (unroll)",
    needs=("tensorflow",),
)
def recurrent_unroll():
    import tensorflow as tf

    eager(tf)
    x = numbers(2, 4, 2)
    with subject("unroll=True"):
        layer = tf.keras.layers.LSTM(3, unroll=True, recurrent_activation="sigmoid")
        layer.build((2, 4, 2))
        weights = fixed(layer)
        assert_close(layer(tf.constant(x)), lstm(x, weights)[1], what="LSTM", **NEAR)
        layer = tf.keras.layers.GRU(3, unroll=True, reset_after=True, recurrent_activation="sigmoid")
        layer.build((2, 4, 2))
        weights = fixed(layer)
        assert_close(layer(tf.constant(x)), gru(x, weights, True), what="GRU", **NEAR)


@check(
    "layers.recurrent.bidirectional",
    "Does Bidirectional run both directions and merge them by concat, sum, mul and ave?",
    source="Keras API, Bidirectional (merge_mode)",
    needs=("tensorflow",),
)
def recurrent_bidirectional():
    import numpy as np
    import tensorflow as tf

    eager(tf)
    x = numbers(2, 4, 2)
    merges = {
        "concat": lambda a, b: np.concatenate([a, b], axis=-1),
        "sum": lambda a, b: a + b,
        "mul": lambda a, b: a * b,
        "ave": lambda a, b: (a + b) / 2,
    }
    with subject("Bidirectional"):
        for mode in sorted(merges):
            inner = tf.keras.layers.SimpleRNN(3, return_sequences=True)
            layer = tf.keras.layers.Bidirectional(inner, merge_mode=mode)
            layer.build((None, 4, 2))
            weights = fixed(layer)
            there = simple_rnn(x, weights[:3])
            back = simple_rnn(x[:, ::-1], weights[3:])[:, ::-1]
            assert_close(layer(tf.constant(x)), merges[mode](there, back), what=mode, **NEAR)


@check(
    "layers.recurrent.stateful",
    "Does a stateful LSTM go on from batch to batch, and start anew after reset_states?",
    source="Keras guide, working with RNNs: cross-batch statefulness",
    needs=("tensorflow",),
)
def recurrent_stateful():
    import tensorflow as tf

    eager(tf)
    x = numbers(2, 6, 2)
    with subject("LSTM(stateful=True)"):
        layer = tf.keras.layers.LSTM(3, stateful=True, recurrent_activation="sigmoid")
        layer.build((2, 3, 2))
        weights = fixed(layer)
        first, whole = lstm(x[:, :3], weights)[1], lstm(x, weights)[1]
        assert_close(layer(tf.constant(x[:, :3])), first, what="first half", **NEAR)
        assert_close(layer(tf.constant(x[:, 3:])), whole, what="second half goes on", **NEAR)
        layer.reset_states()
        assert_close(layer(tf.constant(x[:, :3])), first, what="after reset_states", **NEAR)


@behaviour(
    "layers.recurrent.stateful_model",
    "What does a stateful model need and offer: batch_input_shape, batch_shape, model and layer reset methods?",
    source="Keras guide, working with RNNs: cross-batch statefulness",
    needs=("tensorflow",),
)
def recurrent_stateful_model():
    import tensorflow as tf

    def model(**options):
        return tf.keras.Sequential([tf.keras.layers.SimpleRNN(2, stateful=True, **options)])

    def known_batch():
        inputs = tf.keras.Input(shape=(3, 2), batch_size=1)
        return tf.keras.Sequential([inputs, tf.keras.layers.SimpleRNN(2, stateful=True)])

    def unknown_batch():
        tf.keras.Sequential([tf.keras.Input(shape=(3, 2)), tf.keras.layers.SimpleRNN(2, stateful=True)])
        return True

    with subject("stateful=True"):
        layer = tf.keras.layers.SimpleRNN(2, stateful=True)
        return {
            "batch_input_shape": attempt(lambda: bool(model(batch_input_shape=(1, 3, 2)).built)),
            "batch_shape": attempt(lambda: bool(model(batch_shape=(1, 3, 2)).built)),
            "batch unknown": attempt(unknown_batch),
            "Input(batch_size=1)": attempt(lambda: bool(known_batch().built)),
            "model.reset_states": attempt(lambda: known_batch().reset_states() is None),
            "layer.reset_states": hasattr(layer, "reset_states"),
            "layer.reset_state": hasattr(layer, "reset_state"),
        }


@behaviour(
    "layers.recurrent.return_state",
    "What does a recurrent layer with return_state=True return: which container, how many tensors?",
    source="Keras API, LSTM (return_state)",
    needs=("tensorflow",),
)
def recurrent_return_state():
    import tensorflow as tf

    eager(tf)
    x = tf.zeros((2, 4, 2))
    layers = tf.keras.layers

    def shape(result):
        if isinstance(result, (list, tuple)):
            return [shape(part) for part in result]
        return "x".join(str(int(n)) for n in result.shape)

    def returned(layer):
        results = layer(x)
        return [type(results).__name__] + shape(results)

    with subject("return_state=True"):
        return attempts(
            {
                "SimpleRNN": lambda: returned(layers.SimpleRNN(3, return_state=True)),
                "LSTM": lambda: returned(layers.LSTM(3, return_state=True)),
                "GRU": lambda: returned(layers.GRU(3, return_state=True)),
                "Bidirectional": lambda: returned(layers.Bidirectional(layers.LSTM(3, return_state=True))),
                "RNN of LSTMCell": lambda: returned(layers.RNN(layers.LSTMCell(3), return_state=True)),
                "RNN of two cells": lambda: returned(
                    layers.RNN([layers.LSTMCell(3), layers.LSTMCell(2)], return_state=True)
                ),
            }
        )


@behaviour(
    "layers.recurrent.time_major",
    "Is time_major=True honoured by recurrent layers?",
    source="Keras API, RNN (time_major)",
    needs=("tensorflow",),
)
def recurrent_time_major():
    import numpy as np
    import tensorflow as tf

    eager(tf)
    x = numbers(2, 4, 2)
    with subject("SimpleRNN(time_major=True)"):
        layer, weights = _built(tf.keras.layers.SimpleRNN(3, time_major=True))
        result = layer(tf.constant(np.transpose(x, (1, 0, 2)).copy())).numpy()
        good = result.shape == (2, 3) and np.allclose(result, simple_rnn(x, weights)[:, -1], atol=1e-4)
        return "honoured" if good else "ignored"


@drift(
    "layers.recurrent.conv_lstm",
    "Which numbers does ConvLSTM2D with default gate activation give from fixed weights?",
    source="Keras API, ConvLSTM2D (recurrent_activation)",
    needs=("tensorflow",),
)
def recurrent_conv_lstm():
    import tensorflow as tf

    eager(tf)
    x = numbers(1, 3, 2, 2, 1)
    with subject("ConvLSTM2D"):
        layer = tf.keras.layers.ConvLSTM2D(1, 2, padding="same")
        layer.build((None, 3, 2, 2, 1))
        fixed(layer)
        return layer(tf.constant(x)).numpy().astype(float).ravel().round(6).tolist()


@check(
    "layers.recurrent.conv_lstm_of_points",
    "Is ConvLSTM2D with a 1 × 1 kernel an LSTM at each point?",
    source="Keras API, ConvLSTM2D",
    needs=("tensorflow",),
)
def recurrent_conv_lstm_of_points():
    import tensorflow as tf

    eager(tf)
    x = numbers(2, 3, 2, 2, 2)
    with subject("ConvLSTM2D"):
        layer = tf.keras.layers.ConvLSTM2D(3, 1, recurrent_activation="sigmoid")
        layer.build((None, 3, 2, 2, 2))
        kernel, recurrent, bias = fixed(layer)
        result = layer(tf.constant(x)).numpy()
        for r, c in ((0, 0), (0, 1), (1, 0), (1, 1)):
            expected = lstm(x[:, :, r, c], (kernel[0, 0], recurrent[0, 0], bias))[1]
            assert_close(result[:, r, c], expected, what="point %d, %d" % (r, c), **NEAR)
        expect(result.shape == (2, 2, 2, 3), "shape %r" % (result.shape,))
