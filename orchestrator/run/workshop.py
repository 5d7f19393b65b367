"""Everything a cell is carried out with, gathered once per run."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from orchestrator.model import (
    Base,
    Cell,
    Engine,
    Group,
    Limits,
    Lock,
    Prepared,
    Probe,
    Recipe,
    RunInfo,
)
from orchestrator.model.cuda import Sighting
from orchestrator.model.suite import Suite
from orchestrator.run.watch import Watcher
from orchestrator.store.store import Store


@dataclass(frozen=True, kw_only=True, slots=True)
class Workshop:
    """The parts one run works with. Functions are passed in, so that no room below needs to know another:
    `preflight` raises CellError for a cell that no base could carry; `base`: Python minor → base; `resolve`: cell
    and base → lock; `recipe`: lock, base and subjects → recipe; `groups`: cell → the groups that run in it;
    `audit`: a GPU image and its base → what a look into it saw.
    """

    run: RunInfo
    engine: Engine
    store: Store
    suite: Suite
    limits: Limits
    watch: Watcher
    now: Callable[[], datetime]
    preflight: Callable[[Cell], object]
    base: Callable[[str], Base]
    resolve: Callable[[Cell, Base], Lock]
    recipe: Callable[[Lock, Base, tuple[str, ...]], Recipe]
    groups: Callable[[Cell], tuple[Group, ...]]
    audit: Callable[[Prepared, Base], Sighting]
    look: str
    """Digest of the program that `audit` looks with."""
    gpus: Callable[[Prepared], str] = lambda _image: ""
    """An image → the GPUs that a container of it can be given; "" for none."""
    wanted: tuple[str, ...] = ()
    """IDs or prefixes of probes to run; empty: all."""
    disk_floor: int = 0
    """Bytes that must stay free where images are kept."""
    disk_budget: int = 0
    """Bytes that images of ours may take together; 0: no limit."""
    stop: threading.Event = field(default_factory=threading.Event)
    in_use: dict[str, str] = field(default_factory=dict)
    """Cell id → key of the image it is at; those are not evicted."""
    _locks: dict[str, threading.Lock] = field(default_factory=dict)
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def one_at_a_time(self, key: str) -> threading.Lock:
        """The lock of whatever `key` names (an image, a base): two cells that need it don't make it twice."""
        with self._guard:
            return self._locks.setdefault(key, threading.Lock())


def probes_for(cell: Cell, workshop: Workshop) -> tuple[Probe, ...]:
    """The probes that run in a cell: its groups' and the controls, in the catalogue's order."""
    names = {group.name for group in workshop.groups(cell)} | {"control"}
    return tuple(probe for probe in workshop.suite.probes.values() if probe.group in names)


def for_gpus(cell: Cell, workshop: Workshop) -> frozenset[str]:
    """The groups of a cell whose probes need a GPU."""
    return frozenset(group.name for group in workshop.groups(cell) if group.gpu)


def asked_for(probe: Probe, workshop: Workshop) -> bool:
    """Whether a probe without a result is to be run; controls always are."""
    wanted = workshop.wanted
    return not wanted or probe.group == "control" or any(f"{probe.id}.".startswith(f"{w}.") for w in wanted)
