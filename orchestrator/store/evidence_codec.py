"""How published evidence is written: JSON, compressed, in which what cells share is written once.

A distribution, a line of a traceback, an observation that came out the same in several cells stand in tables and are
referred to by their place. Equal input gives equal bytes.
"""

from __future__ import annotations

import lzma
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, fields
from datetime import datetime
from functools import cache
from operator import attrgetter
from pathlib import Path
from typing import Annotated, Any, Generic, TypeAlias, TypeVar, cast

import msgspec

from orchestrator import paths
from orchestrator.model import (
    Base,
    Cell,
    CellRecord,
    Choice,
    Distribution,
    EngineId,
    Frame,
    Libraries,
    Lock,
    Observation,
    Probe,
    Raised,
    RunInfo,
)
from orchestrator.model.shared import ObservationTable, SharedObservations
from orchestrator.model.suite import Catalogue
from orchestrator.store.garbage import no_collection
from orchestrator.store.migrations import SCHEMA, RecordKind
from orchestrator.store.publication import PlanSnapshot, Publication
from orchestrator.store.records import (
    BaseOnDisk,
    CellFields,
    ChoiceOnDisk,
    DistributionOnDisk,
    LibrariesOnDisk,
    LockFields,
    ObservationFields,
    ProbeOnDisk,
    RunFields,
    current,
    like,
    number_of,
)
from orchestrator.store.unreadable import UnreadableRecord, explained, refused

PUBLISHED = Path("reports", "published")
FILE = "evidence.json.xz"

T = TypeVar("T")
S = TypeVar("S")

_Place: TypeAlias = Annotated[int, msgspec.Meta(ge=0)]
"""Of a value in a table."""


class _Raised(msgspec.Struct, omit_defaults=True, array_like=True):
    type: str
    message: str
    frames: list[_Place]
    text: list[_Place]


class _Seen(ObservationFields, omit_defaults=True, kw_only=True):
    """An observation; `p`, `e` and `w` are places in `names`, `raised` and `warnings`."""

    p: _Place
    e: _Place | None = None
    w: list[_Place] = msgspec.field(default_factory=list)


class _Lock(LockFields, omit_defaults=True, kw_only=True):
    """A lock; `d` are places in `distributions`."""

    d: list[_Place]


class _Run(RunFields, kw_only=True):
    engine: str
    isolated: bool


class _Record(CellFields, omit_defaults=True, kw_only=True):
    """A cell's record; `cell` are places in `choices`, `lock`, `base` and `seen` in the tables of those names."""

    cell: list[_Place]
    engine: str = ""
    lock: _Place | None = None
    base: _Place | None = None
    seen: list[_Place] = msgspec.field(default_factory=list)


class _File(msgspec.Struct):
    schema: int
    planned: int
    tried: int
    source: str
    as_of: datetime
    choices: tuple[tuple[ChoiceOnDisk, ...], ...]
    run: _Run
    suite: str
    probes: list[ProbeOnDisk]
    names: list[str]
    proven: list[str]
    expects: dict[str, dict[str, Any]]
    bases: list[BaseOnDisk]
    distributions: list[DistributionOnDisk]
    locks: list[_Lock]
    frames: list[tuple[str, int, str]]
    lines: list[str]
    raised: list[_Raised]
    warnings: list[str]
    seen: list[_Seen]
    records: list[_Record]


@dataclass(slots=True)
class _Table(Generic[T]):
    """Distinct values in the order of first use."""

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
    bases: _Table[BaseOnDisk] = field(default_factory=_Table)
    distributions: _Table[DistributionOnDisk] = field(default_factory=_Table)
    locks: _Table[_Lock] = field(default_factory=_Table)
    frames: _Table[tuple[str, int, str]] = field(default_factory=_Table)
    lines: _Table[str] = field(default_factory=_Table)
    raised: _Table[_Raised] = field(default_factory=_Table)
    warnings: _Table[str] = field(default_factory=_Table)
    seen: _Table[_Seen] = field(default_factory=_Table)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """What records refer to, as values of the model."""

    choices: tuple[tuple[Choice, ...], ...]
    locks: list[Lock]
    bases: list[Base]
    seen: ObservationTable


def encode(publication: Publication) -> bytes:
    """The evidence as compressed bytes; equal evidence gives equal bytes."""
    known, catalogue, tables = publication.known, publication.catalogue, _Tables()
    records = [_record(publication.records[name], known, tables) for name in sorted(publication.records)]
    written = _File(
        schema=SCHEMA,
        planned=publication.planned,
        tried=publication.tried,
        source=known.source,
        as_of=known.as_of,
        choices=like(known.choices, tuple[tuple[ChoiceOnDisk, ...], ...]),
        run=_like(_Run, publication.run, engine=str(publication.run.engine), isolated=publication.run.engine.isolated),
        suite=catalogue.digest,
        probes=like(tuple(catalogue.probes.values()), list[ProbeOnDisk]),
        proven=sorted(catalogue.proven),
        expects={name: dict(fields) for name, fields in sorted(catalogue.expects.items())},
        **{name: getattr(tables, name).values for name in _Tables.__slots__},
        records=records,
    )
    return lzma.compress(msgspec.json.encode(written, order="deterministic"), preset=6)


def decode(content: bytes) -> Publication:
    """Evidence from its bytes, of whatever number. Equal observations of several cells are one object.

    Raises UnreadableRecord for bytes that no `encode` made.
    """
    try:
        text = lzma.decompress(content)
    except lzma.LZMAError as error:
        cut = "it is cut off" if content else "it is empty"
        raise UnreadableRecord(
            cut if "ended before" in str(error) else f"it is not compressed with xz: {error}"
        ) from error
    with no_collection(), explained(text):
        number = number_of(text)
        if not number:
            raise UnreadableRecord("it has no schema number")
        return _publication(current(RecordKind.EVIDENCE, text, _File, number))


def _publication(read: _File) -> Publication:
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
    _require_places(read)
    seen = ObservationTable(
        probes=[read.names[one.p] for one in read.seen], make=lambda place: _observation(read.seen[place], read, raised)
    )
    distributions = like(read.distributions, list[Distribution])
    tables = _Read(
        choices=like(read.choices, tuple[tuple[Choice, ...], ...]),
        locks=[_unpacked_lock(one, distributions) for one in read.locks],
        bases=like(read.bases, list[Base]),
        seen=seen,
    )
    records = [_unpacked(one, tables) for one in read.records]
    return Publication(
        known=_like(PlanSnapshot, read, choices=tables.choices),
        run=_like(RunInfo, read.run, engine=_engine(read.run.engine)),
        catalogue=Catalogue(
            probes={p.id: p for p in like(read.probes, list[Probe])},
            proven=frozenset(read.proven),
            expects=read.expects,
            digest=read.suite,
        ),
        records={record.cell.id: record for record in records},
        planned=read.planned,
        tried=read.tried,
    )


def _require_places(read: _File) -> None:
    """Observations are made later: that all they refer to is there is seen now. Raises IndexError."""
    last = (len(read.raised), len(read.warnings), len(read.seen))
    raised = max((one.e for one in read.seen if one.e is not None), default=-1)
    warnings = max((place for one in read.seen for place in one.w), default=-1)
    seen = max((place for record in read.records for place in record.seen), default=-1)
    if any(place >= length for place, length in zip((raised, warnings, seen), last, strict=True)):
        raise IndexError("list index out of range")


def published_for(matrix: Path, source: str) -> Publication | None:
    """The evidence published next to a matrix; for a copy of the shipped matrix, the shipped evidence; else None.

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
    """The evidence in a folder; None if there is none. Raises UserError for a file that can't be read."""
    path = folder / FILE
    if not path.exists():
        return None
    try:
        return decode(path.read_bytes())
    except UnreadableRecord as why:
        raise refused(path, why, hint="Restore it, or install compat-matrix again.") from why


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


def _record(record: CellRecord, known: PlanSnapshot, tables: _Tables) -> _Record:
    places = [
        [c.name for c in choices].index(c.name) for choices, c in zip(known.choices, record.cell.choices, strict=True)
    ]
    return _like(
        _Record,
        record,
        cell=places,
        engine=str(record.engine),
        lock=None if record.lock is None else tables.locks(_lock(record.lock, tables)),
        base=None if record.base is None else tables.bases(like(record.base, BaseOnDisk)),
        seen=[tables.seen(_seen(o, tables)) for o in record.observations],
    )


def _unpacked(record: _Record, read: _Read) -> CellRecord:
    return _like(
        CellRecord,
        record,
        cell=Cell(choices=tuple(choices[i] for choices, i in zip(read.choices, record.cell, strict=True))),
        engine=_engine(record.engine),
        lock=None if record.lock is None else read.locks[record.lock],
        base=None if record.base is None else read.bases[record.base],
        observations=cast("tuple[Observation, ...]", SharedObservations(read.seen, record.seen)),
    )


@cache
def _engine(text: str) -> EngineId:
    """Of "docker 20.10.24". Only what ran in isolation is published."""
    kind, _, version = text.partition(" ")
    return EngineId(kind=kind, version=version, isolated=True)


def _lock(lock: Lock, tables: _Tables) -> _Lock:
    places = [tables.distributions(d) for d in like(lock.distributions, list[DistributionOnDisk])]
    return _like(_Lock, lock, d=places, libraries=lock.libraries and like(lock.libraries, LibrariesOnDisk))


def _unpacked_lock(lock: _Lock, distributions: list[Distribution]) -> Lock:
    return _like(
        Lock,
        lock,
        distributions=tuple(distributions[i] for i in lock.d),
        libraries=lock.libraries and like(lock.libraries, Libraries),
    )


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
