"""`compat doctor`: what a machine's facts mean for running cells, and what to do about what is missing."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from orchestrator.ecosystems import ECOSYSTEMS
from orchestrator.engine.registry import DOCKER, LOCAL
from orchestrator.errors import ExitCode
from orchestrator.foreign import printable
from orchestrator.model import BaseSpec, not_held
from orchestrator.model.host import Area, Daemon, Diagnostic, Host, Level, PackageHost, Planned, Program, Reply
from orchestrator.report import doctor_cells, doctor_gpu
from orchestrator.report.doctor_gpu import trouble
from orchestrator.run.assemble import DISK_BUDGET
from orchestrator.run.disk import gigabytes
from orchestrator.verdict.words import counted

SCHEMA = 1

_FLOOR = 3_000_000_000
"""Bytes that a run leaves free (`run.assemble.Terms`): below, it starts nothing."""
_SYSTEMS = ("linux/x86_64", "linux/amd64")
_BUILDKIT_SINCE, _BUILDKIT_GONE = (18, 9), (23,)
"""docker commands of these versions have BuildKit built in; from 23 on it is in buildx alone (`engine.build`)."""
_START = "`nox -s engine` installs and starts it on Debian as root; or point DOCKER_HOST at one"
_ENGINE_ADVICE = {
    Reply.ABSENT: _START,
    Reply.DENIED: "sudo usermod -aG docker $USER, then log in again",
    Reply.SILENT: "restart it (`sudo systemctl restart docker`), or point DOCKER_HOST at another",
    Reply.UNREADABLE: "see what DOCKER_HOST points at",
}
_CODES = (ExitCode.NO_ENGINE, ExitCode.USAGE, ExitCode.INFRA)


@dataclass(frozen=True, kw_only=True, slots=True)
class Diagnosis:
    """What was found: `engine` ("docker", "local" or "") is what a run would use, `headline` the answer in short.

    `code` is OK where CPU combinations can run.
    """

    engine: str
    headline: tuple[str, ...]
    findings: tuple[Diagnostic, ...]
    code: ExitCode


def diagnose(host: Host, planned: Planned, specs: Sequence[BaseSpec], drivers: Mapping[str, str]) -> Diagnosis:
    """The findings about a machine. `drivers`: CUDA line → the oldest driver that it runs on."""
    engine = engine_of(host)
    lines = [line.name for line in planned.lines]
    known = {line: need for line, need in drivers.items() if line in lines or not lines}
    found = (
        *_engine(host, planned, engine),
        *_processor(host, planned.packages, engine),
        _index(host.index),
        _uv(host.uv),
        *doctor_gpu.findings(host, known, engine=engine),
        *doctor_cells.findings(host, planned, specs, known, engine=engine),
    )
    codes = {f.code for f in found}
    code = next((c for c in _CODES if c in codes), ExitCode.OK)
    return Diagnosis(engine=engine, headline=_headline(host, found, code, engine), findings=found, code=code)


def engine_of(host: Host) -> str:
    """What a run would use: docker where its daemon answers, else local where that can run, else nothing."""
    if host.daemon.answer.answered and host.daemon.system in _SYSTEMS:
        return DOCKER.name
    return LOCAL.name if host.system == "linux" and host.processor.machine == "x86_64" else ""


def render(diagnosis: Diagnosis, width: int) -> str:
    """The diagnosis as text in lines of at most `width` columns; only what can't be broken (a link) is longer."""
    lines = [line for part in diagnosis.headline for line in _wrapped(part, width)]
    for area in Area:
        found = [f for f in diagnosis.findings if f.area is area]
        if found:
            lines += ["", area.value]
        for each in found:
            lines += _wrapped(each.says, width, f"  {each.level.value:<5} ", " " * 8)
            if each.advice:
                lines += _wrapped(f"→ {each.advice}", width, " " * 8, " " * 10)
    return "\n".join(lines) + "\n"


def document(host: Host, planned: Planned, diagnosis: Diagnosis) -> str:
    """Facts and findings as JSON, in ASCII: programs' words stand in it as they came, escaped."""
    found = {
        "schema": SCHEMA,
        "engine": diagnosis.engine,
        "headline": diagnosis.headline,
        "exit": diagnosis.code,
        "findings": [asdict(each) for each in diagnosis.findings],
        "facts": asdict(host),
        "planned": asdict(planned),
    }
    return json.dumps(found, indent=2) + "\n"


def _wrapped(text: str, width: int, first: str = "", then: str = "") -> list[str]:
    return textwrap.wrap(
        text, width, initial_indent=first, subsequent_indent=then, break_long_words=False, break_on_hyphens=False
    )


def _headline(host: Host, found: Sequence[Diagnostic], code: ExitCode, engine: str) -> tuple[str, ...]:
    if code is ExitCode.NO_ENGINE:
        return ("Nothing can run here: no engine is available.",)
    where = f"Docker {host.daemon.version}" if engine == DOCKER.name else "the local engine, without isolation"
    if code is ExitCode.OK:
        first = f"CPU combinations can run here, in {where}."
    else:
        why = next(f.says for f in found if f.code is code)
        first = f"CPU combinations can't run here yet: {why}."
    ready = doctor_gpu.ready(host, engine=engine)
    if ready:
        return (first, f"GPU probes can run: {counted(len(host.nvidia.gpus), 'GPU')}.")
    if ready is None:
        return (first, "Containers run on another machine, which may have GPUs.")
    beside = "; images for GPUs can be built and audited" if engine == DOCKER.name else ""
    return (first, f"GPU probes can't run here{beside}.")


# ------------------------------------------------------------ engine


def _engine(host: Host, planned: Planned, engine: str) -> list[Diagnostic]:
    daemon = host.daemon
    if engine == DOCKER.name:
        kind = ", ".join(filter(None, (daemon.storage, f"cgroup v{daemon.cgroup}" if daemon.cgroup else "")))
        found = [_finding(Area.ENGINE, Level.OK, f"Docker {daemon.version} answers at {daemon.host} ({kind})")]
        return [*found, *_elsewhere(daemon), _buildkit(host), *_room(host, planned)]
    return [_no_docker(daemon), _local(host, engine), *(_disk_of(host.local.disk_free, host.local.root, engine))]


def _no_docker(daemon: Daemon) -> Diagnostic:
    reply = daemon.answer.reply
    if daemon.answer.answered:
        says = f"the Docker daemon at {daemon.host} is {daemon.system}, not linux/x86_64"
        return _finding(Area.ENGINE, Level.FIX, says, "point DOCKER_HOST at one that is")
    at = f" at {daemon.host}" if daemon.host else ""
    says = {
        Reply.ABSENT: f"no Docker daemon answers{at}",
        Reply.DENIED: f"the Docker daemon{at} denies access to this user",
        Reply.SILENT: f"something listens{at}, but no Docker daemon answers within {daemon.answer.seconds:.0f} s",
        Reply.UNREADABLE: f"what answers{at} is not a Docker daemon",
    }.get(reply, f"no Docker daemon answers{at}: {trouble(daemon.answer)}")
    return _finding(Area.ENGINE, Level.FIX, says, _ENGINE_ADVICE.get(reply, _START))


def _local(host: Host, engine: str) -> Diagnostic:
    if engine != LOCAL.name:
        says = f"the local engine needs Linux on x86_64, this is {host.system} on {host.processor.machine}"
        return _finding(Area.ENGINE, Level.FIX, says, f"get Docker going: {_START}", code=ExitCode.NO_ENGINE)
    says = "the local engine works here: virtual environments and plain processes on this machine, not isolated"
    named = "compat run --engine local (CI is set: it must be named)" if host.named_only else "compat run takes it"
    return _finding(
        Area.ENGINE,
        Level.OK,
        f"{says}: it does not enforce {', '.join(not_held(LOCAL.holds))}",
        f"{named}; its results have a table of their own",
    )


def _elsewhere(daemon: Daemon) -> list[Diagnostic]:
    if daemon.here:
        return []
    says = "it runs on another machine, or in a virtual one; the processor and GPUs reported here are not its own"
    return [_finding(Area.ENGINE, Level.NOTE, says)]


def _buildkit(host: Host) -> Diagnostic:
    """A docker command that can do BuildKit, by what it says of itself: trying it would leave an image behind."""
    with_buildx = next((c for c in host.clients if c.buildx), None)
    if with_buildx:
        return _finding(Area.ENGINE, Level.OK, f"BuildKit: buildx {with_buildx.buildx} of {with_buildx.path}")
    built_in = next((c for c in host.clients if _BUILDKIT_SINCE <= _numbers(c.version) < _BUILDKIT_GONE), None)
    if built_in:
        return _finding(Area.ENGINE, Level.OK, f"BuildKit is built into {built_in.path} {built_in.version}")
    seen = ", ".join(f"{c.path} {c.version}" for c in host.clients)
    says = (
        f"no docker command here has BuildKit ({seen})"
        if seen
        else "no docker command on PATH; it is needed to build images"
    )
    advice = "install docker-buildx (docker-buildx-plugin where Docker's own packages are used)"
    return _finding(Area.ENGINE, Level.FIX, says, advice, code=ExitCode.INFRA)


def _room(host: Host, planned: Planned) -> list[Diagnostic]:
    """Disk, memory and processors that the daemon has."""
    daemon = host.daemon
    memory = gigabytes(daemon.memory) if daemon.memory else "unknown"
    small = bool(daemon.memory) and (daemon.memory or 0) < planned.memory
    says = f"{counted(daemon.cpus, 'CPU') if daemon.cpus else 'CPUs unknown'}, {memory} memory"
    if small:
        says += f", less than one combination may use ({gigabytes(planned.memory)})"
    advice = "set limits.memory in the matrix, or run one at a time: --workers 1" if small else ""
    found = [_finding(Area.ENGINE, Level.NOTE if small else Level.OK, says, advice)]
    if daemon.unenforced:
        says = f"its kernel does not enforce these limits: {', '.join(daemon.unenforced)}; probes of them are not run"
        found.append(_finding(Area.ENGINE, Level.NOTE, says, "enable the cgroup controllers, then restart Docker"))
    return [*found, *_disk_of(daemon.disk_free, daemon.root, "docker")]


def _disk_of(free: int | None, root: str, engine: str) -> list[Diagnostic]:
    if not engine:
        return []
    kept = "images" if engine == DOCKER.name else "environments"
    if free is None:
        return [_finding(Area.ENGINE, Level.NOTE, f"how much disk is free where {kept} lie is not known from here")]
    says = f"{gigabytes(free)} free where {kept} lie ({root})"
    if free < _FLOOR:
        wanted = f"{says}, {gigabytes(_FLOOR)} must stay free"
        return [_finding(Area.ENGINE, Level.FIX, wanted, "compat gc removes cell images", code=ExitCode.INFRA)]
    if free < DISK_BUDGET:
        says += f"; {kept} of cells may take {gigabytes(DISK_BUDGET)}"
        return [_finding(Area.ENGINE, Level.NOTE, says, "compat gc removes them")]
    return [_finding(Area.ENGINE, Level.OK, says)]


# ------------------------------------------------------------ processor and packages


def _processor(host: Host, packages: Sequence[str], engine: str) -> list[Diagnostic]:
    """Instructions that wheels of these packages need, or use where they are there."""
    away = engine == DOCKER.name and not host.daemon.here
    flags = host.daemon.flags if away else host.processor.flags
    name = "the daemon's" if away else host.processor.model or host.processor.machine
    if flags is None:
        says = f"{name}: whether it has AVX is not known from here"
        return [_finding(Area.PROCESSOR, Level.NOTE, says, "building the first base will tell")]
    has = [flag.upper() for flag in ("avx", "avx2", "fma") if flag in flags]
    lacks = [flag.upper() for flag in ("avx", "avx2", "fma") if flag not in flags]
    known = (ECOSYSTEMS[package] for package in packages if package in ECOSYSTEMS)
    needs = {flag.upper(): need for ecosystem in known for flag, need in ecosystem.processor}
    if missing := [flag for flag in lacks if flag in needs]:
        says = f"{name} has no {missing[0]}, which {needs[missing[0]]}"
        return [_finding(Area.PROCESSOR, Level.FIX, says, "use a newer processor, or DOCKER_HOST", code=ExitCode.INFRA)]
    says = f"{name}: {', '.join(has) or 'nothing beyond the oldest instructions'}"
    if not lacks:
        return [_finding(Area.PROCESSOR, Level.OK, says)]
    return [_finding(Area.PROCESSOR, Level.NOTE, f"{says}; no {' and no '.join(lacks)}: slower, numbers may differ")]


def _index(index: PackageHost) -> Diagnostic:
    name = f"the package index at {index.at}" if index.at else "the package index"
    if index.answer.answered:
        return _finding(Area.PACKAGES, Level.OK, f"{name} answers")
    says = f"{name} does not answer properly: {trouble(index.answer)}"
    advice = "look at the network, proxy and certificates, and at UV_DEFAULT_INDEX or pip's index-url"
    return _finding(Area.PACKAGES, Level.FIX, says, advice, code=ExitCode.INFRA)


def _uv(uv: Program) -> Diagnostic:
    if uv.answer.answered:
        return _finding(Area.PACKAGES, Level.OK, f"uv {uv.version}".rstrip())
    says = "uv is not installed" if uv.answer.reply is Reply.ABSENT else f"uv does not run: {trouble(uv.answer)}"
    return _finding(Area.PACKAGES, Level.FIX, says, "pip install uv", code=ExitCode.INFRA)


def _numbers(version: str) -> tuple[int, ...]:
    return doctor_gpu.version(version)


def _finding(area: Area, level: Level, says: str, advice: str = "", *, code: ExitCode = ExitCode.OK) -> Diagnostic:
    return Diagnostic(area=area, level=level, says=printable(says), advice=printable(advice), code=code)
