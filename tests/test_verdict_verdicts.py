from __future__ import annotations

from dataclasses import replace

import pytest
from builders import MATRIX, PROBES, UNBUILDABLE, cell, failed, import_failed, judged, passed, probe, ran, stopped
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.errors import CellStatus, UserError
from orchestrator.model import Ended, Group, Observation, ProbeKind, VerdictKind
from orchestrator.run.controls import controls_wrong
from orchestrator.verdict.verdicts import verdict


def surgeon(*changed, **fields):
    return judged([ran(cell(), *changed)], **fields)[0].verdict("surgeon")


def missing(name):
    return Observation(probe=name, ended=Ended.NOT_RUN, reason="cell-budget")


def test_all_counted_checks_pass_works():
    found = surgeon()
    assert (found.kind, found.passed, found.total, found.failing) == (VerdictKind.WORKS, 3, 3, ())


def test_a_core_check_that_fails_is_broken():
    found = surgeon(failed("surgeon.dense"))
    assert found.kind is VerdictKind.BROKEN
    assert [o.probe.id for o in found.failing] == ["surgeon.dense"]


def test_another_check_that_fails_is_limited_and_named():
    found = surgeon(failed("surgeon.conv"))
    assert found.kind is VerdictKind.LIMITED
    assert [o.probe.id for o in found.failing] == ["surgeon.conv"]


def test_what_it_stands_on_failing_is_blocked_before_anything_else():
    found = surgeon(failed("environment.tensorflow"), failed("surgeon.dense"))
    assert found.kind is VerdictKind.BLOCKED
    assert [o.probe.id for o in found.failing] == ["environment.tensorflow"]


def test_core_checks_that_only_their_surroundings_stopped_are_blocked_not_broken():
    assert surgeon(import_failed("surgeon.dense")).kind is VerdictKind.BLOCKED


def test_a_check_that_what_it_stands_on_stopped_says_nothing_about_the_subject():
    found = surgeon(failed("surgeon.conv", UNBUILDABLE, within=""))
    assert (found.kind, found.passed, found.total, found.stopped) == (VerdictKind.WORKS, 2, 2, 1)


def test_a_check_that_the_subject_stopped_in_its_preparation_is_limited():
    found = surgeon(failed("surgeon.conv", within=""))
    assert (found.kind, found.total, found.stopped) == (VerdictKind.LIMITED, 3, 0)


def test_in_a_group_that_stands_on_nothing_every_check_that_does_not_pass_counts():
    found = judged([ran(cell("2.4.1", "none"), failed("tensorflow.save", UNBUILDABLE, within=""))])[0]
    assert found.kind("tensorflow") is not VerdictKind.WORKS


def test_one_core_check_failing_by_itself_is_broken_though_another_was_blocked():
    found = surgeon(import_failed("surgeon.dense"), failed("surgeon.import"))
    assert found.kind is VerdictKind.BROKEN


@pytest.mark.parametrize("name", ["surgeon.dense", "surgeon.conv"])
def test_a_missing_result_is_unknown_never_broken_never_works(name):
    found = surgeon(missing(name))
    assert found.kind is VerdictKind.UNKNOWN
    assert name in found.reason


def test_many_missing_results_are_two_names_and_a_number():
    found = surgeon(*(missing(f"surgeon.{name}") for name in ("import", "dense", "conv")))
    assert found.reason.startswith("no result from surgeon.")
    assert found.reason.endswith(" and 1 more")


def test_a_missing_core_check_keeps_a_lesser_failure_from_being_limited():
    assert surgeon(missing("surgeon.dense"), failed("surgeon.conv")).kind is VerdictKind.UNKNOWN


def test_behaviours_count_for_nothing():
    found = surgeon(failed("surgeon.sample", within=""))
    assert (found.kind, found.total) == (VerdictKind.WORKS, 3)


def test_unproven_checks_are_counted_apart_and_decide_nothing():
    found = surgeon(failed("surgeon.conv"), proven=frozenset({"surgeon.import", "surgeon.dense"}))
    assert (found.kind, found.passed, found.total, found.unproven) == (VerdictKind.WORKS, 2, 2, 1)


def test_an_unproven_core_check_leaves_the_verdict_unknown():
    assert surgeon(proven=frozenset({"surgeon.import"})).kind is VerdictKind.UNKNOWN


def test_a_check_whose_need_is_not_met_is_not_counted():
    skipped = Observation(probe="surgeon.conv", ended=Ended.NOT_RUN, reason="needs:pandas")
    found = surgeon(skipped)
    assert (found.kind, found.total) == (VerdictKind.WORKS, 2)


def test_a_group_without_any_result_is_unknown():
    group = Group(name="environment")
    assert verdict(group, {}, PROBES).kind is VerdictKind.UNKNOWN


@pytest.mark.parametrize("field", ["core", "stands_on"])
def test_a_group_that_names_an_unknown_probe_is_the_users_mistake(field):
    with pytest.raises(UserError, match=r"groups\.surgeon names unknown probes: surgeon\.nonsense"):
        verdict(Group(name="surgeon", **{field: ("surgeon.nonsense",)}), {}, PROBES)


def test_a_wrong_control_makes_the_cell_ours_to_mend_and_takes_its_verdicts():
    found = judged([ran(cell(), failed("control.passes"), failed("surgeon.dense"))])[0]
    assert (found.status, found.reason, found.verdicts) == (CellStatus.INFRA, "control", ())
    assert found.word("surgeon") == "our fault"


def test_controls_are_compared_with_all_that_must_come_out():
    crash = Observation(probe="c", ended=Ended.SIGNAL, signal=11)
    assert controls_wrong({"c": crash}, {"c": {"ended": "signal", "signal": 11}}) == ()
    assert controls_wrong({"c": crash}, {"c": {"ended": "signal", "signal": 9}}) != ()
    assert controls_wrong({"c": crash}, {"c": "signal"}) == ()
    assert controls_wrong({"c": crash}, {"c": "oom"}) != ()
    raised = failed("c", within="control.call")
    assert controls_wrong({"c": raised}, {"c": {"ended": "raised", "exception": "TypeError"}}) == ()
    assert controls_wrong({"c": raised}, {"c": {"ended": "raised", "exception": "ValueError"}}) != ()
    flood = passed("c", output="…the last line\n")
    assert controls_wrong({"c": flood}, {"c": {"ended": "returned", "output_ends": "the last line\n"}}) == ()
    assert controls_wrong({"c": passed("c")}, {"c": {"ended": "returned", "output_ends": "the last line\n"}}) != ()


def test_a_control_the_engine_can_not_enforce_is_not_wrong():
    left_out = Observation(probe="c", ended=Ended.NOT_RUN, reason="engine:memory")
    assert controls_wrong({"c": left_out}, {"c": "oom"}) == ()
    cut_off = Observation(probe="c", ended=Ended.NOT_RUN, reason="cell-budget")
    assert controls_wrong({"c": cut_off}, {"c": "oom"}) != ()


@pytest.mark.parametrize("status", [s for s in CellStatus if s is not CellStatus.RAN])
def test_a_cell_that_did_not_run_has_no_verdict(status):
    found = judged([stopped(cell(), status, "why")])[0]
    assert (found.verdicts, found.kind("surgeon")) == ((), None)


@given(st.permutations(["surgeon.import", "surgeon.dense", "surgeon.conv"]), st.integers(0, 3))
def test_taking_results_away_never_makes_a_better_verdict(names, count):
    gone = [missing(name) for name in names[:count]]
    found = surgeon(*gone)
    assert found.kind is (VerdictKind.UNKNOWN if count else VerdictKind.WORKS)


def test_a_group_of_behaviours_alone_has_no_verdict_but_keeps_its_outcomes():
    seeds = replace(MATRIX, groups=(*MATRIX.groups, Group(name="seeds")))
    probes = {**PROBES, "seeds.one": probe("seeds.one", ProbeKind.BEHAVIOUR)}
    found = judged([ran(cell(), passed("seeds.one", value=1))], matrix=seeds, probes=probes)[0]
    assert found.verdict("seeds") is None
    assert "seeds.one" in [o.probe.id for o in found.outcomes]


def test_a_planned_probe_that_left_no_observation_is_missing_and_the_verdict_unknown():
    record = ran(cell())
    cut = replace(record, observations=tuple(o for o in record.observations if o.probe != "surgeon.conv"))
    found = judged([cut])[0]
    assert found.kind("surgeon") is VerdictKind.UNKNOWN
    assert {o.probe.id: str(o.kind) for o in found.outcomes}["surgeon.conv"] == "missing"


@pytest.mark.parametrize(
    ("changed", "kind"), [((), VerdictKind.WORKS), ((failed("surgeon.conv"),), VerdictKind.LIMITED)]
)
def test_a_group_without_core_checks_works_or_is_limited(changed, kind):
    matrix = replace(MATRIX, groups=tuple(replace(g, core=(), stands_on=()) for g in MATRIX.groups))
    assert surgeon(*changed, matrix=matrix).kind is kind
