"""Two sets of judged cells, compared probe by probe: what stops, what starts, what changes, what only warns."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from orchestrator.model import Outcome, OutcomeKind, Probe, ProbeKind
from orchestrator.verdict.judge import CellResult
from orchestrator.verdict.pairing import Pair, Pairing
from orchestrator.verdict.signature import normalise, title
from orchestrator.verdict.values import Apart, apart, change, key, said_by
from orchestrator.verdict.verdicts import NOT_PASSED

_PLACE = re.compile(r"\s*\([^()\s]+:\d+\)$")
"""Where a warning was raised, as the suite writes it behind the message."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Item:
    """One probe and what became of it: `what` in words ("" where its list says it all), `cause` the signature's first
    sentence, `pairs` the places (from 0) of the pairs in which it did.
    """

    probe: Probe
    what: str = ""
    cause: str = ""
    old: object = None
    new: object = None
    proven: bool = True
    pairs: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Drifted:
    """A drift probe whose numbers are apart beyond rounding, most in `apart` over the pairs."""

    probe: Probe
    apart: Apart
    pairs: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Warned:
    """A warning, normalised, that only one side gives, and beside which probes."""

    text: str
    probes: tuple[str, ...]
    pairs: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """All differences. `otherwise` are checks that fail on both sides with another cause; `uncompared` probes that
    have no result to compare on at least one side, with why; `same` counts (probe, pair) per kind without a change;
    `compared` is probe → the number of pairs in which it has results to compare.
    """

    pairing: Pairing
    stops: tuple[Item, ...] = ()
    starts: tuple[Item, ...] = ()
    otherwise: tuple[Item, ...] = ()
    values: tuple[Item, ...] = ()
    drifts: tuple[Drifted, ...] = ()
    appeared: tuple[Warned, ...] = ()
    gone: tuple[Warned, ...] = ()
    only_left: tuple[str, ...] = ()
    only_right: tuple[str, ...] = ()
    uncompared: tuple[Item, ...] = ()
    same: Mapping[str, int] = field(default_factory=dict)
    compared: Mapping[str, int] = field(default_factory=dict)


def compare(pairing: Pairing) -> Comparison:
    """Compares pair by pair and folds what several pairs say alike."""
    noted = _Noted()
    for place, pair in enumerate(pairing.pairs):
        left, right = _by_id(pair.left), _by_id(pair.right)
        for name in (*left, *(n for n in right if n not in left)):
            noted.only(name, left.get(name), right.get(name))
            if name in left and name in right:
                noted.probe(place, left[name], right[name])
        noted.warnings(place, pair, left.keys() & right.keys())
    return Comparison(
        pairing=pairing,
        stops=noted.items("stops"),
        starts=noted.items("starts"),
        otherwise=noted.items("otherwise"),
        values=noted.items("values"),
        drifts=tuple(noted.drifts[name] for name in sorted(noted.drifts)),
        appeared=noted.warned("appeared"),
        gone=noted.warned("gone"),
        only_left=tuple(sorted(noted.left - noted.seen.keys())),
        only_right=tuple(sorted(noted.right - noted.seen.keys())),
        uncompared=noted.items("uncompared"),
        same=dict(noted.same),
        compared=noted.compared(),
    )


def _by_id(judged: CellResult) -> dict[str, Outcome]:
    return {o.probe.id: o for o in judged.outcomes if o.probe.kind is not ProbeKind.CONTROL}


def cause(outcome: Outcome) -> str:
    """Why a check does not pass, in a sentence; "blocked: …" where it is what the check stands on."""
    said = title(outcome.signature) if outcome.signature else outcome.reason or str(outcome.kind)
    within = outcome.observation.within if outcome.observation else ""
    during = f"{within}: " if within.startswith("import ") else ""
    return f"{'blocked: ' if outcome.kind is OutcomeKind.BLOCKED else ''}{during}{said}"


@dataclass(kw_only=True, slots=True)
class _Noted:
    """What has been seen so far, by list and by what makes two entries the same."""

    found: dict[str, dict[tuple[str, ...], tuple[Item, list[int]]]] = field(default_factory=dict)
    drifts: dict[str, Drifted] = field(default_factory=dict)
    heard: dict[str, dict[str, tuple[set[str], list[int]]]] = field(default_factory=dict)
    left: set[str] = field(default_factory=set)
    right: set[str] = field(default_factory=set)
    same: Counter[str] = field(default_factory=Counter)
    seen: Counter[str] = field(default_factory=Counter)

    def only(self, name: str, left: Outcome | None, right: Outcome | None) -> None:
        if right is None:
            self.left.add(name)
        if left is None:
            self.right.add(name)

    def probe(self, place: int, left: Outcome, right: Outcome) -> None:
        self.seen[left.probe.id] += 1
        match left.probe.kind:
            case ProbeKind.CHECK:
                self._check(place, left, right)
            case ProbeKind.BEHAVIOUR | ProbeKind.DRIFT:
                self._value(place, left, right)
            case ProbeKind.CONTROL:
                pass

    def _check(self, place: int, left: Outcome, right: Outcome) -> None:
        good, blocked, bad = OutcomeKind.PASS, OutcomeKind.BLOCKED, NOT_PASSED
        proven = left.proven and right.proven
        if left.kind is good and right.kind in bad:
            self._note("stops", place, Item(probe=left.probe, cause=cause(right), proven=proven))
        elif left.kind in bad and right.kind is good:
            self._note("starts", place, Item(probe=left.probe, cause=cause(left), proven=proven))
        elif left.kind in bad and right.kind in bad and (left.kind is blocked) is not (right.kind is blocked):
            # one of the two never came to its question
            self._note("uncompared", place, Item(probe=left.probe, what=_why(left, right)))
        elif left.kind in bad and right.kind in bad and left.signature != right.signature:
            what = f"{cause(left)} → {cause(right)}"
            self._note("otherwise", place, Item(probe=left.probe, what=what, proven=proven))
        elif left.kind is right.kind and left.kind in (good, *bad):
            self.same["check" if left.kind is good else "failing check"] += 1
        else:
            self._note("uncompared", place, Item(probe=left.probe, what=_why(left, right)))

    def _value(self, place: int, left: Outcome, right: Outcome) -> None:
        old, new = said_by(left), said_by(right)
        if old.absent or new.absent:
            self._note("uncompared", place, Item(probe=left.probe, what=_why(left, right)))
        elif left.probe.kind is ProbeKind.DRIFT:
            self._drift(place, left.probe, apart(old.value, new.value))
        elif key(old.value) == key(new.value):
            self.same[str(left.probe.kind)] += 1
        else:
            item = Item(probe=left.probe, what=change(old.value, new.value), old=old.value, new=new.value)
            self._note("values", place, item)

    def _drift(self, place: int, probe: Probe, found: Apart) -> None:
        if not found.count:
            self.same[str(ProbeKind.DRIFT)] += 1
            return
        known = self.drifts.get(probe.id)
        most = found if known is None or found.largest > known.apart.largest else known.apart
        self.drifts[probe.id] = Drifted(probe=probe, apart=most, pairs=(*(known.pairs if known else ()), place))

    def _note(self, where: str, place: int, item: Item) -> None:
        alike = (item.probe.id, item.what, item.cause, key(item.old), key(item.new))
        self.found.setdefault(where, {}).setdefault(alike, (item, []))[1].append(place)

    def compared(self) -> dict[str, int]:
        without = Counter(item.probe.id for item, places in self.found.get("uncompared", {}).values() for _ in places)
        return {name: number - without[name] for name, number in self.seen.items() if number > without[name]}

    def items(self, where: str) -> tuple[Item, ...]:
        made = [replace(item, pairs=tuple(places)) for item, places in self.found.get(where, {}).values()]
        return tuple(sorted(made, key=lambda item: (item.probe.id, item.pairs)))

    def warnings(self, place: int, pair: Pair, probes: Iterable[str]) -> None:
        both = set(probes)
        left, right = _warnings(pair.left, both), _warnings(pair.right, both)
        for where, here, there in (("appeared", right, left), ("gone", left, right)):
            for text in here.keys() - there.keys():
                names, places = self.heard.setdefault(where, {}).setdefault(text, (set(), []))
                names |= here[text]
                places.append(place)

    def warned(self, where: str) -> tuple[Warned, ...]:
        made = [
            Warned(text=text, probes=tuple(sorted(names)), pairs=tuple(sorted(places)))
            for text, (names, places) in self.heard.get(where, {}).items()
        ]
        return tuple(sorted(made, key=lambda w: (-len(w.probes), w.text)))


def _why(left: Outcome, right: Outcome) -> str:
    """Why two outcomes can't be compared, per side."""
    words = [_absent(o) for o in (left, right)]
    if words[0] == words[1]:
        return f"{words[0]} (both sides)"
    return ", ".join(f"{word} ({side})" for word, side in zip(words, ("left", "right"), strict=True) if word)


def _absent(outcome: Outcome) -> str:
    seen = said_by(outcome)
    return seen.absent or ("" if outcome.probe.kind is not ProbeKind.CHECK else str(outcome.kind))


def _warnings(judged: CellResult, probes: set[str]) -> dict[str, set[str]]:
    """Normalised warning → the probes beside which it was given."""
    found: dict[str, set[str]] = {}
    for outcome in judged.outcomes:
        if outcome.probe.id in probes and outcome.observation:
            for warning in outcome.observation.warnings:
                found.setdefault(warning_text(warning), set()).add(outcome.probe.id)
    return found


@lru_cache(maxsize=4096)
def warning_text(warning: str) -> str:
    """A warning without the place it was raised at, its addresses and paths blanked: equal for equal ones."""
    return normalise(_PLACE.sub("", warning.strip()))


def alike_by_what(items: Sequence[Item]) -> tuple[tuple[str, tuple[Item, ...]], ...]:
    """What came of it, or its cause → the items that share it, that of most probes first."""
    found: dict[str, list[Item]] = {}
    for item in items:
        found.setdefault(item.what or item.cause, []).append(item)
    return tuple(
        (name, tuple(found[name])) for name in sorted(found, key=lambda n: (-len(found[n]), found[n][0].probe.id))
    )
