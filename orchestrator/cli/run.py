"""`compat run` and `compat try`: say what it takes, run it, answer."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import click
from rich.console import Console

from orchestrator import workflow
from orchestrator.cli.answer import print_json, print_results, word
from orchestrator.cli.options import SELECTORS, WORKERS, now, project_to_run, shared, told
from orchestrator.cli.printing import console
from orchestrator.cli.progress import Reporter
from orchestrator.cli.said import forecast_lines
from orchestrator.errors import CellStatus, ExitCode, UserError
from orchestrator.model import CellRecord, Engine
from orchestrator.run.assemble import Terms
from orchestrator.run.forecast import Forecast
from orchestrator.verdict.words import counted

ASK_CELLS = 50
ASK_SECONDS = 1800.0
FAIL_ON = ("broken", "limited", "blocked", "unknown")


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """What `run` and `try` were told beside what to run."""

    engine: str | None
    workers: int
    yes: bool
    as_json: bool
    fail_on: tuple[str, ...]
    probes: tuple[str, ...]


def running(function: Callable[..., int]) -> Callable[..., int]:
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
        click.option(
            "--engine", help="docker or local (venvs, no isolation); default: docker where it answers, else local."
        ),
    ):
        function = option(function)
    return function


@click.command(
    short_help="Run the selected combinations, then answer.",
    epilog="Example: compat run tf=2.3.4,2.4.1 python=3.7 resolve=released",
)
@SELECTORS
@click.option(
    "--from-published",
    is_flag=True,
    help="Take published results over where a run here would meet the same image, probes and limits.",
)
@running
@shared
def run(
    selectors: tuple[str, ...], matrix: Path | None, as_of: str | None, *, from_published: bool, **options: object
) -> int:
    """Run the selected combinations, then answer.

    What was run before under the same pins, probes and limits is reused: the same command goes on where it
    stopped.
    """
    chosen, asked = project_to_run(selectors, matrix, as_of), told(Options, options)
    if from_published:
        taken = workflow.take_over(chosen, workflow.find_engine(asked.engine, os.environ))
        console(stderr=asked.as_json).print(f"{counted(taken, 'published result')} taken over.")
    return _run(chosen, asked)


@click.command(
    "try",
    short_help="Run one combination that no matrix lists.",
    epilog="Example: compat try tensorflow==2.4.3 kerassurgeon==0.2.0 python=3.7",
)
@click.argument("combination", nargs=-1, required=True)
@running
@shared
def try_(combination: tuple[str, ...], matrix: Path | None, as_of: str | None, **options: object) -> int:
    """Run one combination that no matrix lists: PACKAGE==VERSION … python=3.X"""
    return _run(project_to_run(combination, matrix, as_of, combination=True), told(Options, options))


def _run(chosen: workflow.Project, options: Options) -> int:
    said = console(stderr=options.as_json)
    _require_known(options.probes, chosen)
    found = workflow.find_engine(options.engine, os.environ)
    ahead = workflow.look_ahead(chosen, found, options.workers)
    for line in forecast_lines(chosen, found, ahead):
        said.print(line, soft_wrap=True)
    _ask(ahead, said, yes=options.yes)
    records = _carry_out(chosen, found, ahead, options)
    results = workflow.results(chosen)
    workflow.publish_latest(chosen, results)
    if options.as_json:
        print_json(results)
    else:
        print_results(chosen, results, console())
    return _status(results, records, options.fail_on)


def _require_known(names: tuple[str, ...], chosen: workflow.Project) -> None:
    """Raises UserError where --probe names neither a probe nor a group of them."""
    probes = chosen.parts.suite.probes
    for name in names:
        if not any(probe == name or probe.startswith(f"{name}.") for probe in probes):
            near = [p for p in probes if name in p][:5]
            groups = sorted({probe.partition(".")[0] for probe in probes})
            raise UserError(
                f"--probe {name}: no probe or group is called that",
                hint=f"Did you mean {', '.join(near)}?" if near else f"groups: {', '.join(groups)}",
            )


def _carry_out(chosen: workflow.Project, engine: Engine, ahead: Forecast, options: Options) -> dict[str, CellRecord]:
    said = console(stderr=options.as_json)
    needless = {cell.id for cell, _ in ahead.needless}
    waiting = [cell.id for cell in chosen.cells if cell.id not in needless]
    try:
        with Reporter(said, waiting, lambda record: word(chosen, record)) as reporter:
            terms = Terms(
                watch=reporter, now=now, environment=os.environ, workers=options.workers, probes=options.probes
            )
            return workflow.carry_out(chosen, engine, terms)
    except (BrokenPipeError, SystemExit) as gone:
        # the reader of our output went away: as good as Ctrl-C, and there is nobody to tell
        raise click.exceptions.Exit(ExitCode.INTERRUPTED) from gone
    except KeyboardInterrupt as interrupt:
        newest = chosen.parts.store.newest(engine.name)
        kept = [c for c in chosen.cells if c.id in newest and newest[c.id].status is not CellStatus.INFRA]
        ending = " ".join(getattr(interrupt, "__notes__", ())) or "Containers are gone"
        said.print(
            f"\nStopped. {ending}; results of {len(kept)} of {len(chosen.cells)} cells are kept, with every probe that "
            "had finished. The same command goes on from there.",
            soft_wrap=True,
        )
        raise click.exceptions.Exit(ExitCode.INTERRUPTED) from None


def _ask(ahead: Forecast, said: Console, *, yes: bool) -> None:
    if yes or (len(ahead.cells) <= ASK_CELLS and ahead.seconds <= ASK_SECONDS):
        return
    if not said.is_terminal:
        raise UserError(
            f"{len(ahead.cells)} cells, about {ahead.seconds / 60:.0f} minutes: too long to start unasked",
            hint="add --yes, or narrow the selection (`compat plan` lists it)",
        )
    click.confirm("Start?", default=True, abort=True, err=True)


def _status(results: workflow.Results, records: Mapping[str, CellRecord], fail_on: tuple[str, ...]) -> int:
    """4 where something could not be judged for infra reasons, or nothing was judged at all; then --fail-on."""
    infra = any(record.status is CellStatus.INFRA for record in records.values())
    if infra or all(record.status is CellStatus.UNAVAILABLE for record in records.values()):
        return ExitCode.INFRA
    runs = {cell: record.run for cell, record in records.items()}
    judged = [j for j in (*results.selected, *results.local) if j.record and j.record.run == runs.get(j.cell.id)]
    matched = any(verdict.kind in fail_on for j in judged for verdict in j.verdicts)
    return ExitCode.FAIL_ON if matched else ExitCode.OK
