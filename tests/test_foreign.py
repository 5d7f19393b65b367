"""Ways in for text of others, per kind of output: each is tried here, and must arrive as text."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import dataclass
from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text
from seen import moving

from orchestrator.foreign import (
    in_markdown,
    in_prose,
    json_text,
    printable,
    refused,
    sheet,
    stripped,
    throughout,
    uncoloured,
)
from orchestrator.report.console import PlainConsole

TERMINAL = {
    "colour": ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
    "screen cleared": ("\x1b[2J\x1b[H", r"\x1b[2J\x1b[H"),
    "title of the window": ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
    "clipboard": ("\x1b]52;c;cm0gLXJm\x1b\\", "\\x1b]52;c;cm0gLXJm\\x1b\\"),
    "link": ("\x1b]8;;http://a\x1b\\b\x1b]8;;\x1b\\", "\\x1b]8;;http://a\\x1b\\b\\x1b]8;;\\x1b\\"),
    "answer asked for": ("\x1b[6n\x1b[c", r"\x1b[6n\x1b[c"),
    "eight-bit escape": ("\x9b31m\x9d0;t\x9c", r"\x9b31m\x9d0;t\x9c"),
    "half an escape": ("a\x1b", r"a\x1b"),
    "backspaces": ("no\b\byes", r"no\x08\x08yes"),
    "bell": ("\a", r"\x07"),
    "vertical tab and form feed": ("\v\f", r"\x0b\x0c"),
    "shift out": ("\x0e\x0f", r"\x0e\x0f"),
    "NUL": ("a\0b", r"a\x00b"),
    "delete": ("\x7f", r"\x7f"),
    "next line": ("a\x85b", r"a\x85b"),
    "line separators": ("a\u2028b\u2029c", r"a\u2028b\u2029c"),
    "direction override": ("\u202etxt.exe\u202c", r"\u202etxt.exe\u202c"),
    "isolates": ("\u2066a\u2069\u2067\u2068", r"\u2066a\u2069\u2067\u2068"),
    "marks": ("\u200e\u200f\u061c", r"\u200e\u200f\u061c"),
    "zero width": ("a\u200b\u200c\u200d\u2060\ufeffb", r"a\u200b\u200c\u200d\u2060\ufeffb"),
    "soft hyphen": ("a\u00adb", r"a\xadb"),
    "fillers": ("\u115f\u1160\u3164\uffa0", r"\u115f\u1160\u3164\uffa0"),
    "variation selectors": ("a\ufe0f\U000e0100", r"a\ufe0f\U000e0100"),
    "tags": ("\U000e0041", r"\U000e0041"),
    "private use": ("\ue000\U000f0000", r"\ue000\U000f0000"),
    "half of a pair": ("\ud800", r"\ud800"),
    "bytes of a file's name": ("\udcff", r"\udcff"),
}
PLAIN = ("é 模型 🧠 ∞", "a" * 10_000, "שלום", "[red]x[/red] :smile:", "", "a\u00a0b", "\\x1b")


@pytest.mark.parametrize(("text", "shown"), TERMINAL.values(), ids=TERMINAL)
def test_a_terminal_gets_what_it_would_act_on_spelled_out(text, shown):
    assert printable(text) == printable(text, lines=True) == shown
    assert moving(shown) == []
    assert refused(text) >= 0 or text[0] == "\ue000"


@pytest.mark.parametrize("text", PLAIN)
def test_text_of_any_language_stays_as_it_is(text):
    assert printable(text) == printable(text, lines=True) == text
    assert refused(text) == -1


def test_lines_and_tabs_stay_only_where_they_are_wanted():
    assert printable("a\tb\r\nc\rd\n", lines=True) == "a\tb\nc\nd\n"
    assert printable("a\tb\r\nc\rd\n") == "a b c d "


@given(st.text())
def test_whatever_comes_is_printable_and_stays_so(text):
    once = printable(text, lines=True)
    assert moving(once, "\n\t") == []
    assert printable(once, lines=True) == once
    assert moving(printable(text), "") == moving(stripped(text), "") == []


def test_captured_output_loses_its_colours_and_nothing_else():
    assert uncoloured("\x1b[1;31mERROR\x1b[0m\n\ttwo\x1b[2K") == "ERROR\n\ttwo\x1b[2K"


def test_a_value_is_printable_throughout_and_keeps_its_types():
    class Word(StrEnum):
        YES = "yes"

    @dataclass(frozen=True, kw_only=True, slots=True)
    class Part:
        name: str
        word: Word = Word.YES
        parts: tuple[object, ...] = ()

    value = Part(name="\x1b", parts=("\0", None, 1, Part(name="\u202e"), ("\a",)))
    assert throughout(value) == Part(name=r"\x1b", parts=(r"\x00", None, 1, Part(name=r"\u202e"), (r"\x07",)))
    assert throughout(value).word is Word.YES


# ---------------------------------------------------------------- what rich renders


def rendered(*objects: object, **options: object) -> str:
    out = io.StringIO()
    PlainConsole(file=out, width=40, color_system=None, _environ={}).print(*objects, **options)
    return out.getvalue()


@pytest.mark.parametrize(("text", "shown"), TERMINAL.values(), ids=TERMINAL)
@pytest.mark.parametrize("made", [str, Text, lambda t: Group(Text(t)), Panel, lambda t: Panel(Text(t), title=Text(t))])
def test_nothing_gets_out_of_a_console_but_text(text, shown, made):
    assert moving(rendered(made(text))) == []


def test_a_console_measures_what_it_prints():
    grid = Table(box=None)
    grid.add_column(Text("\x1b[31m" * 4), overflow="fold")
    grid.add_row(printable("\u202e" * 30))
    assert max(map(len, rendered(grid).splitlines())) <= 40


def test_a_console_takes_no_markup_emoji_or_link_for_its_own():
    text = "[red]a[/red] [link=http://a]b[/link] :smile: [bold"
    assert rendered(text, soft_wrap=True) == text + "\n"


def test_styles_of_our_own_still_get_out():
    out = io.StringIO()
    PlainConsole(file=out, force_terminal=True, color_system="standard", _environ={}).print(
        Text("a\x1b[7m", style="red")
    )
    assert out.getvalue() == "\x1b[31ma\\x1b[7m\x1b[0m\n"


# ---------------------------------------------------------------- Markdown

MARKDOWN = {
    "pipe": ("a|b", r"a\|b"),
    "escaped pipe": (r"a\|b", r"a\\\|b"),
    "backticks": ("`a` ``b", r"\`a\` \`\`b"),
    "emphasis": ("*a* __b__ ~~c~~", r"\*a\* \_\_b\_\_ \~\~c\~\~"),
    "tag": ("<img src=x onerror=alert(1)>", "&lt;img src=x onerror=alert(1)&gt;"),
    "comment": ("<!-- a", "&lt;!-- a"),
    "entity": ("&lt;b&gt;", "&amp;lt;b&amp;gt;"),
    "link": ("[a](javascript:alert(1))", r"[a\](javascript:alert(1))"),
    "link with a mark": ("[a][b]", r"[a\][b]"),
    "definition": ("[a]: http://b", r"[a\]: http\://b"),
    "image": ("![a](http://b/c.png)", r"![a\](http\://b/c.png)"),
    "link in angles": ("<http://a>", r"&lt;http\://a&gt;"),
    "bare address": ("see https://a.b/c", r"see https\://a.b/c"),
    "bare host": ("see www.a.b", r"see www\.a.b"),
    "address of mail": ("mailto:a", r"mailto\:a"),
    "line ends": ("a\n\n# b\n---\n| c |", r"a # b --- \| c \|"),
    "escape": ("\x1b[31m\u202e", r"\\x1b[31m\\u202e"),
}


@pytest.mark.parametrize(("text", "shown"), MARKDOWN.values(), ids=MARKDOWN)
def test_markdown_shows_text_as_it_is(text, shown):
    assert in_prose(text) == shown
    assert re.sub(r"\\([{}\[\]#])", r"\1", in_markdown(text)) == re.sub(r"\\(\])", r"\1", shown)
    assert not re.search(r"(?<!\\)(?:\\\\)*[\[\]{}#]", in_markdown(text))


def test_code_in_markdown_stays_code_and_leaves_its_table_whole():
    assert in_prose("a `b_|c` d_e", code=True) == r"a `b_\|c` d\_e"
    assert in_prose("a `b_|c d_e", code=True) == r"a \`b\_\|c d\_e"


# ---------------------------------------------------------------- sheets

FORMULAS = {
    "equals": ("=1+1", "'=1+1"),
    "plus": ("+1", "'+1"),
    "minus": ("-1", "'-1"),
    "at": ("@SUM(A1)", "'@SUM(A1)"),
    "command": ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
    "blank before": ("  =1+1", "'  =1+1"),
    "tab before": ("\t=1+1", "' '=1+1"),
    "tab alone": ("\ta", "' a"),
    "return before": ("\r=1+1", "' '=1+1"),
    "line end before": ("a\n=1+1", "a '=1+1"),
    "wide equals": ("＝1+1", "'＝1+1"),
    "wide at": ("＠SUM", "'＠SUM"),
    "behind a semicolon": ("a;=1+1", "a;'=1+1"),
    "behind a tab": ("a\t=1+1", "a '=1+1"),
    "quote": ('a","=1+1', 'a","=1+1'),
    "escape": ("\x1b[31m", r"\x1b[31m"),
    "no formula": ("2.4.1 - not = yet", "2.4.1 - not = yet"),
}


@pytest.mark.parametrize(("text", "shown"), FORMULAS.values(), ids=FORMULAS)
def test_no_cell_of_a_sheet_is_a_formula(text, shown):
    assert sheet(text) == shown
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerow([sheet(text), "b"])
    assert written.getvalue().count("\n") == 1
    assert next(csv.reader(io.StringIO(written.getvalue()))) == [shown, "b"]


# ---------------------------------------------------------------- JSON


@pytest.mark.parametrize(("text", "_shown"), TERMINAL.values(), ids=TERMINAL)
def test_json_keeps_every_value_and_shows_a_terminal_nothing_but_text(text, _shown):
    written = json_text({text: ["é", text]})
    assert json.loads(written) == {text: ["é", text]}
    assert moving(written) == []
    assert "é" in written


@given(st.text())
def test_any_text_comes_back_from_json(text):
    assert json.loads(json_text(text)) == text
    assert moving(json_text(text)) == []


def test_json_refuses_what_it_can_not_say():
    with pytest.raises(ValueError, match="JSON"):
        json_text(float("nan"))
