"""The nearest of some cells, such as those in which a group works."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import ne

from packaging.version import InvalidVersion, Version

from orchestrator.axes.registry import kind_of
from orchestrator.errors import CellStatus
from orchestrator.model import Cell, Matrix, Strategy, VerdictKind
from orchestrator.verdict.judge import CellResult


def nearest(origin: Sequence[Cell], group: str, cells: Iterable[CellResult], matrix: Matrix) -> CellResult | None:
    """The cell nearest to one of `origin` where the group works; None where it works nowhere.

    Cells of `origin` that work are their own nearest; `forced` cells, where requirements are ignored, only where
    nothing else works.
    """
    ran = [j for j in cells if j.status is CellStatus.RAN]
    forced: CellResult | None = None
    for judged in by_distance(origin, ran, matrix):
        if judged.kind(group) is VerdictKind.WORKS:
            if judged.cell.strategy is not Strategy.FORCED:
                return judged
            forced = forced or judged
    return forced


def closest(origin: Sequence[Cell], among: Sequence[CellResult], matrix: Matrix) -> CellResult | None:
    """The one of `among` that is nearest to one of `origin`; None where either is empty."""
    return next(by_distance(origin, among, matrix), None)


def by_distance(origin: Sequence[Cell], among: Sequence[CellResult], matrix: Matrix) -> Iterator[CellResult]:
    """Those of `among` by their distance to the nearest of `origin`, equally near ones in their order.

    Fewest differing choices first (a subject's version counts as any other), then what is easier to change, then the
    distance between versions as listed in the matrix. Only those that are asked for are measured in full. A cell with
    other axes than `origin`, of `compat try` or another matrix, has no distance and is left out.
    """
    named = [(_names(cell), cell.constraints) for cell in origin]
    axes = {tuple(cell.axes) for cell in origin}
    counted: dict[int, list[CellResult]] = {}
    for judged in among if len(axes) == 1 else ():
        if tuple(judged.cell.axes) not in axes:
            continue
        names, constraints = _names(judged.cell), judged.cell.constraints
        changes = min(sum(map(ne, names, other)) + (constraints != theirs) for other, theirs in named)
        counted.setdefault(changes, []).append(judged)
    scales = _scales(matrix)
    for changes in sorted(counted):
        yield from sorted(counted[changes], key=lambda j: min(_distance(cell, j.cell, scales) for cell in origin))


def _names(cell: Cell) -> tuple[str, ...]:
    return tuple(choice.name for choice in cell.choices)


def _changes(one: Cell, other: Cell) -> int:
    differing = sum(a.name != b.name for a, b in zip(one.choices, other.choices, strict=True))
    return differing + (one.constraints != other.constraints)


_Scales = Mapping[str, Mapping[str, int]]


def _scales(matrix: Matrix) -> _Scales:
    """axis → choice → place among the choices: by version where they have some, names last and in the file's order."""
    found = {}
    for choices in matrix.choices:
        names = [c.name for c in choices]
        if kind_of(choices[0].axis).naming.versioned:
            names.sort(key=_version)
        found[choices[0].axis.name] = {name: place for place, name in enumerate(names)}
    return found


def _version(name: str) -> tuple[int, Version]:
    try:
        return 0, Version(name)
    except InvalidVersion:
        return 1, Version("0")


def _distance(one: Cell, other: Cell, scales: _Scales) -> tuple[int, int, int]:
    pairs = zip(one.choices, other.choices, strict=True)
    differing = [(a, b) for a, b in pairs if a.name != b.name]
    effort = sum(kind_of(a.axis).standing.effort for a, _ in differing)
    apart = 0
    for a, b in differing:
        scale = scales.get(a.axis.name, {})
        apart += abs(scale.get(a.name, len(scale)) - scale.get(b.name, len(scale)))
    return _changes(one, other), effort, apart
