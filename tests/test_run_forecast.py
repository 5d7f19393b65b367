from __future__ import annotations

import pytest
from builders import DOCKER
from fakes import NOW, cell

from orchestrator.errors import CellError, CellStatus, Phase, infra
from orchestrator.model import CellRecord, Distribution, Lock, Strategy
from orchestrator.run import forecast as module
from orchestrator.run.forecast import Needed, forecast

BIG = {"big": Needed(size=100_000_000, kept=370_000_000)}
SMALL = {"small": Needed(size=1_000_000, kept=3_700_000)}


def no_wheel(_cell):
    raise CellError(Phase.RESOLVE, CellStatus.UNRESOLVABLE, "no-wheel", "tensorflow 2.4.1 has no wheel for Python 3.9")


def ahead(cells, preflight=lambda _cell: BIG, known=(), current=frozenset(), workers=1):
    return forecast(cells, preflight, {r.cell.id: r for r in known}, current, workers)


def record(of, status=CellStatus.RAN, run="run-1", seconds=30.0, **fields):
    return CellRecord(cell=of, status=status, engine=DOCKER, run=run, seconds=seconds, facts={"seconds": 1}, **fields)


def test_a_cell_whose_choice_has_no_file_needs_no_run_and_says_why():
    found = ahead([cell()], no_wheel)
    assert [(c, e.reason) for c, e in found.needless] == [(cell(), "no-wheel")]
    assert (found.cells, found.to_fetch, found.kept, found.seconds) == ((), 0, 0, 0)


def test_an_index_that_does_not_answer_is_not_a_missing_wheel():
    def broken(_cell):
        raise infra(Phase.RESOLVE, "index", "503")

    with pytest.raises(CellError, match="503"):
        ahead([cell()], broken)


def test_a_result_of_the_same_reading_and_suite_is_not_run_again():
    cells = [cell(), cell(tf="2.5.3")]
    found = ahead(cells, known=[record(cells[0])], current=frozenset({"run-1"}))
    assert (found.unchanged, found.cells) == ((cells[0],), (cells[1],))


@pytest.mark.parametrize(
    "known",
    [
        record(cell(), status=CellStatus.INFRA),
        record(cell(), status=CellStatus.UNAVAILABLE),
        record(cell(), run="run-0"),
    ],
    ids=["infra", "no such Python", "another reading"],
)
def test_trouble_a_lacking_python_and_results_of_another_reading_are_tried_again(known):
    assert ahead([cell()], known=[known], current=frozenset({"run-1"})).cells == (cell(),)


def test_a_file_that_several_cells_share_is_fetched_once_and_kept_unpacked():
    cells = [cell(), cell(resolve="pip-today")]
    found = ahead(cells)
    assert found.to_fetch == 100_000_000 + module.REST_TO_FETCH
    assert found.kept == int(100_000_000 * module.UNPACKED) + 2 * module.REST_KEPT


def test_what_an_earlier_lock_holds_is_not_fetched_again():
    lock = Lock(
        python="3.9",
        platform="p",
        device="cpu",
        strategy=Strategy.RELEASED,
        resolver="uv",
        cutoff=NOW,
        distributions=(Distribution(name="t", version="1", filename="t-1.whl", sha256="big"),),
    )
    assert ahead([cell()], known=[record(cell(tf="2.5.3"), lock=lock)]).to_fetch == 0


def test_small_files_do_not_count_alone():
    assert ahead([cell()], lambda _cell: SMALL).to_fetch == 0


def test_time_is_what_cells_took_here_before_shared_by_the_workers():
    cells = [cell(), cell(tf="2.5.3"), cell(tf="2.6.5")]
    assert ahead(cells).seconds == 3 * module.FIRST_SECONDS
    known = [record(cell(tf=v), seconds=s) for v, s in (("2.7.4", 10.0), ("2.8.4", 30.0), ("2.9.3", 500.0))]
    assert ahead(cells, known=known, workers=2).seconds == 45.0


def test_nothing_selected_takes_nothing():
    found = ahead([])
    assert (found.cells, found.seconds, found.kept) == ((), 0, 0)
