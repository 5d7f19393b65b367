"""Where things are: shipped data beside the package in a checkout and inside it in a wheel; a matrix and its state."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parent


def data(name: str) -> Path:
    """The path of `images`, `probes`, `matrix.yaml` or `reports/published`, wherever this installation keeps it."""
    packed = _PACKAGE / "_data" / name
    return packed if packed.exists() else _PACKAGE.parent / name


def matrix_here() -> Path:
    """`matrix.yaml` in the working directory, else the one that is shipped."""
    here = Path.cwd() / "matrix.yaml"
    return here if here.exists() else data("matrix.yaml")


def folder_of(matrix: Path) -> Path:
    """Where the state and the reports of a matrix are: beside it, or here for the one that is shipped."""
    return Path.cwd() if matrix == data("matrix.yaml") else matrix.parent
