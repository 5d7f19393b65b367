"""Parts shared by several kinds of choices: names, packages, requirements."""

from __future__ import annotations

import re

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import InvalidName, canonicalize_name

from orchestrator.axes.kind import YamlValue
from orchestrator.axes.shapes import CHOICE_NAME


def named(value: YamlValue) -> str:
    """The name of a choice. Raises UserError for what selectors could not say."""
    name = value.string()
    if not re.fullmatch(CHOICE_NAME, name, re.ASCII):
        raise value.error(f"{name!r} is not a valid choice name: use a letter, then letters, digits, . _ and - only")
    if name == "latest":
        raise value.error(f"{name!r} is not a valid choice name: selectors reserve that word")
    return name


def package_name(value: YamlValue) -> str:
    """The canonical name of a package. Raises UserError."""
    try:
        return canonicalize_name(value.string(), validate=True)
    except InvalidName as error:
        raise value.expected("the name of a package") from error


def requirement(value: YamlValue) -> str:
    """A requirement by name, as packaging writes it. Raises UserError."""
    try:
        found = Requirement(value.string())
    except InvalidRequirement as error:
        raise value.expected('a requirement such as "six" or "numpy<2"') from error
    if found.url:
        raise value.error("expected a requirement by name, got a URL")
    return str(found)
