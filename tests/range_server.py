"""A package index of the tests' own that serves wheels in parts, and worse ones."""

from __future__ import annotations

import hashlib
import http.server
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from listening import listening

from orchestrator.lock.index import PackageIndex, session_for

AS_OF = datetime(2026, 11, 1, tzinfo=UTC)
THEN = "2023-05-01T00:00:00Z"
JSON = "application/vnd.pypi.simple.v1+json"


class Server:
    """path → bytes, served in parts where asked; `spoil` changes an answer (status, headers, body) to those."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.kinds: dict[str, str] = {}
        self.asked: list[tuple[str, str]] = []
        self.encodings: set[str] = set()
        self.spoil = lambda status, headers, body: (status, headers, body)
        self.url = ""
        self.pause = list.append

    def answer(self, path: str, wanted: str) -> tuple[int, dict[str, str], bytes]:
        content = self.files.get(path)
        headers = {"Content-Type": self.kinds.get(path, "application/octet-stream")}
        if content is None:
            return 404, headers, b""
        found = re.fullmatch(r"bytes=(\d+)-(\d+)", wanted)
        if found is None:
            return 200, headers, content
        start, last = int(found[1]), min(int(found[2]), len(content) - 1)
        if start > last:
            return 416, headers, b""
        return 206, {**headers, "Content-Range": f"bytes {start}-{last}/{len(content)}"}, content[start : last + 1]

    def release(self, package: str, wheels: dict[str, bytes], **more: object) -> None:
        """A page that lists wheels and serves them."""
        entries = []
        for name, content in wheels.items():
            self.files[f"/f/{name}"] = content
            entry = {"filename": name, "url": f"/f/{name}", "upload-time": THEN, "size": len(content)}
            entries.append({**entry, "hashes": {"sha256": hashlib.sha256(content).hexdigest()}, **more})
        body = {"meta": {"api-version": "1.1"}, "name": package, "files": entries, "versions": []}
        self.files[f"/simple/{package}/"] = json.dumps(body).encode()
        self.kinds[f"/simple/{package}/"] = JSON


@contextmanager
def serving(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    for variable in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(variable, raising=False)
    state = Server()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            wanted = self.headers.get("Range", "")
            state.asked.append((self.path, wanted))
            if wanted:
                state.encodings.add(self.headers.get("Accept-Encoding", ""))
            status, headers, body = state.answer(self.path, wanted)
            if wanted:
                status, headers, body = state.spoil(status, headers, body)
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            # who was sent more than was asked for hangs up
            with suppress(ConnectionError):
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, *args):
            pass

    with listening(Handler) as state.url:
        yield state


@contextmanager
def reading(server: Server, folder: Path) -> Iterator[PackageIndex]:
    """PackageIndex over the server; its waits are collected in `pauses`, not slept."""
    pauses: list[float] = []
    with session_for(None) as session:
        made = PackageIndex(AS_OF, f"{server.url}/simple", folder, session, sleep=lambda s: server.pause(pauses, s))
        made.pauses = pauses
        yield made


def ranges(server: Server) -> list[str]:
    return [path for path, wanted in server.asked if wanted]
