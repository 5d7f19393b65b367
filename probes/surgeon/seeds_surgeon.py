"""The code samples of seed 000 ("Is KerasSurgeon compatible with TensorFlow 2.4.1?"), as they were published.

Each yields the name of a step before the line it stands for. "... Model definition ... (same as Example 1)" is
completed with Example 1's; nothing else is changed.
"""

import importlib.util

from harness import behaviour, skip
from progress import Caught, how_far

NEEDS = ("tensorflow", "kerassurgeon")


def _model(keras):
    return keras.Sequential(
        [
            keras.layers.Dense(128, activation="relu", input_shape=(784,)),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )


def _example1():
    yield "import tensorflow"
    import tensorflow as tf

    yield "from tensorflow import keras"
    from tensorflow import keras

    yield "import kerassurgeon"
    import kerassurgeon as ks

    yield "tf.__version__"
    print(f"TensorFlow Version: {tf.__version__}")
    yield "keras.__version__"
    print(f"Keras Version: {keras.__version__}")
    yield "ks.__version__"
    print(f"KerasSurgeon Version: {ks.__version__}")

    yield "model"
    model = _model(keras)
    yield "ks.Surgeon"
    surgeon = ks.Surgeon(model)
    yield "surgeon.remove"
    surgeon.remove(model.layers[0])
    yield "surgeon.operate"
    new_model = surgeon.operate()
    yield "new_model.summary"
    new_model.summary()


def _example2():
    yield "import tensorflow"
    import tensorflow as tf  # noqa: F401 - the sample imports it

    yield "from tensorflow import keras"
    from tensorflow import keras

    yield "import kerassurgeon"
    import kerassurgeon as ks

    yield "model"
    model = _model(keras)
    try:
        yield "ks.Surgeon"
        surgeon = ks.Surgeon(model)  # noqa: F841 - the sample leaves it there
    except ImportError as e:
        yield Caught(e)
        print(f"Import Error: {e}")
        print("Ensure KerasSurgeon is compatible with your TensorFlow/Keras version.")
    except Exception as e:
        yield Caught(e)
        print(f"An error occurred: {e}")


def _example3():
    yield "import tensorflow"
    import tensorflow as tf  # noqa: F401 - the sample imports it

    yield "from tensorflow import keras"
    from tensorflow import keras

    yield "import kerassurgeon"
    import kerassurgeon as ks

    yield "model"
    model = _model(keras)
    try:
        yield "ks.Surgeon"
        surgeon = ks.Surgeon(model)
        yield "surgeon.remove"
        surgeon.remove(model.layers[0])  # May fail due to API differences
        yield "surgeon.operate"
        new_model = surgeon.operate()
        yield "new_model.summary"
        new_model.summary()
    except AttributeError as e:
        yield Caught(e)
        print(f"AttributeError: {e}")
        print("Check for API differences between KerasSurgeon and your Keras version.")
    except Exception as e:
        yield Caught(e)
        print(f"An error occurred: {e}")


@behaviour(
    "surgeon.s000_example1",
    "How far does seed 000's first sample get ('Successful Surgery with Compatible Versions')?",
    source="seed 000 example 1",
    needs=NEEDS,
)
def s000_example1():
    return how_far(_example1)


@behaviour(
    "surgeon.s000_example2",
    "How far does seed 000's second sample get ('Import Error Due to Version Mismatch')?",
    source="seed 000 example 2",
    needs=("tensorflow",),
)
def s000_example2():
    """Imports KerasSurgeon itself: whether the sample's `except ImportError` can ever see one is the question."""
    if importlib.util.find_spec("kerassurgeon") is None:
        skip("kerassurgeon is not installed here")
    return how_far(_example2)


@behaviour(
    "surgeon.s000_example3",
    "How far does seed 000's third sample get ('Runtime Error Due to API Discrepancy')?",
    source="seed 000 example 3",
    needs=NEEDS,
)
def s000_example3():
    return how_far(_example3)
