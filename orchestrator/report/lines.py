"""Text in lines of a terminal's width."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

_NARROWEST = 20


def fold(text: str, width: int, first: str = "", then: str = "") -> list[str]:
    """`text` in lines of at most `width` columns, words and versions kept whole where they fit.

    `first` stands before the first line and `then` before each that follows.
    """
    fitting = max(width, _NARROWEST)
    lines = textwrap.wrap(text, fitting, initial_indent=first, subsequent_indent=then, break_on_hyphens=False)
    return lines or [first.rstrip()]


def folded(lines: Iterable[str], width: int) -> str:
    """Lines as one text, each folded as it is indented, what follows its first part a little more."""
    return "".join(f"{part}\n" for line in lines for part in _own(line, width))


def _own(line: str, width: int) -> list[str]:
    indent = line[: len(line) - len(line.lstrip())]
    return fold(line.strip(), width, indent, indent + "  " if indent else "")
