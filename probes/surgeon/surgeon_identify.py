"""Which channels to delete: the average percentage of zeros (APoZ) and the cut-off."""

from harness import assert_close, check, expect, subject
from surgeon_models import NEEDS, README, assert_weights, chain, dense, keras_of_surgeon, numbers, settle, weights

SOURCE = README + ": the identify module; its docstrings"


def share_of_zeros(activations):
    """For each channel (last axis) the share of entries that are exactly 0; in numpy."""
    flat = activations.reshape(-1, activations.shape[-1])
    return (flat == 0).mean(axis=0)


@check("surgeon.get_apoz.dense", "Is the APoZ of a Dense layer its units' share of zeros?", source=SOURCE, needs=NEEDS)
def apoz_of_dense():
    from kerassurgeon.identify import get_apoz

    keras = keras_of_surgeon()
    layers = keras.layers
    model = chain(keras, (6,), layers.Dense(4, activation="relu", name="one"), layers.Dense(3, name="two"))
    x = numbers((40, 6), 11)
    wanted = share_of_zeros(dense(x, weights(model)["one"], "relu"))
    with subject("surgeon.get_apoz"):
        assert_close(get_apoz(model, model.get_layer("one"), x), wanted, what="apoz")


@check(
    "surgeon.get_apoz.conv2d",
    "Is the APoZ of a Conv2D taken behind its separate activation, over all positions?",
    source=SOURCE,
    needs=NEEDS,
)
def apoz_of_conv():
    import numpy as np
    from kerassurgeon.identify import get_apoz

    keras = keras_of_surgeon()
    layers = keras.layers
    model = chain(
        keras,
        (5, 5, 2),
        layers.Conv2D(4, (1, 1), name="one"),
        layers.Activation("relu"),
        layers.Flatten(),
        layers.Dense(3, name="two"),
    )
    x = numbers((9, 5, 5, 2), 11)
    kernel, bias = weights(model)["one"]
    wanted = share_of_zeros(np.maximum(np.dot(x, kernel[0, 0]) + bias, 0))
    with subject("surgeon.get_apoz"):
        assert_close(get_apoz(model, "one", x), wanted, what="apoz")


@check(
    "surgeon.get_apoz.shared_layer",
    "Is the APoZ of a layer used twice taken over both uses?",
    source=SOURCE,
    needs=NEEDS,
)
def apoz_of_shared():
    import numpy as np
    from kerassurgeon.identify import get_apoz

    keras = keras_of_surgeon()
    layers = keras.layers
    start = layers.Input(shape=(4,))
    layer = layers.Dense(4, activation="relu", name="shared")
    model = settle(keras.models.Model(start, layers.Dense(3, name="out")(layer(layer(start)))))
    x = numbers((40, 4), 11)
    first = dense(x, weights(model)["shared"], "relu")
    second = dense(first, weights(model)["shared"], "relu")
    wanted = share_of_zeros(np.concatenate([first, second]))
    with subject("surgeon.get_apoz"):
        assert_close(get_apoz(model, model.get_layer("shared"), x), wanted, what="apoz")


@check(
    "surgeon.get_apoz.generator",
    "Can the APoZ be taken over a generator of batches?",
    source="keras-surgeon CHANGELOG 0.1.3; examples/inception_flowers_prune.py",
    needs=NEEDS,
)
def apoz_of_generator():
    from kerassurgeon.identify import get_apoz

    keras = keras_of_surgeon()
    layers = keras.layers
    model = chain(
        keras,
        (4, 4, 1),
        layers.Flatten(),
        layers.Dense(4, activation="relu", name="one"),
        layers.Dense(3, name="two"),
    )
    x = numbers((40, 4, 4, 1), 11)
    wanted = share_of_zeros(dense(x.reshape(40, 16), weights(model)["one"], "relu"))

    class Batches(keras.utils.Sequence):
        """Four batches of ten; `n` and `batch_size` as the generators of keras.preprocessing have them."""

        n, batch_size = 40, 10

        def __len__(self):
            return 4

        def __getitem__(self, index):
            return x[10 * index : 10 * index + 10]

    batches = Batches()
    with subject("surgeon.get_apoz"):
        assert_close(get_apoz(model, model.get_layer("one"), batches), wanted, what="apoz")


@check(
    "surgeon.get_apoz.original",
    "Does taking the APoZ leave the model alone?",
    source=SOURCE,
    needs=NEEDS,
)
def apoz_leaves_model():
    from kerassurgeon.identify import get_apoz

    keras = keras_of_surgeon()
    layers = keras.layers
    model = chain(keras, (6,), layers.Dense(4, activation="relu", name="one"), layers.Dense(3, name="two"))
    before, names = weights(model), [layer.name for layer in model.layers]
    with subject("surgeon.get_apoz"):
        apoz = get_apoz(model, model.get_layer("one"), numbers((40, 6), 11))
        expect(len(apoz) == 4, "%d values, expected 4" % len(apoz))
        assert_weights(model, before)
        expect([layer.name for layer in model.layers] == names, "the layers changed")


APOZ = [0.1, 0.995, 0.2, 0.9, 0.1, 0.1]
"""Mean 0.399, standard deviation 0.392: only 0.995 and 0.9 lie above their sum, only 0.995 above 0.99."""


def chosen(found):
    return sorted(int(i) for i in found)


@check(
    "surgeon.high_apoz.std",
    "Does high_apoz choose the channels a standard deviation above the mean?",
    source=SOURCE,
    needs=NEEDS,
)
def high_by_deviation():
    import numpy as np
    from kerassurgeon.identify import high_apoz

    apoz = np.array(APOZ)
    with subject("surgeon.high_apoz"):
        expect(chosen(high_apoz(apoz)) == [1, 3], "chosen by default: %r" % (chosen(high_apoz(apoz)),))
        wide = chosen(high_apoz(apoz, "std", cutoff_std=1.4))
        expect(wide == [1], "chosen 1.4 deviations above the mean: %r" % (wide,))


@check(
    "surgeon.high_apoz.absolute",
    "Does high_apoz choose the channels above an absolute cut-off?",
    source=SOURCE,
    needs=NEEDS,
)
def high_absolutely():
    import numpy as np
    from kerassurgeon.identify import high_apoz

    apoz = np.array(APOZ)
    with subject("surgeon.high_apoz"):
        found = chosen(high_apoz(apoz, "absolute"))
        expect(found == [1], "chosen by default: %r" % (found,))
        found = chosen(high_apoz(apoz, "absolute", cutoff_absolute=0.15))
        expect(found == [1, 2, 3], "chosen above 0.15: %r" % (found,))


@check(
    "surgeon.high_apoz.both",
    "Does high_apoz with method 'both' take the lower of the two cut-offs?",
    source=SOURCE,
    needs=NEEDS,
)
def high_by_both():
    import numpy as np
    from kerassurgeon.identify import high_apoz

    apoz = np.array(APOZ)
    with subject("surgeon.high_apoz"):
        found = chosen(high_apoz(apoz, "both"))
        expect(found == [1, 3], "chosen where the deviation is lower: %r" % (found,))
        found = chosen(high_apoz(apoz, "both", cutoff_absolute=0.15))
        expect(found == [1, 2, 3], "chosen where the absolute is lower: %r" % (found,))
