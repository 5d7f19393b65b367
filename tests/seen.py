"""Whether a terminal, given a text, does nothing but show it."""

from __future__ import annotations

import unicodedata

MOVES = {"Cc": "control", "Cf": "format", "Cs": "surrogate", "Zl": "line separator", "Zp": "paragraph separator"}


def moving(text: str, allowed: str = "\n") -> list[str]:
    """The characters of a text that move a cursor, turn a direction or are not seen, besides those allowed."""
    return [
        f"U+{ord(c):04X} at {n}" for n, c in enumerate(text) if c not in allowed and unicodedata.category(c) in MOVES
    ]
