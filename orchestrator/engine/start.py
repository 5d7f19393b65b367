"""Gets a container engine going where none answers: `python -m orchestrator.engine.start`; standard library only.

Exit status 0: a daemon answers; 3: none does, and what to do was said.
"""

from __future__ import annotations

import http.client
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

NO_ENGINE = 3
PACKAGES = ("docker.io", "iptables", "mmdebstrap")
_SOCKET = "/var/run/docker.sock"
_PID_FILES = (Path("/var/run/docker.pid"), Path("/run/docker/containerd/containerd.pid"))
_WAIT_SECONDS = 60
_WAYS_ON = """No container engine answers, and one can be installed here only on Debian or Ubuntu, as root.
Ways on:
  install Docker (on a desktop: Docker Desktop) and start it
  point DOCKER_HOST at a daemon on another machine
  do without containers: the same command with `--engine local`, in virtual environments, without isolation
"""


def main() -> int:
    """Starts what is missing; prints what it did."""
    environment = os.environ
    version = answers(environment)
    if version:
        say(f"docker {version} answers")
        return 0
    if environment.get("DOCKER_HOST") or not may_install():
        say(_WAYS_ON)
        return NO_ENGINE
    if shutil.which("dockerd") is None or shutil.which("mmdebstrap") is None:
        install()
    log = start()
    deadline = time.monotonic() + _WAIT_SECONDS
    while time.monotonic() < deadline:
        version = answers(environment)
        if version:
            say(f"docker {version} answers; it runs until this machine stops (log: {log})")
            return 0
        time.sleep(0.25)
    tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
    say(f"dockerd does not answer after {_WAIT_SECONDS} s. Its log, {log}, ends:\n{tail}\n\n{_WAYS_ON}")
    return NO_ENGINE


def say(text: str) -> None:
    sys.stdout.write(text.rstrip("\n") + "\n")
    sys.stdout.flush()


def answers(environment: Mapping[str, str]) -> str:
    """The version of the daemon that answers; "" where none does."""
    host = environment.get("DOCKER_HOST") or f"unix://{_SOCKET}"
    if not host.startswith("unix://"):
        # A remote daemon may need TLS or ssh: the client knows how.
        return _client_version()
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(5)
    try:
        connection.connect(host.removeprefix("unix://"))
        connection.sendall(b"GET /version HTTP/1.0\r\nHost: docker\r\n\r\n")
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        return _version(answer.read()) if answer.status == http.HTTPStatus.OK else ""
    except (OSError, http.client.HTTPException, ValueError):
        return ""
    finally:
        connection.close()


def _version(body: bytes) -> str:
    import json

    return str(json.loads(body).get("Version", "")).partition("+")[0]


def _client_version() -> str:
    client = shutil.which("docker")
    if client is None:
        return ""
    command = [client, "version", "--format", "{{.Server.Version}}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def may_install() -> bool:
    """Whether this is Debian or one of its kin, and we are root."""
    return sys.platform == "linux" and os.geteuid() == 0 and shutil.which("apt-get") is not None


def install() -> None:
    """Installs the daemon, what it needs for networks, and what makes bases. Shows apt's output only when it fails."""
    say(f"installing {', '.join(PACKAGES)}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (
        ["apt-get", "update", "-q"],
        ["apt-get", "install", "-y", "-q", "--no-install-recommends", *PACKAGES],
    ):
        done = subprocess.run(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        if done.returncode != 0:
            say(done.stdout[-4000:])
            say(f"`{' '.join(command)}` failed with {done.returncode}\n\n{_WAYS_ON}")
            raise SystemExit(NO_ENGINE)


def start() -> Path:
    """Starts the daemon in the background, free of this process; its log."""
    for path in _PID_FILES:
        remove_stale(path)
    log = Path(tempfile.gettempdir()) / "compat-dockerd.log"
    say("starting dockerd")
    with log.open("ab") as sink:
        subprocess.Popen(
            ["dockerd"], stdin=subprocess.DEVNULL, stdout=sink, stderr=subprocess.STDOUT, start_new_session=True
        )
    return log


def remove_stale(path: Path) -> None:
    """Removes a pid file of an earlier boot: one whose process is gone or is another program."""
    try:
        pid = int(path.read_text().strip())
    except (OSError, ValueError):
        return
    try:
        name = Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        name = ""
    if name not in ("dockerd", "containerd"):
        path.unlink(missing_ok=True)


if __name__ == "__main__":
    sys.exit(main())
