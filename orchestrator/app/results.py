"""Observations → outcomes → verdicts: everything known about a plan, from any run, judged anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from orchestrator.app.planning import Project
from orchestrator.engine.registry import ISOLATED, NOT_ISOLATED
from orchestrator.errors import UserError
from orchestrator.matrix import expand
from orchestrator.model import Cell, CellRecord, RunInfo
from orchestrator.report.page import Page, page
from orchestrator.run.parts import Parts
from orchestrator.store.publication import Publication
from orchestrator.verdict.judge import CellResult, Evidence, about, filled, judge, merge_published

_SHOWN = 12


@dataclass(frozen=True, kw_only=True, slots=True)
class Results:
    """The judged plan as containers saw it, whole and the selected part of it; the same of the local engine.

    `local` and `whole_local` hold only cells that the local engine has a result of.
    """

    whole: tuple[CellResult, ...]
    selected: tuple[CellResult, ...]
    local: tuple[CellResult, ...]
    whole_local: tuple[CellResult, ...]
    run: RunInfo | None

    @property
    def best(self) -> tuple[CellResult, ...]:
        """The selected cells; those without a container result as the local engine saw them."""
        return filled(self.selected, self.local)

    @property
    def everything(self) -> tuple[CellResult, ...]:
        """The whole plan; cells without a container result as the local engine saw them."""
        return filled(self.whole, self.whole_local)


def results(project: Project) -> Results:
    """Judges the whole plan by the newest records, from containers and from the local engine apart."""
    parts, wanted, given = project.parts, {cell.id for cell in project.cells}, project.published
    records, on_local = (_newest(parts, kinds) for kinds in (ISOLATED, NOT_ISOLATED))
    recorded = (*records.values(), *on_local.values(), *(given.records.values() if given else ()))
    cells = expand.table(parts.matrix, project.plan, project.cells, (r.cell for r in recorded))
    evidence = own(parts, cells, records)
    runs = [r for r in parts.store.runs() if r.matrix_digest == parts.matrix.digest]
    whole = judge(evidence) if given is None else merge_published(evidence, published(parts, given), given.day)
    if given is not None and any(j.published for j in whole):
        runs = sorted([*runs, given.run], key=lambda run: run.started)
    local = judge(own(parts, tuple(cell for cell in cells if cell.id in on_local), on_local))
    return Results(
        whole=whole,
        selected=tuple(j for j in whole if j.cell.id in wanted),
        local=tuple(j for j in local if j.cell.id in wanted),
        whole_local=local,
        run=runs[-1] if runs else None,
    )


def _newest(parts: Parts, kinds: Sequence[str]) -> dict[str, CellRecord]:
    """Cell id → its newest record on any of these kinds of engine, the kinds in the order given where dates agree."""
    found: dict[str, CellRecord] = {}
    for kind in kinds:
        for name, record in about(parts.store.newest(kind), parts.matrix).items():
            known = found.get(name)
            if known is None or (record.dated and (known.dated is None or record.dated > known.dated)):
                found[name] = record
    return found


def judge_one(project: Project, record: CellRecord) -> CellResult:
    """Judges a single record."""
    return judge(own(project.parts, (record.cell,), {record.cell.id: record}))[0]


def the_one(found: Results, words: tuple[str, ...]) -> CellResult:
    """The cell that `words` select. Raises UserError if they select several."""
    cells = [j for j in found.best if j.record] or list(found.selected)
    if len(cells) > 1:
        lines = [f"  {j.cell.id[:8]}  {j.said}: {j.word(j.headline)}" for j in cells[:_SHOWN]]
        more = [f"  and {len(cells) - _SHOWN} more"] if len(cells) > _SHOWN else []
        raise UserError(
            f"{len(cells)} cells match {' '.join(words)}:\n" + "\n".join([*lines, *more]), hint="Name one by its id."
        )
    return cells[0]


def view(project: Project, found: Results) -> Page:
    """What a person sees of the selected cells: answers first, then the small table."""
    return page(project.parts.matrix, found.selected, found.run, whole=found.everything, local=found.local)


def own(parts: Parts, cells: tuple[Cell, ...], records: Mapping[str, CellRecord]) -> Evidence:
    """Records of this store over some cells, read by the suite that is installed."""
    return Evidence(
        matrix=parts.matrix,
        cells=cells,
        records=records,
        probes=parts.suite.probes,
        proven=parts.suite.proven,
        expects=parts.suite.expects,
        inspection=parts.devices.inspection,
    )


def published(parts: Parts, given: Publication) -> Evidence:
    """Published records, read by the suite that they were seen with."""
    catalogue = given.catalogue
    return Evidence(
        matrix=parts.matrix,
        cells=(),
        records=given.records,
        probes=catalogue.probes,
        proven=catalogue.proven,
        expects=catalogue.expects,
        inspection=parts.devices.inspection,
    )
