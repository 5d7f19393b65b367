"""Lock + base → recipe: which distributions share a layer, and in what order the layers lie."""

from __future__ import annotations

from collections.abc import Iterable

from orchestrator.model import Base, Distribution, LibraryLayer, Lock, Recipe, Step, StepKind

LARGE = 20_000_000
"""Bytes from which a distribution gets a layer of its own. A layer costs about half a second (a container, uv's start,
a snapshot and its export), as much as installing 20 MB of wheels anew: below, sharing saves nothing."""
OWN_LAYERS = 6
"""How many distributions get one: overlay filesystems stack a limited number of layers."""


def recipe(
    lock: Lock, base: Base, subjects: Iterable[str] = (), *, template: str = "", on_top: LibraryLayer | None = None
) -> Recipe:
    """The steps to an image: large wheels, largest first, the other wheels, what must be compiled, the subjects.

    What cells have in common lies low: a layer is shared when it and all layers below it are equal, so the
    largest come first, and what a matrix varies, the subject, lies on top in a layer of its own. Lowest lie the wheels
    of a device's libraries, in one layer for everything that uses them; `on_top` is what makes them be found.
    """
    own = frozenset(subjects)
    libraries = _library_wheels(lock)
    rest = tuple(d for d in lock.distributions if d.name not in own and d not in libraries)
    large = sorted((d for d in rest if d.wheel and (d.size or 0) > LARGE), key=_largest_first)[:OWN_LAYERS]
    small = tuple(d for d in rest if d.wheel and d not in large)
    subject = tuple(d for d in lock.distributions if d.name in own)
    steps = _step(StepKind.WHEELS, f"the libraries of {lock.device}, {_size(libraries)} MB", libraries)
    steps += [Step(kind=StepKind.WHEELS, title=_megabytes(d), distributions=(d,)) for d in large]
    steps += _step(StepKind.WHEELS, "the rest of the lock" if large else "the lock", small)
    steps += _step(StepKind.COMPILE, "compiled from source", tuple(d for d in rest if not d.wheel))
    steps += _step(StepKind.WHEELS, _subject_title(subject), tuple(d for d in subject if d.wheel))
    steps += _step(StepKind.COMPILE, _subject_title(subject), tuple(d for d in subject if not d.wheel))
    return Recipe(base=base, steps=tuple(steps), template=template, on_top=on_top)


def _library_wheels(lock: Lock) -> tuple[Distribution, ...]:
    names = lock.libraries.names if lock.libraries is not None else ()
    return tuple(d for d in lock.distributions if d.name in names and d.wheel)


def _largest_first(distribution: Distribution) -> tuple[int, str]:
    return (-(distribution.size or 0), distribution.name)


def _step(kind: StepKind, title: str, distributions: tuple[Distribution, ...]) -> list[Step]:
    return [Step(kind=kind, title=title, distributions=distributions)] if distributions else []


def _size(distributions: tuple[Distribution, ...]) -> str:
    return f"{sum(d.size or 0 for d in distributions) / 1e6:.0f}"


def _megabytes(distribution: Distribution) -> str:
    return f"{distribution.pin}, {(distribution.size or 0) / 1e6:.0f} MB"


def _subject_title(distributions: tuple[Distribution, ...]) -> str:
    return "what the matrix is about: " + ", ".join(d.pin for d in distributions)
