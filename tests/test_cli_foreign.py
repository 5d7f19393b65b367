"""A package, an engine and an error that say what a terminal, a page or a sheet would act on, through every command."""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
from html.parser import HTMLParser

import pytest
from command import RAISED, compat_fixture  # noqa: F401
from seen import moving

from orchestrator.cli.main import status_of
from orchestrator.cli.printing import say_bug
from orchestrator.errors import Phase, UserError, infra
from orchestrator.model import Exit

NASTY = (
    "\x1b]0;t\x07\x1b[2J\x9b1m\u202e\u2066\u200b\0\b\ud800 </td><script>alert(1)</script> [red]r[/red] :smile: "
    "|`x` [l](javascript:alert(1)) https://a.b =1+1"
)
OURS = re.compile(r"\x1b\[(?:[0-9;]*m|\?25[lh]|[0-9]*[AK])|\r")
"""Styles, and what draws the bar of a run: the escapes this tool writes itself."""


@pytest.fixture(name="hostile")
def hostile_fixture(compat, monkeypatch):
    """A store in which everything that comes from elsewhere is hostile."""
    monkeypatch.setitem(RAISED, "within", f"surgeon.{NASTY}")
    monkeypatch.setitem(RAISED, "output", f"one\r\n\ttwo \x1b[32mgreen\x1b[0m\n{NASTY}\n")
    monkeypatch.setitem(RAISED, "warnings", [NASTY])
    raised = {"type": f"Odd{NASTY}", "message": NASTY, "text": f"Traceback (most recent call last):\n{NASTY}"}
    monkeypatch.setitem(RAISED, "exception", RAISED["exception"] | raised)
    monkeypatch.setattr(type(compat.engine), "check", lambda self: self.kind.id(NASTY))
    run = compat("run python=3.7 resolve=released")
    assert run[0] == 0
    assert moving(run[1] + run[2]) == []
    assert "[red]r[/red] :smile:" in run[1]
    return compat


BROKEN = {"tf": "2.4.1", "kerassurgeon": "0.2.0", "python": "3.7", "resolve": "released"}
LINES = [
    "plan --cells --rules",
    "table",
    "table --by check --all",
    "table --by behaviour --probe x",
    "table --by finding",
    "diff tf=2.3.4 tf=2.4.1 kerassurgeon=0.2.0 resolve=released python=3.7",
    "run tf=2.4.1 python=3.7 resolve=released",
    "gc",
    "gc --dry-run",
    "prove tf=2.4.1 python=3.7 resolve=released",
    "pins tf=2.4.1 kerassurgeon=0.2.0 python=3.7 resolve=released",
    "show tf=2.4.1 kerassurgeon=0.2.0 python=3.7 resolve=released",
    "show tf=2.4.1 kerassurgeon=0.2.0 python=3.7 resolve=released surgeon.dense",
]


def test_what_others_wrote_reaches_the_terminal_as_text(hostile):
    for line in LINES:
        _, out, err = hostile(line)
        assert out + err, line
        assert moving(out + err, "\n\t") == [], line


@pytest.mark.parametrize("columns", ["40", "100"])
def test_and_so_it_does_in_colour_and_in_a_narrow_window(hostile, monkeypatch, columns):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", columns)
    for line in (*LINES[1:3], *LINES[4:7]):
        _, out, err = hostile(line)
        assert moving(OURS.sub("", out + err)) == [], line


DOCUMENTS = [
    "export",
    "table --json",
    "table --by finding --json",
    "table --by check --json",
    "run --json tf=2.4.1 python=3.7 resolve=released",
    "diff tf=2.3.4 tf=2.4.1 kerassurgeon=0.2.0 resolve=released python=3.7 --json",
]


def test_json_is_valid_and_shows_a_terminal_nothing_but_text(hostile):
    for line in DOCUMENTS:
        status, out, _ = hostile(line)
        assert status == 0, line
        json.loads(out)
        assert moving(out) == [], line


def test_captured_output_stays_readable(hostile):
    _, out, _ = hostile(LINES[-1])
    shown = out[out.index("captured output:") :]
    assert "  | one\n  | \ttwo green\n  | \\x1b]0;t\\x07\\x1b[2J\\x9b1m\\u202e" in shown
    assert "Traceback (most recent call last):\n\\x1b]0;t" in out


def test_a_pasted_traceback_is_found_and_repeated_as_text(hostile):
    for text in (f"TypeError: {NASTY}", f"Odd: {NASTY}", "Traceback (most recent call last):\n" + NASTY):
        _, out, err = hostile.typed("why", text)
        assert moving(out + err) == []
        assert out + err


def test_trouble_of_ours_is_told_as_text(compat, monkeypatch):
    compat.engine.cut_after, compat.engine.ending = 2, lambda: Exit(code=None, seconds=1.0, lost=f"{NASTY}\n{NASTY}")
    status, out, err = compat("run tf=2.4.1 python=3.7 resolve=released")
    assert status == 4
    assert moving(out + err) == []

    def raised(error: Exception):
        def fail(*_arguments: object):
            raise error

        return fail

    for error in (infra(Phase.RESOLVE, "index", NASTY), UserError(NASTY, hint=NASTY), OSError(28, NASTY, NASTY)):
        compat.services["engine"] = raised(error)
        status, out, err = compat("run")
        assert status in (2, 4)
        assert moving(out + err) == []
        assert "\\x1b]0;t" in err


def test_a_bug_is_told_as_text(capsys):
    say_bug(ValueError, ValueError(NASTY), None)
    err = capsys.readouterr().err
    assert err.startswith("ValueError: \\x1b]0;t")
    assert moving(err) == []


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_a_terminal_that_lacks_a_character_gets_it_spelled_out(encoding):
    command = [sys.executable, "-c", "from orchestrator.cli.main import main; main()", "doctor", "--help"]
    environment = os.environ | {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    asked = subprocess.run(command, capture_output=True, check=False, env=environment, timeout=60)
    assert (asked.returncode, asked.stderr) == (0, b"")
    assert b"Exit codes: 0 CPU combinations can run" in asked.stdout


# ---------------------------------------------------------------- files


class Page(HTMLParser):
    """The tags and addresses of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.values: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.values += [f"{name}={value}" for name, value in attrs]


def test_no_page_acts_on_what_others_wrote(hostile):
    text = (hostile.folder / "reports" / "latest" / "table.html").read_text()
    assert moving(text) == []
    read = Page()
    read.feed(text)
    assert not read.tags & {"script", "img", "iframe", "object", "form", "base"}
    assert all(value.startswith("href=#note-") for value in read.values if value.startswith("href"))
    assert not [value for value in read.values if value.startswith("on") or "javascript:" in value]
    assert "&lt;script&gt;" in text


def test_no_markdown_acts_on_what_others_wrote(hostile):
    text = (hostile.folder / "reports" / "latest" / "table.md").read_text()
    assert moving(text) == []
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert len({len(re.findall(r"(?<!\\)(?:\\\\)*\|", row)) for row in rows}) == 1
    assert "<script" not in text
    assert not re.search(r"(?<!\\)\]\(", text)
    assert "https://" not in text
    assert "javascript" in text


def test_no_sheet_acts_on_what_others_wrote(hostile):
    text = (hostile.folder / "reports" / "latest" / "table.csv").read_text()
    assert moving(text) == []
    rows = list(csv.reader(text.splitlines()))
    assert {len(row) for row in rows} == {len(rows[0])}
    assert not [value for row in rows for value in row if re.match(r"\s*[=+\-@\t\r]", value)]


def test_every_json_on_disk_that_is_a_report_is_text(hostile):
    text = (hostile.folder / "reports" / "latest" / "results.json").read_text()
    json.loads(text)
    assert moving(text) == []


def test_help_of_every_command_is_text(compat):
    for line in ("--help", "run --help", "table --help", "doctor --help"):
        status, out, _ = compat(line)
        assert (status, moving(out)) == (0, [])
    assert status_of(["--version"]) == 0
