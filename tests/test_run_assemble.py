from __future__ import annotations

from dataclasses import replace

import pytest
from fakes import BASE, FakeEngine
from test_lock_libraries import on
from test_lock_strategies import SURGEON, TF, FakeIndex, cell, file

from orchestrator.errors import CellError, CellStatus
from orchestrator.model import Exit, Limits, Sources
from orchestrator.run import assemble
from orchestrator.run.forecast import Needed


class Builder(FakeEngine):
    """Ends every builder task as `ending` says."""

    def run(self, reference, task, on_line):
        return self.ending()


def test_a_resolver_whose_engine_is_lost_answered_nothing():
    engine = Builder(ending=lambda: Exit(code=None, seconds=1.0, lost="the daemon does not answer"))
    with pytest.raises(CellError) as raised:
        assemble.in_builder(engine, BASE, Limits())(("uv",), ())
    assert (raised.value.status, raised.value.reason) == (CellStatus.INFRA, "engine")


def test_a_resolver_that_is_cut_off_by_its_limit_ran_out_of_time():
    engine = Builder(ending=lambda: Exit(code=137, seconds=1.0, timed_out=True))
    result = assemble.in_builder(engine, BASE, Limits())(("uv",), ())
    assert (result.code, result.timed_out) == (137, True)


def test_a_resolver_that_answers_without_end_is_ended(monkeypatch):
    class Flooding(FakeEngine):
        def run(self, reference, task, on_line):
            for _ in range(100):
                on_line(b"x" * 100)
            return Exit(code=0, seconds=1.0)

    monkeypatch.setattr(assemble, "ANSWER_BYTES", 5000)
    with pytest.raises(CellError) as raised:
        assemble.in_builder(Flooding(), BASE, Limits())(("uv",), ())
    assert (raised.value.status, raised.value.reason) == (CellStatus.INFRA, "resolver-output")


@pytest.mark.parametrize("said", [{"oom_killed": True}, {"stderr": "OSError: [Errno 28] No space left on device"}])
def test_a_resolver_without_room_finds_nothing_out(said):
    engine = Builder(ending=lambda: Exit(code=1, seconds=1.0, **said))
    with pytest.raises(CellError) as raised:
        assemble.in_builder(engine, BASE, Limits())(("uv",), ())
    assert (raised.value.status, raised.value.reason) == (CellStatus.INFRA, "resolver-room")


def test_what_the_index_did_wrong_meanwhile_comes_along():
    engine = Builder(ending=lambda: Exit(code=1, seconds=1.0, trouble="HTTP 503"))
    assert assemble.in_builder(engine, BASE, Limits())(("uv",), ()).trouble == "HTTP 503"


def test_a_cell_s_cuda_wheels_count_in_what_it_needs_and_those_that_are_nowhere_do_not():
    cudart = replace(file("nvidia_cuda_runtime_cu11", "11.8.89"), size=1000)
    index = FakeIndex(tensorflow=[TF], kerassurgeon=[SURGEON], nvidia_cuda_runtime_cu11=[cudart])
    wheels = ("nvidia-cuda-runtime-cu11==11.8.89", "nvidia-cublas-cu11==9", "nvidia-cudnn-cu11")
    plain = assemble.chosen_files(cell("released"), index)
    with_cuda = assemble.chosen_files(on("cuda11.8", Sources(wheels=wheels)), index)
    assert {k: with_cuda[k] for k in with_cuda.keys() - plain.keys()} == {cudart.sha256: Needed(size=1000, kept=1600)}
    assert with_cuda.keys() > plain.keys()
