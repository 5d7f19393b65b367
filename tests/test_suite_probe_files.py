"""Suites of probe files: the one that ships is whole and proven, and reading any of them runs none of it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from made_suites import check, places, suite
from staged import HARNESS, PROBES, load, shipped, stage
from supervised import oldest

from orchestrator.errors import UserError
from orchestrator.model import ProbeKind
from orchestrator.model.suite import Proof
from orchestrator.suite import probe_files

# ---------------------------------------------------------------- the suite that ships


def test_every_check_was_seen_to_pass_and_to_fail_as_it_stands_now():
    """But for those of the group gpu: they take a GPU to be proven, and count for nothing until then."""
    checks = {p.id for p in shipped().probes.values() if p.kind is ProbeKind.CHECK and p.group != "gpu"}
    assert len(checks) > 60
    assert checks - shipped().proven == set(), "run `compat prove`, see CONTRIBUTING.md"


def test_the_groups_are_as_large_as_their_promise():
    def count(group: str, kind: ProbeKind) -> int:
        return sum(p.group == group and p.kind is kind for p in shipped().probes.values())

    assert count("tensorflow", ProbeKind.CHECK) >= 12
    assert count("surgeon", ProbeKind.CHECK) >= 18
    assert count("seeds", ProbeKind.BEHAVIOUR) >= 15
    assert count("control", ProbeKind.CONTROL) == len(shipped().expects) == 7


def test_what_is_read_is_what_the_decorators_say_once_the_files_are_run(flat: Path):
    for python in filter(None, (sys.executable, oldest())):
        asked = subprocess.run([python, flat / "supervisor.py", "--catalogue"], capture_output=True, check=True)
        said = {entry["id"]: entry for entry in json.loads(asked.stdout)["probes"]}
        assert said.keys() == shipped().probes.keys()
        for name, probe in shipped().probes.items():
            spec, entry = shipped().specs[name], said[name]
            read = {"id": name, "question": probe.question, "group": probe.group, "source": probe.source, **spec}
            assert {k: v for k, v in entry.items() if k != "expects"} == read
            assert entry["expects"] == shipped().expects.get(name)


def test_the_files_probes_read_are_sent_with_them_and_what_wrote_them_is_not():
    sent = dict(shipped().files)
    assert sent["written/2.3.4/models.zip"].startswith(b"PK")
    assert {"written/2.3.4/expected.json", "written/2.8.0/models.zip", "supervisor.py"} <= set(sent)
    assert not [name for name in sent if name.endswith("write.py") or "__pycache__" in name]
    assert sum(len(content) for name, content in sent.items() if name.startswith("written/")) < 150_000


def test_the_harness_knows_its_own_files(flat: Path):
    code = f"import sys; sys.path.insert(0, {str(flat)!r}); import harness; print(*sorted(harness.HARNESS_FILES))"
    asked = subprocess.run([sys.executable, "-B", "-c", code], capture_output=True, check=True, text=True)
    assert tuple(asked.stdout.split()) == HARNESS


# ---------------------------------------------------------------- digests


def test_moving_files_into_other_folders_changes_no_digest_and_no_proof(tmp_path: Path):
    """The suite that ships, flat as it once was, has the digests that it has in its rooms."""
    flat = tmp_path / "flat"
    stage(shipped(), flat)
    for name in HARNESS:
        (flat / name).unlink()
    (flat / "controls.py").unlink()
    shutil.copy(PROBES / "suite.json", flat)
    shutil.copy(PROBES / "proofs.json", flat)
    moved = load(flat)
    assert moved.probes == shipped().probes
    assert (moved.digest, moved.proven) == (shipped().digest, shipped().proven)


def test_a_digest_is_taken_over_the_names_and_contents_of_files_alone(tmp_path: Path):
    """As it was when the first proofs were made; another way of taking it would unprove every check."""
    folder = suite(
        tmp_path / "s", one__made="import shared\nREADS = ('data/a.bin',)\n" + check(), two__shared="X = 1\n"
    )
    (folder / "one" / "data").mkdir()
    (folder / "one" / "data" / "a.bin").write_bytes(b"data")
    suite(folder, mutations_one='MUTATIONS = {"one.a": ("os.getcwd", None)}\n')
    probe = load(folder).probes["one.a"]
    assert probe.digest == "7a4b22d88956c795d23ef61080d62df900f258db4885dcc1b1f6c44dcfb0c92b"
    assert probe.proof == "3bf0560c567a18a3d23aace3e0e8117f5a3ab4545ef547501510a3ce60eaace0"


def test_a_digest_changes_with_its_file_what_that_imports_and_reads_and_with_nothing_else(tmp_path: Path):
    folder = suite(tmp_path / "s", made="import shared\n" + check(), shared="READS = ('a.bin',)\n", two=check("two.b"))
    data = folder / "a.bin"
    data.write_bytes(b"one")
    found = [load(folder)]
    data.write_bytes(b"two")
    found.append(load(folder))
    suite(folder, shared="READS = ('a.bin',)\nX = 1\n")
    found.append(load(folder))
    assert len({s.probes["one.a"].digest for s in found}) == 3
    assert len({s.probes["two.b"].digest for s in found}) == 1


def test_a_change_in_the_harness_unproves_nothing_and_makes_every_result_anew(tmp_path: Path):
    home = tmp_path / "home"
    shutil.copytree(PROBES / "harness", home / "harness", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(PROBES / "controls.py", home)
    folder = suite(tmp_path / "s", made=check())
    before = probe_files.load(places(folder), home)
    (home / "harness" / "warm.py").write_text((home / "harness" / "warm.py").read_text() + "\n# changed\n")
    after = probe_files.load(places(folder), home)
    assert before.digest != after.digest
    one, other = before.probes["one.a"], after.probes["one.a"]
    assert (one.digest, one.proof) == (other.digest, other.proof)
    assert one.harness != other.harness


def test_naming_what_brings_a_library_touches_only_the_probes_that_need_it(tmp_path: Path):
    folder = suite(tmp_path / "s", made=check(needs="'yaml',"), two=check("two.b", "'json',"))
    before = load(folder)
    (folder / "suite.json").write_text('{"distributions": {"yaml": ["pyyaml"]}}')
    after = load(folder)
    assert after.distributions == {"yaml": ("pyyaml",)}
    assert before.probes["one.a"].harness != after.probes["one.a"].harness
    assert before.probes["two.b"] == after.probes["two.b"]


# ---------------------------------------------------------------- proofs


def proven_after(folder: Path, name: str) -> set[str]:
    """What is still proven of a proven suite once a line is added to a file."""
    suite(
        folder,
        made="import thing\n" + check("made.up") + check("made.too").replace("holds", "too"),
        thing="def thing():\n    pass\n",
        mutations="def ways():\n    pass\n\nMUTATIONS = {}\n",
        mutations_up="import mutations\nMUTATIONS = {'made.up': ('os', None)}\n",
        mutations_too="MUTATIONS = {'made.too': ('os', None)}\n",
    )
    found = load(folder)
    proofs = {p.id: Proof(digest=p.proof, passed="here", failed="there") for p in found.probes.values()}
    for path, content in found.proof_files(proofs):
        path.write_bytes(content)
    assert load(folder).proven == {"made.up", "made.too"}
    with (folder / name).open("a") as file:
        file.write("\n# another line\n")
    return set(load(folder).proven)


def test_a_change_in_a_check_in_what_it_imports_or_in_its_mutation_unproves_it(tmp_path: Path):
    assert proven_after(tmp_path / "file", "made.py") == set()
    assert proven_after(tmp_path / "import", "thing.py") == set()
    assert proven_after(tmp_path / "own", "mutations_too.py") == {"made.up"}
    assert proven_after(tmp_path / "shared", "mutations.py") == {"made.too"}


def test_a_mutation_does_not_make_a_result_anew(tmp_path: Path):
    folder = suite(tmp_path / "s", made=check(), mutations_one="MUTATIONS = {'one.a': ('os', None)}\n")
    before = load(folder)
    suite(folder, mutations_one="MUTATIONS = {'one.a': ('sys', None)}\n")
    assert load(folder).digest == before.digest


def test_proofs_are_kept_beside_the_suite_they_are_of(tmp_path: Path):
    one, two = suite(tmp_path / "a", made=check()), suite(tmp_path / "b", other=check("two.b"))
    found = probe_files.load(places(one, two), PROBES)
    proofs = {p.id: Proof(digest=p.proof, passed="here", failed="there") for p in found.probes.values()}
    kept = dict(found.proof_files(proofs))
    assert {path: list(json.loads(content)) for path, content in kept.items()} == {
        one / "proofs.json": ["one.a"],
        two / "proofs.json": ["two.b"],
    }


# ---------------------------------------------------------------- nothing is run


def test_listing_a_suite_runs_none_of_its_code_and_writes_nothing(tmp_path: Path):
    note = f"open({str(tmp_path / 'note')!r}, 'w').close()\n"
    folder = suite(tmp_path / "s", made=note + check(), mutations=note + "MUTATIONS = {'one.a': ('os', None)}\n")
    before = sorted(folder.rglob("*"))
    assert "one.a" in load(folder).probes
    assert not (tmp_path / "note").exists()
    assert sorted(folder.rglob("*")) == before


# ---------------------------------------------------------------- several suites


def test_several_suites_run_in_one_container(tmp_path: Path):
    found = probe_files.load(places(PROBES, suite(tmp_path / "mine", arrays=check("arrays.a"))), PROBES)
    assert {"control.passes", "arrays.a", "surgeon.import"} <= set(found.probes)
    assert {"arrays.py", "surgeon_channels.py", "supervisor.py"} <= set(dict(found.files))
    assert found.probes["arrays.a"].harness == found.probes["control.passes"].harness


def test_the_controls_go_with_every_suite(tmp_path: Path):
    found = load(suite(tmp_path / "mine", arrays=check("arrays.a")))
    assert set(found.probes) == {"arrays.a", *shipped().expects}
    assert found.expects == shipped().expects


@pytest.mark.parametrize(
    ("second", "said"),
    [
        ({"other": check()}, r"other\.py:4: duplicate probe one\.a, first at .*made\.py:4"),
        ({"other": check("one.b")}, r"other\.py:4: another suite also has a group one, at .*made\.py:4"),
        ({"made": check("two.b")}, r"b/made\.py and .*a/made\.py have the same name made\.py"),
    ],
)
def test_two_suites_may_not_share_a_probe_a_group_or_a_module(tmp_path: Path, second: dict[str, str], said: str):
    with pytest.raises(UserError, match=said):
        probe_files.load(places(suite(tmp_path / "a", made=check()), suite(tmp_path / "b", **second)), PROBES)


def test_constants_of_other_modules_sums_and_parts_of_dictionaries_are_read(tmp_path: Path):
    folder = suite(
        tmp_path / "s",
        shared="NEEDS = ('json',)\nGUIDE = 'guide'\nLIMITS = {'long': -(-90)}\n",
        made="import shared\nfrom shared import GUIDE as G, LIMITS\nimport harness\n"
        "@harness.drift('one.' + 'a', '?', needs=shared.NEEDS + ('os',), source=G + ', 2', seconds=LIMITS['long'])\n"
        "def f(): pass\n",
    )
    probe = load(folder).probes["one.a"]
    assert (probe.kind, probe.needs, probe.source, probe.seconds) == ("drift", ("json", "os"), "guide, 2", 90)
