"""README.md is short, and shows what its command prints."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from orchestrator.cli.main import status_of

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")


def test_it_is_read_in_a_minute():
    assert len(README.splitlines()) < 120


def test_the_table_is_what_the_command_prints_from_published_results(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COLUMNS", raising=False)
    shown = README.split("```\n")[1]
    command = re.search(r"output of `compat ([^`]+)`", README)
    assert command is not None
    assert status_of(shlex.split(command[1])) == 0
    assert capsys.readouterr().out.strip() == shown.strip()


def test_the_commands_are_those_that_ci_and_contributors_use():
    root = Path(__file__).parent.parent
    sessions = set(re.findall(r"^def (\w+)\(session", (root / "noxfile.py").read_text(encoding="utf-8"), re.MULTILINE))
    pages = README + (root / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = {name for words in re.findall(r"nox -s ((?:[a-z]+ ?)+)", pages) for name in words.split()}
    assert {"engine", "matrix", "lint", "tests"} <= named
    assert named - sessions == set()
