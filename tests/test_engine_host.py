"""Looking at a machine: real programs of every kind of trouble, a daemon made for the test, files of a made-up root."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from shell_tools import TWO, tools_in

from orchestrator.engine import bounded_process, host
from orchestrator.model.host import Daemon, DockerCommand, PackageHost, Reply, Response


@pytest.fixture(name="tools")
def tools_fixture(tmp_path):
    return tools_in(tmp_path)


# ------------------------------------------------------------ any program


def test_a_program_that_answers_is_read_and_one_that_fails_keeps_its_words(tools):
    good, bad = tools("good", "echo yes; echo aside >&2"), tools("bad", "echo no; echo why >&2; exit 7")
    said = bounded_process.run([str(good)], 5, tools.environment)
    assert (said.text, said.answer.reply, said.answer.code) == ("yes\n", Reply.ANSWERED, 0)
    said = bounded_process.run([str(bad)], 5, tools.environment)
    assert (said.answer.reply, said.answer.code, said.answer.said) == (Reply.FAILED, 7, "no\nwhy")


def test_a_program_that_hangs_is_ended_in_time_with_all_its_children(tools, tmp_path):
    pids = tmp_path / "pids"
    hangs = tools("hangs", f"sleep 60 & echo $! > {pids}; echo started; sleep 60")
    began = time.monotonic()
    said = bounded_process.run([str(hangs)], 0.5, tools.environment)
    assert time.monotonic() - began < 5
    assert (said.answer.reply, said.answer.seconds, said.answer.said) == (Reply.SILENT, 0.5, "started")
    child = Path(f"/proc/{pids.read_text().strip()}/stat")
    deadline = time.monotonic() + 5
    while child.exists() and ") Z " not in child.read_text() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not child.exists() or ") Z " in child.read_text()


def test_a_program_that_closes_its_outputs_and_stays_is_ended_too(tools):
    quiet = tools("quiet", "exec >&- 2>&-; sleep 60")
    began = time.monotonic()
    assert bounded_process.run([str(quiet)], 0.5, tools.environment).answer.reply is Reply.SILENT
    assert time.monotonic() - began < 5


def test_a_child_that_outlives_its_program_keeps_nobody_waiting(tools):
    leaves = tools("leaves", "sleep 3 & echo done")
    began = time.monotonic()
    said = bounded_process.run([str(leaves)], 10, tools.environment)
    assert (said.text, said.answer.reply) == ("done\n", Reply.ANSWERED)
    assert time.monotonic() - began < 2.5


def test_a_program_that_prints_without_end_is_ended_and_little_of_it_kept(tools):
    said = bounded_process.run([str(tools("endless", "exec yes"))], 10, tools.environment)
    assert said.answer.reply is Reply.UNREADABLE
    assert said.answer.said.startswith("y\ny\n")
    assert len(said.answer.said) < 10_000
    assert said.text == ""


def test_a_program_that_can_not_be_started_says_why(tools, tmp_path):
    (tmp_path / "text").write_text("no program")
    (tmp_path / "text").chmod(0o755)
    (tmp_path / "plain").write_text("#!/bin/sh\n")
    (tmp_path / "plain").chmod(0o644)
    lost = tools("lost", "", shebang="#!/nowhere/at/all")
    replies = [
        bounded_process.run([str(path)], 5, tools.environment).answer
        for path in (tmp_path / "none", lost, tmp_path / "plain", tmp_path / "text")
    ]
    assert [r.reply for r in replies] == [Reply.ABSENT, Reply.ABSENT, Reply.DENIED, Reply.FAILED]
    assert replies[3].said == "Exec format error"
    assert all(r.code is None for r in replies)


def test_a_question_nobody_answers_is_given_up_and_one_that_raises_raises():
    never = bounded_process.BoundedCall(threading.Event().wait)
    assert never.answer(time.monotonic() + 0.1, otherwise=False) is False
    broken = bounded_process.BoundedCall(lambda: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        broken.answer(time.monotonic() + 5, 0)


# ------------------------------------------------------------ this machine


def test_the_processors_flags_are_read_and_unknown_where_they_can_not_be(tmp_path):
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/cpuinfo").write_text("model name\t: A CPU\nflags\t\t: fpu avx avx2 sse4_1\n\nflags\t: other\n")
    (tmp_path / "proc/meminfo").write_text("MemTotal:       16384000 kB\nMemFree: 1 kB\n")
    found = host.processor(tmp_path)
    assert (found.model, found.flags, found.memory) == ("A CPU", ("avx", "avx2", "sse4_1"), 16384000 * 1024)
    assert host.processor(tmp_path / "nowhere").flags is None


def test_only_interpreters_that_run_count(tools, tmp_path):
    tools("python3.7", "echo CPython 3.7")
    tools("python3.8", "echo 'pyenv: python3.8: command not found' >&2; exit 127")
    tools("python3.9", "echo PyPy 3.9")
    kept = tmp_path / ".pyenv/versions/3.8.18/bin"
    kept.mkdir(parents=True)
    tools("python3.8b", "echo CPython 3.8").rename(kept / "python3.8")
    tools("python3.12", "echo CPython 3.12").rename(tmp_path / "elsewhere")
    uv = tools("uv", f'case "$*" in *3.12) echo {tmp_path / "elsewhere"};; *) exit 1;; esac')
    found = host.interpreters(
        ("3.7", "3.8", "3.9", "3.12"),
        tools.environment,
        str(uv),
        lambda c, s: bounded_process.run(c, s, tools.environment),
    )
    assert found == (
        ("3.7", str(tools.folder / "python3.7")),
        ("3.8", str(kept / "python3.8")),
        ("3.12", str(tmp_path / "elsewhere")),
    )


# ------------------------------------------------------------ all of it


def ways(tools, tmp_path, **changes):
    given = {
        "environment": tools.environment,
        "daemon": lambda: Daemon(host="unix:///none", answer=Response(reply=Reply.ABSENT)),
        "index": lambda: PackageHost(at="index", answer=Response(reply=Reply.ANSWERED)),
        "uv": lambda: "",
        "keep": tmp_path / "not" / "there" / "yet",
        "root": tmp_path,
    }
    return host.Ways(**given | changes)


def test_everything_is_asked_at_once_and_told_together(tools, tmp_path):
    tools("nvidia-smi", f"sleep 0.4; {TWO}")
    buildx = 'buildx) echo "github.com/docker/buildx v0.14.1 59582a8";;'
    tools("docker", f'case "$1" in {buildx} *) echo "Docker version 27.3.1, build ce12230";; esac')
    tools("mmdebstrap", "")
    found = host.look(ways(tools, tmp_path), ("3.7",))
    assert (len(found.nvidia.gpus), found.index.at) == (2, "index")
    assert found.clients == (DockerCommand(path=str(tools.folder / "docker"), version="27.3.1", buildx="0.14.1"),)
    assert found.has("mmdebstrap")
    assert found.uv.answer.reply is Reply.ABSENT
    assert found.local.disk_free is not None
    assert found.local.pythons is not None
    assert not found.named_only


def test_interpreters_are_looked_for_only_where_no_daemon_answers(tools, tmp_path):
    answering = Daemon(host="unix:///s", answer=Response(reply=Reply.ANSWERED))
    found = host.look(ways(tools, tmp_path, daemon=lambda: answering), ("3.7",))
    assert found.local.pythons is None


def test_whatever_never_returns_is_left_behind(tools, tmp_path, monkeypatch):
    monkeypatch.setattr(host, "WAIT_SECONDS", 0.4)
    monkeypatch.setattr(host, "SMI_WAIT_SECONDS", 0.6)
    stuck = threading.Event()
    tools("nvidia-smi", "sleep 60")

    def ask(command, seconds, environment):
        if "nvidia-smi" in command[0]:
            stuck.wait(20)
        return bounded_process.run(command, min(seconds, 0.3), environment)

    began = time.monotonic()
    found = host.look(ways(tools, tmp_path, daemon=stuck.wait, index=stuck.wait, ask=ask), ())
    assert time.monotonic() - began < 3
    stuck.set()
    assert (found.daemon.answer.reply, found.index.answer.reply) == (Reply.SILENT, Reply.SILENT)
    assert found.nvidia.smi.answer.reply is Reply.SILENT


def test_a_program_that_several_ways_on_path_lead_to_counts_once(tools, tmp_path):
    other = tmp_path / "other"
    other.symlink_to(tools.folder)
    tools("docker", "echo Docker version 20.10.24")
    environment = tools.environment | {"PATH": f"{tools.folder}:{other}"}
    assert host.every_on_path("docker", environment) == [str(tools.folder / "docker")]
