"""The docker engine on a real daemon: what a container may, what a build's failure means, what is left behind."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from test_image_recipe import lock

from orchestrator import paths
from orchestrator.engine import docker_base, owner
from orchestrator.engine.docker import DockerEngine
from orchestrator.errors import CellError, CellStatus, ExitCode, UserError
from orchestrator.image import bases, dockerfile
from orchestrator.image.recipe import recipe
from orchestrator.model import Base, BuildContext, Distribution, Limits, Task

TEMPLATES = dockerfile.read(paths.data("images"))
SPECS = bases.load(paths.data("images") / "bases.yaml")
PYTHON = "/opt/venv/bin/python"
SIX = Distribution(
    name="six",
    version="1.16.0",
    filename="six-1.16.0-py2.py3-none-any.whl",
    sha256="8abb2f1d86890a2dfb989f9a77cfcfd3e47c2a354b01111771326f8aa26e0254",
)
TOML = Distribution(
    name="toml",
    version="0.10.2",
    filename="toml-0.10.2-py2.py3-none-any.whl",
    sha256="806143ae5bfb6a3c6e736a764057db0e6a0e05e338b5630894a5f779cabb4f9b",
)
TERMCOLOR = Distribution(
    name="termcolor",
    version="1.1.0",
    filename="termcolor-1.1.0.tar.gz",
    sha256="1d6d69ce66211143803fbc56652b41d73b4a400a2891d7bf7a1cdf4c02de613b",
)
SKLEARN = Distribution(  # a source whose setup.py refuses, on purpose and everywhere
    name="sklearn",
    version="0.0.post12",
    filename="sklearn-0.0.post12.tar.gz",
    sha256="54cff9e20839b7b202321178228af4d9388bedf78425d9299fd9ee170d68802e",
)


OPEN: list[DockerEngine] = []


def engine_on(**environment: str) -> DockerEngine:
    OPEN.append(DockerEngine(renderer=TEMPLATES, environment={**os.environ, **environment}))
    return OPEN[-1]


@pytest.fixture(autouse=True)
def closed():
    yield
    while OPEN:
        OPEN.pop().close()


@pytest.fixture(scope="module")
def engine():
    made = DockerEngine(renderer=TEMPLATES)
    made.check()
    yield made
    made.close()


@pytest.fixture(scope="module")
def base(engine: DockerEngine, tmp_path_factory: pytest.TempPathFactory) -> Base:
    return engine.base(bases.candidates("3.11", SPECS)[0], tmp_path_factory.mktemp("base") / "log")


@pytest.fixture
def run(engine: DockerEngine, base: Base):
    def go(code: str, **options):
        lines: list[bytes] = []
        options.setdefault("limits", Limits(cell_seconds=60, silence_seconds=60))
        ended = engine.run(base.image, Task(command=(PYTHON, "-u", "-c", code), **options), lines.append)
        return ended, lines

    return go


def ours(**filters: str) -> list[str]:
    words = [w for name, value in filters.items() for w in ("--filter", f"{name}={value}")]
    listed = subprocess.run(
        ["docker", "ps", "-aq", "--no-trunc", *words], capture_output=True, text=True, check=True, timeout=30
    )
    return listed.stdout.split()


# ------------------------------------------------------------ without a daemon


def test_a_daemon_that_is_not_there_is_a_users_error_with_ways_on(tmp_path):
    with pytest.raises(UserError) as raised:
        engine_on(DOCKER_HOST=f"unix://{tmp_path}/none.sock").check()
    assert raised.value.code is ExitCode.NO_ENGINE
    assert "nox -s engine" in raised.value.hint


def test_work_for_a_daemon_that_is_not_there_is_infra(tmp_path):
    with pytest.raises(CellError) as raised:
        engine_on(DOCKER_HOST=f"unix://{tmp_path}/none.sock").base(SPECS[0], tmp_path / "log")
    assert (raised.value.status, raised.value.reason) == (CellStatus.INFRA, "daemon")


# ------------------------------------------------------------ bases


@pytest.mark.container
def test_a_base_is_verified_from_inside(base):
    assert base.full_version.startswith("3.11.")
    assert base.platform.startswith("manylinux_2_")
    assert base.interpreter == PYTHON
    assert len(base.identity) == 64


@pytest.mark.container
def test_a_base_that_is_there_starts_no_container(base, tmp_path, monkeypatch):
    def refuse(*_):
        pytest.fail("a container was started")

    monkeypatch.setattr(docker_base, "_verify", refuse)
    monkeypatch.setattr(docker_base, "_make", refuse)
    assert engine_on().base(bases.candidates("3.11", SPECS)[0], tmp_path / "log") == base


@pytest.mark.container
def test_a_python_that_no_registry_and_no_suite_has_is_unavailable(engine, tmp_path):
    from orchestrator.model import BaseSpec

    spec = BaseSpec(name="nowhere", python="3.8", reference="registry.invalid/python:3.8")
    with pytest.raises(CellError) as raised:
        engine.base(spec, tmp_path / "log")
    assert (raised.value.status, raised.value.reason) == (CellStatus.UNAVAILABLE, "no-base")


# ------------------------------------------------------------ builds


@pytest.fixture
def forgotten(engine, base):
    """Recipes whose images are removed, so that a test really builds."""

    references: list[str] = []

    def make(*distributions, subjects=()):
        made = recipe(lock(*distributions), base, subjects, template=TEMPLATES.digest)
        references.append(dockerfile.reference(made.key))
        forget(references)
        return made

    yield make
    forget(references)


def forget(references: list[str]) -> None:
    """Removes images and leaves the build cache, which others use too, as it is."""
    subprocess.run(["docker", "rmi", *references], capture_output=True, check=False, timeout=60)


@pytest.mark.container
@pytest.mark.network
def test_the_same_recipe_builds_once(engine, forgotten, tmp_path):
    made = forgotten(SIX)
    first, second = (engine.prepare(made, tmp_path / "log") for _ in range(2))
    assert (first.built, second.built) == (True, False)
    assert first.reference == second.reference == dockerfile.reference(made.key)
    assert second.seconds < 1
    lines: list[bytes] = []
    task = Task(command=(first.interpreter, "-c", "import six; print(six.__version__, six.__cached__)"))
    engine.run(first.reference, task, lines.append)
    assert lines[0].startswith(b"1.16.0 /opt/venv/")
    stored = [s for s in engine.images() if s.key == made.key]
    assert len(stored) == 1
    assert 0 < stored[0].size < 5_000_000


@pytest.mark.container
@pytest.mark.network
def test_removing_an_image_frees_what_was_counted_for_it(engine, forgotten, tmp_path):
    prepared = engine.prepare(forgotten(TOML), tmp_path / "log")
    size = next(s.size for s in engine.images() if s.key == prepared.key)
    assert size > 0
    # Others may build meanwhile: what they add makes the daemon's own account of what was freed smaller.
    assert 0 <= engine.remove([prepared.reference, "compat-cell:never-was"]) <= 10 * size
    assert prepared.key not in {s.key for s in engine.images()}


@pytest.mark.container
@pytest.mark.network
def test_downloads_of_our_builds_can_be_dropped_and_nobody_elses(engine, base, forgotten, tmp_path):
    others = BuildContext(dockerfile=f"FROM {base.image}\nRUN --mount=type=cache,target=/mine echo kept > /mine/it\n")
    engine._open().build(others, ("compat-test:mount",), tmp_path / "others.log")

    def mounts(word):
        found = [r for r in engine._open().client.api.df()["BuildCache"] if r["Type"] == "exec.cachemount"]
        return [r for r in found if word in r["Description"] and not r["InUse"]]

    # a mount is named for the command that first asked for it: on a new machine that is the builder's, not a cell's
    for script in ("host.sh", "install.sh"):
        word = f"{script}-{secrets.token_hex(6)}"  # a layer that is built already would ask for no mount
        mount = f"--mount=type=cache,id={word},target=/var/cache/uv"
        text = f"FROM {base.image}\nRUN {mount} echo {word} > /var/cache/uv/it; test ! -e /tmp/{script}\n"
        engine._open().build(BuildContext(dockerfile=text), ("compat-test:mount",), tmp_path / "mine.log")
        assert mounts(word)
        engine.drop_downloads()
        assert mounts(word) == []
    assert mounts("echo kept")
    engine.remove(["compat-test:mount"])


@pytest.mark.container
def test_several_may_ask_for_room_at_a_time(engine, base):
    with ThreadPoolExecutor(max_workers=6) as pool:
        for asked in [pool.submit(engine.drop_downloads) for _ in range(6)] + [
            pool.submit(engine.remove, ["compat-cell:never-was"]) for _ in range(6)
        ]:
            asked.result()


@pytest.mark.container
@pytest.mark.network
def test_a_source_is_compiled_apart_and_recorded(engine, forgotten, tmp_path):
    prepared = engine.prepare(forgotten(SIX, TERMCOLOR), tmp_path / "log")
    lines: list[bytes] = []
    code = "import shutil, termcolor; print(open('/opt/compat/compiled.txt').read(), shutil.which('gcc'))"
    engine.run(prepared.reference, Task(command=(PYTHON, "-c", code)), lines.append)
    assert lines[0].startswith(b"termcolor==1.1.0 termcolor-1.1.0-py3-none-any.whl sha256:")
    assert lines[-1].strip() == b"None"


def failed(engine: DockerEngine, made, log: Path) -> CellError:
    with pytest.raises(CellError) as raised:
        engine.prepare(made, log)
    assert raised.value.detail
    return raised.value


@pytest.mark.container
@pytest.mark.parametrize("dist", [SIX, TERMCOLOR], ids=["wheel", "source"])
def test_an_index_that_does_not_answer_is_infra(forgotten, tmp_path, dist):
    # Another hash: what an earlier build cached would need no index.
    other = Distribution(name=dist.name, version=dist.version, filename=dist.filename, sha256=os.urandom(32).hex())
    nowhere = {"UV_DEFAULT_INDEX": "http://127.0.0.1:9/simple", "PIP_INDEX_URL": "http://127.0.0.1:9/simple"}
    error = failed(engine_on(**nowhere), forgotten(other), tmp_path / "log")
    assert (error.status, error.reason) == (CellStatus.INFRA, "fetch")


@pytest.mark.container
@pytest.mark.network
@pytest.mark.parametrize("dist", [SIX, TERMCOLOR], ids=["wheel", "source"])
def test_bytes_other_than_locked_are_infra(engine, forgotten, tmp_path, dist):
    """The lock took its hash from the same index: that they differ says nothing about the package."""
    other = Distribution(name=dist.name, version=dist.version, filename=dist.filename, sha256=os.urandom(32).hex())
    error = failed(engine, forgotten(other), tmp_path / "log")
    assert (error.status, error.reason) == (CellStatus.INFRA, "fetch")


@pytest.mark.container
@pytest.mark.network
def test_a_source_that_does_not_build_is_a_finding(engine, forgotten, tmp_path):
    error = failed(engine, forgotten(SKLEARN), tmp_path / "log")
    assert (error.status, error.reason) == (CellStatus.UNINSTALLABLE, "build-fails")
    assert "scikit-learn" in error.detail
    assert "$ " in (tmp_path / "log").read_text()


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
    fixed = {"HOME": "/tmp", "TZ": "UTC", "LANG": "C.UTF-8", "PYTHONHASHSEED": "0", "OMP_NUM_THREADS": "2", "MINE": "1"}
    assert fixed.items() <= seen["env"].items()
    assert lines[1] == b"ran"


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
    engine = engine_on()
    engine.check()
    threading.Timer(1, engine.halt).start()
    code = "import time; time.sleep(60)"
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


# ------------------------------------------------------------ builder tasks


@pytest.mark.container
@pytest.mark.network
def test_a_builder_task_has_pip_uv_a_compiler_and_the_index(engine, base):
    lines: list[bytes] = []
    script = "id -u; uv --version; gcc --version | head -1; touch /opt/x && " + (
        f"{PYTHON} -m pip download -q --no-deps -d /tmp/d six==1.16.0 && ls /tmp/d; "
        "printf 'six==1.16.0\\n' > /tmp/in && uv pip compile -q --no-header --no-annotate /tmp/in"
    )
    ended = engine.run(base.image, Task(command=("sh", "-c", script), builder=True, network=True), lines.append)
    assert ended.code == 0, ended.stderr
    assert lines[0] == b"0"
    assert lines[1].startswith(b"uv ")
    assert lines[2].startswith(b"gcc ")
    assert lines[-2:] == [b"six-1.16.0-py2.py3-none-any.whl", b"six==1.16.0"]
    assert engine.disk_free() is None or engine.disk_free() > 0
