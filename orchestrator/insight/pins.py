"""A working cell's lock as a pip constraints file."""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.axes.resolve import strategy_words
from orchestrator.errors import ExitCode, UserError
from orchestrator.foreign import printable
from orchestrator.insight.nearest import nearest
from orchestrator.model import CellRecord, Lock, Matrix, Verdict
from orchestrator.verdict.judge import CellResult
from orchestrator.verdict.verdicts import GOOD


def pins(judged: CellResult, cells: Sequence[CellResult], matrix: Matrix, group: str = "") -> str:
    """A constraints file for pip or uv: `name==version` lines under comments that say where and when it was tried.

    `group` is whose verdict counts, by default the cell's headline. Raises UserError, naming the nearest cell
    of `cells` that works, where this one does not work or was not tried.
    """
    group = group or judged.headline
    verdict = judged.verdict(group)
    record = judged.record
    if verdict is None or verdict.kind not in GOOD or record is None or record.lock is None:
        raise _refusal(judged, cells, matrix, group)
    lines = [*_heading(judged, record, record.lock, verdict), *record.lock.pins]
    return "\n".join(lines) + "\n"


def _heading(judged: CellResult, record: CellRecord, lock: Lock, verdict: Verdict) -> list[str]:
    when = f"{record.dated:%Y-%m-%d %H:%M} UTC" if record.dated else "at an unknown time"
    where = f"{record.base.name} (Python {record.base.full_version})" if record.base else f"Python {lock.python}"
    lines = [
        judged.said,
        f"{verdict.group}: {verdict.kind}, {verdict.passed} of {verdict.total} checks passed",
        f"tried {when} on {record.engine}, {where}, {lock.platform}, {lock.device}",
        f"resolved by {lock.resolver}: {_taken(lock)}",
    ]
    if judged.published:
        lines.append(f"published {judged.published}: came with this installation")
    if not judged.isolated:
        lines.append("not isolated: tried in plain processes on a machine, not in a container")
    lines += [f"does not work: {o.probe.question}" for o in verdict.failing]
    lines += list(lock.notes)
    if lock.compiled:
        lines.append(f"available only as source, has to be built: {', '.join(lock.compiled)}")
    variables = [f"{name}={value}" for name, value in judged.cell.variables]
    if variables:
        lines.append(f"needs the environment: {' '.join(variables)}")
    return [f"# {printable(line)}" for line in lines]


def _taken(lock: Lock) -> str:
    return f"{strategy_words(lock.strategy, f'{lock.cutoff:%b %Y}')}, as of {lock.cutoff:%Y-%m-%d %H:%M} UTC"


def _refusal(judged: CellResult, cells: Sequence[CellResult], matrix: Matrix, group: str) -> UserError:
    short = judged.cell.id[:8]
    best = nearest([judged.cell], group, cells, matrix)
    hint = f"So far nothing in this matrix works for {group or 'it'}."
    if best is not None:
        hint = f"Nearest that works: {best.said}. Its pins: compat pins {best.cell.id[:8]}"
    return UserError(
        f"no pins for {judged.said} ({short}): {judged.word(group)}",
        hint=hint,
        code=ExitCode.USAGE,
    )
