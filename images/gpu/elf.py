"""Reads what the loader reads of a shared object: class, names, what it needs, which symbols it defines and lacks.

Standard library only, CPython 3.6 to 3.14. Written after the System V ABI's chapters 4 and 5 and the GNU extensions
that the Linux Standard Base describes (symbol versions, DT_GNU_HASH). Every offset comes out of the file and is
checked against its size, so that a cut or damaged file ends as `Damaged`, with a reason, and as nothing else.
"""

import collections
import contextlib
import mmap
import struct

NEEDED, HASH, STRTAB, SYMTAB, STRSZ, SONAME, RPATH, RUNPATH = 1, 4, 5, 6, 10, 14, 15, 29
GNU_HASH, VERSYM, VERDEF, VERDEFNUM = 0x6FFFFEF5, 0x6FFFFFF0, 0x6FFFFFFC, 0x6FFFFFFD
VERNEED, VERNEEDNUM = 0x6FFFFFFE, 0x6FFFFFFF
PT_LOAD, PT_DYNAMIC = 1, 2
SHT_NOBITS = 8
MOST_SYMBOLS = 5000000
MOST_VERSIONS = 65536
MACHINES = {3: "x86", 40: "arm", 62: "x86-64", 183: "aarch64", 21: "ppc64", 243: "riscv"}

Section = collections.namedtuple("Section", "name offset size")
Undefined = collections.namedtuple("Undefined", "name version")


class Damaged(Exception):
    """A file that is no whole ELF object; the message says what is wrong with it."""


class Object:
    """One shared object, as far as its dynamic section tells.

    `bits` 64 or 32; `machine` "x86-64"; `soname` "" where it has none; `needed` sonames in order; `rpath`, `runpath`
    folders as written ($ORIGIN unresolved); `undefined` the symbols it needs from others (weak ones left out, for
    nobody must have them); `defined` {name: versions}, where "" is a definition without version.
    """

    def __init__(self, path, layout):
        self.path = path
        self.bits = layout.bits
        self.machine = layout.machine
        tags = _dynamic(layout)
        self.soname = next(iter(tags.strings(SONAME)), "")
        self.needed = tags.strings(NEEDED)
        self.rpath = [folder for text in tags.strings(RPATH) for folder in text.split(":") if folder]
        self.runpath = [folder for text in tags.strings(RUNPATH) for folder in text.split(":") if folder]
        self.undefined, self.defined = _symbols(layout, tags)


def read(path):
    """The `Object` at `path`. Raises Damaged, and OSError where the file can't be read at all."""
    with _opened(path) as layout:
        return Object(path, layout)


def sections(path):
    """The file's sections that take room in it, [Section]. Raises as `read` does."""
    with _opened(path) as layout:
        return layout.sections()


def lacking(asking, providers):
    """What `asking` needs and none of `providers` defines: sorted names, "name@VERSION" where only the version lacks.

    A definition without a version serves every request, a request without one takes any definition.
    """
    missing = set()
    for symbol in asking.undefined:
        versions = [provider.defined[symbol.name] for provider in providers if symbol.name in provider.defined]
        if not versions:
            missing.add(symbol.name)
        elif symbol.version and not any("" in some or symbol.version in some for some in versions):
            missing.add("%s@%s" % (symbol.name, symbol.version))
    return sorted(missing)


@contextlib.contextmanager
def _opened(path):
    """The file's `_Layout`, mapped and not read, for the time of the block."""
    with open(path, "rb") as file:
        try:
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except ValueError:
            raise Damaged("the file is empty") from None
        try:
            yield _Layout(data)
        finally:
            data.close()


class _Layout:
    """Where things are in one file: header, segments, sections; all reading goes through `take`."""

    def __init__(self, data):
        self.data = data
        self.size = len(data)
        if data[:4] != b"\x7fELF":
            raise Damaged("not an ELF file: it begins with %r" % bytes(data[:4]))
        if self.size < 20:
            raise Damaged("cut off after %d bytes, in the ELF header" % self.size)
        self.bits = {1: 32, 2: 64}.get(data[4])
        self.order = {1: "<", 2: ">"}.get(data[5])
        if self.bits is None or self.order is None:
            raise Damaged("unknown ELF class or byte order: %d, %d" % (data[4], data[5]))
        self.word = "Q" if self.bits == 64 else "I"
        self.machine = MACHINES.get(self.take("HH", 16)[1], "machine %d" % self.take("HH", 16)[1])
        header = self.take("%sI6H" % (self.word * 3), 24)
        _, self.phoff, self.shoff, _, _, self.phentsize, self.phnum, self.shentsize, self.shnum, self.shstrndx = header
        self.segments = [self._segment(index) for index in range(self.phnum)]
        for kind, offset, _, length in self.segments:
            if kind == PT_LOAD and offset + length > self.size:
                raise Damaged("cut off: it has %d bytes, and should go on to %d" % (self.size, offset + length))

    def take(self, shape, offset):
        """Unpacks `shape` at a file offset. Raises Damaged where the file ends before."""
        shape = self.order + shape
        if offset < 0 or offset + struct.calcsize(shape) > self.size:
            raise Damaged("cut off: it has %d bytes, and something should be at %d" % (self.size, offset))
        return struct.unpack_from(shape, self.data, offset)

    def _segment(self, index):
        """(kind, file offset, address, bytes in the file) of one program header."""
        at = self.phoff + index * self.phentsize
        if self.bits == 64:
            kind, _, offset, address, _, length = self.take("IIQQQQ", at)
        else:
            kind, offset, address, _, length = self.take("IIIII", at)
        return kind, offset, address, length

    def offset_of(self, address):
        """Where in the file an address of memory comes from. Raises Damaged for one that no segment holds."""
        for kind, offset, start, length in self.segments:
            if kind == PT_LOAD and start <= address < start + length:
                return offset + address - start
        raise Damaged("address %#x is in no segment of the file" % address)

    def text(self, offset):
        """The zero-ended string at a file offset. Raises Damaged where there is no end to it."""
        end = self.data.find(b"\0", offset, min(self.size, offset + 4096)) if 0 <= offset < self.size else -1
        if end < 0:
            raise Damaged("a name should be at %d and is not" % offset)
        return self.data[offset:end].decode("utf-8", "replace")

    def sections(self):
        """Sections with their names; those without bytes in the file (.bss) are left out."""
        found = []
        headers = [self._section(index) for index in range(self.shnum if self.shoff else 0)]
        if not headers or self.shstrndx >= len(headers):
            return found
        names = headers[self.shstrndx][2]
        for name, kind, offset, length in headers:
            if kind in (0, SHT_NOBITS):
                continue
            if offset + length > self.size:
                raise Damaged("cut off: it has %d bytes, and a section ends at %d" % (self.size, offset + length))
            found.append(Section(self.text(names + name), offset, length))
        return found

    def _section(self, index):
        """(offset of the name, kind, file offset, length) of one section header."""
        at = self.shoff + index * self.shentsize
        name, kind, _, _, offset, length = self.take("II%s" % (self.word * 4), at)
        return name, kind, offset, length


class _Tags:
    """The entries of a dynamic section: {tag: [values]}."""

    def __init__(self, layout, values):
        self.layout = layout
        self.values = values

    def first(self, tag):
        """The value of a tag, None where it is not there."""
        return self.values.get(tag, [None])[0]

    def string(self, index):
        return self.layout.text(self.layout.offset_of(self.first(STRTAB)) + index)

    def strings(self, tag):
        if tag in self.values and STRTAB not in self.values:
            raise Damaged("its dynamic section has names and no string table")
        return [self.string(value) for value in self.values.get(tag, [])]


def _dynamic(layout):
    """The dynamic section. Raises Damaged where there is none, for then the loader has nothing to load."""
    for kind, offset, _, length in layout.segments:
        if kind != PT_DYNAMIC:
            continue
        step = struct.calcsize(layout.order + layout.word * 2)
        values = collections.defaultdict(list)
        for at in range(offset, offset + length, step):
            tag, value = layout.take(layout.word * 2, at)
            if tag == 0:
                break
            values[tag].append(value)
        return _Tags(layout, dict(values))
    raise Damaged("it has no dynamic section: not a shared object")


def _symbols(layout, tags):
    """([Undefined], {name: set of versions}) of the dynamic symbol table."""
    undefined, defined = [], {}
    if tags.first(SYMTAB) is None:
        return undefined, defined
    start = layout.offset_of(tags.first(SYMTAB))
    strings = layout.offset_of(tags.first(STRTAB))
    shape, step = ("IBBHQQ", 24) if layout.bits == 64 else ("IIIBBH", 16)
    versions = _Versions(layout, tags)
    for index in range(1, _count(layout, tags)):
        entry = layout.take(shape, start + index * step)
        info, section = (entry[1], entry[3]) if layout.bits == 64 else (entry[3], entry[5])
        name = layout.text(strings + entry[0])
        if section == 0:
            if info >> 4 == 1 and name:  # STB_GLOBAL; 2 would be a weak one
                undefined.append(Undefined(name, versions.needed(index)))
        elif info >> 4 != 0:
            defined.setdefault(name, set()).add(versions.defined(index))
    return undefined, defined


def _count(layout, tags):
    """How many symbols there are: only the hash tables say so."""
    if tags.first(HASH) is not None:
        count = layout.take("II", layout.offset_of(tags.first(HASH)))[1]
    elif tags.first(GNU_HASH) is not None:
        count = _count_gnu(layout, layout.offset_of(tags.first(GNU_HASH)))
    else:
        count = 0
    if count > MOST_SYMBOLS:
        raise Damaged("it claims %d symbols" % count)
    return count


def _count_gnu(layout, at):
    """The index after the last symbol in a DT_GNU_HASH table; undefined symbols come before the hashed ones."""
    buckets, first, bloom, _ = layout.take("IIII", at)
    if max(buckets, bloom) > MOST_SYMBOLS:
        raise Damaged("its hash table claims %d buckets" % max(buckets, bloom))
    at += 16 + bloom * (layout.bits // 8)
    last = max(layout.take("%dI" % buckets, at)) if buckets else 0
    if last < first:
        return first
    chains = at + 4 * buckets
    while not layout.take("I", chains + 4 * (last - first))[0] & 1:
        last += 1
    return last + 1


class _Versions:
    """Names of the versions that symbols are defined with or asked for."""

    def __init__(self, layout, tags):
        self.layout = layout
        self.at = layout.offset_of(tags.first(VERSYM)) if tags.first(VERSYM) is not None else None
        self.own = dict(self._definitions(tags)) if self.at is not None else {}
        self.others = dict(self._requirements(tags)) if self.at is not None else {}

    def needed(self, index):
        return self.others.get(self._number(index), "")

    def defined(self, index):
        return self.own.get(self._number(index), "")

    def _number(self, index):
        """The version number of a symbol: 0 and 1 are none, the highest bit hides a definition from new programs."""
        return self.layout.take("H", self.at + 2 * index)[0] & 0x7FFF if self.at is not None else 0

    def _definitions(self, tags):
        if tags.first(VERDEF) is None:
            return
        at = self.layout.offset_of(tags.first(VERDEF))
        for _ in range(min(tags.first(VERDEFNUM) or 0, MOST_VERSIONS)):
            _, flags, number, _, _, auxiliary, step = self.layout.take("HHHHIII", at)
            if not flags & 1:  # VER_FLG_BASE names the file itself
                yield number & 0x7FFF, tags.string(self.layout.take("I", at + auxiliary)[0])
            if not step:
                break
            at += step

    def _requirements(self, tags):
        if tags.first(VERNEED) is None:
            return
        at = self.layout.offset_of(tags.first(VERNEED))
        for _ in range(min(tags.first(VERNEEDNUM) or 0, MOST_VERSIONS)):
            _, count, _, auxiliary, step = self.layout.take("HHIII", at)
            entry = at + auxiliary
            for _ in range(count):
                _, _, number, name, following = self.layout.take("IHHII", entry)
                yield number & 0x7FFF, tags.string(name)
                if not following:
                    break
                entry += following
            if not step:
                break
            at += step
