"""What a distribution's own metadata require, from the bytes an index serves."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Iterable
from email.parser import HeaderParser

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name


def requires_of(text: str) -> tuple[str, ...] | None:
    """`Requires-Dist` lines of core metadata, or None where the text is no core metadata."""
    message = HeaderParser().parsestr(text)
    if not message.get("Metadata-Version") or not message.get("Name"):
        return None
    return tuple(str(line) for line in message.get_all("Requires-Dist", ()))


def read_archive(filename: str, content: bytes) -> str | None:
    """METADATA of a wheel or PKG-INFO of an sdist, as text; None where the archive has none or is broken.

    An sdist written before metadata 2.2 may say less in PKG-INFO than its build would.
    """
    try:
        if filename.endswith((".whl", ".zip")):
            return _from_zip(content)
        return _from_tar(content)
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, KeyError):
        return None


def names_without_bounds(requires: Iterable[str], python: str) -> tuple[str, ...]:
    """Canonical names of what these requirements bring on CPython `python` ("3.9", Linux x86_64), no extras.

    >>> names_without_bounds(["keras[x] (>=2.4)", "wincertstore; sys_platform == 'win32'"], "3.9")
    ('keras',)
    """
    environment = markers(python)
    names: set[str] = set()
    for line in requires:
        try:
            requirement = Requirement(line)
        except InvalidRequirement:
            continue
        if requirement.marker is None or requirement.marker.evaluate(environment):
            names.add(canonicalize_name(requirement.name))
    return tuple(sorted(names))


def markers(python: str) -> dict[str, str]:
    """What requirements may ask of their environment, for CPython `python` ("3.9", or in full) on Linux x86_64."""
    full = python if python.count(".") > 1 else f"{python}.0"
    return {
        "extra": "",
        "implementation_name": "cpython",
        "implementation_version": full,
        "os_name": "posix",
        "platform_machine": "x86_64",
        "platform_python_implementation": "CPython",
        "platform_system": "Linux",
        "python_full_version": full,
        "python_version": ".".join(full.split(".")[:2]),
        "sys_platform": "linux",
    }


def _wanted(name: str) -> bool:
    parts = name.split("/")
    return len(parts) == 2 and (name.endswith(".dist-info/METADATA") or parts[1] == "PKG-INFO")


def _from_zip(content: bytes) -> str | None:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        name = next((n for n in archive.namelist() if _wanted(n)), None)
        return None if name is None else archive.read(name).decode("utf-8", "replace")


def _from_tar(content: bytes) -> str | None:
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        member = next((m for m in archive if m.isfile() and _wanted(m.name)), None)
        stream = None if member is None else archive.extractfile(member)
        return None if stream is None else stream.read().decode("utf-8", "replace")
