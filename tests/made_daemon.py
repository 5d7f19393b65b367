"""A daemon that a test makes up: answers paths of the API over a socket, late or never."""

from __future__ import annotations

import json
import shutil
import socketserver
import tempfile
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler

INFO = {
    "ServerVersion": "27.3.1+dfsg1",
    "OSType": "linux",
    "Architecture": "x86_64",
    "KernelVersion": "6.1.0-made-up",
    "DockerRootDir": "/",
    "MemTotal": 16 * 1024**3,
    "NCPU": 8,
    "Driver": "overlay2",
    "CgroupVersion": "2",
    "MemoryLimit": True,
    "PidsLimit": False,
    "Runtimes": {"runc": {}, "nvidia": {"path": "nvidia-container-runtime"}},
    "DiscoveredDevices": [{"Source": "cdi", "ID": "nvidia.com/gpu=0"}, {"Source": "other", "ID": "x"}],
}
LABEL = json.dumps({"python": "3.7", "cpu_flags": ["avx", "fma"]})
IMAGES = [
    {"RepoTags": ["compat-base:cpython-3.7"], "Labels": {"compat.base": LABEL}},
    {"RepoTags": None, "Labels": None},
    {"RepoTags": ["somebody/private:1"], "Labels": {"compat.base": "not JSON"}},
]


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, *_: object) -> None:
        """Whoever asked is gone: what these tests are about."""


@contextmanager
def daemon(answers, delays=()):
    """Something that listens like a daemon and answers these paths; `delays` name paths it keeps waiting."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def address_string(self) -> str:
            return "test"

        def log_message(self, *_: object) -> None:
            return

        def do_GET(self) -> None:
            asked.append(self.path)
            if any(name in self.path for name in delays):
                time.sleep(3)
            found = next(
                (content for name, content in answers.items() if self.path.partition("?")[0].endswith(name)), None
            )
            body = found if isinstance(found, bytes) else json.dumps(found or {"message": "no such thing"}).encode()
            self.send_response(200 if found is not None else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    folder = tempfile.mkdtemp(prefix="engine-")
    server = _Server(f"{folder}/s.sock", Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield {"DOCKER_HOST": f"unix://{folder}/s.sock", "PATH": "/bin"}, asked
    finally:
        server.shutdown()
        server.server_close()
        shutil.rmtree(folder)


def answers(**more):
    return {"/version": {"ApiVersion": "1.44"}, "/info": INFO, "/images/json": IMAGES} | more
