"""Devices with CUDA: GPUs are handed over only when asked, and copied and linked libraries are found."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from docker_tools import SIX, TEMPLATES, base_on, docker_engine
from fakes import BASE as FAKE

from orchestrator.axes.device import RUNTIME_PATHS
from orchestrator.engine import build, docker_run, limits, local_build, local_libraries
from orchestrator.engine.docker import DockerEngine
from orchestrator.engine.local import LocalEngine
from orchestrator.errors import CellError, CellStatus
from orchestrator.gpu.layer import TOOLS_BY
from orchestrator.image import dockerfile
from orchestrator.lock import folders
from orchestrator.model import Base, BaseSpec, BuildContext, LibraryLayer, Limits, Recipe, Step, StepKind, Task

MINOR = f"{sys.version_info.major}.{sys.version_info.minor}"
LIBRARIES = "compat-test:cuda"
"""An image laid out as NVIDIA's are, without anything of theirs in it."""
LAYOUT = """\
FROM {base}
USER 0:0
RUN mkdir -p /usr/local/cuda-11.2/targets/x86_64-linux/lib \\
    && ln -s cuda-11.2 /usr/local/cuda \\
    && ln -s targets/x86_64-linux/lib /usr/local/cuda-11.2/lib64 \\
    && cp /lib/x86_64-linux-gnu/libgcc_s.so.1 /usr/local/cuda/lib64/libalone.so.1.2 \\
    && ln -s libalone.so.1.2 /usr/local/cuda/lib64/libalone.so.1 \\
    && cp /lib/x86_64-linux-gnu/libgcc_s.so.1 /usr/lib/x86_64-linux-gnu/libcudnn_part.so.8.1 \\
    && ln -s libcudnn_part.so.8.1 /usr/lib/x86_64-linux-gnu/libcudnn_part.so.8
"""


# ---------------------------------------------------------------- GPUs


def test_a_task_sees_no_gpu_unless_it_is_handed_one():
    assert docker_run.devices(Task(command=("true",))) == {}
    (request,) = docker_run.devices(Task(command=("true",), gpus=True))["device_requests"]
    assert request["Count"] == -1
    assert request["Capabilities"] == [["gpu", "compute", "utility"]]


def test_the_sandbox_of_a_task_with_gpus_is_that_of_one_without():
    every = frozenset({"memory", "cpus", "pids", "network", "read-only", "time"})
    without, having = (Task(command=("true",), gpus=gpus) for gpus in (False, True))
    assert limits.settings(having, 8, every) == limits.settings(without, 8, every)


# ---------------------------------------------------------------- large files of a build context


def test_large_files_are_linked_into_a_context_and_links_among_them_stay_links(tmp_path):
    source = tmp_path / "cuda"
    source.mkdir()
    (source / "liba.so.1.2").write_bytes(b"library")
    (source / "liba.so.1").symlink_to("liba.so.1.2")
    (source / "libb.so.1").symlink_to(source / "liba.so.1.2")
    names = ("liba.so.1", "liba.so.1.2", "libb.so.1")
    large = tuple((f"cuda/{name}", str(source / name)) for name in names)
    build.write(BuildContext(dockerfile="FROM x\n", large=large), tmp_path / "context")
    made = tmp_path / "context" / "cuda"
    assert (made / "liba.so.1.2").samefile(source / "liba.so.1.2")
    assert not (made / "liba.so.1.2").is_symlink()
    assert [str((made / name).readlink()) for name in ("liba.so.1", "libb.so.1")] == ["liba.so.1.2"] * 2


def test_a_large_file_on_another_disk_is_copied(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    (tmp_path / "liba.so").write_bytes(b"library")
    build.write(BuildContext(dockerfile="", large=(("x/liba.so", str(tmp_path / "liba.so")),)), tmp_path / "c")
    assert (tmp_path / "c" / "x" / "liba.so").read_bytes() == b"library"


def test_a_large_file_that_is_gone_is_our_trouble(tmp_path):
    context = BuildContext(dockerfile="", large=(("x", str(tmp_path / "gone")),))
    with pytest.raises(CellError, match="No such file") as raised:
        build.write(context, tmp_path / "context")
    assert (raised.value.status, raised.value.reason) == (CellStatus.INFRA, "folder")


# ---------------------------------------------------------------- the local engine


def test_variables_of_an_environment_lead_to_its_libraries_before_this_machine_s():
    found = local_libraries.Found(
        folders=["/opt/cuda/lib64", "lib/x/nvidia/cudnn/lib"], tools="lib/x/nvidia/cuda_nvcc", tools_by=TOOLS_BY
    )
    assert local_libraries.variables(found, "/venv", {"LD_LIBRARY_PATH": "/usr/lib/nvidia"}) == {
        "LD_LIBRARY_PATH": "/opt/cuda/lib64:/venv/lib/x/nvidia/cudnn/lib:/usr/lib/nvidia",
        "XLA_FLAGS": "--xla_gpu_cuda_data_dir=/venv/lib/x/nvidia/cuda_nvcc",
    }
    assert local_libraries.programs(found, "/venv") == ["/venv/lib/x/nvidia/cuda_nvcc/bin"]
    bare = local_libraries.Found(folders=["a"], tools="", tools_by=("", ""))
    assert local_libraries.variables(bare, "/venv", {}) == {"LD_LIBRARY_PATH": "/venv/a"}
    assert local_libraries.programs(bare, "/venv") == []


def test_the_local_engine_has_no_images(tmp_path):
    with pytest.raises(CellError) as raised:
        LocalEngine(tmp_path).fetch("nvidia/cuda:11.2")
    assert (raised.value.status, raised.value.reason) == (CellStatus.UNAVAILABLE, "no-image")


def test_an_environment_that_does_not_say_where_its_libraries_are_is_made_again(tmp_path, monkeypatch):
    monkeypatch.setattr(local_build, "make", lambda _recipe, making: making.folder.mkdir(parents=True))
    engine, layer = LocalEngine(tmp_path / "root"), LibraryLayer(folder="/opt/spoons", paths=("lib64/liba.so.1",))
    made = Recipe(base=FAKE, steps=(), on_top=layer)
    prepared = engine.prepare(made, tmp_path / "log")
    marker = Path(prepared.reference) / "compat.json"
    known = json.loads(marker.read_text())
    assert dict(prepared.environment)["LD_LIBRARY_PATH"].startswith("/opt/spoons/lib64")
    # as an earlier version wrote it
    marker.write_text(json.dumps({"cuda" if name == "libraries" else name: value for name, value in known.items()}))
    again = engine.prepare(made, tmp_path / "log")
    assert (again.built, again.environment) == (True, prepared.environment)
    assert not engine.prepare(made, tmp_path / "log").built


@pytest.fixture
def local(tmp_path: Path) -> tuple[LocalEngine, Base]:
    engine = LocalEngine(tmp_path / "root")
    spec = BaseSpec(name=f"here-{MINOR}", python=MINOR, interpreter=sys.executable)
    return engine, engine.base(spec, tmp_path / "log")


def step(*distributions) -> tuple[Step, ...]:
    return (Step(kind=StepKind.WHEELS, title="all", distributions=distributions),)


def told(engine, reference: str, interpreter: str, code: str) -> list[str]:
    lines: list[bytes] = []
    task = Task(command=(interpreter, "-c", code), limits=Limits(cell_seconds=60, silence_seconds=60))
    ended = engine.run(reference, task, lines.append)
    assert ended.code == 0, ended.stderr
    return [line.decode() for line in lines]


@pytest.mark.local
@pytest.mark.network
def test_an_environment_finds_its_libraries_and_its_links(local, tmp_path):
    engine, base = local
    cuda = LibraryLayer(
        folder=str(tmp_path), paths=("lib64/liba.so.1", "lib64/libb.so.1"), folders=("nvidia/cudnn/lib",),
        tools="nvidia/cuda_nvcc", links=(("linked.py", "six.py"),),
    )  # fmt: skip
    prepared = engine.prepare(Recipe(base=base, steps=step(SIX), on_top=cuda), tmp_path / "log")
    code = (
        "import os, linked; print(linked.__version__, *(os.environ[n] for n in ('LD_LIBRARY_PATH', 'PATH')), sep='\\n')"
    )
    version, libraries, programs = told(engine, prepared.reference, prepared.interpreter, code)
    site = f"{prepared.reference}/lib/python{MINOR}/site-packages"
    assert version == "1.16.0"
    assert libraries.split(":")[:2] == [f"{tmp_path}/lib64", f"{site}/nvidia/cudnn/lib"]
    assert programs.split(":")[:2] == [f"{prepared.reference}/bin", f"{site}/nvidia/cuda_nvcc/bin"]


@pytest.mark.local
def test_a_link_beside_what_is_not_there_is_our_trouble(local, tmp_path):
    engine, base = local
    made = Recipe(base=base, steps=(), on_top=LibraryLayer(links=(("liba.so.1", "nvidia/a/lib/liba.so.2"),)))
    with pytest.raises(CellError, match=r"liba\.so\.1 beside nvidia/a/lib/liba\.so\.2") as raised:
        engine.prepare(made, tmp_path / "log")
    assert (raised.value.status, raised.value.reason) == (CellStatus.INFRA, "link")


# ---------------------------------------------------------------- images


@pytest.fixture(scope="module")
def engine():
    with docker_engine() as made:
        yield made


@pytest.fixture(scope="module")
def base(engine, tmp_path_factory):
    return base_on(engine, tmp_path_factory.mktemp("base"))


@pytest.fixture
def on_top(engine: DockerEngine, base: Base, tmp_path: Path) -> Iterator[object]:
    """Builds the image of a CUDA part on an image with one wheel; all are removed."""
    made: list[Recipe] = []

    def prepare(cuda: LibraryLayer):
        made.append(Recipe(base=base, steps=step(SIX), template=TEMPLATES.digest, on_top=cuda))
        forget(dockerfile.reference(made[-1].key))
        return made[-1], engine.prepare(made[-1], tmp_path / "log")

    yield prepare
    forget(*(dockerfile.reference(key) for one in made for key in (one.key, one.below.key)))


def forget(*references: str) -> None:
    subprocess.run(["docker", "rmi", *references], capture_output=True, check=False, timeout=60)


@pytest.mark.container
def test_an_image_that_no_registry_has_is_unavailable_and_asked_for_once(engine, monkeypatch):
    for _ in range(2):
        with pytest.raises(CellError) as raised:
            engine.fetch("registry.invalid/nvidia/cuda:11.2")
        assert (raised.value.status, raised.value.reason) == (CellStatus.UNAVAILABLE, "no-image")
        monkeypatch.setattr(engine, "daemon", lambda: pytest.fail("it was asked again"))


@pytest.mark.container
@pytest.mark.network
def test_libraries_of_another_image_are_found_and_the_image_below_knows_nothing_of_them(engine, base, on_top, tmp_path):
    engine.daemon().build(BuildContext(dockerfile=LAYOUT.format(base=base.image)), (LIBRARIES,), tmp_path / "log")
    try:
        cuda = LibraryLayer(image=LIBRARIES, paths=RUNTIME_PATHS, identity=engine.fetch(LIBRARIES))
        recipe, prepared = on_top(cuda)
        code = "import ctypes, os; [ctypes.CDLL(n) for n in ('libalone.so.1', 'libcudnn_part.so.8')]; import six\n"
        code += "print(os.readlink('/opt/cuda/lib/libalone.so.1'), os.getuid(), *sorted(os.listdir('/opt/cuda/lib')))"
        (line,) = told(engine, prepared.reference, prepared.interpreter, code)
    finally:
        forget(LIBRARIES)
    user, names = line.split()[1], line.split()[2:]
    assert line.split()[0] == "libalone.so.1.2"
    assert user == "65534"
    assert names == ["libalone.so.1", "libalone.so.1.2", "libcudnn_part.so.8", "libcudnn_part.so.8.1"]
    below = engine.prepare(recipe.below, tmp_path / "log")
    assert (below.built, below.key) == (False, recipe.below.key)
    code = "import os, six; print(os.environ.get('LD_LIBRARY_PATH'), os.path.exists('/opt/cuda'))"
    assert told(engine, below.reference, below.interpreter, code) == ["None False"]


@pytest.mark.container
@pytest.mark.network
def test_libraries_of_a_folder_are_found(engine, on_top, tmp_path):
    place = tmp_path / "cuda" / "lib64"
    place.mkdir(parents=True)
    shutil.copy(next(Path("/lib/x86_64-linux-gnu").glob("libgcc_s.so.1")), place / "libalone.so.1.2")
    (place / "libalone.so.1").symlink_to("libalone.so.1.2")
    found = folders.examine(str(tmp_path / "cuda"), ("libalone.so.1",))
    _, prepared = on_top(LibraryLayer(folder=str(tmp_path / "cuda"), paths=found.files, identity=found.identity))
    code = "import ctypes, os; ctypes.CDLL('libalone.so.1'); print(os.readlink('/opt/cuda/lib/libalone.so.1'))"
    assert told(engine, prepared.reference, prepared.interpreter, code) == ["libalone.so.1.2"]


@pytest.mark.container
@pytest.mark.network
def test_images_that_differ_in_links_only_share_the_one_below(engine, on_top, tmp_path):
    first, one = on_top(LibraryLayer(tools="nvidia/cuda_nvcc", links=(("linked.py", "six.py"),)))
    second, two = on_top(LibraryLayer(tools="nvidia/cuda_nvcc", links=(("other.py", "six.py"),)))
    assert first.below.key == second.below.key
    assert one.reference != two.reference
    assert told(engine, one.reference, one.interpreter, "import linked; print(linked.__version__)") == ["1.16.0"]
    code = "import os, other; print(os.environ['XLA_FLAGS'], os.environ['PATH'].split(':')[0])"
    tools = "/opt/venv/lib/python3.11/site-packages/nvidia/cuda_nvcc"
    assert told(engine, two.reference, two.interpreter, code) == [f"--xla_gpu_cuda_data_dir={tools} {tools}/bin"]
    sizes = {s.key: s.size for s in engine.images() if s.key in {first.key, second.key, first.below.key}}
    assert len(sizes) == 3
    assert sizes[first.below.key] == 0, "its layers count for an image on top of it, which was used later"
