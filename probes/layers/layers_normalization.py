"""Normalisation layers: defaults, numbers, and which statistics are kept."""

from attempts import attempts
from harness import assert_close, behaviour, check, drift, subject
from layers_by_hand import numbers
from synthetic import eager


@behaviour(
    "layers.normalization.defaults",
    "Which momentum and epsilon do normalisation layers have by default?",
    source="Keras API, BatchNormalization and LayerNormalization",
    needs=("tensorflow",),
    light=True,
)
def normalization_defaults():
    import tensorflow as tf

    def defaults(name):
        config = getattr(tf.keras.layers, name)().get_config()
        return dict((key, config[key]) for key in ("axis", "momentum", "epsilon", "groups") if key in config)

    with subject("get_config"):
        names = ("BatchNormalization", "LayerNormalization", "GroupNormalization")
        return attempts(dict((name, lambda name=name: defaults(name)) for name in names))


@check(
    "layers.normalization.layer",
    "Does LayerNormalization give numpy's numbers over the last axis and over two axes?",
    source="Keras API, LayerNormalization (axis)",
    needs=("tensorflow",),
)
def normalization_layer():
    import numpy as np
    import tensorflow as tf

    eager(tf)
    x = numbers(2, 3, 4)
    with subject("LayerNormalization"):
        for axis in (-1, (1, 2)):
            mean = x.mean(axis=axis, keepdims=True)
            expected = (x - mean) / np.sqrt(x.var(axis=axis, keepdims=True) + 0.01)
            layer = tf.keras.layers.LayerNormalization(axis=axis if axis == -1 else list(axis), epsilon=0.01)
            assert_close(layer(tf.constant(x)), expected, rtol=1e-4, atol=1e-5, what="axis %s" % (axis,))


@behaviour(
    "layers.normalization.batch_variance",
    "Does BatchNormalization's moving variance take the biased or the unbiased variance of a batch?",
    source="Keras API, BatchNormalization (fused)",
    needs=("tensorflow",),
)
def normalization_batch_variance():
    import numpy as np
    import tensorflow as tf

    eager(tf)

    def which(*shape):
        layer = tf.keras.layers.BatchNormalization(momentum=0.0)
        x = numbers(*shape)
        layer(tf.constant(x), training=True)
        flat = x.reshape(-1, shape[-1])
        got = layer.get_weights()[3]
        if np.allclose(got, flat.var(axis=0), rtol=1e-3):
            return "biased"
        return "unbiased" if np.allclose(got, flat.var(axis=0, ddof=1), rtol=1e-3) else "other"

    with subject("BatchNormalization"):
        return {"samples × features": which(4, 3), "images": which(2, 2, 1, 3)}


@behaviour(
    "layers.normalization.batch_mask",
    "Does BatchNormalization leave masked steps out of its statistics?",
    source="Keras API, BatchNormalization (call argument mask)",
    needs=("tensorflow",),
)
def normalization_batch_mask():
    import numpy as np
    import tensorflow as tf

    eager(tf)
    x = np.array([[[2.0], [4.0], [0.0], [0.0]]], "float32")
    with subject("Masking, BatchNormalization"):
        layer = tf.keras.layers.BatchNormalization(momentum=0.0)
        layer(tf.keras.layers.Masking()(tf.constant(x)), training=True)
        mean = float(layer.get_weights()[2][0])
        return {3.0: "left out", 1.5: "counted"}.get(round(mean, 3), mean)


@behaviour(
    "layers.normalization.batch_virtual",
    "Which special arguments does BatchNormalization take: renorm, virtual_batch_size, fused, synchronized?",
    source="Keras API, BatchNormalization",
    needs=("tensorflow",),
    light=True,
)
def normalization_batch_virtual():
    import tensorflow as tf

    def taken(**options):
        return tf.keras.layers.BatchNormalization(**options) is not None

    with subject("BatchNormalization"):
        return attempts(
            {
                "renorm": lambda: taken(renorm=True),
                "virtual_batch_size": lambda: taken(virtual_batch_size=2),
                "fused": lambda: taken(fused=False),
                "synchronized": lambda: taken(synchronized=False),
                "axis as a list": lambda: taken(axis=[1, 2]),
            }
        )


@drift(
    "layers.normalization.later_ones",
    "Which numbers do UnitNormalization and GroupNormalization give?",
    source="Keras API, UnitNormalization and GroupNormalization",
    needs=("tensorflow",),
)
def normalization_later_ones():
    import tensorflow as tf

    eager(tf)
    x = tf.constant([[1.0, 2.0, 2.0, 4.0]])
    layers = tf.keras.layers
    with subject("UnitNormalization, GroupNormalization"):
        return attempts(
            {
                "UnitNormalization": lambda: (
                    layers.UnitNormalization()(x).numpy().astype(float).ravel().round(5).tolist()
                ),
                "GroupNormalization(2)": lambda: (
                    layers.GroupNormalization(2)(x).numpy().astype(float).ravel().round(5).tolist()
                ),
                "GroupNormalization(1)": lambda: (
                    layers.GroupNormalization(1)(x).numpy().astype(float).ravel().round(5).tolist()
                ),
            }
        )


@behaviour(
    "layers.training_mode",
    "In which mode do Dropout and BatchNormalization run: called plainly, in fit, and with K.set_learning_phase(1)?",
    source="seed 002 example 3 (training argument, batch normalization, dropout)",
    needs=("tensorflow",),
)
def training_mode():
    import numpy as np
    import tensorflow as tf

    eager(tf)
    x = tf.constant(np.ones((1, 1000), "float32"))

    def mode(call):
        return "training" if (np.array(call()) == 0.0).any() else "inference"

    def phase():
        tf.keras.backend.set_learning_phase(1)
        return mode(lambda: tf.keras.layers.Dropout(0.5)(x))

    def taped():
        with tf.GradientTape():
            return tf.keras.layers.Dropout(0.5)(x)

    def sequential(**options):
        return tf.keras.Sequential([tf.keras.layers.Dropout(0.5)])(x, **options)

    with subject("Dropout"):
        found = attempts(
            {
                "layer(x)": lambda: mode(lambda: tf.keras.layers.Dropout(0.5)(x)),
                "layer(x) under a tape": lambda: mode(taped),
                "model(x)": lambda: mode(sequential),
                "model(x, training=True)": lambda: mode(lambda: sequential(training=True)),
                "model(x, training=1)": lambda: mode(lambda: sequential(training=1)),
            }
        )
        found.update(attempts({"after set_learning_phase(1)": phase}))
        return found
