"""What a lock needs from outside, as values and functions: no process is started from here."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from orchestrator.model import Index, IndexFile


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """How a command ended. `code` is meaningless where `timed_out`."""

    code: int
    stdout: str = ""
    stderr: str = ""
    timed_out: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Tools:
    """The effects a resolution may have.

    `uv_host(args, stdin)` runs uv on the host. `in_builder(command, files)` runs a command in the cell's builder
    container, with network, where `uv` and `interpreter`, the cell's CPython with pip, are on PATH; `files` are
    (path, content) put there first. Both raise `CellError` (infra) where they could not even start.
    `pip_seconds` bounds pip's resolver, `sleep` waits between attempts.
    """

    uv_host: Callable[[tuple[str, ...], str], Result]
    in_builder: Callable[[tuple[str, ...], tuple[tuple[str, bytes], ...]], Result]
    interpreter: str = "python"
    pip_seconds: int = 300
    sleep: Callable[[float], None] = time.sleep


class Facts(Index, Protocol):
    """An index that also says what answered, and what a file's own metadata require."""

    def healthy(self, packages: Iterable[str]) -> bool:
        """Whether each of these answered properly during this run; asks those that were not asked yet."""
        ...

    def requires(self, file: IndexFile) -> tuple[str, ...]:
        """`Requires-Dist` of a file, as written. Raises CellError(resolve, infra) where it can't be read."""
        ...
