"""Where shipped data is: beside the package in a checkout, inside it in a wheel."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parent


def data(name: str) -> Path:
    """The path of `images`, `probes`, `matrix.yaml` or `reports/published`, wherever this installation keeps it."""
    packed = _PACKAGE / "_data" / name
    return packed if packed.exists() else _PACKAGE.parent / name
