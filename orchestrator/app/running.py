"""Runs cells: the line from the matrix to the table, and everything else that starts containers for cells."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

from orchestrator import __version__
from orchestrator.app import publishing, results
from orchestrator.app.planning import PlanRequest, Project, look_ahead, open_project, require_probes, take_in
from orchestrator.app.results import Results
from orchestrator.app.services import Services, of_host
from orchestrator.errors import CellStatus, ExitCode, UserError
from orchestrator.model import CellRecord, Engine, RunInfo
from orchestrator.model.suite import Proof
from orchestrator.run import assemble
from orchestrator.run import import_published as importing
from orchestrator.run import prove as proving
from orchestrator.run.assemble import Terms
from orchestrator.run.context import Worker
from orchestrator.run.executors import Tell
from orchestrator.run.forecast import Forecast
from orchestrator.run.scheduler import run_cells
from orchestrator.run.watch import Silent, Watcher
from orchestrator.store import evidence_codec
from orchestrator.store.files import require_writable, write_whole
from orchestrator.store.publication import PlanSnapshot

ASK_CELLS = 50
ASK_SECONDS = 1800.0


@dataclass(frozen=True, kw_only=True, slots=True)
class RunRequest:
    """What to run, on which engine (None: the best there is), how many cells at a time, which probes (empty: all);
    `from_published`: with published results in place of those that a run would only repeat.
    """

    request: PlanRequest
    engine: str | None = None
    workers: int = 1
    probes: tuple[str, ...] = ()
    from_published: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class PendingRun:
    """A run that is about to begin. `imported` counts imported published results; None if none were requested."""

    project: Project
    engine: Engine
    ahead: Forecast
    imported: int | None = None

    @property
    def long(self) -> bool:
        """Whether to ask for confirmation first."""
        return len(self.ahead.cells) > ASK_CELLS or self.ahead.seconds > ASK_SECONDS

    @property
    def kept(self) -> int:
        """How many of the selected cells have a stored result by now."""
        newest = self.project.parts.store.newest(self.engine.kind.name)
        return sum(c.id in newest and newest[c.id].status is not CellStatus.INFRA for c in self.project.cells)


Attend: TypeAlias = Callable[[PendingRun], AbstractContextManager[Watcher]]
"""Says what is about to run, may refuse by raising, and watches it until it ends."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CompletedRun:
    """A finished run: `records` (cell id → record) are this run's only; `results` cover everything known."""

    project: Project
    records: Mapping[str, CellRecord]
    results: Results

    def exit_code(self, fail_on: tuple[str, ...]) -> ExitCode:
        """INFRA where something could not be judged for infra reasons, or nothing was judged at all; FAIL_ON where a
        verdict of this run is one of `fail_on`; else OK.
        """
        infra = any(record.status is CellStatus.INFRA for record in self.records.values())
        if infra or all(record.status is CellStatus.UNAVAILABLE for record in self.records.values()):
            return ExitCode.INFRA
        runs = {cell: record.run for cell, record in self.records.items()}
        every = (*self.results.selected, *self.results.local)
        judged = [j for j in every if j.record and j.record.run == runs.get(j.cell.id)]
        matched = any(verdict.kind in fail_on for j in judged for verdict in j.verdicts)
        return ExitCode.FAIL_ON if matched else ExitCode.OK


def run(wanted: RunRequest, services: Services, attend: Attend) -> CompletedRun:
    """The line, from the matrix to the table. Raises UserError."""
    project = open_project(wanted.request, services)  # matrix/: matrix.yaml → axes → cells → those selected
    project = take_in(project, services)  # lock/: what choices name on disk
    require_probes(wanted.probes, project)  # suite/
    engine = services.engine(wanted.engine)  # engine/
    imported = import_published(project, engine) if wanted.from_published else None  # store/
    ahead = look_ahead(project, engine, wanted.workers)  # lock/: the files that exact choices name
    start = PendingRun(project=project, engine=engine, ahead=ahead, imported=imported)
    with attend(start) as watch, recording(project, engine, services) as info:
        terms = replace(_terms(services, watch), workers=wanted.workers, probes=wanted.probes)
        context = assemble.run_context(project.parts, engine, info, terms)
        records = run_cells(project.cells, context, wanted.workers)  # lock/ → image/ → engine/ → observations
    found = results.results(project)  # verdict/: observations → outcomes → verdicts
    publishing.publish_latest(project, found)  # report/: verdicts → tables
    return CompletedRun(project=project, records=records, results=found)


def worker_elsewhere(environment: Mapping[str, str], wanted: RunRequest, info: RunInfo, tell: Tell) -> Worker:
    """The worker of a run that another process coordinates, made from what can be sent there: it reads the same store,
    and leaves it to that process to write what it tells.
    """
    services = of_host(environment)
    request = replace(wanted.request, as_of=info.as_of, known=False, published=False)
    project, engine = open_project(request, services), services.engine(wanted.engine)
    context = assemble.run_context(project.parts, engine, info, _terms(services, Silent()))
    return replace(context.worker, tell=tell, beside=wanted.workers - 1)


def prove(
    wanted: RunRequest, services: Services, attend: Callable[[Project], AbstractContextManager[Watcher]]
) -> dict[str, Proof]:
    """Proves the checks of the selected cells, keeps the proofs beside the probes; returns those still lacking.

    Raises UserError beforehand where they can't be kept there.
    """
    project = take_in(open_project(wanted.request, services), services)
    for path in proof_paths(project):
        require_writable(path)
    suite, engine = project.parts.suite, services.engine(wanted.engine)
    with attend(project) as watch, recording(project, engine, services) as info:
        context = assemble.run_context(project.parts, engine, info, _terms(services, watch))
        proofs = proving.prove(project.cells, context, suite.proofs)
    for path, content in suite.proof_files(proofs):
        write_whole(path, content)
    return {name: proof for name, proof in proofs.items() if not (proof.passed and proof.failed)}


def proof_paths(project: Project) -> tuple[Path, ...]:
    """The files that hold the proofs of a project's checks."""
    suite = project.parts.suite
    return tuple(path for path, _ in suite.proof_files(dict.fromkeys(suite.probes, Proof(digest=""))))


def import_published(project: Project, engine: Engine) -> int:
    """Imports published results that a run here would only repeat; returns the number of cells.

    Raises UserError where nothing is published of this matrix.
    """
    given = evidence_codec.published_for(project.path, project.source)
    if given is None:
        hint = "Run without --from-published."
        raise UserError("no published results for this version of the matrix", hint=hint)
    store = project.parts.store
    with store.locked():
        return importing.import_published(given, store, engine, project.parts.matrix.limits)


@contextmanager
def recording(project: Project, engine: Engine, services: Services) -> Iterator[RunInfo]:
    """A run on record: nobody else's in this store meanwhile, and what dead runs left is gone."""
    store, started = project.parts.store, services.now()
    with store.locked():
        engine.reap()
        info = RunInfo(
            id=f"{started:%Y%m%dT%H%M%S}-{secrets.token_hex(2)}",
            as_of=project.as_of,
            started=started,
            engine=engine.check(),
            matrix_digest=project.parts.matrix.digest,
            suite_digest=project.parts.suite.digest,
            versions=(("compat-matrix", __version__),),
        )
        store.begin(info)
        if project.source:
            store.save_snapshot(
                PlanSnapshot(source=project.source, as_of=project.as_of, choices=project.parts.matrix.choices)
            )
        try:
            yield info
        finally:
            engine.close()
        store.begin(replace(info, finished=services.now()))


def _terms(services: Services, watch: Watcher) -> Terms:
    return Terms(watch=watch, now=services.now, environment=services.environment, lock=services.lock)
