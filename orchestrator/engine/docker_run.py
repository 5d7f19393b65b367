"""One container from creation to removal: confined, watched line by line, destroyed on every path."""

from __future__ import annotations

import io
import queue
import tarfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from orchestrator.engine import outputs
from orchestrator.engine.docker_daemon import DaemonConnection, troubles
from orchestrator.engine.limits import FILES
from orchestrator.errors import Phase
from orchestrator.model import Exit, Limits, Task

if TYPE_CHECKING:
    from docker.models.containers import Container
    from docker.types.daemon import CancellableStream

LINE_BYTES = 1024 * 1024
"""A longer line is cut here: what follows it up to its end is dropped."""
_STDERR_BYTES = 64 * 1024
_POLL_SECONDS = 0.2


@dataclass(kw_only=True, slots=True)
class Lines:
    """Puts chunks together to lines and hands each over once it is whole."""

    on_line: Callable[[bytes], None]
    _held: bytearray = field(default_factory=bytearray)

    def feed(self, chunk: bytes) -> None:
        *whole, rest = chunk.split(b"\n")
        for part in whole:
            self._add(part)
            self.on_line(bytes(self._held))
            self._held.clear()
        self._add(rest)

    def close(self) -> None:
        """Hands over a last line without an end."""
        if self._held:
            self.on_line(bytes(self._held))
            self._held.clear()

    def _add(self, part: bytes) -> None:
        self._held += part[: LINE_BYTES - len(self._held)]


@dataclass(kw_only=True, slots=True)
class _ContainerWatch:
    """What is known of a container while it is watched."""

    began: float
    heard: float
    stderr: bytearray = field(default_factory=bytearray)
    timed_out: bool = False
    silent: bool = False
    stopped: bool = False
    lost: str = ""

    def over(self, limits: Limits, stopping: threading.Event) -> bool:
        """Notes which limit is passed, if one is."""
        now = time.monotonic()
        self.timed_out = now - self.began > limits.cell_seconds
        self.silent = not self.timed_out and now - self.heard > limits.silence_seconds
        self.stopped = stopping.is_set()
        return self.timed_out or self.silent or self.stopped


def archive(files: Mapping[str, bytes] | tuple[tuple[str, bytes], ...], *, writable: str = "") -> bytes:
    """A tar of files below `/probes`, owners, modes and times normalised, and an empty folder that anybody may write.

    Raises ValueError for a path outside.
    """
    contents = dict(files)
    folders: set[str] = set()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        if writable:
            tar.addfile(_folder(writable, 0o1777))
        for name in sorted(contents):
            path = PurePosixPath(name)
            path = path.relative_to(FILES) if path.is_absolute() else path
            if ".." in path.parts or not path.parts:
                raise ValueError(f"{name!r} is not a path below {FILES}")
            for parent in reversed(path.parents[:-1]):
                if str(parent) not in folders:
                    folders.add(str(parent))
                    tar.addfile(_folder(str(parent), 0o755))
            entry = tarfile.TarInfo(str(path))
            entry.size, entry.mode = len(contents[name]), 0o644
            tar.addfile(entry, io.BytesIO(contents[name]))
    return buffer.getvalue()


def _folder(name: str, mode: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode = tarfile.DIRTYPE, mode
    return entry


def devices(task: Task) -> dict[str, Any]:
    """Keyword arguments of the SDK's `containers.create` that hand a container the machine's GPUs: none unless asked.

    As `--gpus all`, with what computing needs of the driver named: toolkits differ in what they mount unasked.
    """
    from docker.types import DeviceRequest

    if not task.gpus:
        return {}
    return {"device_requests": [DeviceRequest(count=-1, capabilities=[["gpu", "compute", "utility"]])]}


@contextmanager
def container(daemon: DaemonConnection, image: str, options: Mapping[str, Any], left: set[str]) -> Iterator[Any]:
    """A created container; killed and removed with its volume on the way out, whatever the way.

    One that the daemon would not remove is noted in `left`, for `reap`.
    """
    with daemon.guarded(Phase.START):
        made = daemon.client.containers.create(image, **options)
    try:
        yield made
    finally:
        try:
            made.remove(force=True, v=True)
        except troubles() as error:
            if getattr(getattr(error, "response", None), "status_code", None) != 404:
                left.add(made.id)


def watch(daemon: DaemonConnection, made: Container, task: Task, on_line: Callable[[bytes], None]) -> Exit:
    """Starts a created container and hands over its lines until it ends or passes a limit."""
    with daemon.guarded(Phase.START):
        if task.files or task.outputs:
            made.put_archive(FILES, archive(task.files, writable=outputs.FOLDER if task.outputs else ""))
        stream = made.attach(stdout=True, stderr=True, stream=True, logs=True, demux=True)
        chunks: queue.Queue[tuple[bytes | None, bytes | None] | None] = queue.Queue(maxsize=1024)
        done = threading.Event()
        reader = threading.Thread(target=_read, args=(stream, chunks, done), name="attach", daemon=True)
        reader.start()
        try:
            made.start()
        except BaseException:
            done.set()
            _close(stream)
            raise
    began = time.monotonic()
    state = _ContainerWatch(began=began, heard=began)
    try:
        _follow(state, chunks, task.limits, Lines(on_line=on_line), daemon.stopping)
        return _exit(daemon, made, state, task.limits)
    finally:
        done.set()
        _close(stream)
        reader.join(timeout=5)


def _close(stream: CancellableStream) -> None:
    """Ends a stream that may still be read: the SDK leaves its connection to the caller (`_read_from_socket`)."""
    with suppress(*troubles(), AttributeError):
        stream.close()
    with suppress(*troubles()):
        stream._response.close()


def _read(stream: CancellableStream, chunks: queue.Queue[Any], done: threading.Event) -> None:
    """Reads the attached stream in a thread of its own, so that the watcher keeps its limits while nothing comes."""
    # ValueError: read after `_close`, from another thread.
    with suppress(*troubles(), ValueError):
        for chunk in stream:
            if not _put(chunks, chunk, done):
                return
    _put(chunks, None, done)


def _put(chunks: queue.Queue[Any], chunk: object, done: threading.Event) -> bool:
    while not done.is_set():
        try:
            chunks.put(chunk, timeout=_POLL_SECONDS)
        except queue.Full:
            continue
        return True
    return False


def _follow(
    state: _ContainerWatch, chunks: queue.Queue[Any], limits: Limits, lines: Lines, stopping: threading.Event
) -> None:
    """Hands lines over until the stream ends or a limit is passed."""
    while not state.over(limits, stopping):
        try:
            chunk = chunks.get(timeout=_POLL_SECONDS)
        except queue.Empty:
            continue
        if chunk is None:
            break
        state.heard = time.monotonic()
        stdout, stderr = chunk
        if stdout:
            lines.feed(stdout)
        if stderr:
            state.stderr += stderr
            del state.stderr[:-_STDERR_BYTES]
    lines.close()


def _exit(daemon: DaemonConnection, made: Container, state: _ContainerWatch, limits: Limits) -> Exit:
    """Waits for the end within the limits (a process may close its outputs and live on), kills what passed them."""
    code: int | None = None
    oom = False
    try:
        made.reload()
        while made.attrs["State"]["Running"] and not state.over(limits, daemon.stopping):
            time.sleep(_POLL_SECONDS)
            made.reload()
        if made.attrs["State"]["Running"]:
            made.kill()
            made.wait(timeout=30)
            made.reload()
        code, oom = made.attrs["State"]["ExitCode"], bool(made.attrs["State"]["OOMKilled"])
    except troubles() as error:
        state.lost = f"the daemon does not answer: {str(error)[:300]}"
    if state.stopped:
        state.lost = "the run was stopped"
    return Exit(
        code=None if state.lost else code,
        seconds=time.monotonic() - state.began,
        timed_out=state.timed_out,
        silent=state.silent,
        oom_killed=oom,
        lost=state.lost,
        stderr=state.stderr.decode("utf-8", "replace"),
    )
