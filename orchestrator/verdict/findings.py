"""Equal signatures are one finding across probes and cells."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from orchestrator.errors import Attribution, CellStatus
from orchestrator.model import Outcome, ProbeKind
from orchestrator.verdict.judge import CellResult
from orchestrator.verdict.signature import normalise, title
from orchestrator.verdict.verdicts import NOT_PASSED
from orchestrator.verdict.words import NO_WHEEL, status_word


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One cause. `cells` and `probes` are ids (no probes: the cell itself could not be made), `pairs` counts both.

    `unproven` are those of the pairs whose check is not known to be able to pass and to fail.
    """

    signature: str
    title: str
    attribution: Attribution
    cells: tuple[str, ...]
    probes: tuple[str, ...] = ()
    pairs: int = 0
    unproven: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Occurrence:
    """One probe that did not pass in one cell, or (`outcome` None) a cell that could not be made, and its cause."""

    judged: CellResult
    outcome: Outcome | None
    signature: str


def signed(judged: CellResult) -> str:
    """The signature of a cell that could not be made, "" for one that ran or whose reason needs no footnote."""
    if judged.status not in (CellStatus.UNRESOLVABLE, CellStatus.UNINSTALLABLE):
        return ""
    word = status_word(judged.status, judged.reason)
    return "" if word == NO_WHEEL else f"{word}: {normalise(judged.detail or judged.reason)}"


def findings(cells: Iterable[CellResult]) -> tuple[Finding, ...]:
    """Every cause seen over these cells, the one with most (cell, probe) pairs first, then by signature.

    Cells that are infra contribute nothing; behaviours, drift and controls neither.
    """
    return gathered(s for judged in cells for s in _sightings(judged, deciding(judged)))


def occurrences(cells: Iterable[CellResult]) -> tuple[Occurrence, ...]:
    """Every check that did not pass and every cell that could not be made, in the cells' order.

    More than what decides a verdict: whatever a group that is blocked had in store as well, and unproven checks.
    Cells that are infra contribute nothing; behaviours, drift and controls neither, nor probes' own mistakes.
    """
    return tuple(s for judged in cells for s in _sightings(judged, _failed(judged)))


def gathered(seen: Iterable[Occurrence]) -> tuple[Finding, ...]:
    """Equal signatures as one finding each: most (cell, probe) pairs first, of equal ones the subject's."""
    return tuple(finding for finding, _ in grouped(seen))


def grouped(seen: Iterable[Occurrence]) -> tuple[tuple[Finding, tuple[Occurrence, ...]], ...]:
    """Like `gathered`, each finding with its occurrences."""
    causes: dict[str, list[Occurrence]] = {}
    for occurrence in seen:
        causes.setdefault(occurrence.signature, []).append(occurrence)
    made = [(_finding(name, found), tuple(found)) for name, found in causes.items()]
    return tuple(sorted(made, key=lambda pair: _rank(pair[0])))


def _rank(finding: Finding) -> tuple[int, bool, str]:
    return -finding.pairs, finding.attribution is not Attribution.SUBJECT, finding.signature


def _sightings(judged: CellResult, outcomes: tuple[Outcome, ...]) -> list[Occurrence]:
    found = [Occurrence(judged=judged, outcome=None, signature=own)] if (own := signed(judged)) else []
    if judged.status is CellStatus.RAN:
        found += [Occurrence(judged=judged, outcome=o, signature=o.signature) for o in outcomes]
    return found


def _failed(judged: CellResult) -> tuple[Outcome, ...]:
    checks = (o for o in judged.outcomes if o.probe.kind is ProbeKind.CHECK)
    return tuple(o for o in checks if o.kind in NOT_PASSED and o.signature)


def deciding(judged: CellResult) -> tuple[Outcome, ...]:
    """Outcomes of a cell that decide one of its verdicts, once each."""
    found = {o.probe.id: o for v in judged.verdicts for o in v.failing if o.kind in NOT_PASSED and o.signature}
    return tuple(found[name] for name in sorted(found))


def _finding(name: str, seen: list[Occurrence]) -> Finding:
    outcomes = [s.outcome for s in seen if s.outcome is not None]
    whose = [o.attribution for o in outcomes if o.attribution]
    whose += [s.judged.record.attribution or Attribution.UNKNOWN for s in seen if s.outcome is None and s.judged.record]
    # where one cause is the subject's in one probe and its surroundings' in another, it is the surroundings'
    order = (Attribution.BASE, Attribution.ENVIRONMENT, Attribution.SUBJECT, Attribution.PROBE)
    return Finding(
        signature=name,
        title=_during(outcomes) + title(name),
        attribution=next((a for a in order if a in whose), Attribution.UNKNOWN),
        cells=tuple(sorted({s.judged.cell.id for s in seen})),
        probes=tuple(sorted({o.probe.id for o in outcomes})),
        pairs=len(seen),
        unproven=sum(not o.proven for o in outcomes),
    )


def _during(outcomes: list[Outcome]) -> str:
    """What was being imported, such as "import tensorflow: ", where that is what failed."""
    calls = sorted({o.observation.within for o in outcomes if o.observation})
    imports = [c for c in calls if c.startswith("import ")]
    return f"{imports[0]}: " if len(imports) == 1 else ""
