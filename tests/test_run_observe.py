"""What goes into a container with the suite, and who is believed that comes out of it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from fakes import BASE, FakeEngine, cell, lock_of, run_context, suite

from orchestrator.errors import CellError, CellStatus, Phase
from orchestrator.model import FIXED_VARIABLES, Axis, Cell, Choice, Exit, Limits, Prepared, Task
from orchestrator.run import keys
from orchestrator.run.observe import ProbeSession, observe

IMAGE = Prepared(
    key="k",
    reference="image",
    interpreter="/opt/venv/bin/python",
    trusted="/usr/bin/python3.9",
    built=False,
    environment=(("PATH", "/opt/venv/bin"), ("LD_LIBRARY_PATH", "/opt/cuda"), ("GLIBC_TUNABLES", "glibc.rtld=1")),
)


class Noting(FakeEngine):
    """Keeps the tasks it runs, and says in its first event what it is told to."""

    def __init__(self, hello: dict[str, object], *, isolated: bool = True) -> None:
        super().__init__(isolated=isolated)
        self.hello, self.tasks = hello, []

    def run(self, reference: str, task: Task, on_line) -> Exit:
        self.tasks.append(task)

        def said(line: bytes) -> None:
            event = json.loads(line)
            if event["event"] == "hello":
                event = {k: v for k, v in event.items() if k != "closed"} | self.hello
            on_line(json.dumps(event).encode())

        return super().run(reference, task, said)


def seen(folder: Path, engine: FakeEngine, of: Cell | None = None):
    listed = replace(suite("tensorflow.fit"), specs={"tensorflow.fit": {"kind": "check"}, "other.one": {}})
    shop = run_context(folder, engine, suite=listed)
    kept = []
    chosen = of or cell()
    session = ProbeSession(
        task=shop.task(chosen), lock=lock_of(chosen, BASE), prepared=IMAGE, probes=(listed.probes["tensorflow.fit"],)
    )
    observe(session, shop.worker, lambda o: kept.append(o) or o)
    return kept


def with_variables(*variables: tuple[str, str]) -> Cell:
    env = Choice(axis=Axis(name="env", kind="env"), name="made", variables=variables)
    return replace(cell(), choices=(*cell().choices, env))


@pytest.mark.parametrize("hello", [{}, {"closed": False, "open": "by a child"}, {"closed": 1}, {"closed": "true"}])
def test_where_an_engine_isolates_only_a_closed_supervisor_is_believed(tmp_path, hello):
    with pytest.raises(CellError) as raised:
        seen(tmp_path, Noting(hello))
    assert (raised.value.status, raised.value.phase, raised.value.reason) == (CellStatus.INFRA, Phase.START, "open")
    assert [o.probe for o in seen(tmp_path, Noting(hello, isolated=False))] == ["tensorflow.fit"]


def test_the_supervisor_runs_on_the_trusted_interpreter_with_nothing_of_the_environment(tmp_path):
    engine = Noting({"closed": True})
    seen(tmp_path, engine, with_variables(("PYTHONPATH", "/cell"), ("LD_PRELOAD", "/cell.so"), ("A", "1")))
    (task,) = engine.tasks
    assert task.command == ("/usr/bin/python3.9", "-I", "-S", "-B", "/probes/supervisor.py", "/probes/plan.json")
    assert task.environment == (("GLIBC_TUNABLES", ""), ("LD_LIBRARY_PATH", ""))
    plan = json.loads(dict(task.files)["plan.json"])
    assert plan["variables"] == {
        "A": "1", "GLIBC_TUNABLES": "glibc.rtld=1", "LD_LIBRARY_PATH": "/opt/cuda", "LD_PRELOAD": "/cell.so",
        "PYTHONPATH": "/cell",
    }  # fmt: skip
    assert plan["interpreter"] == "/opt/venv/bin/python"
    assert plan["site_packages"] == ["/opt/venv/lib/python3.9/site-packages"]
    assert plan["specs"] == {"tensorflow.fit": {"kind": "check"}}


@pytest.mark.parametrize("at", range(len(FIXED_VARIABLES)))
def test_every_variable_that_is_set_is_in_the_key(monkeypatch, at):
    def key() -> str:
        return keys.environment_key(cell(), lock_of(cell(), BASE), "image", FakeEngine(), Limits())

    before = key()
    name, _ = FIXED_VARIABLES[at]
    monkeypatch.setattr(keys, "FIXED_VARIABLES", (*FIXED_VARIABLES[:at], (name, "another"), *FIXED_VARIABLES[at + 1 :]))
    assert key() != before


def test_nothing_computes_in_more_than_one_thread_whatever_the_machine():
    threads = {value for name, value in FIXED_VARIABLES if "THREADS" in name}
    assert threads == {"1"}
