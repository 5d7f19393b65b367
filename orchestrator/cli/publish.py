"""`compat publish`: the whole plan's table and its evidence, to be committed and shipped."""

from __future__ import annotations

from pathlib import Path

import click

from orchestrator.app import publishing
from orchestrator.app.planning import PlanRequest, open_project
from orchestrator.app.results import results
from orchestrator.app.services import Services
from orchestrator.cli.options import MATRIX
from orchestrator.cli.printing import console, say


@click.command(
    epilog="Example: compat run --yes && compat publish",
)
@click.option("--partial", is_flag=True, help="Publish though some combinations have no result; the page says so.")
@MATRIX
@click.pass_obj
def publish(services: Services, matrix: Path | None, *, partial: bool) -> None:
    """Write reports/published/ from the newest results over the whole plan: table.md, table.csv, table.html and the
    evidence all commands that read results derive theirs from, anywhere, without running anything.

    Refused while planned combinations have no result, unless --partial says so.
    """
    chosen = open_project(PlanRequest(matrix=matrix, known=True), services)
    written = publishing.publish(chosen, results(chosen), services, partial=partial)
    for path in written.paths:
        say(str(path))
    sizes = f"{written.size / 1e6:.2f} MB, {written.shipped / 1e6:.2f} MB as shipped"
    console(stderr=True).print(f"{sizes}. Commit reports/published/.", soft_wrap=True)
