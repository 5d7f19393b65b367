"""The page on a terminal: the answer first, then the small table. Readable at 40 columns, pleasant at 80."""

from __future__ import annotations

import io
from dataclasses import replace

from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from orchestrator.model import AnswerKind
from orchestrator.report.console import PlainConsole
from orchestrator.report.page import AnsweredQuestion, Page, Section, answer_line, beside_line, counts_line
from orchestrator.verdict.tables import Block, Entry, Row, SummaryTable
from orchestrator.verdict.words import NOT_RUN

_GAP = 2
NARROW = 64
"""Below this many columns a table becomes a list of lines."""

MANY_ROWS = 12
"""Rows above which those with nothing but "not run" are only counted."""

_NAMES = 2
"""Up to this many names that share a row are all listed."""

MANY = 6
"""Answers above which each takes one line; a narrower selection tells more."""

_STYLES = {
    "works": "green",
    "limited": "yellow",
    "broken": "red",
    "blocked": "magenta",
    "unknown": "cyan",
    "pins clash": "yellow",
    "install fails": "yellow",
}
_ANSWERS = {
    AnswerKind.YES: "bold green",
    AnswerKind.YES_ON: "bold green",
    AnswerKind.YES_WITH_PINS: "bold yellow",
    AnswerKind.YES_LIMITED: "bold yellow",
    AnswerKind.NO: "bold red",
    AnswerKind.CANT_INSTALL: "bold red",
    AnswerKind.UNKNOWN: "bold cyan",
}


def view(page: Page, *, width: int = 80) -> RenderableType:
    """The page as something rich can print; `width` only decides between a table and lines."""
    parts: list[RenderableType] = [Text(page.heading, style="dim"), Text()]
    brief = len(page.answers) > MANY
    for asked in page.answers:
        parts += _answer(asked, brief=brief)
    parts += [Text()] if brief else []
    for section in page.sections:
        parts += _section(section, width)
    if page.legend:
        parts += [Text(" · ".join(page.legend), style="dim"), Text()]
    if page.untried:
        parts.append(Text(f"Not tried: {', '.join(page.untried)}"))
    return Group(*parts)


def render(page: Page, *, width: int = 80, colour: bool = False) -> str:
    """The page as text of at most `width` columns, lines without trailing blanks; escape codes only with `colour`."""
    out = io.StringIO()
    console = PlainConsole(
        file=out,
        width=width,
        force_terminal=colour,
        color_system="standard" if colour else None,
        no_color=not colour,
        legacy_windows=False,
        _environ={},
    )
    console.print(view(page, width=width))
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()).rstrip("\n") + "\n"


def _answer(asked: AnsweredQuestion, *, brief: bool) -> list[RenderableType]:
    answer = asked.answer
    head = Text.assemble((answer.text, "bold"), "   ", (answer_line(answer), _ANSWERS[answer.kind]))
    if brief:
        return [head]
    lines = [counts_line(answer), beside_line(answer), asked.nearest]
    return [head, *(Padding(Text(line), (0, 0, 0, 3)) for line in lines if line), Text()]


def _section(section: Section, width: int) -> list[RenderableType]:
    parts: list[RenderableType] = [Text(section.heading, style="bold"), Text()] if section.heading else []
    table, waiting = _told(section.table)
    widths = _widths(table)
    # every block's columns line up, where that fits
    floor = widths if sum(widths) + _GAP * (len(widths) - 1) <= width else [0] * len(widths)
    for block in table.blocks:
        if width < NARROW:
            parts.append(Text(block.title, style="bold"))
            parts += [line for row in block.rows for line in _lines(row, table)]
        else:
            parts.append(_grid(block, table, floor))
        parts.append(Text())
    if waiting:
        rows = "row says" if waiting == 1 else "rows say"
        parts += [Text(f"{waiting} more {rows} only “{NOT_RUN}”: compat plan --cells lists them"), Text()]
    notes = [_hanging(note) for note in section.notes]
    return [*parts, *notes, Text()] if notes else parts


def _told(small: SummaryTable) -> tuple[SummaryTable, int]:
    """The table to print; where it is long, without rows that only say "not run", and how many those are."""
    rows = [row for block in small.blocks for row in block.rows]
    if len(rows) <= MANY_ROWS:
        return small, 0
    blocks = [replace(block, rows=tuple(row for row in block.rows if _tried(row))) for block in small.blocks]
    told = [block for block in blocks if block.rows]
    return _narrowed(replace(small, blocks=tuple(told))), sum(not _tried(row) for row in rows)


def _narrowed(small: SummaryTable) -> SummaryTable:
    """The table without columns that are planned for none of its rows."""
    rows = [row for block in small.blocks for row in block.rows]
    kept = [place for place in range(len(small.columns)) if any(row.entries[place] for row in rows)]
    blocks = (
        replace(block, rows=tuple(replace(r, entries=tuple(r.entries[p] for p in kept)) for r in block.rows))
        for block in small.blocks
    )
    return replace(small, columns=tuple(small.columns[p] for p in kept), blocks=tuple(blocks))


def _tried(row: Row) -> bool:
    return any(entry is not None and entry.word != NOT_RUN for entry in row.entries)


def _who(row: Row) -> str:
    names = row.who.split(" / ")
    return row.who if len(names) <= _NAMES else f"{names[0]} and {len(names) - 1} others"


def _cells(row: Row) -> list[str]:
    return [_who(row), " ".join(row.pythons), *(str(e) if e else "–" for e in row.entries), row.id]


def _widths(small: SummaryTable) -> list[int]:
    """Columns of text that each column of the table wants over all blocks."""
    lines = [_cells(row) for block in small.blocks for row in block.rows]
    lines += [[block.title, "Python", *small.columns, "id"] for block in small.blocks]
    return [max((cell_len(line[place]) for line in lines), default=0) for place in range(len(small.columns) + 3)]


def _grid(block: Block, small: SummaryTable, floor: list[int]) -> Table:
    grid = Table(box=None, padding=(0, _GAP, 0, 0), show_edge=False, header_style="bold", pad_edge=False)
    for name, least in zip([block.title, "Python", *small.columns], floor, strict=False):
        grid.add_column(Text(name), overflow="fold", min_width=least)
    grid.add_column("id", no_wrap=True, style="dim")
    for row in block.rows:
        entries = [_entry(entry) for entry in row.entries]
        grid.add_row(Text(_who(row)), Text(" ".join(row.pythons)), *entries, Text(row.id))
    return grid


def _lines(row: Row, small: SummaryTable) -> list[RenderableType]:
    head = f"{_who(row)} · Python {' '.join(row.pythons)}" + (f" · {row.id}" if row.id else "")
    pairs = zip(small.columns, row.entries, strict=True)
    told = [Text.assemble(f"   {name}: ", _entry(entry)) for name, entry in pairs if entry]
    return [Text(head), *told]


def _entry(entry: Entry | None) -> Text:
    if entry is None:
        return Text("–", style="dim")
    return Text(str(entry), style=_STYLES.get(entry.word, "dim"))


def _hanging(note: str) -> RenderableType:
    number, _, rest = note.partition(" ")
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    grid.add_row(Text(number), Text(rest))
    return grid
