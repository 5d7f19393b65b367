"""Cell results as the long table (everything) and the summary table (what fits a screen)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING, NamedTuple

from orchestrator.axes.registry import kind_of, of_packages, phrase, unsaid
from orchestrator.axes.resolve import strategy_words
from orchestrator.errors import CellStatus
from orchestrator.foreign import printable
from orchestrator.model import (
    PYTHON,
    RESOLVE,
    Cell,
    CellRecord,
    Choice,
    Matrix,
    Outcome,
    RunInfo,
    Strategy,
    VerdictKind,
)
from orchestrator.verdict.findings import Finding, deciding, findings, signed
from orchestrator.verdict.judge import CellResult

if TYPE_CHECKING:
    import pandas as pd

SHORTEST_ID = 4
_NOTES = 3
"""Footnotes per entry at most; the largest findings win."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One place in the small table: the word, numbers of its footnotes, and the date where it is old."""

    word: str
    notes: tuple[int, ...] = ()
    old: str = ""

    def __str__(self) -> str:
        numbers = "".join(f" [{n}]" for n in self.notes)
        return f"{self.word}{numbers}" + (f", old: {self.old}" if self.old else "")


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """Who ("alone", "+ kerassurgeon 0.2.0"), on which Pythons, an entry per column (None: not planned), an id."""

    who: str
    pythons: tuple[str, ...]
    entries: tuple[Entry | None, ...]
    id: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Block:
    """The rows of one version of what everything stands on, such as "tensorflow 2.4.1"."""

    title: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class SummaryTable:
    """The folded table. `columns` are headings, `footnotes` numbered from 1 as in the entries."""

    columns: tuple[str, ...]
    blocks: tuple[Block, ...]
    footnotes: tuple[Finding, ...]
    isolated: bool = True


def short_ids(ids: Iterable[str]) -> dict[str, str]:
    """Full id → its shortest unique beginning, four characters at least."""
    known = sorted(set(ids))
    found = {}
    for place, name in enumerate(known):
        beside = known[max(0, place - 1) : place] + known[place + 1 : place + 2]
        shared = max((_shared(name, other) for other in beside), default=0)
        found[name] = name[: max(SHORTEST_ID, shared + 1)]
    return found


def _shared(one: str, other: str) -> int:
    return next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


class _Place(NamedTuple):
    """One cell's place in its block, and what stands there."""

    who: str
    python: str
    resolve: str
    entry: Entry


def long_frame(matrix: Matrix, cells: Sequence[CellResult]) -> pd.DataFrame:
    """One row per planned cell and group that applies to it (one with an empty group where none does).

    Columns: `id`, an `axis` column each, `group`, `word` (as people read it), `status` ("" : not run),
    `verdict` ("" : none), `passed`, `total`, `unproven` (0 where there is no verdict), `reason`, `finding`
    (the largest that decides), `dated` (ISO 8601, UTC), `engine`, `isolated`.
    """
    axes = [axis.name for axis in matrix.axes]
    size = {f.signature: f.pairs for f in findings(cells)}
    rows = [_long_row(judged, group, size) for judged in cells for group in judged.groups or ("",)]
    columns = ["id", *axes, "group", "word", "status", "verdict", "passed", "total", "unproven"]
    import pandas as pd  # takes longer to import than a table to be shown

    return pd.DataFrame(rows, columns=[*columns, "reason", "finding", "dated", "engine", "isolated"])


def _long_row(judged: CellResult, group: str, size: Mapping[str, int]) -> dict[str, object]:
    record, verdict = judged.record, judged.verdict(group)
    causes = [o.signature for o in verdict.failing if o.signature] if verdict else [signed(judged)]
    return {
        "id": judged.cell.id,
        **judged.cell.axes,
        "group": group,
        "word": str(judged.word(group)),
        "status": str(judged.status or ""),
        "verdict": str(verdict.kind) if verdict else "",
        "passed": verdict.passed if verdict else 0,
        "total": verdict.total if verdict else 0,
        "unproven": verdict.unproven if verdict else 0,
        "reason": printable(verdict.reason if verdict else " ".join(x for x in (judged.reason, judged.detail) if x)),
        "finding": max(causes, key=lambda s: (size.get(s, 0), s), default=""),
        "dated": record.dated.isoformat() if record and record.dated else "",
        "engine": str(record.engine) if record else "",
        "isolated": judged.isolated,
    }


def summary_table(
    cells: Sequence[CellResult], ids: Mapping[str, str], *, isolated: bool = True, run: RunInfo | None = None
) -> SummaryTable | None:
    """The folded table over the cells of one kind of engine; None where there is none.

    Planned cells without a record stand in the isolated table, unless every result there is comes from the
    local engine. `run` is the run in question: what it did not reuse and was seen on an earlier day carries its date.
    """
    mine = _of_engine(cells, isolated=isolated)
    if not mine:
        return None
    strategies = [s for s in Strategy if any(j.cell.strategy is s for j in mine)]
    notes = {f.signature: n for n, f in enumerate(_footnotes(mine), start=1)}
    found: dict[str, list[_Place]] = {}
    for judged in mine:
        if judged.status is not CellStatus.EXCLUDED:
            place = _Place(_who(judged.cell), judged.cell.python, str(judged.cell.strategy), _entry(judged, notes, run))
            found.setdefault(_block(judged.cell), []).append(place)
    representative = _representatives(mine, ids)
    blocks = tuple(
        Block(title=title, rows=_rows(places, strategies, representative, title)) for title, places in found.items()
    )
    return SummaryTable(
        columns=tuple(strategy_words(s, _month(mine, s)) for s in strategies),
        blocks=blocks,
        footnotes=_footnotes(mine),
        isolated=isolated,
    )


def _of_engine(cells: Sequence[CellResult], *, isolated: bool) -> list[CellResult]:
    ran = [j for j in cells if j.record is not None]
    only_local = bool(ran) and not any(j.isolated for j in ran)
    if isolated:
        return [] if only_local else [j for j in cells if j.isolated]
    return list(cells) if only_local else [j for j in ran if not j.isolated]


def _rows(
    places: Sequence[_Place], strategies: Sequence[Strategy], ids: Mapping[tuple[str, str, str], str], block: str
) -> tuple[Row, ...]:
    """One row per who and set of equal Pythons; who's with nothing but equal rows become one."""
    wide: dict[tuple[str, str], dict[str, Entry]] = {}
    for who, python, resolve, entry in places:
        wide.setdefault((who, python), {})[resolve] = entry
    folded: dict[tuple[str, tuple[Entry | None, ...]], list[str]] = {}
    for (who, python), entries in wide.items():
        folded.setdefault((who, tuple(entries.get(s) for s in strategies)), []).append(python)
    merged: dict[tuple[tuple[str, ...], tuple[Entry | None, ...]], list[str]] = {}
    for (who, line), same in folded.items():
        merged.setdefault((tuple(same), line), []).append(who)
    everyone = list(dict.fromkeys(place.who for place in places))
    rows = []
    for (pythons, line), names in merged.items():
        together = len(names) > 1 and _same_for_all(line)
        for who in [_all_of(names, everyone)] if together else names:
            shown = "" if together else ids.get((block, who, pythons[0]), "")
            rows.append(Row(who=who, pythons=pythons, entries=line, id=shown))
    order = {name: place for place, name in enumerate(everyone)}
    return tuple(sorted(rows, key=lambda row: order.get(row.who, len(order))))


def _same_for_all(line: tuple[Entry | None, ...]) -> bool:
    """Rows of several subjects are merged only if no entry is a verdict on anybody's code."""
    verdicts = {str(kind) for kind in VerdictKind}
    return all(entry is None or entry.word not in verdicts for entry in line)


def _all_of(names: list[str], everyone: list[str]) -> str:
    if len(names) == len(everyone):
        return "either" if len(names) == 2 else "all"
    return " / ".join(names)


def _representatives(cells: Sequence[CellResult], ids: Mapping[str, str]) -> dict[tuple[str, str, str], str]:
    """The cell whose id stands for a row: pip-today where it ran, else the first that ran."""
    best: dict[tuple[str, str, str], tuple[bool, bool, str]] = {}
    for judged in cells:
        key = (_block(judged.cell), _who(judged.cell), judged.cell.python)
        rank = (judged.status is CellStatus.RAN, judged.cell.strategy is Strategy.PIP_TODAY)
        if judged.record is not None and (key not in best or rank > best[key][:2]):
            best[key] = (*rank, judged.cell.id)
    return {key: ids.get(rank[2], rank[2]) for key, rank in best.items()}


def _leading(cell: Cell) -> Choice:
    """What everything else stands on: the first package that is no subject."""
    packages = of_packages(cell.choices)
    return next((c for c in packages if not c.axis.subject), packages[0])


def _block(cell: Cell) -> str:
    return phrase(_leading(cell))


def _who(cell: Cell) -> str:
    """What a cell has beside its block's package, packages first; "alone" when nothing. Python and how it was resolved
    have places of their own in the table.
    """
    leading = _leading(cell)
    others = [c for c in cell.choices if c is not leading and c.axis.kind not in (PYTHON, RESOLVE)]
    told = sorted((c for c in others if not unsaid(c)), key=lambda c: not kind_of(c.axis).of_package)
    return " ".join(f"+ {_label(choice)}" for choice in told) or "alone"


def _label(choice: Choice) -> str:
    kind = kind_of(choice.axis)
    return phrase(choice) if kind.of_package else kind.wording.short(choice)


def _entry(judged: CellResult, notes: Mapping[str, int], run: RunInfo | None) -> Entry:
    causes = {o.signature for o in _headline_failing(judged)} | {signed(judged)}
    return Entry(
        word=str(judged.word(judged.headline)),
        notes=tuple(sorted(notes[c] for c in causes if c in notes)[:_NOTES]),
        old=_old(judged.record, run),
    )


def _old(record: CellRecord | None, run: RunInfo | None) -> str:
    """The day of a record that is older than the run and no part of it; "" otherwise."""
    if record is None or record.dated is None or run is None or record.run == run.id:
        return ""
    seen = record.dated.astimezone(UTC).date()
    return seen.isoformat() if seen < run.started.astimezone(UTC).date() else ""


def _headline_failing(judged: CellResult) -> tuple[Outcome, ...]:
    verdict = judged.verdict(judged.headline)
    decided = {o.probe.id for o in deciding(judged)}
    return tuple(o for o in verdict.failing if o.probe.id in decided) if verdict else ()


def _footnotes(cells: Sequence[CellResult]) -> tuple[Finding, ...]:
    """Findings behind the words of the table, largest first."""
    shown = {signed(j) for j in cells}
    for judged in cells:
        verdict = judged.verdict(judged.headline)
        shown |= {o.signature for o in verdict.failing} if verdict else set()
    return tuple(f for f in findings(cells) if f.signature in shown)


def _month(cells: Sequence[CellResult], strategy: Strategy) -> str:
    """The month dependencies were taken from, where all cells of a column share it; "" while some were not run."""
    if any(j.status is None for j in cells if j.cell.strategy is strategy):
        return ""
    cutoffs = {
        f"{j.record.lock.cutoff:%b %Y}"
        for j in cells
        if j.cell.strategy is strategy and j.record is not None and j.record.lock is not None
    }
    return cutoffs.pop() if len(cutoffs) == 1 else ""
