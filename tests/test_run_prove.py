from __future__ import annotations

import json

from fakes import FakeEngine, cell, run_context

from orchestrator.errors import CellError, CellStatus, Phase
from orchestrator.model.suite import Proof
from orchestrator.run.prove import prove
from orchestrator.suite import proofs
from orchestrator.suite.modules import SuiteFolder

CHECK = "tensorflow.fit"
WHERE = "tf=2.4.1, python=3.9, resolve=released"
FAILS = {"ended": "raised", "within": "fit", "exception": {"type": "ValueError", "message": "no"}}
PASSES = {"ended": "returned"}


class Sabotaged(FakeEngine):
    """Answers plain and mutated sittings apart; remembers which were mutated."""

    def __init__(self, plain, mutated, **more):
        super().__init__(**more)
        self.plain, self.mutated, self.asked = plain, mutated, []

    def run(self, reference, task, on_line):
        mutate = json.loads(dict(task.files)["plan.json"])["mutate"]
        self.asked.append(mutate)
        answers = self.mutated if mutate else self.plain
        self.script = lambda name: answers if name == CHECK else PASSES
        return super().run(reference, task, on_line)


def proved(tmp_path, plain, mutated, known=None, **fields):
    engine = Sabotaged(plain, mutated)
    return prove([cell()], run_context(tmp_path, engine, CHECK, **fields), known or {})[CHECK], engine


def test_a_pass_and_a_sabotaged_failure_prove_a_check(tmp_path):
    proof, engine = proved(tmp_path, PASSES, FAILS)
    assert proof == Proof(digest=f"proof of {CHECK}", passed=WHERE, failed=f"{WHERE} (mutated)")
    assert engine.asked == [False, True]


def test_a_check_that_passes_even_when_sabotaged_is_not_proven(tmp_path):
    proof, _ = proved(tmp_path, PASSES, PASSES)
    assert (proof.passed, proof.failed) == (WHERE, "")


def test_a_mutated_pass_is_no_pass(tmp_path):
    proof, engine = proved(tmp_path, FAILS, PASSES)
    assert (proof.passed, proof.failed) == ("", WHERE)
    assert engine.asked == [False], "what fails plainly need not be sabotaged"


def test_a_failure_outside_the_subject_block_proves_nothing(tmp_path):
    proof, _ = proved(tmp_path, PASSES, FAILS | {"within": ""})
    assert (proof.passed, proof.failed) == (WHERE, "")


def test_earlier_proofs_stand_and_are_not_sought_again(tmp_path):
    known = {CHECK: Proof(digest=f"proof of {CHECK}", passed="there", failed="elsewhere")}
    proof, engine = proved(tmp_path, PASSES, FAILS, known)
    assert proof == known[CHECK]
    assert engine.asked == [False]


def test_a_changed_digest_drops_a_proof(tmp_path):
    known = {CHECK: Proof(digest="of another text", passed="there", failed="elsewhere")}
    proof, _ = proved(tmp_path, PASSES, PASSES, known)
    assert (proof.passed, proof.failed) == (WHERE, "")


def test_what_did_not_run_proves_nothing(tmp_path):
    def none(_python):
        raise CellError(Phase.START, CellStatus.UNAVAILABLE, "no-python", "no such Python")

    proof, engine = proved(tmp_path, PASSES, FAILS, base=none)
    assert (proof.passed, proof.failed, engine.asked) == ("", "", [])


def test_nothing_of_a_sabotaged_run_is_kept(tmp_path):
    engine = Sabotaged(PASSES, FAILS)
    shop = run_context(tmp_path, engine, CHECK)
    prove([cell()], shop, {})
    (record,) = shop.store.newest("fake").values()
    assert {o.ended for o in record.observations} == {"returned"}
    assert {o.ended for o in shop.store.observations(record.environment_key).values()} == {"returned"}


def test_only_checks_are_proven_and_proofs_survive_the_disk(tmp_path):
    found = prove([cell()], run_context(tmp_path, Sabotaged(PASSES, FAILS), CHECK), {})
    assert set(found) == {CHECK}
    (tmp_path / "proofs.json").write_bytes(proofs.written(found))
    assert proofs.load(SuiteFolder(folder=tmp_path)) == found
    assert proofs.load(SuiteFolder(folder=tmp_path / "elsewhere")) == {}


def test_a_check_that_was_never_seen_leaves_no_trace_in_the_file(tmp_path):
    (tmp_path / "proofs.json").write_bytes(
        proofs.written({"a.seen": Proof(digest="1", passed="here"), "a.not": Proof(digest="2")})
    )
    assert proofs.load(SuiteFolder(folder=tmp_path)) == {"a.seen": Proof(digest="1", passed="here")}
