"""`compat why`: a pasted traceback to the versions that have it and those that don't."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from orchestrator.app.results import results
from orchestrator.app.services import Services
from orchestrator.cli.options import project, shared
from orchestrator.cli.printing import console, say
from orchestrator.errors import CellStatus, UserError
from orchestrator.insight import traceback
from orchestrator.insight import why as insight
from orchestrator.report import why as report
from orchestrator.verdict.tables import short_ids

_BYTES = 1_000_000
"""Bytes read from the end of a text: the question is about a log's last error."""
_STDIN = "-"

_PASTE = """Paste it from "Traceback (most recent call last)" to the error's own line; that line alone will do:
  compat why traceback.txt
  compat why - < traceback.txt
  python train.py 2>&1 | compat why"""


@click.command(
    epilog="""\b
Examples:
  compat why traceback.txt
  python train.py 2>&1 | compat why
  compat why 'TypeError: Keras symbolic inputs/outputs do not implement `__len__`'

\b
Exit codes: 0 whether or not it was seen · 2 no traceback in the text""",
)
@click.argument("text", nargs=-1, metavar="[FILE|-|TEXT]")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@shared
def why(services: Services, text: tuple[str, ...], matrix: Path | None, as_of: str | None, *, as_json: bool) -> None:
    """Find a pasted traceback among all that probes raised: which versions have it, the nearest that don't, the
    pins that differ. Runs nothing.

    Reads a file, standard input (- or nothing), or the text itself. Matching is by the error's type, its message
    without names, shapes and paths, and the place that raised it; which of these agree is said.
    """
    pasted = _pasted(text)
    if not traceback.exceptions(pasted):
        raise UserError("no traceback found in the text", hint=_PASTE)
    chosen = project(services, (), matrix, as_of)
    cells = results(chosen).everything
    known = insight.raised_by(cells)
    found = traceback.exceptions(pasted, insight.packages(known))
    explained = insight.why(found, known, cells, chosen.parts.matrix)
    if as_json:
        say(report.document(explained, found[-1]), end="")
    elif explained is None:
        ran = sum(j.status is CellStatus.RAN for j in cells)
        say(report.unseen(found[-1], ran, chosen.parts.matrix, width=console().width), end="")
    else:
        ids = short_ids(j.cell.id for j in cells)
        say(report.render(explained, ids, width=console().width), end="")


def _pasted(words: tuple[str, ...]) -> str:
    """What the arguments name: a file's text, standard input's, or the words themselves. Raises UserError."""
    given = " ".join(words)
    if given in ("", _STDIN):
        if not given and sys.stdin.isatty():
            raise UserError("nothing to explain", hint=_PASTE)
        return _text(sys.stdin.buffer.read(), "standard input")
    path = Path(given)
    # a text of several lines or with a colon and a blank is no path anybody has
    if "\n" not in given and (_is_file(path) or not traceback.exceptions(given)):
        return _text(_read(path), given)
    return given


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            file.seek(max(0, size - _BYTES))
            return file.read(_BYTES)
    except (FileNotFoundError, ValueError) as error:
        raise UserError(f"{path} is neither a file nor a traceback", hint=_PASTE) from error
    except OSError as error:
        raise UserError(f"{path} can't be read: {error.strerror}", hint=_PASTE) from error


def _text(content: bytes, name: str) -> str:
    """The bytes as text. Raises UserError where they are none."""
    content = content[-_BYTES:]
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", errors="replace")  # what PowerShell's > writes
    if b"\0" in content:
        raise UserError(f"{name} is not text", hint=_PASTE)
    if not content.strip():
        raise UserError(f"{name} is empty", hint=_PASTE)
    return content.decode("utf-8", errors="replace")
