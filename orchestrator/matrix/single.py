"""`compat try tensorflow==2.4.3 kerassurgeon==0.2.0 python=3.7`: a matrix of one combination, from no file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from packaging.utils import canonicalize_name

from orchestrator.errors import UserError
from orchestrator.matrix import axes, patterns
from orchestrator.matrix.devices import near
from orchestrator.matrix.nodes import MAX_STRING, cut, did_you_mean
from orchestrator.matrix.ranges import written
from orchestrator.model import (
    ABSENT,
    UNPINNED,
    Axis,
    AxisKind,
    Choice,
    Group,
    Limits,
    Matrix,
    Question,
    Strategy,
    digest,
)

_WORD = re.compile(r"([A-Za-z][A-Za-z0-9._-]*)\s*==?\s*([^=<>!~].*)")
_EXACT = "such as numpy==1.26.4 python=3.12"
_TITLE = "One combination"
_HOLE = re.compile(r"{(\w+)}")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Asked:
    """A word: an axis or a package, and the values it asks for."""

    word: str
    name: str
    values: tuple[str, ...]


def single(words: Iterable[str], matrix: Matrix | None) -> Matrix:
    """A matrix of what the words ask for: `PACKAGE==VERSION` and `AXIS=VALUE[,VALUE]`.

    From `matrix` (usually the shipped one) come the names of axes, the subject, devices, envs, and those groups
    and questions whose axes are there; packages it has that no word names stay at their default. The subject is
    the package it calls so, otherwise the last one named. Without words about them: resolve is `pip-today`, device
    the first listed, env `plain`. Raises UserError where a word can't be understood or no Python is named.
    """
    asked = [_read(word) for word in words]
    known = {choices[0].axis.name: choices for choices in matrix.choices} if matrix else {}
    packages, others = _sorted_out(asked, known)
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


def _read(word: str) -> _Asked:
    if len(word) > MAX_STRING:
        raise UserError(f"'{cut(word)}' is too long: {len(word):,} characters (at most {MAX_STRING:,})", hint=_EXACT)
    shape = _WORD.fullmatch(word.strip())
    if shape is None:
        raise UserError(f"'{cut(word)}': a combination is made of exact choices", hint=_EXACT)
    values = tuple(value.strip() for value in shape[2].split(","))
    if not all(values):
        raise UserError(f"'{cut(word)}': a value is empty", hint=_EXACT)
    if len({patterns.version(value) or value for value in values}) < len(values):
        raise UserError(f"'{cut(word)}': a value is there twice", hint="name each once")
    return _Asked(word=cut(word), name=shape[1], values=values)


def _kind(asked: _Asked, known: Mapping[str, tuple[Choice, ...]]) -> AxisKind:
    name = asked.name.lower()
    if name in known:
        return known[name][0].axis.kind
    kinds = [kind for kind in AxisKind if kind is not AxisKind.PACKAGE]
    return AxisKind(name) if name in kinds else AxisKind.PACKAGE


def _sorted_out(
    asked: Iterable[_Asked], known: Mapping[str, tuple[Choice, ...]]
) -> tuple[dict[str, _Asked], dict[AxisKind, _Asked]]:
    """Package name → what is asked of it, in the order of the words; and the same by kind for the rest."""
    packages: dict[str, _Asked] = {}
    others: dict[AxisKind, _Asked] = {}
    for one in asked:
        kind = _kind(one, known)
        if kind is AxisKind.PACKAGE:
            axis = known[one.name.lower()][0].axis if one.name.lower() in known else None
            package = axis.package if axis and axis.package else canonicalize_name(one.name)
            _once(one, there=package in packages)
            packages[package] = one
        else:
            _once(one, there=kind in others)
            others[kind] = one
    if not packages:
        raise UserError("no package is named", hint=_EXACT)
    return packages, others


def _once(asked: _Asked, *, there: bool) -> None:
    if there:
        raise UserError(
            f"{asked.word}: {cut(asked.name)} is asked for twice", hint="write its values behind one =, with commas"
        )


def _packages(asked: Mapping[str, _Asked], known: Mapping[str, tuple[Choice, ...]]) -> list[tuple[Choice, ...]]:
    for one in asked.values():
        for value in one.values:
            if value not in (ABSENT, UNPINNED) and patterns.version(value) is None:
                raise UserError(f"{one.word}: '{cut(value)}' is no version", hint=_EXACT)
    declared = {choices[0].axis.package: choices[0].axis for choices in known.values() if choices[0].axis.package}
    subject = next((p for p in asked if p in declared and declared[p].subject), list(asked)[-1])
    found: list[tuple[Choice, ...]] = []
    for package, axis in declared.items():
        if package in asked:
            found.append(_versions(axis, asked[package], subject=package == subject))
        elif axis.default is not None:
            found.append((Choice(axis=axis, name=axis.default),))
    for package, one in asked.items():
        if package not in declared:
            name = re.sub(r"[^a-z0-9_]", "_", package)
            axis = Axis(name=name, kind=AxisKind.PACKAGE, package=package, default=ABSENT)
            found.append(_versions(axis, one, subject=package == subject))
    return found


def _versions(axis: Axis, asked: _Asked, *, subject: bool) -> tuple[Choice, ...]:
    marked = Axis(name=axis.name, kind=axis.kind, package=axis.package, subject=subject, default=axis.default)
    return tuple(Choice(axis=marked, name=value) for value in asked.values)


def _others(asked: Mapping[AxisKind, _Asked], known: Mapping[str, tuple[Choice, ...]]) -> list[tuple[Choice, ...]]:
    if AxisKind.PYTHON not in asked:
        raise UserError("no Python is named", hint="add one, such as python=3.9")
    found: list[tuple[Choice, ...]] = []
    for kind in (AxisKind.PYTHON, AxisKind.DEVICE, AxisKind.ENV, AxisKind.RESOLVE):
        listed = next((c for c in known.values() if c[0].axis.kind is kind), ())
        axis = listed[0].axis if listed else Axis(name=kind, kind=kind, default=axes.implied_default(kind, []))
        if kind in asked:
            named = tuple(_asked_choice(axis, listed, asked[kind].word, value) for value in asked[kind].values)
            found.append((*(replace(choice, on_request=False) for choice in named), *_followed(named, listed)))
        else:
            found.append((_usual(axis, listed),))
    return found


def _followed(named: tuple[Choice, ...], listed: tuple[Choice, ...]) -> tuple[Choice, ...]:
    """The choices on request that one of those named may turn out to mean."""
    if not any(choice.follows for choice in named):
        return ()
    return tuple(c for c in listed if c.on_request and not c.follows and c.name not in {n.name for n in named})


def _usual(axis: Axis, listed: tuple[Choice, ...]) -> Choice:
    name = Strategy.PIP_TODAY if axis.kind is AxisKind.RESOLVE else axis.default
    return next((c for c in listed if c.name == name), None) or Choice(axis=axis, name=name or listed[0].name)


def _asked_choice(axis: Axis, listed: tuple[Choice, ...], word: str, value: str) -> Choice:
    known = next((choice for choice in listed if choice.name == value), None)
    if known:
        return known
    if axis.kind is AxisKind.PYTHON:
        if re.fullmatch(axes.PYTHON_MINOR, value, re.ASCII):
            return Choice(axis=axis, name=value)
        raise UserError(f"{word}: '{cut(value)}' is no minor of CPython", hint="such as python=3.9")
    names = list(Strategy) if axis.kind is AxisKind.RESOLVE else [c.name for c in listed] or [axis.default or ""]
    if value in names:
        return Choice(axis=axis, name=value)
    raise UserError(
        f"{word}: '{cut(value)}' is none of the choices of {axis.name}",
        hint=(axis.kind is AxisKind.DEVICE and near(value, names))
        or did_you_mean(value, names)
        or f"choices: {', '.join(names)}",
    )
