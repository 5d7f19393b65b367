"""A pasted traceback to the finding it is: the cells it hits, the nearest without it, the pins that differ."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from functools import cache

from orchestrator.errors import CellStatus
from orchestrator.insight.discriminating_pins import differing
from orchestrator.insight.finding_scope import (
    FindingScope,
    example_rank,
    finding_scope,
    nearest_without,
    pins_of,
    ran,
    suspected_names,
)
from orchestrator.insight.nearest import closest
from orchestrator.insight.traceback import Pasted, exceptions
from orchestrator.model import Cell, Frame, Matrix, ProbeKind
from orchestrator.verdict.findings import Finding, Occurrence, gathered
from orchestrator.verdict.judge import CellResult
from orchestrator.verdict.signature import innermost, signature, title

_WEAK = 12
"""Characters of a message below which it says too little to go by without its place."""
_BEGINNING = 20
"""Characters that must be equal for two messages to begin the same."""
_SLACK = 8
"""Characters by which the cut of two equal messages may differ."""
_ALIKE = 0.87
"""Least share of equal characters (difflib's ratio) of two messages that are called close."""
_NEAREST = 3
_TOP = ("probes", "<")


class Match(IntEnum):
    """How a pasted exception and one that was seen are alike, the closest first."""

    SAME = 1
    """Type, message and place."""
    MESSAGE = 2
    """Type and message; the place is another one, or not in the text."""
    CAUSE = 3
    """Type and message of an exception that led to the one that was seen."""
    BEGINNING = 4
    """Type and the beginning of the message."""
    SIMILAR = 5
    """Type, and nearly the message."""

    @property
    def seen(self) -> bool:
        """Whether the pasted exception itself was seen, rather than one like it."""
        return self <= Match.CAUSE


@dataclass(frozen=True, kw_only=True, slots=True)
class Explanation:
    """What is known of a pasted exception.

    `scope` is the finding over its cells, `hit` and `probe` where to look at it, `nearest` cells without it, the
    nearest first, `differing` (name, version in the hit, version in the nearest). `pasted_place` and `seen_place`
    are "file:function" of the innermost frames ("" : none), `way` one that both went through, `also` other
    findings the text fits as well or nearly, `last` the text's last exception where that is another one.
    """

    pasted: Pasted
    match: Match
    scope: FindingScope
    hit: CellResult
    probe: str
    nearest: tuple[CellResult, ...] = ()
    differing: tuple[tuple[str, str, str], ...] = ()
    pasted_place: str = ""
    seen_place: str = ""
    way: str = ""
    also: tuple[Finding, ...] = ()
    last: Pasted | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class RaisedIndex:
    """Everything the cells raised: signature → its occurrences, and the head of a cause → signatures it led to."""

    seen: Mapping[str, Sequence[Occurrence]]
    causes: Mapping[str, Sequence[str]]


def raised_by(cells: Iterable[CellResult]) -> RaisedIndex:
    """What was raised by any probe but a control: checks, proven or not, and behaviours that raise."""
    seen: dict[str, list[Occurrence]] = {}
    for judged in cells:
        if judged.status is not CellStatus.RAN:
            continue
        for found in judged.meaning.raised if judged.meaning else ():
            raised = found.observation.exception if found.observation else None
            if found.probe.kind is ProbeKind.CONTROL or found.observation is None or raised is None:
                continue
            name = found.signature or signature(raised, found.observation.within)
            seen.setdefault(name, []).append(Occurrence(judged=judged, outcome=found, signature=name))
    return RaisedIndex(seen=seen, causes=_causes(seen))


def packages(found: RaisedIndex) -> frozenset[str]:
    """Top-level names of the libraries that frames of the evidence lie in."""
    tops = {f.file.split("/", 1)[0] for seen in found.seen.values() for f in _frames(seen[0])}
    return frozenset(t for t in tops if not t.startswith(_TOP) and not t.endswith(".py"))


def why(
    pasted: Sequence[Pasted], found: RaisedIndex, whole: Sequence[CellResult], matrix: Matrix
) -> Explanation | None:
    """The closest finding for the exceptions of one text; None where nothing like them was seen.

    Of equally close ones the last of the text counts: that is where its story ends. `whole` is the plan.
    """
    tried = [(m, -place, name) for place, one in enumerate(pasted) for m, name in _matches(one, found)]
    if not tried:
        tried = [(Match.SIMILAR, 1 - len(pasted), name) for name in _alike(pasted[-1], found)]
    if not tried:
        return None
    best = min(m for m, _, _ in tried)
    place = min(p for m, p, _ in tried if m == best)
    one = pasted[-place]
    fits = [n for m, p, n in tried if m == best and p == place]
    if best is not Match.SIMILAR:
        fits.sort(key=lambda n: _fit_rank(one, found.seen[n]))
    others = {n for _, p, n in tried if p == place and n != fits[0]}
    made = _explained(one, best, fits[0], (found, whole, matrix), others)
    return replace(made, last=None if one is pasted[-1] else pasted[-1])


_Ground = tuple[RaisedIndex, Sequence[CellResult], Matrix]


def _explained(one: Pasted, match: Match, name: str, ground: _Ground, others: Iterable[str]) -> Explanation:
    found, whole, matrix = ground
    seen = found.seen[name]
    wide = finding_scope(gathered(seen)[0], seen, ran(whole), matrix)
    hits = [j for j in wide.hits if j.cell.python == one.python] or list(wide.hits)
    near = _nearest(hits, wide.passing, matrix)
    hit = closest([near[0].cell], hits, matrix) if near else None
    hit = hit or (wide.example if wide.example in hits else hits[0])
    mine = sorted((s for s in seen if s.judged is hit), key=lambda s: (-_common(one, s), example_rank(s)))
    seen_frames, at = _frames(mine[0]), innermost(one.frames)
    ways = {_way(f) for f in seen_frames}
    way = next((_place(f) for f in reversed(one.frames) if _way(f) in ways and not _own(f)), "")
    return Explanation(
        pasted=one,
        match=match,
        scope=wide,
        hit=hit,
        probe=mine[0].outcome.probe.id if mine[0].outcome else "",
        nearest=near,
        differing=differing(pins_of(hit), pins_of(near[0]), _first(wide, mine)) if near else (),
        pasted_place=_place(at) if at else "",
        seen_place=_place(inner) if (inner := innermost(seen_frames)) else "",
        way=way,
        also=tuple(f for f in gathered(s for other in others for s in found.seen[other])),
    )


def _first(wide: FindingScope, mine: Sequence[Occurrence]) -> tuple[str, ...]:
    """Distributions to name first among those that differ."""
    return (*suspected_names(mine), *(pin.name for pin in wide.alike_pins))


def _nearest(hits: Sequence[CellResult], passing: Sequence[CellResult], matrix: Matrix) -> tuple[CellResult, ...]:
    """Up to three cells without the finding, with different packages each, the nearest first."""
    left, found = list(passing), list[CellResult]()
    while len(found) < _NEAREST and (best := nearest_without(hits, left, matrix)):
        found.append(best)
        left = [j for j in left if _packages(j.cell) != _packages(best.cell)]
    return tuple(found)


def _packages(cell: Cell) -> tuple[str, ...]:
    return tuple(str(c) for c in cell.packages)


def _matches(one: Pasted, found: RaisedIndex) -> list[tuple[Match, str]]:
    """Every known signature that an exception fits, each by its closest match."""
    best: dict[str, Match] = {}
    for reading in one.readings:
        mine = signature(one.raised(reading))
        for name in found.seen:
            if match := _match(mine, name, foreign=innermost(one.frames) is not None):
                best[name] = min(match, best.get(name, match))
        for name in found.causes.get(_squeezed(_head(mine)), ()):
            best[name] = min(Match.CAUSE, best.get(name, Match.CAUSE))
    return [(match, name) for name, match in best.items()]


def _match(mine: str, name: str, *, foreign: bool) -> Match | None:
    if foreign and _squeezed(mine) == _squeezed(name):
        return Match.SAME
    (kind, here), (seen_kind, there) = _parts(mine), _parts(name)
    if kind != seen_kind or min(len(here), len(there)) < _WEAK:
        return None
    if here == there or _cut(here, there):
        return Match.MESSAGE
    if min(len(here), len(there)) >= _BEGINNING and (_begins(here, there) or title(mine) == title(name)):
        return Match.BEGINNING
    return None


def _alike(one: Pasted, found: RaisedIndex) -> list[str]:
    """Signatures of the same type whose message is nearly that of an exception, the closest first."""
    kind, here = _parts(signature(one.raised(one.readings[0])))
    close = []
    for name in found.seen:
        seen_kind, there = _parts(name)
        if kind == seen_kind and min(len(here), len(there)) >= _BEGINNING:
            pair = difflib.SequenceMatcher(None, here, there, autojunk=False)
            if pair.quick_ratio() >= _ALIKE and pair.ratio() >= _ALIKE:
                close.append((-pair.ratio(), name))
    return [name for _, name in sorted(close)]


def _cut(one: str, other: str) -> bool:
    """Whether two long messages are equal up to where they were cut: blanks inside move the cut by a little."""
    both = one.endswith("…") and other.endswith("…")
    return both and abs(len(one) - len(other)) <= _SLACK and _begins(one, other)


def _begins(one: str, other: str) -> bool:
    short, long = sorted((one.removesuffix("…"), other.removesuffix("…")), key=len)
    return len(short) >= _BEGINNING and long.startswith(short)


def _head(signed: str) -> str:
    """A signature without its place."""
    return signed.rsplit(" @ ", 1)[0]


@cache
def _parts(signed: str) -> tuple[str, str]:
    """Type and message; the message without blanks, because terminals break lines where they like."""
    kind, _, message = _head(signed).partition(": ")
    return kind, _squeezed(message)


def _squeezed(text: str) -> str:
    return "".join(text.split())


def _causes(seen: Mapping[str, Sequence[Occurrence]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, occurrences in seen.items():
        observation = occurrences[0].outcome.observation if occurrences[0].outcome else None
        text = observation.exception.text if observation and observation.exception else ""
        if "exception" in text:
            for cause in exceptions(text)[:-1]:
                head = _head(signature(cause.raised(cause.readings[0])))
                if len(_parts(head)[1]) >= _WEAK:
                    found.setdefault(_squeezed(head), []).append(name)
    return found


def _fit_rank(one: Pasted, seen: Sequence[Occurrence]) -> tuple[int, int, str]:
    """Of signatures that fit alike: the one whose way has most places in common, then the one seen most."""
    return -_common(one, seen[0]), -len(seen), seen[0].signature


def _common(one: Pasted, occurrence: Occurrence) -> int:
    """How many places of libraries a pasted exception and a seen one both went through."""
    return len({_way(f) for f in one.frames if not _own(f)} & {_way(f) for f in _frames(occurrence)})


def _frames(occurrence: Occurrence) -> tuple[Frame, ...]:
    observation = occurrence.outcome.observation if occurrence.outcome else None
    return observation.exception.frames if observation and observation.exception else ()


def _place(frame: Frame) -> str:
    return f"{frame.file.rsplit('/', 1)[-1]}:{frame.function}"


def _way(frame: Frame) -> tuple[str, str]:
    """Package and place: modules move inside a package between releases."""
    return frame.file.split("/", 1)[0], _place(frame)


def _own(frame: Frame) -> bool:
    return innermost((frame,)) is None
