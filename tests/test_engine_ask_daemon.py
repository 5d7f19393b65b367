"""Asking a daemon what it has: one made for the test, slow, silent and none at all."""

from __future__ import annotations

import os
import time

import pytest
from made_daemon import INFO, answers, daemon

from orchestrator import paths
from orchestrator.engine import host
from orchestrator.image import bases
from orchestrator.model import BaseSpec
from orchestrator.model.host import Reply

SPEC = BaseSpec(name="cpython-3.8", python="3.8", reference="python:3.8-slim")


def test_a_daemon_says_what_it_has_and_its_registry_is_asked_for_the_first_base_it_lacks():
    made = BaseSpec(name="cpython-3.7", python="3.7", reference="python:3.7-slim")
    with daemon(answers()) as (environment, asked):
        found = host.ask_daemon(environment, (made, SPEC))
    assert (found.answer.reply, found.version, found.system) == (Reply.ANSWERED, "27.3.1", "linux/x86_64")
    assert (found.memory, found.cpus, found.storage, found.cgroup) == (16 * 1024**3, 8, "overlay2", "2")
    assert (found.unenforced, found.runtimes) == (("pids",), ("nvidia", "runc"))
    assert found.devices == ("nvidia.com/gpu=0",)
    assert found.images == ("compat-base:cpython-3.7",)
    assert found.flags == ("avx", "fma")
    assert (found.wanted, found.registry.reply) == ("python:3.8-slim", Reply.FAILED)
    assert found.registry.said == "no such thing"
    assert [path for path in asked if "distribution" in path] == ["/v1.44/distribution/python:3.8-slim/json"]
    assert (found.has(made), found.has(SPEC)) == (True, False)


def test_a_daemon_with_another_kernel_is_in_a_machine_of_its_own():
    here = host.daemon_of("unix:///s", INFO, (), kernel="6.1.0-made-up")
    beside = host.daemon_of("unix:///s", INFO, (), kernel="6.2")
    away = host.daemon_of("tcp://10.0.0.1:2375", INFO, (), kernel="6.1.0-made-up")
    assert (here.here, beside.here, away.here) == (True, False, False)


def test_a_registry_that_answers_is_said_so_and_nothing_is_asked_where_nothing_lacks():
    with daemon(answers(**{"/distribution/python:3.8-slim/json": {"Descriptor": {}}})) as (environment, _):
        assert host.ask_daemon(environment, (SPEC,)).registry.answered
    with daemon(answers()) as (environment, asked):
        assert host.ask_daemon(environment, ()).registry.reply is Reply.UNASKED
    assert not any("distribution" in path for path in asked)


def test_other_images_are_looked_for_too_and_asked_for_once_no_base_lacks():
    made = BaseSpec(name="cpython-3.7", python="3.7", reference="python:3.7-slim")
    with daemon(answers()) as (environment, _):
        found = host.ask_daemon(environment, (made,), ("somebody/private:1", "nvidia/cuda:1"))
    assert found.images == ("compat-base:cpython-3.7", "somebody/private:1")
    assert (found.wanted, found.registry.reply) == ("nvidia/cuda:1", Reply.FAILED)


def test_a_registry_that_is_slow_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(host, "DAEMON_SECONDS", 0.4)
    began = time.monotonic()
    with daemon(answers(), delays=("distribution",)) as (environment, _):
        found = host.ask_daemon(environment, (SPEC,))
    assert time.monotonic() - began < 2.5
    assert (found.answer.reply, found.registry.reply) == (Reply.ANSWERED, Reply.SILENT)


def test_a_daemon_that_accepts_and_never_answers_is_silent(monkeypatch):
    monkeypatch.setattr(host, "DAEMON_SECONDS", 0.4)
    with daemon(answers(), delays=("/version",)) as (environment, _):
        found = host.ask_daemon(environment, (SPEC,))
    assert found.answer.reply is Reply.SILENT
    assert found.host == environment["DOCKER_HOST"]


@pytest.mark.parametrize(
    "content",
    [
        {"/version": b"<html>hello</html>"},
        {"/version": []},
        {"/version": {"ApiVersion": "1.44"}, "/info": ["no"], "/images/json": {}},
        {"/version": {"ApiVersion": "1.44"}, "/info": {}, "/images/json": []},
    ],
)
def test_what_answers_and_is_no_daemon_is_not_taken_for_one(content):
    with daemon(content) as (environment, _):
        found = host.ask_daemon(environment, (SPEC,))
    assert found.answer.reply in (Reply.UNREADABLE, Reply.FAILED)


def test_where_nothing_listens_the_daemon_is_absent_and_one_that_refuses_us_denies(tmp_path, monkeypatch):
    environment = {"DOCKER_HOST": f"unix://{tmp_path}/none.sock"}
    assert host.ask_daemon(environment, ()).answer.reply is Reply.ABSENT

    def refuse(_host: str) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(host, "knock", refuse)
    assert host.ask_daemon(environment, ()).answer.reply is Reply.DENIED


@pytest.mark.container
def test_looking_at_a_real_daemon_leaves_it_as_it_was():
    import docker

    client = docker.from_env()
    try:
        before = client.info()
        found = host.ask_daemon(os.environ, bases.load(paths.data("images") / "bases.yaml"))
        after = client.info()
    finally:
        client.close()
    assert found.answer.answered
    assert found.version == before["ServerVersion"].partition("+")[0]
    assert (found.memory, found.cpus) == (before["MemTotal"], before["NCPU"])
    assert [after[k] for k in ("Images", "Containers")] == [before[k] for k in ("Images", "Containers")]
