"""The daemon and the build client of one engine, and what may go wrong between us and them."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.engine import build, build_secrets, owner
from orchestrator.engine.build import BuildRequest
from orchestrator.errors import CellError, CellStatus, Phase, infra
from orchestrator.model import BuildContext, Renderer

if TYPE_CHECKING:
    from docker.models.images import Image

_TOOLS = "compat-tools:uv"
_TOOLS_LABEL = "compat.uv"


def troubles() -> tuple[type[Exception], ...]:
    """Exceptions that mean the daemon refused or did not answer."""
    import docker.errors
    import requests.exceptions
    import urllib3.exceptions

    return (
        docker.errors.DockerException,
        requests.exceptions.RequestException,
        urllib3.exceptions.HTTPError,
        http.client.HTTPException,
        OSError,
    )


@dataclass(kw_only=True, slots=True)
class DaemonConnection:
    """One daemon, reached two ways: `client` (the SDK, for running) and a build client on the same `host`.

    Not frozen: the build client is chosen at the first build, and the network's settings are read then.
    """

    client: Any
    host: str
    renderer: Renderer
    environment: Mapping[str, str]
    stopping: threading.Event = field(default_factory=threading.Event)
    _lock: Any = field(default_factory=threading.RLock)
    _build_client: build.BuildClient | None = None
    _tools_ready: bool = False

    def image(self, reference: str) -> Image | None:
        """The SDK's image, None where there is none; raises CellError(infra) where the daemon does not answer."""
        import docker.errors

        with self.guarded(Phase.BUILD):
            try:
                return self.client.images.get(reference)
            except docker.errors.ImageNotFound:
                return None

    @contextmanager
    def guarded(self, phase: Phase) -> Iterator[None]:
        """Turns what the daemon did wrong into CellError(phase, infra)."""
        try:
            yield
        except CellError:
            raise
        except troubles() as error:
            text = str(getattr(error, "explanation", None) or error)
            reason = "disk-full" if "no space left on device" in text.lower() else "daemon"
            raise infra(phase, reason, text[:1000]) from error

    @contextmanager
    def patient(self, seconds: float) -> Iterator[None]:
        """A client-wide time-out other than the usual, for calls that are known to be quick or slow."""
        with self._lock:
            usual = self.client.api.timeout
            self.client.api.timeout = seconds
            try:
                yield
            finally:
                self.client.api.timeout = usual

    def alive(self) -> bool:
        try:
            return bool(self.client.ping())
        except troubles():
            return False

    def builder_client(self) -> build.BuildClient:
        with self._lock:
            if self._build_client is None:
                self._build_client = build.find_client(self.environment, self.host)
            return self._build_client

    def build(
        self,
        context: BuildContext,
        tags: tuple[str, ...],
        log: Path,
        *,
        labels: tuple[tuple[str, str], ...] = (),
        folder: Path | None = None,
    ) -> None:
        """Builds a context (beside what `folder` holds already), without network and without a secret.

        Where it finds that its cache lacks something, that is fetched first, by a build of its own that has both and
        runs nothing but our own program.
        """
        if "compat-tools" in context.dockerfile:
            self._tools(log)
        with owner.scratch() as name:
            place = folder or Path(name) / "context"
            place.mkdir(exist_ok=True)
            build.write(context, place)
            request = BuildRequest(folder=place, tags=tags, labels=labels)
            try:
                self._carry_out(request, log)
            except CellError as error:
                if error.reason != "not-in-cache" or not context.fetching:
                    raise
                secrets = tuple(build_secrets.write(Path(name), self.environment).items())
                nothing = Path(name) / "nothing"
                fetch = replace(request, tags=(), labels=(), dockerfile=build.FETCHING, output=nothing)
                self._carry_out(replace(fetch, network=True, secrets=secrets), log)
                self._carry_out(request, log)

    def build_with_network(
        self, context: BuildContext, tags: tuple[str, ...], log: Path, *, labels: tuple[tuple[str, str], ...] = ()
    ) -> None:
        """Builds what runs no package under test, with the host's network and its settings as secrets."""
        if "compat-tools" in context.dockerfile:
            self._tools(log)
        with owner.scratch() as name:
            secrets = tuple(build_secrets.write(Path(name), self.environment).items())
            place = Path(name) / "context"
            place.mkdir()
            build.write(context, place)
            request = BuildRequest(folder=place, tags=tags, labels=labels, secrets=secrets, network=True)
            self._carry_out(request, log)

    def _carry_out(self, request: BuildRequest, log: Path) -> None:
        try:
            build.build(self.builder_client(), request, log, self.stopping)
        except CellError as error:
            if error.status is CellStatus.INFRA and error.reason == "build" and not self.alive():
                raise infra(Phase.BUILD, "daemon", "the daemon went away during a build") from error
            raise

    def _tools(self, log: Path) -> None:
        """Makes the image that holds uv, once per version of it."""
        with self._lock:
            if self._tools_ready:
                return
            import uv

            program = Path(uv.find_uv_bin())
            stamp = f"{getattr(uv, '__version__', '')}-{program.stat().st_size}"
            known = self.image(_TOOLS)
            if known is None or (known.labels or {}).get(_TOOLS_LABEL) != stamp:
                with owner.scratch() as name:
                    (Path(name) / "uv").write_bytes(program.read_bytes())
                    (Path(name) / "uv").chmod(0o755)
                    build.write(self.renderer.tools(), Path(name))
                    request = BuildRequest(folder=Path(name), tags=(_TOOLS,), labels=((_TOOLS_LABEL, stamp),))
                    build.build(self.builder_client(), request, log, self.stopping)
            self._tools_ready = True
