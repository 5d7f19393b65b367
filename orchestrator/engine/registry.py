"""The kinds of engine there are. A new one is a module beside this and an entry here."""

from __future__ import annotations

from collections.abc import Mapping

from orchestrator.model import Engine, EngineKind, Renderer, not_held
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
    """Every kind with what it is and which is the default, for a help text."""
    kinds = ", ".join(f"{kind.name} ({kind.about})" for kind in KINDS)
    return f"{kinds}; default: {KINDS[0].name} where it answers, else {' or '.join(k.name for k in KINDS[1:])}."


def not_held_by(name: str) -> tuple[str, ...]:
    """In words, what a kind of this name does not hold anywhere; all there is of one that is not registered."""
    return not_held(next((kind.holds for kind in KINDS if kind.name == name), ()))
