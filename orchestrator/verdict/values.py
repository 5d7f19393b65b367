"""What a probe said, as a value: when two are equal, how one reads, and what is different between two."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeGuard

from orchestrator.foreign import printable
from orchestrator.model import Outcome, OutcomeKind, ProbeKind

RELATIVE = 1e-5
ABSOLUTE = 1e-6
"""Numbers that are apart by no more than this (as in the probes' own `assert_close`) are equal: rounding."""

_DIGITS = 6
_LIST_LIKE = 40
"""Characters from which a text of several parts is told as a list, by what came and what went."""
_NESTED = frozenset("()[]{}<>")
"""Within a text these make its commas no separators."""

_DIED = (OutcomeKind.CRASH, OutcomeKind.TIMEOUT, OutcomeKind.OOM)
_NEVER_ASKED = (OutcomeKind.SKIP, OutcomeKind.MISSING, OutcomeKind.BLOCKED, OutcomeKind.ERROR)


@dataclass(frozen=True, kw_only=True, slots=True)
class ProbeValue:
    """What one probe said in one cell: a value, or, where `absent` is not "", in a few words why there is none."""

    value: object = None
    absent: str = ""


def said_by(outcome: Outcome) -> ProbeValue:
    """The value of a behaviour or drift probe; of a check, how it ended ("pass", "fail: TypeError").

    A probe that died did so: "crash", "timeout" and "oom" are what happens. One that was skipped, blocked by what
    it stands on, stopped by our own mistake or by a failed import never came to its question: no value.
    """
    kind = outcome.kind
    if kind in _DIED:
        return ProbeValue(value=str(kind))
    if kind in _NEVER_ASKED:
        return ProbeValue(absent=_why(outcome))
    if outcome.probe.kind is ProbeKind.CHECK:
        return ProbeValue(value=f"fail: {outcome.reason}" if kind is OutcomeKind.FAIL and outcome.reason else str(kind))
    seen = outcome.observation
    if kind is OutcomeKind.FAIL or seen is None:
        within = printable(seen.within) if seen else ""
        return ProbeValue(absent=f"{within or outcome.reason or 'it'} fails")
    raised = seen.value is None and seen.exception
    return ProbeValue(value={"raised": raised.type.rsplit(".", 1)[-1]} if raised else seen.value)


def _why(outcome: Outcome) -> str:
    match outcome.kind:
        case OutcomeKind.SKIP:
            reason = printable(outcome.reason)
            needed = reason.removeprefix("needs:")
            return f"needs {needed}" if needed != reason else f"does not apply: {reason}".rstrip(": ")
        case OutcomeKind.BLOCKED:
            return "blocked"
        case OutcomeKind.ERROR:
            return "the probe itself failed"
        case _:
            return "no result"


def key(value: object) -> str:
    """Equal for equal values: canonical JSON, fractions to six significant digits."""
    return json.dumps(_rounded(value), sort_keys=True, ensure_ascii=False, default=str)


def _rounded(value: object) -> object:
    if isinstance(value, float):
        return float(f"{value:.{_DIGITS}g}") if math.isfinite(value) else str(value)
    if isinstance(value, Mapping):
        return {str(k): _rounded(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_rounded(v) for v in value]
    return value


def text(value: object) -> str:
    """A value on one line as people read it: `ValueError`, `home: keras, package: keras 3.4.1`, `[a, b]`."""
    if isinstance(value, str):
        return printable(value) or "(empty)"
    if isinstance(value, float):
        return f"{value:.{_DIGITS}g}"
    if isinstance(value, Mapping):
        if list(value) == ["raised"]:
            return text(value["raised"])
        return ", ".join(f"{printable(str(k))}: {_inner(v)}" for k, v in value.items()) or "(empty)"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(_inner(v) for v in value)}]"
    return printable(str(value))


def _inner(value: object) -> str:
    return f"{{{text(value)}}}" if _is_map(value) and value else text(value)


def told(values: Sequence[object]) -> tuple[str, ...]:
    """A text per value of a series: what all share is left out, a list is told by what came and went.

    The first is told in full but for what never changes; a value that was there before says so where its own
    text would only be a difference.
    """
    kept = _distinctive(values)
    known: dict[str, str] = {}
    found: list[str] = []
    for place, value in enumerate(kept):
        step = _against(value, kept[place - 1]) if place else None
        if key(value) in known:
            found.append(known[key(value)] if step is None else f"again {known[key(value)]}")
        else:
            found.append(text(value) if step is None else step)
        known.setdefault(key(value), text(value))
    return tuple(found)


def change(old: object, new: object) -> str:
    """What is different: `False → True`, `home: tensorflow.python.keras → keras`, `+jit_compile, −decay`."""
    if _is_map(old) and _is_map(new):
        names = [k for k in dict.fromkeys([*old, *new]) if key(old.get(k, _GONE)) != key(new.get(k, _GONE))]
        return ", ".join(f"{printable(str(k))}: {change(old.get(k, _GONE), new.get(k, _GONE))}" for k in names)
    step = _against(new, old)
    return step if step is not None else f"{text(old)} → {text(new)}"


_GONE = "(absent)"


def _is_map(value: object) -> TypeGuard[Mapping[object, object]]:
    return isinstance(value, Mapping) and list(value) != ["raised"]


def _distinctive(values: Sequence[object]) -> Sequence[object]:
    """The values; where all are mappings, without the entries that are the same in all."""
    maps = [v for v in values if _is_map(v)]
    if len(maps) != len(values) or len({key(v) for v in values}) < 2:
        return values
    names = list(dict.fromkeys(name for m in maps for name in m))
    kept = [name for name in names if len({key(m.get(name, _GONE)) for m in maps}) > 1]
    return [{name: m[name] for name in kept if name in m} for m in maps]


def _against(value: object, before: object) -> str | None:
    """A list by what came and went since `before`; None where the value is better told in full."""
    if _is_map(value) and _is_map(before):
        steps = {k: _against(v, before[k]) for k, v in value.items() if k in before and key(before[k]) != key(v)}
        if not any(step is not None for step in steps.values()):
            return None
        rest = {k: v for k, v in value.items() if k in steps or k not in before}
        return ", ".join(f"{printable(str(k))}: {steps.get(k) or text(v)}" for k, v in rest.items())
    old, new = _parts(before), _parts(value)
    if old is None or new is None:
        return None
    came = [part for part in new if part not in old]
    gone = [part for part in old if part not in new]
    if not came and not gone:
        return "the same in another order: " + ", ".join(new)
    if len(came) + len(gone) >= len(new) + len(old):
        return None
    return ", ".join(_steps(came, gone))


def _steps(came: Sequence[str], gone: Sequence[str]) -> list[str]:
    """`+nesterov`, `−decay`; of one that stays by its name (`units=1`), what it was and is."""
    before = {part.partition("=")[0]: part for part in gone}
    changed = {before[name]: part for part in came if (name := part.partition("=")[0]) in before}
    told = [f"{old} → {new.partition('=')[2] or 'no default'}" for old, new in changed.items()]
    told += [f"+{part}" for part in came if part not in changed.values()]
    return told + [f"−{part}" for part in gone if part not in changed]


def _parts(value: object) -> list[str] | None:
    """The parts of a list or of a long text made like one."""
    if isinstance(value, (list, tuple)) and value:
        return [text(v) for v in value]
    if isinstance(value, str) and len(value) > _LIST_LIKE and ", " in value and not _NESTED & set(value.strip("()")):
        return printable(value).strip("()").split(", ")
    return None


# ---------------------------------------------------------------- numbers


@dataclass(frozen=True, kw_only=True, slots=True)
class Apart:
    """How far numbers are apart: `count` of `total` beyond rounding, the largest difference (absolute) and where.

    `shape` is True where the two do not have the same numbers at all.
    """

    count: int = 0
    total: int = 0
    largest: float = 0.0
    where: str = ""
    old: object = None
    new: object = None
    shape: bool = False


def apart(old: object, new: object) -> Apart:
    """Compares the numbers of two drift values, place by place; |old - new| <= 1e-6 + 1e-5 · |old| is equal."""
    left, right = dict(_leaves(old)), dict(_leaves(new))
    if left.keys() != right.keys():
        return Apart(shape=True, count=1, total=max(len(left), len(right)), largest=math.inf, old=old, new=new)
    found = [(_distance(left[at], right[at]), at) for at in left]
    beyond = [(distance, at) for distance, at in found if distance > 0]
    if not beyond:
        return Apart(total=len(left))
    largest, at = max(beyond, key=lambda one: one[0])
    return Apart(count=len(beyond), total=len(left), largest=largest, where=at, old=left[at], new=right[at])


def _leaves(value: object, at: str = "") -> Iterator[tuple[str, object]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _leaves(inner, f"{at}.{name}" if at else str(name))
    elif isinstance(value, (list, tuple)):
        for place, inner in enumerate(value):
            yield from _leaves(inner, f"{at}[{place}]")
    else:
        yield at, value


def _distance(old: object, new: object) -> float:
    """0 within rounding; infinite where one is no finite number and the other differs."""
    numbers = (int, float)
    if isinstance(old, bool) or isinstance(new, bool) or not (isinstance(old, numbers) and isinstance(new, numbers)):
        return 0.0 if key(old) == key(new) else math.inf
    if not (math.isfinite(old) and math.isfinite(new)):
        return 0.0 if str(float(old)) == str(float(new)) else math.inf
    distance = abs(old - new)
    return 0.0 if distance <= ABSOLUTE + RELATIVE * abs(old) else float(distance)
