"""Lock + base → recipe: which distributions share a layer, and in what order the layers lie."""

from __future__ import annotations

import re
from collections.abc import Iterable

from orchestrator.model import Base, Cuda, Distribution, Libraries, Lock, Recipe, SourceKind, Step, StepKind

LARGE = 20_000_000
"""Bytes from which a distribution gets a layer of its own. A layer costs about half a second (a container, uv's start,
a snapshot and its export), as much as installing 20 MB of wheels anew: below, sharing saves nothing."""
OWN_LAYERS = 6
"""How many distributions get one: overlay filesystems stack a limited number of layers."""


_NVIDIA = re.compile(r"nvidia-(?P<part>[a-z0-9-]+)-cu[0-9]+")
"""A wheel of NVIDIA's: nvidia-cuda-runtime-cu12 has its libraries in nvidia/cuda_runtime/lib."""
_COMPILER = "cuda_nvcc"
"""The part that holds ptxas and libdevice."""


def recipe(
    lock: Lock, base: Base, subjects: Iterable[str] = (), *, template: str = "", gpu_template: str = ""
) -> Recipe:
    """The steps to an image: large wheels, largest first, the other wheels, what must be compiled, the subjects.

    What cells have in common lies low: a layer is shared when it and all layers below it are equal, so the
    largest (TensorFlow) come first, and what a matrix varies, the subject, lies on top in a layer of its own. Lowest
    lie the wheels of a CUDA line, in one layer for every TensorFlow on it.
    """
    own = frozenset(subjects)
    cuda = _cuda_wheels(lock)
    rest = tuple(d for d in lock.distributions if d.name not in own and d not in cuda)
    large = sorted((d for d in rest if d.wheel and (d.size or 0) > LARGE), key=_largest_first)[:OWN_LAYERS]
    small = tuple(d for d in rest if d.wheel and d not in large)
    subject = tuple(d for d in lock.distributions if d.name in own)
    steps = _step(StepKind.WHEELS, f"the libraries of {lock.device}, {_size(cuda)} MB", cuda)
    steps += [Step(kind=StepKind.WHEELS, title=_megabytes(d), distributions=(d,)) for d in large]
    steps += _step(StepKind.WHEELS, "the rest of the lock" if large else "the lock", small)
    steps += _step(StepKind.COMPILE, "compiled from source", tuple(d for d in rest if not d.wheel))
    steps += _step(StepKind.WHEELS, _subject_title(subject), tuple(d for d in subject if d.wheel))
    steps += _step(StepKind.COMPILE, _subject_title(subject), tuple(d for d in subject if not d.wheel))
    on_top = None if lock.libraries is None else _on_top(lock.libraries, gpu_template)
    return Recipe(base=base, steps=tuple(steps), template=template, cuda=on_top)


def _cuda_wheels(lock: Lock) -> tuple[Distribution, ...]:
    names = lock.libraries.names if lock.libraries is not None else ()
    return tuple(d for d in lock.distributions if d.name in names and d.wheel)


def _on_top(libraries: Libraries, template: str) -> Cuda:
    """What makes these libraries be found."""
    parts = [m["part"].replace("-", "_") for name in libraries.names if (m := _NVIDIA.fullmatch(name))]
    return Cuda(
        folders=tuple(f"nvidia/{part}/lib" for part in sorted(parts) if part != _COMPILER),
        tools=f"nvidia/{_COMPILER}" if _COMPILER in parts else "",
        image=libraries.place if libraries.source is SourceKind.IMAGE else "",
        folder=libraries.place if libraries.source is SourceKind.FOLDER else "",
        paths=libraries.paths,
        identity=libraries.identity,
        template=template,
    )


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
