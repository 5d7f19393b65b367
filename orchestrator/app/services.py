"""The composition root: the one place that chooses what stands behind each protocol."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator import paths

if TYPE_CHECKING:
    from orchestrator.lock.tools import Tools, Wheels
    from orchestrator.matrix.document import MatrixSource
    from orchestrator.model import Base, Cell, Engine, Lock
    from orchestrator.model.suite import Suite
    from orchestrator.run.parts import Devices
    from orchestrator.store.store import Store


@dataclass(frozen=True, kw_only=True, slots=True)
class Services:
    """What the program takes from the machine it runs on. Nothing below `app` asks for any of it elsewhere.

    `environment` are the host's variables, `folder` is where it was called, `now` the UTC clock, `data` a shipped file
    or folder by its name (see `paths.data`). `index` is the package index as of a moment, its pages kept below a
    store; `engine` the engine of a name, or the best there is, answering; `suite` the probes of a matrix, by what it
    says and where it is; `lock` a cell's pins; `devices` what is known of devices beside the CPU. `engine` raises
    UserError (exit 3), `suite` UserError, `lock` CellError.
    """

    environment: Mapping[str, str]
    folder: Path
    now: Callable[[], datetime]
    data: Callable[[str], Path]
    index: Callable[[datetime, Store], Wheels]
    engine: Callable[[str | None], Engine]
    suite: Callable[[MatrixSource, Path], Suite]
    lock: Callable[[Cell, Base, Wheels, Tools], Lock]
    devices: Callable[[], Devices]


def of_host(environment: Mapping[str, str]) -> Services:
    """The services of this machine. Slow imports happen on first use."""
    return Services(
        environment=environment,
        folder=Path.cwd(),
        now=lambda: datetime.now(UTC),
        data=paths.data,
        index=lambda as_of, store: _index(environment, as_of, store),
        engine=lambda name: _engine(environment, name),
        suite=_suite,
        lock=_lock,
        devices=_devices,
    )


def _index(environment: Mapping[str, str], as_of: datetime, store: Store) -> Wheels:
    from orchestrator.lock import credentials, settings
    from orchestrator.lock.index import PackageIndex, session_for

    credentials.forget(store.root / "index")
    session = session_for(settings.certificates(environment))
    index = PackageIndex(as_of, settings.host_index(environment), store.root / "index", session)
    return index.beside(settings.other_indexes(environment))


def _engine(environment: Mapping[str, str], name: str | None) -> Engine:
    from orchestrator.engine.choose import choose
    from orchestrator.image import dockerfile

    return choose(name, environment, renderer=dockerfile.renderer(dockerfile.read(paths.data("images"))))


def _suite(source: MatrixSource, path: Path) -> Suite:
    from orchestrator.suite import find, probe_files

    home = paths.data("probes")
    places = find.places(source.suites, path.parent, home)
    found = probe_files.load(places, home)
    probe_files.require_groups(found, places, {group.name for group in source.groups})
    return found


def _lock(cell: Cell, base: Base, index: Wheels, tools: Tools) -> Lock:
    from orchestrator.lock import strategies

    return strategies.lock(cell, base, index, tools)


def _devices() -> Devices:
    from orchestrator.gpu.devices import devices

    return devices(paths.data("images"))
