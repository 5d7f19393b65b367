"""What probe files import: registration, the subject block, numeric comparison, the catalogue."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from supervised import PROBES, copy_harness, oldest


@pytest.fixture
def harness(monkeypatch: pytest.MonkeyPatch, flat: Path) -> Iterator[ModuleType]:
    """A harness with an empty registry, gone again afterwards."""
    monkeypatch.syspath_prepend(str(flat))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    for name in ("harness", "events"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    import harness

    yield harness
    for name in ("harness", "events"):
        sys.modules.pop(name, None)


def catalogue(folder: Path) -> dict[str, dict[str, object]]:
    asked = subprocess.run(
        [sys.executable, folder / "supervisor.py", "--catalogue"], capture_output=True, check=True, timeout=30
    )
    return {entry["id"]: entry for entry in json.loads(asked.stdout)["probes"]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    copy_harness(tmp_path)
    (tmp_path / "controls.py").unlink()
    (tmp_path / "shared.py").write_text("X = 1\n")
    text = (
        "from harness import check\nimport shared\n@check('one.a', 'A?', source='s', needs=('json',))\ndef a(): pass\n"
    )
    (tmp_path / "one.py").write_text(text)
    (tmp_path / "two.py").write_text(
        "import harness\n@harness.drift('two.b', 'B?', seconds=3, fresh=True)\ndef b(): pass\n"
    )
    return tmp_path


def test_numbers_that_are_close_in_any_nesting_pass(harness: ModuleType) -> None:
    numpy = pytest.importorskip("numpy")
    harness.assert_close([[1.0, 2]], ((1.0000001, 2),))
    harness.assert_close(numpy.array([1.0, numpy.nan]), [1.0, float("nan")])
    harness.assert_close(float("inf"), float("inf"))
    harness.assert_close(numpy.float32(0.5), 0.5)


@pytest.mark.parametrize(
    ("actual", "expected", "message"),
    [
        (1.0, 1.1, "value: 1 of 1 differ, most at the value itself: 1.0, expected 1.1"),
        ([1, 2], [1, 2, 3], r"shape \(2,\), expected \(3,\)"),
        ([[1], [2, 3]], [[1], [2]], "ragged"),
        ([1.0, 5.0, 9.0], [1.0, 2.0, 3.0], r"2 of 3 differ, most at \[2\]: 9.0, expected 3.0"),
        (float("nan"), 1.0, "differ"),
        (float("-inf"), float("inf"), "differ"),
        (1.0, float("inf"), "differ"),
        ("a", "b", "differ"),
    ],
)
def test_numbers_that_are_apart_say_how_many_where_and_by_what(
    harness: ModuleType, actual: object, expected: object, message: str
) -> None:
    with pytest.raises(AssertionError, match=message):
        harness.assert_close(actual, expected)


def test_an_exception_carries_the_innermost_subject_block_it_left(harness: ModuleType) -> None:
    harness.begin()
    inner = ValueError("no")
    with pytest.raises(ValueError, match="no"), harness.subject("outer"), harness.subject("inner"):
        raise inner
    assert harness.within(inner) == "inner"
    assert harness.within(ValueError("another")) == ""


def test_an_exception_caught_inside_the_block_leaves_no_trace(harness: ModuleType) -> None:
    harness.begin()
    later = KeyError("later")
    with harness.subject("call"):
        try:
            raise ValueError
        except ValueError:
            pass
    assert harness.within(later) == ""


@pytest.mark.parametrize("options", [{"nedes": ()}, {"needs": "tensorflow"}])
def test_a_mistaken_option_is_refused(harness: ModuleType, options: dict[str, object]) -> None:
    with pytest.raises(TypeError):
        harness.check("a.b", "?", **options)


def test_a_second_probe_of_the_same_name_is_refused(harness: ModuleType) -> None:
    harness.check("a.b", "?")(lambda: None)
    with pytest.raises(ValueError, match=r"two probes are called a\.b"):
        harness.check("a.b", "?")


def test_a_name_without_a_group_is_refused(harness: ModuleType) -> None:
    with pytest.raises(ValueError, match="not a probe id"):
        harness.check("alone", "?")


def test_the_catalogue_says_what_the_decorators_said(folder: Path) -> None:
    found = catalogue(folder)
    one, two = found["one.a"], found["two.b"]
    assert one == {
        "id": "one.a", "question": "A?", "group": "one", "kind": "check", "source": "s", "needs": ["json"],
        "seconds": None, "fresh": False, "light": False, "repeat": True, "expects": None, "file": "one.py",
    }  # fmt: skip
    assert (two["kind"], two["seconds"], two["fresh"]) == ("drift", 3, True)


def test_a_probe_file_that_can_not_be_imported_fails_the_catalogue_with_its_traceback(folder: Path) -> None:
    (folder / "broken.py").write_text("import harness\n1 / 0\n")
    asked = subprocess.run([sys.executable, folder / "supervisor.py", "--catalogue"], capture_output=True, check=False)
    assert asked.returncode == 1
    assert b"ZeroDivisionError" in asked.stderr


def test_one_probe_runs_by_hand_from_a_suite_of_several_folders(tmp_path: Path) -> None:
    suite = tmp_path / "suite"
    (suite / "room" / "data").mkdir(parents=True)
    (suite / "room" / "data" / "a.txt").write_text("forty-two")
    (suite / "shared.py").write_text("def read(path):\n    with open(path) as file:\n        return file.read()\n")
    text = (
        "import os\nfrom harness import behaviour\nfrom shared import read\nREADS = ('data/a.txt',)\n"
        "HERE = os.path.dirname(os.path.abspath(__file__))\n"
        "@behaviour('one.a', 'A?')\ndef a():\n    return read(os.path.join(HERE, 'data', 'a.txt'))\n"
        "@behaviour('one.wrong', 'B?')\ndef wrong():\n    raise ValueError(3)\n"
    )
    (suite / "room" / "one.py").write_text(text)
    for python in filter(None, (sys.executable, oldest())):
        command = [python, "-B", PROBES / "harness" / "alone.py"]
        done = subprocess.run([*command, "one.a", suite], capture_output=True, check=False, text=True)
        assert (done.returncode, done.stdout) == (0, "forty-two\n"), done.stderr
        wrong = subprocess.run([*command, "one.wrong", suite], capture_output=True, check=False, text=True)
        assert (wrong.returncode, "raise ValueError(3)" in wrong.stderr) == (1, True)
        unknown = subprocess.run([*command, "one.b", suite], capture_output=True, check=False, text=True)
        assert (unknown.returncode, "no probe is called one.b" in unknown.stderr) == (2, True)
