"""cell → lock: what is asked for, as of when, by which resolver, and what the device replaces afterwards."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from orchestrator.axes import registry
from orchestrator.errors import Attribution, CellError, CellStatus, Phase, infra
from orchestrator.lock import libraries
from orchestrator.lock.brought import Brought
from orchestrator.lock.metadata import names_without_bounds
from orchestrator.lock.resolve import Solved, Where, by_pip, by_uv, distribution, unresolvable
from orchestrator.lock.tags import release, select_file
from orchestrator.lock.tools import Facts, Tools
from orchestrator.model import Base, Cell, Choice, Distribution, IndexFile, Lock, Strategy

GRACE = timedelta(days=7)
"""How long after the newest chosen release its dependencies may have been published (`released`)."""
_ANY_GLIBC = 99


def lock(cell: Cell, base: Base, index: Facts, tools: Tools) -> Lock:
    """The pins of a cell.

    Raises CellError: unresolvable `no-release`, `no-wheel`, `pins-clash`, `libraries-clash` or `resolver-timeout`;
    excluded `forced-not-needed`; unavailable `no-line` or `no-libraries`; infra for everything that is not
    the packages' doing.
    """
    asked = requirements(cell)
    exact = check(asked, base, index)
    brought = _brought(cell, base, tools)
    dated = exact | {b.name: b.file for b in brought}
    undated = any(b.dated is None for b in brought)
    cutoff = index.as_of if undated else cutoff_of(cell.strategy, dated, index.as_of)
    where = Where(python=_full(base), platform=base.platform, cutoff=cutoff, index=index, tools=tools, brought=brought)
    solved, notes = _solve(cell, asked, where)
    chosen, more = substitute(cell, solved.distributions, where)
    added = libraries.add(cell, libraries.Pins(solved=solved.distributions, chosen=chosen), where)
    return Lock(
        python=cell.python,
        platform=base.platform,
        device=added.device,
        strategy=cell.strategy,
        resolver=solved.resolver,
        cutoff=cutoff,
        distributions=added.distributions,
        notes=(*notes, *more, *added.notes, *_untimed(exact), *_from_disk(cell.strategy, where)),
        libraries=added.libraries,
    )


def requirements(cell: Cell) -> tuple[str, ...]:
    """What the cell asks a resolver for: what its choices name, what they need, its constraints; no line twice."""
    named = [line for choice in cell.choices for line in registry.kind_of(choice.axis).pins(choice)]
    needed = [line for choice in cell.choices for line in choice.requires]
    return tuple(dict.fromkeys((*named, *needed, *cell.constraints)))


def check(asked: tuple[str, ...], base: Base, index: Facts) -> dict[str, IndexFile]:
    """Canonical name → the file of each exactly pinned release that this base can install.

    Raises CellError(resolve, unresolvable) `no-release` or `no-wheel` before any resolver runs.
    """
    found: dict[str, IndexFile] = {}
    for line in asked:
        name, version = _exact(line)
        if not version:
            continue
        files = release(index.files(name), version)
        chosen = select_file(files, _full(base), base.platform, exact=True)
        if chosen is None:
            if not index.healthy([name]):
                raise infra(Phase.RESOLVE, "index", f"the index did not answer for {name}")
            if not files:
                raise unresolvable("no-release", f"{name} {version} does not exist as of {index.as_of:%Y-%m-%d}")
            raise _nothing(f"{name} {version}", files, base)
        found[name] = chosen
    return found


def _brought(cell: Cell, base: Base, tools: Tools) -> tuple[Brought, ...]:
    """What the cell takes from disk, each a wheel that this base can install. Raises CellError."""
    found = tuple(tools.brought(choice, base) for choice in cell.choices if choice.local)
    for one in found:
        if select_file((one.file,), _full(base), base.platform, exact=True) is None:
            raise _nothing(f"{one.name} {one.wheel.version} ({one.local.origin})", (one.file,), base)
    return found


def _from_disk(strategy: Strategy, where: Where) -> tuple[str, ...]:
    """What a reader must know of packages from disk: that they are none of an index, and what dates the others."""
    notes = [b.note for b in where.brought]
    undated = [b.name for b in where.brought if b.dated is None]
    if undated and strategy in (Strategy.RELEASED, Strategy.FORCED):
        notes.append(f"no date of {', '.join(undated)} is known: the others are as of {where.cutoff:%Y-%m-%d}")
    return tuple(notes)


def cutoff_of(strategy: Strategy, exact: dict[str, IndexFile], as_of: datetime) -> datetime:
    """The moment dependencies are taken from.

    For `released` and `forced`: the newest upload among the files chosen exactly (a wheel for a new Python may come
    long after the release), plus a week, never after `as_of`.
    """
    if strategy in (Strategy.PIP_TODAY, Strategy.UV_TODAY):
        return as_of
    uploads = [f.uploaded for f in exact.values() if f.uploaded is not None]
    return min(max(uploads) + GRACE, as_of) if uploads else as_of


def substitute(
    cell: Cell, distributions: tuple[Distribution, ...], where: Where
) -> tuple[tuple[Distribution, ...], tuple[str, ...]]:
    """The stand-ins of the cell's choices put in place of their originals, and a note for each that was looked for.

    A stand-in counts only where the original's version is within its bounds and the stand-in has the same version with
    a wheel for this Python; else the original stays.
    """
    chosen = {d.name: d for d in distributions}
    notes: list[str] = []
    pairs = [pair for choice in cell.choices for pair in choice.substitutes]
    own = any(c.sources or c.follows for c in cell.choices)
    how = "" if own else ", without the libraries of other devices"
    for bounded, stand_in in ((Requirement(o), canonicalize_name(s)) for o, s in pairs):
        original = canonicalize_name(bounded.name)
        present = chosen.get(original)
        if (
            present is None
            or present.origin
            or stand_in in chosen
            or not bounded.specifier.contains(present.version, prereleases=True)
        ):
            continue
        files = release(where.index.files(stand_in), present.version)
        file = select_file(files, where.python, where.platform, exact=True)
        if file is None or not file.filename.endswith(".whl"):
            notes.append(f"no {stand_in} {present.version} for Python {cell.python}: {original} itself is installed")
            continue
        del chosen[original]
        chosen[stand_in] = distribution(stand_in, file)
        notes.append(f"{stand_in} {present.version} stands in for {original} {present.version} (same version{how})")
    return tuple(chosen[name] for name in sorted(chosen)), tuple(notes)


# ---------------------------------------------------------------- strategies


def _solve(cell: Cell, asked: tuple[str, ...], where: Where) -> tuple[Solved, tuple[str, ...]]:
    if cell.strategy is Strategy.FORCED:
        return _forced(cell, asked, where)
    by = by_pip if cell.strategy is Strategy.PIP_TODAY else by_uv
    try:
        return by(asked, where), ()
    except CellError as error:
        if error.status is not CellStatus.UNRESOLVABLE or error.reason != "pins-clash":
            raise
        attribution = Attribution.SUBJECT if _subject_clashes(cell, asked, where) else Attribution.ENVIRONMENT
        raise unresolvable(error.reason, error.detail, attribution) from error


def _subject_clashes(cell: Cell, asked: tuple[str, ...], where: Where) -> bool:
    """Whether the rest resolves without the subjects."""
    rest = _without_subjects(cell, asked)
    if len(rest) == len(asked):
        return False
    try:
        by_uv(rest, where)
    except CellError:
        return False
    return True


def _forced(cell: Cell, asked: tuple[str, ...], where: Where) -> tuple[Solved, tuple[str, ...]]:
    """The subjects without their own requirements, whose names are added without bounds."""
    if not cell.subjects:
        raise _not_needed("no subject whose requirements could be ignored")
    try:
        by_uv(asked, where)
    except CellError as error:
        if error.status is not CellStatus.UNRESOLVABLE:
            raise
    else:
        raise _not_needed("its own requirements can be met")
    rest = list(_without_subjects(cell, asked))
    subjects, notes = [], []
    for choice in cell.subjects:
        own, requires = _alone(choice, where)
        names = names_without_bounds(requires, where.python)
        rest += [n for n in names if n not in _names(cell, rest)]
        subjects.append(own)
        notes.append(
            f"{own.name} {own.version if own.origin else choice.name} is installed ignoring its own requirements; "
            f"their names were added without bounds: {', '.join(names) or 'none'}"
        )
    solved = by_uv(tuple(rest), where)
    others = [d for d in solved.distributions if d.name not in {s.name for s in subjects}]
    everything = tuple(sorted((*others, *subjects), key=lambda d: d.name))
    return replace(solved, distributions=everything), tuple(notes)


def _alone(choice: Choice, where: Where) -> tuple[Distribution, tuple[str, ...]]:
    """A subject by itself, and what its metadata require."""
    name = canonicalize_name(choice.axis.package or choice.axis.name)
    for one in where.brought:
        if one.name == name:
            return one.distribution, one.wheel.requires
    file = select_file(release(where.index.files(name), choice.name), where.python, where.platform, exact=True)
    if file is None:
        raise infra(Phase.RESOLVE, "index", f"the index no longer has {name} {choice.name}")
    return distribution(name, file), where.index.requires(file)


def _names(cell: Cell, lines: list[str]) -> set[str]:
    """What needs no asking: named already, or a subject."""
    return {_exact(line)[0] for line in lines} | {
        canonicalize_name(c.axis.package or c.axis.name) for c in cell.subjects
    }


def _without_subjects(cell: Cell, asked: tuple[str, ...]) -> tuple[str, ...]:
    own = {canonicalize_name(c.axis.package or c.axis.name) for c in cell.subjects}
    return tuple(line for line in asked if _exact(line)[0] not in own)


# ---------------------------------------------------------------- words


def _exact(line: str) -> tuple[str, str]:
    """(canonical name, version): "" where the requirement leaves a choice."""
    requirement = Requirement(line)
    clauses = list(requirement.specifier)
    pinned = len(clauses) == 1 and clauses[0].operator in ("==", "===") and not clauses[0].version.endswith(".*")
    return canonicalize_name(requirement.name), clauses[0].version if pinned else ""


def _full(base: Base) -> str:
    """The numbers of a version such as "3.9.2+": what version specifiers can be asked about."""
    found = re.match(r"\d+\.\d+\.\d+", base.full_version)
    return found[0] if found else f"{base.python}.0"


def _nothing(pin: str, files: tuple[IndexFile, ...], base: Base) -> CellError:
    """Why none of the files of a release can be installed."""
    anywhere = base.platform.replace(f"_{base.glibc.split('.')[1]}_", f"_{_ANY_GLIBC}_")
    if select_file(files, _full(base), anywhere, exact=True) is not None:
        return unresolvable("no-wheel", f"{pin} has no wheel for Python {base.python} on glibc {base.glibc}")
    unbound = [replace(f, requires_python=None) for f in files]
    kept_out = select_file(unbound, _full(base), base.platform, exact=True)
    if kept_out is not None:
        bound = next(f.requires_python for f in files if f.filename == kept_out.filename)
        return unresolvable("no-wheel", f"{pin} has nothing for Python {base.python}: it requires Python {bound}")
    return unresolvable("no-wheel", f"{pin} has no wheel for Python {base.python}")


def _not_needed(why: str) -> CellError:
    return CellError(Phase.RESOLVE, CellStatus.EXCLUDED, "forced-not-needed", why)


def _untimed(exact: dict[str, IndexFile]) -> tuple[str, ...]:
    names = sorted(name for name, file in exact.items() if file.uploaded is None)
    return (f"the index gives no upload time for {', '.join(names)}",) if names else ()
