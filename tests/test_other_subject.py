"""A matrix about something else, pandas on numpy, goes through every command, and none speaks of the flagship."""

from __future__ import annotations

import ast
import json
import lzma
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from command import Command, Engine
from fakes import NOW
from fakes import suite as suite_of
from matrix_index import TinyIndex

from orchestrator import paths
from orchestrator.ecosystems import ECOSYSTEMS
from orchestrator.model import FIXED_VARIABLES, Distribution, IndexFile, Lock, digest

MATRIX = """\
schema: 1
title: pandas on numpy
axes:
  numpy: {package: numpy, choices: ["1.26.4", "2.1.3"]}
  pandas: {package: pandas, choices: [none, "2.1.4"], subject: true}
  python: {kind: python, choices: ["3.11", "3.12"]}
  resolve: {kind: resolve, choices: [released, pip-today]}
exclude:
  - {python: "3.12", resolve: pip-today, reason: pip is tried on the oldest Python}
groups:
  arrays: {core: [arrays.sum]}
  frames: {where: {pandas: "!none"}, core: [frames.build], stands_on: [arrays.sum]}
questions:
  - {ask: "Does pandas {pandas} work on numpy {numpy}?", group: frames}
"""
PROBES = ("arrays.sum", "arrays.mean", "frames.build", "frames.join")
RAISED = {
    "ended": "raised",
    "within": "pandas.DataFrame",
    "output": "building\n",
    "exception": {
        "type": "ValueError",
        "message": "numpy.dtype size changed, may indicate binary incompatibility",
        "frames": [{"file": "pandas/_libs/interval.py", "line": 7, "function": "init"}],
        "text": "Traceback (most recent call last):\nValueError: numpy.dtype size changed",
    },
}
WORDS = re.compile(r"tensorflow|keras|cuda|nvidia", re.IGNORECASE)
BROKEN = "numpy=2.1.3 pandas=2.1.4 python=3.11 resolve=released"


class Index(TinyIndex):
    """Everything has a wheel for any Python."""

    def healthy(self, _packages) -> bool:
        return True

    def files(self, package: str) -> tuple[IndexFile, ...]:
        return tuple(replace(f, filename=f"{package}-{f.version}-py3-none-any.whl") for f in super().files(package))


class Pandas(Engine):
    """pandas can't be built on numpy 2."""

    def run(self, reference, task, on_line):
        numpy = json.loads(dict(task.files)["plan.json"])["expected"]["numpy"]
        broken = numpy.startswith("2")
        self.script = lambda name: RAISED if broken and name == "frames.build" else {"ended": "returned"}
        return super(Engine, self).run(reference, task, on_line)


def lock(cell, base, _index, _tools) -> Lock:
    chosen = [(c.axis.package, c.name) for c in cell.packages if c.name != "none"]
    return Lock(
        python=base.python,
        platform=base.platform,
        device=cell.device,
        strategy=cell.strategy,
        resolver="fake 1",
        cutoff=NOW,
        distributions=tuple(
            Distribution(name=n, version=v, filename=f"{n}-{v}-py3-none-any.whl", sha256=digest([n, v, cell.strategy]))
            for n, v in sorted(chosen)
        ),
    )


@pytest.fixture(name="compat")
def compat_fixture(tmp_path, monkeypatch, capsys):
    (tmp_path / "matrix.yaml").write_text(MATRIX)
    monkeypatch.chdir(tmp_path)
    for name in ("COLUMNS", "CI", "FORCE_COLOR", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    index = Index({"numpy": ("1.26.4", "2.1.3"), "pandas": ("2.1.4",)})
    return Command(tmp_path, Pandas(), capsys, index=index, suite=suite_of(*PROBES), services={"lock": lock})


LINES = [
    ("plan", 0),
    ("plan --cells --rules", 0),
    ("run --yes", 0),
    ("run --json numpy=2.1.3 python=3.11", 0),
    ("table", 0),
    ("table --json", 0),
    ("table --by check --all", 0),
    ("table --by finding", 0),
    ("table --by finding --json", 0),
    (f"show {BROKEN}", 0),
    (f"show {BROKEN} frames.build", 0),
    ("pins numpy=1.26.4 pandas=2.1.4 python=3.11 resolve=released", 0),
    (f"pins {BROKEN}", 2),
    ("diff numpy=1.26.4 numpy=2.1.3", 0),
    ("diff numpy=1.26.4 numpy=2.1.3 --json", 0),
    ("diff numpy=2.1.3 numpy=2.1", 2),
    ("diff numpy=1.26.4 numpy=1.26.4,2.1.3", 2),
    ("why", 0),
    ("why --json", 0),
    ("export", 0),
    ("export --dockerfiles contexts numpy=2.1.3", 0),
    ("publish", 0),
    ("gc --dry-run", 0),
    # what is typed wrong is told in this matrix's own words too
    ("table numpy=9", 2),
    ("table nunpy=2.1.3", 2),
    ("table numpy", 2),
    ("table resolve=latest-of-all", 2),
    ("table numpy=" + "2.1.3," * 999, 2),
    ("try numpy>=2 python=3.11", 2),
    ("try numpy==2.1.3", 2),
    ("run numpy=2.1.3 --probe frames.nothing", 2),
]


def spoken(compat, line: str, status: int) -> str:
    """All that a command said and wrote."""
    words = line.split()
    if words[0] == "why":
        words.insert(1, "ValueError: numpy.dtype size changed, may indicate binary incompatibility")
    found, out, err = compat.typed(*words)
    assert found == status, (line, out, err)
    assert out + err, line
    return out + err


def written(folder: Path) -> Iterator[tuple[str, str]]:
    """What is in files that commands wrote, but for the programs that a build context carries along."""
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and p.suffix != ".py"):
        content = path.read_bytes()
        yield path.name, (lzma.decompress(content) if path.suffix == ".xz" else content).decode()


def test_no_output_of_a_matrix_about_something_else_speaks_of_the_flagship(compat):
    here = str(paths.data("probes").parent)
    for line, status in LINES:
        said = spoken(compat, line, status).replace(here, "")
        assert WORDS.findall(said) == [], (line, said)
    files = list(written(compat.folder))
    assert {"table.md", "results.json", "Dockerfile", "evidence.json.xz", "plan.json"} <= {name for name, _ in files}
    # a verdict of the rooms above, so that what was searched is what was said
    assert "NO" in spoken(compat, "table", 0)
    for name, content in files:
        assert WORDS.findall(content.replace(here, "")) == [], name


def test_it_has_no_rows_of_cuda_and_the_command_says_why(compat):
    status, _, err = compat("cuda")
    assert (status, "no axis for the package tensorflow" in err) == (2, True)


# ---------------------------------------------------------------- what code may say

ROOMS = Path(paths.__file__).parent
OWN = ("gpu/", "ecosystems.py", "app/cuda.py", "cli/cuda.py", "report/cuda.py")
"""What is about CUDA, and the data of ecosystems."""
DOCTOR = ("app/machine.py", "engine/host.py", "engine/nvidia.py", "model/host.py", "report/doctor")
"""The part of doctor that is about GPUs."""
SPECIAL = re.compile(r"tensorflow|keras|surgeon|cuda|cudnn|nvidia|soname|libcu|xla|\btf\b|TF_|gpu", re.IGNORECASE)
ALLOWED = {
    "gpu": "a key of a group in the matrix, and what Docker calls the capability",
    "needs:gpu": "the reason that a group of that key was left out",
    "gpu-lost": "the reason of a cell whose group of that key lost what it needs",
    "GPU": "what a matrix leaves open that lists no device but the CPU",
    "the matrix lists no GPU device, only cpu": "what somebody is told who asks for one",
    "a GPU is named by its line of libraries: ": "the same, where there are some",
    "sonames": "a key of a device in the matrix",
    "gpu.Dockerfile.j2": "a template's name",
    "cuda:cuda": "where the command is",
    "Which CUDA for which TensorFlow; why yours does not see the GPU.": "what it says of itself in --help",
    "cuda": "its name; what that template calls what it is filled with, and its folder",
    "/opt/cuda/lib": "where that template puts libraries",
    "/usr/local/cuda/lib64/": "what `paths` of a device's image is by default",
    "/usr/lib/x86_64-linux-gnu/libcudnn*.so.*": "the same",
}
"""Literals outside of those modules that name one, and what for."""


def literals(tree: ast.Module) -> Iterator[str]:
    """The strings that code works with: no docstrings, and no examples that a command's help gives."""
    prose: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr):
            prose.add(id(node.value))
        if isinstance(node, ast.keyword) and node.arg in ("epilog", "help", "short_help"):
            prose |= {id(inner) for inner in ast.walk(node.value)}
    for node in ast.walk(tree):
        text = node.value if isinstance(node, ast.Constant) and id(node) not in prose else None
        if isinstance(text, str) and "\nExamples:\n" not in text:
            yield text


def test_no_code_outside_of_gpu_its_command_and_the_data_of_ecosystems_decides_by_their_words():
    found, used = [], set()
    for path in sorted(ROOMS.rglob("*.py")):
        name = path.relative_to(ROOMS).as_posix()
        if "_data/" in name or name.startswith((*OWN, *DOCTOR)):
            continue
        special = [text for text in literals(ast.parse(path.read_text())) if SPECIAL.search(text)]
        used |= {text for text in special if text in ALLOWED}
        found += [f"{name}: {text!r}" for text in special if text not in ALLOWED]
    assert found == []
    assert used == set(ALLOWED)


def test_only_what_is_about_cuda_and_the_composition_root_reach_into_gpu():
    reaching = {
        path.relative_to(ROOMS).as_posix()
        for path in ROOMS.rglob("*.py")
        if re.search(r"^\s*(from|import) orchestrator\.gpu", path.read_text(), re.MULTILINE)
    }
    allowed = {"app/services.py", "app/cuda.py", "app/machine.py", "app/publishing.py", "cli/cuda.py", "report/cuda.py"}
    assert {name for name in reaching if not name.startswith("gpu/")} == allowed


def test_variables_are_the_same_for_every_matrix_so_that_keys_of_earlier_results_hold():
    assert digest(FIXED_VARIABLES)[:16] == "a6c37b22cc547efb"
    assert {"TF_NUM_INTEROP_THREADS"} <= {name for known in ECOSYSTEMS.values() for name, _ in known.variables}
