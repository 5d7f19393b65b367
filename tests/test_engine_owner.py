from __future__ import annotations

import os
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.engine import owner


def test_an_owner_survives_its_label():
    me = owner.current()
    assert owner.parse({owner.LABEL: str(me)}) == me
    assert me.pid == os.getpid()


@pytest.mark.parametrize("text", ["", "host", "host|", "host|x|y", "|1|y"])
def test_a_label_that_names_no_owner_is_nobodys(text):
    assert owner.parse({owner.LABEL: text}) is None


def test_a_living_owner_is_not_dead():
    assert not owner.dead(owner.current())


def test_another_process_with_the_same_number_is_not_the_owner():
    assert owner.dead(replace(owner.current(), started="another boot:1"))


def test_a_process_that_ended_is_dead():
    process = subprocess.Popen(["true"])
    process.wait()
    assert owner.dead(replace(owner.current(), pid=process.pid))


def test_nothing_is_said_of_another_host():
    assert not owner.dead(owner.Owner(host="elsewhere", pid=2**22 - 1, started="x"))


def test_a_folder_left_by_a_killed_process_is_removed_and_a_living_ones_is_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    process = subprocess.Popen(["true"])
    process.wait()
    left = tmp_path / f"compat-build-{process.pid}-x"
    left.mkdir()
    (left / "Dockerfile").write_text("FROM scratch")
    with owner.scratch() as name:
        owner.reap_scratch()
        assert not left.exists()
        assert Path(name).exists()
