"""The kinds of engine there are. A new one is a module beside this and an entry here."""

from __future__ import annotations

from collections.abc import Mapping

from orchestrator.model import Engine, EngineKind, Renderer
from orchestrator.model.engine import HELD


def _docker(environment: Mapping[str, str], renderer: Renderer) -> Engine:
    from orchestrator.engine.docker import DockerEngine  # the SDK takes long to import

    return DockerEngine(renderer=renderer, environment=environment)


def _local(_environment: Mapping[str, str], _renderer: Renderer) -> Engine:
    from orchestrator.engine.local import LocalEngine

    return LocalEngine()


DOCKER = EngineKind(
    name="docker", about="containers on a Docker daemon", isolated=True, holds=frozenset(HELD), open=_docker
)
LOCAL = EngineKind(
    name="local",
    about="virtual environments and plain processes here, not isolated",
    isolated=False,
    holds=frozenset({"time"}),
    open=_local,
)
KINDS = (DOCKER, LOCAL)
"""In the order in which they are tried when none is named."""
ISOLATED = tuple(kind.name for kind in KINDS if kind.isolated)
NOT_ISOLATED = tuple(kind.name for kind in KINDS if not kind.isolated)


def described() -> str:
    """Every kind with what it is, for a help text."""
    return ", ".join(f"{kind.name} ({kind.about})" for kind in KINDS)
