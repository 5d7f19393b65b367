"""`suite.json` beside a suite's probes: what its packages are called where, and whose warnings are listened to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import msgspec

from orchestrator.errors import UserError
from orchestrator.suite.modules import SuiteFolder, read

FILE = "suite.json"
_MOST_BYTES = 1024**2
_DISTRIBUTION = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", re.ASCII)
_LOGGER = re.compile(r"[A-Za-z_]\w*(\.\w+)*", re.ASCII)


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """`distributions`: import name → the distributions that bring it, where they are called otherwise; `loggers`:
    those whose warnings belong to a probe's result.
    """

    distributions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    loggers: tuple[str, ...] = ()


class _Written(msgspec.Struct, forbid_unknown_fields=True):
    distributions: dict[str, list[str]] = {}
    loggers: list[str] = []


def load(places: Iterable[SuiteFolder]) -> Settings:
    """What all suites together say. Raises UserError for a file that says something else."""
    distributions: dict[str, tuple[str, ...]] = {}
    loggers: set[str] = set()
    for place in places:
        found = _read(place)
        loggers |= set(found.loggers)
        for name, brought_by in found.distributions.items():
            distributions[name] = tuple(sorted({*distributions.get(name, ()), *brought_by}))
    return Settings(distributions=distributions, loggers=tuple(sorted(loggers)))


def _read(place: SuiteFolder) -> _Written:
    path = place.folder / FILE
    if not path.exists():
        return _Written()
    try:
        found = msgspec.json.decode(read(path, place, _MOST_BYTES), type=_Written)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        hint = 'such as {"distributions": {"yaml": ["pyyaml"]}, "loggers": ["matplotlib"]}'
        raise UserError(f"{path}: {error}", hint=hint) from error
    for name, brought_by in found.distributions.items():
        if not name.isidentifier():
            raise UserError(f"{path}: {name!r} is not a top-level import name")
        for distribution in brought_by:
            if not _DISTRIBUTION.fullmatch(distribution):
                raise UserError(f"{path}: {name}: {distribution!r} is not a normalised distribution name")
    for logger in found.loggers:
        if not _LOGGER.fullmatch(logger):
            raise UserError(f"{path}: {logger!r} is not a valid logger name")
    return found
