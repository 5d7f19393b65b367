"""An index's user and password: taken out of its address, and put back only towards its own origin."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

import requests

Origin = tuple[str, str | None, int | None]
"""A scheme, a host and a port."""
_IN_ADDRESS = re.compile(rb"://[^/@\"\s]+@")


class OwnOrigins(requests.auth.AuthBase):
    """Logs in where a login belongs, for a session of `requests`."""

    def __init__(self, urls: Iterable[str]) -> None:
        self._logins = {origin(url): found for url in urls if (found := login(url))}

    def __bool__(self) -> bool:
        return bool(self._logins)

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        found = self._logins.get(origin(str(request.url)))
        return request if found is None else requests.auth.HTTPBasicAuth(*found)(request)


def origin(url: str) -> Origin:
    parts = urlsplit(url)
    return (parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme))


def login(url: str) -> tuple[str, str] | None:
    """The user and password an address holds."""
    parts = urlsplit(url)
    return (unquote(parts.username), unquote(parts.password or "")) if parts.username else None


def bare(url: str) -> str:
    """An address without its user and password."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def forget(readings: Path) -> None:
    """Removes readings of an index that were kept with a user or password in an address; looks once.

    Earlier versions kept addresses as the index gave them.
    """
    looked = readings / "without-credentials"
    if looked.exists() or not readings.is_dir():
        return
    for path in readings.glob("*/*.json"):
        if _IN_ADDRESS.search(path.read_bytes()):
            path.unlink()
    looked.touch()
