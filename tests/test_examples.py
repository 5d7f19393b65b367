"""`examples/numpy-pandas`: a matrix and a suite of their own, as somebody who brings both would use them."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from command import Command, Engine
from matrix_index import TinyIndex
from staged import load, shipped

from orchestrator.app.services import of_host
from orchestrator.model import Distribution, Lock, digest

EXAMPLE = Path(__file__).parent.parent / "examples" / "numpy-pandas"
COMPAT = Path(sys.executable).parent / "compat"
OTHERS = re.compile(r"tensorflow|keras|cuda", re.IGNORECASE)
"""Words of another matrix's subject: a matrix without it has no use for them."""
RELEASES = {"numpy": ("1.26.4", "2.2.6"), "pandas": ("2.1.4", "2.2.3")}
WORKS = "numpy=1.26.4 pandas=2.2.3 python=3.11 resolve=released"


class Answering(Engine):
    """Controls come out as they must; pandas 2.1.4 can't be imported on numpy 2, where it was forced upon it."""

    def run(self, reference, task, on_line):
        expected = json.loads(dict(task.files)["plan.json"])["expected"]
        clash = expected["numpy"].startswith("2") and expected["pandas"] == "2.1.4"
        self.script = lambda probe: _clash(probe) if clash else _right(probe)
        return super(Engine, self).run(reference, task, on_line)


def _right(probe: str) -> dict[str, object]:
    wanted = dict(shipped().expects.get(probe, {"ended": "returned"}))
    if "exception" in wanted:
        wanted["exception"] = {"type": wanted["exception"], "message": "on purpose"}
    return wanted | {"output": wanted.pop("output_ends", "")}


def _clash(probe: str) -> dict[str, object]:
    if probe.startswith("control."):
        return _right(probe)
    error = {"type": "ValueError", "message": "numpy.dtype size changed, may indicate binary incompatibility"}
    return {"ended": "raised", "phase": "import", "within": "import pandas", "exception": error}


def _lock(cell, base, _index, _tools):
    named = {c.axis.package: c.name for c in cell.choices if c.axis.package}
    return Lock(
        python=base.python,
        platform="manylinux_2_31",
        device="cpu",
        strategy=cell.strategy,
        resolver="fake 1",
        cutoff=datetime(2026, 1, 1, tzinfo=UTC),
        distributions=tuple(
            Distribution(name=n, version=v, filename=f"{n}-{v}.whl", sha256=digest([n, v, cell.strategy]))
            for n, v in named.items()
        ),
    )


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """The command in a copy of the example."""
    folder = tmp_path / "example"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns(".compat", "reports", "__pycache__"))
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", "160")
    for name in ("CI", "FORCE_COLOR", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    services = {"suite": of_host({}).suite, "lock": _lock}
    return Command(folder, Answering(), capsys, index=TinyIndex(RELEASES), services=services)


def test_the_suite_of_the_example_is_proven_as_it_stands():
    suite = load(EXAMPLE / "probes")
    assert {name: suite.probes[name].kind for name in suite.homes} == {
        "frames.arithmetic": "check",
        "frames.csv": "check",
        "frames.scalar": "behaviour",
    }
    assert suite.proven == {"frames.arithmetic", "frames.csv"}, "run `compat prove`, see docs/probes-howto.md"


def test_no_output_of_the_example_says_a_word_of_another_subject(copied: Command):
    lines = [
        "plan", "run --yes", "table", "table --by finding", "table --by check", f"show {WORKS}", f"pins {WORKS}",
        "export --json", "export --catalogue", "why traceback.txt", "publish",
        "diff numpy=1.26.4 numpy=2.2.6 pandas=2.2.3 python=3.11",
    ]  # fmt: skip
    (copied.folder / "traceback.txt").write_text("ValueError: numpy.dtype size changed, may indicate\n")
    for line in lines:
        status, out, err = copied(line)
        assert (status, OTHERS.findall(out + err)) == (0, []), (line, out + err)
    names = [str(path.relative_to(copied.folder)) for path in copied.folder.glob("reports/**/*")]
    assert [name for name in names if OTHERS.search(name)] == []
    written = {path: path.read_text("utf-8") for path in copied.folder.glob("reports/**/*.*") if path.suffix != ".xz"}
    assert {"results.json", "table.md", "table.html"} <= {path.name for path in written}
    assert {str(path): OTHERS.findall(text) for path, text in written.items() if OTHERS.search(text)} == {}


def test_the_suite_that_the_guide_writes_is_one_and_its_matrix_plans(copied: Command):
    text = (EXAMPLE.parent.parent / "docs" / "probes-howto.md").read_text()
    (matrix,), (check, mutations) = (
        re.findall(rf"```{kind}\n(.*?)```", text, re.DOTALL) for kind in ("yaml", "python")
    )
    shutil.rmtree(copied.folder / "probes")
    (copied.folder / "probes").mkdir()
    (copied.folder / "matrix.yaml").write_text(matrix)
    (copied.folder / "probes" / "frames.py").write_text(check)
    (copied.folder / "probes" / "mutations_frames.py").write_text(mutations)
    assert copied("plan")[0] == 0
    suite = load(copied.folder / "probes")
    probe = suite.probes["frames.total"]
    assert probe.digest != probe.proof, "its mutation is part of what a proof stands on"
    for line in re.findall(r"^compat (.*)$", text, re.MULTILINE):
        status, out, err = copied(line)
        assert status == (1 if line.startswith("prove") else 0), (line, out + err)


# ---------------------------------------------------------------- in containers


def _compat(folder: Path, *words: str) -> tuple[int, str]:
    """Exit status and output of the installed command, called in a folder."""
    environment = {k: v for k, v in os.environ.items() if k not in ("CI", "GITHUB_ACTIONS")} | {"COLUMNS": "160"}
    done = subprocess.run(
        [COMPAT, *words], cwd=folder, env=environment, capture_output=True, text=True, timeout=1500, check=False
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout + done.stderr


@pytest.mark.container
@pytest.mark.network
def test_the_example_runs_is_proven_and_answers_in_containers(tmp_path: Path):
    folder = tmp_path / "example"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns(".compat", "reports", "__pycache__", "proofs.json"))
    one = ("numpy=1.26.4", "pandas=2.1.4,2.2.3", "python=3.11")
    status, said = _compat(folder, "run", "--engine", "docker", "--yes", *one)
    assert (status, OTHERS.findall(said)) == (0, []), said
    assert "no proven check of this group has a result here" in said

    status, said = _compat(folder, "prove", "--engine", "docker", *one)
    assert (status, OTHERS.findall(said)) == (0, []), said
    assert f"proofs are stored in {folder / 'probes' / 'proofs.json'}" in said.replace("\n", "")
    assert json.loads((folder / "probes" / "proofs.json").read_text()).keys() == {"frames.arithmetic", "frames.csv"}

    status, said = _compat(folder, "run", "--engine", "docker", "--yes", "numpy=2.2.6", "pandas=2.1.4", "python=3.11")
    assert (status, OTHERS.findall(said)) == (0, []), said
    status, said = _compat(folder, "table", "python=3.11")
    assert (status, OTHERS.findall(said)) == (0, []), said
    assert "Does pandas 2.2.3 work with numpy 1.26.4?   YES" in said
    assert "Does pandas 2.1.4 work with numpy 2.2.6?   NO" in said

    document = json.loads((folder / "reports" / "latest" / "results.json").read_text())
    ran = [cell for cell in document["cells"] if cell["status"] == "ran"]
    assert len(ran) == 3
    for cell in ran:
        ended = {p["id"]: p["outcome"] for p in cell["probes"] if p["group"] == "control"}
        assert sorted(ended.values()) == ["crash", "crash", "fail", "oom", "pass", "pass", "timeout"], ended
    values = {p["value"] for cell in ran for p in cell["probes"] if p["id"] == "frames.scalar" and p["value"]}
    assert values == {"1.5"}, "numpy 1 prints a scalar as the number"
