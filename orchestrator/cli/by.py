"""`compat table --by behaviour` and `--by check`: what each version says, printed."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console

from orchestrator.app.planning import Project
from orchestrator.app.results import Results
from orchestrator.cli.printing import say
from orchestrator.errors import UserError
from orchestrator.model import ProbeKind
from orchestrator.report import ranges as report
from orchestrator.verdict.ranges import probe_filter, ranges

KINDS = {"behaviour": ProbeKind.BEHAVIOUR, "check": ProbeKind.CHECK}


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """What to show: probes of one kind whose ids contain one of `probes` (all of them where empty); with `constant`
    also those that never change.
    """

    kind: str
    probes: tuple[str, ...] = ()
    constant: bool = False


def print_ranges(chosen: Project, results: Results, told: Told, out: Console | None) -> None:
    """Values per version, as wide as the console; without a console the JSON document. Raises UserError."""
    wanted = probe_filter((KINDS[told.kind],), told.probes)
    every = chosen.parts.suite.probes.values()
    if not any(wanted(probe) for probe in every):
        raise _unknown(told, [p.id for p in every if p.kind is KINDS[told.kind]])
    found = ranges(chosen.parts.matrix, results.best, wanted)
    if out is None:
        say(report.document(found, constant=True), end="")
    else:
        say(report.render(found, width=out.width, constant=told.constant), end="")


def _unknown(told: Told, known: Sequence[str]) -> UserError:
    words = " or ".join(told.probes)
    close = [name for word in told.probes for name in difflib.get_close_matches(word, known, n=2, cutoff=0.5)]
    groups = dict.fromkeys(name.split(".", maxsplit=1)[0] for name in known)
    hint = f"Did you mean {' or '.join(close)}?" if close else f"groups with any: {', '.join(groups) or 'none'}"
    return UserError(f"unknown {told.kind} {words}" if words else f"the suite has no {told.kind}", hint=hint)
