"""A look into an environment of this machine, by its own interpreter: for `compat cuda --here`."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from orchestrator.engine import bounded_process
from orchestrator.errors import ExitCode, UserError
from orchestrator.model.host import Reply

SECONDS = 600.0
"""The most one look may take."""
MOST = 8_000_000
"""Bytes that what it saw may take."""
_COMPILERS = ("cc", "gcc", "clang")
_COMPILE_SECONDS = 60.0
_DRIVER = "libcuda.so.1"


@dataclass(frozen=True, kw_only=True, slots=True)
class EnvironmentTools:
    """What to look with: the program's files by name, the interpreter of the environment, library folders on top."""

    files: tuple[tuple[str, bytes], ...]
    python: str
    folders: tuple[str, ...] = ()


def interpreter(given: str | None, environment: Mapping[str, str]) -> str:
    """The interpreter of the active environment, or the one that was named.

    Raises UserError where there is none.
    """
    active = environment.get("VIRTUAL_ENV") or environment.get("CONDA_PREFIX")
    usual = str(Path(active) / "bin" / "python") if active else "python3"
    found = shutil.which(given or usual)
    if found is None:
        hint = "Name the interpreter of your environment: compat cuda --here --python PATH"
        raise UserError(f"no such interpreter: {given or usual}", hint=hint)
    return found


def inspect_environment(here: EnvironmentTools, environment: Mapping[str, str]) -> bytes:
    """What the program printed of the environment, as JSON.

    Without a compiler for the stand-in driver only what this machine's own driver lets TensorFlow see is seen. Raises
    UserError where the program could not be carried out; it is bounded in time, and leaves nothing behind.
    """
    with tempfile.TemporaryDirectory(prefix="compat-look-") as name:
        folder = Path(name)
        for file, content in here.files:
            (folder / file).write_bytes(content)
        request = {
            "stand_in": _stand_in(folder, environment),
            "folders": list(here.folders),
            "seconds": int(SECONDS) - 60,
            "fixes": True,
            "oldest_driver": False,
            "kernels": True,
            "work": str(folder / "work"),
        }
        (folder / "work").mkdir()
        (folder / "request.json").write_text(json.dumps(request), encoding="utf-8")
        command = [here.python, "-B", str(folder / "look.py"), str(folder / "request.json")]
        return _answer(command, environment)


def _answer(command: list[str], environment: Mapping[str, str]) -> bytes:
    said = bounded_process.run(command, SECONDS, environment, MOST)
    lines = said.text.splitlines()
    if said.answer.reply is Reply.SILENT:
        raise UserError(f"{command[0]} did not finish within {SECONDS:.0f} s", code=ExitCode.INFRA)
    if not said.answer.answered or not lines:
        last = said.answer.said.splitlines()[-1:] or [f"it printed nothing ({said.answer.reply})"]
        raise UserError(
            f"{command[0]} could not inspect its environment: {last[0]}",
            hint="Is it the interpreter of the environment that has TensorFlow? --python PATH names another.",
        )
    return lines[-1].encode()


def _stand_in(folder: Path, environment: Mapping[str, str]) -> str:
    """The stand-in driver as a shared object below `folder`; "" where nothing here compiles it."""
    compiler = next((found for name in _COMPILERS if (found := shutil.which(name))), None)
    if compiler is None:
        return ""
    made = folder / "driver" / _DRIVER
    made.parent.mkdir()
    command = [compiler, "-shared", "-fPIC", "-O1", "-o", str(made), str(folder / "stand_in.c")]
    return str(made) if bounded_process.run(command, _COMPILE_SECONDS, environment).answer.answered else ""
