"""The kinds of axes that are registered, and that nothing outside their files decides by a kind's name."""

from __future__ import annotations

import ast
from pathlib import Path

import jsonschema
import pytest

from orchestrator.axes.registry import KINDS, beyond_default, kind_of, phrase
from orchestrator.errors import UserError
from orchestrator.matrix.document import parse
from orchestrator.model import Axis, Cell, Choice
from orchestrator.store.evidence_codec import PUBLISHED, load

ROOT = Path(__file__).parents[1]
NAMES = {"PACKAGE", "PYTHON", "DEVICE", "RESOLVE"}
SPECIFIC = {
    # Pythons and strategies have columns of their own; whatever else there is stands in a row's name
    "verdict/tables.py",
    # values of other Pythons at the same version stand beside it
    "verdict/ranges.py",
    # doctor looks for a base of each Python
    "app/machine.py",
    "model/__init__.py",
}
LISTED = """\
schema: 1
title: T
axes:
  tf: {package: tensorflow, choices: [none, unpinned, "2.4.1"]}
  python: {kind: python, choices: ["3.9"]}
  device: {kind: device, choices: [cpu, cuda11.2]}
  env: {kind: env, choices: [plain, {name: keras2, set: {A: "1"}}]}
  resolve: {kind: resolve, choices: [released, pip-today, uv-today, forced]}
"""


def axis(kind: str) -> Axis:
    return Axis(name="a", kind=kind, package="p" if kind == "package" else None)


def test_kinds_go_by_their_names():
    assert [kind.name for kind in KINDS.values()] == list(KINDS)


def test_no_two_kinds_weigh_the_same_where_cells_are_compared():
    kinds = KINDS.values()
    assert len({kind.standing.held for kind in kinds}) == len({kind.standing.effort for kind in kinds}) == len(KINDS)


@pytest.mark.parametrize("name", KINDS)
def test_what_goes_without_saying_asks_for_nothing(name):
    kind = KINDS[name]
    for choice in kind.naming.neutral:
        assert not beyond_default(Choice(axis=axis(name), name=choice))
        assert kind.pins(Choice(axis=axis(name), name=choice)) == ()
        assert kind.unlisted.make(axis(name), choice) == Choice(axis=axis(name), name=choice)


def test_the_schema_accepts_what_kinds_read():
    listed = {source.axis.kind: [c.name for c in source.choices] for source in parse(LISTED, "matrix.yaml").axes}
    for name, choices in listed.items():
        for choice in choices:
            if choice != "keras2":
                jsonschema.validate(choice, KINDS[name].schema)


def test_the_words_for_each_kind():
    expected = {"package": "p x", "python": "Python x", "device": "x", "env": "a x", "resolve": "x"}
    assert {name: phrase(Choice(axis=axis(name), name="x")) for name in expected} == expected


def test_a_kind_that_nobody_registered_is_an_error_with_a_way_on():
    with pytest.raises(UserError) as caught:
        kind_of(axis("colour"))
    assert caught.value.message == "axis a: unknown kind 'colour'"
    assert ", ".join(KINDS) in caught.value.hint


def test_only_a_few_modules_name_a_kind_and_say_why():
    named = set()
    for path in sorted((ROOT / "orchestrator").rglob("*.py")):
        imports = (n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.ImportFrom))
        if any(alias.name in NAMES for n in imports for alias in n.names):
            named.add(str(path.relative_to(ROOT / "orchestrator")))
    assert {name for name in named if not name.startswith("axes/")} == SPECIFIC


def test_published_evidence_has_registered_kinds_and_the_ids_it_always_had():
    published = load(ROOT / PUBLISHED)
    assert {choices[0].axis.kind for choices in published.known.choices} <= set(KINDS)
    named = {
        "tf": "2.4.1",
        "keras": "unpinned",
        "kerassurgeon": "0.2.0",
        "python": "3.7",
        "device": "cpu",
        "env": "plain",
        "resolve": "pip-today",
    }
    listed = {choices[0].axis.name: choices for choices in published.known.choices}
    cell = Cell(choices=tuple(next(c for c in listed[a] if c.name == name) for a, name in named.items()))
    assert cell.id == "8312ba71d1fd"
    assert published.records[cell.id].cell == cell
