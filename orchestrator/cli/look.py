"""Commands that only look: what a run would take, what earlier runs found, and the evidence behind it."""

from __future__ import annotations

from pathlib import Path

import click

from orchestrator.app import planning, results
from orchestrator.app.services import Services
from orchestrator.cli.before_run import describe_cell, forecast_lines
from orchestrator.cli.options import ENGINE, SELECTORS, WORKERS, moment, project, shared
from orchestrator.cli.printing import console, say
from orchestrator.insight import pins as insight
from orchestrator.report import show as report


@click.command(epilog="Example: compat plan tf=2.4.1")
@SELECTORS
@ENGINE
@click.option("--cells", "list_cells", is_flag=True, help="List every cell with its id.")
@click.option("--rules", "list_rules", is_flag=True, help="List the rules that leave combinations out.")
@shared
def plan(
    services: Services,
    selectors: tuple[str, ...],
    matrix: Path | None,
    as_of: str | None,
    *,
    engine: str | None,
    **listed: bool,
) -> None:
    """How many cells a run has, what it fetches and keeps, how long it takes. Starts nothing."""
    asked = planning.PlanRequest(words=selectors, matrix=matrix, as_of=moment(as_of, services))
    chosen = planning.open_project(asked, services)
    found = services.engine(engine)
    ahead = planning.look_ahead(chosen, found, WORKERS)
    out = console()
    for line in forecast_lines(chosen, found, ahead):
        out.print(line, soft_wrap=True)
    left_out = sum(e.count for e in chosen.plan.excluded)
    if left_out and not listed["list_rules"]:
        out.print(f"{left_out:,} combinations of the matrix are left out by rules: --rules lists them.", soft_wrap=True)
    if listed["list_rules"]:
        for excluded in chosen.plan.excluded:
            out.print(f"{excluded.count:>9,}  {excluded.rule.reason}", soft_wrap=True)
    if listed["list_cells"]:
        why = {cell.id: error.detail for cell, error in ahead.needless}
        for cell in chosen.cells:
            note = f"  ({why[cell.id]})" if cell.id in why else ""
            out.print(f"{cell.id}  {describe_cell(cell)}{note}", soft_wrap=True)


@click.command(
    epilog="Examples: compat show 5ab9    compat show 5ab9 surgeon.import    compat show 5ab9 --pins > pins.txt",
)
@click.argument("cell", nargs=-1, required=True, metavar="CELL [PROBE]")
@click.option("--pins", "only_pins", is_flag=True, help="Only its pins, whether it works or not.")
@shared
def show(services: Services, cell: tuple[str, ...], matrix: Path | None, as_of: str | None, *, only_pins: bool) -> None:
    """The evidence behind one cell: pins, base, how to repeat it by hand, every outcome.

    CELL is the short id printed beside it, or selectors that leave one cell. With PROBE, that probe's traceback
    and output.
    """
    probe = cell[-1] if len(cell) > 1 and "=" not in cell[-1] and "." in cell[-1] else ""
    words = cell[:-1] if probe else cell
    chosen = project(services, words, matrix, as_of)
    judged = results.the_one(results.results(chosen), words)
    suites = chosen.parts.suite.folders
    say(report.pins(judged) if only_pins else report.show(judged, probe, suites), end="")


@click.command(
    epilog="Example: compat pins 8f17 > constraints.txt && pip install -c constraints.txt tensorflow",
)
@click.argument("cell", nargs=-1, required=True)
@shared
def pins(services: Services, cell: tuple[str, ...], matrix: Path | None, as_of: str | None) -> None:
    """A working cell's pins as a constraints file, with where and when they were tried."""
    chosen = project(services, cell, matrix, as_of)
    found = results.results(chosen)
    judged = results.the_one(found, cell)
    same = [j for j in found.everything if j.isolated == judged.isolated]
    say(insight.pins(judged, same, chosen.parts.matrix), end="")
