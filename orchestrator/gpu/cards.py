"""Whether a container can be given a GPU here, and which one answers in it."""

from __future__ import annotations

from dataclasses import replace

from orchestrator.errors import CellError
from orchestrator.model import Engine, Limits, Prepared, Task

SECONDS = 60.0
"""The most that asking may take: nvidia-smi hangs with a broken driver."""
_ASK = ("nvidia-smi", "--query-gpu=name,compute_cap,driver_version", "--format=csv,noheader")
_REFUSALS = (
    "could not select device driver",
    "nvidia-container",
    "no such file or directory",
    "executable file not found",
)
"""What an engine says that has no GPU to give, or no toolkit to give it with."""


def ask(image: Prepared, engine: Engine, limits: Limits) -> str:
    """The GPUs that a container of an image sees, as nvidia-smi names them there ("NVIDIA H100, 9.0, 535.54"); "" for
    none. Raises CellError(infra) where the engine itself does not answer.
    """
    lines: list[bytes] = []
    bounded = replace(limits, cell_seconds=SECONDS, silence_seconds=SECONDS)
    try:
        ended = engine.run(image.reference, Task(command=_ASK, limits=bounded, gpus=True), lines.append)
    except CellError as error:
        if any(word in error.detail.lower() for word in _REFUSALS):
            return ""
        raise
    said = [line.decode("utf-8", "replace").strip() for line in lines]
    return "; ".join(line for line in said if line) if ended.code == 0 else ""
