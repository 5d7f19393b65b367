"""A package index of the tests' own that asks for a user and password, and serves what it is given."""

from __future__ import annotations

import base64
import hashlib
import html
import http.server
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

USER, PASSWORD = "reader", "s3cr3t-w0rd"
EXPECTED = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()

Answer = tuple[int, dict[str, str], bytes]


class Index:
    """path → bytes; `spoil` changes an answer, `asked` and `authorized` say what came and with what.

    `lasting`: answers may be kept, and who asks again is told when they have not changed.
    """

    def __init__(self, *, secret: bool) -> None:
        self.secret = secret
        self.lasting = False
        self.files: dict[str, bytes] = {}
        self.links: dict[str, list[str]] = {}
        self.asked: list[str] = []
        self.authorized: list[tuple[str, str | None]] = []
        self.spoil: Callable[[str, Answer], Answer] = lambda _path, answer: answer
        self.write = lambda wfile, body: wfile.write(body)
        self.host, self.port = "127.0.0.1", 0

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    @property
    def root(self) -> str:
        """The address of the index as a person writes it down, credentials included."""
        login = f"{USER}:{PASSWORD}@" if self.secret else ""
        return f"http://{login}{self.host}:{self.port}/simple"

    def add(self, project: str, filename: str, content: bytes, *, sha256: str | None = None, at: str = "") -> str:
        """Lists a file; the sha256 of what is served there."""
        true = hashlib.sha256(content).hexdigest()
        self.files[f"/files/{filename}"] = content
        href = at or f"../../files/{filename}"
        self.links.setdefault(project, []).append(
            f'<a href="{html.escape(href)}#sha256={sha256 or true}">{html.escape(filename)}</a>'
        )
        return true

    def answer(self, path: str, authorization: str | None, wanted: str) -> Answer:
        if self.secret and authorization != EXPECTED:
            return 401, {"WWW-Authenticate": 'Basic realm="x"'}, b""
        content, kind = self.files.get(path), "application/octet-stream"
        if content is None and path.startswith("/simple/"):
            links = self.links.get(path.removeprefix("/simple/").strip("/"))
            content, kind = ("\n".join(links).encode(), "text/html") if links is not None else (None, "")
        if content is None:
            return 404, {}, b""
        start, _, end = wanted.removeprefix("bytes=").partition("-")
        if wanted and start.isdigit():
            last = min(int(end), len(content) - 1) if end.isdigit() else len(content) - 1
            said = {"Content-Range": f"bytes {start}-{last}/{len(content)}", "Content-Type": kind}
            return 206, said, content[int(start) : last + 1]
        return 200, {"Content-Type": kind}, content


@contextmanager
def index(host: str = "127.0.0.1", *, secret: bool = False) -> Iterator[Index]:
    """An index on an address of this machine, until the block ends."""
    state = Index(secret=secret)
    state.host = host

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            said = self.headers.get("Authorization")
            state.asked.append(self.path)
            state.authorized.append((self.path, said))
            answer = state.answer(self.path, said, self.headers.get("Range", ""))
            status, headers, body = state.spoil(self.path, answer)
            if state.lasting and status == 200:
                headers = {**headers, "ETag": f'"{hashlib.sha256(body).hexdigest()}"', "Cache-Control": "max-age=600"}
                if self.headers.get("If-None-Match") == headers["ETag"]:
                    status, body = 304, b""
            with suppress(ConnectionError):
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                if self.command == "GET":
                    state.write(self.wfile, body)

        do_HEAD = do_GET  # noqa: N815 - the name is the library's

        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer((host, 0), Handler) as server:
        server.daemon_threads = True
        state.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield state
        finally:
            server.shutdown()
            thread.join()
