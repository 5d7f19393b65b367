"""The parameters of public constructors, in order, with their defaults, as values.

Code that passes arguments by position, or relies on a default, breaks or changes in silence where these differ.
"""

from harness import behaviour, subject
from spelled import parameters, signatures


@behaviour(
    "signatures.layers.dense",
    "Which parameters does Dense take, in which order, with which defaults?",
    source="seed 002 (argument names, order, or default values might differ)",
    needs=("tensorflow",),
    light=True,
)
def dense():
    import tensorflow as tf

    with subject("Dense"):
        return parameters(tf.keras.layers.Dense)


@behaviour(
    "signatures.layers.conv2d",
    "Which parameters do Conv2D and its relatives take, in which order, with which defaults?",
    source="seed 002 example 2 (incompatible layer arguments)",
    needs=("tensorflow",),
    light=True,
)
def conv2d():
    import tensorflow as tf

    with subject("Conv2D"):
        return signatures(tf.keras.layers, ("Conv2D", "DepthwiseConv2D", "SeparableConv2D", "Conv2DTranspose"))


@behaviour(
    "signatures.layers.recurrent",
    "Which parameters do LSTM, GRU and SimpleRNN take, in which order, with which defaults?",
    source="seed 002 (argument names, order, or default values might differ)",
    needs=("tensorflow",),
    light=True,
)
def recurrent():
    import tensorflow as tf

    with subject("LSTM, GRU"):
        return signatures(tf.keras.layers, ("LSTM", "GRU", "SimpleRNN", "Bidirectional"))


@behaviour(
    "signatures.layers.normalization",
    "Which parameters do BatchNormalization and LayerNormalization take, in which order, with which defaults?",
    source="seed 003 statement 1 (default parameters of layers)",
    needs=("tensorflow",),
    light=True,
)
def normalization():
    import tensorflow as tf

    with subject("BatchNormalization"):
        return signatures(tf.keras.layers, ("BatchNormalization", "LayerNormalization"))


@behaviour(
    "signatures.layers.embedding",
    "Which parameters does Embedding take, in which order, with which defaults?",
    source="Keras API, Embedding layer",
    needs=("tensorflow",),
    light=True,
)
def embedding():
    import tensorflow as tf

    with subject("Embedding"):
        return parameters(tf.keras.layers.Embedding)


@behaviour(
    "signatures.layers.pooling",
    "Which parameters do the pooling layers take, in which order, with which defaults?",
    source="seed 004 example 1 (Assume this is a newer version of MaxPooling2D)",
    needs=("tensorflow",),
    light=True,
)
def pooling():
    import tensorflow as tf

    with subject("MaxPooling2D"):
        return signatures(
            tf.keras.layers, ("MaxPooling2D", "AveragePooling2D", "GlobalAveragePooling2D", "GlobalMaxPooling1D")
        )


@behaviour(
    "signatures.layers.small",
    "Which parameters do Dropout, Flatten, Activation, LeakyReLU and the like take, with which defaults?",
    source="seed 001 example 1 (Flatten, Dense, Dropout)",
    needs=("tensorflow",),
    light=True,
)
def small():
    import tensorflow as tf

    with subject("Dropout"):
        names = (
            "Dropout", "SpatialDropout2D", "Flatten", "Activation", "LeakyReLU", "Softmax", "Concatenate",
            "UpSampling2D", "Lambda", "TimeDistributed", "Masking",
        )  # fmt: skip
        return signatures(tf.keras.layers, names)


@behaviour(
    "signatures.layers.attention",
    "Which parameters do MultiHeadAttention and Attention take, with which defaults?",
    source="Keras API, MultiHeadAttention layer",
    needs=("tensorflow",),
    light=True,
)
def attention():
    import tensorflow as tf

    with subject("MultiHeadAttention"):
        return signatures(tf.keras.layers, ("MultiHeadAttention", "MultiHeadAttention.call", "Attention"))


@behaviour(
    "signatures.layers.base",
    "Which parameters do Layer, Layer.__call__ and Layer.add_weight take, with which defaults?",
    source="seed 002 example 3 (custom layers), seed 004 example 3 (add_weight)",
    needs=("tensorflow",),
    light=True,
)
def base():
    import tensorflow as tf

    with subject("Layer"):
        return signatures(
            tf.keras.layers.Layer, ("__init__", "__call__", "call", "build", "add_weight", "add_loss", "add_metric")
        )


@behaviour(
    "signatures.layers.input",
    "Which parameters do Input, InputLayer and Sequential take, with which defaults?",
    source="seed 001 example 2 (tf.keras.Input)",
    needs=("tensorflow",),
    light=True,
)
def input_layer():
    import tensorflow as tf

    with subject("Input"):
        return signatures(tf.keras, ("Input", "layers.InputLayer", "Sequential", "layers.InputSpec"))


@behaviour(
    "signatures.optimizers.adam",
    "Which parameters does Adam take, in which order, with which defaults?",
    source="TensorFlow 2.11 release notes (new Keras optimizers)",
    needs=("tensorflow",),
    light=True,
)
def adam():
    import tensorflow as tf

    with subject("Adam"):
        return parameters(tf.keras.optimizers.Adam)


@behaviour(
    "signatures.optimizers.others",
    "Which parameters do SGD, RMSprop, Adagrad and Adadelta take, with which defaults?",
    source="TensorFlow 2.11 release notes (new Keras optimizers)",
    needs=("tensorflow",),
    light=True,
)
def other_optimizers():
    import tensorflow as tf

    with subject("SGD"):
        return signatures(tf.keras.optimizers, ("SGD", "RMSprop", "Adagrad", "Adadelta", "Nadam"))


@behaviour(
    "signatures.losses",
    "Which parameters do the common loss classes take, with which defaults?",
    source="seed 003 statement 4 (loss and metric variations)",
    needs=("tensorflow",),
    light=True,
)
def losses():
    import tensorflow as tf

    with subject("losses"):
        names = (
            "Loss", "MeanSquaredError", "BinaryCrossentropy", "CategoricalCrossentropy",
            "SparseCategoricalCrossentropy", "Huber", "KLDivergence",
        )  # fmt: skip
        return signatures(tf.keras.losses, names)


@behaviour(
    "signatures.metrics",
    "Which parameters do the common metric classes take, with which defaults?",
    source="seed 003 statement 4 (loss and metric variations)",
    needs=("tensorflow",),
    light=True,
)
def metrics():
    import tensorflow as tf

    with subject("metrics"):
        return signatures(
            tf.keras.metrics, ("Metric", "Mean", "Accuracy", "BinaryAccuracy", "AUC", "Precision", "MeanIoU")
        )


@behaviour(
    "signatures.callbacks.model_checkpoint",
    "Which parameters does ModelCheckpoint take, in which order, with which defaults?",
    source="Keras API, ModelCheckpoint callback",
    needs=("tensorflow",),
    light=True,
)
def model_checkpoint():
    import tensorflow as tf

    with subject("ModelCheckpoint"):
        return parameters(tf.keras.callbacks.ModelCheckpoint)


@behaviour(
    "signatures.callbacks.others",
    "Which parameters do EarlyStopping, ReduceLROnPlateau, TensorBoard and CSVLogger take, with which defaults?",
    source="Keras API, callbacks",
    needs=("tensorflow",),
    light=True,
)
def other_callbacks():
    import tensorflow as tf

    with subject("callbacks"):
        names = (
            "EarlyStopping",
            "ReduceLROnPlateau",
            "TensorBoard",
            "CSVLogger",
            "LearningRateScheduler",
            "BackupAndRestore",
        )
        return signatures(tf.keras.callbacks, names)


@behaviour(
    "signatures.preprocessing",
    "Which parameters do ImageDataGenerator, its flow, Tokenizer and pad_sequences take, with which defaults?",
    source="TensorFlow 2.16 release notes (Keras 3 by default)",
    needs=("tensorflow",),
    light=True,
)
def preprocessing():
    import tensorflow as tf

    with subject("tf.keras.preprocessing"):
        names = (
            "image.ImageDataGenerator", "image.ImageDataGenerator.flow", "image.load_img", "image.img_to_array",
            "text.Tokenizer", "sequence.pad_sequences", "sequence.TimeseriesGenerator",
        )  # fmt: skip
        return signatures(tf.keras.preprocessing, names)


@behaviour(
    "signatures.datasets_from_files",
    "Which parameters do image_dataset_from_directory and timeseries_dataset_from_array take, with which defaults?",
    source="TensorFlow 2.3 release notes (image_dataset_from_directory)",
    needs=("tensorflow",),
    light=True,
)
def datasets_from_files():
    import tensorflow as tf

    with subject("image_dataset_from_directory"):
        names = ("image_dataset_from_directory", "text_dataset_from_directory", "timeseries_dataset_from_array")
        return {
            "tf.keras.preprocessing": signatures(tf.keras.preprocessing, names),
            "tf.keras.utils": signatures(tf.keras.utils, names),
        }


@behaviour(
    "signatures.initializers",
    "Which parameters do the initializer classes take, with which defaults?",
    source="seed 003 example 1 (default initializers)",
    needs=("tensorflow",),
    light=True,
)
def initializers():
    import tensorflow as tf

    with subject("initializers"):
        return signatures(
            tf.keras.initializers,
            ("RandomNormal", "RandomUniform", "TruncatedNormal", "GlorotUniform", "Orthogonal", "VarianceScaling"),
        )
