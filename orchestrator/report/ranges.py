"""Values per version on a terminal and as JSON: `compat table --by behaviour`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from orchestrator.foreign import json_text, printable
from orchestrator.report.document import plain
from orchestrator.report.lines import folded
from orchestrator.verdict.ranges import ProbeHistory, Ranges, Track
from orchestrator.verdict.spans import label, stretches
from orchestrator.verdict.words import shorten

VERSION = 1
"""Of the JSON document."""

_VALUE = 240
"""Characters of a value on a terminal; the JSON has all of it."""
_ONE_LINE = 60
"""Characters of a value up to which all runs of a probe stand in one line."""

_INDENT = "   "


def render(found: Ranges, *, width: int = 80, constant: bool = False) -> str:
    """The table as text of at most `width` columns; with `constant` also probes whose value never changes."""
    name = found.axis.package or found.axis.name
    if not found.tracks:
        why = "no results yet: run `compat run` with the same selectors" if found.versions else "no version"
        return folded([f"By version of {name}: {why}."], width)
    shown = [line for line in found.lines if line.changes or (constant and line.runs)]
    parts = [f"By version of {name}: {', '.join(found.versions)}", ""]
    for number, track in enumerate(found.tracks):
        mine = [line for line in shown if line.track == number]
        if mine:
            parts += _heading(track, found.versions)
            for same in _alike(mine, found.versions):
                parts += ["", *same]
            parts.append("")
    parts += _summary(found, shown, constant=constant)
    return folded(map(printable, parts), width)


def _alike(lines: Sequence[ProbeHistory], versions: Sequence[str]) -> list[list[str]]:
    """One block per history: the probes that share it, each with its question, then the history."""
    stories: dict[tuple[str, ...], list[str]] = {}
    for line in lines:
        stories.setdefault(tuple(_told(line, versions)), []).append(f"{line.probe.id}: {line.probe.question}")
    return [[*probes, *story] for story, probes in stories.items()]


def _heading(track: Track, versions: Sequence[str]) -> list[str]:
    lines = [f"With {track.held}" if track.held else "With nothing else installed"]
    if track.loose:
        lines.append(f"Not held constant: {'; '.join(track.loose)}")
    gaps: dict[str, list[str]] = {}
    for place in track.places:
        if place.judged is None:
            gaps.setdefault(place.absent, []).append(place.version)
    if gaps:
        told = "; ".join(f"{_absent(names, versions)} ({why})" for why, names in gaps.items())
        lines.append(f"Without a result: {told}")
    return lines


def _told(line: ProbeHistory, versions: Sequence[str]) -> list[str]:
    """A probe's runs, then what a reader must know of them."""
    segments = _segments(line, versions)
    brief = max((len(value) for value in line.texts), default=0) <= _ONE_LINE
    told = [_INDENT + " · ".join(segments)] if brief else [_INDENT + segment for segment in segments]
    for before, after, what in line.doubts:
        span = f"{label([[before]], versions)} and {label([[after]], versions)}"
        told.append(f"{_INDENT}? not the version alone: between {span} also {what}")
    if line.beside:
        other = "; ".join(f"{shorten(value, _VALUE)} on {where}" for value, where in _beside(line, versions))
        told.append(f"{_INDENT}differs between Pythons: {other}")
    return told


def _beside(line: ProbeHistory, versions: Sequence[str]) -> list[tuple[str, str]]:
    """Value → where, equal values of several versions and Pythons folded."""
    places: dict[str, dict[str, list[str]]] = {}
    for version, python, value in line.beside:
        places.setdefault(value, {}).setdefault(python, []).append(version)
    return [
        (value, ", ".join(f"Python {p} with {_absent(vs, versions)}" for p, vs in where.items()))
        for value, where in places.items()
    ]


def _segments(line: ProbeHistory, versions: Sequence[str]) -> list[str]:
    """Runs, and between them what was not run, in the axis's order."""
    found: list[str] = []
    inside = {version for run in line.runs for version, _ in run.gaps}
    between = [(version, why) for version, why in line.gaps if version not in inside]
    for run, value in zip(line.runs, line.texts, strict=True):
        found += _gaps([g for g in between if _is_before(g[0], run.first, versions)], versions) if found else []
        between = [g for g in between if not _is_before(g[0], run.first, versions)]
        gaps = f" ({', '.join(_gaps(run.gaps, versions))})" if run.gaps else ""
        found.append(f"{label(run.spans, versions)}: {shorten(value, _VALUE)}{gaps}")
    return found


def _is_before(version: str, other: str, versions: Sequence[str]) -> bool:
    return versions.index(version) < versions.index(other)


def _gaps(gaps: Sequence[tuple[str, str]], versions: Sequence[str]) -> list[str]:
    by_why: dict[str, list[str]] = {}
    for version, why in gaps:
        by_why.setdefault(why, []).append(version)
    return [f"{_absent(names, versions)} {why}" for why, names in by_why.items()]


def _absent(names: Sequence[str], versions: Sequence[str]) -> str:
    """Versions that all lack the same, stretches of neighbours folded."""
    return label(stretches(names, versions), versions)


def _summary(found: Ranges, shown: Sequence[ProbeHistory], *, constant: bool) -> list[str]:
    change = sum(line.changes for line in found.lines)
    same = [line for line in found.lines if len(line.runs) == 1]
    silent = [line for line in found.lines if not line.runs]
    few = sum(sum(len(span) for span in line.runs[0].spans) < 2 for line in same)
    words = [f"{change} of {len(found.lines)} change{'s' if change == 1 else ''} with the version"]
    if same:
        only = f" ({few} of them seen at one version only)" if few else ""
        words.append(
            f"{len(same)} do{'es' if len(same) == 1 else ''} not{only}" + ("" if constant else ": --all shows")
        )
    if silent:
        whys = Counter(why for line in silent for _, why in line.gaps)
        have = "has" if len(silent) == 1 else "have"
        words.append(f"{len(silent)} {have} no value here ({', '.join(why for why, _ in whys.most_common(3))})")
    legend = ["a–b: every version listed here from a to b was run and gives the same."] if shown else []
    mixed = sum(line.mixed for line in shown)
    if mixed:
        legend.append(f"{mixed} of these probes changed between their results: run them again.")
    if any(len(value) > _VALUE for line in shown for value in line.texts):
        legend.append("…: cut here; --json has all of it.")
    return ["; ".join(words) + ".", *legend]


def document(found: Ranges, *, constant: bool = True) -> str:
    """The table as one JSON document: values in full, every version without one with why."""
    lines = [line for line in found.lines if line.changes or constant]
    content = {
        "schema": VERSION,
        "axis": found.axis.name,
        "package": found.axis.package,
        "versions": list(found.versions),
        "tracks": [_track_json(track) for track in found.tracks],
        "probes": [_line_json(line) for line in lines],
    }
    return json_text(content)


def _track_json(track: Track) -> dict[str, object]:
    return {
        "held": track.held,
        "loose": list(track.loose),
        "cells": {p.version: p.judged.cell.id for p in track.places if p.judged},
        "without": {p.version: p.absent for p in track.places if p.judged is None},
    }


def _line_json(line: ProbeHistory) -> dict[str, object]:
    return {
        "id": line.probe.id,
        "question": line.probe.question,
        "group": line.probe.group,
        "kind": str(line.probe.kind),
        "track": line.track,
        "changes": line.changes,
        "mixed": line.mixed,
        "runs": [
            {"value": plain(run.value), "spans": [list(s) for s in run.spans], "without": dict(run.gaps)}
            for run in line.runs
        ],
        "without": dict(line.gaps),
        "doubts": [{"before": b, "after": a, "changed": what} for b, a, what in line.doubts],
        "beside": [{"version": v, "python": p, "value": value} for v, p, value in line.beside],
    }
