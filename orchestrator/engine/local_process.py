"""One process tree on this machine: watched line by line, killed whole on every path.

Every process of a task inherits the variable `MARK`; what left its session is found by it (Linux, /proc).
"""

from __future__ import annotations

import os
import resource
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from orchestrator.engine.docker_run import Lines
from orchestrator.model import Exit, Limits

MARK = "COMPAT_TASK"
_POLL_SECONDS = 0.2
_GRACE_SECONDS = 3.0
_STDERR_BYTES = 64 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class ProcessSpec:
    """What to start: a command, its whole environment (with `MARK`), its working directory, its limits."""

    command: Sequence[str]
    environment: Mapping[str, str]
    folder: Path
    limits: Limits


@dataclass(kw_only=True, slots=True)
class _ProcessWatch:
    """What is known of a process while it is watched."""

    began: float
    heard: float
    stderr: bytearray = field(default_factory=bytearray)
    timed_out: bool = False
    silent: bool = False
    stopped: bool = False

    def over(self, limits: Limits, stopping: threading.Event) -> bool:
        """Notes which limit is passed, if one is."""
        now = time.monotonic()
        self.timed_out = now - self.began > limits.cell_seconds
        self.silent = not self.timed_out and now - self.heard > limits.silence_seconds
        self.stopped = stopping.is_set()
        return self.timed_out or self.silent or self.stopped


def run(start: ProcessSpec, on_line: Callable[[bytes], None], stopping: threading.Event) -> Exit:
    """Runs a command to its end or to a limit; nothing of its tree is left when this returns or raises."""
    began = time.monotonic()
    process = subprocess.Popen(
        start.command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=start.folder,
        env=dict(start.environment),
        start_new_session=True,
    )
    state = _ProcessWatch(began=began, heard=began)
    mark = start.environment[MARK]
    try:
        with suppress(ProcessLookupError):
            resource.prlimit(process.pid, resource.RLIMIT_CORE, (0, 0))
        _follow(process, state, start.limits, Lines(on_line=on_line), stopping)
    finally:
        _end(process, mark)
    return Exit(
        code=None if state.stopped else process.returncode,
        seconds=time.monotonic() - began,
        timed_out=state.timed_out,
        silent=state.silent,
        lost="the run was stopped" if state.stopped else "",
        stderr=state.stderr.decode("utf-8", "replace"),
    )


def _follow(
    process: subprocess.Popen[bytes], state: _ProcessWatch, limits: Limits, lines: Lines, stopping: threading.Event
) -> None:
    """Reads both outputs until they close, a limit is passed, or the process is gone and nothing more comes."""

    def hear(chunk: bytes) -> None:
        state.heard = time.monotonic()
        lines.feed(chunk)

    def note(chunk: bytes) -> None:
        state.stderr += chunk
        del state.stderr[:-_STDERR_BYTES]

    with selectors.DefaultSelector() as outputs:
        outputs.register(_open(process.stdout), selectors.EVENT_READ, hear)
        outputs.register(_open(process.stderr), selectors.EVENT_READ, note)
        while outputs.get_map() and not state.over(limits, stopping):
            # A process left behind may hold the pipes open: once the first one is gone, silence is the end.
            gone = process.poll() is not None
            ready = outputs.select(_POLL_SECONDS)
            if gone and not ready:
                break
            for key, _ in ready:
                chunk = os.read(key.fd, 65536)
                key.data(chunk) if chunk else outputs.unregister(key.fileobj)
    lines.close()
    while process.poll() is None and not state.over(limits, stopping):
        stopping.wait(_POLL_SECONDS / 4)


def _open(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise ValueError("started without a pipe")
    return stream


def _end(process: subprocess.Popen[bytes], mark: str) -> None:
    """Asks the process to end (a supervisor then takes its probes down), then kills all that bears the mark."""
    if process.poll() is None:
        with suppress(ProcessLookupError):
            process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=_GRACE_SECONDS)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    kill_marked(mark)
    process.wait()
    for stream in (process.stdout, process.stderr):
        if stream is not None:
            stream.close()


def kill_marked(mark: str) -> int:
    """Kills every process whose environment bears the mark, until none is left; returns how many there were."""
    wanted = f"{MARK}={mark}".encode()
    killed: set[int] = set()
    until = time.monotonic() + _GRACE_SECONDS
    while (found := _bearing(wanted)) and time.monotonic() < until:
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for pid in found:
                with suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, number)
        killed |= found
        time.sleep(0.005)
    # What is dying has lost its environment, and so its mark, before it is gone.
    while any(_lives(pid) for pid in killed) and time.monotonic() < until:
        time.sleep(0.005)
    return len(killed)


def _lives(pid: int) -> bool:
    """Whether a process is there and has not ended (proc(5): state Z or X once it has)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[0] not in "ZX"
    except (OSError, IndexError):
        return False


def _bearing(wanted: bytes) -> set[int]:
    found = set()
    for entry in Path("/proc").iterdir() if Path("/proc").is_dir() else ():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        # A process that ended, or that is another user's, can't be read; a zombie reads as empty.
        with suppress(OSError):
            if wanted in (entry / "environ").read_bytes().split(b"\0"):
                found.add(int(entry.name))
    return found
