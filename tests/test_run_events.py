from __future__ import annotations

import json

import pytest

from orchestrator.errors import CellError, CellStatus, Phase
from orchestrator.model import Ended, Exit
from orchestrator.run.events import Collector, unfinished


def fed(*events: dict[str, object]) -> Collector:
    collector = Collector()
    for number, event in enumerate(events):
        collector.line(json.dumps({"seq": number, "t": 0.1} | event).encode())
    return collector


def ended(probe: str, **fields: object) -> dict[str, object]:
    return {"event": "ended", "probe": probe, "ended": "returned"} | fields


def test_a_whole_stream_gives_an_observation_per_probe_and_is_complete():
    collector = fed(
        {"event": "hello", "python": "3.9.2", "pid": 1},
        {"event": "parent", "needs": ["tensorflow"], "state": "ready", "seconds": 2.5},
        {"event": "started", "probe": "a.b", "fresh": False},
        {"event": "heartbeat"},
        ended("a.b", value=[1, 2], seconds=0.5, fresh=True, phase="import", warnings=["old"]),
        {"event": "bye", "probes": 1, "seconds": 3},
    )
    seen = collector.observations["a.b"]
    assert (seen.ended, seen.value, seen.seconds, seen.phase, seen.warnings) == (
        Ended.RETURNED,
        [1, 2],
        0.5,
        Phase.IMPORT,
        ("old",),
    )
    assert collector.complete
    assert not collector.running
    assert collector.hello == {"python": "3.9.2"}
    assert collector.parents == [{"needs": ["tensorflow"], "state": "ready", "seconds": 2.5}]


def test_starts_and_observations_are_told_at_once():
    told = []
    collector = Collector(on_start=lambda p: told.append(f"+{p}"), on_observation=lambda o: told.append(o.probe))
    for number, event in enumerate([{"event": "hello"}, {"event": "started", "probe": "a.b"}, ended("a.b")]):
        collector.line(json.dumps({"seq": number} | event).encode())
    assert told == ["+a.b", "a.b"]


@pytest.mark.parametrize(
    "event",
    [
        {"event": "hello"},
        {"event": "started", "probe": "a.unasked"},
        ended("a.unasked"),
        ended("a.done"),
        ended("a.b", value=["\ud800"]),
        ended("a.b", value=float("nan")),
        ended("a.b", value=float("inf")),
        ended("a.b", warnings="many"),
        ended("a.b", exit_code="0"),
        ended("a.b", exception={"type": "X"}),
        {"event": ["ended"]},
        {"event": "heartbeat", "seq": True},
        {"event": "heartbeat", "seq": 2.0},
        {"event": "heartbeat", "seq": "2"},
    ],
)
def test_what_the_supervisor_never_says_is_our_trouble_and_no_observation(event):
    seen = []
    collector = Collector(wanted=frozenset({"a.b", "a.done"}), on_observation=lambda o: seen.append(o.probe))
    for number, known in enumerate([{"event": "hello"}, ended("a.done")]):
        collector.line(json.dumps({"seq": number} | known).encode())
    with pytest.raises(CellError) as trouble:
        collector.line(json.dumps({"seq": 2} | event).encode())
    assert (trouble.value.status, trouble.value.reason) == (CellStatus.INFRA, "stream")
    assert seen == ["a.done"]


def test_nothing_comes_before_hello_and_nothing_after_bye():
    with pytest.raises(CellError, match="out of order"):
        fed(ended("a.b"))
    with pytest.raises(CellError, match="out of order"):
        fed({"event": "hello"}, {"event": "bye"}, ended("a.b"))


def test_what_only_we_say_of_an_observation_is_not_taken_from_the_stream():
    told = {"key": "forged", "dated": "2026-01-01T00:00:00Z", "reused_from": "run", "confirmed": "2 of 2"}
    seen = fed({"event": "hello"}, ended("a.b", **told)).observations["a.b"]
    assert (seen.key, seen.dated, seen.reused_from, seen.confirmed) == ("", None, "", "")


@pytest.mark.parametrize("line", [b"[" * 500_000, b'{"a":' * 100_000, b"x" * 1024 * 1024, b'{"seq": 1e999}'])
def test_a_line_of_any_size_or_depth_is_our_trouble_and_no_bug(line):
    with pytest.raises(CellError, match="not an event"):
        Collector().line(line)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"Segmentation fault",
        b"\xff\xfe",
        b"[]",
        b"null",
        b"{}",
        b'{"event": "hello"}',
        b'{"seq": 0, "event": "cake"}',
        b'{"seq": 0, "event": "ended", "probe": "a.b", "ended": "vanished"}',
        b'{"seq": 0, "event": "ended", "ended": "returned"}',
        b'{"seq": 0, "event": "ended", "probe": "a.b", "ended": "returned", "seconds": "long"}',
        b'{"seq": 0, "event": "started"}',
        b'{"seq": 0, "event": "started", "probe": 3}',
    ],
)
def test_a_line_that_is_not_the_supervisors_is_our_trouble(line):
    with pytest.raises(CellError) as trouble:
        Collector().line(line)
    assert (trouble.value.status, trouble.value.phase, trouble.value.reason) == (
        CellStatus.INFRA,
        Phase.COLLECT,
        "stream",
    )


@pytest.mark.parametrize("number", [0, 2, -1, "1", None])
def test_a_gap_or_a_repetition_in_the_sequence_means_that_something_is_lost(number):
    collector = fed({"event": "hello"})
    with pytest.raises(CellError, match="part of the stream is lost"):
        collector.line(json.dumps({"seq": number, "event": "heartbeat"}).encode())


@pytest.mark.parametrize(
    ("ended_as", "reason"),
    [
        (Exit(code=None, seconds=1, lost="connection reset"), "engine lost: connection reset"),
        (Exit(code=137, seconds=1, timed_out=True), "cell-budget"),
        (Exit(code=137, seconds=1, silent=True), "no output from the supervisor"),
        (Exit(code=137, seconds=1, oom_killed=True), "the supervisor itself ran out of memory"),
        (Exit(code=3, seconds=1), "the supervisor ended early (exit 3)"),
    ],
)
def test_what_a_cut_stream_did_not_report_is_not_run_and_says_what_cut_it(ended_as, reason):
    collector = fed({"event": "hello"}, ended("a.done"), {"event": "started", "probe": "a.begun", "fresh": False})
    rest = unfinished(collector, ("a.done", "a.begun", "a.waiting"), ended_as)
    assert [(o.probe, o.ended, o.phase, o.reason) for o in rest] == [
        ("a.begun", Ended.NOT_RUN, Phase.COLLECT, f"{reason}, while it ran"),
        ("a.waiting", Ended.NOT_RUN, Phase.COLLECT, reason),
    ]
