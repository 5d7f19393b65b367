"""Commands that only look: what a run would take, what earlier runs found, and the evidence behind it."""

from __future__ import annotations

import os
from pathlib import Path

import click
from rich.table import Table

from orchestrator import workflow
from orchestrator.cli.answer import print_json, print_results
from orchestrator.cli.options import SELECTORS, WORKERS, console, project, shared
from orchestrator.cli.progress import name_of
from orchestrator.cli.said import forecast_lines
from orchestrator.errors import UserError
from orchestrator.insight import pins as insight
from orchestrator.report import show as report
from orchestrator.verdict.judge import Judged


@click.command(epilog="Example: compat table kerassurgeon=0.2.0 tf=2.3..2.6")
@SELECTORS
@click.option("--json", "as_json", is_flag=True, help="Print the results as one JSON document.")
@shared
def table(selectors: tuple[str, ...], matrix: Path | None, as_of: str | None, *, as_json: bool) -> None:
    """The answers and the table, from what earlier runs found. Runs nothing."""
    chosen = project(selectors, matrix, as_of)
    results = workflow.results(chosen)
    if as_json:
        print_json(results)
    else:
        print_results(chosen, results, console())


@click.command(epilog="Example: compat plan tf=2.4.1")
@SELECTORS
@click.option("--engine", help="docker or local; default: docker where it answers, else local.")
@click.option("--cells", "list_cells", is_flag=True, help="List every cell with its id.")
@shared
def plan(
    selectors: tuple[str, ...], matrix: Path | None, as_of: str | None, *, engine: str | None, list_cells: bool
) -> None:
    """How many cells a run has, what it fetches and keeps, how long it takes. Starts nothing."""
    chosen = project(selectors, matrix, as_of)
    found = workflow.find_engine(engine, os.environ)
    ahead = workflow.look_ahead(chosen, found, WORKERS)
    out = console()
    for line in forecast_lines(chosen, found, ahead):
        out.print(line, markup=False, soft_wrap=True)
    if chosen.plan.excluded:
        out.print(f"{sum(e.count for e in chosen.plan.excluded)} combinations are left out by rules:", markup=False)
        rules = Table(box=None, show_header=False, padding=(0, 1))
        for excluded in chosen.plan.excluded:
            rules.add_row(str(excluded.count), excluded.rule.reason)
        out.print(rules)
    if list_cells:
        why = {cell.id: error.detail for cell, error in ahead.needless}
        for cell in chosen.cells:
            note = f"  ({why[cell.id]})" if cell.id in why else ""
            out.print(f"{cell.id}  {name_of(cell)}{note}", markup=False, soft_wrap=True)


@click.command(epilog="Examples: compat show 7d02    compat show 7d02 surgeon.import")
@click.argument("cell", nargs=-1, required=True, metavar="CELL [PROBE]")
@shared
def show(cell: tuple[str, ...], matrix: Path | None, as_of: str | None) -> None:
    """The evidence behind one cell: pins, base, how to repeat it by hand, every outcome.

    CELL is the short id printed beside it, or selectors that leave one cell. With PROBE, that probe's traceback
    and output.
    """
    probe = cell[-1] if len(cell) > 1 and "=" not in cell[-1] and "." in cell[-1] else ""
    judged, _ = _one(cell[:-1] if probe else cell, matrix, as_of)
    click.echo(report.show(judged, probe), nl=False)


@click.command(epilog="Example: compat pins 3fe8 > constraints.txt && pip install -c constraints.txt tensorflow")
@click.argument("cell", nargs=-1, required=True)
@shared
def pins(cell: tuple[str, ...], matrix: Path | None, as_of: str | None) -> None:
    """A working cell's pins as a constraints file, with where and when they were tried."""
    judged, (chosen, results) = _one(cell, matrix, as_of)
    click.echo(insight.pins(judged, results.whole, chosen.parts.matrix), nl=False)


def _one(
    words: tuple[str, ...], matrix: Path | None, as_of: str | None
) -> tuple[Judged, tuple[workflow.Project, workflow.Results]]:
    """The one cell that words name. Raises UserError where they name several."""
    chosen = project(words, matrix, as_of)
    results = workflow.results(chosen)
    found = [j for j in results.selected if j.record] or list(results.local) or list(results.selected)
    if len(found) > 1:
        lines = [f"  {j.cell.id[:8]}  {j.said}: {j.word(j.headline)}" for j in found[:12]]
        more = [f"  and {len(found) - 12} more"] if len(found) > 12 else []
        raise UserError(
            f"{len(found)} cells match {' '.join(words)}:\n" + "\n".join([*lines, *more]), hint="Name one by its id."
        )
    return found[0], (chosen, results)
