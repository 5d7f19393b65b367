"""`env`: variables of the probe process, and the packages that they need."""

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
    one_of,
)
from orchestrator.axes.names import named, requirement
from orchestrator.axes.shapes import Json
from orchestrator.model import Axis, Choice

NAME = "env"
PLAIN = "plain"
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


def read(axis: Axis, entry: YamlValue) -> Choice:
    """`plain`, or a name with variables: they become `variables`, what they need `requires`."""
    if not entry.is_mapping:
        name = named(entry)
        if name != PLAIN:
            raise entry.error(f"{name!r} has no `set`", hint=f"write {{name: …, set: {{VARIABLE: value}}}}, or {PLAIN}")
        return Choice(axis=axis, name=name)
    fields = entry.fields(("name", "set", "with"), ("name", "set"))
    variables = tuple((variable, value.string()) for variable, value in fields["set"].entries().items())
    for variable, _ in variables:
        if not _VARIABLE.fullmatch(variable):
            raise fields["set"].key(variable).error(f"{variable!r} is not a valid variable name")
    requires = tuple(requirement(item) for item in fields["with"].items()) if "with" in fields else ()
    return Choice(axis=axis, name=named(fields["name"]), variables=variables, requires=requires)


def _schema() -> Json:
    properties: Json = {"name": shapes.choice_name(), "set": shapes.TEXTS, "with": shapes.many(shapes.TEXT)}
    return {"oneOf": [{"const": PLAIN}, shapes.record(properties, "name", "set")]}


def _short(choice: Choice) -> str:
    return choice.name if choice.axis.name == NAME else beside_axis(choice)


KIND = Kind(
    name=NAME,
    least=0,
    most=None,
    read=read,
    schema=_schema(),
    naming=Naming(versioned=False, neutral=(PLAIN,), default=lambda _names: PLAIN),
    wording=Wording(
        title=axis_name,
        where=axis_name,
        word=as_named,
        phrase=lambda choice, _month: beside_axis(choice),
        short=_short,
        unsaid=at_default,
    ),
    standing=Standing(held=30, effort=10, varies=False, extra=True),
    unlisted=Unlisted(
        usual=lambda axis: axis.default,
        noun="env",
        what="env",
        example=f"env={PLAIN}",
        always=True,
        names=(PLAIN,),
        make=one_of(PLAIN),
    ),
)
