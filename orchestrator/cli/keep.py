"""Commands about stored data: `export` writes it out, `gc` frees disk."""

from __future__ import annotations

from pathlib import Path

import click

from orchestrator.app import machine, publishing
from orchestrator.app.results import results
from orchestrator.app.services import Services
from orchestrator.cli.answer import print_json
from orchestrator.cli.options import ENGINE, SELECTORS, project, shared
from orchestrator.cli.printing import console, say
from orchestrator.foreign import json_text
from orchestrator.matrix.schema import schema as matrix_schema
from orchestrator.report.schema import schema_text
from orchestrator.run.disk import gigabytes
from orchestrator.verdict.words import counted


@click.command(
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
def export(  # noqa: PLR0913 - one parameter per option
    services: Services,
    selectors: tuple[str, ...],
    matrix: Path | None,
    as_of: str | None,
    *,
    kind: str,
    dockerfiles: Path | None,
) -> None:
    """Print results or a schema, or write Dockerfiles: for other programs, or to build a cell by hand."""
    if dockerfiles is not None:
        written = publishing.write_dockerfiles(project(services, selectors, matrix, as_of), dockerfiles)
        for path in written:
            say(str(path))
        return
    if kind == "matrix":
        say(json_text(matrix_schema(), indent=2, sort_keys=False), end="")
    elif kind == "results":
        say(schema_text(), end="")
    elif kind == "catalogue":
        say(publishing.catalogue(matrix, services), end="")
    elif kind == "statements":
        say(publishing.statements(project(services, (), matrix, as_of)), end="")
    else:
        print_json(results(project(services, selectors, matrix, as_of)))


@click.command(epilog="Example: compat gc --dry-run")
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
@ENGINE
@click.pass_obj
def gc(services: Services, *, dry_run: bool, engine: str | None) -> None:
    """Remove cell images and what dead runs left. Results, locks and bases are kept."""
    found = machine.clear(engine, services, dry_run=dry_run)
    images, size = counted(found.images, "cell image"), gigabytes(found.size)
    if found.removed:
        text = f"removed {images} and {counted(found.leftovers, 'leftover')}, {size} freed"
    else:
        text = f"would remove {images}, {size}; results and bases stay"
    console().print(f"{found.engine}: {text}")
