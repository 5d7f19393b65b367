"""`suites`: where the probes of a matrix are."""

from __future__ import annotations

import re

from orchestrator.matrix.nodes import Spot
from orchestrator.model.suite import SuiteRef

PACKAGE = r"(compat-matrix|[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*)"


def read(spot: Spot) -> tuple[SuiteRef, ...]:
    """The suites that a file names: folders, or `{package: NAME}`. Raises UserError."""
    found: list[SuiteRef] = []
    for item in spot.items():
        ref = _ref(item)
        if any((ref.folder, ref.package) == (other.folder, other.package) for other in found):
            raise item.error("the same suite is listed twice")
        found.append(ref)
    return tuple(found)


def _ref(item: Spot) -> SuiteRef:
    if not item.is_mapping:
        return SuiteRef(at=item.at, folder=item.string())
    package = item.fields(("package",), ("package",))["package"]
    name = package.string()
    if not re.fullmatch(PACKAGE, name, re.ASCII):
        raise package.error(f"expected the import name of a package such as mine.probes, got {name!r}")
    return SuiteRef(at=item.at, package=name)
