"""The files of one or several suites by their names in a container, where all are in one folder."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestrator.errors import UserError
from orchestrator.suite import declared
from orchestrator.suite.constants import Constants
from orchestrator.suite.declared import HARNESS
from orchestrator.suite.modules import MOST_BYTES, Module, SuiteFolder, found, module, read

CONTROLS = "controls"
"""The module whose probes are of the harness itself; it goes with every suite."""
PLAN = "plan.json"
"""What a run adds to the files it sends."""
MOST_DATA = 64 * 1024**2
"""Bytes of one file that probes read."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Gathered:
    """`modules` are those of the suites and the controls, by name, `reads` the data each of them names; `data` and
    `harness` are contents by name in a container.
    """

    places: Sequence[SuiteFolder]
    modules: Mapping[str, Module]
    constants: Constants
    reads: Mapping[str, tuple[str, ...]]
    data: Mapping[str, bytes]
    harness: Mapping[str, bytes]

    @property
    def contents(self) -> dict[str, bytes]:
        """All files outside the harness."""
        return {m.file: m.content for m in self.modules.values()} | dict(self.data)


def gather(places: Sequence[SuiteFolder], home: Path) -> Gathered:
    """The suites in these places, with the harness and the controls of `home`, where the suite that ships is.

    Raises UserError, with the place, for what can't be read and for modules and data of one name.
    """
    machinery = SuiteFolder(folder=home / HARNESS)
    harness = {path.name: path for path in found(machinery)}
    modules: dict[str, Module] = {}
    for one in _every(places, home):
        other = modules[one.name].path if one.name in modules else harness.get(one.file)
        if other is not None:
            hint = "In a container all files lie beside each other: every module has a name of its own."
            raise UserError(f"{one.path} and {other} have the same name {one.file}", hint=hint)
        modules[one.name] = one
    constants = Constants(modules)
    reads = {name: declared.reads(one, constants) for name, one in modules.items()}
    return Gathered(
        places=places,
        modules=modules,
        constants=constants,
        reads=reads,
        data=_data(modules, reads),
        harness={name: read(path, machinery, MOST_BYTES) for name, path in harness.items()},
    )


def _every(places: Iterable[SuiteFolder], home: Path) -> Iterator[Module]:
    """The controls and the modules of each suite; of what ships the harness is left out, which has no probes."""
    controls, harness = home / f"{CONTROLS}.py", home / HARNESS
    yield module(controls, SuiteFolder(folder=home))
    for place in places:
        yield from (module(path, place) for path in found(place) if path != controls and path.parent != harness)


def _data(modules: Mapping[str, Module], reads: Mapping[str, tuple[str, ...]]) -> dict[str, bytes]:
    data: dict[str, bytes] = {}
    kept: dict[str, Path] = {one.file: one.path for one in modules.values()}
    for name, one in modules.items():
        for path in reads[name]:
            here = one.path.parent / path
            if path == PLAN or kept.setdefault(path, here) != here:
                raise UserError(f"{one.path}: READS: {path} is another file in the container", hint="rename it")
            if not here.exists():
                raise UserError(f"{one.path}: READS: {here} does not exist")
            data[path] = read(here, one.place, MOST_DATA)
    return data
