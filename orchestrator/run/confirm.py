"""A changed result is repeated in a fresh container before it is news."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace

import msgspec

from orchestrator.model import Ended, Observation, digest

REPEATS = 2
"""Fresh containers a changed result is repeated in, at most; the second only when the first disagrees."""


def essence(observation: Observation) -> str:
    """What two observations must share to be the same result: how it ended, where, what was raised, the value."""
    raised = observation.exception
    return digest(
        [
            observation.ended,
            observation.phase,
            observation.within,
            observation.signal,
            observation.exit_code,
            raised and raised.type,
            raised and [(f.file, f.function) for f in raised.frames[-1:]],
            msgspec.to_builtins(observation.value),
        ]
    )


def changed(before: Mapping[str, Observation], after: Mapping[str, Observation]) -> tuple[str, ...]:
    """Probes whose result differs from last time; a probe that did not run either time has not changed."""
    return tuple(
        probe
        for probe, observation in after.items()
        if probe in before
        and not observation.reused_from
        and Ended.NOT_RUN not in (before[probe].ended, observation.ended)
        and essence(before[probe]) != essence(observation)
    )


def confirm(
    news: tuple[str, ...],
    after: Mapping[str, Observation],
    repeat: Callable[[tuple[str, ...]], Mapping[str, Observation]],
) -> dict[str, Observation]:
    """The changed observations, each marked with how often it came again.

    `repeat` runs probes in a fresh container. The result that came most often counts; on a tie the first.
    """
    tries: dict[str, list[Observation]] = {probe: [after[probe]] for probe in news}
    for _ in range(REPEATS):
        undecided = tuple(p for p, seen in tries.items() if len(seen) < 2 or _majority(seen) is None)
        if not undecided:
            break
        again = repeat(undecided)
        for probe in undecided:
            if probe in again and again[probe].ended is not Ended.NOT_RUN:
                tries[probe].append(again[probe])
    return {probe: _settled(seen) for probe, seen in tries.items()}


def _majority(seen: list[Observation]) -> str | None:
    (result, count), *_ = Counter(essence(o) for o in seen).most_common()
    return result if count * 2 > len(seen) else None


def _settled(seen: list[Observation]) -> Observation:
    result = _majority(seen) or essence(seen[0])
    same = [o for o in seen if essence(o) == result]
    return replace(same[0], confirmed=f"{len(same)} of {len(seen)}")
