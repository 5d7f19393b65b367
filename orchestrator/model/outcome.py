"""Outcomes, verdicts and answers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from orchestrator.errors import Attribution, Phase
from orchestrator.model.record import Observation, Probe


class OutcomeKind(StrEnum):
    PASS = "pass"  # noqa: S105 - a test outcome, no password
    FAIL = "fail"
    BLOCKED = "blocked"
    ERROR = "error"
    CRASH = "crash"
    TIMEOUT = "timeout"
    OOM = "oom"
    SKIP = "skip"
    MISSING = "missing"


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What an observation means. `signature` is equal for equal causes across cells ("" for a pass)."""

    probe: Probe
    kind: OutcomeKind
    phase: Phase | None = None
    reason: str = ""
    attribution: Attribution | None = None
    signature: str = ""
    proven: bool = False
    observation: Observation | None = None


class VerdictKind(StrEnum):
    WORKS = "works"
    LIMITED = "limited"
    BROKEN = "broken"
    BLOCKED = "blocked"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """works, limited, broken, blocked or unknown, for a group in a cell; `failing` are the outcomes that decide.

    `stopped` counts checks that are left out because what they stand on failed in their preparation, `unproven` those
    not known to be able to pass and to fail; `reason` says why a verdict is unknown.
    """

    group: str
    kind: VerdictKind
    passed: int
    total: int
    failing: tuple[Outcome, ...] = ()
    unproven: int = 0
    stopped: int = 0
    reason: str = ""


class AnswerKind(StrEnum):
    YES = "yes"
    YES_ON = "yes, on"
    YES_WITH_PINS = "yes, with pins"
    YES_LIMITED = "yes, limited"
    NO = "no"
    CANT_INSTALL = "can't be installed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What all cells of one pair of versions say to a question.

    `text` is the question with its versions filled in; `counts` verdict or status word → number of cells;
    `untried` what was not tried, in words;
    `beside` strategy → what its cells alone say: an `AnswerKind`, or "blocked", "our fault", "not run".
    """

    text: str
    kind: AnswerKind
    detail: str = ""
    counts: tuple[tuple[str, int], ...] = ()
    cells: tuple[str, ...] = ()
    untried: tuple[str, ...] = ()
    group: str = ""
    beside: tuple[tuple[str, str], ...] = ()
