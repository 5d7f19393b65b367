"""Numbers computed on the GPU: products, TF32, reductions, linear algebra, gathering, random numbers.

Where a result can be had from numpy it is compared with that, otherwise with TensorFlow's own on the CPU.
"""

from gpu_place import DEVICE, FAR, HALF, HOST, NEAR, SECONDS, agree, home, lives, ready, shown
from harness import assert_close, behaviour, check, expect, subject
from layers_by_hand import numbers
from plain import outcome

# ---------------------------------------------------------------- products


def _product(tf, dtype, near):
    """Asserts that matmul in that dtype, plain, batched and transposed, gives numpy's numbers on the GPU."""
    a, b = numbers(3, 24, 40), numbers(3, 40, 16, seed=1)
    with tf.device(DEVICE):
        left, right = tf.cast(tf.constant(a), dtype), tf.cast(tf.constant(b), dtype)
        results = {
            "plain": tf.matmul(left[0], right[0]),
            "batched": tf.matmul(left, right),
            "transposed": tf.matmul(right, left, transpose_a=True, transpose_b=True),
        }
    a, b = (tf.cast(part, tf.float64).numpy() for part in (left, right))
    expected = {"plain": a[0].dot(b[0]), "batched": a @ b, "transposed": (a @ b).transpose(0, 2, 1)}
    for name in sorted(results):
        expect(results[name].dtype == dtype, "%s: %s" % (name, results[name].dtype))
        lives(results[name])
        assert_close(tf.cast(results[name], tf.float64), expected[name], what=name, **near)


@check(
    "gpu.matmul.float32",
    "Does matmul in float32 give numpy's numbers on the GPU, plain, batched and transposed?",
    source="TensorFlow guide, Use a GPU (tf.matmul has both CPU and GPU kernels)",
    needs=("tensorflow",),
    seconds=SECONDS,
)
def matmul_float32():
    import tensorflow as tf

    with subject("tf.matmul"):
        ready(tf)
        _product(tf, tf.float32, NEAR)


@check(
    "gpu.matmul.float64",
    "Does matmul in float64 give numpy's numbers on the GPU to twelve digits?",
    source="TensorFlow API, tf.linalg.matmul (float64)",
    needs=("tensorflow",),
    seconds=SECONDS,
)
def matmul_float64():
    import tensorflow as tf

    with subject("tf.matmul"):
        ready(tf)
        _product(tf, tf.float64, {"rtol": 1e-12, "atol": 1e-12})


@check(
    "gpu.matmul.float16",
    "Does matmul in float16 (tensor cores) give numpy's numbers on the GPU, within what float16 can hold?",
    source="NVIDIA, Train With Mixed Precision (tensor cores, float16)",
    needs=("tensorflow",),
    seconds=SECONDS,
)
def matmul_float16():
    import tensorflow as tf

    with subject("tf.matmul"):
        ready(tf)
        _product(tf, tf.float16, HALF)


@behaviour(
    "gpu.matmul.bfloat16",
    "Is matmul in bfloat16 computed on the GPU, and are its numbers right to two digits?",
    source="Keras guide, Mixed precision (mixed_bfloat16)",
    needs=("tensorflow",),
    seconds=SECONDS,
)
def matmul_bfloat16():
    import numpy as np
    import tensorflow as tf

    a, b = numbers(24, 40), numbers(40, 16, seed=1)

    def product():
        with tf.device(DEVICE):
            result = tf.matmul(tf.cast(tf.constant(a), tf.bfloat16), tf.cast(tf.constant(b), tf.bfloat16))
        near = np.allclose(tf.cast(result, tf.float32).numpy(), a.dot(b), rtol=2e-2, atol=0.2)
        return {"device": home(result), "near": bool(near)}

    with subject("tf.matmul"):
        ready(tf)
        return outcome(product)


@check(
    "gpu.einsum",
    "Do einsum and tensordot give the CPU's numbers and gradients on the GPU?",
    source="TensorFlow API, tf.einsum",
    needs=("tensorflow",),
    seconds=SECONDS,
)
def einsum():
    import tensorflow as tf

    a, b = numbers(2, 5, 3, 4), numbers(2, 6, 3, 4, seed=1)
    with subject("tf.einsum"):
        ready(tf)
        agree(tf, lambda x, y: tf.einsum("bqhd,bkhd->bhqk", x, y), [a, b], "scores of attention", FAR)
        agree(tf, lambda x, y: tf.einsum("bqhd,bkhd->qk", x, y), [a, b], "contraction", FAR)
        agree(tf, lambda x, y: tf.tensordot(x, y, axes=[[2, 3], [2, 3]]), [a, b], "tensordot", FAR)


# ---------------------------------------------------------------- TF32


def _digits(tf, allowed):
    """Relative error of a float32 product of 256 terms on the GPU, with TF32 allowed or not."""
    import numpy as np

    a, b = numbers(256, 256), numbers(256, 256, seed=1)
    tf.config.experimental.enable_tensor_float_32_execution(allowed)
    with tf.device(DEVICE):
        result = lives(tf.matmul(tf.constant(a), tf.constant(b))).numpy()
    exact = a.astype("float64").dot(b.astype("float64"))
    return float(np.abs(result - exact).max() / np.abs(exact).max())


@check(
    "gpu.tf32.off",
    "Does a float32 product have float32's precision on the GPU once TF32 is switched off?",
    source="TensorFlow API, tf.config.experimental.enable_tensor_float_32_execution",
    needs=("tensorflow",),
    seconds=SECONDS,
)
def tf32_off():
    import tensorflow as tf

    with subject("enable_tensor_float_32_execution(False)"):
        ready(tf)
        apart = _digits(tf, allowed=False)
        expect(apart < 2e-6, "off by %.3g of the largest number" % apart)
        expect(not tf.config.experimental.tensor_float_32_execution_enabled(), "it says it is on")


@behaviour(
    "gpu.tf32.default",
    "Is TF32 allowed by default, and is a float32 product less precise with it (on GPUs of 8.0 and newer)?",
    source="TensorFlow 2.4 release notes (TensorFloat-32 on Ampere based GPUs by default)",
    needs=("tensorflow",),
    seconds=SECONDS,
)
def tf32_default():
    import tensorflow as tf

    def precision(allowed):
        apart = _digits(tf, allowed)
        return "float32" if apart < 2e-6 else "tf32" if apart < 5e-3 else apart

    with subject("enable_tensor_float_32_execution"):
        by_default = bool(tf.config.experimental.tensor_float_32_execution_enabled())
        ready(tf)
        details = tf.config.experimental.get_device_details(shown(tf)[0])
        return {
            "compute capability": ".".join(str(part) for part in details.get("compute_capability", ())),
            "allowed by default": by_default,
            "off": precision(False),
            "on": precision(True),
        }


# ---------------------------------------------------------------- one by one, and all together


@check(
    "gpu.elementwise",
    "Do elementwise functions give the CPU's numbers and gradients on the GPU?",
    source="TensorFlow guide, Introduction to tensors (operations)",
    needs=("tensorflow",),
    seconds=SECONDS,
)
def elementwise():
    import tensorflow as tf

    x, y = numbers(6, 7), numbers(6, 7, seed=1)
    cases = (
        ("exp", lambda a, b: tf.exp(a) * b),
        ("log", lambda a, b: tf.math.log(tf.abs(a) + 1.0) / (tf.abs(b) + 1.0)),
        ("tanh", lambda a, b: tf.tanh(a) - tf.sigmoid(b)),
        ("erf", lambda a, b: tf.math.erf(a) + tf.sin(b)),
        ("power", lambda a, b: tf.pow(tf.abs(a) + 0.5, b) + tf.sqrt(tf.abs(b) + 0.5)),
        ("activations", lambda a, b: tf.nn.relu(a) + tf.nn.gelu(a) + tf.nn.softplus(b) + tf.nn.elu(b)),
        ("choice", lambda a, b: tf.where(a > b, a * 2.0, b) + tf.clip_by_value(a, -0.5, 0.5)),
    )
    with subject("elementwise"):
        ready(tf)
        for name, function in cases:
            agree(tf, function, [x, y], name)


@check(
    "gpu.reductions",
    "Do reductions, cumulative sums, sorting and softmax give the CPU's numbers and gradients on the GPU?",
    source="TensorFlow API, tf.math (reduce_sum, cumsum) and tf.sort",
    needs=("tensorflow",),
    seconds=SECONDS,
)
def reductions():
    import tensorflow as tf

    x = numbers(5, 33, 8)
    cases = (
        ("sum", tf.reduce_sum),
        ("mean of an axis", lambda a: tf.reduce_mean(a, axis=1)),
        ("maximum of two axes", lambda a: tf.reduce_max(a, axis=[0, 2])),
        ("product", lambda a: tf.reduce_prod(a, axis=-1)),
        ("logsumexp", lambda a: tf.reduce_logsumexp(a, axis=1)),
        ("standard deviation", lambda a: tf.math.reduce_std(a, axis=1)),
        ("norm", lambda a: tf.norm(a, axis=2)),
        ("cumulative sum", lambda a: tf.cumsum(a, axis=1)),
        ("argmax", lambda a: tf.argmax(a, axis=1)),
        ("softmax", lambda a: tf.nn.softmax(a, axis=1)),
        ("largest three", lambda a: tf.math.top_k(a, k=3).values),
        ("sorted", lambda a: tf.sort(a, axis=-1)),
    )
    with subject("reductions"):
        ready(tf)
        for name, function in cases:
            agree(tf, function, [x], name, {"rtol": 1e-3, "atol": 1e-4})


@check(
    "gpu.crossentropy",
    "Do both softmax crossentropies give the CPU's numbers and gradients on the GPU?",
    source="TensorFlow API, tf.nn.sparse_softmax_cross_entropy_with_logits",
    needs=("tensorflow",),
    seconds=SECONDS,
)
def crossentropy():
    import numpy as np
    import tensorflow as tf

    logits, labels = numbers(16, 10, scale=4.0), np.arange(16) % 10
    dense = np.eye(10, dtype="float32")[labels]
    nn = tf.nn
    with subject("tf.nn.softmax_cross_entropy_with_logits"):
        ready(tf)
        agree(tf, lambda x, y: nn.sparse_softmax_cross_entropy_with_logits(y, x), [logits, labels], "sparse")
        agree(tf, lambda x: nn.softmax_cross_entropy_with_logits(tf.constant(dense), x), [logits], "dense")


# ---------------------------------------------------------------- what other CUDA libraries compute


@check(
    "gpu.linear_algebra",
    "Do Cholesky, solve, QR and singular values (cuSOLVER, cuBLAS) come out right on the GPU?",
    source="TensorFlow API, tf.linalg; CUDA documentation, cuSOLVER",
    needs=("tensorflow",),
    seconds=SECONDS,
)
def linear_algebra():
    import numpy as np
    import tensorflow as tf

    a = numbers(6, 6).astype("float64")
    symmetric = a.dot(a.T) + np.eye(6)
    near = {"rtol": 1e-7, "atol": 1e-8}
    with subject("tf.linalg"):
        ready(tf)
        with tf.device(DEVICE):
            matrix = tf.constant(symmetric)
            factor = lives(tf.linalg.cholesky(matrix))
            solved = lives(tf.linalg.solve(matrix, tf.constant(a)))
            q, r = tf.linalg.qr(tf.constant(a))
            values = lives(tf.linalg.svd(tf.constant(a), compute_uv=False))
            inverse = lives(tf.linalg.inv(matrix))
        assert_close(factor, np.linalg.cholesky(symmetric), what="Cholesky", **near)
        assert_close(solved, np.linalg.solve(symmetric, a), what="solve", **near)
        assert_close(lives(q).numpy().dot(lives(r).numpy()), a, what="Q times R", **near)
        assert_close(values, np.linalg.svd(a, compute_uv=False), what="singular values", **near)
        assert_close(inverse, np.linalg.inv(symmetric), what="inverse", **near)


@check(
    "gpu.fourier",
    "Do Fourier transforms (cuFFT) of one and two dimensions give numpy's numbers on the GPU, there and back?",
    source="TensorFlow API, tf.signal.fft2d; CUDA documentation, cuFFT",
    needs=("tensorflow",),
    seconds=SECONDS,
)
def fourier():
    import numpy as np
    import tensorflow as tf

    def parts(value):
        return [np.real(value).tolist(), np.imag(value).tolist()]

    x = numbers(3, 8, 16)
    with subject("tf.signal"):
        ready(tf)
        with tf.device(DEVICE):
            given = tf.constant(x)
            line = lives(tf.signal.rfft(given)).numpy()
            plane = lives(tf.signal.fft2d(tf.complex(given, given))).numpy()
            back = lives(tf.signal.irfft(tf.signal.rfft(given)))
        assert_close(parts(line), parts(np.fft.rfft(x)), what="rfft", rtol=1e-3, atol=1e-3)
        assert_close(parts(plane), parts(np.fft.fft2(x + 1j * x)), what="fft2d", rtol=1e-3, atol=1e-3)
        assert_close(back, x, what="there and back", **NEAR)


@check(
    "gpu.sparse",
    "Does a sparse matrix times a dense one give numpy's numbers on the GPU, as a SparseTensor and in CSR (cuSPARSE)?",
    source="TensorFlow API, tf.sparse.sparse_dense_matmul; CUDA documentation, cuSPARSE",
    needs=("tensorflow",),
    seconds=SECONDS,
)
def sparse():
    import numpy as np
    import tensorflow as tf

    dense = numbers(6, 4)
    matrix = np.where(np.arange(30).reshape(5, 6) % 4 == 0, numbers(5, 6, seed=1), 0.0).astype("float32")
    with subject("tf.sparse"):
        ready(tf)
        with tf.device(DEVICE):
            tensor = tf.sparse.from_dense(tf.constant(matrix))
            product = lives(tf.sparse.sparse_dense_matmul(tensor, tf.constant(dense)))
            rows = tf.raw_ops.SparseTensorToCSRSparseMatrix(
                indices=tensor.indices, values=tensor.values, dense_shape=tensor.dense_shape
            )
            by_rows = lives(tf.raw_ops.SparseMatrixMatMul(a=rows, b=tf.constant(dense)))
        assert_close(product, matrix.dot(dense), what="SparseTensor", **NEAR)
        assert_close(by_rows, matrix.dot(dense), what="CSR", **NEAR)


@check(
    "gpu.gather_scatter",
    "Do gather, scatter, segment sums and an embedding's gradient come out on the GPU as on the CPU?",
    source="TensorFlow API, tf.gather, tf.tensor_scatter_nd_add, tf.math.unsorted_segment_sum",
    needs=("tensorflow",),
    seconds=SECONDS,
)
def gather_scatter():
    import tensorflow as tf

    table, changes, at = numbers(7, 3), numbers(5, 3, seed=1), [2, 0, 2, 6, 2]
    places = [[i] for i in at]
    with subject("tf.gather, tf.scatter_nd"):
        ready(tf)
        agree(tf, lambda t: tf.gather(t, at), [table], "gather")
        agree(tf, lambda t: tf.gather_nd(t, [[1, 2], [6, 0]]), [table], "gather_nd")
        agree(tf, lambda t, c: tf.tensor_scatter_nd_add(t, places, c), [table, changes], "tensor_scatter_nd_add")
        agree(tf, lambda c: tf.scatter_nd(places, c, [7, 3]), [changes], "scatter_nd")
        agree(tf, lambda c: tf.math.unsorted_segment_sum(c, at, 7), [changes], "unsorted_segment_sum")
        agree(tf, lambda t: tf.nn.embedding_lookup(t, at), [table], "embedding")


@check(
    "gpu.random",
    "Do stateless random numbers and those of a Generator come out on the GPU as on the CPU?",
    source="TensorFlow API, tf.random.stateless_normal (consistent between CPU and GPU)",
    needs=("tensorflow",),
    seconds=SECONDS,
)
def random():
    import tensorflow as tf

    def drawn(device):
        with tf.device(device):
            generator = tf.random.Generator.from_seed(5, alg="philox")
            return {
                "stateless_uniform": tf.random.stateless_uniform([40], seed=[1, 2]),
                "stateless_normal": tf.random.stateless_normal([40], seed=[3, 4]),
                "Generator.normal": generator.normal([40]),
                "Generator.uniform": generator.uniform([40]),
            }

    with subject("tf.random"):
        ready(tf)
        there, here = drawn(DEVICE), drawn(HOST)
        for name in sorted(there):
            assert_close(lives(there[name]), lives(here[name], HOST), what=name, **NEAR)
