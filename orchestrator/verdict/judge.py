"""Raw records of a plan into judged cells, one for each planned cell: nothing can vanish."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from orchestrator.errors import CellStatus
from orchestrator.matrix.expand import groups_of
from orchestrator.model import (
    Cell,
    CellRecord,
    Group,
    Matrix,
    Outcome,
    Probe,
    ProbeKind,
    Verdict,
    VerdictKind,
)
from orchestrator.run.controls import controls_wrong
from orchestrator.verdict.classify import outcome, setting
from orchestrator.verdict.verdicts import verdict
from orchestrator.verdict.words import said, status_word

CONTROL = "control"


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """All there is to judge a plan by.

    `records` is cell id → the newest record that is not superseded (a cell without one was not run); `probes`
    the catalogue; `proven` ids of probes that are known to be able to pass and to fail; `expects` how each
    control must end.
    """

    matrix: Matrix
    cells: tuple[Cell, ...]
    records: Mapping[str, CellRecord]
    probes: Mapping[str, Probe]
    proven: Collection[str] = frozenset()
    expects: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """A planned cell with what its record means. `status` is None for a cell that was not run.

    `groups` are those with checks that apply to it; `headline` the one whose verdict stands for the cell in a
    small table ("" where none applies).
    """

    cell: Cell
    status: CellStatus | None
    reason: str = ""
    detail: str = ""
    record: CellRecord | None = None
    groups: tuple[str, ...] = ()
    headline: str = ""
    outcomes: tuple[Outcome, ...] = ()
    verdicts: tuple[Verdict, ...] = ()

    def verdict(self, group: str) -> Verdict | None:
        return next((v for v in self.verdicts if v.group == group), None)

    def kind(self, group: str) -> VerdictKind | None:
        """The verdict of a group, or None where the cell did not run or the group does not apply."""
        found = self.verdict(group)
        return found.kind if found else None

    def word(self, group: str) -> str:
        """The verdict, or in people's words why there is none."""
        return self.kind(group) or status_word(self.status, self.reason)

    @property
    def said(self) -> str:
        """The cell's choices in words, with the month its dependencies are of where that is known."""
        lock = self.record.lock if self.record else None
        return said(self.cell, month=f"{lock.cutoff:%b %Y}" if lock else "")

    @property
    def isolated(self) -> bool:
        """False for results of the local engine: plain processes on somebody's machine."""
        return self.record is None or self.record.engine.split(" ")[0] != "local"


def judge(evidence: Evidence) -> tuple[Judged, ...]:
    """A `Judged` per planned cell, in the plan's order. Raises UserError where a group names an unknown probe."""
    return tuple(_judge(cell, evidence) for cell in evidence.cells)


def filled(cells: Sequence[Judged], local: Sequence[Judged]) -> tuple[Judged, ...]:
    """The cells, each without a result of its own replaced by what the local engine saw of it, if anything."""
    seen = {j.cell.id: j for j in local if j.record is not None}
    return tuple(seen.get(j.cell.id, j) if j.record is None else j for j in cells)


def _judge(cell: Cell, evidence: Evidence) -> Judged:
    applying = groups_of(cell, evidence.matrix)
    groups = tuple(g for g in applying if _is_judged(g, evidence.probes))
    names, headline = tuple(g.name for g in groups), _headline(groups, evidence.matrix)
    record = evidence.records.get(cell.id)
    if record is None:
        return Judged(cell=cell, status=None, groups=names, headline=headline)
    status, reason, detail = record.status, record.reason, record.detail
    if status is CellStatus.RAN and (wrong := controls_wrong(record.observations, evidence.expects)):
        status, reason, detail = CellStatus.INFRA, "control", "; ".join(wrong)
    outcomes = _outcomes(record, tuple(g.name for g in applying), evidence) if record.observations else ()
    by_id = {o.probe.id: o for o in outcomes}
    ran = status is CellStatus.RAN
    return Judged(
        cell=cell,
        status=status,
        reason=reason,
        detail=detail,
        record=record,
        groups=names,
        headline=headline,
        outcomes=outcomes,
        verdicts=tuple(verdict(g, by_id, evidence.probes) for g in groups if _judges(g, evidence)) if ran else (),
    )


def _is_judged(group: Group, probes: Mapping[str, Probe]) -> bool:
    """Whether a group can have a verdict: behaviours alone are neither good nor bad."""
    counts = any(p.group == group.name and p.kind is ProbeKind.CHECK for p in probes.values())
    return counts or bool(group.core or group.stands_on)


def _outcomes(record: CellRecord, groups: tuple[str, ...], evidence: Evidence) -> tuple[Outcome, ...]:
    """An outcome for every probe that belongs in the cell, in the catalogue's order, missing ones included."""
    seen, where = {o.probe: o for o in record.observations}, setting(record)
    return tuple(
        outcome(seen.get(probe.id), probe, where, proven=probe.id in evidence.proven)
        for probe in evidence.probes.values()
        if probe.group in groups or probe.id in seen
    )


def _judges(group: Group, evidence: Evidence) -> bool:
    """Whether a group has checks at all: one of behaviours alone has no verdict."""
    return any(p.group == group.name and p.kind is ProbeKind.CHECK for p in evidence.probes.values())


def _headline(groups: tuple[Group, ...], matrix: Matrix) -> str:
    """A question's group; else the last that has core checks, those that not every cell has before others."""
    asked = {q.group for q in matrix.questions}
    ranked = [g for g in groups if g.name != CONTROL]
    if not ranked:
        return ""
    best = max(enumerate(ranked), key=lambda at: (at[1].name in asked, bool(at[1].core), bool(at[1].where), at[0]))
    return best[1].name
