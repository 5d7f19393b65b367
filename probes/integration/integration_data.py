"""TensorFlow with SciPy, pandas and Pillow, where they are in the cell."""

import importlib.util
import os
import tempfile

from harness import behaviour, skip, subject
from plain import outcome, outcomes
from synthetic import eager


def needed(*names):
    """Skips the probe where one of these modules is not in the cell; it asks without importing them."""
    for name in names:
        if importlib.util.find_spec(name) is None:
            skip("%s is not in this cell" % name)


@behaviour(
    "integration.scipy.sparse_and_affine",
    "Do SciPy's sparse matrices go into tensors and fit, and do its image transforms run ImageDataGenerator?",
    source="Keras API, ImageDataGenerator (needs SciPy); TensorFlow API, SparseTensor",
    needs=("tensorflow",),
)
def sparse_and_affine():
    needed("scipy")
    import numpy as np
    import scipy.sparse
    import tensorflow as tf

    eager(tf)
    matrix = scipy.sparse.csr_matrix(np.eye(2, dtype="float32") * 3)

    def sparse():
        coo = matrix.tocoo()
        made = tf.SparseTensor(np.stack([coo.row, coo.col], 1).astype("int64"), coo.data, coo.shape)
        return tf.sparse.to_dense(made)

    def fitted():
        model = tf.keras.Sequential([tf.keras.layers.Dense(1, use_bias=False, input_shape=(2,))])
        model.set_weights([np.ones((2, 1), "float32")])
        return model.predict(matrix, verbose=0)

    def turned():
        image = np.arange(9, dtype="float32").reshape(3, 3, 1)
        made = tf.keras.preprocessing.image
        return np.array(made.apply_affine_transform(image, theta=90, fill_mode="nearest", order=1))[:, :, 0]

    with subject("scipy.sparse into tf"):
        return outcomes(
            [
                ("SparseTensor", sparse),
                ("predict", fitted),
                ("constant", lambda: tf.constant(matrix)),
                ("affine", turned),
            ],
            digits=3,
        )


@behaviour(
    "integration.pandas.into_tensors_and_fit",
    "Do a DataFrame and its columns go into tensors, datasets and fit, with strings and missing values?",
    source="TensorFlow guide, load a pandas DataFrame",
    needs=("tensorflow",),
)
def into_tensors_and_fit():
    needed("pandas")
    import numpy as np
    import pandas as pd
    import tensorflow as tf

    eager(tf)
    frame = pd.DataFrame({"a": [1.0, 2.0], "b": [3, 4], "c": [0.5, None]})

    def predicted(x):
        model = tf.keras.Sequential([tf.keras.layers.Dense(1, use_bias=False, input_shape=(2,))])
        model.set_weights([np.ones((2, 1), "float32")])
        model.compile(optimizer="sgd", loss="mse", run_eagerly=True)
        return [model.predict(x, verbose=0), model.evaluate(x, frame["a"], verbose=0)]

    def batch():
        features, labels = next(
            iter(tf.data.Dataset.from_tensor_slices((dict(frame[["a", "b"]]), frame["a"])).batch(2))
        )
        return [sorted(features), features["b"].dtype.name, labels.dtype.name]

    with subject("DataFrame into tf"):
        return outcomes(
            [
                ("constant of a frame", lambda: tf.constant(frame[["a", "b"]])),
                ("constant of a column", lambda: tf.constant(frame["b"])),
                ("type of a column", lambda: tf.constant(frame["b"]).dtype.name),
                ("missing value", lambda: tf.constant(frame["c"])),
                ("texts", lambda: tf.constant(pd.Series(["x", "y"])).dtype.name),
                ("categories", lambda: tf.constant(pd.Series(["x", "y"], dtype="category")).dtype.name),
                ("Int64", lambda: tf.constant(pd.Series([1, 2], dtype="Int64")).dtype.name),
                ("predict and evaluate", lambda: predicted(frame[["a", "b"]])),
                ("dataset", batch),
                ("booleans", lambda: outcome(lambda: tf.constant(frame["a"] > 1).dtype.name)),
            ]
        )


@behaviour(
    "integration.pillow.images",
    "Do load_img, save_img and array_to_img work with the Pillow at hand, in each interpolation?",
    source="Pillow 10.0 release notes (Image.ANTIALIAS and others removed)",
    needs=("tensorflow",),
)
def images():
    needed("PIL")
    import numpy as np
    import tensorflow as tf
    from PIL import Image

    path = os.path.join(tempfile.mkdtemp(), "a.png")
    Image.fromarray((np.arange(16, dtype="uint8") * 10).reshape(4, 4)).save(path)

    def loaded(**arguments):
        made = tf.keras.preprocessing.image
        return made.img_to_array(made.load_img(path, color_mode="grayscale", **arguments))[0, :, 0]

    def saved():
        tf.keras.preprocessing.image.save_img(path + ".png", np.full((2, 2, 3), 7.0), scale=False)
        return list(np.array(Image.open(path + ".png"))[0, 0])

    with subject("load_img"):
        ways = ("nearest", "bilinear", "bicubic", "lanczos", "box", "hamming")
        cases = [(w, lambda w=w: loaded(target_size=(2, 2), interpolation=w)) for w in ways]
        cases += [("as it is", loaded), ("save_img", lambda: [int(v) for v in saved()])]
        cases += [("keras.utils.load_img", lambda: tf.keras.utils.load_img(path).mode)]
        cases += [("PIL.Image.ANTIALIAS", lambda: int(Image.ANTIALIAS))]
        return outcomes(cases)
