from __future__ import annotations

import pytest
from builders import MATRIX, cell, failed, judged, ran, seed_plan

from orchestrator.errors import ExitCode, UserError
from orchestrator.insight.nearest import nearest
from orchestrator.insight.pins import pins
from orchestrator.model import Axis, Cell, Choice
from orchestrator.verdict.judge import CellResult


def found(records, cells=()) -> dict[str, CellResult]:
    return {j.cell.id: j for j in judged(records, cells)}


def test_the_nearest_that_works_differs_in_the_fewest_choices():
    records, cells = seed_plan()
    best = nearest([cell()], "surgeon", judged(records, cells), MATRIX)
    assert best.cell == cell(tf="2.3.4")


def test_of_equally_many_changes_the_easier_one_is_nearer():
    candidates = judged([ran(cell(tf="2.3.4")), ran(cell(resolve="pip-today"))])
    assert nearest([cell()], "surgeon", candidates, MATRIX).cell == cell(resolve="pip-today")


def test_of_equal_changes_the_nearer_version_wins():
    candidates = judged([ran(cell(tf="2.15.1")), ran(cell(tf="2.4.1"))])
    assert nearest([cell(tf="2.3.4")], "surgeon", candidates, MATRIX).cell == cell(tf="2.4.1")


def test_ignoring_requirements_is_nearest_only_when_nothing_else_works():
    forced, other = ran(cell(resolve="forced")), ran(cell(tf="2.3.4", python="3.9"))
    assert nearest([cell()], "surgeon", judged([forced, other]), MATRIX).cell == other.cell
    assert nearest([cell()], "surgeon", judged([forced]), MATRIX).cell == forced.cell


def test_where_nothing_works_there_is_no_nearest():
    assert nearest([cell()], "surgeon", judged([ran(cell(), failed("surgeon.dense"))]), MATRIX) is None
    assert nearest([cell()], "surgeon", judged([], [cell()]), MATRIX) is None


def test_a_cell_with_other_axes_is_near_to_none():
    """As `compat try` makes them, or another matrix that shares the store."""
    records, cells = seed_plan()
    more = Choice(axis=Axis(name="six", kind="package", package="six", default="none"), name="1.16.0")
    other = Cell(choices=(*cell().choices, more))
    assert nearest([other], "surgeon", judged(records, cells), MATRIX) is None
    assert nearest([cell()], "surgeon", [*judged([ran(other)], [other]), *judged(records, cells)], MATRIX) is not None
    with pytest.raises(UserError):
        pins(judged([ran(other, failed("surgeon.dense"))], [other])[0], judged(records, cells), MATRIX)


def test_pins_say_where_and_when_they_were_tried():
    records = [ran(cell(tf="2.3.4"))]
    text = pins(found(records)[cell(tf="2.3.4").id], judged(records), MATRIX)
    heading, lines = text.splitlines()[:-2], text.splitlines()[-2:]
    assert lines == ["numpy==1.19.5", "termcolor==1.1.0"]
    assert all(line.startswith("# ") for line in heading)
    assert "tried 2026-11-20 12:00 UTC on docker 20.10" in text
    assert "uv 0.9.1" in text
    assert "built: termcolor" in text


def test_limited_pins_say_what_does_not_work():
    records = [ran(cell(), failed("surgeon.conv"))]
    assert "# does not work: Does surgeon.conv do?" in pins(judged(records)[0], judged(records), MATRIX)


def test_pins_of_a_broken_cell_are_refused_with_the_nearest_that_works():
    records, cells = seed_plan()
    with pytest.raises(UserError, match="broken") as refused:
        pins(found(records, cells)[cell().id], judged(records, cells), MATRIX)
    assert "tensorflow 2.3.4, kerassurgeon 0.2.0, Python 3.7" in refused.value.hint
    assert refused.value.code is ExitCode.USAGE


def test_pins_of_a_cell_that_was_not_run_are_refused():
    with pytest.raises(UserError, match="not run") as refused:
        pins(judged([], [cell()])[0], (), MATRIX)
    assert "So far nothing in this matrix works" in refused.value.hint


def test_a_note_in_a_lock_can_not_smuggle_a_requirement_in():
    from dataclasses import replace

    record = ran(cell())
    noted = replace(record, lock=replace(record.lock, notes=("fine\nevil==1.0",)))
    lines = pins(judged([noted])[0], (), MATRIX).splitlines()
    assert "evil==1.0" not in lines
