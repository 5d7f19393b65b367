"""Who started a container: told apart from a later process with the same number, and from other machines."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

LABEL = "compat.owner"
_SCRATCH = "compat-build-"


@dataclass(frozen=True, kw_only=True, slots=True)
class Owner:
    """A process: its host, its number there, and when it started (boot id and ticks since; opaque)."""

    host: str
    pid: int
    started: str

    def __str__(self) -> str:
        return f"{self.host}|{self.pid}|{self.started}"


def current() -> Owner:
    """The process that asks."""
    pid = os.getpid()
    return Owner(host=socket.gethostname(), pid=pid, started=_started(pid) or "")


def parse(labels: Mapping[str, str]) -> Owner | None:
    """The owner a container's labels name; None where they name none that can be read."""
    host, _, rest = labels.get(LABEL, "").partition("|")
    pid, _, started = rest.partition("|")
    return Owner(host=host, pid=int(pid), started=started) if host and pid.isdigit() else None


def dead(owner: Owner) -> bool:
    """Whether the owner is known to be gone: on this host, and no process with its number and start time."""
    if owner.host != socket.gethostname():
        return False
    started = _started(owner.pid)
    if started is not None:
        return started != owner.started
    return not _exists(owner.pid)


def scratch() -> tempfile.TemporaryDirectory[str]:
    """A temporary folder whose name says which process made it, so that `reap_scratch` finds it after a kill."""
    return tempfile.TemporaryDirectory(prefix=f"{_SCRATCH}{os.getpid()}-")


def reap_scratch() -> None:
    """Removes the folders of `scratch` whose process is gone from this host."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_SCRATCH}*"):
        pid = folder.name.removeprefix(_SCRATCH).partition("-")[0]
        if pid.isdigit() and not _exists(int(pid)):
            shutil.rmtree(folder, ignore_errors=True)


def _started(pid: int) -> str | None:
    """Boot id and start time in ticks (proc(5), /proc/PID/stat field 22); None where there is no /proc or process."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()
    except OSError:
        return None
    # The second field is the command in parentheses and may hold anything, spaces and parentheses too.
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] == "Z" else f"{boot}:{fields[19]}"


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
