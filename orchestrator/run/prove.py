"""Proof that a check is able to pass and able to fail: where it did, itself or under a mutation of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from orchestrator.errors import CellStatus
from orchestrator.model import Cell, CellRecord, Ended, Observation, ProbeKind
from orchestrator.model.suite import Proof
from orchestrator.run.cells import run_cell
from orchestrator.run.context import RunContext
from orchestrator.run.observe import ProbeSession, observe


def prove(cells: Sequence[Cell], context: RunContext, known: Mapping[str, Proof]) -> dict[str, Proof]:
    """Check id → what is proven of it after running `cells` plainly, and their passing checks sabotaged.

    `known` are earlier proofs: those of a check or mutation that has changed since are dropped, the rest stand.
    """
    proofs = {
        p.id: known[p.id] if p.id in known and known[p.id].digest == p.proof else Proof(digest=p.proof)
        for p in context.worker.suite.probes.values()
        if p.kind is ProbeKind.CHECK
    }
    for cell in cells:
        record = run_cell(cell, context)
        if record.status is not CellStatus.RAN:
            continue
        where = ", ".join(str(choice) for choice in cell.choices if choice.name != choice.axis.default)
        for observation in record.observations:
            _note(proofs, observation, where, "")
        for observation in _sabotaged(record, proofs, context):
            _note(proofs, observation, where, " (mutated)")
    return dict(sorted(proofs.items()))


def _note(proofs: dict[str, Proof], observation: Observation, where: str, how: str) -> None:
    """A pass counts only where nothing was sabotaged; a failure only inside the subject block."""
    proof = proofs.get(observation.probe)
    if proof is None:
        return
    passed, failed = proof.passed, proof.failed
    if observation.ended is Ended.RETURNED and not how:
        passed = passed or where
    if observation.ended is Ended.RAISED and observation.within:
        failed = failed or where + how
    proofs[observation.probe] = Proof(digest=proof.digest, passed=passed, failed=failed)


def _sabotaged(record: CellRecord, proofs: Mapping[str, Proof], context: RunContext) -> Sequence[Observation]:
    """Runs the checks that passed here but were never seen to fail, sabotaged. Their observations are not stored."""
    passed = {o.probe for o in record.observations if o.ended is Ended.RETURNED}
    probes = tuple(
        context.worker.suite.probes[name] for name, proof in proofs.items() if name in passed and not proof.failed
    )
    if not probes or record.lock is None or record.base is None:
        return ()
    subjects = tuple(c.axis.package or "" for c in record.cell.subjects)
    recipe = context.worker.recipe(record.lock, record.base, subjects)
    prepared = context.worker.engine.prepare(recipe, context.store.log_path(record.run, record.cell.id))
    session = ProbeSession(
        task=context.task(record.cell), lock=record.lock, prepared=prepared, probes=probes, mutate=True
    )
    return observe(session, context.worker, lambda observation: observation).observations
