"""Everything a run works with, gathered once, and the smaller part that a cell's work may use."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from orchestrator.model import (
    Base,
    Cell,
    CellRecord,
    CellTask,
    Engine,
    Group,
    Inspection,
    Limits,
    Lock,
    Observation,
    Prepared,
    Probe,
    Recipe,
    RunInfo,
)
from orchestrator.model.suite import Suite
from orchestrator.run.notes import Ledger, Note
from orchestrator.run.watch import Watcher
from orchestrator.store.records import LockResult
from orchestrator.store.store import Store


class EarlierResults(Protocol):
    """Read-only results of earlier cells and runs; `log_path` is where the build log goes."""

    def lock(self, key: str) -> LockResult | None: ...

    def audit(self, key: str) -> object | None: ...

    def observations(self, environment_key: str) -> dict[str, Observation]: ...

    def record(self, kind: str, cell_id: str) -> CellRecord | None: ...

    def log_path(self, run_id: str, cell_id: str) -> Path: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Worker:
    """What tasks are carried out with, in one process. Functions are passed in, so that no room below needs to know
    another: `preflight` raises CellError for a cell that no base could carry; `base`: Python minor → base; `resolve`:
    cell and base → lock; `recipe`: lock, base and subjects → recipe; `gpus`: an image → the GPUs that a container of it
    is given, "" for none; `gpus_now` asks again; `tell` takes what is to be written down.
    """

    engine: Engine
    suite: Suite
    known: EarlierResults
    tell: Callable[[Note], None]
    now: Callable[[], datetime]
    preflight: Callable[[Cell], object]
    base: Callable[[str], Base]
    resolve: Callable[[Cell, Base], Lock]
    recipe: Callable[[Lock, Base, tuple[str, ...]], Recipe]
    inspection: Inspection | None = None
    """What looks into images beside the probes."""
    gpus: Callable[[Prepared], str] = lambda _image: ""
    gpus_now: Callable[[Prepared], str] = lambda _image: ""
    beside: int = 0
    """Workers of the same run in other processes on this machine."""
    disk_floor: int = 0
    """Bytes that must stay free where images are kept."""
    stop: threading.Event = field(default_factory=threading.Event)
    in_use: dict[str, str] = field(default_factory=dict)
    """Cell id → key of the image it is at; those are not evicted."""
    _locks: dict[str, threading.Lock] = field(default_factory=dict)
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def one_at_a_time(self, key: str) -> threading.Lock:
        """The lock of whatever `key` names (an image, a base): two cells that need it don't make it twice."""
        with self._guard:
            return self._locks.setdefault(key, threading.Lock())


@dataclass(frozen=True, kw_only=True, slots=True)
class RunContext:
    """A run as its coordinator sees it; only the coordinator writes the store. `groups`: cell → its groups."""

    run: RunInfo
    store: Store
    watch: Watcher
    limits: Limits
    groups: Callable[[Cell], tuple[Group, ...]]
    worker: Worker
    wanted: tuple[str, ...] = ()
    """IDs or prefixes of probes to run; empty: all."""
    disk_budget: int = 0
    """Bytes that cell images may use in total; 0: no limit."""

    @property
    def ledger(self) -> Ledger:
        return Ledger(store=self.store, watch=self.watch)

    def task(self, cell: Cell) -> CellTask:
        return CellTask(run=self.run, cell=cell, groups=self.groups(cell), limits=self.limits, probes=self.wanted)


def probes_for(task: CellTask, suite: Suite) -> tuple[Probe, ...]:
    """The probes that run in a cell: its groups' and the controls, in the catalogue's order."""
    names = {group.name for group in task.groups} | {"control"}
    return tuple(probe for probe in suite.probes.values() if probe.group in names)


def for_gpus(task: CellTask) -> frozenset[str]:
    """The groups of a cell whose probes need a GPU."""
    return frozenset(group.name for group in task.groups if group.gpu)


def asked_for(probe: Probe, task: CellTask) -> bool:
    """Whether to run a probe that has no result; controls always run."""
    wanted = task.probes
    return not wanted or probe.group == "control" or any(f"{probe.id}.".startswith(f"{w}.") for w in wanted)
