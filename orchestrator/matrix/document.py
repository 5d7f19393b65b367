"""matrix.yaml → `MatrixSource`: everything the file says, checked, with package ranges not yet turned into versions.

The border where raw YAML dies. A malformed file gets one `UserError`: file, line, column, path, what was expected.
"""

from __future__ import annotations

import re
import string
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from orchestrator.errors import UserError, did_you_mean
from orchestrator.matrix import nodes, patterns, suites
from orchestrator.matrix.axes import RESERVED, SourceAxis, read_axes, refuse_unknown
from orchestrator.matrix.nodes import Spot
from orchestrator.model import Axis, Condition, Group, Limits, Question, Rule
from orchestrator.model.suite import SuiteRef

SCHEMA = 1
TOP_KEYS = ("schema", "title", "axes", "exclude", "include", "groups", "questions", "limits", "suites")
LIMIT_KEYS = ("probe_seconds", "import_seconds", "cell_seconds", "silence_seconds", "memory", "cpus", "pids")
MEMORY = r"([0-9]{1,9})([kmgKMG])"
PROBE_ID = r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)+"
GROUP_NAME = r"[a-z][a-z0-9_]*"
_UNITS = {"k": 1024, "m": 1024**2, "g": 1024**3}
_ANY_SCHEMA = 10**6
LEAST_MEMORY = 6 * 1024**2
"""Bytes; Docker starts no container with less."""
_MOST_MEMORY = 2**44
MOST_SECONDS = 7 * 24 * 3600
MOST = {name: MOST_SECONDS for name in LIMIT_KEYS if name.endswith("_seconds")} | {"cpus": 1024, "pids": 2**22}
"""The largest value of each limit that is a number: a week, and what Linux can count."""
LEAST_CPUS = 0.01
"""What Docker takes for less is no limit at all."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Mention:
    """Where (`at`) a file names a probe, or with `probe` "" a group of them."""

    at: str
    group: str
    probe: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class MatrixSource:
    """A parsed matrix file whose package axes may still hold ranges. `ranges.resolve` makes a `Matrix` of it."""

    path: str
    title: str
    axes: tuple[SourceAxis, ...]
    exclude: tuple[Rule, ...] = ()
    include: tuple[Rule, ...] = ()
    groups: tuple[Group, ...] = ()
    questions: tuple[Question, ...] = ()
    limits: Limits = field(default_factory=Limits)
    mentions: tuple[Mention, ...] = ()
    suites: tuple[SuiteRef, ...] = ()


def load(path: Path) -> MatrixSource:
    """Reads a matrix file. Raises UserError for one that is missing, unreadable, too large or malformed."""
    return parse(nodes.read(path), path.name)


def parse(text: str, name: str) -> MatrixSource:
    """The matrix a text describes; `name` is what messages call it. Raises UserError where it is malformed."""
    root = nodes.compose(text, name)
    fields = root.fields(TOP_KEYS, ("schema", "title", "axes"))
    if fields["schema"].integer(_ANY_SCHEMA) != SCHEMA:
        raise fields["schema"].error(f"this version reads schema {SCHEMA}, got {fields['schema'].node.value}")
    sources = read_axes(fields["axes"])
    axes = {source.axis.name: source.axis for source in sources}
    groups = _groups(fields["groups"], axes) if "groups" in fields else ()
    return MatrixSource(
        path=name,
        title=fields["title"].string(),
        axes=sources,
        exclude=_rules(fields["exclude"], axes) if "exclude" in fields else (),
        include=_rules(fields["include"], axes) if "include" in fields else (),
        groups=groups,
        questions=_questions(fields["questions"], axes, groups) if "questions" in fields else (),
        limits=_limits(fields["limits"]) if "limits" in fields else Limits(),
        mentions=tuple(_mentions(fields["groups"])) if "groups" in fields else (),
        suites=suites.read(fields["suites"]) if "suites" in fields else (),
    )


def refuse_strangers(source: MatrixSource, probes: Collection[str]) -> None:
    """Raises UserError where a file names a group, or a probe, that a suite of these probes does not have."""
    groups = {probe.partition(".")[0] for probe in probes}
    for mention in source.mentions:
        if mention.group not in groups:
            hint = did_you_mean(mention.group, groups) or f"groups with probes: {', '.join(sorted(groups))}"
            raise UserError(f"{mention.at}: group {mention.group!r} has no probes in the suite", hint=hint)
        if mention.probe and mention.probe not in probes:
            hint = did_you_mean(mention.probe, probes) or "`compat export --catalogue` lists the probes"
            raise UserError(f"{mention.at}: unknown probe {mention.probe!r}", hint=hint)


# ---------------------------------------------------------------- rules and conditions


def _rules(spot: Spot, axes: Mapping[str, Axis]) -> tuple[Rule, ...]:
    return tuple(_rule(item, axes) for item in spot.items())


def _rule(spot: Spot, axes: Mapping[str, Axis]) -> Rule:
    entries = spot.entries()
    if "reason" not in entries:
        raise spot.error("the key 'reason' is missing: it is shown in the table")
    conditions = {name: entry for name, entry in entries.items() if name not in RESERVED}
    if not conditions:
        raise spot.error("a rule needs at least one axis")
    where = tuple(_condition(spot, name, entry, axes) for name, entry in conditions.items())
    return Rule(where=where, reason=" ".join(entries["reason"].string(lines=True).split()), at=spot.at)


def _condition(parent: Spot, name: str, spot: Spot, axes: Mapping[str, Axis]) -> Condition:
    if name not in axes:
        raise refuse_unknown(name, axes, parent.key(name))
    found = []
    for item in spot.one_or_many():
        pattern = item.string()
        try:
            patterns.check(axes[name], pattern)
        except patterns.BadPattern as error:
            raise item.error(str(error)) from error
        found.append(pattern)
    return name, tuple(found)


# ---------------------------------------------------------------- groups and questions


def _groups(spot: Spot, axes: Mapping[str, Axis]) -> tuple[Group, ...]:
    return tuple(_group(spot, name, entry, axes) for name, entry in spot.entries().items())


def _group(parent: Spot, name: str, spot: Spot, axes: Mapping[str, Axis]) -> Group:
    if not re.fullmatch(GROUP_NAME, name, re.ASCII):
        raise parent.key(name).error(f"{name!r} is not a valid group name: use lower-case letters, digits and _ only")
    fields = spot.fields(("where", "core", "stands_on", "gpu"))
    where: tuple[Condition, ...] = ()
    if "where" in fields:
        conditions = fields["where"].entries()
        where = tuple(_condition(fields["where"], axis, entry, axes) for axis, entry in conditions.items())
    core = _probes(fields["core"]) if "core" in fields else ()
    for item, probe in zip(fields["core"].items() if core else (), core, strict=True):
        if not probe.startswith(f"{name}."):
            raise item.error(f"{probe!r} does not belong to group {name}: ids in it begin with '{name}.'")
    stands_on = _probes(fields["stands_on"]) if "stands_on" in fields else ()
    gpu = "gpu" in fields and fields["gpu"].truth()
    return Group(name=name, where=where, core=core, stands_on=stands_on, gpu=gpu)


def _mentions(spot: Spot) -> Iterator[Mention]:
    for name, entry in spot.entries().items():
        yield Mention(at=spot.key(name).at, group=name)
        fields = entry.entries()
        for key in ("core", "stands_on"):
            for item in fields[key].items() if key in fields else ():
                probe = item.string()
                yield Mention(at=item.at, group=probe.partition(".")[0], probe=probe)


def _probes(spot: Spot) -> tuple[str, ...]:
    found = []
    for item in spot.items():
        probe = item.string()
        if not re.fullmatch(PROBE_ID, probe, re.ASCII):
            raise item.error(f"expected the id of a probe (GROUP.NAME), got {probe!r}")
        if probe in found:
            raise item.error(f"{probe!r} is listed twice")
        found.append(probe)
    return tuple(found)


def _questions(spot: Spot, axes: Mapping[str, Axis], groups: tuple[Group, ...]) -> tuple[Question, ...]:
    found: list[Question] = []
    for item in spot.items():
        question = _question(item, axes, tuple(g.name for g in groups))
        if question in found:
            raise item.error("the same question is listed twice")
        found.append(question)
    return tuple(found)


def _question(spot: Spot, axes: Mapping[str, Axis], groups: tuple[str, ...]) -> Question:
    fields = spot.fields(("ask", "group"), ("ask", "group"))
    ask, group = fields["ask"].string(), fields["group"].string()
    try:
        holes = [(hole, spec, how) for _, hole, spec, how in string.Formatter().parse(ask) if hole is not None]
    except ValueError as error:
        raise fields["ask"].error(f"not a question to fill in: {error}") from error
    for hole, spec, how in holes:
        if hole not in axes:
            raise refuse_unknown(hole, axes, fields["ask"])
        if spec or how:
            raise fields["ask"].error(f"write {{{hole}}} without a format")
    if group not in groups:
        raise fields["group"].error(
            f"unknown group {group!r}", hint=did_you_mean(group, groups) or f"groups: {', '.join(groups)}"
        )
    return Question(ask=ask, group=group)


# ---------------------------------------------------------------- limits


def _limits(spot: Spot) -> Limits:
    fields = spot.fields(LIMIT_KEYS)
    usual = Limits()

    def seconds(name: str, otherwise: float) -> float:
        return fields[name].number(MOST[name]) if name in fields else otherwise

    return Limits(
        probe_seconds=seconds("probe_seconds", usual.probe_seconds),
        import_seconds=seconds("import_seconds", usual.import_seconds),
        cell_seconds=seconds("cell_seconds", usual.cell_seconds),
        silence_seconds=seconds("silence_seconds", usual.silence_seconds),
        memory=_memory(fields["memory"]) if "memory" in fields else usual.memory,
        cpus=fields["cpus"].number(MOST["cpus"], LEAST_CPUS) if "cpus" in fields else usual.cpus,
        pids=fields["pids"].integer(MOST["pids"]) if "pids" in fields else usual.pids,
    )


def _memory(spot: Spot) -> int:
    if spot.node.tag.endswith(":int"):
        size = spot.integer(_MOST_MEMORY)
    else:
        shape = re.fullmatch(MEMORY, spot.string(), re.ASCII)
        if shape is None:
            raise spot.expected('an amount of memory such as "4g" or "512m"')
        size = int(shape[1]) * _UNITS[shape[2].lower()]
    if not LEAST_MEMORY <= size <= _MOST_MEMORY:
        raise spot.expected("an amount of memory from 6 MiB to 16 TiB")
    return size
