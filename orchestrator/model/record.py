"""Probes, what they report, and what one run learned about a cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from orchestrator.errors import Attribution, CellStatus, Phase
from orchestrator.model.engine import EngineId
from orchestrator.model.image import Base
from orchestrator.model.lock import Lock
from orchestrator.model.matrix import Cell
from orchestrator.model.shared import SharedObservations


class ProbeKind(StrEnum):
    CHECK = "check"
    BEHAVIOUR = "behaviour"
    DRIFT = "drift"
    CONTROL = "control"


@dataclass(frozen=True, kw_only=True, slots=True)
class Probe:
    """A probe as its file declares it.

    `digest` covers its file, the probe modules that imports and their data; `harness` what runs it; `proof` what a
    proof of it stands on: the files of `digest` and those of its mutation.
    """

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


class Ended(StrEnum):
    """How a probe's process ended, as the supervisor saw it."""

    RETURNED = "returned"
    RAISED = "raised"
    EXITED = "exited"
    SIGNAL = "signal"
    TIMEOUT = "timeout"
    OOM = "oom"
    SKIPPED = "skipped"
    NOT_RUN = "not-run"


@dataclass(frozen=True, kw_only=True, slots=True)
class Frame:
    """One frame of a traceback; `file` relative to site-packages or the probes."""

    file: str
    line: int
    function: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Raised:
    """An exception as it was: qualified type, message, frames outermost first, the whole traceback as text."""

    type: str
    message: str
    frames: tuple[Frame, ...] = ()
    text: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Observation:
    """What happened to one probe in one cell, raw; outcomes are derived from it anew each time.

    `within` is the subject block the failure came from ("" : outside any), `phase` where it happened,
    `value` what a behaviour or drift probe returned, `first` how the warm process ended where a fresh one
    repeated it, `output` the captured tail of stdout and stderr, `warnings` what Python warned,
    `key` what makes an equal observation reusable, `dated` when it was made, `reused_from` the run it was made in,
    `confirmed` how often a changed result came again in a fresh container ("2 of 2").
    """

    probe: str
    ended: Ended
    phase: Phase = Phase.PROBE
    within: str = ""
    exception: Raised | None = None
    value: object = None
    signal: int | None = None
    exit_code: int | None = None
    seconds: float = 0.0
    reason: str = ""
    output: str = ""
    warnings: tuple[str, ...] = ()
    fresh: bool = False
    first: str = ""
    key: str = ""
    dated: datetime | None = None
    reused_from: str = ""
    confirmed: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class CellRecord:
    """Everything one run learned about one cell; `audit` is what an inspection of its image saw, as JSON has it.

    In published evidence `observations` are a `SharedObservations`, which is equal to the tuple.
    """

    cell: Cell
    status: CellStatus
    engine: EngineId
    reason: str = ""
    detail: str = ""
    phase: Phase | None = None
    attribution: Attribution | None = None
    dated: datetime | None = None
    run: str = ""
    lock: Lock | None = None
    image_key: str = ""
    base: Base | None = None
    environment_key: str = ""
    observations: tuple[Observation, ...] = ()
    facts: Mapping[str, object] = field(default_factory=dict)
    seconds: float = 0.0
    audit: object = None

    @property
    def by_probe(self) -> Mapping[str, Observation]:
        """Probe id → its observation."""
        observations: Sequence[Observation] = self.observations
        if isinstance(observations, SharedObservations):
            return observations.by_probe()
        return {o.probe: o for o in observations}


@dataclass(frozen=True, kw_only=True, slots=True)
class RunInfo:
    """One execution of the matrix. Times are UTC."""

    id: str
    as_of: datetime
    started: datetime
    engine: EngineId
    matrix_digest: str
    suite_digest: str
    finished: datetime | None = None
    versions: tuple[tuple[str, str], ...] = ()
