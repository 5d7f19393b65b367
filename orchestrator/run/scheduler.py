"""All cells, several at a time, the likeliest first, until done or stopped."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from itertools import islice, zip_longest

from packaging.version import Version

from orchestrator.errors import CellError, CellStatus, Phase, infra
from orchestrator.model import ABSENT, Cell, CellRecord, Strategy
from orchestrator.run.cells import failed, run_cell
from orchestrator.run.disk import evict
from orchestrator.run.workshop import Workshop

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
        asked = sum(choice.name not in (choice.axis.default, ABSENT) for choice in cell.choices)
        return (not cell.subjects, _STRATEGY_ORDER.index(cell.strategy), asked)

    newest_first = sorted(cells, key=lambda cell: [Version(c.name) for c in cell.subjects], reverse=True)
    return tuple(sorted(newest_first, key=rank))


def run_cells(cells: Sequence[Cell], workshop: Workshop, workers: int) -> dict[str, CellRecord]:
    """Cell id → record, for every cell. On KeyboardInterrupt what runs is destroyed and the interrupt goes on,
    with a note where something could not be ended within seconds.

    When the engine is lost the cells that have not begun are recorded as infra, untried.
    """
    records: dict[str, CellRecord] = {}
    waiting = iter(in_order(cells))
    running: set[Future[CellRecord]] = set()
    pool = ThreadPoolExecutor(max_workers=workers, thread_name_prefix="cell")
    try:
        running |= {pool.submit(run_cell, c, workshop) for c in islice(waiting, workers)}
        lost = False
        while running:
            done, running = wait(running, return_when=FIRST_COMPLETED)
            finished = [future.result() for future in done]
            records |= {record.cell.id: record for record in finished}
            lost = lost or any(_engine_lost(record) for record in finished)
            if not lost:
                _evict(finished, workshop)
                running |= {pool.submit(run_cell, c, workshop) for c in islice(waiting, workers - len(running))}
    except BaseException as error:
        workshop.stop.set()
        workshop.engine.halt()
        # Containers and builds are ended by the threads that wait for them; one that waits for an index may take long.
        if wait(running, timeout=_ENDING_SECONDS).not_done:
            error.add_note("What does not answer was left, and the next start removes its containers")
        raise
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    records |= {cell.id: _untried(cell, workshop) for cell in waiting}
    return records


def _engine_lost(record: CellRecord) -> bool:
    return record.status is CellStatus.INFRA and record.reason in _LOST


def _untried(cell: Cell, workshop: Workshop) -> CellRecord:
    draft = CellRecord(
        cell=cell, status=CellStatus.INFRA, run=workshop.run.id, engine=workshop.run.engine, dated=workshop.now()
    )
    record = failed(
        draft, infra(Phase.START, "engine", "not tried: the engine was lost before this cell began"), workshop.run.as_of
    )
    workshop.store.save(record)
    workshop.watch.finished(record)
    return record


def _evict(finished: Sequence[CellRecord], workshop: Workshop) -> None:
    """Keeps images within their budget, after cells that had one."""
    if any(record.image_key for record in finished):
        # What is removed is no one's result: an engine that can't say what it has will say so to the next cell.
        with suppress(CellError):
            evict(workshop, frozenset(workshop.in_use.values()))
