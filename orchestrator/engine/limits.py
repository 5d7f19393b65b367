"""What a container may do: one place that turns limits into the settings of a container."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orchestrator.model import FIXED_VARIABLES, Task

NOBODY = "65534:65534"
FILES = "/probes"
"""Where a task's files are."""
SCRATCH = "/tmp"  # noqa: S108 - a private tmpfs inside the container
OLD_CACHE_VOLUME = "compat-cache"
"""What builders shared once. It is only removed."""
_SCRATCH_BYTES = 2 * 1024**3
_BUILDER_SCRATCH_BYTES = 6 * 1024**3
"""Room to unpack and compile in, and for pip, which fetches a whole wheel to read its metadata where the index has
none beside it. It is memory: never more than three quarters of what a task may have."""


def enforced(info: Mapping[str, Any]) -> frozenset[str]:
    """Which limits a daemon can enforce, by what it says of its kernel (`docker info`)."""
    holds = {"network", "read-only", "time", "others", "channel"}
    for limit, flag in (("memory", "MemoryLimit"), ("cpus", "CpuCfsQuota"), ("pids", "PidsLimit")):
        if info.get(flag, True):
            holds.add(limit)
    return frozenset(holds)


def settings(task: Task, processors: int, enforces: frozenset[str]) -> dict[str, Any]:
    """Keyword arguments of the SDK's `containers.create` that confine a task.

    `processors` is how many CPUs the daemon has: it refuses a limit above. A builder task is confined as a probe is,
    with more room: its network is what `docker_index` lets in.
    """
    limits = task.limits
    chosen: dict[str, Any] = {
        "cap_drop": ["ALL"],
        "hostname": dict(FIXED_VARIABLES)["HOSTNAME"],
        "init": False,
        "ipc_mode": "private",
        "network_mode": "bridge" if task.network and not task.builder else "none",
        "read_only": True,
        "security_opt": ["no-new-privileges:true"],
        "user": NOBODY,
        "working_dir": SCRATCH,
    }
    size = min(_SCRATCH_BYTES, limits.memory // 2)
    if task.builder:
        size = min(_BUILDER_SCRATCH_BYTES, limits.memory * 3 // 4)
    # exec: libffi of older CPythons maps executable pages of a file there (see ctypes), and builds run what they made.
    chosen["tmpfs"] = {SCRATCH: f"exec,nosuid,nodev,mode=1777,size={size}"}
    if "memory" in enforces:
        # Equal to the memory limit: no swap on top of it.
        chosen |= {"mem_limit": limits.memory, "memswap_limit": limits.memory}
    if "cpus" in enforces:
        chosen["nano_cpus"] = int(min(limits.cpus, processors) * 1e9)
    if "pids" in enforces:
        chosen["pids_limit"] = limits.pids
    return chosen
