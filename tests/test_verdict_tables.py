from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta

from builders import (
    DESCRIPTORS,
    LOCALLY,
    MATRIX,
    NOW,
    RUN,
    cell,
    failed,
    import_failed,
    judged,
    ran,
    seed_plan,
    stopped,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.errors import Attribution, CellStatus
from orchestrator.verdict.findings import findings
from orchestrator.verdict.tables import long_frame, short_ids, summary_table


def small(records, cells=(), **more):
    found = judged(records, cells)
    return summary_table(found, short_ids(j.cell.id for j in found), **more)


def shown(table):
    return [(b.title, [(r.who, r.pythons, [str(e) for e in r.entries]) for r in b.rows]) for b in table.blocks]


def test_the_first_seeds_corner_folds_into_six_rows():
    records, cells = seed_plan()
    table = small(records, cells)
    assert table.columns == ("deps of Jan 2021", "pip today", "uv today")
    assert shown(table)[1] == (
        "tensorflow 2.4.1",
        [
            ("alone", ("3.7",), ["works", "works", "broken [2]"]),
            ("+ kerassurgeon 0.2.0", ("3.7",), ["broken [1]", "broken [1]", "blocked [2]"]),
            ("either", ("3.9", "3.11"), ["no wheel", "no wheel", "no wheel"]),
        ],
    )


def test_equal_causes_are_one_finding_and_the_largest_comes_first():
    records, cells = seed_plan()
    first, second = findings(judged(records, cells))
    assert first.title == "TypeError: Keras symbolic inputs/outputs do not implement `__len__`"
    assert (first.pairs, first.probes, len(first.cells)) == (4, ("surgeon.conv", "surgeon.dense"), 2)
    assert first.attribution is Attribution.SUBJECT
    assert second.title.startswith("import tensorflow: TypeError: Descriptors cannot be created directly")
    assert second.attribution is Attribution.ENVIRONMENT


def test_thirteen_checks_with_one_cause_are_one_finding():
    calls = [failed("surgeon.dense", within="surgeon.delete_channels"), failed("surgeon.conv", within="surgeon.other")]
    (only,) = findings(judged([ran(cell(), *calls)]))
    assert only.probes == ("surgeon.conv", "surgeon.dense")


def test_clashing_pins_are_a_finding_and_a_missing_wheel_needs_none():
    clash = stopped(
        cell(), CellStatus.UNRESOLVABLE, "pins-clash", "kerassurgeon needs keras<3, tensorflow needs keras>=3"
    )
    table = small([clash, stopped(cell(python="3.9"), CellStatus.UNRESOLVABLE, "no-wheel", "none")])
    assert [f.title for f in table.footnotes] == ["pins clash: kerassurgeon needs keras<3, tensorflow needs keras>=3"]
    assert [str(r.entries[0]) for r in table.blocks[0].rows] == ["pins clash [1]", "no wheel"]


def test_every_status_has_its_word_and_a_planned_cell_without_record_is_not_run():
    pythons = {
        "3.7": CellStatus.UNINSTALLABLE,
        "3.9": CellStatus.INFRA,
        "3.11": CellStatus.UNAVAILABLE,
    }
    table = small(
        [stopped(cell(python=p), s, "x") for p, s in pythons.items()],
        [
            *(cell(python=p) for p in pythons),
            cell(python="3.7", resolve="forced"),
        ],
    )
    words = {r.pythons: [e.word if e else None for e in r.entries] for r in table.blocks[0].rows}
    assert words == {
        ("3.7",): ["install fails", "not run"],
        ("3.9",): ["our fault", None],
        ("3.11",): ["not run", None],
    }


def test_verdicts_are_never_told_for_several_subjects_at_once():
    table = small([ran(cell(surgeon="none")), ran(cell())])
    assert [r.who for r in table.blocks[0].rows] == ["alone", "+ kerassurgeon 0.2.0"]


def test_pythons_with_equal_verdicts_are_one_row_with_one_id():
    table = small([ran(cell(python=p)) for p in ("3.7", "3.9")])
    (row,) = table.blocks[0].rows
    assert row.pythons == ("3.7", "3.9")
    assert len(row.id) == 4


def test_what_another_run_saw_on_an_earlier_day_carries_its_date():
    tomorrow = replace(RUN, started=NOW + timedelta(days=1))

    def said(seen_by, run):
        (row,) = small([ran(cell(), run=seen_by)], run=run).blocks[0].rows
        return str(row.entries[0])

    assert said("run-0", tomorrow) == "works, old: 2026-11-20"
    assert said(tomorrow.id, tomorrow) == "works"
    assert said("run-0", RUN) == "works"


def test_local_results_stand_in_a_table_of_their_own():
    records = [ran(cell()), ran(cell(python="3.9"), failed("surgeon.dense"), engine=LOCALLY)]
    isolated, local = small(records), small(records, isolated=False)
    assert [r.pythons for r in isolated.blocks[0].rows] == [("3.7",)]
    assert [str(r.entries[0]) for r in local.blocks[0].rows] == ["broken [1]"]
    only = [ran(cell(), engine=LOCALLY)]
    assert small(only) is None
    assert small(only, [cell(), cell(python="3.9")], isolated=False).blocks[0].rows[1].entries[0].word == "not run"


def test_short_ids_are_unique_and_at_least_four_characters():
    assert short_ids(["abcdef", "abcdxx", "ffff00"]) == {"abcdef": "abcde", "abcdxx": "abcdx", "ffff00": "ffff"}


def test_the_long_table_has_a_row_per_cell_and_group_and_loses_nothing():
    records, cells = seed_plan()
    frame = long_frame(MATRIX, judged(records[:5], cells))
    assert set(frame["id"]) == {c.id for c in cells}
    assert len(frame) == 2 * len(cells)
    not_run = frame[frame["status"] == ""]
    assert set(not_run["word"]) == {"not run"}
    assert set(not_run["verdict"]) == {""}
    one = frame[(frame["id"] == cells[3].id) & (frame["group"] == "surgeon")].iloc[0]
    assert (one["word"], one["passed"], one["total"], one["dated"]) == ("works", 3, 3, NOW.isoformat())


def test_what_broke_an_import_is_named_with_the_import():
    seen = [import_failed(n, DESCRIPTORS) for n in ("surgeon.dense", "surgeon.conv")]
    (only,) = findings(judged([ran(cell(), *seen)]))
    assert only.title == "import tensorflow: TypeError: Descriptors cannot be created directly"


@settings(max_examples=20)
@given(st.randoms(use_true_random=False))
def test_the_order_records_arrive_in_changes_no_table(chance: random.Random):
    records, cells = seed_plan()
    mixed = list(records)
    chance.shuffle(mixed)
    mixed = [replace(r, observations=tuple(chance.sample(r.observations, len(r.observations)))) for r in mixed]
    assert small(mixed, cells) == small(records, cells)
    assert long_frame(MATRIX, judged(mixed, cells)).equals(long_frame(MATRIX, judged(records, cells)))


@settings(max_examples=20)
@given(st.sets(st.integers(0, 35)))
def test_trouble_of_ours_changes_its_own_cells_word_and_no_other(places):
    records, cells = seed_plan()
    troubled = [
        replace(r, status=CellStatus.INFRA, reason="index", observations=()) if i in places else r
        for i, r in enumerate(records)
    ]
    for i, (before, after) in enumerate(zip(judged(records, cells), judged(troubled, cells), strict=True)):
        assert after.word(after.headline) == ("our fault" if i in places else before.word(before.headline))
