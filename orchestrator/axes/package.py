"""`package`: releases of a package, by exact versions or by ranges that the index fills in."""

from __future__ import annotations

from collections.abc import Collection

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from orchestrator.axes import shapes
from orchestrator.axes.kind import Kind, Listed, Naming, Range, Standing, Take, Unlisted, Wording, YamlValue, as_named
from orchestrator.axes.shapes import Json
from orchestrator.axes.versions import version
from orchestrator.errors import did_you_mean
from orchestrator.model import ABSENT, PACKAGE, UNPINNED, Axis, Choice

NEUTRAL = (ABSENT, UNPINNED)


def read(axis: Axis, entry: YamlValue) -> Listed:
    """An exact version, `none`, `unpinned`, or a range."""
    return _range(entry) if entry.is_mapping else _release(axis, entry)


def _release(axis: Axis, entry: YamlValue) -> Choice:
    name = entry.string()
    found = make(axis, name) if name in NEUTRAL or name[0].isdigit() else None
    if found is None:
        raise entry.error(
            f"expected a version, {ABSENT}, {UNPINNED} or a range, got {name!r}",
            hint=did_you_mean(name, NEUTRAL) or 'a range is written {range: ">=2.1,<3", take: newest-patch}',
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
    return {"oneOf": [release, shapes.record({"range": shapes.TEXT, "take": takes}, "range", "take")]}


def title(axis: Axis) -> str:
    """The package's name."""
    return axis.package or axis.name


def phrase(choice: Choice, _month: str = "") -> str:
    """Such as: tensorflow 2.4.1."""
    return f"{title(choice.axis)} {choice.name}"


def _pins(choice: Choice) -> tuple[str, ...]:
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
