"""Files that a task leaves behind: what comes back of them, on a real daemon and on this machine."""

from __future__ import annotations

import sys

import pytest
from docker_tools import PYTHON, base_on, docker_engine, ours

from orchestrator.engine import outputs
from orchestrator.engine.local import LocalEngine
from orchestrator.model import Exit, Limits, Task

LEAVES = """
import os, sys
os.chdir(sys.argv[1])
os.mkdir("models")
open("small.bin", "wb").write(b"weights" * 3)
open("empty", "w").close()
open("other", "w").write("nobody asked for it")
os.symlink("/etc/passwd", "link")
os.mkfifo("pipe")
with open("huge", "wb") as file: file.truncate(200 * 1024 * 1024)
"""
ASKED = ("small.bin", "empty", "absent", "link", "pipe", "models", "huge")


@pytest.fixture(scope="module")
def in_docker(tmp_path_factory):
    with docker_engine() as engine:
        image = base_on(engine, tmp_path_factory.mktemp("base")).image
        yield lambda task: engine.run(image, task, lambda _line: None)


@pytest.fixture(params=[pytest.param("docker", marks=pytest.mark.container), "local"])
def run(request, tmp_path):
    """Runs a task on one of the engines."""
    if request.param == "docker":
        return request.getfixturevalue("in_docker")
    engine = LocalEngine(tmp_path / "root")
    (tmp_path / "environment" / "bin").mkdir(parents=True)
    return lambda task: engine.run(str(tmp_path / "environment"), task, lambda _line: None)


def leaving(run, code: str, *asked: str) -> Exit:
    program = PYTHON if "docker" in repr(run) else sys.executable
    command = (program, "-c", code, "/probes/outputs")
    return run(Task(command=command, outputs=asked, limits=Limits(cell_seconds=120, silence_seconds=120)))


def test_plain_files_that_were_asked_for_come_back_and_nothing_else(run):
    ended = leaving(run, LEAVES, *ASKED)
    assert (ended.code, ended.stderr) == (0, "")
    assert dict(ended.outputs) == {"small.bin": b"weights" * 3, "empty": b""}
    no_file = dict.fromkeys(("link", "pipe", "models"), "not a plain file")
    assert dict(ended.refused) == {"absent": "not there", "huge": "too large"} | no_file


def test_all_files_together_are_bounded(run):
    code = "import sys\nfor n in 'abc': open(sys.argv[1] + '/' + n, 'wb').truncate(30 * 1024 * 1024)"
    ended = leaving(run, code, "a", "b", "c")
    assert ([name for name, _ in ended.outputs], ended.refused) == (["a", "b"], (("c", "too large"),))


def test_a_task_that_was_asked_for_none_has_nowhere_to_write_them(run):
    ended = leaving(run, "import sys; open(sys.argv[1] + '/a', 'w')")
    assert ended.code != 0
    assert (ended.outputs, ended.refused) == ((), ())


def test_what_a_task_that_failed_left_comes_back_too(run):
    ended = leaving(run, "import sys; open(sys.argv[1] + '/a', 'w').write('so far'); sys.exit(3)", "a")
    assert (ended.code, ended.outputs) == (3, (("a", b"so far"),))


@pytest.mark.container
def test_no_container_is_left_behind(in_docker):
    before = set(ours())
    leaving(in_docker, "pass", "a")
    assert set(ours()) == before


@pytest.mark.parametrize("name", ["/etc/passwd", "../plan.json", "a/b", "", ".", "..", "a\0b"])
def test_a_path_that_leads_elsewhere_is_a_mistake_of_the_callers(name):
    with pytest.raises(ValueError, match="is not a valid file name"):
        outputs.checked((name,))


def test_more_than_so_many_are_one_too():
    with pytest.raises(ValueError, match="more than"):
        outputs.checked(str(n) for n in range(outputs.MOST + 1))
