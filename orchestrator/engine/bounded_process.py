"""Questions that can't hang: a program that is ended when its time is up, and several questions at a time."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, Generic, TypeVar

from orchestrator.model.host import Reply, Response

T = TypeVar("T")

_MOST = 64 * 1024
"""Bytes that most answers fit in; a program that prints more prints something else."""
_LOOK_SECONDS = 0.1
_END_SECONDS = 1.0
_SHOWN = 2000


@dataclass(frozen=True, kw_only=True, slots=True)
class ProcessOutput:
    """What a program printed on its standard output, and how it ended."""

    answer: Response
    text: str = ""


def run(command: Sequence[str], seconds: float, environment: Mapping[str, str], most: int = _MOST) -> ProcessOutput:
    """Runs a program to its end, for at most `seconds`, and never longer than a second beyond.

    It is a process group of its own, which is killed whole where the program has not ended by itself; a process that
    a hung driver keeps from dying is left behind. Anything but exit status 0 is `failed`, with what it wrote as
    `said`; output of `most` bytes or more is `unreadable`.
    """
    began = time.monotonic()
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=dict(environment),
            start_new_session=True,
        )
    except OSError as error:
        reply = {FileNotFoundError: Reply.ABSENT, PermissionError: Reply.DENIED}.get(type(error), Reply.FAILED)
        return ProcessOutput(answer=Response(reply=reply, said=error.strerror or ""))
    kept: tuple[bytearray, bytearray] = (bytearray(), bytearray())
    try:
        whole = _read(process, kept, began + seconds, most)
        ended = process.poll() is not None or (whole and _ends(process, began + seconds))
    finally:
        _end(process)
    text, beside = (bytes(part).decode("utf-8", "replace") for part in kept)
    words = f"{text.strip()}\n{beside.strip()}".strip()[:_SHOWN]
    taken = time.monotonic() - began
    if len(kept[0]) + len(kept[1]) >= most:
        return ProcessOutput(answer=Response(reply=Reply.UNREADABLE, said=words, seconds=taken))
    if not ended:
        return ProcessOutput(answer=Response(reply=Reply.SILENT, said=words, seconds=seconds), text=text)
    if process.returncode:
        return ProcessOutput(
            answer=Response(reply=Reply.FAILED, said=words, seconds=taken, code=process.returncode), text=text
        )
    return ProcessOutput(answer=Response(reply=Reply.ANSWERED, seconds=taken, code=0), text=text)


def _read(process: subprocess.Popen[bytes], kept: tuple[bytearray, bytearray], deadline: float, most: int) -> bool:
    """Reads both outputs; returns whether both came to their end.

    One that a child of the program holds open ends for us when the program does.
    """
    streams: list[IO[bytes]] = [s for s in (process.stdout, process.stderr) if s is not None]
    with selectors.DefaultSelector() as waiting:
        for stream, part in zip(streams, kept, strict=True):
            waiting.register(stream, selectors.EVENT_READ, part)
        while waiting.get_map() and (left := deadline - time.monotonic()) > 0:
            gone = process.poll() is not None
            ready = waiting.select(0 if gone else min(left, _LOOK_SECONDS))
            if gone and not ready:
                return False
            for key, _ in ready:
                chunk = os.read(key.fd, _MOST)
                key.data.extend(chunk)
                if not chunk:
                    waiting.unregister(key.fileobj)
            if len(kept[0]) + len(kept[1]) >= most:
                return False
        return not waiting.get_map()


def _ends(process: subprocess.Popen[bytes], deadline: float) -> bool:
    """Whether a program that closed its outputs ends in time."""
    try:
        process.wait(timeout=max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        return False
    return True


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=_END_SECONDS)
    for stream in (process.stdout, process.stderr):
        if stream is not None:
            stream.close()


class BoundedCall(Generic[T]):
    """A function that runs beside others; one that does not return in time is no longer waited for.

    Its thread is a daemon's: it never keeps this process from ending.
    """

    def __init__(self, function: Callable[[], T]) -> None:
        self._found: list[T] = []
        self._raised: list[BaseException] = []
        self._thread = threading.Thread(target=self._run, args=(function,), daemon=True)
        self._thread.start()

    def _run(self, function: Callable[[], T]) -> None:
        try:
            self._found.append(function())
        except BaseException as error:  # noqa: BLE001 - raised again where the answer is asked for
            self._raised.append(error)

    def answer(self, deadline: float, otherwise: T) -> T:
        """What the function returned or, where it has not by `deadline` (of the monotonic clock), `otherwise`.

        Raises what the function raised.
        """
        self._thread.join(max(0.0, deadline - time.monotonic()))
        if self._raised:
            raise self._raised[0]
        return self._found[0] if self._found else otherwise
