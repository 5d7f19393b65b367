"""Names of choices that are versions."""

from __future__ import annotations

from functools import lru_cache

from packaging.version import InvalidVersion, Version


@lru_cache(maxsize=65_536)
def version(name: str) -> Version | None:
    """The PEP 440 version a choice's name stands for, or None (`none`, `plain`, `cpu`, …)."""
    try:
        return Version(name)
    except InvalidVersion:
        return None


def is_or_under(name: str, wanted: str) -> bool:
    """Is this the version itself, or one with more components below it (2.4.1 is under 2.4, 2.40 is not)?"""
    if name == wanted:
        return True
    here, there = version(name), version(wanted)
    if here is None or there is None:
        return False
    if here == there:
        return True
    plain = not (there.is_prerelease or there.is_postrelease or there.local or there.epoch != here.epoch)
    return plain and len(here.release) > len(there.release) and here.release[: len(there.release)] == there.release
