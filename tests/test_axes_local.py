"""Choices that are on disk, as a matrix has them and as commands name them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from command import MATRIX, Command, Engine
from fakes import cell
from made_packages import WHEEL, repository, wheel

from orchestrator.errors import UserError
from orchestrator.matrix.document import parse
from orchestrator.model import Choice, LocalPackage
from orchestrator.run.scheduler import in_order

ENTRIES = f'[none, "0.2.0", ./dist/{WHEEL}, {{name: here, path: ../lib}}, {{name: next, git: ., ref: main}}]'
HERE = "kerassurgeon=here tf=2.4.1 python=3.7 resolve=released"


def matrix(entries: str) -> str:
    return MATRIX.replace('[none, "0.2.0"]', entries)


def listed(entries: str) -> dict[str, Choice]:
    return {choice.name: choice for choice in parse(matrix(entries), "matrix.yaml").axes[1].choices}


def test_a_path_a_folder_and_a_commit_are_choices_with_names() -> None:
    found = listed(ENTRIES)
    assert list(found) == ["none", "0.2.0", "local", "here", "next"]
    said = [(c.local.path, c.local.ref, c.local.wheel) for c in found.values() if c.local]
    assert said == [(f"dist/{WHEEL}", "", True), ("../lib", "", False), (".", "main", False)]


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("/etc", "expected a version"),
        ("{name: here, path: /etc}", "expected a path from the matrix's folder"),
        ("{name: here, path: ~/lib}", "expected a path from the matrix's folder"),
        ('{name: here, path: "a\\u202eb"}', "is not allowed"),
        ('{name: here, path: "a\\0b"}', "is not allowed"),
        ("{name: here}", "the key 'path' is missing"),
        ("{name: here, git: .}", "the key 'ref' is missing"),
        ("{name: here, git: ., ref: main, path: .}", "unknown key 'path'"),
        ('{name: here, git: ., ref: "--upload-pack=x"}', "expected a branch, a tag or a commit"),
        ('{name: here, git: ., ref: "a b"}', "expected a branch, a tag or a commit"),
        ("{name: none, path: .}", "already has a meaning"),
        ('{name: "v1.2", path: .}', "already has a meaning"),
        ("{name: latest, path: .}", "selectors reserve that word"),
        ("., ./lib", "'local' is listed twice"),
        ("dist/mine.whl", "a package on disk is written"),
    ],
)
def test_what_is_no_such_choice_is_refused_with_its_place(entry: str, said: str) -> None:
    with pytest.raises(UserError) as error:
        listed(f"[none, {entry}]")
    assert said in f"{error.value.message} {error.value.hint}"
    assert error.value.message.startswith("matrix.yaml:5:")


# ---------------------------------------------------------------- commands


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    monkeypatch.chdir(tmp_path)
    for name in ("CI", "FORCE_COLOR", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "matrix.yaml").write_text(matrix('[none, "0.2.0", {name: here, path: lib}]'))
    return Command(tmp_path, Engine(), capsys)


def test_a_choice_is_read_only_where_it_is_run(own: Command) -> None:
    assert own("plan")[0] == 0
    assert own("run --yes kerassurgeon=0.2.0 tf=2.4.1 python=3.7 resolve=released")[0] == 0
    status, _, err = own(f"run --yes {HERE}")
    assert (status, "axes.kerassurgeon.choices[2].path: lib is missing" in err) == (2, True), err
    assert own("table")[0] == 0


def test_nothing_of_a_folder_runs_on_this_machine(own: Command) -> None:
    ran = own.folder / "ran"
    repository(own.folder / "lib", setup=f"open({str(ran)!r}, 'w')\n")
    for line in ("plan", f"run --yes {HERE}", f"show {HERE}", "table"):
        assert own(line)[0] == 0, line
    assert not ran.exists()


def test_a_cell_keeps_its_id_and_what_was_taken_is_on_record(own: Command) -> None:
    repository(own.folder / "lib")
    ids = []
    for text in ("ANSWER = 1\n", "ANSWER = 2\n"):
        (own.folder / "lib" / "mine.py").write_text(text)
        status, out, err = own(f"run --yes {HERE}")
        assert (status, "Nothing new to run" in out + err) == (0, False)
        (path,) = (own.folder / ".compat" / "cells" / "docker").glob("*.json")
        chosen = next(c for c in json.loads(path.read_bytes())["cell"]["choices"] if c["name"] == "here")
        ids.append((path.name, chosen["local"]["sha256"]))
    (first, before), (second, after) = ids
    assert (first == second, before == after) == (True, False)
    assert "Nothing new to run" in "".join(own(f"run --yes {HERE}")[1:])


def test_the_newest_version_leads_and_what_is_on_disk_before_it() -> None:
    local = cell(subject="here")
    choices = tuple(replace(c, local=LocalPackage(path=".")) if c.name == "here" else c for c in local.choices)
    ordered = in_order([cell(subject="0.2.0"), replace(local, choices=choices), cell(subject="0.10.0")])
    assert [c.get("kerassurgeon") for c in ordered] == ["here", "0.10.0", "0.2.0"]


def test_a_combination_may_name_what_the_matrix_has_on_disk(own: Command) -> None:
    line = "try tf=2.4.1 kerassurgeon=here python=3.7"
    status, _, err = own(line)
    assert (status, "lib is missing" in err) == (2, True)
    repository(own.folder / "lib")
    assert own(line)[0] == 0


# ---------------------------------------------------------------- in containers

SUITE = """
from harness import check, expect, subject

@check("answers.total", "Does mine answer?", needs=("mine",))
def total():
    import mine

    with subject("mine"):
        expect(False, "it answers %s" % mine.ANSWER)
"""
OWN = f"""\
schema: 1
title: mine
suites: [probes]
axes:
  mine:
    package: mine
    subject: true
    choices: [{{name: here, path: lib}}, {{name: tagged, git: lib, ref: v1}}, ./{WHEEL}]
  python: {{kind: python, choices: ["3.11"]}}
  resolve: {{kind: resolve, choices: [released, pip-today]}}
groups:
  answers: {{core: [answers.total]}}
limits: {{probe_seconds: 30, memory: 1g}}
"""


@pytest.mark.container
@pytest.mark.network
def test_a_wheel_a_folder_and_a_commit_answer_in_containers(tmp_path: Path) -> None:
    (tmp_path / "probes").mkdir()
    (tmp_path / "probes" / "answers.py").write_text(SUITE)
    (tmp_path / "matrix.yaml").write_text(OWN)
    (tmp_path / WHEEL).write_bytes(wheel(body="ANSWER = 9\n"))
    folder = repository(
        tmp_path / "lib", setup=f"import setuptools\nopen('/tmp/{tmp_path.name}', 'w')\nsetuptools.setup()\n"
    )
    (folder / "mine.py").write_text("ANSWER = 43\n")
    command = [str(Path(sys.executable).parent / "compat"), "run", "--yes", "--engine", "docker"]
    done = subprocess.run(command, cwd=tmp_path, env=dict(os.environ), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    seen = [json.loads(path.read_bytes()) for path in (tmp_path / ".compat" / "cells" / "docker").glob("*.json")]
    said = {(c["name"], json.dumps(r["observations"])) for r in seen for c in r["cell"]["choices"]}
    for name, answer in (("here", 43), ("tagged", 42), ("local", 9)):
        answers = [f"it answers {answer}" in text for choice, text in said if choice == name]
        assert answers == [True, True]
    assert not Path("/tmp", tmp_path.name).exists()
