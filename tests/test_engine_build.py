from __future__ import annotations

import os
import signal
import stat
import threading
import time
from pathlib import Path

import pytest

from orchestrator.engine import build, build_secrets
from orchestrator.errors import CellError, CellStatus
from orchestrator.model import public_index

OLD_CLIENT = """#8 [stage-1 2/3] RUN sh /tmp/install.sh /tmp/layer.txt
#8 sha256:7d41
#8 0.301 Using CPython 3.7.9
#8 0.529 error: {said}
#8 ERROR: executor failed running [/bin/sh -c sh /tmp/install.sh /tmp/layer.txt]: exit code: {code}
------
 > [stage-1 2/3] RUN sh /tmp/install.sh /tmp/layer.txt:
------
executor failed running [/bin/sh -c sh /tmp/install.sh /tmp/layer.txt]: exit code: {code}
"""
NEW_CLIENT = """#8 [stage-1 2/3] RUN sh /tmp/install.sh /tmp/layer.txt
#8 0.529 error: {said}
#8 ERROR: process "/bin/sh -c sh /tmp/install.sh /tmp/layer.txt" did not complete successfully: exit code: {code}
------
 > [stage-1 2/3] RUN sh /tmp/install.sh /tmp/layer.txt:
------
Dockerfile:12
--------------------
  12 | >>> RUN sh /tmp/install.sh /tmp/layer.txt
--------------------
ERROR: failed to solve: process "/bin/sh -c sh /tmp/install.sh" did not complete successfully: exit code: {code}
"""


@pytest.mark.parametrize("client", [OLD_CLIENT, NEW_CLIENT], ids=["20.10", "buildx"])
@pytest.mark.parametrize(
    ("code", "status", "reason"),
    [
        (41, CellStatus.INFRA, "fetch"),
        (42, CellStatus.UNINSTALLABLE, "install-fails"),
        (45, CellStatus.INFRA, "build"),
        (137, CellStatus.INFRA, "killed"),
        (1, CellStatus.INFRA, "build"),
    ],
)
def test_the_steps_exit_code_decides(client, code, status, reason):
    error = build.failure(client.format(code=code, said="something"))
    assert (error.status, error.reason) == (status, reason)
    assert "error: something" in error.detail
    assert "#8" not in error.detail


def test_a_code_that_a_step_only_printed_decides_nothing():
    text = OLD_CLIENT.format(code=1, said="exit code: 44")
    assert build.failure(text).status is CellStatus.INFRA


def test_a_full_disk_is_never_a_finding():
    error = build.failure(OLD_CLIENT.format(code=42, said="OSError: [Errno 28] No space left on device"))
    assert (error.status, error.reason) == (CellStatus.INFRA, "disk-full")


def test_trouble_of_the_builder_itself_is_told_in_its_own_words():
    text = "#11 [1/2] FROM x\n#11 sha256:4c0d1a\n#11 0.1 resolving\n#11 ERROR: rpc error: code = Internal desc = EOF\n"
    error = build.failure(text + "rpc error: code = Internal desc = EOF")
    assert (error.status, error.reason) == (CellStatus.INFRA, "build")
    assert error.detail.splitlines() == ["rpc error: code = Internal desc = EOF", "resolving"]


def test_a_client_that_never_reached_a_step_is_infra():
    error = build.failure("Cannot connect to the Docker daemon at unix:///x. Is the docker daemon running?")
    assert (error.status, error.reason) == (CellStatus.INFRA, "build")


def program(folder: Path, name: str, script: str) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def test_the_client_is_picked_by_what_it_can_do(tmp_path):
    program(tmp_path / "new", "docker", "exit 1")
    works = program(tmp_path / "old", "docker", '[ "$1" = build ] && [ "$DOCKER_BUILDKIT" = 1 ]')
    found = build.find_client({"PATH": f"{tmp_path}/new:{tmp_path}/old:/bin"}, "unix:///x.sock")
    assert found.command == (str(works), "build")
    assert dict(found.environment)["DOCKER_HOST"] == "unix:///x.sock"


def test_buildx_is_preferred_and_kept_to_the_daemons_own_builder(tmp_path):
    program(tmp_path / "old", "docker", '[ "$1" = build ]')
    works = program(tmp_path / "new", "docker", '[ "$1" = buildx ]')
    found = build.find_client({"PATH": f"{tmp_path}/old:{tmp_path}/new:/bin", "DOCKER_CONTEXT": "c"}, "unix:///x")
    assert found.command[:3] == (str(works), "buildx", "build")
    assert dict(found.environment)["BUILDX_BUILDER"] == "default"
    assert "DOCKER_CONTEXT" not in dict(found.environment)


def test_no_client_that_can_build_is_infra(tmp_path):
    program(tmp_path / "a", "docker", "exit 1")
    with pytest.raises(CellError) as raised:
        build.find_client({"PATH": f"{tmp_path}/a:/nonexistent"}, "unix:///x.sock")
    assert raised.value.reason == "no-buildkit"


def test_a_program_that_is_told_to_stop_is_gone_with_its_children(tmp_path):
    stopping = threading.Event()
    threading.Timer(0.3, stopping.set).start()
    with pytest.raises(CellError) as raised:
        build.execute(["sh", "-c", "sleep 60 & echo $!; wait"], tmp_path / "log", stopping=stopping)
    assert raised.value.reason == "stopped"
    child = int((tmp_path / "log").read_text().splitlines()[-1])
    deadline = time.monotonic() + 5
    while running(child) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not running(child)


def running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_an_interrupt_ends_the_program(tmp_path):
    threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        build.execute(["sh", "-c", "echo $$; exec sleep 60"], tmp_path / "log", stopping=threading.Event())
    assert not running(int((tmp_path / "log").read_text().splitlines()[-1]))


def test_each_program_reads_only_its_own_part_of_a_shared_log(tmp_path):
    for word in ("one", "two"):
        ended = build.execute(["echo", word], tmp_path / "log", stopping=threading.Event())
        assert (ended.code, ended.output) == (0, f"{word}\n")
    assert (tmp_path / "log").read_text() == "$ echo one\none\n$ echo two\ntwo\n"


def test_pip_and_uv_are_each_told_what_only_the_other_was(tmp_path):
    home = {"HOME": str(tmp_path)}
    only_pip = build_secrets.network({**home, "PIP_INDEX_URL": "https://a.invalid/simple"})
    assert only_pip["UV_DEFAULT_INDEX"] == "https://a.invalid/simple"
    only_uv = build_secrets.network({**home, "UV_DEFAULT_INDEX": "mine=https://a.invalid/simple"})
    assert only_uv["PIP_INDEX_URL"] == "https://a.invalid/simple"
    (tmp_path / "pip.conf").write_text("[global]\nindex-url = https://b.invalid/s\nextra-index-url =\n  x\n  y\n")
    from_file = build_secrets.network({**home, "PIP_CONFIG_FILE": str(tmp_path / "pip.conf"), "OTHER": "no"})
    assert from_file["UV_DEFAULT_INDEX"] == "https://b.invalid/s"
    assert from_file["UV_INDEX"] == "x y"
    assert "OTHER" not in from_file


def test_where_a_machine_names_no_index_both_are_told_the_public_one(tmp_path, monkeypatch):
    monkeypatch.setattr(build_secrets, "pip_configuration", lambda _: {})
    found = build_secrets.network({"HOME": str(tmp_path)})
    assert found["UV_DEFAULT_INDEX"] == found["PIP_INDEX_URL"] == public_index()


def test_settings_survive_a_shell():
    value = "https://u:p'$(id)@a.invalid/simple"
    assert build_secrets.script({"PIP_INDEX_URL": value}) == (
        "export PIP_INDEX_URL='https://u:p'\"'\"'$(id)@a.invalid/simple'\n"
    )


def test_secrets_are_readable_by_their_owner_alone(tmp_path):
    (tmp_path / "ca.pem").write_text("certificate")
    found = build_secrets.write(tmp_path, {"HOME": str(tmp_path), "SSL_CERT_FILE": str(tmp_path / "ca.pem")})
    assert stat.S_IMODE(found["host"].stat().st_mode) == 0o600
    assert found["ca"] == tmp_path / "ca.pem"
