"""A pasted traceback, as people paste them, into exceptions as probes report them.

Understood: Python's own format, chained ("During handling of…", "The above exception…") or not, IPython's old and
new one, pytest's `E` lines, a log's or a quotation's prefix before every line, and a bare "TypeError: …" line.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from orchestrator.foreign import stripped
from orchestrator.model import Frame, Raised

MOST = 50
"""Exceptions of one text that are looked at; the last ones count."""

_LINE = 5_000
_MESSAGE_LINES = 40
_USER = "probes/"
"""Where frames of a person's own code go: as with a probe's own, they say nothing about the cause."""

_HEAD = re.compile(r"Traceback \(most recent call last\)")
_STAMP = re.compile(r"^\d{4}-\d\d-\d\d[T ][\d:.,]+(?:Z|[+-]\d\d:?\d\d)?\s(?:\[?[A-Z]+\]?:?\s)?")
_CHAIN = re.compile(r"^(?:During handling of the above exception|The above exception was the direct cause)")
_END = re.compile(r"^(?:```|-{10,}|={10,}|_{10,}|>>> |\$ |In \[|\(\w[\w.-]*\) [\w~/]*[$#] )")
_FRAMES = (
    re.compile(r'^\s*File "(?P<file>[^"]+)", line (?P<line>\d+)(?:, in (?P<name>\S.*))?$'),
    # IPython 8 and later, then its cells
    re.compile(r"^\s*File (?P<file>[^\s\"].*?):(?P<line>\d+),? in (?P<name>[\w.<>]+)"),
    re.compile(r"^(?:Cell|Input) In ?(?P<file>\[\d+\]),? .*?(?P<line>\d+)"),
    # IPython up to 7: the file and the call
    re.compile(r"^(?P<file>(?:~|/|[A-Za-z]:\\)\S.*\.\w+|<ipython-input\S*>) in (?P<name>[\w.]+|<\w+>)"),
    # pytest
    re.compile(r"^(?P<file>\S+\.py):(?P<line>\d+): (?:in (?P<name>\S+)|[A-Z]\w*)$"),
)
_KIND = r"(?:[A-Za-z_]\w*\.)*[A-Za-z_]\w*"
_RAISED = re.compile(rf"^(?P<type>{_KIND})(?:: ?(?P<message>.*))?$")
_NAMED = r"(?:[A-Za-z_]\w*\.)*[A-Z]\w*(?:Error|Exception|Warning|Interrupt|Exit|Iteration|Fault)"
_LONE = re.compile(rf"^(?P<type>{_NAMED}): ?(?P<message>\S.*)$")
_INLINE = re.compile(rf"(?<![\w.])(?P<type>{_NAMED}): (?P<message>\S.*)$")
_HINT = re.compile(r"[.?]? Did you (?:mean|forget to import)[:\s].*$")
_WINDOWS = re.compile(r"(?<![A-Za-z])[A-Za-z]:\\[^\s'\"()]+")
_STDLIB = re.compile(r"(?:/lib/python3\.\d+/|^[A-Za-z]:/.*/Lib/)(.+\.py)$")
_PYTHON = re.compile(r"[Pp]ython(3\.\d{1,2})(?=[/\\])")


@dataclass(frozen=True, kw_only=True, slots=True)
class Pasted:
    """One exception of a text. `readings` are what its message may be, the likeliest first: where a message ends
    and other text begins can't always be told. `python` is the minor its paths name ("" : none does).
    """

    type: str
    readings: tuple[str, ...]
    frames: tuple[Frame, ...] = ()
    python: str = ""

    def raised(self, reading: str) -> Raised:
        return Raised(type=self.type, message=reading, frames=self.frames)


@dataclass(slots=True)
class _Open:
    """An exception being read."""

    frames: list[Frame]
    type: str = ""
    lines: list[str] | None = None
    prefix: str = ""
    headed: bool = True


def exceptions(text: str, packages: Collection[str] = ()) -> tuple[Pasted, ...]:
    """The exceptions in a text in its order, equal ones once; empty where there is none.

    `packages` are top-level import names that count as libraries wherever their files lie.
    """
    found: list[_Open] = []
    for line in stripped(text, lines=True).split("\n"):
        _read(_unprefixed(line[:_LINE].rstrip(), found), found)
    whole = [part for part in found if part.lines is not None] or _inline(text)
    python = _PYTHON.findall(text)
    made = [_pasted(part, packages, python[-1] if python else "") for part in whole]
    return tuple(dict.fromkeys(made))[-MOST:]


def _unprefixed(line: str, found: list[_Open]) -> str:
    """The line without a quotation mark, a time stamp or what stood before its traceback's first line."""
    line = re.sub(r"^(?:> ?)+(?!>)|^E {2,}", "", _STAMP.sub("", line))
    prefix = found[-1].prefix if found else ""
    return line[len(prefix) :] if prefix and line.startswith(prefix) else line


def _read(line: str, found: list[_Open]) -> None:
    """Takes one line up into the exception it belongs to, or begins another with it."""
    now = found[-1] if found else None
    if head := _HEAD.search(line):
        before = line[: head.start()]
        # "TypeError      Traceback (most recent…" is IPython's heading, not a prefix of every line
        plain = re.match(rf"^{_KIND} +$", before) is not None
        found.append(_Open(frames=[], prefix="" if plain else before))
    elif (now is None or now.lines is not None) and (lone := _LONE.match(line.strip())) and _bare(now):
        found.append(_Open(frames=[], type=lone["type"], lines=[lone["message"]], headed=False))
    elif now is None:
        if frame := _frame(line):
            found.append(_Open(frames=[frame]))
    elif now.lines is None:
        _in_frames(line, now)
    elif _CHAIN.match(line) or _END.match(line):
        found.append(_Open(frames=[], prefix=now.prefix))
    elif frame := _frame(line):
        found.append(_Open(frames=[frame], prefix=now.prefix))
    elif len(now.lines) < _MESSAGE_LINES:
        now.lines.append(line)


def _bare(now: _Open | None) -> bool:
    """Whether a line that looks like an error may begin a new one: not in the midst of a traceback's own message."""
    return now is None or not now.headed or (now.lines is not None and "" in now.lines)


def _in_frames(line: str, now: _Open) -> None:
    if frame := _frame(line):
        now.frames.append(frame)
    elif (raised := _RAISED.match(line)) and (raised["message"] or raised["type"] == line):
        now.type, now.lines = raised["type"], [raised["message"] or ""]


def _frame(line: str) -> Frame | None:
    for form in _FRAMES:
        if found := form.match(line):
            parts = found.groupdict()
            name = (parts.get("name") or "<module>").split("(")[0].rsplit(".", 1)[-1]
            return Frame(file=parts["file"], line=int(parts.get("line") or 0), function=name)
    return None


def _inline(text: str) -> list[_Open]:
    """What is left where nothing stands on a line of its own: "I get TypeError: …" in a sentence."""
    lines = (_INLINE.search(stripped(line[:_LINE])) for line in text.splitlines())
    return [_Open(frames=[], type=m["type"], lines=[m["message"]], headed=False) for m in lines if m]


def _pasted(part: _Open, packages: Collection[str], python: str) -> Pasted:
    lines = [_WINDOWS.sub(lambda path: path.group().replace("\\", "/"), line) for line in part.lines or ()]
    first = _HINT.sub("", lines[0]).strip() if lines else ""
    end = next((at for at, line in enumerate(lines) if at and not line.strip()), len(lines))
    readings = dict.fromkeys((" ".join(lines).strip(), " ".join(lines[:end]).strip(), lines[0].strip(), first))
    frames = tuple(Frame(file=_place(f.file, packages), line=f.line, function=f.function) for f in part.frames)
    return Pasted(type=part.type, readings=tuple(readings), frames=frames, python=python)


def _place(file: str, packages: Collection[str]) -> str:
    """A frame's file as probes report it: relative to site-packages, the standard library marked, own code apart."""
    path = file.replace("\\", "/")
    for mark in ("/site-packages/", "/dist-packages/"):
        if mark in path:
            return path.rsplit(mark, 1)[1]
    if path.startswith("<"):
        return path if path.startswith("<frozen") else f"{_USER}{path}"
    if found := _STDLIB.search(path):
        return f"<stdlib>/{found[1]}"
    parts = path.split("/")
    at = max((n for n, part in enumerate(parts[:-1]) if part in packages), default=-1)
    return "/".join(parts[at:]) if at >= 0 else f"{_USER}{parts[-1]}"
