"""Which cells of two selections may be compared with which, and what such a comparison does not hold still."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from orchestrator.axes.package import KIND as PACKAGES
from orchestrator.axes.registry import KINDS, kind_of
from orchestrator.errors import CellStatus
from orchestrator.model import CellRecord, Choice, Outcome, ProbeKind
from orchestrator.run.keys import probe_key
from orchestrator.verdict.judge import CellResult
from orchestrator.verdict.words import counted

_SHOWN = 3
"""Values of one axis that are listed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Pair:
    """Two cells that ran, from either side."""

    left: CellResult
    right: CellResult


@dataclass(frozen=True, kw_only=True, slots=True)
class Pairing:
    """Pairs that all differ in the same axes; `apart` are those that the sides are about, `loose` says what else
    differs; `alone` counts cells that ran and found no partner, left and right.
    """

    pairs: tuple[Pair, ...]
    apart: tuple[str, ...]
    loose: tuple[str, ...]
    alone: tuple[int, int]


def pairing(left: Sequence[CellResult], right: Sequence[CellResult], named: Iterable[str]) -> Pairing:
    """Pairs every cell that ran with at most one of the other side.

    `named` are the axes the sides were selected by, which are meant to differ; all other axes agree where that is
    possible. Where it is not, the pairs are those that differ in the least (a subject or another package weighs
    most, then other kinds of axes as they stand; the nearest Python first), and only pairs that differ in the same
    axes are made, so that one sentence says what was not held constant. No pair where a side did not run.
    """
    ours = [j for j in left if j.status is CellStatus.RAN]
    theirs = [j for j in right if j.status is CellStatus.RAN]
    meant = _meant(tuple(named), ours, theirs)
    weights = tuple(sorted({kind.standing.held for kind in KINDS.values()}))
    ranked = sorted(
        ((_cost(a, b, meant, weights), i, k) for i, a in enumerate(ours) for k, b in enumerate(theirs)),
        key=lambda one: one,
    )
    pairs: list[Pair] = []
    used: tuple[set[int], set[int]] = (set(), set())
    for cost, i, k in ranked:
        if cost[:2] != ranked[0][0][:2]:
            break
        if i not in used[0] and k not in used[1]:
            pairs.append(Pair(left=ours[i], right=theirs[k]))
            used[0].add(i)
            used[1].add(k)
    return Pairing(
        pairs=tuple(pairs),
        apart=meant,
        loose=loose(pairs, meant),
        alone=(len(ours) - len(used[0]), len(theirs) - len(used[1])),
    )


def _meant(named: tuple[str, ...], left: Sequence[CellResult], right: Sequence[CellResult]) -> tuple[str, ...]:
    """The axes a comparison is about; for two cells named by id the packages they differ in, else all of it."""
    if named or not left or not right:
        return named
    choices = differing(left[0], right[0])
    packages = [a.axis.name for a, _ in choices if kind_of(a.axis).of_package]
    return tuple(packages or [a.axis.name for a, _ in choices])


def differing(left: CellResult, right: CellResult) -> tuple[tuple[Choice, Choice], ...]:
    """The choices in which two cells of one matrix differ."""
    pairs = zip(left.cell.choices, right.cell.choices, strict=True)
    return tuple((a, b) for a, b in pairs if a.name != b.name)


_Cost = tuple[tuple[int, ...], tuple[str, ...], int, bool]


def _cost(left: CellResult, right: CellResult, meant: Sequence[str], weights: Sequence[int]) -> _Cost:
    """(how many subjects, extra pins and axes of each kind differ, in the order of their `weights`; which), how far the
    Pythons are apart, engines differ.
    """
    others = [a.axis for a, _ in differing(left, right) if a.axis.name not in meant]
    kinds = Counter(kind_of(axis).standing.held for axis in others)
    subjects = sum(axis.subject for axis in others)
    pins = left.cell.constraints != right.cell.constraints
    apart = abs(_minor(left.cell.python) - _minor(right.cell.python))
    kinds[PACKAGES.standing.held] += pins
    return (
        (subjects, *(kinds[weight] for weight in weights)),
        tuple(a.name for a in others),
        apart,
        _engine(left) != _engine(right),
    )


def _minor(python: str) -> int:
    return int(python.split(".")[1])


def _engine(judged: CellResult) -> str:
    return judged.record.engine.kind if judged.record else ""


# ---------------------------------------------------------------- what was not held constant


def loose(pairs: Sequence[Pair], meant: Sequence[str]) -> tuple[str, ...]:
    """What differs between the cells of some pairs beside the axes that are meant to, most telling first."""
    found: dict[str, dict[str, None]] = {}
    for pair in pairs:
        for a, b in differing(pair.left, pair.right):
            if a.axis.name not in meant:
                words = kind_of(a.axis).wording
                found.setdefault(words.title(a.axis), {}).setdefault(f"{words.word(a.name)} vs {words.word(b.name)}")
        for title, one, other in _surroundings(pair):
            if one != other:
                found.setdefault(title, {}).setdefault(f"{one or 'none'} vs {other or 'none'}")
    told = [f"{title} ({_listed(tuple(values))})" for title, values in found.items()]
    return (*told, *_pins(pairs, meant), *_probes(pairs))


def _surroundings(pair: Pair) -> tuple[tuple[str, str, str], ...]:
    one, other = pair.left.record, pair.right.record
    if one is None or other is None:
        return ()
    return (
        ("base", one.base.name if one.base else "", other.base.name if other.base else ""),
        ("extra pins", " ".join(one.cell.constraints), " ".join(other.cell.constraints)),
        ("resolver", one.lock.resolver if one.lock else "", other.lock.resolver if other.lock else ""),
        ("engine", _engine(pair.left), _engine(pair.right)),
    )


def _listed(values: Sequence[str]) -> str:
    more = f" and {len(values) - _SHOWN} more" if len(values) > _SHOWN else ""
    return ", ".join(values[:_SHOWN]) + more


def _pins(pairs: Sequence[Pair], meant: Sequence[str]) -> tuple[str, ...]:
    """How many other distributions differ, at most over the pairs."""
    moved, alone = 0, 0
    for pair in pairs:
        left, right = _locked(pair.left.record, meant), _locked(pair.right.record, meant)
        moved = max(moved, sum(left[name] != right[name] for name in left.keys() & right.keys()))
        alone = max(alone, len(left.keys() ^ right.keys()))
    most = "up to " if len(pairs) > 1 else ""
    told = [f"{most}{counted(moved, 'other pin')}"] if moved else []
    return (*told, *([f"{most}{counted(alone, 'package')} only on one side"] if alone else []))


def _locked(record: CellRecord | None, meant: Sequence[str]) -> dict[str, str]:
    if record is None or record.lock is None:
        return {}
    asked = {c.axis.package for c in record.cell.packages if c.axis.name in meant}
    return {d.name: d.version for d in record.lock.distributions if d.name not in asked}


def _probes(pairs: Sequence[Pair]) -> tuple[str, ...]:
    """How many probes were seen as they are now on one side and in an earlier version on the other."""
    found: set[str] = set()
    for pair in pairs:
        right = {o.probe.id: o for o in pair.right.outcomes}
        for outcome in pair.left.outcomes:
            other = right.get(outcome.probe.id)
            if other is None or outcome.probe.kind is ProbeKind.CONTROL:
                continue
            versions = (current(pair.left, outcome), current(pair.right, other))
            if None not in versions and versions[0] != versions[1]:
                found.add(outcome.probe.id)
    if not found:
        return ()
    who = "1 probe itself" if len(found) == 1 else f"{len(found)} probes themselves"
    return (f"{who} (an older version ran on one side: run it again)",)


def current(judged: CellResult, outcome: Outcome) -> bool | None:
    """Whether an observation was made by the probe as it is now; None where that can't be known."""
    record, seen = judged.record, outcome.observation
    if record is None or seen is None or not seen.key or not record.environment_key:
        return None
    return seen.key == probe_key(record.environment_key, outcome.probe, record.cell.inputs)
