"""Looking at a machine: real programs of every kind of trouble, a daemon made for the test, files of a made-up root."""

from __future__ import annotations

import json
import os
import shutil
import socketserver
import tempfile
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from orchestrator import paths
from orchestrator.engine import asking, host, nvidia
from orchestrator.image import bases
from orchestrator.model import BaseSpec
from orchestrator.model.host import Answer, Client, Daemon, Gpu, PackageHost, Reply

SPEC = BaseSpec(name="cpython-3.8", python="3.8", reference="python:3.8-slim")
TWO = """\
echo "NVIDIA A100-SXM4-80GB, 81920 MiB, 8.0, 535.104.05"
echo "Tesla T4, 15360 MiB, 7.5, 535.104.05"
"""
NOT_LOADED = (
    "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. "
    "Make sure that the latest NVIDIA driver is installed and running."
)


@pytest.fixture(name="tools")
def tools_fixture(tmp_path):
    """Writes shell scripts into the folder that is all of PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()

    def write(name: str, script: str, shebang: str = "#!/bin/sh") -> Path:
        path = folder / name
        path.write_text(f"{shebang}\n{script}")
        path.chmod(0o755)
        return path

    for name in ("sleep", "yes", "head", "rm"):
        (folder / name).symlink_to(shutil.which(name))
    write.environment = {"PATH": str(folder), "HOME": str(tmp_path)}
    write.folder = folder
    return write


def smi(tools, root):
    """What is found of NVIDIA's with these tools, and how long that took."""
    began = time.monotonic()
    found = nvidia.look(root, tools.environment, lambda c, s: asking.ask(c, s, tools.environment))
    return found, time.monotonic() - began


# ------------------------------------------------------------ any program


def test_a_program_that_answers_is_read_and_one_that_fails_keeps_its_words(tools):
    good, bad = tools("good", "echo yes; echo aside >&2"), tools("bad", "echo no; echo why >&2; exit 7")
    said = asking.ask([str(good)], 5, tools.environment)
    assert (said.text, said.answer.reply, said.answer.code) == ("yes\n", Reply.ANSWERED, 0)
    said = asking.ask([str(bad)], 5, tools.environment)
    assert (said.answer.reply, said.answer.code, said.answer.said) == (Reply.FAILED, 7, "no\nwhy")


def test_a_program_that_hangs_is_ended_in_time_with_all_its_children(tools, tmp_path):
    pids = tmp_path / "pids"
    hangs = tools("hangs", f"sleep 60 & echo $! > {pids}; echo started; sleep 60")
    began = time.monotonic()
    said = asking.ask([str(hangs)], 0.5, tools.environment)
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
    assert asking.ask([str(quiet)], 0.5, tools.environment).answer.reply is Reply.SILENT
    assert time.monotonic() - began < 5


def test_a_child_that_outlives_its_program_keeps_nobody_waiting(tools):
    leaves = tools("leaves", "sleep 3 & echo done")
    began = time.monotonic()
    said = asking.ask([str(leaves)], 10, tools.environment)
    assert (said.text, said.answer.reply) == ("done\n", Reply.ANSWERED)
    assert time.monotonic() - began < 2.5


def test_a_program_that_prints_without_end_is_ended_and_little_of_it_kept(tools):
    said = asking.ask([str(tools("endless", "exec yes"))], 10, tools.environment)
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
        asking.ask([str(path)], 5, tools.environment).answer
        for path in (tmp_path / "none", lost, tmp_path / "plain", tmp_path / "text")
    ]
    assert [r.reply for r in replies] == [Reply.ABSENT, Reply.ABSENT, Reply.DENIED, Reply.FAILED]
    assert replies[3].said == "Exec format error"
    assert all(r.code is None for r in replies)


def test_a_question_nobody_answers_is_given_up_and_one_that_raises_raises():
    never = asking.Question(threading.Event().wait)
    assert never.answer(time.monotonic() + 0.1, otherwise=False) is False
    broken = asking.Question(lambda: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        broken.answer(time.monotonic() + 5, 0)


# ------------------------------------------------------------ nvidia-smi


def test_two_gpus_are_read_with_memory_and_capability(tools, tmp_path):
    tools("nvidia-smi", TWO)
    found, _ = smi(tools, tmp_path)
    assert found.driver == "535.104.05"
    assert found.smi.answer.reply is Reply.ANSWERED
    assert found.gpus == (
        Gpu(name="NVIDIA A100-SXM4-80GB", memory=81920 * 1024**2, capability="8.0"),
        Gpu(name="Tesla T4", memory=15360 * 1024**2, capability="7.5"),
    )


def test_nvidia_smi_that_sleeps_for_a_minute_is_ended_after_its_seconds(tools, tmp_path, monkeypatch):
    monkeypatch.setattr(nvidia, "SMI_SECONDS", 0.6)
    tools("nvidia-smi", "sleep 60")
    found, taken = smi(tools, tmp_path)
    assert (found.smi.answer.reply, found.smi.answer.seconds) == (Reply.SILENT, 0.6)
    assert (found.gpus, found.driver) == ((), "")
    assert taken < 5


def test_nvidia_smi_without_its_driver_keeps_exit_status_and_message(tools, tmp_path):
    tools("nvidia-smi", f'echo "{NOT_LOADED}"; exit 9')
    found, _ = smi(tools, tmp_path)
    assert (found.smi.answer.reply, found.smi.answer.code, found.smi.answer.said) == (Reply.FAILED, 9, NOT_LOADED)
    assert found.smi.path.endswith("/nvidia-smi")


@pytest.mark.parametrize(
    "script",
    [
        "printf '\\033[31mhello\\033[0m\\n\\377\\376 world\\n'",
        "echo 'name, memory, capability, driver'",
        "echo 'A100, 81920 MiB, 8.0, '",
        "echo 'A100, lots, 8.0, 535.54'",
        ":",
        "exec yes garbage",
        "head -c 70000 /dev/urandom",
    ],
)
def test_garbage_of_nvidia_smi_is_no_gpu(tools, tmp_path, script):
    tools("nvidia-smi", script)
    found, _ = smi(tools, tmp_path)
    assert found.smi.answer.reply is Reply.UNREADABLE
    assert found.smi.answer.said
    assert (found.gpus, found.driver) == ((), "")


def test_nvidia_smi_that_vanishes_between_two_questions_is_not_there(tools, tmp_path):
    path = tools("nvidia-smi", 'rm "$0"; exit 2')
    found, _ = smi(tools, tmp_path)
    assert not path.exists()
    assert (found.smi.path, found.smi.answer.reply, found.smi.answer.code) == (str(path), Reply.ABSENT, None)
    assert smi(tools, tmp_path)[0].smi.path == ""


def test_an_old_nvidia_smi_is_asked_again_without_compute_capabilities(tools, tmp_path):
    refuse = 'echo "Field \\"compute_cap\\" is not a valid field to query."; exit 2'
    tools("nvidia-smi", f'case "$1" in *compute_cap*) {refuse};; esac\necho "Tesla K80, 11441 MiB, 450.80.02"')
    found, _ = smi(tools, tmp_path)
    assert found.gpus == (Gpu(name="Tesla K80", memory=11441 * 1024**2),)
    assert (found.driver, found.smi.answer.reply) == ("450.80.02", Reply.ANSWERED)


def test_what_a_gpu_does_not_say_is_unknown_and_names_may_hold_commas():
    lines = ["NVIDIA GB10, rev 2, [N/A], 12.1, 580.95.05", "Odd, [Not Supported], [N/A], 580.95.05"]
    found, strange = nvidia.rows(lines, ("name", "memory.total", "compute_cap", "driver_version"))
    assert [row.gpu for row in found] == [Gpu(name="NVIDIA GB10, rev 2", capability="12.1"), Gpu(name="Odd")]
    assert strange == ()


def test_a_lost_gpu_does_not_take_the_others_along(tools, tmp_path):
    lost = "Unable to determine the device handle for GPU0000:65:00.0: Unknown Error"
    tools("nvidia-smi", f'echo "Tesla T4, 15360 MiB, 7.5, 535.104.05"\necho "{lost}"\nexit 15')
    found, _ = smi(tools, tmp_path)
    assert [gpu.name for gpu in found.gpus] == ["Tesla T4"]
    assert (found.smi.answer.reply, found.smi.answer.code) == (Reply.FAILED, 15)
    assert lost in found.smi.answer.said


def test_lines_beside_a_good_list_are_kept_as_said(tools, tmp_path):
    tools("nvidia-smi", f"{TWO}\necho 'WARNING: infoROM is corrupted at gpu 0000:00:1E.0'")
    found, _ = smi(tools, tmp_path)
    assert (len(found.gpus), found.smi.answer.reply) == (2, Reply.ANSWERED)
    assert found.smi.answer.said.startswith("WARNING")


def test_without_nvidia_smi_there_is_still_the_kernel_and_the_bus(tools, tmp_path):
    root = tmp_path / "root"
    card = root / "sys/bus/pci/devices/0000:01:00.0"
    sound = root / "sys/bus/pci/devices/0000:01:00.1"
    for place, kind in ((card, "0x030200"), (sound, "0x040300")):
        place.mkdir(parents=True)
        (place / "vendor").write_text("0x10de\n")
        (place / "class").write_text(f"{kind}\n")
        (place / "device").write_text("0x2335\n")
    (root / "proc/driver/nvidia").mkdir(parents=True)
    (root / "proc/driver/nvidia/version").write_text(
        "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  560.35.03  Release Build  (root@host)  Fri Aug 16\n"
        "GCC version:  gcc version 12.2.0 (Debian 12.2.0-14)\n"
    )
    (root / "dev").mkdir()
    for name in ("nvidia0", "nvidiactl", "null"):
        (root / "dev" / name).touch()
    found, _ = smi(tools, root)
    assert (found.smi.path, found.smi.answer.reply) == ("", Reply.ABSENT)
    assert (found.module, found.driver) == ("560.35.03", "560.35.03")
    assert found.cards == ("0000:01:00.0 10de:2335",)
    assert found.nodes == ("/dev/nvidia0", "/dev/nvidiactl")


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.104.05  Sat Aug 19 01:15:15 UTC 2023\n", "535.104.05"),
        ("NVRM version: NVIDIA UNIX x86_64 Kernel Module  384.81  Wed Aug 17 22:24:07 PDT 2016", "384.81"),
        ("GCC version: gcc version 12.2.0\n", ""),
        ("", ""),
    ],
)
def test_the_kernel_modules_version_is_read_whichever_module_it_is(text, version):
    assert nvidia.module_version(text) == version


def test_the_toolkit_and_its_hook_are_found_on_path(tools, tmp_path):
    tools("nvidia-ctk", "echo 'NVIDIA Container Toolkit CLI version 1.17.8'; echo 'commit: f202b80a9b'")
    hook = tools("nvidia-container-runtime-hook", "exit 1")
    found, _ = smi(tools, tmp_path)
    assert (found.toolkit.version, found.hook) == ("1.17.8", str(hook))
    tools("nvidia-ctk", "echo unknown")
    assert smi(tools, tmp_path)[0].toolkit.answer.reply is Reply.UNREADABLE


def test_the_driver_tools_of_wsl_are_found_beside_path(tools, tmp_path):
    place = tmp_path / "usr/lib/wsl/lib"
    place.mkdir(parents=True)
    tools("nvidia-smi", TWO).rename(place / "nvidia-smi")
    found, _ = smi(tools, tmp_path)
    assert (found.smi.path, len(found.gpus)) == (str(place / "nvidia-smi"), 2)


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
        ("3.7", "3.8", "3.9", "3.12"), tools.environment, str(uv), lambda c, s: asking.ask(c, s, tools.environment)
    )
    assert found == (
        ("3.7", str(tools.folder / "python3.7")),
        ("3.8", str(kept / "python3.8")),
        ("3.12", str(tmp_path / "elsewhere")),
    )


# ------------------------------------------------------------ the daemon

INFO = {
    "ServerVersion": "27.3.1+dfsg1",
    "OSType": "linux",
    "Architecture": "x86_64",
    "KernelVersion": "6.1.0-made-up",
    "DockerRootDir": "/",
    "MemTotal": 16 * 1024**3,
    "NCPU": 8,
    "Driver": "overlay2",
    "CgroupVersion": "2",
    "MemoryLimit": True,
    "PidsLimit": False,
    "Runtimes": {"runc": {}, "nvidia": {"path": "nvidia-container-runtime"}},
    "DiscoveredDevices": [{"Source": "cdi", "ID": "nvidia.com/gpu=0"}, {"Source": "other", "ID": "x"}],
}
LABEL = json.dumps({"python": "3.7", "cpu_flags": ["avx", "fma"]})
IMAGES = [
    {"RepoTags": ["compat-base:cpython-3.7"], "Labels": {"compat.base": LABEL}},
    {"RepoTags": None, "Labels": None},
    {"RepoTags": ["somebody/private:1"], "Labels": {"compat.base": "not JSON"}},
]


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, *_: object) -> None:
        """Whoever asked is gone: what these tests are about."""


@contextmanager
def daemon(answers, delays=()):
    """Something that listens like a daemon and answers these paths; `delays` name paths it keeps waiting."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def address_string(self) -> str:
            return "test"

        def log_message(self, *_: object) -> None:
            return

        def do_GET(self) -> None:
            asked.append(self.path)
            if any(name in self.path for name in delays):
                time.sleep(3)
            found = next(
                (content for name, content in answers.items() if self.path.partition("?")[0].endswith(name)), None
            )
            body = found if isinstance(found, bytes) else json.dumps(found or {"message": "no such thing"}).encode()
            self.send_response(200 if found is not None else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    folder = tempfile.mkdtemp(prefix="engine-")
    server = _Server(f"{folder}/s.sock", Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield {"DOCKER_HOST": f"unix://{folder}/s.sock", "PATH": "/bin"}, asked
    finally:
        server.shutdown()
        server.server_close()
        shutil.rmtree(folder)


def answers(**more):
    return {"/version": {"ApiVersion": "1.44"}, "/info": INFO, "/images/json": IMAGES} | more


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
    monkeypatch.setattr(host, "_DAEMON_SECONDS", 0.4)
    began = time.monotonic()
    with daemon(answers(), delays=("distribution",)) as (environment, _):
        found = host.ask_daemon(environment, (SPEC,))
    assert time.monotonic() - began < 2.5
    assert (found.answer.reply, found.registry.reply) == (Reply.ANSWERED, Reply.SILENT)


def test_a_daemon_that_accepts_and_never_answers_is_silent(monkeypatch):
    monkeypatch.setattr(host, "_DAEMON_SECONDS", 0.4)
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

    monkeypatch.setattr(host, "_knock", refuse)
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


# ------------------------------------------------------------ all of it


def ways(tools, tmp_path, **changes):
    given = {
        "environment": tools.environment,
        "daemon": lambda: Daemon(host="unix:///none", answer=Answer(reply=Reply.ABSENT)),
        "index": lambda: PackageHost(at="index", answer=Answer(reply=Reply.ANSWERED)),
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
    assert found.clients == (Client(path=str(tools.folder / "docker"), version="27.3.1", buildx="0.14.1"),)
    assert found.has("mmdebstrap")
    assert found.uv.answer.reply is Reply.ABSENT
    assert found.local.disk_free is not None
    assert found.local.pythons is not None
    assert not found.named_only


def test_interpreters_are_looked_for_only_where_no_daemon_answers(tools, tmp_path):
    answering = Daemon(host="unix:///s", answer=Answer(reply=Reply.ANSWERED))
    found = host.look(ways(tools, tmp_path, daemon=lambda: answering), ("3.7",))
    assert found.local.pythons is None


def test_whatever_never_returns_is_left_behind(tools, tmp_path, monkeypatch):
    monkeypatch.setattr(host, "_WAIT_SECONDS", 0.4)
    monkeypatch.setattr(host, "_SMI_WAIT_SECONDS", 0.6)
    stuck = threading.Event()
    tools("nvidia-smi", "sleep 60")

    def ask(command, seconds, environment):
        if "nvidia-smi" in command[0]:
            stuck.wait(20)
        return asking.ask(command, min(seconds, 0.3), environment)

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
    assert host._every("docker", environment) == [str(tools.folder / "docker")]
