"""Small suites, made for tests."""

from __future__ import annotations

from pathlib import Path

from orchestrator.suite.modules import SuiteFolder

CHECK = """
from harness import check, subject

@check("{id}", "Does it hold?", needs=({needs}))
def holds():
    with subject("x"):
        pass
"""


def check(name: str = "one.a", needs: str = "") -> str:
    return CHECK.format(id=name, needs=needs)


def suite(folder: Path, **files: str) -> Path:
    """A suite of these files; `room__name` is `name.py` in the folder `room`."""
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        path = folder.joinpath(*name.split("__")).with_suffix(".py")
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return folder


def places(*folders: Path) -> list[SuiteFolder]:
    return [SuiteFolder(folder=folder, at=f"matrix.yaml: suites[{n}]") for n, folder in enumerate(folders)]
