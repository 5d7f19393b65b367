"""Options and small parts that several commands share."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar, cast

import click

from orchestrator.app.planning import PlanRequest, Project, open_project
from orchestrator.app.services import Services
from orchestrator.engine import registry
from orchestrator.errors import UserError

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")

WORKERS = min(2, os.cpu_count() or 1)
"""Cells at a time, unless said otherwise."""

SELECTORS = click.argument("selectors", nargs=-1)


ENGINE = click.option(
    "--engine",
    metavar="NAME",
    help=registry.described(),
)
MATRIX = click.option(
    "--matrix",
    "-m",
    type=click.Path(path_type=Path, dir_okay=True),
    help="The matrix file (default: matrix.yaml here, else the one that is shipped).",
)


def shared(function: F) -> F:
    """--matrix and --as-of, which every command that reads the matrix takes; its first parameter is the services."""
    function = click.option(
        "--as-of",
        metavar="DATE",
        help="Read the package index as of this UTC date or timestamp (default: today, 00:00 UTC).",
    )(MATRIX(function))
    return cast("F", click.pass_obj(function))


def project(services: Services, words: tuple[str, ...], matrix: Path | None, as_of: str | None) -> Project:
    """Opens the project that a command's options name, to look at results: this store's and what is published.

    The index is asked only where it is not known what the ranges of the matrix stand for. Raises UserError.
    """
    return open_project(
        PlanRequest(words=words, matrix=matrix, as_of=moment(as_of, services), known=True, published=True), services
    )


def told(kind: Callable[..., T], options: Mapping[str, object]) -> T:
    """Options as click read them, as one value of a `kind` with a field for each.

    That their types are those of the fields is what the options' declarations say; no type checker sees it.
    """
    return kind(**options)


def moment(text: str | None, services: Services) -> datetime | None:
    """A UTC moment; one without a zone is taken as UTC. Raises UserError."""
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
        found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise UserError(f"--as-of {text}: not a date", hint="such as 2024-06-30 or 2024-06-30T12:00:00Z") from error
    if found > services.now():
        raise UserError(f"--as-of {text} lies in the future", hint="the index can't be read as of tomorrow")
    return found
