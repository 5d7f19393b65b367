"""`compat doctor`: what this machine can run, and what is missing. It only looks."""

from __future__ import annotations

import configparser
import os
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import click

from orchestrator import paths, workflow
from orchestrator.cli.printing import console, say
from orchestrator.engine import host as machine
from orchestrator.engine.asking import Question
from orchestrator.errors import CellError, UserError
from orchestrator.image import bases
from orchestrator.lock import cuda_facts, settings
from orchestrator.lock.unread import Unread
from orchestrator.matrix import document, expand, ranges
from orchestrator.model import AxisKind, BaseSpec, Choice, Matrix, Sources
from orchestrator.model.host import Answer, Line, PackageHost, Planned, Reply
from orchestrator.report import doctor as report
from orchestrator.run import suite
from orchestrator.store import packed
from orchestrator.store.store import Store

_INDEX_SECONDS = (3.0, 4.0)
"""To connect, between bytes."""
_PLAN_SECONDS = 20.0
_TABLES = "docs/cuda"


@click.command(
    short_help="What this machine can run, and what is missing. Changes nothing.",
    epilog="Exit codes: 0 CPU combinations can run · 2 the matrix can't be read · 3 no engine · 4 something else lacks",
)
@click.option(
    "--matrix",
    "-m",
    type=click.Path(path_type=Path, dir_okay=True),
    help="The matrix file (default: matrix.yaml here, else the one that is shipped).",
)
@click.option("--json", "as_json", is_flag=True, help="Print facts and findings as one JSON document.")
def doctor(matrix: Path | None, *, as_json: bool) -> int:
    """What this machine can run: its engine, processor, package index, GPUs, and which combinations of the matrix.

    Each thing that is missing comes with what to do about it. Nothing is changed, built or started, and nothing is
    waited for long.
    """
    path = matrix or paths.matrix_here()
    bare, source = read(path)
    known = bases.load(paths.data("images") / "bases.yaml")
    specs = [spec for spec in known if not bare.pythons or spec.python in bare.pythons]
    about_plan = Question(lambda: counted(bare, source, path))
    host = machine.look(ways(os.environ, specs, bare.lines), bare.pythons or [spec.python for spec in specs])
    slow = replace(bare, trouble="the matrix was not counted in time", hint="is the disk slow? try again")
    planned = about_plan.answer(time.monotonic() + _PLAN_SECONDS, slow)
    found = report.diagnose(host, planned, specs, minimum_drivers(paths.data(_TABLES)))
    text = report.document(host, planned, found) if as_json else report.render(found, console().width)
    say(text, end="")
    return int(found.code)


def ways(environment: Mapping[str, str], specs: Sequence[BaseSpec], lines: Sequence[Line] = ()) -> machine.Ways:
    """How this machine is asked, with the index and the engine that every other command would use."""
    from orchestrator.engine.local import default_root

    images = [line.image for line in lines if line.image]
    return machine.Ways(
        environment=environment,
        daemon=lambda: machine.ask_daemon(environment, specs, images),
        index=lambda: _index(environment),
        uv=_find_uv,
        keep=default_root(),
    )


def _index(environment: Mapping[str, str]) -> PackageHost:
    try:
        root = settings.host_index(environment)
    except (OSError, ValueError, configparser.Error) as error:
        said = f"its settings can't be read: {error}"
        return PackageHost(at="?", answer=Answer(reply=Reply.UNREADABLE, said=said))
    at = urlsplit(root).netloc.rpartition("@")[2] or root
    return PackageHost(at=at, answer=ask_index(root, settings.certificates(environment)))


def ask_index(root: str, bundle: str | None) -> Answer:
    """Whether a package index answers as other commands want it: with the files of a package that any index has."""
    from pypi_simple import NoSuchProjectError, PyPISimple, UnsupportedContentTypeError, UnsupportedRepoVersionError
    from requests import RequestException, Timeout

    from orchestrator.lock.index import KNOWN, session_for

    began = time.monotonic()
    try:
        with PyPISimple(root, session=session_for(bundle)) as client:
            for name in KNOWN:
                with suppress(NoSuchProjectError):
                    if client.get_project_page(name, timeout=_INDEX_SECONDS).packages:
                        return Answer(reply=Reply.ANSWERED, seconds=time.monotonic() - began)
    except Timeout:
        return Answer(reply=Reply.SILENT, seconds=time.monotonic() - began)
    except RequestException as error:
        # without the address it was about, which may carry a password
        status = f"HTTP {error.response.status_code}" if error.response is not None else type(error).__name__
        return Answer(reply=Reply.FAILED, said=status)
    except (UnsupportedContentTypeError, UnsupportedRepoVersionError, ValueError, OSError) as error:
        return Answer(reply=Reply.UNREADABLE, said=type(error).__name__)
    return Answer(reply=Reply.FAILED, said=f"it has neither {' nor '.join(KNOWN)}")


def read(path: Path) -> tuple[Planned, document.Source | None]:
    """What a matrix file names, not counted yet. What is wrong with it is told in the plan: the machine is looked at
    all the same.
    """
    try:
        source = document.load(path)
        document.refuse_strangers(source, suite.load(paths.data("probes")).probes)
    except UserError as error:
        return Planned(trouble=error.message, hint=error.hint), None
    bare = Planned(
        title=source.title,
        path=source.path,
        pythons=tuple(choice.name for choice in _choices(source, AxisKind.PYTHON)),
        lines=tuple(_line(c.name, c.sources) for c in _choices(source, AxisKind.DEVICE) if c.sources is not None),
        memory=source.limits.memory,
    )
    return bare, source


def counted(bare: Planned, source: document.Source | None, path: Path) -> Planned:
    """A plan, counted by what its ranges stood for when the index was last read, or published: nothing is asked now."""
    if source is None:
        return bare
    named: dict[str, frozenset[str]] = {}
    for choice in _choices(source, AxisKind.DEVICE):
        named[choice.axis.name] = named.get(choice.axis.name, frozenset()) | {choice.name}
    try:
        matrix = _settled(source, path)
        if matrix is None:
            return bare
        cells = (*expand.expand(matrix).cells, *expand.requested(matrix, named))
    except UserError as error:
        return replace(bare, trouble=error.message, hint=error.hint)
    counts = Counter((cell.device, cell.python) for cell in cells)
    return replace(bare, counts=tuple((device, python, number) for (device, python), number in counts.items()))


def minimum_drivers(folder: Path) -> dict[str, str]:
    """CUDA line ("cuda11.2") → the oldest driver that runs what was built with it; empty without the table."""
    if not (folder / cuda_facts.DRIVERS).exists():
        return {}
    return {f"cuda{driver.cuda}": driver.minimum for driver in cuda_facts.drivers(folder)}


def _settled(source: document.Source, path: Path) -> Matrix | None:
    """The matrix as it stood when its ranges were last known; None where the index would have to be asked."""
    try:
        return ranges.resolve(source, Unread(as_of=datetime.now(UTC)))
    except CellError:
        origin = ranges.source_digest(source)
    known = Store(root=paths.folder_of(path) / workflow.STATE).known()
    if known is None or known.source != origin:
        given = packed.beside(path, origin)
        known = given.known if given else None
    return ranges.settled(source, known.choices) if known else None


def _choices(source: document.Source, kind: AxisKind) -> list[Choice]:
    return [choice for axis in source.axes if axis.axis.kind is kind for choice in axis.choices]


def _line(name: str, sources: Sources) -> Line:
    return Line(name=name, image=sources.image, wheels=bool(sources.wheels), folder=sources.folder)


def _find_uv() -> str:
    import uv

    try:
        return uv.find_uv_bin()
    except FileNotFoundError:
        return ""
