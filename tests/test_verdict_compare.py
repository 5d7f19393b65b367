"""Two selections compared: who is compared with whom, what is said to have changed, and what is not compared."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from builders import DESCRIPTORS, LOCALLY, PROBES, cell, failed, import_failed, judged, passed, probe, ran, stopped

from orchestrator.errors import CellStatus
from orchestrator.model import Ended, Observation, ProbeKind
from orchestrator.report.compare import document, render
from orchestrator.run.keys import probe_key
from orchestrator.verdict.compare import Comparison, compare, warning_text
from orchestrator.verdict.pairing import pairing

SAMPLE, DRIFT = PROBES["surgeon.sample"], probe("surgeon.numbers", ProbeKind.DRIFT)
ALL = PROBES | {DRIFT.id: DRIFT}


def sides(left, right, named=("tf",), **fields):
    """The pairing of two lists of records."""
    judge = {"probes": ALL, "proven": frozenset(ALL)} | fields
    return pairing(judged(left, **judge), judged(right, **judge), named)


def compared(left, right, named=("tf",), **fields) -> Comparison:
    return compare(sides(left, right, named, **fields))


def pairs(found):
    return [(p.left.cell.axes, p.right.cell.axes) for p in found.pairs]


# ---------------------------------------------------------------- pairing


def test_cells_that_agree_in_all_else_are_paired_and_nothing_is_loose():
    left = [ran(cell("2.3.4", s, resolve=r)) for s in ("none", "0.2.0") for r in ("released", "pip-today")]
    right = [ran(cell("2.4.1", s, resolve=r)) for r in ("pip-today", "released") for s in ("none", "0.2.0")]
    found = sides(left, right)
    assert len(found.pairs) == 4
    assert all(
        {k: v for k, v in a.items() if k != "tf"} == {k: v for k, v in b.items() if k != "tf"} for a, b in pairs(found)
    )
    assert (found.loose, found.alone) == ((), (0, 0))


def test_where_no_python_has_both_the_nearest_is_taken_and_said():
    left, right = [ran(cell("2.3.4"))], [ran(cell("2.15.1", python=p)) for p in ("3.11", "3.9")]
    found = sides(left, right)
    assert [b["python"] for _, b in pairs(found)] == ["3.9"]
    assert found.loose == ("Python (3.7 vs 3.9)", "base (cpython-3.7 vs cpython-3.9)")
    assert found.alone == (0, 1)


def test_a_subject_weighs_more_than_python_and_python_more_than_the_strategy():
    left = [ran(cell("2.3.4", "0.2.0"))]
    right = [
        ran(cell("2.15.1", "none", "3.7")),
        ran(cell("2.15.1", "0.2.0", "3.9")),
        ran(cell("2.15.1", "0.2.0", "3.7", "pip-today")),
    ]
    assert [b["resolve"] for _, b in pairs(sides(left, right))] == ["pip-today"]
    assert [b["python"] for _, b in pairs(sides(left, right[:2]))] == ["3.9"]


def test_only_pairs_that_differ_in_the_same_axes_are_made():
    left = [ran(cell("2.3.4", resolve=r)) for r in ("released", "pip-today", "uv-today")]
    right = [ran(cell("2.4.1", resolve=r)) for r in ("released", "forced")]
    found = sides(left, right)
    assert [(a["resolve"], b["resolve"]) for a, b in pairs(found)] == [("released", "released")]
    assert found.alone == (2, 1)


def test_what_did_not_run_is_paired_with_nothing():
    trouble = stopped(cell("2.4.1"), CellStatus.INFRA, "index")
    assert sides([ran(cell("2.3.4"))], [trouble]).pairs == ()
    wrong = ran(cell("2.4.1"), failed("control.passes"))
    assert sides([ran(cell("2.3.4"))], [wrong]).pairs == ()


def test_cells_named_by_id_are_about_the_packages_they_differ_in():
    found = sides([ran(cell("2.3.4"))], [ran(cell("2.15.1", python="3.9"))], named=())
    assert found.apart == ("tf",)
    assert "Python (3.7 vs 3.9)" in found.loose
    assert sides([ran(cell())], [ran(cell(resolve="pip-today"))], named=()).apart == ("resolve",)


def test_other_pins_and_the_engine_are_not_held_still_either():
    left, right = ran(cell("2.3.4")), ran(cell("2.4.1"), engine=LOCALLY)
    numpy, rest = right.lock.distributions
    other = replace(right.lock, distributions=(replace(numpy, version="1.20.0"), replace(rest, name="wrapt")))
    found = sides([left], [replace(right, lock=other)])
    assert found.loose == ("engine (docker vs local)", "1 other pin", "2 packages only on one side")


def test_a_probe_that_was_another_version_of_itself_on_one_side_is_said():
    current = probe_key("e", SAMPLE, ())
    left = replace(ran(cell("2.3.4"), passed(SAMPLE.id, value="a", key=current)), environment_key="e")
    right = replace(ran(cell("2.4.1"), passed(SAMPLE.id, value="a", key="older")), environment_key="e")
    (said,) = sides([left], [right]).loose
    assert said.startswith("1 probe itself (an older version ran on one side")


# ---------------------------------------------------------------- what changed


def test_checks_that_stop_and_start_carry_the_cause():
    found = compared(
        [ran(cell("2.3.4"), failed("surgeon.conv"))],
        [ran(cell("2.4.1"), failed("surgeon.dense"), import_failed("surgeon.import", module="kerassurgeon"))],
    )
    assert [i.probe.id for i in found.starts] == ["surgeon.conv"]
    causes = {i.probe.id: i.cause for i in found.stops}
    assert causes["surgeon.dense"] == "TypeError: Keras symbolic inputs/outputs do not implement `__len__`"
    assert causes["surgeon.import"].startswith("import kerassurgeon: TypeError: Descriptors")


def test_a_check_that_is_blocked_on_one_side_stops_but_was_not_failing_otherwise():
    right = [ran(cell("2.4.1"), import_failed("surgeon.dense"), import_failed("surgeon.conv"))]
    found = compared([ran(cell("2.3.4"), failed("surgeon.conv"))], right)
    (stops,) = found.stops
    assert stops.cause.startswith("blocked: import tensorflow: TypeError")
    conv = next(i for i in found.uncompared if i.probe.id == "surgeon.conv")
    assert conv.what == "fail (left), blocked (right)"


def test_the_same_failure_is_unchanged_and_another_is_told_apart():
    left = [ran(cell("2.3.4"), failed("surgeon.dense"), failed("surgeon.conv"))]
    right = [ran(cell("2.4.1"), failed("surgeon.dense"), failed("surgeon.conv", DESCRIPTORS))]
    found = compared(left, right)
    assert [i.probe.id for i in found.otherwise] == ["surgeon.conv"]
    assert found.same["failing check"] == 1
    assert not found.stops


@pytest.mark.parametrize(
    "ended",
    [Observation(probe="surgeon.dense", ended=Ended.NOT_RUN, reason="cell-budget"), failed("surgeon.dense", within="")],
)
def test_no_result_and_our_own_mistake_are_never_a_change(ended):
    found = compared([ran(cell("2.3.4"))], [ran(cell("2.4.1"), ended)], proven=frozenset())
    assert not found.stops
    assert [i.probe.id for i in found.uncompared if i.probe.kind is ProbeKind.CHECK] == ["surgeon.dense"]


def test_behaviours_tell_old_and_new_and_equal_ones_are_only_counted():
    left = [ran(cell("2.3.4", s), passed(SAMPLE.id, value={"reached": "fit", "at": 1})) for s in ("none", "0.2.0")]
    right = [ran(cell("2.4.1", s), passed(SAMPLE.id, value={"reached": "the end", "at": 1})) for s in ("none", "0.2.0")]
    (item,) = compared(left, right).values
    assert (item.what, item.pairs) == ("reached: fit → the end", (0, 1))
    assert (
        compared(left, [replace(r, cell=cell("2.4.1", s)) for r, s in zip(left, ("none", "0.2.0"), strict=True)]).same[
            "behaviour"
        ]
        == 2
    )


def test_numbers_drift_beyond_rounding_and_the_largest_over_the_pairs_is_told():
    left = [ran(cell("2.3.4", s), passed(DRIFT.id, value=[1.0, 2.0])) for s in ("none", "0.2.0")]
    near = ran(cell("2.4.1", "none"), passed(DRIFT.id, value=[1.0, 2.5]))
    far = ran(cell("2.4.1", "0.2.0"), passed(DRIFT.id, value=[1.0, 5.0]))
    (drifted,) = compared(left, [near, far]).drifts
    assert (drifted.apart.largest, drifted.apart.where, len(drifted.pairs)) == (3.0, "[1]", 2)
    rounding = ran(cell("2.4.1", "none"), passed(DRIFT.id, value=[1.0000001, 2.0]))
    found = compared(left[:1], [rounding])
    assert (found.drifts, found.same["drift"]) == ((), 1)


def test_warnings_are_the_same_wherever_they_were_raised():
    here, moved = "FutureWarning: old (keras/a.py:12)", "FutureWarning: old (keras/b.py:99)"
    left = ran(cell("2.3.4"), passed("surgeon.dense", warnings=(here, "UserWarning: gone (x.py:1)")))
    right = ran(
        cell("2.4.1"),
        passed("surgeon.dense", warnings=(moved,)),
        passed("surgeon.conv", warnings=("DeprecationWarning: new (y.py:2)",)),
    )
    found = compared([left], [right])
    assert [(w.text, w.probes) for w in found.appeared] == [("DeprecationWarning: new", ("surgeon.conv",))]
    assert [w.text for w in found.gone] == ["UserWarning: gone"]
    assert warning_text("W: see (this) now (a/b.py:3)") == "W: see (this) now"


def test_probes_that_only_one_side_has_are_named_and_not_compared():
    found = compared([ran(cell("2.3.4", "none"))], [ran(cell("2.3.4", "0.2.0"))], named=("kerassurgeon",))
    assert "tensorflow.fit" in found.only_left
    assert "surgeon.dense" in found.only_right
    assert found.same == {"check": 1}


def test_what_only_some_pairs_say_is_told_of_those_that_could():
    left = [ran(cell("2.3.4", resolve=r)) for r in ("released", "pip-today")]
    left.append(ran(cell("2.3.4", "none")))
    right = [
        ran(cell("2.4.1"), failed("surgeon.dense")),
        ran(cell("2.4.1", resolve="pip-today")),
        ran(cell("2.4.1", "none")),
    ]
    found = compared(left, right)
    assert len(found.pairing.pairs) == 3
    assert "surgeon.dense (in 1 of 2 pairs): TypeError: Keras symbolic" in render(found, width=200)


# ---------------------------------------------------------------- printed


def _changed() -> Comparison:
    left = ran(cell("2.3.4"), passed(SAMPLE.id, value="a"), passed(DRIFT.id, value=[1.0]))
    right = ran(
        cell("2.15.1", python="3.11"),
        failed("surgeon.dense"),
        failed("surgeon.conv"),
        passed(SAMPLE.id, value="b\x1b[31m"),
        passed(DRIFT.id, value=[2.0]),
    )
    return compared([left], [right])


def test_the_first_line_says_what_was_not_held_still_then_come_counts_and_lists():
    out = render(_changed(), width=100)
    assert out.startswith("Not held constant: Python (3.7 vs 3.11) · base (cpython-3.7 vs cpython-3.11).\n")
    order = [
        "1 pair of combinations compared",
        "2 checks stop passing · 0 start · 1 behaviour changes · numbers of 1 probe drift",
        "Checks that stop passing",
        "do not implement `__len__` · 2 probes",
        "surgeon.conv, surgeon.dense",
        "surgeon.sample: a → b",
        "surgeon.numbers: 1 of 1 apart, most at [0]: 1.0 → 2.0 (by 1)",
        "Unchanged: 2 passing.",
    ]
    places = [out.index(part) for part in order]
    assert places == sorted(places)
    assert "\x1b" not in out


def test_nothing_loose_is_said_as_well_and_unproven_checks_are_counted_apart():
    found = compared([ran(cell("2.3.4"))], [ran(cell("2.4.1"), failed("surgeon.dense"))], proven=frozenset())
    out = render(found)
    assert out.startswith("Held constant: everything except tf.\n")
    assert "1 of these checks unproven" in out.replace("\n", " ")


@pytest.mark.parametrize("width", [40, 80])
def test_it_fits_the_window(width):
    assert max(len(line) for line in render(_changed(), width=width).splitlines()) <= width


def test_the_json_is_strict_and_has_it_all():
    made = json.loads(document(_changed()))
    assert [i["probe"] for i in made["stops"]] == ["surgeon.conv", "surgeon.dense"]
    assert made["behaviours"][0]["old"] == "a"
    assert made["drifts"][0]["largest"] == 1.0
    assert made["not_held_still"][0] == "Python (3.7 vs 3.11)"
    assert made["pairs"] == [{"left": cell("2.3.4").id, "right": cell("2.15.1", python="3.11").id}]
