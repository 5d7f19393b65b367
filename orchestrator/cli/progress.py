"""Shows the progress of a run: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from orchestrator.cli.before_run import describe_cell
from orchestrator.errors import CellStatus
from orchestrator.model import Cell, CellRecord


class Reporter:
    """Watches a run and prints a line per finished cell, with its verdict; on a terminal a bar below them."""

    def __init__(self, console: Console, cells: Collection[str], word: Callable[[CellRecord], str]) -> None:
        """`cells` are the ids that are worth a line; nothing is said of others."""
        self._console = console
        self._cells = frozenset(cells)
        self._total = len(self._cells)
        self._word = word
        self._done = 0
        self._busy: dict[str, str] = {}
        self._guard = threading.Lock()
        self._bar: Progress | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> Reporter:
        if self._console.is_terminal:
            self._bar = Progress(
                BarColumn(bar_width=20),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                TextColumn("{task.description}", markup=False),
                console=self._console,
                transient=True,
            )
            self._task = self._bar.add_task("", total=self._total)
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def stage(self, cell: Cell, stage: str, detail: str = "") -> None:
        if cell.id not in self._cells:
            return
        with self._guard:
            before = self._busy.get(cell.id, "").split(" ")[0]
            self._busy[cell.id] = f"{stage} {detail}".strip()
            if self._bar is not None and self._task is not None:
                doing = " · ".join(f"{key[:4]} {what}" for key, what in self._busy.items())
                self._bar.update(self._task, description=doing[: max(20, self._console.width - 40)])
            elif stage != before and stage in ("build", "confirm"):
                self._print(f"        {stage}: {describe_cell(cell)}")

    def finished(self, record: CellRecord) -> None:
        if record.cell.id not in self._cells:
            return
        with self._guard:
            self._busy.pop(record.cell.id, None)
            self._done += 1
            seconds = f"  {record.seconds:.0f} s" if record.seconds >= 1 else ""
            line = (
                f"[{self._done}/{self._total}] {record.cell.id[:4]}  {describe_cell(record.cell)}: {self._word(record)}"
            )
            self._print(line + seconds)
            if record.status in (CellStatus.INFRA, CellStatus.UNAVAILABLE):
                why = (record.detail or record.reason).splitlines()[0]
                ours = "our fault, no finding: " if record.status is CellStatus.INFRA else ""
                self._print(f"        {ours}{why}")
            if self._bar is not None and self._task is not None:
                self._bar.update(self._task, completed=self._done)

    def _print(self, line: str) -> None:
        self._console.print(line, soft_wrap=True)
