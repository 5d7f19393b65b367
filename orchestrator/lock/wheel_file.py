"""A wheel on this machine's disk: its name, its metadata, and an empty wheel with these for resolvers.

Nothing of it is unpacked or imported; whoever built it may have written anything into it.
"""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
from dataclasses import dataclass
from email.parser import HeaderParser
from pathlib import Path

from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from orchestrator.lock.metadata import requires_of
from orchestrator.lock.remote_zip import BROKEN

METADATA_BYTES = 1024**2
_FILENAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+!-]{0,250}\.whl", re.ASCII)
_LONG_AGO = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, kw_only=True, slots=True)
class WheelFile:
    """What a wheel says of itself. `metadata` is the text of its METADATA."""

    name: str
    version: str
    filename: str
    sha256: str
    size: int
    metadata: str
    requires: tuple[str, ...]
    requires_python: str | None


def project_of(filename: str) -> tuple[str, str]:
    """The canonical name and the version that the name of a wheel says. Raises ValueError where it is none."""
    wrong = f"{filename!r} is not a wheel file name (such as mine-1.0-py3-none-any.whl)"
    if not _FILENAME.fullmatch(filename):
        raise ValueError(wrong)
    try:
        name, version, _, _ = parse_wheel_filename(filename)
    except (InvalidWheelFilename, InvalidVersion) as error:
        raise ValueError(wrong) from error
    return name, str(version)


def read(path: Path) -> WheelFile:
    """A wheel with what its metadata say. Raises ValueError where it can't be one, OSError where it can't be read."""
    name, version = project_of(path.name)
    with path.open("rb") as source:
        sha256 = hashlib.file_digest(source, "sha256").hexdigest()
    text = _metadata(path)
    requires, said = requires_of(text), HeaderParser().parsestr(text)
    if requires is None:
        raise ValueError(f"{path.name} has no METADATA that can be read")
    stated = (str(said["Name"]), str(said["Version"]))
    if canonicalize_name(stated[0]) != name or not _same(stated[1], version):
        raise ValueError(f"{path.name} says inside that it is {stated[0][:100]} {stated[1][:100]}")
    bound = said["Requires-Python"]
    return WheelFile(
        name=name,
        version=version,
        filename=path.name,
        sha256=sha256,
        size=path.stat().st_size,
        metadata=text,
        requires=requires,
        requires_python=None if bound is None else str(bound),
    )


def hollow(wheel: WheelFile) -> bytes:
    """A wheel of the same name that holds its metadata alone: all that a resolver reads."""
    stream = io.BytesIO()
    parts = wheel.filename.removesuffix(".whl").split("-")
    folder = f"{parts[0]}-{parts[1]}.dist-info"
    tag = "-".join(parts[-3:])
    about = f"Wheel-Version: 1.0\nGenerator: compat-matrix\nRoot-Is-Purelib: true\nTag: {tag}\n"
    contents = {"METADATA": wheel.metadata, "WHEEL": about, "RECORD": ""}
    with zipfile.ZipFile(stream, "w") as archive:
        for name, text in contents.items():
            entry = zipfile.ZipInfo(f"{folder}/{name}", _LONG_AGO)
            archive.writestr(entry, text.encode("utf-8", "replace"))
    return stream.getvalue()


def _metadata(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = [n for n in archive.namelist() if n.endswith(".dist-info/METADATA") and n.count("/") == 1]
            content = b""
            if len(names) == 1:
                with archive.open(names[0]) as source:
                    content = source.read(METADATA_BYTES + 1)
    except BROKEN as error:
        raise ValueError(f"{path.name} is not a wheel: {type(error).__name__}") from error
    if len(names) != 1:
        raise ValueError(f"{path.name} holds {len(names)} files METADATA")
    if len(content) > METADATA_BYTES:
        raise ValueError(f"the METADATA of {path.name} are larger than {METADATA_BYTES} bytes")
    return content.decode("utf-8", "replace")


def _same(one: str, other: str) -> bool:
    try:
        return Version(one) == Version(other)
    except InvalidVersion:
        return False
