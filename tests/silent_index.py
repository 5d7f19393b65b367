"""A package index that answers, and at will no longer does."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from fault_project import VERSIONS


class Index(ThreadingHTTPServer):
    """A package index that lists releases of six for anyone, and leaves uv without an answer, for ever."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.waiting = threading.Event()
        self.closing = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/simple"


class Answers(BaseHTTPRequestHandler):
    server: Index

    def do_GET(self) -> None:
        if self.headers.get("User-Agent", "").startswith("uv/"):
            self.server.waiting.set()
            self.server.closing.wait()
            return
        files = [
            {
                "filename": f"six-{version}-py2.py3-none-any.whl",
                "url": f"six-{version}-py2.py3-none-any.whl",
                "hashes": {"sha256": "0" * 64},
                "size": 1,
                "upload-time": "2020-01-01T00:00:00Z",
            }
            for version in VERSIONS
        ]
        body = json.dumps({"meta": {"api-version": "1.1"}, "name": "six", "versions": VERSIONS, "files": files})
        self.send_response(200)
        self.send_header("Content-Type", "application/vnd.pypi.simple.v1+json")
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None: ...
