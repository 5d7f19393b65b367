"""What was observed, on disk: appended as it arrives, read back whole.

Layout below the root (`.compat/` beside the matrix):

    runs/RUN/run.json           one execution: when, with which engine, on which matrix and suite
    runs/RUN/cells/CELL.json    what that run learned about a cell, whole or not there
    runs/RUN/logs/CELL.log      what building it printed
    cells/KIND/CELL.json        the newest record that is no infra trouble
    cells/KIND/CELL.infra.json  newer infra trouble, if any
    locks/KEY.json              a lock, or why there is none, as of a day
    audits/KEY.json             what an inspection of an image saw
    local/SHA256/FILE           wheels and sources that choices take from disk, and wheels built from them
    plan.json                   what the ranges of the matrix stood for when it was last read with the index
    observations/ENV.jsonl      every observation made in one environment, a line each, appended as it arrives

What each file holds, and under which schema number, is for `store.records` to know. A file that can't be read is an
error with its path: it is never overwritten, and never counts as no result.

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

from orchestrator.errors import CellStatus, UserError
from orchestrator.model import Cell, CellRecord, Observation, RunInfo, digest
from orchestrator.store import records
from orchestrator.store.files import write_whole
from orchestrator.store.garbage import no_collection
from orchestrator.store.publication import PlanSnapshot
from orchestrator.store.records import Audit, Form, LockResult
from orchestrator.store.unreadable import UnreadableRecord, refused

T = TypeVar("T")

_LONGEST_LINE = 1 << 20
"""Bytes; an observation is bounded far below this."""
_BEGINNINGS = (b'{"schema":', b'{"probe":')
"""Of a line of observations; the second without a number."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Store:
    """The state of one matrix. Safe for several threads of one process; `locked` keeps other processes out."""

    root: Path
    _appending: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keeps other runs out of this store. Raises UserError where one is going on; a dead one's lock is no lock."""
        from filelock import FileLock, Timeout  # reading needs none

        self.root.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(self.root / "run.lock", timeout=0):
                yield
        except Timeout as error:
            raise UserError(
                f"another run is using {self.root}", hint="Wait for it, or work in another folder."
            ) from error

    # ------------------------------------------------------------ runs and cells

    def begin(self, run: RunInfo) -> None:
        _write(self._run(run.id) / "run.json", records.RUN, run)

    def runs(self) -> tuple[RunInfo, ...]:
        """Every run, oldest first."""
        paths = sorted((self.root / "runs").glob("*/run.json"))
        found = (_read(path, records.RUN) for path in paths)
        return tuple(sorted((run for run in found if run), key=lambda r: (r.started, r.id)))

    def log_path(self, run_id: str, cell_id: str) -> Path:
        path = self._run(run_id) / "logs" / f"{cell_id}.log"
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def save(self, record: CellRecord) -> None:
        """Stores a cell's record. An infra record never replaces the last good one."""
        folder, name = self._cells(record.engine.kind), f"{record.cell.id}.json"
        trouble = folder / f"{record.cell.id}.infra.json"
        before = _read(trouble, records.CELL)
        _write(self._run(record.run) / "cells" / name, records.CELL, record)
        if record.status is CellStatus.INFRA:
            _write(trouble, records.CELL, record)
            return
        _write(folder / name, records.CELL, record)
        if before is not None:
            trouble.unlink()

    def newest(self, kind: str) -> dict[str, CellRecord]:
        """Cell id → its newest record on a kind of engine; the infra record only if there is no other."""
        found: dict[str, CellRecord] = {}
        with no_collection():
            for path in sorted(self._cells(kind).glob("*.json")):
                record, trouble = _read(path, records.CELL), path.name.endswith(".infra.json")
                if record and (not trouble or record.cell.id not in found):
                    found[record.cell.id] = record
        return found

    def has_records(self) -> bool:
        """Whether there is a record of any cell, on any engine."""
        return any((self.root / "cells").glob("*/*.json"))

    def record(self, kind: str, cell_id: str) -> CellRecord | None:
        """The newest record of one cell on a kind of engine that is not infra; None if there is none."""
        return _read(self._cells(kind) / f"{cell_id}.json", records.CELL)

    # ------------------------------------------------------------ the plan

    def snapshot(self) -> PlanSnapshot | None:
        """The plan as of the last reading of the index; None if it was never read."""
        return _read(self.root / "plan.json", records.PLAN)

    def save_snapshot(self, snapshot: PlanSnapshot) -> None:
        _write(self.root / "plan.json", records.PLAN, snapshot)

    # ------------------------------------------------------------ locks

    def lock(self, key: str) -> LockResult | None:
        """What was found under a key; None also where the lock names a file from disk that is no longer kept."""
        found = _read(self.root / "locks" / f"{key}.json", records.LOCK)
        own = [d for d in found.lock.distributions if d.origin] if found and found.lock else []
        return found if all((self.shelf / d.sha256 / d.filename).exists() for d in own) else None

    def save_lock(self, key: str, result: LockResult) -> None:
        _write(self.root / "locks" / f"{key}.json", records.LOCK, result)

    # ------------------------------------------------------------ audits

    def audit(self, key: str) -> object:
        """What an inspection saw of an image; None if there was none. The key covers image and program."""
        found = _read(self.root / "audits" / f"{key}.json", records.AUDIT)
        return None if found is None else found.saw

    def save_audit(self, key: str, saw: object) -> None:
        _write(self.root / "audits" / f"{key}.json", records.AUDIT, Audit(saw=saw))

    # ------------------------------------------------------------ observations

    def observe(self, environment_key: str, observation: Observation) -> None:
        """Appends one observation."""
        path = self._observations(environment_key)
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._appending, path.open("a+b") as lines:
            _drop_torn_line(lines, path)
            lines.write(records.encode(records.OBSERVATION, observation))

    def observations(self, environment_key: str) -> dict[str, Observation]:
        """Probe key → the newest observation made in this environment.

        A last line that a killed run left half-written is dropped; anything else that can't be read is an error.
        """
        return {o.key: o for o in _lines(self._observations(environment_key))}

    # ------------------------------------------------------------ disk

    def size(self) -> int:
        """Bytes used by everything below the root."""
        return sum(p.stat().st_size for p in self.root.rglob("*") if p.is_file() and not p.is_symlink())

    @property
    def shelf(self) -> Path:
        """The folder of files that no index has, as SHA256/FILENAME."""
        return self.root / "local"

    def _cells(self, kind: str) -> Path:
        """One folder per kind of engine: results without isolation never replace results from containers."""
        return self.root / "cells" / kind

    def _run(self, run_id: str) -> Path:
        return self.root / "runs" / run_id

    def _observations(self, environment_key: str) -> Path:
        return self.root / "observations" / f"{environment_key}.jsonl"


def reused(observation: Observation, run: str) -> Observation:
    """The observation as evidence of a later run, naming the one it was made in."""
    return replace(observation, reused_from=observation.reused_from or run)


def lock_key(cell: Cell, base_identity: str, as_of: str) -> str:
    """Equal for equal resolutions: digest of the choices and their packages, their content on disk, extra pins, inputs,
    base and `as_of`.
    """
    packages = {c.axis.name: c.axis.package for c in cell.choices if c.axis.package}
    held: list[object] = [cell.axes, packages, [*cell.constraints, *cell.inputs], base_identity, as_of]
    held += [[c.local.sha256, c.local.origin, c.local.uncommitted] for c in cell.choices if c.local]
    return digest(held)[:32]


def _read(path: Path, form: Form[T]) -> T | None:
    """The record in a file; None if there is no file. Raises UserError if it can't be read."""
    content = _content(path)
    try:
        return None if content is None else records.decode(form, content)
    except UnreadableRecord as why:
        raise refused(path, why) from why


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except (IsADirectoryError, PermissionError) as error:
        raise refused(path, UnreadableRecord(error.strerror or "")) from error


def _write(path: Path, form: Form[T], value: T) -> None:
    """Replaces a file. Raises UserError, and leaves it, if its present content can't be read: it may be foreign."""
    _read(path, form)
    write_whole(path, records.encode(form, value))


def _drop_torn_line(lines: IO[bytes], path: Path) -> None:
    """Cuts what a killed run left of its last line, so that the next one starts on a line of its own."""
    end = lines.seek(0, os.SEEK_END)
    tail_start = max(0, end - _LONGEST_LINE)
    lines.seek(tail_start)
    tail = lines.read()
    if tail.endswith(b"\n"):
        return
    whole, newline, torn = tail.rpartition(b"\n")
    _require_torn(torn, path, whole=bool(newline) or tail_start == 0)
    lines.truncate(tail_start + len(whole) + len(newline))


def _lines(path: Path) -> Iterator[Observation]:
    *whole, torn = (_content(path) or b"").split(b"\n")
    _require_torn(torn, path)
    for number, line in enumerate(whole, start=1):
        try:
            yield records.decode(records.OBSERVATION, line)
        except UnreadableRecord as why:
            raise refused(f"{path}:{number}", why) from why


def _require_torn(torn: bytes, path: Path, *, whole: bool = True) -> None:
    """Raises UserError for a last line without an end that no killed run left: it doesn't begin as ours do."""
    if not whole or not any(torn.startswith(b) or b.startswith(torn) for b in _BEGINNINGS):
        raise refused(path, UnreadableRecord("its last line is not part of a record"))
