"""Whether KerasSurgeon can be imported, and what it says of itself."""

from harness import behaviour, check, expect, subject
from surgeon_models import NEEDS, README, chain, keras_of_surgeon


@check(
    "surgeon.import",
    "Can KerasSurgeon be imported after TensorFlow?",
    source="seed 000",
    needs=("tensorflow",),
)
def import_surgeon():
    with subject("import kerassurgeon"):
        import kerassurgeon
        import kerassurgeon.identify
        import kerassurgeon.operations

        expect(callable(kerassurgeon.Surgeon), "kerassurgeon.Surgeon is not callable")
        expect(callable(kerassurgeon.operations.delete_channels), "operations.delete_channels is not callable")
        expect(callable(kerassurgeon.identify.get_apoz), "identify.get_apoz is not callable")


@behaviour("surgeon.version", "What does kerassurgeon.__version__ yield?", source="seed 000, example 1", needs=NEEDS)
def version():
    with subject("kerassurgeon.__version__"):
        import kerassurgeon

        return kerassurgeon.__version__


@behaviour("surgeon.has_remove", "Has Surgeon a method remove?", source="seed 000, example 1", needs=NEEDS)
def has_remove():
    from kerassurgeon import Surgeon

    with subject("surgeon.Surgeon.remove"):
        return hasattr(Surgeon, "remove")


@behaviour("surgeon.public_names", "Which functions and methods does KerasSurgeon offer?", source=README, needs=NEEDS)
def public_names():
    with subject("import kerassurgeon"):
        import kerassurgeon
        import kerassurgeon.identify
        import kerassurgeon.operations

        found = {}
        for module in (kerassurgeon.identify, kerassurgeon.operations):
            own = [n for n, v in vars(module).items() if getattr(v, "__module__", "") == module.__name__]
            found[module.__name__] = sorted(n for n in own if not n.startswith("_"))
        found["kerassurgeon.Surgeon"] = sorted(n for n in vars(kerassurgeon.Surgeon) if not n.startswith("_"))
        return found


@behaviour("surgeon.which_keras", "Whose Keras does KerasSurgeon use?", source="seed 000", needs=NEEDS)
def which_keras():
    with subject("kerassurgeon.surgeon.Model"):
        return keras_of_surgeon().__name__


@behaviour("surgeon.valid_jobs", "Which operations does Surgeon.add_job know?", source=README, needs=NEEDS)
def valid_jobs():
    from kerassurgeon import Surgeon

    keras = keras_of_surgeon()
    model = chain(keras, (6,), keras.layers.Dense(3))
    with subject("surgeon.Surgeon"):
        return sorted(Surgeon(model).valid_jobs)
