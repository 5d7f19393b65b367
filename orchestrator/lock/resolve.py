"""One resolution: uv on the host, in the builder where wheels are wanting, or pip; and what a failure means.

A resolver's exit code says only that it found nothing. That counts as a finding when our own index facts and the
resolver's own answer about releases that are known to be there say that it could see the index; else it is infra.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name, canonicalize_version
from packaging.version import InvalidVersion, Version

from orchestrator.errors import Attribution, CellError, CellStatus, Phase, infra
from orchestrator.lock import brought, pip, uv
from orchestrator.lock.tags import release, select_file
from orchestrator.lock.tools import Facts, Result, Tools
from orchestrator.model import Distribution, IndexFile

T = TypeVar("T")

PAUSES = (2.0, 10.0)
"""Seconds between attempts at a resolution whose failure could not be explained."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Where:
    """What a resolution is for, and what it may use. `python` is a full version, `cutoff` aware, `brought` are packages
    from disk, which are taken wherever a requirement names them.
    """

    python: str
    platform: str
    cutoff: datetime
    index: Facts
    tools: Tools
    brought: tuple[brought.Brought, ...] = ()

    def files(self, package: str) -> tuple[IndexFile, ...]:
        """The index's files, as of the cutoff."""
        return tuple(f for f in self.index.files(package) if f.uploaded is None or f.uploaded <= self.cutoff)

    def own(self, name: str) -> Distribution | None:
        """The distribution of a package from disk."""
        return next((b.distribution for b in self.brought if b.name == name), None)

    def in_builder(
        self, command: Callable[[tuple[str, ...]], tuple[str, ...]], requirements: tuple[str, ...]
    ) -> Result:
        """What a command that is made for requirements says in the builder."""
        told = brought.told(requirements, self.brought, brought.IN_BUILDER)
        return self.tools.in_builder(command(told), brought.files(self.brought))


@dataclass(frozen=True, kw_only=True, slots=True)
class Solved:
    """A resolution: distributions sorted by name, and by what ("uv 0.9.1")."""

    distributions: tuple[Distribution, ...]
    resolver: str


class _Unsure(Exception):
    """Failed, and it can't be told from trouble with the index."""


def unresolvable(reason: str, detail: str, attribution: Attribution = Attribution.ENVIRONMENT) -> CellError:
    """A finding: these packages can't be had together."""
    return CellError(Phase.RESOLVE, CellStatus.UNRESOLVABLE, reason, detail, attribution=attribution)


def by_uv(requirements: tuple[str, ...], where: Where) -> Solved:
    """uv's pins. Raises CellError: unresolvable `pins-clash`, or infra."""
    return _patiently(lambda: _uv_once(requirements, where), where.tools)


def by_pip(requirements: tuple[str, ...], where: Where) -> Solved:
    """pip's pins, in the builder. Raises CellError: unresolvable `pins-clash` or `resolver-timeout`, or infra."""
    return _patiently(lambda: _pip_once(requirements, where), where.tools)


def _patiently(attempt: Callable[[], T], tools: Tools) -> T:
    for pause in (*PAUSES, None):
        try:
            return attempt()
        except _Unsure as error:
            last = str(error)
        if pause is not None:
            tools.sleep(pause)
    raise infra(Phase.RESOLVE, "resolver", last)


# ---------------------------------------------------------------- uv


def _uv_once(requirements: tuple[str, ...], where: Where) -> Solved:
    # A failure is asked for twice: with everything in uv's cache its explanation no longer depends on which answer
    # came first, so that the same command says the same.
    for _ in range(2):
        result = _host(requirements, where)
        if _answered(result) == uv.SOLVED:
            return _uv_solved(result.stdout, where)
    if not _wants_sources(result.stderr, where):
        raise _judged(result, requirements, where, _sees_on_host)

    def command(told: tuple[str, ...]) -> tuple[str, ...]:
        return uv.builder_command(where.tools.interpreter, where.cutoff, told)

    # Twice: with sdists a failure may also come from a build whose own downloads broke off.
    for _ in range(2):
        result = where.in_builder(command, requirements)
        if _answered(result) == uv.SOLVED:
            return _uv_solved(result.stdout, where)
    raise _judged(result, requirements, where, _sees_in_builder)


def _host(requirements: tuple[str, ...], where: Where, *, deps: bool = True) -> Result:
    args = uv.host_arguments(where.python, where.platform, where.cutoff, deps=deps)
    with brought.on_host(where.brought) as folder:
        told = brought.told(requirements, where.brought, folder)
        result = where.tools.uv_host(args, "".join(f"{line}\n" for line in told))
    return replace(result, stderr=result.stderr.replace(f"{folder}/", ""))


def _answered(result: Result) -> int:
    """0 or 1; everything else says nothing about packages."""
    if result.trouble:
        raise _Unsure(f"the index did not answer properly: {result.trouble}")
    if result.timed_out:
        raise _Unsure("uv timed out")
    if result.code not in (uv.SOLVED, uv.UNSOLVED):
        raise _Unsure(f"uv ended with {result.code}: {uv.explanation(result.stderr)}")
    return result.code


def _uv_solved(text: str, where: Where) -> Solved:
    version = uv.version_in(text) if text.startswith("# uv") else ""
    if not version:
        version = uv.version_in(where.tools.uv_host(("--version",), "").stdout)
    chosen = [_chosen(candidate, where) for candidate in uv.parse(text)]
    return Solved(distributions=tuple(sorted(chosen, key=lambda d: d.name)), resolver=version)


def _chosen(candidate: uv.Candidate, where: Where) -> Distribution:
    """The one file this Python on this platform installs of what uv listed."""
    own = where.own(candidate.name)
    if own is not None:
        return own
    file = select_file(candidate.files, where.python, where.platform, exact=True)
    if file is None:
        detail = f"uv chose {candidate.name} {candidate.version}, which has no file that fits"
        raise infra(Phase.RESOLVE, "uv-output", detail)
    return sized(distribution(candidate.name, file), where.index)


def _wants_sources(explanation: str, where: Where) -> bool:
    """Whether a release the explanation speaks of has only an sdist here: then --no-build may be all that clashes."""
    return any(
        _source_only(where.files(package), ranges, where) for package, ranges in uv.mentions(explanation).items()
    )


def _source_only(files: tuple[IndexFile, ...], ranges: Iterable[object], where: Where) -> bool:
    wanted = tuple(ranges)
    for version in sorted({f.version for f in files}):
        # A package without a range stands for any of its releases.
        if wanted and not any(r.contains(version, prereleases=True) for r in wanted):  # type: ignore[attr-defined]
            continue
        file = select_file(release(files, version), where.python, where.platform, exact=True)
        if file is not None and not file.filename.endswith(".whl"):
            return True
    return False


def _judged(
    result: Result,
    requirements: tuple[str, ...],
    where: Where,
    sees: Callable[[tuple[str, ...], Where], bool],
) -> CellError:
    """What an exit code of 1 means. Raises _Unsure where it may mean trouble with the index."""
    ours = {b.name for b in where.brought}
    packages = sorted((uv.mentions(result.stderr).keys() | {_name(r) for r in requirements}) - ours)
    if not where.index.healthy(packages):
        raise _Unsure(f"the index did not answer for all of {', '.join(packages)}")
    known = tuple(pin for package in packages if (pin := _known(package, where)))
    if known and not sees(known, where):
        raise _Unsure(f"the resolver does not see what the index lists: {', '.join(known)}")
    return unresolvable("pins-clash", uv.explanation(result.stderr))


def _known(package: str, where: Where) -> str:
    """A release of a package that a resolver which sees the index can't miss: `name==version`, "" for none."""
    files = [f for f in where.files(package) if f.filename.endswith(".whl") and not f.yanked]
    for version in sorted({f.version for f in files}, key=_order, reverse=True):
        if not _order(version).is_prerelease and select_file(release(files, version), where.python, where.platform):
            return f"{package}=={version}"
    return ""


def _order(version: str) -> Version:
    try:
        return Version(version)
    except InvalidVersion:
        return Version("0.dev0")


def _sees_on_host(known: tuple[str, ...], where: Where) -> bool:
    return _host(known, where, deps=False).code == uv.SOLVED


def _sees_in_builder(known: tuple[str, ...], where: Where) -> bool:
    command = uv.builder_command(where.tools.interpreter, where.cutoff, known, deps=False)
    return where.tools.in_builder(command, ()).code == uv.SOLVED


# ---------------------------------------------------------------- pip


def _pip_once(requirements: tuple[str, ...], where: Where) -> Solved:
    tools = where.tools
    # Twice: pip exits with 1 for a download that broke off, too.
    for _ in range(2):
        result = where.in_builder(lambda told: pip.command(tools.interpreter, told, tools.pip_seconds), requirements)
        if result.trouble:
            raise _Unsure(f"the index did not answer properly: {result.trouble}")
        if pip.ran_out(result):
            break
        if result.code == pip.SOLVED:
            found = tuple(where.own(d.name) or sized(d, where.index) for d in pip.parse_report(result.stdout))
            return Solved(distributions=found, resolver=pip.version_in(result.stdout))
        if result.code != pip.FAILED:
            raise _Unsure(f"pip ended with {result.code}: {pip.explanation(result.stderr)}")
    raise _pip_judged(result, requirements, where)


def _pip_judged(result: Result, requirements: tuple[str, ...], where: Where) -> CellError:
    """What pip's failure means. Raises _Unsure where it may mean trouble with the index."""
    tools = where.tools
    ours = {b.name for b in where.brought}
    asked = [name for r in requirements if (name := _name(r)) not in ours]
    packages = sorted((uv.mentions(result.stderr).keys() - ours) | set(asked))
    if not where.index.healthy(packages):
        raise _Unsure(f"the index did not answer for all of {', '.join(packages)}")
    for package in asked:
        canary = tools.in_builder(pip.canary_command(tools.interpreter, package), ())
        if canary.code != 0 or canary.timed_out:
            raise _Unsure(f"pip can't read the index: it finds no version of {package}")
    if pip.ran_out(result):
        return unresolvable("resolver-timeout", f"pip found no solution within {tools.pip_seconds} s")
    return unresolvable("pins-clash", pip.explanation(result.stderr))


# ---------------------------------------------------------------- files


def distribution(name: str, file: IndexFile) -> Distribution:
    """A file as a lock holds it. Raises CellError(resolve, infra, "index") for one without a hash."""
    if not file.sha256:
        raise infra(Phase.RESOLVE, "index", f"{file.filename}: the index gives no sha256")
    return Distribution(
        name=canonicalize_name(name),
        version=canonicalize_version(file.version, strip_trailing_zero=False),
        filename=file.filename,
        sha256=file.sha256,
        size=file.size,
    )


def sized(chosen: Distribution, index: Facts) -> Distribution:
    """A distribution with its size, where the index's reading has the file.

    Raises CellError(resolve, infra, "index-mismatch") where the index has no such file of that version, or announces
    other bytes under that name: a resolver that runs package code answers what that code lets it.
    """
    file = next((f for f in index.files(chosen.name) if f.filename == chosen.filename), None)
    size = None if file is None else file.size
    file = file or index.listed(chosen.name, chosen.filename)
    if file is None or canonicalize_version(file.version) != canonicalize_version(chosen.version):
        detail = f"{chosen.filename}: the resolver takes it for {chosen.pin}, and the index does not"
        raise infra(Phase.RESOLVE, "index-mismatch", detail)
    if file.sha256 and file.sha256 != chosen.sha256:
        detail = f"{chosen.filename}: the resolver and the index disagree on its sha256"
        raise infra(Phase.RESOLVE, "index-mismatch", detail)
    return replace(chosen, size=size)


def _name(requirement: str) -> str:
    return canonicalize_name(Requirement(requirement).name)
