"""What a lock needs from outside, as values and functions: no process is started from here."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from orchestrator.errors import CellError, CellStatus, Phase, infra
from orchestrator.lock.brought import Brought
from orchestrator.model import Base, BuiltFor, Choice, Index, IndexFile


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """How a command ended. `code` is meaningless where `timed_out`; `trouble` is what the index did wrong meanwhile."""

    code: int
    stdout: str = ""
    stderr: str = ""
    timed_out: bool = False
    trouble: str = ""


def no_image(_reference: str) -> str:
    """Where no engine could fetch an image. Raises CellError(start, unavailable)."""
    raise CellError(Phase.START, CellStatus.UNAVAILABLE, "no-image", "no engine to fetch it with")


def not_read(package: str, version: str, _python: str, _platform: str) -> BuiltFor:
    """Where wheels can't be looked into. Raises CellError(resolve, infra)."""
    raise infra(Phase.RESOLVE, "built-for", f"what {package} {version} was built for can't be read here")


def no_disk(choice: Choice, _base: Base) -> Brought:
    """Where nothing can be taken from disk. Raises CellError(resolve, infra)."""
    raise infra(Phase.RESOLVE, "local", f"{choice} can't be taken from disk here")


@dataclass(frozen=True, kw_only=True, slots=True)
class Tools:
    """The effects a resolution may have.

    `uv_host(args, stdin)` runs uv on the host. `in_builder(command, files)` runs a command in the cell's builder
    container, with the index and nothing else, where `uv` and `interpreter`, the cell's CPython with pip, are on PATH;
    `files` are (path, content) put there first. What it answers is what package code let through. Both raise
    `CellError` (infra) where they could not even start.
    `pip_seconds` bounds pip's resolver, `sleep` waits between attempts.

    For devices with libraries: `image(reference)` answers with the identity of an image that the engine has or could
    fetch, or raises CellError(unavailable); `built_for(package, version, python, platform)` reads from a wheel what it
    was built for; `devices` are all that the matrix lists, among which a device that follows a package finds its line.

    `brought(choice, base)` is the wheel of a choice that is on disk, built for the base where it is made of sources. It
    raises CellError: (build, uninstallable) for what the build does, else infra.
    """

    uv_host: Callable[[tuple[str, ...], str], Result]
    in_builder: Callable[[tuple[str, ...], tuple[tuple[str, bytes], ...]], Result]
    interpreter: str = "python"
    pip_seconds: int = 300
    sleep: Callable[[float], None] = time.sleep
    image: Callable[[str], str] = no_image
    built_for: Callable[[str, str, str, str], BuiltFor] = not_read
    devices: tuple[Choice, ...] = ()
    brought: Callable[[Choice, Base], Brought] = no_disk


class Facts(Index, Protocol):
    """An index that also says what answered, and what a file's own metadata require."""

    def healthy(self, packages: Iterable[str]) -> bool:
        """Whether each of these answered properly during this run; asks those that were not asked yet."""
        ...

    def listed(self, package: str, filename: str) -> IndexFile | None:
        """A file as resolvers find it just now, in any index they are told of. Raises CellError(resolve, infra)."""
        ...

    def requires(self, file: IndexFile) -> tuple[str, ...]:
        """`Requires-Dist` of a file, as written. Raises CellError(resolve, infra) where it can't be read."""
        ...


class Wheels(Facts, Protocol):
    """An index whose files can be read in parts, as `lock.index.PackageIndex`."""

    @property
    def readings(self) -> Path:
        """A folder for what was read once and never changes."""
        ...

    def part(self, file: IndexFile, start: int, stop: int) -> bytes:
        """Bytes `start` up to but not including `stop` of a file. Raises CellError(resolve, infra), "index-ranges"
        where the server only sends whole files.
        """
        ...

    def size(self, file: IndexFile) -> int:
        """Bytes of a file. Raises as `part` does."""
        ...
