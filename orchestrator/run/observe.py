"""One container: send the suite in, take the observations out."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from orchestrator.errors import Phase, infra
from orchestrator.model import CellTask, Limits, Lock, Observation, Prepared, Probe, Task, loading
from orchestrator.model.image import site_packages
from orchestrator.run.context import Worker
from orchestrator.run.controls import MEMORY
from orchestrator.run.events import Collector, unfinished
from orchestrator.run.notes import Entered

HEARTBEAT_SECONDS = 5
CONTROL_MEMORY = 256 * 1024**2
"""Bytes that the container of the memory control may use."""
GPU_MEMORY = 16 * 1024**3
GPU_PIDS = 1024
"""What a container with a GPU may use at least: every process that opens CUDA takes gigabytes of the host's memory, and
one probe has three of them.
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class ProbeSession:
    """One container's worth of probes for a task; with `mutate` each check is sabotaged and ought to fail,
    with `gpus` the container is given those of the machine.
    """

    task: CellTask
    lock: Lock
    prepared: Prepared
    probes: Sequence[Probe]
    mutate: bool = False
    gpus: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """What came out: an observation per probe that was asked for, and what the supervisor said of its machine."""

    observations: tuple[Observation, ...]
    hello: dict[str, object]
    parents: tuple[dict[str, object], ...]
    seconds: float


def observe(session: ProbeSession, worker: Worker, keep: Callable[[Observation], Observation]) -> Seen:
    """Runs probes in a fresh container, the memory control in one of its own.

    `keep` is given each observation as it arrives, and returns it as it is to stand. Raises CellError(infra) when the
    engine is lost or the stream is not the supervisor's.
    """
    apart = tuple(p for p in session.probes if p.id == MEMORY)
    rest = tuple(p for p in session.probes if p.id != MEMORY)
    seen = [_observe(replace(session, probes=some), worker, keep) for some in (apart, rest) if some]
    return replace(
        seen[-1],
        observations=tuple(o for one in seen for o in one.observations),
        seconds=sum(one.seconds for one in seen),
    )


def _observe(session: ProbeSession, worker: Worker, keep: Callable[[Observation], Observation]) -> Seen:
    kept: list[Observation] = []
    collector = Collector(
        wanted=frozenset(p.id for p in session.probes),
        on_hello=_require_closed if worker.engine.kind.isolated else _hear,
        on_observation=lambda o: kept.append(keep(o)),
        on_start=lambda probe: worker.tell(Entered(cell=session.task.cell, stage="probe", detail=probe)),
    )
    ended = worker.engine.run(session.prepared.reference, _task(session, worker), collector.line)
    if not collector.complete and (ended.lost or collector.sequence < 0):
        detail = ended.lost or f"the supervisor printed nothing (exit {ended.code}): {ended.stderr[-500:].strip()}"
        raise infra(
            Phase.START if collector.sequence < 0 else Phase.COLLECT, "engine" if ended.lost else "start", detail
        )
    rest = unfinished(collector, tuple(p.id for p in session.probes), ended)
    return Seen(
        observations=(*kept, *rest),
        hello=collector.hello,
        parents=tuple(collector.parents),
        seconds=ended.seconds,
    )


def _hear(_hello: Mapping[str, object]) -> None:
    """Nothing: an engine that does not isolate does not hold this either (`model.not_held`)."""


def _require_closed(hello: Mapping[str, object]) -> None:
    """Raises CellError(infra) where packages could reach into the supervisor: nothing that it says counts then."""
    if hello.get("closed") is not True:
        raise infra(Phase.START, "open", f"probes can reach into the supervisor: {hello.get('open')}")


def _lanes(limits: Limits, worker: Worker) -> int:
    """How many probes may run at a time: the processors that the cells under way leave to each of them."""
    processors = min(limits.cpus, os.cpu_count() or 1)
    return max(1, int(processors / max(1, len(worker.in_use) + worker.beside)))


def _task(session: ProbeSession, worker: Worker) -> Task:
    limits, prepared = session.task.limits, session.prepared
    loads = loading(prepared.environment)
    if session.gpus:
        limits = replace(limits, memory=max(limits.memory, GPU_MEMORY), pids=max(limits.pids, GPU_PIDS))
    if [p.id for p in session.probes] == [MEMORY]:
        limits = replace(limits, memory=CONTROL_MEMORY)
    plan = {
        "probes": [p.id for p in session.probes],
        "limits": {
            "probe_seconds": limits.probe_seconds,
            "import_seconds": limits.import_seconds,
            "cell_seconds": limits.cell_seconds,
        },
        "lanes": 1 if session.gpus else _lanes(session.task.limits, worker),
        "heartbeat_seconds": HEARTBEAT_SECONDS,
        "control_memory": CONTROL_MEMORY if "memory" in worker.engine.enforces else None,
        "expected": {d.name: d.version for d in session.lock.distributions},
        "distributions": worker.suite.distributions,
        "loggers": worker.suite.loggers,
        "interpreter": prepared.interpreter,
        "site_packages": [site_packages(prepared.interpreter, session.task.cell.python)],
        "specs": {p.id: worker.suite.specs[p.id] for p in session.probes if p.id in worker.suite.specs},
        "variables": loads | dict(session.task.cell.variables),
        "mutate": session.mutate,
    }
    return Task(
        command=(prepared.trusted, "-I", "-S", "-B", "/probes/supervisor.py", "/probes/plan.json"),
        files=(*worker.suite.files, ("plan.json", json.dumps(plan, sort_keys=True).encode())),
        # what a cell or its image sets is for its probes: the supervisor is loaded and runs without it
        environment=tuple((name, "") for name in sorted(loads)),
        # the supervisor keeps the cell's budget itself; the engine's clock only catches a supervisor that hangs
        limits=replace(limits, cell_seconds=limits.cell_seconds + limits.import_seconds + 30),
        gpus=session.gpus,
        labels=(("compat.run", session.task.run.id), ("compat.cell", session.task.cell.id)),
    )
