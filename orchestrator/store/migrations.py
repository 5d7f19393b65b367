"""Migrates records of earlier schema numbers, one step at a time.

A step works on the plain JSON values of a file, never on the model: what it says of an old file stays true whatever the
model becomes. docs/records.md says how to add one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, TypeAlias

SCHEMA = 1
"""The number of every record written now, those of the store and published evidence alike."""

Content: TypeAlias = dict[str, Any]
Step: TypeAlias = Callable[[Content], Content]


class RecordKind(StrEnum):
    """The kind of a record, as named in the file."""

    RUN = "run"
    CELL = "cell"
    LOCK = "lock"
    AUDIT = "audit"
    PLAN = "plan"
    OBSERVATION = "observation"
    EVIDENCE = "evidence"


def _unnumbered(*keys: str, then: Step = lambda content: content) -> Step:
    """0 → 1. Files that were written before there were numbers don't name their kind; each kind always had `keys`."""

    def step(content: Content) -> Content:
        missing = [key for key in keys if key not in content]
        if missing:
            raise ValueError(f"it has no schema number, and no `{missing[0]}`")
        return then(content)

    return step


def _engine_as_value(content: Content) -> Content:
    """Engines were a text, "docker 20.10.24" or "local"; the latter alone did not isolate."""
    if not isinstance(content["engine"], str):  # the last files without a number have it as a value already
        return content
    kind, _, version = content["engine"].partition(" ")
    return content | {"engine": {"kind": kind, "version": version, "isolated": kind != "local"}}


STEPS: Mapping[int, Mapping[RecordKind, Step]] = {
    0: {
        RecordKind.RUN: _unnumbered("id", "as_of", "started", "engine", "matrix_digest", then=_engine_as_value),
        RecordKind.CELL: _unnumbered("cell", "status", "run", "engine", "observations", then=_engine_as_value),
        RecordKind.LOCK: _unnumbered("lock", "status", "reason", "detail", "attribution"),
        RecordKind.AUDIT: _unnumbered("built", "driver", "registered", "libraries", then=lambda saw: {"saw": saw}),
        RecordKind.PLAN: _unnumbered("source", "as_of", "choices"),
        RecordKind.OBSERVATION: _unnumbered("probe", "ended", "key"),
    },
}
"""Number → what takes each kind to the next number. A kind that a step leaves as it is isn't named in it."""


def between(kind: RecordKind, number: int, steps: Mapping[int, Mapping[RecordKind, Step]] = STEPS) -> tuple[Step, ...]:
    """The steps that take a record of this number to the newest, in order; none where nothing of its kind changed."""
    return tuple(steps[n][kind] for n in sorted(steps) if n >= number and kind in steps[n])


def migrated(content: Content, steps: tuple[Step, ...]) -> Content:
    """The content after these steps. Raises ValueError if it is not a record of its kind."""
    try:
        for step in steps:
            content = step(content)
    except (AttributeError, LookupError, TypeError) as error:
        raise ValueError(f"it is not a valid record: {error!r}") from error
    return content
