"""Which engine a command uses: the one that was named, else the best that answers."""

from __future__ import annotations

from collections.abc import Mapping

from orchestrator.engine.docker import DockerEngine
from orchestrator.errors import ExitCode, UserError
from orchestrator.model import Engine, Renderer

NAMES = ("auto", "docker", "local")
_LATER = ("podman",)


def choose(name: str | None, environment: Mapping[str, str], *, renderer: Renderer) -> Engine:
    """The engine to use, checked to answer.

    None or "auto": docker where its daemon answers, else local; with CI=true in the environment docker, as if
    named. Raises UserError(NO_ENGINE) where a named engine is absent, UserError for a name that is none.
    """
    wanted = name or "auto"
    if wanted in _LATER:
        raise UserError(
            f"{wanted} is not supported yet", hint="use --engine docker or --engine local", code=ExitCode.NO_ENGINE
        )
    if wanted not in NAMES:
        raise UserError(f"no engine is called {wanted!r}", hint=f"there are {', '.join(NAMES)}")
    docker = DockerEngine(renderer=renderer, environment=environment)
    if wanted == "local":
        return _local()
    if wanted == "docker" or environment.get("CI", "").lower() in ("1", "true"):
        docker.check()
        return docker
    try:
        docker.check()
    except UserError:
        return _local()
    return docker


def _local() -> Engine:
    from orchestrator.engine.local import LocalEngine

    engine: Engine = LocalEngine()
    engine.check()
    return engine
