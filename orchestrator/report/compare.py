"""Two selections compared, on a terminal and as JSON: `compat diff`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from orchestrator.foreign import json_text, printable
from orchestrator.report.document import plain
from orchestrator.report.lines import folded
from orchestrator.verdict.compare import Comparison, Drifted, Item, Warned, alike_by_what
from orchestrator.verdict.tables import short_ids
from orchestrator.verdict.words import counted, shorten

VERSION = 1
"""Of the JSON document."""

PAIRS = 6
NAMES = 8
_VALUE = 200
_IN = "   "


def render(found: Comparison, *, width: int = 80, ids: Mapping[str, str] | None = None, full: bool = False) -> str:
    """The comparison as text of at most `width` columns: first what could not be held constant, then counts and lists.

    `ids` are short ids that are unique in the plan; with `full` nothing is left out of a list.
    """
    shorts = ids or short_ids(j.cell.id for p in found.pairing.pairs for j in (p.left, p.right))
    parts = [_loose(found), *_pairs(found, shorts, full=full), "", _counts(found), ""]
    for heading, lines in (
        ("Checks that stop passing", _told(found.stops, found, full=full)),
        ("Checks that start passing (with what stopped them)", _told(found.starts, found, full=full)),
        ("Checks that fail on both sides, for another reason", _told(found.otherwise, found, full=full)),
        ("Behaviours that change", _told(found.values, found, full=full)),
        ("Numbers that drift", [_drift(d, found) for d in found.drifts]),
        ("Warnings that appear", _warned(found.appeared, full=full)),
        ("Warnings that disappear", _warned(found.gone, full=full)),
        ("Not compared", _uncompared(found.uncompared, full=full)),
        ("Only on the left", _names(found.only_left, full=full)),
        ("Only on the right", _names(found.only_right, full=full)),
    ):
        if lines:
            parts += [heading, *(f"{_IN}{line}" for line in lines), ""]
    parts.append(_same(found))
    return folded(map(printable, parts), width)


def _loose(found: Comparison) -> str:
    if not found.pairing.loose:
        return f"Held constant: everything except {', '.join(found.pairing.apart)}."
    return f"Not held constant: {' · '.join(found.pairing.loose)}."


def _pairs(found: Comparison, ids: Mapping[str, str], *, full: bool) -> list[str]:
    pairs = found.pairing.pairs
    shown = pairs if full else pairs[:PAIRS]
    lines = [f"{counted(len(pairs), 'pair')} of combinations compared, left → right:"]
    for pair in shown:
        sides = (f"{j.said} ({ids.get(j.cell.id, j.cell.id[:8])})" for j in (pair.left, pair.right))
        lines.append(_IN + " → ".join(sides))
    lines += [f"{_IN}and {len(pairs) - PAIRS} more"] if len(shown) < len(pairs) else []
    left, right = found.pairing.alone
    if left or right:
        lines.append(f"{_IN}without a counterpart: {left} on the left, {right} on the right that ran")
    return lines


def _counts(found: Comparison) -> str:
    unproven = len({i.probe.id for i in (*found.stops, *found.starts) if not i.proven})
    words = [
        f"{_many(found.stops, 'check', 'stop')} passing",
        f"{_probes(found.starts)} start",
        _many(found.values, "behaviour", "change"),
        f"numbers of {_many(found.drifts, 'probe')} drift",
        f"warnings: {len(found.appeared)} appear, {len(found.gone)} disappear",
    ]
    note = f" ({unproven} of these checks unproven: not known to be able to pass and to fail)" if unproven else ""
    return " · ".join(words) + note


def _probes(items: Sequence[Item | Drifted]) -> int:
    return len({item.probe.id for item in items})


def _many(items: Sequence[Item | Drifted], one: str, verb: str = "") -> str:
    number = _probes(items)
    words = (f"{one}", f"{verb}s" if verb else "") if number == 1 else (f"{one}s", verb)
    return " ".join([str(number), *filter(None, words)])


def _where(item: Item | Drifted, found: Comparison) -> str:
    """In how many of the pairs that could say something about it, where not in all."""
    could = found.compared.get(item.probe.id, len(item.pairs))
    return "" if could == len(item.pairs) else f" (in {len(item.pairs)} of {could} pairs)"


def _told(items: Sequence[Item], found: Comparison, *, full: bool) -> list[str]:
    """What came of each probe; those of which the same came under one line, most probes first."""
    lines = []
    for what, alike in alike_by_what(items):
        names = [f"{item.probe.id}{_where(item, found)}" for item in alike]
        if len(alike) == 1:
            lines.append(f"{names[0]}: {shorten(what, _VALUE)}")
        else:
            lines.append(f"{shorten(what, _VALUE)} · {len(alike)} probes")
            lines += [_IN + line for line in _names(names, full=full)]
    return lines


def _drift(item: Drifted, found: Comparison) -> str:
    seen, where = item.apart, _where(item, found)
    if seen.shape:
        return f"{item.probe.id}: different sets of numbers: compare the values with --json{where}"
    at = f" at {seen.where}" if seen.where else ""
    return (
        f"{item.probe.id}: {seen.count} of {seen.total} apart, most{at}: {seen.old!r} → {seen.new!r} "
        f"(by {seen.largest:.3g}){where}"
    )


def _warned(items: Sequence[Warned], *, full: bool) -> list[str]:
    lines = []
    for item in items:
        beside = f"beside {item.probes[0]}" + (f" and {len(item.probes) - 1} more" if len(item.probes) > 1 else "")
        lines.append(f"{item.text} · {beside if not full else 'beside ' + ', '.join(item.probes)}")
    return lines


def _uncompared(items: Sequence[Item], *, full: bool) -> list[str]:
    found: dict[str, dict[str, None]] = {}
    for item in items:
        found.setdefault(item.what, {}).setdefault(item.probe.id)
    order = sorted(found, key=lambda why: (-len(found[why]), why))
    return [f"{why}: {', '.join(_names(list(found[why]), full=full))}" for why in order]


def _names(names: Sequence[str], *, full: bool) -> list[str]:
    if not names:
        return []
    more = f" and {len(names) - NAMES} more (--all)" if len(names) > NAMES and not full else ""
    return [", ".join(names if full else names[:NAMES]) + more]


def _same(found: Comparison) -> str:
    words = {
        "check": "passing",
        "failing check": "failing for the same reason",
        "behaviour": "behaving",
        "drift": "equal",
    }
    told = [f"{found.same[kind]} {word}" for kind, word in words.items() if found.same.get(kind)]
    of = f" over {len(found.pairing.pairs)} pairs" if len(found.pairing.pairs) > 1 else ""
    return f"Unchanged{of}: {', '.join(told) or 'nothing'}."


# ---------------------------------------------------------------- JSON


def document(found: Comparison) -> str:
    """The comparison as one JSON document; `pairs` of an entry are places in the list of pairs."""
    content = {
        "schema": VERSION,
        "not_held_still": list(found.pairing.loose),
        "axes": list(found.pairing.apart),
        "pairs": [{"left": p.left.cell.id, "right": p.right.cell.id} for p in found.pairing.pairs],
        "alone": {"left": found.pairing.alone[0], "right": found.pairing.alone[1]},
        "stops": [_item(i) for i in found.stops],
        "starts": [_item(i) for i in found.starts],
        "otherwise": [_item(i) for i in found.otherwise],
        "behaviours": [_item(i) | {"old": plain(i.old), "new": plain(i.new)} for i in found.values],
        "drifts": [_drift_json(d) for d in found.drifts],
        "warnings": {"appear": [_warn(w) for w in found.appeared], "disappear": [_warn(w) for w in found.gone]},
        "not_compared": [_item(i) for i in found.uncompared],
        "only": {"left": list(found.only_left), "right": list(found.only_right)},
        "unchanged": dict(found.same),
    }
    return json_text(content)


def _item(item: Item) -> dict[str, object]:
    made = {"probe": item.probe.id, "what": printable(item.what), "cause": printable(item.cause)}
    return {**made, "proven": item.proven, "pairs": list(item.pairs)}


def _drift_json(item: Drifted) -> dict[str, object]:
    seen = item.apart
    return {
        "probe": item.probe.id,
        "count": seen.count,
        "total": seen.total,
        "largest": plain(seen.largest),
        "where": seen.where,
        "old": plain(seen.old),
        "new": plain(seen.new),
        "same_shape": not seen.shape,
        "pairs": list(item.pairs),
    }


def _warn(item: Warned) -> dict[str, object]:
    return {"text": item.text, "probes": list(item.probes), "pairs": list(item.pairs)}
