"""One cell and many, with an engine that fails in every way one can."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest
from fakes import BASE, FakeEngine, altered, cell, lock_of, run_context

from orchestrator.errors import Attribution, CellError, CellStatus, Phase, infra
from orchestrator.model import Ended, Exit, Observation, Stored
from orchestrator.run.cells import run_cell
from orchestrator.run.confirm import changed, confirm, essence
from orchestrator.run.context import RunContext
from orchestrator.run.scheduler import in_order, run_cells


def test_a_cell_that_runs_is_recorded_with_every_probe(tmp_path):
    shop = run_context(tmp_path, FakeEngine(), "tensorflow.fit", "tensorflow.save")
    record = run_cell(cell(), shop)
    assert record.status is CellStatus.RAN
    assert {o.probe: o.ended for o in record.observations} == {
        "control.passes": Ended.RETURNED,
        "tensorflow.fit": Ended.RETURNED,
        "tensorflow.save": Ended.RETURNED,
    }
    assert shop.store.newest("fake") == {record.cell.id: record}


def test_the_same_cell_again_builds_nothing_and_starts_no_container(tmp_path):
    engine = FakeEngine()
    shop = run_context(tmp_path, engine)
    first = run_cell(cell(), shop)
    again = run_cell(cell(), altered(shop, run=replace(shop.run, id="run2")))
    assert len(engine.prepared) == len(engine.started) == 1
    assert [o.reused_from for o in again.observations] == ["run1", "run1"]
    assert [o.probe for o in again.observations] == [o.probe for o in first.observations]


def test_a_stream_cut_by_a_lost_engine_makes_the_cell_infra_and_keeps_what_was_seen(tmp_path):
    engine = FakeEngine(cut_after=5, ending=lambda: Exit(code=None, seconds=1.0, lost="connection reset"))
    shop = run_context(tmp_path, engine, "tensorflow.fit", "tensorflow.save")
    record = run_cell(cell(), shop)
    assert (record.status, record.reason) == (CellStatus.INFRA, "engine")
    engine.cut_after, engine.ending = None, lambda: Exit(code=0, seconds=1.0)
    run_cell(cell(), shop)
    assert engine.started[1] == ("tensorflow.save",)


def test_what_the_cell_budget_cut_off_is_missing_and_tried_again(tmp_path):
    engine = FakeEngine(cut_after=5, ending=lambda: Exit(code=137, seconds=1.0, timed_out=True))
    shop = run_context(tmp_path, engine, "tensorflow.fit", "tensorflow.save")
    record = run_cell(cell(), shop)
    assert record.status is CellStatus.RAN
    last = record.observations[-1]
    assert (last.ended, last.reason) == (Ended.NOT_RUN, "cell-budget")
    engine.cut_after = None
    run_cell(cell(), shop)
    assert engine.started[1] == ("tensorflow.save",)


def test_infra_never_replaces_the_last_good_record(tmp_path):
    engine = FakeEngine()
    shop = run_context(tmp_path, engine)
    good = run_cell(cell(), shop)

    def no_index(_cell, _base):
        raise infra(Phase.RESOLVE, "index", "503")

    later = replace(shop.run, id="run2", as_of=shop.run.as_of.replace(day=3))
    bad = run_cell(cell(), altered(shop, resolve=no_index, run=later))
    assert bad.status is CellStatus.INFRA
    assert shop.store.newest("fake") == {good.cell.id: good}
    assert run_cell(cell(), altered(shop, run=later)).status is CellStatus.RAN


def test_a_finding_that_there_is_no_lock_is_remembered_and_trouble_is_not(tmp_path):
    asked = []

    def clash(_cell, _base):
        asked.append("clash")
        raise CellError(
            Phase.RESOLVE, CellStatus.UNRESOLVABLE, "pins-clash", "a and b", attribution=Attribution.ENVIRONMENT
        )

    def trouble(_cell, _base):
        asked.append("trouble")
        raise infra(Phase.RESOLVE, "index", "503")

    shop = run_context(tmp_path, FakeEngine())
    for _ in range(2):
        assert run_cell(cell(), altered(shop, resolve=trouble)).reason == "index"
    for _ in range(2):
        record = run_cell(cell(), altered(shop, resolve=clash))
        assert (record.status, record.reason) == (CellStatus.UNRESOLVABLE, "pins-clash")
    assert asked == ["trouble", "trouble", "clash"]


def test_a_control_that_comes_out_wrong_makes_the_cell_infra(tmp_path):
    engine = FakeEngine(script=lambda name: {"ended": "raised" if name == "control.passes" else "returned"})
    record = run_cell(cell(), run_context(tmp_path, engine))
    assert (record.status, record.reason) == (CellStatus.INFRA, "control")
    assert "control.passes: expected" in record.detail


def test_a_line_that_is_no_event_makes_the_cell_infra(tmp_path):
    class Babbling(FakeEngine):
        def run(self, reference, task, on_line):
            on_line(b"hello there")
            return Exit(code=0, seconds=0.1)

    record = run_cell(cell(), run_context(tmp_path, Babbling()))
    assert (record.status, record.reason) == (CellStatus.INFRA, "stream")


def test_too_little_disk_stops_a_cell_before_it_builds(tmp_path):
    engine = FakeEngine(free=10**9)
    record = run_cell(cell(), run_context(tmp_path, engine, disk_floor=5 * 10**9))
    assert (record.status, record.reason) == (CellStatus.INFRA, "disk-full")
    assert "compat gc" in record.detail
    assert engine.prepared == []


def test_a_changed_result_is_repeated_and_says_how_often_it_came(tmp_path):
    engine = FakeEngine()
    shop = run_context(tmp_path, engine)
    run_cell(cell(), shop)
    engine.script = lambda name: (
        {"ended": "raised", "exception": {"type": "ValueError", "message": "no"}}
        if name == "tensorflow.fit"
        else {"ended": "returned"}
    )
    other = BASE.__class__(**{f: getattr(BASE, f) for f in BASE.__dataclass_fields__} | {"identity": "c" * 64})
    record = run_cell(cell(), altered(shop, base=lambda _python: other, run=replace(shop.run, id="run2")))
    assert {o.probe: o.confirmed for o in record.observations} == {"control.passes": "", "tensorflow.fit": "2 of 2"}
    assert engine.started[-1] == ("tensorflow.fit",)


def test_a_result_that_does_not_come_again_is_flaky_with_k_of_n():
    bad = Observation(probe="p", ended=Ended.SIGNAL, signal=11)
    good = Observation(probe="p", ended=Ended.RETURNED)
    settled = confirm(("p",), {"p": bad}, lambda _probes: {"p": good})
    assert settled["p"].ended is Ended.RETURNED
    assert settled["p"].confirmed == "2 of 3"


def test_absence_is_no_change():
    ran = Observation(probe="p", ended=Ended.RETURNED)
    absent = Observation(probe="p", ended=Ended.NOT_RUN, reason="cell-budget")
    assert changed({"p": absent}, {"p": ran}) == changed({"p": ran}, {"p": absent}) == ()
    assert essence(ran) != essence(absent)


def test_when_the_engine_is_lost_the_rest_is_infra_and_untried(tmp_path):
    engine = FakeEngine(cut_after=2, ending=lambda: Exit(code=None, seconds=1.0, lost="daemon gone"))
    cells = [cell(tf=f"2.{minor}.0") for minor in range(1, 6)]
    records = run_cells(cells, run_context(tmp_path, engine), workers=1)
    assert set(records) == {c.id for c in cells}
    assert {r.status for r in records.values()} == {CellStatus.INFRA}
    assert len(engine.started) == 1


def test_an_engine_that_is_lost_while_images_are_counted_stops_no_run(tmp_path):
    class Gone(FakeEngine):
        def images(self):
            raise infra(Phase.COLLECT, "daemon", "no answer")

    records = run_cells([cell()], run_context(tmp_path, Gone(), disk_budget=1), workers=1)
    assert {r.status for r in records.values()} == {CellStatus.RAN}


def test_what_an_interrupt_cut_off_leaves_no_record_and_keeps_its_observations(tmp_path):
    def stopped():
        shop.worker.stop.set()
        return Exit(code=None, seconds=1.0, lost="the run was stopped")

    shop = run_context(tmp_path, FakeEngine(cut_after=3, ending=stopped))
    record = run_cell(cell(), shop)
    assert record.status is CellStatus.INFRA
    assert shop.store.newest("fake") == {}
    kept = [msgspec.json.decode(p.read_bytes()) for p in (tmp_path / "store" / "observations").iterdir()]
    assert [o["probe"] for o in kept] == ["control.passes"]


def test_an_interrupt_halts_the_engine_and_goes_on(tmp_path):
    class Interrupted(FakeEngine):
        def run(self, reference, task, on_line):
            raise KeyboardInterrupt

    engine = Interrupted()
    with pytest.raises(KeyboardInterrupt):
        run_cells([cell()], run_context(tmp_path, engine), workers=1)
    assert engine.halted


def test_cells_with_a_subject_and_released_pins_come_first():
    cells = (cell(resolve="pip-today"), cell(resolve="released"), cell(subject="0.2.0"))
    assert [c.axes["kerassurgeon"] for c in in_order(cells)] == ["0.2.0", "none", "none"]
    assert [c.strategy for c in in_order(cells)] == ["released", "released", "pip-today"]


def test_a_long_run_keeps_cells_of_one_image_together_and_lets_pythons_take_turns():
    cells = tuple(
        cell(tf=tf, python=python, resolve=resolve)
        for resolve in ("released", "pip-today")
        for tf in ("2.3.4", "2.4.1", "2.5.3", "2.6.5")
        for python in ("3.7", "3.9", "3.11", "3.13")
    )
    found = in_order(cells)
    assert len(found) == len(cells) == 32
    assert [c.python for c in found[:4]] == ["3.7", "3.9", "3.11", "3.13"]
    column = [(c.axes["tf"], c.strategy) for c in found if c.python == "3.9"]
    assert column[:2] == [("2.3.4", "released"), ("2.3.4", "pip-today")]


def test_downloads_are_given_up_before_a_cell_is_for_want_of_disk(tmp_path):
    engine = FakeEngine(free=10**9, downloads=30 * 10**9)
    record = run_cells([cell()], run_context(tmp_path, engine, disk_floor=3 * 10**9), workers=1).popitem()[1]
    assert record.status is CellStatus.RAN
    assert engine.downloads == 0


def images_of(shop: RunContext, *keys: str) -> tuple[Stored, ...]:
    """An image of 5 GB for each key, the first one used longest ago."""
    return tuple(
        Stored(reference=key, key=key, size=5 * 10**9, last_used=shop.run.started.replace(day=day))
        for day, key in enumerate(keys, start=1)
    )


def test_where_downloads_are_not_enough_images_that_no_cell_is_at_make_room(tmp_path):
    engine = FakeEngine(free=2 * 10**9)
    shop = run_context(tmp_path, engine, disk_floor=9 * 10**9)
    engine.stored = images_of(shop, "busy", "oldest", "older", "newest")
    shop.worker.in_use["another cell"] = "busy"
    record = run_cells([cell()], shop, workers=1).popitem()[1]
    assert record.status is CellStatus.RAN
    assert [image.reference for image in engine.stored] == ["busy", "newest"]


def test_no_image_makes_room_where_nothing_is_to_be_built(tmp_path):
    own = run_cell(cell(), run_context(tmp_path / "earlier", FakeEngine())).image_key
    engine = FakeEngine(free=4 * 10**9)
    shop = run_context(tmp_path, engine, disk_floor=3 * 10**9)
    engine.stored = images_of(shop, "older", own)
    assert run_cell(cell(), shop).status is CellStatus.RAN
    assert [image.reference for image in engine.stored] == ["older", own]


def test_images_over_the_budget_are_evicted_least_recently_used_first(tmp_path):
    engine = FakeEngine()
    shop = run_context(tmp_path, engine, disk_budget=150)
    for number, minor in enumerate((1, 2)):
        chosen = cell(tf=f"2.{minor}.0")
        key = shop.worker.recipe(lock_of(chosen, BASE), BASE, ()).key
        engine.stored += (
            Stored(reference=f"i{minor}", key=key, size=100, last_used=shop.run.started.replace(day=number + 1)),
        )
    run_cells([cell(tf="2.1.0"), cell(tf="2.2.0")], shop, workers=1)
    assert [image.reference for image in engine.stored] == ["i2"]


def test_the_memory_control_sits_in_a_small_container_of_its_own(tmp_path):
    memory = []

    class Noting(FakeEngine):
        def run(self, reference, task, on_line):
            memory.append(task.limits.memory)
            return super().run(reference, task, on_line)

    engine = Noting()
    run_cell(cell(), run_context(tmp_path, engine, "control.exhausts_memory", "tensorflow.fit"))
    assert engine.started == [("control.exhausts_memory",), ("control.passes", "tensorflow.fit")]
    assert memory[0] < memory[1]


def test_images_of_earlier_runs_are_evicted_too_and_one_in_use_never(tmp_path):
    engine = FakeEngine()
    shop = run_context(tmp_path, engine, disk_budget=100)
    engine.stored = tuple(
        Stored(reference=name, key=name, size=100, last_used=shop.run.started.replace(day=day))
        for day, name in enumerate(("busy", "earlier"), start=1)
    )
    shop.worker.in_use["another cell"] = "busy"
    run_cells([cell()], shop, workers=1)
    assert [image.reference for image in engine.stored] == ["busy"]
