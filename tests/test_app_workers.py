"""A real cell, carried out by a process that shares nothing with the coordinator but values and a folder."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

import pytest
from fault_project import MATRIX

from orchestrator.app import running
from orchestrator.app.planning import PlanRequest, open_project
from orchestrator.app.services import of_host
from orchestrator.errors import CellStatus
from orchestrator.model import CellRecord
from orchestrator.run import assemble
from orchestrator.run.executors import Processes
from orchestrator.run.scheduler import run_cells
from orchestrator.run.watch import Silent

ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "CI"}


def ran(folder: Path, *, spawned: bool) -> CellRecord:
    """The record of the one cell of a small matrix in a folder of its own."""
    folder.mkdir()
    (folder / "matrix.yaml").write_text(MATRIX)
    services = of_host(ENVIRONMENT)
    wanted = running.RunRequest(
        request=PlanRequest(words=("six=1.16.0",), matrix=folder / "matrix.yaml"), engine="docker"
    )
    project, engine = open_project(wanted.request, services), services.engine(wanted.engine)
    with running.recording(project, engine, services) as info:
        terms = assemble.Terms(watch=Silent(), now=services.now, environment=ENVIRONMENT, lock=services.lock)
        context = assemble.run_context(project.parts, engine, info, terms)
        make = partial(running.worker_elsewhere, ENVIRONMENT, wanted, info)
        executor = Processes(make, context.ledger.hear, 1) if spawned else None
        (record,) = run_cells(project.cells, context, 1, executor).values()
    assert context.store.newest("docker") == {record.cell.id: record}
    kept = context.store.observations(record.environment_key).values()
    assert {o.probe for o in kept} == {o.probe for o in record.observations}
    return record


@pytest.mark.container
@pytest.mark.network
def test_a_real_cell_is_the_same_whoever_carries_it_out(tmp_path):
    ours, theirs = ran(tmp_path / "threads", spawned=False), ran(tmp_path / "processes", spawned=True)
    assert (ours.status, ours.engine, ours.lock, ours.base) == (CellStatus.RAN, theirs.engine, theirs.lock, theirs.base)
    assert (ours.image_key, ours.environment_key) == (theirs.image_key, theirs.environment_key)
    seen = [[(o.probe, o.key, o.ended, o.value) for o in record.observations] for record in (ours, theirs)]
    assert seen[0] == seen[1] != []
