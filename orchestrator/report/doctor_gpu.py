"""What a machine's NVIDIA facts mean for GPU images and GPU probes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from orchestrator.foreign import printable, stripped
from orchestrator.model.host import Area, Diagnostic, Gpu, Host, Level, Nvidia, Program, Reply, Response
from orchestrator.verdict.words import counted, shorten

DRIVERS = "https://www.nvidia.com/drivers"
TOOLKIT = "https://docs.nvidia.com/datacenter/cloud-native/container-toolkit/latest/install-guide.html"

_BY_CODE = {
    # NVML's own numbers, which nvidia-smi ends with (nvml.h: nvmlReturn_t; man nvidia-smi, "RETURN VALUE").
    4: "run it as a user who may use the GPU, or look at the rights of /dev/nvidia*",
    6: "it sees no GPU: a card may be off, or hidden from this machine",
    9: "the driver is not loaded: `sudo modprobe nvidia` says why; after a kernel update reinstall the driver",
    12: f"the driver's library libnvidia-ml.so is missing: reinstall the driver, {DRIVERS}",
    15: "a GPU has fallen off the bus: `sudo dmesg` says when; restart the machine",
    18: "the loaded kernel module and the driver's libraries differ, as after an update: restart the machine",
}
_NUMBER = re.compile(r"\d+")
_SAID = 160
_GARBAGE = 60
_LISTED = 4


def findings(host: Host, drivers: Mapping[str, str], *, engine: str) -> tuple[Diagnostic, ...]:
    """The driver, the GPUs, the way into containers, and which CUDA lines the driver is too old for.

    `drivers`: CUDA line → the oldest driver that it runs on; `engine` is "docker", "local" or "".
    """
    found = [_driver(host.nvidia), *map(_gpu, host.nvidia.gpus)]
    if host.nvidia.driver:
        found += _lines(host.nvidia.driver, drivers)
    if engine == "docker":
        found += _containers(host)
    return tuple(found)


def ready(host: Host, *, engine: str) -> bool | None:
    """Whether GPU probes can run, as far as settings tell; None where another machine's daemon is set up for GPUs."""
    if engine == "docker" and not host.daemon.here:
        return None if _by(host) else False
    if not host.nvidia.gpus or not host.nvidia.smi.answer.answered:
        return False
    return engine == "local" or (engine == "docker" and bool(_by(host)))


def too_old(driver: str, drivers: Mapping[str, str]) -> list[str]:
    """The CUDA lines that ask for a newer driver than this; none where the driver is not known."""
    return [line for line in order(drivers) if driver and version(driver) < version(drivers[line])]


def order(lines: Iterable[str]) -> list[str]:
    """CUDA lines by their numbers: cuda9.0 before cuda10.1."""
    return sorted(lines, key=lambda line: ([int(part) for part in _NUMBER.findall(line)], line))


def several(lines: Sequence[str], every: Iterable[str]) -> str:
    """Lines in words; many that follow one another among `every` by the first and the last."""
    known = order(every)
    start = known.index(lines[0]) if lines else 0
    if len(lines) > _LISTED and known[start : start + len(lines)] == list(lines):
        return f"{lines[0]} to {lines[-1]}"
    return ", ".join(lines)


# ------------------------------------------------------------ the driver and its GPUs


def _driver(nvidia: Nvidia) -> Diagnostic:
    reply = nvidia.smi.answer.reply
    if reply is Reply.ANSWERED:
        return _finding(Level.OK, f"driver {nvidia.driver}, {counted(len(nvidia.gpus), 'GPU')}{_also(nvidia)}")
    if nvidia.smi.path or reply is not Reply.ABSENT:
        return _ill(nvidia, nvidia.smi)
    if nvidia.module:
        says = f"driver {nvidia.module} is loaded, but nvidia-smi is not on PATH to list GPUs"
        return _finding(Level.FIX, says, "install the driver's tools (Debian: nvidia-smi; Ubuntu: nvidia-utils)")
    if nvidia.cards:
        says = f"no driver for {counted(len(nvidia.cards), 'NVIDIA card')} ({', '.join(nvidia.cards)})"
        return _finding(Level.FIX, says, f"install NVIDIA's driver: {DRIVERS}")
    if nvidia.nodes:
        says = f"nvidia-smi is not on PATH, but there are device files of a GPU ({', '.join(nvidia.nodes[:4])})"
        return _finding(Level.FIX, says, "put nvidia-smi on PATH: it came with the driver")
    advice = "for GPU probes, use a machine that has one, or point DOCKER_HOST at its Docker daemon"
    return _finding(Level.NOTE, "no NVIDIA GPU in this machine, and no driver", advice)


def _ill(nvidia: Nvidia, smi: Program) -> Diagnostic:
    """What nvidia-smi's trouble means, by how it ended; its words are only repeated."""
    answer = smi.answer
    seen = f"{counted(len(nvidia.gpus), 'GPU')} listed before that; " if nvidia.gpus else ""
    limit = _GARBAGE if answer.reply is Reply.UNREADABLE else _SAID
    said = f": {shorten(stripped(answer.said).strip(), limit).rstrip('.')}" if answer.said else ""
    if answer.reply is Reply.SILENT:
        says = f"nvidia-smi did not answer within {answer.seconds:g} s and was ended{said}"
        return _finding(Level.FIX, says, "a GPU or its driver hangs: `sudo dmesg` says which; restart the machine")
    if answer.reply is Reply.UNREADABLE:
        says = f"nvidia-smi ({smi.path}) printed something other than a list of GPUs{said}"
        return _finding(Level.FIX, says, "run it by hand: nvidia-smi --query-gpu=name,driver_version --format=csv")
    if answer.code is None:
        says = f"nvidia-smi ({smi.path}) could not be started{said}"
        return _finding(Level.FIX, says, f"reinstall the driver, which includes nvidia-smi: {DRIVERS}")
    loaded = "" if nvidia.module else "; no NVIDIA kernel module is loaded"
    advice = _BY_CODE.get(answer.code, "run it by hand: nvidia-smi")
    return _finding(Level.FIX, f"{seen}nvidia-smi ended with exit status {answer.code}{said}{loaded}", advice)


def _also(nvidia: Nvidia) -> str:
    if nvidia.module and nvidia.smi.version and nvidia.module != nvidia.smi.version:
        return f"; the loaded kernel module is {nvidia.module}"
    return f"; nvidia-smi also said: {shorten(nvidia.smi.answer.said, _SAID)}" if nvidia.smi.answer.said else ""


def _gpu(gpu: Gpu) -> Diagnostic:
    memory = f"{gpu.memory / 1024**3:.0f} GiB" if gpu.memory else "memory unknown"
    capability = f"compute capability {gpu.capability}" if gpu.capability else "compute capability unknown"
    return _finding(Level.OK, f"{gpu.name}, {memory}, {capability}")


def _lines(driver: str, drivers: Mapping[str, str]) -> list[Diagnostic]:
    others = too_old(driver, drivers)
    fitting = [line for line in order(drivers) if line not in others]
    found = []
    if fitting:
        found.append(_finding(Level.OK, f"driver {driver} is new enough for {several(fitting, drivers)}"))
    if others:
        needed = sorted({drivers[line] for line in others}, key=version)
        by = [(need, [line for line in others if drivers[line] == need]) for need in needed]
        told = ", ".join(f"{several(lines, drivers)} (needs {need})" for need, lines in by)
        advice = f"install driver {needed[-1]} or newer for all of them: {DRIVERS}"
        found.append(_finding(Level.FIX, f"driver {driver} is too old for {told}", advice))
    return found


def version(text: str) -> tuple[int, ...]:
    """A driver's version, to compare: 535.54 is newer than 535.9.01."""
    return tuple(int(part) for part in _NUMBER.findall(text))


# ------------------------------------------------------------ the way into containers


def _containers(host: Host) -> list[Diagnostic]:
    """Whether containers get GPUs; said only where there is one, or the daemon is set up for some."""
    toolkit, daemon = host.nvidia.toolkit, host.daemon
    if not daemon.here:
        had = "is set up for GPUs" if _by(host) else "is not set up for GPUs"
        return [_finding(Level.NOTE, f"containers run elsewhere ({daemon.host}); the daemon there {had}")]
    known = f"container toolkit {toolkit.version}" if toolkit.version else "container toolkit"
    if _by(host):
        level = Level.OK if host.nvidia.gpus else Level.NOTE
        return [_finding(level, f"{known}: the daemon is set up for GPUs ({_by(host)})")]
    if not host.nvidia.gpus:
        return [_finding(Level.NOTE, f"{known} is installed, but there is no GPU to use")] if toolkit.path else []
    if toolkit.path:
        advice = "sudo nvidia-ctk runtime configure --runtime=docker && sudo systemctl restart docker"
        return [_finding(Level.FIX, f"{known} is installed, but the Docker daemon does not know it", advice)]
    return [_finding(Level.FIX, "no container toolkit: containers get no GPU", f"install it: {TOOLKIT}")]


def _by(host: Host) -> str:
    """By what containers get GPUs: a CDI device, a runtime, or the hook that `docker run --gpus` calls."""
    devices = [name for name in host.daemon.devices if name.startswith("nvidia.com/")]
    if devices:
        return f"CDI device {devices[0]}" if len(devices) == 1 else f"{len(devices)} CDI devices"
    runtimes = [name for name in host.daemon.runtimes if name.startswith("nvidia")]
    if runtimes:
        return f"runtime {runtimes[0]}"
    return "its hook" if host.daemon.here and host.nvidia.hook else ""


def _finding(level: Level, says: str, advice: str = "") -> Diagnostic:
    return Diagnostic(area=Area.NVIDIA, level=level, says=printable(says), advice=printable(advice))


def trouble(answer: Response) -> str:
    """An answer that is none, in a few words: its own where it has some."""
    if answer.reply is Reply.SILENT:
        return f"no answer within {answer.seconds:.0f} s"
    return shorten(stripped(answer.said).strip(), _SAID) or answer.reply.value
