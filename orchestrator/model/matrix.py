"""The matrix: axes and their choices, cells, rules, groups, questions, limits."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

ABSENT = "none"
"""Choice of a package axis: the package is not asked for."""
UNPINNED = "unpinned"
"""Choice of a package axis: nothing is asked; whatever the others bring is there."""
CPU = "cpu"
"""Choice of a device axis: no GPU."""
PACKAGE, PYTHON, DEVICE, RESOLVE = "package", "python", "device", "resolve"
"""The kinds of axes that a cell has properties of; `axes.registry` has them all."""


def digest(value: object) -> str:
    """sha256 (hex) of a JSON-able value in canonical form."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


class Strategy(StrEnum):
    """How dependencies are resolved; named by what a person types."""

    RELEASED = "released"
    PIP_TODAY = "pip-today"
    UV_TODAY = "uv-today"
    FORCED = "forced"


@dataclass(frozen=True, kw_only=True, slots=True)
class Axis:
    """A dimension of the matrix: `kind` is the name of one in `axes.registry`, `default` the choice that stays out of a
    cell's id.
    """

    name: str
    kind: str
    package: str | None = None
    subject: bool = False
    default: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Sources:
    """Where a device's libraries may come from, in the order they are tried: an image, wheels, a folder.

    `image` is a container image and `paths` what is copied from it (folders ending in "/", or patterns of files);
    `wheels` are requirements that are added to a cell's pins; `folder` is an absolute path on the machine that builds,
    and `sonames` the libraries that must be in it. What is "" or empty is no source.
    """

    image: str = ""
    paths: tuple[str, ...] = ()
    wheels: tuple[str, ...] = ()
    folder: str = ""
    sonames: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class LocalPackage:
    """A package on this machine's disk in place of a release: a wheel, a folder of sources or, with `ref`, a commit.

    `path` is as the matrix has it, relative to its folder. The rest is what was there when a run began: `sha256` of the
    wheel, or of the archive of the sources; `commit` and its date, for a reference; `uncommitted`: the folder holds
    changes that the reference leaves out. `at` is where the file says so.
    """

    path: str
    ref: str = ""
    sha256: str = ""
    filename: str = ""
    commit: str = ""
    committed: datetime | None = None
    uncommitted: bool = False
    at: str = field(default="", compare=False)

    @property
    def wheel(self) -> bool:
        return not self.ref and self.path.endswith(".whl")

    @property
    def origin(self) -> str:
        """In words, behind a name and a version: "built from . at v1.2 (1a2b3c4d5e6f)"."""
        if self.wheel:
            return f"the file {self.path}"
        return f"built from {self.path}" + (f" at {self.ref} ({self.commit[:12]})" if self.ref else "")


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """One value on an axis: a version, `none`, `unpinned`, a Python minor, `cpu`, an env, a strategy.

    The rest is what it does to a cell; an axis's kind fills it in when it reads the file. `variables` are set in the
    probe process, `requires` are requirements that a resolver is asked for as well. `substitutes` are (original,
    stand-in) such as (tensorflow, tensorflow-cpu), the original with or without bounds ("tensorflow<2.1").
    `on_request`: planned only where somebody names it. `sources`: where libraries come from; None: there are none.
    `follows`: the package whose own build decides which of the other devices is meant. `local`: where on disk the
    package is that an axis takes in place of a release.
    """

    axis: Axis
    name: str
    variables: tuple[tuple[str, str], ...] = ()
    requires: tuple[str, ...] = ()
    substitutes: tuple[tuple[str, str], ...] = ()
    on_request: bool = False
    sources: Sources | None = None
    follows: str = ""
    local: LocalPackage | None = None

    def __str__(self) -> str:
        return f"{self.axis.name}={self.name}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """One combination: a choice per axis in the matrix's order, extra pins, digests of artifacts it reads."""

    choices: tuple[Choice, ...]
    constraints: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    id: str = field(init=False, compare=False, default="")

    def __post_init__(self) -> None:
        named = {c.axis.name: c.name for c in self.choices if c.name != c.axis.default}
        extra = {k: sorted(v) for k, v in (("constraints", self.constraints), ("inputs", self.inputs)) if v}
        object.__setattr__(self, "id", digest([named, extra])[:12])

    def __getitem__(self, axis: str) -> Choice:
        for choice in self.choices:
            if choice.axis.name == axis:
                return choice
        raise KeyError(axis)

    def get(self, axis: str) -> str | None:
        """The name of the choice on an axis, or None where the matrix has no such axis."""
        return next((c.name for c in self.choices if c.axis.name == axis), None)

    def of_kind(self, kind: str) -> tuple[Choice, ...]:
        return tuple(c for c in self.choices if c.axis.kind == kind)

    @property
    def axes(self) -> dict[str, str]:
        """axis name → choice name, in the matrix's order."""
        return {c.axis.name: c.name for c in self.choices}

    @property
    def python(self) -> str:
        """The CPython minor, such as "3.9"."""
        return next(c.name for c in self.choices if c.axis.kind == PYTHON)

    @property
    def strategy(self) -> Strategy:
        return Strategy(next(c.name for c in self.choices if c.axis.kind == RESOLVE))

    @property
    def device(self) -> str:
        return next((c.name for c in self.choices if c.axis.kind == DEVICE), CPU)

    @property
    def variables(self) -> tuple[tuple[str, str], ...]:
        return tuple(v for c in self.choices for v in c.variables)

    @property
    def packages(self) -> tuple[Choice, ...]:
        """Choices that ask for one release of a package, or for one on disk (neither `none` nor `unpinned`)."""
        return tuple(c for c in self.of_kind(PACKAGE) if c.name not in (ABSENT, UNPINNED))

    @property
    def subjects(self) -> tuple[Choice, ...]:
        """Those of `packages` the matrix is about."""
        return tuple(c for c in self.packages if c.axis.subject)


Condition: TypeAlias = tuple[str, tuple[str, ...]]
"""(axis, patterns): one of the patterns of the selector language matches the axis's choice."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """Takes cells out of (or, as an include, back into) the product. Conditions are and'ed.

    `at` is where the file says so ("matrix.yaml:40:5 exclude[3]").
    """

    where: tuple[Condition, ...]
    reason: str
    at: str = field(default="", compare=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """Probes that share a verdict: where they run, which checks are core, and which they stand on.

    When a check of `stands_on` fails in the same container the group is *blocked*: not the subject's doing. A group of
    `gpu` runs in a container that was given a GPU, and nowhere else.
    """

    name: str
    where: tuple[Condition, ...] = ()
    core: tuple[str, ...] = ()
    stands_on: tuple[str, ...] = ()
    gpu: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """`ask` is a format string over axis names: "Does KerasSurgeon {kerassurgeon} work on TensorFlow {tf}?"."""

    ask: str
    group: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What one cell may use. Times in seconds, memory in bytes."""

    probe_seconds: float = 60.0
    import_seconds: float = 120.0
    cell_seconds: float = 1800.0
    silence_seconds: float = 180.0
    memory: int = 4 * 1024**3
    cpus: float = 2.0
    pids: int = 512


@dataclass(frozen=True, kw_only=True, slots=True)
class Matrix:
    """A parsed matrix file with its ranges already turned into versions."""

    title: str
    choices: tuple[tuple[Choice, ...], ...]
    exclude: tuple[Rule, ...] = ()
    include: tuple[Rule, ...] = ()
    groups: tuple[Group, ...] = ()
    questions: tuple[Question, ...] = ()
    limits: Limits = Limits()
    digest: str = ""
    path: str = "matrix.yaml"

    @property
    def axes(self) -> tuple[Axis, ...]:
        return tuple(choices[0].axis for choices in self.choices)
