"""`MatrixSource` + a reading of the index → `Matrix`: ranges become the versions the index names."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict

from packaging.specifiers import SpecifierSet
from packaging.utils import InvalidWheelFilename, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from orchestrator.axes.kind import Listed, Range, Take
from orchestrator.axes.registry import kind_of
from orchestrator.axes.versions import version
from orchestrator.errors import UserError, did_you_mean
from orchestrator.matrix import patterns
from orchestrator.matrix.axes import SourceAxis
from orchestrator.matrix.document import MatrixSource
from orchestrator.model import Choice, Condition, Group, Index, IndexFile, Matrix, digest


def resolve(source: MatrixSource, index: Index) -> Matrix:
    """The matrix with every range turned into versions.

    Exact versions are taken as written, without asking. Axes with a range are listed by version, names such as
    `none` first; others keep the file's order. Raises UserError where a range holds no release, a default or a
    group's condition names no choice; CellError(infra) when the index does not answer.
    """
    return settled(source, tuple(_resolved(axis, index) for axis in source.axes))


def settled(source: MatrixSource, choices: tuple[tuple[Choice, ...], ...]) -> Matrix:
    """The matrix with its ranges standing for these choices. Raises UserError where a group's condition names none.

    An axis without a range is taken from the file: what `source_digest` leaves out may have changed there.
    """
    choices = tuple(listed if axis.ranges else axis.choices for axis, listed in zip(source.axes, choices, strict=True))
    matrix = Matrix(
        title=source.title,
        choices=choices,
        exclude=source.exclude,
        include=source.include,
        groups=source.groups,
        questions=source.questions,
        limits=source.limits,
        digest=matrix_digest(source, choices),
        path=source.path,
    )
    for group in matrix.groups:
        for condition in group.where:
            refuse_stray(matrix, condition, f"{source.path} groups.{group.name}.where")
    return matrix


def refuse_stray(matrix: Matrix, condition: Condition, at: str) -> None:
    """Raises UserError where a pattern of a condition means no choice of its axis."""
    axis, wanted = condition
    choices = next(c for c in matrix.choices if c[0].axis.name == axis)
    names = tuple(c.name for c in choices)
    stray = patterns.strays(choices[0].axis, names, wanted)
    if stray:
        raise UserError(
            f"{at}.{axis}: {stray[0]!r} matches no choice of the axis {axis}",
            hint=kind_of(choices[0].axis).naming.near(stray[0], names)
            or did_you_mean(stray[0], names)
            or f"choices: {', '.join(names)}",
        )


def source_digest(source: MatrixSource) -> str:
    """Digest over what decides which choices a file can mean and what a result of one of its planned cells says.

    Ranges enter as written; rules, questions and the title don't: they only choose among results. Nor do choices on
    request, and groups that run in none but their cells.
    """
    axes = [[asdict(axis.axis), [_as_written(e) for e in axis.entries if _planned(e)]] for axis in source.axes]
    groups = [asdict(group) for group in source.groups if _runs_in_planned(group, source)]
    return digest([axes, groups, asdict(source.limits), *_suites(source)])


def _planned(entry: Listed) -> bool:
    return isinstance(entry, Range) or not entry.on_request


def _runs_in_planned(group: Group, source: MatrixSource) -> bool:
    """Whether a group runs in any cell that is not on request."""
    asked = {axis.axis.name: axis for axis in source.axes if not all(_planned(e) for e in axis.entries)}
    for name, wanted in group.where:
        if name in asked:
            listed = asked[name].choices
            meant = patterns.matching(asked[name].axis, tuple(c.name for c in listed), wanted)
            if not any(c.name in meant for c in listed if not c.on_request):
                return False
    return True


def _as_written(entry: Listed) -> object:
    if isinstance(entry, Range):
        return [entry.specifier, entry.take]
    # What every choice once had counts always, what came later where it is said: digests of older files stay.
    since = {"on_request": entry.on_request, "sources": entry.sources, "follows": entry.follows, "local": entry.local}
    said = {name: value for name, value in asdict(entry).items() if name not in since or since[name]}
    return said | ({"local": [entry.local.path, entry.local.ref]} if entry.local else {})


def matrix_digest(source: MatrixSource, choices: tuple[tuple[Choice, ...], ...]) -> str:
    """Digest over what a matrix means; comments, layout and where rules stand don't enter."""
    rules = [[(r.where, r.reason) for r in rules] for rules in (source.exclude, source.include)]
    groups = [asdict(group) for group in source.groups]
    questions = [asdict(question) for question in source.questions]
    meant = [source.title, written(choices), rules, groups, questions, asdict(source.limits)]
    return digest([*meant, *_suites(source)])


def _suites(source: MatrixSource) -> list[object]:
    """Where probes are, as written; nothing for a file that leaves it out, so that digests of older files stay."""
    return [[[suite.folder, suite.package] for suite in source.suites]] if source.suites else []


def written(choices: tuple[tuple[Choice, ...], ...]) -> list[list[object]]:
    """Choices as values that digests are made of."""
    return [[_as_written(choice) for choice in axis] for axis in choices]


def _resolved(source: SourceAxis, index: Index) -> tuple[Choice, ...]:
    if not source.ranges:
        return source.choices
    found = {version(choice.name) or choice.name: choice for choice in source.choices}
    releases = installable(index.files(source.axis.package or ""))
    for span in source.ranges:
        versions = _taken(span, releases)
        if not versions:
            raise UserError(_nothing_in(span, source, releases))
        for here in versions:
            found.setdefault(here, Choice(axis=source.axis, name=releases[here]))
    names = [choice for key, choice in found.items() if not isinstance(key, Version)]
    listed = sorted(key for key in found if isinstance(key, Version))
    choices = (*names, *(found[key] for key in listed))
    default = source.axis.default
    if default is not None and default not in {choice.name for choice in choices}:
        raise UserError(f"{source.at}: the default {default!r} is not one of the choices")
    return choices


def _nothing_in(span: Range, source: SourceAxis, releases: dict[Version, str]) -> str:
    package = source.axis.package
    if not releases:
        return f"{span.at}: the index has no release of {package} that Linux x86_64 can install"
    return f"{span.at}: no release of {package} is in {span.specifier!r} (newest: {releases[max(releases)]})"


def installable(files: Iterable[IndexFile]) -> dict[Version, str]:
    """Final releases (no pre-release, nothing yanked) with a source distribution or a wheel for Linux x86_64
    or any platform: version → the name the index gives it.
    """
    found: dict[Version, str] = {}
    for file in files:
        here = version(file.version)
        if here is None or here in found or here.is_prerelease or file.yanked:
            continue
        if _for_linux(file.filename):
            found[here] = file.version
    return found


def _for_linux(filename: str) -> bool:
    if filename.endswith((".tar.gz", ".zip", ".tar.bz2")):
        return True
    if not filename.endswith(".whl"):
        return False
    try:
        _, _, _, tags = parse_wheel_filename(filename)
    except (InvalidWheelFilename, InvalidVersion):
        return False
    return any(_linux_platform(tag.platform) for tag in tags)


def _linux_platform(platform: str) -> bool:
    return platform == "any" or (platform.startswith(("manylinux", "linux")) and platform.endswith("_x86_64"))


def _taken(span: Range, releases: dict[Version, str]) -> tuple[Version, ...]:
    specifier = SpecifierSet(span.specifier)
    inside = sorted(here for here in releases if specifier.contains(here))
    match span.take:
        case Take.EVERY:
            return tuple(inside)
        case Take.NEWEST:
            return tuple(inside[-1:])
        case Take.NEWEST_PATCH:
            return _newest_by(inside, lambda here: (here.epoch, here.major, here.minor))
        case Take.NEWEST_MINOR:
            return _newest_by(inside, lambda here: (here.epoch, here.major))


def _newest_by(versions: list[Version], line: Callable[[Version], tuple[int, ...]]) -> tuple[Version, ...]:
    return tuple({line(here): here for here in versions}.values())
