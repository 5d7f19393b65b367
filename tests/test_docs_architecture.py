"""docs/architecture.md names the rooms that there are, and the layers that the linter holds."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
ROOM = re.compile(r"^\| `(?P<name>\w+(?:/|\.py))` \|", re.MULTILINE)
(CONTRACT,) = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]


def test_the_page_has_a_line_for_each_room_and_no_other():
    package = ROOT / "orchestrator"
    folders = {f"{path.parent.name}/" for path in package.glob("*/__init__.py")}
    modules = {path.name for path in package.glob("*.py") if path.name != "__init__.py"}
    named = ROOM.findall(PAGE)
    assert sorted(named) == sorted(folders | modules)


def test_the_layers_of_the_page_are_those_of_the_linter():
    section = PAGE.partition("## The layers")[2]
    assert section.split("```\n")[1].splitlines() == CONTRACT["layers"]


def test_a_new_room_fails_the_linter_until_it_is_placed():
    assert CONTRACT["exhaustive"] is True
    assert CONTRACT["containers"] == ["orchestrator"]


def test_files_that_run_in_containers_import_nothing_of_the_orchestrator():
    files = [path for folder in ("images", "probes") for path in (ROOT / folder).rglob("*.py")]
    strays = [
        path.name for path in files if re.search(r"^\s*(import|from) orchestrator\b", path.read_text(), re.MULTILINE)
    ]
    assert len(files) > 50
    assert strays == []
