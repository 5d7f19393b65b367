"""Options and small parts that several commands share."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from orchestrator import workflow
from orchestrator.errors import UserError

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")

WORKERS = min(2, os.cpu_count() or 1)
"""Cells at a time, unless said otherwise."""

SELECTORS = click.argument("selectors", nargs=-1)


def shared(function: F) -> F:
    """--matrix and --as-of, which every command that reads the matrix takes."""
    function = click.option(
        "--as-of",
        metavar="DATE",
        help="Read the package index as of this UTC date or timestamp (default: today, 00:00 UTC).",
    )(function)
    return click.option(
        "--matrix",
        "-m",
        type=click.Path(path_type=Path, dir_okay=True),
        help="The matrix file (default: matrix.yaml here, else the one that is shipped).",
    )(function)


def project(words: tuple[str, ...], matrix: Path | None, as_of: str | None) -> workflow.Project:
    """Opens the project that a command's options name, to look at results: this store's and what is published.

    The index is asked only where it is not known what the ranges of the matrix stand for. Raises UserError.
    """
    request = workflow.Request(
        environment=os.environ, words=words, matrix=matrix, as_of=moment(as_of), known=True, published=True
    )
    return workflow.open_project(request, now())


def project_to_run(
    words: tuple[str, ...], matrix: Path | None, as_of: str | None, *, combination: bool = False
) -> workflow.Project:
    """Opens the project that a command's options name, to run cells with the index as it is. Raises UserError."""
    request = workflow.Request(
        environment=os.environ, words=words, matrix=matrix, as_of=moment(as_of), combination=combination
    )
    return workflow.open_project(request, now())


def project_to_publish(matrix: Path | None) -> workflow.Project:
    """Opens the whole of a project with this store's results alone, as they were run. Raises UserError."""
    return workflow.open_project(workflow.Request(environment=os.environ, matrix=matrix, known=True), now())


def told(kind: Callable[..., T], options: Mapping[str, object]) -> T:
    """Options as click read them, as one value of a `kind` with a field for each.

    That their types are those of the fields is what the options' declarations say; no type checker sees it.
    """
    return kind(**options)


def now() -> datetime:
    return datetime.now(UTC)


def moment(text: str | None) -> datetime | None:
    """A UTC moment; one without a zone is taken as UTC. Raises UserError."""
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
        found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise UserError(f"--as-of {text}: not a date", hint="such as 2024-06-30 or 2024-06-30T12:00:00Z") from error
    if found > now():
        raise UserError(f"--as-of {text} lies in the future", hint="the index can't be read as of tomorrow")
    return found
