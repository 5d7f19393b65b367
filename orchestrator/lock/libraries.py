"""The libraries of a cell's device, on top of its pins: which line is meant, which of its sources can be had."""

from __future__ import annotations

from dataclasses import dataclass, replace

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from orchestrator.errors import CellError, CellStatus, Phase
from orchestrator.lock import folders
from orchestrator.lock.resolve import Where, by_uv, unresolvable
from orchestrator.lock.tags import same_version
from orchestrator.model import Cell, Choice, Distribution, Libraries, SourceKind, Sources, Strategy

NO_LIBRARIES = "no-libraries"
NO_LINE = "no-line"
CLASH = "libraries-clash"


@dataclass(frozen=True, kw_only=True, slots=True)
class Pins:
    """A cell's distributions as they were resolved, and with the device's stand-ins in place."""

    solved: tuple[Distribution, ...]
    chosen: tuple[Distribution, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Added:
    """A cell's distributions with those of its libraries. `device` is the line, `notes` what was added and why."""

    device: str
    distributions: tuple[Distribution, ...]
    libraries: Libraries | None = None
    notes: tuple[str, ...] = ()


def add(cell: Cell, pins: Pins, where: Where) -> Added:
    """The cell's distributions with the libraries of its device; nothing of the cell changes.

    Raises CellError: unavailable `no-line` (what a device follows was built for a line that the matrix does not
    list), unavailable `no-libraries` with what was tried, unresolvable `libraries-clash` with uv's reason.
    """
    device = next((choice for choice in cell.choices if choice.sources or choice.follows), None)
    if device is None:
        return Added(device=cell.device, distributions=pins.chosen)
    line, notes = _followed(device, cell, pins, where) if device.follows else (device, ())
    sources = line.sources or Sources()
    tried: list[str] = []
    for found in (_from_image, _from_wheels, _from_folder):
        added = found(line, sources, _LibraryRequest(cell=cell, pins=pins, where=where))
        if isinstance(added, Added):
            return replace(added, notes=(*notes, *added.notes))
        if added:
            tried.append(added)
    detail = "; ".join(tried) or "the matrix names no source for them"
    raise _unavailable(NO_LIBRARIES, f"no libraries for {line.name}: {detail}")


# ---------------------------------------------------------------- the line


def _followed(device: Choice, cell: Cell, pins: Pins, where: Where) -> tuple[Choice, tuple[str, ...]]:
    """The device that the followed package's own build decides on, and a note that says so."""
    names = {
        device.follows,
        *(s for o, s in device.substitutes if canonicalize_name(Requirement(o).name) == device.follows),
    }
    there = next((d for d in pins.chosen if d.name in names), None)
    if there is None:
        raise _unavailable(NO_LINE, f"{device.name} follows {device.follows}, which is not in this combination")
    if where.own(there.name) is not None:
        raise _unavailable(NO_LINE, f"{device.name} follows {there.name}, which is from disk and is not looked into")
    built = where.tools.built_for(there.name, there.version, cell.python, where.platform)
    said = f"{there.name} {there.version} was built {built.said}"
    if not built.device:
        raise _unavailable(NO_LINE, said)
    lines = [c for c in where.tools.devices if c.sources]
    found = next((c for c in lines if c.name == built.device), None)
    if found is None:
        listed = ", ".join(c.name for c in lines) or "the matrix lists no device with libraries"
        raise _unavailable(NO_LINE, f"{said}, and the matrix lists {listed}")
    return found, (f"{said}: {device.name} is {found.name} here",)


# ---------------------------------------------------------------- the sources, in order


@dataclass(frozen=True, kw_only=True, slots=True)
class _LibraryRequest:
    """Whose libraries are looked for."""

    cell: Cell
    pins: Pins
    where: Where


def _from_image(line: Choice, sources: Sources, asked: _LibraryRequest) -> Added | str:
    """Libraries that an image holds, or why not ("": no image is named)."""
    if not sources.image:
        return ""
    try:
        identity = asked.where.tools.image(sources.image)
    except CellError as error:
        if error.status is not CellStatus.UNAVAILABLE:
            raise
        return f"the image {sources.image} is not available ({error.detail})"
    return Added(
        device=line.name,
        distributions=asked.pins.chosen,
        libraries=Libraries(source=SourceKind.IMAGE, place=sources.image, paths=sources.paths, identity=identity),
        notes=(f"the libraries of {line.name} are copied from the image {sources.image}",),
    )


def _from_wheels(line: Choice, sources: Sources, asked: _LibraryRequest) -> Added | str:
    """Libraries that wheels hold, resolved on top of the cell's pins as of the index's reading: a line may be younger
    than what a cell takes its own dependencies from.
    """
    if not sources.wheels:
        return ""
    where = replace(asked.where, cutoff=asked.where.index.as_of)
    held = _held(asked.cell, asked.pins.solved)
    try:
        found = by_uv((*(d.pin for d in held), *sources.wheels), where)
    except CellError as error:
        if error.reason != "pins-clash":
            raise
        raise _clash(line, error.detail) from error
    before = {d.name: d for d in (*asked.pins.chosen, *asked.pins.solved)}
    for one in found.distributions:
        if one.name in before and not same_version(one.version, before[one.name].version):
            raise _clash(line, f"{before[one.name].pin} would become {one.pin}")
    more = tuple(d for d in found.distributions if d.name not in before)
    if not more:
        return f"{', '.join(sources.wheels)} add nothing to these pins (does the extra exist?)"
    everything = tuple(sorted((*asked.pins.chosen, *more), key=lambda d: d.name))
    said = ", ".join(d.pin for d in more)
    return Added(
        device=line.name,
        distributions=everything,
        libraries=Libraries(source=SourceKind.WHEELS, names=tuple(d.name for d in more)),
        notes=(
            f"the libraries of {line.name} were added from wheels as of {where.cutoff:%Y-%m-%d}, every other pin "
            f"unchanged: {said}",
        ),
    )


def _from_folder(line: Choice, sources: Sources, asked: _LibraryRequest) -> Added | str:
    """Libraries in a folder of this machine; where it is wrong, every file that is."""
    if not sources.folder:
        return ""
    found = folders.examine(sources.folder, sources.sonames)
    if found.wrong:
        return f"the folder {sources.folder}: {', '.join(found.wrong)}"
    return Added(
        device=line.name,
        distributions=asked.pins.chosen,
        libraries=Libraries(source=SourceKind.FOLDER, place=sources.folder, paths=found.files, identity=found.identity),
        notes=(f"the libraries of {line.name} are copied from the folder {sources.folder}",),
    )


def _held(cell: Cell, solved: tuple[Distribution, ...]) -> tuple[Distribution, ...]:
    """The pins that a resolver can hold together: without a subject whose own requirements were ignored."""
    if cell.strategy is not Strategy.FORCED:
        return solved
    own = {canonicalize_name(c.axis.package or c.axis.name) for c in cell.subjects}
    return tuple(d for d in solved if d.name not in own)


def _clash(line: Choice, why: str) -> CellError:
    return unresolvable(CLASH, f"the libraries of {line.name} can't be added to these pins: {why}")


def _unavailable(reason: str, detail: str) -> CellError:
    return CellError(Phase.START, CellStatus.UNAVAILABLE, reason, detail)
