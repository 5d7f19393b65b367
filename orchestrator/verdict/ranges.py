"""Which value from which version on: runs of equal values along one axis, everything else held as still as can be.

Nothing is said across a version that was not run, and nothing assumes order: a value that comes back is a new run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from packaging.version import Version

from orchestrator.axes.registry import beyond_default, kind_of, phrase
from orchestrator.errors import CellStatus, UserError
from orchestrator.model import (
    PYTHON,
    Axis,
    Cell,
    Choice,
    Matrix,
    Outcome,
    Probe,
    ProbeKind,
    Strategy,
)
from orchestrator.verdict.judge import CellResult
from orchestrator.verdict.pairing import current
from orchestrator.verdict.spans import Point, Run, contiguous, label, release
from orchestrator.verdict.values import ProbeValue, key, said_by, text, told
from orchestrator.verdict.words import NOT_RUN, OURS, status_word

NOT_ASKED = "not asked for"
NO_COMBINATION = "not planned"


@dataclass(frozen=True, kw_only=True, slots=True)
class VersionCell:
    """A version on the axis and the cell that stands for it; `absent` where none ran there."""

    version: str
    judged: CellResult | None = None
    absent: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Track:
    """A way along the axis: `held` are the choices that stay, `loose` in words what had to vary, with where."""

    places: tuple[VersionCell, ...]
    held: str
    loose: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class ProbeHistory:
    """One probe: its runs in order, every version without a value with why (`gaps`), and what a reader must know.

    `doubts` are (version before, version after, what else changed) of changes that were only seen while something
    besides the axis changed; `beside` (version, Python, value) where another Python says something else; `mixed`
    whether the probe itself was changed between what was seen of it.
    """

    probe: Probe
    runs: tuple[Run, ...]
    gaps: tuple[tuple[str, str], ...] = ()
    doubts: tuple[tuple[str, str, str], ...] = ()
    beside: tuple[tuple[str, str, str], ...] = ()
    mixed: bool = False
    track: int = 0

    @property
    def changes(self) -> bool:
        return len(self.runs) > 1

    @property
    def texts(self) -> tuple[str, ...]:
        """A text per run, what all share left out."""
        return told([run.value for run in self.runs])


@dataclass(frozen=True, kw_only=True, slots=True)
class Ranges:
    """The table: the axis, all versions of it that were looked at, the tracks, and a line per probe."""

    axis: Axis
    versions: tuple[str, ...]
    tracks: tuple[Track, ...]
    lines: tuple[ProbeHistory, ...]


def ranges(matrix: Matrix, cells: Sequence[CellResult], wanted: Callable[[Probe], bool]) -> Ranges:
    """The ranges of the probes that are `wanted`, over judged cells of a plan or a part of it.

    The axis is the matrix's leading package. A probe is told along the plainest combination in which it has
    results (no subject, packages unpinned, variables plain before others); there each version is stood for by the
    dependencies as released where those ran, where most groups of the suite apply, on the newest such Python.

    Raises UserError where the matrix has no package axis.
    """
    axis = leading(matrix)
    versions = _versions(matrix, axis, cells)
    lines: dict[str, ProbeHistory] = {}
    tracks: list[Track] = []
    for mine in _profiles(axis, cells):
        way = _way(axis, _track(axis, _asked(axis, versions, cells), mine), mine)
        # a probe stands on the first track where it has a value at all
        open_ = {n: p for n, p in _probes(way.track, wanted).items() if n not in lines or not lines[n].runs}
        made = {name: _line(probe, way, len(tracks)) for name, probe in open_.items()}
        new = {name: line for name, line in made.items() if name not in lines or line.runs}
        if new:
            tracks.append(way.track)
            lines |= new
    ordered = sorted(lines.values(), key=lambda line: (line.track, line.probe.id))
    return Ranges(axis=axis, versions=versions, tracks=tuple(tracks), lines=tuple(ordered))


def leading(matrix: Matrix) -> Axis:
    """The first package axis that is no subject, else the first. Raises UserError where there is none."""
    packages = [axis for axis in matrix.axes if kind_of(axis).of_package]
    if not packages:
        raise UserError(f"{matrix.path} has no package axis, so there are no versions to compare values by")
    return next((axis for axis in packages if not axis.subject), packages[0])


def probe_filter(kinds: Iterable[ProbeKind], words: Sequence[str]) -> Callable[[Probe], bool]:
    """Probes of these kinds whose id begins with, or contains, one of the words (all where there are none)."""
    chosen = frozenset(kinds)
    return lambda probe: probe.kind in chosen and (not words or any(word in probe.id for word in words))


# ---------------------------------------------------------------- the way along the axis


def _versions(matrix: Matrix, axis: Axis, cells: Sequence[CellResult]) -> tuple[str, ...]:
    """Every listed version from the oldest to the newest that was asked for, oldest first."""
    listed = next(choices for choices in matrix.choices if choices[0].axis.name == axis.name)
    order = sorted((c.name for c in listed if release(c.name)), key=Version)
    asked = {j.cell.get(axis.name) for j in cells}
    places = [place for place, name in enumerate(order) if name in asked]
    return tuple(order[places[0] : places[-1] + 1]) if places else ()


def _profiles(axis: Axis, cells: Sequence[CellResult]) -> list[list[CellResult]]:
    """The cells by what a comparison must hold still, the plainest first."""
    found: dict[tuple[object, ...], list[CellResult]] = {}
    for judged in cells:
        found.setdefault(_profile(axis, judged.cell), []).append(judged)
    order = [p for p in found.values() if any(j.status is CellStatus.RAN for j in p)]
    return sorted(order, key=lambda p: _plainness(axis, p))


def _profile(axis: Axis, cell: Cell) -> tuple[object, ...]:
    return (*(c.name for c in cell.choices if c.axis.name != axis.name and not _varies(c.axis)), cell.constraints)


def _varies(axis: Axis) -> bool:
    """Whether an axis may have to vary along the leading one."""
    return kind_of(axis).standing.varies


def _free(cell: Cell) -> tuple[Choice, ...]:
    return tuple(c for c in cell.choices if _varies(c.axis))


def _plainness(axis: Axis, profile: Sequence[CellResult]) -> tuple[int, int, tuple[tuple[int, ...], ...]]:
    """Fewest choices beyond the defaults, then most versions that ran, then the newest of what is chosen."""
    cell = profile[0].cell
    others = [c for c in cell.choices if c.axis.name != axis.name]
    extra = sum(not _varies(c.axis) and beyond_default(c) for c in others)
    ran = {j.cell.get(axis.name) for j in profile if j.status is CellStatus.RAN}
    newest = tuple(tuple(-n for n in v.release) for c in others if (v := release(c.name)) and c.axis.subject)
    return extra + len(cell.constraints), -len(ran), newest


def _asked(axis: Axis, versions: Sequence[str], cells: Sequence[CellResult]) -> dict[str, bool]:
    """Version → whether it was asked for at all, in the axis's order."""
    asked = {j.cell.get(axis.name) for j in cells}
    return {version: version in asked for version in versions}


def _track(axis: Axis, versions: Mapping[str, bool], cells: Sequence[CellResult]) -> Track:
    places = []
    for version, asked in versions.items():
        here = [j for j in cells if j.cell.get(axis.name) == version]
        ran = [j for j in here if j.status is CellStatus.RAN]
        best = min(ran, key=_preference, default=None)
        places.append(
            VersionCell(version=version, judged=best, absent="" if best else _absent(here) if asked else NOT_ASKED)
        )
    return Track(
        places=tuple(places), held=_held(axis, [p.judged.cell for p in places if p.judged]), loose=_loose(places)
    )


def _preference(judged: CellResult) -> tuple[int, int, tuple[int, ...]]:
    strategies, cell = tuple(Strategy), judged.cell
    return strategies.index(cell.strategy), -len(judged.groups), tuple(-int(n) for n in cell.python.split("."))


def _absent(cells: Sequence[CellResult]) -> str:
    """Why no cell of a version ran: what is still open weighs more than what was found."""
    if not cells:
        return NO_COMBINATION
    words = Counter(status_word(j.status, j.reason) for j in cells)
    for open_ in (NOT_RUN, OURS):
        if words[open_]:
            return open_
    return words.most_common(1)[0][0]


def _held(axis: Axis, cells: Sequence[Cell]) -> str:
    kept = [c for c in cells[0].choices if c.axis.name != axis.name]
    names = [f"{kind_of(c.axis).wording.title(c.axis)} {c.name}" for c in kept if not _varies(c.axis)]
    still = [phrase(c) for c in _free(cells[0]) if len({cell[c.axis.name].name for cell in cells}) == 1]
    return ", ".join([*names, *cells[0].constraints, *still])


def _loose(places: Sequence[VersionCell]) -> tuple[str, ...]:
    """What varies along a track, as the versions that have each: "Python 3.7 (2.1–2.10), 3.11 (2.12)"."""
    found = []
    every = [p.version for p in places]
    for axis in (c.axis for c in _free(next(p.judged.cell for p in places if p.judged))):
        words = kind_of(axis).wording
        points = [
            Point(version=p.version, value=words.word(p.judged.cell[axis.name].name))
            if p.judged
            else Point(version=p.version, absent=p.absent)
            for p in places
        ]
        runs = contiguous(points)
        if len({str(run.value) for run in runs}) > 1:
            found.append(f"{words.title(axis)} " + ", ".join(f"{r.value} ({label(r.spans, every)})" for r in runs))
    bases = {p.judged.record.base.name for p in places if p.judged and p.judged.record and p.judged.record.base}
    if len(bases) > 1:
        found.append(f"base image ({len(bases)} of them)")
    if len({p.judged.isolated for p in places if p.judged}) > 1:
        found.append("engine (some results are of the local one, not isolated)")
    return tuple(found)


def _probes(track: Track, wanted: Callable[[Probe], bool]) -> dict[str, Probe]:
    every = (o.probe for p in track.places if p.judged for o in p.judged.outcomes)
    return {probe.id: probe for probe in every if wanted(probe)}


# ---------------------------------------------------------------- one probe


@dataclass(frozen=True, kw_only=True, slots=True)
class _Way:
    """A track with all cells that could have stood on it; `outcomes` is cell id → probe id → outcome, `keys` what has
    been asked of it already.
    """

    axis: Axis
    track: Track
    cells: tuple[CellResult, ...]
    outcomes: Mapping[str, Mapping[str, Outcome]]
    keys: dict[tuple[str, str], str] = field(default_factory=dict)

    def said(self, probe: str, judged: CellResult) -> ProbeValue:
        found = self.outcomes[judged.cell.id].get(probe)
        return said_by(found) if found else ProbeValue(absent="no result")

    def key(self, probe: str, judged: CellResult) -> str:
        """The key of what a probe said in a cell, "" where it has no value."""
        asked = (judged.cell.id, probe)
        if asked not in self.keys:
            seen = self.said(probe, judged)
            self.keys[asked] = "" if seen.absent else key(seen.value)
        return self.keys[asked]

    def version(self, judged: CellResult) -> str:
        return judged.cell.get(self.axis.name) or ""


def _way(axis: Axis, track: Track, cells: Sequence[CellResult]) -> _Way:
    ran = tuple(j for j in cells if j.status is CellStatus.RAN)
    outcomes = {j.cell.id: {o.probe.id: o for o in j.outcomes} for j in ran}
    return _Way(axis=axis, track=track, cells=ran, outcomes=outcomes)


def _line(probe: Probe, way: _Way, number: int) -> ProbeHistory:
    points = [_point(probe.id, place, way) for place in way.track.places]
    runs = contiguous(points)
    return ProbeHistory(
        probe=probe,
        runs=runs,
        gaps=tuple((p.version, p.absent) for p in points if p.absent),
        doubts=_doubts(probe.id, runs, way),
        beside=_beside(probe.id, way),
        mixed=len(_versions_of(probe.id, way)) > 1,
        track=number,
    )


def _versions_of(probe: str, way: _Way) -> set[bool]:
    """Whether what stands for the versions was seen with the probe as it is now, before it was changed, or both."""
    stand = (p.judged for p in way.track.places if p.judged)
    seen = ((judged, way.outcomes[judged.cell.id].get(probe)) for judged in stand)
    states = {current(judged, outcome) for judged, outcome in seen if outcome}
    return {state for state in states if state is not None}


def _point(probe: str, place: VersionCell, way: _Way) -> Point:
    if place.judged is None:
        return Point(version=place.version, absent=place.absent)
    seen = way.said(probe, place.judged)
    return Point(version=place.version, value=seen.value, absent=seen.absent)


def _doubts(probe: str, runs: Sequence[Run], way: _Way) -> tuple[tuple[str, str, str], ...]:
    """Changes that no pair of cells shows in which only the axis differs."""
    at = {p.version: p.judged.cell for p in way.track.places if p.judged}
    found = []
    for before, after in pairwise(runs):
        one, other = at[before.last], at[after.first]
        moved = [(a, b) for a, b in zip(_free(one), _free(other), strict=True) if a.name != b.name]
        if moved and not _seen_still(probe, (before, after), way):
            what = ", ".join(f"{phrase(a)} → {phrase(b)}" for a, b in moved)
            found.append((before.last, after.first, what))
    return tuple(found)


def _seen_still(probe: str, pair: tuple[Run, Run], way: _Way) -> bool:
    before, after = pair
    wanted = {before.last: key(before.value), after.first: key(after.value)}
    there: dict[tuple[str, ...], set[str]] = {}
    for judged in way.cells:
        version = way.version(judged)
        if version in wanted and way.key(probe, judged) == wanted[version]:
            there.setdefault(tuple(c.name for c in _free(judged.cell)), set()).add(version)
    return any(len(versions) == 2 for versions in there.values())


def _beside(probe: str, way: _Way) -> tuple[tuple[str, str, str], ...]:
    """Other Pythons at the same version, with nothing else changed, that say something else."""
    chosen = {p.version: p.judged for p in way.track.places if p.judged}
    found = []
    for judged in way.cells:
        here = chosen.get(way.version(judged))
        if here is None or not _only_python(judged.cell, here.cell):
            continue
        one, other = way.key(probe, here), way.key(probe, judged)
        if one and other and one != other:
            found.append((way.version(here), judged.cell.python, text(way.said(probe, judged).value)))
    return tuple(found)


def _only_python(one: Cell, other: Cell) -> bool:
    pairs = zip(_free(one), _free(other), strict=True)
    return [a.axis.kind for a, b in pairs if a.name != b.name] == [PYTHON]
