"""What two failures must share to be one finding: exception type, normalised message, innermost foreign frame.

The call in question stays out of it: thirteen probes that reach one defect through thirteen calls report one
defect. Where no frame outside the probes is known (a wrong number, a crash), the call takes the frame's place.
Paths keep only their last part, because packages move between releases.
"""

from __future__ import annotations

import re
from functools import lru_cache

from orchestrator.ecosystems import ECOSYSTEMS
from orchestrator.foreign import stripped
from orchestrator.model import Frame, Raised
from orchestrator.verdict.words import shorten

MESSAGE = 160
"""Characters of a message that count."""

_READ = 2_000
"""Characters of a message that are looked at."""

_REPLACE = (
    (re.compile("[\u2018\u2019\u201b]"), "'"),
    (re.compile("[\u201c\u201d\u201f]"), '"'),
    (re.compile(r"0x[0-9a-fA-F]{4,}"), "0x…"),
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"), "…"),
    # a path of at least two parts; its last part names what was missing unless it is a temporary name
    (re.compile(r"(?<![\w/.:])(?:[A-Za-z]:)?(?:/[\w.+~@-]+){2,}/?"), "<path>"),
    # tensors and layers are numbered in the order they were made: dense_3/BiasAdd:0
    (re.compile(r"(?<=[A-Za-z0-9])_\d+(?=[/:\s'\"),\]]|$)"), ""),
    (re.compile(r"(?<=[A-Za-z]):\d+(?=[\s'\"),\]]|$)"), ""),
    (re.compile(r"(?<![\w.])\d{5,}(?![\w.])"), "#"),
    # one line of code that asks many kinds of layer for what none of them has is one cause
    (re.compile(r"^'(?!NoneType')[A-Z]\w*' object has no attribute"), "'…' object has no attribute"),
)
_DIMENSION = r"(?:None|\?|-?\d+)"
_SHAPE = re.compile(rf"(?:\[|\((?=[^()]*[,N?]))\s*{_DIMENSION}(?:[,\s]+{_DIMENSION})*[,\s]*[\])]")
_SIZE = re.compile(r"-?\d+")
_NUMBER = re.compile(r"(?<![\w.])-?(?:\d+\.\d+(?:e[+-]?\d+)?|\d+e[+-]?\d+)(?![\w.])")


# what packages put around the message of an exception that they pass on
_WRAPPINGS = tuple(re.compile(pattern) for e in ECOSYSTEMS.values() for pattern in (*e.wraps, *e.appends))
_SENTENCE = re.compile(r"(?<=[^\s.]{2})\.(?=\s+[A-Z])")


@lru_cache(maxsize=16_384)
def normalise(message: str) -> str:
    """One short line that is equal for equal causes.

    Addresses, paths, ids, counters of tensor names and sizes in shapes (never their rank) are blanked, and
    fractions where they are results, not versions; names, small integers and versions stay.
    """
    text = " ".join(stripped(message[:_READ]).split())
    for wrapping in _WRAPPINGS:
        text = wrapping.sub("", text)
    for pattern, by in _REPLACE:
        text = pattern.sub(by, text)
    text = _SHAPE.sub(lambda found: _SIZE.sub("#", found.group()), text)
    return shorten(text, MESSAGE)


def _differing(message: str) -> str:
    return re.sub(r"(\[#?\d*\])+|\b\d+\b", "#", _NUMBER.sub("#", message))


def innermost(frames: tuple[Frame, ...]) -> Frame | None:
    """The deepest frame that is neither a probe's nor the import machinery's."""
    outside = (f for f in reversed(frames) if not _ours(f.file))
    return next(outside, None)


def _ours(file: str) -> bool:
    return file.startswith(("probes/", "/probes/", "<frozen", "<string>", "<stdlib>/importlib"))


def signature(raised: Raised, within: str = "") -> str:
    """Equal for equal causes across probes, cells and versions; one printable line of at most 300 characters."""
    frame = innermost(raised.frames)
    kind = stripped(raised.type.rsplit(".", 1)[-1])
    message = normalise(raised.message)
    if frame is None and kind == "AssertionError":
        # the probe's own comparison: its numbers differ from cell to cell
        message = _differing(message)
    place = f"{frame.file.rsplit('/', 1)[-1]}:{frame.function}" if frame else within
    head = f"{kind}: {message}" if message else kind
    return shorten(f"{head} @ {stripped(place)}" if place else head, 300)


def title(signed: str) -> str:
    """What people read of a signature: its first sentence, without its place."""
    text = signed.rsplit(" @ ", 1)[0]
    end = _SENTENCE.search(text, 30)
    return text[: end.start()] if end else text.removesuffix(".")
