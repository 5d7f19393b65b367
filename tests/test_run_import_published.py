"""Published results as results of a store: only where a run here would meet the very same."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from fakes import FakeEngine, altered, cell, run_context

from orchestrator.errors import CellStatus, Phase
from orchestrator.model import Ended
from orchestrator.model.suite import Catalogue
from orchestrator.run.cells import run_cell
from orchestrator.run.events import BUDGET
from orchestrator.run.import_published import import_published
from orchestrator.store.publication import PlanSnapshot, Publication
from orchestrator.store.store import Store
from orchestrator.store.trim import redactor, trimmed

NAMES = ("tensorflow.fit", "tensorflow.save")
EARLIER = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def elsewhere(tmp_path):
    """A cell run on another machine, and what was published of it."""
    shop = run_context(tmp_path / "elsewhere", FakeEngine(), *NAMES)
    record = run_cell(cell(), altered(shop, now=lambda: EARLIER))
    return shop, record


def publication(shop, *records):
    catalogue = Catalogue(probes=shop.worker.suite.probes, proven=frozenset(), expects={}, digest="s")
    return Publication(
        known=PlanSnapshot(source="m", as_of=shop.run.as_of, choices=()),
        run=replace(shop.run, id="published"),
        catalogue=catalogue,
        records={r.cell.id: trimmed(r, redactor(())) for r in records},
        planned=1,
        tried=1,
    )


def here(tmp_path, engine, **fields):
    return run_context(tmp_path / "here", engine, *NAMES, **fields)


def test_a_run_after_importing_starts_no_container_and_keeps_the_published_date(tmp_path, elsewhere):
    engine = FakeEngine()
    shop = here(tmp_path, engine)
    assert import_published(publication(*elsewhere), shop.store, engine, shop.limits) == 1
    record = run_cell(cell(), shop)
    assert (engine.prepared, engine.started) == ([], [])
    assert record.status is CellStatus.RAN
    assert record.dated == EARLIER
    assert {o.reused_from for o in record.observations} == {elsewhere[1].run}
    assert [o.probe for o in record.observations] == [o.probe for o in elsewhere[1].observations]
    assert "published" in {run.id for run in shop.store.runs()}


def test_a_probe_that_was_changed_since_runs_again_and_no_other(tmp_path, elsewhere):
    engine = FakeEngine()
    shop = here(tmp_path, engine)
    probes = dict(shop.worker.suite.probes)
    probes["tensorflow.save"] = replace(probes["tensorflow.save"], digest="changed")
    shop = altered(shop, suite=replace(shop.worker.suite, probes=probes))
    import_published(publication(*elsewhere), shop.store, engine, shop.limits)
    run_cell(cell(), shop)
    assert engine.started == [("tensorflow.save",)]


@pytest.mark.parametrize("changed", ["limits", "image"])
def test_other_limits_or_another_image_mean_that_everything_runs(tmp_path, elsewhere, changed):
    engine, (shop, record) = FakeEngine(), elsewhere
    if changed == "image":
        record = replace(record, image_key="another")
    mine = here(tmp_path, engine)
    mine = altered(mine, limits=replace(mine.limits, memory=1)) if changed == "limits" else mine
    import_published(publication(shop, record), mine.store, engine, shop.limits)
    run_cell(cell(), mine)
    assert len(engine.started[0]) == 3


@pytest.mark.parametrize("cut", [{"phase": Phase.COLLECT, "reason": "engine lost: x"}, {"reason": BUDGET}])
def test_what_the_published_run_did_not_reach_is_tried_here(tmp_path, elsewhere, cut):
    engine, (shop, record) = FakeEngine(), elsewhere
    last = replace(record.observations[-1], ended=Ended.NOT_RUN, **cut)
    record = replace(record, observations=(*record.observations[:-1], last))
    mine = here(tmp_path, engine)
    import_published(publication(shop, record), mine.store, engine, mine.limits)
    run_cell(cell(), mine)
    assert engine.started == [(last.probe,)]


def test_a_newer_result_of_this_store_stays_and_older_trouble_does_not(tmp_path, elsewhere):
    engine = FakeEngine()
    shop = here(tmp_path, engine)
    mine = run_cell(cell(), shop)
    assert import_published(publication(*elsewhere), shop.store, engine, shop.limits) == 0
    assert shop.store.newest("fake") == {mine.cell.id: mine}
    other = Store(root=tmp_path / "third")
    other.save(replace(mine, status=CellStatus.INFRA))
    assert import_published(publication(*elsewhere), other, engine, shop.limits) == 1


def test_what_another_engine_saw_is_not_taken(tmp_path, elsewhere):
    engine = FakeEngine(name="local")
    assert import_published(publication(*elsewhere), Store(root=tmp_path / "here"), engine, elsewhere[0].limits) == 0
