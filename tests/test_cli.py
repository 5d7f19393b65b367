"""Every command as a person types it, over a fake engine and index: what it prints, keeps and returns."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
from command import compat_fixture  # noqa: F401
from fakes import NOW
from rich.console import Console

from orchestrator.app import running
from orchestrator.app.services import of_host
from orchestrator.cli import run as run_command
from orchestrator.errors import Phase, infra
from orchestrator.model import Exit, Stored

DOCS = Path(__file__).parent.parent / "docs"
COMMANDS = ("table", "run", "plan", "show", "pins", "try", "export", "gc", "prove")


def test_run_says_what_it_takes_then_each_cell_then_the_answers(compat):
    status, out, err = compat("run")
    assert (status, err) == (0, "")
    order = [
        "docker 99, isolated · linux/amd64, CPU · KerasSurgeon on TensorFlow (matrix.yaml)",
        "12 combinations match. 4 need no run: tensorflow 2.3.4 has no wheel for Python 3.9",
        "8 to run: about",
        "Ctrl-C is safe.",
        "[8/8]",
        "Does KerasSurgeon 0.2.0 work on TensorFlow 2.3.4?   YES, on Python 3.7",
        "Does KerasSurgeon 0.2.0 work on TensorFlow 2.4.1?   NO",
        "broken in 2 of 2 combinations that could be judged · 1 no wheel",
        "Nearest that works: tensorflow 2.3.4",
        "[1] TypeError: no `__len__` · 1 check",
        "Not tried: GPU",
    ]
    places = [out.index(part) for part in order]
    assert places == sorted(places)
    assert not any(line.endswith(" ") for line in out.splitlines())


def test_cells_that_need_no_run_get_no_line_of_their_own(compat):
    status, out, _ = compat("run tf=2.4.1 python=3.9")
    assert status == 0
    assert "Nothing new to run." in out
    assert "Can't be installed: no wheel" in out
    assert "[1/" not in out
    assert compat.engine.started == []


def test_the_same_run_again_starts_no_container_and_says_so(compat):
    compat("run python=3.7")
    before = len(compat.engine.started)
    status, out, _ = compat("run python=3.7")
    assert status == 0
    assert "8 have results from this day's index already. Nothing new to run." in out
    assert "work on TensorFlow 2.4.1?   NO" in out
    assert "old:" not in out
    assert before == len(compat.engine.started) > 0


def test_run_writes_the_latest_reports_of_the_whole_plan(compat):
    compat("run tf=2.4.1 python=3.7")
    latest = compat.folder / "reports" / "latest"
    assert len(json.loads((latest / "results.json").read_text())["cells"]) == 12


@pytest.mark.parametrize("line", ["run --json tf=2.4.1", "table --json", "export --json tf=2.3.4", "export"])
def test_json_is_one_valid_document_and_nothing_else_on_standard_output(compat, line):
    compat("run python=3.7 tf=2.3.4")
    status, out, _ = compat(line)
    assert status == 0
    jsonschema.validate(json.loads(out), json.loads((DOCS / "results.schema.json").read_text()))


@pytest.mark.parametrize(("option", "file"), [("--schema", "matrix"), ("--results-schema", "results")])
def test_the_schemas_that_are_printed_are_those_in_docs(compat, option, file):
    status, out, _ = compat(f"export {option}")
    assert status == 0
    assert json.loads(out) == json.loads((DOCS / f"{file}.schema.json").read_text())


def test_a_single_probe_can_be_run_without_losing_what_was_known_of_the_others(compat):
    compat("run tf=2.4.1 python=3.7 resolve=released")
    compat.engine.started.clear()
    status, out, _ = compat("run tf=2.4.1 python=3.7 resolve=released --probe surgeon.dense")
    assert status == 0
    assert compat.engine.started == []
    assert "work on TensorFlow 2.4.1?   NO" in out
    compat("run tf=2.3.4 kerassurgeon=none python=3.7 resolve=released --probe tensorflow.fit")
    assert compat.engine.started == [("control.passes", "tensorflow.fit")]


def test_a_probe_that_is_none_is_refused_before_anything_starts(compat):
    status, _, err = compat("run tf=2.4.1 --probe surgon.dense")
    assert status == 2
    assert "groups: control, environment, surgeon, tensorflow" in err
    assert "Did you mean surgeon.dense?" in compat("run tf=2.4.1 --probe dense")[2]
    assert compat.engine.started == []


def test_try_runs_a_combination_that_no_matrix_lists(compat):
    status, out, _ = compat("try tensorflow==2.4.3 kerassurgeon==0.2.0 python=3.7")
    assert status == 0
    assert "Does KerasSurgeon 0.2.0 work on TensorFlow 2.4.3?   YES" in out
    assert len(compat.engine.started) == 1


def test_what_was_tried_without_being_in_a_matrix_can_be_looked_at_by_its_id(compat):
    compat("try tensorflow==2.4.3 kerassurgeon==0.2.0 python=3.7")
    (record,) = (compat.folder / ".compat" / "cells").glob("*/*.json")
    status, out, _ = compat(f"show {record.stem[:6]}")
    assert status == 0
    assert "tf=2.4.3" in out
    status, _, err = compat(f"run {record.stem[:6]}")
    assert status == 2
    assert "no cell id begins with" in err


def test_plan_starts_nothing_and_lists_rules_and_cells_only_when_asked(compat):
    status, out, _ = compat("plan")
    assert status == 0
    assert "4 combinations of the matrix are left out by rules: --rules lists them." in out
    assert "8 to run" in out
    assert "pip is tried on the oldest Python" not in out
    _, out, _ = compat("plan --rules --cells")
    assert "        4  pip is tried on the oldest Python" in out
    assert out.count("has no wheel for Python 3.9)") == 4
    assert compat.engine.started == []
    assert not (compat.folder / ".compat" / "runs").exists()


def test_table_shows_what_earlier_runs_found_and_runs_nothing(compat):
    status, out, _ = compat("table tf=2.4.1")
    assert status == 0
    assert "Unknown: not run" in out
    compat("run python=3.7")
    before = len(compat.engine.started)
    _, out, _ = compat("table tf=2.4.1")
    assert "broken [1]" in out
    assert len(compat.engine.started) == before


def test_table_fits_a_narrow_window(compat, monkeypatch):
    compat("run python=3.7")
    monkeypatch.setenv("COLUMNS", "40")
    _, out, _ = compat("table")
    assert max(len(line) for line in out.splitlines()) <= 40
    assert "   pip today: broken [1]" in out


def test_show_gives_the_evidence_by_id_and_by_selectors(compat):
    compat("run python=3.7")
    chosen = {"tf": "2.4.1", "kerassurgeon": "0.2.0", "python": "3.7", "resolve": "released"}
    name = compat.id_of(**chosen)
    status, out, _ = compat(f"show {name[:6]}")
    assert status == 0
    for part in (name, "tensorflow==2.4.1", f"compat show {name[:8]} --pins > pins.txt", "fail     surgeon.dense"):
        assert part in out
    assert compat("show " + " ".join(f"{k}={v}" for k, v in chosen.items()))[1] == out
    assert compat(f"show {name} --pins")[1] == "tensorflow==2.4.1\n"


def test_show_of_a_probe_gives_its_traceback_output_and_the_way_to_run_it_alone(compat):
    compat("run python=3.7")
    name = compat.id_of(tf="2.4.1", kerassurgeon="0.2.0", python="3.7", resolve="released")
    status, out, _ = compat(f"show {name[:6]} surgeon.dense")
    assert status == 0
    for part in (
        "TypeError: no `__len__`",
        "  | loading",
        "docker run",
        "/probes/harness/alone.py surgeon.dense /probes",
    ):
        assert part in out
    status, _, err = compat(f"show {name[:6]} surgeon.dens")
    assert (status, "Did you mean surgeon.dense?" in err) == (2, True)


def test_a_cell_named_too_loosely_is_listed_and_refused(compat):
    compat("run python=3.7")
    status, _, err = compat("show tf=2.4.1 python=3.7")
    assert status == 2
    assert "4 cells match tf=2.4.1 python=3.7" in err
    assert "Name one by its id." in err


def test_pins_of_a_working_cell_are_constraints_and_of_a_broken_one_are_refused_with_the_nearest(compat):
    compat("run python=3.7")
    common = {"kerassurgeon": "0.2.0", "python": "3.7", "resolve": "pip-today"}
    works, broken = (compat.id_of(tf=tf, **common) for tf in ("2.3.4", "2.4.1"))
    status, out, _ = compat(f"pins {works}")
    lines = out.splitlines()
    assert status == 0
    assert [line for line in lines if not line.startswith("# ")] == ["tensorflow==2.3.4"]
    status, out, err = compat(f"pins {broken}")
    assert (status, out) == (2, "")
    assert f"Its pins: compat pins {works[:8]}" in err


def test_gc_says_and_then_does(compat):
    compat.engine.stored = (Stored(reference="i", key="k", size=2_000_000_000, last_used=NOW),)
    status, out, _ = compat("gc --dry-run")
    assert (status, "would remove 1 cell image, 2.0 GB" in out, len(compat.engine.stored)) == (0, True, 1)
    assert "removed 1 cell image and 0 leftovers, 2.0 GB freed" in compat("gc")[1]
    assert compat.engine.stored == ()


# ---------------------------------------------------------------- exit codes


def test_fail_on_exits_1_only_when_a_verdict_of_this_run_matches(compat):
    assert compat("run python=3.7 --fail-on broken")[0] == 1
    assert compat("run python=3.7 tf=2.3.4 --fail-on broken --fail-on limited")[0] == 0


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("--nope", "No such option"),
        ("cake", "No such command"),
        ("run --engine", "requires an argument"),
        ("run --workers 0", "0 is not in the range"),
        ("run --fail-on cake", "'cake' is not one of"),
        ("run cake=1", "unknown axis 'cake'"),
        ("run tf", "did your shell treat >"),
        ("run tf=9.9", "9.9"),
        ("run tf=2.3.4 tf!=2.3.4", ""),
        ("run tf=", ""),
        ("run =", ""),
        ("table --as-of soon", "not a date"),
        ("table --as-of 0001-01-01T00:00+10:00", "not a date"),
        ("table --as-of 2999-01-01", "in the future"),
        ("table -m nowhere.yaml", "nowhere.yaml"),
        ("table -m .", ""),
        ("show", "Missing argument"),
        ("show ffffffff", "ffffffff"),
        ("show surgeon.dense", ""),
        ("pins ffff", ""),
        ("try", "Missing argument"),
        ("try tensorflow", "exact choices"),
        ("try tensorflow==2.4.1", "no Python given"),
        ("try tensorflow==2.4.1 python=4", "not a CPython minor"),
        ("export --cake", "No such option"),
    ],
)
def test_a_persons_mistake_is_a_message_and_exit_2_never_a_traceback(compat, line, said):
    status, out, err = compat(line)
    assert status == 2
    assert said in err
    assert err.strip()
    assert "Traceback" not in out + err
    assert compat.engine.started == []


def test_a_malformed_matrix_is_exit_2_with_its_place(compat):
    (compat.folder / "matrix.yaml").write_text(
        "schema: 1\ntitle: t\naxes: {tf: {package: tensorflow, choices: [2.10]}}\n"
    )
    status, _, err = compat("table")
    assert status == 2
    assert "matrix.yaml:3:" in err
    assert '"2.10"' in err


def test_a_named_engine_that_is_absent_is_exit_3_with_the_ways_on(compat, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{compat.folder}/none.sock")
    compat.services["engine"] = of_host(os.environ).engine
    status, _, err = compat("gc --engine docker")
    assert status == 3
    assert "--engine local" in err


def test_trouble_of_ours_is_exit_4_and_no_finding(compat):
    compat.engine.cut_after, compat.engine.ending = 2, lambda: Exit(code=None, seconds=1.0, lost="daemon gone")
    status, out, _ = compat("run tf=2.4.1 python=3.7 resolve=released")
    assert status == 4
    assert "our fault, no finding: daemon gone" in out
    assert "Unknown: our fault" in out


def test_when_no_base_can_be_had_that_is_said_plainly_and_exit_4(compat):
    (compat.folder / "matrix.yaml").write_text((compat.folder / "matrix.yaml").read_text().replace('"3.9"]', '"3.6"]'))
    status, out, _ = compat("try kerassurgeon==0.2.0 python=3.6")
    assert status == 4
    assert "bases.yaml has no base with Python 3.6" in out
    assert "Not tried: Python 3.6 (no such Python here), GPU" in out


def test_an_index_that_does_not_answer_before_the_run_is_exit_4_without_a_traceback(compat, monkeypatch):
    def down(*_arguments):
        raise infra(Phase.RESOLVE, "index", "the index said 503 for tensorflow")

    compat.index.files = down
    status, _, err = compat("run")
    assert status == 4
    assert "the index said 503 for tensorflow" in err


def test_an_interrupted_run_is_exit_130_and_says_what_was_kept(compat, monkeypatch):
    compat("run tf=2.3.4 python=3.7 resolve=released")

    def interrupted(*_arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(compat.engine, "run", interrupted)
    status, out, err = compat("run python=3.7")
    assert status == 130
    assert "results of 2 of 8 cells are saved" in out + err
    assert "Run the same command to resume." in out + err
    assert "nothing was run" not in out + err
    assert compat.engine.halted


def test_a_bug_gives_its_traceback(compat, monkeypatch):
    compat.services["suite"] = lambda *_: 1 / 0
    with pytest.raises(ZeroDivisionError):
        compat("table")


# ---------------------------------------------------------------- asking, pipes, help


def test_a_long_run_is_not_started_unasked_where_nobody_can_answer(compat, monkeypatch):
    monkeypatch.setattr(running, "ASK_CELLS", 3)
    status, _, err = compat("run python=3.7")
    assert status == 2
    assert "8 cells" in err
    assert "--yes" in err
    assert compat.engine.started == []
    assert compat("run python=3.7 --yes")[0] == 0


@pytest.mark.parametrize(("said", "status"), [("n\n", 130), ("y\n", 0), ("\n", 0)])
def test_a_long_run_asks_on_a_terminal(compat, monkeypatch, said, status):
    monkeypatch.setattr(running, "ASK_CELLS", 3)
    monkeypatch.setattr(run_command, "console", lambda **_: Console(file=io.StringIO(), force_terminal=True))
    monkeypatch.setattr("sys.stdin", io.StringIO(said))
    found, _, err = compat("run python=3.7")
    assert found == status
    assert "Start?" in err
    assert ("Stopped; nothing was run." in err) == (status == 130) == (compat.engine.started == [])


def test_a_reader_that_goes_away_is_no_error():
    command = [sys.executable, "-c", "from orchestrator.cli.main import main; main()", "export", "--schema"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as asked:
        asked.stdout.close()
        said = asked.stderr.read()
    assert (asked.returncode, said) == (0, b"")


@pytest.mark.parametrize("columns", [40, 80])
def test_help_fits_and_no_line_of_it_is_cut_off(compat, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    status, out, _ = compat("--help")
    assert status == 0
    assert all(name in out for name in COMMANDS)
    assert "..." not in out.partition("\n")[2]
    listed = out[out.index("Commands:") : out.index("Examples:")]
    assert max(len(line) for line in listed.splitlines()) <= max(50, columns)  # click's own least width


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example(compat, name):
    status, out, _ = compat(f"{name} --help")
    assert status == 0
    assert f"compat {name}" in out.partition("Example")[2]


def test_no_escape_codes_reach_a_pipe(compat):
    assert "\x1b" not in compat("run python=3.7")[1]
