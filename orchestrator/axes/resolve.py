"""`resolve`: how dependencies are resolved, named by what a person types (`model.Strategy`)."""

from __future__ import annotations

from typing import assert_never

from orchestrator.axes.kind import Kind, Naming, Standing, Unlisted, Wording, YamlValue, always_said, no_default, one_of
from orchestrator.errors import did_you_mean
from orchestrator.model import RESOLVE, Axis, Choice, Strategy

_NAMES = tuple(str(strategy) for strategy in Strategy)


def read(axis: Axis, entry: YamlValue) -> Choice:
    """A strategy."""
    name = entry.string()
    if name not in _NAMES:
        raise entry.error(f"expected one of {', '.join(_NAMES)}, got {name!r}", hint=did_you_mean(name, _NAMES))
    return Choice(axis=axis, name=name)


def strategy_words(strategy: str, month: str = "") -> str:
    """A column's heading; `month` ("Jan 2021") is that of the cut-off dependencies were taken from."""
    if strategy not in _NAMES:
        return strategy
    match known := Strategy(strategy):
        case Strategy.RELEASED:
            return f"deps of {month}" if month else "deps as released"
        case Strategy.PIP_TODAY:
            return "pip today"
        case Strategy.UV_TODAY:
            return "uv today"
        case Strategy.FORCED:
            return "ignoring its own requirements"
    assert_never(known)


KIND = Kind(
    name=RESOLVE,
    least=1,
    most=1,
    read=read,
    schema={"enum": list(_NAMES)},
    naming=Naming(versioned=False, neutral=(), default=no_default),
    wording=Wording(
        title=lambda _axis: "dependencies",
        where=lambda _axis: "resolved",
        word=strategy_words,
        phrase=lambda choice, month: strategy_words(choice.name, month),
        short=lambda choice: choice.name,
        unsaid=always_said,
    ),
    standing=Standing(held=20, effort=0, varies=True, extra=False),
    unlisted=Unlisted(
        usual=lambda _axis: Strategy.PIP_TODAY.value,
        noun="strategy",
        what="strategy",
        example="resolve=pip-today",
        names=_NAMES,
        make=one_of(*_NAMES),
    ),
)
