"""Planning is pure: the product, less what excludes take, plus what includes give back."""

from __future__ import annotations

import itertools
import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from matrix_index import TinyIndex

from orchestrator.errors import UserError
from orchestrator.matrix.document import parse
from orchestrator.matrix.expand import expand, groups_of, walk
from orchestrator.matrix.patterns import matching
from orchestrator.matrix.ranges import resolve
from orchestrator.matrix.select import Selector, select
from orchestrator.model import Axis, Cell, Choice, Group, Matrix, Rule

TEXT = """\
schema: 1
title: T
axes:
  tf: {package: tensorflow, choices: ["2.3.4", "2.4.0", "2.4.1"]}
  sub: {package: sub, choices: [none, "1.0"], subject: true}
  python: {kind: python, choices: ["3.7", "3.9"]}
  resolve: {kind: resolve, choices: [released, pip-today]}
"""
AXES = (
    Axis(name="tf", kind="package", package="tensorflow"),
    Axis(name="sub", kind="package", package="sub", default="none"),
    Axis(name="python", kind="python"),
    Axis(name="resolve", kind="resolve"),
)
NAMES = (("2.3.4", "2.4.0", "2.4.1"), ("none", "1.0"), ("3.7", "3.9", "3.11"), ("released", "pip-today"))


def plan_of(rest: str = "", text: str = TEXT):
    return expand(resolve(parse(text + rest, "matrix.yaml"), TinyIndex({})))


def refused(rest: str) -> str:
    with pytest.raises(UserError) as caught:
        plan_of(rest)
    return caught.value.message


def test_the_product_comes_in_the_order_of_the_axes():
    cells = plan_of().cells
    assert len(cells) == 24
    assert cells[0].axes == {"tf": "2.3.4", "sub": "none", "python": "3.7", "resolve": "released"}
    assert cells[1].axes["resolve"] == "pip-today"
    assert cells[-1].axes == {"tf": "2.4.1", "sub": "1.0", "python": "3.9", "resolve": "pip-today"}


def test_an_exclude_takes_what_matches_all_its_conditions_and_says_why():
    plan = plan_of("exclude: [{tf: '2.4', sub: '!none', reason: too new}]\n")
    assert [(e.count, e.reason) for e in plan.excluded] == [(8, "too new")]
    assert len(plan.cells) == 16
    assert plan.combinations == 24
    assert not [c for c in plan.cells if c.get("tf") != "2.3.4" and c.get("sub") == "1.0"]


def test_an_include_gives_back_what_an_exclude_pruned_long_before():
    plan = plan_of(
        "exclude: [{tf: '2.4', reason: too new}]\n"
        "include: [{tf: latest, python: '3.9', resolve: pip-today, reason: but once}]\n"
    )
    back = [c.axes for c in plan.cells if c.get("tf") == "2.4.1"]
    assert [(a["sub"], a["python"], a["resolve"]) for a in back] == [
        ("none", "3.9", "pip-today"),
        ("1.0", "3.9", "pip-today"),
    ]
    assert plan.excluded[0].count == 14


def test_a_rule_that_matches_nothing_names_its_line():
    assert refused("exclude:\n  - {tf: '2.9', reason: x}\n") == (
        "matrix.yaml:9:5 exclude[0].tf: '2.9' matches no choice of the axis tf"
    )
    assert "exclude[0].tf: >=2.4,<2.4 together match no choice" in refused("exclude: [{tf: '>=2.4,<2.4', reason: x}]\n")


def test_a_rule_that_removes_nothing_because_others_did_names_its_line():
    rest = "exclude:\n  - {tf: '2.4', reason: x}\n  - {tf: '2.4.1', python: '3.7', reason: y}\n"
    assert refused(rest).startswith("matrix.yaml:10:5 exclude[1]: removes nothing")


def test_an_include_that_gives_nothing_back_names_its_line():
    rest = "exclude: [{tf: '2.4', reason: x}]\ninclude: [{tf: '2.3', reason: y}]\n"
    assert refused(rest).startswith("matrix.yaml:9:11 include[0]: restores nothing")


def test_an_empty_product_is_refused():
    assert "every combination is excluded" in refused("exclude: [{tf: '2', reason: x}]\n")


def test_a_product_beyond_all_bounds_is_refused_in_time():
    axes = "".join(f"  a{i}: {{package: p{i}, choices: {[str(n) for n in range(1, 80)]}}}\n" for i in range(9))
    started = time.perf_counter()
    with pytest.raises(UserError, match="more than 100,000 cells"):
        plan_of("", TEXT.replace("  tf:", axes + "  tf:"))
    rest = "exclude: [{tf: '2', resolve: [released, pip-today], reason: x}]\n"
    with pytest.raises(UserError, match="combinations, and the rules on the first axes exclude too few"):
        plan_of(rest, TEXT.replace("  tf:", axes + "  tf:"))
    assert time.perf_counter() - started < 60


def test_the_groups_of_a_cell_are_those_whose_conditions_hold():
    rest = "groups: {all: {}, alone: {where: {sub: none}}, with: {where: {sub: '!none', tf: '2.4'}}}\n"
    matrix = resolve(parse(TEXT + rest, "m"), TinyIndex({}))
    by_axes = {(c.get("tf"), c.get("sub")): [g.name for g in groups_of(c, matrix)] for c in expand(matrix).cells}
    assert by_axes["2.4.1", "none"] == ["all", "alone"]
    assert by_axes["2.4.1", "1.0"] == ["all", "with"]
    assert by_axes["2.3.4", "1.0"] == ["all"]


def test_a_new_axis_at_its_default_changes_no_id():
    more = "  env: {kind: env, choices: [plain, {name: x, set: {X: '1'}}]}\n"
    more += "  np: {package: numpy, choices: [unpinned, '1.0']}\n"
    before = {c.id for c in plan_of().cells}
    after = plan_of(more).cells
    assert {c.id for c in after if c.get("env") == "plain" and c.get("np") == "unpinned"} == before
    assert len({c.id for c in after}) == 4 * len(before)


def test_ten_thousand_cells_out_of_hundreds_of_thousands_take_well_under_a_second():
    versions = ", ".join(f"'1.{i}'" for i in range(100))
    text = TEXT.replace('["2.3.4", "2.4.0", "2.4.1"]', f"[{versions}]").replace('[none, "1.0"]', f"[{versions}]")
    text = text.replace('["3.7", "3.9"]', "[" + ", ".join(f'"3.{i}"' for i in range(7, 27)) + "]")
    rest = "exclude: [{tf: '1.50..1.99', reason: x}, {sub: '1.5..1.99', reason: y}]\n"
    started = time.perf_counter()
    plan = plan_of(rest, text)
    assert (len(plan.cells), plan.combinations) == (10_000, 400_000)
    assert time.perf_counter() - started < 3  # measured: 0.15 s; generous for a busy machine


# ---------------------------------------------------------------- laws


def conditions(axis: int) -> st.SearchStrategy[tuple[str, tuple[str, ...]]]:
    chosen = st.lists(st.sampled_from(NAMES[axis]), min_size=1, max_size=2, unique=True)
    return chosen.map(lambda names: (AXES[axis].name, tuple(names)))


rules = (
    st.lists(st.integers(0, len(AXES) - 1), min_size=1, max_size=3, unique=True)
    .flatmap(lambda axes: st.tuples(*(conditions(axis) for axis in axes)))
    .map(lambda where: Rule(where=where, reason="because"))
)
some_rules = st.lists(rules, max_size=5).map(tuple)
matrices = st.builds(
    lambda exclude, include: Matrix(
        title="T",
        choices=tuple(tuple(Choice(axis=a, name=n) for n in names) for a, names in zip(AXES, NAMES, strict=True)),
        exclude=exclude,
        include=include,
    ),
    some_rules,
    some_rules,
)


def holds(cell: Cell, rule: Rule) -> bool:
    listed = dict(zip((a.name for a in AXES), NAMES, strict=True))
    return all(cell[axis].name in matching(cell[axis].axis, listed[axis], wanted) for axis, wanted in rule.where)


@given(matrices)
def test_a_cell_is_planned_unless_an_exclude_and_no_include_matches_it(matrix):
    plan = walk(matrix)
    every = [Cell(choices=choices) for choices in itertools.product(*matrix.choices)]
    wanted = [
        c
        for c in every
        if any(holds(c, rule) for rule in matrix.include) or not any(holds(c, rule) for rule in matrix.exclude)
    ]
    assert list(plan.cells) == wanted
    assert plan.combinations == len(every)
    assert len({c.id for c in every}) == len(every)


@given(matrices, st.randoms(use_true_random=False))
def test_the_order_of_rules_and_of_choices_changes_no_cell(matrix, random):
    def shuffled(items: tuple) -> tuple:
        return tuple(random.sample(items, len(items)))

    other = replace(
        matrix,
        exclude=shuffled(matrix.exclude),
        include=shuffled(matrix.include),
        choices=shuffled(tuple(shuffled(choices) for choices in matrix.choices)),
    )
    assert {c.id for c in walk(other).cells} == {c.id for c in walk(matrix).cells}
    assert sum(e.count for e in walk(other).excluded) == sum(e.count for e in walk(matrix).excluded)


@given(matrices, rules)
def test_an_exclude_only_takes_and_an_include_of_it_gives_all_back(matrix, rule):
    bare = replace(matrix, exclude=(*matrix.exclude, rule))
    before, after = walk(matrix).cells, walk(bare).cells
    assert set(after) <= set(before)
    assert all(holds(c, rule) for c in set(before) - set(after))
    again = walk(replace(bare, include=(*bare.include, rule))).cells
    assert set(again) == set(before) | {
        Cell(choices=p) for p in itertools.product(*matrix.choices) if holds(Cell(choices=p), rule)
    }


@given(matrices)
def test_expanding_twice_gives_the_same(matrix):
    assert walk(matrix) == walk(matrix)


@given(matrices, st.lists(st.integers(0, len(AXES) - 1).flatmap(conditions), max_size=3))
def test_selecting_keeps_order_and_adds_nothing(matrix, wanted):
    cells = walk(matrix).cells
    found = select(cells, [Selector(word="w", axis=axis, names=frozenset(names)) for axis, names in wanted])
    assert [c for c in cells if c in set(found)] == list(found)
    assert all(c.get(axis) in names for c in found for axis, names in wanted)


@given(matrices)
def test_every_cell_gets_the_groups_whose_where_it_meets(matrix):
    groups = tuple(Group(name=f"g{i}", where=rule.where) for i, rule in enumerate(matrix.exclude))
    matrix = replace(matrix, groups=groups)
    for cell in walk(matrix).cells:
        expected = [g for g in groups if holds(cell, Rule(where=g.where, reason=""))]
        assert list(groups_of(cell, matrix)) == expected
