"""What networks are made of, on the GPU: convolutions, pooling, normalisation and recurrent layers of cuDNN.

Each is compared, with its gradients, with the same on the CPU. Recurrent layers are compared with `RNN` around their
cell there, which never takes cuDNN's way.
"""

import tempfile

from gpu_place import DEVICE, FAR, HOST, SECONDS, Child, agree, lives, ready
from harness import assert_close, behaviour, check, expect, subject
from layers_by_hand import fixed, numbers

# ---------------------------------------------------------------- convolutions


@check(
    "gpu.conv.channels_last",
    "Does conv2d give the CPU's numbers and gradients on the GPU, with strides, dilation and both paddings?",
    source="TensorFlow API, tf.nn.conv2d",
    needs=("tensorflow",),
    seconds=SECONDS,
)
def conv_channels_last():
    import tensorflow as tf

    x, kernel = numbers(2, 9, 10, 3), numbers(3, 3, 3, 4, seed=1, scale=0.5)
    with subject("tf.nn.conv2d"):
        ready(tf)
        for padding in ("VALID", "SAME"):
            for strides in (1, 2):
                what = "%s, strides %d" % (padding, strides)
                agree(tf, lambda a, k: tf.nn.conv2d(a, k, strides, padding), [x, kernel], what, FAR)
            agree(
                tf,
                lambda a, k: tf.nn.conv2d(a, k, 1, padding, dilations=2),
                [x, kernel],
                "%s, dilated" % padding,
                FAR,
                reference=lambda a, k: tf.nn.conv2d(a, _spread(tf, k), 1, padding),
            )


def _spread(tf, kernel):
    """A kernel of 3 by 3 as one of 5 by 5 with zeros between: what dilation by two means, for a CPU without it."""
    apart = tf.constant([[1.0, 0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0, 1.0]])
    return tf.einsum("ap,bq,abio->pqio", apart, apart, kernel)


@check(
    "gpu.conv.channels_first",
    "Do convolution, bias and pooling take channels first on the GPU, with the numbers of channels last on the CPU?",
    source="TensorFlow API, tf.nn.conv2d (data_format NCHW)",
    needs=("tensorflow",),
    seconds=SECONDS,
)
def conv_channels_first():
    import tensorflow as tf

    x, kernel, bias = numbers(2, 8, 9, 3), numbers(3, 3, 3, 4, seed=1, scale=0.5), numbers(4, seed=2)
    with subject("data_format='NCHW'"):
        ready(tf)
        with tf.device(HOST):
            expected = tf.nn.bias_add(tf.nn.conv2d(x, kernel, 1, "SAME"), bias)
            pooled = tf.nn.max_pool2d(expected, 2, 2, "VALID")
        with tf.device(DEVICE):
            given = tf.constant(x.transpose(0, 3, 1, 2))
            found = tf.nn.conv2d(given, tf.constant(kernel), 1, "SAME", data_format="NCHW")
            found = lives(tf.nn.bias_add(found, tf.constant(bias), data_format="NCHW"))
            smaller = lives(tf.nn.max_pool2d(found, 2, 2, "VALID", data_format="NCHW"))
        assert_close(found.numpy().transpose(0, 2, 3, 1), expected, what="convolution", **FAR)
        assert_close(smaller.numpy().transpose(0, 2, 3, 1), pooled, what="pooling", **FAR)


@check(
    "gpu.conv.groups",
    "Does Conv2D with groups compute each group on its own on the GPU, gradients too?",
    source="TensorFlow 2.3 release notes (groups argument of Conv2D, on GPUs)",
    needs=("tensorflow",),
    seconds=SECONDS,
)
def conv_groups():
    import tensorflow as tf

    x, kernel = numbers(2, 6, 6, 4), numbers(3, 3, 2, 6, seed=1, scale=0.5)

    def halves(a, k):
        found = [tf.nn.conv2d(a[..., 2 * g : 2 * g + 2], k[..., 3 * g : 3 * g + 3], 1, "VALID") for g in (0, 1)]
        return tf.concat(found, axis=-1)

    with subject("Conv2D(groups=2)"):
        ready(tf)
        with tf.device(HOST):
            a, k = tf.constant(x), tf.constant(kernel)
            with tf.GradientTape() as tape:
                tape.watch([a, k])
                expected = halves(a, k)
            wanted = tape.gradient(expected, [a, k])
        with tf.device(DEVICE):
            layer = tf.keras.layers.Conv2D(6, 3, groups=2, use_bias=False)
            layer.build((None, 6, 6, 4))
            layer.set_weights([kernel])
            a = tf.constant(x)
            with tf.GradientTape() as tape:
                tape.watch(a)
                result = layer(a)
            found = tape.gradient(result, [a] + layer.trainable_variables)
        assert_close(lives(result), expected, what="result", **FAR)
        for got, reference in zip(found, wanted):
            assert_close(lives(got), reference, what="gradient", **FAR)


@check(
    "gpu.conv.transposed",
    "Does conv2d_transpose give the CPU's numbers and gradients on the GPU?",
    source="TensorFlow API, tf.nn.conv2d_transpose",
    needs=("tensorflow",),
    seconds=SECONDS,
)
def conv_transposed():
    import tensorflow as tf

    x, kernel = numbers(2, 4, 5, 3), numbers(3, 3, 4, 3, seed=1, scale=0.5)
    with subject("tf.nn.conv2d_transpose"):
        ready(tf)
        for strides, padding, shape in ((2, "SAME", [2, 8, 10, 4]), (1, "VALID", [2, 6, 7, 4])):
            agree(
                tf,
                lambda a, k: tf.nn.conv2d_transpose(a, k, shape, strides, padding),
                [x, kernel],
                "strides %d, %s" % (strides, padding),
                FAR,
            )


@check(
    "gpu.conv.depthwise",
    "Do depthwise and separable convolutions give the CPU's numbers and gradients on the GPU?",
    source="TensorFlow API, tf.nn.depthwise_conv2d and tf.nn.separable_conv2d",
    needs=("tensorflow",),
    seconds=SECONDS,
)
def conv_depthwise():
    import tensorflow as tf

    x, kernel, points = numbers(2, 7, 7, 3), numbers(3, 3, 3, 2, seed=1, scale=0.5), numbers(1, 1, 6, 4, seed=2)
    ones, twos = [1, 1, 1, 1], [1, 2, 2, 1]
    with subject("tf.nn.depthwise_conv2d"):
        ready(tf)
        agree(tf, lambda a, k: tf.nn.depthwise_conv2d(a, k, ones, "SAME"), [x, kernel], "strides 1", FAR)
        agree(tf, lambda a, k: tf.nn.depthwise_conv2d(a, k, twos, "VALID"), [x, kernel], "strides 2", FAR)
        agree(
            tf, lambda a, k, p: tf.nn.separable_conv2d(a, k, p, ones, "SAME"), [x, kernel, points], "separable", FAR
        )  # fmt: skip


@check(
    "gpu.conv.other_dimensions",
    "Do conv1d and conv3d give the CPU's numbers and gradients on the GPU?",
    source="TensorFlow API, tf.nn.conv1d and tf.nn.conv3d",
    needs=("tensorflow",),
    seconds=SECONDS,
)
def conv_other_dimensions():
    import tensorflow as tf

    line, solid = numbers(2, 12, 3), numbers(2, 5, 6, 5, 2)
    kernels = numbers(3, 3, 4, seed=1, scale=0.5), numbers(2, 3, 2, 2, 3, seed=1, scale=0.5)
    with subject("tf.nn.conv3d"):
        ready(tf)
        agree(tf, lambda a, k: tf.nn.conv1d(a, k, 2, "SAME"), [line, kernels[0]], "conv1d", FAR)
        for padding, strides in (("SAME", [1, 1, 1, 1, 1]), ("VALID", [1, 2, 2, 2, 1])):
            agree(tf, lambda a, k: tf.nn.conv3d(a, k, strides, padding), [solid, kernels[1]], padding, FAR)


@check(
    "gpu.conv.float16",
    "Does conv2d in float16 (tensor cores) give the numbers of float32 on the GPU, within what float16 can hold?",
    source="NVIDIA, Train With Mixed Precision (tensor cores, convolutions)",
    needs=("tensorflow",),
    seconds=SECONDS,
)
def conv_float16():
    import tensorflow as tf

    x, kernel = numbers(2, 8, 8, 8), numbers(3, 3, 8, 16, seed=1, scale=0.1)
    with subject("tf.nn.conv2d"):
        ready(tf)
        with tf.device(HOST):
            expected = tf.nn.conv2d(tf.constant(x), tf.constant(kernel), 1, "SAME")
        with tf.device(DEVICE):
            found = tf.nn.conv2d(tf.constant(x.astype("float16")), tf.constant(kernel.astype("float16")), 1, "SAME")
        expect(lives(found).dtype == tf.float16, "it is %s" % found.dtype)
        assert_close(tf.cast(found, tf.float32), expected, rtol=2e-2, atol=2e-2, what="float16")


@check(
    "gpu.pooling",
    "Do max and average pooling, and resizing, give the CPU's numbers and gradients on the GPU?",
    source="TensorFlow API, tf.nn.max_pool2d and tf.nn.avg_pool2d",
    needs=("tensorflow",),
    seconds=SECONDS,
)
def pooling():
    import tensorflow as tf

    x, solid = numbers(2, 7, 8, 3), numbers(2, 4, 5, 4, 2)
    with subject("tf.nn.max_pool2d"):
        ready(tf)
        for padding in ("VALID", "SAME"):
            agree(tf, lambda a: tf.nn.max_pool2d(a, 3, 2, padding), [x], "max, " + padding)
            agree(tf, lambda a: tf.nn.avg_pool2d(a, 3, 2, padding), [x], "average, " + padding)
        agree(tf, lambda a: tf.nn.max_pool3d(a, 2, 2, "VALID"), [solid], "max of three dimensions")
        agree(tf, lambda a: tf.image.resize(a, [11, 5], "bilinear"), [x], "bilinear resizing")


@check(
    "gpu.normalization.batch",
    "Does fused batch normalisation in training give the CPU's numbers, statistics and gradients on the GPU?",
    source="TensorFlow API, tf.compat.v1.nn.fused_batch_norm; Keras API, BatchNormalization",
    needs=("tensorflow",),
    seconds=SECONDS,
)
def normalization_batch():
    import tensorflow as tf

    x, upstream = numbers(4, 5, 5, 3), numbers(4, 5, 5, 3, seed=9)

    def trained(device):
        with tf.device(device):
            layer = tf.keras.layers.BatchNormalization(momentum=0.5, epsilon=1e-3)
            layer.build((None, 5, 5, 3))
            given = tf.constant(x)
            with tf.GradientTape() as tape:
                tape.watch(given)
                result = layer(given, training=True)
            gradients = tape.gradient(
                result, [given] + layer.trainable_variables, output_gradients=tf.constant(upstream)
            )  # fmt: skip
            return layer, [result] + gradients + [layer(given, training=False)]

    with subject("BatchNormalization"):
        ready(tf)
        (layer, there), (other, here) = trained(DEVICE), trained(HOST)
        for name, got, reference in zip(("result", "by input", "by gamma", "by beta", "in inference"), there, here):
            assert_close(lives(got), reference, what=name, **FAR)
        for got, reference in zip(layer.get_weights(), other.get_weights()):
            assert_close(got, reference, what="statistics", **FAR)


# ---------------------------------------------------------------- recurrent layers


def _same_as_cell(tf, layer, cell, mask=None, what=""):
    """Asserts that a recurrent layer gives on the GPU what `RNN` around its cell gives on the CPU, gradients too."""
    x, upstream = numbers(3, 6, 4), numbers(3, 6, 5, seed=9)

    def run(device, layer):
        with tf.device(device):
            layer.build((None, None, 4))
            fixed(layer)
            given = tf.constant(x)
            with tf.GradientTape() as tape:
                tape.watch(given)
                result = layer(given, mask=None if mask is None else tf.constant(mask), training=True)
            wanted = [given] + layer.trainable_variables
            return [result] + list(tape.gradient(result, wanted, output_gradients=tf.constant(upstream)))

    there, here = run(DEVICE, layer), run(HOST, tf.keras.layers.RNN(cell, return_sequences=True))
    expect(len(there) == len(here), "%s: %d gradients, the cell has %d" % (what, len(there) - 1, len(here) - 1))
    for i, (got, reference) in enumerate(zip(there, here)):
        assert_close(lives(got), reference, what="%s, %s" % (what, "gradient %d" % i if i else "result"), **FAR)


@check(
    "gpu.recurrent.lstm",
    "Does LSTM (cuDNN's) give its cell's numbers and gradients on the GPU?",
    source="Keras API, LSTM (requirements to use the cuDNN implementation)",
    needs=("tensorflow",),
    seconds=SECONDS,
)
def recurrent_lstm():
    import tensorflow as tf

    with subject("LSTM"):
        ready(tf)
        layers = tf.keras.layers
        _same_as_cell(tf, layers.LSTM(5, return_sequences=True), layers.LSTMCell(5), what="LSTM")


@check(
    "gpu.recurrent.gru",
    "Does GRU (cuDNN's) give its cell's numbers and gradients on the GPU?",
    source="Keras API, GRU (requirements to use the cuDNN implementation)",
    needs=("tensorflow",),
    seconds=SECONDS,
)
def recurrent_gru():
    import tensorflow as tf

    with subject("GRU"):
        ready(tf)
        layers = tf.keras.layers
        _same_as_cell(tf, layers.GRU(5, return_sequences=True), layers.GRUCell(5), what="GRU")


@check(
    "gpu.recurrent.masked",
    "Do LSTM and GRU give their cells' numbers on the GPU with masks that cuDNN takes and masks that it does not?",
    source="Keras guide, Masking and padding; Keras API, LSTM (strictly right-padded)",
    needs=("tensorflow",),
    seconds=SECONDS,
)
def recurrent_masked():
    import tensorflow as tf

    right = [[True] * length + [False] * (6 - length) for length in (6, 4, 2)]
    masks = {"padded right": right, "padded left": [row[::-1] for row in right]}
    with subject("mask"):
        ready(tf)
        layers = tf.keras.layers
        for name in sorted(masks):
            for layer, cell in ((layers.LSTM, layers.LSTMCell), (layers.GRU, layers.GRUCell)):
                what = "%s, %s" % (layer.__name__, name)
                whole = layer(5, return_sequences=True)
                _same_as_cell(tf, whole, cell(5), mask=masks[name], what=what)


@check(
    "gpu.recurrent.generic",
    "Do LSTM and GRU give their cells' numbers on the GPU with what cuDNN lacks (activation, reset_after, unroll)?",
    source="Keras API, GRU (reset_after) and LSTM (requirements to use the cuDNN implementation)",
    needs=("tensorflow",),
    seconds=SECONDS,
)
def recurrent_generic():
    import tensorflow as tf

    with subject("LSTM, GRU"):
        ready(tf)
        layers = tf.keras.layers
        for layer, cell, options in (
            (layers.LSTM, layers.LSTMCell, {"activation": "relu"}),
            (layers.LSTM, layers.LSTMCell, {"use_bias": False}),
            (layers.GRU, layers.GRUCell, {"reset_after": False}),
            (layers.GRU, layers.GRUCell, {"use_bias": False}),
        ):
            what = "%s %r" % (layer.__name__, options)
            _same_as_cell(tf, layer(5, return_sequences=True, **options), cell(5, **options), what=what)
        _same_as_cell(tf, layers.LSTM(5, return_sequences=True, unroll=True), layers.LSTMCell(5), what="unrolled LSTM")


_PATHS = """
tf.debugging.set_log_device_placement(True)
place.ready(tf)
layers = tf.keras.layers
with tf.device(place.DEVICE):
    x = tf.ones([2, 4, 3])
    for name, kind, options, mask in given:
        layer = getattr(layers, kind)(2, **options)
        layer.build((None, None, 3))
        for stream in (sys.stdout, sys.stderr):
            stream.write("\\n::: %s\\n" % name)
            stream.flush()
        layer(x, mask=None if mask is None else tf.constant(mask))
say("done")
"""


@behaviour(
    "gpu.recurrent.path",
    "Which LSTMs and GRUs take cuDNN's way on the GPU, seen by the operations that TensorFlow says it executes?",
    source="Keras API, LSTM (requirements to use the cuDNN implementation); TensorFlow guide, Use a GPU (logging)",
    needs=("tensorflow",),
    seconds=SECONDS,
)
def recurrent_path():
    import tensorflow as tf

    right, left = [[True, True, False, False]] * 2, [[False, False, True, True]] * 2
    cases = [
        ("LSTM", "LSTM", {}, None),
        ("LSTM, activation='relu'", "LSTM", {"activation": "relu"}, None),
        ("LSTM, use_bias=False", "LSTM", {"use_bias": False}, None),
        ("LSTM, recurrent_dropout=0.5", "LSTM", {"recurrent_dropout": 0.5}, None),
        ("LSTM, unroll=True", "LSTM", {"unroll": True}, None),
        ("LSTM, padded right", "LSTM", {}, right),
        ("LSTM, padded left", "LSTM", {}, left),
        ("GRU", "GRU", {}, None),
        ("GRU, reset_after=False", "GRU", {"reset_after": False}, None),
    ]
    with subject("LSTM, GRU"):
        ready(tf)
        with tempfile.TemporaryFile("w+") as heard:
            with Child(_PATHS, cases, {"TF_CPP_MIN_LOG_LEVEL": "0"}, errors=heard) as child:
                child.answer()
            heard.seek(0)
            said = (heard.read() + "\n" + child.printed).split("\n::: ")
        return dict((name, _way(said, name)) for name, _, _, _ in cases)


def _way(said, name):
    """Which way TensorFlow's lines about executed operations tell of, in the parts that begin with the case's name."""
    text = "".join(part for part in said if part.partition("\n")[0] == name)
    return "cuDNN" if "CudnnRNN" in text else "generic" if "MatMul" in text else "nothing was said"
