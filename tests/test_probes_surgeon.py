"""The probes of KerasSurgeon: what they look like, and that their references and comparisons are right.

What they find in real TensorFlow is shown by the matrix; nothing here imports TensorFlow.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

PROBES = Path(__file__).parent.parent / "probes"
FILES = sorted((PROBES / "surgeon").glob("surgeon*.py"))
NAMES = {path.stem for path in FILES}


@pytest.fixture
def modules(monkeypatch: pytest.MonkeyPatch, flat: Path) -> Iterator[dict[str, ModuleType]]:
    """The probe modules and `harness`, imported afresh and forgotten afterwards."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(str(flat))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    for name in ("harness", *NAMES):
        monkeypatch.delitem(sys.modules, name, raising=False)
    yield {name: __import__(name) for name in ("harness", *sorted(NAMES))}
    for name in set(sys.modules) - before:
        del sys.modules[name]


def decorated(path: Path) -> list[tuple[ast.FunctionDef, str]]:
    """(function, kind) of every probe in a file."""
    found = []
    for node in ast.parse(path.read_text()).body:
        for mark in node.decorator_list if isinstance(node, ast.FunctionDef) else []:
            if isinstance(mark, ast.Call) and isinstance(mark.func, ast.Name):
                found.append((node, mark.func.id))
    return found


def subjects(function: ast.FunctionDef) -> int:
    """How many `with subject(...)` blocks a function has."""
    items = [item for node in ast.walk(function) if isinstance(node, ast.With) for item in node.items]
    calls = [item.context_expr for item in items if isinstance(item.context_expr, ast.Call)]
    return sum(isinstance(call.func, ast.Name) and call.func.id == "subject" for call in calls)


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.name)
def test_a_file_parses_with_the_grammar_of_python_3_6(path: Path) -> None:
    assert ast.parse(path.read_text(), feature_version=(3, 6)).body


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.name)
def test_a_file_imports_only_the_harness_and_probe_modules_at_module_level(path: Path) -> None:
    allowed = {"harness"} | NAMES | sys.stdlib_module_names
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Import):
            assert {alias.name.split(".")[0] for alias in node.names} <= allowed
        elif isinstance(node, ast.ImportFrom):
            assert str(node.module).split(".")[0] in allowed


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.name)
def test_every_probe_has_exactly_one_subject_block(path: Path) -> None:
    wrong = [function.name for function, _ in decorated(path) if subjects(function) != 1]
    assert wrong == []


def test_no_check_raises_or_swallows_exceptions_of_its_own() -> None:
    trees = [function for path in FILES for function, _ in decorated(path)]
    assert trees
    assert not [f.name for f in trees for node in ast.walk(f) if isinstance(node, (ast.Try, ast.Raise))]


def test_the_catalogue_holds_every_operation_and_says_where_each_question_is_from(
    modules: dict[str, ModuleType],
) -> None:
    registry = {s.id: s for s in modules["harness"].REGISTRY.values() if s.group == "surgeon"}
    checks = [spec.id for spec in registry.values() if spec.kind == "check"]
    assert len(checks) >= 50
    assert len({spec.question for spec in registry.values()}) == len(registry)
    for operation in ("delete_channels", "delete_layer", "insert_layer", "replace_layer", "operate", "get_apoz"):
        assert any(check.startswith(f"surgeon.{operation}.") for check in checks), operation
    assert all(spec.source and spec.question.endswith("?") for spec in registry.values())


def test_only_the_import_probe_does_without_an_imported_kerassurgeon(modules: dict[str, ModuleType]) -> None:
    specs = [s for s in modules["harness"].REGISTRY.values() if s.group == "surgeon"]
    without = [s for s in specs if "kerassurgeon" not in s.needs]
    assert [(s.id, s.fresh) for s in without] == [("surgeon.import", False)]


# ---------------------------------------------------------------- references, with a model made of numpy


class Layer:
    """A dense layer with relu: weights as Keras keeps them, and nothing else."""

    def __init__(self, name: str, arrays: list[np.ndarray]) -> None:
        self.name, self._arrays = name, arrays

    def get_weights(self) -> list[np.ndarray]:
        return [array.copy() for array in self._arrays]

    def set_weights(self, arrays: list[np.ndarray]) -> None:
        assert [a.shape for a in arrays] == [a.shape for a in self._arrays]
        self._arrays = [np.array(a) for a in arrays]


class Model:
    """Dense layers one after another."""

    def __init__(self, *layers: Layer) -> None:
        self.layers = list(layers)

    def get_layer(self, name: str) -> Layer:
        return next(layer for layer in self.layers if layer.name == name)

    def predict(self, x: np.ndarray, verbose: int = 0) -> np.ndarray:
        for layer in self.layers:
            kernel, bias = layer.get_weights()
            x = np.maximum(x @ kernel + bias, 0)
        return x


def two_layers(seed: int = 3) -> Model:
    random = np.random.RandomState(seed)
    shapes = {"pruned": [(6, 4), (4,)], "after": [(4, 3), (3,)]}
    return Model(*(Layer(name, [random.uniform(-1, 1, size=s) for s in shapes[name]]) for name in shapes))


def by_hand(model: Model) -> Model:
    """The model without units 0 and 2 of its first layer."""
    (kernel, bias), (after, rest) = (layer.get_weights() for layer in model.layers)
    return Model(Layer("pruned", [kernel[:, [1, 3]], bias[[1, 3]]]), Layer("after", [after[[1, 3]], rest]))


def wanted(models: ModuleType, model: Model) -> dict:
    x = np.random.RandomState(5).uniform(-1, 1, size=(8, 6))
    return models.reference(model, x, own=models.last("pruned", 2), incoming=[("after", 0, 0, models.GONE)])


def test_the_reference_of_a_pruned_model_is_the_small_model_built_by_hand(modules: dict[str, ModuleType]) -> None:
    models, model = modules["surgeon_models"], two_layers()
    small = by_hand(model)
    expected = wanted(models, model)
    assert {name: [a.tolist() for a in arrays] for name, arrays in expected["weights"].items()} == {
        layer.name: [a.tolist() for a in layer.get_weights()] for layer in small.layers
    }
    np.testing.assert_allclose(expected["outputs"][0], small.predict(expected["x"]))
    models.assert_pruned(small, expected)


def test_making_a_reference_leaves_the_model_as_it_was(modules: dict[str, ModuleType]) -> None:
    model = two_layers()
    before = [a.tolist() for layer in model.layers for a in layer.get_weights()]
    wanted(modules["surgeon_models"], model)
    assert [a.tolist() for layer in model.layers for a in layer.get_weights()] == before


@pytest.mark.parametrize("change", ["unpruned", "wrong channels", "one weight off", "a layer too many"])
def test_a_model_that_was_not_pruned_rightly_is_refused(modules: dict[str, ModuleType], change: str) -> None:
    models, model = modules["surgeon_models"], two_layers()
    expected, small = wanted(models, model), by_hand(model)
    if change == "unpruned":
        small = model
    elif change == "wrong channels":
        small.layers[0].set_weights([a[..., ::-1] for a in small.layers[0].get_weights()])
    elif change == "one weight off":
        kernel, bias = small.layers[1].get_weights()
        kernel[0, 0] += 1e-6
        small.layers[1].set_weights([kernel, bias])
    else:
        small.layers.append(Layer("extra", [np.eye(3), np.zeros(3)]))
    with pytest.raises(AssertionError):
        models.assert_pruned(small, expected)


def test_wrong_outputs_are_refused_even_where_all_weights_are_right(modules: dict[str, ModuleType]) -> None:
    models, model = modules["surgeon_models"], two_layers()
    expected = wanted(models, model)
    expected["outputs"][0] = expected["outputs"][0] + 1e-3
    with pytest.raises(AssertionError, match="output 0"):
        models.assert_pruned(by_hand(model), expected)


def test_flattened_names_the_rows_of_a_dense_layer_behind_flatten(modules: dict[str, ModuleType]) -> None:
    rows = modules["surgeon_models"].flattened([0, 2], positions=3, channels=4)
    tensor = np.zeros((3, 4))
    tensor[:, [0, 2]] = 1
    assert sorted(rows) == np.flatnonzero(tensor).tolist()


@pytest.mark.parametrize("own", ["tensorflow.keras", "keras"])
def test_the_keras_of_the_surgeon_is_the_one_whose_model_it_builds(
    modules: dict[str, ModuleType], monkeypatch: pytest.MonkeyPatch, own: str
) -> None:
    kinds = {name: SimpleNamespace(models=SimpleNamespace(Model=type(name, (), {}))) for name in (own, "other")}
    of_tensorflow, standalone = kinds[own], kinds["other"]
    if own == "keras":
        of_tensorflow, standalone = standalone, of_tensorflow
    surgeon = SimpleNamespace(Model=kinds[own].models.Model)
    monkeypatch.setitem(sys.modules, "tensorflow", SimpleNamespace(keras=of_tensorflow))
    monkeypatch.setitem(sys.modules, "keras", standalone)
    monkeypatch.setitem(sys.modules, "kerassurgeon", SimpleNamespace(surgeon=surgeon))
    assert modules["surgeon_models"].keras_of_surgeon() is kinds[own]


def test_an_unknown_keras_is_an_error_and_no_guess(
    modules: dict[str, ModuleType], monkeypatch: pytest.MonkeyPatch
) -> None:
    keras = SimpleNamespace(models=SimpleNamespace(Model=int))
    monkeypatch.setitem(sys.modules, "tensorflow", SimpleNamespace(keras=keras))
    monkeypatch.setitem(sys.modules, "keras", keras)
    monkeypatch.setitem(sys.modules, "kerassurgeon", SimpleNamespace(surgeon=SimpleNamespace(Model=str)))
    with pytest.raises(LookupError, match="Model of kerassurgeon"):
        modules["surgeon_models"].keras_of_surgeon()
