"""The index of a project that is only looked at: what its ranges stand for is known, so nobody may ask."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from orchestrator.errors import CellError, Phase, infra
from orchestrator.model import IndexFile


@dataclass(kw_only=True, slots=True)
class OfflineIndex:
    """`lock.tools.Wheels` that answers nothing: every question raises CellError(resolve, infra), never "no release"."""

    as_of: datetime

    def files(self, package: str) -> tuple[IndexFile, ...]:
        raise infra(Phase.RESOLVE, "index", f"the package index was not read (asked for {package})")

    def healthy(self, _packages: Iterable[str]) -> bool:
        return False

    def listed(self, package: str, _filename: str) -> IndexFile | None:
        raise infra(Phase.RESOLVE, "index", f"the package index was not read (asked for {package})")

    def requires(self, file: IndexFile) -> tuple[str, ...]:
        raise self._unread(file)

    @property
    def readings(self) -> Path:
        raise infra(Phase.RESOLVE, "index", "the package index was not read")

    def part(self, file: IndexFile, _start: int, _stop: int) -> bytes:
        raise self._unread(file)

    def size(self, file: IndexFile) -> int:
        raise self._unread(file)

    def _unread(self, file: IndexFile) -> CellError:
        return infra(Phase.RESOLVE, "index", f"the package index was not read (asked for {file.filename})")
