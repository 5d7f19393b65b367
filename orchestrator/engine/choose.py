"""Which engine a command uses: the one that was named, else the best that answers."""

from __future__ import annotations

from collections.abc import Mapping

from orchestrator.engine.registry import KINDS
from orchestrator.errors import UserError
from orchestrator.model import Engine, Renderer

AUTO = "auto"


def choose(name: str | None, environment: Mapping[str, str], *, renderer: Renderer) -> Engine:
    """The engine to use, checked to answer.

    None or "auto": the first kind that answers; with CI=true in the environment the first, as if named. Raises
    UserError(NO_ENGINE) where a named engine is absent, UserError for an unknown name.
    """
    wanted = name or AUTO
    if wanted == AUTO and environment.get("CI", "").lower() in ("1", "true"):
        wanted = KINDS[0].name
    named = [kind for kind in KINDS if wanted in (AUTO, kind.name)]
    if not named:
        raise UserError(f"unknown engine {wanted!r}", hint=f"engines: {', '.join((AUTO, *(k.name for k in KINDS)))}")
    for kind in named[:-1]:
        engine = kind.open(environment, renderer)
        try:
            engine.check()
        except UserError:
            continue
        return engine
    engine = named[-1].open(environment, renderer)
    engine.check()
    return engine
