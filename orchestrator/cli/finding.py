"""`compat table --by finding`, printed."""

from __future__ import annotations

from rich.console import Console

from orchestrator.app.planning import Project
from orchestrator.app.results import Results
from orchestrator.cli.printing import say
from orchestrator.insight.finding_scope import finding_scopes
from orchestrator.report import findings as report
from orchestrator.verdict.tables import short_ids


def print_findings(chosen: Project, results: Results, out: Console | None) -> None:
    """Every cause over the selected cells, as wide as the console; without a console the JSON document."""
    found = finding_scopes(results.best, results.everything, chosen.parts.matrix)
    if out is None:
        say(report.document(found), end="")
        return
    ids = short_ids(j.cell.id for j in results.everything)
    say(report.render(found, results.best, ids, width=out.width), end="")
