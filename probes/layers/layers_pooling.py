"""Pooling layers against numpy: every padding and stride, what is padded, masks, and where channels may stand."""

from attempts import attempt, attempts
from harness import assert_close, behaviour, check, subject
from layers_by_hand import numbers, pool
from synthetic import eager

SIZES = ((2, None), (2, 1), (3, 2), (3, 1))


def _pooled(tf, name, how):
    """Compares the layer of each rank (`name` % rank) with numpy, for all of `SIZES` and both paddings."""
    for rank, shape in ((1, (2, 7, 3)), (2, (2, 5, 6, 2)), (3, (1, 4, 5, 3, 2))):
        x = numbers(*shape)
        for size, stride in SIZES:
            for padding in ("valid", "same"):
                layer = getattr(tf.keras.layers, name % rank)(pool_size=size, strides=stride, padding=padding)
                expected = pool(x, (size,) * rank, (stride or size,) * rank, padding, how)
                what = "%s, size %s, strides %s, %s" % (name % rank, size, stride, padding)
                assert_close(layer(tf.constant(x)), expected, rtol=1e-4, atol=1e-5, what=what)


@check(
    "layers.pooling.max",
    "Does max pooling in one, two and three dimensions give numpy's numbers for every padding and stride?",
    source="seed 004 example 1 (MaxPooling2D, strides=2, padding='same')",
    needs=("tensorflow",),
)
def pooling_max():
    import tensorflow as tf

    eager(tf)
    with subject("MaxPooling"):
        _pooled(tf, "MaxPooling%dD", "max")


@check(
    "layers.pooling.average",
    "Does average pooling leave padding out of the average, for every padding and stride?",
    source="seed 004 example 1 (pooling layers and padding)",
    needs=("tensorflow",),
)
def pooling_average():
    import tensorflow as tf

    eager(tf)
    with subject("AveragePooling"):
        _pooled(tf, "AveragePooling%dD", "mean")


@check(
    "layers.pooling.global",
    "Does global pooling give the maximum and the mean over all positions?",
    source="Keras API, GlobalAveragePooling and GlobalMaxPooling layers",
    needs=("tensorflow",),
)
def pooling_global():
    import tensorflow as tf

    eager(tf)
    with subject("GlobalPooling"):
        for rank, shape in ((1, (2, 7, 3)), (2, (2, 5, 6, 2)), (3, (1, 4, 5, 3, 2))):
            x = numbers(*shape)
            axes = tuple(range(1, rank + 1))
            largest = getattr(tf.keras.layers, "GlobalMaxPooling%dD" % rank)()
            mean = getattr(tf.keras.layers, "GlobalAveragePooling%dD" % rank)()
            assert_close(largest(tf.constant(x)), x.max(axis=axes), what="max, %dD" % rank)
            assert_close(mean(tf.constant(x)), x.mean(axis=axes), atol=1e-5, what="mean, %dD" % rank)


@behaviour(
    "layers.pooling.keepdims",
    "Does global pooling take keepdims=True, and which shape does it give?",
    source="Keras API, GlobalAveragePooling2D (keepdims)",
    needs=("tensorflow",),
)
def pooling_keepdims():
    import tensorflow as tf

    eager(tf)
    x = tf.zeros((2, 4, 4, 3))
    with subject("GlobalAveragePooling2D(keepdims=True)"):
        return [int(n) for n in tf.keras.layers.GlobalAveragePooling2D(keepdims=True)(x).shape]


@check(
    "layers.pooling.masked",
    "Does GlobalAveragePooling1D leave masked steps out of the mean?",
    source="Keras API, GlobalAveragePooling1D (call argument mask)",
    needs=("tensorflow",),
)
def pooling_masked():
    import tensorflow as tf

    eager(tf)
    x = numbers(2, 4, 3)
    mask = tf.constant([[True, True, False, False], [True, True, True, False]])
    with subject("GlobalAveragePooling1D(mask=…)"):
        result = tf.keras.layers.GlobalAveragePooling1D()(tf.constant(x), mask=mask)
        assert_close(result, [x[0, :2].mean(axis=0), x[1, :3].mean(axis=0)], atol=1e-5, what="means")


@behaviour(
    "layers.pooling.window_too_large",
    "What happens when the pooling window is larger than its input, when building the model and when running?",
    source="Keras API, MaxPooling2D",
    needs=("tensorflow",),
)
def pooling_window_too_large():
    import tensorflow as tf

    eager(tf)

    def symbolic():
        outputs = tf.keras.layers.MaxPooling2D(5)(tf.keras.Input(shape=(3, 3, 1)))
        return [None if n is None else int(n) for n in outputs.shape]

    with subject("MaxPooling2D(5) of 3 × 3"):
        return {
            "model": attempt(symbolic),
            "eager": attempt(lambda: [int(n) for n in tf.keras.layers.MaxPooling2D(5)(tf.zeros((1, 3, 3, 1))).shape]),
        }


@behaviour(
    "layers.channels_first",
    "Which layers run with data_format='channels_first' on a CPU, and with the right numbers?",
    source="Keras API, Conv2D (data_format)",
    needs=("tensorflow",),
)
def channels_first():
    import numpy as np
    import tensorflow as tf

    eager(tf)
    layers = tf.keras.layers
    x = numbers(1, 4, 4, 2)
    turned = tf.constant(np.transpose(x, (0, 3, 1, 2)).copy())

    def same(make):
        last, first = make("channels_last"), make("channels_first")
        expected = last(tf.constant(x)).numpy()
        first.build((None, 2, 4, 4))
        first.set_weights(last.get_weights())
        result = first(turned).numpy()
        if expected.ndim == 4:
            result = np.transpose(result, (0, 2, 3, 1))
        return bool(result.shape == expected.shape and np.allclose(result, expected, atol=1e-5))

    with subject("data_format='channels_first'"):
        return attempts(
            {
                "Conv2D": lambda: same(lambda form: layers.Conv2D(3, 2, data_format=form)),
                "Conv2DTranspose": lambda: same(lambda form: layers.Conv2DTranspose(3, 2, data_format=form)),
                "DepthwiseConv2D": lambda: same(lambda form: layers.DepthwiseConv2D(2, data_format=form)),
                "MaxPooling2D": lambda: same(lambda form: layers.MaxPooling2D(2, data_format=form)),
                "AveragePooling2D": lambda: same(lambda form: layers.AveragePooling2D(2, data_format=form)),
                "GlobalAveragePooling2D": lambda: same(lambda form: layers.GlobalAveragePooling2D(data_format=form)),
                "Flatten": lambda: same(lambda form: layers.Flatten(data_format=form)),
                "UpSampling2D": lambda: same(lambda form: layers.UpSampling2D(2, data_format=form)),
            }
        )
