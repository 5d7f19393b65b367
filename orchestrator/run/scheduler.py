"""All cells, several at a time, the likeliest first, until done or stopped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import suppress
from itertools import islice, zip_longest

from packaging.version import Version

from orchestrator.axes.registry import beyond_default
from orchestrator.errors import CellError, CellStatus, Phase, infra
from orchestrator.model import Cell, CellRecord, Strategy
from orchestrator.run.cells import drafted, failed, finish
from orchestrator.run.context import RunContext
from orchestrator.run.disk import evict
from orchestrator.run.executors import Executor, Threads

_STRATEGY_ORDER = tuple(Strategy)
_SHORT = 30
"""Up to this many cells their rank alone decides."""
_LOST = frozenset({"daemon", "engine"})
"""Reasons that mean the engine itself is gone: the cells after it would fail alike."""
_ENDING_SECONDS = 20.0
"""How long an interrupted run waits for its threads: the daemon kills and removes a container within seconds."""


def in_order(cells: Sequence[Cell]) -> tuple[Cell, ...]:
    """The order cells run in: those that answer a question first, the plainest and the newest subject leading.

    In a long run cells that share their largest layers follow each other, while those are still on the disk; Pythons
    take turns, so that builds on one base don't wait for each other.
    """
    ranked = _ranked(cells)
    if len(ranked) <= _SHORT:
        return ranked
    turns: dict[str, dict[str, list[Cell]]] = {}
    for cell in ranked:
        leading = next((c.name for c in cell.packages if not c.axis.subject), "")
        turns.setdefault(cell.python, {}).setdefault(leading, []).append(cell)
    columns = ([cell for group in groups.values() for cell in group] for groups in turns.values())
    return tuple(cell for row in zip_longest(*columns) for cell in row if cell is not None)


def _ranked(cells: Sequence[Cell]) -> tuple[Cell, ...]:

    def rank(cell: Cell) -> tuple[object, ...]:
        asked = sum(beyond_default(choice) for choice in cell.choices)
        return (not cell.subjects, _STRATEGY_ORDER.index(cell.strategy), asked)

    newest_first = sorted(
        cells,
        key=lambda cell: [(c.local is not None, Version("0" if c.local else c.name)) for c in cell.subjects],
        reverse=True,
    )
    return tuple(sorted(newest_first, key=rank))


def run_cells(
    cells: Sequence[Cell], context: RunContext, workers: int, executor: Executor | None = None
) -> dict[str, CellRecord]:
    """Cell id → record, for every cell, each written down here as it arrives. On KeyboardInterrupt what runs is
    destroyed and the interrupt goes on, with a note where something could not be ended within seconds.

    `executor` (default: threads) carries the tasks out. When the engine is lost the cells that have not begun are
    recorded as infra, untried.
    """
    records: dict[str, CellRecord] = {}
    waiting = iter(in_order(cells))
    running: set[Future[CellRecord]] = set()
    carried = executor or Threads(context.worker, workers)
    try:
        running |= {carried.submit(context.task(c)) for c in islice(waiting, workers)}
        lost = False
        while running:
            done = wait(running, return_when=FIRST_COMPLETED).done
            finished = [future.result() for future in done]
            for record in finished:
                finish(record, context)
                records[record.cell.id] = record
            running -= done
            lost = lost or any(_engine_lost(record) for record in finished)
            if not lost:
                _evict(finished, context)
                running |= {carried.submit(context.task(c)) for c in islice(waiting, workers - len(running))}
    except BaseException as error:
        context.worker.stop.set()
        carried.halt()
        # Containers and builds are ended by the threads that wait for them; one that waits for an index may take long.
        ended = wait(running, timeout=_ENDING_SECONDS)
        _keep_rest(ended.done, records, context)
        if ended.not_done:
            error.add_note("What does not answer was left, and the next start removes its containers")
        raise
    finally:
        carried.close()
    records |= {cell.id: _untried(cell, context) for cell in waiting}
    return records


def _keep_rest(futures: Iterable[Future[CellRecord]], records: Mapping[str, CellRecord], context: RunContext) -> None:
    """Stores records that finished while the run was being stopped."""
    for future in futures:
        if not future.cancelled() and future.exception() is None and future.result().cell.id not in records:
            finish(future.result(), context)


def _engine_lost(record: CellRecord) -> bool:
    return record.status is CellStatus.INFRA and record.reason in _LOST


def _untried(cell: Cell, context: RunContext) -> CellRecord:
    why = infra(Phase.START, "engine", "not tried: the engine was lost before this cell began")
    record = failed(drafted(context.task(cell), context.worker.now()), why, context.run.as_of)
    context.ledger.finished(record)
    return record


def _evict(finished: Sequence[CellRecord], context: RunContext) -> None:
    """Evicts images over the budget after a cell that built one."""
    if any(record.image_key for record in finished):
        # What is removed is no one's result: an engine that can't say what it has will say so to the next cell.
        with suppress(CellError):
            evict(context, frozenset(context.worker.in_use.values()))
