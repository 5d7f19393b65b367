from __future__ import annotations

from dataclasses import replace

from builders import MATRIX, cell, failed, import_failed, judged, ran, seed_plan, stopped
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.errors import CellStatus
from orchestrator.model import AnswerKind
from orchestrator.report.page import answer_line, counts_line
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


def test_yes_says_with_which_tool_it_is_not_so():
    fine, uv = ran(today()), cell(resolve="uv-today")
    assert answer_line(ask(fine, ran(uv, BROKEN))) == "YES, but not with uv today"
    assert answer_line(ask(fine, ran(uv, import_failed("environment.tensorflow")))) == "YES, but not with uv today"
    assert answer_line(ask(fine, stopped(uv, CellStatus.UNRESOLVABLE, "pins-clash"))) == "YES, but not with uv today"
    assert answer_line(ask(fine, ran(uv), ran(cell(resolve="forced"), BROKEN))) == "YES"
    assert answer_line(ask(fine, cells=[today(), uv])) == "YES"


def test_a_strategy_that_gets_no_further_than_what_it_stands_on_is_blocked_not_unknown():
    found = ask(ran(today()), ran(cell(resolve="uv-today"), import_failed("environment.tensorflow")))
    assert dict(found.beside) == {"pip-today": "yes", "uv-today": "blocked"}


def test_a_python_that_only_another_strategy_is_planned_for_counts_by_that():
    found = ask(ran(today()), ran(cell()), no_wheel(cell(python="3.9")))
    assert (found.kind, found.detail) == (AnswerKind.YES_ON, "Python 3.7")
    assert dict(found.beside) == {"pip-today": "yes", "released": "yes, on Python 3.7"}


def test_a_python_that_can_not_be_had_here_is_said_plainly():
    missing = stopped(today("3.8"), CellStatus.UNAVAILABLE, "no-base", "no CPython 3.8 here: nowhere to pull it from")
    found = ask(missing)
    assert (found.kind, found.detail) == (AnswerKind.UNKNOWN, "no such Python here")
    assert found.untried == ("Python 3.8 (no such Python here)", "GPU")


def test_counts_name_what_could_be_judged_once():
    found = ask(ran(today()), ran(cell(), BROKEN), no_wheel(today("3.9")))
    assert counts_line(found) == "works in 1, broken in 1 of 2 combinations that could be judged · 1 no wheel"
    assert counts_line(ask(no_wheel(today()))) == "1 no wheel"
