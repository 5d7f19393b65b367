"""The command `compat`: parses what a person typed, and the one place where failures become exit codes."""

from __future__ import annotations

import errno
import importlib
import math
import os
import signal
import sys
import time
from contextlib import suppress
from types import FrameType

import click

from orchestrator import __version__
from orchestrator.app.services import Services, of_host
from orchestrator.cli.printing import prepare, say, say_usage
from orchestrator.errors import CellError, ExitCode, UserError

_DISK = frozenset({errno.EACCES, errno.EDQUOT, errno.ENOSPC, errno.ENOTDIR, errno.EEXIST, errno.EPERM, errno.EROFS})
"""Errors of a person's own disk: full, or not theirs to write."""
_ENDING_SECONDS = 25.0
FIRST = {
    "table": ("table:table", "The answers and the table of earlier runs. Runs nothing."),
    "run": ("run:run", "Run the selected combinations, then answer."),
    "plan": ("look:plan", "What a run would cost. Starts nothing."),
    "show": ("look:show", "The evidence behind a cell, or behind one of its probes."),
    "why": ("why:why", "Explain a traceback: which versions raise it and which don't."),
    "pins": ("look:pins", "The pins of a cell that works, as a constraints file."),
    "try": ("run:try_", "Run one combination that no matrix lists."),
}
MORE = {
    "cuda": ("cuda:cuda", "Which CUDA for which TensorFlow; why yours does not see the GPU."),
    "diff": ("diff:diff", "What changes between two versions, or any two selections. Runs nothing."),
    "doctor": ("doctor:doctor", "What this machine can run, and what is missing. Changes nothing."),
    "export": ("keep:export", "Results or a schema, for other programs."),
    "gc": ("keep:gc", "Remove cell images and what dead runs left."),
    "prove": ("prove:prove", "See each check pass, and see it fail; for people who write probes."),
    "publish": (
        "publish:publish",
        "Write reports/published/: the table and its evidence, to be committed and shipped.",
    ),
}
"""Command → where it is below `orchestrator.cli`, and what it does in a line."""
EPILOG = """\b
Examples:
  compat run tf=2.4.1                every listed TensorFlow 2.4.1
  compat run tf=2.3..2.6 python=3.9  a range, both ends included
  compat try tensorflow==2.4.3 python=3.7
  compat table kerassurgeon=0.2.0    what earlier runs found
  compat show 5ab9                   the evidence of one cell

\b
Exit codes:
  0    ran, whatever the findings
  1    --fail-on matched
  2    usage or matrix
  3    no engine
  4    some cells could not be judged
  130  interrupted (Ctrl-C or SIGTERM), with what was kept
"""


class Commands(click.Group):
    """Imports a command when it is called; lists what most people want first, the rest under "More"."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return [*FIRST, *MORE]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        where, short = (FIRST | MORE).get(cmd_name, ("", ""))
        if not where:
            return None
        module, _, name = where.partition(":")
        command: click.Command = getattr(importlib.import_module(f"orchestrator.cli.{module}"), name)
        command.short_help = short
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        for title, chosen in (("Commands", FIRST), ("More", MORE)):
            with formatter.section(title):
                formatter.write_dl([(name, short) for name, (_, short) in chosen.items()])


@click.group(cls=Commands, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="compat")
def cli() -> None:
    """Is X compatible with Y? Answered by running it: real packages, in containers, one shared probe suite.

    SELECTORS narrow the matrix: AXIS=VALUE[,VALUE]. Values are or'ed, selectors and'ed. 2.4 is every 2.4.x,
    2.3..2.6 includes both ends, AXIS!=VALUE takes away, latest is the newest listed. A cell's short id works too.
    """


def main() -> None:
    """Runs the command; never a traceback for a person's mistake. SIGTERM and a closed terminal end it like Ctrl-C."""
    prepare()
    _end_gently()
    status = status_of()
    if status == ExitCode.INTERRUPTED:
        with suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        # What was running is ended. A thread may still wait for an index that does not answer: nobody waits for it.
        os._exit(status)
    sys.exit(status)


def status_of(arguments: list[str] | None = None, services: Services | None = None) -> int:
    """Runs with these arguments (default: the process's own) and services (default: those of this machine).

    Returns the exit status.
    """
    try:
        return int(
            cli.main(arguments, prog_name="compat", standalone_mode=False, obj=services or of_host(os.environ)) or 0
        )
    except click.exceptions.Exit as asked:
        status = asked.exit_code
    except click.exceptions.Abort as no:
        # Raised for "no" to a question, and by click itself for a Ctrl-C.
        say("Stopped." if isinstance(no.__cause__, KeyboardInterrupt) else "Stopped; nothing was run.", err=True)
        status = ExitCode.INTERRUPTED
    except click.ClickException as error:
        say_usage(error)
        status = ExitCode.USAGE
    except UserError as error:
        say("\n".join(filter(None, (f"compat: {error.message}", error.hint))), err=True)
        status = error.code
    except CellError as error:
        say(f"compat: {error.detail or error.reason}\nThis says nothing about any package; try again.", err=True)
        status = ExitCode.INFRA
    except KeyboardInterrupt:
        status = ExitCode.INTERRUPTED
    except (BrokenPipeError, SystemExit):
        # the reader of our output went away (`compat table | head`); click and rich turn that into an exit of 1
        status = ExitCode.OK
    except OSError as error:
        if error.errno not in _DISK:
            raise
        say(f"compat: {error.filename or 'results'} can't be written: {error.strerror}", err=True)
        status = ExitCode.INFRA
    return status


def _end_gently() -> None:
    """Makes the signals that ask a process to end raise KeyboardInterrupt; one that is ignored (nohup) stays so.

    A person who presses again while containers are being removed would only leave them behind: that is ignored.
    """
    asked = -math.inf

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        nonlocal asked
        before, asked = asked, time.monotonic()
        if asked - before > _ENDING_SECONDS:
            raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) not in (signal.SIG_IGN, None):
            signal.signal(number, interrupt)
