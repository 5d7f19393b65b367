"""`compat cuda` as a person types it: the shipped tables, a real look into environments of this machine."""

from __future__ import annotations

import json
import sys
import time

import pytest
from command import compat_fixture  # noqa: F401
from test_gpu_rows import audited

from orchestrator.errors import UserError
from orchestrator.gpu.inspect_environment import EnvironmentTools, inspect_environment, interpreter
from orchestrator.store.store import Store


def test_every_listed_release_has_a_line_with_what_its_wheel_was_built_for(compat):
    status, out, _ = compat("cuda")
    assert status == 0
    assert "2.4.1" in out
    assert "CUDA 11.0" in out.replace("built for ", "")


def test_any_release_can_be_asked_for_listed_or_not(compat):
    status, out, _ = compat("cuda tf=2.16.1")
    assert status == 0
    assert "built for CUDA 12.3, cuDNN 8.9.6" in out
    assert 'pip install "tensorflow[and-cuda]==2.16.1"' in out


def test_an_extra_that_cannot_be_installed_is_not_offered(compat):
    _, out, _ = compat("cuda tf=2.14.1")
    assert "not on Python 3.11: the index has no file of tensorrt==8.5.3.1" in " ".join(out.split())
    _, out, _ = compat("cuda tf=2.15.0")
    assert "[and-cuda]==2.15.0" not in out


def test_a_range_of_releases_is_a_table(compat):
    _, out, _ = compat("cuda tf=2.10..2.13")
    assert out.startswith("tensorflow")
    assert "nothing here ran on a GPU" in " ".join(out.split())


def test_a_look_at_a_combination_outside_of_the_matrix_stands_beside_its_release(compat):
    assert "cuda11.8" not in compat("cuda tf=2.16.1")[1]
    Store(root=compat.folder / ".compat").save(audited("2.16.1").record)
    assert "cuda11.8  Python 3.7, 2026-11-20: loads" in compat("cuda tf=2.16.1")[1]


def test_a_release_that_never_was_is_an_error_with_a_hint(compat):
    status, _, err = compat("cuda tf=2.16.9")
    assert status == 2
    assert "2.16.9" in err


def test_json_is_one_document(compat):
    _, out, _ = compat("cuda tf=2.0.0 --json")
    found = json.loads(out)["releases"]
    assert {(r["package"], r["built"]["cuda"]) for r in found} == {("tensorflow", ""), ("tensorflow-gpu", "10.0")}


def test_an_environment_without_tensorflow_is_said_to_be_one(compat):
    status, _, err = compat(f"cuda --here --python {sys.executable}")
    assert status == 2
    assert "no TensorFlow found" in err
    assert "--python PATH" in err


@pytest.mark.parametrize("words", ["cuda --here tf=2.4.1", "cuda --here --image x"])
def test_one_environment_goes_with_nothing_else(compat, words):
    status, _, err = compat(words)
    assert status == 2
    assert "can't be combined" in err


def test_an_interpreter_that_is_not_there_is_an_error_that_says_how_to_name_one(compat):
    status, _, err = compat("cuda --here --python /nowhere/python")
    assert status == 2
    assert "/nowhere/python" in err


def test_the_active_environment_is_the_one_that_is_looked_into(tmp_path):
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    python.symlink_to(sys.executable)
    assert interpreter(None, {"VIRTUAL_ENV": str(tmp_path)}) == str(python)
    with pytest.raises(UserError, match="no such interpreter"):
        interpreter(None, {"VIRTUAL_ENV": str(tmp_path / "gone")})


def test_a_program_that_fails_is_an_error_with_its_last_line(tmp_path):
    looking = EnvironmentTools(
        files=(("look.py", b"raise SystemExit('boo')"), ("stand_in.c", b"")), python=sys.executable
    )
    with pytest.raises(UserError, match="boo"):
        inspect_environment(looking, {"PATH": "/nowhere"})


def test_a_program_that_hangs_is_ended_with_all_it_started(tmp_path, monkeypatch):
    monkeypatch.setattr("orchestrator.gpu.inspect_environment.SECONDS", 0.5)
    left = tmp_path / "left"
    child = f"import time; time.sleep(2); open({str(left)!r}, 'w')"
    source = f"import subprocess, sys, time\nsubprocess.Popen([sys.executable, '-c', {child!r}])\ntime.sleep(60)\n"
    looking = EnvironmentTools(files=(("look.py", source.encode()), ("stand_in.c", b"")), python=sys.executable)
    with pytest.raises(UserError, match="did not finish"):
        inspect_environment(looking, {"PATH": "/nowhere"})
    time.sleep(2.5)
    assert not left.exists()
