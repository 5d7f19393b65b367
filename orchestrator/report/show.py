"""`compat show CELL [PROBE]`: the evidence behind a word in the table."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path

from orchestrator import paths
from orchestrator.engine.registry import not_held_by
from orchestrator.errors import CellStatus, Phase, UserError
from orchestrator.foreign import printable, uncoloured
from orchestrator.model import CellRecord, Outcome, OutcomeKind
from orchestrator.verdict.classify import how_it_ended
from orchestrator.verdict.judge import CellResult
from orchestrator.verdict.words import NOT_RUN, shorten

IN_IMAGE = "python"
"""The interpreter of a cell's image, as its PATH finds it."""

_VALUE = 120
"""Characters of a value in the list of outcomes; one probe's own page has all of it."""
_GOOD = (OutcomeKind.PASS, OutcomeKind.SKIP)


def show(judged: CellResult, probe: str = "", suites: Sequence[Path] = ()) -> str:
    """A cell's pins, base, commands to repeat it and outcomes, or one probe with all that is known of it.

    `suites` are the folders of its probe files. Everything is printable: captured output keeps its lines and loses its
    colours. Raises UserError where the cell has no such probe.
    """
    if probe:
        return _lines(_one(judged, probe, suites))
    return _lines([*_head(judged), *_pins(judged), *_by_hand(judged), *_outcomes(judged)])


def pins(judged: CellResult) -> str:
    """A cell's pins and nothing else, whether it works or not: what `pip install --no-deps -r` takes.

    Raises UserError where nothing was resolved.
    """
    lock = judged.record.lock if judged.record else None
    if lock is None:
        raise UserError(f"{judged.said} has no pins: {judged.word(judged.headline)}")
    return _lines(lock.pins)


def _lines(lines: Iterable[str]) -> str:
    return "\n".join(printable(line, lines=True).rstrip() for line in lines) + "\n"


def _head(judged: CellResult) -> list[str]:
    record, cell = judged.record, judged.cell
    lines = [f"{cell.id}  {judged.said}", f"axes: {' '.join(f'{k}={v}' for k, v in cell.axes.items())}"]
    if record is None:
        return [*lines, f"{NOT_RUN}: planned, without a result"]
    status = judged.word(judged.headline) if judged.status else NOT_RUN
    why = ": ".join(x for x in (judged.reason, judged.detail) if x)
    lines.append(f"{status}{f' ({why})' if why else ''}")
    lines += [
        f"{v.group}: {v.kind}, {v.passed} of {v.total} checks passed"
        + (f", {v.unproven} unproven not counted" if v.unproven else "")
        + (f", {v.stopped} stopped by what it stands on, not counted" if v.stopped else "")
        + (f" ({v.reason})" if v.reason else "")
        for v in judged.verdicts
    ]
    if judged.inspection is not None and (told := judged.inspected) is not None:
        lines.append(f"{judged.inspection.name}: {told.says}")
    when = f"{record.dated:%Y-%m-%d %H:%M} UTC" if record.dated else "at an unknown time"
    how = "isolated" if judged.isolated else "not isolated: plain processes, no container"
    by_index = record.phase is Phase.RESOLVE and record.status is not CellStatus.INFRA
    said = f"by the package index as of {when}," if by_index else f"tried {when}"
    lines.append(f"{said} in run {record.run or '?'} on {record.engine} ({how}), {record.seconds:.1f} s")
    if not judged.isolated:
        lines.append(f"not enforced there: {', '.join(not_held_by(record.engine.kind))}")
    if judged.published:
        lines.append(f"published {judged.published}: came with this installation, not tried on this machine")
    before = sorted({o.reused_from for o in record.observations if o.reused_from and o.reused_from != record.run})
    if before:
        reused = sum(o.reused_from in before for o in record.observations)
        lines.append(
            f"{reused} of {len(record.observations)} probes were seen in run {', '.join(before)}, unchanged since"
        )
    if base := record.base:
        lines.append(f"base: {base.name}, Python {base.full_version}, glibc {base.glibc}, {base.image}")
        if base.lacks:
            lines.append(f"base lacks: {', '.join(base.lacks)}")
    return lines


def _pins(judged: CellResult) -> list[str]:
    lock = judged.record.lock if judged.record else None
    if lock is None:
        return []
    head = f"pins, resolved by {lock.resolver} as of {lock.cutoff:%Y-%m-%d %H:%M} UTC ({lock.platform}):"
    built = [f"built from source: {', '.join(lock.compiled)}"] if lock.compiled else []
    return ["", head, *(f"  {pin}" for pin in lock.pins), *built, *lock.notes]


def _by_hand(judged: CellResult) -> list[str]:
    """Commands that make the same environment without this tool, and the way into the image it ran in."""
    record = judged.record
    if record is None or record.lock is None:
        return []
    exports = [f"  export {name}={shlex.quote(value)}" for name, value in judged.cell.variables]
    lines = [
        "",
        "by hand:",
        f"  compat show {judged.cell.id[:8]} --pins > pins.txt",
        f"  uv venv --python {record.lock.python} by-hand && . by-hand/bin/activate",
        "  uv pip install --no-deps -r pins.txt",
        *(f"  {d.line}" for d in record.lock.distributions if d.origin),
        *exports,
    ]
    if record.image_key and judged.isolated and not judged.published:
        lines += [
            "or in the image it ran in, while that is kept:",
            f"  {_in_image(judged, record, record.engine.kind)}",
        ]
    return lines


def _in_image(judged: CellResult, record: CellRecord, tool: str, extra: tuple[str, ...] = ()) -> str:
    """The command that starts the interpreter of the cell's image, without network, as a probe has it."""
    variables = [f"-e {name}={shlex.quote(value)}" for name, value in judged.cell.variables]
    options = ["--rm -it --network none", *variables, *extra]
    return f"{tool} run {' '.join(options)} compat-cell:{record.image_key[:20]} {IN_IMAGE}"


def _outcomes(judged: CellResult) -> list[str]:
    controls = [o for o in judged.outcomes if o.probe.group == "control"]
    lines = ["", f"control: {len(controls)} came out as expected"] if controls and judged.reason != "control" else []
    hidden = controls if lines else []
    group = None
    for outcome in sorted(judged.outcomes, key=lambda o: (o.probe.group, o.probe.id)):
        if outcome in hidden:
            continue
        if outcome.probe.group != group:
            group = outcome.probe.group
            lines += ["", f"{group}:"]
        lines.append(_line(outcome))
        if outcome.kind not in _GOOD and outcome.signature:
            lines.append(f"           {outcome.signature}")
    bad = [o for o in judged.outcomes if o.kind not in _GOOD and o.probe.group != "control"]
    for outcome in bad:
        lines += ["", *_full(outcome)]
    return lines


def _line(outcome: Outcome) -> str:
    seen = outcome.observation
    value = f" = {shorten(repr(seen.value), _VALUE)}" if seen and seen.value is not None else ""
    taken = f"  {seen.seconds:.2f} s" if seen else ""
    proven = "" if outcome.proven or outcome.probe.kind != "check" else "  (unproven)"
    why = f"  {outcome.reason}" if outcome.reason and outcome.kind is not OutcomeKind.PASS else ""
    return f"  {outcome.kind:<8} {outcome.probe.id}{value}{why}{taken}{proven}"


def _one(judged: CellResult, probe: str, suites: Sequence[Path]) -> list[str]:
    found = next((o for o in judged.outcomes if o.probe.id == probe), None)
    if found is None:
        near = [o.probe.id for o in judged.outcomes if probe in o.probe.id][:5]
        hint = f"Did you mean {', '.join(near)}?" if near else f"compat show {judged.cell.id[:8]} lists its probes."
        raise UserError(f"{judged.said} has no result of the probe {probe!r}", hint=hint)
    return [f"{judged.cell.id}  {judged.said}", *_full(found), *_probe_by_hand(judged, probe, suites)]


def _probe_by_hand(judged: CellResult, probe: str, suites: Sequence[Path]) -> list[str]:
    """The command that runs one probe alone, without its limits, with an ordinary traceback."""
    record, home = judged.record, paths.data("probes")
    folders = tuple(folder.absolute() for folder in suites) or (home,)
    inside = {folder: "/probes" if folder == home else f"/suite{n}" for n, folder in enumerate((*folders, home), 1)}
    if record is None or record.lock is None:
        return []
    if record.image_key and judged.isolated and not judged.published:
        mounts = (shlex.quote(f"{here}:{there}:ro") for here, there in inside.items())
        options = ("-e HOME=/tmp", *(f"-v {mount}" for mount in mounts))
        head = "alone, by hand, in the image it ran in, while that is kept:"
        command = _alone(probe, "/probes", [inside[folder] for folder in folders])
        return ["", head, f"  {_in_image(judged, record, record.engine.kind, options)} {command}"]
    head = f"alone, by hand, in the environment that compat show {judged.cell.id[:8]} says how to make:"
    return ["", head, f"  {IN_IMAGE} {_alone(probe, str(home), [str(folder) for folder in folders])}"]


def _alone(probe: str, home: str, folders: Sequence[str]) -> str:
    """Arguments of Python that run a probe of the suites in `folders` with the harness in `home`."""
    return shlex.join(["-B", f"{home}/harness/alone.py", probe, *folders])


def _full(outcome: Outcome) -> list[str]:
    probe, seen = outcome.probe, outcome.observation
    lines = [f"--- {probe.id}: {outcome.kind}", probe.question, f"source: {probe.source or 'none named'}"]
    if seen is None:
        return [*lines, "no result"]
    whose = f", attributed to: {outcome.attribution}" if outcome.attribution else ""
    lines.append(f"{how_it_ended(seen)}, phase {seen.phase}, {seen.seconds:.2f} s{whose}")
    if seen.within:
        lines.append(f"call in question: {seen.within}")
    if seen.first:
        lines.append(f"first, in a warm process: {seen.first}; repeated in a fresh one: this result")
    if seen.reused_from:
        lines.append(f"seen in run {seen.reused_from}; nothing it depends on has changed since")
    if seen.reason:
        lines.append(f"reason: {seen.reason}")
    if seen.value is not None:
        lines.append(f"value: {seen.value!r}")
    if seen.exception:
        lines.append(uncoloured(seen.exception.text) or f"{seen.exception.type}: {seen.exception.message}")
    lines += [f"warned: {warning}" for warning in seen.warnings]
    captured = printable(uncoloured(seen.output), lines=True)
    if captured.strip("\n"):
        lines += ["captured output:", *(f"  | {line}" for line in captured.rstrip("\n").split("\n"))]
    return lines
