from __future__ import annotations

import json
from dataclasses import replace

import pytest
from builders import (
    DESCRIPTORS,
    LEN,
    MATRIX,
    SURGEON_CHECKS,
    cell,
    failed,
    import_failed,
    judged,
    lock,
    passed,
    ran,
    seed_plan,
    stopped,
)

from orchestrator.errors import Attribution, CellStatus
from orchestrator.insight.discriminating_pins import DiscriminatingPin, differing, discriminating_pins
from orchestrator.insight.finding_scope import finding_scopes, pins_of
from orchestrator.model import Axis, Choice, Distribution
from orchestrator.report import findings as report
from orchestrator.verdict.findings import findings, gathered, occurrences


def with_pins(record, **pins):
    made = tuple(
        Distribution(name=n.replace("_", "-"), version=v, filename=f"{n}-{v}.whl", sha256="a" * 64)
        for n, v in pins.items()
    )
    return replace(record, lock=replace(lock(record.cell.python, record.cell.strategy), distributions=made))


def broken(of, **pins):
    return with_pins(ran(of, *(failed(n) for n in ("surgeon.dense", "surgeon.conv"))), **pins)


def all_of(records, **fields):
    cells = judged(records, **fields)
    return finding_scopes(cells, cells, MATRIX)


# ---------------------------------------------------------------- which failures are one finding


def test_every_check_that_failed_is_sighted_even_where_another_cause_decides_the_verdict():
    record = ran(cell(), import_failed("environment.tensorflow"), failed("surgeon.conv"))
    (one,) = judged([record])
    assert {s.outcome.probe.id for s in occurrences([one])} == {"environment.tensorflow", "surgeon.conv"}
    assert len(findings([one])) == 1


def test_behaviours_and_cells_of_ours_are_no_findings():
    record = ran(cell(), failed("surgeon.sample"))
    assert occurrences(judged([record, stopped(cell("2.3.4"), CellStatus.INFRA, "index", "no answer")])) == ()


def test_a_cell_that_could_not_be_made_is_a_finding_without_probes():
    record = stopped(cell(), CellStatus.UNRESOLVABLE, "pins-clash", "numpy<1.19 and numpy>=1.20")
    (found,) = gathered(occurrences(judged([record])))
    assert (found.probes, found.pairs, found.title) == ((), 1, "pins clash: numpy<1.19 and numpy>=1.20")


def test_unproven_checks_are_sighted_and_counted_apart():
    (found,) = gathered(occurrences(judged([broken(cell())], proven=frozenset({"surgeon.dense"}))))
    assert (found.pairs, found.unproven) == (2, 1)


def test_findings_come_largest_first_and_equal_ones_are_one():
    records, cells = seed_plan()
    found = gathered(occurrences(judged(records, cells)))
    assert [(f.title.split(":")[0], f.pairs, len(f.cells)) for f in found] == [
        ("import tensorflow", 7, 2),
        ("TypeError", 4, 2),
    ]
    assert found[0].attribution is Attribution.ENVIRONMENT


# ---------------------------------------------------------------- pins that tell


def test_a_pin_tells_when_all_failing_locks_have_it_and_no_passing_one():
    found = discriminating_pins(
        [{"numpy": "1.20", "six": "1"}, {"numpy": "1.20", "six": "2"}], [{"numpy": "1.19", "six": "1"}, {"six": "2"}]
    )
    assert found == (DiscriminatingPin(name="numpy", failing=("1.20",), passing=("1.19",), everywhere=False),)


def test_versions_that_lie_apart_tell_as_ranges_in_version_order():
    bad = [{"protobuf": v} for v in ("4.25.3", "4.21.0")]
    (found,) = discriminating_pins(bad, [{"protobuf": v} for v in ("3.20.3", "3.9.2")])
    assert (found.failing, found.passing, found.apart) == (("4.21.0", "4.25.3"), ("3.9.2", "3.20.3"), True)
    assert report.telling_words(found) == "protobuf 4.21.0–4.25.3 in all failing, 3.9.2–3.20.3 in all passing"


def test_one_failing_version_between_passing_ones_tells_without_a_range():
    (found,) = discriminating_pins([{"protobuf": "4.24.4"}], [{"protobuf": "3.20.3"}, {"protobuf": "4.25.3"}])
    assert not found.apart
    assert report.telling_words(found) == "protobuf 4.24.4 in all failing, in none of the passing (3.20.3, 4.25.3)"


def test_several_failing_versions_among_passing_ones_do_not_tell():
    assert discriminating_pins([{"a": "1"}, {"a": "3"}], [{"a": "2"}]) == ()


def test_a_package_that_is_there_or_not_tells():
    only_bad, only_good = discriminating_pins(
        [{"tf-keras": "2.16"}], [{"attrs": "21.2"}, {"attrs": "20"}], ["tf-keras"]
    )
    assert report.telling_words(only_bad) == "tf-keras 2.16 in all failing, in none of the passing"
    assert report.telling_words(only_good) == "attrs in none of the failing, 20–21.2 in all passing"
    assert (only_bad.named, only_good.named) == (True, False)


def test_a_package_some_failing_lock_lacks_does_not_tell():
    assert discriminating_pins([{"a": "1", "b": "1"}, {"b": "1"}], [{"b": "1"}]) == ()


@pytest.mark.parametrize(("bad", "good"), [([], [{"a": "1"}]), ([{"a": "1"}], [])])
def test_without_both_sides_nothing_tells(bad, good):
    assert discriminating_pins(bad, good) == ()


def test_versions_no_rule_knows_are_compared_all_the_same():
    (found,) = discriminating_pins([{"a": "1.0-final!"}], [{"a": "2.0"}])
    assert found.failing == ("1.0-final!",)


def test_pins_that_differ_are_told_with_those_asked_for_first():
    found = differing({"a": "1", "b": "1", "tf": "2.4"}, {"a": "1", "c": "1", "tf": "2.3"}, ["tf"])
    assert found == (("tf", "2.4", "2.3"), ("b", "1", ""), ("c", "", "1"))


# ---------------------------------------------------------------- where a finding is and where not


def test_a_finding_knows_its_cells_its_choices_and_the_pins_that_tell():
    records = [
        broken(cell("2.4.1"), tensorflow="2.4.1", six="1.15"),
        broken(cell("2.4.1", resolve="pip-today"), tensorflow="2.4.1", six="1.16"),
        with_pins(ran(cell("2.3.4")), tensorflow="2.3.4", six="1.15"),
    ]
    (found,) = all_of(records)
    assert (found.finding.pairs, len(found.hits)) == (4, 2)
    assert [j.cell for j in found.passing] == [cell("2.3.4")]
    assert [p.name for p in found.pins] == ["tensorflow"]
    assert found.nearest and found.nearest.cell == cell("2.3.4")
    assert found.probe == "surgeon.dense"
    assert dict(found.where) == {
        "tensorflow": "2.4.1",
        "kerassurgeon": "0.2.0",
        "Python": "3.7",
        "resolved": "deps as released, pip today",
    }


def test_where_no_pin_tells_hits_from_all_that_pass_it_is_asked_among_those_with_the_same_packages():
    records = [
        broken(cell("2.4.1", resolve="pip-today"), tensorflow="2.4.1", numpy="2.0", six="1.17", grpcio="1.80"),
        with_pins(ran(cell("2.4.1")), tensorflow="2.4.1", numpy="1.19", six="1.15", grpcio="1.48"),
        with_pins(ran(cell("2.15.1")), tensorflow="2.15.1", numpy="1.26", six="1.17", grpcio="1.80"),
        with_pins(ran(cell("2.15.1", python="3.11")), tensorflow="2.15.1", numpy="2.0", six="1.17", grpcio="1.80"),
    ]
    (found,) = all_of(records)
    assert found.pins == ()
    assert [j.cell for j in found.alike] == [cell("2.4.1")]
    assert [(p.name, p.elsewhere) for p in found.alike_pins] == [("numpy", 1), ("grpcio", 2), ("six", 2)]
    told = report.described(found)[-1]
    assert told == (
        "pins: none shared by all failing and absent from all passing (1 failing, 3 passing); with the same packages "
        "chosen: numpy 2.0 in all failing, 1.19 in all passing; and 2 more that changed with it (1 of the passing)"
    )
    made = report.as_json(found)
    assert made["alike"] == [cell("2.4.1").id]
    assert [p["name"] for p in made["alike_pins"]] == ["numpy", "grpcio", "six"]


def test_pins_that_tell_hits_from_all_that_pass_need_no_second_question():
    (found,) = all_of([broken(cell("2.4.1"), six="1.17"), with_pins(ran(cell("2.3.4")), six="1.15")])
    assert [p.name for p in found.pins] == ["six"]
    assert (found.alike, found.alike_pins) == ((), ())


def test_versions_are_a_stretch_only_where_each_between_was_tried():
    tried = [broken(cell(tf)) for tf in ("2.3.4", "2.4.1", "2.15.1")]
    assert dict(all_of(tried)[0].where)["tensorflow"] == "2.3.4–2.15.1"
    assert dict(all_of([tried[0], tried[2]])[0].where)["tensorflow"] == "2.3.4, 2.15.1"
    assert dict(all_of([tried[0], ran(cell("2.4.1")), tried[2]])[0].where)["tensorflow"] == "2.3.4, 2.15.1"


def test_a_stand_in_goes_by_the_name_of_what_it_stands_for():
    device = Axis(name="device", kind="device", default="cpu")
    here = cell("2.4.1")
    cpu = Choice(axis=device, name="cpu", substitutes=(("tensorflow", "tensorflow-cpu"),))
    here = replace(here, choices=(*here.choices, cpu))
    (one,) = judged([broken(here, tensorflow_cpu="2.4.1")])
    assert pins_of(one) == {"tensorflow": "2.4.1"}


def test_a_cell_where_the_probe_fails_for_another_reason_is_no_passing_one():
    other = replace(LEN, message="something else altogether")
    records = [broken(cell("2.4.1")), ran(cell("2.3.4"), *(failed(n, other) for n in SURGEON_CHECKS))]
    found = next(s for s in all_of(records) if "__len__" in s.finding.title)
    assert found.passing == ()
    assert "these probes pass nowhere" in "\n".join(report.described(found))


def test_a_cell_that_did_not_run_the_probes_is_no_passing_one():
    (found,) = all_of([broken(cell("2.4.1")), ran(cell("2.3.4", surgeon="none"))])
    assert found.passing == ()


def test_of_a_failed_import_a_cell_that_fails_later_is_without_it():
    records = [
        ran(cell(resolve="uv-today"), *(import_failed(n) for n in ["environment.tensorflow", *SURGEON_CHECKS])),
        ran(cell(), *(failed(n) for n in SURGEON_CHECKS)),
    ]
    found = next(s for s in all_of(records) if "Descriptors" in s.finding.title)
    assert [j.cell for j in found.passing] == [cell()]


def test_the_package_an_exception_came_from_is_named_first():
    records = [
        with_pins(
            ran(cell(resolve="uv-today"), import_failed("environment.tensorflow", DESCRIPTORS)),
            abc="1",
            protobuf="4.24.4",
        ),
        with_pins(ran(cell()), abc="2", protobuf="3.20.3"),
    ]
    (found,) = all_of(records)
    assert [(p.name, p.named) for p in found.pins] == [("protobuf", True), ("abc", False)]
    assert "; and 1 more that changed with it (1 failing, 1 passing)" in report.described(found)[-1]


# ---------------------------------------------------------------- as text and JSON


def test_the_text_fits_its_width_and_says_all_there_is():
    records, cells = seed_plan()
    every = judged(records, cells)
    ids = {j.cell.id: j.cell.id[:4] for j in every}
    for width in (40, 80):
        text = report.render(finding_scopes(every, every, MATRIX), every, ids, width=width)
        assert max(map(len, text.splitlines())) <= width
    assert text.startswith("2 findings over 12 combinations that ran\n\n[1] import tensorflow: TypeError: Descriptors")
    assert "6 checks in 2 combinations · not caused by kerassurgeon" in text
    assert "2 checks in 2 combinations\n" in text
    assert "nearest without it: tensorflow 2.4.1, Python 3.7" in text
    assert "example: compat show " in text


def test_unproven_checks_are_said_to_be():
    cells = judged([broken(cell())], proven=frozenset())
    assert report.how_many(finding_scopes(cells, cells, MATRIX)[0]) == "2 checks in 1 combination (unproven)"


@pytest.mark.parametrize(
    ("records", "words"), [([ran(cell())], "Every check that has a result passed."), ([], "No results yet.")]
)
def test_without_findings_it_is_said_why(records, words):
    cells = judged(records, [cell()])
    assert words in report.render((), cells, {})


def test_the_document_has_cells_probes_and_all_pins():
    good = with_pins(ran(cell("2.3.4"), passed("surgeon.dense")), tf="2.3.4")
    made = json.loads(report.document(all_of([broken(cell("2.4.1"), tf="2.4.1"), good])))
    (found,) = made["findings"]
    assert found["cells"] == [cell("2.4.1").id]
    assert found["passing"] == [cell("2.3.4").id] and found["nearest"] == cell("2.3.4").id
    assert found["pins"] == [{"name": "tf", "failing": ["2.4.1"], "passing": ["2.3.4"], "apart": True}]
    assert found["probes"] == ["surgeon.conv", "surgeon.dense"]
