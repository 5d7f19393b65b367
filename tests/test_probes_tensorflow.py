"""All probe files, read but never run: grammar, imports, declarations; and the sabotage that proves checks."""

import ast
import importlib
import json
import subprocess
import sys

import pytest
from staged import HARNESS, PROBES, of_probes

FILES = [*of_probes(), *(PROBES / "harness" / name for name in HARNESS)]
KINDS = ("check", "behaviour", "drift", "control")


def trees():
    return {path.stem: ast.parse(path.read_text(encoding="utf-8")) for path in FILES}


def probe_trees():
    """Stem → tree of the files that declare probes."""
    return {
        stem: tree
        for stem, tree in trees().items()
        if f"{stem}.py" not in HARNESS
        and any(isinstance(node, ast.ImportFrom) and node.module == "harness" for node in tree.body)
    }


def declared():
    """(file, kind, decorator call, function) of every probe, as written."""
    found = []
    for stem, tree in probe_trees().items():
        for node in tree.body:
            if not isinstance(node, ast.FunctionDef):
                continue
            for decorator in node.decorator_list:
                name = getattr(getattr(decorator, "func", None), "id", "")
                if name in KINDS:
                    found.append((stem, name, decorator, node))
    return found


@pytest.fixture(scope="module")
def catalogue(flat):
    """What `supervisor.py --catalogue` says of every probe."""
    command = [sys.executable, str(flat / "supervisor.py"), "--catalogue"]
    return json.loads(subprocess.run(command, capture_output=True, check=True).stdout)["probes"]


@pytest.fixture
def mutations(monkeypatch, flat):
    monkeypatch.syspath_prepend(str(flat))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    yield importlib.import_module("mutations")
    del sys.modules["mutations"]


def subjects(function):
    """`with subject(…)` blocks written in a function."""
    return [
        item
        for node in ast.walk(function)
        if isinstance(node, ast.With)
        for item in node.items
        if getattr(getattr(item.context_expr, "func", None), "id", "") == "subject"
    ]


def module_level_imports(tree):
    """Top-level names that are imported when the module is."""
    inside = {
        id(child)
        for node in ast.walk(tree)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
        for child in ast.walk(node)
    }
    names = set()
    for node in ast.walk(tree):
        if id(node) in inside:
            continue
        if isinstance(node, ast.Import):
            names.update(alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "relative imports don't work beside the supervisor"
            names.add(node.module.split(".")[0])
    return names


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_file_is_python_3_6(path):
    tree = ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 6))
    assert tree.body


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_file_imports_the_standard_library_and_its_neighbours_only(path):
    neighbours = {other.stem for other in FILES}
    strange = module_level_imports(ast.parse(path.read_text(encoding="utf-8"))) - neighbours - sys.stdlib_module_names
    assert strange == set()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_file_stays_readable_in_one_sitting(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 450


def test_no_file_takes_the_name_of_a_standard_library_module():
    assert {path.stem for path in FILES} & set(sys.stdlib_module_names) == set()


def test_what_a_check_asserts_of_the_subject_is_inside_its_subject_block():
    outside = []
    for stem, kind, _, node in declared():
        if kind != "check":
            continue
        inside = {
            id(child)
            for block in ast.walk(node)
            if isinstance(block, ast.With) and any(item in subjects(node) for item in block.items)
            for child in ast.walk(block)
        }
        outside += [
            f"{stem}.{node.name}:{call.lineno}"
            for call in ast.walk(node)
            if isinstance(call, ast.Call)
            and getattr(call.func, "id", "") in ("expect", "assert_close")
            and id(call) not in inside
        ]
    assert outside == []


def test_ids_are_unique_and_begin_with_their_group(catalogue):
    ids = [probe["id"] for probe in catalogue]
    assert len(ids) == len(set(ids))
    assert [probe["id"] for probe in catalogue if probe["id"].split(".")[0] != probe["group"]] == []
    assert {probe["group"] for probe in catalogue} >= {"environment", "tensorflow", "seeds"}


def test_every_declared_probe_reaches_the_catalogue(catalogue):
    written = {call.args[0].value for _, _, call, _ in declared() if isinstance(call.args[0], ast.Constant)}
    assert written - {probe["id"] for probe in catalogue} == set()


def test_every_question_is_one(catalogue):
    assert [probe["id"] for probe in catalogue if not probe["question"].endswith("?")] == []


def test_no_two_probes_ask_the_same_question(catalogue):
    questions = [probe["question"] for probe in catalogue]
    assert sorted({question for question in questions if questions.count(question) > 1}) == []


def test_every_probe_names_its_source(catalogue):
    assert [probe["id"] for probe in catalogue if not probe["source"] and probe["group"] != "control"] == []


def test_every_sample_of_the_five_seeds_is_a_behaviour(catalogue):
    kinds = {probe["id"]: probe["kind"] for probe in catalogue if ".s00" in probe["id"]}
    for seed in range(5):
        for example in (1, 2, 3):
            group = "seeds" if seed else "surgeon"
            halves = ("_keras", "_tf_keras") if seed == 2 else ("",)
            for half in halves:
                assert kinds[f"{group}.s00{seed}_example{example}{half}"] == "behaviour"


def test_the_tensorflow_group_has_at_least_fourteen_checks(catalogue):
    assert len([p for p in catalogue if p["group"] == "tensorflow" and p["kind"] == "check"]) >= 14


def test_every_check_can_be_sabotaged(catalogue, mutations):
    checks = [p["id"] for p in catalogue if p["kind"] == "check"]
    assert [check for check in checks if check not in mutations.known()] == []


def test_only_checks_are_sabotaged(catalogue, mutations):
    assert set(mutations.known()) - {p["id"] for p in catalogue if p["kind"] == "check"} == set()


class Model:
    """As much of a model as the mutations touch."""

    def __init__(self):
        self.weights = [1.0]

    def get_weights(self):
        return list(self.weights)

    def set_weights(self, weights):
        self.weights = list(weights)

    def fit(self):
        self.weights = [2.0]
        return "history"


def test_an_undone_fit_returns_its_history_and_leaves_the_weights(mutations):
    model = Model()
    assert mutations.undone(Model.fit)(model) == "history"
    assert model.weights == [1.0]


def test_a_loaded_model_gets_other_weights(mutations):
    assert mutations.other_weights(Model)().weights == [1.5]


def test_results_that_are_off_keep_their_form(mutations):
    result = mutations.off(lambda: {"loss": 2, "parts": [1, (0.5,)], "name": "x"})()
    assert result == {"loss": 5, "parts": [3, (2.0,)], "name": "x-off"}


def test_a_dropped_argument_does_not_arrive(mutations):
    assert mutations.without("callbacks")(lambda **given: given)(callbacks=1, epochs=2) == {"epochs": 2}


def test_a_path_is_followed_through_modules_and_attributes(mutations, monkeypatch):
    monkeypatch.setattr(json.JSONDecoder, "decode", json.JSONDecoder.decode)
    monkeypatch.setitem(mutations.MUTATIONS, "some.check", ("json.decoder.JSONDecoder.decode", mutations.nothing))
    assert mutations.apply("some.check") == "json.decoder.JSONDecoder.decode"
    assert json.JSONDecoder().decode("[1]") is None


def test_a_check_without_a_mutation_is_left_alone(mutations):
    assert mutations.apply("no.such_check") == ""


def test_how_far_names_the_step_that_was_being_taken(monkeypatch, flat):
    monkeypatch.syspath_prepend(str(flat))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    progress = importlib.import_module("progress")

    def sample():
        yield "first"
        try:
            yield "second"
            raise KeyError("handled")
        except KeyError as error:
            yield progress.Caught(error)
        yield "third"
        raise TypeError("not handled")

    found = progress.how_far(sample)
    assert found == {"reached": "third", "raised": "TypeError", "caught": "KeyError", "at": "second"}
    del sys.modules["progress"]
