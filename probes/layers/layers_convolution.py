"""Convolutions against numpy: dilation, groups, transposed, separable, depthwise, causal; padding and resizing."""

from attempts import attempts
from harness import assert_close, behaviour, check, drift, subject
from layers_by_hand import convolve, depthwise, fixed, numbers, transposed
from synthetic import eager

NEAR = {"rtol": 1e-4, "atol": 1e-5}


@check(
    "layers.conv.strides_and_dilation",
    "Does Conv2D give numpy's numbers for every padding with strides and with dilation?",
    source="Keras API, Conv2D (strides, dilation_rate)",
    needs=("tensorflow",),
)
def conv_strides_and_dilation():
    import tensorflow as tf

    eager(tf)
    x = numbers(2, 6, 7, 2)
    with subject("Conv2D"):
        for padding in ("valid", "same"):
            for stride, dilation in ((1, 1), (2, 1), (3, 1), (1, 2)):
                layer = tf.keras.layers.Conv2D(3, (3, 2), strides=stride, dilation_rate=dilation, padding=padding)
                layer.build((None, 6, 7, 2))
                kernel, bias = fixed(layer)
                expected = convolve(x, kernel, (stride,) * 2, padding, (dilation,) * 2) + bias
                what = "%s, strides %d, dilation %d" % (padding, stride, dilation)
                assert_close(layer(tf.constant(x)), expected, what=what, **NEAR)


@check(
    "layers.conv.causal",
    "Does Conv1D with causal padding look only at this step and those before, also dilated?",
    source="Keras API, Conv1D (padding='causal')",
    needs=("tensorflow",),
)
def conv_causal():
    import tensorflow as tf

    eager(tf)
    x = numbers(2, 8, 2)
    with subject("Conv1D(padding='causal')"):
        for stride, dilation in ((1, 1), (1, 2), (2, 1)):
            layer = tf.keras.layers.Conv1D(3, 3, strides=stride, padding="causal", dilation_rate=dilation)
            layer.build((None, 8, 2))
            kernel, bias = fixed(layer)
            expected = convolve(x, kernel, (stride,), "causal", (dilation,)) + bias
            assert_close(layer(tf.constant(x)), expected, what="strides %d, dilation %d" % (stride, dilation), **NEAR)


@check(
    "layers.conv.three_dimensions",
    "Does Conv3D give numpy's numbers for every padding and stride?",
    source="Keras API, Conv3D",
    needs=("tensorflow",),
)
def conv_three_dimensions():
    import tensorflow as tf

    eager(tf)
    x = numbers(1, 4, 5, 3, 2)
    with subject("Conv3D"):
        for padding, stride in (("valid", 1), ("same", 1), ("same", 2)):
            layer = tf.keras.layers.Conv3D(2, (2, 3, 2), strides=stride, padding=padding)
            layer.build((None, 4, 5, 3, 2))
            kernel, bias = fixed(layer)
            expected = convolve(x, kernel, (stride,) * 3, padding, (1,) * 3) + bias
            assert_close(layer(tf.constant(x)), expected, what="%s, strides %d" % (padding, stride), **NEAR)


@behaviour(
    "layers.conv.groups",
    "Does Conv2D take groups, and does it compute each group on its own (on a CPU, eagerly and in predict)?",
    source="TensorFlow 2.3 release notes (groups argument of Conv2D)",
    needs=("tensorflow",),
)
def conv_groups():
    import numpy as np
    import tensorflow as tf

    eager(tf)
    x = numbers(1, 4, 4, 4)

    def near(call):
        model = tf.keras.Sequential([tf.keras.layers.Conv2D(6, 2, groups=2, input_shape=(4, 4, 4))])
        kernel, bias = fixed(model)
        halves = [
            convolve(x[..., 2 * g : 2 * g + 2], kernel[..., 3 * g : 3 * g + 3], (1, 1), "valid", (1, 1)) for g in (0, 1)
        ]
        return bool(np.allclose(call(model), np.concatenate(halves, axis=-1) + bias, atol=1e-4))

    with subject("Conv2D(groups=2)"):
        near(lambda model: np.zeros((1, 3, 3, 6)))
        return attempts(
            {
                "eager": lambda: near(lambda model: model(tf.constant(x)).numpy()),
                "predict": lambda: near(lambda model: model.predict(x)),
            }
        )


@check(
    "layers.conv.transposed",
    "Does Conv2DTranspose give numpy's numbers for every padding, stride and output_padding?",
    source="Keras API, Conv2DTranspose (output_padding)",
    needs=("tensorflow",),
)
def conv_transposed():
    import tensorflow as tf

    eager(tf)
    x = numbers(2, 3, 4, 2)
    # (padding, stride, output_padding, rows, columns): the lengths as Keras' documentation gives them
    cases = (
        ("valid", 1, None, 5, 6),
        ("valid", 2, None, 7, 9),
        ("same", 1, None, 3, 4),
        ("same", 2, None, 6, 8),
        ("same", 2, 1, 6, 8),
        ("valid", 2, 1, 8, 10),
    )
    with subject("Conv2DTranspose"):
        for padding, stride, extra, rows, columns in cases:
            layer = tf.keras.layers.Conv2DTranspose(3, 3, strides=stride, padding=padding, output_padding=extra)
            layer.build((None, 3, 4, 2))
            kernel, bias = fixed(layer)
            expected = transposed(x, kernel, stride, (rows, columns)) + bias
            what = "%s, strides %d, output_padding %s" % (padding, stride, extra)
            assert_close(layer(tf.constant(x)), expected, what=what, **NEAR)


@behaviour(
    "layers.conv.output_padding_zero",
    "Does Conv2DTranspose take output_padding=0, and which shape does it then give?",
    source="Keras API, Conv2DTranspose (output_padding)",
    needs=("tensorflow",),
)
def conv_output_padding_zero():
    import tensorflow as tf

    eager(tf)
    with subject("Conv2DTranspose(output_padding=0)"):
        layer = tf.keras.layers.Conv2DTranspose(1, 3, strides=2, padding="same", output_padding=0)
        return [int(n) for n in layer(tf.zeros((1, 3, 4, 2))).shape]


@behaviour(
    "layers.conv.transposed_1d",
    "Is there a Conv1DTranspose, and which output length does it give for padding same and valid?",
    source="TensorFlow 2.3 release notes (Conv1DTranspose)",
    needs=("tensorflow",),
)
def conv_transposed_1d():
    import tensorflow as tf

    eager(tf)
    x = tf.zeros((1, 5, 2))
    with subject("Conv1DTranspose"):
        make = tf.keras.layers.Conv1DTranspose
        return dict((p, int(make(2, 3, strides=2, padding=p)(x).shape[1])) for p in ("same", "valid"))


@check(
    "layers.conv.depthwise",
    "Does DepthwiseConv2D filter each channel on its own, in the order of its multiplier?",
    source="Keras API, DepthwiseConv2D",
    needs=("tensorflow",),
)
def conv_depthwise():
    import tensorflow as tf

    eager(tf)
    x = numbers(2, 5, 6, 3)
    with subject("DepthwiseConv2D"):
        for padding, stride in (("valid", 1), ("same", 1), ("same", 2)):
            layer = tf.keras.layers.DepthwiseConv2D(3, strides=stride, padding=padding, depth_multiplier=2)
            layer.build((None, 5, 6, 3))
            kernel, bias = fixed(layer)
            expected = depthwise(x, kernel, (stride,) * 2, padding) + bias
            assert_close(layer(tf.constant(x)), expected, what="%s, strides %d" % (padding, stride), **NEAR)


@check(
    "layers.conv.separable",
    "Is SeparableConv2D a depthwise convolution followed by a pointwise one?",
    source="Keras API, SeparableConv2D",
    needs=("tensorflow",),
)
def conv_separable():
    import tensorflow as tf

    eager(tf)
    x = numbers(2, 5, 6, 3)
    with subject("SeparableConv2D"):
        for padding, stride in (("valid", 1), ("same", 2)):
            layer = tf.keras.layers.SeparableConv2D(4, 3, strides=stride, padding=padding, depth_multiplier=2)
            layer.build((None, 5, 6, 3))
            deep, point, bias = fixed(layer)
            expected = depthwise(x, deep, (stride,) * 2, padding).dot(point[0, 0]) + bias
            assert_close(layer(tf.constant(x)), expected, what="%s, strides %d" % (padding, stride), **NEAR)


@behaviour(
    "layers.conv.weight_shapes",
    "Which weights do the convolution layers have: names and shapes, in order?",
    source="Keras API, Layer.weights",
    needs=("tensorflow",),
    light=True,
)
def conv_weight_shapes():
    import tensorflow as tf

    layers = tf.keras.layers

    def weights(layer, *shape):
        layer.build((None,) + shape)
        return [
            "%s %s" % (w.name.split("/")[-1].split(":")[0], "x".join(str(int(n)) for n in w.shape))
            for w in layer.weights
        ]

    with subject("layer.weights"):
        return attempts(
            {
                "Conv1D": lambda: weights(layers.Conv1D(4, 3), 8, 2),
                "Conv2D": lambda: weights(layers.Conv2D(4, 3), 8, 8, 2),
                "Conv2DTranspose": lambda: weights(layers.Conv2DTranspose(4, 3), 8, 8, 2),
                "DepthwiseConv1D": lambda: weights(layers.DepthwiseConv1D(3), 8, 2),
                "DepthwiseConv2D": lambda: weights(layers.DepthwiseConv2D(3), 8, 8, 2),
                "SeparableConv1D": lambda: weights(layers.SeparableConv1D(4, 3), 8, 2),
                "SeparableConv2D": lambda: weights(layers.SeparableConv2D(4, 3), 8, 8, 2),
            }
        )


@drift(
    "layers.up_sampling",
    "Which numbers does UpSampling2D give by nearest and by bilinear interpolation?",
    source="Keras API, UpSampling2D (interpolation)",
    needs=("tensorflow",),
)
def up_sampling():
    import tensorflow as tf

    eager(tf)
    x = tf.constant([[[[0.0], [4.0]], [[8.0], [2.0]]]])
    with subject("UpSampling2D"):
        make = tf.keras.layers.UpSampling2D
        return dict(
            (how, make(2, interpolation=how)(x).numpy()[0, :, :, 0].astype(float).round(6).tolist())
            for how in ("nearest", "bilinear")
        )


@check(
    "layers.padding_and_cropping",
    "Do ZeroPadding and Cropping put and take the rows and columns they name?",
    source="Keras API, ZeroPadding2D and Cropping2D",
    needs=("tensorflow",),
)
def padding_and_cropping():
    import numpy as np
    import tensorflow as tf

    eager(tf)
    x = numbers(1, 4, 5, 2)
    line = numbers(1, 5, 2)
    with subject("ZeroPadding and Cropping"):
        layers = tf.keras.layers
        padded = layers.ZeroPadding2D(((1, 0), (2, 3)))(tf.constant(x))
        assert_close(padded, np.pad(x, ((0, 0), (1, 0), (2, 3), (0, 0)), mode="constant"), what="ZeroPadding2D")
        assert_close(layers.Cropping2D(((1, 0), (2, 1)))(tf.constant(x)), x[:, 1:, 2:-1], what="Cropping2D")
        padded = layers.ZeroPadding1D((0, 2))(tf.constant(line))
        assert_close(padded, np.pad(line, ((0, 0), (0, 2), (0, 0)), mode="constant"), what="ZeroPadding1D")
        assert_close(layers.Cropping1D((0, 2))(tf.constant(line)), line[:, :-2], what="Cropping1D")
