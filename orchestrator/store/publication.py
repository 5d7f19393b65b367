"""Published evidence: a plan and everything seen of it. It ships with the tool in one small file, which
`store.evidence_codec` reads and writes.

It holds all that tables, answers and pins are derived from anew: the choices each range stood for, the catalogue and
which of its checks are proven, and every cell's record.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from orchestrator.model import CellRecord, Choice, RunInfo
from orchestrator.model.suite import Catalogue

BUDGET = 2_000_000
"""Bytes that everything published may take as it is shipped."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PlanSnapshot:
    """The choices that a matrix's ranges stood for at a moment. `source` is the digest of the matrix file's content."""

    source: str
    as_of: datetime
    choices: tuple[tuple[Choice, ...], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Publication:
    """Published evidence, decoded. `records` is cell id → its record; `planned` and `tried` count combinations."""

    known: PlanSnapshot
    run: RunInfo
    catalogue: Catalogue
    records: Mapping[str, CellRecord]
    planned: int
    tried: int

    @property
    def day(self) -> str:
        """The day of its newest result, such as "2026-11-21"."""
        return max(
            (f"{r.dated:%Y-%m-%d}" for r in self.records.values() if r.dated), default=f"{self.run.started:%Y-%m-%d}"
        )


def newest(source: str, known: Iterable[PlanSnapshot | None]) -> PlanSnapshot | None:
    """The newest of these snapshots that belongs to the matrix; None if none does."""
    return max((k for k in known if k is not None and k.source == source), key=lambda k: k.as_of, default=None)
