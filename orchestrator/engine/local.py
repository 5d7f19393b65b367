"""The local engine: virtual environments and plain processes, so that the first command works anywhere.

It isolates nothing: probes see this machine's files and network, of all limits only time is held, and source
distributions are compiled on this machine, where their `setup.py` runs. Its results are named as such everywhere.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

import uv
from filelock import FileLock

from orchestrator.engine import (
    limits,
    local_build,
    local_index,
    local_libraries,
    local_process,
    local_python,
    outputs,
    owner,
)
from orchestrator.engine.registry import LOCAL
from orchestrator.errors import CellError, CellStatus, ExitCode, Phase, UserError, infra
from orchestrator.model import (
    FIXED_VARIABLES,
    Base,
    BaseSpec,
    EngineId,
    Exit,
    Prepared,
    Recipe,
    Stored,
    Task,
    digest,
)

_MARKER = "compat.json"
_LIBRARIES = "libraries"
"""What a marker keeps the places of libraries under."""
_OWNER = "owner"
_PASSED = ("LD_LIBRARY_PATH", "PATH")


def default_root() -> Path:
    """Where environments are kept when nothing else is said: the user's cache folder."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "compat-matrix" / "local"


class LocalEngine:
    """`model.Engine` without containers. References are the folders of environments under `root`."""

    kind = LOCAL
    enforces = LOCAL.holds

    def __init__(self, root: Path | None = None) -> None:
        self._root = (root or default_root()).absolute()
        self._wheels = self._root / "wheels"
        self._stopping = threading.Event()

    def check(self) -> EngineId:
        """Answers without a version; raises UserError(NO_ENGINE) on what is not Linux on x86-64."""
        if sys.platform != "linux" or platform.machine() != "x86_64":
            raise UserError(
                f"the local engine needs Linux on x86_64, this is {sys.platform} on {platform.machine()}",
                hint="use --engine docker",
                code=ExitCode.NO_ENGINE,
            )
        return self.kind.id()

    def halt(self) -> None:
        self._stopping.set()

    def close(self) -> None:
        """Nothing runs beside its tasks."""

    # ------------------------------------------------------------ bases

    def base(self, spec: BaseSpec, log: Path) -> Base:
        """An environment with pip on an interpreter of this machine. Raises CellError(start, unavailable)."""
        found = local_python.find(spec, self._root, log, self._stopping)
        identity = digest([*found.identity, str(found.path)])
        folder = self._root / "bases" / f"{spec.name}-{identity[:12]}"
        with self._only_one(f"base-{folder.name}"):
            if not (folder / _MARKER).exists():
                shutil.rmtree(folder, ignore_errors=True)
                command = [uv.find_uv_bin(), "venv", "--seed", "--no-project", "--python", str(found.path), str(folder)]
                making = local_build.Build(folder=folder, log=log, cache=self._wheels, stopping=self._stopping)
                local_build.must(command, making, infra(Phase.START, "base", ""), local_build.network())
                _write(folder / _MARKER, {"identity": identity})
        return Base(
            name=spec.name,
            python=spec.python,
            full_version=str(found.facts["full_version"]),
            glibc=str(found.facts["glibc"]),
            image=str(folder),
            identity=identity,
            interpreter=str(folder / "bin" / "python"),
            lacks=tuple(found.facts["lacks"]),
            cpu_flags=tuple(found.facts["cpu_flags"]),
            trusted=str((folder / "bin" / "python").resolve()),
        )

    def fetch(self, reference: str) -> str:
        """Never: there are no images here. Raises CellError(start, unavailable)."""
        raise CellError(Phase.START, CellStatus.UNAVAILABLE, "no-image", f"the local engine does not fetch {reference}")

    # ------------------------------------------------------------ environments

    def prepare(self, recipe: Recipe, log: Path) -> Prepared:
        """The recipe's environment, built where it is not there yet, and then whole or not at all."""
        began = time.monotonic()
        folder = self._root / "venvs" / recipe.key[:20]
        with self._only_one(f"venv-{folder.name}"):
            # environments that an earlier version made do not say where their libraries are
            lost = recipe.on_top is not None and _LIBRARIES not in _known(str(folder))
            built = lost or not (folder / _MARKER).exists()
            if built:
                self._make(recipe, folder, log)
            known = json.loads((folder / _MARKER).read_bytes())
            (folder / _MARKER).touch()
        return Prepared(
            key=recipe.key,
            reference=str(folder),
            interpreter=str(folder / "bin" / "python"),
            trusted=recipe.base.trusted,
            built=built,
            seconds=time.monotonic() - began,
            size=known["size"],
            environment=tuple(_variables(str(folder)).items()),
        )

    def _make(self, recipe: Recipe, folder: Path, log: Path) -> None:
        """Makes an environment in its place; its marker, which comes last, says that it is whole."""
        shutil.rmtree(folder, ignore_errors=True)
        making = local_build.Build(
            folder=folder, log=log, cache=self._wheels, stopping=self._stopping, shelf=recipe.shelf
        )
        try:
            local_build.make(recipe, making)
            known: dict[str, object] = {"environment": dict(recipe.environment)}
            if recipe.on_top is not None:
                known[_LIBRARIES] = local_libraries.lay_out(recipe, folder)
            _write(folder / _MARKER, {"key": recipe.key, "size": _size(folder), **known})
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise

    # ------------------------------------------------------------ running

    def run(self, reference: str, task: Task, on_line: Callable[[bytes], None]) -> Exit:
        """Runs a task on this machine; its files lie in a folder of its own, named where it says `/probes`.

        A builder task learns of the indexes through a proxy.
        """
        if not task.builder:
            return self._run(reference, task, on_line)
        log = self._root / "proxy.log"
        with local_index.proxy(self._root / "proxied", os.environ, log) as door:
            ended = self._run(reference, replace(task, command=tuple(door.wrapped(list(task.command)))), on_line)
            return replace(ended, trouble=door.trouble(solved=ended.code == 0))

    def _run(self, reference: str, task: Task, on_line: Callable[[bytes], None]) -> Exit:
        mark = uuid.uuid4().hex
        place = self._root / "tasks" / mark
        scratch = place / "tmp"
        scratch.mkdir(parents=True)
        try:
            (place / _OWNER).write_text(str(owner.current()))
            for name, content in task.files:
                _put(place / "probes", name, content)
            left = place / "probes" / outputs.FOLDER
            if task.outputs:
                left.mkdir(parents=True)
            start = local_process.ProcessSpec(
                command=[_here(part, place) for part in task.command],
                environment={**self._environment(reference, task, place), local_process.MARK: mark},
                folder=scratch,
                limits=task.limits,
            )
            ended = local_process.run(start, on_line, self._stopping)
            return replace(ended, **outputs.of_folder(left, task)) if task.outputs else ended
        except OSError as error:
            raise infra(Phase.START, "start", f"{task.command[0]}: {error}") from error
        finally:
            shutil.rmtree(place, ignore_errors=True)

    def _environment(self, reference: str, task: Task, place: Path) -> dict[str, str]:
        """Nothing of this shell's but where programs and libraries are."""
        found = {name: os.environ[name] for name in _PASSED if name in os.environ}
        programs = [str(Path(reference) / "bin"), found.get("PATH", os.defpath)]
        found |= dict(FIXED_VARIABLES)
        if task.builder:
            programs.insert(1, str(Path(uv.find_uv_bin()).parent))
            private = ("UV_CACHE_DIR", "PIP_CACHE_DIR")
            found |= {name: str(place / name.lower()) for name in private} | {"UV_PYTHON": f"{reference}/bin/python"}
        libraries = _known(reference).get(_LIBRARIES)
        if libraries:
            programs[1:1] = local_libraries.programs(libraries, reference)
        found |= _variables(reference) | {n: _here(value, place) for n, value in task.environment}
        return found | {"PATH": os.pathsep.join(programs), "TMPDIR": str(place / "tmp"), "HOME": str(place / "tmp")}

    # ------------------------------------------------------------ what is on disk

    def images(self) -> tuple[Stored, ...]:
        found = []
        for marker in sorted(self._root.glob(f"venvs/*/{_MARKER}")):
            known = json.loads(marker.read_bytes())
            used = datetime.fromtimestamp(marker.stat().st_mtime, UTC)
            found.append(Stored(reference=str(marker.parent), key=known["key"], size=known["size"], last_used=used))
        return tuple(found)

    def remove(self, references: Iterable[str]) -> int:
        """Removes environments."""
        before = self.disk_free()
        for reference in references:
            folder = Path(reference)
            if folder.parent != self._root / "venvs":
                raise ValueError(f"{reference} is not an environment in {self._root}")
            # Away under another name first: half an environment must not pass for one.
            doomed = folder.with_name(f"{folder.name}.gone")
            if folder.exists():
                folder.rename(doomed)
                shutil.rmtree(doomed, ignore_errors=True)
        return max(0, self.disk_free() - before)

    def reap(self) -> int:
        """Kills the process trees of runs of this host that are dead and removes their files; returns how many."""
        reaped = 0
        for place in sorted(self._root.glob("tasks/*")):
            noted = place / _OWNER
            whose = owner.parse({owner.LABEL: noted.read_text()}) if noted.exists() else None
            if whose is not None and owner.dead(whose):
                local_process.kill_marked(place.name)
                shutil.rmtree(place, ignore_errors=True)
                reaped += 1
        return reaped

    def drop_downloads(self) -> None:
        """Forgets the wheels that were fetched: what is installed needs them no more."""
        shutil.rmtree(self._wheels, ignore_errors=True)

    def disk_free(self) -> int:
        self._root.mkdir(parents=True, exist_ok=True)
        return shutil.disk_usage(self._root).free

    def _only_one(self, name: str) -> FileLock:
        """One thread of one process at a time makes one thing."""
        locks = self._root / "locks"
        locks.mkdir(parents=True, exist_ok=True)
        return FileLock(locks / f"{name}.lock")


def _known(reference: str) -> dict[str, Any]:
    """What an environment's marker says of it; nothing where it has none."""
    marker = Path(reference) / _MARKER
    found: dict[str, Any] = json.loads(marker.read_bytes()) if marker.exists() else {}
    return found


def _variables(reference: str) -> dict[str, str]:
    """What an environment itself sets for every process."""
    known = _known(reference)
    libraries = known.get(_LIBRARIES)
    found: dict[str, str] = known.get("environment", {})
    return (local_libraries.variables(libraries, reference, os.environ) if libraries else {}) | found


def _here(text: str, place: Path) -> str:
    """A path inside a container as the path it has here."""
    inside = limits.FILES
    return f"{place}/probes{text[len(inside) :]}" if text == inside or text.startswith(f"{inside}/") else text


def _put(folder: Path, name: str, content: bytes) -> None:
    path = PurePosixPath(name)
    path = path.relative_to(limits.FILES) if path.is_absolute() else path
    if ".." in path.parts or not path.parts:
        raise ValueError(f"{name!r} is not a path below {limits.FILES}")
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)


def _size(folder: Path) -> int:
    """Bytes of the files under `folder`, each file once however often it is linked."""
    stats = [(Path(where) / name).lstat() for where, _, names in os.walk(folder) for name in names]
    return sum({(s.st_dev, s.st_ino): s.st_blocks * 512 for s in stats}.values())


def _write(path: Path, content: dict[str, object]) -> None:
    fresh = path.with_suffix(".part")
    fresh.write_text(json.dumps(content, sort_keys=True))
    fresh.replace(path)
