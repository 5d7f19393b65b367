"""Where a finding is and where it is not: choices it spans, cells without it, pins that tell the two apart."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from orchestrator.axes.registry import kind_of
from orchestrator.errors import CellStatus, Phase
from orchestrator.insight.discriminating_pins import DiscriminatingPin, Pins, discriminating_among, discriminating_pins
from orchestrator.insight.nearest import closest
from orchestrator.model import Axis, Matrix, Outcome, OutcomeKind, ProbeKind, Strategy
from orchestrator.verdict.findings import Finding, Occurrence, grouped, occurrences
from orchestrator.verdict.judge import CellResult
from orchestrator.verdict.spans import Point, contiguous, release
from orchestrator.verdict.verdicts import GOOD

_HALF = 0.5
_LISTED = 2
"""Versions that follow one another and are all named; more are a stretch."""
_NO_RESULT = (OutcomeKind.SKIP, OutcomeKind.MISSING)


@dataclass(frozen=True, kw_only=True, slots=True)
class FindingScope:
    """A finding over its cells. `where` is (axis, its values in words) for every axis with something to say,
    `example` the cell and `probe` ("" : the cell itself) to look at, `passing` cells where the same probes passed,
    `pins` those that tell the two apart; `behaviours` how many of the finding's probes are no checks, `nearest`
    the one of `passing` that is nearest to a hit. Where no pins tell hits from all of `passing`, `alike` are those of
    `passing` with the same packages chosen as some hit, and `alike_pins` those that tell hits from these.
    """

    finding: Finding
    where: tuple[tuple[str, str], ...]
    example: CellResult
    probe: str
    hits: tuple[CellResult, ...]
    passing: tuple[CellResult, ...]
    pins: tuple[DiscriminatingPin, ...]
    behaviours: int = 0
    nearest: CellResult | None = None
    alike: tuple[CellResult, ...] = ()
    alike_pins: tuple[DiscriminatingPin, ...] = ()


def finding_scopes(
    cells: Sequence[CellResult], whole: Sequence[CellResult], matrix: Matrix
) -> tuple[FindingScope, ...]:
    """Every finding of the cells, largest first; what passes is looked for in `whole`, the plan they are part of."""
    found = ran(whole)
    return tuple(finding_scope(finding, seen, found, matrix) for finding, seen in grouped(occurrences(cells)))


@dataclass(frozen=True, kw_only=True, slots=True)
class RanCells:
    """Cells that ran, each with what came of every probe (by id) that has a result there; cell id → its pins."""

    cells: tuple[tuple[CellResult, Mapping[str, Outcome]], ...]
    pins: Mapping[str, Pins]

    def locks(self, cells: Iterable[CellResult]) -> list[Pins]:
        """The pins of those of the cells that have any."""
        return [self.pins[j.cell.id] for j in cells if j.cell.id in self.pins]


def ran(whole: Iterable[CellResult]) -> RanCells:
    """The cells that ran, indexed once for many findings."""
    there = [j for j in whole if j.status is CellStatus.RAN]
    return RanCells(
        cells=tuple((j, {o.probe.id: o for o in j.outcomes if o.kind not in _NO_RESULT}) for j in there),
        pins={j.cell.id: found for j in there if (found := pins_of(j))},
    )


def finding_scope(finding: Finding, seen: Sequence[Occurrence], whole: RanCells, matrix: Matrix) -> FindingScope:
    """One finding, from its occurrences."""
    hits = tuple({s.judged.cell.id: s.judged for s in seen}.values())
    passing = without(seen, whole)
    first = suspected_names(seen)
    best = min(seen, key=example_rank)
    pins = discriminating_pins(whole.locks(hits), whole.locks(passing), first)
    alike = () if pins else _alike(hits, passing)
    return FindingScope(
        finding=finding,
        where=_where(hits, passing, matrix),
        example=best.judged,
        probe=best.outcome.probe.id if best.outcome else "",
        hits=hits,
        passing=passing,
        pins=pins,
        alike=alike,
        alike_pins=discriminating_among(whole.locks(hits), whole.locks(alike), whole.locks(passing)),
        nearest=nearest_without(hits, passing, matrix),
        behaviours=len({s.outcome.probe.id for s in seen if s.outcome and s.outcome.probe.kind is not ProbeKind.CHECK}),
    )


def without(seen: Sequence[Occurrence], whole: RanCells) -> tuple[CellResult, ...]:
    """Cells that ran the finding's probes and do not have it.

    They ran at least half of the probes that failed in some cell. All of these that have a result there passed;
    where there is no such cell, at least half of them did. Of a failed import it is enough that the probes got
    past it: what fails later has another cause.
    """
    failed: dict[str, set[str]] = {}
    for occurrence in seen:
        if occurrence.outcome:
            failed.setdefault(occurrence.judged.cell.id, set()).add(occurrence.outcome.probe.id)
    sets, probes = {frozenset(names) for names in failed.values()}, frozenset().union(*failed.values())
    importing = any(s.outcome.phase is Phase.IMPORT for s in seen if s.outcome)
    shares = []
    for judged, outcomes in whole.cells:
        if judged.cell.id in failed:
            continue
        mine = {name: outcomes[name] for name in probes if name in outcomes}
        if mine and any(len(names & mine.keys()) >= _HALF * len(names) for names in sets):
            shares.append((judged, sum(_beyond(o, importing=importing) for o in mine.values()) / len(mine)))
    least = 1.0 if any(share == 1.0 for _, share in shares) else _HALF
    return tuple(judged for judged, share in shares if share >= least)


def _alike(hits: Iterable[CellResult], passing: Iterable[CellResult]) -> tuple[CellResult, ...]:
    """Those of `passing` with the same packages chosen as some hit: what else is installed is then what differs."""
    chosen = {j.cell.packages for j in hits}
    return tuple(j for j in passing if j.cell.packages in chosen)


def nearest_without(hits: Sequence[CellResult], passing: Sequence[CellResult], matrix: Matrix) -> CellResult | None:
    """The one of `passing` nearest to a hit: one whose requirements are kept and that works, where there is any."""
    honest = [j for j in passing if j.cell.strategy is not Strategy.FORCED] or list(passing)
    good = [j for j in honest if j.kind(j.headline) in GOOD] or honest
    return closest([j.cell for j in hits], good, matrix)


def _beyond(outcome: Outcome, *, importing: bool) -> bool:
    seen = outcome.observation
    if outcome.kind is OutcomeKind.PASS:
        return True
    return importing and outcome.phase is Phase.PROBE and seen is not None


def pins_of(judged: CellResult) -> Pins:
    """name → version of the cell's lock; empty where nothing was resolved.

    A stand-in (tensorflow-cpu) goes by the name of what it stands in for, or one version would seem two packages.
    """
    lock = judged.record.lock if judged.record else None
    real = {stand_in: name for c in judged.cell.choices for name, stand_in in c.substitutes}
    return {real.get(d.name, d.name): d.version for d in lock.distributions} if lock else {}


def suspected_names(seen: Sequence[Occurrence]) -> tuple[str, ...]:
    """Distributions to name first: those the exceptions' frames lie in, the innermost first, then those chosen."""
    found: dict[str, None] = {}
    example = next((s.outcome.observation for s in seen if s.outcome and s.outcome.observation), None)
    if example and example.exception:
        for frame in reversed(example.exception.frames):
            parts = frame.file.split("/")
            # google/protobuf/descriptor.py belongs to protobuf, tensorflow/python/… to tensorflow
            for part in parts[:2] if parts[0] == "google" else parts[:1]:
                found[part.replace("_", "-").lower()] = None
    chosen = (c for s in seen for c in s.judged.cell.packages)
    return tuple(dict.fromkeys([*found, *(c.axis.package or c.axis.name for c in chosen)]))


def example_rank(occurrence: Occurrence) -> tuple[bool, bool, bool, int, str, str]:
    """The plainest evidence first: isolated, its requirements kept, a check that decides, in whose own call it was."""
    judged, outcome = occurrence.judged, occurrence.outcome
    forced = judged.cell.strategy is Strategy.FORCED
    if outcome is None:
        return not judged.isolated, forced, False, 0, "", judged.cell.id
    there = outcome.kind in (OutcomeKind.BLOCKED, OutcomeKind.ERROR)
    deciding = [o.probe.id for v in judged.verdicts for o in v.failing]
    last = len(deciding) + (outcome.probe.kind is not ProbeKind.CHECK)
    place = deciding.index(outcome.probe.id) if outcome.probe.id in deciding else last
    return not judged.isolated, forced, there, place, outcome.probe.id, judged.cell.id


def _where(hits: Sequence[CellResult], passing: Sequence[CellResult], matrix: Matrix) -> tuple[tuple[str, str], ...]:
    found = []
    for choices in matrix.choices:
        axis, listed = choices[0].axis, [c.name for c in choices]
        here = {j.cell.get(axis.name) or "" for j in hits}
        tried = here | {j.cell.get(axis.name) or "" for j in passing}
        words = kind_of(axis).wording
        if here != {axis.default} or not words.unsaid(axis, axis.default or ""):
            found.append((words.where(axis), _values(axis, listed, here, tried)))
    return tuple(found)


def _values(axis: Axis, listed: Sequence[str], here: Collection[str], tried: Collection[str]) -> str:
    """Versions as stretches without a gap: nothing is said of one that was not tried or did not fail."""
    names = [*listed, *sorted(set(here) - set(listed))]
    kind = kind_of(axis)
    if not kind.naming.versioned:
        return ", ".join(kind.wording.word(name) for name in names if name in here)
    versions = sorted((n for n in names if release(n)), key=lambda n: (release(n), n))
    points = [Point(version=n, value=n in here, absent="" if n in tried else "not tried") for n in versions]
    spans = [span for run in contiguous(points) if run.value for span in run.spans]
    words = [n for n in names if n in here and not release(n)]
    return ", ".join([*words, *(f"{s[0]}–{s[-1]}" if len(s) > _LISTED else ", ".join(s) for s in spans)])
