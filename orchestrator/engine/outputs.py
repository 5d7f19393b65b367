"""Files that a task leaves for its caller: those that it was asked for, plain ones, bounded in number and in bytes."""

from __future__ import annotations

import io
import os
import stat
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.engine.docker_daemon import troubles
from orchestrator.engine.limits import FILES
from orchestrator.model import Task

if TYPE_CHECKING:
    from docker.models.containers import Container

FOLDER = "outputs"
"""Below `/probes`; a task may write there."""
MOST = 100
BYTES = 64 * 1024 * 1024
"""All files of a task together."""
_TOO_LARGE, _NO_FILE, _ABSENT = "too large", "not a plain file", "not there"


def checked(names: Iterable[str]) -> tuple[str, ...]:
    """The names as they are. Raises ValueError for more than `MOST`, and for one that is no file's name.

    Folders on the way might be links: what is in some is packed by the task.
    """
    found = tuple(names)
    if len(found) > MOST:
        raise ValueError(f"{len(found)} outputs are more than {MOST}")
    for name in found:
        if name in ("", ".", "..") or "/" in name or "\0" in name:
            raise ValueError(f"{name!r} is not a valid file name")
    return found


def of_container(made: Container, task: Task) -> Mapping[str, Any]:
    """Fields of an `Exit`: what a container that has ended left of a task's outputs."""
    taken: list[tuple[str, bytes]] = []
    refused: list[tuple[str, str]] = []
    room = BYTES
    for name in checked(task.outputs):
        try:
            stream, known = made.get_archive(f"{FILES}/{FOLDER}/{name}")
        except troubles() as error:
            if getattr(getattr(error, "response", None), "status_code", None) != 404:
                raise
            refused.append((name, _ABSENT))
            continue
        content = _unpacked(stream, room) if int(known["size"]) <= room else _TOO_LARGE
        if isinstance(content, str):
            refused.append((name, content))
        else:
            taken.append((name, content))
            room -= len(content)
    return {"outputs": tuple(taken), "refused": tuple(refused)}


def of_folder(folder: Path, task: Task) -> Mapping[str, Any]:
    """The same of a folder on this machine."""
    taken: list[tuple[str, bytes]] = []
    refused: list[tuple[str, str]] = []
    room = BYTES
    for name in checked(task.outputs):
        content = _read(folder, name, room)
        if isinstance(content, str):
            refused.append((name, content))
        else:
            taken.append((name, content))
            room -= len(content)
    return {"outputs": tuple(taken), "refused": tuple(refused)}


def _unpacked(stream: Iterable[bytes], room: int) -> bytes | str:
    """The one file in an archive that a daemon streams, or why it is not taken."""
    archive = bytearray()
    for chunk in stream:
        archive += chunk
        if len(archive) > room + 1024 * 1024:
            return _TOO_LARGE
    with tarfile.open(fileobj=io.BytesIO(bytes(archive))) as tar:
        entry = tar.next()
        if entry is None or not entry.isfile() or tar.next() is not None:
            return _NO_FILE
        file = tar.extractfile(entry)
        content = b"" if file is None else file.read(room + 1)
    return _TOO_LARGE if len(content) > room else content


def _read(folder: Path, name: str, room: int) -> bytes | str:
    """A file in a folder, or why it is not taken. A link is not followed."""
    try:
        place = os.open(folder / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return _ABSENT
    except OSError:
        return _NO_FILE
    try:
        if not stat.S_ISREG(os.fstat(place).st_mode):
            return _NO_FILE
        with os.fdopen(os.dup(place), "rb") as file:
            content = file.read(room + 1)
    finally:
        os.close(place)
    return _TOO_LARGE if len(content) > room else content
