"""Embedding, Masking and where a mask goes from there."""

from attempts import attempt, attempts
from harness import assert_close, behaviour, check, subject
from layers_by_hand import fixed, numbers, simple_rnn
from synthetic import eager


@check(
    "layers.embedding.lookup",
    "Does Embedding look up the rows of its table, for integers and for whole floats?",
    source="Keras API, Embedding",
    needs=("tensorflow",),
)
def embedding_lookup():
    import numpy as np
    import tensorflow as tf

    eager(tf)
    index = np.array([[0, 3, 1], [2, 2, 0]])
    with subject("Embedding"):
        layer = tf.keras.layers.Embedding(4, 2)
        layer.build((None, 3))
        (table,) = fixed(layer)
        for dtype in ("int32", "int64", "float32", "uint8"):
            assert_close(layer(tf.constant(index.astype(dtype))), table[index], what="indices as %s" % dtype)


@behaviour(
    "layers.embedding.out_of_range",
    "What does Embedding do on a CPU with an index it has no row for, or a negative one?",
    source="Keras API, Embedding (input_dim)",
    needs=("tensorflow",),
)
def embedding_out_of_range():
    import numpy as np
    import tensorflow as tf

    eager(tf)
    table = numbers(3, 2)

    def found(index, call):
        row = np.array(call(np.array([[index]])))[0, 0]
        return "zeros" if not row.any() else "last row" if np.allclose(row, table[-1]) else "other"

    with subject("Embedding"):
        model = tf.keras.Sequential([tf.keras.layers.Embedding(3, 2)])
        model(tf.constant([[0]]))
        model.set_weights([table])
        return attempts(
            {
                "3 of 3, eager": lambda: found(3, lambda x: model(tf.constant(x))),
                "3 of 3, predict": lambda: found(3, lambda x: model.predict(x, verbose=0)),
                "-1, eager": lambda: found(-1, lambda x: model(tf.constant(x))),
            }
        )


@check(
    "layers.embedding.mask_zero",
    "Does mask_zero make a recurrent layer behind an Embedding skip zeros, in predict too?",
    source="Keras guide, masking and padding",
    needs=("tensorflow",),
)
def embedding_mask_zero():
    import numpy as np
    import tensorflow as tf

    index = np.array([[3, 1, 0, 0], [3, 1, 4, 0], [0, 2, 3, 0]])
    with subject("Embedding(mask_zero=True)"):
        inputs = tf.keras.Input(shape=(4,))
        embedded = tf.keras.layers.Embedding(5, 3, mask_zero=True)(inputs)
        model = tf.keras.Model(inputs, tf.keras.layers.SimpleRNN(2)(embedded))
        weights = fixed(model)
        result = model.predict(index, verbose=0)
        for row, kept in zip(range(3), ([3, 1], [3, 1, 4], [2, 3])):
            expected = simple_rnn(weights[0][kept][None], weights[1:])[0, -1]
            assert_close(result[row], expected, rtol=1e-4, atol=1e-5, what="steps %s" % kept)


@check(
    "layers.masking",
    "Does Masking zero and mask exactly the steps whose features all have the mask value?",
    source="Keras API, Masking",
    needs=("tensorflow",),
)
def masking():
    import numpy as np
    import tensorflow as tf

    eager(tf)
    x = np.array([[[1.0, 9.0], [9.0, 9.0], [2.0, 3.0]]], "float32")
    with subject("Masking"):
        layer = tf.keras.layers.Masking(mask_value=9.0)
        assert_close(layer(tf.constant(x)), [[[1.0, 9.0], [0.0, 0.0], [2.0, 3.0]]], what="outputs")
        assert_close(layer.compute_mask(tf.constant(x)), [[True, False, True]], what="mask")


@behaviour(
    "layers.mask.carried",
    "Which layers carry a mask on to the next one?",
    source="Keras guide, masking and padding (supports_masking)",
    needs=("tensorflow",),
)
def mask_carried():
    import tensorflow as tf

    eager(tf)
    layers = tf.keras.layers

    def carried(call):
        masked = layers.Embedding(4, 2, mask_zero=True)(tf.constant([[1, 2, 0]]))
        return getattr(call(masked), "_keras_mask", None) is not None

    class Plain(layers.Layer):
        def call(self, inputs):
            return inputs * 2

    class Supporting(Plain):
        def __init__(self):
            super(Supporting, self).__init__()
            self.supports_masking = True

    ones = tf.ones((1, 3, 2))
    with subject("_keras_mask"):
        return attempts(
            {
                "Embedding": lambda: carried(lambda x: x),
                "Dense": lambda: carried(layers.Dense(2)),
                "Dropout": lambda: carried(layers.Dropout(0.5)),
                "Activation": lambda: carried(layers.Activation("relu")),
                "BatchNormalization": lambda: carried(layers.BatchNormalization()),
                "LayerNormalization": lambda: carried(layers.LayerNormalization()),
                "LSTM": lambda: carried(layers.LSTM(2)),
                "LSTM(return_sequences=True)": lambda: carried(layers.LSTM(2, return_sequences=True)),
                "Conv1D": lambda: carried(layers.Conv1D(2, 1)),
                "Flatten": lambda: carried(layers.Flatten()),
                "Lambda": lambda: carried(layers.Lambda(lambda x: x * 2)),
                "Add to unmasked": lambda: carried(lambda x: layers.Add()([x, ones])),
                "Concatenate with masked": lambda: carried(lambda x: layers.Concatenate()([x, x])),
                "custom layer": lambda: carried(Plain()),
                "custom layer, supports_masking": lambda: carried(Supporting()),
                "x * 2": lambda: carried(lambda x: x * 2),
            }
        )


@behaviour(
    "layers.mask.loss",
    "Does fit leave the masked steps of the output out of the loss?",
    source="Keras guide, masking and padding",
    needs=("tensorflow",),
)
def mask_loss():
    import numpy as np
    import tensorflow as tf

    x = np.array([[[1.0], [3.0], [0.0], [0.0]]], "float32")
    y = np.array([[[0.0], [0.0], [4.0], [4.0]]], "float32")
    model = tf.keras.Sequential([tf.keras.layers.Masking(input_shape=(4, 1)), tf.keras.layers.Activation("linear")])
    model.compile(optimizer="sgd", loss="mse")
    with subject("Model.evaluate"):
        # masked steps left out: (1 + 9) / 2 or, divided by all four, / 4; counted: (1 + 9 + 16 + 16) / 4
        return round(float(model.evaluate(x, y, verbose=0)), 4)


@behaviour(
    "layers.mask.call_argument",
    "Does a custom layer's call get the mask of its input, and does compute_mask decide what goes on?",
    source="Keras guide, masking and padding: writing layers that need mask information",
    needs=("tensorflow",),
)
def mask_call_argument():
    import numpy as np
    import tensorflow as tf

    eager(tf)
    seen = []

    class Looking(tf.keras.layers.Layer):
        def call(self, inputs, mask=None):
            seen.append(None if mask is None else np.array(mask).tolist())
            return inputs

        def compute_mask(self, inputs, mask=None):
            return None if mask is None else tf.logical_not(mask)

    with subject("call(inputs, mask=None)"):
        result = Looking()(tf.keras.layers.Embedding(4, 2, mask_zero=True)(tf.constant([[1, 0]])))
        after = attempt(lambda: np.array(result._keras_mask).tolist())
        return {"given": seen, "after": after}
