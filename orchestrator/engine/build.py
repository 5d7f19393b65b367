"""Programs that build: the `docker` client with BuildKit, chosen by what it can do, and what its failures mean.

The SDK has no BuildKit session (docker/docker-py#2230), so builds go through the client. A failed build is read
from the exit code of the step that failed, which is ours to choose (`images/install.py`, `images/fetch.py`).
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestrator.errors import CellError, CellStatus, Phase, infra
from orchestrator.model import BuildContext

NOT_FETCHED = frozenset({41})
NOT_IN_CACHE = 46
NOT_INSTALLED = {42: "install-fails"}
_STEP_CODE = re.compile(r"exit code: (\d+)\s*$")
_STEP_LINE = re.compile(r"^#(\d+) (?:\d+\.\d+ )?(.*)$")
_DIGEST = re.compile(r"^sha256:[0-9a-f]+$")
_NO_SPACE = ("no space left on device", "disk quota exceeded")
FETCHING = "fetch.Dockerfile"
"""What a context calls the Dockerfile that fetches for it."""
_TAIL_LINES = 25
_PROXIES = ("ALL_PROXY", "FTP_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY")
"""What a client hands every build of its own accord (`proxies` in its config.json), passwords included."""
_GRACE_SECONDS = 5.0


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildClient:
    """A client that can build with BuildKit: the words before the options, and the environment it needs."""

    command: tuple[str, ...]
    environment: tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class CompletedBuild:
    """How a program ended: its code and what it wrote."""

    code: int
    output: str


def execute(
    command: Sequence[str], log: Path, *, stopping: threading.Event, env: Mapping[str, str] | None = None
) -> CompletedBuild:
    """Runs a program to its end, its output going to `log`.

    The program is a process group of its own: a Ctrl-C reaches us alone, and we end the group, whole, on every
    path. Raises CellError(build, infra, stopped) when told to stop, FileNotFoundError where there is no program.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as sink:
        sink.write(f"$ {' '.join(command)}\n".encode())
        sink.flush()
        begin = sink.tell()
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            env=None if env is None else dict(env),
            start_new_session=True,
        )
        try:
            code = _wait(process, stopping)
        finally:
            _end(process)
    with log.open("rb") as source:
        source.seek(begin)
        return CompletedBuild(code=code, output=source.read().decode("utf-8", "replace"))


def _wait(process: subprocess.Popen[bytes], stopping: threading.Event) -> int:
    while True:
        try:
            return process.wait(timeout=0.2)
        except subprocess.TimeoutExpired:
            if stopping.is_set():
                raise infra(Phase.BUILD, "stopped", "the run was stopped") from None


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        return
    for number in (15, 9):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            return
        try:
            process.wait(timeout=_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            continue
        return


def find_client(environment: Mapping[str, str], host: str) -> BuildClient:
    """The first `docker` on PATH that builds with BuildKit on the daemon at `host`; raises CellError(build, infra).

    With buildx its `default` builder is asked for, the daemon's own: another would not see local images.
    Without, `DOCKER_BUILDKIT=1 docker build` is tried on a Dockerfile of one label: clients before 23 have
    BuildKit built in, later ones do not.
    """
    env = {**environment, "DOCKER_HOST": host, "DOCKER_BUILDKIT": "1", "BUILDX_BUILDER": "default"}
    env.pop("DOCKER_CONTEXT", None)
    names = _on_path("docker", environment.get("PATH", os.defpath))
    for name in names:
        if _succeeds([name, "buildx", "inspect", "default"], env):
            return BuildClient(command=(name, "buildx", "build", "--load"), environment=tuple(sorted(env.items())))
    for name in names:
        trial = b'FROM scratch\nLABEL compat.trial="1"\n'
        if _succeeds([name, "build", "--quiet", "--no-cache", "-"], env, trial):
            return BuildClient(command=(name, "build"), environment=tuple(sorted(env.items())))
    seen = ", ".join(names) or "none on PATH"
    raise infra(
        Phase.BUILD, "no-buildkit", f"no docker client can build with BuildKit here ({seen}); install docker-buildx"
    )


def _on_path(name: str, path: str) -> list[str]:
    found = (shutil.which(name, path=folder) for folder in path.split(os.pathsep) if folder)
    return list({str(Path(f).resolve()): f for f in found if f}.values())


def _succeeds(command: Sequence[str], env: Mapping[str, str], text: bytes = b"") -> bool:
    try:
        done = subprocess.run(command, input=text, env=dict(env), capture_output=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def write(context: BuildContext, folder: Path) -> None:
    """Lays a context out in a folder. Raises CellError(build, infra) where a large file of it is gone."""
    for name, content in context.written:
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    sources = {name: Path(source) for name, source in context.large}
    for name, source in sources.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        try:
            _lay(source, folder / name, frozenset(path.name for path in sources.values()))
        except OSError as error:
            raise infra(Phase.BUILD, "folder", f"{source}: {error.strerror}") from error


def _lay(source: Path, target: Path, beside: frozenset[str]) -> None:
    """Puts a large file in place without copying it where that can be; a link to one that is there too stays a link."""
    real = source.resolve(strict=True)
    if source.is_symlink() and real.name in beside and real.name != source.name:
        target.symlink_to(real.name)
        return
    try:
        target.hardlink_to(real)
    except OSError:  # another filesystem
        shutil.copyfile(real, target)


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildRequest:
    """What to build: a folder with a Dockerfile, the tags and labels of the result, secrets by id.

    Without `network` no step reaches any. With `output` what is built becomes files there and no image, and what takes
    the argument AGAIN is carried out anew.
    """

    folder: Path
    tags: tuple[str, ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    secrets: tuple[tuple[str, Path], ...] = ()
    dockerfile: str = "Dockerfile"
    network: bool = False
    output: Path | None = None


def build(client: BuildClient, request: BuildRequest, log: Path, stopping: threading.Event) -> None:
    """Builds an image. Raises CellError: infra, or (build, uninstallable) when an install step itself failed."""
    options = ["--platform", "linux/amd64", "--progress", "plain", "--file", str(request.folder / request.dockerfile)]
    if not request.network:
        options += ["--network", "none"]
        options += [word for name in _PROXIES for n in (name, name.lower()) for word in ("--build-arg", f"{n}=")]
    if request.output is not None:
        options += ["--output", str(request.output), "--build-arg", f"AGAIN={time.time_ns()}"]
    for tag in request.tags:
        options += ["--tag", tag]
    for name, value in request.labels:
        options += ["--label", f"{name}={value}"]
    for name, path in request.secrets:
        options += ["--secret", f"id={name},src={path}"]
    try:
        ended = execute(
            [*client.command, *options, str(request.folder)], log, stopping=stopping, env=dict(client.environment)
        )
    except OSError as error:
        raise infra(Phase.BUILD, "client", f"{client.command[0]}: {error}") from error
    if ended.code != 0:
        raise failure(ended.output)


def failure(output: str) -> CellError:
    """What a failed build's log means.

    The step's exit code decides. Text is consulted in one direction only: a full disk makes any failure infra,
    never an infra failure a finding.
    """
    lines = output.splitlines()
    code = step_code(lines)
    shown = step_output(lines) if code is not None else [*_said(lines), *step_output(lines)]
    tail = "\n".join(shown) or "\n".join(lines[-_TAIL_LINES:])
    if any(words in line.lower() for line in lines[-200:] for words in _NO_SPACE):
        return infra(Phase.BUILD, "disk-full", tail)
    if code in NOT_FETCHED:
        return infra(Phase.BUILD, "fetch", tail)
    if code == NOT_IN_CACHE:
        return infra(Phase.BUILD, "not-in-cache", tail)
    if code in NOT_INSTALLED:
        return CellError(Phase.BUILD, CellStatus.UNINSTALLABLE, NOT_INSTALLED[code], tail)
    if code == 137:
        return infra(Phase.BUILD, "killed", tail)
    return infra(Phase.BUILD, "build", tail)


def step_code(lines: Sequence[str]) -> int | None:
    """The exit code of the step that failed, from the client's closing line; None where no step is to blame."""
    for line in reversed(lines[-5:]):
        match = _STEP_CODE.search(line)
        if match:
            return int(match.group(1))
    return None


def step_output(lines: Iterable[str]) -> list[str]:
    """The last lines a failed step wrote, without BuildKit's numbers, times and digests."""
    steps: dict[str, list[str]] = {}
    failed = ""
    for line in lines:
        match = _STEP_LINE.match(line)
        if not match:
            continue
        number, text = match.groups()
        if text.startswith("ERROR"):
            failed = failed or number
        elif not _DIGEST.match(text):
            steps.setdefault(number, []).append(text)
    # The first line names the step itself, the instruction as written.
    return steps.get(failed, [])[1:][-_TAIL_LINES:]


def _said(lines: Iterable[str]) -> list[str]:
    """What BuildKit said of a step that failed without an exit code: trouble of its own."""
    matches = (_STEP_LINE.match(line) for line in lines)
    return [m.group(2).removeprefix("ERROR: ") for m in matches if m and m.group(2).startswith("ERROR")][:1]
