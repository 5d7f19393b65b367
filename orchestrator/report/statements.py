"""`docs/seeds.md`: every statement of the seeds, the probes that decide it, and what came out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from orchestrator.foreign import in_prose
from orchestrator.insight.claims import Held, Seed, Seeds, Statement, Truth, held
from orchestrator.model import Matrix
from orchestrator.verdict.judge import CellResult
from orchestrator.verdict.words import shorten

_VALUE = 60
_SPANS = 6


def statements(seeds: Seeds, cells: Sequence[CellResult], matrix: Matrix, day: str) -> str:
    """The page, in Markdown. `day` is when the evidence was published ("" where there is none yet)."""
    came_out = {(seed.seed, n): held(s, seed, cells, matrix) for seed in seeds.seeds for n, s in _numbered(seed)}
    counts = Counter(found.truth for found in came_out.values())
    evidence = f"evidence published {day}" if day else "no evidence published yet"
    lines = [
        "# What the seeds say",
        "",
        f"{seeds.about} What",
        "came out is derived from published evidence by `compat export --statements > docs/seeds.md`; which probes",
        "decide it, and how they are read, is in [seeds.yaml](seeds.yaml).",
        "",
        f"*Either*: both came out on that version, {seeds.either}.",
        "",
        f"{len(came_out)} statements, {evidence}: " + ", ".join(f"{counts[t]} {t}" for t in Truth if counts[t]) + ".",
    ]
    for seed in seeds.seeds:
        lines += ["", f"## Seed {seed.seed}: {in_prose(seed.title)}", "", "| | statement | decided by | came out |"]
        lines += ["| --- | --- | --- | --- |"]
        lines += [_row(number, statement, came_out[seed.seed, number]) for number, statement in _numbered(seed)]
    return "\n".join(lines) + "\n"


def _numbered(seed: Seed) -> list[tuple[int, Statement]]:
    return list(enumerate(seed.statements, start=1))


def _row(number: int, statement: Statement, found: Held) -> str:
    probes = ", ".join(f"`{name}`" for name in statement.holds) or "–"
    return f"| {number} | {in_prose(statement.says, code=True)} | {probes} | {_came_out(statement, found)} |"


def _came_out(statement: Statement, found: Held) -> str:
    parts = [f"**{found.truth}**"]
    parts += [in_prose(found.why, code=True)] if found.why else []
    if len(found.spans) > 1 or found.truth is Truth.DEPENDS:
        told = [f"{in_prose(shorten(word, _VALUE))} on {', '.join(where)}" for word, where in found.spans[:_SPANS]]
        told += [f"and {len(found.spans) - _SPANS} more"] if len(found.spans) > _SPANS else []
        parts.append("; ".join(told))
    elif found.spans:
        parts.append(f"on {', '.join(found.spans[0][1])}")
    if statement.holds and statement.note:
        parts.append(in_prose(statement.note, code=True))
    return " · ".join(parts)
