from __future__ import annotations

from dataclasses import replace

import pytest
from builders import LOCALLY, MATRIX, RUN, SURGEON, cell, failed, judged, ran, seed_plan, stopped
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from orchestrator.errors import CellStatus, UserError
from orchestrator.model import Choice, Ended, Observation, Raised
from orchestrator.report.page import page
from orchestrator.report.show import show
from orchestrator.report.terminal import render


def seen(width=80, **more):
    records, cells = seed_plan()
    return render(page(MATRIX, judged(records, cells), RUN), width=width, **more)


def test_the_answer_comes_before_the_table_and_the_table_before_its_footnotes():
    text = seen()
    order = [
        "docker 20.10, isolated · linux/amd64, CPU · KerasSurgeon on TensorFlow",
        "Does KerasSurgeon 0.2.0 work on TensorFlow 2.4.1?   NO",
        "broken in 2 of 2 combinations that could be judged · 1 blocked · 6 no wheel",
        "Nearest that works: tensorflow 2.3.4",
        "+ kerassurgeon 0.2.0  3.7       broken [1]",
        "[1] TypeError: Keras symbolic inputs/outputs do not implement `__len__`",
        "not caused by kerassurgeon",
        "blocked = what it stands on fails",
        "Not tried: GPU",
    ]
    places = [text.index(part) for part in order]
    assert places == sorted(places)


def test_nothing_says_today_without_tool_and_date():
    words = " ".join(seen().split())
    assert "pip today = pip 24.0 on 2026-11-20" in words
    assert "uv today = uv 0.9.1 on 2026-11-20" in words


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
def test_no_line_is_wider_than_the_terminal(width):
    assert max(cell_len(line) for line in seen(width).splitlines()) <= width


def test_a_narrow_terminal_gets_lines_with_every_verdict():
    text = seen(40)
    assert "   pip today: broken [1]" in text
    assert "   uv today: blocked [2]" in text


def test_colour_is_there_only_when_asked_for():
    assert "\x1b" not in seen()
    assert "\x1b[" in seen(colour=True)


def test_results_of_the_local_engine_are_named_as_such():
    text = render(page(MATRIX, judged([ran(cell(), engine=LOCALLY)]), RUN))
    assert "local, not isolated" in text
    assert "Results of the local engine, not isolated" in text


def test_both_engines_stand_in_tables_of_their_own_and_the_isolated_one_answers():
    isolated = judged([ran(cell())])
    local = judged([ran(cell(), failed("surgeon.dense"), engine=LOCALLY)])
    text = render(page(MATRIX, isolated, RUN, local=local))
    assert "YES" in text
    assert text.index("works") < text.index("Results of the local engine")
    assert "broken [1]" in text[text.index("Results of the local engine") :]


def test_a_slice_looks_for_the_nearest_in_the_whole_plan():
    records, cells = seed_plan()
    whole = judged(records, cells)
    part = [j for j in whole if j.cell.get("tf") == "2.4.1"]
    assert "Nearest that works: tensorflow 2.3.4" in render(page(MATRIX, part, RUN, whole=whole))


def test_an_empty_and_an_unrun_plan_are_said_not_invented():
    assert "works" not in render(page(MATRIX, ()))
    text = render(page(MATRIX, judged([], [cell()])))
    assert "Unknown: not run" in text
    assert "works" not in text.replace("Does KerasSurgeon 0.2.0 work", "")


@settings(max_examples=25)
@given(st.text(max_size=400), st.integers(30, 100))
def test_whatever_a_package_says_the_terminal_stays_whole(message, width):
    record = ran(cell(), failed("surgeon.dense", Raised(type="E", message=message)))
    text = render(page(MATRIX, judged([record]), RUN), width=width)
    assert "\x1b" not in text
    assert max(cell_len(line) for line in text.splitlines()) <= width


def test_show_gives_pins_base_commands_and_each_outcome():
    record = ran(cell(), failed("surgeon.dense", output="loading\x1b[2J…\nlast line"))
    text = show(judged([record])[0])
    for part in ("numpy==1.19.5", "base: cpython-3.7", "base lacks: _bz2", "uv venv --python 3.7", "docker run"):
        assert part in text
    assert "control: 1 came out as expected" in text
    assert "pass     surgeon.conv" in text
    assert "fail     surgeon.dense" in text
    assert "TypeError: Keras symbolic inputs/outputs do not implement `__len__`" in text
    assert "  | last line" in text
    assert "\x1b" not in text


def test_show_of_one_probe_tells_how_it_came_out():
    crash = Observation(
        probe="surgeon.dense", ended=Ended.SIGNAL, signal=11, first="signal 11", fresh=True, reused_from="run-0"
    )
    text = show(judged([ran(cell(), crash)])[0], "surgeon.dense")
    assert "died by SIGSEGV" in text
    assert "first, in a warm process: signal 11" in text
    assert "seen in run run-0" in text


def test_show_of_an_unknown_probe_is_the_users_mistake_with_a_hint():
    with pytest.raises(UserError, match="dens") as refused:
        show(judged([ran(cell())])[0], "dens")
    assert refused.value.hint == "Did you mean surgeon.dense?"


def test_show_of_cells_that_never_ran_says_why():
    assert "not run: planned" in show(judged([], [cell()])[0])
    clash = stopped(cell(), CellStatus.UNRESOLVABLE, "pins-clash", "keras<3")
    assert "pins clash (pins-clash: keras<3)" in show(judged([clash])[0])


def test_where_only_the_local_engine_ran_it_answers_and_is_named():
    plan = [cell(), cell(python="3.9"), cell(tf="2.3.4")]
    whole = judged([], plan)
    local = judged([ran(cell(), failed("surgeon.dense"), engine=LOCALLY), ran(cell(tf="2.3.4"), engine=LOCALLY)])
    text = render(page(MATRIX, whole[:2], whole=whole, local=local))
    assert "TensorFlow 2.4.1?   NO" in text
    assert "local, not isolated" in text
    assert "Nearest that works: tensorflow 2.3.4" in text
    assert text.count("tensorflow 2.4.1  ") == 1
    assert "not run" in text


def test_many_answers_take_a_line_each():
    named = tuple(Choice(axis=SURGEON, name=name) for name in ("none", "0.2.0", "0.1.3", "0.1.2"))
    matrix = replace(MATRIX, choices=(*MATRIX.choices[:2], named, *MATRIX.choices[3:]))
    records = [ran(cell(tf=tf, surgeon=c.name)) for tf in ("2.3.4", "2.4.1", "2.15.1") for c in named[1:]]
    lines = render(page(matrix, judged(records, matrix=matrix))).splitlines()
    first = next(i for i, line in enumerate(lines) if line.startswith("Does"))
    assert all(line.startswith("Does KerasSurgeon") and line.endswith("YES") for line in lines[first : first + 9])
    assert lines[first + 9] == ""


def many(tried):
    """A plan of 28 pairs of versions and 14 blocks, of which only the first `tried` pairs were run."""
    named = tuple(Choice(axis=SURGEON, name=name) for name in ("0.1.3", "0.2.0", "0.2.1"))
    matrix = replace(MATRIX, choices=(*MATRIX.choices[:2], named, *MATRIX.choices[3:]))
    pairs = [(f"2.{n}.0", c.name) for n in range(14) for c in named]
    plan = [cell(tf=tf, surgeon=surgeon, resolve=r) for tf, surgeon in pairs for r in ("released", "uv-today")]
    ran_too = [c for c in plan if (c.axes["tf"], c.axes["kerassurgeon"]) in pairs[:tried]]
    records = [ran(c) for c in ran_too if c.strategy == "released"]
    return page(matrix, judged(records, plan, matrix=matrix))


def test_of_many_answers_and_rows_those_that_were_not_run_are_only_counted():
    words = " ".join(render(many(tried=2)).split())
    assert words.count("Does KerasSurgeon") == 2 + 1
    assert "40 questions (not run yet), such as “Does KerasSurgeon 0.2.1 work on TensorFlow 2.0.0?”" in words
    assert "14 more rows say only “not run”" in words
    assert "tensorflow 2.1.0" not in words
    assert "+ kerassurgeon 0.2.0 3.7 works not run" in words


def test_a_long_plan_of_which_nothing_ran_is_told_in_a_few_lines():
    text = render(many(tried=0))
    assert len(text.splitlines()) < 15
    assert "84 of 84 combinations (not run yet)" in " ".join(text.split())


def test_names_that_share_a_row_are_counted_where_they_are_many():
    plan = [cell(surgeon=f"0.{n}") for n in range(5)] + [cell(surgeon="none", python="3.9")]
    text = render(page(MATRIX, judged([], plan)))
    assert "+ kerassurgeon 0.0 and 4 others  3.7     not run" in text
