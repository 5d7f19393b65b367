"""The matrix that ships, its schema, and the examples of the reference."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
import yaml
from matrix_index import FLAGSHIP, TinyIndex
from staged import shipped

from orchestrator import paths
from orchestrator.app.planning import PlanRequest, open_project
from orchestrator.app.services import of_host
from orchestrator.matrix.document import load, parse
from orchestrator.matrix.expand import Plan, expand, groups_of
from orchestrator.matrix.ranges import resolve
from orchestrator.matrix.schema import schema
from orchestrator.matrix.select import chosen
from orchestrator.matrix.single import single
from orchestrator.model import Matrix

ROOT = Path(__file__).parent.parent
REFERENCE = (ROOT / "docs" / "matrix.md").read_text()
BLOCKS = re.findall(r"```yaml\n(.*?)```", REFERENCE, re.DOTALL)
EXAMPLES = [yaml.safe_load(block) for block in BLOCKS]
COMMANDS = re.findall(r"^compat (\w+) (.+)$", REFERENCE, re.MULTILINE)
VALIDATOR = jsonschema.Draft202012Validator(schema())


@pytest.fixture(scope="module")
def flagship() -> Matrix:
    return resolve(load(paths.data("matrix.yaml")), TinyIndex(FLAGSHIP))


@pytest.fixture(scope="module")
def plan(flagship: Matrix) -> Plan:
    return expand(flagship)


def test_the_flagship_plans_some_hundred_cells_with_ids_of_their_own(plan: Plan):
    assert 300 <= len(plan.cells) <= 1700
    assert len({cell.id for cell in plan.cells}) == len(plan.cells)


def test_the_flagship_lists_what_the_questions_name(flagship: Matrix, plan: Plan):
    listed = {choices[0].axis.name: {c.name for c in choices} for choices in flagship.choices}
    assert {"1.15.5", "2.0.4", "2.4.0", "2.4.1", "2.4.4", "2.8.0", "2.10.0", "2.21.0"} <= listed["tf"]
    assert "2.22.0rc0" not in listed["tf"]
    assert {"unpinned", "2.2.4", "2.3.1", "2.4.3", "2.15.0", "3.15.1"} <= listed["keras"]
    planned = {(c.get("tf"), c.get("kerassurgeon"), c.get("python"), c.get("resolve")) for c in plan.cells}
    for tf in ("2.3.4", "2.4.1"):
        for python in ("3.7", "3.9", "3.11", "3.13"):
            for strategy in ("released", "pip-today", "uv-today"):
                assert {(tf, "none", python, strategy), (tf, "0.2.0", python, strategy)} <= planned
    assert ("2.20.0", "0.2.0", "3.13", "forced") in planned
    assert {c.get("kerassurgeon") for c in plan.cells if c.get("tf") == "2.4.1"} == listed["kerassurgeon"]
    assert {c.get("tf") for c in plan.cells} == listed["tf"]


def test_forced_is_only_where_requirements_clash(plan: Plan):
    forced = [c for c in plan.cells if c.get("resolve") == "forced"]
    assert {c.get("kerassurgeon") for c in forced} == {"0.2.0"}
    assert {c.get("tf") for c in forced} == {"2.16.2", "2.17.1", "2.18.1", "2.19.1", "2.20.0", "2.21.0"}


def test_every_cell_of_the_flagship_runs_the_environment_and_one_group_that_gives_a_verdict(
    flagship: Matrix, plan: Plan
):
    found = {tuple(g.name for g in groups_of(cell, flagship)) for cell in plan.cells}
    assert {names for names in found if "surgeon" in names} == {("environment", "surgeon")}
    assert {names[:2] for names in found} == {("environment", "tensorflow"), ("environment", "surgeon")}


def test_core_checks_of_the_flagship_are_probes_of_the_suite(flagship: Matrix):
    kinds = {probe.id: probe.kind for probe in shipped().probes.values()}
    named = [probe for group in flagship.groups for probe in (*group.core, *group.stands_on)]
    assert {probe: kinds.get(probe) for probe in named} == dict.fromkeys(named, "check")


def test_the_flagship_and_every_example_of_the_reference_fit_the_schema():
    jsonschema.Draft202012Validator.check_schema(schema())
    VALIDATOR.validate(yaml.safe_load(paths.data("matrix.yaml").read_text()))
    for example in EXAMPLES:
        VALIDATOR.validate({key: value for key, value in {**EXAMPLES[0], **example}.items() if value is not None})


@pytest.mark.parametrize(
    ("part", "bad"),
    [
        ("schema", 2),
        ("axes", {}),
        ("axes", {"tf": {"package": "tensorflow", "choices": [2.1]}}),
        ("axes", {"tf": {"kind": "python", "choices": ["3.9.1"]}}),
        ("axes", {"d": {"kind": "device", "choices": [{"name": "x", "on_request": "yes"}]}}),
        ("axes", {"d": {"kind": "device", "choices": [{"name": "x", "image": "a b"}]}}),
        ("axes", {"d": {"kind": "device", "choices": [{"name": "x", "paths": ["/a"]}]}}),
        ("axes", {"d": {"kind": "device", "choices": [{"name": "x", "folder": "/a"}]}}),
        ("axes", {"d": {"kind": "device", "choices": [{"name": "x", "folder": "a", "sonames": ["liba.so"]}]}}),
        ("axes", {"d": {"kind": "device", "choices": [{"name": "x", "sonames": ["liba.so"]}]}}),
        ("axes", {"d": {"kind": "device", "choices": [{"name": "x", "follows": "a", "libraries": ["b"]}]}}),
        ("exclude", [{"tf": "2"}]),
        ("limits", {"memory": "lots"}),
        ("titel", "T"),
        ("suites", []),
        ("suites", "probes"),
        ("suites", [{"package": "a/b"}]),
        ("suites", [{"folder": "probes"}]),
    ],
)
def test_the_schema_refuses_what_the_parser_refuses(part, bad):
    assert not VALIDATOR.is_valid({**EXAMPLES[0], part: bad})


def test_the_committed_schema_is_the_generated_one():
    assert json.loads((ROOT / "docs" / "matrix.schema.json").read_text()) == schema()


def keyed(block: str) -> dict[str, str]:
    """top-level key → its lines, as they are written."""
    return {part.partition(":")[0]: part for part in re.split(r"^(?=\S)", block, flags=re.MULTILINE) if part}


def whole(block: str) -> str:
    """An example as a reader tries it: one that is no whole matrix stands in place of the first one's keys."""
    return block if "schema" in keyed(block) else "".join((keyed(BLOCKS[0]) | keyed(block)).values())


@pytest.mark.parametrize("block", BLOCKS, ids=[", ".join(keyed(block)) for block in BLOCKS])
def test_every_example_of_the_reference_plans(block, tmp_path):
    path = tmp_path / "matrix.yaml"
    path.write_text(whole(block))
    shutil.copytree(ROOT / "examples" / "numpy-pandas" / "probes", tmp_path / "probes")
    services = replace(of_host({}), index=lambda *_: TinyIndex(FLAGSHIP))
    opened = open_project(PlanRequest(matrix=path), services)
    assert len(opened.cells) > 0


def test_examples_of_the_reference_that_are_whole_stand_alone():
    assert ["schema" in keyed(block) for block in BLOCKS] == [True, True, True, True, False, True]


@pytest.mark.parametrize(("command", "words"), COMMANDS, ids=[words for _, words in COMMANDS])
def test_every_selector_of_the_reference_selects(command, words):
    matrix = resolve(parse(yaml.safe_dump(EXAMPLES[0], sort_keys=False), "docs/matrix.md"), TinyIndex(FLAGSHIP))
    if command == "try":
        assert len(expand(single(shlex.split(words), matrix)).cells) == 1
    else:
        plan = expand(matrix)
        assert 0 < len(chosen(matrix, plan, shlex.split(words))) < len(plan.cells)
