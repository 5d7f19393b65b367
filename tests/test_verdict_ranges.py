"""Which value from which version on: never across what was not run, never assuming order."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise

import pytest
from builders import (
    MATRIX,
    PYTHON,
    RESOLVE,
    SURGEON,
    TF,
    failed,
    import_failed,
    judged,
    passed,
    probe,
    ran,
    stopped,
)
from builders import PROBES as LISTED_PROBES
from builders import cell as cell_of
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.errors import CellStatus, UserError
from orchestrator.model import Axis, Choice, Ended, Matrix, Observation, ProbeKind, Raised
from orchestrator.report.ranges import document, render
from orchestrator.run.keys import probe_key
from orchestrator.verdict.ranges import Ranges, probe_filter, ranges
from orchestrator.verdict.spans import Point, contiguous, label, stretches
from orchestrator.verdict.values import apart, change, key, text, told

LISTED = ("2.1.4", "2.2.3", "2.3.4", "2.4.0", "2.4.1", "2.15.1")
DECAY = probe("tensorflow.decay", ProbeKind.BEHAVIOUR)
PROBES = LISTED_PROBES | {DECAY.id: DECAY}
VERSIONED = tuple(
    tuple(Choice(axis=TF, name=v) for v in LISTED) if choices[0].axis is TF else choices for choices in MATRIX.choices
)
PLAN = replace(MATRIX, choices=VERSIONED)


def said(version: str, value: object, python: str = "3.7", resolve: str = "released", **fields: object):
    """A record of a TensorFlow alone in which the behaviour had this value."""
    here = cell_of(version, "none", python, resolve)
    return ran(here, passed(DECAY.id, value=value, **fields))


def found(*records, cells=(), matrix: Matrix = PLAN, kind: ProbeKind = ProbeKind.BEHAVIOUR) -> Ranges:
    every = (*(r.cell for r in records), *cells)
    made = judged(records, every, matrix=matrix, probes=PROBES, proven=frozenset(PROBES))
    return ranges(matrix, made, probe_filter([kind], ()))


def line_of(table: Ranges, name: str = DECAY.id):
    return next(line for line in table.lines if line.probe.id == name)


def points(**values: object) -> list[Point]:
    return [
        Point(version=v[1:].replace("_", "."), absent=value.removeprefix("!"))
        if isinstance(value, str) and value.startswith("!")
        else Point(version=v[1:].replace("_", "."), value=value)
        for v, value in values.items()
    ]


# ---------------------------------------------------------------- runs


def test_equal_neighbours_are_one_run_and_a_value_that_returns_is_a_new_one():
    runs = contiguous(points(v1="a", v2="a", v3="b", v4="a"))
    assert [(r.value, r.spans) for r in runs] == [("a", (("1", "2"),)), ("b", (("3",),)), ("a", (("4",),))]


def test_a_gap_between_equal_values_is_named_and_never_covered():
    (run,) = contiguous(points(v1="a", v2="!not run", v3="a", v4="a"))
    assert run.spans == (("1",), ("3", "4"))
    assert run.gaps == (("2", "not run"),)


def test_a_gap_between_different_values_and_at_the_ends_belongs_to_no_run():
    runs = contiguous(points(v0="!no wheel", v1="a", v2="!our fault", v3="b", v4="!not run"))
    assert [(r.spans, r.gaps) for r in runs] == [((("1",),), ()), ((("3",),), ())]


def test_nothing_run_is_no_run():
    assert contiguous(points(v1="!not run")) == ()


@given(st.lists(st.sampled_from(["a", "b", None]), max_size=12))
def test_runs_say_of_each_version_what_was_seen_there_and_nothing_else(values):
    seen = [Point(version=str(i), value=v, absent="" if v else "not run") for i, v in enumerate(values)]
    runs = contiguous(seen)
    told_ = {v: run.value for run in runs for span in run.spans for v in span}
    assert told_ == {p.version: p.value for p in seen if not p.absent}
    for run in runs:
        for span in run.spans:
            places = [int(v) for v in span]
            assert places == list(range(places[0], places[-1] + 1))
    assert all(key(a.value) != key(b.value) for a, b in pairwise(runs))


def test_labels_leave_the_patch_out_only_where_all_its_patch_releases_are_there():
    assert label([("2.1.4", "2.2.3", "2.3.4")], LISTED) == "2.1–2.3"
    assert label([("2.3.4", "2.4.0")], LISTED) == "2.3–2.4.0"
    assert label([("2.4.0", "2.4.1")], LISTED) == "2.4"
    assert label([("2.4.1", "2.15.1")], LISTED) == "2.4.1–2.15"
    assert label([("2.1.4",), ("2.3.4", "2.4.0")], LISTED) == "2.1, 2.3–2.4.0"
    assert label(stretches(["2.15.1", "2.1.4", "2.2.3"], LISTED), LISTED) == "2.1–2.2, 2.15"


# ---------------------------------------------------------------- over cells


def test_values_of_a_behaviour_by_version_are_told_in_version_order_not_in_the_files():
    records = [said("2.15.1", "refused"), said("2.1.4", "ignored"), said("2.2.3", "ignored")]
    table = found(*records, cells=[cell_of(v, "none") for v in LISTED])
    out = render(table)
    assert "   2.1–2.2: ignored · 2.3–2.4 not run · 2.15: refused\n" in out
    assert line_of(table).gaps == (("2.3.4", "not run"), ("2.4.0", "not run"), ("2.4.1", "not run"))


def test_patch_releases_may_differ():
    out = render(found(*(said(v, "a" if v != "2.4.0" else "b") for v in LISTED)))
    assert "2.1–2.3: a · 2.4.0: b · 2.4.1–2.15: a" in out


@pytest.mark.parametrize(
    ("record", "why"),
    [
        (stopped(cell_of("2.2.3", "none"), CellStatus.INFRA, "disk-full"), "our fault"),
        (stopped(cell_of("2.2.3", "none"), CellStatus.UNRESOLVABLE, "no-wheel"), "no wheel"),
        (ran(cell_of("2.2.3", "none"), failed("control.passes"), passed(DECAY.id, value="b")), "our fault"),
        (ran(cell_of("2.2.3", "none"), import_failed(DECAY.id)), "import tensorflow fails"),
        (ran(cell_of("2.2.3", "none"), failed(DECAY.id, within="")), "blocked"),
        (ran(cell_of("2.2.3", "none")), "no result"),
        (
            ran(cell_of("2.2.3", "none"), Observation(probe=DECAY.id, ended=Ended.SKIPPED, reason="too old")),
            "does not apply: too old",
        ),
        (
            ran(cell_of("2.2.3", "none"), Observation(probe=DECAY.id, ended=Ended.NOT_RUN, reason="needs:pandas")),
            "needs pandas",
        ),
    ],
)
def test_what_never_came_to_the_question_is_no_value(record, why):
    line = line_of(found(said("2.1.4", "a"), record, said("2.3.4", "a")))
    (run,) = line.runs
    assert run.spans == (("2.1.4",), ("2.3.4",))
    assert run.gaps == (("2.2.3", why),)


def test_what_a_behaviour_raises_in_question_and_how_it_dies_are_values():
    refused = Raised(type="builtins.ValueError", message="no")
    records = [
        said("2.1.4", "ignored"),
        ran(cell_of("2.2.3", "none"), failed(DECAY.id, refused, within="Adam")),
        ran(cell_of("2.3.4", "none"), Observation(probe=DECAY.id, ended=Ended.SIGNAL, signal=11)),
    ]
    assert line_of(found(*records)).texts == ("ignored", "ValueError", "crash")


def test_versions_that_were_not_asked_for_are_never_covered():
    table = found(said("2.1.4", "a"), said("2.3.4", "a"))
    assert table.versions == ("2.1.4", "2.2.3", "2.3.4")
    assert line_of(table).runs[0].gaps == (("2.2.3", "not asked for"),)


def test_checks_have_ranges_as_well():
    records = [ran(cell_of("2.1.4", "none")), ran(cell_of("2.2.3", "none"), failed("tensorflow.fit"))]
    assert line_of(found(*records, kind=ProbeKind.CHECK), "tensorflow.fit").texts == ("pass", "fail: TypeError")


# ---------------------------------------------------------------- what was held still


def test_released_dependencies_on_the_newest_python_that_ran_stand_for_a_version():
    records = [
        said("2.1.4", "old python", "3.7"),
        said("2.1.4", "chosen", "3.9"),
        said("2.1.4", "pip", "3.11", "pip-today"),
    ]
    table = found(*records, cells=[cell_of("2.1.4", "none", "3.11")])
    assert line_of(table).texts == ("chosen",)
    assert line_of(table).beside == (("2.1.4", "3.7", "old python"),)
    assert "differs between Pythons: old python on Python 3.7 with 2.1" in render(table, constant=True)


def test_a_newer_python_on_which_less_of_the_suite_runs_stands_for_no_version():
    groups = tuple(
        replace(g, where=(*g.where, ("python", ("3.7",)))) if g.name == "tensorflow" else g for g in PLAN.groups
    )
    plan = replace(PLAN, groups=groups)
    less = ran(cell_of("2.1.4", "none", "3.9"))
    table = found(said("2.1.4", "the suite", "3.7"), less, said("2.2.3", "the suite", "3.7"), matrix=plan)
    assert line_of(table).texts == ("the suite",)
    assert table.tracks[0].loose == ()


def test_what_had_to_vary_is_said_and_a_change_seen_only_so_is_in_doubt():
    table = found(said("2.1.4", "a", "3.7"), said("2.2.3", "b", "3.9"))
    assert table.tracks[0].loose[0] == "Python 3.7 (2.1), 3.9 (2.2)"
    assert line_of(table).doubts == (("2.1.4", "2.2.3", "Python 3.7 → Python 3.9"),)
    assert "? not the version alone: between 2.1 and 2.2 also Python 3.7 → Python 3.9" in render(table)


def test_a_change_that_a_pair_with_one_python_shows_as_well_is_not_in_doubt():
    table = found(said("2.1.4", "a", "3.7"), said("2.2.3", "b", "3.9"), said("2.2.3", "b", "3.7"))
    assert line_of(table).doubts == ()


def test_a_probe_that_only_runs_beside_a_subject_gets_a_track_of_its_own():
    records = [said("2.1.4", "a"), said("2.2.3", "b")]
    records += [ran(cell_of(v, "0.2.0"), passed("surgeon.sample", value=v)) for v in ("2.1.4", "2.2.3")]
    table = found(*records)
    held = {line.probe.id: table.tracks[line.track].held for line in table.lines}
    assert "kerassurgeon none" in held[DECAY.id]
    assert "kerassurgeon 0.2.0" in held["surgeon.sample"]


def test_a_matrix_without_packages_has_no_versions_to_tell_by():
    plain = Matrix(title="t", choices=((Choice(axis=PYTHON, name="3.7"),), (Choice(axis=RESOLVE, name="released"),)))
    with pytest.raises(UserError, match="no package axis"):
        ranges(plain, (), probe_filter([ProbeKind.BEHAVIOUR], ()))


def test_a_matrix_of_subjects_only_goes_along_the_first_of_them():
    other = Axis(name="lib", kind="package", package="lib", subject=True)
    matrix = Matrix(title="t", choices=((Choice(axis=other, name="1.0"),), (Choice(axis=SURGEON, name="0.2.0"),)))
    assert ranges(matrix, (), probe_filter([ProbeKind.BEHAVIOUR], ())).axis is other


# ---------------------------------------------------------------- printed


def test_only_what_changes_is_shown_unless_all_is_asked_for():
    table = found(said("2.1.4", "a"), said("2.2.3", "a"))
    assert DECAY.id not in render(table)
    assert "0 of 1 change with the version; 1 does not: --all shows." in render(table)
    assert "2.1–2.2: a" in render(table, constant=True)


def test_nothing_run_yet_says_what_to_do():
    assert "no results yet" in render(found(cells=[cell_of("2.1.4", "none")]))


def test_it_fits_eighty_and_forty_columns():
    table = found(*(said(v, {"raised": f"E{i}rror"}) for i, v in enumerate(LISTED)))
    for width in (80, 40):
        assert max(len(row) for row in render(table, width=width).splitlines()) <= width


def test_long_values_stand_one_to_a_line_and_what_is_cut_is_said():
    lists = [[f"parameter_{i}=None" for i in range(n)] for n in (4, 5, 40)]
    out = render(found(*(said(v, x) for v, x in zip(LISTED, lists, strict=False))), width=400)
    assert "\n   2.2: +parameter_4=None\n   2.3: +parameter_5=None, " in out
    assert "…: cut here; --json has all of it." in out


def test_a_probe_that_was_changed_between_what_was_seen_of_it_is_said():
    now = probe_key("e", DECAY, ())
    records = [
        replace(said(version, version, key=made_with), environment_key="e")
        for version, made_with in (("2.1.4", now), ("2.2.3", "older"))
    ]
    table = found(*records)
    assert line_of(table).mixed
    assert "1 of these probes changed between their results" in render(table)
    assert not line_of(found(records[0], said("2.2.3", "b"))).mixed


def test_the_json_has_every_probe_value_and_gap():
    made = json.loads(document(found(said("2.1.4", float("nan")), said("2.3.4", {"a": [1, None]}))))
    (only,) = made["probes"]
    assert [run["value"] for run in only["runs"]] == ["nan", {"a": [1, None]}]
    assert only["without"] == {"2.2.3": "not asked for"}
    assert made["tracks"][0]["cells"].keys() == {"2.1.4", "2.3.4"}


# ---------------------------------------------------------------- values


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (0.1 + 0.2, 0.3, True),
        (1, True, False),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, True),
        ([1, 2], [2, 1], False),
        (float("nan"), float("nan"), True),
        (None, "None", False),
    ],
)
def test_values_are_equal_as_json_is_and_numbers_to_six_digits(one, other, same):
    assert (key(one) == key(other)) is same


@pytest.mark.parametrize(
    ("old", "new", "said_"),
    [
        (False, True, "False → True"),
        ({"raised": "ValueError"}, "ignored", "ValueError → ignored"),
        ({"home": "a", "same": 1}, {"home": "b", "same": 1}, "home: a → b"),
        ({"a": 1}, {}, "a: 1 → (absent)"),
        (["units", "lr=0.1", "decay"], ["units", "lr=0.2", "jit"], "lr=0.1 → 0.2, +jit, −decay"),
        (["a", "b"], ["b", "a"], "the same in another order: b, a"),
        (["a"], ["b"], "[a] → [b]"),
    ],
)
def test_a_change_tells_what_differs_and_no_more(old, new, said_):
    assert change(old, new) == said_


def test_a_series_leaves_out_what_never_changes_and_says_when_a_list_is_back():
    series = [{"x": ["a", "b", "c"], "y": 1}, {"x": ["a", "b", "c", "d"], "y": 1}, {"x": ["a", "b", "c"], "y": 1}]
    assert told(series) == ("x: [a, b, c]", "x: +d", "again x: [a, b, c]")
    assert text({"raised": "ValueError"}) == "ValueError"
    assert text("a\x1b[31mb\n") == "a\\x1b[31mb "


def test_numbers_apart_by_rounding_are_equal_and_the_largest_difference_is_found():
    assert apart([1.0, 2.0], [1.000001, 2.0]).count == 0
    seen = apart({"w": [1.0, 2.0]}, {"w": [1.5, 4.0]})
    assert (seen.count, seen.total, seen.where, seen.largest) == (2, 2, "w[1]", 2.0)
    assert apart([1.0], [1.0, 2.0]).shape
    assert apart([float("nan")], [float("nan")]).count == 0
    assert apart([float("nan")], [1.0]).count == 1
