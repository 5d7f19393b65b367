"""The code samples of seed 002 ("switching from Keras to tf.keras") and seed 004 ("Why is my Keras model not running").

As published, each in a process that has imported TensorFlow and no Keras. Where a sample leaves something open it is
completed in the smallest way, said beside it.
"""

from harness import behaviour
from progress import Caught, how_far


def _s002_example1_keras():
    yield "from keras.models import Sequential"
    from keras.models import Sequential

    yield "from keras.layers import Dense"
    from keras.layers import Dense

    yield "model"
    model = Sequential()
    model.add(Dense(128, activation="relu", input_shape=(784,)))
    model.add(Dense(10, activation="softmax"))
    yield "compile"
    model.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"])


def _s002_example1_tf_keras():
    yield "import tensorflow"
    import tensorflow as tf

    yield "model"
    model = tf.keras.models.Sequential()
    model.add(tf.keras.layers.Dense(128, activation="relu", input_shape=(784,)))
    model.add(tf.keras.layers.Dense(10, activation="softmax"))
    yield "compile"
    model.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"])


def _s002_example2_keras():
    yield "from keras.layers import Conv2D"
    from keras.layers import Conv2D

    yield "model"  # not in the sample: an empty Sequential
    from keras.models import Sequential

    model = Sequential()
    yield "Conv2D(border_mode=…)"
    model.add(Conv2D(32, (3, 3), border_mode="same"))  # Note: border_mode


def _s002_example2_tf_keras():
    yield "import tensorflow"
    import tensorflow as tf

    yield "model"  # not in the sample: an empty Sequential
    model = tf.keras.models.Sequential()
    yield "Conv2D(padding=…)"
    model.add(tf.keras.layers.Conv2D(32, (3, 3), padding="same"))  # Note: padding


def _train(models, layers, custom):
    """Not in the sample: puts the custom layer between two Dense layers and fits once."""
    import numpy as np

    yield "model with the layer"
    model = models.Sequential([layers.Dense(4, input_shape=(4,)), custom, layers.Dense(1)])
    yield "compile"
    model.compile(optimizer="adam", loss="mse")
    yield "fit"
    model.fit(np.ones((8, 4), "float32"), np.ones((8, 1), "float32"), epochs=1)


def _s002_example3_keras():
    yield "from keras.layers import Layer"
    from keras.layers import Layer

    yield "class"

    class MyCustomLayer(Layer):
        def __init__(self, units):
            super(MyCustomLayer, self).__init__()
            self.units = units

        def call(self, inputs):
            return inputs  # "... custom layer logic ..."

    yield "MyCustomLayer"
    layer = MyCustomLayer(4)
    from keras import layers, models

    for step in _train(models, layers, layer):
        yield step


def _s002_example3_tf_keras():
    yield "import tensorflow"
    import tensorflow as tf

    yield "class"

    class MyCustomLayer(tf.keras.layers.Layer):
        def __init__(self, units):
            super(MyCustomLayer, self).__init__()
            self.units = units

        def call(self, inputs, training=None):
            return inputs  # "... updated custom layer logic ..."

    yield "MyCustomLayer"
    layer = MyCustomLayer(4)
    for step in _train(tf.keras.models, tf.keras.layers, layer):
        yield step


def _s004_example1():
    yield "import tensorflow"
    import tensorflow as tf  # noqa: F401 - the sample imports it

    yield "from tensorflow import keras"
    from tensorflow import keras

    yield "from keras import layers"
    from keras import layers

    def create_model_incompatible_pool():
        return keras.Sequential(
            [
                layers.Conv2D(32, (3, 3), activation="relu", input_shape=(28, 28, 1)),
                layers.MaxPooling2D(pool_size=(2, 2), strides=2, padding="same"),
                layers.Flatten(),
                layers.Dense(10, activation="softmax"),
            ]
        )

    try:
        yield "model"
        model = create_model_incompatible_pool()
        yield "compile"
        model.compile(optimizer="adam", loss="categorical_crossentropy")
        print("Model compiled successfully")
    except Exception as e:
        yield Caught(e)
        print(f"Error during model definition or compilation: {e}")


def _s004_example2():
    yield "import tensorflow"
    import tensorflow as tf

    yield "from tensorflow import keras"
    from tensorflow import keras

    yield "from keras import layers"
    from keras import layers

    yield "import numpy"
    import numpy as np

    def create_model_float32():
        return keras.Sequential(
            [layers.Dense(64, activation="relu", input_shape=(10,)), layers.Dense(10, activation="softmax")]
        )

    yield "model"
    model_float32 = create_model_float32()
    yield "compile"
    model_float32.compile(optimizer="adam", loss="categorical_crossentropy")
    data_integer = np.random.randint(0, 255, size=(100, 10))
    labels = np.random.randint(0, 10, size=(100, 1))
    yield "to_categorical"
    labels = tf.keras.utils.to_categorical(labels, num_classes=10)
    try:
        yield "fit"
        model_float32.fit(data_integer, labels, epochs=2)
    except Exception as e:
        yield Caught(e)
        print(f"Error During Model Execution: {e}")


def _s004_example3():
    yield "import tensorflow"
    import tensorflow as tf  # noqa: F401 - the sample imports it

    yield "from tensorflow import keras"
    from tensorflow import keras

    yield "from keras import layers"
    from keras import layers

    yield "from keras import backend"
    from keras import backend as K

    yield "class"

    class MyIncompatibleLayer(layers.Layer):
        def __init__(self, units=32, **kwargs):
            super(MyIncompatibleLayer, self).__init__(**kwargs)
            self.units = units

        def build(self, input_shape):
            self.w = self.add_weight(shape=(input_shape[-1], self.units), initializer="random_normal", trainable=True)
            super(MyIncompatibleLayer, self).build(input_shape)

        def call(self, inputs):
            return K.dot(inputs, self.w)

        def get_config(self):
            config = super(MyIncompatibleLayer, self).get_config()
            config.update({"units": self.units})
            return config

    def create_model_custom_layer():
        return keras.Sequential(
            [
                layers.Dense(10, activation="relu", input_shape=(10,)),
                MyIncompatibleLayer(32),
                layers.Dense(10, activation="softmax"),
            ]
        )

    try:
        yield "model"
        model_custom_layer = create_model_custom_layer()
        yield "compile"
        model_custom_layer.compile(optimizer="adam", loss="categorical_crossentropy")
        print("Model using custom layer compiled successfully")
    except Exception as e:
        yield Caught(e)
        print(f"Error During Model Definition: {e}")


@behaviour(
    "seeds.s002_example1_keras",
    "How far does seed 002's first sample get with 'keras'?",
    source="seed 002 example 1",
    needs=("tensorflow",),
)
def s002_example1_keras():
    return how_far(_s002_example1_keras)


@behaviour(
    "seeds.s002_example1_tf_keras",
    "How far does seed 002's first sample get with tf.keras?",
    source="seed 002 example 1",
    needs=("tensorflow",),
)
def s002_example1_tf_keras():
    return how_far(_s002_example1_tf_keras)


@behaviour(
    "seeds.s002_example2_keras",
    "How far does seed 002's second sample get with 'keras' and border_mode?",
    source="seed 002 example 2",
    needs=("tensorflow",),
)
def s002_example2_keras():
    return how_far(_s002_example2_keras)


@behaviour(
    "seeds.s002_example2_tf_keras",
    "How far does seed 002's second sample get with tf.keras and padding?",
    source="seed 002 example 2",
    needs=("tensorflow",),
)
def s002_example2_tf_keras():
    return how_far(_s002_example2_tf_keras)


@behaviour(
    "seeds.s002_example3_keras",
    "How far does seed 002's custom layer without a training argument get with 'keras'?",
    source="seed 002 example 3",
    needs=("tensorflow",),
)
def s002_example3_keras():
    return how_far(_s002_example3_keras)


@behaviour(
    "seeds.s002_example3_tf_keras",
    "How far does seed 002's custom layer with a training argument get with tf.keras?",
    source="seed 002 example 3",
    needs=("tensorflow",),
)
def s002_example3_tf_keras():
    return how_far(_s002_example3_tf_keras)


@behaviour(
    "seeds.s004_example1",
    "How far does seed 004's pooling sample get?",
    source="seed 004 example 1",
    needs=("tensorflow",),
)
def s004_example1():
    return how_far(_s004_example1)


@behaviour(
    "seeds.s004_example2",
    "How far does seed 004's integer input sample get?",
    source="seed 004 example 2",
    needs=("tensorflow",),
)
def s004_example2():
    return how_far(_s004_example2)


@behaviour(
    "seeds.s004_example3",
    "How far does seed 004's custom layer with keras.backend get?",
    source="seed 004 example 3",
    needs=("tensorflow",),
)
def s004_example3():
    return how_far(_s004_example3)
