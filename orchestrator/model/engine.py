"""Engines: what they are given, what they answer, what they must be able to do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from orchestrator.model.image import Base, BaseSpec, Recipe, Renderer
from orchestrator.model.matrix import Limits


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """One isolated process tree: what to run, the files it gets (path → content), its environment and limits.

    `builder`: it runs in the builder of the base it names, with more room; `network` gives a builder the host's package
    index, through a proxy, and nothing else. `gpus`: it sees the GPUs of the machine it runs on, and their driver.
    `outputs` are files that it may leave below `/probes/outputs`, to come back in its `Exit`.
    """

    command: tuple[str, ...]
    files: tuple[tuple[str, bytes], ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    limits: Limits = field(default_factory=Limits)
    labels: tuple[tuple[str, str], ...] = ()
    network: bool = False
    builder: bool = False
    gpus: bool = False
    outputs: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Exit:
    """How a task ended. `code` is None where nothing is known (the daemon died); `seconds` is wall-clock.

    `trouble` is what the package index did wrong meanwhile. `outputs` are the task's, (name, content); `refused` those
    that were not taken, (name, why).
    """

    code: int | None
    seconds: float
    timed_out: bool = False
    silent: bool = False
    oom_killed: bool = False
    lost: str = ""
    stderr: str = ""
    trouble: str = ""
    outputs: tuple[tuple[str, bytes], ...] = ()
    refused: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Prepared:
    """An image that is there. `reference` starts it, `built` says whether this call had to build anything.

    `interpreter` is that of the environment with all that is installed, `trusted` the base's own (`Base.trusted`),
    `environment` are the variables that the image itself sets.
    """

    key: str
    reference: str
    interpreter: str
    trusted: str
    built: bool
    seconds: float = 0.0
    size: int | None = None
    environment: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Stored:
    """An image built by compat, for eviction: size in bytes, and when it was last used."""

    reference: str
    key: str
    size: int
    last_used: datetime


HELD = {
    "memory": "memory",
    "cpus": "processors",
    "pids": "processes",
    "time": "time",
    "network": "network",
    "read-only": "files",
    "others": "memory of other processes",
    "channel": "channel of the supervisor",
}
"""What an engine may keep probes within, or away from: a word of `Engine.enforces` → in words people read."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EngineId:
    """What a result was seen with: a kind of engine, its version ("" where it has none), whether it isolates."""

    kind: str
    version: str = ""
    isolated: bool

    def __str__(self) -> str:
        return f"{self.kind} {self.version}".rstrip()


@dataclass(frozen=True, kw_only=True, slots=True)
class EngineKind:
    """A kind of engine: its `name`, what it is in a few words, whether it isolates, and what it can enforce at best
    (words of `HELD`; what a given machine lacks is `Engine.enforces`' to say). `open` makes one, and reaches nothing
    yet, from the host's environment and what renders images.

    Only what isolates answers questions; results of what does not stand in a table of their own.
    """

    name: str
    about: str
    isolated: bool
    holds: frozenset[str]
    open: Callable[[Mapping[str, str], Renderer], Engine] = field(compare=False)

    def id(self, version: str = "") -> EngineId:
        return EngineId(kind=self.name, version=version, isolated=self.isolated)


def not_held(enforces: Iterable[str]) -> tuple[str, ...]:
    """In words, what does not hold on an engine that enforces so much."""
    held = frozenset(enforces)
    return tuple(words for name, words in HELD.items() if name not in held)


class Engine(Protocol):
    """Carries recipes out; starts, limits, watches and destroys isolated process trees. Knows no cells.

    Every method raises `CellError` with status `infra` for trouble of its own, and `UserError` (exit 3) only
    from `check`.
    """

    @property
    def kind(self) -> EngineKind: ...

    @property
    def enforces(self) -> frozenset[str]:
        """Which limits hold here: words of `HELD`."""
        ...

    def check(self) -> EngineId:
        """Answers with what it is, or raises UserError(code=NO_ENGINE) with ways on."""
        ...

    def base(self, spec: BaseSpec, log: Path) -> Base:
        """Gets or bootstraps a base and verifies it inside. Raises CellError(start, unavailable) if none can be had."""
        ...

    def fetch(self, reference: str) -> str:
        """Identity of an image that files are copied from, pulled where it is not here.

        Raises CellError(start, unavailable, "no-image") where it can't be had.
        """
        ...

    def prepare(self, recipe: Recipe, log: Path) -> Prepared:
        """Builds what is missing, for a recipe with a layer on top the image below it as well.

        Raises CellError(build, uninstallable) when an install step itself fails.
        """
        ...

    def run(self, reference: str, task: Task, on_line: Callable[[bytes], None]) -> Exit:
        """Runs a task in an image, handing every line of its stdout over as it arrives; cleans up on every path."""
        ...

    def halt(self) -> None:
        """Destroys every process tree started here; the `run` calls that wait for them return at once."""
        ...

    def close(self) -> None:
        """Ends what runs beside its tasks and gives up its connections; used again, it opens them again."""
        ...

    def images(self) -> tuple[Stored, ...]: ...

    def remove(self, references: Iterable[str]) -> int:
        """Removes images; returns the bytes freed."""
        ...

    def drop_downloads(self) -> None:
        """Removes downloads kept between builds, which only save time; what a build uses just now stays."""
        ...

    def reap(self) -> int:
        """Destroys what a dead run of this host left behind; returns how many."""
        ...

    def disk_free(self) -> int | None:
        """Bytes free where the engine keeps its images; None where that can't be known."""
        ...
