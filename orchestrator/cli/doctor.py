"""`compat doctor`: what this machine can run, and what is missing. It only looks."""

from __future__ import annotations

from pathlib import Path

import click

from orchestrator.app import machine
from orchestrator.app.services import Services
from orchestrator.cli.options import MATRIX
from orchestrator.cli.printing import console, say
from orchestrator.report import doctor as report


@click.command(
    epilog="Exit codes: 0 CPU combinations can run · 2 the matrix can't be read · 3 no engine · 4 other problems",
)
@MATRIX
@click.option("--json", "as_json", is_flag=True, help="Print facts and findings as one JSON document.")
@click.pass_obj
def doctor(services: Services, matrix: Path | None, *, as_json: bool) -> int:
    """What this machine can run: its engine, processor, package index, GPUs, and which combinations of the matrix.

    Each thing that is missing comes with what to do about it. Nothing is changed, built or started, and nothing is
    waited for long.
    """
    found = machine.examine(matrix, services)
    if as_json:
        say(report.document(found.host, found.planned, found.diagnosis), end="")
    else:
        say(report.render(found.diagnosis, console().width), end="")
    return int(found.diagnosis.code)
