"""Layers, gradients, optimizers, losses and metrics whose results are known: do the numbers come out right?"""

from harness import assert_close, behaviour, check, expect, subject
from synthetic import eager, seeded


@check(
    "tensorflow.layers.conv2d",
    "Does Conv2D with padding and stride compute what the sum over its window says?",
    source="seed 003 statement 1 (inconsistent layer behaviour)",
    needs=("tensorflow",),
)
def conv2d():
    import numpy as np
    import tensorflow as tf

    x = np.arange(16, dtype="float32").reshape(1, 4, 4, 1)
    model = tf.keras.Sequential([tf.keras.layers.Conv2D(1, (3, 3), padding="same", input_shape=(4, 4, 1))])
    strided = tf.keras.Sequential([tf.keras.layers.Conv2D(1, (2, 2), strides=2, input_shape=(4, 4, 1))])
    model.set_weights([np.ones((3, 3, 1, 1), "float32"), np.array([1.0], "float32")])
    strided.set_weights([np.arange(4, dtype="float32").reshape(2, 2, 1, 1), np.array([0.0], "float32")])
    padded = np.pad(x[0, :, :, 0], 1, mode="constant")
    sums = [[float(padded[r : r + 3, c : c + 3].sum()) + 1.0 for c in range(4)] for r in range(4)]
    with subject("Conv2D"):
        assert_close(model.predict(x)[0, :, :, 0], sums, what="same padding")
        assert_close(strided.predict(x)[0, :, :, 0], [[24.0, 36.0], [72.0, 84.0]], what="stride 2")


@check(
    "tensorflow.layers.batch_normalization",
    "Does BatchNormalization use batch statistics in training and its moving averages in inference?",
    source="seed 002 example 3 (training argument, batch normalization)",
    needs=("tensorflow",),
)
def batch_normalization():
    import numpy as np
    import tensorflow as tf

    x = np.array([[1.0, 10.0], [3.0, 30.0], [5.0, 50.0], [7.0, 70.0]], "float32")
    model = tf.keras.Sequential(
        [tf.keras.layers.BatchNormalization(momentum=0.5, epsilon=1e-3, center=False, scale=False, input_shape=(2,))]
    )
    model.compile(optimizer=tf.keras.optimizers.SGD(0.0), loss="mse")
    with subject("BatchNormalization"):
        assert_close(model.predict(x), x / np.sqrt(1.001), rtol=1e-4, what="before training")
        loss = model.train_on_batch(x, np.zeros_like(x))
        loss = float(loss[0] if isinstance(loss, list) else loss)
        mean, variance = model.get_weights()
        normal = (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + 1e-3)
        assert_close(loss, float((normal**2).mean()), rtol=1e-3, what="loss on batch statistics")
        assert_close(mean, 0.5 * x.mean(axis=0), rtol=1e-4, what="moving mean")
        after = (x - mean) / np.sqrt(variance + 1e-3)
        assert_close(model.predict(x), after, rtol=1e-4, atol=1e-4, what="after training")


@check(
    "tensorflow.layers.dropout",
    "Does Dropout leave inference alone and scale what it keeps in training?",
    source="seed 003 statement 1 (specifics of dropout during training)",
    needs=("tensorflow",),
)
def dropout():
    import numpy as np
    import tensorflow as tf

    eager(tf)
    seeded(tf)
    x = np.ones((4, 1000), "float32")
    model = tf.keras.Sequential([tf.keras.layers.Dropout(0.25, input_shape=(1000,))])
    with subject("Dropout"):
        assert_close(model.predict(x), x, what="inference")
        training = model(tf.constant(x), training=True).numpy()
        dropped = float((training == 0.0).mean())
        expect(0.2 < dropped < 0.3, "dropped %r of the values, not a quarter" % dropped)
        assert_close(float(training.max()), 1 / 0.75, rtol=1e-4, what="what was kept")


@behaviour(
    "tensorflow.layers.dropout_kept_on",
    "Does Dropout called with training=True inside a Functional model still drop in predict (Monte Carlo dropout)?",
    source="seed 002 example 3 (the training argument)",
    needs=("tensorflow",),
)
def dropout_kept_on():
    import numpy as np
    import tensorflow as tf

    x = np.ones((4, 1000), "float32")
    with subject("Dropout(training=True)"):
        inputs = tf.keras.Input(shape=(1000,))
        model = tf.keras.Model(inputs, tf.keras.layers.Dropout(0.25)(inputs, training=True))
        return "drops" if (model.predict(x) == 0.0).any() else "ignored"


@check(
    "tensorflow.layers.embedding_lstm",
    "Does an Embedding and LSTM model learn the order of a sequence?",
    source="Keras guide, recurrent layers",
    needs=("tensorflow",),
)
def embedding_lstm():
    import numpy as np
    import tensorflow as tf

    seeded(tf)
    x = np.array([[1, 1, 1, 2, 2, 2], [2, 2, 2, 1, 1, 1]] * 32)
    y = np.array([0, 1] * 32)
    with subject("LSTM"):
        model = tf.keras.Sequential(
            [
                tf.keras.layers.Embedding(4, 8),
                tf.keras.layers.LSTM(16),
                tf.keras.layers.Dense(1, activation="sigmoid"),
            ]
        )
        model.compile(optimizer=tf.keras.optimizers.Adam(0.02), loss="binary_crossentropy")
        model.fit(x, y, epochs=12, batch_size=16, verbose=0)
        first, second = model.predict(x[:2])[:, 0]
        expect(first < 0.4 and second > 0.6, "predictions %r and %r, not 0 and 1" % (float(first), float(second)))


@check(
    "tensorflow.gradient_tape",
    "Does GradientTape give the analytic gradient, also of a gradient?",
    source="TensorFlow guide, automatic differentiation",
    needs=("tensorflow",),
)
def gradient_tape():
    import tensorflow as tf

    eager(tf)
    x = tf.constant([1.0, 2.0, -3.0])
    with subject("GradientTape.gradient"):
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                y = tf.reduce_sum(x * x * x)
            first = inner.gradient(y, x)
        second = outer.gradient(first, x)
        assert_close(first, [3.0, 12.0, 27.0], what="first derivative")
        assert_close(second, [6.0, 12.0, -18.0], what="second derivative")


def _one_step(tf, optimizer):
    """Weights after one step on mean((w·x - 0)²) from w = (1, -2) with x = (1, 2) and (3, 0): gradient (6, -6)."""
    import numpy as np

    model = tf.keras.Sequential([tf.keras.layers.Dense(1, use_bias=False, input_shape=(2,))])
    model.set_weights([np.array([[1.0], [-2.0]], "float32")])
    model.compile(optimizer=optimizer, loss="mse")
    x = np.array([[1.0, 2.0], [3.0, 0.0]], "float32")
    model.fit(x, np.zeros((2, 1), "float32"), batch_size=2, epochs=1, verbose=0)
    return model.get_weights()[0][:, 0]


@check(
    "tensorflow.optimizers.sgd_step",
    "Does one SGD step move the weights by learning rate times gradient?",
    source="seed 003 (learning paths diverge)",
    needs=("tensorflow",),
)
def sgd_step():
    import tensorflow as tf

    # mean of (w·x)²: w·x is -3 and 3; gradient = ((2·-3·1 + 2·3·3) / 2, (2·-3·2 + 0) / 2) = (6, -6)
    with subject("SGD"):
        after = _one_step(tf, tf.keras.optimizers.SGD(0.1))
        assert_close(after, [1.0 - 0.6, -2.0 + 0.6], rtol=1e-4, what="weights")


@check(
    "tensorflow.optimizers.adam_step",
    "Does Adam's first step move each weight by the learning rate against its gradient's sign?",
    source="seed 001 (the 'adam' optimizer)",
    needs=("tensorflow",),
)
def adam_step():
    import tensorflow as tf

    with subject("Adam"):
        after = _one_step(tf, tf.keras.optimizers.Adam(0.1))
        assert_close(after, [1.0 - 0.1, -2.0 + 0.1], rtol=1e-4, what="weights")


@check(
    "tensorflow.losses.regularizer",
    "Does evaluate's loss contain the L2 penalty of a layer?",
    source="Keras API, layer weight regularizers",
    needs=("tensorflow",),
)
def regularizer():
    import numpy as np
    import tensorflow as tf

    layer = tf.keras.layers.Dense(1, use_bias=False, kernel_regularizer=tf.keras.regularizers.l2(0.1), input_shape=(2,))
    model = tf.keras.Sequential([layer])
    model.set_weights([np.array([[1.0], [-2.0]], "float32")])
    model.compile(optimizer="sgd", loss="mse")
    x = np.array([[1.0, 2.0], [3.0, 0.0]], "float32")
    with subject("Model.evaluate"):
        loss = model.evaluate(x, np.zeros((2, 1), "float32"), verbose=0)
        assert_close(float(loss), 9.0 + 0.1 * 5.0, rtol=1e-4, what="loss")


@check(
    "tensorflow.metrics.accuracy",
    "Are the accuracies that a model reports right on data where they are known?",
    source="seed 003 statement 4 (loss and metric variations)",
    needs=("tensorflow",),
)
def accuracy():
    import numpy as np
    import tensorflow as tf

    def identity(size):
        return tf.keras.Sequential([tf.keras.layers.Activation("linear", input_shape=(size,))])

    binary, several = identity(1), identity(3)
    with subject("metrics=['accuracy']"):
        binary.compile(optimizer="sgd", loss="binary_crossentropy", metrics=["accuracy"])
        several.compile(optimizer="sgd", loss="categorical_crossentropy", metrics=["accuracy"])
        odds = np.array([[0.9], [0.2], [0.6], [0.4], [0.7]], "float32")
        truth = np.array([[1.0], [0.0], [0.0], [1.0], [1.0]], "float32")
        assert_close(binary.evaluate(odds, truth, verbose=0)[1], 0.6, what="binary accuracy")
        odds = np.array([[0.7, 0.2, 0.1], [0.1, 0.3, 0.6], [0.2, 0.5, 0.3], [0.3, 0.4, 0.3]], "float32")
        truth = np.eye(3, dtype="float32")[[0, 2, 0, 1]]
        assert_close(several.evaluate(odds, truth, verbose=0)[1], 0.75, what="categorical accuracy")


@check(
    "tensorflow.function.retracing",
    "Does tf.function trace once per signature and not per call?",
    source="TensorFlow guide, better performance with tf.function: rules of tracing",
    needs=("tensorflow",),
)
def retracing():
    import tensorflow as tf

    eager(tf)
    traced = []

    def double(x):
        traced.append(x.dtype)
        return x + x

    with subject("tf.function"):
        function = tf.function(double)
        assert_close(function(tf.constant([1.0, 2.0])), [2.0, 4.0], what="first call")
        assert_close(function(tf.constant([3.0, 4.0])), [6.0, 8.0], what="second call")
        expect(len(traced) == 1, "traced %d times for one signature" % len(traced))
        assert_close(function(tf.constant([1, 2])), [2, 4], what="integers")
        expect(len(traced) == 2, "traced %d times for two signatures" % len(traced))
