"""Three small tables about CUDA that ship with the program, and where they contradict each other.

`releases.csv` is what the wheels say (`gpu.table` recomputes it), `official.csv` what TensorFlow's documentation
says, `drivers.csv` the NVIDIA driver a CUDA release asks for. Lines that begin with "#" say how a table was made.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from orchestrator.gpu.audit import Built, EvidenceSource
from orchestrator.gpu.build_info import minor

RELEASES = "releases.csv"
OFFICIAL = "official.csv"
DRIVERS = "drivers.csv"

COLUMNS = (
    "package", "version", "uploaded", "pythons", "wheel", "line", "cuda", "cudnn", "told", "capabilities", "sonames",
    "and_cuda", "unmet",
)  # fmt: skip
_SPAN = re.compile(r"3\.(\d+)(?:\s*-\s*3\.(\d+))?")


@dataclass(frozen=True, kw_only=True, slots=True)
class Release:
    """What the wheels of one release say. `uploaded` is the UTC day its first file was ("2021-01-21", "" where the
    index does not say), `wheel` the file that was read, `extra` what `[and-cuda]` asks for beyond the release itself.
    `unmet` are the (Python, requirement) of the extra that the index had no file for: there pip can't install it.
    """

    package: str
    version: str
    uploaded: str
    pythons: tuple[str, ...]
    wheel: str
    built: Built
    extra: tuple[str, ...] = ()
    unmet: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Official:
    """A row of TensorFlow's tested build configurations, as written there; it stands for a minor release.

    `pythons` are the CPython 3 minors of its range.
    """

    package: str
    version: str
    pythons: tuple[str, ...]
    cuda: str
    cudnn: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Driver:
    """`minimum` is the oldest Linux driver that runs what was built with this CUDA, `toolkit` the one that the first
    release of this CUDA came with, which its newer features and its PTX ask for.
    """

    cuda: str
    minimum: str
    toolkit: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Disagreement:
    """`about` is "CUDA", "cuDNN" or "Python"; `official` and `wheel` are what each side says. `row` is the release that
    the documentation names: another one than `version` where it has no row for that patch release.
    """

    package: str
    version: str
    row: str
    about: str
    official: str
    wheel: str


def releases(folder: Path) -> tuple[Release, ...]:
    """`releases.csv` of a folder. Raises ValueError for a file that is not one, here as in the other two."""
    return tuple(_release(row) for row in _rows(folder / RELEASES, COLUMNS))


def officials(folder: Path) -> tuple[Official, ...]:
    """`official.csv` of a folder."""
    rows = _rows(folder / OFFICIAL, ("package", "version", "pythons", "cuda", "cudnn"))
    return tuple(
        Official(
            package=row["package"],
            version=row["version"],
            pythons=_span(row["pythons"]),
            cuda=row["cuda"],
            cudnn=row["cudnn"],
        )
        for row in rows
    )


def drivers(folder: Path) -> tuple[Driver, ...]:
    """`drivers.csv` of a folder, the oldest CUDA first."""
    return tuple(Driver(**row) for row in _rows(folder / DRIVERS, ("cuda", "minimum", "toolkit")))


def driver_for(cuda: str, known: Iterable[Driver]) -> Driver | None:
    """The driver for a CUDA line ("12.5", or "12.5.1"); None where the table has no such release."""
    return next((d for d in known if d.cuda == minor(cuda)), None)


def disagreements(found: Iterable[Release], said: Iterable[Official]) -> tuple[Disagreement, ...]:
    """Where the documentation contradicts the wheels, in the order of the releases.

    A row stands for its whole minor release, for the package it names and for `tensorflow-gpu`, which is the same build
    under another name. A version that only says less ("8" for "8.9") contradicts nothing.
    """
    by_minor = {minor(row.version): row for row in said}
    met: list[Disagreement] = []
    for release in found:
        row = by_minor.get(minor(release.version))
        if row is not None and release.package in (row.package, "tensorflow-gpu"):
            met += _between(release, row)
    return tuple(met)


def as_row(release: Release) -> dict[str, str]:
    """Column → text, as `releases.csv` has it."""
    built = release.built
    values = (
        release.package, release.version, release.uploaded, " ".join(release.pythons), release.wheel, built.cuda,
        built.cuda_exact, built.cudnn_exact or built.cudnn, built.told, " ".join(built.capabilities),
        " ".join(built.sonames), " ".join(release.extra), " ".join(":".join(pair) for pair in release.unmet),
    )  # fmt: skip
    return dict(zip(COLUMNS, values, strict=True))


def _between(release: Release, row: Official) -> Iterable[Disagreement]:
    built = release.built
    pairs = [
        ("CUDA", row.cuda, built.cuda or "built without CUDA"),
        ("cuDNN", row.cudnn, built.cudnn),
        ("Python", " ".join(row.pythons), " ".join(release.pythons)),
    ]
    for about, official, wheel in pairs:
        if wheel and official != wheel and not official.startswith(f"{wheel}."):
            yield Disagreement(
                package=release.package,
                version=release.version,
                row=row.version,
                about=about,
                official=official,
                wheel=wheel,
            )


def _release(row: Mapping[str, str]) -> Release:
    cudnn = row["cudnn"]
    built = Built(
        release=row["version"],
        cuda=row["line"],
        cudnn=minor(cudnn),
        capabilities=tuple(row["capabilities"].split()),
        cuda_exact=row["cuda"],
        cudnn_exact=cudnn if cudnn.count(".") > 1 else "",
        told=row["told"],
        sonames=tuple(row["sonames"].split()),
        source=EvidenceSource.WHEEL,
    )
    return Release(
        package=row["package"],
        version=row["version"],
        uploaded=row["uploaded"],
        pythons=tuple(row["pythons"].split()),
        wheel=row["wheel"],
        built=built,
        extra=tuple(row["and_cuda"].split()),
        unmet=tuple((python, pin) for python, _, pin in (word.partition(":") for word in row["unmet"].split())),
    )


def _rows(path: Path, columns: tuple[str, ...]) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        reader = csv.DictReader(line for line in stream if not line.startswith("#"))
        if tuple(reader.fieldnames or ()) != columns:
            raise ValueError(f"{path}: the columns are {reader.fieldnames}, not {list(columns)}")
        rows = list(reader)
    for row in rows:
        if None in row or None in row.values():
            raise ValueError(f"{path}: a row with more or fewer than {len(columns)} fields: {row}")
    return rows


def _span(text: str) -> tuple[str, ...]:
    """The minors of CPython 3 in a range: "2.7, 3.5-3.7" → ("3.5", "3.6", "3.7")."""
    minors: list[int] = []
    for part in text.split(","):
        found = _SPAN.fullmatch(part.strip())
        if found is not None:
            minors += range(int(found[1]), int(found[2] or found[1]) + 1)
    return tuple(f"3.{m}" for m in minors)
