"""Selectors, as typed."""

from __future__ import annotations

import pytest
from matrix_index import TinyIndex

from orchestrator.errors import UserError
from orchestrator.matrix.document import parse
from orchestrator.matrix.expand import expand
from orchestrator.matrix.ranges import resolve
from orchestrator.matrix.select import explain_empty, parse_selectors, select

TEXT = """\
schema: 1
title: T
axes:
  tf: {package: tensorflow, choices: ["2.3.4", "2.4.0", "2.4.1", "2.6.5", "2.15.1"]}
  sub: {package: Sub.Package, choices: [none, "1.0"], subject: true}
  python: {kind: python, choices: ["3.7", "3.9", "3.11"]}
  env: {kind: env, choices: [plain, {name: keras2, set: {X: "1"}}]}
  resolve: {kind: resolve, choices: [released, pip-today]}
exclude:
  - {env: keras2, tf: "<2.14", reason: the switch does not exist there}
  - {env: keras2, resolve: released, reason: with pip only}
"""
MATRIX = resolve(parse(TEXT, "matrix.yaml"), TinyIndex({}))
PLAN = expand(MATRIX)


def chosen(*words: str):
    return select(PLAN.cells, parse_selectors(words, MATRIX))


def values(axis: str, *words: str) -> list[str]:
    return list(dict.fromkeys(c.get(axis) for c in chosen(*words)))


def refused(*words: str) -> UserError:
    with pytest.raises(UserError) as caught:
        chosen(*words)
    return caught.value


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("tf=2.4.1", ["2.4.1"]),
        ("tf=2.4", ["2.4.0", "2.4.1"]),
        ("tf=2.3.4,2.6", ["2.3.4", "2.6.5"]),
        ("tf=2.4..2.6", ["2.4.0", "2.4.1", "2.6.5"]),
        ("tf=latest", ["2.15.1"]),
        ("tf!=2.4", ["2.3.4", "2.6.5", "2.15.1"]),
        ("tf!=2.4.1,2.6", ["2.3.4", "2.4.0", "2.15.1"]),
        ("tf=2.4,!2.4.1", ["2.4.0"]),
        ("tf=!latest", ["2.3.4", "2.4.0", "2.4.1", "2.6.5"]),
        ("tensorflow==2.4.1", ["2.4.1"]),
        ("TensorFlow == 2.4.1", ["2.4.1"]),
        ("tf>=2.4,<2.6", ["2.4.0", "2.4.1"]),
        ("tf>=2.4,!=2.4.1", ["2.4.0", "2.6.5", "2.15.1"]),
        ("tf<2.4", ["2.3.4"]),
        ("tf~=2.4.0", ["2.4.0", "2.4.1"]),
        ("tf==2.4.*", ["2.4.0", "2.4.1"]),
    ],
)
def test_a_selector_by_version(word, expected):
    assert values("tf", word) == expected


def test_selectors_are_anded_and_values_ored():
    cells = chosen("tf=2.4", "python=3.7,3.11", "resolve=pip-today", "sub=!none")
    assert [(c.get("tf"), c.get("python")) for c in cells] == [
        ("2.4.0", "3.7"),
        ("2.4.0", "3.11"),
        ("2.4.1", "3.7"),
        ("2.4.1", "3.11"),
    ]
    assert values("sub", "sub-package==1.0") == ["1.0"]
    assert values("sub", "sub==none") == ["none"]
    assert values("env", "env==keras2") == ["keras2"]


def test_without_selectors_every_cell_is_selected():
    assert chosen() == PLAN.cells


def test_a_bare_axis_asks_about_the_shell():
    assert "did your shell treat >" in refused("tf").message
    assert "'tf>=2.3'" in refused("tf").hint
    assert "did your shell treat >" in refused("tensorflow").message


@pytest.mark.parametrize(
    ("word", "message", "hint"),
    [
        ("fx=2.4", "unknown axis 'fx'", "axes: tf, sub, python, env, resolve"),
        ("tensorfow==2.4", "unknown axis 'tensorfow'", "did you mean 'tensorflow'?"),
        ("pyhton=3.7", "unknown axis 'pyhton'", "did you mean 'python'?"),
        ("tf=2.4.9", "'2.4.9' matches no choice of tf", "close: 2.4.1, 2.4.0"),
        ("tf=2.4,9", "'9' matches no choice of tf", ""),
        ("env=kears2", "'kears2' matches no choice of env", "close: keras2"),
        ("tf=", "'tf=' has no value", ""),
        ("tf=2.4,", "a pattern is empty", ""),
        ("tf=2.6..2.4", "is reversed", ""),
        ("tf>=2.4,<2.4", "matches no choice", ""),
        ("env>1", "needs versions", ""),
        ("python=3.1", "'3.1' matches no choice of python", "close: 3.11"),
        ("tf=" + "1" * 5000, "too long", ""),
        ("abc", "neither a selector nor the start of a cell's id", ""),
        ("--json", "neither a selector nor the start of a cell's id", "AXIS=VALUE"),
    ],
)
def test_what_cant_be_understood_is_asked_about(word, message, hint):
    error = refused(word)
    assert message in error.message
    assert hint in error.hint


def test_the_start_of_an_id_selects_its_cell():
    cell = PLAN.cells[7]
    assert chosen(cell.id[:8]) == (cell,)
    assert chosen(cell.id.upper()) == (cell,)
    assert chosen(cell.id, PLAN.cells[3].id) == (PLAN.cells[3], cell)
    assert chosen(cell.id, f"tf!={cell.get('tf')}") == ()


def test_the_start_of_no_id_or_of_several_is_refused():
    assert "no cell id begins with 0000" in refused("0000").message
    twins = [PLAN.cells[0], PLAN.cells[1]]
    for number, cell in enumerate(twins):
        object.__setattr__(cell, "id", f"abcd0000000{number}")
    with pytest.raises(UserError, match="abcd is ambiguous: it begins the ids of 2 cells") as caught:
        select(twins, parse_selectors(["abcd"], MATRIX))
    assert "abcd00000000  tf=2.3.4 sub=none python=3.7" in caught.value.message


def explained(*words: str) -> UserError:
    selectors = parse_selectors(words, MATRIX)
    assert select(PLAN.cells, selectors) == ()
    return explain_empty(MATRIX, PLAN, selectors)


def test_when_nothing_is_left_the_rules_that_took_it_are_named():
    error = explained("tf=2.4.1", "env=keras2")
    assert error.message == (
        "all 12 combinations that match tf=2.4.1 env=keras2 are excluded:\n"
        "  the switch does not exist there (matrix.yaml:10:5 exclude[0])"
    )
    one = explained("tf=latest", "env=keras2", "resolve=released", "python=3.7", "sub=none")
    assert one.message.endswith("is excluded:\n  with pip only (matrix.yaml:11:5 exclude[1])")


def test_where_several_rules_took_it_together_their_shares_are_named():
    error = explained("env=keras2", "resolve=released")
    assert error.message.endswith("\n  with pip only (matrix.yaml:11:5 exclude[1])")
    rest = "  - {tf: '2.15', python: '3.7', env: keras2, reason: another}\n"
    matrix = resolve(
        parse(TEXT.replace("resolve: released", "python: ['3.9', '3.11']") + rest, "m.yaml"), TinyIndex({})
    )
    error = explain_empty(matrix, expand(matrix), parse_selectors(["env=keras2"], matrix))
    assert error.message.splitlines()[1:] == [
        "  48: the switch does not exist there (m.yaml:10:5 exclude[0])",
        "  8: with pip only (m.yaml:11:5 exclude[1])",
        "  4: another (m.yaml:12:5 exclude[2])",
    ]


def test_selectors_that_contradict_one_another_are_named():
    error = explained("tf=2.4.1", "tf=2.3.4")
    assert error.message == "tf=2.4.1 and tf=2.3.4 have no choice of tf in common"
    assert error.hint == "to select either, write tf=2.3.4,2.4.1"


def test_an_id_that_another_selector_contradicts_is_no_fault_of_a_rule():
    assert "none of the" in explained(PLAN.cells[20].id, f"python!={PLAN.cells[20].get('python')}").message
