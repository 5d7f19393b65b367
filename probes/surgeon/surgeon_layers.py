"""Deleting, inserting and replacing layers, several operations at once."""

from harness import check, expect, subject
from surgeon_models import (
    GONE,
    NEEDS,
    README,
    assert_outputs,
    assert_pruned,
    assert_weights,
    chain,
    dense,
    images,
    keras_of_surgeon,
    last,
    numbers,
    outputs,
    reference,
    settle,
    weights,
)

DOCSTRINGS = "kerassurgeon.operations, docstrings"


def three_dense(keras):
    """(6,) -> Dense 4 relu "one" -> Dense 4 "two" -> Dense 3 "three"."""
    layers = keras.layers
    return chain(
        keras,
        (6,),
        layers.Dense(4, activation="relu", name="one"),
        layers.Dense(4, name="two"),
        layers.Dense(3, name="three"),
    )


def constant_dense(keras, units, **options):
    """A Dense layer called "new" and its arrays for an input of four: kernel 0.25, bias -0.5."""
    import numpy as np

    layer = keras.layers.Dense(
        units,
        kernel_initializer=keras.initializers.Constant(0.25),
        bias_initializer=keras.initializers.Constant(-0.5),
        name="new",
        **options,
    )
    return layer, [np.full((4, units), 0.25, dtype="float32"), np.full((units,), -0.5, dtype="float32")]


@check("surgeon.delete_layer.dense", "Can a Dense layer be deleted?", source=README, needs=NEEDS)
def delete_dense():
    from kerassurgeon.operations import delete_layer

    model = three_dense(keras_of_surgeon())
    x, kept = numbers((5, 6), 11), weights(model)
    del kept["two"]
    by_hand = dense(dense(x, kept["one"], "relu"), kept["three"])
    with subject("surgeon.delete_layer"):
        new = delete_layer(model, model.get_layer("two"))
        assert_weights(new, kept)
        assert_outputs(new, x, [by_hand])


@check("surgeon.delete_layer.sequential", "Can a layer be deleted from a Sequential model?", source=README, needs=NEEDS)
def delete_from_sequential():
    from kerassurgeon.operations import delete_layer

    keras = keras_of_surgeon()
    layers = keras.layers
    model = keras.models.Sequential([
        layers.Dense(4, activation="relu", input_shape=(6,), name="one"),
        layers.Activation("tanh", name="gone"),
        layers.Dense(3, name="three"),
    ])  # fmt: skip
    settle(model)
    x, kept = numbers((5, 6), 11), weights(model)
    by_hand = dense(dense(x, kept["one"], "relu"), kept["three"])
    with subject("surgeon.delete_layer"):
        new = delete_layer(model, model.get_layer("gone"))
        assert_weights(new, kept)
        assert_outputs(new, x, [by_hand])


def twice(keras):
    """(4,) through one Dense "shared" of 4 units, relu, two times, then Dense 3 "out"."""
    layers = keras.layers
    start = layers.Input(shape=(4,))
    layer = layers.Dense(4, activation="relu", name="shared")
    return settle(keras.models.Model(start, layers.Dense(3, name="out")(layer(layer(start)))))


@check(
    "surgeon.delete_layer.shared_layer",
    "Does deleting a layer that a model uses twice delete both uses?",
    source=DOCSTRINGS + "; keras-surgeon tests/test_surgeon.py: delete_layer_reuse",
    needs=NEEDS,
)
def delete_shared():
    from kerassurgeon.operations import delete_layer

    model = twice(keras_of_surgeon())
    x, kept = numbers((5, 4), 11), weights(model)
    del kept["shared"]
    with subject("surgeon.delete_layer"):
        new = delete_layer(model, model.get_layer("shared"))
        assert_weights(new, kept)
        assert_outputs(new, x, [dense(x, kept["out"])])


@check(
    "surgeon.delete_layer.one_use_of_shared_layer",
    "Can one use of a shared layer be deleted (node_indices)?",
    source=DOCSTRINGS,
    needs=NEEDS,
)
def delete_one_use():
    from kerassurgeon.operations import delete_layer

    model = twice(keras_of_surgeon())
    x, kept = numbers((5, 4), 11), weights(model)
    by_hand = dense(dense(x, kept["shared"], "relu"), kept["out"])
    with subject("surgeon.delete_layer"):
        new = delete_layer(model, model.get_layer("shared"), node_indices=[1])
        assert_weights(new, kept)
        assert_outputs(new, x, [by_hand])


@check(
    "surgeon.delete_layer.original",
    "Does deleting a layer leave the original model alone?",
    source=DOCSTRINGS + ": copy=True is the default",
    needs=NEEDS,
)
def delete_leaves_original():
    from kerassurgeon.operations import delete_layer

    model = three_dense(keras_of_surgeon())
    x = numbers((5, 6), 11)
    before, predicted = weights(model), outputs(model, x)
    with subject("surgeon.delete_layer"):
        new = delete_layer(model, model.get_layer("two"))
        expect(len(new.layers) == len(model.layers) - 1, "%d layers" % len(new.layers))
        new.get_layer("one").set_weights([w * 0 for w in before["one"]])
        assert_weights(model, before)
        assert_outputs(model, x, predicted)


@check("surgeon.insert_layer.dense", "Can a Dense layer be inserted?", source=README, needs=NEEDS)
def insert_dense():
    from kerassurgeon.operations import insert_layer

    keras = keras_of_surgeon()
    model = three_dense(keras)
    layer, arrays = constant_dense(keras, 4, activation="relu")
    x, kept = numbers((5, 6), 11), weights(model)
    kept["new"] = arrays
    middle = dense(dense(dense(x, kept["one"], "relu"), arrays, "relu"), kept["two"])
    with subject("surgeon.insert_layer"):
        new = insert_layer(model, model.get_layer("two"), layer)
        assert_weights(new, kept)
        assert_outputs(new, x, [dense(middle, kept["three"])])


@check(
    "surgeon.insert_layer.sequential",
    "Can a layer without weights be inserted into a Sequential model?",
    source=README,
    needs=NEEDS,
)
def insert_into_sequential():
    from kerassurgeon.operations import insert_layer

    keras = keras_of_surgeon()
    layers = keras.layers
    model = keras.models.Sequential([
        layers.Dense(4, input_shape=(6,), name="one"),
        layers.Dense(3, name="three"),
    ])  # fmt: skip
    settle(model)
    x, kept = numbers((5, 6), 11), weights(model)
    by_hand = dense(dense(x, kept["one"], "relu"), kept["three"])
    with subject("surgeon.insert_layer"):
        new = insert_layer(model, model.get_layer("three"), layers.Activation("relu", name="new"))
        assert_weights(new, kept)
        assert_outputs(new, x, [by_hand])


@check("surgeon.replace_layer.dense", "Can a Dense layer be replaced?", source=README, needs=NEEDS)
def replace_dense():
    from kerassurgeon.operations import replace_layer

    keras = keras_of_surgeon()
    model = three_dense(keras)
    layer, arrays = constant_dense(keras, 4, activation="relu")
    x, kept = numbers((5, 6), 11), weights(model)
    del kept["two"]
    kept["new"] = arrays
    middle = dense(dense(x, kept["one"], "relu"), arrays, "relu")
    with subject("surgeon.replace_layer"):
        new = replace_layer(model, model.get_layer("two"), layer)
        assert_weights(new, kept)
        assert_outputs(new, x, [dense(middle, kept["three"])])


@check(
    "surgeon.replace_layer.output",
    "Can the last layer be replaced by one of another size?",
    source=DOCSTRINGS,
    needs=NEEDS,
)
def replace_output():
    from kerassurgeon.operations import replace_layer

    keras = keras_of_surgeon()
    model = three_dense(keras)
    layer, arrays = constant_dense(keras, 2)
    x, kept = numbers((5, 6), 11), weights(model)
    del kept["three"]
    kept["new"] = arrays
    by_hand = dense(dense(dense(x, kept["one"], "relu"), kept["two"]), arrays)
    with subject("surgeon.replace_layer"):
        new = replace_layer(model, model.get_layer("three"), layer)
        assert_weights(new, kept)
        assert_outputs(new, x, [by_hand])


@check(
    "surgeon.operate.four_operations",
    "Can one Surgeon delete channels, delete, insert and replace layers in one go?",
    source=README + ": any number of layers in a single traversal",
    needs=NEEDS,
)
def four_operations():
    from kerassurgeon import Surgeon

    keras = keras_of_surgeon()
    layers = keras.layers
    model = chain(
        keras,
        (6,),
        layers.Dense(4, activation="relu", name="pruned"),
        layers.Dense(5, activation="relu", name="behind"),
        layers.Activation("tanh", name="deleted"),
        layers.Dense(4, name="before"),
        layers.Dense(2, name="replaced"),
    )
    layer, arrays = constant_dense(keras, 3)
    x = numbers((5, 6), 11)
    kept = reference(model, x, own=last("pruned", 2), incoming=[("behind", 0, 0, GONE)])["weights"]
    del kept["replaced"]
    kept["new"] = arrays
    middle = dense(dense(x, kept["pruned"], "relu"), kept["behind"], "relu")
    middle = dense(middle * (middle > 0.5), kept["before"])
    with subject("surgeon.operate"):
        surgeon = Surgeon(model)
        surgeon.add_job("delete_channels", model.get_layer("pruned"), channels=GONE)
        surgeon.add_job("delete_layer", model.get_layer("deleted"))
        surgeon.add_job("insert_layer", model.get_layer("before"), new_layer=layers.ReLU(threshold=0.5))
        surgeon.add_job("replace_layer", model.get_layer("replaced"), new_layer=layer)
        new = surgeon.operate()
        assert_weights(new, kept)
        assert_outputs(new, x, [dense(middle, arrays)])


@check(
    "surgeon.operate.delete_channels_of_neighbours",
    "Can one Surgeon delete channels of layers that follow one another?",
    source=README,
    needs=NEEDS,
)
def delete_channels_of_neighbours():
    from kerassurgeon import Surgeon

    keras = keras_of_surgeon()
    layers = keras.layers
    model = chain(
        keras,
        (6, 6, 2),
        layers.Conv2D(4, (3, 3), activation="relu", name="one"),
        layers.Conv2D(4, (2, 2), activation="relu", name="two"),
        layers.GlobalAveragePooling2D(),
        layers.Dense(3, name="three"),
    )
    own = last("one", 2) + last("two", 2, [1])
    wanted = reference(model, images(), own=own, incoming=[("two", 0, 2, GONE), ("three", 0, 0, [1])])
    with subject("surgeon.operate"):
        surgeon = Surgeon(model)
        surgeon.add_job("delete_channels", model.get_layer("one"), channels=GONE)
        surgeon.add_job("delete_channels", model.get_layer("two"), channels=[1])
        assert_pruned(surgeon.operate(), wanted)


@check(
    "surgeon.operate.one_after_another",
    "Can the result of one operation be operated on again?",
    source=README + ": model = delete_layer(model, …) thrice",
    needs=NEEDS,
)
def one_after_another():
    import numpy as np
    from kerassurgeon.operations import delete_channels, delete_layer, insert_layer

    keras = keras_of_surgeon()
    model = three_dense(keras)
    x = numbers((5, 6), 11)
    kept = reference(model, x, own=last("one", 2), incoming=[("three", 0, 0, GONE)])["weights"]
    del kept["two"]
    by_hand = dense(np.tanh(dense(x, kept["one"], "relu")), kept["three"])
    with subject("surgeon.operations"):
        new = delete_layer(model, model.get_layer("two"))
        new = insert_layer(new, new.get_layer("three"), keras.layers.Activation("tanh", name="new"))
        new = delete_channels(new, new.get_layer("one"), GONE)
        assert_weights(new, kept)
        assert_outputs(new, x, [by_hand])
