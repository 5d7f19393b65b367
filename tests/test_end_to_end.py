"""The first seed's question, answered from containers with real TensorFlow; nothing here is faked."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import jsonschema
import pytest

pytestmark = pytest.mark.network
in_containers = pytest.mark.container

ROOT = Path(__file__).parent.parent
COMPAT = Path(sys.executable).parent / "compat"
SLICE = ("tf=2.3.4,2.4.1", "python=3.7", "kerassurgeon=0.2.0", "resolve=released")


def compat(folder: Path, *words: str, status: int = 0) -> str:
    """Runs the command in a folder with the flagship matrix; returns what it printed."""
    environment = {k: v for k, v in os.environ.items() if k not in ("CI", "GITHUB_ACTIONS")} | {"COLUMNS": "120"}
    done = subprocess.run(
        [COMPAT, *words], cwd=folder, env=environment, capture_output=True, text=True, timeout=1500, check=False
    )
    assert done.returncode == status, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A folder with the flagship and what the first run there printed."""
    folder = tmp_path_factory.mktemp("first")
    shutil.copy(ROOT / "matrix.yaml", folder)
    return folder, compat(folder, "run", "--engine", "docker", *SLICE)


def cells(folder: Path) -> dict[str, dict]:
    """TensorFlow version → the cell of the slice, from results.json."""
    document = json.loads((folder / "reports/latest/results.json").read_text())
    return {c["axes"]["tf"]: c for c in document["cells"] if c["status"] == "ran"}


@in_containers
def test_kerassurgeon_works_on_2_3_4_and_is_broken_on_2_4_1(first):
    folder, printed = first
    verdicts = {tf: c["verdicts"]["surgeon"]["verdict"] for tf, c in cells(folder).items()}
    assert verdicts == {"2.3.4": "works", "2.4.1": "broken"}
    assert "Does KerasSurgeon 0.2.0 work on TensorFlow 2.4.1?   NO" in printed
    assert "Does KerasSurgeon 0.2.0 work on TensorFlow 2.3.4?   YES" in printed


@in_containers
def test_what_breaks_it_is_one_finding(first):
    folder, printed = first
    failing = [p for p in cells(folder)["2.4.1"]["probes"] if p["group"] == "surgeon" and p["outcome"] == "fail"]
    assert len(failing) >= 18
    (signature,) = {p["signature"] for p in failing}
    assert "do not implement `__len__`" in signature
    assert printed.count("do not implement `__len__`") == 1


@in_containers
def test_controls_come_out_right_in_every_cell(first):
    folder, _ = first
    for cell in cells(folder).values():
        outcomes = {p["id"]: p["outcome"] for p in cell["probes"] if p["group"] == "control"}
        assert Counter(outcomes.values()) == {"pass": 2, "fail": 1, "crash": 2, "timeout": 1, "oom": 1}, outcomes


@in_containers
def test_every_check_that_ran_is_proven(first):
    folder, _ = first
    for cell in cells(folder).values():
        assert [p["id"] for p in cell["probes"] if p["kind"] == "check" and not p["proven"]] == []


@in_containers
def test_surgeon_remove_does_not_exist(first):
    folder, _ = first
    probes = {p["id"]: p for p in cells(folder)["2.3.4"]["probes"]}
    assert probes["surgeon.s000_example1"]["value"] == {"reached": "surgeon.remove", "raised": "AttributeError"}
    assert probes["surgeon.has_remove"]["value"] is False


@in_containers
def test_the_results_are_as_their_schema_says(first):
    folder, _ = first
    document = json.loads((folder / "reports/latest/results.json").read_text())
    jsonschema.validate(document, json.loads((ROOT / "docs/results.schema.json").read_text()))


@in_containers
def test_the_same_command_again_builds_nothing_starts_no_container_and_says_the_same(first):
    folder, _ = first

    def outputs() -> dict[str, bytes]:
        latest = {p.name: p.read_bytes() for p in (folder / "reports/latest").iterdir() if p.name != "results.json"}
        return latest | {p.name: p.read_bytes() for p in (folder / ".compat/locks").iterdir()}

    since = subprocess.run(["date", "+%s"], capture_output=True, text=True, check=True).stdout.strip()
    compat(folder, "run", "--engine", "docker", *SLICE)
    before = outputs()
    compat(folder, "run", "--engine", "docker", *SLICE)
    assert outputs() == before
    created = subprocess.run(
        ["docker", "events", "--since", since, "--until", "0s", "--filter", "event=create", "--format", "{{.ID}}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert created.stdout == ""


@in_containers
def test_a_python_without_a_wheel_needs_no_run(first):
    folder, _ = first
    printed = compat(folder, "run", "--engine", "docker", "tf=2.4.1", "python=3.9", "kerassurgeon=0.2.0")
    assert "has no wheel for Python 3.9" in printed
    assert "no wheel" in printed.split("?")[1]


@in_containers
def test_the_evidence_is_one_step_away(first):
    folder, _ = first
    found = cells(folder)
    shown = compat(folder, "show", found["2.4.1"]["id"], "surgeon.delete_channels.dense")
    assert "do not implement `__len__`" in shown
    assert "tensorflow-cpu==2.3.4" in compat(folder, "pins", found["2.3.4"]["id"])
    compat(folder, "pins", found["2.4.1"]["id"], status=2)


@pytest.mark.local
def test_without_an_engine_the_answer_comes_from_local_and_is_named_so(tmp_path):
    shutil.copy(ROOT / "matrix.yaml", tmp_path)
    words = ("tf=2.4.1", "python=3.7", "kerassurgeon=0.2.0", "resolve=released")
    printed = compat(tmp_path, "run", "--engine", "local", *words)
    assert "NOT isolated" in printed
    assert "Results of the local engine, not isolated" in printed
    assert "Does KerasSurgeon 0.2.0 work on TensorFlow 2.4.1?   NO" in printed
    assert "do not implement `__len__`" in printed
