"""A cell's work as a value: what is to be done, for whoever does it."""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.model.matrix import Cell, Group, Limits
from orchestrator.model.record import RunInfo


@dataclass(frozen=True, kw_only=True, slots=True)
class CellTask:
    """One cell of a run, with all that decides what is done: `run` says as of when, with which engine and suite;
    `groups` are those that run in the cell; `probes` ids or prefixes of the probes that are asked for (empty: all).

    It can be pickled. Equal tasks, carried out on one state, give equal records but for times.
    """

    run: RunInfo
    cell: Cell
    groups: tuple[Group, ...]
    limits: Limits
    probes: tuple[str, ...] = ()
