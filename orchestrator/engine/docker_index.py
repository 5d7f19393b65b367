"""The index proxy of one engine: a container beside its builders, which has the network so that they need none.

It is started when a builder task first asks for it, belongs to this engine, and goes with it. Builders reach it by a
Unix socket in a volume that they mount read-only.
"""

from __future__ import annotations

import io
import json
import re
import secrets
import tarfile
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from orchestrator.engine import build_secrets, limits, owner
from orchestrator.engine.docker_base import TRUSTED
from orchestrator.engine.docker_daemon import DaemonConnection, troubles
from orchestrator.errors import Phase, infra
from orchestrator.model import Task

LABEL = "compat.index"
CACHE_VOLUME = "compat-index"
"""What was fetched, by its sha256. No container but these proxies mounts it."""
DOOR = "/run/compat-index"
SOCKET = f"{DOOR}/door/socket"
USER = 65533
"""Another than the builders'."""
_CACHE = "/cache"
PROGRAMS = ("proxy.py", "upstream.py", "indexes.py")
_SETTINGS = "settings/host.json"
_MEMORY = 1024**3
_START_SECONDS = 30.0
_POLL_SECONDS = 0.05


@dataclass(frozen=True, kw_only=True, slots=True)
class ProxyAccess:
    """What one task is given: the volume with the socket, and a name of its own there."""

    volume: str
    token: str


@dataclass(kw_only=True, slots=True)
class Sidecar:
    """The proxy's container. Threads may share one."""

    left: set[str]
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _made: Any = None
    _volume: str = ""

    def enter(self, daemon: DaemonConnection, image: str) -> ProxyAccess:
        """A way in for one task; starts the proxy where none runs. Raises CellError(start, infra)."""
        with self._lock, daemon.guarded(Phase.START):
            if not self._runs():
                self._remove()
                self._start(daemon, image)
            return ProxyAccess(volume=self._volume, token=secrets.token_hex(16))

    def trouble(self, daemon: DaemonConnection, entry: ProxyAccess, *, solved: bool) -> str:
        """What the indexes did wrong towards a task, in a line; "" where nothing. Raises CellError(start, infra).

        A refusal counts where the task did not do what it was for: some indexes refuse what they do not have.
        """
        with self._lock:
            made = self._made if entry.volume == self._volume else None
        if made is None:
            return "the index proxy was restarted"
        command = [TRUSTED, "-I", "-S", f"{limits.FILES}/proxy.py", "trouble", SOCKET, entry.token]
        with daemon.guarded(Phase.START):
            try:
                code, said = made.exec_run(command, stderr=False, user=f"{USER}:{USER}")
            except troubles() as error:
                return f"the index proxy is gone: {str(error)[:200]}"
        try:
            known = json.loads(said)
            count = int(known["count"]) + (0 if solved else int(known["refused"]))
            return f"{known['last']} ({count} times)" if count else ""
        except (ValueError, KeyError, TypeError):
            return f"the index proxy does not answer (exit status {code})"

    def close(self) -> None:
        """Removes the container, its volume and its settings."""
        with self._lock:
            self._remove()

    def drop(self, daemon: DaemonConnection) -> None:
        """Forgets what was fetched, and the cache that builders shared once; raises CellError(collect, infra)."""
        import docker.errors

        with self._lock, daemon.guarded(Phase.COLLECT):
            if self._runs():
                command = [TRUSTED, "-I", "-S", f"{limits.FILES}/proxy.py", "forget", f"{_CACHE}/files"]
                self._made.exec_run(command, user=f"{USER}:{USER}")
            for name in (CACHE_VOLUME, limits.OLD_CACHE_VOLUME):
                with suppress(docker.errors.NotFound):
                    try:
                        daemon.client.volumes.get(name).remove()
                    except docker.errors.APIError as error:
                        if error.status_code != 409:  # in use
                            raise

    def _runs(self) -> bool:
        import docker.errors

        if self._made is None:
            return False
        try:
            self._made.reload()
        except docker.errors.NotFound:
            return False
        return bool(self._made.status == "running")

    def _remove(self) -> None:
        made, self._made, self._volume = self._made, None, ""
        if made is None:
            return
        try:
            made.remove(force=True, v=True)
        except troubles() as error:
            if getattr(getattr(error, "response", None), "status_code", None) != 404:
                self.left.add(made.id)

    def _start(self, daemon: DaemonConnection, image: str) -> None:
        self._made = daemon.client.containers.create(image, **_options())
        try:
            self._made.put_archive(limits.FILES, _programs(daemon.renderer.script, daemon.environment))
            for place, folder in ((DOOR, "door"), (_CACHE, "files")):
                self._made.put_archive(place, _archive([_entry(folder, None)]))
            self._made.start()
            self._made.reload()
            mounts = {mount["Destination"]: mount["Name"] for mount in self._made.attrs["Mounts"]}
            self._volume = mounts[DOOR]
            self._await()
        except BaseException:
            self._remove()
            raise

    def _await(self) -> None:
        end = time.monotonic() + _START_SECONDS
        while b"ready" not in self._made.logs(tail=5):
            self._made.reload()
            if self._made.status not in ("created", "running") or time.monotonic() > end:
                said = self._made.logs(tail=20).decode("utf-8", "replace")
                raise infra(Phase.START, "index-proxy", f"the index proxy did not start: {said[-1000:].strip()}")
            time.sleep(_POLL_SECONDS)


def _options() -> dict[str, Any]:
    """How it is confined: as a probe is, but for the network and a cache."""
    from docker.types import LogConfig, Mount, Ulimit

    return {
        "cap_drop": ["ALL"],
        "command": [],
        "entrypoint": [
            TRUSTED, "-I", "-S", "-u", f"{limits.FILES}/proxy.py", SOCKET, f"{_CACHE}/files",
            f"{limits.FILES}/{_SETTINGS}",
        ],
        "environment": {"LANG": "C.UTF-8"},
        "ipc_mode": "private",
        "labels": {LABEL: "proxy", owner.LABEL: str(owner.current())},
        "log_config": LogConfig(type="json-file", config={"max-size": "1m", "max-file": "2"}),
        "mem_limit": _MEMORY,
        "memswap_limit": _MEMORY,
        "mounts": [
            Mount(target=limits.FILES, source=None, type="volume"),
            Mount(target=DOOR, source=None, type="volume"),
            Mount(target=_CACHE, source=CACHE_VOLUME, type="volume"),
        ],
        "network_mode": "bridge",
        "pids_limit": 1024,
        "read_only": True,
        "security_opt": ["no-new-privileges:true"],
        "tmpfs": {limits.SCRATCH: "nosuid,nodev,noexec,mode=1777,size=16m"},
        "ulimits": [Ulimit(name="core", soft=0, hard=0), Ulimit(name="nofile", soft=4096, hard=4096)],
        "user": f"{USER}:{USER}",
        "working_dir": limits.SCRATCH,
    }  # fmt: skip


def _programs(script: Callable[[str], bytes], environment: Mapping[str, str]) -> bytes:
    """The programs, and what the host says of its network: a file that the proxy reads once and removes."""
    bundle = build_secrets.certificates(environment)
    settings = {
        "environment": build_secrets.network(environment),
        "certificates": "" if bundle is None else bundle.read_text(encoding="utf-8", errors="replace"),
    }
    programs = [(tarfile.TarInfo(name), script(name)) for name in PROGRAMS]
    entries = [_entry(_SETTINGS.partition("/")[0], None), _entry(_SETTINGS, json.dumps(settings).encode())]
    return _archive([*programs, *entries])


def _entry(name: str, content: bytes | None) -> tuple[tarfile.TarInfo, bytes]:
    """A file that is the proxy's own, or a folder where there is no content."""
    entry = tarfile.TarInfo(name)
    entry.uid = entry.gid = USER
    entry.mode = 0o400 if content is not None else 0o755
    entry.type = tarfile.REGTYPE if content is not None else tarfile.DIRTYPE
    return entry, content or b""


def _archive(entries: list[tuple[tarfile.TarInfo, bytes]]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for entry, content in entries:
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def wrapped(daemon: DaemonConnection, task: Task, entry: ProxyAccess) -> Task:
    """A builder task whose process 1 is `sandbox.py`, and which knows no more of the host than how to choose."""
    program = (TRUSTED, "-I", "-S", "-u", f"{limits.FILES}/sandbox.py", SOCKET, entry.token)
    strategy = daemon.environment.get("UV_INDEX_STRATEGY")
    chosen = (("UV_INDEX_STRATEGY", strategy),) if strategy else ()
    return replace(
        task,
        command=(*program, *task.command),
        files=(*task.files, ("sandbox.py", daemon.renderer.script("sandbox.py"))),
        environment=(*chosen, *task.environment),
    )


def unaddressed(text: str, entry: ProxyAccess) -> str:
    """What a task said, with "the index" where it names the proxy, which is another each time."""
    return re.sub(rf"http://127\.0\.0\.1:\d+/{entry.token}[^\s'\"`>)]*", "the index", text)


def mount(volume: str) -> object:
    """The proxy's socket, as a builder mounts it."""
    from docker.types import Mount

    return Mount(target=DOOR, source=volume, type="volume", read_only=True)
