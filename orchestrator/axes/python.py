"""`python`: minors of CPython, such as 3.9."""

from __future__ import annotations

import re

from orchestrator.axes import shapes
from orchestrator.axes.kind import (
    Kind,
    Naming,
    Standing,
    Unlisted,
    Wording,
    YamlValue,
    always_said,
    as_named,
    beside_axis,
    no_default,
)
from orchestrator.model import PYTHON, Axis, Choice

MINOR = r"3\.[0-9]{1,2}"
_TITLE = "Python"


def read(axis: Axis, entry: YamlValue) -> Choice:
    """A minor."""
    name = entry.string()
    found = make(axis, name)
    if found is None:
        raise entry.error(f'expected a CPython minor version such as "3.10", got {name!r}')
    return found


def make(axis: Axis, name: str) -> Choice | None:
    """The choice of a minor."""
    return Choice(axis=axis, name=name) if re.fullmatch(MINOR, name, re.ASCII) else None


KIND = Kind(
    name=PYTHON,
    least=1,
    most=1,
    read=read,
    schema=shapes.shaped(MINOR),
    naming=Naming(versioned=True, neutral=(), default=no_default),
    wording=Wording(
        title=lambda _axis: _TITLE,
        where=lambda _axis: _TITLE,
        word=as_named,
        phrase=lambda choice, _month: f"{_TITLE} {choice.name}",
        short=beside_axis,
        unsaid=always_said,
    ),
    standing=Standing(held=10, effort=40, varies=True, extra=False),
    unlisted=Unlisted(
        usual=lambda _axis: None,
        noun=_TITLE,
        what="CPython minor version",
        example="python=3.9",
        make=make,
    ),
)
