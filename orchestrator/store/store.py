"""What was observed, on disk: appended as it arrives, read back whole.

Layout below the root (`.compat/` beside the matrix):

    runs/RUN/run.json           one execution: when, with which engine, on which matrix and suite
    runs/RUN/cells/CELL.json    what that run learned about a cell, whole or not there
    runs/RUN/logs/CELL.log      what building it printed
    cells/KIND/CELL.json        the newest record that is no infra trouble
    cells/KIND/CELL.infra.json  newer infra trouble, if any
    locks/KEY.json              a lock, or why there is none, as of a day
    audits/KEY.json             what an inspection of an image saw
    plan.json                   what the ranges of the matrix stood for when it was last read with the index
    observations/ENV.jsonl      every observation made in one environment, a line each, appended as it arrives

A run that is killed keeps every observation it had: the next one finds them under the environment's key.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, TypeVar

import msgspec
from filelock import FileLock, Timeout

from orchestrator.errors import CellStatus, UserError
from orchestrator.foreign import encodable
from orchestrator.model import Cell, CellRecord, Lock, Observation, RunInfo, digest
from orchestrator.store.files import write_whole
from orchestrator.store.publication import Known

T = TypeVar("T")

_LONGEST_LINE = 1 << 20
"""Bytes; an observation is bounded far below this."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LockResult:
    """A remembered answer of a resolver: the lock, or the finding that there is none."""

    lock: Lock | None = None
    status: CellStatus | None = None
    reason: str = ""
    detail: str = ""
    attribution: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Store:
    """The state of one matrix. Safe for several threads of one process; `locked` keeps other processes out."""

    root: Path
    _appending: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keeps other runs out of this store. Raises UserError where one is going on; a dead one's lock is no lock."""
        self.root.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(self.root / "run.lock", timeout=0):
                yield
        except Timeout as error:
            raise UserError(
                f"another run is going on in {self.root}", hint="Wait for it, or work in another folder."
            ) from error

    # ------------------------------------------------------------ runs and cells

    def begin(self, run: RunInfo) -> None:
        write_whole(self._run(run.id) / "run.json", _encode(run))

    def runs(self) -> tuple[RunInfo, ...]:
        """Every run, oldest first."""
        paths = sorted((self.root / "runs").glob("*/run.json"))
        return tuple(sorted((_decode(p, RunInfo) for p in paths), key=lambda r: (r.started, r.id)))

    def log_path(self, run_id: str, cell_id: str) -> Path:
        path = self._run(run_id) / "logs" / f"{cell_id}.log"
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def save(self, record: CellRecord) -> None:
        """Keeps a cell's record; trouble of ours never replaces the last good one."""
        content = _encode(record)
        write_whole(self._run(record.run) / "cells" / f"{record.cell.id}.json", content)
        folder = self._cells(record.engine.kind)
        trouble = folder / f"{record.cell.id}.infra.json"
        if record.status is CellStatus.INFRA:
            write_whole(trouble, content)
            return
        write_whole(folder / f"{record.cell.id}.json", content)
        trouble.unlink(missing_ok=True)

    def newest(self, kind: str) -> dict[str, CellRecord]:
        """Cell id → its newest judged record on a kind of engine; where there is none, the trouble that stopped it."""
        found: dict[str, CellRecord] = {}
        for path in sorted(self._cells(kind).glob("*.json")):
            record = _decode(path, CellRecord)
            trouble = path.name.endswith(".infra.json")
            if not trouble or record.cell.id not in found:
                found[record.cell.id] = record
        return found

    def has_records(self) -> bool:
        """Whether there is a record of any cell, on any engine."""
        return any((self.root / "cells").glob("*/*.json"))

    def record(self, kind: str, cell_id: str) -> CellRecord | None:
        """The newest judged record of one cell on a kind of engine."""
        path = self._cells(kind) / f"{cell_id}.json"
        return _decode(path, CellRecord) if path.exists() else None

    # ------------------------------------------------------------ the plan

    def known(self) -> Known | None:
        """What the ranges stood for when the index was last read; None where it never was."""
        path = self.root / "plan.json"
        return _decode(path, Known) if path.exists() else None

    def save_known(self, known: Known) -> None:
        write_whole(self.root / "plan.json", _encode(known))

    # ------------------------------------------------------------ locks

    def lock(self, key: str) -> LockResult | None:
        path = self.root / "locks" / f"{key}.json"
        return _decode(path, LockResult) if path.exists() else None

    def save_lock(self, key: str, result: LockResult) -> None:
        write_whole(self.root / "locks" / f"{key}.json", _encode(result))

    # ------------------------------------------------------------ audits

    def audit(self, key: str) -> object:
        """What a look into this very image saw, by this very program; None where there was none."""
        path = self.root / "audits" / f"{key}.json"
        return _decode(path, object) if path.exists() else None

    def save_audit(self, key: str, saw: object) -> None:
        write_whole(self.root / "audits" / f"{key}.json", _encode(saw))

    # ------------------------------------------------------------ observations

    def observe(self, environment_key: str, observation: Observation) -> None:
        """Appends one observation the moment it is made."""
        path = self._observations(environment_key)
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._appending, path.open("a+b") as lines:
            _drop_torn_line(lines)
            lines.write(_encode(observation))

    def observations(self, environment_key: str) -> dict[str, Observation]:
        """Probe key → the newest observation made in this environment.

        A last line that a killed run left half-written is dropped; anything else that can't be read is an error.
        """
        path = self._observations(environment_key)
        if not path.exists():
            return {}
        return {o.key: o for o in _lines(path)}

    # ------------------------------------------------------------ disk

    def size(self) -> int:
        """Bytes used by everything below the root."""
        return sum(p.stat().st_size for p in self.root.rglob("*") if p.is_file() and not p.is_symlink())

    def _cells(self, kind: str) -> Path:
        """Engines apart: what ran without isolation never stands in for what ran in a container."""
        return self.root / "cells" / kind

    def _run(self, run_id: str) -> Path:
        return self.root / "runs" / run_id

    def _observations(self, environment_key: str) -> Path:
        return self.root / "observations" / f"{environment_key}.jsonl"


def reused(observation: Observation, run: str) -> Observation:
    """The observation as evidence of a later run, naming the one it was made in."""
    return replace(observation, reused_from=observation.reused_from or run)


def lock_key(cell: Cell, base_identity: str, as_of: str) -> str:
    """What makes two resolutions the same: the choices and whose they are, extra pins, the base and the reading of the
    index.
    """
    packages = {c.axis.name: c.axis.package for c in cell.choices if c.axis.package}
    return digest([cell.axes, packages, [*cell.constraints, *cell.inputs], base_identity, as_of])[:32]


def _encode(value: object) -> bytes:
    try:
        return msgspec.json.encode(value) + b"\n"
    except UnicodeEncodeError:
        # a package may say half of a surrogate pair, which UTF-8 can't
        return msgspec.json.encode(encodable(msgspec.to_builtins(value))) + b"\n"


def _decode(path: Path, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except msgspec.MsgspecError as error:
        raise _unreadable(path, error) from error


def _drop_torn_line(lines: IO[bytes]) -> None:
    """Cuts what a killed run left of its last line, so that the next one starts on a line of its own."""
    end = lines.seek(0, os.SEEK_END)
    tail_start = max(0, end - _LONGEST_LINE)
    lines.seek(tail_start)
    tail = lines.read()
    if tail and not tail.endswith(b"\n"):
        lines.truncate(tail_start + tail.rfind(b"\n") + 1)


def _lines(path: Path) -> Iterator[Observation]:
    content = path.read_bytes()
    whole, _, _torn = content.rpartition(b"\n")
    for number, line in enumerate(whole.splitlines(), start=1):
        try:
            yield msgspec.json.decode(line, type=Observation)
        except msgspec.MsgspecError as error:
            raise _unreadable(path, error, number) from error


def _unreadable(path: Path, error: Exception, line: int = 1) -> UserError:
    return UserError(
        f"{path}:{line}: this record can't be read: {error}",
        hint="It was written by another version or damaged. Move the file away to run its cell again.",
    )
