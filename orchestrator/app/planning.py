"""A matrix file → the plan, the cells that were asked for, and what running them would take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.app.services import Services
from orchestrator.engine import registry
from orchestrator.errors import CellError, ExitCode, UserError
from orchestrator.lock.offline_index import OfflineIndex
from orchestrator.matrix import document, expand, ranges, select, single
from orchestrator.model import Cell, Engine, Matrix
from orchestrator.model.suite import Suite
from orchestrator.run.forecast import Forecast, forecast
from orchestrator.run.parts import Parts
from orchestrator.store import evidence_codec, publication
from orchestrator.store.publication import Publication
from orchestrator.store.store import Store
from orchestrator.suite import stated
from orchestrator.verdict.judge import about

if TYPE_CHECKING:
    from orchestrator.lock.tools import Wheels

STATE = ".compat"


@dataclass(frozen=True, kw_only=True, slots=True)
class PlanRequest:
    """What a person asked for. `words` are selectors, or with `combination` the combination itself.

    `known`: ranges may stand for what they stood for when they were last read or published, so that nothing is asked;
    `published`: with the results that came with the installation.
    """

    words: tuple[str, ...] = ()
    matrix: Path | None = None
    combination: bool = False
    as_of: datetime | None = None
    known: bool = False
    published: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Project:
    """A matrix, read, with its plan, the cells that were selected, and what a run of them works on.

    `path` is the file, `folder` where its state and reports are, `source` the digest of what the file says ("" for a
    combination that no file lists).
    """

    path: Path
    folder: Path
    plan: expand.Plan
    cells: tuple[Cell, ...]
    parts: Parts
    as_of: datetime
    source: str
    published: Publication | None = None


def matrix_path(named: Path | None, services: Services) -> Path:
    """The file that was named, else `matrix.yaml` where the command was called, else the one that is shipped."""
    here = services.folder / "matrix.yaml"
    return named or (here if here.exists() else services.data("matrix.yaml"))


def store_of(path: Path, services: Services) -> Store:
    """The state of a matrix file."""
    return Store(root=_folder_of(path, services) / STATE)


def open_project(request: PlanRequest, services: Services) -> Project:
    """matrix.yaml → axes → cells → those selected. Raises UserError."""
    path = matrix_path(request.matrix, services)
    store, source = store_of(path, services), document.load(path)
    origin = ranges.source_digest(source)
    given = evidence_codec.published_for(path, origin) if request.published else None
    index, matrix = _matrix(request, source, store, (given, services))
    if request.combination:
        matrix = single.single(request.words, matrix)
        plan = expand.expand(matrix)
        cells = plan.cells
    else:
        plan = expand.expand(matrix)
        outside = (lambda: _recorded(store)) if request.known else tuple
        cells = select.chosen(matrix, plan, request.words, outside)
    # without results of its own there is nothing to read but what is published, by the probes that it was seen with
    alone = given is not None and not store.has_records()
    probes = stated.of(given.catalogue) if given and alone else suite_of(source, path, services)
    images, devices = services.data("images"), services.devices()
    return Project(
        path=path,
        folder=_folder_of(path, services),
        plan=plan,
        cells=cells,
        parts=Parts(matrix=matrix, index=index, store=store, suite=probes, images=images, devices=devices),
        as_of=index.as_of,
        source="" if request.combination else origin,
        published=given,
    )


def take_in(project: Project, services: Services) -> Project:
    """The project with what its selected cells take from disk, as it is there now. Raises UserError."""
    if not any(choice.local for cell in project.cells for choice in cell.choices):
        return project
    from orchestrator.lock import sources

    disk = sources.Disk(folder=project.path.parent, shelf=project.parts.store.shelf, environment=services.environment)
    return replace(project, cells=sources.taken_in(project.cells, disk))


def settled(path: Path, source: document.MatrixSource, services: Services) -> Matrix | None:
    """The matrix as it stood when its ranges were last known; None where the index would have to be asked."""
    try:
        return ranges.resolve(source, OfflineIndex(as_of=services.now()))
    except CellError:
        origin = ranges.source_digest(source)
    known = store_of(path, services).snapshot()
    if known is None or known.source != origin:
        given = evidence_codec.published_for(path, origin)
        known = given.known if given else None
    return ranges.settled(source, known.choices) if known else None


def look_ahead(project: Project, engine: Engine, workers: int) -> Forecast:
    """The forecast for running the selected cells."""
    from orchestrator.run import assemble

    store, suite_digest = project.parts.store, project.parts.suite.digest
    known = about(store.newest(engine.kind.name), project.parts.matrix)
    current = frozenset(r.id for r in store.runs() if r.as_of == project.as_of and r.suite_digest == suite_digest)
    ahead = forecast(project.cells, assemble.preflight(project.parts.index), known, current, workers)
    return replace(ahead, kept=min(ahead.kept, assemble.DISK_BUDGET))


def require_probes(names: Sequence[str], project: Project) -> None:
    """Raises UserError for a name that is neither a probe nor a group."""
    probes = project.parts.suite.probes
    for name in names:
        if not any(probe == name or probe.startswith(f"{name}.") for probe in probes):
            near = [p for p in probes if name in p][:5]
            groups = sorted({probe.partition(".")[0] for probe in probes})
            raise UserError(
                f"--probe {name}: unknown probe or group",
                hint=f"Did you mean {', '.join(near)}?" if near else f"groups: {', '.join(groups)}",
            )


def _folder_of(path: Path, services: Services) -> Path:
    """The folder for a matrix's state and reports: its own, or the current folder for the shipped matrix."""
    return services.folder if path == services.data("matrix.yaml") else path.parent


def _matrix(
    request: PlanRequest, source: document.MatrixSource, store: Store, others: tuple[Publication | None, Services]
) -> tuple[Wheels, Matrix]:
    """The index as of the day asked, and the matrix with its ranges read from it, or as they were last known."""
    given, services = others
    known = (store.snapshot(), given.known if given else None)
    remembered = None
    if request.known and request.as_of is None:
        remembered = publication.newest(ranges.source_digest(source), known)
    if remembered is not None:
        return OfflineIndex(as_of=remembered.as_of), ranges.settled(source, remembered.choices)
    # one reading of the index a day: the same command again means the same plan and the same locks
    as_of = request.as_of or services.now().replace(hour=0, minute=0, second=0, microsecond=0)
    index = services.index(as_of, store)
    try:
        return index, ranges.resolve(source, index)
    except CellError as error:
        hint = "Ranges in the matrix need it. Nothing was run; try again."
        raise UserError(f"the package index does not answer: {error.detail}", hint=hint, code=ExitCode.INFRA) from error


def suite_of(source: document.MatrixSource, path: Path, services: Services) -> Suite:
    """The probes of a matrix file. Raises UserError, also for names that its suites don't have."""
    found = services.suite(source, path)
    document.refuse_strangers(source, found.probes)
    return found


def _recorded(store: Store) -> list[Cell]:
    """Every cell with a record from any engine."""
    return [record.cell for kind in registry.KINDS for record in store.newest(kind.name).values()]
