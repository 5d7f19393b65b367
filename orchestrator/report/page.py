"""What a page says, before it is a terminal's, Markdown or HTML: answers, the small table, footnotes, next steps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from orchestrator.axes.resolve import strategy_words
from orchestrator.errors import Attribution
from orchestrator.foreign import printable, throughout
from orchestrator.insight.nearest import nearest
from orchestrator.model import Answer, AnswerKind, Matrix, RunInfo, Strategy, VerdictKind
from orchestrator.verdict.answers import answers, untried, usual
from orchestrator.verdict.findings import Finding
from orchestrator.verdict.judge import CellResult, filled
from orchestrator.verdict.tables import SummaryTable, short_ids, summary_table
from orchestrator.verdict.words import MEANING, NOT_RUN, counted, shorten

MANY_ANSWERS = 12
"""Answers above which those to questions that were not run are only counted."""
_NO_NEAREST = (AnswerKind.YES, AnswerKind.YES_ON)
_YES = (*_NO_NEAREST, AnswerKind.YES_LIMITED)
_FAILS = (AnswerKind.NO, AnswerKind.CANT_INSTALL, VerdictKind.BLOCKED)


@dataclass(frozen=True, kw_only=True, slots=True)
class AnsweredQuestion:
    """An answer with the nearest that works where it is no yes, as a sentence ("" : none known or none needed)."""

    answer: Answer
    nearest: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    """A small table with the heading it stands under ("" for the only one)."""

    table: SummaryTable
    heading: str
    notes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """All a reader sees, in this order. Everything in it is printable; nothing is escaped for a format yet."""

    heading: str
    answers: tuple[AnsweredQuestion, ...]
    sections: tuple[Section, ...]
    legend: tuple[str, ...]
    untried: tuple[str, ...]


def page(
    matrix: Matrix,
    cells: Sequence[CellResult],
    run: RunInfo | None = None,
    *,
    whole: Sequence[CellResult] = (),
    local: Sequence[CellResult] = (),
) -> Page:
    """The page about some judged cells.

    `whole` is the whole plan, of which `cells` may be a part: short ids are unique in it and the nearest that
    works is looked for there. `local` are the same cells as judged by the local engine, where both exist;
    they get a table of their own and answer nothing unless there is no isolated result at all.
    """
    everything = tuple(whole) or tuple(cells)
    ids = short_ids(j.cell.id for j in everything)
    if not any(j.record and j.isolated for j in cells):
        # nothing isolated to go by: what the local engine saw answers, and is named as such
        cells, everything, local = filled(cells, local), filled(everything, local), ()
    asked = [j for j in cells if j.isolated] if any(j.record and j.isolated for j in cells) else list(cells)
    found = [
        table
        for table in (
            summary_table(cells, ids, isolated=True, run=run),
            summary_table(local or cells, ids, isolated=False, run=run),
        )
        if table is not None
    ]
    told, waiting = _told(answers(matrix, asked))
    made = Page(
        heading=_heading(matrix, asked, run),
        answers=tuple(_asked(a, asked, everything, matrix, ids) for a in told),
        sections=tuple(
            Section(
                table=table,
                heading="" if table.isolated else _not_isolated([*cells, *local]),
                notes=tuple(_footnote(n, f, matrix) for n, f in enumerate(table.footnotes, start=1)),
            )
            for table in found
        ),
        legend=_legend(found, [*cells, *local]),
        untried=(*waiting, *untried(matrix, asked)),
    )
    return throughout(made)


def _not_isolated(cells: Iterable[CellResult]) -> str:
    """The heading of the table of what was not isolated, with the kinds of engines."""
    kinds = dict.fromkeys(j.record.engine.kind for j in cells if j.record and not j.isolated)
    return f"Results of the {' and the '.join(kinds)} engine, not isolated"


def _told(found: Sequence[Answer]) -> tuple[tuple[Answer, ...], tuple[str, ...]]:
    """The answers to print; where they are many, those to questions that were not run become one sentence."""
    waiting = [a for a in found if [word for word, _ in a.counts] == [NOT_RUN]]
    if len(found) <= MANY_ANSWERS or not waiting:
        return tuple(found), ()
    such = printable(waiting[0].text)
    return tuple(a for a in found if a not in waiting), (f"{len(waiting)} questions (not run yet), such as “{such}”",)


def _heading(matrix: Matrix, cells: Sequence[CellResult], run: RunInfo | None) -> str:
    engines = dict.fromkeys(str(j.record.engine) for j in cells if j.record)
    named = ", ".join(engines) or (str(run.engine) if run else "")
    sort = "isolated" if all(j.isolated for j in cells) else "not isolated"
    devices = dict.fromkeys(j.cell.device for j in cells)
    device = ", ".join("CPU" if d == "cpu" else d for d in devices) or "CPU"
    parts = [f"{named}, {sort}"] if named else []
    days = sorted({j.published for j in cells if j.published})
    parts += [f"published {days[-1]}"] if days else []
    return printable(
        " · ".join([*parts, f"linux/amd64, {device}", f"{matrix.title} ({matrix.path.rsplit('/', 1)[-1]})"])
    )


def _asked(
    answer: Answer, cells: Sequence[CellResult], whole: Sequence[CellResult], matrix: Matrix, ids: dict[str, str]
) -> AnsweredQuestion:
    if answer.kind in _NO_NEAREST:
        return AnsweredQuestion(answer=answer)
    mine = set(answer.cells)
    pair = [j for j in cells if j.cell.id in mine]
    sort = all(j.isolated for j in pair)
    same = [j for j in whole if j.isolated == sort]
    best = nearest([j.cell for j in usual(pair)], answer.group, same, matrix)
    if best is None:
        return AnsweredQuestion(answer=answer)
    shown = next((j for j in pair if j.kind(answer.group) in (VerdictKind.BROKEN, VerdictKind.BLOCKED)), None)
    evidence = f" · evidence: compat show {ids.get(shown.cell.id, shown.cell.id)}" if shown else ""
    short = ids.get(best.cell.id, best.cell.id)
    return AnsweredQuestion(
        answer=answer, nearest=f"Nearest that works: {best.said} · pins: compat pins {short}{evidence}"
    )


def answer_line(answer: Answer) -> str:
    """The answer itself: "NO", "YES, on Python 3.7", "YES, but not with uv today"."""
    ways = [strategy_words(name) for name, kind in answer.beside if kind in _FAILS and name != Strategy.FORCED]
    but = f", but not with {' or '.join(ways)}" if ways and answer.kind in _YES else ""
    return _answer_line(answer) + but


def _answer_line(answer: Answer) -> str:
    match answer.kind:
        case AnswerKind.YES_ON:
            return f"YES, on {answer.detail}"
        case AnswerKind.YES_WITH_PINS:
            return f"YES, with pins: {answer.detail}"
        case AnswerKind.YES_LIMITED:
            return f"YES, limited: {answer.detail}"
    word = str(answer.kind).upper() if answer.kind in (AnswerKind.YES, AnswerKind.NO) else _capital(answer.kind)
    return f"{word}: {answer.detail}" if answer.detail else word


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def counts_line(answer: Answer) -> str:
    """How often what: "works in 1, broken in 2 of 3 combinations that could be judged · 1 blocked · 9 no wheel"."""
    judged = ("works", "limited", "broken")
    total = sum(n for word, n in answer.counts if word in judged)
    each = ", ".join(f"{word} in {n}" for word, n in answer.counts if word in judged)
    parts = [f"{each} of {counted(total, 'combination')} that could be judged"] if each else []
    parts += [f"{n} {word}" for word, n in answer.counts if word not in judged]
    return " · ".join(parts)


def beside_line(answer: Answer) -> str:
    """What each way of resolving says alone, where they differ; "" otherwise."""
    if len({kind for _, kind in answer.beside}) < 2:
        return ""
    return " · ".join(f"{strategy_words(name)}: {kind}" for name, kind in answer.beside)


def _footnote(number: int, finding: Finding, matrix: Matrix) -> str:
    names = [c[0].axis.package or c[0].axis.name for c in matrix.choices if c[0].axis.subject]
    if not finding.probes:
        return printable(f"[{number}] {shorten(finding.title, 200)}")
    checks = f"{len(finding.probes)} check{'s, one cause' if len(finding.probes) > 1 else ''}"
    whose = ""
    if finding.attribution in (Attribution.ENVIRONMENT, Attribution.BASE) and names:
        whose = f" · not caused by {' or '.join(names)}"
    if finding.attribution is Attribution.BASE:
        whose += ": missing from the base"
    return printable(f"[{number}] {shorten(finding.title, 200)} · {checks}{whose}")


def _published(cells: Sequence[CellResult]) -> list[str]:
    """Which of the results came with the installation instead of being made here, and from when they are."""
    tried = [j for j in cells if j.record is not None]
    given = [j for j in tried if j.published]
    if not given:
        return []
    days = sorted({f"{j.record.dated:%Y-%m-%d}" for j in given if j.record and j.record.dated})
    span = " to ".join(dict.fromkeys((days[0], days[-1]))) if days else "an unknown day"
    which = "results" if len(given) == len(tried) else f"{len(given)} of {len(tried)} results"
    return [f"published {given[0].published} = {which} that came with this installation, tried on {span}"]


def _legend(tables: Sequence[SummaryTable], cells: Sequence[CellResult]) -> tuple[str, ...]:
    words = {e.word for t in tables for b in t.blocks for r in b.rows for e in r.entries if e}
    inspections = {id(j.inspection): j.inspection for j in cells if j.inspection is not None}.values()
    known = MEANING | {word: meaning for one in inspections for word, meaning in one.meanings.items()}
    lines = [f"{word} = {meaning}" for word, meaning in known.items() if word in words]
    lines += _published(cells)
    if any(e.old for t in tables for b in t.blocks for r in b.rows for e in r.entries if e):
        lines.append("old = seen by an earlier run, on that day")
    for strategy in (Strategy.PIP_TODAY, Strategy.UV_TODAY):
        tools = {
            f"{j.record.lock.resolver} on {j.record.lock.cutoff:%Y-%m-%d}"
            for j in cells
            if j.cell.strategy is strategy and j.record and j.record.lock
        }
        if tools:
            lines.append(f"{strategy_words(strategy)} = {', '.join(sorted(tools))}")
    return tuple(printable(line) for line in lines)
