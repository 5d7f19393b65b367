"""The one place where text goes out to a person: foreign text arrives as text, whatever is in it."""

from __future__ import annotations

import io
import os
import re
import sys
import traceback
from types import TracebackType
from typing import TYPE_CHECKING

import click

from orchestrator.foreign import printable

if TYPE_CHECKING:
    from orchestrator.report.console import PlainConsole


def say(text: str, *, err: bool = False, end: str = "\n") -> None:
    """Prints text with its lines and tabs, everything that would move a cursor or is not seen spelled out."""
    click.echo(printable(text, lines=True) + end, nl=False, err=err)


def say_styled(text: str, *, colour: bool) -> None:
    """Prints what a `PlainConsole` rendered, which has no other escapes than its styles."""
    click.echo(text, nl=False, color=colour)


def say_usage(error: click.ClickException) -> None:
    """Prints click's own complaint, which repeats what was typed."""
    told = io.StringIO()
    error.show(told)
    say(told.getvalue(), err=True, end="")


def say_bug(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Prints a traceback, for `sys.excepthook`."""
    say("".join(traceback.format_exception(kind, error, trace)), err=True, end="")


def prepare() -> None:
    """What the command prints never fails for want of a character in the terminal's encoding."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    sys.excepthook = say_bug


def console(*, stderr: bool = False) -> PlainConsole:
    """A terminal's width where there is one, 100 columns elsewhere; no colour where NO_COLOR is set."""
    from orchestrator.report.console import PlainConsole

    made = PlainConsole(stderr=stderr)
    return made if made.is_terminal else PlainConsole(stderr=stderr, width=_columns(100))


def _columns(usual: int) -> int:
    given = os.environ.get("COLUMNS", "")
    return int(given) if re.fullmatch("[1-9][0-9]{0,4}", given, re.ASCII) else usual
