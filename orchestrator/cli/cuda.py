"""`compat cuda`: which CUDA for which TensorFlow, and why an environment's or an image's does not see a GPU."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import click
import msgspec

from orchestrator.app import cuda as app
from orchestrator.app.services import Services
from orchestrator.cli.options import project, shared, told
from orchestrator.cli.printing import console, say
from orchestrator.errors import UserError
from orchestrator.foreign import json_text
from orchestrator.gpu.audit import GpuAudit
from orchestrator.report import cuda as report

_FEW = 3
"""Up to this many releases are shown in full, more with one line each."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CudaOptions:
    """The options of `cuda` apart from the releases."""

    here: bool
    python: str | None
    image: str | None
    folders: tuple[Path, ...]
    engine: str | None
    as_json: bool


@click.command(
    epilog="""\b
Examples:
  compat cuda                             every listed TensorFlow, one line each
  compat cuda tf=2.16.1                   everything known about one release
  compat cuda --here                      the active environment: what does its TensorFlow find?
  compat cuda --image my/image:tag        the same inside a local image
  compat run device=auto tf=2.15          build a GPU image and inspect it (no GPU needed)

\b
Exit codes: 0 whatever is found · 2 nothing to inspect · 3 no engine (--image) · 4 the inspection did not finish""",
)
@click.argument("selectors", nargs=-1)
@click.option("--here", is_flag=True, help="Inspect the active environment (VIRTUAL_ENV, else python3).")
@click.option("--python", metavar="PATH", help="With --here: the interpreter of the environment.")
@click.option("--image", metavar="NAME", help="Inspect this local image.")
@click.option(
    "--folder",
    "folders",
    multiple=True,
    type=click.Path(path_type=Path),
    help="With --here: a folder of CUDA libraries to try as well; may be repeated.",
)
@click.option("--engine", help="With --image: docker (default).")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@shared
def cuda(
    services: Services, selectors: tuple[str, ...], matrix: Path | None, as_of: str | None, **options: object
) -> None:
    """Which CUDA, cuDNN, driver and GPUs a TensorFlow is for, read from its wheel; and what it finds of them, seen by
    letting its own search run without a GPU.

    Looking never computes anything, and takes no GPU: a stand-in answers as the driver.
    """
    wanted = told(CudaOptions, options)
    if wanted.here or wanted.python or wanted.image:
        if selectors or (wanted.image and (wanted.here or wanted.python)):
            raise UserError("--here and --image can't be combined, or used with selectors", hint="compat cuda --help")
        known = project(services, (), matrix, as_of)
        seen = _look(wanted, services)
        if not seen.built.release:
            hint = "Does the environment have TensorFlow? compat cuda --here --python PATH inspects another."
            raise UserError(f"no TensorFlow found: {seen.trouble}", hint=hint)
        if wanted.as_json:
            say(json_text(msgspec.to_builtins(seen), indent=None, sort_keys=False), end="")
        else:
            say(report.answer(seen, console().width, app.release(known, seen.built.release, services)), end="")
        return
    rows = app.selected(project(services, (), matrix, as_of), selectors, services)
    if not rows:
        raise UserError("this matrix has no axis for the package tensorflow", hint="Name one that has: --matrix FILE")
    if wanted.as_json:
        say(report.document(rows), end="")
    elif len(rows) <= _FEW:
        say("\n".join(report.details(row, console().width) for row in rows), end="")
    else:
        say(report.text(rows, console().width), end="")


def _look(wanted: CudaOptions, services: Services) -> GpuAudit:
    if wanted.image:
        return app.look_into_image(wanted.image, wanted.engine, services)
    return app.look_here(wanted.python, wanted.folders, services)
