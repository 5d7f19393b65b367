"""Finds the folder of each suite that a matrix names, without importing any package."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from orchestrator.errors import UserError
from orchestrator.model.suite import SuiteRef
from orchestrator.suite.modules import SuiteFolder

SHIPPED = "compat-matrix"
"""The package whose suite is the one that ships."""


def places(refs: Sequence[SuiteRef], beside: Path, home: Path) -> tuple[SuiteFolder, ...]:
    """The folder of each suite that a matrix in the folder `beside` names; without any, `home`: the one that ships.

    Raises UserError, with the place, for a folder outside of `beside`, a package that is not installed, or a folder
    that is named twice.
    """
    found: dict[Path, SuiteFolder] = {}
    for ref in refs:
        place = _packed(ref, home) if ref.package else _beside(ref, beside)
        real = place.folder.resolve()
        if real in found:
            raise UserError(f"{place.said} is the same folder as {found[real].said}", hint="name each suite once")
        found[real] = place
    return tuple(found.values()) or (SuiteFolder(folder=home),)


def _beside(ref: SuiteRef, beside: Path) -> SuiteFolder:
    path = PurePosixPath(ref.folder)
    hint = "A suite is a folder beside the matrix, such as `probes`, or {package: NAME}."
    if path.is_absolute() or ".." in path.parts or "\0" in ref.folder:
        raise UserError(f"{ref.at}: {ref.folder!r} is not a path below the matrix's folder", hint=hint)
    folder = beside / path
    try:
        inside = folder.resolve().is_relative_to(beside.resolve())
    except (OSError, RuntimeError) as error:
        raise UserError(f"{ref.at}: {folder}: {error}", hint=hint) from error
    if not inside:
        raise UserError(f"{ref.at}: {folder} is outside the matrix's folder: it leads to {folder.resolve()}", hint=hint)
    return SuiteFolder(folder=folder, at=ref.at)


def _packed(ref: SuiteRef, home: Path) -> SuiteFolder:
    """The folder of a package, or of one in it: `mine` or `mine.probes`."""
    if ref.package == SHIPPED:
        return SuiteFolder(folder=home, at=ref.at, package=SHIPPED)
    top, *rest = ref.package.split(".")
    try:
        # of the outermost package this only looks at files; asked for an inner one it would run the outer
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError) as error:
        raise UserError(f"{ref.at}: {top} can't be found: {error}") from error
    for root in (spec.submodule_search_locations or ()) if spec else ():
        folder = Path(root, *rest)
        if folder.is_dir():
            return SuiteFolder(folder=folder, at=ref.at, package=ref.package)
    if spec is None:
        hint = f"Install it in the same environment as compat, such as `pip install {top.replace('_', '-')}`."
        raise UserError(f"{ref.at}: the package {top!r} is not installed", hint=hint)
    raise UserError(f"{ref.at}: the package {top!r} has no folder {'/'.join(rest) or top!r}")
