"""TensorFlow with h5py, protobuf and TensorBoard: what is written and read."""

import glob
import os
import struct
import tempfile

from harness import assert_close, behaviour, check, expect, subject
from plain import outcomes
from synthetic import eager


def dense(tf):
    """A built model of one Dense layer, its weights known, and its HDF5 file's path to be."""
    import numpy as np

    model = tf.keras.Sequential([tf.keras.layers.Dense(2, input_shape=(2,), name="only")])
    model.set_weights([np.array([[1.0, 2.0], [3.0, 4.0]], "float32"), np.array([5.0, 6.0], "float32")])
    return model, os.path.join(tempfile.mkdtemp(), "m.weights.h5")


def weights_file(tf, version):
    """(model, path): a model and an HDF5 file of its weights, the kernel doubled, as Keras 2 writes them."""
    import h5py

    model, path = dense(tf)
    path = path[: -len(".weights.h5")] + ".h5"
    kernel, bias = model.get_weights()
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [b"only"]
        file.attrs["backend"] = b"tensorflow" if isinstance(version, bytes) else "tensorflow"
        file.attrs["keras_version"] = version
        group = file.create_group("only")
        group.attrs["weight_names"] = [b"only/kernel:0", b"only/bias:0"]
        group["only/kernel:0"] = kernel * 2
        group["only/bias:0"] = bias
    return model, path


@check(
    "integration.h5py.weights_attributes",
    "Can weights be loaded from an HDF5 file with the attributes that Keras 2 writes, as bytes?",
    source="tensorflow/tensorflow issue 44467 ('str' object has no attribute 'decode', h5py 3.0)",
    needs=("tensorflow",),
)
def weights_attributes():
    import tensorflow as tf

    model, path = weights_file(tf, b"2.4.0")
    with subject("Model.load_weights(.h5)"):
        model.load_weights(path)
        assert_close(model.get_weights()[0], [[2.0, 4.0], [6.0, 8.0]], what="kernel from the file")


@behaviour(
    "integration.h5py.weights_attributes_as_text",
    "Can weights be loaded from an HDF5 file whose attributes are texts, as Keras 3 writes them?",
    source="tensorflow/tensorflow issue 44467 ('str' object has no attribute 'decode', h5py 3.0)",
    needs=("tensorflow",),
)
def weights_attributes_as_text():
    import tensorflow as tf

    model, path = weights_file(tf, "3.4.1")
    with subject("Model.load_weights(.h5)"):
        model.load_weights(path)
        return [float(number) for number in model.get_weights()[0][0]]


@behaviour(
    "integration.h5py.attribute_types",
    "As which Python types does h5py give the attributes that Keras writes and reads?",
    source="h5py 3.0 what's new (strings are read as str or bytes)",
    needs=("tensorflow",),
)
def attribute_types():
    import h5py
    import tensorflow as tf  # noqa: F401 - h5py as TensorFlow's process has it

    path = os.path.join(tempfile.mkdtemp(), "a.h5")
    with subject("h5py.File"):
        with h5py.File(path, "w") as file:
            file.attrs["text"], file.attrs["bytes"] = "a", b"a"
            file.attrs["names"] = [b"a", b"b"]
            file["data"] = "text"
        with h5py.File(path, "r") as file:
            return outcomes(
                [
                    ("text", lambda: type(file.attrs["text"]).__name__),
                    ("bytes", lambda: type(file.attrs["bytes"]).__name__),
                    ("names", lambda: type(file.attrs["names"][0]).__name__),
                    ("data", lambda: type(file["data"][()]).__name__),
                    ("default mode", lambda: h5py.File(path).mode),
                ]
            )


@check(
    "integration.protobuf.graph_round_trip",
    "Does a GraphDef survive serialising, text format and import, and still compute?",
    source="protobuf 4.21 release (Descriptors cannot be created directly)",
    needs=("tensorflow",),
)
def graph_round_trip():
    import tensorflow as tf
    from google.protobuf import text_format

    graph = tf.Graph()
    with graph.as_default():
        x = tf.compat.v1.placeholder(tf.float32, [2], name="x")
        tf.multiply(x, [2.0, 3.0], name="y")
    with subject("GraphDef.SerializeToString"):
        once = tf.compat.v1.GraphDef.FromString(graph.as_graph_def().SerializeToString())
        again = text_format.Parse(text_format.MessageToString(once), tf.compat.v1.GraphDef())
        expect(again == once, "text format changed the graph")
        with tf.Graph().as_default() as other:
            (result,) = tf.graph_util.import_graph_def(again, return_elements=["y:0"], name="")
            with tf.compat.v1.Session(graph=other) as session:
                assert_close(session.run(result, {"x:0": [1.0, 2.0]}), [2.0, 6.0], what="the imported graph")


@behaviour(
    "integration.protobuf.implementation",
    "Which implementation does protobuf use, and do TensorFlow's messages import?",
    source="protobuf 4.21 release notes (upb); PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION",
    needs=("tensorflow",),
    light=True,
)
def implementation():
    import tensorflow as tf

    def kind():
        from google.protobuf.internal import api_implementation

        return api_implementation.Type()

    def tensor():
        return tf.compat.v1.make_tensor_proto([1.5]).float_val[0]

    with subject("google.protobuf"):
        return outcomes(
            [
                ("implementation", kind),
                ("make_tensor_proto", tensor),
                ("unknown field", lambda: tf.train.Example(no_such_field=1)),
                ("wrong type", lambda: tf.train.Int64List(value=["a"])),
                ("numpy integers", lambda: list(tf.train.Int64List(value=__import__("numpy").arange(2)).value)),
            ]
        )


def records(path):
    """The payloads of a TFRecord file, each frame's two checksums compared with what is computed here."""
    table = []
    for n in range(256):
        for _ in range(8):
            n = (n >> 1) ^ 0x82F63B78 if n & 1 else n >> 1
        table.append(n)

    def masked(data):
        crc = 0xFFFFFFFF
        for byte in bytearray(data):
            crc = (crc >> 8) ^ table[(crc ^ byte) & 0xFF]
        crc ^= 0xFFFFFFFF
        return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF

    found = []
    with open(path, "rb") as file:
        while True:
            header = file.read(12)
            if not header:
                return found
            size, check_of_size = struct.unpack("<QI", header)
            expect(masked(header[:8]) == check_of_size, "a frame's length has a wrong checksum")
            data = file.read(size)
            expect(masked(data) == struct.unpack("<I", file.read(4))[0], "a frame's data has a wrong checksum")
            found.append(data)


@check(
    "integration.tensorboard.event_file",
    "Does tf.summary write event files with right checksums, tags, steps and values?",
    source="TensorFlow guide, TensorBoard scalars",
    needs=("tensorflow",),
)
def event_file():
    import tensorflow as tf

    eager(tf)
    folder = tempfile.mkdtemp()
    with subject("tf.summary.scalar"):
        writer = tf.summary.create_file_writer(folder)
        with writer.as_default():
            for step in range(3):
                tf.summary.scalar("loss", 0.5 * step, step=step)
        writer.close()
        (path,) = glob.glob(os.path.join(folder, "events.out.tfevents.*"))
        events = [tf.compat.v1.Event.FromString(record) for record in records(path)]
        expect(events[0].file_version == "brain.Event:2", "the first event is no version")
        scalars = [(e.step, v.tag, tf.make_ndarray(v.tensor).item()) for e in events for v in e.summary.value]
        expect(scalars == [(0, "loss", 0.0), (1, "loss", 0.5), (2, "loss", 1.0)], "scalars: %r" % scalars)


@behaviour(
    "integration.tensorboard.callback",
    "Which folders, tags and steps does the TensorBoard callback write in two epochs?",
    source="Keras API, callbacks.TensorBoard",
    needs=("tensorflow",),
)
def callback():
    import numpy as np
    import tensorflow as tf

    eager(tf)
    model, path = dense(tf)
    model.compile(optimizer="sgd", loss="mse", run_eagerly=True)
    folder, ones = os.path.dirname(path), np.ones((2, 2), "float32")

    def tags(name):
        found = set()
        for part in glob.glob(os.path.join(folder, name, "*tfevents*")):
            for record in records(part):
                event = tf.compat.v1.Event.FromString(record)
                found.update("%s %d" % (v.tag, event.step) for v in event.summary.value)
        return sorted(found)

    with subject("TensorBoard"):
        board = tf.keras.callbacks.TensorBoard(folder, profile_batch=0, write_graph=False)
        model.fit(ones, ones, epochs=2, verbose=0, validation_data=(ones, ones), callbacks=[board])
        return dict((name, tags(name)) for name in sorted(os.listdir(folder)))
