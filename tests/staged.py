"""The suite that ships, as a container has it: every file in one folder."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from orchestrator import paths
from orchestrator.suite import probe_files
from orchestrator.suite.modules import SuiteFolder
from orchestrator.suite.stated import ProbeFiles

PROBES = paths.data("probes")
HARNESS = tuple(sorted(path.name for path in (PROBES / "harness").glob("*.py")))


def load(folder: Path) -> ProbeFiles:
    """The suite in a folder, with the harness that ships."""
    return probe_files.load([SuiteFolder(folder=folder)], PROBES)


@cache
def shipped() -> ProbeFiles:
    return load(PROBES)


def stage(suite: ProbeFiles, folder: Path) -> Path:
    """Writes what goes into a container into a new folder."""
    folder.mkdir(parents=True)
    for name, content in suite.files:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def of_probes() -> list[Path]:
    """Every Python file of the suite that is no part of the harness."""
    return sorted(path for path in PROBES.rglob("*.py") if path.parent.name not in ("harness", "written"))
