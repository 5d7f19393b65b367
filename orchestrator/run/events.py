"""The supervisor's event stream, line by line, into observations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import msgspec

from orchestrator.errors import CellError, Phase, infra
from orchestrator.model import Ended, Exit, Observation

BUDGET = "cell-budget"
"""Why a probe was left out for which its cell had no time left."""

_FIELDS = frozenset(Observation.__dataclass_fields__) - {"key", "dated", "reused_from", "confirmed"}
"""What the supervisor says of a probe; the rest of an observation is ours to say."""


@dataclass(kw_only=True, slots=True)
class Collector:
    """Takes lines as they arrive; keeps what was observed, what had started, and whether the stream is whole.

    `wanted` are the probes that were asked for; None: any. `on_hello` is called with what the supervisor says first,
    `on_observation` for each finished probe at once, `on_start` when one begins.
    """

    wanted: frozenset[str] | None = None
    on_hello: Callable[[Mapping[str, object]], None] = lambda _hello: None
    on_observation: Callable[[Observation], None] = lambda _observation: None
    on_start: Callable[[str], None] = lambda _probe: None
    observations: dict[str, Observation] = field(default_factory=dict)
    hello: dict[str, object] = field(default_factory=dict)
    parents: list[dict[str, object]] = field(default_factory=list)
    running: set[str] = field(default_factory=set)
    sequence: int = -1
    complete: bool = False

    def line(self, raw: bytes) -> None:
        """One line of the stream. Raises CellError(collect, infra) for one that is not the supervisor's."""
        try:
            event = msgspec.json.decode(raw, type=dict[str, object])
            name, number = event["event"], event["seq"]
        except (ValueError, RecursionError, KeyError) as error:
            raise _not_ours(raw, type(error).__name__) from error
        if type(number) is not int or number != self.sequence + 1:
            raise infra(Phase.COLLECT, "stream", f"event {number} follows {self.sequence}: part of the stream is lost")
        if (name == "hello") != (number == 0) or self.complete:
            raise _not_ours(raw, "out of order")
        self.sequence = number
        match name:
            case "hello":
                self.hello = {k: v for k, v in event.items() if k not in ("event", "seq", "t", "pid")}
                self.on_hello(self.hello)
            case "parent":
                self.parents.append({k: event.get(k) for k in ("needs", "state", "seconds")})
            case "started" if self._asked_for(event.get("probe")):
                probe = str(event["probe"])
                self.running.add(probe)
                self.on_start(probe)
            case "ended" if self._asked_for(event.get("probe")) and event["probe"] not in self.observations:
                self._ended(event)
            case "bye":
                self.complete = True
            case "heartbeat":
                pass
            case _:
                raise _not_ours(raw, "not an event of the supervisor")

    def _asked_for(self, probe: object) -> bool:
        return isinstance(probe, str) and (self.wanted is None or probe in self.wanted)

    def _ended(self, event: dict[str, object]) -> None:
        try:
            observation = msgspec.convert({k: v for k, v in event.items() if k in _FIELDS}, Observation)
        except msgspec.ValidationError as error:
            raise infra(Phase.COLLECT, "stream", f"probe {event.get('probe')}: {error}") from error
        self.running.discard(observation.probe)
        self.observations[observation.probe] = observation
        self.on_observation(observation)


def _not_ours(raw: bytes, why: str) -> CellError:
    return infra(Phase.COLLECT, "stream", f"not an event: {raw[:200]!r} ({why})")


def unfinished(collector: Collector, wanted: tuple[str, ...], ended: Exit) -> tuple[Observation, ...]:
    """An observation *not-run* for each wanted probe without one, saying what cut the stream.

    What a cut stream did not report is missing, never a failure of the subject's.
    """
    reason = _cut_by(ended)
    return tuple(
        Observation(
            probe=probe,
            ended=Ended.NOT_RUN,
            phase=Phase.COLLECT,
            reason=f"{reason}, while it ran" if probe in collector.running else reason,
        )
        for probe in wanted
        if probe not in collector.observations
    )


def _cut_by(ended: Exit) -> str:
    if ended.lost:
        return f"engine lost: {ended.lost}"
    if ended.timed_out:
        return BUDGET
    if ended.silent:
        return "no output from the supervisor"
    if ended.oom_killed:
        return "the supervisor itself ran out of memory"
    return f"the supervisor ended early (exit {ended.code})"
