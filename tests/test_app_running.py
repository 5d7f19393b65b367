"""The line as a whole: what stands in which table, what an earlier run leaves to a later one."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from command import PROBES, Engine, compat_fixture  # noqa: F401
from fakes import suite as suite_of

from orchestrator.errors import Phase, infra
from orchestrator.store.store import Store

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
SLICE = "tf=2.4.1 python=3.7 kerassurgeon=0.2.0 resolve=pip-today"


def documents(compat):
    return json.loads((compat.folder / "reports" / "latest" / "results.json").read_text())["cells"]


def test_results_of_the_local_engine_alone_answer_and_are_named_before_and_in_the_table(compat):
    compat.engine = Engine("local")
    status, out, _ = compat(f"run {SLICE}")
    assert status == 0
    assert out.startswith("local, NOT isolated (plain processes on this machine)")
    after = out[out.index("[1/1]") :]
    order = ["local, not isolated ·", "work on TensorFlow 2.4.1?   NO", "Results of the local engine, not isolated"]
    assert [after.index(part) for part in order] == sorted(after.index(part) for part in order)
    assert compat(f"table {SLICE}")[1] == out[out.index("\n\nlocal") + 1 :]
    (cell,) = json.loads(compat(f"export {SLICE}")[1])["cells"]
    assert (cell["engine"], cell["status"]) == ("local", "ran")
    assert "not isolated: plain processes, no container" in compat(f"show {SLICE}")[1]


def test_pins_that_only_the_local_engine_tried_say_so_and_its_nearest_is_its_own(compat):
    compat.engine = Engine("local")
    compat("run python=3.7 kerassurgeon=0.2.0")
    _, out, _ = compat(f"pins {SLICE.replace('2.4.1', '2.3.4')}")
    assert "# not isolated" in out
    status, _, err = compat(f"pins {SLICE}")
    assert status == 2
    assert "Nearest that works: tensorflow 2.3.4" in err


def test_where_both_engines_ran_containers_answer_and_each_has_a_table(compat):
    compat(f"run {SLICE}")
    compat.engine = Engine("local")
    _, out, _ = compat("run tf=2.4.1 python=3.7 kerassurgeon=0.2.0")
    after = out[out.index("[2/2]") :]
    assert "docker 99, isolated ·" in after
    assert after.index("tensorflow 2.4.1") < after.index("Results of the local engine, not isolated")
    assert after.count("+ kerassurgeon 0.2.0") == 2


def test_the_latest_reports_keep_what_the_local_engine_saw_of_other_cells(compat):
    compat.engine = Engine("local")
    compat("run tf=2.3.4 python=3.7")
    compat("run tf=2.4.1 python=3.7")
    assert [c["status"] for c in documents(compat)].count("ran") == 8


def test_what_an_engine_saw_is_not_reused_by_another(compat):
    compat(f"run {SLICE}")
    compat.engine = Engine("local")
    compat(f"run {SLICE}")
    assert len(compat.engine.started) == 1


def test_a_later_days_run_dates_what_it_did_not_see_and_only_that(compat):
    compat.today = NOW
    compat("run python=3.7")
    compat.today = NOW + timedelta(days=1)
    _, out, _ = compat(f"run {SLICE}")
    assert "old:" not in out
    _, out, _ = compat("table python=3.7 tf=2.4.1 kerassurgeon=0.2.0")
    assert "broken [1], old: 2026-11-20" in out
    assert out.count("old: 2026-11-20") == 1
    assert "old = seen by an earlier run, on that day" in out


def test_on_one_day_nothing_is_old(compat):
    compat.today = NOW
    compat("run python=3.7")
    compat.today = NOW + timedelta(hours=3)
    compat(f"run {SLICE}")
    assert "old:" not in compat("table")[1]


def test_infra_never_replaces_the_last_good_result(compat, monkeypatch):
    compat(f"run {SLICE}")

    def gone(*_arguments):
        raise infra(Phase.BUILD, "disk-full", "only 1.0 GB free")

    monkeypatch.setattr(compat.engine, "base", gone)
    status, out, _ = compat(f"run {SLICE}")
    assert status == 4
    assert "our fault, no finding: only 1.0 GB free" in out
    assert "work on TensorFlow 2.4.1?   NO" in out


def test_a_run_beside_another_is_refused_by_name(compat):
    with Store(root=compat.folder / ".compat").locked():
        status, _, err = compat(f"run {SLICE}")
    assert status == 2
    assert "another run is using" in err
    assert compat.engine.started == []


def test_a_range_that_the_index_does_not_answer_for_is_exit_4(compat):
    class Down:
        def files(self, package):
            raise infra(Phase.RESOLVE, "index", f"503 for {package}")

    matrix = compat.folder / "matrix.yaml"
    matrix.write_text(matrix.read_text().replace('["2.3.4", "2.4.1"]', '[{range: ">=2.3", take: newest-patch}]'))
    compat.index = Down()
    status, _, err = compat("table")
    assert (status, "503 for tensorflow" in err) == (4, True)


def test_prove_names_what_was_never_seen_to_fail_and_exits_1(compat, tmp_path):
    beside = tmp_path / "probes"
    beside.mkdir()
    compat.suite = suite_of(*PROBES, home=beside)
    status, out, _ = compat("prove tf=2.3.4 python=3.7 resolve=released")
    assert status == 1
    assert "tensorflow.fit: never seen to fail" in out
    assert "4 checks are unproven" in out
    assert f"proofs are stored in {beside / 'proofs.json'}" in out.replace("\n", "")
    assert set(json.loads((beside / "proofs.json").read_text())) >= {"tensorflow.fit", "surgeon.dense"}


def test_a_matrix_without_groups_says_that_nothing_is_checked(compat):
    matrix = compat.folder / "matrix.yaml"
    matrix.write_text(matrix.read_text().partition("groups:")[0])
    _, out, _ = compat(f"run {SLICE}")
    assert "The matrix lists no `groups` of probes: packages are installed and nothing is checked" in out


def test_what_the_index_alone_decided_is_shown_as_of_its_reading(compat):
    compat("run tf=2.4.1 python=3.9 kerassurgeon=none resolve=released")
    _, out, _ = compat("show tf=2.4.1 python=3.9 kerassurgeon=none resolve=released")
    assert "by the package index as of " in out
    assert "tried " not in out
