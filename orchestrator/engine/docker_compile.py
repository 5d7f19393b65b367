"""Source distributions compiled apart: a builder task without a network, whose wheel is kept as a tiny image.

Whatever comes out of such a task is the package's own word: it is measured, named and hashed here.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from orchestrator.engine import docker_images, limits, owner
from orchestrator.engine.docker_base import TRUSTED
from orchestrator.engine.docker_daemon import DaemonConnection
from orchestrator.errors import CellError, CellStatus, Phase, infra
from orchestrator.model import Base, BuildContext, Distribution, Exit, Limits, Task

SECONDS = 1800.0
"""A build of one source is ended after this."""
MEMORY = 6 * 1024**3
PIDS = 1024
WHEEL_BYTES = 1024**3
_NOT_FETCHED, _NOT_BUILT, _NO_INDEX = 43, 44, 125
_NO_SPACE = ("no space left on device", "disk quota exceeded")
_HEADER = re.compile(rb"wheel ([A-Za-z0-9][A-Za-z0-9_.+!-]{0,250}\.whl) ([0-9]{1,10}) ([0-9a-f]{64})")
_TAIL_LINES = 25
_COMMAND = (TRUSTED, "-I", "-S", f"{limits.FILES}/compile.py")

Run = Callable[[str, Task, Callable[[bytes], None]], Exit]


def obtain(daemon: DaemonConnection, base: Base, source: Distribution, log: Path, run: Run) -> str:
    """The image that holds the wheel of a source in /out, built on this base where it is not there.

    Raises CellError: (build, uninstallable) `build-fails`, `build-timeout`, `build-memory` or `build-space` for what
    the package does, else infra.
    """
    key = daemon.renderer.built(base, source)
    reference = f"{docker_images.BUILT}:{key[:20]}"
    image = daemon.image(reference)
    if image is None or (image.labels or {}).get(docker_images.KEY_LABEL) != key:
        with owner.scratch() as name:
            made = _compile(_Making(daemon=daemon, base=base, run=run, log=log), source, Path(name) / "wheel")
            context = Path(name) / "context"
            (context / "out").mkdir(parents=True)
            (Path(name) / "wheel").rename(context / "out" / made.filename)
            listed = f"{source.pin} {made.filename} sha256:{made.sha256}\n"
            (context / "out" / "compiled.txt").write_text(listed, encoding="utf-8")
            dockerfile = BuildContext(dockerfile="FROM scratch\nCOPY out /out\n")
            labels = ((docker_images.KEY_LABEL, key),)
            daemon.build(dockerfile, (reference,), log, labels=labels, folder=context)
    elif image is not None:
        with daemon.guarded(Phase.BUILD):
            image.tag(docker_images.BUILT, tag=key[:20])
    return reference


@dataclass(frozen=True, kw_only=True, slots=True)
class Wheel:
    """What came out of a build that is what it must be."""

    filename: str
    sha256: str


@dataclass(frozen=True, kw_only=True, slots=True)
class _Making:
    """What a build needs beside its source."""

    daemon: DaemonConnection
    base: Base
    run: Run
    log: Path


@dataclass(kw_only=True, slots=True)
class Received:
    """Takes a wheel in, line by line, into a file; believes nothing, and after the first wrong line takes no more."""

    target: Path
    most: int = WHEEL_BYTES
    filename: str = ""
    size: int = 0
    sha256: str = ""
    whole: bool = False
    wrong: str = ""
    _total: int = 0
    _hash: object = field(default_factory=hashlib.sha256)

    def feed(self, line: bytes) -> None:
        if self.wrong:
            return
        try:
            if not self.filename:
                self._begin(line)
            elif line == b"end" and not self.whole:
                self.whole = True
            else:
                self._more(line)
        except ValueError as error:
            self.wrong = str(error)

    def check(self, source: Distribution) -> None:
        """Raises ValueError where this is not a wheel of that project and version, whole."""
        self.require_whole()
        try:
            name, version, _, _ = parse_wheel_filename(self.filename)
            same = Version(version.public) == Version(Version(source.version).public)
            fits = same and name == canonicalize_name(source.name)
        except (InvalidWheelFilename, InvalidVersion) as error:
            raise ValueError(f"{self.filename} is not a wheel file name") from error
        if not fits:
            raise ValueError(f"{self.filename} is not a wheel of {source.pin}")

    def require_whole(self) -> None:
        """Raises ValueError where not all of a wheel came out."""
        if self.wrong:
            raise ValueError(self.wrong)
        if not self.whole or self._total != self.size or self._digest() != self.sha256:
            raise ValueError("the wheel is incomplete")

    def _begin(self, line: bytes) -> None:
        found = _HEADER.fullmatch(line)
        if found is None:
            raise ValueError(f"the build produced something other than a wheel: {line[:80]!r}")
        self.filename, self.size, self.sha256 = found[1].decode(), int(found[2]), found[3].decode()
        if self.size > self.most:
            raise ValueError(f"the wheel is larger than {self.most} bytes")
        self.target.touch()

    def _more(self, line: bytes) -> None:
        if self.whole:
            raise ValueError("there is more output after the wheel")
        try:
            content = base64.b64decode(line, validate=True)
        except binascii.Error as error:
            raise ValueError("the wheel is damaged") from error
        self._total += len(content)
        if self._total > self.size:
            raise ValueError("the wheel is larger than announced")
        self._hash.update(content)  # type: ignore[attr-defined]
        with self.target.open("ab") as target:
            target.write(content)

    def _digest(self) -> str:
        return str(self._hash.hexdigest())  # type: ignore[attr-defined]


def _compile(making: _Making, source: Distribution, target: Path) -> Wheel:
    received = Received(target=target)
    files = tuple((name, making.daemon.renderer.script(name)) for name in ("compile.py", "indexes.py"))
    task = Task(
        command=(*_COMMAND, source.name, source.filename, source.sha256, str(WHEEL_BYTES)),
        files=files,
        limits=Limits(cell_seconds=SECONDS, silence_seconds=SECONDS, memory=MEMORY, pids=PIDS),
        network=True,
        builder=True,
    )
    try:
        ended = making.run(making.base.image, task, received.feed)
        _say(making.log, source, ended)
        if ended.code != 0 or ended.lost:
            raise failure(ended)
        received.check(source)
    except ValueError as error:
        raise _package("build-fails", str(error)) from error
    return Wheel(filename=received.filename, sha256=received.sha256)


def failure(ended: Exit) -> CellError:
    """What an end other than a wheel means.

    The index's own count of what went wrong excuses the package; nothing that the package says does.
    """
    said = ended.stderr.partition("\nhint: Build failures usually")[0]
    tail = "\n".join(said.strip().splitlines()[-_TAIL_LINES:])
    if ended.lost:
        return infra(Phase.BUILD, "engine", ended.lost)
    if ended.trouble or ended.code in (_NOT_FETCHED, _NO_INDEX):
        return infra(Phase.BUILD, "fetch", f"{ended.trouble}\n{tail}".strip())
    reason, detail = _passed(ended)
    if reason:
        return _package(reason, f"{detail}\n{tail}".strip())
    return infra(Phase.BUILD, "build", f"ended with {ended.code}\n{tail}")


def _passed(ended: Exit) -> tuple[str, str]:
    """What a build went beyond, as a reason and a detail; that it fails otherwise; or two times ""."""
    if ended.timed_out or ended.silent:
        return "build-timeout", f"it did not build within {SECONDS:.0f} s"
    if ended.oom_killed:
        return "build-memory", f"it did not build within {MEMORY / 1e9:.1f} GB of memory"
    if any(words in ended.stderr.lower() for words in _NO_SPACE):
        return "build-space", ""
    return ("build-fails", "") if ended.code == _NOT_BUILT else ("", "")


def _package(reason: str, detail: str) -> CellError:
    return CellError(Phase.BUILD, CellStatus.UNINSTALLABLE, reason, detail)


def _say(log: Path, source: Distribution, ended: Exit) -> None:
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a", encoding="utf-8") as sink:
        sink.write(f"$ compile {source.pin} from {source.filename}\n{ended.stderr}\n")
