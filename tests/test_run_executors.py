"""Tasks as values: what threads of this process and processes of their own make of them is the same."""

from __future__ import annotations

import os
import pickle
import signal
import threading
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from fakes import FakeEngine, altered, cell, run_context

from orchestrator.errors import CellStatus
from orchestrator.model import CellRecord, Ended, Exit
from orchestrator.run.context import RunContext, Worker
from orchestrator.run.executors import Processes, Tell, Threads
from orchestrator.run.scheduler import run_cells

NAMES = ("tensorflow.fit", "tensorflow.save")
CELLS = (cell(), cell(tf="2.3.4"), cell(resolve="pip-today"), cell(subject="0.2.0"))


class Failing(FakeEngine):
    """TensorFlow 2.3.4 fails, and a daemon that is lost while pip-today is tried."""

    def run(self, reference, task, on_line):
        chosen = dict(task.labels)["compat.cell"]
        lost = chosen == CELLS[2].id
        self.cut_after = 4 if lost else None
        self.ending = lambda: Exit(code=None, seconds=1.0, lost="gone") if lost else Exit(code=0, seconds=1.0)
        broken = chosen == CELLS[1].id
        self.script = lambda probe: (
            {"ended": "raised", "within": "call"} if broken and probe in NAMES else {"ended": "returned"}
        )
        return super().run(reference, task, on_line)


class Waiting(FakeEngine):
    """Runs until it is halted."""

    def __init__(self) -> None:
        super().__init__(ending=lambda: Exit(code=None, seconds=1.0, lost="halted"), cut_after=2)
        self.free_to_end = threading.Event()

    def run(self, reference, task, on_line):
        ended = super().run(reference, task, on_line)
        assert self.free_to_end.wait(60)
        return ended

    def halt(self) -> None:
        self.free_to_end.set()


def made(kind: type[FakeEngine], root: Path, tell: Tell) -> Worker:
    """What a spawned process calls: the worker of a run on the same store."""
    return replace(run_context(root, kind(), *NAMES).worker, tell=tell)


def dies(root: Path, tell: Tell) -> Worker:
    def die(_python: str) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    return replace(made(FakeEngine, root, tell), base=die)


def breaks(root: Path, tell: Tell) -> Worker:
    return replace(made(FakeEngine, root, tell), base=lambda _python: 1 / 0)


def other_suite(root: Path, tell: Tell) -> Worker:
    return replace(run_context(root, FakeEngine(), "tensorflow.other").worker, tell=tell)


def processes(make, context: RunContext, *arguments: object) -> Processes:
    return Processes(partial(make, *arguments), context.ledger.hear, 2)


def plain(records: dict[str, CellRecord]) -> dict[str, CellRecord]:
    return {name: replace(record, seconds=0.0) for name, record in records.items()}


def test_a_task_is_the_same_after_a_journey():
    task = run_context(Path("nowhere"), FakeEngine(), *NAMES).task(cell(subject="0.2.0"))
    assert pickle.loads(pickle.dumps(task)) == task


def test_processes_of_their_own_find_what_threads_find_and_the_coordinator_writes_it_down(tmp_path):
    here = run_context(tmp_path / "threads", Failing(), *NAMES)
    there = run_context(tmp_path / "processes", Failing(), *NAMES)
    by_threads = run_cells(CELLS[:2], here, 2)
    by_processes = run_cells(CELLS[:2], there, 2, processes(made, there, Failing, tmp_path / "processes"))
    assert plain(by_processes) == plain(by_threads)
    assert {r.status for r in by_processes.values()} == {CellStatus.RAN}
    assert plain(there.store.newest("fake")) == plain(here.store.newest("fake"))
    for record in by_processes.values():
        kept = there.store.observations(record.environment_key)
        assert kept == here.store.observations(record.environment_key)
        assert len(kept) == len(NAMES) + 1
    failed = by_processes[CELLS[1].id].observations
    assert {o.ended for o in failed if o.probe in NAMES} == {Ended.RAISED}


def test_what_was_observed_before_an_engine_was_lost_is_kept_by_both(tmp_path):
    kept = []
    for name, executor in (("threads", False), ("processes", True)):
        context = run_context(tmp_path / name, Failing(), *NAMES)
        carried = processes(made, context, Failing, tmp_path / name) if executor else None
        (record,) = run_cells([CELLS[2]], context, 1, carried).values()
        assert (record.status, record.reason) == (CellStatus.INFRA, "engine")
        kept.append({p.name: p.read_bytes() for p in (tmp_path / name / "store" / "observations").iterdir()})
    assert kept[0] == kept[1] != {}


def test_a_process_that_dies_ends_the_run_with_its_name_and_a_bug_with_its_traceback(tmp_path):
    context = run_context(tmp_path, FakeEngine(), *NAMES)
    with pytest.raises(BrokenProcessPool):
        run_cells(CELLS[:1], context, 1, processes(dies, context, tmp_path))
    with pytest.raises(ZeroDivisionError):
        run_cells(CELLS[:1], altered(context, stop=threading.Event()), 1, processes(breaks, context, tmp_path))
    assert context.store.newest("fake") == {}


def test_a_worker_with_another_suite_is_refused(tmp_path):
    context = run_context(tmp_path, FakeEngine(), *NAMES)
    (record,) = run_cells(CELLS[:1], context, 1, processes(other_suite, context, tmp_path)).values()
    assert (record.status, record.reason, record.observations) == (CellStatus.INFRA, "suite", ())


@pytest.mark.parametrize("spawned", [False, True])
def test_what_is_under_way_is_ended_and_told_as_infra(tmp_path, spawned):
    context = run_context(tmp_path, Waiting(), *NAMES)
    executor = processes(made, context, Waiting, tmp_path) if spawned else Threads(context.worker, 1)
    future = executor.submit(context.task(cell()))
    executor.halt()
    assert future.result(timeout=60).status is CellStatus.INFRA
    executor.close()
    assert context.store.newest("fake") == {}
