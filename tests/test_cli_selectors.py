"""Odd selectors through the whole command: what is wrong, what to write instead, nothing on the terminal but text."""

from __future__ import annotations

import os

import pytest
from command import compat_fixture  # noqa: F401
from seen import moving

NEITHER = "is neither a selector nor the start of a cell's id"
NO_CHOICE = "matches no choice of"
ENDS = "needs a version at both ends, such as 2.3..2.6"
LISTED = "2.3.4, 2.4.1"

WRONG = {
    "no value": ("tf=", "'tf=' has no value", f"choices of tf: {LISTED}"),
    "no axis": ("=2.4", NEITHER, "write AXIS=VALUE[,VALUE]"),
    "nothing": ("", NEITHER, "write AXIS=VALUE[,VALUE]"),
    "nothing but a blank": (" ", NEITHER, "write AXIS=VALUE[,VALUE]"),
    "range without an end": ("tf=2.4..", ENDS, f"choices of tf: {LISTED}"),
    "range without a beginning": ("tf=..2.4", ENDS, f"choices of tf: {LISTED}"),
    "range of nothing": ("tf=..", ENDS, f"choices of tf: {LISTED}"),
    "range of three": ("tf=2.3..2.4..2.5", ENDS, f"choices of tf: {LISTED}"),
    "range upside down": ("tf=2.4..2.3", "is reversed: 2.3 is older than 2.4", f"choices of tf: {LISTED}"),
    "range of dots": ("tf=2.3...2.4", ENDS, f"choices of tf: {LISTED}"),
    "range with a dash": ("tf=2.3-2.4", NO_CHOICE, "a range is written tf=2.3..2.4"),
    "range with a colon": ("tf=2.3:2.4", NO_CHOICE, "a range is written tf=2.3..2.4"),
    "range with an ellipsis": ("tf=2.3\u20262.4", NO_CHOICE, "a range is written tf=2.3..2.4"),
    "range of names": ("resolve=pip..uv", "needs versions", "choices of resolve: released, pip-today"),
    "newest of names": ("resolve=latest", "needs versions", "choices of resolve: released, pip-today"),
    "a path": ("tf=../..", ENDS, f"choices of tf: {LISTED}"),
    "a path alone": ("../../etc/passwd", NEITHER, "write AXIS=VALUE[,VALUE]"),
    "an address": ("tf=file:///etc/passwd", NO_CHOICE, f"choices: {LISTED}"),
    "a line of versions exactly": ("tf==2.4", NO_CHOICE, "tf=2.4 is every 2.4.x"),
    "two signs": ("tf<>2.3", "unknown operator <>", "operators: = == != < <= > >= ~="),
    "three signs": ("tf>=<2.3", "unknown operator >=<", "operators: = == != < <= > >= ~="),
    "a sign without a version": ("tf>=", "'tf>=' has no value", f"choices of tf: {LISTED}"),
    "no specifier": ("tf~=2", "is not a version specifier", f"choices of tf: {LISTED}"),
    "specifiers with a blank": ("tf=>=2.3 <2.4", "is not a version specifier", f"choices of tf: {LISTED}"),
    "half a sign": ("tf~2.3", NEITHER, "write tf=VALUE[,VALUE]"),
    "a colon for a sign": ("tf:2.4", NEITHER, "write tf=VALUE[,VALUE]"),
    "a blank for a sign": ("tf 2.4", NEITHER, "write tf=VALUE[,VALUE]"),
    "nothing taken away": ("tf=!", "excludes nothing", f"choices of tf: {LISTED}"),
    "taken away twice": ("tf=!!2.4", "excludes nothing", f"choices of tf: {LISTED}"),
    "everything taken away": ("tf!=2.3.4,2.4.1", NO_CHOICE, f"choices: {LISTED}"),
    "an empty part": ("tf=2.4.1,,2.3.4", "a pattern is empty", f"choices of tf: {LISTED}"),
    "nothing but a comma": ("tf=,", "a pattern is empty", f"choices of tf: {LISTED}"),
    "a glob": ("tf=*", NO_CHOICE, f"choices: {LISTED}"),
    "pip's glob": ("tf=2.*", NO_CHOICE, "tf=2 is every 2.x"),
    "a class of characters": ("tf=2.[34].1", NO_CHOICE, "close: 2.4.1, 2.3.4"),
    "braces": ("tf={2,3}", NO_CHOICE, f"choices: {LISTED}"),
    "a number below nothing": ("tf=-1", NO_CHOICE, f"choices: {LISTED}"),
    "an option": ("-x", NEITHER, "write AXIS=VALUE[,VALUE]"),
    "other digits": ("tf=\uff12.\uff14.\uff11", NO_CHOICE, f"choices: {LISTED}"),
    "other letters": ("t\u0192=2.4", NEITHER, "write AXIS=VALUE[,VALUE]"),
    "an axis misspelled": ("tensorfow=2.4", "unknown axis 'tensorfow'", "did you mean 'tensorflow'?"),
    "a name in capitals": ("resolve=PIP-TODAY", NO_CHOICE, "close: pip-today"),
    "newest in capitals": ("tf=LATEST", NO_CHOICE, "close: latest"),
    "a GPU where none is": ("device=gpu", NO_CHOICE, "the matrix lists no GPU device, only cpu"),
    "a minor of no Python": ("python=3.70", NO_CHOICE, "close: 3.7, 3.9"),
    "two selectors in one word": ("tf=2.3.4 python=3.7", NO_CHOICE, "write each selector as its own argument"),
    "quotes in quotes": ("'tf=2.4'", NEITHER, "write AXIS=VALUE[,VALUE]"),
    "a shell's substitution": ("$(reboot)", NEITHER, "write AXIS=VALUE[,VALUE]"),
    "a shell's next command": ("tf=2.4;reboot", NO_CHOICE, f"choices: {LISTED}"),
    "a format": ("{tf}", NEITHER, "write AXIS=VALUE[,VALUE]"),
    "a format of C": ("%s%n", NEITHER, "write AXIS=VALUE[,VALUE]"),
    "markup": ("tf=[red]2[/red]", "'[red]2[/red]' matches no choice", f"choices: {LISTED}"),
    "an escape": ("tf=2.4.1\x1b[31m", "'2.4.1\\x1b[31m' matches no choice", "close: 2.4.1"),
    "an escape before it": ("\x1b]0;x\x07tf=2.4", "'\\x1b]0;x\\x07tf=2.4' is neither", "write AXIS=VALUE[,VALUE]"),
    "a control of eight bits": ("tf=\x9b2J", "'\\x9b2J' matches no choice", f"choices: {LISTED}"),
    "a direction": ("tf=\u202e1.4.2", "'\\u202e1.4.2' matches no choice", "close: 2.4.1"),
    "a zero width space": ("tf=2.4.1\u200b", "'2.4.1\\u200b' matches no choice", "close: 2.4.1"),
    "a NUL": ("tf=\0", "'\\x00' matches no choice", f"choices: {LISTED}"),
    "a line end": ("tf=2.4\n.1", "'2.4 .1' matches no choice", "close: 2.4.1"),
    "no UTF-8": (os.fsdecode(b"tf=\xff"), "'\\udcff' matches no choice", f"choices: {LISTED}"),
    "thousands of digits": ("tf=" + "9" * 5000, "is too long: 5,003 characters (at most 2,000)", "a range such as"),
    "thousands of values": (
        "tf=" + "2.4," * 3000,
        "is too long: 12,003 characters",
        "a range such as python=3.9..3.12",
    ),
    "thousands of letters": ("x" * 5000, "is too long: 5,000 characters", "a range such as python=3.9..3.12"),
    "hundreds of digits": ("tf=" + "9" * 1500, NO_CHOICE, f"choices: {LISTED}"),
    "an id too short": ("abc", NEITHER, "axes: tf, kerassurgeon, python, device, resolve"),
    "an id too long": ("0123456789abcdef", NEITHER, "write AXIS=VALUE[,VALUE]"),
    "an id of nothing": ("abcd", "no cell id begins with abcd", "`compat plan` lists the cells"),
    "an axis alone": ("tf", "did your shell treat > or < as a redirection?", "quote it: 'tf>=2.3'"),
}


@pytest.mark.parametrize("command", ["table", "run"])
@pytest.mark.parametrize(("word", "said", "instead"), WRONG.values(), ids=WRONG)
def test_an_odd_selector_says_what_is_wrong_and_what_to_write(compat, command, word, said, instead):
    status, out, err = compat.typed(command, "--", word)
    assert (status, out) == (2, "")
    complaint, _, hint = err.partition("\n")
    assert complaint.startswith("compat: ")
    assert said in complaint
    assert instead in hint
    assert moving(err) == []
    assert max(map(len, err.splitlines())) < 300
    assert compat.engine.started == []


RIGHT = {
    "blanks about it": (" tf = 2.4.1 ", {"2.4.1"}),
    "a line end behind it": ("tf=2.4.1\n", {"2.4.1"}),
    "capitals": ("TF=2.4.1", {"2.4.1"}),
    "a package": ("TensorFlow==2.4.1", {"2.4.1"}),
    "a version with a v": ("tf=v2.4.1", {"2.4.1"}),
    "a version with a zero more": ("tf=2.4.1.0", {"2.4.1"}),
    "a version with a zero before": ("tf=2.04.1", {"2.4.1"}),
    "pip's glob": ("tf==2.*", {"2.3.4", "2.4.1"}),
    "arbitrary equality": ("tf===2.4.1", {"2.4.1"}),
    "a specifier as a value": ("tf=>=2.4", {"2.4.1"}),
    "what is taken away as a value": ("tf=!=2.4", {"2.3.4"}),
    "a specifier taken away": ("tf!=>=2.4", {"2.3.4"}),
    "two specifiers": ("tf>=2.3,<2.4", {"2.3.4"}),
    "the same twice": ("tf=2.4.1,2.4.1", {"2.4.1"}),
}


@pytest.mark.parametrize(("word", "versions"), RIGHT.values(), ids=RIGHT)
def test_an_unusual_selector_that_means_something_is_taken(compat, word, versions):
    status, out, err = compat.typed("plan", "--cells", word, "resolve=released", "python=3.7")
    assert (status, err) == (0, "")
    assert {line.split("tf ")[1][:5] for line in out.splitlines() if "  tf " in line} == versions


TRIED = {
    "no Python": ("tensorflow==2.4.1", "no Python given", "python=3.9"),
    "a range": ("tensorflow==2.3..2.4 python=3.7", "'2.3..2.4' is not a version", "such as numpy==1.26.4 python=3.12"),
    "a specifier": ("tensorflow>=2.3 python=3.7", "is made of exact choices", "such as numpy==1.26.4 python=3.12"),
    "not a version": ("tensorflow==new python=3.7", "'new' is not a version", "such as numpy==1.26.4 python=3.12"),
    "a value that is empty": ("tensorflow==2.4.1, python=3.7", "empty value", "such as numpy==1.26.4"),
    "twice": ("tensorflow==2.4.1,2.4.1 python=3.7", "duplicate value", "give each value once"),
    "twice by another spelling": ("tensorflow==2.4,2.4.0 python=3.7", "duplicate value", "give each value once"),
    "a package twice": ("tensorflow==2.4.1 tf=2.3.4 python=3.7", "is given twice", "separated by commas"),
    "an escape": ("tensorflow==2\x1b[31m python=3.7", "'2\\x1b[31m' is not a version", "such as numpy==1.26.4"),
    "a direction": ("tens\u202eorflow==2 python=3.7", "'tens\\u202eorflow==2': a combination", "such as"),
    "thousands long": ("tensorflow==" + "9" * 3000 + " python=3.7", "is too long: 3,012 characters", "such as"),
    "an address": ("https://example.org/x.whl python=3.7", "is made of exact choices", "such as numpy==1.26.4"),
}


@pytest.mark.parametrize(("line", "said", "instead"), TRIED.values(), ids=TRIED)
def test_an_odd_combination_says_what_is_wrong_and_what_to_write(compat, line, said, instead):
    status, out, err = compat.typed("try", *line.split(" "))
    assert (status, out) == (2, "")
    complaint, _, hint = err.partition("\n")
    assert said in complaint
    assert instead in hint
    assert moving(err) == []
    assert compat.engine.started == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("--\x1b[31m",),
        ("\x1b[31mtable",),
        ("table", "--\x1b]0;x\x07"),
        ("table", "--as-of", "\x1b[31m2024\u202e"),
        ("table", "--by", "\x1b[31m"),
        ("table", "--by", "check", "--probe", "\x1b[2J\u202e"),
        ("run", "--probe", "\x1b[2J\u202e"),
        ("run", "--workers", "\x1b[2J"),
        ("run", "--fail-on", "\u202e"),
        ("why", "\x1b[2J\u202e"),
        ("show", "tf=2.4.1", "\x1b.[2J"),
        ("diff", "tf=\x1b[2J", "tf=\u202e"),
        ("cuda", "tf=\x1b[2J"),
        ("cuda", "--here", "--python", "/\x1b[2J/python"),
        ("export", "--\x9b"),
    ],
    ids=lambda arguments: " ".join(map(ascii, arguments)),
)
def test_an_argument_that_is_repeated_is_repeated_as_text(compat, arguments):
    status, out, err = compat.typed(*arguments)
    assert status == 2
    assert err
    assert moving(out + err) == []
