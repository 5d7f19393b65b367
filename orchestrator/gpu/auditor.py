"""The audit of a GPU image on a machine without a GPU: TensorFlow's own search for its libraries, under a stand-in.

A stand-in for the driver, compiled in the base's builder and sent in for this one container, says that there is a
device; `images/gpu/look.py` then watches what TensorFlow asks for and what the loader makes of it. Nothing is ever
computed under the stand-in, and it is in no image.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from orchestrator.errors import CellError, Phase, infra
from orchestrator.gpu.audit import GpuAudit
from orchestrator.model import Base, Engine, Limits, Task, digest

PROGRAM = "look.py"
STAND_IN = "stand_in.c"
DRIVER = "libcuda.so.1"
SECONDS = 600.0
"""The most one look may take: TensorFlow is imported several times, once for each fix and driver that is tried."""
_COMPILE = "cc -shared -fPIC -O1 -o /tmp/stand_in.so /probes/stand_in.c && base64 /tmp/stand_in.so"


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """The program that looks, read once: `files` are (name, content) of `images/gpu`."""

    files: tuple[tuple[str, bytes], ...]

    @property
    def digest(self) -> str:
        return digest([(name, digest(content.hex())) for name, content in self.files])


def read(folder: Path) -> Look:
    """The program in `images/gpu`."""
    paths = sorted(p for p in folder.iterdir() if p.suffix in (".py", ".c"))
    return Look(files=tuple((p.name, p.read_bytes()) for p in paths))


def compiled(look: Look, base: Base, engine: Engine, limits: Limits) -> bytes:
    """The stand-in driver as a shared object, made by the compiler of the base's builder. Raises CellError(infra)."""
    lines: list[bytes] = []
    task = Task(
        command=("sh", "-c", _COMPILE), files=((STAND_IN, dict(look.files)[STAND_IN]),), limits=limits, builder=True
    )
    ended = engine.run(base.image, task, lines.append)
    if ended.lost or ended.code != 0:
        raise infra(Phase.BUILD, "stand-in", ended.lost or f"the stand-in driver: {ended.stderr[-500:].strip()}")
    try:
        return base64.b64decode(b"".join(lines), validate=False)
    except binascii.Error as error:
        raise infra(Phase.BUILD, "stand-in", f"the stand-in driver is damaged: {error}") from error


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditRequest:
    """What to look into, and how: an image and its interpreter, library folders on top of its own."""

    reference: str
    interpreter: str
    stand_in: bytes
    environment: tuple[tuple[str, str], ...] = ()
    folders: tuple[str, ...] = ()


def look_into(asked: AuditRequest, look: Look, engine: Engine, limits: Limits) -> GpuAudit:
    """Looks into an image. Raises CellError(infra) where the container or the program itself failed."""
    request = {
        "stand_in": f"/probes/driver/{DRIVER}",
        "folders": list(asked.folders),
        "seconds": int(SECONDS) - 60,
        "fixes": True,
        "oldest_driver": True,
        "kernels": True,
        "work": "/tmp",  # noqa: S108 - a private tmpfs inside the container
    }
    files = (*look.files, (f"driver/{DRIVER}", asked.stand_in), ("request.json", json.dumps(request).encode()))
    task = Task(
        command=(asked.interpreter, "-B", f"/probes/{PROGRAM}", "/probes/request.json"),
        files=files,
        environment=asked.environment,
        limits=replace(limits, cell_seconds=SECONDS, silence_seconds=SECONDS),
    )
    lines: list[bytes] = []
    ended = engine.run(asked.reference, task, lines.append)
    if ended.lost or ended.timed_out or not lines:
        why = ended.lost or ("it timed out" if ended.timed_out else ended.stderr[-500:].strip())
        raise infra(Phase.COLLECT, "audit", f"inspecting the image did not finish: {why}")
    return decoded(lines[-1], ended.stderr)


def decoded(document: bytes, stderr: str = "") -> GpuAudit:
    """What the program printed, as a value. Raises CellError(infra) for anything else."""
    try:
        return msgspec.json.decode(document, type=GpuAudit)
    except msgspec.MsgspecError as error:
        detail = f"the inspection's output can't be read: {error}; {stderr[-300:].strip()}"
        raise infra(Phase.COLLECT, "audit", detail) from error


def of_image(name: str, look: Look, engine: Engine, base: Base, limits: Limits) -> GpuAudit:
    """Looks into any image that has a Python: with its own interpreter, and with what its own environment sets.

    `base` is one whose builder compiles the stand-in. Raises CellError(infra) where neither `python3` nor `python` is
    in it, or the look did not end.
    """
    stand_in = compiled(look, base, engine, limits)
    for interpreter in ("python3", "python"):
        asked = AuditRequest(reference=name, interpreter=interpreter, stand_in=stand_in)
        try:
            return look_into(asked, look, engine, limits)
        except CellError as error:
            trouble = error
    raise trouble
