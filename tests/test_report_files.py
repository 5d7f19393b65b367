from __future__ import annotations

import csv as csv_module
import io
import json
import math
import os
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import jsonschema
import pytest
from builders import LOCALLY, MATRIX, RUN, cell, failed, judged, passed, ran, seed_plan, stopped

from orchestrator.errors import CellStatus
from orchestrator.model import EngineId, Raised
from orchestrator.report import document, files
from orchestrator.report.files import Published, html, markdown, write_latest
from orchestrator.report.page import page
from orchestrator.report.schema import schema, schema_text

NASTY = "</td><script>alert(1)</script> | `x` *y* [z](http://a) &amp; \x1b[31mred\x1b[0m \u202e \ud800 é 模型 🧠"
DOCS = Path(__file__).parent.parent / "docs"


def published(records=None, cells=()):
    records, cells = seed_plan() if records is None else (records, cells)
    return Published(matrix=MATRIX, cells=judged(records, cells), run=RUN)


def nasty():
    raised = Raised(type="ValueError", message=NASTY * 30, text=NASTY)
    return published(
        [
            ran(cell(), failed("surgeon.dense", raised, NASTY, output=NASTY)),
            stopped(cell(python="3.9"), CellStatus.UNINSTALLABLE, "=cmd", "=1+1|" + NASTY),
        ]
    )


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.depth = 0

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))
        self.depth += tag not in ("meta", "link", "br")

    def handle_endtag(self, tag):
        self.depth -= 1


def validated(text):
    jsonschema.Draft202012Validator.check_schema(schema())
    loaded = json.loads(text)
    jsonschema.validate(loaded, schema(), cls=jsonschema.Draft202012Validator)
    return loaded


def test_the_committed_schema_is_the_one_in_the_code():
    assert (DOCS / "results.schema.json").read_text() == schema_text()


def test_the_document_holds_every_planned_cell_and_follows_its_schema():
    records, cells = seed_plan()
    made = validated(document.text(judged(records[:20], cells), RUN))
    assert [c["id"] for c in made["cells"]] == [c.id for c in cells]
    assert {c["status"] for c in made["cells"][20:]} == {"not-run"}
    assert made["cells"][3]["verdicts"]["surgeon"]["verdict"] == "works"
    assert validated(document.text((), None)) == {"schema": 1, "run": None, "cells": []}


def test_a_value_json_can_not_say_is_a_word_for_it():
    value = {"loss": math.nan, "all": [math.inf, 1.5, None, True], "text": "\ud800"}
    made = validated(document.text(judged([ran(cell(), passed("surgeon.sample", value=value))]), RUN))
    (sample,) = [p for p in made["cells"][0]["probes"] if p["id"] == "surgeon.sample"]
    assert sample["value"] == {"loss": "nan", "all": ["inf", 1.5, None, True], "text": "\\ud800"}


@pytest.mark.parametrize("made", [published, nasty])
def test_four_files_are_written_and_equal_input_gives_equal_bytes(tmp_path, made):
    one, other = tmp_path / "one", tmp_path / "other"
    paths = write_latest(one, made())
    write_latest(other, made())
    assert [p.name for p in paths] == ["table.md", "table.csv", "table.html", "results.json"]
    assert sorted(p.name for p in one.iterdir()) == sorted(p.name for p in paths)
    for path in paths:
        assert path.read_bytes() == (other / path.name).read_bytes()
    validated((one / "results.json").read_text())


def test_a_file_that_can_not_be_written_leaves_the_old_one_and_no_draft(tmp_path, monkeypatch):
    write_latest(tmp_path, published())
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}

    def refuse(*_):
        raise OSError("no space left on device")

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(OSError, match="no space left"):
        write_latest(tmp_path, nasty())
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


def test_the_csv_is_the_full_product_and_no_entry_is_a_formula():
    rows = list(csv_module.DictReader(io.StringIO(files.csv(published()))))
    assert len(rows) == 2 * 36
    odd = list(csv_module.reader(io.StringIO(files.csv(nasty()))))
    assert not [value for row in odd for value in row if value.startswith(("=", "+", "-", "@"))]
    assert [value for row in odd for value in row if value.startswith("'=cmd")]


def test_html_escapes_what_packages_say_and_carries_no_script():
    text = html(page(MATRIX, nasty().cells, RUN))
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "模型" in text


def test_html_is_well_formed_and_readable_by_a_screen_reader():
    tags = Tags()
    text = html(page(MATRIX, published().cells, RUN))
    tags.feed(text)
    assert tags.depth == 0
    names = [tag for tag, _ in tags.seen]
    assert names.count("table") == names.count("caption") == 2
    assert all(attrs.get("scope") in ("col", "row") for tag, attrs in tags.seen if tag == "th")
    assert ("html", {"lang": "en"}) in tags.seen
    targets = {attrs["id"] for _, attrs in tags.seen if "id" in attrs}
    links = {attrs["href"][1:] for tag, attrs in tags.seen if tag == "a"}
    assert links
    assert links <= targets
    assert not re.search(r"https?://|src=|url\(", text)


def test_what_another_engine_saw_without_isolation_is_named_by_its_kind(tmp_path):
    local = judged([ran(cell(), engine=EngineId(kind="wrapped", isolated=False))])
    write_latest(tmp_path, replace(published([ran(cell())]), local=local))
    assert "Results of the wrapped engine, not isolated" in (tmp_path / "table.md").read_text()


def test_markdown_keeps_its_table_whatever_a_message_holds():
    text = markdown(page(MATRIX, nasty().cells, RUN))
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert len({len(re.findall(r"(?<!\\)\|", row)) for row in rows}) == 1
    assert "<script" not in text
    assert "\x1b" not in text


def test_local_results_reach_the_files_beside_the_isolated_ones(tmp_path):
    local = judged([ran(cell(), failed("surgeon.dense"), engine=LOCALLY)])
    both = replace(published([ran(cell())]), local=local)
    write_latest(tmp_path, both)
    assert "Results of the local engine, not isolated" in (tmp_path / "table.md").read_text()
    rows = list(csv_module.DictReader(io.StringIO((tmp_path / "table.csv").read_text())))
    assert {(r["isolated"], r["word"]) for r in rows if r["group"] == "surgeon"} == {
        ("True", "works"),
        ("False", "broken"),
    }


def test_where_only_the_local_engine_ran_the_document_holds_what_it_saw(tmp_path):
    local = judged([ran(cell(), engine=LOCALLY)])
    write_latest(tmp_path, Published(matrix=MATRIX, cells=judged([], [cell(), cell(python="3.9")]), local=local))
    made = validated((tmp_path / "results.json").read_text())
    assert [(c["status"], c["engine"]) for c in made["cells"]] == [("ran", "local"), ("not-run", None)]


def test_how_often_a_changed_result_came_again_is_published():
    seen = replace(passed("surgeon.dense"), confirmed="2 of 3")
    written = json.loads(document.text(judged([ran(cell(), seen)]), RUN))
    probes = {p["id"]: p["confirmed"] for p in written["cells"][0]["probes"]}
    assert probes["surgeon.dense"] == "2 of 3"
    assert set(probes.values()) == {"2 of 3", None}
