"""Preprocessing layers: where they are, and what they make of fixed data."""

from attempts import attempts
from harness import behaviour, drift, subject
from layers_by_hand import numbers
from synthetic import eager

NAMES = (
    "CategoryCrossing", "CategoryEncoding", "CenterCrop", "Discretization", "HashedCrossing", "Hashing",
    "IntegerLookup", "Normalization", "RandomBrightness", "RandomContrast", "RandomCrop", "RandomFlip", "RandomHeight",
    "RandomRotation", "RandomTranslation", "RandomWidth", "RandomZoom", "Rescaling", "Resizing", "StringLookup",
    "TextVectorization",
)  # fmt: skip


def find(tf, name):
    """The preprocessing layer of that name, from tf.keras.layers or else from its experimental module."""
    if hasattr(tf.keras.layers, name):
        return getattr(tf.keras.layers, name)
    return getattr(tf.keras.layers.experimental.preprocessing, name)


def plain(value):
    """Numbers and text of a tensor, an array or a list, as lists."""
    import numpy as np

    if hasattr(value, "to_dense"):
        value = value.to_dense()
    array = np.array(value)
    if array.dtype.kind == "f":
        return array.astype(float).round(4).tolist()
    if array.dtype.kind in "OS":
        array = np.array([v.decode() if isinstance(v, bytes) else str(v) for v in array.ravel()]).reshape(array.shape)
    return array.tolist()


@behaviour(
    "layers.preprocessing.where",
    "Under which path are the preprocessing layers: layers, layers.experimental.preprocessing, both?",
    source="TensorFlow 2.6 release notes (preprocessing layers moved out of experimental)",
    needs=("tensorflow",),
    light=True,
)
def preprocessing_where():
    import tensorflow as tf

    with subject("tf.keras.layers"):
        early = getattr(getattr(tf.keras.layers, "experimental", None), "preprocessing", None)
        found = {}
        for name in NAMES:
            places = [
                place for place, at in (("layers", tf.keras.layers), ("experimental", early)) if hasattr(at, name)
            ]
            found[name] = " and ".join(places) or "none"
        return found


@behaviour(
    "layers.preprocessing.normalization",
    "What does Normalization give after adapt: which numbers and weights; can mean and variance be given?",
    source="Keras API, Normalization",
    needs=("tensorflow",),
)
def preprocessing_normalization():
    import numpy as np
    import tensorflow as tf

    eager(tf)
    data = np.array([[1.0, 10.0], [3.0, 30.0]], "float32")

    def adapted():
        layer = find(tf, "Normalization")()
        layer.adapt(data)
        return [plain(layer(tf.constant(data))), len(layer.weights)]

    def given():
        layer = find(tf, "Normalization")(mean=[2.0, 20.0], variance=[1.0, 100.0])
        return plain(layer(tf.constant(data)))

    def whole():
        layer = find(tf, "Normalization")(axis=None)
        layer.adapt(data)
        return plain(layer(tf.constant(data)))

    with subject("Normalization"):
        find(tf, "Normalization")()
        return attempts({"adapted": adapted, "mean and variance given": given, "axis=None": whole})


@behaviour(
    "layers.preprocessing.text_vectorization",
    "What does TextVectorization make of a fixed text: its vocabulary, indices, standardised words?",
    source="Keras API, TextVectorization",
    needs=("tensorflow",),
)
def preprocessing_text_vectorization():
    import tensorflow as tf

    eager(tf)
    texts = ["The cat sat.", "The dog sat, the end!"]

    def text(words):
        return [w.decode() if isinstance(w, bytes) else str(w) for w in words]

    with subject("TextVectorization"):
        layer = find(tf, "TextVectorization")(max_tokens=6, output_mode="int", output_sequence_length=4)
        layer.adapt(tf.data.Dataset.from_tensor_slices(texts).batch(2))
        return attempts(
            {
                "vocabulary": lambda: text(layer.get_vocabulary()),
                "indices": lambda: plain(layer(tf.constant([["the cat purred"]]))),
                "of a vector": lambda: plain(layer(tf.constant(["the cat purred"]))),
                "of a list": lambda: plain(layer(["the cat purred"])),
            }
        )


@behaviour(
    "layers.preprocessing.string_lookup",
    "Which indices do StringLookup and IntegerLookup give, what do they do with unknown values, what is index 0?",
    source="Keras API, StringLookup (mask_token, oov_token)",
    needs=("tensorflow",),
)
def preprocessing_string_lookup():
    import tensorflow as tf

    eager(tf)

    def lookup(name, vocabulary, values, **options):
        layer = find(tf, name)(vocabulary=vocabulary, **options)
        return plain(layer(tf.constant(values)))

    words, given = ["a", "b"], ["b", "z", ""]
    with subject("StringLookup"):
        find(tf, "StringLookup")
        return attempts(
            {
                "StringLookup": lambda: lookup("StringLookup", words, given),
                "StringLookup(mask_token=None)": lambda: lookup("StringLookup", words, given, mask_token=None),
                "StringLookup(invert=True)": lambda: lookup("StringLookup", words, [0, 1, 2], invert=True),
                "StringLookup(output_mode='multi_hot')": lambda: lookup(
                    "StringLookup", words, [given], output_mode="multi_hot"
                ),
                "IntegerLookup": lambda: lookup("IntegerLookup", [10, 20], [20, 10, 7, 0]),
                "vocabulary": lambda: plain(find(tf, "StringLookup")(vocabulary=words).get_vocabulary()),
            }
        )


@behaviour(
    "layers.preprocessing.category_encoding",
    "Which encodings does CategoryEncoding know, and what do they give?",
    source="Keras API, CategoryEncoding (output_mode)",
    needs=("tensorflow",),
)
def preprocessing_category_encoding():
    import tensorflow as tf

    eager(tf)

    def encoded(values=(0, 2), **options):
        return plain(find(tf, "CategoryEncoding")(**options)(tf.constant([list(values)])))

    with subject("CategoryEncoding"):
        find(tf, "CategoryEncoding")
        return attempts(
            {
                "num_tokens=3": lambda: encoded(num_tokens=3),
                "max_tokens=3": lambda: encoded(max_tokens=3),
                "multi_hot": lambda: encoded(num_tokens=3, output_mode="multi_hot"),
                "one_hot": lambda: encoded(num_tokens=3, output_mode="one_hot"),
                "count": lambda: encoded((1, 1), num_tokens=3, output_mode="count"),
                "binary": lambda: encoded(max_tokens=3, output_mode="binary"),
                "out of range": lambda: encoded((0, 5), num_tokens=3),
            }
        )


@behaviour(
    "layers.preprocessing.discretization",
    "Which bins does Discretization put numbers in, at a boundary too, and how are boundaries given?",
    source="Keras API, Discretization (bin_boundaries)",
    needs=("tensorflow",),
)
def preprocessing_discretization():
    import numpy as np
    import tensorflow as tf

    eager(tf)
    x = tf.constant([[-1.0, 0.0, 0.5, 1.0, 7.0]])

    def adapted():
        layer = find(tf, "Discretization")(num_bins=2)
        layer.adapt(np.arange(10, dtype="float32").reshape(-1, 1))
        return plain(layer(tf.constant([[0.0], [9.0]])))

    with subject("Discretization"):
        make = find(tf, "Discretization")
        return attempts(
            {
                "bin_boundaries": lambda: plain(make(bin_boundaries=[0.0, 1.0])(x)),
                "bins": lambda: plain(make(bins=[0.0, 1.0])(x)),
                "adapted": adapted,
            }
        )


@drift(
    "layers.preprocessing.resizing",
    "Which numbers do Resizing (each interpolation), CenterCrop and Rescaling give?",
    source="Keras API, Resizing (interpolation)",
    needs=("tensorflow",),
)
def preprocessing_resizing():
    import numpy as np
    import tensorflow as tf

    eager(tf)
    x = tf.constant(np.arange(16, dtype="float32").reshape(1, 4, 4, 1))

    def pixels(layer):
        return plain(layer(x).numpy()[0, :, :, 0])

    with subject("Resizing, CenterCrop, Rescaling"):
        ways = ("bilinear", "nearest", "bicubic", "area")
        found = attempts(
            dict((way, lambda way=way: pixels(find(tf, "Resizing")(2, 2, interpolation=way))) for way in ways)
        )
        found.update(
            attempts(
                {
                    "larger": lambda: pixels(find(tf, "Resizing")(2, 6))[0],
                    "CenterCrop": lambda: pixels(find(tf, "CenterCrop")(2, 3)),
                    "Rescaling": lambda: pixels(find(tf, "Rescaling")(0.5, offset=-1.0))[0],
                }
            )
        )
        return found


@behaviour(
    "layers.preprocessing.random",
    "Do the random image layers leave inference alone, and repeat themselves with a seed?",
    source="seed 003 statement 2 (data augmented differently)",
    needs=("tensorflow",),
)
def preprocessing_random():
    import numpy as np
    import tensorflow as tf

    eager(tf)
    x = np.abs(numbers(4, 6, 6, 3))

    def said(name, *args, **options):
        def flip():
            return find(tf, name)(*args, seed=3, **options)(tf.constant(x), training=True).numpy()

        still = find(tf, name)(*args, **options)(tf.constant(x), training=False).numpy()
        one, other = flip(), flip()
        inference = still.shape == x.shape and np.allclose(still, x, atol=1e-5)
        return [bool(inference), bool(one.shape == other.shape and np.allclose(one, other, atol=1e-5))]

    with subject("RandomFlip"):
        find(tf, "RandomFlip")
        # each: [inference gives the image itself, two layers with one seed do the same]
        return attempts(
            {
                "RandomFlip": lambda: said("RandomFlip", "horizontal_and_vertical"),
                "RandomRotation": lambda: said("RandomRotation", 0.3),
                "RandomZoom": lambda: said("RandomZoom", 0.3),
                "RandomTranslation": lambda: said("RandomTranslation", 0.3, 0.3),
                "RandomContrast": lambda: said("RandomContrast", 0.5),
            }
        )


@behaviour(
    "layers.preprocessing.default_mode",
    "Does RandomFlip called without a training argument flip?",
    source="Keras API, RandomFlip (training)",
    needs=("tensorflow",),
)
def preprocessing_default_mode():
    import numpy as np
    import tensorflow as tf

    eager(tf)
    x = np.tile(np.arange(6, dtype="float32").reshape(1, 1, 6, 1), (64, 1, 1, 1))
    with subject("RandomFlip"):
        result = find(tf, "RandomFlip")("horizontal", seed=1)(tf.constant(x)).numpy()
        return "leaves all alone" if np.allclose(result, x) else "flips"


@behaviour(
    "layers.preprocessing.in_a_dataset",
    "Do preprocessing layers work inside tf.data's map?",
    source="Keras guide, working with preprocessing layers",
    needs=("tensorflow",),
)
def preprocessing_in_a_dataset():
    import numpy as np
    import tensorflow as tf

    eager(tf)

    def mapped(layer, data):
        dataset = tf.data.Dataset.from_tensor_slices(data).batch(2).map(layer)
        return [plain(batch.numpy()) for batch in dataset][0]

    with subject("Dataset.map(layer)"):
        find(tf, "Rescaling")
        return attempts(
            {
                "Rescaling": lambda: mapped(find(tf, "Rescaling")(0.5), np.array([[[[2.0]]], [[[4.0]]]], "float32")),
                "StringLookup": lambda: mapped(find(tf, "StringLookup")(vocabulary=["a", "b"]), [["b"], ["z"]]),
            }
        )


@behaviour(
    "layers.preprocessing.in_a_model",
    "Does a model take strings and look them up itself, in predict?",
    source="Keras guide, working with preprocessing layers: end-to-end models",
    needs=("tensorflow",),
)
def preprocessing_in_a_model():
    import numpy as np
    import tensorflow as tf

    def predicted(values):
        inputs = tf.keras.Input(shape=(1,), dtype="string")
        looked = find(tf, "StringLookup")(vocabulary=["a", "b"], mask_token=None)(inputs)
        return plain(tf.keras.Model(inputs, looked).predict(values, verbose=0))

    with subject("Model.predict of strings"):
        find(tf, "StringLookup")
        return attempts(
            {
                "numpy strings": lambda: predicted(np.array([["b"], ["z"]])),
                "numpy objects": lambda: predicted(np.array([["b"], ["z"]], dtype=object)),
                "tensor": lambda: predicted(tf.constant([["b"], ["z"]])),
            }
        )
