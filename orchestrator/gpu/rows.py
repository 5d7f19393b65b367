"""Which CUDA for which TensorFlow: what its wheels say, what documentation says, and what a look into images saw.

The levels of evidence stay apart: what is *read* from a wheel, whether libraries *load* (`gpu.verdict`), and what
*ran* on a GPU, which is the business of the `gpu` group.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from packaging.version import Version

from orchestrator.gpu.audit import Fix, GpuAudit
from orchestrator.gpu.facts import Disagreement, Driver, Official, Release, disagreements, driver_for
from orchestrator.gpu.inspection import read
from orchestrator.gpu.verdict import Audited, Load, audited
from orchestrator.matrix.select import parse_selectors
from orchestrator.model import CPU, Choice, Lock, Matrix
from orchestrator.verdict.judge import CellResult

PACKAGES = ("tensorflow", "tensorflow-gpu", "tensorflow-cpu")
"""Names a TensorFlow comes under."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Looked:
    """One look into an image: of which line and Python, when, what it saw and what that amounts to.

    `pins` are the CUDA libraries that were installed; `id` the cell's.
    """

    id: str
    line: str
    python: str
    seen: GpuAudit
    verdict: Audited
    dated: datetime | None
    pins: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Provided:
    """Pins with which TensorFlow found its libraries, at once or once they were mended (`fix`), seen with `version`."""

    pins: tuple[str, ...]
    version: str
    fix: Fix | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ReleaseRow:
    """All that is known of one release's GPU side.

    `provided` was seen with this release, else with the nearest older or newer one that asks for the same libraries.
    """

    release: Release
    driver: Driver | None
    against: tuple[Disagreement, ...] = ()
    looks: tuple[Looked, ...] = ()
    provided: Provided | None = None


def rows(
    releases: Iterable[Release], drivers: Sequence[Driver], officials: Sequence[Official], cells: Iterable[CellResult]
) -> tuple[ReleaseRow, ...]:
    """A row per release, in the order of versions, with the looks into images of it.

    `tensorflow-gpu` has one of its own only where `tensorflow` came without CUDA: elsewhere both are the same build.
    """
    seen: dict[str, list[Looked]] = {}
    for judged in cells:
        version, look = looked(judged)
        if look is not None:
            seen.setdefault(version, []).append(look)
    releases = tuple(releases)
    itself = {r.version for r in releases if r.package == "tensorflow" and r.built.cuda}
    wanted = (r for r in releases if r.package == "tensorflow" or r.version not in itself)
    found = sorted(wanted, key=lambda r: (Version(r.version), r.package))
    against: dict[tuple[str, str], list[Disagreement]] = {}
    for one in disagreements(found, officials):
        against.setdefault((one.package, one.version), []).append(one)
    known = {r.version: _provided(r.version, seen.get(r.version, ())) for r in found if r.package == "tensorflow"}
    return tuple(
        ReleaseRow(
            release=release,
            provided=_nearest(release, found, known),
            driver=driver_for(release.built.cuda, drivers) if release.built.cuda else None,
            against=tuple(against.get((release.package, release.version), ())),
            looks=tuple(seen.get(release.version, ())) if release.package == "tensorflow" else (),
        )
        for release in found
    )


def _provided(version: str, looks: Iterable[Looked]) -> Provided | None:
    """What served in the looks at one release: what loads as it is before what had to be mended."""
    served = [look for look in looks if look.pins and (look.verdict.load is Load.LOADS or look.verdict.fix)]
    best = min(served, key=lambda look: look.verdict.load is not Load.LOADS, default=None)
    return None if best is None else Provided(pins=best.pins, version=version, fix=best.verdict.fix)


def _nearest(release: Release, every: Sequence[Release], known: Mapping[str, Provided | None]) -> Provided | None:
    """What served this release, else the one fewest releases away with the same CUDA and the same libraries."""
    if not release.built.sonames:
        return None
    here = [r.version for r in every].index(release.version)
    alike = (
        (abs(i - here), known[r.version]) for i, r in enumerate(every) if r.version in known and _alike(r, release)
    )
    return min(((far, one) for far, one in alike if one), key=lambda pair: pair[0], default=(0, None))[1]


def _alike(one: Release, other: Release) -> bool:
    return (one.built.cuda, one.built.sonames) == (other.built.cuda, other.built.sonames)


def looked(judged: CellResult) -> tuple[str, Looked | None]:
    """The TensorFlow of a judged cell and the look into its image; ("", None) where there was none."""
    record = judged.record
    if record is None or record.audit is None or record.lock is None:
        return "", None
    version = next((v for name in PACKAGES if (v := record.lock.version(name))), "")
    seen = read(record.audit)
    look = Looked(
        id=judged.cell.id,
        line=record.lock.device,
        python=record.cell.python,
        seen=seen,
        verdict=audited(seen),
        dated=record.dated,
        pins=_libraries(record.lock),
    )
    return version, look


def on_gpus(cells: Iterable[CellResult]) -> tuple[CellResult, ...]:
    """Cells of a device other than the CPU."""
    return tuple(j for j in cells if j.cell.device != CPU)


def _libraries(lock: Lock) -> tuple[str, ...]:
    names = lock.libraries.names if lock.libraries else ()
    return tuple(d.pin for d in lock.distributions if d.name in names)


# ---------------------------------------------------------------- which releases


def listed(matrix: Matrix) -> tuple[Choice, ...]:
    """The TensorFlows that a matrix lists; empty for one that is about something else."""
    return next((choices for choices in matrix.choices if choices[0].axis.package in PACKAGES), ())


def selected(every: Sequence[ReleaseRow], choices: Sequence[Choice], words: Sequence[str]) -> tuple[ReleaseRow, ...]:
    """The releases that words such as "tf=2.16.1" mean, of all there are; without words those that the matrix lists.

    None where the matrix lists none. Raises UserError for a word that means none.
    """
    if not choices:
        return ()
    of = choices[0].axis
    if not words:
        names = frozenset(choice.name for choice in choices)
    else:
        versions = dict.fromkeys(row.release.version for row in every)
        known = Matrix(
            title="",
            choices=(tuple(Choice(axis=of, name=name) for name in versions),),
            path="the releases of TensorFlow",
        )
        names = frozenset.intersection(*(s.names for s in parse_selectors(words, known)))
    return tuple(row for row in every if row.release.version in names)
