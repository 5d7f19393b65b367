"""The `axes:` part of a matrix file: axes, their choices, and ranges that the index has yet to fill in."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from orchestrator.axes.kind import Kind, Listed, Range
from orchestrator.axes.names import package_name
from orchestrator.axes.package import KIND as PACKAGES
from orchestrator.axes.registry import KINDS, kind_of
from orchestrator.axes.versions import version
from orchestrator.errors import UserError, did_you_mean
from orchestrator.matrix.nodes import Spot
from orchestrator.model import Axis, Choice

AXIS_NAME = r"[a-z][a-z0-9_]*"
RESERVED = ("reason",)


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceAxis:
    """An axis and what the file lists on it, in the file's order."""

    axis: Axis
    entries: tuple[Listed, ...]
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
    for kind in KINDS.values():
        count = sum(a.axis.kind == kind.name for a in found)
        if count < kind.least:
            raise spot.error(f"an axis of kind {kind.name} is missing")
        if kind.most is not None and count > kind.most:
            raise spot.error(f"more than one axis of kind {kind.name}")
    packages = [a.axis.package for a in found if a.axis.package]
    for name in packages:
        if packages.count(name) > 1:
            raise spot.error(f"more than one axis for the package {name}")
    for source in found:
        _refuse_strangers(source, packages, spot)
    _refuse_shared_variables(found, spot)
    return found


def _refuse_shared_variables(found: tuple[SourceAxis, ...], axes: Spot) -> None:
    """A variable has one value in a probe process: two axes that set it would undo one another."""
    setter: dict[str, str] = {}
    for source in found:
        name = source.axis.name
        for variable in dict.fromkeys(v for choice in source.choices for v, _ in choice.variables):
            if setter.setdefault(variable, name) != name:
                place = axes.entries()[name]
                raise place.error(f"sets {variable}, which the axis {setter[variable]} also sets")


def _refuse_strangers(source: SourceAxis, packages: list[str], axes: Spot) -> None:
    """A device may follow only a package that every cell says something about."""
    for number, choice in enumerate(source.choices):
        if choice.follows and choice.follows not in packages:
            entry = axes.entries()[source.axis.name].entries()["choices"].items()[number]
            hint = did_you_mean(choice.follows, packages) or f"packages: {', '.join(packages)}"
            raise entry.entries()["follows"].error(f"no axis for the package {choice.follows!r}", hint=hint)


def _read_axis(parent: Spot, name: str, spot: Spot) -> SourceAxis:
    if not re.fullmatch(AXIS_NAME, name, re.ASCII):
        raise parent.key(name).error(f"{name!r} is not a valid axis name: use lower-case letters, digits and _ only")
    if name in RESERVED:
        raise parent.key(name).error(f"{name!r} is not a valid axis name: rules reserve that word")
    fields = spot.fields(("package", "kind", "choices", "subject", "default"), ("choices",))
    kind = _kind(spot, fields)
    package = package_name(fields["package"]) if "package" in fields else None
    subject = "subject" in fields and fields["subject"].truth()
    if subject and not kind.of_package:
        raise fields["subject"].error("only a package can be the subject")
    bare = Axis(name=name, kind=kind.name, package=package, subject=subject)
    entries = [kind.read(bare, item) for item in fields["choices"].items()]
    _refuse_twins(entries, fields["choices"].items())
    axis = replace(bare, default=_default(kind, entries, fields))
    _refuse_nothing_planned(axis, entries, fields)
    return SourceAxis(axis=axis, entries=tuple(_on(axis, entry) for entry in entries), at=spot.at)


def _refuse_nothing_planned(axis: Axis, entries: Sequence[Listed], fields: Mapping[str, Spot]) -> None:
    pairs = zip(entries, fields["choices"].items(), strict=True)
    asked = [(e.name, spot) for e, spot in pairs if isinstance(e, Choice) and e.on_request]
    for name, spot in asked:
        if name == axis.default:
            raise spot.entries()["on_request"].error(
                f"{name!r} is the default of {axis.name}; a default is always planned"
            )
    if len(asked) == len(entries):
        raise fields["choices"].error("every choice is on request: nothing would be planned")


def _kind(spot: Spot, fields: Mapping[str, Spot]) -> Kind:
    if "kind" not in fields:
        if "package" not in fields:
            raise spot.error("an axis needs `package:` or `kind:`")
        return PACKAGES
    text = fields["kind"].string()
    kind = KINDS.get(text)
    if kind is None:
        raise fields["kind"].error(f"expected one of {', '.join(KINDS)}, got {text!r}", hint=did_you_mean(text, KINDS))
    if kind.of_package and "package" not in fields:
        raise spot.error("the key 'package' is missing")
    if not kind.of_package and "package" in fields:
        raise fields["package"].error(f"an axis of kind {kind.name} takes no package")
    return kind


def _default(kind: Kind, entries: Sequence[Listed], fields: Mapping[str, Spot]) -> str | None:
    names = [entry.name for entry in entries if isinstance(entry, Choice)]
    if "default" not in fields:
        return kind.naming.default(names)
    wanted = fields["default"].string()
    if wanted not in names and len(names) == len(entries):
        raise fields["default"].error(
            f"{wanted!r} is not one of the choices", hint=did_you_mean(wanted, names) or f"choices: {', '.join(names)}"
        )
    return wanted


def _on(axis: Axis, entry: Listed) -> Listed:
    return entry if isinstance(entry, Range) else replace(entry, axis=axis)


def _refuse_twins(entries: Sequence[Listed], spots: tuple[Spot, ...]) -> None:
    seen: dict[object, str] = {}
    for entry, spot in zip(entries, spots, strict=True):
        if not isinstance(entry, Choice):
            continue
        meant = (kind_of(entry.axis).naming.versioned and version(entry.name)) or entry.name.lower()
        if seen.get(meant) == entry.name:
            raise spot.error(f"{entry.name!r} is listed twice")
        if meant in seen:
            raise spot.error(f"{entry.name!r} is the same as {seen[meant]!r}", hint="list only one of them")
        seen[meant] = entry.name


def refuse_unknown(axis: str, known: Mapping[str, Axis], place: Spot) -> UserError:
    """The complaint about an axis nobody declared."""
    words = list(chain(known, (a.package for a in known.values() if a.package)))
    return place.error(f"unknown axis {axis!r}", hint=did_you_mean(axis, words) or f"axes: {', '.join(known)}")
