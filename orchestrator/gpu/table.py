"""Recomputes `docs/cuda/releases.csv` from the package index: `python -m orchestrator.gpu.table FOLDER`.

Exit status 0: written; 4: some release could not be read, and the table was left as it is.
"""

from __future__ import annotations

import csv
import io
import os
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from packaging.version import Version

from orchestrator.errors import CellError, ExitCode, Phase, infra
from orchestrator.gpu import facts
from orchestrator.gpu.audit import EvidenceSource
from orchestrator.gpu.built import ANYWHERE, EXTRA, built_for, extra_pins, keep_whole, pythons, unmet, wheel
from orchestrator.gpu.facts import Release
from orchestrator.lock import settings
from orchestrator.lock.index import PackageIndex, session_for
from orchestrator.lock.tags import release
from orchestrator.lock.tools import Wheels

PACKAGES = ("tensorflow", "tensorflow-gpu")
OLDEST = Version("1.15")
READERS = 4
"""Wheels read at a time."""
_HEADER = """\
# What TensorFlow's own wheels for Linux x86_64 say they were built for, read from the package index on {day}:
# releases from {oldest} on, and pre-releases that are newer than the last release. Made by `nox -s facts`, not by hand.
# wheel: the file that was read, that for the newest Python. uploaded: the day of the release's first file.
# cuda: the version compiled in (cuda_config.h); line: its first two numbers; both empty for a build without CUDA.
# cudnn: from NVIDIA's own header where the wheel has it, else the first number, which is all TensorFlow keeps.
# told: what build_info.py, and so tf.sysconfig.get_build_info(), says of CUDA where that is something else.
# capabilities: sm_70 a kernel, compute_80 PTX; 7.0 where the wheel does not say which of the two it is.
# sonames: CUDA's libraries by the versions in cuda_config.h. and_cuda: what the extra `and-cuda` asks for on the newest
# Python. unmet: what it asks for on a Python and the index had no file of on that day ("3.11:tensorrt==8.5.3.1").
"""


def main(arguments: list[str]) -> int:
    """Writes the table into a folder and prints what contradicts the documentation."""
    folder, now = Path(arguments[0]), datetime.now(UTC)
    with session_for(settings.certificates(os.environ)) as session:
        index = PackageIndex(now, settings.host_index(os.environ), Path(".compat") / "index", session)
        found, failed = table(index, say)
    if failed:
        say(f"{len(failed)} releases could not be read; {folder / facts.RELEASES} is left as it is")
        return ExitCode.INFRA
    keep_whole(folder / facts.RELEASES, as_text(found, now))
    for met in facts.disagreements(found, facts.officials(folder)):
        said = f"documentation of {met.row} {met.official}, wheel {met.wheel}"
        say(f"{met.package} {met.version}: {met.about}: {said}")
    return ExitCode.OK


def table(index: Wheels, tell: Callable[[str], None]) -> tuple[tuple[Release, ...], tuple[str, ...]]:
    """Every release's facts, and why some could not be had; `tell` hears of each as it comes."""
    found: list[Release] = []
    failed: list[str] = []
    with ThreadPoolExecutor(READERS) as pool:
        for one in pool.map(lambda pair: _attempt(pair[0], pair[1], index), list(_wanted(index))):
            if isinstance(one, Release):
                found.append(one)
                tell(f"{one.package} {one.version}: CUDA {one.built.cuda or 'none'}, cuDNN {one.built.cudnn or 'none'}")
            else:
                failed.append(one)
                tell(one)
    return tuple(found), tuple(failed)


def as_text(found: Iterable[Release], now: datetime) -> str:
    """The table as a file has it."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, facts.COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(facts.as_row(one) for one in found)
    return _HEADER.format(day=now.date().isoformat(), oldest=OLDEST) + stream.getvalue()


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _wanted(index: Wheels) -> Iterable[tuple[str, str]]:
    """(package, version) of the releases that have a wheel to read, oldest first."""
    for package in PACKAGES:
        versions = {Version(f.version) for f in index.files(package) if f.filename.endswith(".whl")}
        last = max(v for v in versions if not v.is_prerelease)
        for version in sorted(v for v in versions if v >= OLDEST and (v > last or not v.is_prerelease)):
            if pythons(package, str(version), index):
                yield package, str(version)


def _attempt(package: str, version: str, index: Wheels) -> Release | str:
    try:
        return _read(package, version, index)
    except CellError as error:
        return f"{package} {version}: {error.detail}"


def _read(package: str, version: str, index: Wheels) -> Release:
    usable = pythons(package, version, index)
    newest = usable[-1]
    built = built_for(package, version, newest, ANYWHERE, index)
    if built.source is not EvidenceSource.WHEEL:
        raise infra(Phase.RESOLVE, "index-ranges", "the server only sends whole files")
    uploads = [f.uploaded for f in release(index.files(package), version) if f.uploaded is not None]
    return Release(
        package=package,
        version=version,
        uploaded=min(uploads).astimezone(UTC).date().isoformat() if uploads else "",
        pythons=usable,
        wheel=wheel(package, version, newest, ANYWHERE, index).filename,
        built=built,
        extra=extra_pins(package, version, EXTRA, newest, index),
        unmet=tuple(_unmet(package, version, usable, index)),
    )


def _unmet(package: str, version: str, usable: Iterable[str], index: Wheels) -> Iterable[tuple[str, str]]:
    """(Python, requirement) of the extra that can't be installed."""
    for python in usable:
        for pin in unmet(extra_pins(package, version, EXTRA, python, index), python, ANYWHERE, index):
            yield python, pin


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
