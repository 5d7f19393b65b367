"""uv: the host's subprocess (the only one of this room), the commands, and what its answers say."""

from __future__ import annotations

import re
import subprocess
import tempfile
import threading
import time
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote, urlsplit

import uv as uv_package
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from orchestrator.errors import Phase, infra
from orchestrator.lock.tools import Result
from orchestrator.model import IndexFile

SECONDS = 300
"""After which a resolution on the host is given up."""
SOLVED, UNSOLVED = 0, 1
"""Exit codes of `uv pip compile`. 1 is also what it says to an index that answers 403 or 404; 2 is everything else."""
_LONGEST_EXPLANATION = 700
_POLL_SECONDS = 0.2

_NAME = r"[A-Za-z0-9][\w.-]*"
_CLAUSE = r"(?:===|[=<>!~]=|[<>])[\w.*+!-]+"
_RANGED = re.compile(rf"{_NAME}(?:\[[\w,. -]+\])?{_CLAUSE}(?:,{_CLAUSE})*")
_BARE = re.compile(rf"(?:`|depends on |you require |versions? of |Because )({_NAME})(?= |`|,|$)")
"""Where uv names a package without a range."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """A package of a pylock.toml: the version chosen, with the files of it that may be installed; neither for one that
    was given as a file.
    """

    name: str
    version: str
    files: tuple[IndexFile, ...]


def run_host(
    args: tuple[str, ...],
    stdin: str,
    *,
    environment: Mapping[str, str],
    seconds: float = SECONDS,
    stop: threading.Event | None = None,
) -> Result:
    """Runs uv on the host with exactly `environment` (see `settings.uv_environment`), in an empty directory.

    The empty directory keeps a project's own uv settings out. Raises CellError(resolve, infra, "uv") where uv can't
    be started, "stopped" once `stop` is set: uv, in a process group of its own, is then ended.
    """
    # A file, not a pipe: `communicate` forgets what it has not yet written when it is called again.
    with tempfile.TemporaryDirectory(prefix="compat-uv-") as empty, tempfile.TemporaryFile() as source:
        source.write(stdin.encode())
        source.seek(0)
        try:
            process = subprocess.Popen(
                [uv_package.find_uv_bin(), *args],
                stdin=source,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=dict(environment),
                cwd=empty,
                start_new_session=True,
            )
        except OSError as error:
            raise infra(Phase.RESOLVE, "uv", f"uv can't be started: {error}") from error
        with process:
            try:
                return _ended(process, seconds, stop)
            finally:
                process.kill()


def _ended(process: subprocess.Popen[bytes], seconds: float, stop: threading.Event | None) -> Result:
    deadline = time.monotonic() + seconds
    while True:
        try:
            stdout, stderr = process.communicate(timeout=_POLL_SECONDS)
        except subprocess.TimeoutExpired:
            if stop is not None and stop.is_set():
                raise infra(Phase.RESOLVE, "stopped", "the run was stopped") from None
            if time.monotonic() > deadline:
                return Result(code=-1, timed_out=True)
            continue
        return Result(
            code=process.returncode, stdout=stdout.decode("utf-8", "replace"), stderr=stderr.decode("utf-8", "replace")
        )


NEWEST_GLIBC = 40
"""The newest glibc 2.N that uv knows by name (`uv pip compile --help`, --python-platform); newer bases count as it."""


def host_arguments(python: str, platform: str, cutoff: datetime, *, deps: bool = True) -> tuple[str, ...]:
    """Arguments of uv on the host: requirements on stdin, pylock.toml on stdout, no `setup.py` ever run.

    `python` is a version of any CPython, there or not; `platform` a wheel platform ("manylinux_2_36_x86_64").
    """
    _, major, minor, machine = platform.split("_", 3)
    where = f"{machine}-manylinux_{major}_{min(int(minor), NEWEST_GLIBC)}"
    return (*_compile(cutoff, deps=deps), "--no-build", "--python-version", python, "--python-platform", where)


def builder_command(
    interpreter: str, cutoff: datetime, requirements: Iterable[str], *, deps: bool = True
) -> tuple[str, ...]:
    """The same resolution for the builder container, sdists included.

    Requirements travel as the shell's arguments, so that no file and no stdin is needed there. The first line of the
    answer is a TOML comment with uv's version.
    """
    args = " ".join((*_compile(cutoff, deps=deps), "--no-python-downloads", "--python", '"$0"'))
    script = f'echo "# $(uv --version)" && printf "%s\\n" "$@" | uv {args}'
    return ("sh", "-c", script, interpreter, *requirements)


def stamp(moment: datetime) -> str:
    """A full UTC timestamp: uv reads a bare date in the local time zone."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def version_in(text: str) -> str:
    """From the output of `uv --version`, alone or in a comment: "uv 0.9.1"; "uv" where it says nothing."""
    found = re.search(r"\buv (\d[\w.]{0,30})", text)
    return f"uv {found[1]}" if found else "uv"


def parse(text: str) -> tuple[Candidate, ...]:
    """The packages of a pylock.toml (PEP 751). Raises CellError(resolve, infra, "uv-output") where it is none."""
    try:
        packages = tomllib.loads(text)["packages"] if text.strip() else []
        return tuple(_candidate(entry) for entry in packages)
    except (tomllib.TOMLDecodeError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise infra(Phase.RESOLVE, "uv-output", f"uv's lock can't be read: {error!r}") from error


def mentions(text: str) -> dict[str, tuple[SpecifierSet, ...]]:
    """Packages a resolver's explanation names → the ranges it gives them; none where it only names the package.

    Says what to look up in the index; decides nothing. A line that is only a range is uv's list of what there is,
    not of what is wanted: its package counts, its range does not.
    """
    found: dict[str, list[SpecifierSet]] = {}
    for line in text.splitlines():
        for word in (w for pattern in (_RANGED, _BARE) for w in pattern.findall(line)):
            try:
                requirement = Requirement(word.rstrip(".,"))
            except InvalidRequirement:
                continue
            ranges = found.setdefault(canonicalize_name(requirement.name), [])
            if requirement.specifier and word != line.strip() and requirement.specifier not in ranges:
                ranges.append(requirement.specifier)
    found.pop("python", None)
    return {name: tuple(ranges) for name, ranges in found.items()}


def explanation(text: str) -> str:
    r"""uv's explanation cut to the clash: no warnings, no advice, no drawing, at most 700 characters.

    >>> explanation("error: No solution found when resolving dependencies\n  cause: Because a and b clash.\nhint: no")
    'Because a and b clash.'
    """
    plain = re.sub(r"\x1b\[[0-9;]*m", "", text)
    plain = re.split(r"(?m)^\s*hint:", plain)[0]
    lines = [re.sub(r"^[\s×│├╰─▶]*(?:(?:error|cause):\s*)?", "", line).strip() for line in plain.splitlines()]
    kept = [line for line in lines if line and not line.startswith(("warning:", "No solution found"))]
    return _cut(_listed(kept))


def _compile(cutoff: datetime, *, deps: bool) -> tuple[str, ...]:
    always = ("pip", "compile", "-", "--no-header", "--format", "pylock.toml", "--exclude-newer", stamp(cutoff))
    return always if deps else (*always, "--no-deps")


def _candidate(entry: Mapping[str, Any]) -> Candidate:
    if "archive" in entry:  # a file that it was given: whoever gave it knows what it is
        return Candidate(name=canonicalize_name(entry["name"]), version="", files=())
    files = list(entry.get("wheels", ()))
    if "sdist" in entry:
        files.append(entry["sdist"])
    version = entry["version"]
    return Candidate(
        name=canonicalize_name(entry["name"]), version=version, files=tuple(_file(f, version) for f in files)
    )


def _file(entry: Mapping[str, Any], version: str) -> IndexFile:
    url = entry.get("url", "")
    return IndexFile(
        filename=entry.get("name") or unquote(urlsplit(url).path.rsplit("/", 1)[-1]),
        version=version,
        sha256=entry["hashes"]["sha256"],
        size=entry.get("size"),
        uploaded=entry.get("upload-time"),
        url=url,
    )


def _listed(lines: list[str]) -> str:
    """Sentences on one line; uv's column of available versions becomes its first and last."""
    words: list[str] = []
    column: list[str] = []
    listing = False
    for line in [*lines, "we can conclude"]:
        if listing and line.startswith("we can conclude"):
            words.append(", ".join(column) if len(column) < 4 else f"{column[0]}, …, {column[-1]}")
            column, listing = [], False
        (column if listing else words).append(line)
        listing = listing or line.endswith("are available:")
    return " ".join(words[:-1])


def _cut(text: str) -> str:
    """The first and the last step of a long proof: what clashes, and with what was asked."""
    if len(text) <= _LONGEST_EXPLANATION:
        return text
    first, last = text.split(" And because ", 1)[0], text.rsplit(" And because ", 1)[-1]
    half = _LONGEST_EXPLANATION // 2 - 10
    return f"{_clip(first, half)} … And because {_clip(last, half)}" if first != text else _clip(text, 2 * half)


def _clip(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"
