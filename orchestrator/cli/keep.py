"""Commands about what is kept: `export` gives it out, `gc` takes disk back."""

from __future__ import annotations

import os
from pathlib import Path

import click

from orchestrator import workflow
from orchestrator.cli.answer import print_json
from orchestrator.cli.options import SELECTORS, project, shared
from orchestrator.cli.printing import console, say
from orchestrator.foreign import json_text
from orchestrator.matrix.schema import schema as matrix_schema
from orchestrator.report.schema import schema_text
from orchestrator.run.disk import gigabytes
from orchestrator.verdict.words import counted


@click.command(
    short_help="Results or a schema, for other programs.",
    epilog="Examples: compat export --schema > schema.json    compat export tf=2.4.1 --dockerfiles contexts",
)
@SELECTORS
@click.option("--schema", "kind", flag_value="matrix", help="The JSON Schema of matrix.yaml.")
@click.option("--results-schema", "kind", flag_value="results", help="The JSON Schema of results.json.")
@click.option("--catalogue", "kind", flag_value="catalogue", help="The probes, as docs/probes.md.")
@click.option(
    "--statements", "kind", flag_value="statements", help="What docs/seeds.yaml says, held against published evidence."
)
@click.option("--json", "kind", flag_value="json", default="json", help="The results as one JSON document (default).")
@click.option(
    "--dockerfiles",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write the build context of every cell that has pins into a folder each below this one.",
)
@shared
def export(
    selectors: tuple[str, ...], matrix: Path | None, as_of: str | None, *, kind: str, dockerfiles: Path | None
) -> None:
    """Print results or a schema, or write Dockerfiles: for other programs, or to build a cell by hand."""
    if dockerfiles is not None:
        written = workflow.write_dockerfiles(project(selectors, matrix, as_of), dockerfiles)
        for path in written:
            say(str(path))
        return
    if kind == "matrix":
        say(json_text(matrix_schema(), indent=2, sort_keys=False), end="")
    elif kind == "results":
        say(schema_text(), end="")
    elif kind == "catalogue":
        say(workflow.catalogue(matrix), end="")
    elif kind == "statements":
        say(workflow.statements(project((), matrix, as_of)), end="")
    else:
        print_json(workflow.results(project(selectors, matrix, as_of)))


@click.command(short_help="Remove cell images and what dead runs left.", epilog="Example: compat gc --dry-run")
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
@click.option("--engine", help="docker or local; default: docker where it answers, else local.")
def gc(*, dry_run: bool, engine: str | None) -> None:
    """Remove cell images and what dead runs left. Results, locks and bases are kept."""
    found = workflow.find_engine(engine, os.environ)
    said = console()
    images = found.images()
    size = gigabytes(sum(image.size for image in images))
    if dry_run:
        said.print(
            f"{found.check()}: would remove {counted(len(images), 'cell image')}, {size}; results and bases stay"
        )
        return
    reaped = found.reap()
    freed = found.remove([image.reference for image in images])
    gone = f"{counted(len(images), 'cell image')} and {counted(reaped, 'leftover')}"
    said.print(f"{found.check()}: removed {gone}, {gigabytes(freed)} freed")
