"""The docker engine on a real daemon: bases, builds and what a build's failure means."""

from __future__ import annotations

import os
import secrets
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from docker_tools import PYTHON, SIX, SPECS, TEMPLATES, base_on, docker_engine
from test_image_recipe import lock

from orchestrator.engine import docker_base
from orchestrator.engine.docker import DockerEngine
from orchestrator.errors import CellError, CellStatus, ExitCode, UserError
from orchestrator.image import bases, dockerfile
from orchestrator.image.recipe import recipe
from orchestrator.model import BuildContext, Distribution, Task

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


WHEELS = "/var/cache/wheels"
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
    with docker_engine() as made:
        yield made


@pytest.fixture(scope="module")
def base(engine, tmp_path_factory):
    return base_on(engine, tmp_path_factory.mktemp("base"))


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

    monkeypatch.setattr(docker_base, "verify", refuse)
    monkeypatch.setattr(docker_base, "make_base", refuse)
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
    kept = f"kept-{secrets.token_hex(6)}"  # a layer that is built already would ask for no mount
    mount = f"--mount=type=cache,id={kept},target=/mine"
    others = BuildContext(dockerfile=f"FROM {base.image}\nRUN {mount} echo {kept} > /mine/it\n")
    engine.daemon().build(others, ("compat-test:mount",), tmp_path / "others.log")

    def mounts(word):
        found = [r for r in engine.daemon().client.api.df()["BuildCache"] if r["Type"] == "exec.cachemount"]
        return [r for r in found if word in r["Description"] and not r["InUse"]]

    # a mount is named for the command that first asked for it: on a new machine that is the builder's, not a cell's
    for script, place in (("host.sh", "/var/cache/uv"), ("install.py", WHEELS), ("fetch.py", WHEELS)):
        word = f"{script}-{secrets.token_hex(6)}"
        mount = f"--mount=type=cache,id={word},target={place}"
        text = f"FROM {base.image}\nRUN {mount} echo {word} > {place}/it; test ! -e /tmp/{script}\n"
        engine.daemon().build(BuildContext(dockerfile=text), ("compat-test:mount",), tmp_path / "mine.log")
        assert mounts(word)
        engine.drop_downloads()
        assert mounts(word) == []
    assert mounts(kept)
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
    code = "import shutil, termcolor; print(open('/opt/venv/compiled.txt').read(), shutil.which('gcc'))"
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


# ------------------------------------------------------------ builder tasks


@pytest.mark.container
@pytest.mark.network
def test_a_builder_task_has_pip_uv_a_compiler_and_the_index(engine, base):
    lines: list[bytes] = []
    script = "id -u; uv --version; gcc --version | head -1; " + (
        f"{PYTHON} -m pip download -q --no-deps -d /tmp/d six==1.16.0 && ls /tmp/d; "
        "printf 'six==1.16.0\\n' > /tmp/in && uv pip compile -q --no-header --no-annotate /tmp/in"
    )
    ended = engine.run(base.image, Task(command=("sh", "-c", script), builder=True, network=True), lines.append)
    assert ended.code == 0, ended.stderr
    assert lines[0] == b"65534"
    assert lines[1].startswith(b"uv ")
    assert lines[2].startswith(b"gcc ")
    assert lines[-2:] == [b"six-1.16.0-py2.py3-none-any.whl", b"six==1.16.0"]
    assert engine.disk_free() is None or engine.disk_free() > 0
