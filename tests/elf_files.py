"""Makes small ELF shared objects for tests: real ones that the loader takes, without a compiler."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from pathlib import Path

PAGE = 0x1000
NEEDED, HASH, STRTAB, SYMTAB, RELA, RELASZ, RELAENT, STRSZ, SYMENT, SONAME = 1, 4, 5, 6, 7, 8, 9, 10, 11, 14
RPATH, REL, RELSZ, RELENT, RUNPATH = 15, 17, 18, 19, 29
GNU_HASH, VERSYM, VERDEF, VERDEFNUM, VERNEED, VERNEEDNUM = (
    0x6FFFFEF5,
    0x6FFFFFF0,
    0x6FFFFFFC,
    0x6FFFFFFD,
    0x6FFFFFFE,
    0x6FFFFFFF,
)
GLOB_DAT = 6
"""The relocation that fills a slot with a symbol's address; it has this number on x86-64 and on i386."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SharedObject:
    """What a shared object should say of itself.

    A symbol is "name" or "name@VERSION"; the version of an undefined one is asked of the first file in `needed`.
    `undefined` symbols are relocated against, so that loading really fails without them; `weak` ones may stay absent.
    `gnu_hash`: the symbol count stands in DT_GNU_HASH, as in files of today, and not in DT_HASH.
    """

    soname: str = ""
    needed: tuple[str, ...] = ()
    rpath: str = ""
    runpath: str = ""
    undefined: tuple[str, ...] = ()
    weak: tuple[str, ...] = ()
    defined: tuple[str, ...] = ()
    bits: int = 64
    gnu_hash: bool = False
    sections: tuple[tuple[str, bytes], ...] = ()

    def write(self, path: Path) -> Path:
        """Writes it, with the folders above it."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.content())
        return path

    def content(self) -> bytes:
        return _Builder(self).content()


@dataclass(slots=True)
class _Strings:
    """A string table; every text gets its place once."""

    data: bytearray = field(default_factory=lambda: bytearray(b"\0"))

    def place(self, text: str) -> int:
        encoded = text.encode() + b"\0"
        if encoded not in self.data:
            self.data += encoded
            return len(self.data) - len(encoded)
        return self.data.index(encoded)


class _Builder:
    """One segment holds the whole file at address 0, so that a file offset is an address."""

    def __init__(self, wanted: SharedObject) -> None:
        self.wanted = wanted
        self.wide = wanted.bits == 64
        self.word = "Q" if self.wide else "I"
        self.strings = _Strings()
        self.out = bytearray((64 + 3 * 56) if self.wide else (52 + 3 * 32))
        self.tags: list[tuple[int, int]] = []
        undefined = [(name, 1) for name in wanted.undefined] + [(name, 2) for name in wanted.weak]
        self.symbols = [(*name.partition("@")[::2], binding, False) for name, binding in undefined]
        self.symbols += [(*name.partition("@")[::2], 1, True) for name in wanted.defined]

    def add(self, data: bytes) -> int:
        """Puts bytes at the next place that is a multiple of 16, and returns it."""
        self.out += b"\0" * (-len(self.out) % 16)
        self.out += data
        return len(self.out) - len(data)

    def content(self) -> bytes:
        wanted = self.wanted
        for tag, text in ((SONAME, wanted.soname), (RPATH, wanted.rpath), (RUNPATH, wanted.runpath)):
            if text:
                self.tags.append((tag, self.strings.place(text)))
        self.tags += [(NEEDED, self.strings.place(name)) for name in wanted.needed]
        self.symbol_table()
        self.hash_table()
        self.relocations()
        self.versions()
        table = self.add(bytes(self.strings.data))
        self.tags += [(STRTAB, table), (STRSZ, len(self.strings.data)), (0, 0)]
        dynamic = self.add(b"".join(struct.pack("<" + self.word * 2, *tag) for tag in self.tags))
        sections = self.section_headers()
        self.headers(dynamic, len(self.tags) * struct.calcsize("<" + self.word * 2), sections)
        return bytes(self.out)

    def symbol_table(self) -> None:
        entries = [self.symbol(0, 0, 0)]
        for name, _, binding, here in self.symbols:
            entries.append(self.symbol(self.strings.place(name), (binding << 4) | 1, 1 if here else 0))
        self.tags += [(SYMTAB, self.add(b"".join(entries))), (SYMENT, len(entries[0]))]

    def symbol(self, name: int, info: int, section: int) -> bytes:
        value = PAGE // 16 if section else 0  # any address inside the file; nobody calls it
        if self.wide:
            return struct.pack("<IBBHQQ", name, info, 0, section, value, 8 if section else 0)
        return struct.pack("<IIIBBH", name, value, 8 if section else 0, info, 0, section)

    def hash_table(self) -> None:
        """DT_HASH or DT_GNU_HASH with a single bucket."""
        count = len(self.symbols) + 1
        first = 1 + sum(1 for *_, here in self.symbols if not here)
        if not self.wanted.gnu_hash:
            chain = [*range(2, count), 0] if count > 1 else []
            table = struct.pack(f"<II I {count}I", 1, count, 1 if count > 1 else 0, 0, *chain)
            self.tags.append((HASH, self.add(table)))
            return
        hashes = [_gnu_hash(name) & ~1 for name, _, _, here in self.symbols if here]
        if hashes:
            hashes[-1] |= 1
        bloom = struct.pack("<" + self.word, (1 << self.wanted.bits) - 1)
        table = struct.pack("<IIII", 1, first, 1, 0) + bloom + struct.pack("<I", first if hashes else 0)
        self.tags.append((GNU_HASH, self.add(table + struct.pack(f"<{len(hashes)}I", *hashes))))

    def relocations(self) -> None:
        numbers = [index for index, (*_, here) in enumerate(self.symbols, 1) if not here]
        if not numbers:
            return
        slots = self.add(b"\0" * 8 * len(numbers))
        if self.wide:
            parts = [struct.pack("<QQq", slots + 8 * i, (n << 32) | GLOB_DAT, 0) for i, n in enumerate(numbers)]
        else:
            parts = [struct.pack("<II", slots + 8 * i, (n << 8) | GLOB_DAT) for i, n in enumerate(numbers)]
        table, size, step = (RELA, RELASZ, RELAENT) if self.wide else (REL, RELSZ, RELENT)
        self.tags += [(table, self.add(b"".join(parts))), (size, sum(map(len, parts))), (step, len(parts[0]))]

    def versions(self) -> None:
        """Version tables, where a symbol names a version."""
        own = sorted({version for _, version, _, here in self.symbols if here and version})
        others = sorted({version for _, version, _, here in self.symbols if not here and version})
        if not own and not others:
            return
        number = {(version, True): 2 + i for i, version in enumerate(own)}
        number |= {(version, False): 2 + len(own) + i for i, version in enumerate(others)}
        table = [0] + [number.get((version, here), 1) for _, version, _, here in self.symbols]
        self.tags.append((VERSYM, self.add(struct.pack(f"<{len(table)}H", *table))))
        if own:
            self.define([(self.wanted.soname, 1, 1)] + [(name, 0, number[name, True]) for name in own])
        if others:
            self.require([(name, number[name, False]) for name in others])

    def define(self, versions: list[tuple[str, int, int]]) -> None:
        parts = []
        for index, (name, flags, number) in enumerate(versions):
            step = 28 if index + 1 < len(versions) else 0
            parts.append(struct.pack("<HHHHIII", 1, flags, number, 1, _sysv_hash(name), 20, step))
            parts.append(struct.pack("<II", self.strings.place(name), 0))
        self.tags += [(VERDEF, self.add(b"".join(parts))), (VERDEFNUM, len(versions))]

    def require(self, versions: list[tuple[str, int]]) -> None:
        parts = [struct.pack("<HHIII", 1, len(versions), self.strings.place(self.wanted.needed[0]), 16, 0)]
        for index, (name, number) in enumerate(versions):
            step = 16 if index + 1 < len(versions) else 0
            parts.append(struct.pack("<IHHII", _sysv_hash(name), 0, number, self.strings.place(name), step))
        self.tags += [(VERNEED, self.add(b"".join(parts))), (VERNEEDNUM, 1)]

    def section_headers(self) -> int:
        """Sections hold nothing that the loader reads. Returns where their headers are, 0 for none."""
        if not self.wanted.sections:
            return 0
        names = _Strings()
        shape = "<II" + self.word * 4 + "II" + self.word * 2
        headers = [struct.pack(shape, *[0] * 10)]
        for name, data in self.wanted.sections:
            at = self.add(data)
            headers.append(struct.pack(shape, names.place(name), 1, 0, 0, at, len(data), 0, 0, 1, 0))
        place = names.place(".shstrtab")
        at = self.add(bytes(names.data))
        headers.append(struct.pack(shape, place, 3, 0, 0, at, len(names.data), 0, 0, 1, 0))
        return self.add(b"".join(headers))

    def headers(self, dynamic: int, length: int, sections: int) -> None:
        size = len(self.out)
        entries = [(1, 6, 0, size, PAGE), (2, 6, dynamic, length, 8), (0x6474E551, 6, 0, 0, 16)]  # load, dynamic, stack
        start, step, section_step = (64, 56, 64) if self.wide else (52, 32, 40)
        count = len(self.wanted.sections) + 2 if sections else 0
        self.out[:16] = b"\x7fELF" + bytes([2 if self.wide else 1, 1, 1, 0]) + bytes(8)
        fixed = (3, 62 if self.wide else 3, 1, 0, start, sections, 0, start, step, 3, section_step, count)
        struct.pack_into("<HHI" + self.word * 3 + "I6H", self.out, 16, *fixed, max(count - 1, 0))
        for index, (kind, flags, at, length_of, align) in enumerate(entries):
            if self.wide:
                entry = struct.pack("<IIQQQQQQ", kind, flags, at, at, at, length_of, length_of, align)
            else:
                entry = struct.pack("<IIIIIIII", kind, at, at, at, length_of, length_of, flags, align)
            self.out[start + index * step : start + (index + 1) * step] = entry


def _gnu_hash(name: str) -> int:
    value = 5381
    for byte in name.encode():
        value = (value * 33 + byte) & 0xFFFFFFFF
    return value


def _sysv_hash(name: str) -> int:
    value = 0
    for byte in name.encode():
        value = (value << 4) + byte
        high = value & 0xF0000000
        value = (value ^ (high >> 24)) & ~high & 0xFFFFFFFF
    return value
