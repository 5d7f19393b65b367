"""The smallest model and data on which training can be followed by hand."""


def linear(tf, rate=0.0, start=1.0, **options):
    """A compiled model y = start · x of one feature, trained by SGD at `rate` on the mean square."""
    import numpy as np

    model = tf.keras.Sequential([tf.keras.layers.Dense(1, use_bias=False, input_shape=(1,))])
    model.set_weights([np.array([[start]], "float32")])
    model.compile(optimizer=tf.keras.optimizers.SGD(rate), loss="mse", **options)
    return model


def column(*values):
    """float32 array of shape (len(values), 1)."""
    import numpy as np

    return np.array(values, "float32").reshape(-1, 1)
