"""Results, printed: for a person, for a script, and one word for a cell that has just finished."""

from __future__ import annotations

import click
from rich.console import Console

from orchestrator import workflow
from orchestrator.model import CellRecord
from orchestrator.report import document
from orchestrator.report.terminal import view


def print_results(chosen: workflow.Project, results: workflow.Results, out: Console) -> None:
    """The answers, then the small table, as wide as the console."""
    out.print()
    out.print(view(workflow.view(chosen, results), width=out.width))


def print_json(results: workflow.Results) -> None:
    """The one JSON document, over the selected cells."""
    click.echo(document.text(results.selected, results.run), nl=False)


def word(chosen: workflow.Project, record: CellRecord) -> str:
    """A finished cell's verdict in one or two words."""
    judged = workflow.judge_one(chosen, record)
    return judged.word(judged.headline)
