"""Packages that a cell takes from disk, as resolvers are told of them: an empty wheel with their metadata alone."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from orchestrator.lock.tags import same_version
from orchestrator.lock.wheel_file import WheelFile, hollow
from orchestrator.model import Distribution, IndexFile, LocalPackage

IN_BUILDER = "/probes/local"
"""Where a builder has them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Brought:
    """A wheel, and what the choice says that it came from."""

    wheel: WheelFile
    local: LocalPackage

    @property
    def name(self) -> str:
        return self.wheel.name

    @property
    def distribution(self) -> Distribution:
        return Distribution(
            name=self.wheel.name,
            version=self.wheel.version,
            filename=self.wheel.filename,
            sha256=self.wheel.sha256,
            size=self.wheel.size,
            origin=self.local.origin,
        )

    @property
    def file(self) -> IndexFile:
        """It as an index would list it."""
        return IndexFile(
            filename=self.wheel.filename,
            version=self.wheel.version,
            sha256=self.wheel.sha256,
            size=self.wheel.size,
            uploaded=self.dated,
            requires_python=self.wheel.requires_python,
        )

    @property
    def dated(self) -> datetime | None:
        return self.local.committed

    @property
    def note(self) -> str:
        """What a reader of the lock must know of it."""
        said = f"{self.wheel.name} {self.wheel.version} is not a release: {self.local.origin}"
        if self.local.ref and self.local.uncommitted:
            said += "; it does not include the folder's uncommitted changes"
        return said


def told(requirements: Iterable[str], brought: tuple[Brought, ...], folder: str) -> tuple[str, ...]:
    """Requirements with the wheel in `folder` in place of a package that was brought; bounds on it stay beside it."""
    ours = {b.name: b for b in brought}
    lines: list[str] = []
    for line in requirements:
        requirement = Requirement(line)
        found = ours.get(canonicalize_name(requirement.name))
        if found is None:
            lines.append(line)
            continue
        lines.append(f"{folder}/{found.wheel.filename}")
        if requirement.specifier and not _means(requirement, found):
            lines.append(line)
    return tuple(dict.fromkeys(lines))


def files(brought: tuple[Brought, ...]) -> tuple[tuple[str, bytes], ...]:
    """What a builder is given."""
    return tuple((f"{IN_BUILDER}/{b.wheel.filename}", hollow(b.wheel)) for b in brought)


@contextmanager
def on_host(brought: tuple[Brought, ...]) -> Iterator[str]:
    """A folder of this machine that holds them, while the block lasts."""
    with tempfile.TemporaryDirectory(prefix="compat-local-") as folder:
        for one in brought:
            (Path(folder) / one.wheel.filename).write_bytes(hollow(one.wheel))
        yield folder


def _means(requirement: Requirement, found: Brought) -> bool:
    """Whether a requirement is a pin of the very version."""
    clauses = list(requirement.specifier)
    exact = len(clauses) == 1 and clauses[0].operator == "=="
    return exact and same_version(clauses[0].version, found.wheel.version)
