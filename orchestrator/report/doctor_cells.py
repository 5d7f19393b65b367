"""Which planned combinations a machine can run: for which Pythons a base can be had, and what becomes of CUDA lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from orchestrator.errors import ExitCode
from orchestrator.foreign import printable
from orchestrator.image.bases import candidates
from orchestrator.model import BaseSpec
from orchestrator.model.host import Area, CudaLine, Daemon, Diagnostic, Host, Level, Planned, Reply
from orchestrator.report import doctor_gpu

CPU = "cpu"


class Supply(StrEnum):
    """How a base can be had, the surest first."""

    MADE = "made"
    PULL = "pull"
    BOOTSTRAP = "bootstrap"
    UNSURE = "unsure"
    NONE = "none"


@dataclass(frozen=True, kw_only=True, slots=True)
class SupplyGroup:
    """Pythons whose bases come the same way: `how` in words, `advice` where something is missing."""

    supply: Supply
    how: str
    advice: str = ""
    pythons: tuple[str, ...] = ()


def findings(
    host: Host, planned: Planned, specs: Sequence[BaseSpec], drivers: Mapping[str, str], *, engine: str
) -> tuple[Diagnostic, ...]:
    """CPU combinations by how their base comes, then CUDA lines. Without an engine there is nothing to say."""
    if planned.trouble:
        return (_finding(Level.FIX, planned.trouble, planned.hint, code=ExitCode.USAGE),)
    if not engine:
        return ()
    found = groups(planned.pythons, specs, host, engine=engine)
    told = [_told(group, planned) for group in found]
    if found and all(group.supply is Supply.NONE for group in found):
        told = [_finding(f.level, f.says, f.advice, code=ExitCode.INFRA) for f in told]
    told.append(_counted(planned, found))
    return (*told, *_cuda(host, planned, drivers, engine=engine))


def groups(pythons: Sequence[str], specs: Sequence[BaseSpec], host: Host, *, engine: str) -> tuple[SupplyGroup, ...]:
    """The Pythons, grouped by how their base comes, the surest way first."""
    by: dict[SupplyGroup, list[str]] = {}
    for python in pythons:
        ways = [_way(spec, host, engine=engine) for spec in candidates(python, specs)]
        best = min(ways, key=lambda g: list(Supply).index(g.supply), default=_UNNAMED)
        by.setdefault(best, []).append(python)
    ordered = sorted(by, key=lambda g: list(Supply).index(g.supply))
    return tuple(SupplyGroup(supply=g.supply, how=g.how, advice=g.advice, pythons=tuple(by[g])) for g in ordered)


_UNNAMED = SupplyGroup(
    supply=Supply.NONE, how="images/bases.yaml lists no base", advice="add an entry to images/bases.yaml"
)


def _way(spec: BaseSpec, host: Host, *, engine: str) -> SupplyGroup:
    return _local_way(spec, host) if engine == "local" else _docker_way(spec, host)


def _docker_way(spec: BaseSpec, host: Host) -> SupplyGroup:
    """In the order the docker engine tries: what it has, the registry, a bootstrap."""
    daemon = host.daemon
    if daemon.has(spec):
        return SupplyGroup(supply=Supply.MADE, how="the base is here")
    if spec.reference and daemon.registry.answered:
        return SupplyGroup(
            supply=Supply.PULL, how=f"base to be pulled; the registry answers (asked for {daemon.wanted})"
        )
    needed = _needed(spec)
    if spec.suite and all(map(host.has, needed)):
        servers = "Debian's and Maven's servers" if "mvn" in needed else "Debian's servers"
        return SupplyGroup(
            supply=Supply.BOOTSTRAP, how=f"base to be bootstrapped ({', '.join(needed)}); {servers} were not asked"
        )
    lacking = [name for name in needed if not host.has(name)] if spec.suite else []
    rest = f"{' and '.join(lacking)} missing for a bootstrap" if lacking else "images/bases.yaml lists no other source"
    advice = "reach a registry, or name an image you have in images/bases.yaml"
    if lacking:
        advice = f"apt-get install {' '.join(_PACKAGES[name] for name in lacking)}; or {advice}"
    why = f"no registry answers (asked for {daemon.wanted}: {doctor_gpu.trouble(daemon.registry)})"
    supply = Supply.UNSURE if daemon.registry.reply is Reply.SILENT else Supply.NONE
    return SupplyGroup(supply=supply, how=f"no base here, {why}, {rest}", advice=advice)


_PACKAGES = {"mmdebstrap": "mmdebstrap", "mvn": "maven"}


def _needed(spec: BaseSpec) -> list[str]:
    return ["mmdebstrap", "mvn"] if spec.artifact else ["mmdebstrap"]


def _local_way(spec: BaseSpec, host: Host) -> SupplyGroup:
    if spec.python in dict(host.local.pythons or ()):
        return SupplyGroup(supply=Supply.MADE, how="its interpreter is on this machine")
    if spec.artifact and host.has("mvn"):
        return SupplyGroup(
            supply=Supply.BOOTSTRAP, how="a relocatable interpreter by Maven, whose server was not asked"
        )
    return SupplyGroup(
        supply=Supply.NONE, how="no such interpreter on this machine", advice="uv python install VERSION"
    )


# ------------------------------------------------------------ in words


def _told(group: SupplyGroup, planned: Planned) -> Diagnostic:
    level = {Supply.NONE: Level.FIX, Supply.UNSURE: Level.NOTE}.get(group.supply, Level.OK)
    number = _count(planned, group.pythons)
    total = "" if number is None else f", {number:,} planned"
    advice = group.advice.replace("VERSION", " ".join(group.pythons))
    return _finding(level, f"Python {', '.join(group.pythons)}{total}: {group.how}", advice)


def _counted(planned: Planned, found: Sequence[SupplyGroup]) -> Diagnostic:
    every = _count(planned, planned.pythons)
    if every is None:
        says = "the number of combinations is known once the package index has been read for the matrix's ranges"
        return _finding(Level.NOTE, says, "compat plan")
    had = tuple(p for g in found if g.supply in (Supply.MADE, Supply.PULL, Supply.BOOTSTRAP) for p in g.pythons)
    number = _count(planned, had) or 0
    says = f"{number:,} of {every:,} planned on the CPU have a base; the index says which of them have wheels"
    return _finding(Level.OK if number else Level.FIX, says, "compat plan")


def _cuda(host: Host, planned: Planned, drivers: Mapping[str, str], *, engine: str) -> list[Diagnostic]:
    """What becomes of the CUDA lines of the matrix, and those whose libraries can't be had here."""
    if engine != "docker":
        every = [line.name for line in planned.lines]
        own = doctor_gpu.order(line.name for line in planned.lines if line.wheels or line.folder)
        can = f"; the local engine can make environments with {doctor_gpu.several(own, every)}" if own else ""
        return [_finding(Level.NOTE, f"CUDA: GPU images need Docker{can}")]
    lost = [line for line in planned.lines if not _had(line, host.daemon)]
    names = doctor_gpu.order(line.name for line in planned.lines if line not in lost)
    found = [_probes(host, planned, names, drivers)] if names or not planned.lines else []
    if lost:
        asked = f" (asked for {host.daemon.wanted}: {doctor_gpu.trouble(host.daemon.registry)})"
        why = asked if host.daemon.wanted in [line.image for line in lost] else ""
        told = doctor_gpu.several(doctor_gpu.order(line.name for line in lost), [line.name for line in planned.lines])
        says = f"{told}: no source here; their libraries come from images, but no registry answers{why}"
        advice = "reach a registry, `docker load` the images, or name a folder of libraries in the matrix"
        found.append(_finding(Level.NOTE, says, advice))
    return found


def _had(line: CudaLine, daemon: Daemon) -> bool:
    """Whether a line's libraries have a source here, as far as is known without fetching them."""
    return line.wheels or bool(line.folder) or line.image in daemon.images or daemon.registry.answered


def _probes(host: Host, planned: Planned, lines: Sequence[str], drivers: Mapping[str, str]) -> Diagnostic:
    """What images of these lines come to here; of whichever line somebody names, where the matrix names none."""
    number = sum(n for device, _, n in planned.counts or () if device in lines)
    every = [line.name for line in planned.lines]
    names = f"{doctor_gpu.several(lines, every) or 'CUDA'}{f', {number:,} on request' if number else ''}"
    can = doctor_gpu.ready(host, engine="docker")
    images = "images can be built and audited"
    if can is None:
        return _finding(Level.NOTE, f"{names}: {images}; whether GPU probes can run depends on the other machine")
    if not can:
        need = "what is listed above" if host.nvidia.gpus else "one"
        return _finding(Level.NOTE, f"{names}: {images} without a GPU; GPU probes need {need}")
    old = doctor_gpu.too_old(host.nvidia.driver, {line: drivers[line] for line in lines if line in drivers})
    if old:
        which = "" if len(old) == len(lines) else f" for {doctor_gpu.several(old, every)}"
        return _finding(Level.NOTE, f"{names}: {images}; GPU probes can't run{which}: the driver is too old")
    return _finding(Level.OK, f"{names}: {images}, GPU probes can run")


def _count(planned: Planned, pythons: Sequence[str]) -> int | None:
    if planned.counts is None:
        return None
    return sum(number for device, python, number in planned.counts if device == CPU and python in pythons)


def _finding(level: Level, says: str, advice: str = "", *, code: ExitCode = ExitCode.OK) -> Diagnostic:
    return Diagnostic(
        area=Area.COMBINATIONS, level=level, says=printable(says), advice=printable(advice, lines=True), code=code
    )
