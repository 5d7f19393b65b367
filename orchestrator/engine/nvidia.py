"""What there is of NVIDIA's on this machine: its driver, its GPUs, its container toolkit. Only looked at."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from orchestrator.engine.bounded_process import ProcessOutput
from orchestrator.model.host import Gpu, Nvidia, Program, Reply, Response

Ask = Callable[[Sequence[str], float], ProcessOutput]
"""Runs a command for at most so many seconds (`bounded_process.run`)."""

SMI_SECONDS = 10.0
"""nvidia-smi takes well under a second where the driver stays loaded, a few where it must wake up many GPUs."""
_TOOL_SECONDS = 3.0

# Beside PATH: where WSL keeps the driver's tools (CUDA on WSL User Guide), and where Google's nodes put theirs.
_PLACES = ("/usr/lib/wsl/lib", "/usr/local/nvidia/bin")
_FIELDS = ("name", "memory.total", "compute_cap", "driver_version")
_INVALID_ARGUMENT = 2
_VENDOR = "0x10de"
_DISPLAY = "0x03"
_VERSION = re.compile(r"\d+(?:\.\d+)+")
_MODULE = re.compile(r"^NVRM version:.*?\s(\d+(?:\.\d+)+)(?:\s|$)", re.MULTILINE)
_MEMORY = re.compile(r"(\d+) MiB")
_UNKNOWN = re.compile(r"\[?(?:N/A|Not Supported|Unknown Error|Insufficient Permissions)\]?", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, slots=True)
class SmiRow:
    """A line of nvidia-smi's table."""

    gpu: Gpu
    driver: str


def look(root: Path, environment: Mapping[str, str], ask: Ask) -> Nvidia:
    """Everything of NVIDIA's under `root` ("/") and on the PATH of `environment`."""
    smi, gpus = _smi(root, environment, ask)
    return Nvidia(
        smi=smi,
        gpus=gpus,
        module=module_version(read(root / "proc/driver/nvidia/version")),
        nodes=tuple(sorted(f"/{p.relative_to(root)}" for p in _nodes(root))),
        cards=tuple(sorted(_cards(root / "sys/bus/pci/devices"))),
        toolkit=version_of("nvidia-ctk", environment, ask),
        hook=_found("nvidia-container-runtime-hook", environment),
    )


def version_of(name: str, environment: Mapping[str, str], ask: Ask) -> Program:
    """A program on PATH and the version it prints with --version."""
    path = _found(name, environment)
    if not path:
        return Program(answer=Response(reply=Reply.ABSENT))
    said = ask([path, "--version"], _TOOL_SECONDS)
    match = _VERSION.search(said.text) if said.answer.answered else None
    answer = said.answer
    if answer.answered and match is None:
        answer = replace(answer, reply=Reply.UNREADABLE, said=said.text[:200])
    return Program(path=path, version=match.group() if match else "", answer=answer)


def module_version(text: str) -> str:
    """The driver's version from /proc/driver/nvidia/version; "" where that says none."""
    match = _MODULE.search(text)
    return match.group(1) if match else ""


def rows(lines: Iterable[str], fields: Sequence[str]) -> tuple[tuple[SmiRow, ...], tuple[str, ...]]:
    """nvidia-smi's rows (CSV without a heading, `fields` in this order), and the lines that are none."""
    found, strange = [], []
    for line in filter(None, map(str.strip, lines)):
        row = _row(line, fields)
        if row is None:
            strange.append(line)
        else:
            found.append(row)
    return tuple(found), tuple(strange)


def _row(line: str, fields: Sequence[str]) -> SmiRow | None:
    """A row, or None for a line that is none. What a GPU doesn't say is left out ("[N/A]" and its like)."""
    cells = [cell.strip() for cell in line.rsplit(", ", len(fields) - 1)]
    if len(cells) != len(fields) or not cells[0]:
        return None
    said = dict(zip(fields, ["" if _UNKNOWN.fullmatch(cell) else cell for cell in cells], strict=True))
    memory, capability, driver = said["memory.total"], said.get("compute_cap", ""), said["driver_version"]
    size = _MEMORY.fullmatch(memory)
    right = (not memory or size, not capability or _VERSION.fullmatch(capability), _VERSION.fullmatch(driver))
    if not all(right):
        return None
    gpu = Gpu(name=cells[0], memory=int(size[1]) * 1024**2 if size else None, capability=capability)
    return SmiRow(gpu=gpu, driver=driver)


def _smi(root: Path, environment: Mapping[str, str], ask: Ask) -> tuple[Program, tuple[Gpu, ...]]:
    path = _found("nvidia-smi", environment, tuple(str(root / place[1:]) for place in _PLACES))
    if not path:
        return Program(answer=Response(reply=Reply.ABSENT)), ()
    deadline = time.monotonic() + SMI_SECONDS
    fields: tuple[str, ...] = _FIELDS
    said = ask(_query(path, fields), SMI_SECONDS)
    if said.answer.code == _INVALID_ARGUMENT:
        # Up to driver 470 nvidia-smi knows no compute capabilities (seen in huggingface/candle#733).
        fields = tuple(field for field in fields if field != "compute_cap")
        said = ask(_query(path, fields), max(0.5, deadline - time.monotonic()))
    found, strange = rows(said.text.splitlines(), fields)
    answer = said.answer
    if answer.answered and strange:
        words = "\n".join(strange)[:2000]
        answer = replace(answer, reply=answer.reply if found else Reply.UNREADABLE, said=words)
    elif answer.answered and not found:
        answer = replace(answer, reply=Reply.UNREADABLE, said="nothing")
    return Program(path=path, version=found[0].driver if found else "", answer=answer), tuple(row.gpu for row in found)


def _query(path: str, fields: Sequence[str]) -> list[str]:
    return [path, f"--query-gpu={','.join(fields)}", "--format=csv,noheader"]


def _found(name: str, environment: Mapping[str, str], beside: tuple[str, ...] = ()) -> str:
    folders = [*environment.get("PATH", "").split(":"), *beside]
    return next(filter(None, (shutil.which(name, path=folder) for folder in folders if folder)), "")


def _nodes(root: Path) -> list[Path]:
    """Device files: /dev/nvidia0 and its like; /dev/dxg is WSL's way to the GPU."""
    return [*(root / "dev").glob("nvidia*"), *(root / "dev").glob("dxg")]


def _cards(folder: Path) -> list[str]:
    """NVIDIA's display controllers, driver or not: "0000:01:00.0 10de:2335"."""
    return [
        f"{place.name} {_VENDOR[2:]}:{read(place / 'device').strip().removeprefix('0x')}"
        for place in folder.glob("*")
        if read(place / "vendor").strip() == _VENDOR and read(place / "class").startswith(_DISPLAY)
    ]


def read(path: Path) -> str:
    """A small file of the kernel's; "" where it is not there or can't be read."""
    try:
        with path.open("rb") as source:
            return source.read(1024**2).decode("utf-8", "replace")
    except OSError:
        return ""
