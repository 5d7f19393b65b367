"""Prints results: for a person, for a script, and one word for a cell that has just finished."""

from __future__ import annotations

from rich.console import Console

from orchestrator.app.planning import Project
from orchestrator.app.results import Results, judge_one, view
from orchestrator.cli.printing import say, say_styled
from orchestrator.model import CellRecord
from orchestrator.report import document
from orchestrator.report.terminal import render


def print_results(chosen: Project, results: Results, out: Console) -> None:
    """The answers, then the small table, as wide as the console."""
    colour = out.is_terminal and not out.no_color
    say_styled("\n" + render(view(chosen, results), width=out.width, colour=colour), colour=colour)


def print_json(results: Results) -> None:
    """The one JSON document, over the selected cells."""
    say(document.text(results.best, results.run), end="")


def word(chosen: Project, record: CellRecord) -> str:
    """A finished cell's verdict in one or two words."""
    judged = judge_one(chosen, record)
    return judged.word(judged.headline)
