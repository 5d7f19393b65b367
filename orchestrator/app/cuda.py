"""`compat cuda`: what is known of the GPU side of releases, and looks into an environment or an image."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from orchestrator.app.planning import STATE, Project
from orchestrator.app.results import own, results
from orchestrator.app.services import Services
from orchestrator.engine.registry import DOCKER, ISOLATED
from orchestrator.gpu import auditor, facts
from orchestrator.gpu import rows as known
from orchestrator.gpu.audit import GpuAudit
from orchestrator.gpu.inspect_environment import EnvironmentTools, inspect_environment, interpreter
from orchestrator.model import Limits
from orchestrator.run import assemble
from orchestrator.verdict.judge import CellResult, judge


def selected(project: Project, words: tuple[str, ...], services: Services) -> tuple[known.ReleaseRow, ...]:
    """GPU facts about the releases that `words` select; without words, about those that the matrix lists."""
    return known.selected(_looks(project, services), known.listed(project.parts.matrix), words)


def release(project: Project, version: str, services: Services) -> known.ReleaseRow | None:
    """GPU facts about one TensorFlow release; None if the tables don't have it."""
    return next((row for row in _looks(project, services) if row.release.version == version), None)


def look_here(python: str | None, folders: tuple[Path, ...], services: Services) -> GpuAudit:
    """The audit of an environment on this machine. Raises UserError."""
    looking = EnvironmentTools(
        files=auditor.read(services.data("images") / "gpu").files,
        python=interpreter(python, services.environment),
        folders=tuple(str(folder) for folder in folders),
    )
    return auditor.decoded(inspect_environment(looking, services.environment))


def look_into_image(name: str, engine: str | None, services: Services) -> GpuAudit:
    """The audit of a local image. Raises UserError or CellError."""
    chosen, images = services.engine(engine or DOCKER.name), services.data("images")
    log = services.folder / STATE / "logs" / "base.log"
    base = assemble.any_base(chosen, images, log)
    return auditor.of_image(name, auditor.read(images / "gpu"), chosen, base, Limits())


def rows(cells: Sequence[CellResult], services: Services) -> tuple[known.ReleaseRow, ...]:
    """One row per release, with the audits of images among these cells."""
    folder = services.data("docs/cuda")
    tables = (facts.releases(folder), facts.drivers(folder), facts.officials(folder))
    return known.rows(*tables, known.on_gpus(cells))


def _looks(project: Project, services: Services) -> tuple[known.ReleaseRow, ...]:
    """One row per release, with the audits of this matrix's cells and of combinations tried outside it."""
    whole = results(project).whole
    planned = {j.cell.id for j in whole}
    newest = (r for engine in ISOLATED for r in project.parts.store.newest(engine).values())
    outside = {r.cell.id: r for r in newest if r.audit and r.cell.id not in planned}
    return rows((*whole, *judge(own(project.parts, tuple(r.cell for r in outside.values()), outside))), services)
