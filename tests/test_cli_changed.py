"""A matrix that was changed, and two that share a store: what was seen of one is never shown as another's."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

from command import MATRIX, Index, compat_fixture  # noqa: F401
from fakes import cell

from orchestrator.matrix.expand import groups_of
from orchestrator.model import Group
from orchestrator.store.store import lock_key

OTHER = """\
schema: 1
title: another
axes:
  tf: {package: tensorflow, choices: ["2.3.4"]}
  python: {kind: python, choices: ["3.7"]}
  resolve: {kind: resolve, choices: [released]}
groups:
  environment: {core: [environment.tensorflow]}
questions:
  - {ask: "Does TensorFlow {tf} work?", group: environment}
"""


def test_a_result_of_one_package_never_stands_for_anothers(compat, monkeypatch):
    """An axis keeps its name and gets another package: nothing of that one has run."""
    compat("run python=3.7 resolve=released")
    assert "not run" not in compat("table kerassurgeon=0.2.0 python=3.7 resolve=released")[1]
    changed = MATRIX.replace("{package: kerassurgeon", "{package: other")
    assert changed != MATRIX
    (compat.folder / "matrix.yaml").write_text(changed)
    index = Index({"tensorflow": ("2.3.4", "2.4.1"), "other": ("0.2.0",)})
    compat.index = index
    status, out, _ = compat("table kerassurgeon=0.2.0 python=3.7 resolve=released")
    assert status == 0
    assert "works" not in out.replace("works in", "")
    assert "not run" in out
    assert "2 to run" in compat("plan kerassurgeon=0.2.0 python=3.7 resolve=released")[1]


def test_neither_do_pins_that_were_found_for_it():
    one = cell()
    renamed = tuple(
        replace(c, axis=replace(c.axis, package="other")) if c.axis.package == "kerassurgeon" else c
        for c in one.choices
    )
    other = replace(one, choices=renamed)
    assert other != one
    assert (one.id, lock_key(one, "b", "d")) == (other.id, lock_key(one, "b", "d"))
    assert lock_key(other, "b", "d") != lock_key(one, "b", "d")


def test_a_cell_of_another_matrix_in_the_same_folder_can_be_looked_at(compat):
    (compat.folder / "other.yaml").write_text(OTHER)
    status, out, _ = compat("try -m other.yaml tensorflow==2.4.1 python=3.7")
    assert status == 0
    name = out.split("[1/1] ")[1].split()[0]
    for line in (f"show {name}", f"pins {name}", "table", "export --json"):
        status, out, err = compat(line)
        assert status in (0, 2), line
        assert "Traceback" not in out + err


def test_a_group_that_asks_for_an_axis_which_a_cell_does_not_have_is_not_its():
    """Attack: `show` of what was tried with another matrix ended in a traceback."""
    whole = cell()
    less = replace(whole, choices=tuple(c for c in whole.choices if c.axis.package != "kerassurgeon"))
    (group,) = (Group(name="surgeon", where=(("kerassurgeon", ("none",)),)),)
    matrix = SimpleNamespace(choices=tuple((c,) for c in whole.choices), groups=(group,))
    assert groups_of(less, matrix) == ()
