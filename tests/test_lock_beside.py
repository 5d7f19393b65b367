"""What package code beside a resolver may say, and trouble of an index that it may be taken for."""

from __future__ import annotations

from dataclasses import replace

from test_lock_strategies import BASE, SIX, TF, Calls, cell, failed, index, never, report, tools

from orchestrator.errors import CellStatus
from orchestrator.lock.strategies import lock
from orchestrator.lock.tools import Result

__all__ = ["index"]


def test_a_file_that_the_index_does_not_list_is_never_locked(index):
    forged = replace(SIX, filename="six-1.16.0-py3-none-any.whl")
    error = failed(index, never, Calls(report(TF, forged)), cell("pip-today"))
    assert (error.status, error.reason) == (CellStatus.INFRA, "index-mismatch")


def test_a_file_that_is_another_version_s_is_never_locked(index):
    error = failed(index, never, Calls(report(TF, replace(SIX, version="9.9"))), cell("pip-today"))
    assert (error.status, error.reason) == (CellStatus.INFRA, "index-mismatch")


def test_a_failure_while_the_index_was_in_trouble_is_no_finding(index):
    slept = []
    in_trouble = Result(code=1, stderr="ERROR: clash", trouble="six of x.example: HTTP 503 (1 times)")
    error = failed(index, never, Calls(in_trouble), cell("pip-today"), slept)
    assert (error.status, error.reason, len(slept)) == (CellStatus.INFRA, "resolver", 2)
    assert "HTTP 503" in error.detail


def test_an_answer_while_the_index_was_in_trouble_is_asked_for_again(index):
    half = replace(report(TF), trouble="six of x.example: HTTP 503 (1 times)")
    builder = Calls(half, report(TF, SIX))
    assert lock(cell("pip-today"), BASE, index, tools(never, builder)).version("six") == "1.15.0"
