"""Malformed matrices through the whole command: exit 2, one message with the place, only text on the terminal."""

from __future__ import annotations

import gzip
import os
import socket
from pathlib import Path

import pytest
from command import MATRIX, Command, compat_fixture  # noqa: F401
from malformed import CASES, GOOD, Case
from seen import moving

LONGEST = 1000
"""Characters of a message, whatever is in the file."""


def refused(compat: Command, *arguments: str) -> str:
    """What the command says to standard error where it refuses a matrix."""
    status, out, err = compat.typed("plan", *arguments)
    assert (status, out) == (2, "")
    assert err.startswith("compat: ")
    assert "Traceback" not in err
    assert moving(err) == []
    assert len(err) < LONGEST
    assert compat.engine.started == []
    return err


@pytest.mark.parametrize("bad", CASES.values(), ids=CASES)
def test_a_malformed_matrix_is_refused_with_its_place(compat, bad: Case):
    (compat.folder / "matrix.yaml").write_bytes(GOOD.replace(bad.old, bad.new).encode())
    err = refused(compat)
    assert err.startswith(f"compat: matrix.yaml:{bad.at}")
    assert bad.said in err


def test_the_matrix_that_the_malformed_ones_are_made_of_is_good(compat):
    (compat.folder / "matrix.yaml").write_text(GOOD)
    assert compat("plan")[0] == 0
    assert len(CASES) >= 100
    assert len({bad.new for bad in CASES.values()}) == len(CASES)


# ---------------------------------------------------------------- files that are none


def fifo(path: Path) -> None:
    os.mkfifo(path)


def listening(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))


FILES = {
    "nothing": (lambda path: None, "No such file"),
    "directory": (Path.mkdir, "this is a directory"),
    "pipe": (fifo, "this is something else"),
    "socket": (listening, "this is something else"),
    "link to nothing": (lambda path: path.symlink_to("nowhere"), "No such file"),
    "link to itself": (lambda path: path.symlink_to(path), "symbolic link"),
    "link to a device": (lambda path: path.symlink_to("/dev/zero"), "this is something else"),
    "file without a byte": (Path.touch, "the file is empty"),
    "mark of byte order alone": (lambda path: path.write_bytes(b"\xef\xbb\xbf"), "the file is empty"),
    "nothing but comments": (lambda path: path.write_text("# schema: 1\n"), "the file is empty"),
    "list": (lambda path: path.write_text("- schema: 1\n"), "m.yaml:1:1: expected a mapping, got a list"),
    "word": (lambda path: path.write_text("matrix\n"), "m.yaml:1:1: expected a mapping, got 'matrix'"),
    "UTF-16": (lambda path: path.write_bytes(GOOD.encode("utf-16")), "m.yaml:1:1: this is UTF-16, not UTF-8"),
    "UTF-16 without a mark": (lambda path: path.write_bytes(GOOD.encode("utf-16-le")), "m.yaml:1:2: U+0000 (NUL)"),
    "Latin-1": (lambda path: path.write_bytes(b"schema: 1\ntitle: caf\xe9\n"), "m.yaml:2:11: not UTF-8 (byte 0xe9)"),
    "surrogates in UTF-8": (lambda path: path.write_bytes(b"title: \xed\xa0\x80"), "m.yaml:1:8: not UTF-8 (byte 0xed)"),
    "program": (lambda path: path.write_bytes(b"\x7fELF\x02\x01\x01\0"), "m.yaml:1:1: U+007F"),
    "gzip": (lambda path: path.write_bytes(gzip.compress(GOOD.encode())), "m.yaml:1:2: not UTF-8 (byte 0x8b)"),
    "JSON lines": (lambda path: path.write_text("{}\n{}\n"), "m.yaml:2:1: "),
    "more than a mebibyte": (lambda path: path.write_text("#" * 2**21), "2.0 MiB is too large for a matrix"),
}


@pytest.mark.parametrize(("make", "said"), FILES.values(), ids=FILES)
def test_a_file_that_is_no_matrix_says_why(compat, make, said):
    make(compat.folder / "m.yaml")
    assert said in refused(compat, "-m", "m.yaml")


NAMES = {
    "escape": "\x1b[31mred\x1b[0m.yaml",
    "direction": "a\u202elmay.b",
    "line end": "a\nb.yaml",
    "no UTF-8": os.fsdecode(b"a\xff.yaml"),
    "endless": "a" * 300 + ".yaml",
    "below a file": "matrix.yaml/m.yaml",
    "markup": "[red]a[/red].yaml",
    "empty": "",
}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_a_name_of_a_file_reaches_the_terminal_as_text(compat, name):
    refused(compat, "-m", name)


def test_the_name_of_a_good_file_reaches_the_terminal_as_text(compat):
    (compat.folder / "a\x1b[31m\u202e[red].yaml").write_text(MATRIX)
    for command in ("plan", "run", "table"):
        status, out, err = compat.typed(command, "-m", "a\x1b[31m\u202e[red].yaml")
        assert status == 0
        assert moving(out + err) == []
        assert "(a\\x1b[31m\\u202e[red].yaml)" in out


def test_a_file_that_may_not_be_read_says_so(compat, monkeypatch):
    def denied(*_arguments: object, **_options: object):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", denied)
    assert "matrix.yaml: Permission denied" in refused(compat)
