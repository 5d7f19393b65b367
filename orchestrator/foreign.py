"""Text that others wrote (a matrix, an index, a package, the command line), made safe for what it is written to.

The one home of that: a terminal gets `printable`, Markdown `in_markdown` (and pages that are read in their source
`in_prose`), a spreadsheet `sheet`, JSON `json_text`. HTML is escaped by its template. What is compared, not shown,
is `stripped`.
"""

from __future__ import annotations

import dataclasses
import json
import re
import unicodedata
from enum import Enum
from typing import TypeVar

T = TypeVar("T")

_COLOURS = re.compile(r"\x1b\[[0-9;:]*m")
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
_MOVES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Control, format (direction, zero width), half of a surrogate pair, line and paragraph separators."""
_UNSEEN = _MOVES | {"Co", "Cn"}
_BLANK = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")
"""Nothing to see either, though Unicode counts them as letters, marks or symbols."""
_ODD = re.compile(r"[^\n\t\x20-\x7e]")
"""What may be one of these: all that is not ASCII's own letters and signs."""
_FORMULA = re.compile(r"(^|[;\t\r\n])(?=\s*[=+\-@＝＋－＠])|^(?=[\t\r])")
_MARKS = re.compile(r"[\\`*_{}\[\]#|~]")
_ACTING_MARKS = re.compile(r"[\\`*_|~]|\](?=[(\[:])")
"""Those that Markdown acts on within a line: brackets alone make no link, braces and # nothing."""
_ENTITIES = str.maketrans({"<": "&lt;", ">": "&gt;", "&": "&amp;"})
_LINKS = re.compile(r"(?i)\b(?:(https?|ftp|mailto|xmpp):|(www)\.)")


def printable(text: str, *, lines: bool = False) -> str:
    r"""`text` as a terminal may have it: what moves a cursor, turns a direction or is not seen is spelled out (`\x1b`).

    Line ends and tabs become spaces; with `lines` they stay, and a carriage return alone is a line end too.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    flat = text.replace("\n", " ").replace("\t", " ")
    if flat.isprintable() and not _BLANK.search(flat):
        # nearly every text, and most of the time that reading results takes
        return text if lines else flat
    return _ODD.sub(lambda odd: _spelled(odd[0]) if hidden(odd[0]) else odd[0], text if lines else flat)


def stripped(text: str, *, lines: bool = False) -> str:
    """`text` without terminal escapes, control and direction characters and lone surrogates: to be compared.

    Line ends and tabs become spaces; with `lines` they stay.
    """
    text = text.replace("\r\n", "\n")
    flat = text.replace("\n", " ").replace("\t", " ")
    if flat.isprintable():
        return text if lines else flat
    kept = []
    for char in _ESCAPES.sub("", text):
        if char in "\n\t":
            kept.append(char if lines else " ")
        elif unicodedata.category(char) not in _UNSEEN:
            kept.append(char)
        elif char == "\r":
            kept.append("\n" if lines else " ")
        else:
            kept.append("\N{REPLACEMENT CHARACTER}" if unicodedata.category(char) == "Cs" else "")
    return "".join(kept)


def uncoloured(text: str) -> str:
    """Captured output without colours, the one kind of escape that says nothing; whatever else is in it stays."""
    return _COLOURS.sub("", text)


def throughout(value: T) -> T:
    """A value of dataclasses, tuples and strings with every string in it `printable`."""
    made: object = value
    if isinstance(value, str) and not isinstance(value, Enum):
        made = printable(value)
    elif isinstance(value, tuple) and type(value) is tuple:
        made = tuple(throughout(part) for part in value)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        parts = {f.name: getattr(value, f.name) for f in dataclasses.fields(value) if f.init}
        made = dataclasses.replace(value, **{name: throughout(part) for name, part in parts.items()})
    return made  # type: ignore[return-value]


def encodable(value: object) -> object:
    """A value of mappings, lists and strings with what UTF-8 can't hold, halves of surrogate pairs, spelled out."""
    if isinstance(value, str):
        return value.encode(errors="backslashreplace").decode()
    if isinstance(value, dict):
        return {encodable(key): encodable(entry) for key, entry in value.items()}
    return [encodable(part) for part in value] if isinstance(value, list | tuple) else value


def hidden(char: str) -> bool:
    """Whether a terminal shows nothing for a character, or does something else."""
    return unicodedata.category(char) in _UNSEEN or _BLANK.match(char) is not None


def refused(text: str, *, lines: bool = False) -> int:
    """Where the first character stands that no text of a person's needs, -1 without one.

    Such as NUL, an escape, a direction mark; line ends and tabs as well, unless `lines`. Characters that this Python
    does not know yet are let through.
    """
    if text.isprintable() and not _BLANK.search(text):
        return -1
    for place, char in enumerate(text):
        moves = unicodedata.category(char) in _MOVES or _BLANK.match(char)
        if moves and not (lines and char in "\n\r\t"):
            return place
    return -1


def named(char: str) -> str:
    """Such as: U+202E (RIGHT-TO-LEFT OVERRIDE)."""
    usual = {"\0": "NUL", "\t": "a tab", "\n": "a line end", "\r": "a carriage return", "\x1b": "ESC"}
    name = usual.get(char) or unicodedata.name(char, "")
    if not name:
        name = "half of a surrogate pair" if unicodedata.category(char) == "Cs" else "a control character"
    return f"U+{ord(char):04X} ({name})"


def _spelled(char: str) -> str:
    code = ord(char)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


# ---------------------------------------------------------------- files


def in_markdown(text: str) -> str:
    """Text that Markdown shows as it is, on one line: no table, link or HTML."""
    return _unlinked(_escaped(_one_line(text), _MARKS))


def in_prose(text: str, *, code: bool = False, links: bool = False) -> str:
    """The same with as few backslashes as that takes, for pages that are read in their source too.

    With `code`, what stands between backticks is code; with `links`, a bare address may become a link: for text of
    our own.
    """
    line = _one_line(text)
    if not code or line.count("`") % 2:
        escaped = _escaped(line, _ACTING_MARKS)
        return escaped if links else _unlinked(escaped)
    told = (
        part.replace("|", "\\|") if number % 2 else _unlinked(_escaped(part, _ACTING_MARKS))
        for number, part in enumerate(line.split("`"))
    )
    return "`".join(told)


def _one_line(text: str) -> str:
    return " ".join(printable(text).split())


def _escaped(line: str, marks: re.Pattern[str]) -> str:
    return marks.sub(r"\\\g<0>", line.translate(_ENTITIES))


def _unlinked(text: str) -> str:
    """GitHub makes links of bare addresses; a backslash in one is not seen, and keeps it from that."""
    return _LINKS.sub(lambda found: f"{found[1]}\\:" if found[1] else f"{found[2]}\\.", text)


def sheet(value: str) -> str:
    """A cell of a CSV file, on one line. A spreadsheet takes what begins like a formula for one, at the start of a cell
    or of what it takes for the next; an apostrophe makes it text.
    """
    return printable(_FORMULA.sub(r"\1'", value))


def json_text(value: object, *, indent: int | None = 1, sort_keys: bool = True) -> str:
    """A JSON document and a line end. Letters stay; what a terminal would not show is escaped, and so the same value.

    Raises ValueError for what JSON can't say (NaN, infinities).
    """
    text = json.dumps(value, indent=indent, sort_keys=sort_keys, ensure_ascii=False, allow_nan=False)
    return escaped_json(text) + "\n"


def escaped_json(text: str) -> str:
    """A JSON text with the characters that `printable` spells out written as JSON's own escapes."""
    if text.replace("\n", "").isprintable() and not _BLANK.search(text):
        return text
    return _ODD.sub(lambda odd: json.dumps(odd[0])[1:-1] if hidden(odd[0]) else odd[0], text)
