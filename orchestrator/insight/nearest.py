"""The nearest of some cells, such as those in which a group works."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from packaging.version import InvalidVersion, Version

from orchestrator.axes.registry import kind_of
from orchestrator.errors import CellStatus
from orchestrator.model import Cell, Matrix, Strategy, VerdictKind
from orchestrator.verdict.judge import Judged


def nearest(origin: Sequence[Cell], group: str, cells: Iterable[Judged], matrix: Matrix) -> Judged | None:
    """The cell nearest to one of `origin` where the group works; None where it works nowhere.

    Fewest differing choices first (a subject's version counts as any other), then what is easier to change,
    then the distance between versions as listed in the matrix, then the plan's order. Cells of `origin` that
    work are their own nearest; `forced` cells, where requirements are ignored, only where nothing else works.
    """
    working = [j for j in cells if j.status is CellStatus.RAN and j.kind(group) is VerdictKind.WORKS]
    honest = [j for j in working if j.cell.strategy is not Strategy.FORCED] or working
    return closest(origin, honest, matrix)


def closest(origin: Sequence[Cell], among: Sequence[Judged], matrix: Matrix) -> Judged | None:
    """The one of `among` that is nearest to one of `origin`; None where either is empty."""
    if not among or not origin:
        return None
    scales = _scales(matrix)
    if beside := _one_apart(origin, among):
        return min(beside, key=lambda pair: _distance(pair[0], pair[1].cell, scales))[1]
    # counting differences is cheap and settles most; only the closest are measured in full
    counted = [(min(_changes(cell, j.cell) for cell in origin), j) for j in among]
    fewest = min(count for count, _ in counted)
    few = [j for count, j in counted if count == fewest]
    return min(few, key=lambda j: min(_distance(cell, j.cell, scales) for cell in origin))


def _one_apart(origin: Sequence[Cell], among: Sequence[Judged]) -> list[tuple[Cell, Judged]]:
    """Pairs of cells that differ in one choice at most, found without comparing each with each."""
    around: dict[object, list[Cell]] = {}
    for cell in origin:
        for key in _but_one(cell):
            around.setdefault(key, []).append(cell)
    return [(cell, judged) for judged in among for key in _but_one(judged.cell) for cell in around.get(key, ())]


def _but_one(cell: Cell) -> list[object]:
    names = tuple(c.name for c in cell.choices)
    return [(at, names[:at], names[at + 1 :], cell.constraints) for at in range(len(names))]


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
