"""The `axes:` part of a matrix file: axes, their choices, and ranges that the index has yet to fill in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import chain

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from orchestrator.errors import UserError
from orchestrator.matrix import nodes, patterns
from orchestrator.matrix.devices import device
from orchestrator.matrix.nodes import Spot, did_you_mean
from orchestrator.matrix.words import named, package_name, requirement
from orchestrator.model import ABSENT, UNPINNED, Axis, AxisKind, Choice, Strategy

AXIS_NAME = r"[a-z][a-z0-9_]*"
PYTHON_MINOR = r"3\.[0-9]{1,2}"
RESERVED = ("reason",)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


class Take(StrEnum):
    """Which releases of a range become choices."""

    NEWEST_PATCH = "newest-patch"
    NEWEST_MINOR = "newest-minor"
    EVERY = "every"
    NEWEST = "newest"


@dataclass(frozen=True, kw_only=True, slots=True)
class Range:
    """Releases of a package axis that the index names: those in `specifier`, thinned out by `take`.

    `newest-patch` keeps the newest of each minor (2.4.4 of 2.4.x), `newest-minor` the newest of each major.
    """

    specifier: str
    take: Take
    at: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceAxis:
    """An axis and what the file lists on it, in the file's order."""

    axis: Axis
    entries: tuple[Choice | Range, ...]
    at: str = ""

    @property
    def choices(self) -> tuple[Choice, ...]:
        return tuple(entry for entry in self.entries if isinstance(entry, Choice))

    @property
    def ranges(self) -> tuple[Range, ...]:
        return tuple(entry for entry in self.entries if isinstance(entry, Range))


def read_axes(spot: Spot) -> tuple[SourceAxis, ...]:
    """All axes of a file. Raises UserError where one is malformed or a kind is there too often or missing."""
    found = tuple(_read_axis(spot, name, entry) for name, entry in spot.entries().items())
    for kind, least, most in ((AxisKind.PACKAGE, 1, 99), (AxisKind.PYTHON, 1, 1), (AxisKind.RESOLVE, 1, 1)):
        count = sum(a.axis.kind is kind for a in found)
        if count < least:
            raise spot.error(f"an axis of kind {kind} is missing")
        if count > most:
            raise spot.error(f"more than one axis of kind {kind}")
    if sum(a.axis.kind is AxisKind.DEVICE for a in found) > 1:
        raise spot.error(f"more than one axis of kind {AxisKind.DEVICE}")
    packages = [a.axis.package for a in found if a.axis.package]
    for name in packages:
        if packages.count(name) > 1:
            raise spot.error(f"the package {name} has more than one axis")
    for source in found:
        _refuse_strangers(source, packages, spot)
    return found


def _refuse_strangers(source: SourceAxis, packages: list[str], axes: Spot) -> None:
    """A device may follow only a package that every cell says something about."""
    for number, choice in enumerate(source.choices):
        if choice.follows and choice.follows not in packages:
            entry = axes.entries()[source.axis.name].entries()["choices"].items()[number]
            hint = did_you_mean(choice.follows, packages) or f"packages: {', '.join(packages)}"
            raise entry.entries()["follows"].error(f"no axis of the package {choice.follows!r}", hint=hint)


def _read_axis(parent: Spot, name: str, spot: Spot) -> SourceAxis:
    if not re.fullmatch(AXIS_NAME, name, re.ASCII):
        raise parent.key(name).error(f"{name!r} can't name an axis: lower-case letters, digits and _ only")
    if name in RESERVED:
        raise parent.key(name).error(f"{name!r} can't name an axis: rules use that word")
    fields = spot.fields(("package", "kind", "choices", "subject", "default"), ("choices",))
    kind = _kind(spot, fields)
    package = package_name(fields["package"]) if "package" in fields else None
    subject = "subject" in fields and fields["subject"].truth()
    if subject and kind is not AxisKind.PACKAGE:
        raise fields["subject"].error("only a package can be the subject")
    bare = Axis(name=name, kind=kind, package=package, subject=subject)
    entries = [_entry(bare, item) for item in fields["choices"].items()]
    _refuse_twins(entries, fields["choices"].items())
    axis = Axis(name=name, kind=kind, package=package, subject=subject, default=_default(kind, entries, fields))
    _refuse_nothing_planned(axis, entries, fields)
    return SourceAxis(axis=axis, entries=tuple(_on(axis, entry) for entry in entries), at=spot.at)


def _refuse_nothing_planned(axis: Axis, entries: list[Choice | Range], fields: Mapping[str, Spot]) -> None:
    pairs = zip(entries, fields["choices"].items(), strict=True)
    asked = [(e.name, spot) for e, spot in pairs if isinstance(e, Choice) and e.on_request]
    for name, spot in asked:
        if name == axis.default:
            raise spot.entries()["on_request"].error(f"{name!r} is the default of {axis.name}, which is planned")
    if len(asked) == len(entries):
        raise fields["choices"].error("every choice is on request: nothing would be planned")


def _kind(spot: Spot, fields: Mapping[str, Spot]) -> AxisKind:
    if "kind" not in fields:
        if "package" not in fields:
            raise spot.error("an axis needs `package:` or `kind:`")
        return AxisKind.PACKAGE
    text = fields["kind"].string()
    if text not in list(AxisKind):
        raise fields["kind"].error(
            f"expected one of {', '.join(AxisKind)}, got {text!r}", hint=did_you_mean(text, list(AxisKind))
        )
    kind = AxisKind(text)
    if kind is AxisKind.PACKAGE and "package" not in fields:
        raise spot.error("the key 'package' is missing")
    if kind is not AxisKind.PACKAGE and "package" in fields:
        raise fields["package"].error(f"an axis of kind {kind} has no package")
    return kind


def _default(kind: AxisKind, entries: list[Choice | Range], fields: Mapping[str, Spot]) -> str | None:
    names = [entry.name for entry in entries if isinstance(entry, Choice)]
    if "default" in fields:
        wanted = fields["default"].string()
        if wanted not in names and len(names) == len(entries):
            raise fields["default"].error(
                f"{wanted!r} is none of the choices", hint=did_you_mean(wanted, names) or f"choices: {', '.join(names)}"
            )
        return wanted
    return implied_default(kind, names)


def implied_default(kind: AxisKind, names: list[str]) -> str | None:
    """The choice that stays out of a cell's id where the file names none."""
    if kind is AxisKind.PACKAGE:
        return next((name for name in (ABSENT, UNPINNED) if name in names), None)
    return {AxisKind.DEVICE: "cpu", AxisKind.ENV: "plain"}.get(kind)


def _on(axis: Axis, entry: Choice | Range) -> Choice | Range:
    return entry if isinstance(entry, Range) else replace(entry, axis=axis)


def _refuse_twins(entries: list[Choice | Range], spots: tuple[Spot, ...]) -> None:
    seen: dict[object, str] = {}
    for entry, spot in zip(entries, spots, strict=True):
        if not isinstance(entry, Choice):
            continue
        meant = (entry.axis.kind is AxisKind.PACKAGE and patterns.version(entry.name)) or entry.name.lower()
        if seen.get(meant) == entry.name:
            raise spot.error(f"{entry.name!r} is listed twice")
        if meant in seen:
            raise spot.error(f"{entry.name!r} is {seen[meant]!r} spelled otherwise", hint="list one of them")
        seen[meant] = entry.name


# ---------------------------------------------------------------- choices, by kind of axis


def _entry(axis: Axis, spot: Spot) -> Choice | Range:
    match axis.kind:
        case AxisKind.PACKAGE:
            return _range(spot) if spot.is_mapping else _release(axis, spot)
        case AxisKind.PYTHON:
            return _python(axis, spot)
        case AxisKind.DEVICE:
            return device(axis, spot)
        case AxisKind.ENV:
            return _env(axis, spot)
        case AxisKind.RESOLVE:
            return _strategy(axis, spot)


def _release(axis: Axis, spot: Spot) -> Choice:
    name = spot.string()
    if name not in (ABSENT, UNPINNED) and (patterns.version(name) is None or not name[0].isdigit()):
        raise spot.error(
            f"expected a version, {ABSENT}, {UNPINNED} or a range, got {name!r}",
            hint=did_you_mean(name, (ABSENT, UNPINNED)) or 'a range is written {range: ">=2.1,<3", take: newest-patch}',
        )
    return Choice(axis=axis, name=name)


def _range(spot: Spot) -> Range:
    fields = spot.fields(("range", "take"), ("range", "take"))
    text = fields["range"].string()
    try:
        SpecifierSet(text)
    except InvalidSpecifier as error:
        raise fields["range"].error(f'expected a range such as ">=2.1,<3", got {text!r}') from error
    take = fields["take"].string()
    if take not in list(Take):
        raise fields["take"].error(
            f"expected one of {', '.join(Take)}, got {take!r}", hint=did_you_mean(take, list(Take))
        )
    return Range(specifier=text, take=Take(take), at=spot.at)


def _python(axis: Axis, spot: Spot) -> Choice:
    name = spot.string()
    if not re.fullmatch(PYTHON_MINOR, name, re.ASCII):
        raise spot.error(f'expected a minor of CPython such as "3.10", got {name!r}')
    return Choice(axis=axis, name=name)


def _strategy(axis: Axis, spot: Spot) -> Choice:
    name = spot.string()
    if name not in list(Strategy):
        raise spot.error(
            f"expected one of {', '.join(Strategy)}, got {name!r}", hint=did_you_mean(name, list(Strategy))
        )
    return Choice(axis=axis, name=name)


def _env(axis: Axis, spot: Spot) -> Choice:
    if not spot.is_mapping:
        name = named(spot)
        if name != "plain":
            raise spot.error(f"{name!r} sets nothing", hint="write {name: …, set: {VARIABLE: value}}, or plain")
        return Choice(axis=axis, name=name)
    fields = spot.fields(("name", "set", "with"), ("name", "set"))
    variables = nodes.strings(fields["set"].entries())
    for variable, _ in variables:
        if not _VARIABLE.fullmatch(variable):
            raise fields["set"].key(variable).error(f"{variable!r} can't name an environment variable")
    requires = tuple(requirement(item) for item in fields["with"].items()) if "with" in fields else ()
    return Choice(axis=axis, name=named(fields["name"]), variables=variables, requires=requires)


def refuse_unknown(axis: str, known: Mapping[str, Axis], place: Spot) -> UserError:
    """The complaint about an axis nobody declared."""
    words = list(chain(known, (a.package for a in known.values() if a.package)))
    return place.error(f"unknown axis {axis!r}", hint=did_you_mean(axis, words) or f"axes: {', '.join(known)}")
