"""Tasks on a real daemon: what a container may, how it ends, what is left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from docker_tools import PYTHON, base_on, docker_engine, ours

from orchestrator.engine import owner
from orchestrator.engine.docker import DockerEngine
from orchestrator.errors import CellError, CellStatus
from orchestrator.model import FIXED_VARIABLES, Base, Limits, Task


@pytest.fixture(scope="module")
def engine():
    with docker_engine() as made:
        yield made


@pytest.fixture(scope="module")
def base(engine, tmp_path_factory):
    return base_on(engine, tmp_path_factory.mktemp("base"))


@pytest.fixture
def run(engine: DockerEngine, base: Base):
    def go(code: str, **options):
        lines: list[bytes] = []
        options.setdefault("limits", Limits(cell_seconds=60, silence_seconds=60))
        ended = engine.run(base.image, Task(command=(PYTHON, "-u", "-c", code), **options), lines.append)
        return ended, lines

    return go


# ------------------------------------------------------------ what a container may


@pytest.mark.container
def test_a_probe_is_confined(run):
    code = """
import json, os, socket, resource
def refused(do):
    try: do(); return ""
    except OSError as e: return type(e).__name__ + str(e.errno)
status = dict(l.split(":\\t", 1) for l in open("/proc/self/status").read().splitlines() if ":\\t" in l)
print(json.dumps(dict(
    user=os.getuid(), group=os.getgid(), cwd=os.getcwd(), env=dict(os.environ),
    root=refused(lambda: open("/opt/x", "w")), files=refused(lambda: open("/probes/x", "w")),
    network=refused(lambda: socket.create_connection(("192.0.2.1", 80), 3)),
    links=sorted(os.listdir("/sys/class/net")),
    caps=status["CapEff"], bound=status["CapBnd"], new=status["NoNewPrivs"], seccomp=status["Seccomp"],
    core=resource.getrlimit(resource.RLIMIT_CORE), pid=os.getpid(),
)))
import ctypes
open("/tmp/x.sh", "w").write("#!/bin/sh\\necho ran")
os.chmod("/tmp/x.sh", 0o755)
os.system("/tmp/x.sh")
"""
    ended, lines = run(code, environment=(("MINE", "1"),))
    assert ended.code == 0, ended.stderr
    seen = json.loads(lines[0])
    assert (seen["user"], seen["group"], seen["cwd"], seen["pid"]) == (65534, 65534, "/tmp", 1)
    assert (seen["root"], seen["files"]) == ("OSError30", "PermissionError13")
    assert seen["network"].startswith("OSError")
    assert seen["links"] == ["lo"]
    assert (int(seen["caps"], 16), int(seen["bound"], 16)) == (0, 0)
    assert (seen["new"], seen["seccomp"], seen["core"]) == ("1", "2", [0, 0])
    assert seen["env"].pop("PATH").startswith("/opt/venv/bin:")
    assert seen["env"] == {**dict(FIXED_VARIABLES), "MINE": "1"}
    assert lines[1] == b"ran"


@pytest.mark.container
def test_a_base_has_an_interpreter_that_no_package_reaches(engine, base):
    code = (
        "import os, sys; real = os.path.realpath(sys.executable); print(real, sys.flags.no_site, sys.path)\n"
        "print([p for p in ('/opt/compat', real) if os.stat(p).st_uid or os.stat(p).st_mode & 2])"
    )
    lines: list[bytes] = []
    ended = engine.run(base.image, Task(command=(base.trusted, "-I", "-S", "-c", code)), lines.append)
    assert ended.code == 0, ended.stderr
    assert lines[0].startswith(b"/usr/bin/python3.11 1 ")
    assert b"/opt/venv" not in lines[0]
    assert lines[1] == b"[]", "root's alone"


@pytest.mark.container
def test_files_arrive_read_only_with_settled_owners_and_times(run):
    code = (
        "import os; s = os.stat('/probes/a/b.txt'); print(open('/probes/a/b.txt').read(), oct(s.st_mode), s.st_uid, "
        "s.st_mtime, open('/probes/c').read())"
    )
    ended, lines = run(code, files=(("a/b.txt", b"one"), ("/probes/c", b"two")))
    assert (ended.code, lines) == (0, [b"one 0o100644 0 0.0 two"])


@pytest.mark.container
def test_memory_is_limited(run):
    limits = Limits(memory=64 * 1024**2, cell_seconds=60)
    ended, _ = run("x = bytearray(512 * 1024**2); print(len(x))", limits=limits)
    assert (ended.code, ended.oom_killed) == (137, True)


@pytest.mark.container
def test_processes_are_limited(run):
    code = """
import os, errno, sys
children = []
try:
    while True:
        pid = os.fork()
        if not pid:
            import time; time.sleep(30); os._exit(0)
        children.append(pid)
except OSError as e:
    print(e.errno == errno.EAGAIN, len(children) < 50)
"""
    ended, lines = run(code, limits=Limits(pids=32, cell_seconds=60))
    assert (ended.code, lines) == (0, [b"True True"])


@pytest.mark.container
def test_a_task_past_its_time_is_killed(run):
    code = "import time\nwhile True: print('on', flush=True); time.sleep(.1)"
    ended, lines = run(code, limits=Limits(cell_seconds=1.5))
    assert (ended.timed_out, ended.silent, ended.code) == (True, False, 137)
    assert ended.seconds < 10
    assert lines


@pytest.mark.container
def test_a_task_that_says_nothing_is_killed(run):
    ended, lines = run("print('one'); import time; time.sleep(60)", limits=Limits(silence_seconds=1.5))
    assert (ended.timed_out, ended.silent, lines) == (False, True, [b"one"])
    assert ended.seconds < 10


@pytest.mark.container
def test_a_task_that_closes_its_outputs_ends_as_itself(run):
    ended, lines = run("import os, time; print('last'); os.close(1); os.close(2); time.sleep(1.5); os._exit(7)")
    assert (ended.code, ended.silent, lines) == (7, False, [b"last"])


@pytest.mark.container
def test_ten_megabytes_arrive_whole_and_a_long_line_is_cut(run):
    code = "for n in range(100_000): print('%099d' % n)\nprint('x' * 3_000_000)\nprint('end', end='')"
    ended, lines = run(code)
    assert ended.code == 0
    assert len(lines) == 100_002
    assert lines[99_999] == b"%099d" % 99_999
    assert len(lines[-2]) == 1024 * 1024
    assert lines[-1] == b"end"


@pytest.mark.container
def test_lines_come_as_they_are_written(engine, base):
    arrived: list[float] = []
    code = "import time; print(1, flush=True); time.sleep(1.5); print(2)"
    engine.run(base.image, Task(command=(PYTHON, "-c", code)), lambda _: arrived.append(time.monotonic()))
    assert arrived[1] - arrived[0] > 1


@pytest.mark.container
def test_an_error_of_the_reader_leaves_no_container(engine, base):
    def refuse(line: bytes) -> None:
        raise RuntimeError(line.decode())

    task = Task(command=(PYTHON, "-u", "-c", "print('x'); import time; time.sleep(60)"), labels=(("compat.run", "r1"),))
    with pytest.raises(RuntimeError):
        engine.run(base.image, task, refuse)
    assert ours(label="compat.run=r1") == []


@pytest.mark.container
def test_a_command_that_is_not_there_is_infra(engine, base):
    with pytest.raises(CellError) as raised:
        engine.run(base.image, Task(command=("/no/such",)), print)
    assert raised.value.status is CellStatus.INFRA


# ------------------------------------------------------------ endings


SLEEPER = """
import sys
from orchestrator import paths
from orchestrator.engine.docker import DockerEngine
from orchestrator.image import dockerfile
from orchestrator.model import Task
engine = DockerEngine(renderer=dockerfile.read(paths.data("images")))
task = Task(command=("/opt/venv/bin/python", "-u", "-c", "print(1); import time; time.sleep(300)"),
            labels=(("compat.run", sys.argv[2]),))
engine.run(sys.argv[1], task, lambda line: print("up", flush=True))
"""


def sleeper(base: Base, run_id: str) -> subprocess.Popen[str]:
    root = str(Path(__file__).parent.parent)
    process = subprocess.Popen(
        [sys.executable, "-c", SLEEPER, base.image, run_id],
        env={**os.environ, "PYTHONPATH": root},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout.readline() == "up\n"
    return process


@pytest.mark.container
def test_ctrl_c_leaves_no_container(base):
    with sleeper(base, "interrupted") as process:
        assert len(ours(label="compat.run=interrupted")) == 1
        process.send_signal(signal.SIGINT)
        process.wait(timeout=30)
    assert ours(label="compat.run=interrupted") == []


@pytest.mark.container
def test_only_what_the_dead_left_is_reaped(engine, base):
    with sleeper(base, "alive") as alive, sleeper(base, "dead") as dead:
        dead.kill()
        dead.wait(timeout=30)
        volumes = mounted("dead")
        assert engine.reap() >= 1
        assert ours(label="compat.run=dead") == []
        assert len(ours(label="compat.run=alive")) == 1
        left = subprocess.run(["docker", "volume", "ls", "-q"], capture_output=True, text=True, check=True).stdout
        assert not set(volumes) & set(left.split())
        alive.send_signal(signal.SIGINT)


def mounted(run_id: str) -> list[str]:
    form = "{{range .Mounts}}{{.Name}} {{end}}"
    command = ["docker", "inspect", "--format", form, *ours(label=f"compat.run={run_id}")]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


@pytest.mark.container
def test_a_halted_engine_ends_its_tasks_and_starts_no_more(base):
    code = "import time; time.sleep(60)"
    with docker_engine() as engine:
        threading.Timer(1, engine.halt).start()
        ended = engine.run(base.image, Task(command=(PYTHON, "-c", code), labels=(("compat.run", "halted"),)), print)
        assert (ended.code, ended.lost) == (None, "the run was stopped")
        assert ended.seconds < 15
        assert ours(label="compat.run=halted") == []
        with pytest.raises(CellError):
            engine.run(base.image, Task(command=(PYTHON, "-c", code)), print)


@pytest.mark.container
def test_a_container_says_whose_it_is(base):
    with sleeper(base, "owned") as process:
        form = f'{{{{index .Config.Labels "{owner.LABEL}"}}}}'
        found = ours(label="compat.run=owned")
        said = subprocess.run(
            ["docker", "inspect", "--format", form, *found], capture_output=True, text=True, check=True
        )
        who = owner.parse({owner.LABEL: said.stdout.strip()})
        assert who.pid == process.pid
        assert not owner.dead(who)
        process.send_signal(signal.SIGINT)
        process.wait(timeout=30)
    assert owner.dead(who)
