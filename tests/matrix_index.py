"""A tiny index for tests of the matrix: package → versions, each with one wheel for any platform."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from orchestrator.model import IndexFile


class TinyIndex:
    """Answers from a mapping; remembers what it was asked."""

    def __init__(self, releases: Mapping[str, tuple[str, ...]], files: tuple[IndexFile, ...] = ()) -> None:
        self.as_of = datetime(2026, 1, 1, tzinfo=UTC)
        self.releases = releases
        self.extra = files
        self.asked: list[str] = []

    def files(self, package: str) -> tuple[IndexFile, ...]:
        self.asked.append(package)
        return (*(pure(package, v) for v in self.releases.get(package, ())), *self.extra)


def pure(package: str, version: str) -> IndexFile:
    """A wheel for any platform."""
    return IndexFile(
        filename=f"{package.replace('-', '_')}-{version}-py3-none-any.whl", version=version, sha256="0" * 64
    )


TENSORFLOW = (
    "1.15.0",
    "1.15.5",
    "2.0.4",
    "2.1.4",
    "2.2.3",
    "2.3.4",
    "2.4.0",
    "2.4.1",
    "2.4.4",
    "2.5.3",
    "2.6.5",
    "2.7.4",
    "2.8.0",
    "2.8.4",
    "2.9.3",
    "2.10.0",
    "2.10.1",
    "2.11.1",
    "2.12.1",
    "2.13.1",
    "2.14.1",
    "2.15.1",
    "2.16.2",
    "2.17.1",
    "2.18.1",
    "2.19.1",
    "2.20.0",
    "2.21.0",
    "2.22.0rc0",
)
KERAS = (
    "2.2.4",
    "2.3.1",
    "2.4.3",
    "2.6.0",
    "2.7.0",
    "2.8.0",
    "2.9.0",
    "2.10.0",
    "2.11.0",
    "2.12.0",
    "2.13.1",
    "2.14.0",
    "2.15.0",
    "3.0.0",
    "3.15.1",
)
FLAGSHIP = {"tensorflow": TENSORFLOW, "keras": KERAS, "example": ("1.0", "1.2", "2.0.0", "2.1")}
