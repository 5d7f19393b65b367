"""What the package index says, as of one moment: releases, files, upload times, metadata.

The index is read through `pypi-simple` (PEP 503, 691, 700). Where its page carries no upload times or sizes the
per-package JSON document beside it is asked as well. Silence and garbage are trouble, never "no such release".
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import UTC, datetime
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import requests
from packaging.utils import canonicalize_name
from pypi_simple import (
    DistributionPackage,
    NoSuchProjectError,
    PyPISimple,
    UnsupportedContentTypeError,
    UnsupportedRepoVersionError,
)

from orchestrator.errors import CellError, Phase, infra
from orchestrator.lock.credentials import OwnOrigins, bare
from orchestrator.lock.metadata import read_archive, requires_of
from orchestrator.model import IndexFile

T = TypeVar("T")

PAUSES = (1.0, 3.0, 9.0)
"""Seconds between attempts; one attempt more than pauses."""
TIMEOUT = (10.0, 60.0)
"""Seconds to connect, seconds between bytes."""
KNOWN = ("pip", "setuptools")
"""Packages a complete index has: while they answer, a 404 means what it says."""
_NOT_OFFERED = frozenset((404, 405, 410))
_LARGEST_ARCHIVE = 64 * 1024**2
_CACHE_SCHEMA = 1
_CHUNK = 1 << 16
_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")


class _Trouble(Exception):
    """One attempt failed."""


def session_for(bundle: str | None) -> requests.Session:
    """A session that trusts the given CA bundle, if any; it takes proxies and credentials from the host."""
    session = requests.Session()
    if bundle is not None:
        session.verify = bundle
    # No cookies: the session is shared by threads, and no index needs them.
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return session


class PackageIndex:
    """`model.Index` over HTTP, with readings kept on disk per package and day of `as_of`. Safe to share by threads.

    `readings` is the folder they are in; what a file of one sha256 says is as good on any day and may be kept beside.
    The user and password of its address are sent to its own origin, and are in nothing that is kept.
    """

    def __init__(
        self,
        as_of: datetime,
        root: str,
        cache_dir: Path,
        session: requests.Session,
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if as_of.tzinfo is None:
            raise ValueError("as_of needs a time zone")
        if logins := OwnOrigins((root,)):
            session.auth = logins
        self.as_of = as_of
        self.readings = cache_dir
        self._root = bare(root).rstrip("/") + "/"
        self._login_root = root
        self._others: tuple[str, ...] = ()
        self._cache = cache_dir / as_of.date().isoformat()
        self._session = session
        self._client = PyPISimple(self._root, session=session)
        self._sleep = sleep
        self._guard = threading.Lock()
        self._turns: dict[str, threading.Lock] = {}
        self._read: dict[str, tuple[IndexFile, ...]] = {}
        self._answered: set[str] = set()
        self._alive = False

    def beside(self, others: tuple[str, ...]) -> PackageIndex:
        """Itself, told of the indexes that resolvers ask too: `listed` looks there as well."""
        self._others = tuple(bare(url).rstrip("/") + "/" for url in others)
        if logins := OwnOrigins((*others, self._login_root)):
            self._session.auth = logins
        return self

    # ------------------------------------------------------------ what it answers

    def files(self, package: str) -> tuple[IndexFile, ...]:
        """Every file uploaded up to `as_of`, sorted by name; empty when the index has no such package.

        A file without an upload time is left out where its siblings have one, and kept where none has. Raises
        CellError(resolve, infra, "index") where the index does not answer properly.
        """
        name = canonicalize_name(package)
        with self._turn(name):
            if name not in self._read:
                everything = self._cached(name)
                if everything is None:
                    everything = self._ask(name)
                self._read[name] = everything
        return self._up_to(self._read[name])

    def healthy(self, packages: Iterable[str]) -> bool:
        """Whether each package answered properly (a list of files, or a 404 of an index that is otherwise alive)
        in this run. A reading from an earlier run does not count: it is asked again.
        """
        try:
            for name in sorted({canonicalize_name(p) for p in packages}):
                with self._turn(name):
                    if name not in self._answered:
                        self._page(name)
        except CellError:
            return False
        return True

    def requires(self, file: IndexFile) -> tuple[str, ...]:
        """`Requires-Dist` as written: from the metadata file beside it (PEP 658), else from the file itself.

        Raises CellError(resolve, infra, "index-metadata") where neither can be read.
        """
        beside = self._patiently(lambda: self._bytes(f"{file.url}.metadata"), f"metadata of {file.filename}")
        found = None if beside is None else requires_of(beside.decode("utf-8", "replace"))
        if found is None:
            text = read_archive(file.filename, self._archive(file))
            found = None if text is None else requires_of(text)
        if found is None:
            raise infra(Phase.RESOLVE, "index-metadata", f"{file.filename}: no metadata in the file or on the index")
        return found

    def part(self, file: IndexFile, start: int, stop: int) -> bytes:
        """Bytes `start` up to but not including `stop` of a file, without fetching the rest (RFC 9110, section 14).

        The file's sha256 covers all of it and therefore can't vouch for a part. Raises CellError(resolve, infra):
        "index-ranges" where the server only sends whole files, "index" where it does not answer properly.
        """
        return self._patiently(lambda: self._part(file, start, stop), file.filename)[0]

    def size(self, file: IndexFile) -> int:
        """Bytes of a file; the server is asked where the index does not say. Raises as `part` does."""
        if file.size is not None:
            return file.size
        return self._patiently(lambda: self._part(file, 0, 1), file.filename)[1]

    def listed(self, package: str, filename: str) -> IndexFile | None:
        """A file as an index that resolvers are told of lists it just now, whenever it was uploaded; None where none
        does. Raises CellError(resolve, infra, "index").
        """
        name = canonicalize_name(package)
        for root in (self._root, *self._others):
            client = PyPISimple(root, session=self._session)
            page = self._patiently(lambda c=client: self._simple(name, c), name)  # type: ignore[misc]
            if found := next((f for f in page or () if f.filename == filename), None):
                return found
        return None

    # ------------------------------------------------------------ how it asks

    def _turn(self, name: str) -> threading.Lock:
        with self._guard:
            return self._turns.setdefault(name, threading.Lock())

    def _ask(self, name: str) -> tuple[IndexFile, ...]:
        found = self._page(name)
        if found is None:
            return ()
        if any(f.uploaded is None or f.size is None for f in found):
            said = self._patiently(lambda: self._document(name, needed=False), f"document of {name}")
            found = tuple(_completed(f, said.get(f.filename)) for f in found)
        self._keep(name, found)
        return found

    def _page(self, name: str) -> tuple[IndexFile, ...] | None:
        """The simple page; None for a package that is not there. Notes that it answered."""
        found = self._patiently(lambda: self._simple(name), name)
        if found is None and not self._is_alive():
            raise infra(Phase.RESOLVE, "index", f"the index has neither {name} nor {' nor '.join(KNOWN)}")
        if found == ():
            self._patiently(lambda: self._document(name, needed=True), f"document of {name}")
        self._alive = self._alive or found is not None
        self._answered.add(name)
        return found

    def _is_alive(self) -> bool:
        """Whether anything that must be there is there, in this run."""
        if not self._alive:
            self._alive = any(self._patiently(lambda n=n: self._simple(n), n) for n in KNOWN)  # type: ignore[misc]
        return self._alive

    def _simple(self, name: str, client: PyPISimple | None = None) -> tuple[IndexFile, ...] | None:
        try:
            page = (client or self._client).get_project_page(name, timeout=TIMEOUT)
        except NoSuchProjectError:
            return None
        except requests.RequestException as error:
            raise _Trouble(_short(error)) from error
        # Includes JSON and schema errors, which are ValueErrors, and brackets without end.
        except (UnsupportedContentTypeError, UnsupportedRepoVersionError, ValueError, RecursionError) as error:
            raise _Trouble(f"answer can't be read: {_short(error)}") from error
        files = [_file(p) for p in page.packages if p.package_type and p.version]
        if page.packages and not files:
            raise _Trouble("answer lists no distributions")
        return tuple(sorted((f for f in files if f is not None), key=lambda f: f.filename))

    def _document(self, name: str, *, needed: bool) -> dict[str, dict[str, Any]]:
        """filename → entry of the JSON document beside the simple root, empty where the index has no such document.

        `needed`: the page listed nothing, so that only a proper document tells an empty project from garbage.
        """
        content = self._bytes(f"{self._root.removesuffix('simple/')}pypi/{name}/json")
        if content is None:
            if needed:
                raise _Trouble("answer lists no files")
            return {}
        try:
            releases = json.loads(content)["releases"]
            return {entry["filename"]: entry for entries in releases.values() for entry in entries}
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise _Trouble(f"document can't be read: {_short(error)}") from error

    def _bytes(self, url: str) -> bytes | None:
        """A body, or None where the index does not offer it."""
        try:
            answer = self._session.get(url, timeout=TIMEOUT)
            if answer.status_code in _NOT_OFFERED:
                return None
            answer.raise_for_status()
        except requests.RequestException as error:
            raise _Trouble(_short(error)) from error
        else:
            return answer.content

    def _part(self, file: IndexFile, start: int, stop: int) -> tuple[bytes, int]:
        """A part and the size of the whole, as the server gives it."""
        # Encoded, the bytes would be those of another file.
        headers = {"Range": f"bytes={start}-{stop - 1}", "Accept-Encoding": "identity"}
        try:
            with self._session.get(file.url, headers=headers, timeout=TIMEOUT, stream=True) as answer:
                answer.raise_for_status()
                if answer.status_code != requests.codes.partial_content:
                    detail = f"{file.filename}: the server sends only the whole file, not the requested part"
                    raise infra(Phase.RESOLVE, "index-ranges", detail)
                total = _total(answer, start, stop)
                content = _at_most(answer, stop - start)
        except requests.RequestException as error:
            raise _Trouble(_short(error)) from error
        if len(content) != stop - start:
            raise _Trouble(f"{len(content)} bytes where {stop - start} were requested")
        if file.size is not None and total != file.size:
            raise _Trouble(f"a file of {total} bytes where the index announced {file.size}")
        return content, total

    def _archive(self, file: IndexFile) -> bytes:
        if file.size is not None and file.size > _LARGEST_ARCHIVE:
            raise infra(Phase.RESOLVE, "index-metadata", f"{file.filename}: too large to fetch for its metadata")

        def fetch() -> bytes:
            content = self._bytes(file.url)
            if content is None or hashlib.sha256(content).hexdigest() != file.sha256:
                raise _Trouble("missing, or not the bytes the index announced")
            return content

        return self._patiently(fetch, file.filename)

    def _patiently(self, ask: Callable[[], T], what: str) -> T:
        for pause in (*PAUSES, None):
            try:
                return ask()
            except _Trouble as error:
                last = error
            if pause is not None:
                self._sleep(pause)
        raise infra(Phase.RESOLVE, "index", f"{what}: {last}")

    # ------------------------------------------------------------ what it keeps

    def _cached(self, name: str) -> tuple[IndexFile, ...] | None:
        """A reading of the same day; None where there is none or it can't be read (then the index is asked again)."""
        try:
            document = json.loads((self._cache / f"{name}.json").read_text(encoding="utf-8"))
            if (document["schema"], document["root"]) != (_CACHE_SCHEMA, self._source):
                return None
            return tuple(IndexFile(**{**f, "uploaded": _moment(f["uploaded"])}) for f in document["files"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _keep(self, name: str, files: tuple[IndexFile, ...]) -> None:
        if any(urlsplit(f.url).query for f in files):
            return  # signed addresses: a secret each, and soon worth nothing
        entries = [{**asdict(f), "uploaded": f.uploaded.isoformat() if f.uploaded else None} for f in files]
        text = json.dumps({"schema": _CACHE_SCHEMA, "root": self._source, "files": entries})
        self._cache.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=self._cache, prefix=f".{name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                stream.write(text)
            Path(temporary).replace(self._cache / f"{name}.json")
        except BaseException:
            with suppress(FileNotFoundError):
                Path(temporary).unlink()
            raise

    @property
    def _source(self) -> str:
        """Tells indexes apart in the cache."""
        return hashlib.sha256(self._root.encode()).hexdigest()

    def _up_to(self, files: tuple[IndexFile, ...]) -> tuple[IndexFile, ...]:
        if all(f.uploaded is None for f in files):
            return files
        return tuple(f for f in files if f.uploaded is not None and f.uploaded <= self.as_of)


def _total(answer: requests.Response, start: int, stop: int) -> int:
    """The size of the whole file by an answer's Content-Range, which must be the range that was asked for."""
    said = answer.headers.get("Content-Range", "")
    found = _CONTENT_RANGE.fullmatch(said.strip())
    if found is None or (int(found[1]), int(found[2])) != (start, stop - 1):
        raise _Trouble(f"the range {said[:80]!r} where bytes {start}-{stop - 1} were asked for")
    if answer.headers.get("Content-Encoding", "identity") != "identity":
        raise _Trouble("an encoded part")
    return int(found[3])


def _at_most(answer: requests.Response, size: int) -> bytes:
    """A body, read no further than just past `size` bytes."""
    content = b""
    for chunk in answer.iter_content(_CHUNK):
        content += chunk
        if len(content) > size:
            break
    return content


def _file(package: DistributionPackage) -> IndexFile | None:
    """A link of the simple page; None for a kind that can't be installed from (an egg, an installer)."""
    if package.package_type not in ("wheel", "sdist") or package.version is None:
        return None
    return IndexFile(
        filename=package.filename,
        version=package.version,
        sha256=package.digests.get("sha256", ""),
        size=package.size,
        uploaded=_moment(package.upload_time),
        yanked=package.is_yanked,
        requires_python=package.requires_python,
        url=bare(package.url),
    )


def _completed(file: IndexFile, entry: dict[str, Any] | None) -> IndexFile:
    """A file with what the page left out."""
    if entry is None:
        return file
    return replace(
        file,
        sha256=file.sha256 or str((entry.get("digests") or {}).get("sha256", "")),
        size=file.size if file.size is not None else entry.get("size"),
        uploaded=file.uploaded or _moment(entry.get("upload_time_iso_8601")),
        yanked=file.yanked or bool(entry.get("yanked")),
        requires_python=file.requires_python or entry.get("requires_python"),
    )


def _moment(said: str | datetime | None) -> datetime | None:
    """A time; one without a zone is in UTC (PEP 700)."""
    found = datetime.fromisoformat(said) if isinstance(said, str) else said
    return found if found is None or found.tzinfo else found.replace(tzinfo=UTC)


def _short(error: Exception) -> str:
    """An error in one short line, without the address it was about (which may carry a password)."""
    response = getattr(error, "response", None)
    if response is not None:
        return f"HTTP {response.status_code}"
    return type(error).__name__
