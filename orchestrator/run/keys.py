"""What makes an environment, and a probe in it, the same as before."""

from __future__ import annotations

from dataclasses import replace

import msgspec

from orchestrator.model import FIXED_VARIABLES, Cell, Engine, Limits, Lock, Probe, digest

ARCHITECTURE = "linux/amd64"


def enforced(limits: Limits, engine: Engine) -> Limits:
    """The limits with those this engine can't hold taken out."""
    held = engine.enforces
    return replace(
        limits,
        memory=limits.memory if "memory" in held else 0,
        cpus=limits.cpus if "cpus" in held else 0,
        pids=limits.pids if "pids" in held else 0,
    )


def environment_key(cell: Cell, lock: Lock, image_key: str, engine: Engine, limits: Limits) -> str:
    """Equal keys: a probe would meet the same files, limits (those `enforced`), variables and device."""
    return digest(
        [
            image_key,
            engine.kind.name,
            ARCHITECTURE,
            msgspec.to_builtins(limits),
            FIXED_VARIABLES,
            cell.variables,
            lock.device,
        ]
    )[:32]


def probe_key(environment: str, probe: Probe, inputs: tuple[str, ...]) -> str:
    """Equal keys: the observation may be reused; it was made by the same probe under the same harness."""
    return digest([environment, probe.id, probe.digest, probe.harness, inputs])[:32]
