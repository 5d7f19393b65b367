"""`compat publish`: the whole plan's table and its evidence, to be committed and shipped."""

from __future__ import annotations

import os
from pathlib import Path

import click

from orchestrator import workflow
from orchestrator.cli.options import project_to_publish
from orchestrator.cli.printing import console, say


@click.command(
    short_help="Write reports/published/: the table and its evidence, to be committed and shipped.",
    epilog="Example: compat run --yes && compat publish",
)
@click.option("--partial", is_flag=True, help="Publish though some combinations have no result; the page says so.")
@click.option(
    "--matrix",
    "-m",
    type=click.Path(path_type=Path, dir_okay=True),
    help="The matrix file (default: matrix.yaml here, else the one that is shipped).",
)
def publish(matrix: Path | None, *, partial: bool) -> None:
    """Write reports/published/ from the newest results over the whole plan: table.md, table.csv, table.html and the
    evidence all commands that read results derive theirs from, anywhere, without running anything.

    Refused while planned combinations have no result, unless --partial says so.
    """
    chosen = project_to_publish(matrix)
    written = workflow.publish(chosen, workflow.results(chosen), os.environ, partial=partial)
    for path in written.paths:
        say(str(path))
    sizes = f"{written.size / 1e6:.2f} MB, {written.shipped / 1e6:.2f} MB as shipped"
    console(stderr=True).print(f"{sizes}. Commit reports/published/.", soft_wrap=True)
