"""What a kind of axis must define. Every kind has to set the fields without a default."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, TypeAlias

from orchestrator.axes.shapes import Json
from orchestrator.errors import UserError
from orchestrator.model import Axis, Choice


class YamlValue(Protocol):
    """One value of a matrix file, with its place: `matrix.nodes.Spot`, as far as kinds need it.

    Every method that returns a value raises UserError, with the place, where the file has another.
    """

    @property
    def at(self) -> str: ...
    @property
    def is_mapping(self) -> bool: ...
    def string(self) -> str: ...
    def truth(self) -> bool: ...
    def items(self) -> tuple[YamlValue, ...]: ...
    def entries(self) -> Mapping[str, YamlValue]: ...
    def fields(self, known: Collection[str], required: Collection[str] = ()) -> Mapping[str, YamlValue]: ...
    def key(self, name: str) -> YamlValue: ...
    def error(self, message: str, *, hint: str = "") -> UserError: ...
    def expected(self, what: str) -> UserError: ...


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


Listed: TypeAlias = Choice | Range
"""What a matrix file lists on an axis."""


# ---------------------------------------------------------------- the parts


def _no_hint(_value: str, _names: Collection[str]) -> str:
    return ""


def _no_lines(_names: Collection[str], _word: str) -> frozenset[str]:
    return frozenset()


@dataclass(frozen=True, kw_only=True, slots=True)
class Naming:
    """The names of an axis's choices."""

    versioned: bool
    """They are versions or numbers: `latest`, `2.3..2.6`, `>=2` and the prefix `2.4` mean something, and order does."""
    neutral: tuple[str, ...]
    """The choices that ask for nothing, such as `none` or `cpu`."""
    default: Callable[[Collection[str]], str | None]
    """The names listed → the choice that stays out of a cell's id where the file names none; None: there is no such."""
    lines: Callable[[Collection[str], str], frozenset[str]] = _no_lines
    """(names, word) → those that a word means without being one of them, as `cuda` means every CUDA line."""
    near: Callable[[str, Collection[str]], str] = _no_hint
    """(value, names) → a hint for a value that means none of them, "" for the usual hint."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wording:
    """The words for an axis of the kind and its choices."""

    title: Callable[[Axis], str]
    """What the axis is called where its choices follow: "Python", "dependencies"."""
    where: Callable[[Axis], str]
    """The same in a list of where something was seen: "resolved"."""
    word: Callable[[str], str]
    """A choice, by its name, beside such a title: "pip today"."""
    phrase: Callable[[Choice, str], str]
    """A choice in a sentence: "Python 3.7". The text is the month its dependencies were taken from, "" if unknown."""
    short: Callable[[Choice], str]
    """A choice where space is scarce."""
    unsaid: Callable[[Axis, str], bool]
    """Whether a choice, by its name, goes without saying."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """How much an axis of this kind weighs when cells are compared; it is held constant wherever possible."""

    held: int
    """Where the sides of a comparison can't agree in all kinds of axes, those with lower numbers agree first.

    The numbers are ten apart, so that another kind fits between.
    """
    effort: int
    """Of cells with equally many changes, the nearest changes kinds with lower numbers: they are easier to change."""
    varies: bool
    """It may vary along a range of versions, because hardly any choice of it has them all."""
    extra: bool
    """A choice beyond the default is something a person has to ask for; an answer looks at cells without it first."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Unlisted:
    """What `compat try`, a combination that no matrix lists, takes on an axis of the kind."""

    usual: Callable[[Axis], str | None]
    """The choice where no word names one. None: there is no such; where `Kind.least` is not 0 a word has to."""
    make: Callable[[Axis, str], Choice | None]
    """The choice of a name alone, with what it does to a cell; None: no choice is called so."""
    noun: str
    """As in "no Python is named"."""
    what: str
    """As in "'3' is no minor of CPython"."""
    example: str
    """A word that names a choice."""
    names: tuple[str, ...] = ()
    """All names that `make` accepts, where they can be counted: for hints."""
    always: bool = False
    """The axis is there even if neither a word nor the matrix that names come from has one."""


def _no_pins(_choice: Choice) -> tuple[str, ...]:
    return ()


def _all_tried(_names: Collection[str]) -> str:
    return ""


# ---------------------------------------------------------------- the whole


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """A kind of axis."""

    name: str
    """What a matrix calls it."""
    least: int
    most: int | None
    """How many axes of it a matrix has; None: any number."""
    read: Callable[[Axis, YamlValue], Listed]
    """An entry of the file → a choice, with what it does to a cell in its fields, or a range.

    Raises UserError with the place of what is wrong.
    """
    schema: Json
    """The JSON Schema of such an entry."""
    naming: Naming
    wording: Wording
    standing: Standing
    unlisted: Unlisted
    of_package: bool = False
    """An axis names a package, whose releases are its choices."""
    pins: Callable[[Choice], tuple[str, ...]] = _no_pins
    """The requirements that a choice makes by its name alone; those in its `requires` are asked for besides."""
    untried: Callable[[Collection[str]], str] = _all_tried
    """What an answer leaves open where all axes of the kind list no other names than these: "GPU", or ""."""


# ---------------------------------------------------------------- what several kinds state


def one_of(*names: str) -> Callable[[Axis, str], Choice | None]:
    """Makes choices for these names; the name alone defines the choice."""
    return lambda axis, name: Choice(axis=axis, name=name) if name in names else None


def axis_name(axis: Axis) -> str:
    """A title: the axis is called what the file calls it."""
    return axis.name


def as_named(name: str) -> str:
    """A word: the name itself."""
    return name


def beside_axis(choice: Choice) -> str:
    """Such as: locale de_DE."""
    return f"{choice.axis.name} {choice.name}"


def at_default(axis: Axis, name: str) -> bool:
    """Whether a choice is the one that stays out of a cell's id."""
    return name == axis.default


def always_said(_axis: Axis, _name: str) -> bool:
    """Nothing goes without saying."""
    return False


def no_default(_names: Collection[str]) -> str | None:
    """Every choice is part of a cell's id."""
    return None
