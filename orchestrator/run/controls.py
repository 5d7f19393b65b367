"""Probes of the harness itself: one that comes out wrong and nothing else of that container can be trusted."""

from __future__ import annotations

from collections.abc import Mapping

from orchestrator.model import Ended, Observation

MEMORY = "control.exhausts_memory"
"""The control that must be killed by the memory limit. It sits in a container of its own, confined like the others
but for a small limit: to fill a large one takes the kernel many seconds, in every cell.
"""

UNENFORCED = "engine:"
"""What the reason of a control begins with that was left out because the engine can't enforce its limit."""


def controls_wrong(seen: Mapping[str, Observation], expects: Mapping[str, object]) -> tuple[str, ...]:
    """One sentence per control that did not end as expected; empty if all did.

    `seen` is probe id → its observation, `expects` a control's id → how it must end, or a mapping of that and further
    fields (`signal`, `within`, `value`, `exit_code`, `exception`: its type, `output_ends`).
    """
    return tuple(
        f"{probe}: expected {_wanted(expected)}, got {seen[probe].ended}"
        for probe, expected in sorted(expects.items())
        if probe in seen and not _left_out(seen[probe]) and not _right(seen[probe], _wanted(expected))
    )


def _left_out(observation: Observation) -> bool:
    return observation.ended in (Ended.SKIPPED, Ended.NOT_RUN) and observation.reason.startswith(UNENFORCED)


def _wanted(expected: object) -> dict[str, object]:
    return dict(expected) if isinstance(expected, Mapping) else {"ended": str(expected)}


def _right(observation: Observation, wanted: Mapping[str, object]) -> bool:
    found: dict[str, object] = {name: getattr(observation, name) for name in wanted if hasattr(observation, name)}
    if "exception" in wanted:
        found["exception"] = observation.exception.type if observation.exception else None
    ending = wanted.get("output_ends")
    if ending is not None:
        found["output_ends"] = ending if observation.output.endswith(str(ending)) else observation.output[-20:]
    return all(found.get(name) == value for name, value in wanted.items())
