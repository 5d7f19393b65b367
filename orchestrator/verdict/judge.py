"""Raw records of a plan into judged cells, one for each planned cell: nothing can vanish."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from orchestrator.errors import CellStatus
from orchestrator.matrix.expand import groups_of
from orchestrator.model import (
    Cell,
    CellRecord,
    Group,
    Inspected,
    Inspection,
    Matrix,
    Outcome,
    Probe,
    ProbeKind,
    Verdict,
    VerdictKind,
)
from orchestrator.run.controls import controls_wrong
from orchestrator.verdict.classify import Setting, outcome, setting
from orchestrator.verdict.verdicts import require_known, verdict
from orchestrator.verdict.words import said, status_word

CONTROL = "control"


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """All there is to judge a plan by.

    `records` is cell id → the newest record that is not superseded (a cell without one was not run); `probes`
    the catalogue; `proven` ids of probes that are known to be able to pass and to fail; `expects` how each
    control must end; `inspection` reads what an inspection of their images saw.
    """

    matrix: Matrix
    cells: tuple[Cell, ...]
    records: Mapping[str, CellRecord]
    probes: Mapping[str, Probe]
    proven: Collection[str] = frozenset()
    expects: Mapping[str, object] = field(default_factory=dict)
    inspection: Inspection | None = None


class Meaning:
    """What a record's observations mean, worked out when it is asked for: most readers ask it of a few cells only."""

    def __init__(self, record: CellRecord, applying: frozenset[str], judged: tuple[Group, ...], bench: _Bench) -> None:
        self._applying, self._judged, self._bench = applying, judged, bench
        self._seen = record.by_probe
        self._where = setting(record)
        self._verdicts: dict[str, Verdict] = {}

    @cached_property
    def outcomes(self) -> tuple[Outcome, ...]:
        probes = self._bench.evidence.probes
        return tuple(self._outcome(p) for p in probes.values() if p.group in self._applying or p.id in self._seen)

    @property
    def raised(self) -> Iterator[Outcome]:
        """The outcomes of probes that raised, each made when it is asked for."""
        for probe in self._bench.evidence.probes.values():
            seen = self._seen.get(probe.id)
            if seen is not None and seen.exception is not None:
                yield self._outcome(probe)

    @cached_property
    def verdicts(self) -> tuple[Verdict, ...]:
        return tuple(v for g in self._judged if (v := self.verdict(g.name)))

    def verdict(self, name: str) -> Verdict | None:
        """The verdict of one group, from the outcomes it needs and no others."""
        group = next((g for g in self._judged if g.name == name), None)
        if group is None:
            return None
        if name not in self._verdicts:
            probes, members = self._bench.evidence.probes, self._bench.members.get(name, ())
            needed = (*members, *(probes[p] for p in group.stands_on if p in self._seen))
            outcomes = {p.id: self._outcome(p) for p in needed}
            self._verdicts[name] = verdict(group, outcomes, probes)
        return self._verdicts[name]

    def _outcome(self, probe: Probe) -> Outcome:
        """Records that share an observation, as published ones do, share its outcome."""
        proven = probe.id in self._bench.evidence.proven
        seen = self._seen.get(probe.id)
        if seen is None:
            return outcome(None, probe, self._where, proven=proven)
        known = self._bench.known.setdefault(self._where, {})
        if id(seen) not in known:
            known[id(seen)] = outcome(seen, probe, self._where, proven=proven)
        return known[id(seen)]


@dataclass(frozen=True, kw_only=True, slots=True)
class CellResult:
    """A planned cell and what its record means. `status` is None for a cell that was not run.

    `groups` are those with checks that apply to it; `headline` the one whose verdict stands for the cell in a
    small table ("" where none applies); `published` the day its record was published, "" for one of this store.
    """

    cell: Cell
    status: CellStatus | None
    reason: str = ""
    detail: str = ""
    record: CellRecord | None = None
    groups: tuple[str, ...] = ()
    headline: str = ""
    published: str = ""
    inspection: Inspection | None = field(default=None, compare=False, repr=False)
    meaning: Meaning | None = field(default=None, compare=False, repr=False)

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """An outcome for every probe that belongs in the cell, in the catalogue's order, missing ones included."""
        return self.meaning.outcomes if self.meaning else ()

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """A verdict for each of `groups` that has checks, where the cell ran."""
        return self.meaning.verdicts if self.meaning else ()

    def verdict(self, group: str) -> Verdict | None:
        return self.meaning.verdict(group) if self.meaning else None

    def kind(self, group: str) -> VerdictKind | None:
        """The verdict of a group, or None where the cell did not run or the group does not apply."""
        found = self.verdict(group)
        return found.kind if found else None

    def word(self, group: str) -> str:
        """The verdict, or in people's words why there is none; where checks say nothing, what an inspection says."""
        kind = self.kind(group)
        if kind is VerdictKind.UNKNOWN and (told := self.inspected) is not None:
            return told.word
        return kind or status_word(self.status, self.reason)

    @property
    def inspected(self) -> Inspected | None:
        """What an inspection of its image amounts to; None where there was none."""
        if self.inspection is None or self.record is None or self.record.audit is None:
            return None
        return self.inspection.tell(self.record.audit)

    @property
    def said(self) -> str:
        """The cell's choices in words, with the month its dependencies are of where that is known."""
        lock = self.record.lock if self.record else None
        return said(self.cell, month=f"{lock.cutoff:%b %Y}" if lock else "")

    @property
    def isolated(self) -> bool:
        """Whether its result, if it has one, came from an engine that isolates."""
        return self.record is None or self.record.engine.isolated


def judge(evidence: Evidence) -> tuple[CellResult, ...]:
    """A `CellResult` per planned cell, in the plan's order. Raises UserError where a group names an unknown probe."""
    bench = _Bench(
        evidence=evidence,
        checked=frozenset(p.group for p in evidence.probes.values() if p.kind is ProbeKind.CHECK),
        members={
            g.name: tuple(p for p in evidence.probes.values() if p.group == g.name) for g in evidence.matrix.groups
        },
    )
    return tuple(_judge(cell, bench) for cell in evidence.cells)


def about(records: Mapping[str, CellRecord], matrix: Matrix) -> dict[str, CellRecord]:
    """Those records whose axes mean what the matrix means by the same names.

    A cell is known by the names of its axes and choices: in another matrix, or before this one was changed, an axis of
    the same name may have been another package's.
    """
    packages = {choices[0].axis.name: choices[0].axis.package for choices in matrix.choices}
    return {
        name: record
        for name, record in records.items()
        if all(packages.get(c.axis.name, c.axis.package) == c.axis.package for c in record.cell.choices)
    }


def merge_published(own: Evidence, published: Evidence, day: str) -> tuple[CellResult, ...]:
    """As `judge(own)`, but published records stand in where they are newer, or where there is no result at all.

    Each record is judged by the catalogue it was made with; trouble of ours never replaces a published result.
    """
    better = {
        name: record
        for name, record in published.records.items()
        if _better(record, own.records.get(name)) and record.status is not CellStatus.INFRA
    }
    mine = {j.cell.id: j for j in judge(replace(own, cells=tuple(c for c in own.cells if c.id not in better)))}
    better |= {
        name: record
        for name, record in published.records.items()
        if name in mine and mine[name].status is CellStatus.INFRA and record.status is not CellStatus.INFRA
    }
    theirs = tuple(c for c in own.cells if c.id in better)
    given = {j.cell.id: replace(j, published=day) for j in judge(replace(published, cells=theirs, records=better))}
    return tuple(given.get(c.id) or mine[c.id] for c in own.cells)


def _better(record: CellRecord, other: CellRecord | None) -> bool:
    if other is None or other.dated is None:
        return True
    return record.dated is not None and record.dated > other.dated


def filled(cells: Sequence[CellResult], local: Sequence[CellResult]) -> tuple[CellResult, ...]:
    """The cells, each without a result of its own replaced by what the local engine saw of it, if anything."""
    seen = {j.cell.id: j for j in local if j.record is not None}
    return tuple(seen.get(j.cell.id, j) if j.record is None else j for j in cells)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Bench:
    """Evidence being judged: `members` are the probes of each group, `checked` groups with checks, `known` what
    observations meant, as cells share them.
    """

    evidence: Evidence
    checked: frozenset[str]
    members: Mapping[str, tuple[Probe, ...]]
    known: dict[Setting, dict[int, Outcome]] = field(default_factory=dict)


def _judge(cell: Cell, bench: _Bench) -> CellResult:
    evidence = bench.evidence
    applying = groups_of(cell, evidence.matrix)
    # behaviours alone are neither good nor bad: a group of them has no verdict
    groups = tuple(g for g in applying if g.name in bench.checked or g.core or g.stands_on)
    names, headline = tuple(g.name for g in groups), _headline(groups, evidence.matrix)
    record = evidence.records.get(cell.id)
    if record is None:
        return CellResult(cell=cell, status=None, groups=names, headline=headline)
    status, reason, detail = record.status, record.reason, record.detail
    if status is CellStatus.RAN and (wrong := controls_wrong(record.by_probe, evidence.expects)):
        status, reason, detail = CellStatus.INFRA, "control", "; ".join(wrong)
    judged = tuple(g for g in groups if g.name in bench.checked) if status is CellStatus.RAN else ()
    for group in judged:
        require_known(group, evidence.probes)
    return CellResult(
        cell=cell,
        status=status,
        reason=reason,
        detail=detail,
        record=record,
        groups=names,
        headline=headline,
        inspection=evidence.inspection,
        meaning=Meaning(record, frozenset(g.name for g in applying), judged, bench) if record.observations else None,
    )


def _headline(groups: tuple[Group, ...], matrix: Matrix) -> str:
    """A question's group; else the last that has core checks, those that not every cell has before others."""
    asked = {q.group for q in matrix.questions}
    ranked = [g for g in groups if g.name != CONTROL]
    if not ranked:
        return ""
    best = max(enumerate(ranked), key=lambda at: (at[1].name in asked, bool(at[1].core), bool(at[1].where), at[0]))
    return best[1].name
