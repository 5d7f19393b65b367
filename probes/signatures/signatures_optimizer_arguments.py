"""Arguments of optimizers and losses that came, went or were renamed: honoured, ignored or refused?

That an argument is honoured is seen in the step it makes a weight take, or in the loss's number.
"""

from harness import behaviour, subject
from spelled import attempt
from synthetic import eager


def _step(tf, optimizer, loop):
    """How far one step of gradient (3, 4) moves two weights: in a training loop of one's own, or in train_on_batch."""
    import numpy as np

    model = tf.keras.Sequential([tf.keras.layers.Dense(1, use_bias=False, input_shape=(2,))])
    model.set_weights([np.zeros((2, 1), "float32")])
    if loop:
        optimizer.apply_gradients([(tf.constant([[3.0], [4.0]]), model.trainable_variables[0])])
    else:
        model.compile(optimizer, loss=lambda truth, guess: tf.reduce_mean(guess), run_eagerly=True)
        model.train_on_batch(np.array([[3.0, 4.0]], "float32"), np.zeros((1, 1), "float32"))
    return [round(-float(value), 3) for value in model.get_weights()[0][:, 0]]


@behaviour(
    "signatures.optimizers.clipping",
    "Do clipnorm, clipvalue and global_clipnorm clip, in fit and in a loop that calls apply_gradients?",
    source="tensorflow/tensorflow issue 33929 (clipvalue and clipnorm not working)",
    needs=("tensorflow",),
)
def clipping():
    import tensorflow as tf

    eager(tf)
    calls = (("clipnorm", 1.0, [0.6, 0.8]), ("clipvalue", 1.0, [1.0, 1.0]), ("global_clipnorm", 1.0, [0.6, 0.8]))
    found = {}
    with subject("clipnorm"):
        for name, limit, wanted in calls:
            for where, loop in (("in fit", False), ("in a loop", True)):
                found["%s %s" % (name, where)] = attempt(
                    name,
                    lambda name=name, limit=limit, wanted=wanted, loop=loop: (
                        _step(tf, tf.keras.optimizers.SGD(1.0, **{name: limit}), loop) == wanted
                    ),
                )
        return found


def _two_steps(tf, optimizer):
    """How far each of two steps of gradient 1 moves a weight that is 0 at first, against the gradient."""
    import numpy as np

    model = tf.keras.Sequential([tf.keras.layers.Dense(1, use_bias=False, input_shape=(1,))])
    model.set_weights([np.zeros((1, 1), "float32")])
    at = [0.0]
    for _ in range(2):
        optimizer.apply_gradients([(tf.constant([[1.0]]), model.trainable_variables[0])])
        at.append(-float(model.get_weights()[0][0, 0]))
    return [round(at[1] - at[0], 3), round(at[2] - at[1], 3)]


@behaviour(
    "signatures.optimizers.arguments",
    "Are lr, decay, weight_decay, schedules and the like honoured by SGD and Adam, and if not, named?",
    source="TensorFlow 2.11 release notes (new Keras optimizers)",
    needs=("tensorflow",),
)
def optimizer_arguments():
    import tensorflow as tf

    eager(tf)
    optimizers = tf.keras.optimizers
    sgd = optimizers.SGD

    def scheduled():
        return sgd(optimizers.schedules.PiecewiseConstantDecay([0], [1.0, 0.25]))

    calls = {
        "lr": lambda: _two_steps(tf, sgd(lr=0.25)) == [0.25, 0.25],
        "learning_rate": lambda: _two_steps(tf, sgd(learning_rate=0.25)) == [0.25, 0.25],
        "learning_rate as a callable": lambda: _two_steps(tf, sgd(learning_rate=lambda: 0.25)) == [0.25, 0.25],
        "learning_rate as a schedule": lambda: _two_steps(tf, scheduled()) == [1.0, 0.25],
        "decay": lambda: _two_steps(tf, sgd(1.0, decay=1.0)) == [1.0, 0.5],
        "weight_decay": lambda: _two_steps(tf, sgd(1.0, weight_decay=0.5)) == [1.0, 0.5],
        "use_ema": lambda: _two_steps(tf, sgd(1.0, use_ema=True)),
        "jit_compile": lambda: _two_steps(tf, sgd(1.0, jit_compile=False)),
        "gradient_accumulation_steps": lambda: _two_steps(tf, sgd(1.0, gradient_accumulation_steps=2)) == [0.0, 1.0],
        "epsilon": lambda: optimizers.Adam(epsilon=None),
    }
    with subject("SGD"):
        return {name: attempt(name.split()[0], call) for name, call in calls.items()}


@behaviour(
    "signatures.losses.arguments",
    "Do losses take reduction 'auto', 'none', 'mean', from_logits, axis and label_smoothing, and what comes of them?",
    source="keras-team/keras issue 18467 (Keras 3 differences), Keras API, losses",
    needs=("tensorflow",),
)
def loss_arguments():
    import numpy as np
    import tensorflow as tf

    eager(tf)
    losses = tf.keras.losses
    truth, guess = tf.constant([[0.0], [1.0]]), tf.constant([[2.0], [1.0]])

    def mse(**arguments):
        return np.array(losses.MeanSquaredError(**arguments)(truth, guess)).ravel().tolist()

    def logits(kind):
        loss = kind(from_logits=True)
        return abs(float(loss(tf.constant([[0.0, 1.0]]), tf.constant([[0.0, 0.0]]))) - 0.6931) < 1e-3

    calls = {
        "reduction=auto": lambda: mse(reduction="auto") == [2.0],
        "reduction=none": lambda: mse(reduction="none") == [4.0, 0.0],
        "reduction=sum": lambda: mse(reduction="sum") == [4.0],
        "reduction=mean": lambda: mse(reduction="mean") == [2.0],
        "reduction=None": lambda: mse(reduction=None) == [4.0, 0.0],
        "reduction=Reduction.NONE": lambda: mse(reduction=losses.Reduction.NONE) == [4.0, 0.0],
        "reduction=Reduction.AUTO": lambda: mse(reduction=losses.Reduction.AUTO) == [2.0],
        "name": lambda: losses.MeanSquaredError(name="mine").name == "mine",
        "from_logits": lambda: logits(losses.CategoricalCrossentropy) and logits(losses.BinaryCrossentropy),
        "axis": lambda: losses.BinaryCrossentropy(axis=-1),
        "ignore_class": lambda: losses.SparseCategoricalCrossentropy(ignore_class=0),
    }
    with subject("losses"):
        return {name: attempt(name.split("=")[0], call) for name, call in calls.items()}
