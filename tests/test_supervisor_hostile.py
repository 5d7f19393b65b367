"""What a package may do to the evidence, tried in real processes: it may end its own probes, and no more.

Each test is a way in. Those into the supervisor itself, which root may always go, are in `test_supervisor_closed`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from supervised import LIMITS, Environment, Told, environment, oldest

HOSTILE = {n: Path(__file__).with_name(n).read_text() for n in ("hostile.py", "hostile_beside.py")}
LEAVES = [
    "symlink", "fifo", "directory", "sparse", "brackets", "many_brackets", "no_text", "nothing", "a_list",
    "without_a_token", "with_another_token", "oom", "timeout", "signalled", "unheard_of", "no_number", "large_value",
    "seconds", "no_exception", "unreadable", "renamed",
]  # fmt: skip


@pytest.fixture(params=["this", "oldest"])
def made(request: pytest.FixtureRequest, tmp_path: Path) -> Environment:
    found = sys.executable if request.param == "this" else oldest()
    if found is None:
        pytest.skip("no old Python: set COMPAT_OLDEST_PYTHON")
    return environment(found, tmp_path, HOSTILE)


def ends(told: Told, *probes: str) -> list[str]:
    assert told.events[-1]["event"] == "bye"
    return [told[f"hostile.{probe}"]["ended"] for probe in probes]


# ------------------------------------------------------------ results


def test_nothing_but_the_harnesss_own_result_is_one(made: Environment) -> None:
    told = made.tell(*(f"hostile.{name}" for name in LEAVES), "hostile.passes")
    for name in LEAVES:
        ended = told[f"hostile.{name}"]
        assert (ended["ended"], ended["exit_code"], ended["value"]) == ("exited", 0, None), name
        assert "its result" in ended["reason"], name
    assert ends(told, "passes") == ["returned"]


def test_what_is_told_is_cut_to_size_and_can_be_written_anywhere(made: Environment) -> None:
    told = made.tell("hostile.half_characters", "hostile.nameless")
    assert told["hostile.half_characters"]["exception"]["message"] == "?"
    nameless = told["hostile.nameless"]["exception"]
    assert [len(nameless[name]) for name in ("type", "message", "text")] == [300, 2000, 8000]


@pytest.mark.parametrize("probe", ["thread", "outliving", "at_exit"])
def test_no_thread_or_fork_and_nothing_at_exit_makes_a_failing_check_pass(made: Environment, probe: str) -> None:
    assert ends(made.tell(f"hostile.{probe}"), probe)[0] in ("raised", "exited")


def test_a_result_written_into_other_probes_places_is_none(made: Environment) -> None:
    made.lanes = 2
    for other, ending in (("fails_slowly", "raised"), ("exits_slowly", "exited")):
        told = made.tell("hostile.writes_everywhere", f"hostile.{other}")
        assert ends(told, "writes_everywhere", other) == ["returned", ending]


def test_a_probe_that_another_one_kills_is_tried_again_alone(made: Environment) -> None:
    made.lanes = 2
    told = made.tell("hostile.kills_its_siblings", "hostile.passes_slowly")
    assert ends(told, "passes_slowly") == ["returned"]
    assert told["hostile.passes_slowly"]["first"] == "signal 9"


@pytest.mark.parametrize("other", ["imports_another", "slowly_afresh"])
def test_a_probe_whose_import_or_own_process_another_one_kills_is_tried_again_alone(
    made: Environment, other: str
) -> None:
    made.lanes = 2
    told = made.tell("hostile.kills_everything", f"hostile.{other}")
    assert ends(told, "kills_everything", other) == ["returned", "returned"]


# ------------------------------------------------------------ places


def test_whatever_becomes_of_a_probes_place_the_next_has_one(made: Environment, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").touch()
    made.variables = {"PRECIOUS": str(precious)}
    probes = ("removes_its_place", "becomes_a_link", "many_files", "deep", "removes_all_places", "passes")
    # thousands of files take their time on a busy machine
    told = made.tell(*(f"hostile.{name}" for name in probes), limits={**LIMITS, "cell_seconds": 600})
    assert ends(told, "many_files", "deep", "passes") == ["returned"] * 3
    assert "raised" not in ends(told, *probes)
    assert (precious / "file").exists()


# ------------------------------------------------------------ what processes tell


def test_forged_and_endless_answers_change_no_outcome_and_fill_no_memory(made: Environment) -> None:
    told = made.tell(
        "hostile.floods_its_parents_answers", "hostile.passes", "hostile.fails", "hostile.memory_of_the_supervisor"
    )
    assert ends(told, "floods_its_parents_answers", "passes", "fails") == ["returned", "returned", "raised"]
    assert told["hostile.memory_of_the_supervisor"]["value"] < 100_000


def test_a_process_that_a_probe_says_is_its_own_is_not_killed_for_it(made: Environment) -> None:
    made.lanes = 2
    told = made.tell("hostile.claims_other_processes", "hostile.passes_slowly", "hostile.passes")
    assert ends(told, "passes_slowly", "passes") == ["returned", "returned"]
    assert told["hostile.passes_slowly"]["first"] == ""
    assert len(told.named("parent")) == 1


def test_a_parent_that_does_not_read_holds_nobody_up(made: Environment) -> None:
    told = made.tell("hostile.stuffs_its_parents_requests", "hostile.passes", limits={**LIMITS, "probe_seconds": 3})
    assert ends(told, "passes") == ["returned"]


def test_events_come_from_the_supervisor_alone(made: Environment) -> None:
    told = made.tell("hostile.writes_to_every_descriptor", "hostile.passes")
    assert told["hostile.writes_to_every_descriptor"]["value"] in (["0", "1", "2"], ["0", "1", "2", "3"])
    assert [e["seq"] for e in told.events] == list(range(len(told.events)))
    assert [e["event"] for e in told.events].count("bye") == 1
    assert ends(told, "passes") == ["returned"]


# ------------------------------------------------------------ what is installed

PATCHES = """
import builtins, json, json.encoder, os, posix, sys, time, traceback
PASSED = '{"ended": "returned", "value": null, "warnings": [], "seconds": 0.0, "within": ""}'
def say(*arguments, **options): return PASSED
json.dumps = say
json.JSONEncoder.encode = json.encoder.JSONEncoder.encode = say
json.loads = lambda *arguments, **options: {"serve": [], "probes": ["hostile.passes"], "directory": "/"}
keep = {name: getattr(os, name) for name in ("write", "rename", "replace", "_exit", "getpid", "fork")}
def written(fd, content):
    keep["write"](fd, PASSED.encode() if b"raised" in bytes(content) else content)
    return len(content)
os.write = posix.write = written
os.rename = os.replace = posix.rename = lambda *arguments, **options: None
os._exit = lambda code: keep["_exit"](0)
opened = builtins.open
def open_(path, *arguments, **options):
    return opened(os.devnull if "result" in str(path) else path, *arguments, **options)
builtins.open = open_
time.monotonic = lambda: 0.0
"""
SHADOWS = ("harness", "events", "own", "processes", "warm", "child", "results", "hostile")
START_UP = {
    "evil.pth": "import evil\n",
    "evil.py": "import os, sys\nwith open(os.environ['NOTE'], 'a') as file: file.write('%d\\n' % os.getpid())\n",
}


def test_a_start_up_file_that_patches_the_standard_library_changes_no_outcome(made: Environment) -> None:
    made.install({"evil.pth": "import evil\n", "evil.py": PATCHES})
    told = made.tell("hostile.fails", "hostile.fails_afresh", "hostile.passes")
    assert ends(told, "fails", "fails_afresh", "passes") == ["raised", "raised", "returned"]
    assert told["hostile.fails"]["exception"]["message"] == "it fails"


@pytest.mark.parametrize("how", ["evil.pth", "sitecustomize.py", "usercustomize.py"])
def test_no_start_up_file_runs_in_the_supervisor(made: Environment, tmp_path: Path, how: str) -> None:
    made.install({"evil.py": START_UP["evil.py"], how: "import evil\n"})
    note = tmp_path / "note"
    note.touch()
    made.variables = {"NOTE": str(note), "PYTHONPATH": str(made.site_packages)}
    told = made.tell("hostile.passes", "hostile.fails_afresh")
    ran = {int(line) for line in note.read_text().split()}
    assert told.events[0]["pid"] not in ran
    assert how == "usercustomize.py" or len(ran) == 2


def test_modules_of_packages_do_not_take_the_place_of_ours(made: Environment) -> None:
    names = [*SHADOWS, "json", "lanes", "plans", "closed"]
    fake = "def __getattr__(name): raise SystemExit(0)\n"
    loaded = "".join(f"import {name}\n" for name in SHADOWS)
    made.install({**{f"{name}.py": fake for name in names}, "evil.pth": loaded})
    assert ends(made.tell("hostile.fails", "hostile.passes", "hostile.fails_afresh"), "fails", "passes") == [
        "raised",
        "returned",
    ]


def test_an_interpreter_that_was_replaced_can_not_speak_for_the_supervisor(made: Environment) -> None:
    made.interpreter.unlink()
    event = '{"seq": 1, "t": 0, "event": "ended", "probe": "hostile.fails", "ended": "returned"}'
    made.interpreter.write_text(f"#!/bin/sh\necho '{event}'\necho '{event}' >&2\nexit 0\n")
    made.interpreter.chmod(0o755)
    told = made.tell("hostile.fails", "hostile.passes", "control.passes")
    assert ends(told, "fails", "passes") == ["exited", "exited"]
    assert told["control.passes"]["ended"] == "exited"
    assert event in told["hostile.fails"]["output"]


def test_looking_for_a_package_runs_nothing_of_it(made: Environment, tmp_path: Path) -> None:
    (made.suite / "needing.py").write_text(
        "from harness import check, subject\n"
        "@check('needing.found', '?', needs=('package.inner',))\ndef found():\n    with subject('call'): pass\n"
        "@check('needing.gone', '?', needs=('no_package',))\ndef gone(): pass\n"
    )
    made.install({"package/__init__.py": START_UP["evil.py"], "package/inner.py": ""})
    note = tmp_path / "note"
    note.touch()
    made.variables = {"NOTE": str(note)}
    told = made.tell("needing.found", "needing.gone")
    assert (told["needing.found"]["ended"], told["needing.gone"]["reason"]) == ("returned", "needs:no_package")
    assert str(told.events[0]["pid"]) not in note.read_text().split()


# ------------------------------------------------------------ what a cell sets


@pytest.mark.parametrize(
    "name", ["LD_PRELOAD", "LD_LIBRARY_PATH", "PYTHONSTARTUP", "PYTHONPATH", "PYTHONHOME", "LD_DEBUG"]
)
def test_a_cells_variables_reach_its_probes_and_not_the_supervisor(
    made: Environment, name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    value = {"LD_DEBUG": "statistics", "PYTHONHOME": str(Path(made.trusted).parent.parent)}.get(name, "/no/such.so")
    made.variables = {name: value}
    told = made.tell("hostile.about")
    assert told["hostile.about"]["value"]["environment"][name] == value
    assert capfd.readouterr().err == ""


def test_a_process_of_a_probe_is_the_environments_own_as_anybody_would_start_it(made: Environment) -> None:
    made.variables = {"A": "1", "PATH": "/cell"}
    about = made.tell("hostile.about", expected={"six": "1"})["hostile.about"]["value"]
    assert set(about["flags"].values()) == {0}
    assert (about["prefix"], about["path"]) == (str(made.folder), str(made.suite))
    assert not about["controls"], "a file was read that no probe of the plan is in"
    assert {"A": "1", "PATH": "/cell", "PYTHONDONTWRITEBYTECODE": "1"}.items() <= about["environment"].items()
    assert about["environment"].keys() - {"SUPERVISOR", "PWD", "SHLVL", "_", "OLDPWD", "LC_CTYPE"} == {
        "A", "PATH", "PYTHONDONTWRITEBYTECODE",
    }  # fmt: skip
