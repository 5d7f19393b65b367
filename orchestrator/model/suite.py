"""What a suite states: its probes, what goes into a container to run them, and which of them are proven."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from orchestrator.model.record import Probe


@dataclass(frozen=True, kw_only=True, slots=True)
class Proof:
    """Where a check passed, and where it (or, as said there, a mutation of it) failed; `digest` is `Probe.proof`."""

    digest: str
    passed: str = ""
    failed: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Catalogue:
    """What verdicts are read by: the probes, which of them are proven, and how each control must come out."""

    probes: Mapping[str, Probe]
    proven: frozenset[str]
    expects: Mapping[str, Mapping[str, object]]
    digest: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SuiteRef:
    """A suite as a matrix names it, `at` its place there: a folder beside the matrix, or else an installed package."""

    at: str
    folder: str = ""
    package: str = ""


class Suite(Protocol):
    """Probes, wherever they come from: probe files today, a project's own tests another day.

    A suite is read without running any of its code. `files` is everything that a container needs, as (path below
    /probes, content), the harness included; `specs` what the supervisor must know of each probe; `distributions`
    import names → distributions that bring them, where they differ; `loggers` whose warnings are part of a result;
    `expects` how each control must come out (see `controls.controls_wrong`).
    """

    @property
    def probes(self) -> Mapping[str, Probe]: ...

    @property
    def files(self) -> tuple[tuple[str, bytes], ...]: ...

    @property
    def specs(self) -> Mapping[str, Mapping[str, object]]: ...

    @property
    def distributions(self) -> Mapping[str, tuple[str, ...]]: ...

    @property
    def loggers(self) -> tuple[str, ...]: ...

    @property
    def expects(self) -> Mapping[str, Mapping[str, object]]: ...

    @property
    def proofs(self) -> Mapping[str, Proof]:
        """Check id → what was proven of it, also where it has changed since."""

    @property
    def proven(self) -> frozenset[str]:
        """Checks that were seen to pass and to fail as they stand now."""

    @property
    def digest(self) -> str:
        """Equal digests: the same probes under the same harness."""

    @property
    def folders(self) -> tuple[Path, ...]:
        """Where its probe files are, for whoever runs one by hand."""

    def proof_files(self, proofs: Mapping[str, Proof]) -> tuple[tuple[Path, bytes], ...]:
        """The files that keep these proofs beside the probes they are about, and what is in them."""
