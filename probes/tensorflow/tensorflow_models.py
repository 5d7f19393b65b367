"""Building, fitting and running models: does TensorFlow's own Keras do what its users rely on?

Written as a user of any version would: `tf.keras` and public names only. On 1.15 this is Keras in graph mode.
"""

from harness import assert_close, check, expect, subject
from synthetic import images, seeded


def classifier(tf):
    """The Sequential model of seed 001, example 1, compiled."""
    model = tf.keras.models.Sequential(
        [
            tf.keras.layers.Flatten(input_shape=(28, 28)),
            tf.keras.layers.Dense(128, activation="relu"),
            tf.keras.layers.Dropout(0.2),
            tf.keras.layers.Dense(10, activation="softmax"),
        ]
    )
    return compiled(model)


def compiled(model):
    """`model`, compiled as the samples of seed 001 do."""
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def learns(model, x, y, epochs):
    """Fits and evaluates; AssertionError unless the loss of `evaluate` fell by a fifth and its parts are in range."""
    before, _ = model.evaluate(x, y, verbose=0)
    history = model.fit(x, y, epochs=epochs, batch_size=16, verbose=0)
    after, accuracy = model.evaluate(x, y, verbose=0)
    expect(len(history.history["loss"]) == epochs, "history has %d epochs" % len(history.history["loss"]))
    expect(after < 0.8 * before, "loss went from %r to %r" % (before, after))
    expect(0.0 <= accuracy <= 1.0, "accuracy is %r" % accuracy)


@check(
    "tensorflow.fit.sequential",
    "Does the Sequential MNIST model train and evaluate?",
    source="seed 001 example 1",
    needs=("tensorflow",),
)
def fit_sequential():
    import tensorflow as tf

    seeded(tf)
    x, y = images()
    with subject("Sequential.fit"):
        learns(classifier(tf), x, y, epochs=5)


@check(
    "tensorflow.fit.functional_cnn",
    "Does the Functional CNN train and evaluate?",
    source="seed 001 example 2",
    needs=("tensorflow",),
)
def fit_functional_cnn():
    import tensorflow as tf

    seeded(tf)
    x, y = images()
    with subject("Model.fit"):
        inputs = tf.keras.Input(shape=(28, 28, 1))
        z = tf.keras.layers.Conv2D(32, (3, 3), activation="relu")(inputs)
        z = tf.keras.layers.MaxPooling2D((2, 2))(z)
        z = tf.keras.layers.Conv2D(64, (3, 3), activation="relu")(z)
        z = tf.keras.layers.MaxPooling2D((2, 2))(z)
        z = tf.keras.layers.Flatten()(z)
        z = tf.keras.layers.Dense(128, activation="relu")(z)
        outputs = tf.keras.layers.Dense(10, activation="softmax")(z)
        model = compiled(tf.keras.Model(inputs=inputs, outputs=outputs))
        learns(model, x.reshape(-1, 28, 28, 1), y, epochs=4)


@check(
    "tensorflow.fit.subclassed",
    "Does a subclassed model train and evaluate?",
    source="seed 001 example 3",
    needs=("tensorflow",),
)
def fit_subclassed():
    import tensorflow as tf

    seeded(tf)
    x, y = images()
    with subject("Model subclass"):

        class MyCustomModel(tf.keras.Model):
            def __init__(self):
                super(MyCustomModel, self).__init__()
                self.conv1 = tf.keras.layers.Conv2D(32, (3, 3), activation="relu")
                self.maxpool1 = tf.keras.layers.MaxPooling2D((2, 2))
                self.flatten = tf.keras.layers.Flatten()
                self.dense1 = tf.keras.layers.Dense(128, activation="relu")
                self.dense2 = tf.keras.layers.Dense(10, activation="softmax")

            def call(self, inputs):
                z = self.conv1(inputs)
                z = self.maxpool1(z)
                z = self.flatten(z)
                z = self.dense1(z)
                return self.dense2(z)

        learns(compiled(MyCustomModel()), x.reshape(-1, 28, 28, 1), y, epochs=4)


@check(
    "tensorflow.evaluate.known_numbers",
    "Do evaluate's loss and accuracy equal what is computed by hand?",
    source="seed 003 statement 4 (loss and metric variations)",
    needs=("tensorflow",),
)
def evaluate_known_numbers():
    import numpy as np
    import tensorflow as tf

    x = np.array([[2.0, 0.0], [0.0, 1.0], [3.0, 1.0], [1.0, 1.5]], "float32")
    y = np.array([0, 0, 0, 1])
    odds = np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)
    model = tf.keras.Sequential([tf.keras.layers.Activation("softmax", input_shape=(2,))])
    with subject("Model.evaluate"):
        compiled(model)
        loss, accuracy = model.evaluate(x, y, batch_size=4, verbose=0)
        assert_close(loss, float(-np.log(odds[np.arange(4), y]).mean()), rtol=1e-4, what="loss")
        assert_close(accuracy, 0.75, what="accuracy")


@check(
    "tensorflow.predict.numbers",
    "Does predict return one row per sample, with the right numbers, also when batches don't divide the data?",
    source="seed 001",
    needs=("tensorflow",),
)
def predict_numbers():
    import numpy as np
    import tensorflow as tf

    x = np.random.RandomState(0).normal(size=(37, 5)).astype("float32")
    kernel = np.random.RandomState(1).normal(size=(5, 3)).astype("float32")
    bias = np.array([0.5, -0.5, 1.0], "float32")
    model = tf.keras.Sequential([tf.keras.layers.Dense(3, activation="relu", input_shape=(5,))])
    model.layers[0].set_weights([kernel, bias])
    with subject("Model.predict"):
        result = model.predict(x, batch_size=16)
        expect(result.dtype == np.float32, "predictions are %s" % result.dtype)
        assert_close(result, np.maximum(x.dot(kernel) + bias, 0.0), rtol=1e-4, atol=1e-5, what="predictions")


@check(
    "tensorflow.predict.two_inputs",
    "Does a Functional model with two inputs and two outputs predict the right numbers?",
    source="seed 001 (several input and output branches)",
    needs=("tensorflow",),
)
def predict_two_inputs():
    import numpy as np
    import tensorflow as tf

    a = np.arange(12, dtype="float32").reshape(4, 3)
    b = np.ones((4, 3), "float32") * 2
    with subject("Model(two inputs, two outputs)"):
        one, two = tf.keras.Input(shape=(3,)), tf.keras.Input(shape=(3,))
        total = tf.keras.layers.Add()([one, two])
        product = tf.keras.layers.Multiply()([one, two])
        model = tf.keras.Model(inputs=[one, two], outputs=[total, product])
        results = model.predict([a, b])
        assert_close(results[0], a + b, what="sum")
        assert_close(results[1], a * b, what="product")


@check(
    "tensorflow.fit.class_weight",
    "Does a class weight of zero keep that class's samples out of the training?",
    source="Keras guide, training and evaluation: class weights",
    needs=("tensorflow",),
)
def fit_class_weight():
    import numpy as np
    import tensorflow as tf

    x = np.eye(2, dtype="float32")
    y = np.array([0, 1])
    model = tf.keras.Sequential([tf.keras.layers.Dense(2, activation="softmax", use_bias=False, input_shape=(2,))])
    model.set_weights([np.zeros((2, 2), "float32")])
    with subject("Model.fit(class_weight=…)"):
        model.compile(optimizer=tf.keras.optimizers.SGD(1.0), loss="sparse_categorical_crossentropy")
        model.fit(x, y, batch_size=2, epochs=1, class_weight={0: 1.0, 1: 0.0}, verbose=0)
        kernel = model.get_weights()[0]
        assert_close(kernel[1], [0.0, 0.0], what="weights only class 1 reaches")
        expect(kernel[0][0] > 0.1 > -0.1 > kernel[0][1], "class 0 did not train: %r" % (kernel[0].tolist(),))


@check(
    "tensorflow.summary",
    "Does model.summary() print every layer and the number of parameters?",
    source="seed 000 example 1 (new_model.summary())",
    needs=("tensorflow",),
)
def summary():
    import contextlib
    import io

    import tensorflow as tf

    model = tf.keras.Sequential(
        [
            tf.keras.layers.Dense(7, input_shape=(5,), name="first_one"),
            tf.keras.layers.Dense(3, name="second_one"),
        ]
    )
    printed = io.StringIO()
    with subject("Model.summary"):
        with contextlib.redirect_stdout(printed):
            model.summary()
        for word in ("first_one", "second_one", "42", "24", "66"):
            expect(word in printed.getvalue(), "%r is not in the summary" % word)


@check(
    "tensorflow.callbacks.called",
    "Are a callback's methods called once per epoch and per batch, with the loss?",
    source="Keras guide, writing your own callbacks",
    needs=("tensorflow",),
)
def callbacks_called():
    import numpy as np
    import tensorflow as tf

    seen = {"epochs": [], "batches": 0, "losses": []}

    class Counting(tf.keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen["epochs"].append(epoch)
            seen["losses"].append(float(logs["loss"]))

        def on_train_batch_end(self, batch, logs=None):
            seen["batches"] += 1

    model = tf.keras.Sequential([tf.keras.layers.Dense(1, input_shape=(2,))])
    model.compile(optimizer="sgd", loss="mse")
    x, y = np.ones((8, 2), "float32"), np.zeros((8, 1), "float32")
    with subject("Model.fit(callbacks=…)"):
        history = model.fit(x, y, epochs=3, batch_size=4, verbose=0, callbacks=[Counting()])
        expect(seen["epochs"] == [0, 1, 2], "epochs seen: %r" % seen["epochs"])
        expect(seen["batches"] == 6, "batches seen: %d" % seen["batches"])
        assert_close(seen["losses"], [float(v) for v in history.history["loss"]], what="losses")


@check(
    "tensorflow.callbacks.early_stopping",
    "Does EarlyStopping stop when the loss no longer falls?",
    source="Keras guide, callbacks",
    needs=("tensorflow",),
)
def early_stopping():
    import numpy as np
    import tensorflow as tf

    model = tf.keras.Sequential([tf.keras.layers.Dense(1, input_shape=(2,))])
    model.compile(optimizer=tf.keras.optimizers.SGD(0.0), loss="mse")
    x, y = np.ones((8, 2), "float32"), np.zeros((8, 1), "float32")
    stop = tf.keras.callbacks.EarlyStopping(monitor="loss", patience=2)
    with subject("EarlyStopping"):
        history = model.fit(x, y, epochs=9, verbose=0, callbacks=[stop])
        expect(len(history.history["loss"]) == 3, "ran %d epochs, not 3" % len(history.history["loss"]))
