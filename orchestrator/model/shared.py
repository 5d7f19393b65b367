"""Observations that many records share, as in published evidence: each is made when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, overload

if TYPE_CHECKING:
    from orchestrator.model.record import Observation


@dataclass(frozen=True, kw_only=True, slots=True)
class ObservationTable:
    """Every observation once. `probes` has the probe of each place, `make` makes the observation of one."""

    probes: Sequence[str]
    make: Callable[[int], Observation]
    _made: dict[int, Observation] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __getitem__(self, place: int) -> Observation:
        if place not in self._made:
            self._made[place] = self.make(place)
        return self._made[place]


class SharedObservations(Sequence["Observation"]):
    """Some observations of a table, in order; equal to the tuple of them."""

    __slots__ = ("_places", "_table")

    def __init__(self, table: ObservationTable, places: Sequence[int]) -> None:
        self._table = table
        self._places = places

    def by_probe(self) -> Mapping[str, Observation]:
        """Probe id → its observation."""
        return _ByProbe(self._table, {self._table.probes[place]: place for place in self._places})

    @overload
    def __getitem__(self, index: int) -> Observation: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Observation, ...]: ...
    def __getitem__(self, index: int | slice) -> Observation | tuple[Observation, ...]:
        if isinstance(index, slice):
            return tuple(self._table[place] for place in self._places[index])
        return self._table[self._places[index]]

    def __len__(self) -> int:
        return len(self._places)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return repr(tuple(self))


class _ByProbe(Mapping[str, "Observation"]):
    __slots__ = ("_places", "_table")

    def __init__(self, table: ObservationTable, places: Mapping[str, int]) -> None:
        self._table = table
        self._places = places

    def __getitem__(self, probe: str) -> Observation:
        return self._table[self._places[probe]]

    def __contains__(self, probe: object) -> bool:
        return probe in self._places

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)
