"""The words people read for what the records keep as exact statuses."""

from __future__ import annotations

from typing import assert_never

from orchestrator.errors import CellStatus
from orchestrator.model import ABSENT, UNPINNED, AxisKind, Cell, Strategy

NOT_RUN = "not run"
OURS = "our fault"
NO_WHEEL = "no wheel"
PINS_CLASH = "pins clash"
INSTALL_FAILS = "install fails"
EXCLUDED = "left out"

MEANING = {
    "limited": "the main operations work, something else does not",
    "broken": "a main operation does not work",
    "blocked": "what it stands on fails first",
    "unknown": "a check that counts has no result",
    NO_WHEEL: "nothing to install for that Python",
    PINS_CLASH: "no versions satisfy all requirements",
    INSTALL_FAILS: "resolved, but it does not install",
    NOT_RUN: "planned, without a result",
    OURS: "trouble of this tool, of the network or of the machine; it says nothing about a package",
    EXCLUDED: "a rule of the matrix takes it out",
}
"""What a word in a table means, for legends."""


def shorten(text: str, limit: int) -> str:
    """`text` in at most `limit` characters, an ellipsis where something was cut."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def counted(number: int, noun: str) -> str:
    """Such as: 1 finding, 3 findings."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def status_word(status: CellStatus | None, reason: str = "") -> str:
    """The word for a cell that has no verdict. None is a planned cell without a record."""
    match status:
        case None | CellStatus.UNAVAILABLE | CellStatus.RAN:
            return NOT_RUN
        case CellStatus.UNRESOLVABLE:
            return {"no-wheel": NO_WHEEL, "pins-clash": PINS_CLASH}.get(reason, reason.replace("-", " ") or PINS_CLASH)
        case CellStatus.UNINSTALLABLE:
            return INSTALL_FAILS
        case CellStatus.INFRA:
            return OURS
        case CellStatus.EXCLUDED:
            return EXCLUDED
    assert_never(status)


def strategy_words(strategy: str, month: str = "") -> str:
    """A column's heading; `month` ("Jan 2021") is that of the cut-off dependencies were taken from."""
    match strategy:
        case Strategy.RELEASED:
            return f"deps of {month}" if month else "deps as released"
        case Strategy.PIP_TODAY:
            return "pip today"
        case Strategy.UV_TODAY:
            return "uv today"
        case Strategy.FORCED:
            return "ignoring its own requirements"
    return strategy


def said(cell: Cell, *kinds: AxisKind, month: str = "") -> str:
    """A cell's choices in words, those at their default left out: "tensorflow 2.4.1, Python 3.7, pip today".

    `kinds` keeps to axes of these kinds (all when empty); `month` is passed on to `strategy_words`.
    """
    found = []
    for choice in cell.choices:
        kind = choice.axis.kind
        if kinds and kind not in kinds:
            continue
        plain = choice.name in (ABSENT, UNPINNED) or (
            choice.name == choice.axis.default and kind is not AxisKind.PACKAGE
        )
        if plain and kind not in (AxisKind.PYTHON, AxisKind.RESOLVE):
            continue
        if kind is AxisKind.PACKAGE:
            found.append(f"{choice.axis.package or choice.axis.name} {choice.name}")
        elif kind is AxisKind.PYTHON:
            found.append(f"Python {choice.name}")
        elif kind is AxisKind.RESOLVE:
            found.append(strategy_words(choice.name, month))
        else:
            found.append(f"{choice.axis.name} {choice.name}" if kind is AxisKind.ENV else choice.name)
    return ", ".join([*found, *cell.constraints])
