"""`compat run` and `compat try`: say what it takes, run it, answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click

from orchestrator.app import running
from orchestrator.app.planning import PlanRequest
from orchestrator.app.services import Services
from orchestrator.cli.answer import print_json, print_results, word
from orchestrator.cli.before_run import forecast_lines
from orchestrator.cli.options import ENGINE, SELECTORS, WORKERS, moment, shared, told
from orchestrator.cli.printing import console
from orchestrator.cli.progress import Reporter
from orchestrator.errors import ExitCode, UserError
from orchestrator.run.watch import Watcher
from orchestrator.verdict.words import counted

FAIL_ON = ("broken", "limited", "blocked", "unknown")


@dataclass(frozen=True, kw_only=True, slots=True)
class RunOptions:
    """The options of `run` and `try` apart from what to run."""

    engine: str | None
    workers: int
    yes: bool
    as_json: bool
    fail_on: tuple[str, ...]
    probes: tuple[str, ...]


def running_options(function: Callable[..., int]) -> Callable[..., int]:
    """The options of commands that run cells."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print the results as one JSON document."),
        click.option(
            "--fail-on",
            type=click.Choice(FAIL_ON),
            multiple=True,
            help="Exit 1 when a verdict of this run is one of these; may be repeated.",
        ),
        click.option("--yes", "-y", is_flag=True, help="Do not ask before a long run."),
        click.option("--workers", type=click.IntRange(1, 64), default=WORKERS, show_default=True),
        click.option("--probe", "probes", multiple=True, help="Only this probe or group; may be repeated."),
        ENGINE,
    ):
        function = option(function)
    return function


@click.command(
    epilog="Example: compat run tf=2.3.4,2.4.1 python=3.7 resolve=released",
)
@SELECTORS
@click.option(
    "--from-published",
    is_flag=True,
    help="Reuse published results whose image, probes and limits are the same here.",
)
@running_options
@shared
def run(
    services: Services,
    selectors: tuple[str, ...],
    matrix: Path | None,
    as_of: str | None,
    *,
    from_published: bool,
    **options: object,
) -> int:
    """Run the selected combinations, then answer.

    What was run before under the same pins, probes and limits is reused: the same command goes on where it
    stopped.
    """
    request = PlanRequest(words=selectors, matrix=matrix, as_of=moment(as_of, services))
    return _run(request, services, told(RunOptions, options), from_published=from_published)


@click.command(
    "try",
    epilog="Example: compat try tensorflow==2.4.3 kerassurgeon==0.2.0 python=3.7",
)
@click.argument("combination", nargs=-1, required=True)
@running_options
@shared
def try_(
    services: Services, combination: tuple[str, ...], matrix: Path | None, as_of: str | None, **options: object
) -> int:
    """Run one combination that no matrix lists: PACKAGE==VERSION … python=3.X"""
    request = PlanRequest(words=combination, matrix=matrix, as_of=moment(as_of, services), combination=True)
    return _run(request, services, told(RunOptions, options))


def _run(request: PlanRequest, services: Services, options: RunOptions, *, from_published: bool = False) -> int:
    wanted = running.RunRequest(
        request=request,
        engine=options.engine,
        workers=options.workers,
        probes=options.probes,
        from_published=from_published,
    )
    ran = running.run(wanted, services, lambda start: _attend(start, options))
    if options.as_json:
        print_json(ran.results)
    else:
        print_results(ran.project, ran.results, console())
    return ran.exit_code(options.fail_on)


@contextmanager
def _attend(start: running.PendingRun, options: RunOptions) -> Iterator[Watcher]:
    """Says what a run takes, asks before a long one, shows how it goes on, and how it was stopped."""
    said = console(stderr=options.as_json)
    if start.imported is not None:
        said.print(f"Results imported: {counted(start.imported, 'published cell')}.")
    for line in forecast_lines(start.project, start.engine, start.ahead):
        said.print(line, soft_wrap=True)
    if start.long and not options.yes:
        _ask(start, terminal=said.is_terminal)
    needless = {cell.id for cell, _ in start.ahead.needless}
    waiting = [cell.id for cell in start.project.cells if cell.id not in needless]
    try:
        with Reporter(said, waiting, lambda record: word(start.project, record)) as reporter:
            yield reporter
    except (BrokenPipeError, SystemExit) as gone:
        # the reader of our output went away: as good as Ctrl-C, and there is nobody to tell
        raise click.exceptions.Exit(ExitCode.INTERRUPTED) from gone
    except KeyboardInterrupt as interrupt:
        ending = " ".join(getattr(interrupt, "__notes__", ())) or "Nothing is left running"
        said.print(
            f"\nStopped. {ending}; results of {start.kept} of {len(start.project.cells)} cells are saved, "
            "including every finished probe. Run the same command to resume.",
            soft_wrap=True,
        )
        raise click.exceptions.Exit(ExitCode.INTERRUPTED) from None


def _ask(start: running.PendingRun, *, terminal: bool) -> None:
    if not terminal:
        raise UserError(
            f"{len(start.ahead.cells)} cells, about {start.ahead.seconds / 60:.0f} minutes: too long to start "
            "without confirmation",
            hint="add --yes, or narrow the selection (`compat plan` lists it)",
        )
    click.confirm("Start?", default=True, abort=True, err=True)
