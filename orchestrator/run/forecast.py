"""What a run would take, before it starts: cells, bytes and minutes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from orchestrator.errors import CellError, CellStatus
from orchestrator.model import Cell, CellRecord

UNPACKED = 3.7
"""Bytes on disk per byte of a large wheel; measured on tensorflow-cpu 2.4.1 (542 MB from 144 MB)."""
UNPACKED_LIBRARIES = 1.6
"""The same of wheels of a device's libraries; measured on those of CUDA 11.8 (3.0 GB from 1.9 GB)."""
REST_TO_FETCH = 90_000_000
REST_KEPT = 240_000_000
"""Bytes of a lock beside its exactly chosen packages; measured on TensorFlow 2.4.1's."""
FIRST_SECONDS = 75.0
"""Seconds a cell takes on one worker where nothing is known yet; later the median of what was measured."""

_TRIED_AGAIN = (CellStatus.INFRA, CellStatus.UNAVAILABLE)

LARGE = 5_000_000
"""Bytes from which a chosen package's own file counts in the forecast."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Needed:
    """A file that a cell needs: `size` bytes to fetch, `kept` on disk once it is unpacked."""

    size: int
    kept: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Forecast:
    """`needless`: (cell, why it needs no run); `unchanged`: cells with results of this very reading and suite;
    `cells`: the rest. Bytes and seconds are estimates for those.
    """

    needless: tuple[tuple[Cell, CellError], ...]
    unchanged: tuple[Cell, ...]
    cells: tuple[Cell, ...]
    to_fetch: int
    kept: int
    seconds: float


def forecast(
    cells: Sequence[Cell],
    preflight: Callable[[Cell], Mapping[str, Needed]],
    known: Mapping[str, CellRecord],
    current: frozenset[str],
    workers: int,
) -> Forecast:
    """Forecasts a run of `cells`.

    `preflight` says which files (by sha256) a cell's exact choices need, or raises CellError where one of
    them has no file for this Python; `known` are the newest records, `current` the ids of runs on the same
    reading of the index and the same suite.
    """
    needless: list[tuple[Cell, CellError]] = []
    unchanged: list[Cell] = []
    rest: list[Cell] = []
    files: dict[str, Needed] = {}
    for cell in cells:
        try:
            needed = preflight(cell)
        except CellError as error:
            if error.status is CellStatus.INFRA:
                raise
            needless.append((cell, error))
            continue
        record = known.get(cell.id)
        if record and record.run in current and record.status not in _TRIED_AGAIN and _same_disk(record.cell, cell):
            unchanged.append(cell)
            continue
        rest.append(cell)
        files |= needed
    fetched = {d.sha256 for r in known.values() if r.lock for d in r.lock.distributions}
    locks = len({(c.python, tuple(p.name for p in c.packages), c.strategy) for c in rest})
    new = [file for sha256, file in files.items() if sha256 not in fetched and file.size >= LARGE]
    measured = [r.seconds for r in known.values() if r.status is CellStatus.RAN and r.facts]
    each = median(measured) if measured else FIRST_SECONDS
    return Forecast(
        needless=tuple(needless),
        unchanged=tuple(unchanged),
        cells=tuple(rest),
        to_fetch=sum(file.size for file in new) + (REST_TO_FETCH * len({c.python for c in rest}) if new else 0),
        kept=sum(file.kept for file in new) + REST_KEPT * locks,
        seconds=each * len(rest) / max(1, workers),
    )


def _same_disk(before: Cell, now: Cell) -> bool:
    """Whether two cells take the same contents from disk."""
    return [c.local for c in before.choices if c.local] == [c.local for c in now.choices if c.local]
