"""The probe suite as files to send into a container, and the catalogue of what is in it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from orchestrator.errors import UserError
from orchestrator.model import Probe, digest
from orchestrator.store.files import write_whole
from orchestrator.store.publication import Catalogue

_SPEC = ("kind", "needs", "seconds", "fresh", "light", "repeat", "file")


@dataclass(frozen=True, kw_only=True, slots=True)
class Proof:
    """Where a check passed, and where it (or, as said there, a mutation of it) failed; `digest` is `Probe.proof`."""

    digest: str
    passed: str = ""
    failed: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Suite:
    """All probes. `files` are (path below /probes, content); `expects` says how each control must come out:
    fields of its observation (see `controls.controls_wrong`); `specs` what the supervisor must know of each.
    """

    probes: Mapping[str, Probe]
    files: tuple[tuple[str, bytes], ...]
    expects: Mapping[str, Mapping[str, object]]
    proven: frozenset[str]
    specs: Mapping[str, Mapping[str, object]] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        return digest(sorted((p.id, p.digest, p.harness) for p in self.probes.values()))


def load(directory: Path) -> Suite:
    """Reads the suite in a directory. Raises UserError when a probe file is malformed."""
    entries = list(catalogued(directory)["probes"])
    probes = {entry["id"]: _probe(entry) for entry in entries}
    proofs = load_proofs(directory)
    files = tuple((path.relative_to(directory).as_posix(), path.read_bytes()) for path in _sent(directory))
    return Suite(
        probes=probes,
        files=files,
        expects={e["id"]: e["expects_fields"] for e in entries if e.get("expects_fields")},
        proven=frozenset(p.id for p in probes.values() if _proves(proofs.get(p.id), p)),
        specs={e["id"]: {name: e[name] for name in _SPEC} for e in entries},
    )


def catalogued(directory: Path) -> dict[str, Any]:
    """What the suite in a directory says of itself, asked of its supervisor in an interpreter of its own.

    `probes`: an entry each; `harness`: the names of its files. Raises UserError when a probe file is malformed.
    """
    asked = subprocess.run(
        [sys.executable, "-I", str(directory / "supervisor.py"), "--catalogue"],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    if asked.returncode != 0:
        raise UserError(f"{directory}: the probe suite can't be listed:\n{asked.stderr.strip()}")
    found: dict[str, Any] = json.loads(asked.stdout)
    return found


def of(catalogue: Catalogue) -> Suite:
    """The suite that published evidence was seen with: to read results by, not to be run."""
    return Suite(probes=catalogue.probes, files=(), expects=catalogue.expects, proven=catalogue.proven)


def _sent(directory: Path) -> list[Path]:
    """The modules, and the data below `written/` that probes read; not what wrote that data."""
    data = (path for path in directory.glob("written/*/*") if path.is_file())
    return [*sorted(directory.glob("*.py")), *sorted(data)]


def _proves(proof: Proof | None, probe: Probe) -> bool:
    return proof is not None and proof.digest == probe.proof and bool(proof.passed and proof.failed)


def _probe(entry: dict[str, object]) -> Probe:
    known = {name: entry[name] for name in Probe.__dataclass_fields__ if name in entry}
    return msgspec.convert(known, Probe)


def load_proofs(directory: Path) -> dict[str, Proof]:
    """The proofs kept beside the probes; empty where there are none yet."""
    path = directory / "proofs.json"
    return msgspec.json.decode(path.read_bytes(), type=dict[str, Proof]) if path.exists() else {}


def save_proofs(directory: Path, proofs: Mapping[str, Proof]) -> None:
    """Keeps proofs beside the probes they are about."""
    text = json.dumps(msgspec.to_builtins(dict(sorted(proofs.items()))), indent=1) + "\n"
    write_whole(directory / "proofs.json", text.encode())
