"""Statements somebody published, held against evidence: true, false, or true of some versions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal

import msgspec
import yaml

from orchestrator.errors import CellStatus, Phase, UserError
from orchestrator.matrix import select
from orchestrator.model import Matrix, Outcome, OutcomeKind
from orchestrator.verdict.judge import CellResult
from orchestrator.verdict.spans import stretches
from orchestrator.verdict.verdicts import NOT_PASSED

_UNSET = msgspec.UNSET


class Reading(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"equals": "is", "unequal": "is_not"}):
    """When what a probe found makes a statement true in a cell. Exactly one of these, `at` beside any but the first:

    `outcome`: the check passes, or fails; `raises`: where it fails, it is with this type of exception; `is`,
    `is_not`: the value, or the part of it at the keys of `at`, is or is not this; `has`, `lacks`: its text holds this
    or does not; `works`: it passes, or does not, be it for an import or for what it stands on that does not work, where
    other ways to read say nothing; `varies`: it is not the same in all cells (a statement about several versions at
    once).
    """

    outcome: Literal["pass", "fail"] | None = None
    raises: str | None = None
    at: tuple[str, ...] = ()
    equals: Any = _UNSET
    unequal: Any = _UNSET
    has: str | None = None
    lacks: str | None = None
    works: bool | None = None
    varies: bool = False


class Statement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is said, in which cells it is decided (selectors), by which probes; all of `holds` must hold.

    `by` is the axis whose versions the answer names. `note` says why there is no probe, or how to read the answer.
    """

    says: str
    holds: dict[str, Reading | Literal["passes", "fails"]] = {}
    where: tuple[str, ...] = ()
    by: str = ""
    note: str = ""


class Seed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A text with its statements in the order they are made; `where` is where one is decided that does not say."""

    seed: str
    title: str
    where: tuple[str, ...]
    statements: tuple[Statement, ...]


class Seeds(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file of them. `about` says what they are, `either` by what else than its version a statement may come out."""

    about: str
    either: str
    seeds: tuple[Seed, ...]


class Truth(StrEnum):
    TRUE = "true"
    FALSE = "false"
    DEPENDS = "depends on version"
    UNKNOWN = "not decided"


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """What came out: `spans` word → the versions of which it is said, `cells` how many cells decided."""

    truth: Truth
    spans: tuple[tuple[str, tuple[str, ...]], ...] = ()
    cells: int = 0
    why: str = ""


def read(path: Path) -> Seeds:
    """The statements in a file. Raises UserError where it is missing or malformed."""
    try:
        found = msgspec.convert(yaml.safe_load(path.read_text()), Seeds)
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file", hint="It is kept beside the matrix, not shipped.") from error
    except (yaml.YAMLError, msgspec.ValidationError) as error:
        raise UserError(f"{path}: {error}") from error
    for seed in found.seeds:
        for number, statement in enumerate(seed.statements, start=1):
            for probe, reading in statement.holds.items():
                if isinstance(reading, Reading) and _ways(reading) != 1:
                    raise UserError(
                        f"{path}: seed {seed.seed} statement {number}, {probe}: give exactly one way to read it"
                    )
    return found


def held(statement: Statement, seed: Seed, cells: Sequence[CellResult], matrix: Matrix) -> Held:
    """What came out of a statement over judged cells. Raises UserError for selectors that mean nothing."""
    if not statement.holds:
        return Held(truth=Truth.UNKNOWN, why=statement.note or "no probe decides it")
    if not cells:
        return Held(truth=Truth.UNKNOWN, why="no result decides it yet")
    words = statement.where or seed.where
    chosen = {c.id for c in select.select([j.cell for j in cells], select.parse_selectors(words, matrix))}
    ran = [j for j in cells if j.cell.id in chosen and j.status is CellStatus.RAN]
    axis = statement.by or matrix.choices[0][0].axis.name
    readings = {name: _plain(reading) for name, reading in statement.holds.items()}
    if any(reading.varies for reading in readings.values()):
        return _varying(readings, ran, axis, matrix)
    decided: dict[str, set[bool]] = {}
    count = 0
    for judged in ran:
        truth = _in_cell(readings, judged)
        if truth is not None:
            decided.setdefault(judged.cell[axis].name, set()).add(truth)
            count += 1
    return _summed(decided, count, _order(axis, matrix))


def _summed(decided: Mapping[str, set[bool]], count: int, order: Sequence[str]) -> Held:
    if not decided:
        return Held(truth=Truth.UNKNOWN, why="no result decides it yet")
    words = {name: "either" if len(seen) > 1 else "true" if True in seen else "false" for name, seen in decided.items()}
    different = set(words.values())
    truth = Truth.TRUE if different == {"true"} else Truth.FALSE if different == {"false"} else Truth.DEPENDS
    spans = tuple((word, runs([n for n in words if words[n] == word], order)) for word in ("true", "false", "either"))
    return Held(truth=truth, spans=tuple(span for span in spans if span[1]), cells=count)


def _varying(readings: Mapping[str, Reading], ran: Sequence[CellResult], axis: str, matrix: Matrix) -> Held:
    """True where one of the probes found different things in different cells; the spans are of what it found."""
    order = _order(axis, matrix)
    found: dict[str, dict[str, set[str]]] = {}
    count = 0
    for judged in ran:
        for name, reading in readings.items():
            outcome = _came_to_it(_outcome(judged, name))
            if outcome is not None and (text := _found(outcome, reading)):
                found.setdefault(name, {}).setdefault(judged.cell[axis].name, set()).add(text)
                count += 1
    if not found:
        return Held(truth=Truth.UNKNOWN, why="no result decides it yet")
    spans = []
    varies = False
    for name, versions in found.items():
        said = {version: " or ".join(sorted(texts)) for version, texts in versions.items()}
        kinds = list(dict.fromkeys(said[v] for v in order if v in said))
        varies = varies or len(kinds) > 1
        prefix = f"{name}: " if len(found) > 1 else ""
        spans += [(prefix + kind, runs([v for v in said if said[v] == kind], order)) for kind in kinds]
    return Held(truth=Truth.TRUE if varies else Truth.FALSE, spans=tuple(spans), cells=count)


def runs(names: Sequence[str], order: Sequence[str]) -> tuple[str, ...]:
    """Versions as runs of neighbours, "2.1.4 to 2.4.1"; a run never crosses one that is not among the names."""
    return tuple(span[0] if len(span) == 1 else f"{span[0]} to {span[-1]}" for span in stretches(names, order))


def _order(axis: str, matrix: Matrix) -> tuple[str, ...]:
    return tuple(c.name for choices in matrix.choices for c in choices if c.axis.name == axis)


def _plain(reading: Reading | str) -> Reading:
    return reading if isinstance(reading, Reading) else Reading(outcome="pass" if reading == "passes" else "fail")


def _ways(reading: Reading) -> int:
    return (
        (reading.outcome is not None)
        + (reading.raises is not None)
        + (reading.equals is not _UNSET)
        + (reading.unequal is not _UNSET)
        + (reading.has is not None)
        + (reading.lacks is not None)
        + (reading.works is not None)
        + reading.varies
    )


def _outcome(judged: CellResult, probe: str) -> Outcome | None:
    """A probe's outcome in a cell where it tells whether what it asks about works."""
    told = {OutcomeKind.PASS, *NOT_PASSED}
    return next((o for o in judged.outcomes if o.probe.id == probe and o.kind in told), None)


def _came_to_it(outcome: Outcome | None) -> Outcome | None:
    """The outcome where its probe came to its question: it was not blocked, and did not end at an import."""
    blocked = outcome is None or outcome.kind is OutcomeKind.BLOCKED or outcome.phase is Phase.IMPORT
    return None if blocked else outcome


def _in_cell(readings: Mapping[str, Reading], judged: CellResult) -> bool | None:
    """Whether all hold; None where one that would be needed says nothing."""
    truths = [_true(reading, _outcome(judged, name)) for name, reading in readings.items()]
    return False if False in truths else None if None in truths else True


def _true(reading: Reading, outcome: Outcome | None) -> bool | None:
    if outcome is not None and reading.works is not None:
        return (outcome.kind is OutcomeKind.PASS) == reading.works
    outcome = _came_to_it(outcome)
    if outcome is None:
        return None
    passed = outcome.kind is OutcomeKind.PASS
    if reading.outcome is not None:
        return passed == (reading.outcome == "pass")
    if reading.raises is not None:
        if passed:
            return None
        raised = outcome.observation.exception if outcome.observation else None
        return raised is not None and raised.type.rsplit(".", 1)[-1] == reading.raises
    value = _value(outcome, reading.at)
    return None if value is _UNSET else _value_holds(reading, value)


def _value_holds(reading: Reading, value: object) -> bool:
    if reading.equals is not _UNSET:
        return bool(value == reading.equals)
    if reading.unequal is not _UNSET:
        return bool(value != reading.unequal)
    return reading.has in str(value) if reading.has is not None else str(reading.lacks) not in str(value)


def _value(outcome: Outcome, at: tuple[str, ...]) -> object:
    """The part of a probe's value at some keys; unset where there is no value or no such part."""
    value: object = outcome.observation.value if outcome.observation else None
    for key in at:
        if not isinstance(value, Mapping) or key not in value:
            return _UNSET
        value = value[key]
    return _UNSET if value is None and not at else value


def _found(outcome: Outcome, reading: Reading) -> str:
    """What a probe found, as text: its value, else how it came out; "" where it found nothing."""
    value = _value(outcome, reading.at)
    if value is not _UNSET:
        return str(value)
    return "" if reading.at else str(outcome.kind)
