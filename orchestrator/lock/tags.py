"""Which file of a release an interpreter and a platform can use."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.tags import Tag, compatible_tags, cpython_tags
from packaging.utils import InvalidWheelFilename, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from orchestrator.model import IndexFile

SDIST_SUFFIXES = (".tar.gz", ".zip", ".tgz", ".tar.bz2")
"""In order of preference."""

_OLDEST_GLIBC = 5
_LEGACY = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}
"""glibc 2.N → the platform's name before PEP 600."""


def platforms(platform: str) -> tuple[str, ...]:
    """Wheel platforms that load where `platform` ("manylinux_2_36_x86_64") does, best first (PEP 600)."""
    _, major, minor, machine = platform.split("_", 3)
    names: list[str] = []
    for older in range(int(minor), _OLDEST_GLIBC - 1, -1):
        names.append(f"manylinux_{major}_{older}_{machine}")
        if older in _LEGACY:
            names.append(f"{_LEGACY[older]}_{machine}")
    return tuple(names)


@cache
def ranks(python: str, platform: str) -> dict[Tag, int]:
    """Tag → rank, 0 the best, for CPython `python` ("3.9") on a wheel platform."""
    major, minor = (int(part) for part in python.split(".")[:2])
    short = f"{major}{minor}"
    # Given, not asked of the running interpreter: CPython carried the pymalloc flag up to 3.7.
    abi = f"cp{short}m" if (major, minor) < (3, 8) else f"cp{short}"
    where = platforms(platform)
    ordered = [
        *cpython_tags((major, minor), [abi], where),
        *compatible_tags((major, minor), f"cp{short}", where),
    ]
    return {tag: rank for rank, tag in reversed(list(enumerate(ordered)))}


def same_version(one: str, other: str) -> bool:
    """Whether two spellings ("1.0", "1.0.0") are one version (PEP 440)."""
    try:
        return Version(one) == Version(other)
    except InvalidVersion:
        return one == other


def release(files: Iterable[IndexFile], version: str) -> tuple[IndexFile, ...]:
    """The files of one version."""
    return tuple(f for f in files if same_version(f.version, version))


def select_file(
    files: Iterable[IndexFile], python: str = "3.9", platform: str = "manylinux_2_36_x86_64", *, exact: bool = False
) -> IndexFile | None:
    """Of the files of *one* release the best wheel, else its sdist, else None.

    `python` is a minor or a full version. Yanked files count only when the version was asked for exactly (PEP 592).
    """
    usable = [f for f in files if (exact or not f.yanked) and admits(f.requires_python, python)]
    wheels = [(rank, f) for f in usable if (rank := wheel_rank(f.filename, python, platform)) is not None]
    if wheels:
        return min(wheels, key=lambda pair: (pair[0], pair[1].filename))[1]
    sdists = [(SDIST_SUFFIXES.index(suffix), f) for f in usable if (suffix := _sdist_suffix(f.filename))]
    return min(sdists, key=lambda pair: (pair[0], pair[1].filename))[1] if sdists else None


def wheel_rank(filename: str, python: str, platform: str) -> tuple[int, int] | None:
    """(rank of the best tag, minus the build number), or None where the file is no wheel that fits."""
    try:
        _, _, build, tags = parse_wheel_filename(filename)
    except InvalidWheelFilename:
        return None
    known = ranks(".".join(python.split(".")[:2]), platform)
    fitting = [known[tag] for tag in tags if tag in known]
    return (min(fitting), -(build[0] if build else 0)) if fitting else None


def admits(requires_python: str | None, python: str) -> bool:
    """Whether `Requires-Python` lets this Python in; a bare minor counts as any of its patch releases.

    What can't be read admits, as in pip.
    """
    if not requires_python:
        return True
    try:
        wanted = SpecifierSet(requires_python)
    except InvalidSpecifier:
        return True
    tried = (python,) if python.count(".") > 1 else (f"{python}.0", f"{python}.99")
    return any(wanted.contains(version, prereleases=True) for version in tried)


def _sdist_suffix(filename: str) -> str:
    return next((suffix for suffix in SDIST_SUFFIXES if filename.endswith(suffix)), "")
