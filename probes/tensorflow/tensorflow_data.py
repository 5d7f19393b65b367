"""tf.data: do pipelines give every element, in the order and the batches that were asked for?"""

from harness import assert_close, behaviour, check, expect, subject
from synthetic import eager


def _numbers(dataset):
    """Elements of a dataset of scalars, as a list."""
    return [int(element.numpy()) for element in dataset]


@check(
    "tensorflow.data.batch_map",
    "Does a pipeline of map, batch and repeat give the right values in the right batches?",
    source="seed 003 statement 2 (data preprocessing discrepancies)",
    needs=("tensorflow",),
)
def batch_map():
    import tensorflow as tf

    eager(tf)
    with subject("tf.data.Dataset"):
        dataset = tf.data.Dataset.from_tensor_slices([0, 1, 2, 3, 4]).map(lambda x: x * 10).batch(2)
        assert_close([batch.numpy().tolist() for batch in dataset], [[0, 10], [20, 30], [40]], what="batches")
        whole = tf.data.Dataset.range(5).repeat(2).batch(4, drop_remainder=True)
        assert_close([batch.numpy().tolist() for batch in whole], [[0, 1, 2, 3], [4, 0, 1, 2]], what="repeated")


@check(
    "tensorflow.data.shuffle",
    "Does shuffle with a seed give every element once, out of order, and the same order again?",
    source="seed 003 example 3",
    needs=("tensorflow",),
)
def shuffle():
    import tensorflow as tf

    eager(tf)
    with subject("Dataset.shuffle"):

        def shuffled():
            return tf.data.Dataset.range(50).shuffle(50, seed=5, reshuffle_each_iteration=False)

        first, dataset = _numbers(shuffled()), shuffled()
        expect(sorted(first) == list(range(50)), "elements were lost or doubled")
        expect(first != list(range(50)), "nothing was shuffled")
        expect(_numbers(dataset) == _numbers(dataset), "a second pass has another order")


@check(
    "tensorflow.data.order",
    "Does batch before shuffle keep batches whole, and shuffle before batch not?",
    source="seed 003 example 3 (which says it is the other way round)",
    needs=("tensorflow",),
)
def order():
    import tensorflow as tf

    eager(tf)
    with subject("Dataset.shuffle"):
        base = tf.data.Dataset.range(64)
        whole = [b.numpy().tolist() for b in base.batch(8).shuffle(8, seed=1)]
        mixed = [b.numpy().tolist() for b in base.shuffle(64, seed=1).batch(8)]
        expect(sorted(sum(mixed, [])) == list(range(64)), "elements were lost or doubled")
        expect(all(b == list(range(b[0], b[0] + 8)) for b in whole), "batch, then shuffle, tore batches apart")
        expect([b[0] for b in whole] != list(range(0, 64, 8)), "batch, then shuffle, left the batches in order")
        expect(any(b != list(range(b[0], b[0] + 8)) for b in mixed), "shuffle, then batch, mixed nothing")


@check(
    "tensorflow.data.fit",
    "Does fit on a dataset of batches train on each batch once per epoch?",
    source="seed 003 statement 2",
    needs=("tensorflow",),
)
def fit():
    import numpy as np
    import tensorflow as tf

    x = np.ones((6, 1), "float32")
    model = tf.keras.Sequential([tf.keras.layers.Dense(1, use_bias=False, input_shape=(1,))])
    model.set_weights([np.zeros((1, 1), "float32")])
    model.compile(optimizer=tf.keras.optimizers.SGD(0.25), loss="mse")
    with subject("Model.fit(dataset)"):
        model.fit(tf.data.Dataset.from_tensor_slices((x, x)).batch(2), epochs=1, verbose=0)
        # each of the three steps halves what is left to 1
        assert_close(model.get_weights()[0], [[1.0 - 0.5**3]], rtol=1e-4, what="weight")


@behaviour(
    "tensorflow.data.printed",
    "What does printing a dataset say it is?",
    source="seed 003 example 3 (prints 'Dataset type created')",
    needs=("tensorflow",),
)
def printed():
    import numpy as np
    import tensorflow as tf

    with subject("str(Dataset)"):
        return str(tf.data.Dataset.from_tensor_slices(np.zeros((4, 2), "float32")).batch(2))
