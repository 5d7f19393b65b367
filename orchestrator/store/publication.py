"""Published evidence: a plan and everything seen of it, in one small file that ships with the tool.

`evidence.json.xz` holds all that tables, answers and pins are derived from anew: the choices each range stood for,
the catalogue and which of its checks are proven, and every cell's record. What cells share (a distribution, a line of
a traceback, an observation that came out the same) is written once and referred to by its place. Equal input gives
equal bytes.
"""

from __future__ import annotations

import gc
import lzma
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec

from orchestrator.errors import Attribution, CellStatus, Phase, UserError
from orchestrator.model import (
    Base,
    Cell,
    CellRecord,
    Choice,
    Distribution,
    Ended,
    Frame,
    Lock,
    Observation,
    Probe,
    Raised,
    RunInfo,
    Strategy,
)

FILE = "evidence.json.xz"
SCHEMA = 1
BUDGET = 2_000_000
"""Bytes that everything published may take as it is shipped."""

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Catalogue:
    """What verdicts are read by: the probes, which of them are proven, and how each control must come out."""

    probes: Mapping[str, Probe]
    proven: frozenset[str]
    expects: Mapping[str, Mapping[str, object]]
    digest: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """What the ranges of a matrix stood for on a day. `source` is the digest of what the file says."""

    source: str
    as_of: datetime
    choices: tuple[tuple[Choice, ...], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Publication:
    """Evidence in hand. `records` is cell id → its record; `planned` and `tried` count combinations."""

    known: Known
    run: RunInfo
    catalogue: Catalogue
    records: Mapping[str, CellRecord]
    planned: int
    tried: int

    @property
    def day(self) -> str:
        """The day of its newest result, such as "2026-11-21"."""
        return max(
            (f"{r.dated:%Y-%m-%d}" for r in self.records.values() if r.dated), default=f"{self.run.started:%Y-%m-%d}"
        )


def load(folder: Path) -> Publication | None:
    """What was published in a folder; None where nothing was. Raises UserError for a file that can't be read."""
    path = folder / FILE
    if not path.exists():
        return None
    try:
        return decode(path.read_bytes())
    except (msgspec.MsgspecError, lzma.LZMAError, IndexError) as error:
        hint = "It was damaged, or written by another version: install compat-matrix again."
        raise UserError(f"{path}: this evidence can't be read: {error}", hint=hint) from error


# ---------------------------------------------------------------- the wire


class _Raised(msgspec.Struct, omit_defaults=True, array_like=True):
    type: str
    message: str
    frames: list[int]
    text: list[int]


class _Seen(msgspec.Struct, omit_defaults=True):
    """An observation; `p`, `e` and `w` are places in `probes`, `raised` and `warnings`."""

    p: int
    ended: Ended = Ended.RETURNED
    phase: Phase = Phase.PROBE
    within: str = ""
    e: int | None = None
    value: Any = None
    signal: int | None = None
    exit_code: int | None = None
    seconds: float = 0.0
    reason: str = ""
    output: str = ""
    w: list[int] = []
    fresh: bool = False
    first: str = ""
    reused_from: str = ""
    confirmed: str = ""


class _Lock(msgspec.Struct, omit_defaults=True):
    python: str
    platform: str
    device: str
    strategy: Strategy
    resolver: str
    cutoff: datetime
    d: list[int]
    notes: tuple[str, ...] = ()


class _Record(msgspec.Struct, omit_defaults=True):
    """A cell's record; `cell` are places in `choices`, `lock`, `base` and `seen` in the tables of those names."""

    cell: list[int]
    status: CellStatus
    reason: str = ""
    detail: str = ""
    phase: Phase | None = None
    attribution: Attribution | None = None
    dated: datetime | None = None
    run: str = ""
    engine: str = ""
    lock: int | None = None
    image_key: str = ""
    base: int | None = None
    seen: list[int] = []
    seconds: float = 0.0


class _File(msgspec.Struct):
    schema: int
    planned: int
    tried: int
    source: str
    as_of: datetime
    choices: tuple[tuple[Choice, ...], ...]
    run: RunInfo
    suite: str
    probes: list[Probe]
    names: list[str]
    proven: list[str]
    expects: dict[str, dict[str, Any]]
    bases: list[Base]
    distributions: list[Distribution]
    locks: list[_Lock]
    frames: list[tuple[str, int, str]]
    lines: list[str]
    raised: list[_Raised]
    warnings: list[str]
    seen: list[_Seen]
    records: list[_Record]


@dataclass(slots=True)
class _Table(Generic[T]):
    """Values in the order they were first met, each once."""

    values: list[T] = field(default_factory=list)
    places: dict[bytes, int] = field(default_factory=dict)

    def __call__(self, value: T) -> int:
        key = msgspec.json.encode(value)
        if key not in self.places:
            self.places[key] = len(self.values)
            self.values.append(value)
        return self.places[key]


@dataclass(slots=True)
class _Tables:
    names: _Table[str] = field(default_factory=_Table)
    bases: _Table[Base] = field(default_factory=_Table)
    distributions: _Table[Distribution] = field(default_factory=_Table)
    locks: _Table[_Lock] = field(default_factory=_Table)
    frames: _Table[tuple[str, int, str]] = field(default_factory=_Table)
    lines: _Table[str] = field(default_factory=_Table)
    raised: _Table[_Raised] = field(default_factory=_Table)
    warnings: _Table[str] = field(default_factory=_Table)
    seen: _Table[_Seen] = field(default_factory=_Table)


def encode(publication: Publication) -> bytes:
    """The evidence as compressed bytes, the same for the same evidence."""
    known, catalogue, tables = publication.known, publication.catalogue, _Tables()
    records = [_record(publication.records[name], known, tables) for name in sorted(publication.records)]
    written = _File(
        schema=SCHEMA,
        planned=publication.planned,
        tried=publication.tried,
        source=known.source,
        as_of=known.as_of,
        choices=known.choices,
        run=publication.run,
        suite=catalogue.digest,
        probes=list(catalogue.probes.values()),
        proven=sorted(catalogue.proven),
        expects={name: dict(fields) for name, fields in sorted(catalogue.expects.items())},
        **{name: getattr(tables, name).values for name in _Tables.__slots__},
        records=records,
    )
    return lzma.compress(msgspec.json.encode(written, order="deterministic"), preset=6)


def _record(record: CellRecord, known: Known, tables: _Tables) -> _Record:
    places = [
        [c.name for c in choices].index(c.name) for choices, c in zip(known.choices, record.cell.choices, strict=True)
    ]
    return _Record(
        cell=places,
        status=record.status,
        reason=record.reason,
        detail=record.detail,
        phase=record.phase,
        attribution=record.attribution,
        dated=record.dated,
        run=record.run,
        engine=record.engine,
        lock=None if record.lock is None else tables.locks(_lock(record.lock, tables)),
        image_key=record.image_key,
        base=None if record.base is None else tables.bases(record.base),
        seen=[tables.seen(_seen(o, tables)) for o in record.observations],
        seconds=record.seconds,
    )


def _lock(lock: Lock, tables: _Tables) -> _Lock:
    return _Lock(
        python=lock.python,
        platform=lock.platform,
        device=lock.device,
        strategy=lock.strategy,
        resolver=lock.resolver,
        cutoff=lock.cutoff,
        d=[tables.distributions(d) for d in lock.distributions],
        notes=lock.notes,
    )


def _seen(seen: Observation, tables: _Tables) -> _Seen:
    return _Seen(
        p=tables.names(seen.probe),
        ended=seen.ended,
        phase=seen.phase,
        within=seen.within,
        e=None if seen.exception is None else tables.raised(_raised(seen.exception, tables)),
        value=seen.value,
        signal=seen.signal,
        exit_code=seen.exit_code,
        seconds=seen.seconds,
        reason=seen.reason,
        output=seen.output,
        w=[tables.warnings(w) for w in seen.warnings],
        fresh=seen.fresh,
        first=seen.first,
        reused_from=seen.reused_from,
        confirmed=seen.confirmed,
    )


def _raised(raised: Raised, tables: _Tables) -> _Raised:
    return _Raised(
        type=raised.type,
        message=raised.message,
        frames=[tables.frames((f.file, f.line, f.function)) for f in raised.frames],
        text=[tables.lines(line) for line in raised.text.split("\n")] if raised.text else [],
    )


# ---------------------------------------------------------------- and back


def decode(content: bytes) -> Publication:
    """Evidence from its bytes. Equal observations of several cells are one object."""
    with _no_collection():
        read = msgspec.json.decode(lzma.decompress(content), type=_File)
        frames = [Frame(file=file, line=line, function=function) for file, line, function in read.frames]
        raised = [
            Raised(
                type=r.type,
                message=r.message,
                frames=tuple(frames[i] for i in r.frames),
                text="\n".join(read.lines[i] for i in r.text),
            )
            for r in read.raised
        ]
        seen = [_observation(s, read, raised) for s in read.seen]
        locks = [_unlocked(lock, read) for lock in read.locks]
        records = [_unpacked(record, read, seen, locks) for record in read.records]
    return Publication(
        known=Known(source=read.source, as_of=read.as_of, choices=read.choices),
        run=read.run,
        catalogue=Catalogue(
            probes={p.id: p for p in read.probes},
            proven=frozenset(read.proven),
            expects=read.expects,
            digest=read.suite,
        ),
        records={record.cell.id: record for record in records},
        planned=read.planned,
        tried=read.tried,
    )


def _observation(seen: _Seen, read: _File, raised: list[Raised]) -> Observation:
    return Observation(
        probe=read.names[seen.p],
        ended=seen.ended,
        phase=seen.phase,
        within=seen.within,
        exception=None if seen.e is None else raised[seen.e],
        value=seen.value,
        signal=seen.signal,
        exit_code=seen.exit_code,
        seconds=seen.seconds,
        reason=seen.reason,
        output=seen.output,
        warnings=tuple(read.warnings[i] for i in seen.w),
        fresh=seen.fresh,
        first=seen.first,
        reused_from=seen.reused_from,
        confirmed=seen.confirmed,
    )


def _unlocked(lock: _Lock, read: _File) -> Lock:
    return Lock(
        python=lock.python,
        platform=lock.platform,
        device=lock.device,
        strategy=lock.strategy,
        resolver=lock.resolver,
        cutoff=lock.cutoff,
        distributions=tuple(read.distributions[i] for i in lock.d),
        notes=lock.notes,
    )


def _unpacked(record: _Record, read: _File, seen: list[Observation], locks: list[Lock]) -> CellRecord:
    return CellRecord(
        cell=Cell(choices=tuple(choices[i] for choices, i in zip(read.choices, record.cell, strict=True))),
        status=record.status,
        reason=record.reason,
        detail=record.detail,
        phase=record.phase,
        attribution=record.attribution,
        dated=record.dated,
        run=record.run,
        engine=record.engine,
        lock=None if record.lock is None else locks[record.lock],
        image_key=record.image_key,
        base=None if record.base is None else read.bases[record.base],
        observations=tuple(seen[i] for i in record.seen),
        seconds=record.seconds,
    )


@contextmanager
def _no_collection() -> Iterator[None]:
    """Nothing of what is made here is garbage before the process ends: looking for some takes longer than reading."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was:
            gc.enable()
