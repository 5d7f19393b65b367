"""Statements held against evidence: how each reading is taken, and what the committed pages say."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from builders import MATRIX, cell, failed, import_failed, judged, passed, probe, ran
from staged import shipped

from orchestrator import paths
from orchestrator.app import publishing
from orchestrator.app.services import of_host
from orchestrator.errors import UserError
from orchestrator.foreign import in_prose
from orchestrator.insight import claims
from orchestrator.insight.claims import Reading, Seed, Seeds, Statement, Truth, held, runs
from orchestrator.matrix import document
from orchestrator.matrix.expand import expand
from orchestrator.matrix.ranges import settled
from orchestrator.model import OutcomeKind, ProbeKind, Raised
from orchestrator.report.catalogue import catalogue
from orchestrator.report.statements import statements
from orchestrator.store import evidence_codec
from orchestrator.verdict.judge import Evidence, judge

ROOT = Path(__file__).parent.parent
SEED = Seed(seed="000", title="Is it?", where=("kerassurgeon=0.2.0",), statements=())
RAISED = Raised(type="builtins.TypeError", message="no")
VALUE = "surgeon.sample"


def said(reading, *records, where=(), by="", name="surgeon.dense"):
    statement = Statement(says="so", holds={name: reading}, where=where, by=by)
    return held(statement, SEED, judged(list(records)), MATRIX)


def valued(value, tf="2.4.1", **choices):
    return ran(cell(tf, **choices), replace(passed(VALUE), value=value))


def test_a_check_that_passes_everywhere_makes_a_statement_true_and_its_opposite_false():
    found = said("passes", ran(cell("2.3.4")), ran(cell("2.4.1")))
    assert (found.truth, found.spans, found.cells) == (Truth.TRUE, (("true", ("2.3.4 to 2.4.1",)),), 2)
    assert said("fails", ran(cell("2.3.4"))).truth is Truth.FALSE


def test_what_passes_on_one_version_and_fails_on_another_depends_on_the_version():
    broken = ran(cell("2.4.1"), failed("surgeon.dense", RAISED, "call"))
    found = said("passes", ran(cell("2.3.4")), broken)
    assert found.truth is Truth.DEPENDS
    assert found.spans == (("true", ("2.3.4",)), ("false", ("2.4.1",)))


def test_both_on_one_version_is_either():
    broken = ran(cell("2.4.1", resolve="pip-today"), failed("surgeon.dense", RAISED, "call"))
    assert said("passes", ran(cell("2.4.1")), broken).spans == (("either", ("2.4.1",)),)


def test_what_never_came_to_its_question_decides_nothing():
    found = said("fails", ran(cell(), import_failed("surgeon.dense")))
    assert (found.truth, found.why) == (Truth.UNKNOWN, "no result decides it yet")


def test_that_something_does_not_work_can_be_what_is_said_whatever_keeps_it():
    stuck = ran(cell("2.4.1"), import_failed("surgeon.dense"))
    assert said(Reading(works=False), ran(cell("2.3.4")), stuck).spans == (("true", ("2.4.1",)), ("false", ("2.3.4",)))
    blocked = ran(cell("2.4.1"), import_failed("surgeon.dense", module="numpy"))
    assert OutcomeKind.BLOCKED in {o.kind for o in judged([blocked])[0].outcomes}
    assert said("fails", blocked).truth is Truth.UNKNOWN
    assert said(Reading(works=True), blocked).truth is Truth.FALSE
    assert said(Reading(works=True), ran(cell())).truth is Truth.TRUE


def test_only_the_cells_that_are_named_decide():
    broken = ran(cell("2.4.1"), failed("surgeon.dense", RAISED, "call"))
    assert said("passes", ran(cell("2.3.4")), broken, where=("tf=2.3.4",)).truth is Truth.TRUE
    with pytest.raises(UserError, match=r"9\.9"):
        said("passes", ran(cell()), where=("tf=9.9",))


@pytest.mark.parametrize(
    ("reading", "truth"),
    [
        (Reading(raises="TypeError"), Truth.TRUE),
        (Reading(raises="ImportError"), Truth.FALSE),
    ],
)
def test_how_a_check_fails_can_be_what_is_said(reading, truth):
    assert said(reading, ran(cell(), failed("surgeon.dense", RAISED, "call"))).truth is truth
    assert said(reading, ran(cell())).truth is Truth.UNKNOWN


@pytest.mark.parametrize(
    ("reading", "truth"),
    [
        (Reading(at=("reached",), equals="the end"), Truth.TRUE),
        (Reading(at=("reached",), unequal="the end"), Truth.FALSE),
        (Reading(equals={"reached": "the end"}), Truth.TRUE),
        (Reading(has="end"), Truth.TRUE),
        (Reading(lacks="end"), Truth.FALSE),
        (Reading(at=("caught",), equals="TypeError"), Truth.UNKNOWN),
    ],
)
def test_a_value_is_read_whole_or_in_part(reading, truth):
    assert said(reading, valued({"reached": "the end"}), name=VALUE).truth is truth


def test_a_statement_about_several_versions_is_true_where_what_was_found_varies():
    found = said(Reading(varies=True), valued("a", "2.3.4"), valued("b", "2.4.1"), name=VALUE)
    assert found.truth is Truth.TRUE
    assert found.spans == (("a", ("2.3.4",)), ("b", ("2.4.1",)))
    assert said(Reading(varies=True), valued("a", "2.3.4"), valued("a", "2.4.1"), name=VALUE).truth is Truth.FALSE


def test_the_axis_a_statement_is_about_can_be_another():
    found = said(Reading(varies=True), valued("a", python="3.7"), valued("b", python="3.9"), name=VALUE, by="python")
    assert found.spans == (("a", ("3.7",)), ("b", ("3.9",)))


def test_all_that_is_named_must_hold():
    both = Statement(says="so", holds={"surgeon.dense": "passes", "surgeon.import": "passes"})
    broken = ran(cell(), failed("surgeon.import", RAISED, "call"))
    assert held(both, SEED, judged([ran(cell())]), MATRIX).truth is Truth.TRUE
    assert held(both, SEED, judged([broken]), MATRIX).truth is Truth.FALSE


def test_a_run_of_versions_never_crosses_one_that_was_not_tried_or_says_another_thing():
    order = ("1", "2", "3", "4", "5")
    assert runs(["1", "2", "4", "5"], order) == ("1 to 2", "4 to 5")
    assert runs(["1", "3"], order) == ("1", "3")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seeds: [{seed: '0', title: t, where: [], statements: [{says: s, hold: {}}]}]", "hold"),
        ("seeds: [{seed: '0', title: t, where: [], statements: [{says: s, holds: {a.b: {}}}]}]", "one way to read"),
        ("seeds: [{seed: '0', title: t, where: [], statements: [{says: s, holds: {a.b: works}}]}]", "works"),
        ("seeds: [", "seeds.yaml"),
    ],
)
def test_a_malformed_file_is_an_error_that_names_it(tmp_path, text, message):
    path = tmp_path / "seeds.yaml"
    path.write_text(f"about: Spoons.\neither: by size\n{text}")
    with pytest.raises(UserError, match=message) as error:
        claims.read(path)
    assert str(path) in error.value.message
    with pytest.raises(UserError, match="no such file"):
        claims.read(tmp_path / "none.yaml")


def test_the_page_has_each_statement_with_its_probes_and_what_came_out():
    seed = replace_statements(
        Statement(says="`a|b` is so", holds={"surgeon.dense": "passes"}), Statement(says="b", note="why")
    )
    page = statements(
        Seeds(about="About spoons.", either="by size", seeds=(seed,)),
        judged([ran(cell("2.3.4"))]),
        MATRIX,
        "2026-11-20",
    )
    assert "2 statements, evidence published 2026-11-20: 1 true, 1 not decided." in page
    assert "| 1 | `a\\|b` is so | `surgeon.dense` | **true** · on 2.3.4 |" in page
    assert "| 2 | b | – | **not decided** · why |" in page


def replace_statements(*made):
    return Seed(seed="000", title="Is it?", where=(), statements=made)


def test_the_catalogue_lists_every_probe_once_with_its_limit():
    listed = [replace(probe("surgeon.b"), question="Is a|b?", seconds=5.0), probe("surgeon.a", ProbeKind.BEHAVIOUR)]
    page = catalogue(listed, document.load(paths.data("matrix.yaml")).limits)
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    assert [row.split("`")[1] for row in rows] == ["surgeon.a", "surgeon.b"]
    assert rows[0].endswith("| 60 s |")
    assert "Is a\\|b?" in rows[1]
    assert rows[1].endswith("| 5 s |")
    assert in_prose("a_b <c>\nd") == "a\\_b &lt;c&gt; d"


def test_the_committed_catalogue_is_of_these_probes():
    assert (ROOT / "docs" / "probes.md").read_text() == publishing.catalogue(paths.data("matrix.yaml"), of_host({}))


def test_every_statement_names_probes_there_are_or_says_why_none_decides_it():
    known = set(shipped().probes)
    for seed in claims.read(ROOT / publishing.STATEMENTS).seeds:
        for number, statement in enumerate(seed.statements, start=1):
            assert statement.holds or statement.note, f"seed {seed.seed} statement {number}"
            assert set(statement.holds) <= known, f"seed {seed.seed} statement {number}"


def test_the_committed_statements_came_of_the_published_evidence():
    source = document.load(paths.data("matrix.yaml"))
    given = evidence_codec.load(ROOT / evidence_codec.PUBLISHED)
    matrix = settled(source, given.known.choices if given else tuple(a.choices for a in source.axes))
    cells = ()
    if given:
        evidence = Evidence(
            matrix=matrix,
            cells=expand(matrix).cells,
            records=given.records,
            probes=given.catalogue.probes,
            proven=given.catalogue.proven,
            expects=given.catalogue.expects,
        )
        cells = judge(evidence)
    page = statements(claims.read(ROOT / publishing.STATEMENTS), cells, matrix, given.day if given else "")
    assert (ROOT / "docs" / "seeds.md").read_text() == page
