"""The supervisor as a real process: on this Python, and on the oldest there is (COMPAT_OLDEST_PYTHON or python3.7)."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from supervised import LIMITS, MODULES, PROBE_FILE, Told, copy_harness, oldest

Run = Callable[..., Told]


@pytest.fixture(params=["this", "oldest"])
def interpreter(request: pytest.FixtureRequest) -> str:
    found = sys.executable if request.param == "this" else oldest()
    if found is None:
        pytest.skip("no old Python: set COMPAT_OLDEST_PYTHON")
    return found


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    folder = tmp_path / "probes"
    folder.mkdir()
    copy_harness(folder)
    (folder / "fake.py").write_text(PROBE_FILE)
    (tmp_path / "modules").mkdir()
    for name, text in MODULES.items():
        (tmp_path / "modules" / f"{name}.py").write_text(textwrap.dedent(text))
    return folder


@pytest.fixture
def start(suite: Path, tmp_path: Path, interpreter: str) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    started: list[subprocess.Popen[bytes]] = []

    def go(*probes: str, limits: Mapping[str, float] = LIMITS, **plan: object) -> subprocess.Popen[bytes]:
        variables = {"NOTE": str(tmp_path / "note"), "PARENT": ""}
        content = {"probes": probes, "limits": limits, "expected": {}, "heartbeat_seconds": 0.2, "lanes": 3}
        path = tmp_path / "plan.json"
        path.write_text(json.dumps({**content, "variables": variables, **plan}))
        (tmp_path / "tmp").mkdir(exist_ok=True)
        process = subprocess.Popen(
            [
                "sh",
                "-c",
                'export SUPERVISOR=$$; exec "$@"',
                "sh",
                interpreter,
                "-I",
                "-S",
                str(suite / "supervisor.py"),
                str(path),
            ],
            stdout=subprocess.PIPE,
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(tmp_path / "modules"), "TMPDIR": str(tmp_path / "tmp")},
        )
        started.append(process)
        return process

    yield go
    for process in started:
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()


@pytest.fixture
def run(start: Callable[..., subprocess.Popen[bytes]]) -> Run:
    def go(*probes: str, **plan: object) -> Told:
        process = start(*probes, **plan)
        text, _ = process.communicate(timeout=60)
        return Told([json.loads(line) for line in text.splitlines()], process.returncode)

    return go


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def test_every_control_comes_out_as_it_says_it_must(run: Run, suite: Path, interpreter: str) -> None:
    asked = subprocess.run([interpreter, suite / "supervisor.py", "--catalogue"], capture_output=True, check=True)
    entries = [e for e in json.loads(asked.stdout)["probes"] if e["group"] == "control"]
    assert len(entries) == 7
    told = run(*(e["id"] for e in entries))
    for entry in entries:
        ended, wanted = told[entry["id"]], dict(entry["expects"])
        if entry["id"] == "control.exhausts_memory":
            assert (ended["ended"], ended["reason"]) == ("not-run", "engine: no memory limit is enforced")
            continue
        if "exception" in wanted:
            assert ended["exception"]["type"] == wanted.pop("exception")
        if "output_ends" in wanted:
            assert ended["output"].endswith(wanted.pop("output_ends"))
        assert {name: ended[name] for name in wanted} == wanted
        assert len(ended["output"]) <= 4000
        assert not ended["fresh"]


def test_the_stream_is_numbered_begins_with_hello_and_closes_with_bye(run: Run, interpreter: str) -> None:
    told = run("fake.passes", "fake.hangs")
    assert [e["seq"] for e in told.events] == list(range(len(told.events)))
    assert [e["event"] for e in told.events][:1] == ["hello"]
    assert told.events[-1]["event"] == "bye"
    assert told.events[-1]["probes"] == 2
    assert len(told.named("heartbeat")) >= 3
    assert sorted(e["t"] for e in told.events) == [e["t"] for e in told.events]
    assert told.code == 0


def test_nothing_is_left_behind_on_disk(run: Run, tmp_path: Path) -> None:
    run("fake.passes", "fake.exits")
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_failure_inside_the_subject_block_names_it_and_one_outside_does_not(run: Run) -> None:
    told = run("fake.raises_inside", "fake.raises_outside", "fake.without_subject")
    inside, outside, without = told["fake.raises_inside"], told["fake.raises_outside"], told["fake.without_subject"]
    assert (inside["ended"], inside["within"]) == ("raised", "fake.call")
    assert inside["exception"]["type"] == "json.decoder.JSONDecodeError"
    files = [frame["file"] for frame in inside["exception"]["frames"]]
    assert files[0] == "probes/fake.py"
    assert files[-1] == "<stdlib>/json/decoder.py"
    assert (outside["ended"], outside["within"], outside["exception"]["type"]) == ("raised", "", "KeyError")
    assert without["exception"]["type"] == "harness.NoSubject"


def test_a_behaviours_exception_is_its_value(run: Run) -> None:
    ended = run("fake.behaviour_raises")["fake.behaviour_raises"]
    assert (ended["ended"], ended["value"], ended["within"]) == ("returned", {"raised": "TypeError"}, "fake.call")
    assert ended["exception"]["message"] == "no"


def test_values_arrive_as_json_and_bounded(run: Run) -> None:
    told = run("fake.behaviour_values", "fake.big_value")
    assert told["fake.behaviour_values"]["value"] == {"a": [1, "nan"], "b": None}
    assert told["fake.big_value"]["exception"]["type"] == "events.BadValue"


def test_probes_can_read_the_locks_pins(run: Run) -> None:
    assert run("fake.pins", expected={"six": "1.16.0"})["fake.pins"]["value"] == '{"six": "1.16.0"}'


def test_a_skip_passes_through_the_probes_own_except(run: Run) -> None:
    ended = run("fake.skips")["fake.skips"]
    assert (ended["ended"], ended["reason"]) == ("skipped", "not before 2.4")


def test_python_warnings_are_recorded_up_to_twenty(run: Run) -> None:
    warned = run("fake.warns")["fake.warns"]["warnings"]
    assert len(warned) == 20
    assert warned[0].startswith("DeprecationWarning: number 0 (")


def test_warnings_of_loggers_that_the_plan_names_are_recorded_and_no_others(run: Run) -> None:
    told = run("fake.logs", loggers=["absl", "tensorflow"])
    assert told["fake.logs"]["warnings"] == ["tensorflow: this is deprecated"]
    assert run("fake.logs")["fake.logs"]["warnings"] == []


def test_a_need_is_met_by_the_distribution_that_the_plan_names_for_it(run: Run) -> None:
    """What is pinned and can't be imported is a failure of the import; what was never meant to be there is not run."""
    pins, named = {"left-pad": "1.0"}, {"not_there": ["left-pad"]}
    ended = run("fake.not_there", expected=pins, distributions=named)["fake.not_there"]
    assert (ended["phase"], ended["exception"]["type"]) == ("import", "ModuleNotFoundError")
    ended = run("fake.not_there", expected=pins)["fake.not_there"]
    assert (ended["ended"], ended["reason"]) == ("not-run", "needs:not_there")


def test_a_probe_that_closes_its_outputs_still_reports(run: Run) -> None:
    assert run("fake.closes_everything")["fake.closes_everything"]["ended"] == "returned"


def test_only_the_probe_itself_reports_not_a_process_it_forked(run: Run) -> None:
    ended = run("fake.forked_child_returns")["fake.forked_child_returns"]
    assert (ended["ended"], ended["exception"]) == ("returned", None)


def test_what_a_probe_leaves_running_is_killed(run: Run, tmp_path: Path) -> None:
    assert run("fake.leaves_processes")["fake.leaves_processes"]["ended"] == "returned"
    assert not alive(int((tmp_path / "note").read_text()))


def test_a_probe_that_forks_without_end_ends_and_the_next_is_unharmed(run: Run) -> None:
    told = run("fake.forks_without_end", "fake.passes")
    assert told["fake.forks_without_end"]["ended"] == "timeout"
    assert told["fake.passes"]["ended"] == "returned"


@pytest.mark.parametrize("probe", ["fake.kills_its_parent", "fake.stops_its_parent"])
def test_a_warm_parent_that_is_killed_or_stopped_is_replaced(run: Run, probe: str) -> None:
    told = run("fake.passes", probe, "fake.raises_inside", limits={**LIMITS, "probe_seconds": 3}, lanes=1)
    assert told[probe]["ended"] == "returned"
    assert told["fake.raises_inside"]["within"] == "fake.call"
    assert len([e for e in told.named("parent") if e["state"] == "ready"]) == 2


def test_a_death_is_repeated_in_a_fresh_process_and_that_counts(run: Run) -> None:
    told = run("fake.dies_only_when_forked", "fake.dies_always", "fake.exits", "fake.hangs")
    once, always = told["fake.dies_only_when_forked"], told["fake.dies_always"]
    assert (once["ended"], once["fresh"], once["first"]) == ("returned", True, "signal 11")
    assert (always["ended"], always["signal"], always["fresh"], always["first"]) == ("signal", 11, True, "signal 11")
    assert (told["fake.exits"]["exit_code"], told["fake.exits"]["first"]) == (7, "exit 7")
    assert (told["fake.hangs"]["ended"], told["fake.hangs"]["first"]) == ("timeout", "timeout")


@pytest.mark.parametrize("lanes", [1, 3])
def test_a_warm_parent_is_forked_from_one_that_has_imported_the_first_of_its_needs(run: Run, lanes: int) -> None:
    told = run("fake.passes", "fake.two_needs", "fake.raises_inside", "fake.two_needs_die", lanes=lanes)
    first, second = told.named("parent")
    assert (first["needs"], second["needs"]) == (["json"], ["json", "csv"])
    assert told["fake.two_needs"]["value"] == [first["pid"], second["pid"]]
    assert (told["fake.two_needs_die"]["ended"], told["fake.two_needs_die"]["first"]) == ("signal", "signal 11")
    assert told["fake.raises_inside"]["within"] == "fake.call"


def test_a_warm_parent_that_dies_takes_along_only_what_was_running_below_it(run: Run) -> None:
    told = run("fake.two_needs", "fake.passes", "fake.two_needs_kill", "fake.two_needs_too", lanes=1)
    assert told["fake.two_needs_too"]["ended"] == told["fake.two_needs_kill"]["ended"] == "returned"


def test_two_probes_of_one_warm_parent_run_at_a_time(run: Run) -> None:
    told = run("fake.meets", "fake.meets_too", lanes=2)
    assert [told[probe]["ended"] for probe in ("fake.meets", "fake.meets_too")] == ["returned", "returned"]
    assert len(told.named("parent")) == 1


def test_a_control_has_the_cell_to_itself(run: Run) -> None:
    told = run("fake.meets", "control.passes", "fake.meets_too", lanes=3)
    assert told["control.passes"]["ended"] == "returned"
    events = [(e["event"], e["probe"]) for e in told.named("started", "ended")]
    at = events.index(("started", "control.passes"))
    assert events[at + 1] == ("ended", "control.passes")
    assert ("ended", "fake.meets") in events[:at]


def test_light_probes_share_a_process_and_keep_what_they_print_apart(run: Run) -> None:
    told = run("fake.light_one", "fake.light_raises", "fake.light_two")
    assert told["fake.light_one"]["value"] == told["fake.light_two"]["value"]
    assert [told[p]["output"] for p in ("fake.light_one", "fake.light_two")] == ["one\n", "two\n"]
    assert (told["fake.light_raises"]["ended"], told["fake.light_raises"]["within"]) == ("raised", "fake.call")


def test_a_crash_among_light_probes_is_repeated_one_by_one(run: Run) -> None:
    told = run("fake.light_one", "fake.light_dies", "fake.light_two")
    assert (told["fake.light_dies"]["ended"], told["fake.light_dies"]["first"]) == ("signal", "signal 11")
    assert told["fake.light_one"]["ended"] == told["fake.light_two"]["ended"] == "returned"
    assert told["fake.light_one"]["value"] != told["fake.light_two"]["value"]


def test_sabotaged_light_probes_share_nothing(run: Run, suite: Path) -> None:
    (suite / "mutations.py").write_text("def apply(id):\n    return id\n")
    told = run("fake.light_one", "fake.light_two", mutate=True)
    assert told["fake.light_one"]["value"] != told["fake.light_two"]["value"]


@pytest.mark.parametrize(
    ("text", "ended", "raised"),
    [
        ("{'fake.raises_inside': ('json.loads', lambda original: lambda text: {})}", "returned", None),
        ("{'fake.raises_inside': ('json', None)}", "raised", "ModuleNotFoundError"),
        ("{'fake.raises_outside': ('json', None)}", "skipped", None),
    ],
)
def test_a_suite_says_in_a_dictionary_how_its_checks_are_sabotaged(
    run: Run, suite: Path, text: str, ended: str, raised: str | None
) -> None:
    (suite / "mutations_fake.py").write_text(f"MUTATIONS = {text}\n")
    found = run("fake.raises_inside", mutate=True)["fake.raises_inside"]
    assert (found["ended"], (found["exception"] or {}).get("type")) == (ended, raised)


def test_a_fresh_probe_runs_in_a_process_of_its_own(run: Run) -> None:
    told = run("fake.fresh")
    assert (told["fake.fresh"]["ended"], told["fake.fresh"]["fresh"]) == ("returned", True)
    assert told.named("parent") == []


@pytest.mark.parametrize("probe", ["fake.import_raises", "fake.import_raises_fresh"])
def test_an_import_that_raises_is_an_outcome_of_phase_import(run: Run, probe: str) -> None:
    told = run(probe, "fake.passes")
    ended = told[probe]
    assert (ended["ended"], ended["phase"], ended["within"]) == ("raised", "import", "import raises_on_import")
    assert ended["exception"]["message"] == "broken"
    assert "printed on import" in ended["output"]
    assert told["fake.passes"]["ended"] == "returned"


@pytest.mark.parametrize("probe", ["fake.import_dies", "fake.import_dies_fresh"])
def test_an_import_that_dies_harms_only_its_own_probes(run: Run, probe: str) -> None:
    told = run(probe, "fake.passes")
    ended = told[probe]
    assert (ended["ended"], ended["signal"], ended["phase"]) == ("signal", 11, "import")
    assert ended["within"] == "import dies_on_import"
    assert told["fake.passes"]["ended"] == "returned"


def test_an_import_that_hangs_times_out_in_phase_import(run: Run) -> None:
    told = run("fake.import_hangs", "fake.passes", limits={**LIMITS, "import_seconds": 2}, lanes=1)
    ended = told["fake.import_hangs"]
    assert (ended["ended"], ended["phase"], ended["within"]) == ("timeout", "import", "import hangs_on_import")
    assert [e["state"] for e in told.named("parent")] == ["failed", "failed", "ready"]


def test_a_package_the_cell_was_never_meant_to_have_is_not_run_one_that_is_pinned_fails(run: Run) -> None:
    ended = run("fake.not_there")["fake.not_there"]
    assert (ended["ended"], ended["reason"]) == ("not-run", "needs:not_there")
    ended = run("fake.not_there", expected={"not-there": "1.0"})["fake.not_there"]
    assert (ended["ended"], ended["exception"]["type"]) == ("raised", "ModuleNotFoundError")


def test_what_the_budget_does_not_reach_is_not_run(run: Run) -> None:
    told = run("fake.passes", "fake.sleeps", "fake.raises_inside", limits={**LIMITS, "cell_seconds": 2.5}, lanes=1)
    assert told["fake.passes"]["ended"] == "returned"
    for probe in ("fake.sleeps", "fake.raises_inside"):
        assert (told[probe]["ended"], told[probe]["reason"]) == ("not-run", "cell-budget")


def test_a_probe_file_that_can_not_be_imported_takes_only_its_own_probes_along(run: Run, suite: Path) -> None:
    (suite / "broken.py").write_text("import harness\nraise OSError('no')\n")
    told = run("broken.probe", "fake.passes")
    assert told["broken.probe"]["ended"] == "not-run"
    assert "broken.py: OSError: no" in told["broken.probe"]["reason"]
    assert told["fake.passes"]["ended"] == "returned"


def test_asked_to_end_it_ends_its_probes_too(start: Callable[..., subprocess.Popen[bytes]], tmp_path: Path) -> None:
    process = start("fake.hangs", limits={**LIMITS, "probe_seconds": 50})
    assert process.stdout
    while b"started" not in process.stdout.readline():
        pass
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    rest = process.stdout.read()
    assert process.wait(timeout=10) == 128 + signal.SIGTERM
    assert time.monotonic() - began < 5
    assert b"bye" not in rest
    assert list((tmp_path / "tmp").iterdir()) == []
