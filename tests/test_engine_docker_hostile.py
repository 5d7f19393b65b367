"""What wheels and indexes may try while images are built, on a real daemon: no other cell is touched, nothing is told.

Each package here does what was seen to work once: its hooks run when the interpreter of its environment starts.
"""

from __future__ import annotations

import os
import subprocess
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from credentialed_index import PASSWORD, USER, Index, index
from docker_tools import PYTHON, TEMPLATES, base_on, bridge_address
from test_image_recipe import lock
from test_images_install import made

from orchestrator.engine.docker import DockerEngine
from orchestrator.errors import CellError, CellStatus
from orchestrator.image import dockerfile
from orchestrator.image.recipe import recipe
from orchestrator.model import Base, Distribution, Recipe, Task

pytestmark = pytest.mark.container

HOOK = """import os, glob, socket; exec('''
seen = [os.getuid(), os.path.exists("/run/secrets/host"), sorted(os.environ)]
try:
    seen.append(socket.create_connection(("{host}", {port}), 2) and "network")
except OSError:
    seen.append("no network")
for path in glob.glob("/var/cache/wheels/*/*") + ["/opt/compat/python", "/usr/local/bin/uv"]:
    try:
        open(path, "r+b").write(b"poison"); seen.append("wrote " + path)
    except OSError:
        pass
try:
    open("/opt/venv/hooked", "a").write(repr(seen) + chr(10))
except OSError:
    pass
''')
"""
"""What a wheel's .pth does: notes where it runs and what it reaches, and poisons what it can."""


@dataclass(frozen=True, kw_only=True)
class Yard:
    """An engine whose index is the test's own, which asks for a password."""

    engine: DockerEngine
    index: Index
    base: Base

    def offer(self, folder: Path, name: str, members: dict[str, bytes | str]) -> Distribution:
        """Makes a wheel of `name`, lists it in the index and locks it."""
        path = made(folder, {**members, f"{name}.txt": f"{time.time_ns()}"}, project=name)  # never built before
        sha256 = self.index.add(name, path.name, path.read_bytes())
        return Distribution(name=name, version="1.0", filename=path.name, sha256=sha256)

    def recipe(self, *distributions: Distribution, subjects: tuple[str, ...] = ()) -> Recipe:
        return recipe(lock(*distributions), self.base, subjects, template=TEMPLATES.digest)

    def says(self, made_of: Recipe, code: str, log: Path) -> list[str]:
        prepared = self.engine.prepare(made_of, log)
        lines: list[bytes] = []
        self.engine.run(prepared.reference, Task(command=(PYTHON, "-I", "-S", "-c", code)), lines.append)
        return [line.decode() for line in lines]


@pytest.fixture(scope="module")
def yard(tmp_path_factory):
    with index(bridge_address(), secret=True) as own:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("UV_", "PIP_"))}
        environment = {**kept, "UV_DEFAULT_INDEX": own.root, "PIP_INDEX_URL": own.root, "NO_PROXY": own.host}
        with closing(DockerEngine(renderer=TEMPLATES, environment=environment)) as engine:
            yield Yard(engine=engine, index=own, base=base_on(engine, tmp_path_factory.mktemp("base")))


FILES = (
    "import os; print(sorted(os.listdir('/opt/venv')), open('/opt/venv/lib/python3.11/site-packages/good.py').read())"
)


def test_a_hook_of_a_wheel_never_runs_while_images_are_built(yard, tmp_path):
    """Attack: a .pth ran as root, with the network, the secret and the shared cache, at every later step of a build."""
    hook = HOOK.format(host=yard.index.host, port=yard.index.port)
    evil = yard.offer(tmp_path, "evila", {"a.pth": hook, "sitecustomize.py": hook, "usercustomize.py": hook})
    good = yard.offer(tmp_path, "gooda", {"good.py": "GOOD = 1\n"})
    text = "\n".join(yard.says(yard.recipe(evil, good, subjects=("gooda",)), FILES, tmp_path / "log"))
    assert "hooked" not in text
    assert "GOOD = 1" in text


def test_a_cell_without_the_bad_package_is_as_if_that_had_never_been(yard, tmp_path):
    """Attack: a cell that shared a cache with another got what that one's package had put there."""
    hook = HOOK.format(host=yard.index.host, port=yard.index.port)
    evil = yard.offer(tmp_path, "evilb", {"a.pth": hook})
    good = yard.offer(tmp_path, "goodb", {"good.py": "GOOD = 2\n"})
    yard.engine.prepare(yard.recipe(good), tmp_path / "log")
    yard.engine.prepare(yard.recipe(evil, good, subjects=("goodb",)), tmp_path / "log")
    yard.engine.remove([dockerfile.reference(yard.recipe(good).key)])
    assert "GOOD = 2" in "\n".join(yard.says(yard.recipe(good), FILES, tmp_path / "log"))


def test_a_wheel_that_replaces_the_interpreter_installs_nothing_more(yard, tmp_path):
    """Attack: bin/python of a wheel was what the next layer was installed and compiled with."""
    script = '#!/bin/sh\ntouch /opt/venv/hooked\nexec /opt/compat/python "$@"\n'
    evil = yard.offer(tmp_path, "evilc", {"evilc-1.0.data/scripts/python": script})
    good = yard.offer(tmp_path, "goodc", {"good.py": "GOOD = 3\n"})
    made_of = yard.recipe(evil, good, subjects=("goodc",))
    prepared = yard.engine.prepare(made_of, tmp_path / "log")
    lines: list[bytes] = []
    yard.engine.run(prepared.reference, Task(command=("/opt/compat/python", "-I", "-S", "-c", FILES)), lines.append)
    assert b"hooked" not in b"".join(lines)
    assert b"GOOD = 3" in b"".join(lines)


def test_what_was_changed_in_the_shared_cache_is_never_installed(yard, tmp_path):
    """Attack: whoever got at the cache once decided what every later cell was made of."""
    good = yard.offer(tmp_path, "goodd", {"good.py": "GOOD = 4\n"})
    made_of = yard.recipe(good)
    yard.engine.prepare(made_of, tmp_path / "log")
    yard.engine.remove([dockerfile.reference(made_of.key)])
    poison = (
        f"FROM {yard.base.image}\nRUN --mount=type=cache,id=compat-wheels,target=/var/cache/wheels "
        f"cd /var/cache/wheels && mkdir -p {good.sha256} && echo poison >> {good.sha256}/{good.filename}\n"
    )
    folder = tmp_path / "poison"
    folder.mkdir()
    (folder / "Dockerfile").write_text(poison)
    client = yard.engine.daemon().builder_client()
    command = [*client.command, "-t", "compat-test:poison", str(folder)]
    subprocess.run(command, env=dict(client.environment), check=True, capture_output=True)
    other = yard.offer(tmp_path, "goode", {"other.py": "OTHER = 1\n"})
    text = "\n".join(yard.says(yard.recipe(good, other), FILES, tmp_path / "log"))
    assert "GOOD = 4" in text
    assert "fetched anew" in (tmp_path / "log").read_text()
    yard.engine.remove(["compat-test:poison"])


def test_an_index_that_serves_another_file_the_second_time_is_infra_and_named(yard, tmp_path):
    good = yard.offer(tmp_path, "goodf", {"good.py": "GOOD = 5\n"})
    yard.index.files[f"/files/{good.filename}"] += b"other"
    with pytest.raises(CellError) as raised:
        yard.engine.prepare(yard.recipe(good), tmp_path / "log")
    assert (raised.value.status, raised.value.reason) == (CellStatus.INFRA, "fetch")
    assert good.filename in raised.value.detail
    assert good.sha256 in raised.value.detail


def test_a_hostile_wheel_is_the_cells_own_outcome_and_named(yard, tmp_path):
    evil = yard.offer(tmp_path, "evilg", {"a.py": "x", "a.py/b.py": "x"})
    with pytest.raises(CellError) as raised:
        yard.engine.prepare(yard.recipe(evil), tmp_path / "log")
    assert (raised.value.status, raised.value.reason) == (CellStatus.UNINSTALLABLE, "install-fails")
    assert "a folder and a file" in raised.value.detail


def test_a_password_of_the_index_is_in_no_image_no_log_and_no_message(yard, tmp_path):
    good = yard.offer(tmp_path, "goodh", {"good.py": "GOOD = 8\n"})
    gone = Distribution(name="goneh", version="1.0", filename="goneh-1.0-py3-none-any.whl", sha256="0" * 64)
    prepared = yard.engine.prepare(yard.recipe(good), tmp_path / "log")
    with pytest.raises(CellError) as raised:
        yard.engine.prepare(yard.recipe(gone), tmp_path / "log")
    told = [(tmp_path / "log").read_text(), raised.value.detail]
    for command in (["history", "--no-trunc"], ["image", "inspect"]):
        asked = subprocess.run(["docker", *command, prepared.reference], capture_output=True, text=True, check=True)
        told.append(asked.stdout)
    walked = "import subprocess; print(subprocess.call(['grep', '-rIl', %r, '/opt', '/etc', '/root', '/tmp', '/var']))"
    told += yard.says(yard.recipe(good), walked % PASSWORD, tmp_path / "log")
    assert not [text for text in told if PASSWORD in text]
    assert not [text for text in told if f"{USER}:" in text]
    assert told[-1] == "1" or told[-1] == "2"  # grep found nothing (2: a folder that only root reads)
