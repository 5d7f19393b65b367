"""Trims a cell's record for publication: bounded, and without traces of the machine it was made on."""

from __future__ import annotations

import platform
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from orchestrator.ecosystems import ECOSYSTEMS
from orchestrator.model import Base, CellRecord, Ended, Observation, Raised

TEXT_LINES = 40
"""Lines kept of a traceback: its beginning and, more, its end."""
HEAD_LINES = 10
OUTPUT = 1_000
"""Characters kept of the captured output of a probe that did not return."""
CONTROL_OUTPUT = 100
"""Characters kept of what a control printed: how it must end is part of how it is judged."""
MESSAGE = 2_000
WARNING = 300
WARNINGS = 20
DETAIL = 2_000

PUBLIC_HOSTS = frozenset(
    ("docs.python.org", "github.com", "stackoverflow.com", *(site for e in ECOSYSTEMS.values() for site in e.sites))
)
"""Sites of documentation that packages name in their own messages: they are evidence, not this machine's."""

_URL = re.compile(r"\b(?P<scheme>[a-z][a-z0-9+]{1,10})://(?P<host>[^\s/\"'<>\\]*)(?P<path>[^\s\"'<>\\]*)")
_HOMES = re.compile(r"(?<![\w.])/(?:home|Users)/[^\s/\"':]+|(?<![\w.])/root(?=[/\s\"':]|$)")
_WIDE_TEMPORARY = re.compile(r"(?<=/tmp/)[A-Za-z0-9_]*[0-9_A-Z][A-Za-z0-9_]{5,}")
HIDDEN = "…"


def of_this_machine(folder: Path, index: str) -> tuple[str, ...]:
    """Strings that identify this machine: its name, the home folder, the project's folder, the host of its index."""
    host = urlsplit(index).netloc.rpartition("@")[2]
    return (platform.node(), str(Path.home()), str(folder.resolve()), host, host.partition(":")[0])


@dataclass(frozen=True, kw_only=True, slots=True)
class Redactor:
    """Removes what identifies a machine: the strings in `hidden`, home folders, URLs but those of public sites."""

    hidden: tuple[str, ...] = ()

    def __call__(self, text: str) -> str:
        if not text:
            return text
        for secret in self.hidden:
            text = text.replace(secret, HIDDEN)
        return _WIDE_TEMPORARY.sub(HIDDEN, _HOMES.sub(HIDDEN, _URL.sub(_address, text)))


def redactor(hidden: Iterable[str]) -> Redactor:
    """A redactor of these strings, longest first; what is too short to be anything's name is left out."""
    return Redactor(hidden=tuple(sorted({h for h in hidden if len(h) > 3}, key=lambda h: (-len(h), h))))


def trimmed(record: CellRecord, redact: Redactor, brief: Callable[[object], object] = lambda saw: saw) -> CellRecord:
    """The record without keys, facts and machine, bounded, its texts redacted. It is judged as the whole one is.

    `brief` bounds what an inspection saw.
    What was seen keeps how it ended, its value, exception, warnings and call; seconds are rounded.
    """
    lock = record.lock and replace(record.lock, notes=tuple(redact(n) for n in record.lock.notes))
    return replace(
        record,
        detail=redact(record.detail[:DETAIL]),
        dated=record.dated and record.dated.replace(microsecond=0),
        lock=lock,
        base=_base(record.base, redact),
        environment_key="",
        observations=tuple(_observation(o, redact) for o in record.observations),
        facts={},
        seconds=rounded(record.seconds),
        audit=record.audit and _value(brief(record.audit), redact),
    )


def rounded(seconds: float) -> float:
    """Tenths below ten seconds, whole ones above."""
    return round(seconds, 1) if seconds < 10 else float(round(seconds))


def _address(found: re.Match[str]) -> str:
    return found.group() if found["host"].lower() in PUBLIC_HOSTS else f"<{found['scheme']} address>"


def _base(base: Base | None, redact: Redactor) -> Base | None:
    return base and replace(base, image=redact(_without_registry(base.image)), cpu_flags=(), trusted="")


def _without_registry(image: str) -> str:
    """An image's name without the registry it came from: "mirror.example:5000/library/python:3.9" → "python:3.9"."""
    return image.rsplit("/", 1)[-1]


def _observation(seen: Observation, redact: Redactor) -> Observation:
    return replace(
        seen,
        exception=seen.exception and _raised(seen.exception, redact),
        value=_value(seen.value, redact),
        seconds=rounded(seen.seconds),
        reason=redact(seen.reason[:MESSAGE]),
        output=redact(_output(seen)),
        warnings=tuple(redact(w[:WARNING]) for w in dict.fromkeys(seen.warnings))[:WARNINGS],
        key="",
        dated=None,
    )


def _output(seen: Observation) -> str:
    if seen.probe.startswith("control."):
        return seen.output[-CONTROL_OUTPUT:]
    return "" if seen.ended is Ended.RETURNED else seen.output[-OUTPUT:]


def _raised(raised: Raised, redact: Redactor) -> Raised:
    return replace(raised, message=redact(raised.message[:MESSAGE]), text=redact(_text(raised.text)))


def _text(text: str) -> str:
    lines = text.rstrip("\n").split("\n")
    if len(lines) > TEXT_LINES:
        left_out = len(lines) - TEXT_LINES
        tail = lines[len(lines) - (TEXT_LINES - HEAD_LINES) :]
        lines = [*lines[:HEAD_LINES], f"  … {left_out} lines left out …", *tail]
    return "\n".join(line[:MESSAGE] for line in lines)


def _value(value: object, redact: Redactor) -> object:
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Mapping):
        return {redact(str(k)): _value(v, redact) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_value(v, redact) for v in value]
    return value
