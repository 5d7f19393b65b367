"""The index of a project that is only looked at: what its ranges stand for is known, so nobody may ask."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from orchestrator.errors import Phase, infra
from orchestrator.model import IndexFile


@dataclass(kw_only=True, slots=True)
class Unread:
    """`lock.tools.Facts` that answers nothing: every question raises CellError(resolve, infra), never "no release"."""

    as_of: datetime

    def files(self, package: str) -> tuple[IndexFile, ...]:
        raise infra(Phase.RESOLVE, "index", f"the package index was not read (asked for {package})")

    def healthy(self, _packages: Iterable[str]) -> bool:
        return False

    def requires(self, file: IndexFile) -> tuple[str, ...]:
        raise infra(Phase.RESOLVE, "index", f"the package index was not read (asked for {file.filename})")
