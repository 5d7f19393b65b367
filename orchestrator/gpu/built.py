"""What a TensorFlow release was built for, from its wheel in the index, without downloading the wheel.

Three parts of it are fetched, 0.5 to 3 MB of 400 to 600, most of that the wheel's table of contents. What was read is
kept, under the wheel's sha256, in the folder where the index keeps its own readings.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import InvalidVersion

from orchestrator.errors import CellError, CellStatus, Phase, infra
from orchestrator.gpu import build_info
from orchestrator.gpu.audit import Built, EvidenceSource
from orchestrator.lock.metadata import markers, requires_of
from orchestrator.lock.remote_zip import BrokenArchiveError, read_members
from orchestrator.lock.tags import admits, release, select_file, wheel_rank
from orchestrator.lock.tools import Facts, Wheels
from orchestrator.model import BuiltFor, IndexFile

ANYWHERE = "manylinux_2_99_x86_64"
"""A platform on which every Linux wheel for x86_64 loads."""
EXTRA = "and-cuda"
"""The extra that brings CUDA's libraries as wheels, from TensorFlow 2.14 on."""

_METADATA = "METADATA"
_MEMBERS = {**build_info.MEMBERS, _METADATA: re.compile(r"[^/]+\.dist-info/METADATA")}
_SCHEMA = 1
_SHA256 = re.compile(r"[0-9a-f]{64}")
_CPYTHON = re.compile(r"cp3(\d+)")


def built_for(package: str, version: str, python: str, platform: str, index: Wheels) -> Built:
    """What the wheel of a release for CPython `python` ("3.9") on `platform` ("manylinux_2_36_x86_64") was built for.

    The bytes come in parts, which the sha256 that the index announces can't vouch for; the checksums inside the archive
    (CRC-32) are verified, and they show damage, not malice. Nothing that is read is run.

    Where the server only sends whole files, what the release's `and-cuda` extra pins is taken instead, and `source`
    says so. Raises CellError: `no-release` and `no-wheel` (unresolvable), `not-said` (unavailable) for a wheel that
    has none of the files that tell, and infra where the index does not answer properly or the archive is broken, or
    where ranges are not served and there is no such extra.
    """
    file = wheel(package, version, python, platform, index)
    try:
        files = _files(file, index)
    except CellError as error:
        if error.reason != "index-ranges":
            raise
        return _by_extra(package, version, python, index, error)
    found = build_info.built(file.version, files)
    if found is None:
        detail = f"{file.filename} does not say what it was built for: it has no {' and no '.join(build_info.MEMBERS)}"
        raise CellError(Phase.RESOLVE, CellStatus.UNAVAILABLE, "not-said", detail)
    return found


def device_for(package: str, version: str, python: str, platform: str, index: Wheels) -> BuiltFor:
    """`built_for` as a device that follows the package takes it: devices are named by their CUDA line ("cuda11.2").

    Raises as `built_for` does.
    """
    built = built_for(package, version, python, platform, index)
    if not built.cuda:
        return BuiltFor(device="", said="without CUDA")
    return BuiltFor(device=f"cuda{build_info.minor(built.cuda)}", said=f"for CUDA {built.cuda}")


def extra_pins(package: str, version: str, extra: str, python: str, index: Wheels) -> tuple[str, ...]:
    """What `package[extra]==version` asks for beyond the package itself, on CPython `python` and Linux x86_64.

    Requirements as pip takes them ("nvidia-cublas-cu12==12.3.4.1"), in the order of the metadata, their markers
    evaluated and left out; () where the release has no such extra. Raises CellError as `wheel` does, and infra where
    the metadata can be read neither beside the wheel nor in it.
    """
    pins = []
    for line in _requires(wheel(package, version, python, ANYWHERE, index), index):
        with suppress(InvalidRequirement):
            requirement = Requirement(line)
            if _by(requirement, extra, python) and not _by(requirement, "", python):
                requirement.marker = None
                pins.append(str(requirement))
    return tuple(pins)


def unmet(pins: Iterable[str], python: str, platform: str, index: Facts) -> tuple[str, ...]:
    """Those requirements that the index has no file for, on CPython `python` and `platform`: pip can't install them.

    A file that is only source counts as there, whether it builds or not.
    """
    return tuple(pin for pin in pins if not _met(Requirement(pin), python, platform, index))


def pythons(package: str, version: str, index: Facts) -> tuple[str, ...]:
    """CPython 3 minors, oldest first, that the tags of a release's Linux x86_64 wheels name: ("3.9", "3.10").

    Empty for a release without such wheels, and for one whose wheels are for any Python.
    """
    usable = [f for f in release(index.files(package), version) if f.filename.endswith(".whl")]
    named = {minor for f in usable for minor in _minors(f.filename)}
    return tuple(
        f"3.{minor}"
        for minor in sorted(named)
        if any(
            admits(f.requires_python, f"3.{minor}") and wheel_rank(f.filename, f"3.{minor}", ANYWHERE) is not None
            for f in usable
        )
    )


def wheel(package: str, version: str, python: str, platform: str, index: Facts) -> IndexFile:
    """The wheel that installs this release there. Raises CellError(resolve, unresolvable) `no-release`, `no-wheel`."""
    files = release(index.files(package), version)
    chosen = select_file(files, python, platform, exact=True)
    if chosen is not None and chosen.filename.endswith(".whl"):
        return chosen
    if not index.healthy([package]):
        raise infra(Phase.RESOLVE, "index", f"the index did not answer for {package}")
    if not files:
        reason, detail = "no-release", f"the index has no {package} {version}"
    else:
        reason, detail = "no-wheel", f"{package} {version} has no wheel for Python {python} on {platform}"
    raise CellError(Phase.RESOLVE, CellStatus.UNRESOLVABLE, reason, detail)


# ---------------------------------------------------------------- reading a wheel


def _requires(file: IndexFile, index: Wheels) -> tuple[str, ...]:
    """`Requires-Dist` of a wheel. An index need not have the metadata beside every file it has (PEP 658)."""
    try:
        return index.requires(file)
    except CellError as error:
        if error.reason != "index-metadata":
            raise
        found = requires_of(_files(file, index).get(_METADATA, ""))
        if found is None:
            raise
        return found


def _files(file: IndexFile, index: Wheels) -> dict[str, str]:
    """Name → text of `build_info.MEMBERS` and the metadata, as far as a wheel has them, kept from an earlier reading or
    read now.
    """
    kept = index.readings / "built" / f"{file.sha256}.json" if _SHA256.fullmatch(file.sha256) else None
    found = None if kept is None else _kept(kept)
    if found is None:
        found = _read(file, index)
        if kept is not None:
            keep_whole(kept, json.dumps({"schema": _SCHEMA, "wheel": file.filename, "files": found}))
    return found


def _read(file: IndexFile, index: Wheels) -> dict[str, str]:
    chosen: dict[str, str] = {}

    def choose(names: Iterable[str]) -> Iterable[str]:
        for kind, pattern in _MEMBERS.items():
            matching = sorted(name for name in names if pattern.fullmatch(name))
            chosen.update(dict.fromkeys(matching[:1], kind))
        return chosen

    try:
        read = read_members(lambda start, stop: index.part(file, start, stop), index.size(file), choose)
    except BrokenArchiveError as error:
        raise infra(Phase.RESOLVE, "index-archive", f"{file.filename} can't be read as an archive: {error}") from error
    return {chosen[name]: content.decode("utf-8", "replace") for name, content in read.items()}


def _kept(path: Path) -> dict[str, str] | None:
    """An earlier reading; None where there is none or it can't be read (then the wheel is read again)."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if document["schema"] != _SCHEMA:
            return None
        return {str(name): str(text) for name, text in document["files"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def keep_whole(path: Path, text: str) -> None:
    """Writes all of it or nothing: several threads may have read the same wheel."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
        # a temporary file is its owner's alone; what it becomes is anybody's to read
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        with suppress(FileNotFoundError):
            Path(temporary).unlink()
        raise


# ---------------------------------------------------------------- what the metadata say


def _by_extra(package: str, version: str, python: str, index: Wheels, why: CellError) -> Built:
    """What the extra's pins stand for: the least version of CUDA's runtime and of cuDNN that it takes."""
    least = {
        name: lowest for line in extra_pins(package, version, EXTRA, python, index) for name, lowest in _least(line)
    }
    cuda = next((v for name, v in least.items() if name.startswith("nvidia-cuda-runtime")), "")
    cudnn = next((v for name, v in least.items() if name.startswith("nvidia-cudnn")), "")
    if not cuda:
        detail = f"{why.detail}; nor has {package} {version} an extra {EXTRA} that would tell what it was built for"
        raise infra(Phase.RESOLVE, why.reason, detail)
    return Built(
        release=version, cuda=build_info.minor(cuda), cudnn=build_info.minor(cudnn), source=EvidenceSource.EXTRA
    )


def _least(line: str) -> Iterable[tuple[str, str]]:
    requirement = Requirement(line)
    lows = [s.version for s in requirement.specifier if s.operator in ("==", ">=", "~=")]
    return ((canonicalize_name(requirement.name), version) for version in lows)


def _met(requirement: Requirement, python: str, platform: str, index: Facts) -> bool:
    asked = requirement.specifier
    exact = any(s.operator in ("==", "===") for s in asked)
    early = exact or bool(asked.prereleases)
    wanted = (f for f in index.files(requirement.name) if asked.contains(f.version, prereleases=early))
    return select_file(wanted, python, platform, exact=exact) is not None


def _by(requirement: Requirement, extra: str, python: str) -> bool:
    """Whether a requirement holds for an extra ("" for none)."""
    if requirement.marker is None:
        return True
    return requirement.marker.evaluate(markers(python) | {"extra": extra})


def _minors(filename: str) -> Iterable[int]:
    with suppress(InvalidWheelFilename, InvalidVersion):
        for tag in parse_wheel_filename(filename)[3]:
            found = _CPYTHON.fullmatch(tag.interpreter)
            if found is not None:
                yield int(found[1])
