from __future__ import annotations

import sys

import pytest

from orchestrator import paths
from orchestrator.engine import start
from orchestrator.engine.choose import choose
from orchestrator.engine.registry import KINDS, described, not_held_by
from orchestrator.errors import ExitCode, UserError
from orchestrator.image import dockerfile
from orchestrator.model.engine import HELD

RENDERER = dockerfile.read(paths.data("images"))
linux = pytest.mark.skipif(sys.platform != "linux", reason="the local engine needs Linux")


@pytest.fixture
def nowhere(tmp_path):
    return {"DOCKER_HOST": f"unix://{tmp_path}/none.sock", "HOME": str(tmp_path)}


@linux
@pytest.mark.parametrize("name", [None, "auto", "local"])
def test_without_a_daemon_the_first_command_still_works(nowhere, name):
    assert choose(name, nowhere, renderer=RENDERER).kind.name == "local"


@pytest.mark.parametrize(("name", "extra"), [("docker", {}), (None, {"CI": "true"}), ("auto", {"CI": "true"})])
def test_a_named_engine_that_is_absent_is_exit_3_with_the_ways_on(nowhere, name, extra):
    with pytest.raises(UserError) as raised:
        choose(name, nowhere | extra, renderer=RENDERER)
    assert raised.value.code is ExitCode.NO_ENGINE
    assert "DOCKER_HOST" in raised.value.hint


def test_the_help_text_names_every_kind_and_the_order_in_which_they_are_tried():
    assert all(f"{kind.name} ({kind.about})" in described() for kind in KINDS)
    assert "; default: docker where it answers, else " in described()
    assert described().endswith(f"{KINDS[-1].name}.")


def test_what_a_kind_does_not_hold_is_its_own_and_everything_of_one_that_is_not_registered():
    assert not_held_by("docker") == ()
    assert "network" in not_held_by("local")
    assert "time" not in not_held_by("local")
    assert not_held_by("made-later") == tuple(HELD.values())


@linux
def test_local_may_be_named_in_ci(nowhere):
    assert choose("local", nowhere | {"CI": "true"}, renderer=RENDERER).kind.name == "local"


@pytest.mark.parametrize("name", ["none", "dokcer"])
def test_an_unknown_engine_is_said_to_be_one_with_those_there_are(nowhere, name):
    with pytest.raises(UserError) as raised:
        choose(name, nowhere, renderer=RENDERER)
    assert raised.value.code is ExitCode.USAGE
    assert raised.value.hint == f"engines: {', '.join(('auto', *(kind.name for kind in KINDS)))}"


def test_starting_an_engine_where_it_may_not_says_what_to_do(nowhere, monkeypatch, capsys):
    monkeypatch.setattr(start.os, "environ", nowhere)
    assert start.main() == 3
    assert "--engine local" in capsys.readouterr().out


def test_a_pid_file_of_an_earlier_boot_is_removed_and_a_living_daemons_kept(tmp_path, monkeypatch):
    stale = tmp_path / "docker.pid"
    stale.write_text("4194303")
    start.remove_stale(stale)
    assert not stale.exists()
    stale.write_text("1")
    start.remove_stale(stale)
    assert not stale.exists()
    start.remove_stale(stale)


@pytest.mark.container
def test_starting_where_one_answers_does_nothing(capsys):
    assert start.main() == 0
    assert capsys.readouterr().out.startswith("docker ")


@pytest.mark.container
def test_docker_is_chosen_where_it_answers(monkeypatch):
    import os

    environment = {n: v for n, v in os.environ.items() if n != "CI"}
    chosen = choose(None, environment, renderer=RENDERER)
    assert chosen.kind.name == "docker"
    chosen.close()
