"""Pins that separate cells with a failure from cells without it, and pins that differ between two cells."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

from packaging.version import InvalidVersion, Version

Pins = Mapping[str, str]
"""name → version."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DiscriminatingPin:
    """A package whose versions are one thing in all failing cells and another in every passing one.

    Versions are sorted; empty where no cell of that kind has the package. Where both lists have versions they
    either lie `apart` on the version line, or all failing cells have one that no passing cell has. `everywhere`:
    every passing cell has the package; `named`: it was asked to come first; `elsewhere`: how many cells that pass,
    beside the passing ones that were compared, have it as failing ones do.
    """

    name: str
    failing: tuple[str, ...]
    passing: tuple[str, ...]
    everywhere: bool = True
    named: bool = False
    elsewhere: int = 0

    @property
    def apart(self) -> bool:
        """Whether all failing versions are older, or all newer, than any passing one; true where a side has none."""
        if not self.passing or not self.failing:
            return True
        bad, good = [_order(v) for v in self.failing], [_order(v) for v in self.passing]
        return max(bad) < min(good) or min(bad) > max(good)


def discriminating_pins(
    failing: Sequence[Pins], passing: Sequence[Pins], first: Collection[str] = ()
) -> tuple[DiscriminatingPin, ...]:
    """The packages that separate failing locks from passing ones; empty if either side is empty.

    This proves no cause: packages upgraded together cannot be told apart. Those in `first` come first,
    in its order, then those that lie apart, then by name.
    """
    if not failing or not passing:
        return ()
    bad, good = _counted(failing), _counted(passing)
    found = [
        DiscriminatingPin(
            name=name,
            failing=_versions(bad.get(name, {})),
            passing=_versions(good.get(name, {})),
            everywhere=sum(good.get(name, {}).values()) == len(passing),
            named=name in first,
        )
        for name in sorted({*bad, *good})
        if sum(bad.get(name, {}).values()) in (0, len(failing))
    ]
    found = [pin for pin in found if _tells(pin)]
    return tuple(sorted(found, key=lambda t: (_rank(t.name, first), not t.apart, t.name)))


def discriminating_among(
    failing: Sequence[Pins], alike: Sequence[Pins], passing: Sequence[Pins]
) -> tuple[DiscriminatingPin, ...]:
    """The packages that tell failing locks from passing ones `alike`, the fewest of all `passing` have it first.

    Where dependencies of two times are compared, nearly all differ; what cells that pass have as well, beside other
    packages, is the less likely cause.
    """
    found = (
        replace(pin, elsewhere=sum(pins.get(pin.name, "") in (pin.failing or ("",)) for pins in passing))
        for pin in discriminating_pins(failing, alike)
    )
    return tuple(sorted(found, key=lambda pin: pin.elsewhere))


def differing(one: Pins, other: Pins, first: Collection[str] = ()) -> tuple[tuple[str, str, str], ...]:
    """(name, version in one, version in the other) where they differ, "" for absent; `first` as above."""
    names = sorted({*one, *other}, key=lambda name: (_rank(name, first), name))
    found = ((name, one.get(name, ""), other.get(name, "")) for name in names)
    return tuple((name, a, b) for name, a, b in found if a != b)


def _tells(pin: DiscriminatingPin) -> bool:
    if not pin.failing:
        return pin.everywhere
    return pin.apart or (len(pin.failing) == 1 and pin.failing[0] not in pin.passing)


def _counted(locks: Iterable[Pins]) -> dict[str, Counter[str]]:
    """name → version → how many locks have it."""
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for pins in locks:
        for name, version in pins.items():
            found[name][version] += 1
    return dict(found)


def _versions(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(names, key=_order))


@cache
def _order(version: str) -> tuple[Version, str]:
    try:
        return Version(version), version
    except InvalidVersion:
        return Version("0"), version


def _rank(name: str, first: Collection[str]) -> int:
    names = list(first)
    return names.index(name) if name in names else len(names)
