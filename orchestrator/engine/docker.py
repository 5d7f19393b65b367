"""The docker engine: builds through the client with BuildKit, runs through the SDK; the daemon may be remote."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.engine import (
    docker_base,
    docker_compile,
    docker_images,
    docker_index,
    docker_run,
    limits,
    outputs,
    owner,
)
from orchestrator.engine.docker_daemon import DaemonConnection, troubles
from orchestrator.engine.registry import DOCKER
from orchestrator.errors import CellError, CellStatus, ExitCode, Phase, UserError, infra
from orchestrator.model import (
    FIXED_VARIABLES,
    Base,
    BaseSpec,
    BuildContext,
    EngineId,
    Exit,
    Prepared,
    Recipe,
    Renderer,
    Stored,
    Task,
    digest,
)

if TYPE_CHECKING:
    from docker.models.containers import Container

_API_SECONDS = 60
_SOCKET = Path("/var/run/docker.sock")
_WAYS_ON = (
    "start one (`nox -s engine` installs and starts it on Debian as root), point DOCKER_HOST at one, "
    "or use `--engine local`, without isolation"
)


class DockerEngine:
    """`model.Engine` on a Docker daemon. Threads may share one; `halt` ends what they are at."""

    kind = DOCKER

    def __init__(self, *, renderer: Renderer, environment: Mapping[str, str] | None = None) -> None:
        self._renderer = renderer
        self._environment = dict(os.environ if environment is None else environment)
        self._daemon: DaemonConnection | None = None
        self._info: Mapping[str, Any] = {}
        self._left: set[str] = set()
        self._index = docker_index.Sidecar(left=self._left)
        self._fetched: dict[str, docker_base.Fetched] = {}
        self._locks: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()

    @property
    def enforces(self) -> frozenset[str]:
        return limits.enforced(self._facts())

    def check(self) -> EngineId:
        """Answers with the daemon's version; raises UserError(NO_ENGINE) with the ways on."""
        try:
            version = self._reach().client.version()
        except troubles() as error:
            said = str(error).splitlines()[0][:300]
            raise UserError(
                f"no Docker daemon answers at {daemon_host(self._environment)}: {said}",
                hint=_WAYS_ON,
                code=ExitCode.NO_ENGINE,
            ) from error
        system = (version.get("Os"), version.get("Arch"))
        if system != ("linux", "amd64"):
            raise UserError(
                f"the Docker daemon is {'/'.join(map(str, system))}, not linux/amd64", code=ExitCode.NO_ENGINE
            )
        return self.kind.id(str(version.get("Version", "")).partition("+")[0])

    def base(self, spec: BaseSpec, log: Path) -> Base:
        with self._only_one(f"base {spec.name}"):
            return docker_base.obtain(self.daemon(), spec, log, self._run)

    def fetch(self, reference: str) -> str:
        """As in the protocol. A registry that refused once in this run is not asked again."""
        with self._only_one(f"fetch {reference}"):
            if reference not in self._fetched:
                self._fetched[reference] = docker_base.fetch(self.daemon(), reference)
        found = self._fetched[reference]
        if not found.identity:
            # The last of the causes a daemon strings together; before it stand addresses of this network.
            raise CellError(Phase.START, CellStatus.UNAVAILABLE, "no-image", found.refused.rpartition(": ")[2])
        return digest(found.identity)

    def prepare(self, recipe: Recipe, log: Path) -> Prepared:
        began = time.monotonic()
        daemon = self.daemon()
        # What lies on top differs between cells that have everything else in common.
        below = None if recipe.on_top is None else self.prepare(recipe.below, log)
        key = recipe.key
        reference = f"compat-cell:{key[:20]}"
        with self._only_one(reference):
            image = daemon.image(reference)
            built = image is None or (image.labels or {}).get(docker_images.KEY_LABEL) != key
            if built:
                if below is None:
                    self._compile(recipe, log)
                daemon.build(daemon.renderer.cell(recipe), (reference,), log)
                image = daemon.image(reference)
            if image is None:
                raise infra(Phase.BUILD, "build", f"{reference} was built, but the daemon no longer has it")
            with daemon.guarded(Phase.BUILD):
                # The daemon keeps when a tag was last set: that is "last used" for eviction.
                image.tag("compat-cell", tag=key[:20])
        return Prepared(
            key=key,
            reference=reference,
            interpreter=recipe.base.interpreter,
            trusted=recipe.base.trusted,
            built=built or (below is not None and below.built),
            seconds=time.monotonic() - began,
            size=image.attrs.get("Size"),
            environment=docker_images.variables(image),
        )

    def run(self, reference: str, task: Task, on_line: Callable[[bytes], None]) -> Exit:
        """As in the protocol. A builder task runs in the builder of the base it names, made when first needed."""
        self.daemon()
        if not task.builder:
            return self._run(reference, task, on_line)
        with owner.scratch() as folder:
            builder = self._builder(reference, Path(folder) / "build.log")
        return self._build(builder, task, on_line)

    def halt(self) -> None:
        """Ends every build and container of this engine: `prepare` raises, `run` returns `lost`. Final."""
        if self._daemon is not None:
            self._daemon.stopping.set()

    def close(self) -> None:
        """Removes the index proxy, and gives up the connections to the daemon."""
        self._index.close()
        if self._daemon is not None:
            self._daemon.client.close()

    def images(self) -> tuple[Stored, ...]:
        """Images of cells, least recently used first; a layer counts for the one of its images used last."""
        return docker_images.stored(self.daemon())

    def remove(self, references: Iterable[str]) -> int:
        return docker_images.remove(self.daemon(), references)

    def reap(self) -> int:
        daemon = self.daemon()
        count = 0
        owner.reap_scratch()
        with daemon.guarded(Phase.COLLECT):
            for made in daemon.client.containers.list(all=True, ignore_removed=True, filters={"label": owner.LABEL}):
                who = owner.parse(made.labels)
                if made.id in self._left or (who is not None and owner.dead(who)):
                    _remove(made)
                    self._left.discard(made.id)
                    count += 1
        return count

    def drop_downloads(self) -> None:
        docker_images.drop_downloads(self.daemon())
        self._index.drop(self.daemon())

    def disk_free(self) -> int | None:
        """Bytes free at the daemon's root; None where that is on another machine and nothing is known."""
        root = str(self._facts().get("DockerRootDir", ""))
        local = self.daemon().host.startswith("unix://") and root and Path(root).is_dir()
        if not local:
            return None
        stats = os.statvfs(root)
        return stats.f_bavail * stats.f_frsize

    def _run(self, reference: str, task: Task, on_line: Callable[[bytes], None], door: str = "") -> Exit:
        daemon = self.daemon()
        if daemon.stopping.is_set():
            raise infra(Phase.START, "stopped", "the run was stopped")
        options = self._options(task)
        if door:
            options["mounts"].append(docker_index.mount(door))
        with docker_run.container(daemon, reference, options, self._left) as made:
            ended = docker_run.watch(daemon, made, task, on_line)
            if not task.outputs or ended.lost:
                return ended
            with daemon.guarded(Phase.COLLECT):
                return replace(ended, **outputs.of_container(made, task))

    def _build(self, builder: str, task: Task, on_line: Callable[[bytes], None]) -> Exit:
        """Runs a builder task: where it asks for the network it gets the index, through the proxy, and no more."""
        if not task.network:
            return self._run(builder, task, on_line)
        daemon = self.daemon()
        entry = self._index.enter(daemon, builder)
        ended = self._run(builder, docker_index.wrapped(daemon, task, entry), on_line, entry.volume)
        ended = replace(ended, stderr=docker_index.unaddressed(ended.stderr, entry))
        if ended.lost:
            return ended
        return replace(ended, trouble=self._index.trouble(daemon, entry, solved=ended.code == 0))

    def _compile(self, recipe: Recipe, log: Path) -> None:
        """Sees to it that the wheel of every source of a recipe is there."""
        daemon = self.daemon()
        for source in (d for step in recipe.steps for d in step.distributions if not d.wheel):
            with self._only_one(f"built {recipe.base.identity} {source.sha256}"):
                docker_compile.obtain(daemon, recipe.base, source, log, self.run)

    def _options(self, task: Task) -> dict[str, Any]:
        from docker.types import LogConfig, Mount, Ulimit

        mounts = [Mount(target=limits.FILES, source=None, type="volume")]
        environment = dict(FIXED_VARIABLES)
        processors = int(self._facts().get("NCPU") or 1)
        return {
            **limits.settings(task, processors, self.enforces),
            **docker_run.devices(task),
            "entrypoint": list(task.command),
            "command": [],
            "environment": environment | dict(task.environment),
            "labels": {**dict(task.labels), owner.LABEL: str(owner.current())},
            "log_config": LogConfig(type="json-file", config={"max-size": "32m", "max-file": "1"}),
            "mounts": mounts,
            "stdin_open": False,
            "ulimits": [Ulimit(name="core", soft=0, hard=0)],
            # else the client's config.json hands its proxies, passwords included, to every container
            "use_config_proxy": False,
        }

    def _builder(self, base: str, log: Path) -> str:
        """The builder that belongs to a base's image, built when it is not there."""
        daemon = self.daemon()
        facts = docker_base.remembered(daemon, base)
        if facts is None:
            raise infra(Phase.BUILD, "base", f"{base} is not a base built by compat")
        reference = f"compat-builder:{facts['identity'][:20]}"
        with self._only_one(reference):
            context: BuildContext = daemon.renderer.builder(base, tuple(facts["builder"]))
            image = daemon.image(reference)
            wanted = _digest(context)
            if image is None or (image.labels or {}).get("compat.builder") != wanted:
                daemon.build_with_network(context, (reference,), log, labels=(("compat.builder", wanted),))
        return reference

    def daemon(self) -> DaemonConnection:
        """The daemon, connected. Raises CellError(start, infra)."""
        try:
            return self._reach()
        except troubles() as error:
            raise infra(Phase.START, "daemon", str(error)[:300]) from error

    def _reach(self) -> DaemonConnection:
        import docker

        with self._lock:
            if self._daemon is None:
                host = daemon_host(self._environment)
                _knock(host)
                tls = docker.utils.kwargs_from_env(environment={**self._environment, "DOCKER_HOST": host})
                client = docker.DockerClient(**{"timeout": _API_SECONDS, **tls, "base_url": host})
                try:
                    client.ping()
                except BaseException:
                    client.close()
                    raise
                self._daemon = DaemonConnection(
                    client=client, host=host, renderer=self._renderer, environment=self._environment
                )
            return self._daemon

    def _facts(self) -> Mapping[str, Any]:
        if not self._info:
            daemon = self.daemon()
            with daemon.guarded(Phase.START):
                self._info = daemon.client.info()
        return self._info

    def _only_one(self, name: str) -> threading.Lock:
        """One thread at a time builds one thing."""
        with self._lock:
            return self._locks.setdefault(name, threading.Lock())


def _digest(context: BuildContext) -> str:
    """What a build context holds, as a digest."""
    return digest([context.dockerfile, [(name, content.decode()) for name, content in context.files]])


def daemon_host(environment: Mapping[str, str]) -> str:
    """The daemon's address: DOCKER_HOST, else the client's current context, else the usual sockets."""
    if environment.get("DOCKER_HOST"):
        return environment["DOCKER_HOST"]
    from docker.context import ContextAPI

    context = None
    # A context file that can't be read is the client's to complain about.
    with suppress(*troubles(), ValueError, KeyError):
        context = ContextAPI.get_current_context()
    host = getattr(context, "Host", None) if context is not None and context.Name != "default" else None
    rootless = Path(environment.get("XDG_RUNTIME_DIR") or "/nonexistent") / "docker.sock"
    if not host and not _SOCKET.exists() and rootless.exists():
        host = f"unix://{rootless}"
    return str(host or f"unix://{_SOCKET}")


def _knock(host: str) -> None:
    """Raises OSError where nothing listens on a local socket: the SDK's own constructor leaves its socket open then."""
    if host.startswith("unix://"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as door:
            door.settimeout(_API_SECONDS)
            door.connect(host.removeprefix("unix://"))


def _remove(made: Container) -> None:
    import docker.errors

    try:
        made.remove(force=True, v=True)
    except docker.errors.NotFound:
        return
