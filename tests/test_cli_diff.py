"""`compat diff` and `compat table --by` as a person types them."""

from __future__ import annotations

import json

import pytest
from command import compat_fixture  # noqa: F401

from orchestrator.cli.diff import words_of


def test_two_versions_are_compared_and_what_stops_is_named(compat):
    compat("run python=3.7")
    status, out, err = compat("diff tf=2.3.4 tf=2.4.1")
    assert (status, err) == (0, "")
    assert out.splitlines()[0] == "Held constant: everything except tf."
    assert "1 check stops passing" in out
    assert "surgeon.dense (in 2 of 2 pairs)" not in out
    assert "surgeon.dense: TypeError: no `__len__`" in out
    assert "\x1b" not in out


def test_common_selectors_narrow_both_sides(compat):
    compat("run python=3.7")
    _, out, _ = compat("diff tf=2.3.4 tf=2.4.1 resolve=released kerassurgeon=0.2.0")
    assert "1 pair of combinations compared" in out


def test_sides_may_be_ids_or_several_selectors(compat):
    compat("run python=3.7")
    common = {"kerassurgeon": "0.2.0", "python": "3.7", "resolve": "released"}
    left, right = (compat.id_of(tf=tf, **common) for tf in ("2.3.4", "2.4.1"))
    status, out, _ = compat(f"diff {left} {right} --json")
    assert status == 0
    assert json.loads(out)["stops"][0]["probe"] == "surgeon.dense"
    assert words_of("tf=2.3.4 python=3.7") == ("tf=2.3.4", "python=3.7")
    assert words_of("tensorflow >= 2.3 python!=3.7") == ("tensorflow >= 2.3", "python!=3.7")


def test_a_side_that_was_not_run_is_refused_with_the_command_that_runs_it(compat):
    compat("run tf=2.3.4 python=3.7")
    status, out, err = compat("diff tf=2.3.4 tf=2.4.1 resolve=released")
    assert (status, out) == (2, "")
    assert "tf=2.4.1 has no results (4 not run)" in err
    assert "Run it: compat run tf=2.4.1 resolve=released" in err


def test_a_side_that_can_not_be_installed_is_not_told_to_run(compat):
    compat("run")
    status, _, err = compat("diff python=3.7 python=3.9 tf=2.3.4")
    assert status == 2
    assert "no wheel" in err
    assert "Run it" not in err


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("diff tf=2.3.4", "Missing argument"),
        ("diff tf=2.3.4 tf=2.3.4", "the same cells"),
        ("diff tf=2.3.4 tf=2.3.4,2.4.1", "are on both sides"),
        ("diff tf=2.3.4 tf=9", "matches no choice"),
        ("diff tf tf=2.3.4", "did your shell"),
        ("diff cake=1 tf=2.3.4", "unknown axis"),
        ("diff tf=2.3.4 tf=2.4.1 resolve=pip-today python=3.9", "pip is tried on the oldest Python"),
        ("diff tf=2.3.4 ffff", "ffff"),
        ("table --by cake", "'cake' is not one of"),
        ("table --probe surgeon", "need --by"),
        ("table --by check --probe surgoen.dense", "Did you mean surgeon.dense?"),
        ("table --by behaviour", "the suite has no behaviour"),
    ],
)
def test_a_persons_mistake_is_a_message_and_exit_2(compat, line, said):
    status, out, err = compat(line)
    assert status == 2
    assert said in err
    assert "Traceback" not in out + err


def test_table_by_check_tells_which_outcome_from_which_version_on(compat):
    compat("run python=3.7")
    status, out, err = compat("table --by check kerassurgeon=0.2.0")
    assert (status, err) == (0, "")
    assert "   2.3: pass · 2.4: fail: TypeError\n" in out
    assert "environment.tensorflow" not in out
    assert "environment.tensorflow" in compat("table --by check kerassurgeon=0.2.0 --all")[1]
    assert "surgeon.dense" not in compat("table --by check kerassurgeon=0.2.0 --probe environment --all")[1]


def test_table_by_check_is_json_on_request_and_says_when_nothing_ran(compat):
    assert "no results yet" in compat("table --by check")[1]
    compat("run python=3.7")
    _, out, _ = compat("table --by check --json")
    dense = next(p for p in json.loads(out)["probes"] if p["id"] == "surgeon.dense")
    assert [run["value"] for run in dense["runs"]] == ["pass", "fail: TypeError"]


def test_diff_has_help_with_an_example(compat):
    status, out, _ = compat("diff --help")
    assert status == 0
    assert "compat diff tf=2.3.4 tf=2.15.1" in out.partition("Examples")[2]
