"""One observation into one outcome: from how the process ended, typed exceptions and frames; never from stderr text."""

from __future__ import annotations

import re
import signal as signals
from dataclasses import dataclass
from typing import assert_never

from orchestrator.errors import Attribution, Phase
from orchestrator.foreign import stripped
from orchestrator.model import (
    CellRecord,
    Ended,
    Observation,
    Outcome,
    OutcomeKind,
    Probe,
    ProbeKind,
)
from orchestrator.verdict.signature import signature

_NO_MODULE = re.compile(r"No module named '?([\w.]+)'?")
_IMPORT = "import "


@dataclass(frozen=True, kw_only=True, slots=True)
class Setting:
    """What a cell is about. `subjects` are top-level import names, `lacks` modules its base does not have.

    In a cell without a subject the packages asked for are what is judged.
    """

    subjects: frozenset[str] = frozenset()
    lacks: frozenset[str] = frozenset()


def setting(record: CellRecord) -> Setting:
    chosen = record.cell.subjects or record.cell.packages
    names = frozenset(_module(c.axis.package or c.axis.name) for c in chosen)
    return Setting(subjects=names, lacks=frozenset(record.base.lacks if record.base else ()))


def outcome(observation: Observation | None, probe: Probe, where: Setting, *, proven: bool) -> Outcome:
    """What an observation means; None is a probe that belongs in the cell and reported nothing."""
    if observation is None:
        return Outcome(probe=probe, kind=OutcomeKind.MISSING, reason="no result", proven=proven)
    kind, attribution = _judge(observation, probe, where, proven=proven)
    signed = "" if kind in (OutcomeKind.PASS, OutcomeKind.SKIP, OutcomeKind.MISSING) else _signed(observation)
    return Outcome(
        probe=probe,
        kind=kind,
        phase=observation.phase,
        reason=_reason(observation),
        attribution=attribution,
        signature=signed,
        proven=proven,
        observation=observation,
    )


_DEATHS = {
    Ended.SIGNAL: OutcomeKind.CRASH,
    Ended.EXITED: OutcomeKind.CRASH,
    Ended.TIMEOUT: OutcomeKind.TIMEOUT,
    Ended.OOM: OutcomeKind.OOM,
}
_Judged = tuple[OutcomeKind, Attribution | None]


def _judge(observation: Observation, probe: Probe, where: Setting, *, proven: bool) -> _Judged:
    match observation.ended:
        case Ended.RETURNED:
            return OutcomeKind.PASS, None
        case Ended.SKIPPED:
            return OutcomeKind.SKIP, None
        case Ended.NOT_RUN:
            skipped = observation.reason.startswith("needs:")
            return (OutcomeKind.SKIP if skipped else OutcomeKind.MISSING), None
        case Ended.RAISED:
            return _raised(observation, probe, where, proven=proven)
        case Ended.SIGNAL | Ended.EXITED | Ended.TIMEOUT | Ended.OOM:
            return _died(_DEATHS[observation.ended], observation, probe, where)
    assert_never(observation.ended)


def _raised(observation: Observation, probe: Probe, where: Setting, *, proven: bool) -> _Judged:
    if _base_lacks(observation, where):
        return OutcomeKind.BLOCKED, Attribution.BASE
    if observation.phase is Phase.IMPORT:
        if _imports(observation.within) in where.subjects:
            return OutcomeKind.FAIL, Attribution.SUBJECT
        return OutcomeKind.BLOCKED, Attribution.ENVIRONMENT
    if observation.within:
        if probe.kind is ProbeKind.BEHAVIOUR:
            return OutcomeKind.PASS, None
        return OutcomeKind.FAIL, _whose(observation, probe, where)
    return _unprepared(observation, where) if proven else (OutcomeKind.ERROR, Attribution.PROBE)


def _unprepared(observation: Observation, where: Setting) -> _Judged:
    """A probe that is known to work elsewhere was stopped before its question by what it stands on."""
    passed_through = _packages(observation) & where.subjects
    return OutcomeKind.BLOCKED, Attribution.SUBJECT if passed_through else Attribution.ENVIRONMENT


def _died(kind: OutcomeKind, observation: Observation, probe: Probe, where: Setting) -> _Judged:
    """A process that died can't say in which call; only what it was importing is known."""
    if observation.phase is not Phase.IMPORT:
        return kind, _whose(observation, probe, where) if observation.within else Attribution.UNKNOWN
    if _imports(observation.within) in where.subjects:
        return kind, Attribution.SUBJECT
    return OutcomeKind.BLOCKED, Attribution.ENVIRONMENT


def _whose(observation: Observation, probe: Probe, where: Setting) -> Attribution:
    """The subject's when the call, a need of the probe's or a frame is its own, else what it runs on."""
    touched = {_module(need) for need in probe.needs} | {_imports(observation.within)} | _packages(observation)
    return Attribution.SUBJECT if touched & where.subjects else Attribution.ENVIRONMENT


def _packages(observation: Observation) -> set[str]:
    """The top-level modules its traceback leads through."""
    frames = observation.exception.frames if observation.exception else ()
    return {_module(f.file.split("/", 1)[0].removesuffix(".py")) for f in frames}


def _base_lacks(observation: Observation, where: Setting) -> bool:
    raised = observation.exception
    if raised is None or raised.type.rsplit(".", 1)[-1] not in ("ModuleNotFoundError", "ImportError"):
        return False
    found = _NO_MODULE.search(raised.message)
    return bool(found and {found.group(1), found.group(1).split(".")[0]} & where.lacks)


def _module(name: str) -> str:
    return name.split(".", 1)[0].replace("-", "_").lower()


def _imports(within: str) -> str:
    return _module(within.removeprefix(_IMPORT).strip()) if within.startswith(_IMPORT) else ""


def _reason(observation: Observation) -> str:
    """A slug that groups: the supervisor's own, else how the process ended."""
    if observation.reason:
        return observation.reason
    if observation.exception:
        return observation.exception.type.rsplit(".", 1)[-1]
    return "" if observation.ended is Ended.RETURNED else str(observation.ended)


def how_it_ended(observation: Observation) -> str:
    """In words, for an end without an exception: "died by SIGSEGV"."""
    match observation.ended:
        case Ended.SIGNAL:
            return f"died by {_signal_name(observation.signal)}"
        case Ended.EXITED:
            return f"exited without a result (code {observation.exit_code})"
        case Ended.TIMEOUT:
            return "ran out of time"
        case Ended.OOM:
            return "ran out of memory"
        case _:
            return str(observation.ended)


def _signal_name(number: int | None) -> str:
    try:
        return signals.Signals(number or 0).name
    except ValueError:
        return f"signal {number}"


def _signed(observation: Observation) -> str:
    if observation.exception is not None:
        return signature(observation.exception, observation.within)
    place = stripped(observation.within) or observation.probe
    return f"{how_it_ended(observation)} @ {place}"
