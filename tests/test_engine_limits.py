from __future__ import annotations

import io
import tarfile

import pytest

from orchestrator.engine import docker_run, limits
from orchestrator.model import Limits, Task, not_held
from orchestrator.model.engine import HELD

ALL = frozenset(HELD)
TASK = Task(command=("true",), limits=Limits(memory=1024**3, cpus=2.0, pids=100))


def test_a_probe_has_no_network_no_capabilities_and_no_disk():
    made = limits.settings(TASK, 8, ALL)
    assert made["network_mode"] == "none"
    assert made["cap_drop"] == ["ALL"]
    assert made["read_only"] is True
    assert made["security_opt"] == ["no-new-privileges:true"]
    assert made["user"] == "65534:65534"
    assert made["mem_limit"] == made["memswap_limit"] == 1024**3
    assert made["pids_limit"] == 100
    assert made["tmpfs"]["/tmp"].startswith("exec,")


def test_a_builder_is_confined_as_a_probe_is_and_has_more_room_within_its_memory():
    for network in (True, False):
        made = limits.settings(Task(command=("true",), builder=True, network=network, limits=TASK.limits), 8, ALL)
        assert {**made, "tmpfs": {}} == {**limits.settings(TASK, 8, ALL), "tmpfs": {}}
        assert made["tmpfs"]["/tmp"].endswith(f"size={768 * 1024**2}")
    roomy = Task(command=("true",), builder=True, limits=Limits(memory=64 * 1024**3))
    assert limits.settings(roomy, 8, ALL)["tmpfs"]["/tmp"].endswith(f"size={6 * 1024**3}")


def test_no_more_processors_are_asked_for_than_there_are():
    assert limits.settings(TASK, 1, ALL)["nano_cpus"] == 10**9
    assert limits.settings(TASK, 8, ALL)["nano_cpus"] == 2 * 10**9


def test_what_a_kernel_cant_enforce_is_not_asked_for():
    holds = limits.enforced({"MemoryLimit": False, "CpuCfsQuota": False, "PidsLimit": False})
    assert holds == {"network", "read-only", "time", "others", "channel"}
    assert not_held(holds) == ("memory", "processors", "processes")
    assert not {"mem_limit", "nano_cpus", "pids_limit"} & limits.settings(TASK, 2, holds).keys()
    assert limits.enforced({"MemoryLimit": True, "CpuCfsQuota": True, "PidsLimit": True}) == ALL


def test_archives_are_the_same_bytes_whoever_makes_them():
    files = (("b/c.py", b"2"), ("/probes/a.py", b"1"))
    made = docker_run.archive(files)
    assert made == docker_run.archive(tuple(reversed(files)))
    with tarfile.open(fileobj=io.BytesIO(made)) as tar:
        assert [(m.name, m.mode, m.uid, m.mtime) for m in tar] == [
            ("a.py", 0o644, 0, 0),
            ("b", 0o755, 0, 0),
            ("b/c.py", 0o644, 0, 0),
        ]


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "/probes", "a/../../x"])
def test_a_file_outside_is_refused(name):
    with pytest.raises(ValueError, match="probes"):
        docker_run.archive(((name, b""),))


@pytest.mark.parametrize("size", [1, 3, 7, 1000])
def test_lines_are_whole_however_they_arrive(size):
    text = b"one\n\ntwo three\nlast"
    got: list[bytes] = []
    lines = docker_run.Lines(on_line=got.append)
    for start in range(0, len(text), size):
        lines.feed(text[start : start + size])
    lines.close()
    assert got == [b"one", b"", b"two three", b"last"]


def test_a_long_line_is_cut_and_the_next_is_whole():
    got: list[bytes] = []
    lines = docker_run.Lines(on_line=got.append)
    for _ in range(40):
        lines.feed(b"x" * 65_536)
    lines.feed(b"\nnext\n")
    assert [len(line) for line in got] == [docker_run.LINE_BYTES, 4]
