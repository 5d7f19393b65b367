"""What this machine can run, and what runs have left on it."""

from __future__ import annotations

import configparser
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from orchestrator.app.planning import matrix_path, settled, suite_of
from orchestrator.app.services import Services
from orchestrator.engine import host as machine
from orchestrator.engine.bounded_process import BoundedCall
from orchestrator.errors import UserError
from orchestrator.gpu import facts
from orchestrator.image import bases
from orchestrator.lock import settings
from orchestrator.lock.reachable import ask_index
from orchestrator.matrix import document, expand
from orchestrator.model import PYTHON, BaseSpec, Choice, Sources
from orchestrator.model.host import CudaLine, Host, PackageHost, Planned, Reply, Response
from orchestrator.report.doctor import Diagnosis, diagnose

_PLAN_SECONDS = 20.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Examination:
    """Facts about a machine and a matrix, and the diagnosis."""

    host: Host
    planned: Planned
    diagnosis: Diagnosis


@dataclass(frozen=True, kw_only=True, slots=True)
class Cleared:
    """Images of cells, and their bytes; with `removed` they are gone, and so are `leftovers` of dead runs."""

    engine: str
    images: int
    size: int
    leftovers: int = 0
    removed: bool = False


def examine(matrix: Path | None, services: Services) -> Examination:
    """Checks this machine against what a matrix needs. Changes, builds and starts nothing."""
    path = matrix_path(matrix, services)
    bare, source = _named(path, services)
    known = bases.load(services.data("images") / "bases.yaml")
    specs = [spec for spec in known if not bare.pythons or spec.python in bare.pythons]
    about_plan = BoundedCall(lambda: _counted(bare, source, path, services))
    host = machine.look(_ways(services, specs, bare.lines), bare.pythons or [spec.python for spec in specs])
    slow = replace(bare, trouble="the matrix was not counted in time", hint="is the disk slow? try again")
    planned = about_plan.answer(time.monotonic() + _PLAN_SECONDS, slow)
    drivers = minimum_drivers(services.data("docs/cuda"))
    return Examination(host=host, planned=planned, diagnosis=diagnose(host, planned, specs, drivers))


def clear(engine: str | None, services: Services, *, dry_run: bool) -> Cleared:
    """Removes cell images and leftovers of dead runs; with `dry_run` only counts them."""
    found = services.engine(engine)
    images, named = found.images(), str(found.check())
    if dry_run:
        return Cleared(engine=named, images=len(images), size=sum(image.size for image in images))
    leftovers = found.reap()
    freed = found.remove([image.reference for image in images])
    return Cleared(engine=named, images=len(images), size=freed, leftovers=leftovers, removed=True)


def planned(path: Path, services: Services) -> Planned:
    """A matrix file's plan, counted by Python and device without reading the index; with the file's error, if any."""
    bare, source = _named(path, services)
    return _counted(bare, source, path, services)


def minimum_drivers(folder: Path) -> dict[str, str]:
    """CUDA line ("cuda11.2") → the oldest driver that runs what was built with it; empty without the table."""
    if not (folder / facts.DRIVERS).exists():
        return {}
    return {f"cuda{driver.cuda}": driver.minimum for driver in facts.drivers(folder)}


def _ways(services: Services, specs: Sequence[BaseSpec], lines: Sequence[CudaLine]) -> machine.Ways:
    """How to query this machine, with the index and engine that the other commands would use."""
    from orchestrator.engine.local import default_root

    environment, images = services.environment, [line.image for line in lines if line.image]
    return machine.Ways(
        environment=environment,
        daemon=lambda: machine.ask_daemon(environment, specs, images),
        index=lambda: _index(services),
        uv=_find_uv,
        keep=default_root(),
    )


def _index(services: Services) -> PackageHost:
    try:
        root = settings.host_index(services.environment)
    except (OSError, ValueError, configparser.Error) as error:
        said = f"its settings can't be read: {error}"
        return PackageHost(at="?", answer=Response(reply=Reply.UNREADABLE, said=said))
    at = urlsplit(root).netloc.rpartition("@")[2] or root
    return PackageHost(at=at, answer=ask_index(root, settings.certificates(services.environment)))


def _named(path: Path, services: Services) -> tuple[Planned, document.MatrixSource | None]:
    """What a matrix file names, not counted yet. What is wrong with it is told in the plan: the machine is looked at
    all the same.
    """
    try:
        source = document.load(path)
        suite_of(source, path, services)
    except UserError as error:
        return Planned(trouble=error.message, hint=error.hint), None
    bare = Planned(
        title=source.title,
        path=source.path,
        pythons=tuple(choice.name for choice in _choices(source) if choice.axis.kind == PYTHON),
        lines=tuple(_line(c.name, c.sources) for c in _choices(source) if c.sources is not None),
        packages=tuple(axis.axis.package for axis in source.axes if axis.axis.package),
        memory=source.limits.memory,
    )
    return bare, source


def _counted(bare: Planned, source: document.MatrixSource | None, path: Path, services: Services) -> Planned:
    """A plan, counted by what its ranges stood for when the index was last read, or published: nothing is asked now."""
    if source is None:
        return bare
    asked = [axis for axis in source.axes if any(choice.on_request for choice in axis.choices)]
    named = {axis.axis.name: frozenset(choice.name for choice in axis.choices) for axis in asked}
    try:
        matrix = settled(path, source, services)
        if matrix is None:
            return bare
        cells = (*expand.expand(matrix).cells, *expand.requested(matrix, named))
    except UserError as error:
        return replace(bare, trouble=error.message, hint=error.hint)
    counts = Counter((cell.device, cell.python) for cell in cells)
    return replace(bare, counts=tuple((device, python, number) for (device, python), number in counts.items()))


def _choices(source: document.MatrixSource) -> list[Choice]:
    return [choice for axis in source.axes for choice in axis.choices]


def _line(name: str, sources: Sources) -> CudaLine:
    return CudaLine(name=name, image=sources.image, wheels=bool(sources.wheels), folder=sources.folder)


def _find_uv() -> str:
    import uv

    try:
        return uv.find_uv_bin()
    except FileNotFoundError:
        return ""
