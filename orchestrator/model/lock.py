"""What the index has, and a cell's lock."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from orchestrator.model.matrix import Strategy, digest


@dataclass(frozen=True, kw_only=True, slots=True)
class IndexFile:
    """One file of a release as the index lists it. `uploaded` is None where the index does not say.

    `url` is where its bytes are, for reading metadata; it never enters a lock.
    """

    filename: str
    version: str
    sha256: str
    size: int | None = None
    uploaded: datetime | None = None
    yanked: bool = False
    requires_python: str | None = None
    url: str = field(default="", compare=False)


class Index(Protocol):
    """What a package index says, as of one moment.

    Raises `CellError(resolve, infra)` when the index does not answer properly: no answer is never "no such
    release".
    """

    as_of: datetime

    def files(self, package: str) -> tuple[IndexFile, ...]:
        """Every file uploaded up to `as_of`; empty when the index says there is no such package."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Distribution:
    """The one file of a release that a lock selected. `origin` says, in words, where a file is from that no index has
    ("built from ."); "" for all others.
    """

    name: str
    version: str
    filename: str
    sha256: str
    size: int | None = None
    origin: str = ""

    @property
    def wheel(self) -> bool:
        return self.filename.endswith(".whl")

    @property
    def pin(self) -> str:
        return f"{self.name}=={self.version}"

    @property
    def line(self) -> str:
        """What a file of requirements says: the pin, or a comment where that would mean another file or none."""
        if not self.origin:
            return self.pin
        return f"# {self.name} {self.version} ({self.origin}, sha256 {self.sha256}): install that file; no index has it"


class SourceKind(StrEnum):
    """Where the libraries of a lock's device come from."""

    IMAGE = "image"
    WHEELS = "wheels"
    FOLDER = "folder"


@dataclass(frozen=True, kw_only=True, slots=True)
class BuiltFor:
    """Which of a matrix's devices a file of a package was built for: its name ("" for none), and the same in words,
    behind "was built": "for CUDA 11.2", "without CUDA".
    """

    device: str
    said: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Libraries:
    """The libraries of a device that come on top of a cell's own pins.

    From wheels: `names` are the distributions that were added. From elsewhere: `place` is an image's name or a folder
    of the machine that builds, `paths` what is copied from it (within a folder: file names relative to it), and
    `identity` the digest of what is there.
    """

    source: SourceKind
    names: tuple[str, ...] = ()
    place: str = ""
    paths: tuple[str, ...] = ()
    identity: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Lock:
    """A cell's resolved, hash-pinned requirements; sorted by name.

    `python` is a minor ("3.9"), `platform` a wheel platform ("manylinux_2_36_x86_64"), `device` "cpu" or the line
    of libraries ("cuda11.8"), `resolver` the tool and its version ("uv 0.9.1"), `cutoff` the moment dependencies were
    taken from, `notes` what a reader must know (a substitution used or not, names added without bounds), `libraries`
    where those of the device come from, for one that has some.
    """

    python: str
    platform: str
    device: str
    strategy: Strategy
    resolver: str
    cutoff: datetime
    distributions: tuple[Distribution, ...]
    notes: tuple[str, ...] = ()
    libraries: Libraries | None = None

    @property
    def digest(self) -> str:
        files = [(d.name, d.version, d.sha256) for d in self.distributions]
        held: list[object] = [self.python, self.platform, self.device, files]
        if self.libraries is not None and self.libraries.identity:
            held += [self.libraries.source, self.libraries.paths, self.libraries.identity]
        return digest(held)

    @property
    def pins(self) -> tuple[str, ...]:
        """The lines of a file of requirements."""
        return tuple(d.line for d in self.distributions)

    @property
    def compiled(self) -> tuple[str, ...]:
        """Names of distributions that only exist as source and had to be built."""
        return tuple(d.name for d in self.distributions if not d.wheel)

    def version(self, package: str) -> str | None:
        return next((d.version for d in self.distributions if d.name == package), None)


def public_index() -> str:
    """The index that pip and uv ask where a machine names none, ending in "/"."""
    # a heavy import, which those who only read results do without
    from pypi_simple import PYPI_SIMPLE_ENDPOINT

    return PYPI_SIMPLE_ENDPOINT
