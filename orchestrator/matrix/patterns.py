"""The selector language's matcher, shared by rules, groups and selectors: which choices of an axis are meant?

A pattern is one or more parts, separated by commas:

    2.4.1        that version; 2.4 is every 2.4.x as well (never 2.40, and python 3.1 is not 3.11)
    2.3..2.6     both ends included; 2.6 as an end means every 2.6.x
    >=2.1,<2.5   PEP 440 specifiers, all of which must hold
    latest       the newest listed
    none, plain  a choice by its name
    cuda11       every line cuda11.x among devices; cuda is all of them
    !X or !=X    takes away what X means

What is not taken away is or'ed; where everything only takes away, it takes from all choices.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import Version

from orchestrator.axes.registry import kind_of
from orchestrator.axes.versions import is_or_under, version
from orchestrator.matrix.nodes import cut
from orchestrator.model import Axis

LATEST = "latest"
_SPECIFIER = re.compile(r"[<>]|~=|==")
_LONGEST = 2000


class BadPattern(ValueError):
    """A pattern that can't be read; becomes a `UserError` with its place at the border."""


def parts(pattern: str) -> tuple[str, ...]:
    """The comma-separated parts. Raises BadPattern where one is empty."""
    if len(pattern) > _LONGEST:
        raise BadPattern(f"a pattern of {len(pattern):,} characters is too long")
    found = tuple(part.strip() for part in pattern.split(","))
    if not all(found):
        raise BadPattern(f"'{cut(pattern)}' has an empty part" if pattern.strip() else "a pattern is empty")
    return found


def check(axis: Axis, pattern: str) -> None:
    """Raises BadPattern where a pattern can't be read on this axis, whatever its choices are."""
    matching(axis, (), (pattern,))


@lru_cache(maxsize=4096)
def matching(axis: Axis, names: tuple[str, ...], patterns: tuple[str, ...]) -> frozenset[str]:
    """Those of an axis's choice names that the patterns mean together. Raises BadPattern."""
    meant: set[str] = set()
    gone: set[str] = set()
    only_takes_away = True
    for pattern in patterns:
        every = parts(pattern)
        gone.update(*(_meant(axis, names, _inner(part)) for part in every if part.startswith("!")))
        kept = [part for part in every if not part.startswith("!")]
        only_takes_away = only_takes_away and not kept
        specifiers = [part for part in kept if _SPECIFIER.match(part)]
        if specifiers:
            meant.update(frozenset.intersection(*(_meant(axis, names, part) for part in specifiers)))
        meant.update(*(_meant(axis, names, part) for part in kept if part not in specifiers))
    return frozenset((set(names) if only_takes_away else meant) - gone)


def strays(axis: Axis, names: tuple[str, ...], patterns: Iterable[str]) -> tuple[str, ...]:
    """Parts that mean none of the names: most likely typing errors. Raises BadPattern."""
    every = (part for pattern in patterns for part in parts(pattern))
    return tuple(part for part in every if not _meant(axis, names, _inner(part) if part.startswith("!") else part))


def _inner(part: str) -> str:
    inner = part.removeprefix("!").removeprefix("=").strip()
    if not inner or inner.startswith("!"):
        raise BadPattern(f"'{cut(part)}' excludes nothing")
    return inner


def _meant(axis: Axis, names: tuple[str, ...], part: str) -> frozenset[str]:
    """What one positive part means."""
    naming = kind_of(axis).naming
    named = part.removeprefix("==").strip()
    if named in names and (named != part or not (naming.versioned and version(part))):
        return frozenset((named,))
    if not naming.versioned:
        if part == LATEST or ".." in part or _SPECIFIER.match(part):
            raise BadPattern(f"'{cut(part)}' needs versions, but the choices of {axis.name} are names")
        return naming.lines(names, part)
    if part == LATEST:
        return _newest(names)
    if ".." in part:
        return _between(names, part)
    if _SPECIFIER.match(part):
        return _specified(names, part)
    return frozenset(name for name in names if is_or_under(name, part))


def _newest(names: tuple[str, ...]) -> frozenset[str]:
    listed = [name for name in names if version(name)]
    return frozenset([max(listed, key=Version)] if listed else [])


def _between(names: tuple[str, ...], part: str) -> frozenset[str]:
    low, _, high = (end.strip() for end in part.partition(".."))
    first, last = version(low), version(high)
    if first is None or last is None:
        raise BadPattern(f"'{cut(part)}' needs a version at both ends, such as 2.3..2.6")
    if first > last:
        raise BadPattern(f"'{cut(part)}' is reversed: {cut(high)} is older than {cut(low)}")
    found = []
    for name in names:
        here = version(name)
        if here is not None and here >= first and (here <= last or is_or_under(name, high)):
            found.append(name)
    return frozenset(found)


def _specified(names: tuple[str, ...], part: str) -> frozenset[str]:
    try:
        specifier = SpecifierSet(part)
    except InvalidSpecifier as error:
        if part.startswith("=="):  # a name, such as ==none, that is not listed
            return frozenset()
        raise BadPattern(f"'{cut(part)}' is not a version specifier") from error
    found = ((name, version(name)) for name in names)
    return frozenset(name for name, here in found if here is not None and specifier.contains(here, prereleases=True))
