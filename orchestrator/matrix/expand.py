"""`Matrix` → `Plan`: the product of the axes, less what excludes take, plus what includes give back.

Choices on request are no part of a plan: their cells come beside it, for who names them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from orchestrator.errors import UserError
from orchestrator.matrix import patterns
from orchestrator.matrix.ranges import refuse_stray
from orchestrator.model import Cell, Choice, Condition, Group, Matrix, Rule

MAX_CELLS = 100_000
MAX_STEPS = 5_000_000
"""Choices looked at while walking the product; keeps a file with a million millions of combinations from hanging."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Excluded:
    """What a rule took: combinations that no rule deciding on earlier axes (or written earlier) had taken before."""

    rule: Rule
    count: int

    @property
    def reason(self) -> str:
        return self.rule.reason


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """All cells in the order of the axes' choices, and one entry per exclude rule in the file's order."""

    cells: tuple[Cell, ...]
    excluded: tuple[Excluded, ...]

    @property
    def combinations(self) -> int:
        """The size of the whole product."""
        return len(self.cells) + sum(e.count for e in self.excluded)


def expand(matrix: Matrix) -> Plan:
    """The cells of a matrix, without those of choices on request.

    Raises UserError, naming the line, for a rule that matches or removes nothing (not even on request) and for an
    include that gives nothing back; and where no cell is left or more than can be planned.
    """
    for rule in (*matrix.exclude, *matrix.include):
        _refuse_idle(matrix, rule)
    for include in matrix.include:
        if not any(_overlap(matrix, include, exclude) for exclude in matrix.exclude):
            raise UserError(f"{include.at}: restores nothing: no exclude removes what it matches")
    plan = walk(_narrowed(matrix, {}), whole=matrix)
    if not plan.cells:
        raise UserError(f"{matrix.path}: every combination is excluded: nothing to run")
    for number, excluded in enumerate(plan.excluded):
        if not excluded.count and not _takes_on_request(matrix, number):
            raise UserError(
                f"{excluded.rule.at}: removes nothing: other rules already remove all of it, or an include restores it",
                hint="remove this rule, or those that make it redundant",
            )
    return plan


def requested(matrix: Matrix, kept: Mapping[str, frozenset[str]]) -> tuple[Cell, ...]:
    """The cells with a choice on request, of what `kept` (axis → names) leaves of the choices.

    Of an axis that is not named there, choices on request are left out. Raises UserError for more than can be planned.
    """
    narrowed = _narrowed(matrix, kept)
    if not all(narrowed.choices) or not any(c.on_request for choices in narrowed.choices for c in choices):
        return ()
    cells = walk(narrowed, whole=matrix).cells
    return tuple(cell for cell in cells if any(choice.on_request for choice in cell.choices))


def table(matrix: Matrix, plan: Plan, selected: Iterable[Cell], recorded: Iterable[Cell]) -> tuple[Cell, ...]:
    """The cells a table has rows for: the plan's, the selected ones, and those on request that something is recorded
    of and the matrix still has. None twice.
    """
    asked = {(c.axis.name, c.name) for choices in matrix.choices for c in choices if c.on_request}
    seen = [cell for cell in recorded if asked.intersection(cell.axes.items())]
    kept = {axis: frozenset(name for cell in seen if (name := cell.get(axis))) for axis in {a for a, _ in asked}}
    known = {cell.id for cell in seen}
    again = (cell for cell in requested(matrix, kept) if cell.id in known)
    return tuple({cell.id: cell for cell in (*plan.cells, *selected, *again)}.values())


def _narrowed(matrix: Matrix, kept: Mapping[str, frozenset[str]]) -> Matrix:
    """The matrix with the choices that `kept` names, on other axes with those that are planned unasked."""
    return replace(
        matrix,
        choices=tuple(
            tuple(c for c in choices if (c.name in kept[c.axis.name] if c.axis.name in kept else not c.on_request))
            for choices in matrix.choices
        ),
    )


def _takes_on_request(matrix: Matrix, number: int) -> bool:
    """Whether an exclude takes anything from cells on request. Only the part of the product that it matches counts."""
    box = {choices[0].axis.name: meant(choices, matrix.exclude[number]) for choices in matrix.choices}
    if not any(c.on_request and c.name in box[c.axis.name] for choices in matrix.choices for c in choices):
        return False
    return walk(_narrowed(matrix, box), whole=matrix).excluded[number].count > 0


def walk(matrix: Matrix, *, whole: Matrix | None = None) -> Plan:
    """The product without the complaints of `expand` (it may be empty).

    Rules mean what they mean among the choices of `whole`, of which `matrix` may be a part.
    """
    listed = (whole or matrix).choices
    product = _Product(
        matrix=matrix,
        excludes=_masks(matrix, matrix.exclude, listed),
        includes=_masks(matrix, matrix.include, listed),
    )
    product.visit(0, (), _Alive(excludes=product.excludes.all, includes=product.includes.all, taken_by=_NOBODY))
    excluded = zip(matrix.exclude, product.counts, strict=True)
    return Plan(
        cells=tuple(Cell(choices=choices) for choices in product.kept),
        excluded=tuple(Excluded(rule=rule, count=count) for rule, count in excluded),
    )


def groups_of(cell: Cell, matrix: Matrix) -> tuple[Group, ...]:
    """The groups of probes that run in a cell, in the file's order."""
    names = {choices[0].axis.name: tuple(c.name for c in choices) for choices in matrix.choices}
    return tuple(group for group in matrix.groups if all(_holds(cell, c, names) for c in group.where))


def _holds(cell: Cell, condition: Condition, names: dict[str, tuple[str, ...]]) -> bool:
    axis, wanted = condition
    if axis not in names or cell.get(axis) is None:  # a cell of another matrix that shares the store
        return False
    choice = cell[axis]
    return choice.name in patterns.matching(choice.axis, names[axis], wanted)


def meant(choices: tuple[Choice, ...], rule: Rule) -> frozenset[str]:
    """The names on one axis that a rule matches; all where it does not mention the axis."""
    axis, names = choices[0].axis, tuple(c.name for c in choices)
    wanted = tuple(pattern for name, every in rule.where if name == axis.name for pattern in every)
    return patterns.matching(axis, names, wanted) if wanted else frozenset(names)


def _refuse_idle(matrix: Matrix, rule: Rule) -> None:
    known = {choices[0].axis.name: choices for choices in matrix.choices}
    for axis, wanted in rule.where:
        if axis not in known:
            raise UserError(f"{rule.at}: unknown axis {axis!r}")
        refuse_stray(matrix, (axis, wanted), rule.at)
        if not meant(known[axis], rule):
            raise UserError(f"{rule.at}.{axis}: {', '.join(wanted)} together match no choice of the axis {axis}")


def _overlap(matrix: Matrix, one: Rule, other: Rule) -> bool:
    """Is there a combination both rules match? Rules are boxes in the product, so each axis decides for itself."""
    return all(meant(choices, one) & meant(choices, other) for choices in matrix.choices)


# ---------------------------------------------------------------- the walk

_NOBODY = -1
_GIVEN_BACK = -2


@dataclass(frozen=True, kw_only=True, slots=True)
class _Masks:
    """Rules as bits: `allowed[axis][choice]` those that still match after this choice, `decided[axis]` those
    that mention no later axis.
    """

    allowed: tuple[tuple[int, ...], ...]
    decided: tuple[int, ...]
    all: int


def _masks(matrix: Matrix, rules: tuple[Rule, ...], listed: tuple[tuple[Choice, ...], ...]) -> _Masks:
    order = [choices[0].axis.name for choices in matrix.choices]
    decided = [0] * len(order)
    allowed = [[0] * len(choices) for choices in matrix.choices]
    for bit, rule in enumerate(rules):
        decided[max(order.index(axis) for axis, _ in rule.where)] |= 1 << bit
        for row, choices, every in zip(allowed, matrix.choices, listed, strict=True):
            names = meant(every, rule)
            for i, choice in enumerate(choices):
                row[i] |= (choice.name in names) << bit
    return _Masks(allowed=tuple(tuple(row) for row in allowed), decided=tuple(decided), all=(1 << len(rules)) - 1)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Alive:
    """Rules that match the choices made so far, and who has taken the combination."""

    excludes: int
    includes: int
    taken_by: int


@dataclass(kw_only=True, slots=True)
class _Product:
    """The walk's tables and what it has found so far."""

    matrix: Matrix
    excludes: _Masks
    includes: _Masks
    kept: list[tuple[Choice, ...]] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    steps: int = 0

    def __post_init__(self) -> None:
        self.counts = [0] * len(self.matrix.exclude)
        self.sizes = [1] * (len(self.matrix.choices) + 1)
        for depth in range(len(self.matrix.choices) - 1, -1, -1):
            self.sizes[depth] = self.sizes[depth + 1] * len(self.matrix.choices[depth])

    def visit(self, depth: int, made: tuple[Choice, ...], alive: _Alive) -> None:
        """Goes on from the choices made. A subtree is left as soon as an exclude has it and no include can match."""
        if depth == len(self.matrix.choices):
            self._keep(made, alive.taken_by)
            return
        choices = self.matrix.choices[depth]
        self.steps += len(choices)
        if self.steps > MAX_STEPS:
            raise UserError(
                f"{self.matrix.path}: the product is {self.sizes[0]:,} combinations, and the rules on the first axes "
                "exclude too few",
                hint="exclude on the axes that come first, or list fewer choices",
            )
        for i, choice in enumerate(choices):
            after = self._after(depth, i, alive)
            if after.taken_by >= 0 and not after.includes:
                self.counts[after.taken_by] += self.sizes[depth + 1]
            else:
                self.visit(depth + 1, (*made, choice), after)

    def _keep(self, made: tuple[Choice, ...], taken_by: int) -> None:
        if taken_by >= 0:
            self.counts[taken_by] += 1
            return
        self.kept.append(made)
        if len(self.kept) > MAX_CELLS:
            raise UserError(f"{self.matrix.path}: more than {MAX_CELLS:,} cells", hint="exclude more combinations")

    def _after(self, depth: int, i: int, alive: _Alive) -> _Alive:
        if alive.taken_by == _GIVEN_BACK:
            return alive
        excludes = alive.excludes & self.excludes.allowed[depth][i]
        includes = alive.includes & self.includes.allowed[depth][i]
        taken_by = alive.taken_by
        if includes & self.includes.decided[depth]:
            taken_by = _GIVEN_BACK
        elif taken_by == _NOBODY:
            fired = excludes & self.excludes.decided[depth]
            taken_by = (fired & -fired).bit_length() - 1 if fired else _NOBODY
        return _Alive(excludes=excludes, includes=includes, taken_by=taken_by)
