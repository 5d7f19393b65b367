"""The probe suite as files to send into a container, and the catalogue of what is in it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from orchestrator.errors import UserError
from orchestrator.model import Probe, digest


@dataclass(frozen=True, kw_only=True, slots=True)
class Suite:
    """All probes. `files` are (name below /probes, content); `expects` says how each control must end."""

    probes: Mapping[str, Probe]
    files: tuple[tuple[str, bytes], ...]
    expects: Mapping[str, str]
    proven: frozenset[str]

    @property
    def digest(self) -> str:
        return digest(sorted((p.id, p.digest) for p in self.probes.values()))


def load(directory: Path) -> Suite:
    """Reads the suite in a directory. The catalogue is asked of the supervisor itself, by this interpreter.

    Raises UserError when a probe file is malformed.
    """
    supervisor = directory / "supervisor.py"
    asked = subprocess.run(
        [sys.executable, "-I", str(supervisor), "--catalogue"], capture_output=True, text=True, check=False, timeout=60
    )
    if asked.returncode != 0:
        raise UserError(f"{directory}: the probe suite can't be listed:\n{asked.stderr.strip()}")
    entries = json.loads(asked.stdout)["probes"]
    probes = {entry["id"]: _probe(entry) for entry in entries}
    files = tuple((path.name, path.read_bytes()) for path in sorted(directory.glob("*.py")))
    return Suite(
        probes=probes,
        files=files,
        expects={e["id"]: e["expects"] for e in entries if e.get("expects")},
        proven=_proven(directory / "proofs.json", probes),
    )


def _probe(entry: dict[str, object]) -> Probe:
    known = {name: entry[name] for name in Probe.__dataclass_fields__ if name in entry}
    return msgspec.convert(known, Probe)


def _proven(path: Path, probes: Mapping[str, Probe]) -> frozenset[str]:
    """IDs of checks whose present digest was seen to pass and, itself or a mutation of it, to fail."""
    if not path.exists():
        return frozenset()
    proofs = json.loads(path.read_bytes())
    return frozenset(
        probe.id
        for probe in probes.values()
        if (proof := proofs.get(probe.id))
        and proof["digest"] == probe.digest
        and proof.get("passed")
        and proof.get("failed")
    )
