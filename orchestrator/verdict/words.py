"""The words people read for what the records keep as exact statuses."""

from __future__ import annotations

from typing import assert_never

from orchestrator.axes import registry
from orchestrator.errors import CellStatus
from orchestrator.model import Cell

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
    OURS: "a problem of this tool, the network or the machine; it says nothing about a package",
    EXCLUDED: "excluded by a rule of the matrix",
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


def said(cell: Cell, month: str = "") -> str:
    """A cell's choices in words, without what goes without saying: "tensorflow 2.4.1, Python 3.7, pip today".

    `month` is that of the cut-off its dependencies were taken from.
    """
    return ", ".join([*registry.phrases(cell.choices, month), *cell.constraints])
