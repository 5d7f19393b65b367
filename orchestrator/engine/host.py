"""What this machine has for running cells. Everything is asked at once, only looked at, and bounded in time."""

from __future__ import annotations

import errno
import json
import os
import platform
import re
import shutil
import socket
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.engine import bounded_process, docker_base, limits, nvidia
from orchestrator.engine import docker as docker_engine
from orchestrator.engine.bounded_process import BoundedCall
from orchestrator.engine.docker_daemon import troubles
from orchestrator.model import BaseSpec
from orchestrator.model.host import (
    Daemon,
    DockerCommand,
    Host,
    LocalEnvironments,
    Nvidia,
    PackageHost,
    Processor,
    Program,
    Reply,
    Response,
)

if TYPE_CHECKING:
    from docker import APIClient

TOOLS = ("mmdebstrap", "mvn")
"""What makes bases where no registry has them."""
FLAGS = ("avx", "avx2", "avx512f", "fma", "sse4_1", "sse4_2")
"""Those of a processor that are told, as `images/verify.py` tells them from inside a base."""

DAEMON_SECONDS = 3.0
"""For each request to the daemon; asking the registry is one."""
WAIT_SECONDS = 8.0
"""For everything but nvidia-smi."""
SMI_WAIT_SECONDS = nvidia.SMI_SECONDS + 6
_TOOL_SECONDS = 3.0
_OLDEST_API = "1.24"
_VERSION = re.compile(r"\d+(?:\.\d+)+")
_WHO = "import platform, sys; print(platform.python_implementation(), '%d.%d' % sys.version_info[:2])"


@dataclass(frozen=True, kw_only=True, slots=True)
class Ways:
    """How this machine is asked.

    `ask` runs a program (`bounded_process.run`), `daemon` asks Docker's, `index` the package index, `uv` says where uv
    is ("" where it is not installed); `root` is where /proc, /dev and /sys are, `keep` where the local engine keeps
    its environments.
    """

    environment: Mapping[str, str]
    daemon: Callable[[], Daemon]
    index: Callable[[], PackageHost]
    uv: Callable[[], str]
    keep: Path
    root: Path = Path("/")
    ask: Callable[[Sequence[str], float, Mapping[str, str]], bounded_process.ProcessOutput] = bounded_process.run


def look(ways: Ways, minors: Sequence[str]) -> Host:
    """Looks at this machine, once. `minors` are the CPythons that matter ("3.9"). Changes and starts nothing."""
    began = time.monotonic()

    def ask(command: Sequence[str], seconds: float) -> bounded_process.ProcessOutput:
        return ways.ask(command, seconds, ways.environment)

    about_daemon = BoundedCall(ways.daemon)
    about_nvidia = BoundedCall(lambda: nvidia.look(ways.root, ways.environment, ask))
    about_index = BoundedCall(ways.index)
    about_uv = BoundedCall(lambda: _uv(ways.uv(), ask))
    about_clients = [BoundedCall(partial(_client, path, ask)) for path in every_on_path("docker", ways.environment)]
    soon, late = began + WAIT_SECONDS, began + SMI_WAIT_SECONDS
    silent = Response(reply=Reply.SILENT, seconds=WAIT_SECONDS)
    daemon = about_daemon.answer(soon, Daemon(host="", answer=silent))
    uv = about_uv.answer(soon, Program(answer=silent))
    here = None if daemon.answer.answered else interpreters(minors, ways.environment, uv.path, ask)
    clients = [about.answer(soon, None) for about in about_clients]
    unseen = Nvidia(smi=Program(answer=replace(silent, seconds=SMI_WAIT_SECONDS)))
    return Host(
        system=sys.platform,
        processor=processor(ways.root),
        daemon=daemon,
        local=LocalEnvironments(root=str(ways.keep), disk_free=_free(ways.keep), pythons=here),
        index=about_index.answer(soon, PackageHost(at="", answer=silent)),
        uv=uv,
        nvidia=about_nvidia.answer(late, unseen),
        clients=tuple(client for client in clients if client is not None),
        tools=tuple((name, next(iter(every_on_path(name, ways.environment)), "")) for name in TOOLS),
        named_only=ways.environment.get("CI", "").lower() in ("1", "true"),
    )


# ------------------------------------------------------------ the daemon


def ask_daemon(environment: Mapping[str, str], specs: Sequence[BaseSpec], images: Sequence[str] = ()) -> Daemon:
    """The Docker daemon that the docker engine would use, and the registry of the first thing that it has not got: an
    image for a base, else one of `images`.
    """
    began = time.monotonic()
    host = ""
    try:
        host = docker_engine.daemon_host(environment)
        knock(host)
        with closing(_api(host, environment)) as api:
            found = daemon_of(host, api.info(), api.images(), kernel=platform.release())
            lacking = [spec.reference for spec in specs if spec.reference and not found.has(spec)]
            wanted = next((name for name in (*lacking, *images) if name not in found.images), "")
            registry = _registry(api, wanted) if wanted else Response(reply=Reply.UNASKED)
    except troubles() as error:
        return Daemon(host=host, answer=_refused(error, time.monotonic() - began))
    except (ValueError, TypeError, AttributeError, KeyError):
        # Something answers there, and it is no Docker daemon.
        return Daemon(host=host, answer=Response(reply=Reply.UNREADABLE))
    answer = Response(reply=Reply.ANSWERED, seconds=time.monotonic() - began)
    named = {name for s in specs for name in (f"compat-base:{s.name}", s.reference)} | set(images)
    return replace(
        found,
        answer=answer,
        images=tuple(image for image in found.images if image in named),
        wanted=wanted,
        registry=registry,
        disk_free=_free(Path(found.root)) if found.here else None,
    )


def daemon_of(host: str, info: Mapping[str, Any], images: Iterable[Mapping[str, Any]], *, kernel: str) -> Daemon:
    """A daemon's facts from what it says of itself (GET /info) and of its images (GET /images/json).

    Its devices are told from API 1.50 on (DiscoveredDevices). `kernel` is this machine's: a daemon in a virtual
    machine beside it has another.
    """
    listed = list(images)
    root = str(info.get("DockerRootDir") or "")
    same = info.get("KernelVersion") == kernel and bool(root) and Path(root).is_dir()
    devices = (d.get("ID", "") for d in info.get("DiscoveredDevices") or () if d.get("Source") == "cdi")
    return Daemon(
        host=host,
        answer=Response(reply=Reply.ANSWERED),
        version=str(info["ServerVersion"]).partition("+")[0],
        system=f"{info.get('OSType', '')}/{info.get('Architecture', '')}",
        here=host.startswith("unix://") and same,
        root=root,
        memory=_count(info.get("MemTotal")),
        cpus=_count(info.get("NCPU")),
        storage=str(info.get("Driver") or ""),
        cgroup=str(info.get("CgroupVersion") or ""),
        unenforced=tuple(sorted({"memory", "cpus", "pids"} - limits.enforced(info))),
        runtimes=tuple(sorted(info.get("Runtimes") or ())),
        devices=tuple(sorted(devices)),
        images=tuple(sorted(tag for image in listed for tag in image.get("RepoTags") or ())),
        flags=_flags_inside(image.get("Labels") or {} for image in listed),
    )


def _flags_inside(labels: Iterable[Mapping[str, str]]) -> tuple[str, ...] | None:
    for each in labels:
        with suppress(ValueError, KeyError, TypeError):
            return tuple(json.loads(each[docker_base.LABEL])["cpu_flags"])
    return None


def knock(host: str) -> None:
    """Raises OSError where nothing listens on a local socket, or not in time."""
    if host.startswith("unix://"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as door:
            door.settimeout(DAEMON_SECONDS)
            door.connect(host.removeprefix("unix://"))


def _api(host: str, environment: Mapping[str, str]) -> APIClient:
    """The SDK's client, speaking the daemon's own version of the API.

    Asked for with a version of its own first: a constructor that has to ask leaves its socket open where none answers.
    """
    import docker

    options = docker.utils.kwargs_from_env(environment={**environment, "DOCKER_HOST": host})
    options |= {"base_url": host, "timeout": DAEMON_SECONDS}
    with closing(docker.APIClient(**options, version=_OLDEST_API)) as first:
        spoken = first.version(api_version=False)["ApiVersion"]
    return docker.APIClient(**options, version=spoken)


def _registry(api: APIClient, reference: str) -> Response:
    """Whether the daemon's registry has an image; asked through the daemon, which would pull it."""
    began = time.monotonic()
    try:
        api.inspect_distribution(reference)
    except troubles() as error:
        return _refused(error, time.monotonic() - began)
    return Response(reply=Reply.ANSWERED, seconds=time.monotonic() - began)


def _refused(error: BaseException, seconds: float) -> Response:
    words = str(getattr(error, "explanation", None) or error).strip()
    said = next(iter(words.splitlines()), "")[:300]
    return Response(reply=_reply(error), said=said, seconds=seconds)


def _reply(error: BaseException) -> Reply:
    import requests.exceptions

    chain: BaseException | None = error
    while chain is not None:
        if isinstance(chain, (TimeoutError, requests.exceptions.Timeout)):
            return Reply.SILENT
        if isinstance(chain, PermissionError):
            return Reply.DENIED
        if isinstance(chain, OSError) and chain.errno in (errno.ENOENT, errno.ECONNREFUSED):
            return Reply.ABSENT
        chain = chain.__cause__ or chain.__context__
    return Reply.FAILED


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and value > 0 else None


# ------------------------------------------------------------ this machine


def processor(root: Path) -> Processor:
    """From /proc/cpuinfo and /proc/meminfo under `root`; what can't be read there stays unknown."""
    fields: dict[str, str] = {}
    for line in nvidia.read(root / "proc/cpuinfo").splitlines():
        name, _, value = line.partition(":")
        fields.setdefault(name.strip(), value.strip())
    total = re.search(r"^MemTotal:\s*(\d+) kB", nvidia.read(root / "proc/meminfo"), re.MULTILINE)
    return Processor(
        machine=platform.machine(),
        model=fields.get("model name", ""),
        flags=tuple(flag for flag in FLAGS if flag in fields["flags"].split()) if "flags" in fields else None,
        cpus=os.cpu_count(),
        memory=int(total[1]) * 1024 if total else None,
    )


def interpreters(
    minors: Sequence[str], environment: Mapping[str, str], uv: str, ask: nvidia.Ask
) -> tuple[tuple[str, str], ...]:
    """(minor, path) of the CPythons of this machine that run, where the local engine looks for them too.

    By name on PATH, pyenv's, then what uv knows of; nothing is downloaded.
    """
    deadline = time.monotonic() + _TOOL_SECONDS
    about = [(minor, BoundedCall(partial(_interpreter, minor, environment, uv, ask))) for minor in minors]
    found = [(minor, question.answer(deadline, "")) for minor, question in about]
    return tuple((minor, path) for minor, path in found if path)


def _interpreter(minor: str, environment: Mapping[str, str], uv: str, ask: nvidia.Ask) -> str:
    home = environment.get("PYENV_ROOT") or str(Path(environment.get("HOME") or "/") / ".pyenv")
    installed = Path(home).glob(f"versions/{minor}.*/bin/python{minor}")
    for path in (*every_on_path(f"python{minor}", environment), *map(str, installed)):
        if _is_python(path, minor, ask):
            return path
    if not uv:
        return ""
    said = ask([uv, "python", "find", "--no-python-downloads", "--system", minor], _TOOL_SECONDS)
    path = said.text.strip()
    return path if said.answer.answered and path and _is_python(path, minor, ask) else ""


def _is_python(path: str, minor: str, ask: nvidia.Ask) -> bool:
    return ask([path, "-I", "-c", _WHO], _TOOL_SECONDS).text.split() == ["CPython", minor]


def _uv(path: str, ask: nvidia.Ask) -> Program:
    if not path:
        return Program(answer=Response(reply=Reply.ABSENT))
    said = ask([path, "--version"], _TOOL_SECONDS)
    match = _VERSION.search(said.text)
    return Program(path=path, version=match.group() if match else "", answer=said.answer)


def _client(path: str, ask: nvidia.Ask) -> DockerCommand | None:
    """A docker command and its buildx, by what they print; None where it prints no version."""
    version = _VERSION.search(ask([path, "--version"], _TOOL_SECONDS).text)
    if version is None:
        return None
    said = ask([path, "buildx", "version"], _TOOL_SECONDS)
    buildx = _VERSION.search(said.text) if said.answer.answered else None
    return DockerCommand(path=path, version=version.group(), buildx=buildx.group() if buildx else "")


def every_on_path(name: str, environment: Mapping[str, str]) -> list[str]:
    """Every program of a name on PATH, each once however many ways lead to it."""
    found = (shutil.which(name, path=folder) for folder in environment.get("PATH", "").split(os.pathsep) if folder)
    return list({os.path.realpath(path): path for path in reversed([f for f in found if f])}.values())[::-1]


def _free(place: Path) -> int | None:
    """Bytes free where `place` is or would be; None where that can't be known."""
    for folder in (place, *place.parents):
        try:
            stats = os.statvfs(folder)
        except FileNotFoundError:
            continue
        except OSError:
            return None
        return stats.f_bavail * stats.f_frsize
    return None
