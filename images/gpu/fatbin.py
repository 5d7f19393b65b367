"""Which GPUs a shared object carries code for: reads the CUDA fat binaries in it.

A fat binary holds the same code for several GPUs: a header (magic 0xBA55ED50, version, length of the header, length of
what follows) and entries, each a header (kind, version, length of the header, length of the payload, …, architecture)
and its payload: PTX, which newer drivers compile, or a kernel for one architecture. NVIDIA does not document the form;
it was read off the files of TensorFlow 2.4 to 2.20. Those that nvcc or clang made are in the section .nv_fatbin; those
that TensorFlow generates with MLIR (its element-wise operations) are constants in .rodata, and may be for other GPUs
than the rest. __nv_relfatbin is left out: it is what a linker needed, and nothing at run time.

Only headers are read, so that a gigabyte takes a second or two. Standard library only, CPython 3.6 to 3.14.
"""

import collections
import mmap
import os
import struct

import elf

MAGIC = b"\x50\xed\x55\xba"
SECTIONS = (".nv_fatbin", ".rodata")
CONTAINER = "<IHHQ"  # magic, version, length of this header, length of the entries
ENTRY = "<HHIQ"  # kind, version, length of this header, length of the payload
ARCHITECTURE_AT = 28  # bytes into an entry's header
KINDS = {1: "compute_%d", 2: "sm_%d"}  # PTX, kernel
SMALLEST = 32  # bytes of an entry's header, up to and with the architecture


def sets_below(folder, deadline):
    """{frozenset of names: in how many fat binaries} of all shared objects below `folder`.

    A name is "sm_80" for a kernel, "compute_90" for PTX. A damaged file counts with what was read of it until the
    damage. Stops at the deadline with what it has.
    """
    found = collections.Counter()
    for path in sorted(_shared_objects(folder)):
        if deadline.passed():
            break
        found.update(sets(path))
    return found


def sets(path):
    """{frozenset of names: in how many fat binaries} of one shared object; empty for one without, or that is none."""
    try:
        parts = [part for part in elf.sections(path) if part.name in SECTIONS and part.size]
    except (elf.Damaged, OSError):
        return collections.Counter()
    found = collections.Counter()
    if not parts:
        return found
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        for part in parts:
            found.update(frozenset(names) for names in containers(data, part.offset, part.offset + part.size) if names)
    return found


def containers(data, start, end):
    """For each fat binary in data[start:end], the set of names in it; an empty one where the magic was chance."""
    at = data.find(MAGIC, start, end)
    while at >= 0:
        names, after = _container(data, at, end)
        yield names
        at = data.find(MAGIC, after, end)


def counted(found):
    """[count, names in order] of what `sets` found, the most frequent first."""
    return sorted(([count, in_order(names)] for names, count in found.items()), key=lambda one: (-one[0], one[1]))


def in_order(names):
    """Names by kind, kernels first, and by number."""
    return sorted(names, key=lambda name: (name.split("_")[0] != "sm", int(name.split("_")[1])))


def _container(data, at, end):
    """(names in the container at `at`, where to go on looking). A length that leads nowhere ends the container."""
    if at + struct.calcsize(CONTAINER) > end:
        return set(), end
    _, _, header, length = struct.unpack_from(CONTAINER, data, at)
    entry, stop = at + header, at + header + length
    if header < struct.calcsize(CONTAINER) or stop > end:
        return set(), at + len(MAGIC)
    names = set()
    while entry + SMALLEST <= stop:
        kind, _, header, length = struct.unpack_from(ENTRY, data, entry)
        if header < SMALLEST:
            break
        if kind in KINDS:
            names.add(KINDS[kind] % struct.unpack_from("<I", data, entry + ARCHITECTURE_AT))
        entry += header + length
    return names, stop


def _shared_objects(folder):
    """Shared objects below a folder, links left out: what they point at is there as well, or is not the folder's."""
    for place, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(place, name)
            if (name.endswith(".so") or ".so." in name) and not os.path.islink(path):
                yield path
