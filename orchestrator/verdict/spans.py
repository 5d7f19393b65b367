"""Runs of equal values over versions in order, and how people say such versions. No cells, no judgement.

Nothing is said across a version without a value, and nothing assumes order: a value that comes back is a new run.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from packaging.version import InvalidVersion, Version

from orchestrator.verdict.values import key


@dataclass(frozen=True, kw_only=True, slots=True)
class Point:
    """One version and what was seen there; `absent` says why nothing was ("" : there is a value)."""

    version: str
    value: object = None
    absent: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """One value over versions that follow one another: `spans` are stretches without a gap, `gaps` the versions
    between them that have no value, with why.
    """

    value: object
    spans: tuple[tuple[str, ...], ...]
    gaps: tuple[tuple[str, str], ...] = ()

    @property
    def first(self) -> str:
        return self.spans[0][0]

    @property
    def last(self) -> str:
        return self.spans[-1][-1]


def contiguous(points: Sequence[Point]) -> tuple[Run, ...]:
    """Runs of equal values over points in the axis's order.

    Points without a value break a stretch: between equal values they are named in the run (never covered by it),
    elsewhere they belong to no run.
    """
    found: list[Run] = []
    waiting: list[tuple[str, str]] = []
    for point in points:
        if point.absent:
            waiting.append((point.version, point.absent))
            continue
        last = found[-1] if found else None
        if last is None or key(last.value) != key(point.value):
            found.append(Run(value=point.value, spans=((point.version,),)))
        elif waiting:
            spans = (*last.spans, (point.version,))
            found[-1] = Run(value=last.value, spans=spans, gaps=(*last.gaps, *waiting))
        else:
            spans = (*last.spans[:-1], (*last.spans[-1], point.version))
            found[-1] = Run(value=last.value, spans=spans, gaps=last.gaps)
        waiting = []
    return tuple(found)


def label(spans: Iterable[Sequence[str]], listed: Sequence[str]) -> str:
    """Versions as people say them, "2.1–2.8" or "2.16, 2.18–2.21".

    The patch level is left out where a stretch has all patch releases of that minor that are `listed`.
    """
    parts = []
    for span in spans:
        short = [_short(version, span, listed) for version in span]
        parts.append(short[0] if short[0] == short[-1] else f"{short[0]}–{short[-1]}")
    return ", ".join(parts)


def stretches(names: Sequence[str], listed: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """Those of the versions `listed` (in order) that are among `names`, neighbours together."""
    runs = contiguous([Point(version=v, value=True, absent="" if v in names else "-") for v in listed])
    return runs[0].spans if runs else ()


def _short(version: str, span: Sequence[str], listed: Sequence[str]) -> str:
    minor = _minor(version)
    return minor if all(other in span for other in listed if _minor(other) == minor) else version


def _minor(version: str) -> str:
    found = release(version)
    return version if found is None or found.is_prerelease else ".".join(str(n) for n in found.release[:2])


def release(name: str) -> Version | None:
    """The version a choice's name stands for; None for `none`, `unpinned` and the like."""
    try:
        return Version(name)
    except InvalidVersion:
        return None
