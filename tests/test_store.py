"""Records on disk: whole or not there, and never a zero for what can't be read."""

from __future__ import annotations

import pytest
from fakes import NOW, FakeEngine, cell, run_context
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.errors import UserError
from orchestrator.model import Ended, Frame, Observation, Raised
from orchestrator.run.cells import run_cell
from orchestrator.store.store import Store

TEXT = st.text(max_size=40)


@given(st.lists(st.tuples(TEXT, TEXT, TEXT), max_size=6))
def test_observations_come_back_as_they_went_in(tmp_path_factory, raw):
    store = Store(root=tmp_path_factory.mktemp("store"))
    written = {}
    for number, (message, output, value) in enumerate(raw):
        raised = Raised(type="T", message=message, frames=(Frame(file="f", line=1, function="g"),))
        seen = Observation(
            probe="p", ended=Ended.RAISED, exception=raised, output=output, value={"v": value}, key=str(number)
        )
        store.observe("env", seen)
        written[str(number)] = seen
    assert store.observations("env") == written


def test_a_last_line_torn_by_a_kill_is_dropped_and_the_next_one_is_whole(tmp_path):
    store = Store(root=tmp_path)
    first = Observation(probe="a", ended=Ended.RETURNED, key="1")
    store.observe("env", first)
    path = tmp_path / "observations" / "env.jsonl"
    path.write_bytes(path.read_bytes() + b'{"probe":"b","end')
    assert store.observations("env") == {"1": first}
    second = Observation(probe="c", ended=Ended.RETURNED, key="2")
    store.observe("env", second)
    assert store.observations("env") == {"1": first, "2": second}


def test_a_damaged_line_is_an_error_with_its_path_and_number(tmp_path):
    store = Store(root=tmp_path)
    for key in "12":
        store.observe("env", Observation(probe="a", ended=Ended.RETURNED, key=key))
    path = tmp_path / "observations" / "env.jsonl"
    path.write_bytes(b"not json\n" + path.read_bytes())
    with pytest.raises(UserError, match=r"env\.jsonl:1: this record can't be read"):
        store.observations("env")


def test_a_damaged_cell_record_is_an_error_with_its_path(tmp_path):
    shop = run_context(tmp_path, FakeEngine())
    record = run_cell(cell(), shop)
    path = shop.store.root / "cells" / "fake" / f"{record.cell.id}.json"
    path.write_bytes(path.read_bytes().replace(b'"ran"', b'"walked"'))
    with pytest.raises(UserError, match="can't be read"):
        shop.store.newest("fake")


def test_runs_come_back_oldest_first(tmp_path):
    shop = run_context(tmp_path, FakeEngine())
    shop.store.begin(shop.run)
    assert shop.store.runs() == (shop.run,)
    assert shop.run.started == NOW
