"""A folder of libraries that somebody names: what is in it, and what is wrong with it, file by file."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from orchestrator.model import digest

BELOW = (".", "lib64", "lib", "targets/x86_64-linux/lib")
"""Where below a folder its libraries may lie: a toolkit's own folder is understood as well."""
_SHARED = re.compile(r"lib[A-Za-z0-9._+-]+\.so(\.[0-9]+)*", re.ASCII)
_HEADER = 20
_ELF, _CLASS_64, _LITTLE = b"\x7fELF", 2, 1
_SHARED_OBJECT, _X86_64 = 3, 62
"""Values of e_type and e_machine (System V ABI, "ELF Header"; AMD64 supplement)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LibraryFolder:
    """`files` are those to copy, relative to the folder, `identity` the digest of their names and contents; `wrong`
    what keeps the folder from being used, a sentence for each file.
    """

    files: tuple[str, ...] = ()
    identity: str = ""
    wrong: tuple[str, ...] = ()


def examine(folder: str, sonames: Iterable[str]) -> LibraryFolder:
    """What a folder holds of the libraries that are expected in it, and of what belongs to them (cuDNN is one library
    to programs, and several files).
    """
    try:
        return _examined(Path(folder), sonames)
    except OSError as error:
        return LibraryFolder(wrong=(f"{error.filename or folder} can't be read ({error.strerror})",))


def _examined(root: Path, sonames: Iterable[str]) -> LibraryFolder:
    if not root.is_dir():
        return LibraryFolder(wrong=("it is not a folder" if root.exists() else "it does not exist",))
    places = [place for name in BELOW if (place := root / name).is_dir()]
    found: dict[str, Path] = {}
    wrong: list[str] = []
    for soname in sonames:
        path = next((p for place in places if (p := place / soname).exists()), None)
        trouble = f"{soname} is missing" if path is None else _trouble(path)
        if path is None or trouble:
            wrong.append(trouble)
        else:
            found[soname] = path
    if wrong:
        return LibraryFolder(wrong=tuple(wrong))
    for place in dict.fromkeys(path.parent for path in found.values()):
        for path in _belonging(place, found):
            found.setdefault(path.name, path)
    ordered = sorted(found.items())
    content = {real: _sha256(real) for real in {path.resolve() for path in found.values()}}
    return LibraryFolder(
        files=tuple(path.relative_to(root).as_posix() for _, path in ordered),
        identity=digest([(name, content[path.resolve()]) for name, path in ordered]),
    )


def _belonging(place: Path, expected: Iterable[str]) -> list[Path]:
    """Libraries in a folder whose names begin as those expected do: libcudnn_ops_infer.so.8 goes with libcudnn.so.8."""
    stems = tuple({name.partition(".so")[0] for name in expected})
    named = (p for p in place.iterdir() if _SHARED.fullmatch(p.name) and p.name.startswith(stems))
    return sorted(path for path in named if not _trouble(path))


def _trouble(path: Path) -> str:
    """Why a file is not a shared object for Linux on x86-64; "" where it is one."""
    try:
        with path.open("rb") as source:
            header = source.read(_HEADER)
    except OSError as error:
        return f"{path.name} can't be read ({error.strerror})"
    if len(header) < _HEADER or not header.startswith(_ELF):
        return f"{path.name} is not an ELF file"
    if (header[4], header[5]) != (_CLASS_64, _LITTLE):
        return f"{path.name} is not a 64-bit library"
    kind, machine = int.from_bytes(header[16:18], "little"), int.from_bytes(header[18:20], "little")
    if kind != _SHARED_OBJECT:
        return f"{path.name} is not a shared object"
    return "" if machine == _X86_64 else f"{path.name} is for another processor"


def _sha256(path: Path) -> str:
    with path.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()
