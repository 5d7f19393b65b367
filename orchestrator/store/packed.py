"""How published evidence is written: JSON, compressed, in which what cells share is written once.

A distribution, a line of a traceback, an observation that came out the same in several cells stand in tables and are
referred to by their place. Equal input gives equal bytes.
"""

from __future__ import annotations

import gc
import lzma
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from datetime import datetime
from functools import cache
from operator import attrgetter
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

import msgspec

from orchestrator import paths
from orchestrator.errors import Attribution, CellStatus, Phase, UserError
from orchestrator.model import (
    Base,
    Cell,
    CellRecord,
    Choice,
    Distribution,
    Ended,
    EngineId,
    Frame,
    Libraries,
    Lock,
    Observation,
    Probe,
    Raised,
    RunInfo,
    Strategy,
)
from orchestrator.model.suite import Catalogue
from orchestrator.store.publication import Known, Publication

PUBLISHED = Path("reports", "published")
FILE = "evidence.json.xz"
SCHEMA = 1

T = TypeVar("T")
S = TypeVar("S")


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
    libraries: Libraries | None = None


class _Run(msgspec.Struct, omit_defaults=True):
    id: str
    as_of: datetime
    started: datetime
    engine: str
    isolated: bool
    matrix_digest: str
    suite_digest: str
    finished: datetime | None = None
    versions: tuple[tuple[str, str], ...] = ()


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
    audit: Any = None


class _File(msgspec.Struct):
    schema: int
    planned: int
    tried: int
    source: str
    as_of: datetime
    choices: tuple[tuple[Choice, ...], ...]
    run: _Run
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
        run=_like(_Run, publication.run, engine=str(publication.run.engine), isolated=publication.run.engine.isolated),
        suite=catalogue.digest,
        probes=list(catalogue.probes.values()),
        proven=sorted(catalogue.proven),
        expects={name: dict(fields) for name, fields in sorted(catalogue.expects.items())},
        **{name: getattr(tables, name).values for name in _Tables.__slots__},
        records=records,
    )
    return lzma.compress(msgspec.json.encode(written, order="deterministic"), preset=6)


def decode(content: bytes) -> Publication:
    """Evidence from its bytes. Equal observations of several cells are one object.

    Raises LZMAError, MsgspecError or IndexError for bytes that `encode` did not make.
    """
    with _no_collection():
        read = msgspec.json.decode(lzma.decompress(content), type=_File)
        frames = [Frame(file=file, line=line, function=function) for file, line, function in read.frames]
        raised = [
            _like(
                Raised,
                one,
                frames=tuple(frames[i] for i in one.frames),
                text="\n".join(read.lines[i] for i in one.text),
            )
            for one in read.raised
        ]
        seen = [_observation(one, read, raised) for one in read.seen]
        locks = [_like(Lock, one, distributions=tuple(read.distributions[i] for i in one.d)) for one in read.locks]
        records = [_unpacked(one, read, seen, locks) for one in read.records]
    return Publication(
        known=_like(Known, read),
        run=_like(RunInfo, read.run, engine=_engine(read.run.engine)),
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


def beside(matrix: Path, source: str) -> Publication | None:
    """What is published beside a matrix, or shipped where it is a copy of the shipped one; None for another matrix.

    `source` is the digest of what the matrix says. Raises UserError for a file that can't be read.
    """
    folder = matrix.parent / PUBLISHED
    if not (folder / FILE).exists():
        if matrix.read_bytes() != paths.data("matrix.yaml").read_bytes():
            return None
        folder = paths.data(str(PUBLISHED))
    found = load(folder)
    return found if found is not None and found.known.source == source else None


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


# ---------------------------------------------------------------- one thing at a time


def _like(kind: Callable[..., S], source: object, **different: object) -> S:
    """A `kind` with the fields that `source` has under the same names, but for those that are given."""
    names, values = _shared(kind, cast("Hashable", type(source)), tuple(different))
    return kind(**dict(zip(names, values(source), strict=True)), **different)


@cache
def _shared(kind: Hashable, other: Hashable, different: tuple[str, ...]) -> tuple[tuple[str, ...], attrgetter[Any]]:
    """Names of the fields that two types have in common, two at least, and what reads them all at once."""
    theirs = set(_names(other)) - set(different)
    names = tuple(name for name in _names(kind) if name in theirs)
    return names, attrgetter(*names)


def _names(kind: Hashable) -> tuple[str, ...]:
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return kind.__struct_fields__
    return tuple(f.name for f in fields(cast("Any", kind)) if f.init)


def _record(record: CellRecord, known: Known, tables: _Tables) -> _Record:
    places = [
        [c.name for c in choices].index(c.name) for choices, c in zip(known.choices, record.cell.choices, strict=True)
    ]
    return _like(
        _Record,
        record,
        cell=places,
        engine=str(record.engine),
        lock=None if record.lock is None else tables.locks(_lock(record.lock, tables)),
        base=None if record.base is None else tables.bases(record.base),
        seen=[tables.seen(_seen(o, tables)) for o in record.observations],
    )


def _unpacked(record: _Record, read: _File, seen: list[Observation], locks: list[Lock]) -> CellRecord:
    return _like(
        CellRecord,
        record,
        cell=Cell(choices=tuple(choices[i] for choices, i in zip(read.choices, record.cell, strict=True))),
        engine=_engine(record.engine),
        lock=None if record.lock is None else locks[record.lock],
        base=None if record.base is None else read.bases[record.base],
        observations=tuple(seen[i] for i in record.seen),
    )


@cache
def _engine(text: str) -> EngineId:
    """Only what ran in isolation is published: "docker 20.10.24"."""
    kind, _, version = text.partition(" ")
    return EngineId(kind=kind, version=version, isolated=True)


def _lock(lock: Lock, tables: _Tables) -> _Lock:
    return _like(_Lock, lock, d=[tables.distributions(d) for d in lock.distributions])


def _seen(seen: Observation, tables: _Tables) -> _Seen:
    return _like(
        _Seen,
        seen,
        p=tables.names(seen.probe),
        e=None if seen.exception is None else tables.raised(_raised(seen.exception, tables)),
        w=[tables.warnings(w) for w in seen.warnings],
    )


def _observation(seen: _Seen, read: _File, raised: list[Raised]) -> Observation:
    return _like(
        Observation,
        seen,
        probe=read.names[seen.p],
        exception=None if seen.e is None else raised[seen.e],
        warnings=tuple(read.warnings[i] for i in seen.w),
    )


def _raised(raised: Raised, tables: _Tables) -> _Raised:
    return _like(
        _Raised,
        raised,
        frames=[tables.frames((f.file, f.line, f.function)) for f in raised.frames],
        text=[tables.lines(line) for line in raised.text.split("\n")] if raised.text else [],
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
