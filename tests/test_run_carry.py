"""A proof stands on a check and its mutation: it outlives the harness, and another way of keying it."""

from __future__ import annotations

import shutil
from pathlib import Path

from supervised import HARNESS

from orchestrator import paths
from orchestrator.run.carry import carried, main
from orchestrator.run.suite import Proof, load, load_proofs, save_proofs

CHECKS = """
import thing
from harness import check, subject

@check("made.up", "?")
def made_up():
    with subject("x"):
        thing.thing()

@check("made.too", "?")
def made_too():
    with subject("x"):
        pass
"""


def suite(folder: Path) -> Path:
    """A suite of two checks with a mutation each, proven."""
    folder.mkdir()
    for path in paths.data("probes").glob("*.py"):
        if path.name in HARNESS or "harness" not in path.read_text(encoding="utf-8"):
            shutil.copyfile(path, folder / path.name)
    for path in folder.glob("mutations*.py"):
        path.unlink()
    (folder / "made.py").write_text(CHECKS)
    (folder / "thing.py").write_text("def thing():\n    pass\n")
    (folder / "mutations.py").write_text("def ways():\n    pass\n\nMUTATIONS = {}\n")
    (folder / "mutations_up.py").write_text("import mutations\nMUTATIONS = {'made.up': ('os', None)}\n")
    (folder / "mutations_too.py").write_text("MUTATIONS = {'made.too': ('os', None)}\n")
    save_proofs(
        folder, {p.id: Proof(digest=p.proof, passed="here", failed="there") for p in load(folder).probes.values()}
    )
    assert load(folder).proven == {"made.up", "made.too"}
    return folder


def append(path: Path, text: str = "\n# another line\n") -> None:
    path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")


def proven_after(folder: Path, name: str) -> set[str]:
    append(folder / name)
    return set(load(folder).proven)


def test_a_change_in_the_harness_unproves_nothing_and_makes_every_result_anew(tmp_path):
    folder = suite(tmp_path / "s")
    before = load(folder)
    assert proven_after(folder, "warm.py") == {"made.up", "made.too"}
    after = load(folder)
    assert {p.harness for p in before.probes.values()} != {p.harness for p in after.probes.values()}
    assert before.digest != after.digest
    assert [p.digest for p in before.probes.values()] == [p.digest for p in after.probes.values()]


def test_a_change_in_a_check_in_what_it_imports_or_in_its_mutation_unproves_it(tmp_path):
    assert proven_after(suite(tmp_path / "file"), "made.py") == set()
    assert proven_after(suite(tmp_path / "import"), "thing.py") == set()
    assert proven_after(suite(tmp_path / "own"), "mutations_too.py") == {"made.up"}
    assert proven_after(suite(tmp_path / "shared"), "mutations.py") == {"made.too"}


def test_a_mutation_does_not_make_a_result_anew(tmp_path):
    folder = suite(tmp_path / "s")
    before = load(folder).digest
    append(folder / "mutations_up.py")
    assert load(folder).digest == before


def test_proofs_of_another_keying_are_carried_over_where_nothing_they_stand_on_changed(tmp_path):
    old, new = suite(tmp_path / "old"), suite(tmp_path / "new")
    # the old way of keying: the harness in the digest of each
    append(old / "catalogue.py", "\n_listed = of\n\ndef of(directory):\n    found = _listed(directory)\n")
    append(old / "catalogue.py", "    for p in found['probes']:\n        p['digest'] = 'with ' + p.pop('proof')\n")
    append(old / "catalogue.py", "    return found\n")
    proofs = load_proofs(old)
    save_proofs(old, {n: Proof(digest=f"with {p.digest}", passed="a", failed="b") for n, p in proofs.items()})
    append(new / "mutations_up.py")
    (new / "proofs.json").unlink()

    assert main([str(old), str(new)]) == 0
    assert load_proofs(new) == {"made.too": Proof(digest=proofs["made.too"].digest, passed="a", failed="b")}
    assert load(new).proven == {"made.too"}


def test_a_proof_that_no_longer_held_is_not_carried_over(tmp_path):
    old, new = suite(tmp_path / "old"), suite(tmp_path / "new")
    append(old / "made.py")
    append(new / "made.py")
    assert carried(old, new) == {}
