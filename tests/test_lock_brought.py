"""Cells that take a package from disk: what resolvers are told, and what the lock says."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from made_packages import WHEEL, wheel
from test_lock_strategies import AS_OF, BASE, CLASH, SIX, TF, FakeIndex, Host, cell, never, pylock

from orchestrator.errors import CellError
from orchestrator.lock import wheel_file
from orchestrator.lock.brought import IN_BUILDER, Brought, told
from orchestrator.lock.strategies import lock
from orchestrator.lock.tools import Result, Tools
from orchestrator.model import Cell, Choice, LocalPackage

COMMITTED = datetime(2024, 3, 1, tzinfo=UTC)
OURS = '[[packages]]\nname = "mine"\nversion = "1.0"\narchive = { path = "/x/m.whl", hashes = { sha256 = "0" } }\n'


def local_cell(resolve: str = "released", ref: str = "", **more: object) -> Cell:
    plain = cell(resolve)
    axis = replace(plain["surgeon"].axis, package="mine")
    committed = COMMITTED if ref else None
    local = LocalPackage(path="lib", ref=ref, sha256="s", filename="f", commit="c" * 40, committed=committed, **more)
    choices = tuple(
        Choice(axis=axis, name="here", local=local) if c.axis == plain["surgeon"].axis else c for c in plain.choices
    )
    return replace(plain, choices=choices)


@pytest.fixture
def index() -> FakeIndex:
    return FakeIndex(tensorflow=[TF], six=[SIX])


def brought(tmp_path: Path, choice: Choice, **made: object) -> Brought:
    path = tmp_path / WHEEL
    path.write_bytes(wheel(**made))  # type: ignore[arg-type]
    assert choice.local
    return Brought(wheel=wheel_file.read(path), local=choice.local)


def locked(tmp_path, of, index, host, builder=never, **made):
    tools = Tools(
        uv_host=host, in_builder=builder, sleep=lambda _s: None, brought=lambda c, _b: brought(tmp_path, c, **made)
    )
    return lock(of, BASE, index, tools)


def test_uv_is_given_a_wheel_of_metadata_and_the_lock_holds_the_real_one(tmp_path, index):
    host = Host(Result(code=0, stdout=pylock(TF, SIX) + OURS))
    found = locked(tmp_path, local_cell("uv-today"), index, host)
    asked = host.seen[0][1].splitlines()
    assert (asked[0], asked[1].endswith(f"/{WHEEL}")) == ("tensorflow==2.4.1", True)
    mine = next(d for d in found.distributions if d.name == "mine")
    assert mine.sha256 == wheel_file.read(tmp_path / WHEEL).sha256
    assert mine.origin == "built from lib"


def test_pip_is_given_it_in_the_builder(tmp_path, index):
    seen = []

    def builder(command, files):
        seen.append((command, dict(files)))
        info = {"url": "file:///x", "archive_info": {"hashes": {"sha256": "0"}}}
        item = {"metadata": {"name": "mine", "version": "1.0"}, "download_info": info | {"url": f"file:///{WHEEL}"}}
        return Result(code=0, stdout=json.dumps({"install": [item], "pip_version": "24.0"}))

    found = locked(tmp_path, local_cell("pip-today"), index, Host(Result(code=1)), builder)
    assert f"{IN_BUILDER}/{WHEEL}" in seen[0][0]
    assert list(seen[0][1]) == [f"{IN_BUILDER}/{WHEEL}"]
    assert found.distributions[0].origin == "built from lib"


def test_what_a_resolver_gets_is_small_and_says_what_the_wheel_says(tmp_path):
    path = tmp_path / WHEEL
    path.write_bytes(wheel(requires=("six<2",), body="X = 1\n" * 100_000))
    full = wheel_file.read(path)
    path.write_bytes(wheel_file.hollow(full))
    assert wheel_file.read(path).requires == ("six<2",)
    assert path.stat().st_size < 2000


@pytest.mark.parametrize(
    ("line", "lines"),
    [
        ("mine", ["F"]),
        ("Mine==1.0.0", ["F"]),
        ("mine>=2", ["F", "mine>=2"]),
        ("six", ["six"]),
        ("mine==2", ["F", "mine==2"]),
    ],
)
def test_bounds_on_a_package_from_disk_still_hold(tmp_path, line, lines):
    one = brought(tmp_path, local_cell().choices[1])
    assert told((line,), (one,), "/d") == tuple(x.replace("F", f"/d/{WHEEL}") for x in lines)


def test_released_takes_the_day_asked_without_a_date_and_the_commits_where_there_is_one(tmp_path, index):
    answer = Host(Result(code=0, stdout=pylock(TF) + OURS))
    undated = locked(tmp_path, local_cell(), index, answer)
    assert undated.cutoff == AS_OF
    assert "no date of mine is known: the others are as of 2026-11-01" in undated.notes
    dated = locked(tmp_path, local_cell(ref="v1"), index, answer)
    assert dated.cutoff == COMMITTED + timedelta(days=7)
    assert dated.notes == ("mine 1.0 is not a release: built from lib at v1 (cccccccccccc)",)


def test_a_reference_beside_changes_says_that_they_are_not_in_it(tmp_path, index):
    host = Host(Result(code=0, stdout=pylock(TF) + OURS))
    found = locked(tmp_path, local_cell(ref="v1", uncommitted=True), index, host)
    assert "uncommitted changes" in found.notes[0]


def test_forced_takes_the_requirements_of_the_wheel_without_their_bounds(tmp_path, index):
    host = Host(CLASH, CLASH, Result(code=0, stdout=pylock(TF, SIX)))
    found = locked(tmp_path, local_cell("forced"), index, host, requires=("six<1",))
    assert host.seen[-1][1].splitlines() == ["tensorflow==2.4.1", "six"]
    assert [d.name for d in found.distributions] == ["mine", "six", "tensorflow"]


def test_a_clash_is_one_though_no_index_has_the_package(tmp_path, index):
    with pytest.raises(CellError) as error:
        locked(tmp_path, local_cell("uv-today"), index, Host(CLASH))
    assert error.value.reason == "pins-clash"
    assert str(tmp_path) not in error.value.detail


def test_a_wheel_for_other_pythons_is_no_wheel(tmp_path, index):
    with pytest.raises(CellError) as error:
        locked(tmp_path, local_cell(), index, never, more="Requires-Python: >=3.12\n")
    assert (error.value.reason, "it requires Python >=3.12" in error.value.detail) == ("no-wheel", True)


def test_a_pin_that_nobody_else_can_install_is_a_comment(tmp_path, index):
    found = locked(tmp_path, local_cell(), index, Host(Result(code=0, stdout=pylock(TF) + OURS)))
    line = next(pin for pin in found.pins if "mine" in pin)
    assert line.startswith("# mine 1.0 (built from lib, sha256 ")
