"""`compat try tensorflow==2.4.3 kerassurgeon==0.2.0 python=3.7`: a matrix of one combination, from no file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from packaging.utils import canonicalize_name

from orchestrator.axes.kind import Kind
from orchestrator.axes.package import KIND as PACKAGES
from orchestrator.axes.registry import KINDS, kind_of
from orchestrator.axes.versions import version
from orchestrator.errors import UserError, did_you_mean
from orchestrator.matrix.nodes import MAX_STRING, cut
from orchestrator.matrix.ranges import written
from orchestrator.model import ABSENT, Axis, Choice, Group, Limits, Matrix, Question, digest

_WORD = re.compile(r"([A-Za-z][A-Za-z0-9._-]*)\s*==?\s*([^=<>!~].*)")
_EXACT = f"such as {PACKAGES.unlisted.example}"
_TITLE = "One combination"
_HOLE = re.compile(r"{(\w+)}")


@dataclass(frozen=True, kw_only=True, slots=True)
class _RequestedChoice:
    """A word: an axis or a package, and the values it asks for."""

    word: str
    name: str
    values: tuple[str, ...]


def single(words: Iterable[str], matrix: Matrix | None) -> Matrix:
    """A matrix of what the words ask for: `PACKAGE==VERSION` and `AXIS=VALUE[,VALUE]`.

    From `matrix` (usually the shipped one) come the names of axes, the subject, devices, envs, and those groups
    and questions whose axes are there; packages it has that no word names stay at their default. The subject is
    the package it calls so, otherwise the last one named. An axis without a word about it is at its kind's usual
    choice: resolve at `pip-today`, device and env at their default. Raises UserError where a word can't be understood
    or no Python is named.
    """
    known = {choices[0].axis.name: choices for choices in matrix.choices} if matrix else {}
    packages, others = _sorted_out([_read(word) for word in words], known)
    choices = [*_packages(packages, known), *_others(others, known)]
    there = {axis[0].axis.name for axis in choices}
    groups = tuple(g for g in matrix.groups if all(axis in there for axis, _ in g.where)) if matrix else ()
    questions = tuple(q for q in matrix.questions if _askable(q, groups, there)) if matrix else ()
    return Matrix(
        title=_TITLE,
        choices=tuple(choices),
        groups=groups,
        questions=questions,
        limits=matrix.limits if matrix else Limits(),
        digest=digest(written(tuple(choices))),
        path="the command line",
    )


def _askable(question: Question, groups: tuple[Group, ...], there: set[str]) -> bool:
    return question.group in {g.name for g in groups} and there.issuperset(_HOLE.findall(question.ask))


def _read(word: str) -> _RequestedChoice:
    if len(word) > MAX_STRING:
        raise UserError(f"'{cut(word)}' is too long: {len(word):,} characters (at most {MAX_STRING:,})", hint=_EXACT)
    shape = _WORD.fullmatch(word.strip())
    if shape is None:
        raise UserError(f"'{cut(word)}': a combination is made of exact choices", hint=_EXACT)
    values = tuple(value.strip() for value in shape[2].split(","))
    if not all(values):
        raise UserError(f"'{cut(word)}': empty value", hint=_EXACT)
    if len({version(value) or value for value in values}) < len(values):
        raise UserError(f"'{cut(word)}': duplicate value", hint="give each value once")
    return _RequestedChoice(word=cut(word), name=shape[1], values=values)


_Known: TypeAlias = Mapping[str, tuple[Choice, ...]]
"""Axis → its choices, of the matrix that names come from."""


def _named_axis(asked: _RequestedChoice, known: _Known) -> Axis | None:
    """The axis a word names by its name or by its kind; None: a package that no axis is called by."""
    name = asked.name.lower()
    if name in known:
        return known[name][0].axis
    kind = KINDS.get(name)
    if kind is None or kind.of_package:
        return None
    return next((c[0].axis for c in known.values() if c[0].axis.kind == name), None) or _bare(kind)


def _bare(kind: Kind) -> Axis:
    """An axis that no matrix lists."""
    return Axis(name=kind.name, kind=kind.name, default=kind.naming.default(()))


def _sorted_out(
    asked: Iterable[_RequestedChoice], known: _Known
) -> tuple[dict[str, _RequestedChoice], dict[Axis, _RequestedChoice]]:
    """Package name → what is asked of it, in the order of the words; and the same by axis for the rest."""
    packages: dict[str, _RequestedChoice] = {}
    others: dict[Axis, _RequestedChoice] = {}
    for one in asked:
        axis = _named_axis(one, known)
        if axis is None or kind_of(axis).of_package:
            package = axis.package if axis and axis.package else canonicalize_name(one.name)
            _once(one, there=package in packages)
            packages[package] = one
        else:
            _once(one, there=axis in others)
            others[axis] = one
    if not packages:
        raise UserError(f"no {PACKAGES.unlisted.noun} given", hint=_EXACT)
    return packages, others


def _once(asked: _RequestedChoice, *, there: bool) -> None:
    if there:
        raise UserError(
            f"{asked.word}: {cut(asked.name)} is given twice", hint="write its values after one =, separated by commas"
        )


def _packages(asked: Mapping[str, _RequestedChoice], known: _Known) -> list[tuple[Choice, ...]]:
    axes = (choices[0].axis for choices in known.values())
    declared = {axis.package or axis.name: axis for axis in axes if kind_of(axis).of_package}
    subject = next((p for p in asked if p in declared and declared[p].subject), list(asked)[-1])
    found: list[tuple[Choice, ...]] = []
    for package, axis in declared.items():
        if package in asked:
            found.append(_versions(axis, asked[package], known[axis.name], subject=package == subject))
        elif axis.default is not None:
            found.append((Choice(axis=axis, name=axis.default),))
    for package, one in asked.items():
        if package not in declared:
            name = re.sub(r"[^a-z0-9_]", "_", package)
            axis = Axis(name=name, kind=PACKAGES.name, package=package, default=ABSENT)
            found.append(_versions(axis, one, (), subject=package == subject))
    return found


def _versions(axis: Axis, asked: _RequestedChoice, listed: tuple[Choice, ...], *, subject: bool) -> tuple[Choice, ...]:
    marked = replace(axis, subject=subject)
    local = tuple(replace(choice, axis=marked) for choice in listed if choice.local)
    return tuple(_asked_choice(marked, local, asked.word, value) for value in asked.values)


def _others(asked: Mapping[Axis, _RequestedChoice], known: _Known) -> list[tuple[Choice, ...]]:
    """The choices on axes that are no package's: those of the matrix, those asked for, those that are always there."""
    found: list[tuple[Choice, ...]] = []
    for kind in (kind for kind in KINDS.values() if not kind.of_package):
        listed = {choices[0].axis: choices for choices in known.values() if choices[0].axis.kind == kind.name}
        named = {axis: () for axis in asked if axis.kind == kind.name}
        needed = {_bare(kind): ()} if kind.least or kind.unlisted.always else {}
        for axis, choices in (listed or named or needed).items():
            if axis in asked:
                wanted = tuple(_asked_choice(axis, choices, asked[axis].word, value) for value in asked[axis].values)
                found.append((*(replace(c, on_request=False) for c in wanted), *_followed(wanted, choices)))
            elif usual := _usual(kind, axis, choices):
                found.append((usual,))
    return found


def _followed(named: tuple[Choice, ...], listed: tuple[Choice, ...]) -> tuple[Choice, ...]:
    """The choices on request that one of those named may turn out to mean."""
    if not any(choice.follows for choice in named):
        return ()
    return tuple(c for c in listed if c.on_request and not c.follows and c.name not in {n.name for n in named})


def _usual(kind: Kind, axis: Axis, listed: tuple[Choice, ...]) -> Choice | None:
    """What stands on an axis that no word names; None: nothing, the matrix lists no such axis."""
    name = kind.unlisted.usual(axis)
    if name is None and kind.least:
        raise UserError(f"no {kind.unlisted.noun} given", hint=f"add one, such as {kind.unlisted.example}")
    if name is None:
        return next(iter(listed), None)
    return next((c for c in listed if c.name == name), None) or kind.unlisted.make(axis, name)


def _asked_choice(axis: Axis, listed: tuple[Choice, ...], word: str, value: str) -> Choice:
    known = next((choice for choice in listed if choice.name == value), None)
    if known:
        return known
    kind = kind_of(axis)
    if made := kind.unlisted.make(axis, value):
        return made
    if not kind.unlisted.names:
        hint = f"such as {kind.unlisted.example}"
        raise UserError(f"{word}: '{cut(value)}' is not a {kind.unlisted.what}", hint=hint)
    names = tuple(dict.fromkeys((*kind.unlisted.names, *(c.name for c in listed))))
    raise UserError(
        f"{word}: '{cut(value)}' is not one of the choices of {axis.name}",
        hint=kind.naming.near(value, names) or did_you_mean(value, names) or f"choices: {', '.join(names)}",
    )
