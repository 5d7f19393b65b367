"""The interface for progress output."""

from __future__ import annotations

from typing import Protocol

from orchestrator.model import Cell, CellRecord


class Watcher(Protocol):
    """Notified of every step; called from several threads."""

    def stage(self, cell: Cell, stage: str, detail: str = "") -> None:
        """A cell entered a stage: "lock", "base", "build", "probe", "confirm"."""
        ...

    def finished(self, record: CellRecord) -> None:
        """A cell's record is safe on disk."""
        ...


class Silent:
    """Prints nothing."""

    def stage(self, cell: Cell, stage: str, detail: str = "") -> None: ...

    def finished(self, record: CellRecord) -> None: ...
