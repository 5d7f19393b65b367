"""`compat prove`: see each check pass, and see it fail; for people who write probes."""

from __future__ import annotations

import os
from pathlib import Path

import click

from orchestrator import workflow
from orchestrator.cli.answer import word
from orchestrator.cli.options import SELECTORS, now, project_to_run, shared
from orchestrator.cli.printing import console
from orchestrator.cli.progress import Reporter
from orchestrator.errors import ExitCode
from orchestrator.run.assemble import Terms


@click.command(
    short_help="See each check pass, and see it fail; for people who write probes.",
    epilog="Example: compat prove tf=2.3.4 python=3.7 resolve=released keras=unpinned",
)
@SELECTORS
@click.option("--engine", help="docker or local; default: docker where it answers, else local.")
@shared
def prove(selectors: tuple[str, ...], matrix: Path | None, as_of: str | None, engine: str | None) -> int:
    """Run cells plainly, then their passing checks sabotaged; keep in probes/proofs.json what that proves.

    A check counts in verdicts only when it was seen to pass and, itself or a mutation of it, to fail. Exit 1
    while some are not.
    """
    chosen = project_to_run(selectors, matrix, as_of)
    found = workflow.find_engine(engine, os.environ)
    out = console()
    with Reporter(out, [cell.id for cell in chosen.cells], lambda record: word(chosen, record)) as reporter:
        rest = workflow.prove(chosen, found, Terms(watch=reporter, now=now, environment=os.environ))
    for name, proof in rest.items():
        lacking = [what for what, seen in (("pass", proof.passed), ("fail", proof.failed)) if not seen]
        out.print(f"{name}: never seen to {' or to '.join(lacking)}")
    out.print(f"{len(rest)} checks are unproven")
    return ExitCode.FAIL_ON if rest else ExitCode.OK
