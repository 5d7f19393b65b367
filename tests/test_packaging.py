"""What a package index, a type checker and a contributor's tools get to see of this project."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
import zipfile
from email import message_from_string
from email.message import Message
from pathlib import Path

import pytest
import yaml
from hatchling.builders.wheel import WheelBuilder
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
IMPORTED_AS = {"pyyaml": "yaml", "pypi-simple": "pypi_simple"}
"""Distributions whose module has another name."""
FOR_TYPES = {"_typeshed"}
"""Modules that only type checkers have."""
LINK = re.compile(r"\]\((?P<target>[^)\s]+)\)")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    (made,) = WheelBuilder(str(ROOT)).build(directory=str(folder), versions=["standard"])
    return zipfile.ZipFile(made)


@pytest.fixture(scope="module")
def metadata(wheel: zipfile.ZipFile) -> Message:
    (name,) = (n for n in wheel.namelist() if n.endswith(".dist-info/METADATA"))
    return message_from_string(wheel.read(name).decode())


def test_the_wheel_has_what_the_command_needs_without_a_checkout(wheel):
    names = set(wheel.namelist())
    assert {
        "orchestrator/py.typed",
        "orchestrator/_data/matrix.yaml",
        "orchestrator/_data/images/bases.yaml",
        "orchestrator/_data/probes/proofs.json",
        "orchestrator/_data/probes/suite.json",
        "orchestrator/_data/probes/controls.py",
        "orchestrator/_data/probes/harness/supervisor.py",
        "orchestrator/_data/probes/saving/written/2.3.4/models.zip",
        "orchestrator/_data/docs/cuda/releases.csv",
        "orchestrator/_data/reports/published/evidence.json.xz",
    } <= names
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_the_package_page_says_whose_it_is_and_where_its_parts_are(metadata):
    assert metadata["License-Expression"] == "MIT"
    assert metadata["Author"] == "compat-matrix contributors"
    urls = dict(line.split(", ", 1) for line in metadata.get_all("Project-URL"))
    assert {"Homepage", "Documentation", "Changelog", "Issues", "Source"} <= set(urls)
    blob = f"{urls['Source']}/blob/main/"
    for name in ("Documentation", "Changelog"):
        assert (ROOT / urls[name].removeprefix(blob)).is_file()


def test_no_link_of_the_package_page_is_relative_and_each_names_a_file(metadata):
    description = metadata.get_payload()
    assert description == (ROOT / "README.md").read_text(encoding="utf-8")
    blob = f"{PYPROJECT['project']['urls']['Source']}/blob/main/"
    targets = LINK.findall(description)
    assert len(targets) > 5
    assert [target for target in targets if not target.startswith(("https://", "#"))] == []
    ours = [target.removeprefix(blob).partition("#")[0] for target in targets if target.startswith(blob)]
    assert [target for target in ours if not (ROOT / target).exists()] == []


def test_what_is_imported_is_a_dependency_and_nothing_else_is():
    needed = {canonicalize_name(Requirement(line).name) for line in PYPROJECT["project"]["dependencies"]}
    imported = {
        name for file in (ROOT / "orchestrator").rglob("*.py") for name in _imports(file) if name != "orchestrator"
    }
    assert imported - set(sys.stdlib_module_names) - FOR_TYPES == {IMPORTED_AS.get(name, name) for name in needed}


def test_what_tests_import_is_a_dependency_of_theirs():
    groups = PYPROJECT["dependency-groups"]
    lines = [*PYPROJECT["project"]["dependencies"], *groups["tests"]]
    needed = {canonicalize_name(Requirement(line).name) for line in lines}
    ours = {
        "orchestrator",
        *(p.stem for folder in ("tests", "images", "probes") for p in (ROOT / folder).rglob("*.py")),
    }
    imported = {name for file in (ROOT / "tests").glob("test_*.py") for name in _imports(file)}
    in_cells = {"numpy"}  # a probe's own imports, which come from a cell's lock
    strangers = imported - set(sys.stdlib_module_names) - ours - in_cells - {IMPORTED_AS.get(n, n) for n in needed}
    assert strangers == set()


def test_pre_commit_runs_the_linters_that_pyproject_pins():
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    pinned = {r.name: r for r in map(Requirement, PYPROJECT["dependency-groups"]["lint"])}
    (ruff,) = (repo for repo in config["repos"] if repo["repo"].endswith("/ruff-pre-commit"))
    assert str(pinned["ruff"].specifier) == f"=={ruff['rev'].removeprefix('v')}"
    assert [hook["id"] for hook in ruff["hooks"]] == ["ruff-check", "ruff-format"]
    (local,) = (repo for repo in config["repos"] if repo["repo"] == "local")
    (hook,) = local["hooks"]
    version = re.search(
        r'^nox\.needs_version = "(.+)"$', (ROOT / "noxfile.py").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert version is not None
    assert f"nox{version[1]}" in hook["additional_dependencies"]


def test_ci_runs_the_gate_and_may_only_read():
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8"))
    assert workflow["permissions"] == {"contents": "read"}
    assert workflow["concurrency"]["cancel-in-progress"] is True
    assert {"push", "pull_request"} <= set(workflow[True])  # YAML 1.1 reads the key `on` as true
    (job,) = workflow["jobs"].values()
    assert job["runs-on"] == "ubuntu-latest"
    uses = [step["uses"] for step in job["steps"] if "uses" in step]
    assert [name for name in uses if not re.fullmatch(r"actions/[a-z-]+@v\d+", name)] == []
    assert job["steps"][-1]["run"].endswith(" .ci/run")


def _imports(file: Path) -> set[str]:
    """The top-level names of the modules that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found
