"""A project of three cells and the command `compat` on it, as a process of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from second_daemon import SecondDaemon

from orchestrator.errors import CellStatus, ExitCode
from orchestrator.model import CellRecord, Observation
from orchestrator.store import records

VERSIONS = ("1.14.0", "1.15.0", "1.16.0")
MATRIX = f"""
schema: 1
title: six on Python
axes:
  six: {{package: six, choices: {json.dumps(VERSIONS)}, subject: true}}
  python: {{kind: python, choices: ["3.11"]}}
  resolve: {{kind: resolve, choices: [released]}}
limits: {{memory: 512m}}
"""
CONTROLS = 7
SOON = 150.0
"""Seconds; what takes a few on an idle machine takes long on a busy one."""


@dataclass
class Project:
    """A folder with the tiny matrix, and the command on it, with the daemon that `host` names."""

    folder: Path
    host: str

    def start(self, *options: str, **variables: str) -> subprocess.Popen[str]:
        program = shutil.which("compat", path=os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"])))
        assert program, "the command `compat` is not installed"
        # A shell's background processes ignore Ctrl-C, and so would what they start.
        interruptible = ("env", "--default-signal=INT,TERM,HUP")
        return subprocess.Popen(
            [*interruptible, program, "run", "--engine", "docker", "--as-of", "2025-01-01", *options],
            cwd=self.folder,
            env={**os.environ, "DOCKER_HOST": self.host, "COLUMNS": "160", **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, *options: str) -> tuple[int, str]:
        """Exit status and everything that was printed, which is never a traceback."""
        return ended(self.start(*options))

    def records(self) -> dict[str, CellRecord]:
        """Version of six → what is kept of its cell, good or not."""
        found: dict[str, CellRecord] = {}
        for path in sorted((self.folder / ".compat" / "cells" / "docker").glob("*.json")):
            record = records.decode(records.CELL, path.read_bytes())
            found.setdefault(record.cell["six"].name, record)
        return found

    def ran(self) -> set[str]:
        return {version for version, record in self.records().items() if record.status is CellStatus.RAN}

    def observations(self) -> list[Observation]:
        """Every observation that is kept, of whatever run."""
        paths = (self.folder / ".compat" / "observations").glob("*.jsonl")
        return [records.decode(records.OBSERVATION, line) for p in paths for line in p.read_bytes().splitlines()]


def ended(process: subprocess.Popen[str], seconds: float = 300) -> tuple[int, str]:
    with process:
        try:
            said, _ = process.communicate(timeout=seconds)
        finally:
            process.kill()
    assert "Traceback" not in said, said
    return process.returncode, said


def until(condition: Callable[[], object], seconds: float = SOON) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.05)


def middle(project: Project, daemon: SecondDaemon) -> bool:
    """Whether a cell is done and another one's container is there."""
    return bool(project.ran() and daemon.containers())


def goes_on(project: Project) -> None:
    """The same command again finishes, and asks nothing again that was answered."""
    kept = {(o.key, o.reused_from) for o in project.observations()}
    before = {version: record.run for version, record in project.records().items() if version in project.ran()}
    assert before
    status, said = project.run()
    assert status == ExitCode.OK, said
    records = project.records()
    assert project.ran() == set(VERSIONS)
    for version in VERSIONS:
        assert len(records[version].observations) == CONTROLS
    for version, run in before.items():
        assert {o.reused_from for o in records[version].observations} == {run}
    after = [(o.key, o.reused_from) for o in project.observations()]
    assert kept <= set(after)
    assert len(after) == len({key for key, _ in after}) == CONTROLS * len(VERSIONS)
