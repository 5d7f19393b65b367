"""Small made-up data of the shapes the seeds use, and the seeding of every random source."""

import random


def seeded(tf, seed=7):
    """Seeds Python, numpy and TensorFlow (`tf`, the imported module); the spelling exists from 1.15 on."""
    import numpy as np

    random.seed(seed)
    np.random.seed(seed)
    tf.compat.v1.set_random_seed(seed)


def eager(tf):
    """Turns eager execution on, where it is not already: on 1.x it is asked for, from 2.0 on this changes nothing."""
    tf.compat.v1.enable_eager_execution()


def images(count=64):
    """(x, y): `count` float32 images of shape (28, 28), 0..1, and their classes 0..9 (int64).

    The class decides which two rows are bright, so that any of the seeds' models can learn it in a few steps.
    """
    import numpy as np

    noise = np.random.RandomState(3)
    y = np.arange(count) % 10
    x = noise.uniform(0.0, 0.1, size=(count, 28, 28))
    for i, label in enumerate(y):
        x[i, 2 * label + 3 : 2 * label + 5, :] += 0.9
    return x.astype("float32"), y.astype("int64")


def mnist(train=256, test=64):
    """What `tf.keras.datasets.mnist.load_data()` returns, made up: uint8 images of shape (28, 28), uint8 classes."""
    x, y = images(train + test)
    x, y = (x * 255).astype("uint8"), y.astype("uint8")
    return (x[:train], y[:train]), (x[train:], y[train:])
