"""`compat table --by finding`: every cause once, largest first, with where it is and what tells it from where not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from orchestrator.errors import Attribution, CellStatus
from orchestrator.foreign import json_text, printable
from orchestrator.insight.discriminating_pins import DiscriminatingPin
from orchestrator.insight.finding_scope import FindingScope
from orchestrator.report.lines import fold
from orchestrator.verdict.judge import CellResult
from orchestrator.verdict.words import counted, shorten

VERSION = 1
"""Of the JSON document."""

_TITLE = 200
_PINS = 4
"""Discriminating pins to print; the JSON has all of them."""


def render(
    found: Sequence[FindingScope], cells: Sequence[CellResult], ids: Mapping[str, str], *, width: int = 80
) -> str:
    """The findings over some cells as text of at most `width` columns; `ids` are the short ones."""
    ran = sum(j.status is CellStatus.RAN for j in cells)
    none = sum(j.status is None for j in cells)
    tried = f"{counted(ran, 'combination')} that ran" + (f", {none} not run" if none else "")
    lines = [f"{counted(len(found), 'finding')} over {tried}", ""]
    for number, scope in enumerate(found, start=1):
        head = f"[{number}] "
        lines += fold(printable(shorten(scope.finding.title, _TITLE)), width, head, " " * len(head))
        for line in (*described(scope), *_nearest(scope, ids), f"example: {look(scope.example, scope.probe, ids)}"):
            lines += fold(line, width, "    ", "      ")
        lines.append("")
    if not found:
        lines[1:] = ["Every check that has a result passed." if ran else "No results yet.", ""]
    return "\n".join(lines[:-1]) + "\n"


def document(found: Sequence[FindingScope]) -> str:
    """The findings as one JSON document, largest first."""
    made = {"schema": VERSION, "findings": [as_json(scope) for scope in found]}
    return json_text(made)


def as_json(scope: FindingScope) -> dict[str, object]:
    """One finding as JSON-able values. `pins` are those that all failing cells share and no passing one has.

    Where there are none, `alike` are the passing cells with the same packages chosen, and `alike_pins` those that no
    such cell has.
    """
    finding = scope.finding
    return {
        "signature": finding.signature,
        "title": printable(finding.title),
        "attribution": str(finding.attribution),
        "pairs": finding.pairs,
        "unproven": finding.unproven,
        "probes": list(finding.probes),
        "cells": list(finding.cells),
        "passing": [j.cell.id for j in scope.passing],
        "nearest": scope.nearest.cell.id if scope.nearest else None,
        "where": dict(scope.where),
        "pins": [_pin_json(t) for t in scope.pins],
        "alike": [j.cell.id for j in scope.alike],
        "alike_pins": [_pin_json(t) | {"passing_elsewhere": t.elsewhere} for t in scope.alike_pins],
        "example": {"cell": scope.example.cell.id, "probe": scope.probe},
    }


def _pin_json(pin: DiscriminatingPin) -> dict[str, object]:
    return {"name": pin.name, "failing": list(pin.failing), "passing": list(pin.passing), "apart": pin.apart}


def described(scope: FindingScope) -> list[str]:
    """How much of what, where, and which pins tell: a line each."""
    lines = [f"{how_many(scope)}{_whose(scope)}"]
    if scope.where:
        lines.append("where: " + "; ".join(printable(f"{axis} {values}") for axis, values in scope.where))
    if scope.finding.probes:
        lines.append(f"pins: {_pins(scope)}")
    return lines


def _nearest(scope: FindingScope, ids: Mapping[str, str]) -> list[str]:
    best = scope.nearest
    return [f"nearest without it: {printable(best.said)} ({ids.get(best.cell.id, best.cell.id)})"] if best else []


def how_many(scope: FindingScope) -> str:
    """Such as: 49 checks and 2 behaviours in 3 combinations (5 results unproven)."""
    finding = scope.finding
    cells = counted(len(finding.cells), "combination")
    if not finding.probes:
        return cells
    checks = len(finding.probes) - scope.behaviours
    parts = [counted(n, word) for n, word in ((checks, "check"), (scope.behaviours, "behaviour")) if n]
    doubt = ""
    if finding.unproven and not scope.behaviours:
        doubt = " (unproven)" if finding.unproven == finding.pairs else f" ({finding.unproven} results unproven)"
    return f"{' and '.join(parts)} in {cells}{doubt}"


def _whose(scope: FindingScope) -> str:
    subjects = dict.fromkeys(c.axis.package or c.axis.name for j in scope.hits for c in j.cell.subjects)
    if not subjects:
        return ""
    match scope.finding.attribution:
        case Attribution.BASE:
            return f" · not caused by {' or '.join(subjects)}: missing from the base"
        case Attribution.ENVIRONMENT:
            return f" · not caused by {' or '.join(subjects)}"
    return ""


def _pins(scope: FindingScope) -> str:
    if not scope.passing:
        return "nothing to compare with: these probes pass nowhere"
    counts = f"{len(scope.hits)} failing, {len(scope.passing)} passing"
    if not scope.pins:
        return f"none shared by all failing and absent from all passing ({counts}){_alike(scope)}"
    # the packages the error came from or that were chosen say most; what else was upgraded with them is only counted
    shown = [pin for pin in scope.pins if pin.named][:_PINS] or scope.pins[:_PINS]
    return f"{_told(shown, scope.pins)} ({counts})"


def _alike(scope: FindingScope) -> str:
    if not scope.alike_pins:
        return ""
    least = scope.alike_pins[0].elsewhere
    shown = [pin for pin in scope.alike_pins if pin.elsewhere == least][:_PINS]
    return f"; with the same packages chosen: {_told(shown, scope.alike_pins)} ({len(scope.alike)} of the passing)"


def _told(shown: Sequence[DiscriminatingPin], pins: Sequence[DiscriminatingPin]) -> str:
    rest = len(pins) - len(shown)
    more = f"; and {rest} more that changed with {'it' if len(shown) == 1 else 'them'}" if rest else ""
    return f"{'; '.join(map(telling_words, shown))}{more}"


def telling_words(pin: DiscriminatingPin) -> str:
    """Such as: protobuf 4.21.0–4.25.3 in all failing, 3.9.2–3.20.3 in all passing."""
    if not pin.failing:
        return f"{pin.name} in none of the failing, {_range(pin.passing)} in all passing"
    bad = f"{pin.name} {_range(pin.failing)} in all failing"
    if not pin.passing:
        return f"{bad}, in none of the passing"
    if not pin.apart:
        return f"{bad}, in none of the passing ({_some(pin.passing)})"
    return f"{bad}, {_range(pin.passing)} in {'all passing' if pin.everywhere else 'passing, or none'}"


def _some(versions: Sequence[str]) -> str:
    rest = len(versions) - _PINS
    return ", ".join(versions[:_PINS]) + (f" and {rest} more" if rest > 0 else "")


def _range(versions: Sequence[str]) -> str:
    return versions[0] if versions[0] == versions[-1] else f"{versions[0]}–{versions[-1]}"


def look(judged: CellResult, probe: str, ids: Mapping[str, str]) -> str:
    """The command that shows the evidence."""
    return f"compat show {ids.get(judged.cell.id, judged.cell.id)}{f' {probe}' if probe else ''}"
