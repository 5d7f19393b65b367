"""The whole command over a small project: real matrix, store, verdicts and output; no index, engine or resolver."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fakes import BASE, FakeEngine, lock_of
from fakes import suite as suite_of
from matrix_index import TinyIndex

from orchestrator.app.services import Services, of_host
from orchestrator.cli.main import status_of
from orchestrator.model import IndexFile
from orchestrator.model.suite import Suite

MATRIX = """\
schema: 1
title: KerasSurgeon on TensorFlow
axes:
  tf: {package: tensorflow, choices: ["2.3.4", "2.4.1"]}
  kerassurgeon: {package: kerassurgeon, choices: [none, "0.2.0"], subject: true}
  python: {kind: python, choices: ["3.7", "3.9"]}
  device: {kind: device, choices: [cpu]}
  resolve: {kind: resolve, choices: [released, pip-today]}
exclude:
  - {python: "3.9", resolve: pip-today, reason: pip is tried on the oldest Python}
groups:
  environment: {core: [environment.tensorflow]}
  tensorflow: {where: {kerassurgeon: none}, core: [tensorflow.fit]}
  surgeon: {where: {kerassurgeon: "!none"}, core: [surgeon.dense], stands_on: [environment.tensorflow]}
questions:
  - {ask: "Does KerasSurgeon {kerassurgeon} work on TensorFlow {tf}?", group: surgeon}
"""
PROBES = ("environment.tensorflow", "tensorflow.fit", "tensorflow.save", "surgeon.dense")
RAISED = {
    "ended": "raised",
    "within": "surgeon.delete_channels",
    "output": "loading\n",
    "exception": {
        "type": "TypeError",
        "message": "no `__len__`",
        "frames": [{"file": "kerassurgeon/operations.py", "line": 7, "function": "delete_channels"}],
        "text": "Traceback (most recent call last):\nTypeError: no `__len__`",
    },
}


class Index(TinyIndex):
    """TensorFlow has wheels for CPython 3.7 only; everything else for any."""

    def files(self, package: str) -> tuple[IndexFile, ...]:
        found = super().files(package)
        if package != "tensorflow":
            return found
        wheel = "tensorflow-{}-cp37-cp37m-manylinux2010_x86_64.whl"
        return tuple(replace(f, filename=wheel.format(f.version), size=100_000_000) for f in found)

    def healthy(self, _packages: Iterable[str]) -> bool:
        return True


class Engine(FakeEngine):
    """KerasSurgeon fails on TensorFlow 2.4.1, as it does."""

    def __init__(self, name: str = "docker"):
        super().__init__(name=name, isolated=name != "local")
        self.version = ""

    def check(self):
        return self.kind.id("99" if self.name == "docker" else "")

    def base(self, spec, _log):
        return replace(BASE, name=spec.name, python=spec.python)

    def run(self, reference, task, on_line):
        self.version = json.loads(dict(task.files)["plan.json"])["expected"]["tensorflow"]
        broken = self.version == "2.4.1"
        self.script = lambda name: RAISED if broken and name == "surgeon.dense" else {"ended": "returned"}
        return super().run(reference, task, on_line)


def never_asked(*_: object) -> Index:
    """An index for what must not ask it."""
    return pytest.fail("the index was asked")


@dataclass
class Command:
    """Calls the command in `folder`; `engine` and `index` are what it finds there, `today` is its clock.

    `services` takes the place of services under the same names.
    """

    folder: Path
    engine: Engine
    captured: pytest.CaptureFixture[str]
    index: Index = field(
        default_factory=lambda: Index({"tensorflow": ("2.3.4", "2.4.1", "2.4.3"), "kerassurgeon": ("0.2.0",)})
    )
    suite: Suite = field(default_factory=lambda: suite_of(*PROBES))
    today: datetime | None = None
    services: dict[str, object] = field(default_factory=dict)

    def given(self) -> Services:
        """What the command works with."""
        return replace(
            of_host(os.environ),
            now=lambda: self.today or datetime.now(UTC),
            **(
                {
                    "index": lambda *_: self.index,
                    "engine": lambda _: self.engine,
                    "suite": lambda *_: self.suite,
                    "lock": lambda cell, base, _index, _tools: lock_of(cell, base),
                }
                | self.services
            ),
        )

    def __call__(self, line: str) -> tuple[int, str, str]:
        """Exit status, standard output, standard error of `compat LINE`."""
        return self.typed(*line.split())

    def typed(self, *arguments: str) -> tuple[int, str, str]:
        """The same of `compat` with these very arguments."""
        self.captured.readouterr()
        status = status_of(list(arguments), self.given())
        out, err = self.captured.readouterr()
        return int(status), out, err

    def id_of(self, **axes: str) -> str:
        """The full id of the one cell with these choices."""
        status, out, _ = self("export --json " + " ".join(f"{k}={v}" for k, v in axes.items()))
        (cell,) = json.loads(out)["cells"]
        assert status == 0
        return str(cell["id"])


@pytest.fixture(name="compat")
def compat_fixture(tmp_path, monkeypatch, capsys):
    (tmp_path / "matrix.yaml").write_text(MATRIX)
    monkeypatch.chdir(tmp_path)
    for name in ("COLUMNS", "CI", "FORCE_COLOR", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    return Command(tmp_path, Engine(), capsys)
