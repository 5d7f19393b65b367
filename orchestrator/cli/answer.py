"""Results, printed: for a person, for a script, and one word for a cell that has just finished."""

from __future__ import annotations

from rich.console import Console

from orchestrator import workflow
from orchestrator.cli.printing import say, say_styled
from orchestrator.model import CellRecord
from orchestrator.report import document
from orchestrator.report.terminal import render


def print_results(chosen: workflow.Project, results: workflow.Results, out: Console) -> None:
    """The answers, then the small table, as wide as the console."""
    colour = out.is_terminal and not out.no_color
    say_styled("\n" + render(workflow.view(chosen, results), width=out.width, colour=colour), colour=colour)


def print_json(results: workflow.Results) -> None:
    """The one JSON document, over the selected cells."""
    say(document.text(results.best, results.run), end="")


def word(chosen: workflow.Project, record: CellRecord) -> str:
    """A finished cell's verdict in one or two words."""
    judged = workflow.judge_one(chosen, record)
    return judged.word(judged.headline)
