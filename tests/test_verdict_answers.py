from __future__ import annotations

from dataclasses import replace

from builders import MATRIX, cell, failed, import_failed, judged, ran, seed_plan, stopped
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.errors import CellStatus
from orchestrator.model import AnswerKind
from orchestrator.verdict.answers import answers

BROKEN = failed("surgeon.dense")
LIMITED = failed("surgeon.conv")


def ask(*records, cells=()):
    (found,) = answers(MATRIX, judged(list(records), cells))
    return found


def no_wheel(of):
    return stopped(of, CellStatus.UNRESOLVABLE, "no-wheel")


def today(python="3.7", **more):
    return cell(python=python, resolve="pip-today", **more)


def test_the_first_seeds_corner_is_answered_as_it_is():
    records, cells = seed_plan()
    old, new = answers(MATRIX, judged(records, cells))
    assert (old.text, old.kind) == ("Does KerasSurgeon 0.2.0 work on TensorFlow 2.3.4?", AnswerKind.YES_ON)
    assert old.detail == "Python 3.7"
    assert new.kind is AnswerKind.NO
    assert new.counts == (("broken", 2), ("blocked", 1), ("no wheel", 6))


def test_a_package_that_is_absent_is_not_asked_about():
    assert answers(MATRIX, judged([ran(cell(surgeon="none"))])) == ()


def test_yes_needs_every_planned_python():
    assert ask(ran(today()), ran(today("3.9"))).kind is AnswerKind.YES
    assert ask(ran(today()), no_wheel(today("3.9"))).kind is AnswerKind.YES_ON
    assert ask(ran(today()), cells=[today(), today("3.9")]).kind is AnswerKind.YES_ON


def test_the_headline_is_what_pip_gives_today_with_the_others_beside_it():
    found = ask(ran(today(), BROKEN), ran(cell()))
    assert found.kind is AnswerKind.YES_WITH_PINS
    assert found.detail == "Python 3.7, deps as released"
    assert dict(found.beside) == {"pip-today": AnswerKind.NO, "released": AnswerKind.YES}


def test_a_pinned_keras_that_works_is_yes_with_pins():
    found = ask(ran(today(), BROKEN), ran(today(keras="2.4.3")))
    assert (found.kind, found.detail) == (AnswerKind.YES_WITH_PINS, "keras 2.4.3, Python 3.7, pip today")


def test_without_a_pip_today_result_what_was_run_is_judged():
    assert ask(ran(cell()), cells=[cell(), today()]).kind is AnswerKind.YES_ON
    assert ask(ran(cell())).kind is AnswerKind.YES


def test_limited_names_what_does_not_work():
    found = ask(ran(today(), LIMITED))
    assert (found.kind, found.detail) == (AnswerKind.YES_LIMITED, "Does surgeon.conv do?")


def test_no_needs_a_cell_that_got_past_blocked():
    assert ask(ran(today(), BROKEN), no_wheel(today("3.9"))).kind is AnswerKind.NO
    blocked = ask(ran(today(), import_failed("environment.tensorflow")))
    assert (blocked.kind, blocked.detail) == (AnswerKind.UNKNOWN, "what it stands on fails first")


def test_nothing_to_install_is_its_own_answer():
    found = ask(no_wheel(today()), stopped(today("3.9"), CellStatus.UNRESOLVABLE, "pins-clash"))
    assert (found.kind, found.detail) == (AnswerKind.CANT_INSTALL, "no wheel, pins clash")
    mixed = ask(no_wheel(today()), cells=[today(), today("3.9")])
    assert mixed.kind is AnswerKind.UNKNOWN


def test_nothing_run_and_nothing_judged_are_unknown_and_said_so():
    nothing = ask(cells=[today(), today("3.9")])
    assert (nothing.kind, nothing.detail, nothing.counts) == (AnswerKind.UNKNOWN, "not run", (("not run", 2),))
    assert "2 of 2 combinations (not run yet)" in nothing.untried
    ours = ask(stopped(today(), CellStatus.INFRA, "index"))
    assert (ours.kind, ours.detail) == (AnswerKind.UNKNOWN, "our fault")


def test_a_python_that_is_not_to_be_had_is_named_as_not_tried():
    found = ask(ran(today()), stopped(today("3.9"), CellStatus.UNAVAILABLE, "no-base", "no such Python here"))
    assert found.kind is AnswerKind.YES_ON
    assert found.untried == ("Python 3.9 (no such Python here)", "GPU")


def test_ignoring_its_own_requirements_does_not_speak_for_the_headline():
    clash = stopped(today("3.11"), CellStatus.UNRESOLVABLE, "pins-clash", "keras<3")
    forced = ran(cell(python="3.11", resolve="forced"))
    found = ask(clash, forced)
    assert (found.kind, found.detail) == (AnswerKind.YES_WITH_PINS, "Python 3.11, ignoring its own requirements")


def test_a_pair_that_rules_take_out_altogether_is_not_asked():
    assert answers(MATRIX, judged([stopped(today(), CellStatus.EXCLUDED, "rule")])) == ()


@settings(max_examples=30)
@given(st.sets(st.integers(0, 35)))
def test_trouble_of_ours_never_turns_a_yes_into_a_no_or_back(places):
    records, cells = seed_plan()
    troubled = [
        replace(r, status=CellStatus.INFRA, reason="index", observations=()) if i in places else r
        for i, r in enumerate(records)
    ]
    before = {a.text: a.kind for a in answers(MATRIX, judged(records, cells))}
    yes = {AnswerKind.YES, AnswerKind.YES_ON, AnswerKind.YES_WITH_PINS}
    for answer in answers(MATRIX, judged(troubled, cells)):
        allowed = yes if before[answer.text] in yes else {AnswerKind.NO}
        assert answer.kind in allowed | {AnswerKind.UNKNOWN, AnswerKind.CANT_INSTALL}
        if answer.kind is AnswerKind.CANT_INSTALL:
            assert not [j for j in answer.counts if j[0] == "our fault"]
