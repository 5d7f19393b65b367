"""Who carries tasks out: threads of this process, or processes of their own."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, cast

from orchestrator.errors import Phase, infra
from orchestrator.model import CellRecord, CellTask
from orchestrator.run.cells import drafted, failed, perform
from orchestrator.run.context import Worker
from orchestrator.run.notes import Note

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.queues import SimpleQueue


Tell: TypeAlias = Callable[[Note], None]
Make: TypeAlias = Callable[[Tell], Worker]
"""What tells a worker's notes → the worker. Picklable: a function of a module, or a `partial` of one."""


class Executor(Protocol):
    """Runs tasks in parallel. A task's notes reach the coordinator before its record does."""

    def submit(self, task: CellTask) -> Future[CellRecord]: ...

    def halt(self) -> None:
        """Stops running work: containers, builds, waits. Records of stopped work are infra."""
        ...

    def close(self) -> None:
        """Releases its resources; does not wait for unfinished tasks."""
        ...


class Threads:
    """Threads that share one worker."""

    def __init__(self, worker: Worker, workers: int) -> None:
        self._worker = worker
        self._pool = ThreadPoolExecutor(max_workers=workers, thread_name_prefix="cell")

    def submit(self, task: CellTask) -> Future[CellRecord]:
        return self._pool.submit(perform, task, self._worker)

    def halt(self) -> None:
        self._worker.stop.set()
        self._worker.engine.halt()

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)


class Processes:
    """Spawned processes, each with a worker of its own that `make` makes there from what tells it what to say.

    Nothing that holds a lock or a connection crosses: tasks go over, notes and records come back.
    """

    def __init__(self, make: Make, hear: Tell, workers: int) -> None:
        spawn = multiprocessing.get_context("spawn")
        self._hear = hear
        self._waiting: dict[str, Future[CellRecord]] = {}
        self._told: SimpleQueue[object] = spawn.SimpleQueue()
        # its end tells every process to stop; an Event would wait for one that has died to take note
        stop, self._running = spawn.Pipe(duplex=False)
        self._pool = ProcessPoolExecutor(
            max_workers=workers, mp_context=spawn, initializer=_begin, initargs=(make, self._told, stop)
        )
        self._reader = threading.Thread(target=self._listen, name="notes", daemon=True)
        self._reader.start()

    def submit(self, task: CellTask) -> Future[CellRecord]:
        record: Future[CellRecord] = Future()
        self._waiting[task.cell.id] = record
        self._pool.submit(_carry_out, task).add_done_callback(lambda done: self._lost(task, done))
        return record

    def halt(self) -> None:
        self._running.close()

    def close(self) -> None:
        # a process that is still starting needs what is given up here
        self._pool.shutdown(wait=not self._waiting, cancel_futures=True)
        self._running.close()
        self._told.put(None)

    def _listen(self) -> None:
        """Handles notes in order; a cell's record comes after all its notes."""
        while (told := self._told.get()) is not None:
            if isinstance(told, CellRecord):
                self._waiting.pop(told.cell.id).set_result(told)
            else:
                self._hear(cast("Note", told))

    def _lost(self, task: CellTask, done: Future[None]) -> None:
        """A task that ended without a record: a bug there, or its process is gone."""
        error = CancelledError() if done.cancelled() else done.exception()
        if error is not None and (record := self._waiting.pop(task.cell.id, None)) is not None:
            record.set_exception(error)


_HERE: dict[str, Any] = {}
"""The worker of a spawned process, and the queue for its notes."""


def _begin(make: Make, told: SimpleQueue[object], stop: Connection[None, None]) -> None:
    """The start of a spawned process."""
    worker = make(told.put)
    _HERE.update(worker=worker, told=told)

    def wait() -> None:
        with suppress(EOFError):
            stop.recv()
        worker.stop.set()
        worker.engine.halt()

    threading.Thread(target=wait, name="stop", daemon=True).start()


def _carry_out(task: CellTask) -> None:
    worker: Worker = _HERE["worker"]
    if worker.suite.digest == task.run.suite_digest:
        record = perform(task, worker)
    else:
        other = infra(Phase.START, "suite", "this worker's suite of probes differs from the run's")
        record = failed(drafted(task, worker.now()), other, task.run.as_of)
    _HERE["told"].put(record)
