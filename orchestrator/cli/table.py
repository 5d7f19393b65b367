"""`compat table`: the answers and the table, or what each version says. What prints is imported when it is needed."""

from __future__ import annotations

from pathlib import Path

import click

from orchestrator.app import results
from orchestrator.app.services import Services
from orchestrator.cli.options import SELECTORS, project, shared, told
from orchestrator.cli.printing import console
from orchestrator.errors import UserError

RANGES = ("behaviour", "check")
BY = (*RANGES, "finding")


@click.command(
    epilog="""\b
Examples:
  compat table kerassurgeon=0.2.0 tf=2.3..2.6
  compat table --by behaviour --probe signatures.     which value from which version on
  compat table --by check kerassurgeon=0.2.0 --all    also what is the same on every version
  compat table --by finding tf=2.4.1                  every cause once, and the pins behind it""",
)
@SELECTORS
@click.option(
    "--by",
    type=click.Choice(BY),
    help="Values per version with their ranges (of behaviours, or how checks ended), or every cause of failure once.",
)
@click.option(
    "--probe",
    "probes",
    multiple=True,
    metavar="TEXT",
    help="With --by behaviour or check: only probes whose id contains TEXT; may be repeated.",
)
@click.option(
    "--all", "constant", is_flag=True, help="With --by behaviour or check: also list what is the same on every version."
)
@click.option("--json", "as_json", is_flag=True, help="Print the results as one JSON document.")
@shared
def table(  # noqa: PLR0913 - one parameter per option
    services: Services,
    selectors: tuple[str, ...],
    matrix: Path | None,
    as_of: str | None,
    *,
    by: str | None,
    as_json: bool,
    **more: object,
) -> None:
    """The answers and the table, from what earlier runs found. Runs nothing."""
    if by not in RANGES and any(more.values()):
        raise UserError("--probe and --all need --by behaviour or --by check")
    chosen = project(services, selectors, matrix, as_of)
    found = results.results(chosen)
    if by in RANGES:
        from orchestrator.cli.by import Told, print_ranges

        print_ranges(chosen, found, told(Told, {"kind": by, **more}), None if as_json else console())
    elif by:
        from orchestrator.cli.finding import print_findings

        print_findings(chosen, found, None if as_json else console())
    else:
        from orchestrator.cli.answer import print_json, print_results

        if as_json:
            print_json(found)
        else:
            print_results(chosen, found, console())
