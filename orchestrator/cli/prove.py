"""`compat prove`: see each check pass, and see it fail; for people who write probes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from orchestrator.app import running
from orchestrator.app.planning import PlanRequest, Project
from orchestrator.app.services import Services
from orchestrator.cli.answer import word
from orchestrator.cli.options import ENGINE, SELECTORS, moment, shared
from orchestrator.cli.printing import console
from orchestrator.cli.progress import Reporter
from orchestrator.errors import ExitCode
from orchestrator.run.watch import Watcher


@click.command(
    epilog="Example: compat prove tf=2.3.4 python=3.7 resolve=released keras=unpinned",
)
@SELECTORS
@ENGINE
@shared
def prove(
    services: Services, selectors: tuple[str, ...], matrix: Path | None, as_of: str | None, engine: str | None
) -> int:
    """Run cells plainly, then their passing checks sabotaged; keep what that proves in proofs.json beside the probes.

    A check counts in verdicts only when it was seen to pass and, itself or a mutation of it, to fail. Exit 1
    while some are not.
    """
    request = PlanRequest(words=selectors, matrix=matrix, as_of=moment(as_of, services))
    out = console()

    @contextmanager
    def attend(chosen: Project) -> Iterator[Watcher]:
        for path in running.proof_paths(chosen):
            out.print(f"proofs are stored in {path}")
        with Reporter(out, [cell.id for cell in chosen.cells], lambda record: word(chosen, record)) as reporter:
            yield reporter

    rest = running.prove(running.RunRequest(request=request, engine=engine), services, attend)
    for name, proof in rest.items():
        lacking = [what for what, seen in (("pass", proof.passed), ("fail", proof.failed)) if not seen]
        out.print(f"{name}: never seen to {' or to '.join(lacking)}")
    out.print(f"{len(rest)} checks are unproven")
    return ExitCode.FAIL_ON if rest else ExitCode.OK
