"""The kinds of engine there are. A new one is a module beside this and an entry here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from orchestrator.model import Engine, Renderer
from orchestrator.model.engine import HELD, HELD_LOCALLY

Open = Callable[[Mapping[str, str], Renderer], Engine]


@dataclass(frozen=True, kw_only=True, slots=True)
class EngineKind:
    """A kind of engine: its `name`, what it is in a few words, whether it isolates, and what it can enforce at best
    (words of `HELD`; what a given machine lacks is the engine's to say). `open` makes one, and reaches nothing yet.

    Only what isolates answers questions; results of what does not stand in a table of their own.
    """

    name: str
    about: str
    isolated: bool
    holds: frozenset[str]
    open: Open


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
    holds=HELD_LOCALLY,
    open=_local,
)
KINDS = (DOCKER, LOCAL)
"""In the order in which they are tried when none is named."""
ISOLATED = tuple(kind.name for kind in KINDS if kind.isolated)
NOT_ISOLATED = tuple(kind.name for kind in KINDS if not kind.isolated)


def described() -> str:
    """Every kind with what it is, for a help text."""
    return ", ".join(f"{kind.name} ({kind.about})" for kind in KINDS)
