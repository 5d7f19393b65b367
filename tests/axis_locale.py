"""A sixth kind of axis, in one file, as a stranger would add it: the locale that probes run under.

Tests register it with `monkeypatch.setitem(KINDS, "locale", axis_locale.KIND)`: its line in `axes/registry.py`.
"""

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
    as_named,
    at_default,
    axis_name,
    beside_axis,
)
from orchestrator.model import Axis, Choice

PLAIN = "C.UTF-8"
SHAPE = r"[A-Za-z_]+\.UTF-8"


def read(axis: Axis, entry: YamlValue) -> Choice:
    name = entry.string()
    found = make(axis, name)
    if found is None:
        raise entry.error(f"expected a locale such as de_DE.UTF-8, got {name!r}")
    return found


def make(axis: Axis, name: str) -> Choice | None:
    if not re.fullmatch(SHAPE, name, re.ASCII):
        return None
    needs = () if name == PLAIN else ("babel>=2",)
    return Choice(axis=axis, name=name, variables=(("LC_ALL", name),), requires=needs)


KIND = Kind(
    name="locale",
    least=0,
    most=1,
    read=read,
    schema=shapes.shaped(SHAPE),
    naming=Naming(versioned=False, neutral=(PLAIN,), default=lambda _names: PLAIN),
    wording=Wording(
        title=axis_name,
        where=axis_name,
        word=as_named,
        phrase=lambda choice, _month: beside_axis(choice),
        short=beside_axis,
        unsaid=at_default,
    ),
    standing=Standing(held=15, effort=5, varies=False, extra=True),
    unlisted=Unlisted(
        usual=lambda axis: axis.default,
        make=make,
        noun="locale",
        what="locale",
        example="locale=de_DE.UTF-8",
    ),
)
