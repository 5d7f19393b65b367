"""`compat why`: what is known of a pasted traceback, in sentences and as JSON."""

from __future__ import annotations

from collections.abc import Mapping

from orchestrator.foreign import json_text, printable
from orchestrator.insight.traceback import Pasted
from orchestrator.insight.why import Explanation, Match
from orchestrator.model import Matrix, VerdictKind
from orchestrator.report.findings import VERSION, as_json, described, look
from orchestrator.report.lines import fold, folded
from orchestrator.verdict.judge import CellResult
from orchestrator.verdict.verdicts import GOOD
from orchestrator.verdict.words import counted, shorten

_PINS = 8
_ALSO = 3
_MESSAGE = 200


def unseen(last: Pasted, ran: int, matrix: Matrix, *, width: int = 80) -> str:
    """What is said of an exception that nothing like was seen; `ran` combinations have results."""
    told = ["Not seen: nothing has run yet."]
    if ran:
        tried = counted(ran, "combination")
        told = [
            f"Not seen: no probe raised this, nor anything close to it, in the {tried} that ran.",
            "The versions may still be the cause: perhaps no probe does what you do.",
        ]
    names = [axis.package for axis in matrix.axes if axis.package and (axis.default is None or axis.subject)]
    asked = " ".join(f"{name}==VERSION" for name in names)
    return folded([_head(last), "", *told, f"To try your combination: compat try {asked} python=3.X"], width)


def render(found: Explanation, ids: Mapping[str, str], *, width: int = 80) -> str:
    """What is known, as text of at most `width` columns; `ids` are the short ones."""
    parts = [fold(_head(found.pasted), width)]
    if found.last:
        parts.append(fold(f"The text ends in another error, which matches less well: {_head(found.last)}", width))
    parts += [[""], fold(_how_alike(found), width)]
    if found.match is not Match.SAME and found.match is not Match.MESSAGE:
        parts.append(fold(printable(shorten(found.scope.finding.title, _MESSAGE)), width, "   ", "   "))
    parts += [fold(line, width, "   ", "     ") for line in described(found.scope)]
    parts += [[""], *_without(found, ids, width), [""], *_next(found, ids, width)]
    if found.also:
        parts += [[""], *_also(found, width)]
    return "".join(f"{line}\n" for part in parts for line in part)


def document(found: Explanation | None, pasted: Pasted) -> str:
    """The same as one JSON document; `match` and what follows from it are null where nothing was seen."""
    made: dict[str, object] = {
        "schema": VERSION,
        "pasted": {"type": pasted.type, "message": printable(pasted.readings[0])},
        "seen": bool(found and found.match.seen),
        "match": found.match.name.lower() if found else None,
        "finding": as_json(found.scope) if found else None,
    }
    if found:
        made |= {
            "pasted": {"type": found.pasted.type, "message": printable(found.pasted.readings[0])},
            "hit": {"cell": found.hit.cell.id, "axes": found.hit.cell.axes, "probe": found.probe},
            "nearest": [{"cell": j.cell.id, "axes": j.cell.axes} for j in found.nearest],
            "differing": [{"name": n, "hit": a or None, "nearest": b or None} for n, a, b in found.differing],
            "also": [f.signature for f in found.also],
        }
    return json_text(made)


def _head(one: Pasted) -> str:
    kind, message = one.type.rsplit(".", 1)[-1], " ".join(one.readings[0].split())
    return printable(shorten(f"{kind}: {message}" if message else kind, _MESSAGE))


def _how_alike(found: Explanation) -> str:
    match found.match:
        case Match.SAME:
            return f"Seen: the same error, raised at the same place ({found.seen_place})."
        case Match.MESSAGE:
            return f"Seen: the same type and message{_elsewhere(found)}."
        case Match.CAUSE:
            return "Seen: as the cause of another error."
        case Match.BEGINNING:
            return "Not seen exactly, but an error that begins the same:"
    return "Not seen. The closest by its message, which may be a different error:"


def _elsewhere(found: Explanation) -> str:
    if not found.pasted_place:
        return f"; the text names no place, here it is raised at {found.seen_place}" if found.seen_place else ""
    if found.way:
        return f"; both go through {found.way}, and here it is raised at {found.seen_place or 'the call itself'}"
    there = f", not at {found.pasted_place}" if found.pasted_place else ""
    return f", but raised at {found.seen_place or 'the call itself'}{there}: the cause may differ"


def _without(found: Explanation, ids: Mapping[str, str], width: int) -> list[list[str]]:
    if not found.nearest:
        return [fold("No combination ran the same probes without it.", width)]
    first, *others = found.nearest
    lines = [fold(f"Nearest without it: {_cell(first, ids)}", width, "", "   ")]
    lines += [fold(f"also: {_cell(judged, ids)}", width, "   ", "     ") for judged in others]
    here = f"{ids.get(found.hit.cell.id, found.hit.cell.id)} ({printable(found.hit.said)})"
    if not found.differing:
        return [*lines, fold(f"Its pins are those of {here}, which has it.", width)]
    pins = counted(len(found.differing), "pin")
    lines.append(fold(f"From {here}, which has it, to the nearest {pins} differ:", width, "", "   "))
    wide = max(len(name) for name, _, _ in found.differing[:_PINS])
    lines += [
        fold(f"{name:<{wide}}  {a or 'absent'} → {b or 'absent'}", width, "   ", "     ")
        for name, a, b in found.differing[:_PINS]
    ]
    if len(found.differing) > _PINS:
        lines.append([f"   and {len(found.differing) - _PINS} more"])
    return lines


def _cell(judged: CellResult, ids: Mapping[str, str]) -> str:
    kind = judged.kind(judged.headline)
    but = "" if kind in (VerdictKind.WORKS, VerdictKind.UNKNOWN, None) else f", {kind} otherwise"
    return printable(f"{judged.said}{but} ({ids.get(judged.cell.id, judged.cell.id)})")


def _next(found: Explanation, ids: Mapping[str, str], width: int) -> list[list[str]]:
    commands = [(look(found.hit, found.probe, ids), "the traceback, as it was seen here")]
    if found.nearest:
        first = found.nearest[0]
        short = ids.get(first.cell.id, first.cell.id)
        good = first.kind(first.headline) in GOOD
        command = f"compat pins {short}" if good else f"compat show {short} --pins"
        commands.append((command, "pins without this error"))
    wide = max(len(command) for command, _ in commands)
    rows = [f"   {command:<{wide}}  {what}" for command, what in commands]
    if any(len(row) > width for row in rows):
        rows = [line for command, what in commands for line in (f"   {command}", f"      {what}")]
    return [["Next steps:"], rows]


def _also(found: Explanation, width: int) -> list[list[str]]:
    ranked = sorted(found.also, key=lambda f: (-f.pairs, f.signature))
    lines = [["Similar, but other findings:"]]
    for finding in ranked[:_ALSO]:
        head, _, place = finding.signature.rpartition(" @ ")
        at = f" at {place}" if head else ""
        told = f"{shorten(head or place, _MESSAGE)}{at}, in {counted(len(finding.cells), 'combination')}"
        lines.append(fold(printable(told), width, "   ", "     "))
    if len(ranked) > _ALSO:
        lines.append([f"   and {len(ranked) - _ALSO} more"])
    return lines
