"""Finds a CPython of a given minor on this machine, or gets a relocatable one."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uv

from orchestrator import paths
from orchestrator.engine import bootstrap
from orchestrator.errors import Attribution, CellError, CellStatus, Phase
from orchestrator.model import BaseSpec

_ASK_SECONDS = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class Python:
    """An interpreter of this machine and what `images/verify.py` says of it."""

    path: Path
    facts: Mapping[str, Any]

    @property
    def identity(self) -> list[str]:
        """What makes two interpreters the same: the program's own bytes, its version, the C library."""
        content = hashlib.sha256(self.path.resolve().read_bytes()).hexdigest()
        return [content, str(self.facts["full_version"]), str(self.facts["glibc"])]


def find(spec: BaseSpec, root: Path, log: Path, stopping: threading.Event) -> Python:
    """The first CPython of `spec.python` that runs here; else the spec's relocatable one, kept under `root`.

    Raises CellError(start, unavailable, "no-python") with how to get one.
    """
    for path in _candidates(spec.python):
        found = _verified(path, spec)
        if found is not None:
            return found
    detail = f"no CPython {spec.python} on this machine; `uv python install {spec.python}` gets one"
    if spec.artifact:
        try:
            found = _verified(_relocatable(spec, root, log, stopping), spec)
        except CellError as error:
            detail = f"{detail} (tried {spec.artifact}: {error.detail})"
        if found is not None:
            return found
    raise CellError(Phase.START, CellStatus.UNAVAILABLE, "no-python", detail, attribution=Attribution.BASE)


def _candidates(minor: str) -> Iterator[Path]:
    """Interpreters by name on PATH, then pyenv's, then what uv knows of (it downloads nothing)."""
    name = f"python{minor}"
    for folder in os.environ.get("PATH", os.defpath).split(os.pathsep):
        found = shutil.which(name, path=folder) if folder else None
        if found:
            yield Path(found)
    home = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    yield from sorted(home.glob(f"versions/{minor}.*/bin/{name}"), reverse=True)
    said = _ask([uv.find_uv_bin(), "python", "find", "--no-python-downloads", "--system", minor])
    if said:
        yield Path(said.strip())


def _relocatable(spec: BaseSpec, root: Path, log: Path, stopping: threading.Event) -> Path:
    place = root / "pythons" / hashlib.sha256(spec.artifact.encode()).hexdigest()[:20]
    name = f"bin/python{spec.python}"
    if not (place / "python" / name).exists():
        fresh = place.with_name(f"{place.name}.{os.getpid()}.part")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        try:
            bootstrap.artifact(spec, fresh, log, stopping)
            fresh.rename(place)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
    return place / "python" / name


def _verified(path: Path, spec: BaseSpec) -> Python | None:
    said = _ask([str(path), "-I", str(paths.data("images") / "verify.py")])
    if said is None:
        return None
    facts = json.loads(said.splitlines()[-1])
    fits = str(facts["full_version"]).startswith(f"{spec.python}.") and facts["implementation"] == "CPython"
    return Python(path=path, facts=facts) if fits and facts["machine"] == "x86_64" else None


def _ask(command: list[str]) -> str | None:
    """What a program prints; None where it can't be run, fails or takes too long."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_ASK_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 and done.stdout.strip() else None
