"""`compat diff`: what changes between two selections of what was run."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import click

from orchestrator.app.planning import Project
from orchestrator.app.results import results
from orchestrator.app.services import Services
from orchestrator.cli.options import project, shared
from orchestrator.cli.printing import console, say
from orchestrator.errors import CellStatus, UserError
from orchestrator.matrix import select
from orchestrator.model import Cell
from orchestrator.report import compare as report
from orchestrator.verdict.compare import compare
from orchestrator.verdict.judge import CellResult
from orchestrator.verdict.pairing import Pairing, pairing
from orchestrator.verdict.tables import short_ids
from orchestrator.verdict.words import status_word

_NEXT = re.compile(r"\s+(?=[A-Za-z][A-Za-z0-9._-]*\s*(?:[=!<>]|~=))")
"""Between the selectors of one side."""


@click.command(
    epilog="""\b
Examples:
  compat diff tf=2.3.4 tf=2.15.1
  compat diff tf=2.3.4 tf=2.15.1 resolve=released kerassurgeon=none
  compat diff resolve=released resolve=pip-today tf=2.4.1 python=3.7
  compat diff "tf=2.3.4 python=3.7" "tf=2.15.1 python=3.11"
  compat diff da99 3425""",
)
@click.argument("left")
@click.argument("right")
@click.argument("common", nargs=-1)
@click.option("--all", "full", is_flag=True, help="Name every probe and pair instead of the first few.")
@click.option("--json", "as_json", is_flag=True, help="Print the comparison as one JSON document.")
@shared
def diff(  # noqa: PLR0913 - one parameter per option
    services: Services,
    left: str,
    right: str,
    common: tuple[str, ...],
    *,
    matrix: Path | None,
    as_of: str | None,
    full: bool,
    as_json: bool,
) -> None:
    """What changes from LEFT to RIGHT, from what earlier runs found. Runs nothing.

    LEFT and RIGHT are selectors (several in quotes) or the short id of a cell; COMMON are selectors for both sides.
    Cells that agree in everything else are compared with each other; where there are none, those that differ in
    the least, and the first line says what could not be held constant.
    """
    chosen = project(services, common, matrix, as_of)
    sides = tuple(_side(words, common, chosen) for words in (left, right))
    judged = {j.cell.id: j for j in results(chosen).best}
    cells = [[judged[c.id] for c in side] for side in sides]
    _refuse_same(left, right, cells)
    for words, side in zip((left, right), cells, strict=True):
        _require_run(words, common, side)
    pairs = _paired(left, right, cells, chosen)
    found = compare(pairs)
    if as_json:
        say(report.document(found), end="")
    else:
        ids = short_ids(cell.id for cell in chosen.plan.cells)
        say(report.render(found, width=console().width, ids=ids, full=full), end="")


def words_of(side: str) -> tuple[str, ...]:
    """The selectors of one side as typed: `tf=2.3.4 python=3.7` is two."""
    return tuple(_NEXT.split(side.strip()))


def _side(side: str, common: Sequence[str], chosen: Project) -> tuple[Cell, ...]:
    """The planned cells of a side. Raises UserError, saying what took them, where there is none."""
    selectors = select.parse_selectors(words_of(side), chosen.parts.matrix)
    cells = select.select(chosen.cells, selectors)
    if not cells:
        both = select.parse_selectors((*words_of(side), *common), chosen.parts.matrix)
        raise select.explain_empty(chosen.parts.matrix, chosen.plan, both)
    return cells


def _refuse_same(left: str, right: str, cells: Sequence[Sequence[CellResult]]) -> None:
    ours, theirs = ({j.cell.id for j in side} for side in cells)
    if ours == theirs:
        raise UserError(f"{left} and {right} are the same cells: nothing to compare")
    if ours & theirs:
        raise UserError(
            f"{len(ours & theirs)} cells are on both sides",
            hint="Name the two sides so that they differ, as in: compat diff python=3.9 python=3.11 resolve=released",
        )


def _require_run(side: str, common: Sequence[str], cells: Sequence[CellResult]) -> None:
    """Raises UserError where no cell of a side has results, with the command that gets them."""
    if any(j.status is CellStatus.RAN for j in cells):
        return
    counts: dict[str, int] = {}
    for judged in cells:
        word = status_word(judged.status, judged.reason)
        counts[word] = counts.get(word, 0) + 1
    told = ", ".join(f"{number} {word}" for word, number in sorted(counts.items(), key=lambda c: -c[1]))
    typed = " ".join(dict.fromkeys((*words_of(side), *common)))
    hint = f"Run it: compat run {typed}"
    if not any(j.status in (None, CellStatus.INFRA) for j in cells):
        hint = f"None of them can be installed; compat table {typed} says why."
    raise UserError(f"{side} has no results ({told}): nothing to compare", hint=hint)


def _paired(left: str, right: str, cells: Sequence[Sequence[CellResult]], chosen: Project) -> Pairing:
    matrix = chosen.parts.matrix
    selectors = select.parse_selectors((*words_of(left), *words_of(right)), matrix)
    return pairing(cells[0], cells[1], dict.fromkeys(s.axis for s in selectors if s.axis))
