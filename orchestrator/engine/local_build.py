"""Environments of the local engine: fetched, verified and installed by the programs that the images are made with.

Source distributions are the exception to everything: their code runs on this machine.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import uv

from orchestrator import paths
from orchestrator.engine import build, build_secrets, local_index
from orchestrator.errors import CellError, CellStatus, Phase, infra
from orchestrator.model import Distribution, Recipe, Step

_NO_SPACE = ("no space left on device", "disk quota exceeded")
_TAIL_LINES = 25
_UNFIT = 42
"""What `images/install.py` ends with where a wheel can't be installed."""
_PASSED = ("HOME", "LANG", "LC_ALL", "PATH", "TMPDIR", "UV_CACHE_DIR", "XDG_CACHE_HOME")
"""What programs are told of this shell; nothing else of it reaches a `setup.py`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Build:
    """An environment in the making: its folder, the log, the wheels that all environments here are made from, and the
    folder of those that no index has.
    """

    folder: Path
    log: Path
    cache: Path
    stopping: threading.Event
    shelf: str = ""


def make(recipe: Recipe, making: Build) -> None:
    """Makes the environment of a recipe. Raises CellError."""
    command = [uv.find_uv_bin(), "venv", "--no-project", "--no-config", "--python", recipe.base.interpreter]
    must([*command, str(making.folder)], making, infra(Phase.BUILD, "venv", ""))
    for step in recipe.steps:
        scratch = making.folder / "scratch"
        scratch.mkdir()
        _install(step, recipe.base.trusted, scratch, making)
        shutil.rmtree(scratch)


def must(
    command: Sequence[str], making: Build, failure: CellError, environment: Mapping[str, str] | None = None
) -> None:
    """Runs a program; raises `failure` with the end of its output where it fails, infra for a full disk."""
    passed = {name: os.environ[name] for name in _PASSED if name in os.environ}
    fixed = {"NO_COLOR": "1", "UV_NO_PROGRESS": "1", "UV_PYTHON_DOWNLOADS": "never"}
    ended = build.execute(command, making.log, stopping=making.stopping, env={**passed, **fixed, **(environment or {})})
    if ended.code == 0:
        return
    tail = "\n".join(ended.output.splitlines()[-_TAIL_LINES:])
    if any(words in ended.output.lower() for words in _NO_SPACE):
        raise infra(failure.phase, "disk-full", tail)
    if ended.code < 0:
        raise infra(failure.phase, "killed", f"signal {-ended.code}\n{tail}")
    if failure.reason == "install-fails" and ended.code != _UNFIT:
        raise infra(failure.phase, "install", tail)
    raise CellError(failure.phase, failure.status, failure.reason, tail, attribution=failure.attribution)


def network() -> dict[str, str]:
    """What reaches an index from this machine: its settings, credentials included, and its certificates."""
    found = build_secrets.network(os.environ)
    bundle = build_secrets.certificates(os.environ)
    if bundle is not None:
        found |= dict.fromkeys(("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE"), str(bundle))
    return found


def _install(step: Step, trusted: str, scratch: Path, making: Build) -> None:
    wheels = [d for d in step.distributions if d.wheel]
    program = [trusted, "-I", "-S", "-B", str(paths.data("images") / "install.py"), str(making.folder)]
    if wheels:
        listed = scratch / "wheels.txt"
        listed.write_text("".join(f"{d.sha256}  {d.filename}\n" for d in wheels))
        fetch = [
            sys.executable,
            "-I",
            "-S",
            "-B",
            str(paths.data("images") / "fetch.py"),
            str(making.cache),
            str(listed),
            making.shelf,
        ]
        must(fetch, making, infra(Phase.BUILD, "fetch", ""), network())
        must([*program, str(making.cache), str(listed)], making, _uninstallable("install-fails"))
    sources = [d for d in step.distributions if not d.wheel]
    for source in sources:
        _compile(source, scratch / source.name, making)
    if sources:
        must([*program, str(scratch)], making, _uninstallable("install-fails"))


def _compile(source: Distribution, folder: Path, making: Build) -> None:
    """Builds a wheel into a folder, from a source that is the one that was locked, and says there from what."""
    script = str(paths.data("images") / "sdist.py")
    fetch = [sys.executable, "-I", "-S", "-B", script, source.name, source.filename, source.sha256, str(folder)]
    must(fetch, making, infra(Phase.BUILD, "fetch", ""), network())
    made = folder / "made"
    interpreter = str(making.folder / "bin" / "python")
    command = [uv.find_uv_bin(), "build", "--wheel", "--no-cache", "--python", interpreter, "--out-dir", str(made)]
    with local_index.proxy(making.cache.with_name("proxied"), os.environ, making.log) as door:
        private = {"UV_PYTHON": interpreter, "UV_CACHE_DIR": str(folder / "uv"), "PIP_CACHE_DIR": str(folder / "pip")}
        try:
            building = door.wrapped([*command, str(folder / source.filename)])
            must(building, making, _uninstallable("build-fails"), private)
        except CellError as error:
            # A build asks the index for its own requirements: only where that answers is the failure the package's.
            trouble = door.trouble(solved=False)
            raise infra(Phase.BUILD, "fetch", f"{trouble}\n{error.detail}") if trouble else error from None
    wheel = next(made.glob("*.whl"))
    shutil.move(wheel, folder / wheel.name)
    with (folder / wheel.name).open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    (folder / "compiled.txt").write_text(f"{source.pin} {wheel.name} sha256:{sha256}\n")


def _uninstallable(reason: str) -> CellError:
    return CellError(Phase.BUILD, CellStatus.UNINSTALLABLE, reason, "")
