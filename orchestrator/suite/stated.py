"""What a suite of probe files states, as a value: reading results takes no more of a suite than this."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from orchestrator.model import Probe, digest
from orchestrator.model.suite import Catalogue, Proof


@dataclass(frozen=True, kw_only=True, slots=True)
class ProbeFiles:
    """All probes of one or several folders, with the harness; see `model.suite.Suite`."""

    probes: Mapping[str, Probe]
    files: tuple[tuple[str, bytes], ...]
    expects: Mapping[str, Mapping[str, object]]
    proven: frozenset[str]
    specs: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    distributions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    loggers: tuple[str, ...] = ()
    proofs: Mapping[str, Proof] = field(default_factory=dict)
    homes: Mapping[str, Path] = field(default_factory=dict)
    """Probe id → the folder of the suite that it is of."""

    @property
    def digest(self) -> str:
        return digest(sorted((p.id, p.digest, p.harness) for p in self.probes.values()))

    @property
    def folders(self) -> tuple[Path, ...]:
        return tuple(dict.fromkeys(self.homes.values()))

    def proof_files(self, proven: Mapping[str, Proof]) -> tuple[tuple[Path, bytes], ...]:
        from orchestrator.suite import proofs

        return tuple(
            (folder / proofs.FILE, proofs.written({i: p for i, p in proven.items() if self.homes.get(i) == folder}))
            for folder in self.folders
            if any(self.homes.get(i) == folder for i in proven)
        )


def of(catalogue: Catalogue) -> ProbeFiles:
    """The suite that published evidence was seen with: to read results by, not to be run."""
    return ProbeFiles(probes=catalogue.probes, files=(), expects=catalogue.expects, proven=catalogue.proven)
