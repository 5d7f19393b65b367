"""Package code in builders, trying: the network, credentials, other cells' files, the proxy, and what comes out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest
from credentialed_index import PASSWORD, USER, Index, index
from docker_tools import PYTHON, TEMPLATES, base_on, bridge_address, docker_engine, ours
from hostile_sources import PRYING, source
from test_image_recipe import lock

from orchestrator.engine import docker_compile, docker_index, owner
from orchestrator.engine.docker import DockerEngine
from orchestrator.errors import CellError, CellStatus
from orchestrator.image import dockerfile
from orchestrator.image.recipe import recipe
from orchestrator.lock import pip
from orchestrator.model import Base, Distribution, Limits, Task

pytestmark = pytest.mark.container


def docker(*words: str, check: bool = True) -> str:
    return subprocess.run(["docker", *words], capture_output=True, text=True, check=check, timeout=60).stdout


@pytest.fixture(scope="module")
def served():
    """An index that asks for a password, where a container on the bridge finds it."""
    with index(bridge_address(), secret=True) as made:
        yield made


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> Base:
    """A base whose builder is there: making it asks the host's own index."""
    with docker_engine() as usual:
        made = base_on(usual, tmp_path_factory.mktemp("base"))
        usual.run(made.image, Task(command=("true",), builder=True), print)
        return made


def engine_on(served: Index) -> DockerEngine:
    kept = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
    return DockerEngine(renderer=TEMPLATES, environment={**kept, "UV_DEFAULT_INDEX": served.root})


@pytest.fixture(scope="module")
def engine(served, base):
    with closing(engine_on(served)) as made:
        yield made


@pytest.fixture
def made(served, engine, base, tmp_path):
    """Prepares the image of one source; what the log says of it is in `log`. Its images go afterwards."""
    references: list[str] = []

    def prepare(dist: Distribution, content: bytes):
        served.links.pop(dist.name, None)
        served.add(dist.name, dist.filename, content)
        wanted = recipe(lock(dist), base, template=TEMPLATES.digest)
        built = dockerfile.built_reference(TEMPLATES.built(base, dist))
        references.extend((dockerfile.reference(wanted.key), built))
        docker("rmi", *references, check=False)
        return engine.prepare(wanted, tmp_path / "log")

    prepare.log = tmp_path / "log"
    prepare.references = references
    yield prepare
    docker("rmi", *references, check=False)
    served.spoil = lambda _path, answer: answer


def refused(prepare, code: str, name: str) -> CellError:
    with pytest.raises(CellError) as raised:
        prepare(*source(name, code))
    # nothing of it is kept
    assert docker("images", "-q", prepare.references[-1]) == ""
    return raised.value


# ------------------------------------------------------------ what a build can reach


def test_a_source_of_an_index_with_credentials_compiles_and_its_build_reaches_nothing(served, engine, made):
    prepared = made(*source("prying", PRYING))
    text = made.log.read_text()
    pried = json.loads(next(line for line in text.splitlines() if line.startswith("PRIED ")).removeprefix("PRIED "))
    assert pried["user"] == 65534
    assert {pried[k] for k in ("tcp", "gateway", "metadata")} == {"OSError"}
    assert (pried["dns"], pried["links"]) == ("gaierror", ["lo"])
    assert pried["environment"] == pried["secrets"] == pried["volumes"] == []
    assert {pried[k] for k in ("root", "door", "unlink", "rename", "bind")} <= {"OSError", "PermissionError"}
    assert [pried[k].split()[1] for k in ("open proxy", "connect", "file", "dots", "post")] == [
        "404", "405", "404", "404", "405",
    ]  # fmt: skip
    assert PASSWORD not in text
    lines: list[bytes] = []
    engine.run(prepared.reference, Task(command=(PYTHON, "-c", "import prying; print(prying.here)")), lines.append)
    assert lines == [b"True"]
    kept = docker("inspect", *made.references) + "".join(docker("history", "--no-trunc", r) for r in made.references)
    assert PASSWORD not in kept


def test_credentials_are_in_no_container_that_can_be_inspected(engine, served, base):
    task = Task(command=("sleep", "3"), builder=True, network=True, labels=(("compat.run", "inspected"),))
    running = threading.Thread(target=engine.run, args=(base.image, task, print))
    running.start()
    while not (there := ours(label="compat.run=inspected")):
        running.join(0.05)
    seen = docker("inspect", *there, *ours(label=docker_index.LABEL))
    running.join()
    assert len(json.loads(seen)) >= 2
    assert PASSWORD not in seen
    assert USER + ":" not in seen
    proxy = ours(label=docker_index.LABEL)[0]
    files = docker("exec", "--user", "0", proxy, "sh", "-c", f"grep -rl {PASSWORD} /probes /run /tmp /cache || true")
    assert files == ""


def resolve(engine: DockerEngine, base: Base, *requirements: str, before: str = "true"):
    """What pip's report says, of a task of its own."""
    lines: list[bytes] = []
    command = pip.command("python", requirements, 60)
    task = Task(
        command=("sh", "-c", f'{before} >&2; exec "$@"', "sh", *command),
        limits=Limits(cell_seconds=120, silence_seconds=120),
        network=True,
        builder=True,
    )
    ended = engine.run(base.image, task, lines.append)
    return ended, b"\n".join(lines).decode()


EDITING = """
    for place in ("/cache", "/var/cache", os.path.expanduser("~"), os.environ.get("PIP_CACHE_DIR", "/x"), "/run"):
        for top, _, names in os.walk(place):
            for name in names:
                try:
                    with open(os.path.join(top, name), "r+b") as file:
                        content = file.read()
                        if b"victim-2.0" in content:
                            file.seek(0)
                            file.write(content.replace(b"victim-2.0", b"hidden-2.0"))
                except OSError:
                    pass
        try:
            with open(os.path.join(place, "left-behind"), "w") as mark:
                mark.write("x")
        except OSError:
            pass
"""


def test_another_cell_locks_what_it_would_whatever_a_setup_py_wrote(served, engine, base):
    for version in ("1.0", "2.0"):
        dist, content = source("victim", version=version)
        served.add(dist.name, dist.filename, content)
    served.lasting = True
    dist, content = source("editing", EDITING, requires="victim")
    served.add(dist.name, dist.filename, content)
    # so that a cache that is shared has what is to be edited
    resolve(engine, base, "victim")
    ended, first = resolve(engine, base, "editing")
    assert ended.code == 0, ended.stderr
    assert [d.pin for d in pip.parse_report(first)] == ["editing==1.0", "victim==2.0"]
    ended, second = resolve(engine, base, "victim", before="find / -name left-behind -not -path '/proc/*' 2>/dev/null")
    assert [d.pin for d in pip.parse_report(second)] == ["victim==2.0"]
    assert "left-behind" not in ended.stderr
    served.lasting = False


def test_no_address_of_the_proxy_and_none_of_the_index_is_in_what_a_lock_takes(served, engine, base):
    dist, content = source("plain")
    served.add(dist.name, dist.filename, content)
    _, text = resolve(engine, base, "plain")
    (found,) = pip.parse_report(text)
    assert found == Distribution(name="plain", version="1.0", filename=dist.filename, sha256=dist.sha256)
    assert served.host not in text
    assert PASSWORD not in text


def test_an_index_in_trouble_is_told_from_a_package_that_is_not_there(served, engine, base):
    ended, _ = resolve(engine, base, "nobody-published-this")
    assert (ended.code, ended.trouble) == (1, "")
    assert "Looking in indexes: the index" in ended.stderr
    assert "127.0.0.1" not in ended.stderr
    served.spoil = lambda _path, _answer: (403, {}, b"")
    ended, _ = resolve(engine, base, "in-trouble")
    served.spoil = lambda _path, answer: answer
    assert ended.code == 1
    assert "HTTP 403" in ended.trouble
    assert PASSWORD not in ended.trouble + ended.stderr


# ------------------------------------------------------------ what a build may do


OUTCOMES = {
    "never ends": ("time.sleep(600)", "build-timeout"),
    "says it ended": ("os.write(2, b'done'); os.kill(os.getppid(), 19); time.sleep(600)", "build-timeout"),
    "takes all memory": ("held = bytearray(1 << 30); held[::4096] = b'x' * len(held[::4096])", "build-memory"),
    "fills the disk": ("any(open(f'/tmp/{n}', 'wb').write(b'x' * (1 << 20)) < 0 for n in range(999))", "build-space"),
    "refuses": ("raise SystemExit('not here')", "build-fails"),
    "two wheels": ("wheel(folder, 'other-1.0-py3-none-any.whl', 'other')", "build-fails"),
    "another project's": ("return wheel(folder, 'numpy-1.0-py3-none-any.whl', 'numpy')", "build-fails"),
    "another version's": ("return wheel(folder, NAME.replace('1.0', '9.0'))", "build-fails"),
    "no name of a wheel": ("return wheel(folder, 'hostile.whl')", "build-fails"),
    "a folder up": ("return wheel(folder, '../evil-1.0-py3-none-any.whl')", "build-fails"),
    "a link": (
        "os.symlink('/etc/passwd', os.path.join(folder, NAME)); return NAME",
        "build-fails",
    ),
    "a folder": ("os.mkdir(os.path.join(folder, NAME)); return NAME", "build-fails"),
    "a pipe": ("os.mkfifo(os.path.join(folder, NAME)); return NAME", "build-fails"),
    "no wheel": ("return NAME", "build-fails"),
    "100,000 files": ("[open(os.path.join('/tmp/out', str(n)), 'w').close() for n in range(100_000)]", "build-fails"),
    "a forged report": (
        "open('/proc/1/fd/1', 'wb').write(b'wheel numpy-1.0-py3-none-any.whl 1 ' + b'0' * 64 + b'\\neA==\\nend\\n')",
        "build-fails",
    ),
}  # fmt: skip


@pytest.fixture
def tight(monkeypatch):
    monkeypatch.setattr(docker_compile, "SECONDS", 90.0)
    monkeypatch.setattr(docker_compile, "MEMORY", 320 * 1024**2)
    monkeypatch.setattr(docker_compile, "PIDS", 64)


@pytest.mark.parametrize("name", OUTCOMES)
def test_what_a_build_does_is_its_own_outcome(made, tight, monkeypatch, name):
    code, reason = OUTCOMES[name]
    if reason == "build-timeout":
        monkeypatch.setattr(docker_compile, "SECONDS", 4.0)
    error = refused(made, code, f"hostile-{list(OUTCOMES).index(name)}")
    assert (error.status, error.reason) == (CellStatus.UNINSTALLABLE, reason), error.detail


def test_processes_without_end_end_with_their_build(made, tight, monkeypatch):
    monkeypatch.setattr(docker_compile, "SECONDS", 4.0)
    error = refused(made, "while True:\n        try: os.fork()\n        except OSError: pass", "forking")
    assert error.status is CellStatus.UNINSTALLABLE


def test_a_build_that_leaves_processes_behind_is_only_its_wheel(made):
    made(*source("leaving", "if not os.fork():\n        os.setsid(); os.closerange(0, 99); time.sleep(600)"))


@pytest.mark.parametrize("how", ["other bytes", "other bytes the second time", "nothing"])
def test_a_source_that_is_not_what_was_locked_is_our_trouble(made, served, how):
    name = f"changed-{len(how)}"
    dist, content = source(name)

    def spoil(path, answer):
        if not path.startswith("/files/"):
            return answer
        return (404, {}, b"") if how == "nothing" else (200, {}, content + b"x")

    if how == "other bytes the second time":
        made(dist, content)
        docker("rmi", *made.references, check=False)
        dist, content = source(name, "pass  # anew")
    served.spoil = spoil
    with pytest.raises(CellError) as raised:
        made(dist, content)
    assert (raised.value.status, raised.value.reason) == (CellStatus.INFRA, "fetch")


def test_the_same_source_on_the_same_base_is_compiled_once(made, served, engine, base, tmp_path):
    dist, content = source("once")
    made(dist, content)
    asked = len(served.asked)
    docker("rmi", made.references[0])
    again = engine.prepare(recipe(lock(dist), base, template=TEMPLATES.digest), tmp_path / "again")
    assert (again.built, len(served.asked)) == (True, asked)
    assert made.references[1] in {stored.reference for stored in engine.images()}
    engine.remove(made.references)
    assert not set(made.references) & {stored.reference for stored in engine.images()}


# ------------------------------------------------------------ the proxy's own life


def proxies(whose: str = "") -> set[str]:
    """Proxies of this process's engines, or of another's; somebody else's on this daemon are none of ours."""
    labels = (docker_index.LABEL, f"{owner.LABEL}={whose or owner.current()}")
    return set(
        docker("ps", "-aq", "--no-trunc", *(w for label in labels for w in ("--filter", f"label={label}"))).split()
    )


def test_a_proxy_that_died_is_started_anew(engine, served, base):
    dist, content = source("after")
    served.add(dist.name, dist.filename, content)
    assert resolve(engine, base, "after")[0].code == 0
    for each in proxies():
        docker("kill", each)
    assert resolve(engine, base, "after")[0].code == 0
    assert len(proxies()) == 1


def test_a_proxy_goes_with_its_engine_and_an_engine_that_is_used_again_has_another(served, base):
    before, volumes = proxies(), set(docker("volume", "ls", "-q").split())
    engine = engine_on(served)
    for _ in range(2):
        assert resolve(engine, base, "nobody-published-this")[0].trouble == ""
        assert len(proxies() - before) == 1
        engine.close()
        assert proxies() == before
    assert set(docker("volume", "ls", "-q").split()) <= volumes | {docker_index.CACHE_VOLUME}


def test_a_proxy_whose_engine_was_killed_is_reaped(served, base, engine):
    code = """
import os, signal, sys
from orchestrator import paths
from orchestrator.engine.docker import DockerEngine
from orchestrator.image import dockerfile
from orchestrator.engine import owner
from orchestrator.model import Task
engine = DockerEngine(renderer=dockerfile.read(paths.data("images")))
engine.run(sys.argv[1], Task(command=("true",), builder=True, network=True), lambda line: None)
print(owner.current(), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    root = Path(__file__).parent.parent
    command = [sys.executable, "-c", code, base.image]
    killed = subprocess.run(command, check=False, timeout=60, cwd=root, capture_output=True, text=True)
    whose = killed.stdout.strip()
    assert len(proxies(whose)) == 1, killed.stderr
    assert engine.reap() >= 1
    assert proxies(whose) == set()


def test_a_proxy_that_can_t_start_is_our_trouble(served, base, monkeypatch):
    monkeypatch.setattr(docker_index, "PROGRAMS", ("proxy.py",))
    before = proxies()
    with closing(engine_on(served)) as engine, pytest.raises(CellError) as raised:
        resolve(engine, base, "x")
    assert (raised.value.status, raised.value.reason) == (CellStatus.INFRA, "index-proxy")
    assert proxies() == before
