"""Where data comes from and goes: files, preprocessing helpers, generators, fit."""

import os
import struct
import tempfile
import zlib

from data_pipelines import listed
from harness import assert_close, behaviour, check, expect, subject
from plain import outcomes, rounded
from synthetic import eager


def write_png(path, rows):
    """An 8-bit grey PNG of `rows`, lists of numbers from 0 to 255."""

    def chunk(kind, content):
        body = kind + content
        return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body) & 0xFFFFFFFF)

    lines = b"".join(b"\0" + bytes(bytearray(row)) for row in rows)
    header = struct.pack(">IIBBBBB", len(rows[0]), len(rows), 8, 0, 0, 0, 0)
    with open(path, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header))
        file.write(chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b""))


def classes(kind):
    """A folder of classes a and b with two files each, PNGs or texts (`kind`)."""
    root = tempfile.mkdtemp()
    for number, name in enumerate("ab"):
        os.mkdir(os.path.join(root, name))
        for i in range(2):
            path = os.path.join(root, name, "%d.%s" % (i, kind))
            if kind == "png":
                write_png(path, [[100 * number + 10 * i] * 4] * 4)
            else:
                with open(path, "w") as file:
                    file.write("%s text %d" % (name, i))
    return root


@behaviour(
    "data.image_dataset_from_directory",
    "What does image_dataset_from_directory make of a folder of tiny PNGs, and where is it found?",
    source="TensorFlow 2.3 release notes (image_dataset_from_directory)",
    needs=("tensorflow",),
)
def image_dataset():
    import tensorflow as tf

    eager(tf)
    root = classes("png")

    def read(function, **arguments):
        dataset = function()(root, image_size=(2, 2), shuffle=False, color_mode="grayscale", batch_size=4, **arguments)
        ((images, labels),) = list(dataset)
        return [list(images.shape), rounded(images[:, 0, 0, 0]), rounded(labels), dataset.class_names]

    with subject("image_dataset_from_directory"):
        new = "image_dataset_from_directory"
        return outcomes(
            [
                ("keras.preprocessing", lambda: read(lambda: getattr(tf.keras.preprocessing, new))),
                ("keras.utils", lambda: read(lambda: getattr(tf.keras.utils, new))),
                ("categorical", lambda: read(lambda: getattr(tf.keras.preprocessing, new), label_mode="categorical")),
            ]
        )


@behaviour(
    "data.text_and_time_series",
    "What do text_dataset_from_directory and timeseries_dataset_from_array give?",
    source="TensorFlow 2.3 release notes (text_dataset_from_directory, timeseries_dataset_from_array)",
    needs=("tensorflow",),
)
def text_and_time_series():
    import numpy as np
    import tensorflow as tf

    eager(tf)
    root = classes("txt")

    def texts():
        ((found, labels),) = list(tf.keras.preprocessing.text_dataset_from_directory(root, shuffle=False))
        return [rounded(found.numpy()), rounded(labels)]

    def series(**arguments):
        make = tf.keras.preprocessing.timeseries_dataset_from_array
        return [rounded(list(pair)) for pair in make(np.arange(6), np.arange(6) * 10, 3, batch_size=2, **arguments)]

    def split():
        return [listed(part) for part in tf.keras.utils.split_dataset(tf.data.Dataset.range(4), 0.5)]

    with subject("text_dataset_from_directory"):
        return outcomes(
            [
                ("texts", lambda: [t.decode() if isinstance(t, bytes) else t for t in texts()[0]] + texts()[1]),
                ("series", series),
                ("series, stride 2", lambda: series(sequence_stride=2)),
                ("split_dataset", split),
            ]
        )  # fmt: skip


@check(
    "data.tfrecord",
    "Do Examples written as TFRecord come back, compressed and not?",
    source="TensorFlow guide, TFRecord and tf.train.Example",
    needs=("tensorflow",),
)
def tfrecord():
    import tensorflow as tf

    eager(tf)
    feature, train = tf.train.Feature, tf.train
    example = train.Example(
        features=train.Features(
            feature={
                "n": feature(int64_list=train.Int64List(value=[7])),
                "x": feature(float_list=train.FloatList(value=[0.5, 1.5])),
                "s": feature(bytes_list=train.BytesList(value=[b"\xffabc"])),
            }
        )
    )
    spec = {
        "n": tf.io.FixedLenFeature([], tf.int64),
        "x": tf.io.FixedLenFeature([2], tf.float32),
        "s": tf.io.FixedLenFeature([], tf.string),
    }
    with subject("TFRecordDataset"):
        for compression in ("", "GZIP"):
            path = os.path.join(tempfile.mkdtemp(), "a.tfrecord")
            with tf.io.TFRecordWriter(path, compression or None) as writer:
                for _ in range(3):
                    writer.write(example.SerializeToString())
            dataset = tf.data.TFRecordDataset([path], compression_type=compression)
            found = [tf.io.parse_single_example(record, spec) for record in dataset]
            expect(len(found) == 3, "%d of 3 records came back" % len(found))
            expect(int(found[2]["n"]) == 7 and found[2]["s"].numpy() == b"\xffabc", "record 3 is %r" % found[2])
            assert_close(found[0]["x"], [0.5, 1.5], what="floats")


@check(
    "data.text_and_csv_files",
    "Do TextLineDataset and CsvDataset read lines, headers, quotes and missing fields right?",
    source="TensorFlow guide, load CSV data",
    needs=("tensorflow",),
)
def text_and_csv_files():
    import tensorflow as tf

    eager(tf)
    path = os.path.join(tempfile.mkdtemp(), "a.csv")
    with open(path, "w") as file:
        file.write('number,name,value\n1,"a, b",0.5\n2,c,\n')
    with subject("CsvDataset"):
        lines = [line.numpy() for line in tf.data.TextLineDataset(path).skip(1)]
        expect(lines == [b'1,"a, b",0.5', b"2,c,"], "lines: %r" % lines)
        records = tf.data.experimental.CsvDataset(path, [tf.int32, tf.string, [-1.0]], header=True)
        rows = [(int(n), s.numpy(), float(v)) for n, s, v in records]
        expect(rows == [(1, b"a, b", 0.5), (2, b"c", -1.0)], "rows: %r" % rows)
        made = tf.data.experimental.make_csv_dataset(path, 2, label_name="number", num_epochs=1, shuffle=False)
        features, labels = next(iter(made))
        expect(
            labels.numpy().tolist() == [1, 2] and features["value"].numpy().tolist() == [0.5, 0.0], "batches of a CSV"
        )


@check(
    "data.dictionaries_into_fit",
    "Does fit take a dataset of dictionaries, by the names of inputs and outputs?",
    source="Keras guide, training and evaluation: passing data to multi-input models",
    needs=("tensorflow",),
)
def dictionaries_into_fit():
    import numpy as np
    import tensorflow as tf

    one, two = tf.keras.Input((1,), name="one"), tf.keras.Input((1,), name="two")
    weigh = tf.keras.layers.Dense(1, use_bias=False, name="out")
    model = tf.keras.Model([one, two], weigh(tf.keras.layers.Concatenate()([one, two])))
    model.set_weights([np.zeros((2, 1), "float32")])
    model.compile(optimizer=tf.keras.optimizers.SGD(0.5), loss="mse")
    ones = np.ones((2, 1), "float32")
    with subject("Model.fit(dataset of dictionaries)"):
        data = tf.data.Dataset.from_tensor_slices(({"two": ones * 0, "one": ones}, ones)).batch(2)
        model.fit(data, epochs=1, verbose=0)
        # the gradient of (w1·1 + w2·0 - 1)² is (-2, 0)
        assert_close(model.get_weights()[0], [[1.0], [0.0]], what="weights of inputs one and two")


@behaviour(
    "data.preprocessing_helpers",
    "What do pad_sequences, to_categorical, Tokenizer, hashing_trick and normalize give, where they exist?",
    source="Keras API, preprocessing (deprecated parts)",
    needs=("tensorflow",),
)
def preprocessing_helpers():
    import tensorflow as tf

    keras = tf.keras

    def tokens():
        tokenizer = keras.preprocessing.text.Tokenizer(num_words=4, oov_token="?")
        tokenizer.fit_on_texts(["b a a", "a c"])
        return tokenizer.texts_to_sequences(["a b c d"])

    sequences = [[1, 2, 3], [4]]
    with subject("keras.preprocessing"):
        padded = keras.preprocessing.sequence.pad_sequences
        return outcomes(
            [
                ("pad_sequences", lambda: padded(sequences)),
                ("pad_sequences, post, 2", lambda: padded(sequences, 2, padding="post", truncating="post", value=9)),
                ("utils.pad_sequences", lambda: keras.utils.pad_sequences(sequences)),
                ("to_categorical", lambda: keras.utils.to_categorical([0, 2])),
                ("to_categorical of (n, 1)", lambda: list(keras.utils.to_categorical([[0], [2]]).shape)),
                ("to_categorical beyond", lambda: keras.utils.to_categorical([3], 2)),
                ("normalize", lambda: keras.utils.normalize([[3.0, 4.0]])),
                ("Tokenizer", tokens),
                ("text_to_word_sequence", lambda: keras.preprocessing.text.text_to_word_sequence("A b, c!")),
                ("hashing_trick", lambda: keras.preprocessing.text.hashing_trick("a b", 50, hash_function="md5")),
                ("skipgrams", lambda: keras.preprocessing.sequence.skipgrams.__name__),
                ("TimeseriesGenerator", lambda: keras.preprocessing.sequence.TimeseriesGenerator.__name__),
            ],
            digits=4,
        )


@behaviour(
    "data.image_data_generator",
    "Does ImageDataGenerator still exist, and what do its rescaling and validation split give?",
    source="Keras API, ImageDataGenerator (deprecated)",
    needs=("tensorflow",),
)
def image_data_generator():
    import numpy as np
    import tensorflow as tf

    x = np.arange(4 * 2 * 2, dtype="float32").reshape(4, 2, 2, 1)

    def first(**arguments):
        generator = tf.keras.preprocessing.image.ImageDataGenerator(rescale=0.5, **arguments)
        return generator.flow(x, np.arange(4), batch_size=2, shuffle=False)[0]

    with subject("ImageDataGenerator"):
        return outcomes(
            [
                ("rescale", lambda: [first()[0][:, 1, 1, 0], first()[1]]),
                ("centred", lambda: first(samplewise_center=True)[0][0, :, :, 0]),
                ("batches", lambda: len(tf.keras.preprocessing.image.ImageDataGenerator().flow(x, batch_size=3))),
            ],
            digits=3,
        )


@behaviour(
    "data.sequence_into_fit",
    "Does fit train on a Sequence or PyDataset, with super().__init__ called and without?",
    source="Keras API, utils.Sequence and utils.PyDataset",
    needs=("tensorflow",),
)
def sequence_into_fit():
    import numpy as np
    import tensorflow as tf

    eager(tf)

    def trained(name, with_init):
        class Batches(getattr(tf.keras.utils, name)):
            def __init__(self, **arguments):
                if with_init:
                    super(Batches, self).__init__(**arguments)
                self.asked = []

            def __len__(self):
                return 3

            def __getitem__(self, index):
                self.asked.append(index)
                return np.ones((2, 1), "float32"), np.ones((2, 1), "float32")

        model = tf.keras.Sequential([tf.keras.layers.Dense(1, use_bias=False, input_shape=(1,))])
        model.set_weights([np.zeros((1, 1), "float32")])
        model.compile(optimizer=tf.keras.optimizers.SGD(0.25), loss="mse", run_eagerly=True)
        model.fit(Batches(), epochs=1, verbose=0, shuffle=False)
        return model.get_weights()[0][0][0]

    with subject("Model.fit(Sequence)"):
        return outcomes(
            [
                ("Sequence", lambda: trained("Sequence", True)),
                ("Sequence without __init__", lambda: trained("Sequence", False)),
                ("PyDataset", lambda: trained("PyDataset", True)),
            ],
            digits=4,
        )


@behaviour(
    "data.generator_into_fit",
    "Does fit train on a plain generator, with fit_generator and with steps beyond its end?",
    source="Keras API, Model.fit_generator",
    needs=("tensorflow",),
)
def generator_into_fit():
    import numpy as np
    import tensorflow as tf

    eager(tf)

    def batches(count):
        for _ in range(count):
            yield np.ones((2, 1), "float32"), np.ones((2, 1), "float32")

    def trained(method, count, **arguments):
        model = tf.keras.Sequential([tf.keras.layers.Dense(1, use_bias=False, input_shape=(1,))])
        model.set_weights([np.zeros((1, 1), "float32")])
        model.compile(optimizer=tf.keras.optimizers.SGD(0.25), loss="mse", run_eagerly=True)
        getattr(model, method)(batches(count), epochs=1, verbose=0, **arguments)
        return model.get_weights()[0][0][0]

    with subject("Model.fit(generator)"):
        return outcomes(
            [
                ("fit", lambda: trained("fit", 3)),
                ("fit, two steps of three", lambda: trained("fit", 3, steps_per_epoch=2)),
                ("fit, five steps of three", lambda: trained("fit", 3, steps_per_epoch=5)),
                ("fit_generator", lambda: trained("fit_generator", 3, steps_per_epoch=2)),
            ],
            digits=4,
        )
