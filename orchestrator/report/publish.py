"""`reports/published/`: the whole plan's table, and the evidence it is derived from, to be committed and shipped."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from orchestrator.errors import CellStatus, ExitCode, UserError
from orchestrator.model import RunInfo
from orchestrator.report.files import Published, tables
from orchestrator.report.page import page
from orchestrator.store import evidence_codec
from orchestrator.store.files import write_whole
from orchestrator.store.publication import BUDGET, Publication
from orchestrator.verdict.judge import CellResult
from orchestrator.verdict.words import OURS, status_word

_NO_RESULT = (None, CellStatus.INFRA, CellStatus.UNAVAILABLE)
_SHOWN = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Written:
    """What was published: its files, and the bytes they take as they are and as they are shipped."""

    paths: tuple[Path, ...]
    size: int
    shipped: int


def tried(cells: Sequence[CellResult]) -> tuple[CellResult, ...]:
    """The cells that something is known of: not those without a result, our fault, or for want of a base."""
    return tuple(j for j in cells if j.status not in _NO_RESULT)


def require_whole(cells: Sequence[CellResult]) -> None:
    """Raises UserError, saying what to run, where planned cells have no result."""
    lacking = [j for j in cells if j.status in _NO_RESULT]
    if not lacking:
        return
    why = Counter(OURS if j.status is CellStatus.INFRA else _absent(j) for j in lacking)
    counts = ", ".join(f"{number} {word}" for word, number in why.most_common())
    lines = [f"  {j.cell.id[:8]}  {j.said}: {status_word(j.status)}" for j in lacking[:_SHOWN]]
    lines += [f"  and {len(lacking) - _SHOWN} more"] if len(lacking) > _SHOWN else []
    raise UserError(
        f"{len(lacking)} of {len(cells)} planned combinations have no result ({counts}):\n" + "\n".join(lines),
        hint="`compat run --yes` resumes where it stopped; --partial publishes what there is, and the page says so.",
        code=ExitCode.INFRA,
    )


def _absent(judged: CellResult) -> str:
    return "without a base here" if judged.status is CellStatus.UNAVAILABLE else "not run"


def whole_run(runs: Sequence[RunInfo]) -> RunInfo:
    """The newest run in containers, begun when the first of those with the same reading of the index was."""
    isolated = [r for r in runs if r.engine.isolated]
    return replace(isolated[-1], started=min(r.started for r in isolated if r.as_of == isolated[-1].as_of))


def write_published(
    directory: Path, made: Published, evidence: Publication, beside: Mapping[str, bytes] | None = None
) -> Written:
    """Writes table.md, table.csv, table.html and the evidence, each whole; equal input gives equal bytes.

    `beside`: other pages, name → content, such as those of what an inspection saw.

    Raises UserError, having written nothing, where all of it would be more than may be shipped, or where evidence is
    there already that can't be read.
    """
    evidence_codec.load(directory)
    shown = page(made.matrix, made.cells, made.run)
    note = f"published {evidence.day}: {evidence.tried} of {evidence.planned} combinations tried"
    shown = replace(shown, legend=(note, *shown.legend))
    contents = {
        **{name: text.encode() for name, text in tables(made, shown).items()},
        evidence_codec.FILE: evidence_codec.encode(evidence),
        **(beside or {}),
    }
    shipped = sum(len(zlib.compress(content)) for content in contents.values())
    if shipped > BUDGET:
        raise UserError(f"the publication takes {shipped:,} bytes as shipped, more than the {BUDGET:,} there are")
    for name, content in contents.items():
        write_whole(directory / name, content)
    return Written(
        paths=tuple(directory / name for name in contents),
        size=sum(len(content) for content in contents.values()),
        shipped=shipped,
    )
