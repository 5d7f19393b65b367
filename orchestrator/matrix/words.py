"""Words that several kinds of choices are made of: names, packages, requirements."""

from __future__ import annotations

import re

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import InvalidName, canonicalize_name

from orchestrator.matrix.nodes import Spot

CHOICE_NAME = r"[A-Za-z][A-Za-z0-9._-]*"


def named(spot: Spot) -> str:
    """The name of a choice. Raises UserError for what selectors could not say."""
    name = spot.string()
    if not re.fullmatch(CHOICE_NAME, name, re.ASCII):
        raise spot.error(f"{name!r} can't name a choice: a letter, then letters, digits, . _ and - only")
    if name == "latest":
        raise spot.error(f"{name!r} can't name a choice: selectors use that word")
    return name


def package_name(spot: Spot) -> str:
    """The canonical name of a package. Raises UserError."""
    try:
        return canonicalize_name(spot.string(), validate=True)
    except InvalidName as error:
        raise spot.expected("the name of a package") from error


def requirement(spot: Spot) -> str:
    """A requirement by name, as packaging writes it. Raises UserError."""
    try:
        found = Requirement(spot.string())
    except InvalidRequirement as error:
        raise spot.expected('a requirement such as "six" or "numpy<2"') from error
    if found.url:
        raise spot.error("expected a requirement by name, got a URL")
    return str(found)
