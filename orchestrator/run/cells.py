"""One cell through lock → recipe → image → probes; the one place where a CellError becomes data."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from orchestrator.errors import Attribution, CellError, CellStatus, Phase, infra
from orchestrator.model import Base, Cell, CellRecord, Cuda, Ended, Lock, Observation, Prepared, Probe, Recipe, digest
from orchestrator.model.cuda import Sighting
from orchestrator.run import gpus
from orchestrator.run.confirm import changed, confirm
from orchestrator.run.controls import controls_wrong
from orchestrator.run.disk import require_space
from orchestrator.run.events import BUDGET
from orchestrator.run.keys import enforced, environment_key, probe_key
from orchestrator.run.observe import Seen, Sitting, observe
from orchestrator.run.workshop import Workshop, asked_for, for_gpus, probes_for
from orchestrator.store.records import LockResult
from orchestrator.store.store import lock_key, reused


def run_cell(cell: Cell, workshop: Workshop) -> CellRecord:
    """Carries one cell as far as it goes and keeps its record. Only a bug or Ctrl-C escapes."""
    began = time.monotonic()
    draft = CellRecord(
        cell=cell, status=CellStatus.INFRA, run=workshop.run.id, engine=workshop.run.engine, dated=workshop.now()
    )
    try:
        draft = _prepare_and_probe(draft, workshop)
    except CellError as error:
        draft = failed(draft, error, workshop.run.as_of)
    finally:
        workshop.in_use.pop(cell.id, None)
    record = replace(draft, seconds=round(time.monotonic() - began, 3))
    # A run that is told to stop learns nothing about the cells it leaves; what their probes said is kept already.
    if not (workshop.stop.is_set() and record.status is CellStatus.INFRA):
        workshop.store.save(record)
        workshop.watch.finished(record)
    return record


def failed(draft: CellRecord, error: CellError, as_of: datetime) -> CellRecord:
    """The record of a cell that was stopped by `error`; what the index alone decides is as old as its reading."""
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


def _prepare_and_probe(draft: CellRecord, workshop: Workshop) -> CellRecord:
    cell = draft.cell
    workshop.preflight(cell)
    workshop.watch.stage(cell, "base", f"Python {cell.python}")
    with workshop.one_at_a_time(f"base {cell.python}"):
        base = workshop.base(cell.python)
    workshop.watch.stage(cell, "lock", cell.strategy)
    lock = locked(cell, base, workshop)
    recipe = workshop.recipe(lock, base, tuple(c.axis.package or "" for c in cell.subjects))
    draft = replace(draft, base=base, lock=lock)
    if recipe.cuda is not None:
        seen, recipe = _audited(draft, recipe, recipe.cuda, workshop)
        draft = replace(draft, audit=seen)
    environment = environment_key(cell, lock, recipe.key, workshop.engine, enforced(workshop.limits, workshop.engine))
    draft = replace(draft, image_key=recipe.key, environment_key=environment)
    return _probe(draft, recipe, workshop)


def locked(cell: Cell, base: Base, workshop: Workshop) -> Lock:
    """The cell's lock, remembered per day of the index; a finding that there is none is remembered too.

    Trouble of the index's is never remembered. Raises CellError.
    """
    day = workshop.run.as_of.isoformat()
    key = lock_key(cell, base.identity, day)
    known = workshop.store.lock(key)
    if known is None:
        known = _resolve(cell, base, workshop)
        workshop.store.save_lock(key, known)
    if known.lock is None:
        status = known.status or CellStatus.UNRESOLVABLE
        raise CellError(Phase.RESOLVE, status, known.reason, known.detail, attribution=Attribution(known.attribution))
    return known.lock


def _resolve(cell: Cell, base: Base, workshop: Workshop) -> LockResult:
    try:
        return LockResult(lock=workshop.resolve(cell, base))
    except CellError as error:
        if error.status in (CellStatus.INFRA, CellStatus.UNAVAILABLE):
            raise
        return LockResult(status=error.status, reason=error.reason, detail=error.detail, attribution=error.attribution)


def _probe(draft: CellRecord, recipe: Recipe, workshop: Workshop) -> CellRecord:
    """Reuses what is known of this environment, runs the rest, and confirms what changed."""
    cell, environment = draft.cell, draft.environment_key
    everything, apart = probes_for(cell, workshop), for_gpus(cell, workshop)
    probes = tuple(p for p in everything if p.group not in apart)
    keys = {p.id: probe_key(environment, p, cell.inputs) for p in probes}
    known = workshop.store.observations(environment)
    seen = {p.id: reused(known[keys[p.id]], draft.run) for p in probes if keys[p.id] in known}
    missing = tuple(p for p in probes if p.id not in seen and asked_for(p, workshop))
    if missing:
        prepared = _image(recipe, draft, workshop)
        fresh = _sit(draft, prepared, missing, workshop)
        seen |= {o.probe: o for o in fresh.observations}
        draft = replace(draft, facts={"machine": fresh.hello, "parents": list(fresh.parents), "seconds": fresh.seconds})
        seen |= _confirmed(draft, prepared, seen, workshop)
    _require_controls(seen, workshop)
    seen |= _on_gpus(draft, recipe, tuple(p for p in everything if p.group in apart), workshop)
    # what did not run has no key: it is not evidence, and the next run must try it again
    ordered = tuple(seen[p.id] for p in everything if p.id in seen)
    made = max((o.dated for o in ordered if o.dated), default=draft.dated)
    return replace(draft, status=CellStatus.RAN, observations=ordered, dated=made)


def _on_gpus(
    draft: CellRecord, recipe: Recipe, probes: tuple[Probe, ...], workshop: Workshop
) -> dict[str, Observation]:
    """Probes that need a GPU, in a container of their own that is given one; left out, and said so, where none is.

    What was observed stands for this very GPU and driver alone. Raises CellError(infra) where the GPU was gone in the
    end.
    """
    wanted = tuple(p for p in probes if asked_for(p, workshop))
    if not wanted:
        return {}
    prepared = _image(recipe, draft, workshop)
    gpu = workshop.gpus(prepared)
    if not gpu:
        return {p.id: Observation(probe=p.id, ended=Ended.NOT_RUN, reason=gpus.NONE) for p in wanted}
    known = workshop.store.observations(draft.environment_key)
    keys = {p.id: probe_key(draft.environment_key, p, (*draft.cell.inputs, gpu)) for p in wanted}
    seen = {p.id: reused(known[keys[p.id]], draft.run) for p in wanted if keys[p.id] in known}
    missing = tuple(p for p in wanted if p.id not in seen)
    if missing:
        seen |= {o.probe: o for o in _sit(draft, prepared, missing, workshop, gpu=gpu).observations}
        if gpus.ask(prepared, workshop.engine, workshop.limits) != gpu:
            raise infra(Phase.COLLECT, "gpu-lost", f"{gpu} no longer answers")
    return seen


def _image(recipe: Recipe, draft: CellRecord, workshop: Workshop) -> Prepared:
    workshop.watch.stage(draft.cell, "build")
    workshop.in_use[draft.cell.id] = recipe.key
    require_space(workshop, recipe)
    # one build at a time on a base: what its cells share is then built once
    with workshop.one_at_a_time(f"build {recipe.base.identity}"):
        return workshop.engine.prepare(recipe, workshop.store.log_path(draft.run, draft.cell.id))


def _audited(draft: CellRecord, recipe: Recipe, cuda: Cuda, workshop: Workshop) -> tuple[Sighting, Recipe]:
    """A look into a GPU image, unless this program looked into the very same before, and the recipe with what mends it.

    Where the libraries are wheels, TensorFlow is watched as installing alone leaves it: what is found then is what
    anybody has who installs the same.
    """
    looked_at = recipe if cuda.copied else recipe.below
    key = digest([looked_at.key, workshop.engine.kind.name, workshop.look])[:32]
    found = workshop.store.audit(key)
    if found is None:
        prepared = _image(looked_at, draft, workshop)
        workshop.watch.stage(draft.cell, "audit", "what TensorFlow finds of CUDA")
        found = workshop.audit(prepared, recipe.base)
        workshop.store.save_audit(key, found)
    helped = next((fix.links for fix in found.fixes if fix.helped), ())
    # relative to the environment, so that the key of an image does not tell where one was made
    links = tuple((name, target.rpartition(f"{recipe.site_packages}/")[2]) for name, target in helped)
    return found, replace(recipe, cuda=replace(cuda, links=links))


def _sit(
    draft: CellRecord, prepared: Prepared, probes: tuple[Probe, ...], workshop: Workshop, *, gpu: str = ""
) -> Seen:
    if workshop.stop.is_set():
        raise infra(Phase.START, "interrupted", "the run was stopped before this cell's probes began")
    assert draft.lock is not None, "a cell is locked before it is probed"  # noqa: S101
    by_id = {p.id: p for p in probes}

    def keep(observation: Observation) -> Observation:
        probe = by_id[observation.probe]
        key = probe_key(draft.environment_key, probe, (*draft.cell.inputs, *((gpu,) if gpu else ())))
        stored = replace(observation, key=key, dated=workshop.now())
        if _repeatable(observation):
            workshop.store.observe(draft.environment_key, replace(stored, reused_from=draft.run))
        return stored

    workshop.watch.stage(draft.cell, "probe", f"{len(probes)} probes")
    sitting = Sitting(cell=draft.cell, lock=draft.lock, prepared=prepared, probes=probes, gpus=bool(gpu))
    return observe(sitting, workshop, keep)


def _repeatable(observation: Observation) -> bool:
    """Whether an observation may stand for a later run: one that the budget cut off must be tried again."""
    return observation.reason != BUDGET


def _confirmed(
    draft: CellRecord, prepared: Prepared, seen: Mapping[str, Observation], workshop: Workshop
) -> dict[str, Observation]:
    before = workshop.store.record(workshop.engine.kind.name, draft.cell.id)
    news = changed({o.probe: o for o in before.observations}, seen) if before else ()
    if not news:
        return {}

    def repeat(probes: tuple[str, ...]) -> Mapping[str, Observation]:
        workshop.watch.stage(draft.cell, "confirm", f"{len(probes)} changed")
        again = _sit(draft, prepared, tuple(workshop.suite.probes[p] for p in probes), workshop)
        return {o.probe: o for o in again.observations}

    return confirm(news, seen, repeat)


def _require_controls(seen: Mapping[str, Observation], workshop: Workshop) -> None:
    """Raises CellError(infra) where a control came out wrong: nothing else in that container can be trusted."""
    wrong = controls_wrong(seen.values(), workshop.suite.expects)
    if wrong:
        raise infra(Phase.COLLECT, "control", "; ".join(wrong))
