"""Wheels of choices that are on disk: taken as they are, or built by a builder task, once for each base."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from packaging.utils import canonicalize_name

from orchestrator.engine.docker_compile import MEMORY, PIDS, SECONDS, WHEEL_BYTES, Received, failure
from orchestrator.engine.limits import FILES
from orchestrator.errors import CellError, CellStatus, Phase, infra
from orchestrator.lock import sources, wheel_file
from orchestrator.lock.brought import Brought
from orchestrator.model import Base, Choice, Engine, Limits, LocalPackage, Task, digest
from orchestrator.store.files import write_whole

PROGRAMS = ("compile_local.py", "compile.py", "indexes.py")


@dataclass(frozen=True, kw_only=True, slots=True)
class Builds:
    """The wheels of choices on disk, for one run. `script`: a program of `images/` by its name. Threads may share one.

    What a build came to is kept on the shelf under the sources, the base and the programs; a failure for this run only.
    """

    engine: Engine
    shelf: Path
    script: Callable[[str], bytes]
    _failed: dict[str, CellError] = field(default_factory=dict)
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def brought(self, choice: Choice, base: Base) -> Brought:
        """The wheel of a choice, for this base. Raises CellError."""
        local = choice.local
        if local is None or not local.sha256:
            raise infra(Phase.RESOLVE, "local", f"what {choice} is on disk was not read")
        package = canonicalize_name(choice.axis.package or choice.axis.name)
        if local.wheel:
            return Brought(wheel=_read(self.shelf / local.sha256 / local.filename), local=local)
        with self._turn:
            return Brought(wheel=_read(self._built(local, package, base)), local=local)

    def _built(self, local: LocalPackage, package: str, base: Base) -> Path:
        programs = [self.script(name).decode() for name in PROGRAMS]
        key = digest([local.sha256, package, base.identity, programs])[:32]
        noted = self.shelf / "built" / f"{key}.json"
        known: dict[str, str] = json.loads(noted.read_bytes()) if noted.exists() else {}
        kept = self.shelf / known.get("sha256", "-") / known.get("filename", "-")
        if _intact(kept):
            return kept
        if key in self._failed:
            raise self._failed[key]
        try:
            kept = self._build(local, package, base)
        except CellError as error:
            if error.status is not CellStatus.INFRA:
                self._failed[key] = error
            raise
        write_whole(noted, json.dumps({"sha256": kept.parent.name, "filename": kept.name}).encode())
        return kept

    def _build(self, local: LocalPackage, package: str, base: Base) -> Path:
        """Builds a wheel in the base's builder, which has no network but the index, and takes in what comes out."""
        archive = self.shelf / local.sha256 / local.filename
        task = Task(
            command=(
                base.trusted, "-I", "-S", f"{FILES}/{PROGRAMS[0]}", package, local.filename, local.sha256,
                str(WHEEL_BYTES),
            ),
            files=(*((name, self.script(name)) for name in PROGRAMS), (local.filename, archive.read_bytes())),
            limits=Limits(cell_seconds=SECONDS, silence_seconds=SECONDS, memory=MEMORY, pids=PIDS),
            network=True,
            builder=True,
        )  # fmt: skip
        with sources.beside(self.shelf) as fresh:
            received = Received(target=fresh / "wheel")
            ended = self.engine.run(base.image, task, received.feed)
            if ended.code != 0 or ended.lost:
                raise failure(ended)
            try:
                return self._shelved(received, package)
            except ValueError as error:
                raise CellError(Phase.BUILD, CellStatus.UNINSTALLABLE, "build-fails", str(error)) from error

    def _shelved(self, received: Received, package: str) -> Path:
        """The wheel that came out, in its place. Raises ValueError where it is none of that package."""
        received.require_whole()
        named, _ = wheel_file.project_of(received.filename)
        if named != package:
            raise ValueError(f"it builds {received.filename}, which is not a wheel of {package}")
        made = received.target.rename(received.target.with_name(received.filename))
        return sources.shelve(made, self.shelf, wheel_file.read(made).sha256)


def _intact(path: Path) -> bool:
    if not path.exists():
        return False
    with path.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest() == path.parent.name


def _read(path: Path) -> wheel_file.WheelFile:
    try:
        wheel = wheel_file.read(path)
    except (OSError, ValueError) as error:
        raise infra(Phase.RESOLVE, "local", f"{path.name} can't be read where it was kept: {error}") from error
    if wheel.sha256 != path.parent.name:
        raise infra(Phase.RESOLVE, "local", f"{path.name} was changed where it was kept")
    return wheel
