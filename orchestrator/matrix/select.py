"""Selectors, as typed: `tf=2.4.1,2.3.4 python!=3.7 "tensorflow>=2.3,<2.6" a41c` → the cells meant."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from packaging.utils import canonicalize_name

from orchestrator.axes.registry import kind_of
from orchestrator.errors import UserError, did_you_mean
from orchestrator.matrix import patterns
from orchestrator.matrix.expand import Plan, meant, requested, walk
from orchestrator.matrix.nodes import MAX_STRING, cut
from orchestrator.model import Axis, Cell, Choice, Matrix, Rule

_WORD = re.compile(r"(?P<name>[A-Za-z][A-Za-z0-9._-]*)\s*(?P<sign>==|!=|~=|<=|>=|=|<|>)(?P<values>.*)", re.DOTALL)
_ID = re.compile(r"[0-9a-f]{4,12}")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9._-]*")
_SPAN = re.compile(r"([0-9][0-9.]*?)\s*(?:-|–|:|/|…|\.\.\.)\s*([0-9][0-9.]*)", re.ASCII)
"""Two versions with something else than `..` between them."""
_TWO = re.compile(r"\S\s+[A-Za-z][A-Za-z0-9._-]*\s*[=!<>~]")
"""The end of one selector and the beginning of another."""
_SHOWN = 5
_NARROWER = "a range such as python=3.9..3.12 or a specifier such as 'python>=3.9,<3.13' says the same more briefly"


@dataclass(frozen=True, kw_only=True, slots=True)
class Selector:
    """What one word selects: the choices `names` on `axis`, or, where `axis` is "", cells by the start of their id."""

    word: str
    axis: str = ""
    names: frozenset[str] = frozenset()
    id: str = ""


def chosen(
    matrix: Matrix, plan: Plan, words: Iterable[str], tried: Callable[[], Iterable[Cell]] = tuple
) -> tuple[Cell, ...]:
    """The cells that words select, of the plan and of the choices on request that they name; by an id also what was
    `tried` without being in the matrix.

    Raises UserError where a word can't be understood or nothing is left.
    """
    selectors = parse_selectors(words, matrix)
    named: dict[str, frozenset[str]] = {}
    for selector in selectors:
        if selector.axis:
            named[selector.axis] = named.get(selector.axis, selector.names) & selector.names
    cells = (*plan.cells, *requested(matrix, named))
    unknown = tuple(s.id for s in selectors if s.id and not any(cell.id.startswith(s.id) for cell in cells))
    if unknown:
        cells = (*cells, *(c for c in requested(matrix, _everything(matrix)) if c.id.startswith(unknown)))
        if not any(c.id.startswith(unknown) for c in cells):
            cells = (*cells, *(c for c in tried() if c.id.startswith(unknown)))
    found = select(cells, selectors)
    if not found:
        raise explain_empty(matrix, plan, selectors)
    return found


def _everything(matrix: Matrix) -> dict[str, frozenset[str]]:
    return {choices[0].axis.name: frozenset(c.name for c in choices) for choices in matrix.choices}


def parse_selectors(words: Iterable[str], matrix: Matrix) -> tuple[Selector, ...]:
    """The selectors typed. Raises UserError for an unknown axis, a value no choice matches, or no selector at all."""
    return tuple(_selector(word.strip(), matrix) for word in words)


def select(cells: Sequence[Cell], selectors: Sequence[Selector]) -> tuple[Cell, ...]:
    """The cells every selector matches, in their order; several ids are or'ed.

    Raises UserError where the start of an id fits no cell or more than one.
    """
    wanted = {_by_id(cells, selector).id for selector in selectors if selector.id}
    kept: Sequence[Cell] = [cell for cell in cells if cell.id in wanted] if wanted else cells
    for selector in selectors:
        if selector.axis:
            kept = [cell for cell in kept if cell.get(selector.axis) in selector.names]
    return tuple(kept)


def explain_empty(matrix: Matrix, plan: Plan, selectors: Sequence[Selector]) -> UserError:
    """The complaint when selectors leave no cell of a plan: which rules took the combinations they mean, and why.

    Rules that took all of them are named alone; where it took several together, the reasons that took most.
    """
    words = " ".join(cut(selector.word) for selector in selectors)
    narrowed: list[tuple[Choice, ...]] = []
    for choices in matrix.choices:
        here = [s for s in selectors if s.axis == choices[0].axis.name]
        kept = tuple(c for c in choices if all(c.name in s.names for s in here) and (here or not c.on_request))
        if not kept:
            together = " and ".join(cut(s.word) for s in here)
            values = ",".join(sorted({n for s in here for n in s.names}))
            return UserError(
                f"{together} have no choice of {here[0].axis} in common",
                hint=f"to select either, write {here[0].axis}={values}",
            )
        narrowed.append(kept)
    # The rules keep the meaning they have in the whole matrix: `latest` is the newest of all, not of what is left.
    taken = walk(replace(matrix, choices=tuple(narrowed)), whole=matrix)
    if taken.cells or not matrix.exclude:
        return UserError(f"none of the {len(plan.cells)} planned cells matches {words}")
    total = taken.combinations
    head = f"all {total} combinations that match {words} are excluded:" if total > 1 else f"{words} is excluded:"
    alone = [rule for rule in matrix.exclude if _takes_all(matrix, tuple(narrowed), rule)]
    lines = [f"  {rule.reason} ({rule.at})" for rule in alone] or _shares(taken)
    return UserError("\n".join([head, *lines]), hint="`compat plan` lists what is planned")


def _takes_all(matrix: Matrix, narrowed: tuple[tuple[Choice, ...], ...], rule: Rule) -> bool:
    """Does one rule alone match every combination of these choices?"""
    pairs = zip(narrowed, matrix.choices, strict=True)
    return all({c.name for c in left} <= meant(listed, rule) for left, listed in pairs)


def _shares(taken: Plan) -> list[str]:
    """How many each reason took, the largest first; rules with the same reason count together."""
    counts: Counter[str] = Counter()
    places: dict[str, str] = {}
    for excluded in taken.excluded:
        if excluded.count:
            counts[excluded.reason] += excluded.count
            places.setdefault(excluded.reason, excluded.rule.at)
    lines = [f"  {count}: {reason} ({places[reason]})" for reason, count in counts.most_common(_SHOWN)]
    return [*lines, f"  and {len(counts) - _SHOWN} more reasons"] if len(counts) > _SHOWN else lines


def _selector(word: str, matrix: Matrix) -> Selector:
    if len(word) > MAX_STRING:
        raise UserError(f"'{cut(word)}' is too long: {len(word):,} characters (at most {MAX_STRING:,})", hint=_NARROWER)
    shape = _WORD.fullmatch(word)
    if shape is None:
        return _bare(word, matrix)
    said = cut(word)
    choices = choices_of(shape["name"], matrix, said)
    axis, names = choices[0].axis, tuple(c.name for c in choices)
    sign, values = shape["sign"], shape["values"].strip()
    if not values:
        raise UserError(f"'{said}' has no value", hint=f"choices of {axis.name}: {', '.join(names)}")
    _refuse_two_signs(said, sign, values)
    wanted = tuple(_pattern(sign, value.strip()) for value in values.split(","))
    if _is_specifier(sign):
        wanted = (",".join(wanted),)
    try:
        stray = patterns.strays(axis, names, wanted)
        chosen = patterns.matching(axis, names, wanted)
    except patterns.BadPattern as error:
        raise UserError(f"{said}: {error}", hint=f"choices of {axis.name}: {', '.join(names)}") from error
    if stray:
        hint = kind_of(axis).naming.near(stray[0], names) or _instead(stray[0], axis, names)
        raise UserError(f"{said}: '{cut(stray[0])}' matches no choice of {axis.name}", hint=hint)
    if not chosen:
        raise UserError(f"{said} matches no choice of {axis.name}", hint=f"choices: {', '.join(names)}")
    return Selector(word=word, axis=axis.name, names=chosen)


def _pattern(sign: str, value: str) -> str:
    """One value as a pattern: `!=2.4` of any sign takes away, `==` and `=` take the value as it stands."""
    if sign == "!=":
        return "!" + value.removeprefix("!=")
    if sign == "=" or value.startswith(("<", ">", "~=", "==", "!")):
        return value
    return sign + value


def _is_specifier(sign: str) -> bool:
    return sign in ("<", ">", "<=", ">=", "~=")


def choices_of(name: str, matrix: Matrix, word: str) -> tuple[Choice, ...]:
    """The choices of the axis a person means by its name or by its package's. Raises UserError."""
    package = canonicalize_name(name)
    for choices in matrix.choices:
        if choices[0].axis.name == name.lower() or choices[0].axis.package == package:
            return choices
    raise UserError(f"{word}: unknown axis '{cut(name)}'", hint=_axes_hint(name, matrix.axes))


def _axes_hint(name: str, axes: tuple[Axis, ...]) -> str:
    known = [axis.name for axis in axes]
    return did_you_mean(name, [*known, *(a.package for a in axes if a.package)]) or f"axes: {', '.join(known)}"


def _bare(word: str, matrix: Matrix) -> Selector:
    known = {axis.name for axis in matrix.axes} | {axis.package for axis in matrix.axes}
    if word.lower() in known:
        raise UserError(
            f"{word!r} selects nothing: did your shell treat > or < as a redirection?",
            hint=f"quote it: '{word}>=2.3'; or write {word}=2.3..2.6",
        )
    if _ID.fullmatch(word.lower()):
        return Selector(word=word, id=word.lower())
    begun = _NAME.match(word)
    hint = _axes_hint(word, matrix.axes) if _NAME.fullmatch(word) else "write AXIS=VALUE[,VALUE]"
    if begun and begun[0] in known and begun[0] != word:
        hint = f"write {begun[0]}=VALUE[,VALUE]"
    raise UserError(
        f"'{cut(word)}' is neither a selector nor the start of a cell's id (4 hex digits or more)", hint=hint
    )


def _refuse_two_signs(said: str, sign: str, values: str) -> None:
    """`tf<>2.3` and `tf>=<2.3` say two things at once; `tf=>=2.3` and `tf!=>=2.3` are specifiers as values."""
    value = values.lstrip()
    if sign not in ("=", "!=") and value.startswith(("<", ">", "~", "!")):
        raise UserError(f"{said}: unknown operator {sign}{value[0]}", hint="operators: = == != < <= > >= ~=")


def _instead(value: str, axis: Axis, names: tuple[str, ...]) -> str:
    """A hint for a value that matches nothing."""
    bare = value.lstrip("!=<>~").strip()
    if _TWO.search(value):
        return "write each selector as its own argument, without quotes around both"
    if span := _SPAN.fullmatch(bare):
        return f"a range is written {axis.name}={span[1].rstrip('.')}..{span[2]}"
    line = bare.removesuffix(".*").removesuffix(".x")
    if (line != bare or value.startswith("==")) and not patterns.strays(axis, names, (line,)):
        return f"{axis.name}={line} is every {line}.x"
    close = difflib.get_close_matches(bare.lower(), (*names, patterns.LATEST), n=4, cutoff=0.5)
    return f"close: {', '.join(close)}" if close else f"choices: {', '.join(names)}"


def _by_id(cells: Sequence[Cell], selector: Selector) -> Cell:
    found = [cell for cell in cells if cell.id.startswith(selector.id)]
    if not found:
        raise UserError(f"no cell id begins with {selector.word}", hint="`compat plan` lists the cells")
    if len(found) > 1:
        lines = [f"  {cell.id}  {' '.join(map(str, cell.choices))}" for cell in found[:_SHOWN]]
        more = [f"  and {len(found) - _SHOWN} more"] if len(found) > _SHOWN else []
        raise UserError(
            "\n".join([f"{selector.word} is ambiguous: it begins the ids of {len(found)} cells:", *lines, *more])
        )
    return found[0]
