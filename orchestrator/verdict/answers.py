"""What all cells of one pair of versions say to a question, in a word that people can act on."""

from __future__ import annotations

import string
from collections import Counter
from collections.abc import Iterable, Sequence

from orchestrator.axes.registry import KINDS, beyond_default, kind_of, phrase, phrases
from orchestrator.errors import CellStatus
from orchestrator.foreign import printable
from orchestrator.model import (
    ABSENT,
    Answer,
    AnswerKind,
    Matrix,
    Question,
    Strategy,
    VerdictKind,
)
from orchestrator.verdict.judge import CellResult
from orchestrator.verdict.words import NOT_RUN, OURS, shorten

_RANK = ("works", "limited", "broken", "blocked", "unknown")
_CANT = (CellStatus.UNRESOLVABLE, CellStatus.UNINSTALLABLE)
_TITLES = 3
_UNDER = "what it stands on fails first"
_NO_PYTHON = "no such Python here"
_NO_BASE = ("no-python", "no-base")


def answers(matrix: Matrix, cells: Sequence[CellResult]) -> tuple[Answer, ...]:
    """One answer per question and set of versions that it names, in the plan's order.

    A question about a package that is absent is not asked.
    """
    found = []
    for question in matrix.questions:
        axes = question_axes(question)
        pairs: dict[tuple[str, ...], list[CellResult]] = {}
        for judged in cells:
            if question.group in judged.groups:
                pairs.setdefault(tuple(judged.cell.get(a) or "" for a in axes), []).append(judged)
        found += [
            answer(question, matrix, pair)
            for names, pair in pairs.items()
            if ABSENT not in names and not all(j.status is CellStatus.EXCLUDED for j in pair)
        ]
    return tuple(found)


def question_axes(question: Question) -> tuple[str, ...]:
    """The axes that a question's text names, in its order."""
    return tuple(dict.fromkeys(name for _, name, _, _ in string.Formatter().parse(question.ask) if name))


def answer(question: Question, matrix: Matrix, pair: Sequence[CellResult]) -> Answer:
    """The answer over the cells of one pair of versions. A pip-today cell at the defaults weighs first."""
    group = question.group
    kind, detail = _answer(group, pair, question_axes(question))
    by_strategy: dict[str, list[CellResult]] = {}
    for judged in pair:
        by_strategy.setdefault(judged.cell.strategy, []).append(judged)
    beside = [
        (name, _alone(*_answer(group, cells, question_axes(question))))
        for name, cells in by_strategy.items()
        if len(by_strategy) > 1 and any(j.status is not None for j in cells)
    ]
    words = Counter(j.word(group) for j in pair)
    order = sorted(words, key=lambda w: (_RANK.index(w) if w in _RANK else len(_RANK), -words[w], w))
    return Answer(
        text=question.ask.format(**pair[0].cell.axes),
        kind=kind,
        detail=detail,
        counts=tuple((str(word), words[word]) for word in order),
        cells=tuple(j.cell.id for j in pair),
        untried=untried(matrix, pair),
        group=group,
        beside=tuple(beside),
    )


def _alone(kind: AnswerKind, detail: str) -> str:
    if kind is AnswerKind.YES_ON:
        return f"{kind} {detail}"
    return {_UNDER: str(VerdictKind.BLOCKED), OURS: OURS, NOT_RUN: NOT_RUN}.get(detail, str(kind))


def _answer(group: str, pair: Sequence[CellResult], named: Sequence[str]) -> tuple[AnswerKind, str]:
    plain = _plain(pair, named)
    works = [j for j in plain if j.kind(group) is VerdictKind.WORKS]
    if works:
        good = _pythons(works)
        every = set(_pythons(plain)) == set(good) and len(works) == len(plain)
        rest = f"Python {' '.join(good)}"
        return (AnswerKind.YES, "") if every else (AnswerKind.YES_ON, rest)
    pinned = [j for j in pair if j.kind(group) is VerdictKind.WORKS]
    if pinned:
        return AnswerKind.YES_WITH_PINS, _ways(pinned, named)
    limited = [j for j in plain if j.kind(group) is VerdictKind.LIMITED] or [
        j for j in pair if j.kind(group) is VerdictKind.LIMITED
    ]
    if limited:
        return AnswerKind.YES_LIMITED, _titles(group, limited[0])
    return _without_success(group, pair)


def _without_success(group: str, pair: Sequence[CellResult]) -> tuple[AnswerKind, str]:
    kinds = [j.kind(group) for j in pair]
    past = [k for k in kinds if k not in (None, VerdictKind.BLOCKED, VerdictKind.UNKNOWN)]
    if past:
        return AnswerKind.NO, ""
    tried = [j for j in pair if j.status not in (CellStatus.EXCLUDED, CellStatus.UNAVAILABLE)]
    if tried and all(j.status in _CANT for j in tried):
        return AnswerKind.CANT_INSTALL, ", ".join(dict.fromkeys(j.word(group) for j in tried))
    if VerdictKind.BLOCKED in kinds:
        return AnswerKind.UNKNOWN, _UNDER
    reasons = [v.reason for j in pair if (v := j.verdict(group)) and v.reason]
    if reasons:
        return AnswerKind.UNKNOWN, reasons[0]
    if any(j.status is CellStatus.INFRA for j in pair):
        return AnswerKind.UNKNOWN, OURS
    return AnswerKind.UNKNOWN, _NO_PYTHON if all(map(_pythonless, pair)) else NOT_RUN


def _pythonless(judged: CellResult) -> bool:
    return judged.status is CellStatus.UNAVAILABLE and judged.reason in _NO_BASE


def _plain(pair: Sequence[CellResult], named: Sequence[str]) -> list[CellResult]:
    """What somebody gets who types the install and nothing else; on Pythons where that is not planned, and where it
    was never run, all but `forced`.
    """
    simple = [j for j in pair if j.status is not CellStatus.EXCLUDED and _at_defaults(j, named)]
    today = [j for j in simple if j.cell.strategy is Strategy.PIP_TODAY]
    others = [j for j in simple if j.cell.strategy is not Strategy.FORCED]
    if any(j.status is not None for j in today):
        planned = _pythons(today)
        return [*today, *(j for j in others if j.cell.python not in planned)]
    return others


def usual(cells: Sequence[CellResult]) -> tuple[CellResult, ...]:
    """Those of some cells that ask for the least beyond the defaults: what somebody tries first."""

    def extras(judged: CellResult) -> int:
        return sum(kind_of(c.axis).standing.extra and beyond_default(c) for c in judged.cell.choices)

    least = min((extras(j) for j in cells), default=0)
    return tuple(j for j in cells if extras(j) == least)


def _at_defaults(judged: CellResult, named: Sequence[str]) -> bool:
    loose = [c for c in judged.cell.choices if c.axis.name not in named and not c.axis.subject]
    extras = (c for c in loose if kind_of(c.axis).standing.extra and beyond_default(c))
    return not judged.cell.constraints and not any(extras)


def _pythons(cells: Iterable[CellResult]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(j.cell.python for j in cells))


def _ways(cells: Sequence[CellResult], named: Sequence[str]) -> str:
    """Which other choices made it work, two of them at most."""
    ways = []
    for judged in cells:
        cell = judged.cell
        extra = [phrase(c) for c in cell.packages if c.axis.name not in named and c.name != c.axis.default]
        others = phrases(cell.choices, only=lambda kind: not kind.of_package)
        ways.append(", ".join([*extra, *others, *cell.constraints]))
    unique = list(dict.fromkeys(ways))
    more = f" and {len(unique) - 2} more ways" if len(unique) > 2 else ""
    return "; ".join(unique[:2]) + more


def _titles(group: str, judged: CellResult) -> str:
    found = judged.verdict(group)
    titles = [printable(o.probe.question) for o in (found.failing if found else ())]
    more = f" and {len(titles) - _TITLES} more" if len(titles) > _TITLES else ""
    return "; ".join(shorten(t, 80) for t in titles[:_TITLES]) + more


def untried(matrix: Matrix, cells: Sequence[CellResult]) -> tuple[str, ...]:
    """What these cells leave open, in words: no such Python here, not run yet, our own trouble, no GPU."""
    found: dict[str, None] = {}
    for judged in cells:
        if judged.status is CellStatus.UNAVAILABLE:
            why = shorten(printable(judged.detail or judged.reason.replace("-", " ")), 100)
            why = _NO_PYTHON if _pythonless(judged) else why
            found.setdefault(f"Python {judged.cell.python}" + (f" ({why})" if why else ""))
    waiting = sum(j.status is None for j in cells)
    ours = sum(j.status is CellStatus.INFRA for j in cells)
    if waiting:
        found.setdefault(f"{waiting} of {len(cells)} combinations (not run yet)")
    if ours:
        found.setdefault(f"{ours} of {len(cells)} combinations ({OURS})")
    for kind in KINDS.values():
        listed = {c.name for choices in matrix.choices for c in choices if c.axis.kind == kind.name}
        if left := kind.untried(listed):
            found.setdefault(left)
    return tuple(found)
