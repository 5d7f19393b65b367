"""The code samples of seed 001 ("Is TensorFlow 2.4 compatible with Keras?") and seed 003 (version switching).

As published, with these completions: `tf.keras.datasets.mnist.load_data` is replaced by made-up data of the same
shapes and types (256 + 64 images instead of 70,000, since a probe has no network); "rest of the training as in
Example 1" is Example 1's code, literally.
"""

from harness import behaviour
from progress import how_far
from synthetic import mnist


def _rest_of_example1(tf, model):
    yield "compile"
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    yield "load_data"
    (x_train, y_train), (x_test, y_test) = tf.keras.datasets.mnist.load_data()
    x_train, x_test = x_train / 255.0, x_test / 255.0
    yield "fit"
    model.fit(x_train, y_train, epochs=5)
    yield "evaluate"
    loss, accuracy = model.evaluate(x_test, y_test, verbose=2)
    print("Test accuracy:", accuracy)


def _s001_example1():
    import tensorflow as tf

    tf.keras.datasets.mnist.load_data = mnist
    yield "model"
    model = tf.keras.models.Sequential(
        [
            tf.keras.layers.Flatten(input_shape=(28, 28)),
            tf.keras.layers.Dense(128, activation="relu"),
            tf.keras.layers.Dropout(0.2),
            tf.keras.layers.Dense(10, activation="softmax"),
        ]
    )
    for step in _rest_of_example1(tf, model):
        yield step


def _s001_example2():
    import tensorflow as tf

    tf.keras.datasets.mnist.load_data = mnist
    yield "model"
    inputs = tf.keras.Input(shape=(28, 28, 1))
    x = tf.keras.layers.Conv2D(32, (3, 3), activation="relu")(inputs)
    x = tf.keras.layers.MaxPooling2D((2, 2))(x)
    x = tf.keras.layers.Conv2D(64, (3, 3), activation="relu")(x)
    x = tf.keras.layers.MaxPooling2D((2, 2))(x)
    x = tf.keras.layers.Flatten()(x)
    x = tf.keras.layers.Dense(128, activation="relu")(x)
    outputs = tf.keras.layers.Dense(10, activation="softmax")(x)
    model = tf.keras.Model(inputs=inputs, outputs=outputs)
    for step in _rest_of_example1(tf, model):
        yield step


def _s001_example3():
    import tensorflow as tf

    tf.keras.datasets.mnist.load_data = mnist
    yield "class"

    class MyCustomModel(tf.keras.Model):
        def __init__(self):
            super(MyCustomModel, self).__init__()
            self.conv1 = tf.keras.layers.Conv2D(32, (3, 3), activation="relu")
            self.maxpool1 = tf.keras.layers.MaxPooling2D((2, 2))
            self.flatten = tf.keras.layers.Flatten()
            self.dense1 = tf.keras.layers.Dense(128, activation="relu")
            self.dense2 = tf.keras.layers.Dense(10, activation="softmax")

        def call(self, inputs):
            x = self.conv1(inputs)
            x = self.maxpool1(x)
            x = self.flatten(x)
            x = self.dense1(x)
            return self.dense2(x)

    yield "model"
    model = MyCustomModel()
    for step in _rest_of_example1(tf, model):
        yield step


def _s003_example1():
    import tensorflow as tf

    def create_conv_model_28():
        return tf.keras.models.Sequential(
            [
                tf.keras.layers.Conv2D(32, (3, 3), activation="relu", input_shape=(28, 28, 1)),
                tf.keras.layers.Flatten(),
                tf.keras.layers.Dense(10, activation="softmax"),
            ]
        )

    def create_conv_model_210():
        return tf.keras.models.Sequential(
            [
                tf.keras.layers.Conv2D(
                    32, (3, 3), activation="relu", input_shape=(28, 28, 1), kernel_initializer="glorot_uniform"
                ),
                tf.keras.layers.Flatten(),
                tf.keras.layers.Dense(10, activation="softmax"),
            ]
        )

    yield "models"
    model_28 = create_conv_model_28()
    model_210 = create_conv_model_210()
    yield "kernel[0, 0].numpy()"
    print("Conv2D weights in TF 2.8:", model_28.layers[0].kernel[0, 0].numpy())
    print("Conv2D weights in TF 2.10:", model_210.layers[0].kernel[0, 0].numpy())


def _s003_example2(load):
    import numpy as np
    import tensorflow as tf

    yield "model"
    model = tf.keras.models.Sequential(
        [tf.keras.layers.Dense(10, activation="relu", input_shape=(10,)), tf.keras.layers.Dense(1)]
    )
    yield "compile"
    model.compile(optimizer="adam", loss="mse")
    X_train = np.random.rand(100, 10)
    y_train = np.random.rand(100, 1)
    yield "fit"
    model.fit(X_train, y_train, epochs=1)
    yield "save"
    version = "28"
    model.save(f"model_{version}")
    if load:
        yield "load_model"
        tf.keras.models.load_model("model_28")


def _s003_example3():
    import numpy as np
    import tensorflow as tf

    def create_dataset_28():
        data = np.random.rand(100, 10)
        labels = np.random.randint(0, 2, size=(100,))
        return tf.data.Dataset.from_tensor_slices((data, labels)).batch(32).shuffle(buffer_size=10)

    def create_dataset_210():
        data = np.random.rand(100, 10)
        labels = np.random.randint(0, 2, size=(100,))
        return tf.data.Dataset.from_tensor_slices((data, labels)).shuffle(buffer_size=10).batch(32)

    yield "datasets"
    dataset_28 = create_dataset_28()
    dataset_210 = create_dataset_210()
    yield "print"
    print("Dataset type created in TF 2.8:", dataset_28)
    print("Dataset type created in TF 2.10:", dataset_210)


@behaviour(
    "seeds.s001_example1",
    "How far does seed 001's Sequential sample get?",
    source="seed 001 example 1",
    needs=("tensorflow",),
)
def s001_example1():
    return how_far(_s001_example1)


@behaviour(
    "seeds.s001_example2",
    "How far does seed 001's Functional CNN get when it is trained as in its Example 1?",
    source="seed 001 example 2",
    needs=("tensorflow",),
)
def s001_example2():
    """The images of Example 1 have no channel axis, the model wants one: Keras adds it, or refuses."""
    return how_far(_s001_example2)


@behaviour(
    "seeds.s001_example3",
    "How far does seed 001's subclassed CNN get when it is trained as in its Example 1?",
    source="seed 001 example 3",
    needs=("tensorflow",),
)
def s001_example3():
    """The images of Example 1 have no channel axis, Conv2D wants one."""
    return how_far(_s001_example3)


@behaviour(
    "seeds.s003_example1",
    "How far does seed 003's initializer sample get?",
    source="seed 003 example 1",
    needs=("tensorflow",),
)
def s003_example1():
    return how_far(_s003_example1)


@behaviour(
    "seeds.s003_example2",
    "How far does seed 003's saving sample get?",
    source="seed 003 example 2",
    needs=("tensorflow",),
)
def s003_example2():
    return how_far(lambda: _s003_example2(load=False))


@behaviour(
    "seeds.s003_example2_load",
    "How far does seed 003's saving sample get with its commented-out load_model?",
    source="seed 003 example 2",
    needs=("tensorflow",),
)
def s003_example2_load():
    return how_far(lambda: _s003_example2(load=True))


@behaviour(
    "seeds.s003_example3",
    "How far does seed 003's dataset sample get?",
    source="seed 003 example 3",
    needs=("tensorflow",),
)
def s003_example3():
    return how_far(_s003_example3)
