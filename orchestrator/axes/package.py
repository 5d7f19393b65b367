"""`package`: releases of a package, by exact versions or by ranges that the index fills in, and what is on disk."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import PurePosixPath

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from orchestrator.axes import shapes
from orchestrator.axes.kind import Kind, Listed, Naming, Range, Standing, Take, Unlisted, Wording, YamlValue, as_named
from orchestrator.axes.names import named
from orchestrator.axes.shapes import Json
from orchestrator.axes.versions import version
from orchestrator.errors import did_you_mean
from orchestrator.model import ABSENT, PACKAGE, UNPINNED, Axis, Choice, LocalPackage

NEUTRAL = (ABSENT, UNPINNED)
SHORT = "local"
"""The name of a choice that is a path alone."""
_REF = r"[A-Za-z0-9][A-Za-z0-9._/@{}^~+-]*"
_PATH = r"[^/~].*"
_SHORT_PATH = r"\.{1,2}(/.*)?"
_FORMS = (
    "{name: local, path: .}, {name: built, path: dist/mine-1.0-py3-none-any.whl} or {name: next, git: ., ref: main}"
)


def read(axis: Axis, entry: YamlValue) -> Listed:
    """An exact version, `none`, `unpinned`, a range, or what is on disk: a wheel, a folder, a commit."""
    if not entry.is_mapping:
        return _path(axis, entry) if re.fullmatch(_SHORT_PATH, entry.string()) else _release(axis, entry)
    return _range(entry) if not entry.entries().keys() & {"name", "path", "git", "ref"} else _local(axis, entry)


def _path(axis: Axis, entry: YamlValue) -> Choice:
    return Choice(axis=axis, name=SHORT, local=LocalPackage(path=_relative(entry), at=entry.at))


def _local(axis: Axis, entry: YamlValue) -> Choice:
    commit = "git" in entry.entries()
    keys = ("name", "git", "ref") if commit else ("name", "path")
    fields = entry.fields(keys, keys)
    name = named(fields["name"])
    if name in NEUTRAL or version(name):
        raise fields["name"].error(f"{name!r} can't name a package on disk: it already has a meaning")
    ref = fields["ref"].string() if commit else ""
    if commit and not re.fullmatch(_REF, ref, re.ASCII):
        raise fields["ref"].expected("a branch, a tag or a commit")
    place = fields["git" if commit else "path"]
    return Choice(axis=axis, name=name, local=LocalPackage(path=_relative(place), ref=ref, at=place.at))


def _relative(entry: YamlValue) -> str:
    """A path from the matrix's folder. One that begins elsewhere would mean nothing on another machine."""
    text = entry.string()
    if not re.fullmatch(_PATH, text):
        raise entry.error(f"expected a path from the matrix's folder, got {text!r}", hint=f"such as {_FORMS}")
    return PurePosixPath(text).as_posix()


def _release(axis: Axis, entry: YamlValue) -> Choice:
    name = entry.string()
    found = make(axis, name) if name in NEUTRAL or name[0].isdigit() else None
    if found is None:
        raise entry.error(
            f"expected a version, {ABSENT}, {UNPINNED} or a range, got {name!r}",
            hint=did_you_mean(name, NEUTRAL)
            or (f"a package on disk is written {_FORMS}" if "/" in name or name.endswith(".whl") else "")
            or 'a range is written {range: ">=2.1,<3", take: newest-patch}',
        )
    return found


def _range(entry: YamlValue) -> Range:
    fields = entry.fields(("range", "take"), ("range", "take"))
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
    return Range(specifier=text, take=Take(take), at=entry.at)


def make(axis: Axis, name: str) -> Choice | None:
    """The choice of a version, `none` or `unpinned`."""
    return Choice(axis=axis, name=name) if name in NEUTRAL or version(name) else None


def _schema() -> Json:
    release: Json = {
        "description": f"An exact version, {ABSENT} (not asked for) or {UNPINNED} (whatever the others bring).",
        "type": "string",
        "pattern": f"^({ABSENT}|{UNPINNED}|[0-9].*)$",
    }
    takes: Json = {"enum": [str(take) for take in Take]}
    path: Json = {"description": "A wheel or a folder of sources, from the matrix's folder.", **shapes.shaped(_PATH)}
    named_path = shapes.record({"name": shapes.choice_name(), "path": path}, "name", "path")
    commit: Json = {"name": shapes.choice_name(), "git": path, "ref": shapes.shaped(_REF)}
    return {
        "oneOf": [
            release,
            {"description": f"A path alone; its choice is named {SHORT}.", **shapes.shaped(_SHORT_PATH)},
            shapes.record({"range": shapes.TEXT, "take": takes}, "range", "take"),
            named_path,
            shapes.record(commit, "name", "git", "ref"),
        ]
    }


def title(axis: Axis) -> str:
    """The package's name."""
    return axis.package or axis.name


def phrase(choice: Choice, _month: str = "") -> str:
    """Such as: tensorflow 2.4.1."""
    return f"{title(choice.axis)} {choice.name}"


def _pins(choice: Choice) -> tuple[str, ...]:
    if choice.local:
        return (title(choice.axis),)
    return () if choice.name in NEUTRAL else (f"{title(choice.axis)}=={choice.name}",)


def _default(names: Collection[str]) -> str | None:
    return next((name for name in NEUTRAL if name in names), None)


KIND = Kind(
    name=PACKAGE,
    least=1,
    most=None,
    read=read,
    schema=_schema(),
    of_package=True,
    naming=Naming(versioned=True, neutral=NEUTRAL, default=_default),
    wording=Wording(
        title=title,
        where=title,
        word=as_named,
        phrase=phrase,
        short=lambda choice: f"{choice.axis.name} {choice.name}",
        unsaid=lambda _axis, name: name in NEUTRAL,
    ),
    standing=Standing(held=0, effort=30, varies=False, extra=True),
    unlisted=Unlisted(
        usual=lambda axis: axis.default,
        noun="package",
        what="version",
        example="numpy==1.26.4 python=3.12",
        make=make,
    ),
    pins=_pins,
)
