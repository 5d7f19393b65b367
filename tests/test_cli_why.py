from __future__ import annotations

import io
import json
import sys

import command
import pytest
from command import compat_fixture  # noqa: F401 - a fixture

TEXT = """\
Traceback (most recent call last):
  File "train.py", line 3, in <module>
    delete_channels(model, layer, [0])
  File "/e/lib/python3.7/site-packages/kerassurgeon/operations.py", line 7, in delete_channels
    len(x)
TypeError: no `__len__`, says the model
"""


@pytest.fixture(autouse=True)
def message(monkeypatch):
    raised = dict(command.RAISED["exception"], message="no `__len__`, says the model")
    monkeypatch.setitem(command.RAISED, "exception", raised)


def given(monkeypatch, content, *, terminal=False):
    stream = io.TextIOWrapper(io.BytesIO(content))
    monkeypatch.setattr(stream, "isatty", lambda: terminal, raising=False)
    monkeypatch.setattr(sys, "stdin", stream)


@pytest.fixture(name="traceback")
def traceback_file(tmp_path):
    path = tmp_path / "traceback.txt"
    path.write_text(TEXT)
    return path


def test_a_traceback_is_named_with_what_breaks_it_and_what_does_not(compat, traceback):
    compat("run python=3.7")
    status, out, err = compat(f"why {traceback}")
    assert (status, err) == (0, "")
    assert "Seen: the same error, raised at the same place (operations.py:delete_channels)." in out
    assert "where: tensorflow 2.4.1; kerassurgeon 0.2.0; Python 3.7" in " ".join(out.split())
    assert "Nearest without it: tensorflow 2.3.4, kerassurgeon 0.2.0, Python 3.7" in " ".join(out.split())
    show, pins = (line.strip().split("  ")[0] for line in out.splitlines() if line.startswith("   compat "))
    assert "Traceback (most recent call last)" in compat(show.removeprefix("compat "))[1]
    assert compat(pins.removeprefix("compat "))[0] == 0


@pytest.mark.parametrize("line", ["why", "why -"])
def test_a_traceback_is_read_from_standard_input(compat, monkeypatch, line):
    compat("run python=3.7")
    given(monkeypatch, TEXT.encode())
    status, out, _ = compat(line)
    assert status == 0
    assert "Seen: the same error" in out


def test_the_text_itself_is_taken_as_an_argument(compat):
    compat("run python=3.7")
    status, out, _ = compat.typed("why", "TypeError: no `__len__`, says the model")
    assert status == 0
    assert "the text names no place" in " ".join(out.split())


def test_what_nobody_saw_is_not_seen_and_no_failure(compat):
    compat("run python=3.7")
    status, out, _ = compat.typed("why", "TypeError: something that no probe ever raised")
    assert status == 0
    assert "Not seen: no probe raised this" in out


def test_before_any_run_it_is_said_that_nothing_ran(compat, traceback):
    status, out, _ = compat(f"why {traceback}")
    assert status == 0
    assert "Not seen: nothing has run yet." in out


@pytest.mark.parametrize("line", ["why {}", "why --json {}"])
def test_why_runs_nothing(compat, traceback, line):
    compat(line.format(traceback))
    assert compat.engine.started == []


def test_json_is_one_document_whether_it_was_seen_or_not(compat, traceback):
    compat("run python=3.7")
    status, out, _ = compat(f"why --json {traceback}")
    made = json.loads(out)
    assert (status, made["seen"], made["match"]) == (0, True, "same")
    assert made["finding"]["cells"] and made["nearest"]
    traceback.write_text(TEXT.replace("TypeError", "ValueError"))
    assert json.loads(compat(f"why --json {traceback}")[1])["seen"] is False


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b" \n\n", "is empty"),
        (b"\x7fELF\0\0\0", "is not text"),
        (b"all went well\n", "no traceback found in the text"),
        (b"Traceback (most recent call last):\n", "no traceback found in the text"),
    ],
)
def test_what_holds_no_traceback_is_refused_with_what_to_paste(compat, traceback, content, message):
    traceback.write_bytes(content)
    status, out, err = compat(f"why {traceback}")
    assert (status, out) == (2, "")
    assert message in err
    assert 'Paste it from "Traceback (most recent call last)"' in err


def test_a_file_that_is_not_there_is_said_to_be_missing(compat):
    status, _, err = compat("why nowhere.txt")
    assert status == 2
    assert "nowhere.txt is neither a file nor a traceback" in err


def test_a_folder_is_refused(compat, tmp_path):
    status, _, err = compat(f"why {tmp_path}")
    assert status == 2
    assert "can't be read" in err


def test_on_a_terminal_without_anything_it_says_what_to_paste(compat, monkeypatch):
    given(monkeypatch, b"", terminal=True)
    status, _, err = compat("why")
    assert status == 2
    assert "nothing to explain" in err
    assert "compat why traceback.txt" in err


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-8-sig", "latin-1"])
def test_other_encodings_are_read(compat, traceback, encoding):
    compat("run python=3.7")
    traceback.write_bytes((TEXT + "Größe\n").encode(encoding))
    assert "Seen: the same" in compat(f"why {traceback}")[1]


def test_of_a_large_log_the_end_counts(compat, traceback):
    compat("run python=3.7")
    traceback.write_text("step 1: loss 0.5\n" * 400_000 + TEXT)
    assert "Seen: the same error" in compat(f"why {traceback}")[1]


def test_table_by_finding_says_each_cause_once(compat):
    compat("run python=3.7")
    status, out, _ = compat("table --by finding")
    assert status == 0
    assert out.startswith("1 finding over 8 combinations that ran")
    assert "[1] TypeError: no `__len__`, says the model" in out
    (found,) = json.loads(compat("table --by finding --json")[1])["findings"]
    assert found["probes"] == ["surgeon.dense"]
    assert len(found["cells"]) == 2
    assert "Every check that has a result passed." in compat("table --by finding tf=2.3.4")[1]


def test_help_has_examples(compat):
    _, out, _ = compat("why --help")
    assert "python train.py 2>&1 | compat why" in out
    assert "why" in compat("--help")[1].split("More")[0]
