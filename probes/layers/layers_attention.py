"""Attention against numpy: scores, masks, causality, and what the layers return."""

from attempts import attempt, attempts
from harness import assert_close, behaviour, check, drift, subject
from layers_by_hand import fixed, numbers, softmax
from synthetic import eager

NEAR = {"rtol": 1e-4, "atol": 1e-5}


def _dot(query, value, mask=None):
    """Dot-product attention; `mask` (steps of value) says which may be looked at."""
    import numpy as np

    scores = np.einsum("bqd,bvd->bqv", query, value)
    if mask is not None:
        scores = np.where(mask, scores, -1e9)
    return np.einsum("bqv,bvd->bqd", softmax(scores), value)


@check(
    "layers.attention.dot",
    "Does Attention give numpy's numbers, also with a mask of the values?",
    source="Keras API, Attention (mask)",
    needs=("tensorflow",),
)
def attention_dot():
    import numpy as np
    import tensorflow as tf

    eager(tf)
    query, value = numbers(2, 3, 4), numbers(2, 5, 4, seed=1)
    mask = np.array([[True, True, True, False, False], [True, False, True, False, True]])
    with subject("Attention"):
        layer = tf.keras.layers.Attention()
        pair = [tf.constant(query), tf.constant(value)]
        assert_close(layer(pair), _dot(query, value), what="without a mask", **NEAR)
        masked = layer(pair, mask=[None, tf.constant(mask)])
        assert_close(masked, _dot(query, value, mask[:, None, :]), what="with a mask", **NEAR)


@check(
    "layers.attention.additive",
    "Does AdditiveAttention give numpy's numbers?",
    source="Keras API, AdditiveAttention",
    needs=("tensorflow",),
)
def attention_additive():
    import numpy as np
    import tensorflow as tf

    eager(tf)
    query, value = numbers(2, 3, 4), numbers(2, 5, 4, seed=1)
    with subject("AdditiveAttention"):
        layer = tf.keras.layers.AdditiveAttention(use_scale=False)
        scores = np.tanh(query[:, :, None, :] + value[:, None, :, :]).sum(axis=-1)
        expected = np.einsum("bqv,bvd->bqd", softmax(scores), value)
        assert_close(layer([tf.constant(query), tf.constant(value)]), expected, what="outputs", **NEAR)


@behaviour(
    "layers.attention.causal",
    "How is Attention made causal: causal=True of the constructor, use_causal_mask=True of the call?",
    source="Keras API, Attention (use_causal_mask)",
    needs=("tensorflow",),
)
def attention_causal():
    import numpy as np
    import tensorflow as tf

    eager(tf)
    x = numbers(1, 4, 3)
    expected = _dot(x, x, np.tril(np.ones((4, 4), bool)))

    def causal(call):
        return bool(np.allclose(call([tf.constant(x), tf.constant(x)]).numpy(), expected, atol=1e-4))

    with subject("Attention, causal"):
        make = tf.keras.layers.Attention
        return attempts(
            {
                "causal=True": lambda: causal(lambda pair: make(causal=True)(pair)),
                "use_causal_mask=True": lambda: causal(lambda pair: make()(pair, use_causal_mask=True)),
            }
        )


@behaviour(
    "layers.attention.scores",
    "Do attention layers return their scores with return_attention_scores=True, and in which shape?",
    source="Keras API, Attention (return_attention_scores)",
    needs=("tensorflow",),
)
def attention_scores():
    import tensorflow as tf

    eager(tf)
    x = tf.constant(numbers(1, 4, 3))
    layers = tf.keras.layers

    def shape(results):
        return [type(results).__name__, [int(n) for n in results[1].shape]]

    with subject("return_attention_scores=True"):
        return attempts(
            {
                "Attention": lambda: shape(layers.Attention()([x, x], return_attention_scores=True)),
                "AdditiveAttention": lambda: shape(layers.AdditiveAttention()([x, x], return_attention_scores=True)),
                "MultiHeadAttention": lambda: shape(
                    layers.MultiHeadAttention(2, 5)(x, x, return_attention_scores=True)
                ),
            }
        )


@behaviour(
    "layers.attention.nothing_to_look_at",
    "What does Attention give where every value is masked?",
    source="Keras API, Attention (mask)",
    needs=("tensorflow",),
)
def attention_nothing_to_look_at():
    import numpy as np
    import tensorflow as tf

    eager(tf)
    x = tf.constant(np.array([[[1.0], [3.0]]], "float32"))
    with subject("Attention"):
        result = tf.keras.layers.Attention()([x, x], mask=[None, tf.constant([[False, False]])])
        return [round(float(v), 4) for v in result.numpy().ravel()]


def _heads(x, weights):
    """Self-attention of several heads from the weights (query, key, value, output; kernel and bias each)."""
    import numpy as np

    query, key, value = [np.einsum("btd,dhk->bthk", x, weights[i]) + weights[i + 1] for i in (0, 2, 4)]
    scores = np.einsum("bqhk,bvhk->bhqv", query, key) / np.sqrt(query.shape[-1])
    mixed = np.einsum("bhqv,bvhk->bqhk", softmax(scores), value)
    return np.einsum("bqhk,hkd->bqd", mixed, weights[6]) + weights[7]


@behaviour(
    "layers.attention.multi_head",
    "Is there a MultiHeadAttention that gives numpy's numbers, and which weights does it have, in order?",
    source="TensorFlow 2.4 release notes (MultiHeadAttention)",
    needs=("tensorflow",),
)
def attention_multi_head():
    import numpy as np
    import tensorflow as tf

    eager(tf)
    x = numbers(1, 3, 4)
    with subject("MultiHeadAttention"):
        layer = tf.keras.layers.MultiHeadAttention(num_heads=2, key_dim=3)
        layer(tf.constant(x), tf.constant(x))
        weights = fixed(layer)
        near = np.allclose(layer(tf.constant(x), tf.constant(x)).numpy(), _heads(x, weights), atol=1e-4)
        return {"numpy's numbers": bool(near), "weights": ["x".join(map(str, w.shape)) for w in weights]}


@drift(
    "layers.attention.multi_head_masked",
    "Which numbers does MultiHeadAttention give from fixed weights with an attention_mask?",
    source="Keras API, MultiHeadAttention (attention_mask)",
    needs=("tensorflow",),
)
def attention_multi_head_masked():
    import numpy as np
    import tensorflow as tf

    eager(tf)
    x = tf.constant(numbers(1, 3, 2))
    mask = tf.constant(np.tril(np.ones((1, 3, 3), bool)))

    def masked():
        layer = tf.keras.layers.MultiHeadAttention(num_heads=1, key_dim=2)
        layer(x, x)
        fixed(layer)
        return layer(x, x, attention_mask=mask).numpy().astype(float).ravel().round(6).tolist()

    with subject("MultiHeadAttention(attention_mask=…)"):
        return attempt(masked)


@behaviour(
    "layers.attention.embedding_mask",
    "Do Attention and MultiHeadAttention heed the mask of an Embedding(mask_zero=True) by themselves?",
    source="Keras guide, masking and padding (mask propagation)",
    needs=("tensorflow",),
)
def attention_embedding_mask():
    import numpy as np
    import tensorflow as tf

    eager(tf)

    def heeds(call, fix):
        """Whether the first step's result is the same with and without two masked steps behind."""
        embedding = tf.keras.layers.Embedding(4, 3, mask_zero=True)
        long, short = embedding(tf.constant([[1, 2, 0, 0]])), embedding(tf.constant([[1, 2]]))
        if fix:
            call(short)
        return bool(np.allclose(call(long).numpy()[0, 0], call(short).numpy()[0, 0], atol=1e-5))

    def heads():
        layer = tf.keras.layers.MultiHeadAttention(1, 3)
        return heeds(lambda x: layer(x, x), True)

    with subject("attention on masked embeddings"):
        attention = tf.keras.layers.Attention()
        return attempts({"Attention": lambda: heeds(lambda x: attention([x, x]), False), "MultiHeadAttention": heads})
