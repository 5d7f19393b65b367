"""Files that don't fit: what is raised, and what is left of the model."""

from harness import behaviour, check, expect, subject
from saved import dense, fixed, place, rows, same, tried, written
from synthetic import eager

LOAD = "TensorFlow API documentation, tf.keras.models.load_model"
LOAD_WEIGHTS = "TensorFlow API documentation, tf.keras.Model.load_weights"


def other(tf, *units, **names):
    """A Sequential model of Dense layers with so many units; `names` as a tuple under "names"."""
    called = names.get("names") or ("first", "second", "third")
    return fixed(
        tf.keras.Sequential(
            [
                tf.keras.layers.Dense(count, name=name, **({"input_shape": (3,)} if not i else {}))
                for i, (count, name) in enumerate(zip(units, called))  # noqa: B905 - strict= is too new
            ]
        ),
        0.25,
    )


@behaviour(
    "saving.errors.missing",
    "What does load_model raise for a file that is not there, by its extension?",
    source=LOAD,
    needs=("tensorflow",),
)
def missing():
    import tensorflow as tf

    eager(tf)
    with subject("load_model (missing)"):
        return {
            name: tried(tf.keras.models.load_model, place(name)) for name in ("m.h5", "m.keras", "m", "m.weights.h5")
        }


@behaviour(
    "saving.errors.missing_weights",
    "What does load_weights raise for a file that is not there, by its extension?",
    source=LOAD_WEIGHTS,
    needs=("tensorflow",),
)
def missing_weights():
    import tensorflow as tf

    eager(tf)
    model = dense(tf)
    with subject("load_weights (missing)"):
        return {name: tried(model.load_weights, place(name)) for name in ("w.h5", "w.weights.h5", "w.keras", "w")}


@behaviour(
    "saving.errors.truncated",
    "What is raised for a model file cut in half, and for one that holds something else?",
    source=LOAD,
    needs=("tensorflow",),
)
def truncated():
    import tensorflow as tf

    eager(tf)
    model = dense(tf)

    def loads(name, content=None):
        path = place(name)
        model.save(path)
        with open(path, "rb") as file:
            whole = file.read()
        with open(path, "wb") as file:
            file.write(content if content is not None else whole[: len(whole) // 2])
        tf.keras.models.load_model(path)
        return "loaded"

    with subject("load_model (broken file)"):
        found = {}
        for name in ("m.h5", "m.keras"):
            found[name] = {
                "half": tried(loads, name),
                "empty": tried(loads, name, b""),
                "text": tried(loads, name, b"hello, hello, hello"),
            }
        return found


@behaviour(
    "saving.errors.other_format",
    "Does load_model go by a file's content or by its name, when they differ?",
    source=LOAD,
    needs=("tensorflow",),
)
def other_format():
    import os

    import tensorflow as tf

    eager(tf)
    model = dense(tf)

    def loads(first, second):
        path = place(first)
        model.save(path)
        os.rename(path, path + second)
        same(model, tf.keras.models.load_model(path + second, compile=False), rows(4, 3))
        return "the same"

    with subject("load_model (renamed)"):
        return {
            "h5 called .keras": tried(loads, "m.h5", ".keras"),
            "keras called .h5": tried(loads, "m.keras", ".h5"),
            "h5 called .model": tried(loads, "m.h5", ".model"),
        }


def weights_into(tf, model, wrong, name="w.weights.h5", **options):
    """Saves the weights of `model` and loads them into `wrong`. Returns which of its layers have changed."""
    path = place(name)
    (model.save if name == "m.h5" else model.save_weights)(path)
    before = [layer.get_weights() for layer in wrong.layers]
    wrong.load_weights(path, **options)
    after = [layer.get_weights() for layer in wrong.layers]
    return [
        any(x.shape != y.shape or (x != y).any() for x, y in zip(one, two))  # noqa: B905
        for one, two in zip(before, after)  # noqa: B905
    ]


@behaviour(
    "saving.errors.layer_count",
    "What does load_weights do with a file of another number of layers?",
    source=LOAD_WEIGHTS,
    needs=("tensorflow",),
)
def layer_count():
    import tensorflow as tf

    eager(tf)
    model = dense(tf)
    with subject("load_weights (other number of layers)"):
        return {
            "one more in the model": tried(weights_into, tf, model, other(tf, 4, 2, 2)),
            "one less in the model": tried(weights_into, tf, model, other(tf, 4)),
            "one more, whole .h5": tried(weights_into, tf, model, other(tf, 4, 2, 2), "m.h5"),
            "one less, whole .h5": tried(weights_into, tf, model, other(tf, 4), "m.h5"),
        }


@behaviour(
    "saving.errors.layer_shape",
    "What does load_weights do with a file of other shapes, and which layers has it changed by then?",
    source=LOAD_WEIGHTS,
    needs=("tensorflow",),
)
def layer_shape():
    import tensorflow as tf

    eager(tf)
    model = dense(tf)
    with subject("load_weights (other shapes)"):
        found = {}
        for name in ("w.weights.h5", "m.h5"):
            wrong = other(tf, 4, 5)
            before = wrong.layers[0].get_weights()[0]
            raised = tried(weights_into, tf, model, wrong, name)
            found[name] = [raised, bool((wrong.layers[0].get_weights()[0] != before).any())]
        return found


@behaviour(
    "saving.errors.by_name",
    "Which layers does load_weights(by_name=True) fill, and from which files?",
    source=LOAD_WEIGHTS + " (by_name)",
    needs=("tensorflow",),
)
def by_name():
    import tensorflow as tf

    eager(tf)
    model = dense(tf)

    def fills(name):
        return weights_into(tf, model, other(tf, 4, 2, 2, names=("first", "new", "last")), name, by_name=True)

    with subject("load_weights(by_name=True)"):
        return {name: tried(fills, name) for name in ("w.h5", "w.weights.h5", "m.h5")}


@behaviour(
    "saving.errors.skip_mismatch",
    "Which layers does load_weights(skip_mismatch=True) fill, with and without by_name?",
    source=LOAD_WEIGHTS + " (skip_mismatch)",
    needs=("tensorflow",),
)
def skip_mismatch():
    import tensorflow as tf

    eager(tf)
    model = dense(tf)

    def fills(name, **options):
        return weights_into(tf, model, other(tf, 4, 5), name, skip_mismatch=True, **options)

    with subject("load_weights(skip_mismatch=True)"):
        return {
            "w.weights.h5": tried(fills, "w.weights.h5"),
            "w.weights.h5, by_name": tried(fills, "w.weights.h5", by_name=True),
            "m.h5": tried(fills, "m.h5"),
            "m.h5, by_name": tried(fills, "m.h5", by_name=True),
        }


@behaviour(
    "saving.errors.set_weights",
    "What does set_weights raise for too few arrays and for another shape?",
    source="TensorFlow API documentation, tf.keras.Model.set_weights",
    needs=("tensorflow",),
)
def set_weights():
    import tensorflow as tf

    eager(tf)
    model = dense(tf)
    values = model.get_weights()
    with subject("set_weights"):
        return [
            tried(model.set_weights, values[:-1]),
            tried(model.set_weights, values + values[:1]),
            tried(model.set_weights, [values[0].T] + values[1:]),
        ]


@behaviour(
    "saving.errors.wrong_type",
    "What is raised when load_model is given a weights file, or load_weights a model file?",
    source=LOAD,
    needs=("tensorflow",),
)
def wrong_type():
    import tensorflow as tf

    eager(tf)
    model = dense(tf)
    with subject("load_model (weights) and load_weights (model)"):
        weights, whole = place("m.weights.h5"), place("m.keras")
        model.save_weights(weights)
        model.save(whole)
        return {
            "load_model(.weights.h5)": tried(tf.keras.models.load_model, weights),
            "load_weights(.keras)": tried(lambda: model.load_weights(whole) and None),
            "model file": written(whole),
        }


@check(
    "saving.errors.kept_weights",
    "Are a model's weights untouched by the loading of weights that have other shapes in the first layer?",
    source=LOAD_WEIGHTS,
    needs=("tensorflow",),
)
def kept_weights():
    import tensorflow as tf

    eager(tf)
    wrong = other(tf, 7, 2)
    before = [weight.copy() for weight in wrong.get_weights()]
    path = place("m.weights.h5")
    with subject("load_weights (other shapes at once)"):
        dense(tf).save_weights(path)
        raised = tried(wrong.load_weights, path)
        expect(isinstance(raised, dict), "nothing was raised")
        equal = [bool((one == two).all()) for one, two in zip(before, wrong.get_weights())]  # noqa: B905
        expect(all(equal), "weights as before: %r" % (equal,))
