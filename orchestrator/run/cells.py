"""One cell through lock → recipe → image → probes; the one place where a CellError becomes data."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from orchestrator.errors import Attribution, CellError, CellStatus, Phase, infra
from orchestrator.model import (
    Base,
    Cell,
    CellRecord,
    CellTask,
    Ended,
    Lock,
    Observation,
    Prepared,
    Probe,
    Recipe,
    digest,
)
from orchestrator.run.confirm import changed, confirm
from orchestrator.run.context import RunContext, Worker, asked_for, for_gpus, probes_for
from orchestrator.run.controls import controls_wrong
from orchestrator.run.disk import require_space
from orchestrator.run.events import BUDGET
from orchestrator.run.keys import enforced, environment_key, probe_key
from orchestrator.run.notes import Entered, ImageInspected, Locked, Observed
from orchestrator.run.observe import ProbeSession, Seen, observe
from orchestrator.store.records import LockResult
from orchestrator.store.store import lock_key, reused

NO_GPU = "needs:gpu"
"""Why probes of a group for GPUs were left out."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Work:
    """A task in the hands of a worker."""

    task: CellTask
    worker: Worker

    @property
    def cell(self) -> Cell:
        return self.task.cell

    def enter(self, stage: str, detail: str = "") -> None:
        self.worker.tell(Entered(cell=self.task.cell, stage=stage, detail=detail))


def run_cell(cell: Cell, context: RunContext) -> CellRecord:
    """Runs one cell in this process, stores its record and returns it."""
    record = perform(context.task(cell), context.worker)
    finish(record, context)
    return record


def finish(record: CellRecord, context: RunContext) -> None:
    """Stores a record, unless the run is stopping and the record only says that the cell was cut short: the
    observations made so far are already stored.
    """
    if not (context.worker.stop.is_set() and record.status is CellStatus.INFRA):
        context.ledger.finished(record)


def perform(task: CellTask, worker: Worker) -> CellRecord:
    """Takes one cell as far as it goes and returns its record; a CellError becomes data in it.

    Stores nothing: what must be stored is passed to `worker.tell`. Raises only for a bug or Ctrl-C.
    """
    began = time.monotonic()
    draft = drafted(task, worker.now())
    try:
        draft = _prepare_and_probe(draft, _Work(task=task, worker=worker))
    except CellError as error:
        draft = failed(draft, error, task.run.as_of)
    finally:
        worker.in_use.pop(task.cell.id, None)
    return replace(draft, seconds=round(time.monotonic() - began, 3))


def drafted(task: CellTask, now: datetime) -> CellRecord:
    """An empty record for a cell that has not started."""
    run = task.run
    return CellRecord(cell=task.cell, status=CellStatus.INFRA, run=run.id, engine=run.engine, dated=now)


def failed(draft: CellRecord, error: CellError, as_of: datetime) -> CellRecord:
    """The record of a cell stopped by `error`. A failure that the index alone decides is dated by the index."""
    by_index = error.phase is Phase.RESOLVE and error.status is not CellStatus.INFRA
    return replace(
        draft,
        dated=as_of if by_index else draft.dated,
        status=error.status,
        reason=error.reason,
        detail=error.detail,
        phase=error.phase,
        attribution=error.attribution,
    )


def _prepare_and_probe(draft: CellRecord, work: _Work) -> CellRecord:
    cell = draft.cell
    work.worker.preflight(cell)
    work.enter("base", f"Python {cell.python}")
    with work.worker.one_at_a_time(f"base {cell.python}"):
        base = work.worker.base(cell.python)
    work.enter("lock", cell.strategy)
    lock = locked(cell, base, work)
    recipe = work.worker.recipe(lock, base, tuple(c.axis.package or "" for c in cell.subjects))
    draft = replace(draft, base=base, lock=lock)
    saw, recipe = _inspected(draft, recipe, work)
    draft = replace(draft, audit=saw)
    environment = environment_key(
        cell, lock, recipe.key, work.worker.engine, enforced(work.task.limits, work.worker.engine)
    )
    draft = replace(draft, image_key=recipe.key, environment_key=environment)
    return _probe(draft, recipe, work)


def locked(cell: Cell, base: Base, work: _Work) -> Lock:
    """The cell's lock, remembered per day of the index; a finding that there is none is remembered too.

    Trouble of the index's is never remembered. Raises CellError.
    """
    day = work.task.run.as_of.isoformat()
    key = lock_key(cell, base.identity, day)
    known = work.worker.known.lock(key)
    if known is None:
        known = _resolve(cell, base, work)
        work.worker.tell(Locked(key=key, result=known))
    if known.lock is None:
        status = known.status or CellStatus.UNRESOLVABLE
        raise CellError(Phase.RESOLVE, status, known.reason, known.detail, attribution=Attribution(known.attribution))
    return known.lock


def _resolve(cell: Cell, base: Base, work: _Work) -> LockResult:
    try:
        return LockResult(lock=work.worker.resolve(cell, base))
    except CellError as error:
        # nor is a build that failed: it is tried again, as those of other sources are
        if error.status in (CellStatus.INFRA, CellStatus.UNAVAILABLE) or error.phase is Phase.BUILD:
            raise
        return LockResult(status=error.status, reason=error.reason, detail=error.detail, attribution=error.attribution)


def _probe(draft: CellRecord, recipe: Recipe, work: _Work) -> CellRecord:
    """Reuses known observations of this environment, runs the remaining probes, and confirms what changed."""
    cell, environment = draft.cell, draft.environment_key
    everything, apart = probes_for(work.task, work.worker.suite), for_gpus(work.task)
    probes = tuple(p for p in everything if p.group not in apart)
    keys = {p.id: probe_key(environment, p, cell.inputs) for p in probes}
    known = work.worker.known.observations(environment)
    seen = {p.id: reused(known[keys[p.id]], draft.run) for p in probes if keys[p.id] in known}
    missing = tuple(p for p in probes if p.id not in seen and asked_for(p, work.task))
    if missing:
        prepared = _image(recipe, draft, work)
        fresh = _sit(draft, prepared, missing, work)
        seen |= {o.probe: o for o in fresh.observations}
        draft = replace(draft, facts={"machine": fresh.hello, "parents": list(fresh.parents), "seconds": fresh.seconds})
        seen |= _confirmed(draft, prepared, seen, work)
    _require_controls(seen, work)
    seen |= _on_gpus(draft, recipe, tuple(p for p in everything if p.group in apart), work)
    # what did not run has no key: it is not evidence, and the next run must try it again
    ordered = tuple(seen[p.id] for p in everything if p.id in seen)
    made = max((o.dated for o in ordered if o.dated), default=draft.dated)
    return replace(draft, status=CellStatus.RAN, observations=ordered, dated=made)


def _on_gpus(draft: CellRecord, recipe: Recipe, probes: tuple[Probe, ...], work: _Work) -> dict[str, Observation]:
    """Probes that need a GPU, in a container of their own that is given one; left out, and said so, where none is.

    What was observed stands for this very GPU and driver alone. Raises CellError(infra) where the GPU was gone in the
    end.
    """
    wanted = tuple(p for p in probes if asked_for(p, work.task))
    if not wanted:
        return {}
    prepared = _image(recipe, draft, work)
    gpu = work.worker.gpus(prepared)
    if not gpu:
        return {p.id: Observation(probe=p.id, ended=Ended.NOT_RUN, reason=NO_GPU) for p in wanted}
    known = work.worker.known.observations(draft.environment_key)
    keys = {p.id: probe_key(draft.environment_key, p, (*draft.cell.inputs, gpu)) for p in wanted}
    seen = {p.id: reused(known[keys[p.id]], draft.run) for p in wanted if keys[p.id] in known}
    missing = tuple(p for p in wanted if p.id not in seen)
    if missing:
        seen |= {o.probe: o for o in _sit(draft, prepared, missing, work, gpu=gpu).observations}
        if work.worker.gpus_now(prepared) != gpu:
            raise infra(Phase.COLLECT, "gpu-lost", f"{gpu} no longer responds")
    return seen


def _image(recipe: Recipe, draft: CellRecord, work: _Work) -> Prepared:
    work.enter("build")
    work.worker.in_use[draft.cell.id] = recipe.key
    require_space(recipe, work.worker)
    # one build at a time on a base: what its cells share is then built once
    with work.worker.one_at_a_time(f"build {recipe.base.identity}"):
        return work.worker.engine.prepare(recipe, work.worker.known.log_path(draft.run, draft.cell.id))


def _inspected(draft: CellRecord, recipe: Recipe, work: _Work) -> tuple[object, Recipe]:
    """What an inspection saw of the cell's image, or saw of the very same before, and the recipe with what mends it."""
    inspection = work.worker.inspection
    subject = None if inspection is None else inspection.subject(recipe)
    if inspection is None or subject is None:
        return None, recipe
    key = digest([subject.key, work.worker.engine.kind.name, inspection.digest])[:32]
    saw = work.worker.known.audit(key)
    if saw is None:
        prepared = _image(subject, draft, work)
        work.enter("audit", inspection.task)
        saw = inspection.look(prepared, recipe.base, work.worker.engine, work.task.limits)
        work.worker.tell(ImageInspected(key=key, saw=saw))
    return saw, inspection.mended(recipe, saw)


def _sit(draft: CellRecord, prepared: Prepared, probes: tuple[Probe, ...], work: _Work, *, gpu: str = "") -> Seen:
    if work.worker.stop.is_set():
        raise infra(Phase.START, "interrupted", "the run was stopped before this cell's probes began")
    assert draft.lock is not None, "a cell has to be locked before it is probed"  # noqa: S101
    by_id = {p.id: p for p in probes}

    def keep(observation: Observation) -> Observation:
        probe = by_id[observation.probe]
        key = probe_key(draft.environment_key, probe, (*draft.cell.inputs, *((gpu,) if gpu else ())))
        stored = replace(observation, key=key, dated=work.worker.now())
        if _repeatable(observation):
            made = replace(stored, reused_from=draft.run)
            work.worker.tell(Observed(environment_key=draft.environment_key, observation=made))
        return stored

    work.enter("probe", f"{len(probes)} probes")
    session = ProbeSession(task=work.task, lock=draft.lock, prepared=prepared, probes=probes, gpus=bool(gpu))
    return observe(session, work.worker, keep)


def _repeatable(observation: Observation) -> bool:
    """Whether a later run may reuse an observation: a probe cut off by the time budget must be tried again."""
    return observation.reason != BUDGET


def _confirmed(
    draft: CellRecord, prepared: Prepared, seen: Mapping[str, Observation], work: _Work
) -> dict[str, Observation]:
    before = work.worker.known.record(work.worker.engine.kind.name, draft.cell.id)
    news = changed({o.probe: o for o in before.observations}, seen) if before else ()
    if not news:
        return {}

    def repeat(probes: tuple[str, ...]) -> Mapping[str, Observation]:
        work.enter("confirm", f"{len(probes)} changed")
        again = _sit(draft, prepared, tuple(work.worker.suite.probes[p] for p in probes), work)
        return {o.probe: o for o in again.observations}

    return confirm(news, seen, repeat)


def _require_controls(seen: Mapping[str, Observation], work: _Work) -> None:
    """Raises CellError(infra) where a control came out wrong: nothing else in that container can be trusted."""
    wrong = controls_wrong(seen, work.worker.suite.expects)
    if wrong:
        raise infra(Phase.COLLECT, "control", "; ".join(wrong))
