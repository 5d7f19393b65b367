"""An index proxy for package code that runs on this machine: it learns an address of ours, and no credentials.

The same programs as in containers (`engine.docker_index`). Nothing more is held: such code runs as you.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from orchestrator import paths
from orchestrator.engine import build_secrets, owner
from orchestrator.errors import Phase, infra

_PYTHON = (sys.executable, "-I", "-S", "-B", "-u")
_START_SECONDS = 15.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Door:
    """A proxy that listens, and a token of one task's own."""

    socket: Path
    token: str

    def wrapped(self, command: list[str]) -> list[str]:
        """A command that is told of this index and of no other."""
        return [*_PYTHON, str(paths.data("images") / "sandbox.py"), str(self.socket), self.token, *command]

    def trouble(self, *, solved: bool) -> str:
        """What the indexes did wrong towards the task, in a line; "" where nothing.

        A refusal counts where the task did not do what it was for: some indexes refuse what they do not have.
        """
        command = [*_PYTHON, str(paths.data("images") / "proxy.py"), "trouble", str(self.socket), self.token]
        asked = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
        try:
            known = json.loads(asked.stdout)
            count = int(known["count"]) + (0 if solved else int(known["refused"]))
            return f"{known['last']} ({count} times)" if count else ""
        except (ValueError, KeyError, TypeError):
            return f"the index proxy does not answer (exit status {asked.returncode})"


@contextmanager
def proxy(cache: Path, environment: Mapping[str, str], log: Path) -> Iterator[Door]:
    """A proxy until the block ends, or this process does. Raises CellError(start, infra) where it can't start."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with owner.scratch() as name, log.open("ab") as said:
        folder = Path(name)
        door = Door(socket=folder / "socket", token=secrets.token_hex(16))
        settings = folder / "settings.json"
        settings.touch(mode=0o600)
        settings.write_text(json.dumps({"environment": _settings(environment)}), encoding="utf-8")
        command = [*_PYTHON, str(paths.data("images") / "proxy.py"), str(door.socket), str(cache), str(settings), "-"]
        cache.mkdir(parents=True, exist_ok=True)
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=said, stderr=said, env={}) as process:
            try:
                _await(door.socket, process)
                yield door
            finally:
                process.kill()


def _await(socket: Path, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + _START_SECONDS
    while not socket.exists():
        if process.poll() is not None or time.monotonic() > end:
            raise infra(Phase.START, "index-proxy", "the index proxy did not start")
        time.sleep(0.02)


def _settings(environment: Mapping[str, str]) -> dict[str, str]:
    bundle = build_secrets.certificates(environment)
    certificates = {} if bundle is None else {"SSL_CERT_FILE": str(bundle)}
    return {**build_secrets.network(environment), **certificates, "PATH": os.defpath}
