from __future__ import annotations

import pytest
from builders import DESCRIPTORS, LEN, PROBES, UNBUILDABLE, cell, failed, import_failed, passed, ran

from orchestrator.errors import Attribution, Phase
from orchestrator.model import Ended, Observation, OutcomeKind, Raised
from orchestrator.verdict.classify import outcome, setting

CHECK = PROBES["surgeon.dense"]
WITH = setting(ran(cell()))
ALONE = setting(ran(cell(surgeon="none")))


def classified(observation, probe=CHECK, where=WITH, proven=True):
    found = outcome(observation, probe, where, proven=proven)
    return found.kind, found.attribution


def test_returning_is_a_pass_without_a_signature():
    found = outcome(passed("surgeon.dense"), CHECK, WITH, proven=True)
    assert (found.kind, found.signature, found.attribution) == (OutcomeKind.PASS, "", None)


def test_raised_inside_the_subject_block_is_the_subjects_failure():
    assert classified(failed("surgeon.dense")) == (OutcomeKind.FAIL, Attribution.SUBJECT)


def test_raised_outside_it_by_a_proven_probe_is_blocked_by_what_it_stands_on():
    seen = failed("surgeon.dense", UNBUILDABLE, within="")
    assert classified(seen) == (OutcomeKind.BLOCKED, Attribution.ENVIRONMENT)


def test_raised_outside_it_on_a_way_through_the_subject_is_blocked_by_the_subject():
    assert classified(failed("surgeon.dense", within="")) == (OutcomeKind.BLOCKED, Attribution.SUBJECT)


def test_raised_outside_it_by_an_unproven_probe_is_our_error():
    found = classified(failed("surgeon.dense", within=""), proven=False)
    assert found == (OutcomeKind.ERROR, Attribution.PROBE)


def test_a_behaviour_that_raises_inside_its_subject_has_answered():
    seen = failed("surgeon.sample", value={"raised": "AttributeError"})
    assert classified(seen, PROBES["surgeon.sample"])[0] is OutcomeKind.PASS


def test_an_import_of_tensorflow_that_fails_blocks_the_subjects_probes():
    assert classified(import_failed("surgeon.dense")) == (OutcomeKind.BLOCKED, Attribution.ENVIRONMENT)


def test_an_import_of_the_subject_that_fails_is_its_own_failure():
    assert classified(import_failed("surgeon.dense", module="kerassurgeon")) == (
        OutcomeKind.FAIL,
        Attribution.SUBJECT,
    )


def test_tensorflow_alone_is_judged_for_its_own_import():
    seen = import_failed("tensorflow.fit")
    assert classified(seen, PROBES["tensorflow.fit"], ALONE) == (OutcomeKind.FAIL, Attribution.SUBJECT)


def test_a_tensorflow_check_beside_a_subject_is_not_the_subjects_failure():
    seen = failed("environment.tensorflow", DESCRIPTORS, "import tensorflow")
    assert classified(seen, PROBES["environment.tensorflow"]) == (OutcomeKind.FAIL, Attribution.ENVIRONMENT)


@pytest.mark.parametrize("module", ["_bz2", "_bz2.x"])
def test_what_the_base_lacks_is_the_bases_fault_wherever_it_is_raised(module):
    lacking = Raised(type="ModuleNotFoundError", message=f"No module named '{module}'")
    for seen in (failed("surgeon.dense", lacking), import_failed("surgeon.dense", lacking, "kerassurgeon")):
        assert classified(seen) == (OutcomeKind.BLOCKED, Attribution.BASE)


def test_another_missing_module_is_not_the_bases_fault():
    lacking = Raised(type="ModuleNotFoundError", message="No module named 'importlib_metadata'")
    assert classified(import_failed("surgeon.dense", lacking, "kerassurgeon"))[1] is Attribution.SUBJECT


@pytest.mark.parametrize(
    ("ended", "kind"),
    [
        (Ended.SIGNAL, OutcomeKind.CRASH),
        (Ended.EXITED, OutcomeKind.CRASH),
        (Ended.TIMEOUT, OutcomeKind.TIMEOUT),
        (Ended.OOM, OutcomeKind.OOM),
    ],
)
def test_each_way_to_die_is_its_own_outcome_and_nobodys_until_the_call_is_known(ended, kind):
    seen = Observation(probe="surgeon.dense", ended=ended, signal=11, exit_code=0)
    found = outcome(seen, CHECK, WITH, proven=True)
    assert (found.kind, found.attribution) == (kind, Attribution.UNKNOWN)
    assert found.signature.endswith("@ surgeon.dense")


def test_a_warm_parent_that_died_importing_tensorflow_only_blocks():
    seen = Observation(
        probe="surgeon.dense", ended=Ended.SIGNAL, signal=4, phase=Phase.IMPORT, within="import tensorflow"
    )
    assert classified(seen) == (OutcomeKind.BLOCKED, Attribution.ENVIRONMENT)


def test_absence_is_missing_and_never_pass_or_fail():
    budget = Observation(probe="surgeon.dense", ended=Ended.NOT_RUN, reason="cell-budget")
    assert classified(None)[0] is OutcomeKind.MISSING
    assert classified(budget)[0] is OutcomeKind.MISSING


def test_a_need_the_cell_does_not_meet_is_a_skip():
    seen = Observation(probe="surgeon.dense", ended=Ended.NOT_RUN, reason="needs:pandas")
    assert classified(seen)[0] is OutcomeKind.SKIP


def test_captured_output_decides_nothing():
    noisy = passed("surgeon.dense", output="Traceback (most recent call last):\nAttributeError: protobuf\nKilled")
    assert classified(noisy)[0] is OutcomeKind.PASS
    assert outcome(failed("surgeon.dense", output="all fine"), CHECK, WITH, proven=True).signature == (
        outcome(failed("surgeon.dense", LEN), CHECK, WITH, proven=True).signature
    )
