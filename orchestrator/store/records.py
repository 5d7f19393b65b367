"""Records as they are on disk: the one place that turns model values into JSON and back.

Every file says its schema number and what it is a record of. The classes named `…OnDisk` are the format. Their
attributes are called as in the model; where the model renames one, `msgspec.field(name=…)` keeps the name on disk.
Those named `…Fields` are shared with published evidence (`store.evidence_codec`): a field has one home for both. One
that is added has a default; any other change takes a new number (docs/records.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

import msgspec

from orchestrator.errors import Attribution, CellStatus, Phase
from orchestrator.foreign import encodable
from orchestrator.model import (
    CellRecord,
    Ended,
    Lock,
    Observation,
    ProbeKind,
    RunInfo,
    SourceKind,
    Strategy,
)
from orchestrator.store.migrations import SCHEMA, RecordKind, between, migrated
from orchestrator.store.publication import PlanSnapshot
from orchestrator.store.unreadable import UnreadableRecord, explained, require_known

T = TypeVar("T")
S = TypeVar("S", bound=msgspec.Struct)


@dataclass(frozen=True, kw_only=True, slots=True)
class LockResult:
    """A stored answer of a resolver: a lock, or the error that there is none."""

    lock: Lock | None = None
    status: CellStatus | None = None
    reason: str = ""
    detail: str = ""
    attribution: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Audit:
    """What an inspection saw of an image."""

    saw: object


# ---------------------------------------------------------------- cells


class AxisOnDisk(msgspec.Struct):
    name: str
    kind: str
    package: str | None = None
    subject: bool = False
    default: str | None = None


class SourcesOnDisk(msgspec.Struct):
    image: str = ""
    paths: tuple[str, ...] = ()
    wheels: tuple[str, ...] = ()
    folder: str = ""
    sonames: tuple[str, ...] = ()


class LocalOnDisk(msgspec.Struct, omit_defaults=True):
    path: str
    ref: str = ""
    sha256: str = ""
    filename: str = ""
    commit: str = ""
    committed: datetime | None = None
    uncommitted: bool = False


class ChoiceOnDisk(msgspec.Struct):
    axis: AxisOnDisk
    name: str
    variables: tuple[tuple[str, str], ...] = ()
    requires: tuple[str, ...] = ()
    substitutes: tuple[tuple[str, str], ...] = ()
    on_request: bool = False
    sources: SourcesOnDisk | None = None
    follows: str = ""
    local: LocalOnDisk | None = None


class CellOnDisk(msgspec.Struct):
    choices: tuple[ChoiceOnDisk, ...]
    constraints: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()


# ---------------------------------------------------------------- locks and bases


class DistributionOnDisk(msgspec.Struct):
    name: str
    version: str
    filename: str
    sha256: str
    size: int | None = None
    origin: str = ""


class LibrariesOnDisk(msgspec.Struct):
    source: SourceKind
    names: tuple[str, ...] = ()
    place: str = ""
    paths: tuple[str, ...] = ()
    identity: str = ""


class LockFields(msgspec.Struct, kw_only=True):
    python: str
    platform: str
    device: str
    strategy: Strategy
    resolver: str
    cutoff: datetime
    notes: tuple[str, ...] = ()
    libraries: LibrariesOnDisk | None = None


class LockOnDisk(LockFields, kw_only=True):
    distributions: tuple[DistributionOnDisk, ...]


class LockResultOnDisk(msgspec.Struct):
    lock: LockOnDisk | None
    status: CellStatus | None
    reason: str
    detail: str
    attribution: str

    def __post_init__(self) -> None:
        if self.lock is None and self.status is None:
            raise ValueError("it has neither a lock nor a reason why there is none")


class BaseOnDisk(msgspec.Struct):
    name: str
    python: str
    full_version: str
    glibc: str
    image: str
    identity: str
    interpreter: str
    lacks: tuple[str, ...] = ()
    cpu_flags: tuple[str, ...] = ()
    trusted: str = ""


# ---------------------------------------------------------------- what was seen


class FrameOnDisk(msgspec.Struct):
    file: str
    line: int
    function: str


class RaisedOnDisk(msgspec.Struct):
    type: str
    message: str
    frames: tuple[FrameOnDisk, ...] = ()
    text: str = ""


class ObservationFields(msgspec.Struct, kw_only=True):
    ended: Ended = Ended.RETURNED
    phase: Phase = Phase.PROBE
    within: str = ""
    value: Any = None
    signal: int | None = None
    exit_code: int | None = None
    seconds: float = 0.0
    reason: str = ""
    output: str = ""
    fresh: bool = False
    first: str = ""
    reused_from: str = ""
    confirmed: str = ""


class ObservationOnDisk(ObservationFields, kw_only=True):
    probe: str
    ended: Ended
    exception: RaisedOnDisk | None = None
    warnings: tuple[str, ...] = ()
    key: str = ""
    dated: datetime | None = None


class AuditOnDisk(msgspec.Struct):
    """`saw` is the inspection's own to read (`model.Inspection`)."""

    saw: Any


class EngineOnDisk(msgspec.Struct):
    kind: str
    version: str
    isolated: bool


class CellFields(msgspec.Struct, kw_only=True):
    status: CellStatus
    reason: str = ""
    detail: str = ""
    phase: Phase | None = None
    attribution: Attribution | None = None
    dated: datetime | None = None
    run: str = ""
    image_key: str = ""
    seconds: float = 0.0
    audit: Any = None


class CellRecordOnDisk(CellFields, kw_only=True):
    cell: CellOnDisk
    engine: EngineOnDisk
    lock: LockOnDisk | None
    base: BaseOnDisk | None
    environment_key: str
    observations: tuple[ObservationOnDisk, ...]
    facts: dict[str, Any]


# ---------------------------------------------------------------- runs, plans, probes


class RunFields(msgspec.Struct, kw_only=True):
    id: str
    as_of: datetime
    started: datetime
    matrix_digest: str
    suite_digest: str
    finished: datetime | None = None
    versions: tuple[tuple[str, str], ...] = ()


class RunOnDisk(RunFields, kw_only=True):
    engine: EngineOnDisk


class PlanOnDisk(msgspec.Struct):
    source: str
    as_of: datetime
    choices: tuple[tuple[ChoiceOnDisk, ...], ...]


class ProbeOnDisk(msgspec.Struct):
    id: str
    question: str
    group: str
    kind: ProbeKind
    source: str
    needs: tuple[str, ...] = ()
    seconds: float | None = None
    fresh: bool = False
    digest: str = ""
    harness: str = ""
    proof: str = ""


# ---------------------------------------------------------------- reading and writing


@dataclass(frozen=True, slots=True)
class Form(Generic[T]):
    """A kind of record: what it is in the model and what on disk."""

    kind: RecordKind
    model: type[T]
    disk: type[msgspec.Struct]


RUN = Form(RecordKind.RUN, RunInfo, RunOnDisk)
CELL = Form(RecordKind.CELL, CellRecord, CellRecordOnDisk)
LOCK = Form(RecordKind.LOCK, LockResult, LockResultOnDisk)
AUDIT = Form(RecordKind.AUDIT, Audit, AuditOnDisk)
PLAN = Form(RecordKind.PLAN, PlanSnapshot, PlanOnDisk)
OBSERVATION = Form(RecordKind.OBSERVATION, Observation, ObservationOnDisk)


class _Header(msgspec.Struct):
    schema: int = 0
    record: str = ""


def like(value: object, kind: type[T]) -> T:
    """A value of the model as it is on disk, or the other way round: the attributes have the same names."""
    return msgspec.convert(value, kind, from_attributes=True)


def encode(form: Form[T], value: T) -> bytes:
    """A record as one line of JSON, schema number and kind first."""
    held = {"schema": SCHEMA, "record": form.kind.value, **msgspec.to_builtins(like(value, form.disk))}
    try:
        return msgspec.json.encode(held) + b"\n"
    except UnicodeEncodeError:
        # a package may say half of a surrogate pair, which UTF-8 can't
        return msgspec.json.encode(encodable(held)) + b"\n"


def decode(form: Form[T], content: bytes) -> T:
    """Decodes a record of any known schema number. Raises UnreadableRecord."""
    with explained(content):
        header = _header(content)
        if header.schema and header.record != form.kind:
            named = f"of `{header.record}`" if header.record else "of unstated kind"
            raise UnreadableRecord(f"it is a record {named}, where one of `{form.kind}` belongs")
        return like(current(form.kind, content, form.disk, header.schema), form.model)


def number_of(content: bytes) -> int:
    """The schema number of a JSON document, 0 where it has none. Raises UnreadableRecord for one that isn't known."""
    return _header(content).schema


def current(kind: RecordKind, content: bytes, disk: type[S], number: int) -> S:
    """JSON of an earlier number as it is now on disk. Raises ValueError for what can't be a record of this kind."""
    steps = between(kind, number)
    if not steps:
        return msgspec.json.decode(content, type=disk)
    return msgspec.convert(migrated(msgspec.json.decode(content, type=dict[str, Any]), steps), disk)


def _header(content: bytes) -> _Header:
    header = msgspec.json.decode(content, type=_Header)
    require_known(header.schema)
    return header
