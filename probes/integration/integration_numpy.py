"""TensorFlow with NumPy: values that go in, and what comes out."""

from harness import assert_close, behaviour, check, expect, subject
from plain import outcomes, rounded
from synthetic import eager


@check(
    "integration.numpy.there_and_back",
    "Do arrays of every usual type survive the way into a tensor and back?",
    source="seed 003 statement 5 (integration with other libraries)",
    needs=("tensorflow",),
)
def there_and_back():
    import numpy as np
    import tensorflow as tf

    eager(tf)
    kinds = ("bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64", "complex64")
    with subject("tf.constant(array)"):
        for kind in kinds:
            array = np.array([[0, 1], [1, 0]]).astype(kind)
            back = tf.constant(array).numpy()
            expect(back.dtype == array.dtype, "%s became %s" % (kind, back.dtype))
            expect((back == array).all(), "the values of %s changed" % kind)
        assert_close(
            tf.constant(np.arange(6).reshape(2, 3).T).numpy().tolist(), [[0, 3], [1, 4], [2, 5]], what="transposed"
        )
        text = tf.constant(np.array(["\u00e4", "b"], dtype=object)).numpy().tolist()
        expect(text == [b"\xc3\xa4", b"b"], "texts became %r" % text)


@behaviour(
    "integration.numpy.scalars_and_objects",
    "What do tf.constant and convert_to_tensor make of NumPy scalars, object arrays and mixed lists?",
    source="NumPy 1.24 release notes (ragged arrays); NumPy 2.0 release notes (scalars)",
    needs=("tensorflow",),
)
def scalars_and_objects():
    import numpy as np
    import tensorflow as tf

    eager(tf)

    def kind(value, **arguments):
        made = tf.constant(value, **arguments)
        return [made.dtype.name, [int(size) for size in made.shape]]

    with subject("tf.constant"):
        return outcomes(
            [
                ("np.float64", lambda: kind(np.float64(1.5))),
                ("np.float32 in a list", lambda: kind([np.float32(1), np.float32(2)])),
                ("np.float64 in a list", lambda: kind([np.float64(1)])),
                ("float and np.float64", lambda: kind([1.0, np.float64(2)])),
                ("np.int64 and int", lambda: kind([np.int64(1), 2])),
                ("int and float", lambda: kind([1, 2.5])),
                ("np.bool_", lambda: kind(np.bool_(True))),
                ("np.str_", lambda: kind(np.str_("a"))),
                ("object array of floats", lambda: kind(np.array([1.0, 2.0], dtype=object))),
                ("object array of arrays", lambda: kind(np.array([np.zeros(1), np.zeros(2)], dtype=object))),
                ("list of unequal lists", lambda: kind([[1], [2, 3]])),
                ("list of arrays", lambda: kind([np.zeros(2), np.ones(2)])),
                ("datetime64", lambda: kind(np.array(["2020-01-01"], dtype="datetime64[D]"))),
                ("float64 as float32", lambda: kind(np.float64(1.5), dtype="float32")),
                ("float as int32", lambda: kind(np.float64(1.5), dtype="int32")),
                ("300 as uint8", lambda: kind(300, dtype="uint8")),
                ("-1 as uint8", lambda: kind(-1, dtype="uint8")),
                ("2**40", lambda: kind(2**40)),
                ("uint64 array", lambda: kind(np.array([1], dtype="uint64"))),
            ]
        )


@behaviour(
    "integration.numpy.functions_on_tensors",
    "What do NumPy functions, operators and protocols give on eager tensors and variables?",
    source="TensorFlow guide, NumPy API; NumPy 2.0 release notes (__array__ takes copy)",
    needs=("tensorflow",),
)
def functions_on_tensors():
    import numpy as np
    import tensorflow as tf

    eager(tf)
    tensor, variable = tf.constant([[1.0, 4.0]]), tf.Variable([1.0, 2.0])

    def kind(value):
        return [type(value).__name__, rounded(value)]

    with subject("numpy.asarray(tensor)"):
        return outcomes(
            [
                ("np.array", lambda: kind(np.array(tensor))),
                ("np.asarray of a variable", lambda: kind(np.asarray(variable))),
                ("np.array(copy=True)", lambda: kind(np.array(tensor, copy=True))),
                ("np.array(copy=False)", lambda: kind(np.array(tensor, copy=False))),
                ("np.asarray(dtype)", lambda: kind(np.asarray(tensor, dtype="float64"))),
                ("np.sqrt", lambda: kind(np.sqrt(tensor))),
                ("np.mean", lambda: kind(np.mean(tensor))),
                ("np.concatenate", lambda: kind(np.concatenate([tensor, tensor]))),
                ("array + tensor", lambda: kind(np.ones((1, 2), "float32") + tensor)),
                ("array @ tensor", lambda: kind(np.ones((2, 1), "float32") @ tensor)),
                ("array index", lambda: kind(np.arange(5)[tf.constant([1, 3])])),
                ("range(tensor)", lambda: list(range(tf.constant(2)))),
                ("list index", lambda: [5, 6, 7][tf.constant(1)]),
                ("float()", lambda: float(tf.constant([2.5]))),
                ("format", lambda: "%.2f" % tf.constant(2.5)),
                ("f-format", lambda: "{:.2f}".format(tf.constant(2.5))),
                ("round()", lambda: rounded(round(tf.constant(2.567), 1))),
                ("hash", lambda: type(hash(tensor)).__name__),
                ("== and in", lambda: rounded(tensor == tensor)),
            ]
        )


@behaviour(
    "integration.numpy.symbolic_tensors",
    "What happens to a NumPy function, a bool or a Python if on a symbolic tensor?",
    source="error known from NumPy 1.20 with TensorFlow 2.3: Cannot convert a symbolic Tensor to a numpy array",
    needs=("tensorflow",),
)
def symbolic_tensors():
    import numpy as np
    import tensorflow as tf

    eager(tf)

    def inside(function):
        return rounded(tf.function(function)(tf.constant([1.0, 4.0])))

    def placeholder(function):
        return type(function(tf.keras.Input((2,)))).__name__

    with subject("numpy.asarray(symbolic tensor)"):
        return outcomes(
            [
                ("np.array in tf.function", lambda: inside(lambda x: tf.constant(np.array(x)))),
                ("np.sqrt in tf.function", lambda: inside(lambda x: np.sqrt(x))),
                ("np.prod of its shape", lambda: inside(lambda x: tf.reshape(x, [np.prod(x.shape)]))),
                ("tf.zeros of its shape", lambda: inside(lambda x: tf.zeros([tf.shape(x)[0]]))),
                ("np.array of Input", lambda: placeholder(np.array)),
                ("bool of Input", lambda: placeholder(bool)),
                ("tf.sqrt of Input", lambda: placeholder(tf.sqrt) and "works"),
                ("Input + array", lambda: placeholder(lambda x: x + np.ones(2, "float32")) and "works"),
                ("len of Input", lambda: placeholder(len)),
            ]
        )


@check(
    "integration.numpy.recurrent_layer",
    "Can an LSTM with a dropout and an unknown batch size be built (which NumPy 1.20 broke on TF 2.3)?",
    source="error known from NumPy 1.20 with TensorFlow 2.3: Cannot convert a symbolic Tensor to a numpy array",
    needs=("tensorflow",),
)
def recurrent_layer():
    import numpy as np
    import tensorflow as tf

    with subject("LSTM"):
        model = tf.keras.Sequential([tf.keras.layers.LSTM(2, input_shape=(None, 1), recurrent_dropout=0.25)])
        model.set_weights([np.zeros_like(w) for w in model.get_weights()])
        result = model.predict(np.ones((3, 4, 1), "float32"), verbose=0)
        assert_close(result, np.zeros((3, 2)), what="output of an LSTM whose weights are zero")


@behaviour(
    "integration.numpy.experimental_numpy",
    "Which type does tf.experimental.numpy give for sums of ints, floats and float32?",
    source="TensorFlow 2.4 release notes (tf.experimental.numpy)",
    needs=("tensorflow",),
)
def experimental_numpy():
    import tensorflow as tf

    eager(tf)

    def kind(call):
        found = call(tf.experimental.numpy)
        return [found.dtype.name, rounded(found)]

    with subject("tf.experimental.numpy"):
        return outcomes(
            [
                ("ones", lambda: kind(lambda tnp: tnp.ones(2))),
                ("int + float", lambda: kind(lambda tnp: tnp.add(1, 1.5))),
                ("array of float", lambda: kind(lambda tnp: tnp.array([1.5]))),
                ("float32 + 1.5", lambda: kind(lambda tnp: tnp.add(tnp.array([1.0], dtype=tnp.float32), 1.5))),
                ("mean of ints", lambda: kind(lambda tnp: tnp.mean([1, 2]))),
                ("ndarray's name", lambda: tf.experimental.numpy.ndarray.__name__),
            ]
        )


@behaviour(
    "integration.numpy.removed_aliases",
    "Which of NumPy's aliases that older TensorFlow code uses are still there?",
    source="NumPy 1.24 and 2.0 release notes (np.bool, np.object, np.float_ … removed)",
    needs=("tensorflow",),
    light=True,
)
def removed_aliases():
    import warnings

    import numpy as np

    names = ("bool", "object", "int", "float", "str", "complex", "float_", "complex_", "unicode_", "string_", "Inf",
             "NaN", "product", "cumproduct", "in1d", "trapz", "bool8", "typeDict", "asfarray", "row_stack")  # fmt: skip
    with subject("numpy"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [name for name in names if hasattr(np, name)]


@check(
    "integration.numpy.variable_assignment",
    "Do assign, slices and gather of a Variable follow NumPy's arrays?",
    source="TensorFlow guide, introduction to Variables",
    needs=("tensorflow",),
)
def variable_assignment():
    import numpy as np
    import tensorflow as tf

    eager(tf)
    array = np.arange(12, dtype="float64").reshape(3, 4)
    with subject("tf.Variable"):
        variable = tf.Variable(array)
        variable[0, 1:3].assign([7.0, 8.0])
        assert_close(variable[0], [0.0, 7.0, 8.0, 3.0], what="slice assigned")
        assert_close(variable[::2, -1], [3.0, 11.0], what="strides and negative index")
        assert_close(tf.gather(variable, np.array([2, 0]), axis=1)[0], [8.0, 0.0], what="gather")
        expect(variable.dtype == tf.float64, "the type became %s" % variable.dtype)


@behaviour(
    "integration.numpy.shared_memory",
    "Does a tensor or variable made from an aligned array change when the array is written to afterwards?",
    source="TensorFlow API, convert_to_tensor; NumPy arrays may share memory with tensors on the CPU",
    needs=("tensorflow",),
)
def shared_memory():
    import numpy as np
    import tensorflow as tf

    eager(tf)

    def follows(make):
        buffer = np.zeros(64 + 16, "float32")
        start = (-buffer.ctypes.data % 64) // 4
        array = buffer[start : start + 8]  # begins at a multiple of 64 bytes, as TensorFlow wants its memory
        made = make(array)
        array[:] = 5.0
        return bool((made.numpy() == 5.0).any())

    def written_back():
        tensor = tf.zeros((4,))
        tensor.numpy()[0] = 7.0
        return rounded(tensor)

    with subject("tf.constant(aligned array)"):
        return outcomes(
            [
                ("constant", lambda: follows(tf.constant)),
                ("convert_to_tensor", lambda: follows(tf.convert_to_tensor)),
                ("Variable", lambda: follows(tf.Variable)),
                ("identity of a constant", lambda: follows(lambda a: tf.identity(tf.constant(a)))),
                ("writing into tensor.numpy()", written_back),
            ]
        )
