"""Unpacks wheels into files, on every processor at a time. Standard library only, CPython 3.6 and later.

Forks share the work through a pipe of numbers: which piece is next. A piece is a run of files; what is Python in it is
compiled as soon as it is there, while others are still being unpacked.
"""

import errno
import os
import struct
import zipfile
import zlib

from wheels import Unfit, anew

MOST_BYTES = 24 * 1024**3
"""What one layer may unpack to."""
BOMB_BYTES, BOMB_RATIO = 1024**3, 100
"""More than so many bytes, of so many times the archive's: TensorFlow's unpack to three times theirs."""
_PIECE = 4 * 1024**2
_FILE_COST = 20000
"""Bytes that could be unpacked in the time that making a file takes."""
_BUFFER = 64 * 1024
_HEADER = struct.Struct("<4s5H3L2H")
"""A member's own header (APPNOTE 4.3.7), up to the lengths of its name and of what follows that."""


def check_size(layer):
    """Raises Unfit for wheels that unpack to far more than they should."""
    total = 0
    for wheel in layer:
        size = sum(member.file_size for member, _ in wheel.files)
        packed = os.path.getsize(wheel.path)
        total += size
        if (size > BOMB_BYTES and size > BOMB_RATIO * packed) or total > MOST_BYTES:
            raise Unfit("%s unpacks from %d bytes to %d" % (wheel.name, packed, size))


def unpack(layer, then):
    """Writes the files of wheels and calls `then(path)` for each, in no order that matters.

    Where two have a file of the same name, the later one's is written. Raises Unfit and OSError.
    """
    owner = {place: wheel for wheel in layer for _, place in wheel.files}
    pieces = []
    for wheel in layer:
        pieces += _pieces(wheel, [(member, place) for member, place in wheel.files if owner[place] is wheel])
    for folder in sorted({os.path.dirname(place) for place in owner}):
        _make(folder)
    pieces.sort(key=lambda piece: -piece[0])
    if not _shared(pieces, then):
        print("bytecode is left out: compiling it crashed")
        if not _shared(pieces, lambda _: None):
            raise OSError("unpacking was killed")


def processors():
    return max(1, len(os.sched_getaffinity(0)))


def _make(folder):
    try:
        os.makedirs(folder, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise Unfit("%s would have to be a folder and a file" % ascii(error.filename)) from error


def _pieces(wheel, files):
    """(cost, wheel, files) of runs of its files; a large one is a run of its own."""
    found, run, cost = [], [], 0
    for member, place in files:
        run.append((member, place))
        cost += member.file_size + _FILE_COST
        if cost > _PIECE:
            found.append((cost, wheel, run))
            run, cost = [], 0
    return [*found, (cost, wheel, run)] if run else found


def _shared(pieces, then):
    """Has forks do the pieces, the most expensive first. Returns whether every fork came to its end."""
    queue, told = os.pipe(), os.pipe()
    forks = [_fork(pieces, then, queue, told) for _ in range(processors())]
    os.close(queue[0])
    os.close(told[1])
    try:
        for number in range(len(pieces)):
            os.write(queue[1], number.to_bytes(4, "big"))
    except BrokenPipeError:
        pass  # no fork is left, and each has said why
    os.close(queue[1])
    with open(told[0], "rb") as file:
        said = file.read().decode("utf-8", "replace")
    statuses = [os.waitpid(fork, 0)[1] for fork in forks]
    if said:
        kind, _, what = said.partition("\n")[0].partition(" ")
        raise (Unfit if kind == "unfit" else OSError)(what)
    return not any(statuses)


def _fork(pieces, then, queue, told):
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        os.close(queue[1])
        for number in iter(lambda: os.read(queue[0], 4), b""):
            _, wheel, files = pieces[int.from_bytes(number, "big")]
            _write(wheel, files, then)
        code = 0
    except Unfit as error:
        os.write(told[1], ("unfit %s\n" % error).encode("ascii", "replace"))
    except OSError as error:
        os.write(told[1], ("machine %s\n" % error).encode("ascii", "replace"))
    finally:
        os._exit(code)


def _write(wheel, files, then):
    """Writes a run of files. Raises Unfit for an archive that does not hold what it lists."""
    with open(wheel.path, "rb", buffering=0) as archive:
        for member, place in files:
            mode = 0o755 if member.external_attr >> 16 & 0o111 else 0o644
            try:
                with anew(place, mode) as target:
                    for part in _content(archive, member):
                        target.write(part)
            except (zlib.error, ValueError) as error:
                raise Unfit("%s: %s can't be unpacked: %s" % (wheel.name, ascii(member.filename), error)) from error
            except (IsADirectoryError, NotADirectoryError, FileExistsError) as error:
                raise Unfit("%s would have to be a folder and a file" % ascii(error.filename)) from error
            except OSError as error:
                if error.errno == errno.ENAMETOOLONG:
                    raise Unfit("%s: %s is too long a name" % (wheel.name, ascii(member.filename)[:200])) from error
                raise
    for _, place in files:
        then(place)


def _content(archive, member):
    """The bytes of a member, part by part, without zipfile's own copies: half of the time.

    Raises ValueError where they are not those that the archive lists: never more of them, never another checksum.
    """
    header = os.pread(archive.fileno(), _HEADER.size, member.header_offset)
    if len(header) < _HEADER.size or header[:4] != b"PK\3\4":
        raise ValueError("no such file in the archive")
    name, extra = _HEADER.unpack(header)[-2:]
    at = member.header_offset + _HEADER.size + name + extra
    inflate = zlib.decompressobj(-zlib.MAX_WBITS).decompress if member.compress_type == zipfile.ZIP_DEFLATED else bytes
    size, checksum = 0, 0
    for start in range(at, at + member.compress_size, _BUFFER):
        part = inflate(os.pread(archive.fileno(), min(_BUFFER, at + member.compress_size - start), start))
        size += len(part)
        if size > member.file_size:
            raise ValueError("it is larger than it says")
        checksum = zlib.crc32(part, checksum)
        yield part
    if (size, checksum) != (member.file_size, member.CRC):
        raise ValueError("it is not what the archive lists")
