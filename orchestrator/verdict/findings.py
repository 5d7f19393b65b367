"""Equal signatures are one finding across probes and cells."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from orchestrator.errors import Attribution, CellStatus
from orchestrator.model import Outcome
from orchestrator.verdict.judge import Judged
from orchestrator.verdict.signature import normalise, title
from orchestrator.verdict.verdicts import NOT_PASSED
from orchestrator.verdict.words import NO_WHEEL, status_word


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One cause. `cells` and `probes` are ids (no probes: the cell itself could not be made), `pairs` counts both."""

    signature: str
    title: str
    attribution: Attribution
    cells: tuple[str, ...]
    probes: tuple[str, ...] = ()
    pairs: int = 0


def signed(judged: Judged) -> str:
    """The signature of a cell that could not be made, "" for one that ran or whose reason needs no footnote."""
    if judged.status not in (CellStatus.UNRESOLVABLE, CellStatus.UNINSTALLABLE):
        return ""
    word = status_word(judged.status, judged.reason)
    return "" if word == NO_WHEEL else f"{word}: {normalise(judged.detail or judged.reason)}"


def findings(cells: Iterable[Judged]) -> tuple[Finding, ...]:
    """Every cause seen over these cells, the one with most (cell, probe) pairs first, then by signature.

    Cells that are infra contribute nothing; behaviours, drift and controls neither.
    """
    pairs: dict[str, list[tuple[str, Outcome | None]]] = {}
    whose: dict[str, Attribution] = {}
    for judged in cells:
        if own := signed(judged):
            pairs.setdefault(own, []).append((judged.cell.id, None))
            record = judged.record
            whose.setdefault(own, (record and record.attribution) or Attribution.UNKNOWN)
        if judged.status is CellStatus.RAN:
            for found in deciding(judged):
                pairs.setdefault(found.signature, []).append((judged.cell.id, found))
    made = [_finding(name, found, whose.get(name)) for name, found in pairs.items()]
    return tuple(sorted(made, key=lambda f: (-f.pairs, f.signature)))


def deciding(judged: Judged) -> tuple[Outcome, ...]:
    """Outcomes of a cell that decide one of its verdicts, once each."""
    found = {o.probe.id: o for v in judged.verdicts for o in v.failing if o.kind in NOT_PASSED and o.signature}
    return tuple(found[name] for name in sorted(found))


def _finding(name: str, pairs: list[tuple[str, Outcome | None]], whose: Attribution | None) -> Finding:
    outcomes = [o for _, o in pairs if o is not None]
    seen = [o.attribution for o in outcomes if o.attribution]
    # where one cause is the subject's in one probe and its surroundings' in another, it is the surroundings'
    order = (Attribution.BASE, Attribution.ENVIRONMENT, Attribution.SUBJECT, Attribution.PROBE, Attribution.UNKNOWN)
    attribution = whose or next((a for a in order if a in seen), Attribution.UNKNOWN)
    return Finding(
        signature=name,
        title=_during(outcomes) + title(name),
        attribution=attribution,
        cells=tuple(sorted({cell for cell, _ in pairs})),
        probes=tuple(sorted({o.probe.id for o in outcomes})),
        pairs=len(pairs),
    )


def _during(outcomes: list[Outcome]) -> str:
    """What was being imported, such as "import tensorflow: ", where that is what failed."""
    calls = sorted({o.observation.within for o in outcomes if o.observation})
    imports = [c for c in calls if c.startswith("import ")]
    return f"{imports[0]}: " if len(imports) == 1 else ""
