from __future__ import annotations

import pytest
from fakes import BASE, FakeEngine

from orchestrator.errors import CellError, CellStatus
from orchestrator.model import Exit, Limits
from orchestrator.run import assemble


class Builder(FakeEngine):
    """Ends every builder task as `ending` says."""

    def run(self, reference, task, on_line):
        return self.ending()


def test_a_resolver_whose_engine_is_lost_answered_nothing():
    engine = Builder(ending=lambda: Exit(code=None, seconds=1.0, lost="the daemon does not answer"))
    with pytest.raises(CellError) as raised:
        assemble._in_builder(engine, BASE, Limits())(("uv",), ())
    assert (raised.value.status, raised.value.reason) == (CellStatus.INFRA, "engine")


def test_a_resolver_that_is_cut_off_by_its_limit_ran_out_of_time():
    engine = Builder(ending=lambda: Exit(code=137, seconds=1.0, timed_out=True))
    result = assemble._in_builder(engine, BASE, Limits())(("uv",), ())
    assert (result.code, result.timed_out) == (137, True)
