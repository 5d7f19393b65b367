"""Progress notes of a cell's work, as values. Only the coordinator of a run stores them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from orchestrator.model import Cell, CellRecord, Observation
from orchestrator.run.watch import Watcher
from orchestrator.store.records import LockResult
from orchestrator.store.store import Store


@dataclass(frozen=True, kw_only=True, slots=True)
class Entered:
    """A cell entered a stage: "lock", "base", "build", "probe", "confirm"."""

    cell: Cell
    stage: str
    detail: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Locked:
    """A resolver's answer; `key` is from `store.lock_key`."""

    key: str
    result: LockResult


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageInspected:
    """What an inspection saw of an image."""

    key: str
    saw: object


@dataclass(frozen=True, kw_only=True, slots=True)
class Observed:
    """A probe's observation, the moment it was made."""

    environment_key: str
    observation: Observation


Note: TypeAlias = Entered | Locked | ImageInspected | Observed


@dataclass(frozen=True, kw_only=True, slots=True)
class Ledger:
    """Stores or shows each note as it arrives. Thread-safe."""

    store: Store
    watch: Watcher

    def hear(self, note: Note) -> None:
        match note:
            case Entered(cell=cell, stage=stage, detail=detail):
                self.watch.stage(cell, stage, detail)
            case Locked(key=key, result=result):
                self.store.save_lock(key, result)
            case ImageInspected(key=key, saw=saw):
                self.store.save_audit(key, saw)
            case Observed(environment_key=key, observation=observation):
                self.store.observe(key, observation)

    def finished(self, record: CellRecord) -> None:
        """Stores a finished cell's record before the watcher is notified."""
        self.store.save(record)
        self.watch.finished(record)
