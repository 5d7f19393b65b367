"""The nearest cell in which a group works."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from packaging.version import InvalidVersion, Version

from orchestrator.errors import CellStatus
from orchestrator.model import AxisKind, Cell, Matrix, Strategy, VerdictKind
from orchestrator.verdict.judge import Judged

_EFFORT = {
    AxisKind.RESOLVE: 0,
    AxisKind.ENV: 1,
    AxisKind.DEVICE: 2,
    AxisKind.PACKAGE: 3,
    AxisKind.PYTHON: 4,
}
"""What is easier to change comes first where the number of changes is equal."""


def nearest(origin: Sequence[Cell], group: str, cells: Iterable[Judged], matrix: Matrix) -> Judged | None:
    """The cell nearest to one of `origin` where the group works; None where it works nowhere.

    Fewest differing choices first (a subject's version counts as any other), then what is easier to change,
    then the distance between versions as listed in the matrix, then the plan's order. Cells of `origin` that
    work are their own nearest; `forced` cells, where requirements are ignored, only where nothing else works.
    """
    scales = _scales(matrix)
    working = [j for j in cells if j.status is CellStatus.RAN and j.kind(group) is VerdictKind.WORKS]
    honest = [j for j in working if j.cell.strategy is not Strategy.FORCED] or working
    if not honest or not origin:
        return None
    # counting differences is cheap and settles most; only the closest are measured in full
    counted = [(min(_changes(cell, j.cell) for cell in origin), j) for j in honest]
    fewest = min(count for count, _ in counted)
    closest = [j for count, j in counted if count == fewest]
    return min(closest, key=lambda j: min(_distance(cell, j.cell, scales) for cell in origin))


def _changes(one: Cell, other: Cell) -> int:
    differing = sum(a.name != b.name for a, b in zip(one.choices, other.choices, strict=True))
    return differing + (one.constraints != other.constraints)


_Scales = Mapping[str, Mapping[str, int]]


def _scales(matrix: Matrix) -> _Scales:
    """axis → choice → place among the choices: by version, names that are none last and in the file's order."""
    found = {}
    for choices in matrix.choices:
        names = sorted((c.name for c in choices), key=_version)
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
    effort = sum(_EFFORT[a.axis.kind] for a, _ in differing)
    apart = 0
    for a, b in differing:
        scale = scales.get(a.axis.name, {})
        apart += abs(scale.get(a.name, len(scale)) - scale.get(b.name, len(scale)))
    return _changes(one, other), effort, apart
