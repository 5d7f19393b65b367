"""Writes reports, published evidence, the pages derived from them, and build contexts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from orchestrator.app import cuda
from orchestrator.app.planning import Project, matrix_path, suite_of
from orchestrator.app.results import Results, published, results
from orchestrator.app.services import Services
from orchestrator.errors import UserError
from orchestrator.gpu import rows as cuda_rows
from orchestrator.image import dockerfile
from orchestrator.insight import claims
from orchestrator.lock import settings
from orchestrator.matrix import document
from orchestrator.model.suite import Catalogue
from orchestrator.report import catalogue as catalogue_page
from orchestrator.report import contexts
from orchestrator.report import cuda as cuda_page
from orchestrator.report import statements as statements_page
from orchestrator.report.files import Published, write_latest
from orchestrator.report.publish import Written, require_whole, tried, whole_run, write_published
from orchestrator.store import evidence_codec, trim
from orchestrator.store.publication import PlanSnapshot, Publication
from orchestrator.verdict.judge import judge

STATEMENTS = Path("docs", "seeds.yaml")


def publish_latest(project: Project, found: Results) -> tuple[Path, ...]:
    """Writes `reports/latest/`: the table of the whole plan, each cell's newest result, dated."""
    made = Published(matrix=project.parts.matrix, cells=found.whole, run=found.run, local=found.whole_local)
    return write_latest(project.folder / "reports" / "latest", made)


def publish(project: Project, found: Results, services: Services, *, partial: bool) -> Written:
    """Writes `reports/published/` from the store's own results. Raises UserError if some cells were not run."""
    if not partial:
        require_whole(found.whole)
    seen = tried(found.whole)
    if not seen:
        raise UserError("nothing to publish: no combination has a result", hint="compat run --yes")
    probes, run = project.parts.suite, whole_run(project.parts.store.runs())
    brief = project.parts.devices.inspection.brief
    redact = trim.redactor(trim.of_this_machine(project.folder, settings.host_index(services.environment)))
    evidence = Publication(
        known=PlanSnapshot(source=project.source, as_of=project.as_of, choices=project.parts.matrix.choices),
        run=run,
        catalogue=Catalogue(probes=probes.probes, proven=probes.proven, expects=probes.expects, digest=probes.digest),
        records={j.cell.id: trim.trimmed(j.record, redact, brief) for j in seen if j.record},
        planned=len(found.whole),
        tried=len(seen),
    )
    # what is shown is what anybody derives from the evidence, not what this store would say
    shown = judge(replace(published(project.parts, evidence), cells=tuple(j.cell for j in found.whole)))
    made = Published(matrix=project.parts.matrix, cells=shown, run=run)
    rows = cuda_rows.selected(cuda.rows(shown, services), cuda_rows.listed(project.parts.matrix), ())
    beside = cuda_page.files(rows, evidence.day)
    return write_published(project.folder / evidence_codec.PUBLISHED, made, evidence, beside)


def catalogue(matrix: Path | None, services: Services) -> str:
    """Every probe with its question, as Markdown."""
    path = matrix_path(matrix, services)
    source = document.load(path)
    return catalogue_page.catalogue(suite_of(source, path, services).probes.values(), source.limits)


def statements(project: Project) -> str:
    """What `docs/seeds.yaml` beside the matrix says and what came out of it by published evidence, as Markdown."""
    seeds, matrix, given = claims.read(project.folder / STATEMENTS), project.parts.matrix, project.published
    cells = () if given is None else judge(replace(published(project.parts, given), cells=project.plan.cells))
    return statements_page.statements(seeds, cells, matrix, "" if given is None else given.day)


def write_dockerfiles(project: Project, folder: Path) -> tuple[Path, ...]:
    """Writes the build context of each selected cell that was locked into `folder`/CELL; returns the Dockerfiles."""
    return contexts.write(
        results(project).selected, folder, dockerfile.read(project.parts.images), project.parts.devices.layer
    )
