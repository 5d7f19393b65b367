"""A look into an environment of this machine, by its own interpreter: for `compat cuda --here`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from orchestrator.errors import ExitCode, UserError

SECONDS = 600.0
"""The most one look may take."""
_COMPILERS = ("cc", "gcc", "clang")
_COMPILE_SECONDS = 60.0
_DRIVER = "libcuda.so.1"


@dataclass(frozen=True, kw_only=True, slots=True)
class Here:
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
        raise UserError(f"there is no interpreter {given or usual}", hint=hint)
    return found


def look(here: Here, environment: Mapping[str, str]) -> bytes:
    """What the program printed of the environment, as JSON.

    Without a compiler for the stand-in driver only what this machine's own driver lets TensorFlow see is seen. Raises
    UserError where the program could not be carried out; it is bounded in time, and leaves nothing behind.
    """
    with tempfile.TemporaryDirectory(prefix="compat-look-") as name:
        folder = Path(name)
        for file, content in here.files:
            (folder / file).write_bytes(content)
        request = {
            "stand_in": _stand_in(folder),
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
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=dict(environment),
        start_new_session=True,
    ) as program:
        try:
            out, errors = program.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired as error:
            _kill(program)
            raise UserError(f"{command[0]} did not end in {SECONDS:.0f} s", code=ExitCode.INFRA) from error
        except BaseException:
            _kill(program)
            raise
    lines = out.splitlines()
    if program.returncode != 0 or not lines:
        said = errors.decode("utf-8", "replace").strip().splitlines()
        raise UserError(
            f"{command[0]} could not look into its environment: {said[-1] if said else 'it said nothing'}",
            hint="Is it the interpreter of the environment that has TensorFlow? --python PATH names another.",
        )
    return lines[-1]


def _kill(program: subprocess.Popen[bytes]) -> None:
    """Ends it with all it started."""
    try:
        os.killpg(program.pid, 9)
    except ProcessLookupError:
        return


def _stand_in(folder: Path) -> str:
    """The stand-in driver as a shared object below `folder`; "" where nothing here compiles it."""
    compiler = next((found for name in _COMPILERS if (found := shutil.which(name))), None)
    if compiler is None:
        return ""
    made = folder / "driver" / _DRIVER
    made.parent.mkdir()
    command = [compiler, "-shared", "-fPIC", "-O1", "-o", str(made), str(folder / "stand_in.c")]
    done = subprocess.run(command, capture_output=True, check=False, timeout=_COMPILE_SECONDS)
    return str(made) if done.returncode == 0 else ""
