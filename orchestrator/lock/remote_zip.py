"""Single members of a zip archive that lies elsewhere, from parts of it.

A wheel of 600 MB says what it was built for in a file of one kilobyte. A zip archive keeps its table of contents at its
end, so three reads are enough: the end, the rest of the table, and where the member is. `zipfile` does all the reading
of the format; this gives it a file whose bytes are fetched when they are asked for.
"""

from __future__ import annotations

import io
import lzma
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_TAIL = (1 << 16) + 22
"""Fetched with the end of the archive: the longest comment and the record before it, often the whole table."""
_AHEAD = 1 << 14
"""The least that is fetched elsewhere: the header of a member and, of a small one, all of it."""
_LARGEST_READ = 64 * 1024**2
"""No table of contents that is worth reading is larger: of a TensorFlow wheel it takes 0.4 to 3 MB."""
_LARGEST_MEMBER = 1024**2
BROKEN = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, OSError, NotImplementedError, RuntimeError,
    ValueError, OverflowError,
)  # fmt: skip
"""What `zipfile` raises for an archive that can't be read: damaged, encrypted, or packed in a way it does not know."""


class BrokenArchiveError(Exception):
    """Not a zip archive, or a damaged one, or larger inside than anything that is looked for."""


def read_members(
    part: Callable[[int, int], bytes], size: int, choose: Callable[[list[str]], Iterable[str]]
) -> dict[str, bytes]:
    """name → content of the members that `choose` picks from all names, their checksums (CRC-32) verified.

    `part(start, stop)` gives bytes of the archive, exactly as many as asked for, or raises CellError, which is passed
    on; `size` is the whole archive's. Raises BrokenArchiveError.
    """
    source = _Parts(part, size)
    try:
        with zipfile.ZipFile(source) as archive:
            chosen = [archive.getinfo(name) for name in set(choose(archive.namelist()))]
            chosen.sort(key=lambda info: info.header_offset)
            return {info.filename: _content(archive, info) for info in chosen}
    except BROKEN as error:
        raise BrokenArchiveError(f"{type(error).__name__}: {error}") from error


def _content(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    if info.file_size > _LARGEST_MEMBER:
        raise zipfile.BadZipFile(f"{info.filename} has {info.file_size} bytes")
    return archive.read(info)


class _Parts(io.RawIOBase):
    """A read-only file over `part`, which keeps the bytes it fetched last."""

    def __init__(self, part: Callable[[int, int], bytes], size: int) -> None:
        super().__init__()
        self._part = part
        self._size = size
        self._at = 0
        self._start = size
        self._held = b""

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        if origin + offset < 0:
            raise OSError("before the beginning of the archive")
        self._at = origin + offset
        return self._at

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        view = memoryview(buffer).cast("B")
        stop = min(self._at + len(view), self._size)
        if stop <= self._at:
            return 0
        if stop - self._at > _LARGEST_READ:
            raise OSError(f"{stop - self._at} bytes in one piece")
        self._hold(self._at, stop)
        content = self._held[self._at - self._start : stop - self._start]
        view[: len(content)] = content
        self._at = stop
        return len(content)

    def _hold(self, start: int, stop: int) -> None:
        """Sees to it that these bytes are held."""
        end = self._start + len(self._held)
        if self._start <= start and stop <= end:
            return
        if start < self._start < stop <= end:
            # The rest is held already: the table of contents reaches into the archive's end.
            self._held = self._part(start, self._start) + self._held
            self._start = start
            return
        if stop == self._size:
            start = max(0, min(start, self._size - _TAIL))
        stop = min(max(stop, start + _AHEAD), self._size)
        self._held = self._part(start, stop)
        self._start = start
