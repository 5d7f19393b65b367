"""What layers compute, written out in numpy: windows, convolutions, recurrences, attention. Channels come last."""


def numbers(*shape, **options):
    """float32 array of that shape, always the same for one `seed` (default 0): standard normal times `scale`."""
    import numpy as np

    state = np.random.RandomState(options.get("seed", 0))
    return (state.normal(size=shape) * options.get("scale", 1.0)).astype("float32")


def fixed(layer):
    """Gives a built layer or model weights that are the same everywhere. Returns them."""
    weights = [numbers(*w.shape, seed=i + 1, scale=0.5) for i, w in enumerate(layer.get_weights())]
    layer.set_weights(weights)
    return weights


def extent(length, size, stride, padding, dilation=1):
    """(padding before, padding after, output length) of one axis, as TensorFlow defines them."""
    reach = (size - 1) * dilation + 1
    if padding == "valid":
        return 0, 0, (length - reach) // stride + 1
    out = -(-length // stride)
    if padding == "causal":
        return reach - 1, 0, out
    total = max(0, (out - 1) * stride + reach - length)
    return total // 2, total - total // 2, out


def slide(x, size, strides, padding, dilation, fill):
    """(output lengths, [(index, window)]) of x (batch, *axes, channels), padded with `fill`."""
    import numpy as np

    spans = [extent(x.shape[i + 1], size[i], strides[i], padding, dilation[i]) for i in range(len(size))]
    around = [(0, 0)] + [(before, after) for before, after, _ in spans] + [(0, 0)]
    padded = np.pad(x, around, mode="constant", constant_values=fill)
    lengths = [out for _, _, out in spans]
    found = []
    for index in np.ndindex(*lengths):
        starts = [at * stride for at, stride in zip(index, strides)]
        cut = [slice(s, s + (k - 1) * d + 1, d) for s, k, d in zip(starts, size, dilation)]
        found.append((index, padded[tuple([slice(None)] + cut)]))
    return lengths, found


def pool(x, size, strides, padding, how):
    """Pooling with `how` "max" or "mean"; what is padded doesn't count."""
    import numpy as np

    reduce, fill = (np.max, -np.inf) if how == "max" else (np.nanmean, np.nan)
    lengths, found = slide(x, size, strides, padding, [1] * len(size), fill)
    out = np.empty([x.shape[0]] + lengths + [x.shape[-1]])
    for index, window in found:
        out[(slice(None),) + index] = reduce(window, axis=tuple(range(1, len(size) + 1)))
    return out


def convolve(x, kernel, strides, padding, dilation):
    """Convolution with kernel (*size, in, out) and no bias."""
    import numpy as np

    rank = kernel.ndim - 2
    lengths, found = slide(x, kernel.shape[:rank], strides, padding, dilation, 0.0)
    out = np.empty([x.shape[0]] + lengths + [kernel.shape[-1]])
    for index, window in found:
        out[(slice(None),) + index] = np.tensordot(window, kernel, axes=rank + 1)
    return out


def depthwise(x, kernel, strides, padding):
    """Each channel with its own kernels (height, width, in, multiplier)."""
    import numpy as np

    parts = [
        convolve(x[..., c : c + 1], kernel[:, :, c : c + 1, :], strides, padding, (1, 1)) for c in range(x.shape[-1])
    ]
    return np.concatenate(parts, axis=-1)


def transposed(x, kernel, stride, lengths):
    """Transposed convolution with kernel (height, width, out, in) to an output of `lengths`, without a bias."""
    import numpy as np

    size = kernel.shape[:2]
    full = [max((x.shape[i + 1] - 1) * stride + size[i], lengths[i]) for i in range(2)]
    out = np.zeros([x.shape[0]] + full + [kernel.shape[2]])
    for r, c in np.ndindex(*x.shape[1:3]):
        part = np.tensordot(x[:, r, c, :], kernel, axes=[[1], [3]])
        out[:, r * stride : r * stride + size[0], c * stride : c * stride + size[1], :] += part
    lost = [max((x.shape[i + 1] - 1) * stride + size[i] - lengths[i], 0) // 2 for i in range(2)]
    return out[:, lost[0] : lost[0] + lengths[0], lost[1] : lost[1] + lengths[1], :]


def sigmoid(x):
    import numpy as np

    return 1.0 / (1.0 + np.exp(-x))


def softmax(x, axis=-1):
    import numpy as np

    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def simple_rnn(x, weights, state=None):
    """Every output (batch, time, units) of a SimpleRNN with tanh."""
    import numpy as np

    kernel, recurrent, bias = weights
    h = np.zeros((x.shape[0], recurrent.shape[0])) if state is None else state
    out = []
    for t in range(x.shape[1]):
        h = np.tanh(x[:, t].dot(kernel) + h.dot(recurrent) + bias)
        out.append(h)
    return np.stack(out, axis=1)


def lstm(x, weights, state=None):
    """(every output, last h, last c) of an LSTM; gates in the order input, forget, cell, output."""
    import numpy as np

    kernel, recurrent, bias = weights
    h, c = (np.zeros((x.shape[0], recurrent.shape[0])),) * 2 if state is None else state
    out = []
    for t in range(x.shape[1]):
        i, f, g, o = np.split(x[:, t].dot(kernel) + h.dot(recurrent) + bias, 4, axis=1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        out.append(h)
    return np.stack(out, axis=1), h, c


def gru(x, weights, reset_after):
    """Last output of a GRU; gates in the order update, reset, candidate."""
    import numpy as np

    kernel, recurrent, bias = weights
    units = recurrent.shape[0]
    given, kept = (bias[0], bias[1]) if reset_after else (bias, np.zeros(3 * units))
    h = np.zeros((x.shape[0], units))
    for t in range(x.shape[1]):
        xs = x[:, t].dot(kernel) + given
        hs = h.dot(recurrent) + kept
        z = sigmoid(xs[:, :units] + hs[:, :units])
        r = sigmoid(xs[:, units : 2 * units] + hs[:, units : 2 * units])
        inner = r * hs[:, 2 * units :] if reset_after else (r * h).dot(recurrent[:, 2 * units :])
        h = z * h + (1 - z) * np.tanh(xs[:, 2 * units :] + inner)
    return h
