"""`reports/latest/`: the table of the whole plan as Markdown, CSV, HTML and JSON. Equal input gives equal bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestrator.foreign import in_markdown, sheet
from orchestrator.model import Matrix, RunInfo
from orchestrator.report import document
from orchestrator.report.page import Page, answer_line, beside_line, counts_line, page
from orchestrator.store.files import write_whole
from orchestrator.verdict.judge import CellResult, filled
from orchestrator.verdict.tables import long_frame


@dataclass(frozen=True, kw_only=True, slots=True)
class Published:
    """What the files are made from. `local` are the plan's cells as judged by the local engine, where both ran."""

    matrix: Matrix
    cells: Sequence[CellResult]
    run: RunInfo | None = None
    local: Sequence[CellResult] = ()


def write_latest(directory: Path, published: Published) -> tuple[Path, ...]:
    """Writes table.md, table.csv, table.html and results.json, each whole or not at all; returns their paths.

    Everything is made before anything is written.
    """
    shown = page(published.matrix, published.cells, published.run, local=published.local)
    contents = {
        **tables(published, shown),
        "results.json": document.text(filled(published.cells, published.local), published.run),
    }
    for name, text in contents.items():
        write_whole(directory / name, text.encode())
    return tuple(directory / name for name in contents)


def tables(published: Published, shown: Page) -> dict[str, str]:
    """Name → content of the tables that every run and every publication has. `shown` is the page of what is given."""
    return {"table.md": markdown(shown), "table.csv": csv(published), "table.html": html(shown)}


def csv(published: Published) -> str:
    """The long table: a row per cell and group, local results after the isolated ones. Safe to open as a sheet."""
    import pandas as pd

    frames = [long_frame(published.matrix, published.cells)]
    if published.local:
        local = long_frame(published.matrix, published.local)
        frames.append(local[~local["isolated"].astype(bool)])
    frame = pd.concat(frames, ignore_index=True) if len(frames) > 1 else frames[0]
    for name in frame.columns:
        if frame[name].dtype == object or pd.api.types.is_string_dtype(frame[name]):
            frame[name] = frame[name].map(lambda v: sheet(v) if isinstance(v, str) else v)
    return str(frame.to_csv(index=False, lineterminator="\n"))


def markdown(shown: Page) -> str:
    """The page as GitHub-flavoured Markdown."""
    lines = ["# " + in_markdown(shown.heading), ""]
    for asked in shown.answers:
        lines += [f"**{in_markdown(asked.answer.text)}** — **{in_markdown(answer_line(asked.answer))}**  "]
        below = (counts_line(asked.answer), beside_line(asked.answer), asked.nearest)
        lines += [f"{in_markdown(line)}  " for line in below if line]
        lines.append("")
    for section in shown.sections:
        lines += [f"## {in_markdown(section.heading)}", ""] if section.heading else []
        for block in section.table.blocks:
            heads = [block.title, "Python", *section.table.columns, "id"]
            lines += [_row(heads), "|" + " --- |" * len(heads)]
            for row in block.rows:
                entries = [str(e) if e else "–" for e in row.entries]
                lines.append(_row([row.who, " ".join(row.pythons), *entries, row.id]))
            lines.append("")
        lines += [f"{in_markdown(note)}  " for note in section.notes]
        lines.append("")
    lines += [f"{in_markdown(line)}  " for line in shown.legend]
    if shown.untried:
        lines += ["", "Not tried: " + in_markdown(", ".join(shown.untried))]
    return "\n".join(lines).rstrip() + "\n"


def _row(values: Sequence[str]) -> str:
    return "| " + " | ".join(in_markdown(v) for v in values) + " |"


def html(shown: Page) -> str:
    """The page as one HTML file without scripts or anything from elsewhere."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("orchestrator.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"answer_line": answer_line, "counts_line": counts_line, "beside_line": beside_line}
    return environment.get_template("table.html").render(page=shown)
