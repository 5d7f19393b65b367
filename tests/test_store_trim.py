from __future__ import annotations

from dataclasses import replace

import pytest
from builders import base, cell, failed, passed, ran

from orchestrator.model import Ended, Raised
from orchestrator.store import trim
from orchestrator.store.trim import redactor, trimmed

RAISED = Raised(type="ValueError", message="no", text='Traceback\n  File "/opt/venv/x.py"\nValueError: no\n')


PLAIN = redactor(())


def only(observation, redact=PLAIN):
    return next(o for o in trimmed(ran(cell(), observation), redact).observations if o.probe == observation.probe)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("see http://mirror.internal:8080/simple/keras/ for more", "see <http address> for more"),
        ("git+ssh://build@box/repo", "<git+ssh address>"),
        ("https://developers.google.com/protocol-buffers/docs", "https://developers.google.com/protocol-buffers/docs"),
        ("/home/ann/.keras/keras.json", "…/.keras/keras.json"),
        ("can't open '/root/x'", "can't open '…/x'"),
        ("/opt/venv/lib/python3.7/site-packages/keras/a.py", "/opt/venv/lib/python3.7/site-packages/keras/a.py"),
        ("written to /tmp/tmpab12cd34/model", "written to /tmp/…/model"),
        ("on buildbox17 at /srv/checkout/x", "on … at …/x"),
    ],
)
def test_what_tells_of_a_machine_goes_and_what_packages_say_stays(text, left):
    assert redactor(("buildbox17", "/srv/checkout", "vm", ""))(text) == left


def test_every_text_of_a_record_is_redacted_also_inside_values():
    raised = replace(RAISED, message="at buildbox17", text="at buildbox17")
    seen = replace(
        failed("surgeon.dense", raised, "call"),
        value={"buildbox17": ["on buildbox17", 1, None]},
        output="buildbox17",
        warnings=("buildbox17",),
        reason="buildbox17",
    )
    record = replace(ran(cell(), seen), detail="buildbox17", base=replace(base(), image="buildbox17:5000/base:1"))
    assert "buildbox17" not in repr(trimmed(record, redactor(["buildbox17"])))
    assert only(seen, redactor(["buildbox17"])).value == {"…": ["on …", 1, None]}


def test_a_long_traceback_keeps_its_beginning_and_its_end():
    text = "\n".join(f"line {n}" for n in range(100))
    lines = only(failed("surgeon.dense", replace(RAISED, text=text), "call")).exception.text.split("\n")
    assert lines[0] == "line 0"
    assert lines[-1] == "line 99"
    assert "60 lines left out" in lines[trim.HEAD_LINES]
    assert len(lines) == trim.TEXT_LINES + 1


def test_output_stays_only_where_something_went_wrong_and_for_controls():
    assert only(replace(passed("surgeon.dense"), output="x" * 5000)).output == ""
    died = replace(passed("surgeon.dense"), ended=Ended.SIGNAL, output="x" * 5000)
    assert len(only(died).output) == trim.OUTPUT
    assert only(replace(passed("control.passes"), output="x" * 5000 + "end")).output.endswith("end")


def test_keys_facts_and_the_machines_processor_are_gone():
    record = replace(
        ran(cell(), replace(passed("surgeon.dense"), key="k" * 32)),
        facts={"machine": {"platform": "x"}},
        environment_key="e",
        base=replace(base(), cpu_flags=("avx",)),
    )
    left = trimmed(record, redactor(()))
    assert (left.facts, left.environment_key, left.base.cpu_flags) == ({}, "", ())
    assert {o.key for o in left.observations} == {""}


def test_seconds_are_rounded_so_that_equal_results_are_equal():
    assert [trim.rounded(s) for s in (0.004, 0.26, 9.94, 31.978)] == [0.0, 0.3, 9.9, 32.0]
