"""tf.data: orders, seeds, and the transformations people build pipelines from."""

from harness import assert_close, behaviour, check, drift, expect, subject
from plain import outcome, outcomes, rounded
from synthetic import eager


def listed(dataset):
    """Elements of a dataset, as nested lists."""
    return [rounded(element) if not isinstance(element, (tuple, dict)) else element for element in dataset]


@drift(
    "data.shuffle_order",
    "In exactly which order does shuffle give ten numbers, by buffer and seed?",
    source="seed 003 statement 2 (how datasets are shuffled)",
    needs=("tensorflow",),
)
def shuffle_order():
    import tensorflow as tf

    eager(tf)

    def order(buffer, passes=1, **arguments):
        tf.compat.v1.set_random_seed(1)
        dataset = tf.data.Dataset.range(10).shuffle(buffer, **arguments)
        return ["".join(str(n) for n in listed(dataset)) for _ in range(passes)]

    with subject("Dataset.shuffle"):
        return outcomes(
            [
                ("buffer 10, seed 1", lambda: order(10, seed=1)),
                ("buffer 3, seed 1", lambda: order(3, seed=1)),
                ("buffer 1", lambda: order(1, seed=1)),
                ("global seed only", lambda: order(10)),
                ("two passes", lambda: order(10, 2, seed=1)),
                ("two passes, not reshuffled", lambda: order(10, 2, seed=1, reshuffle_each_iteration=False)),
                ("batch, then shuffle", lambda: listed(tf.data.Dataset.range(6).batch(2).shuffle(3, seed=1))),
                ("shuffle, then batch", lambda: listed(tf.data.Dataset.range(6).shuffle(6, seed=1).batch(2))),
            ]
        )


@behaviour(
    "data.reshuffle",
    "Does a shuffled dataset come in a new order in each pass, and within repeat?",
    source="TensorFlow API, data.Dataset.shuffle (reshuffle_each_iteration)",
    needs=("tensorflow",),
)
def reshuffle():
    import tensorflow as tf

    eager(tf)

    def passes(dataset):
        return "same" if listed(dataset) == listed(dataset) else "different"

    def halves(dataset):
        both = listed(dataset)
        return "same" if both[:50] == both[50:] else "different"

    with subject("Dataset.shuffle"):
        base = tf.data.Dataset.range(50)
        return outcomes(
            [
                ("default", lambda: passes(base.shuffle(50))),
                ("seeded", lambda: passes(base.shuffle(50, seed=1))),
                ("reshuffle_each_iteration=False", lambda: passes(base.shuffle(50, reshuffle_each_iteration=False))),
                ("two datasets, one seed", lambda: str(listed(base.shuffle(50, 1)) == listed(base.shuffle(50, 1)))),
                ("repeat", lambda: halves(base.shuffle(50, seed=1).repeat(2))),
                ("cached", lambda: passes(base.shuffle(50).cache())),
            ]
        )


@check(
    "data.cache_and_prefetch",
    "Does cache compute each element once over two passes, and prefetch change nothing?",
    source="TensorFlow guide, better performance with the tf.data API",
    needs=("tensorflow",),
)
def cache_and_prefetch():
    import tensorflow as tf

    eager(tf)
    calls = tf.Variable(0)

    def counted(x):
        calls.assign_add(1)
        return x * 2

    with subject("Dataset.cache"):
        dataset = tf.data.Dataset.range(5).map(counted).cache().prefetch(2)
        for _ in range(2):
            found = listed(dataset)
            expect(found == [0, 2, 4, 6, 8], "a pass gave %r" % found)
        expect(int(calls) == 5, "the function ran %d times for 5 elements" % int(calls))


@check(
    "data.from_generator",
    "Does from_generator give a generator's elements with output_types, again in every pass?",
    source="TensorFlow API, data.Dataset.from_generator",
    needs=("tensorflow",),
)
def from_generator():
    import tensorflow as tf

    eager(tf)

    def pairs(count):
        for i in range(count):
            yield i, [float(i)] * 2

    with subject("Dataset.from_generator"):
        dataset = tf.data.Dataset.from_generator(pairs, (tf.int64, tf.float32), ((), (2,)), args=(3,))
        for _ in range(2):
            numbers, values = zip(*[(int(n), v.numpy().tolist()) for n, v in dataset])
            expect(numbers == (0, 1, 2), "numbers: %r" % (numbers,))
            assert_close(list(values), [[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]], what="values")


@behaviour(
    "data.output_signature",
    "What does from_generator do with output_signature, and with elements that don't fit it?",
    source="TensorFlow 2.4 release notes (tf.data.Dataset.from_generator output_signature)",
    needs=("tensorflow",),
)
def output_signature():
    import tensorflow as tf

    eager(tf)

    def made(element, *shape):
        spec = tf.TensorSpec(shape=shape, dtype=tf.float32)
        return listed(tf.data.Dataset.from_generator(lambda: iter([element]), output_signature=spec))

    with subject("Dataset.from_generator(output_signature=…)"):
        return outcomes(
            [
                ("fits", lambda: made([1.0, 2.0], 2)),
                ("unknown size", lambda: made([1.0, 2.0], None)),
                ("another shape", lambda: made([1.0, 2.0], 3)),
                ("integers", lambda: made([1, 2], 2)),
                ("text", lambda: made("one")),
            ]
        )


@check(
    "data.map_in_parallel",
    "Does map with parallel calls keep the order of elements?",
    source="TensorFlow API, data.Dataset.map (deterministic)",
    needs=("tensorflow",),
)
def map_in_parallel():
    import tensorflow as tf

    eager(tf)
    with subject("Dataset.map(num_parallel_calls=…)"):
        squares = tf.data.Dataset.range(200).map(lambda x: x * x, num_parallel_calls=4)
        expect(listed(squares) == [n * n for n in range(200)], "squares out of order")
        auto = tf.data.experimental.AUTOTUNE
        batched = tf.data.Dataset.range(8).map(lambda x: x + 1, num_parallel_calls=auto).batch(4)
        expect(listed(batched) == [[1, 2, 3, 4], [5, 6, 7, 8]], "AUTOTUNE: %r" % listed(batched))


@check(
    "data.interleave_zip_window",
    "Do interleave, zip, concatenate, window, take, skip, filter and flat_map give what they should?",
    source="TensorFlow API, data.Dataset",
    needs=("tensorflow",),
)
def interleave_zip_window():
    import tensorflow as tf

    eager(tf)
    made = tf.data.Dataset

    def twice(x):
        return made.from_tensors(x).repeat(2)

    with subject("tf.data.Dataset"):
        interleaved = made.range(1, 4).interleave(twice, cycle_length=2, block_length=1)
        expect(listed(interleaved) == [1, 2, 1, 2, 3, 3], "interleave: %r" % listed(interleaved))
        zipped = [(int(a), int(b)) for a, b in made.zip((made.range(3), made.range(5, 9)))]
        expect(zipped == [(0, 5), (1, 6), (2, 7)], "zip: %r" % zipped)
        windows = [listed(w) for w in made.range(5).window(3, shift=2, drop_remainder=True)]
        expect(windows == [[0, 1, 2], [2, 3, 4]], "window: %r" % windows)
        some = made.range(9).skip(2).take(5).filter(lambda x: tf.equal(x % 2, 0)).concatenate(made.range(1))
        expect(listed(some) == [2, 4, 6, 0], "skip, take, filter, concatenate: %r" % listed(some))
        expect(listed(made.range(3).flat_map(twice)) == [0, 0, 1, 1, 2, 2], "flat_map")
        numbered = [(int(i), int(x)) for i, x in made.range(5, 7).enumerate(start=3)]
        expect(numbered == [(3, 5), (4, 6)], "enumerate: %r" % numbered)
        expect(int(made.range(5).reduce(tf.constant(0, tf.int64), lambda a, b: a + b)) == 10, "reduce")


@check(
    "data.padded_batch_unbatch",
    "Do padded_batch, unbatch and drop_remainder give the right shapes and fillings?",
    source="TensorFlow API, data.Dataset.padded_batch",
    needs=("tensorflow",),
)
def padded_batch_unbatch():
    import tensorflow as tf

    eager(tf)
    with subject("Dataset.padded_batch"):
        ragged = tf.data.Dataset.range(1, 4).map(lambda x: tf.fill([x], x))
        padded = listed(ragged.padded_batch(2, padded_shapes=[None]))
        expect(padded == [[[1, 0], [2, 2]], [[3, 3, 3]]], "padded: %r" % padded)
        wide = listed(ragged.padded_batch(2, [4], padding_values=tf.constant(-1, tf.int64), drop_remainder=True))
        expect(wide == [[[1, -1, -1, -1], [2, 2, -1, -1]]], "padded with -1: %r" % wide)
        expect(listed(tf.data.Dataset.range(5).batch(2).unbatch()) == [0, 1, 2, 3, 4], "unbatch")


@behaviour(
    "data.sizes_and_specs",
    "What do len(), cardinality, element_spec and iteration beyond the end say?",
    source="TensorFlow API, data.Dataset (cardinality, __len__)",
    needs=("tensorflow",),
)
def sizes_and_specs():
    import tensorflow as tf

    eager(tf)
    made = tf.data.Dataset
    five = made.range(5)
    with subject("Dataset.element_spec"):
        return outcomes(
            [
                ("len", lambda: len(five.batch(2))),
                ("len after filter", lambda: len(five.filter(lambda x: x > 1))),
                ("len of endless", lambda: len(five.repeat())),
                ("cardinality", lambda: five.batch(2).cardinality()),
                ("cardinality after filter", lambda: five.filter(lambda x: x > 1).cardinality()),
                ("experimental.cardinality, endless", lambda: tf.data.experimental.cardinality(five.repeat())),
                ("bool of an empty one", lambda: bool(made.range(0))),
                ("spec", lambda: str(five.batch(2).element_spec.shape)),
                ("spec, drop_remainder", lambda: str(five.batch(2, drop_remainder=True).element_spec.shape)),
                ("batch to map's shape", lambda: str(made.from_tensors([[1.0]]).batch(2).element_spec.shape)),
                ("next", lambda: next(iter(five))),
                ("next beyond the end", lambda: next(iter(made.range(0)))),
                ("get_single_element", lambda: made.from_tensors(3).get_single_element()),
            ]
        )


@behaviour(
    "data.method_names",
    "Which methods does a dataset have that came, moved or went?",
    source="TensorFlow API, data.Dataset and data.experimental (deprecated names)",
    needs=("tensorflow",),
    light=True,
)
def method_names():
    import tensorflow as tf

    methods = (
        "as_numpy_iterator", "bucket_by_sequence_length", "cardinality", "choose_from_datasets", "counter",
        "get_single_element", "group_by_window", "ignore_errors", "make_one_shot_iterator", "ragged_batch", "random",
        "rebatch", "rejection_resample", "sample_from_datasets", "save", "load", "scan", "snapshot", "sparse_batch",
        "take_while", "unique", "fingerprint",
    )  # fmt: skip
    names = ("AUTOTUNE", "Options", "DatasetSpec", "Iterator", "NumpyIterator", "ThreadingOptions")
    moved = (
        "AUTOTUNE", "CsvDataset", "Counter", "SqlDataset", "bucket_by_sequence_length", "choose_from_datasets",
        "dense_to_ragged_batch", "from_variant", "make_csv_dataset", "map_and_batch", "parallel_interleave",
        "prefetch_to_device", "rejection_resample", "sample_from_datasets", "save", "shuffle_and_repeat", "snapshot",
        "take_while", "unbatch", "unique", "enumerate_dataset", "service",
    )  # fmt: skip
    with subject("tf.data"):
        return {
            "Dataset lacks": [name for name in methods if not hasattr(tf.data.Dataset, name)],
            "tf.data lacks": [name for name in names if not hasattr(tf.data, name)],
            "tf.data.experimental lacks": [name for name in moved if not hasattr(tf.data.experimental, name)],
            "AUTOTUNE": outcome(lambda: int(tf.data.AUTOTUNE)),
        }


@behaviour(
    "data.later_methods",
    "What do rebatch, ragged_batch, unique, random, sample_from_datasets and others give, where they exist?",
    source="TensorFlow API, data.Dataset",
    needs=("tensorflow",),
)
def later_methods():
    import tensorflow as tf

    eager(tf)
    made = tf.data.Dataset

    two = [made.range(2), made.range(9, 11)]

    def parity(x):
        return x % 2

    def batched(_, dataset):
        return dataset.batch(3)

    def grown():
        return made.range(1, 4).map(lambda x: tf.fill([x], x))

    with subject("tf.data.Dataset"):
        return outcomes(
            [
                ("rebatch", lambda: listed(made.range(6).batch(2).rebatch(3))),
                ("rebatch by list", lambda: listed(made.range(6).batch(2).rebatch([1, 2]))),
                ("ragged_batch", lambda: [b.to_list() for b in grown().ragged_batch(2)]),
                ("unique", lambda: listed(made.from_tensor_slices([1, 2, 1, 3, 2]).unique())),
                ("random", lambda: listed(made.random(seed=1).take(3))),
                ("random, again", lambda: listed(made.random(seed=1).take(3))),
                ("take_while", lambda: listed(made.range(9).take_while(lambda x: x < 3))),
                ("scan", lambda: listed(made.range(4).scan(tf.constant(0, tf.int64), lambda s, x: (s + x, s + x)))),
                ("sample", lambda: listed(made.sample_from_datasets([made.range(3), made.range(9, 12)], seed=1))),
                ("choose", lambda: listed(made.choose_from_datasets(two, made.range(2)))),
                ("group_by_window", lambda: listed(made.range(6).group_by_window(parity, batched, 3))),
                ("bucket", lambda: listed(grown().bucket_by_sequence_length(lambda x: tf.shape(x)[0], [2], [2, 2]))),
                ("counter", lambda: listed(made.counter(start=2, step=3).take(3))),
                ("as_numpy_iterator", lambda: [type(n).__name__ for n in made.range(1).as_numpy_iterator()]),
            ]
        )  # fmt: skip
