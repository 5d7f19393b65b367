"""Imports published evidence into a store, so that a run on another machine goes on from it.

Nothing is trusted further than its keys reach: a published result stands in for a probe only where a run here would
meet the same image (base, pins, template), engine, limits, variables, device, probe and supervisor, to the byte.
"""

from __future__ import annotations

from dataclasses import replace

from orchestrator.errors import CellStatus, Phase
from orchestrator.model import CellRecord, Ended, Engine, Limits, Observation
from orchestrator.model.suite import Catalogue
from orchestrator.run.events import BUDGET
from orchestrator.run.keys import enforced, environment_key, probe_key
from orchestrator.store.publication import Publication
from orchestrator.store.records import LockResult
from orchestrator.store.store import Store, lock_key


def import_published(given: Publication, store: Store, engine: Engine, limits: Limits) -> int:
    """Imports each published record that this store has nothing newer than; returns how many.

    With it come its pins, for a reading of the index as of the same moment.
    """
    own, imported, held = store.newest(engine.kind.name), 0, enforced(limits, engine)
    for record in given.records.values():
        if record.engine.kind != engine.kind.name or _newer(own.get(record.cell.id), record):
            continue
        keyed = _keyed(record, given.catalogue, engine, held)
        known = store.observations(keyed.environment_key) if keyed.environment_key else {}
        for seen in keyed.observations:
            if seen.key not in known:
                store.observe(keyed.environment_key, seen)
        if keyed.lock is not None and keyed.base is not None:
            key = lock_key(keyed.cell, keyed.base.identity, given.known.as_of.isoformat())
            store.save_lock(key, LockResult(lock=keyed.lock))
        store.save(keyed)
        imported += 1
    if imported:
        store.begin(given.run)
    return imported


def _newer(own: CellRecord | None, published: CellRecord) -> bool:
    if own is None or own.status is CellStatus.INFRA or own.dated is None:
        return False
    return published.dated is None or own.dated >= published.dated


def _keyed(record: CellRecord, catalogue: Catalogue, engine: Engine, limits: Limits) -> CellRecord:
    """The record with the keys that publishing left out, as they were when it was made."""
    if record.status is not CellStatus.RAN or record.lock is None:
        return record
    environment = environment_key(record.cell, record.lock, record.image_key, engine, limits)

    def keyed(seen: Observation) -> Observation:
        key = probe_key(environment, catalogue.probes[seen.probe], record.cell.inputs)
        return replace(seen, key=key, dated=record.dated, reused_from=seen.reused_from or record.run)

    made = tuple(keyed(o) for o in record.observations if not _cut_off(o))
    return replace(record, environment_key=environment, observations=made)


def _cut_off(seen: Observation) -> bool:
    """Whether the probe was left out by an accident of that run, so that it must be tried here."""
    return seen.ended is Ended.NOT_RUN and (seen.phase is Phase.COLLECT or seen.reason == BUDGET)
