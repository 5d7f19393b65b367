"""Records of every schema number: read into the same values, and refused with a reason where they can't be."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass, fields, replace

import msgspec
import pytest
import record_samples as samples
from command import compat_fixture  # noqa: F401

from orchestrator.errors import CellStatus, ExitCode, UserError
from orchestrator.model import (
    Axis,
    Base,
    Cell,
    CellRecord,
    Choice,
    Distribution,
    Ended,
    EngineId,
    Frame,
    Libraries,
    Lock,
    Observation,
    Probe,
    Raised,
    RunInfo,
    Sources,
)
from orchestrator.store import migrations, records
from orchestrator.store.migrations import SCHEMA, STEPS, RecordKind
from orchestrator.store.publication import PlanSnapshot
from orchestrator.store.records import Audit, Form, LockResult
from orchestrator.store.store import Store

NUMBERS = range(SCHEMA + 1)
NUMBERED = b'"schema":%d' % SCHEMA


def kept(number):
    return Store(root=samples.FOLDER / str(number) / "store")


# ---------------------------------------------------------------- kept samples


@pytest.mark.parametrize("number", NUMBERS)
def test_a_kept_sample_of_every_number_reads_into_the_same_values(number):
    store = kept(number)
    assert store.newest("docker") == {r.cell.id: r for r in (samples.RECORD, samples.TROUBLE)}
    assert store.record("docker", samples.CELL.id) == samples.RECORD
    assert store.runs()[-1] == samples.RUN
    assert store.snapshot() == samples.KNOWN
    assert store.lock("found") == LockResult(lock=samples.LOCK)
    assert store.lock("none") == samples.NO_LOCK
    assert store.audit("look") == samples.LOOK
    assert store.observations("environment") == {o.key: o for o in (samples.SEEN, samples.PASSED)}


@pytest.mark.parametrize("number", NUMBERS)
def test_a_cell_that_ran_on_the_fake_engine_reads_as_it_did_then(number):
    (record,) = kept(number).newest("fake").values()
    assert record.status is CellStatus.RAN
    assert record.cell.axes == {"tf": "2.4.1", "kerassurgeon": "none", "python": "3.9", "resolve": "released"}
    assert [(o.probe, o.ended) for o in record.observations] == [
        (name, Ended.RETURNED) for name in ("control.passes", "tensorflow.fit", "tensorflow.save")
    ]
    seen = kept(number).observations(record.environment_key)
    assert seen == {o.key: replace(o, reused_from="run1") for o in record.observations}
    assert record.lock.pins == ("tensorflow==2.4.1",)


def test_every_file_names_its_number_and_its_kind(tmp_path):
    samples.write_store(tmp_path)
    kinds = set()
    for path in tmp_path.rglob("*.json*"):
        for line in path.read_bytes().splitlines():
            held = msgspec.json.decode(line)
            assert list(held)[:2] == ["schema", "record"]
            assert held["schema"] == SCHEMA
            kinds.add(held["record"])
    assert kinds == set(RecordKind) - {RecordKind.EVIDENCE}


WHOLE = (
    "plan.json",
    "locks/found.json",
    "locks/none.json",
    "audits/look.json",
    "observations/environment.jsonl",
    f"cells/docker/{samples.CELL.id}.json",
    f"cells/docker/{samples.PLAIN.id}.infra.json",
    f"runs/{samples.RUN.id}/run.json",
)


@pytest.mark.parametrize("path", WHOLE)
def test_what_is_written_now_says_all_that_the_kept_sample_of_this_number_says(tmp_path, path):
    samples.write_store(tmp_path)
    now, then = (
        [msgspec.json.decode(line) for line in (root / path).read_bytes().splitlines()]
        for root in (tmp_path, samples.FOLDER / str(SCHEMA) / "store")
    )
    assert samples.says_all_of(now, then), (
        "a field was renamed, removed or changed: that takes a new number (docs/records.md)"
    )


# ---------------------------------------------------------------- the format and the model

PAIRS = (
    (Axis, records.AxisOnDisk, set()),
    (Sources, records.SourcesOnDisk, set()),
    (Choice, records.ChoiceOnDisk, set()),
    (Cell, records.CellOnDisk, {"id"}),
    (Distribution, records.DistributionOnDisk, set()),
    (Libraries, records.LibrariesOnDisk, set()),
    (Lock, records.LockOnDisk, set()),
    (LockResult, records.LockResultOnDisk, set()),
    (Base, records.BaseOnDisk, set()),
    (Frame, records.FrameOnDisk, set()),
    (Raised, records.RaisedOnDisk, set()),
    (Observation, records.ObservationOnDisk, set()),
    (Audit, records.AuditOnDisk, set()),
    (CellRecord, records.CellRecordOnDisk, set()),
    (EngineId, records.EngineOnDisk, set()),
    (RunInfo, records.RunOnDisk, set()),
    (PlanSnapshot, records.PlanOnDisk, set()),
    (Probe, records.ProbeOnDisk, set()),
)


@pytest.mark.parametrize(("model", "disk", "derived"), PAIRS)
def test_no_field_of_the_model_is_left_out_on_disk(model, disk, derived):
    assert {f.name for f in fields(model)} - derived == set(disk.__struct_fields__)
    assert not {"schema", "record"} & set(disk.__struct_encode_fields__)


def test_a_field_that_the_model_renames_keeps_its_name_on_disk():
    @dataclass(frozen=True)
    class Renamed:
        now: str

    class OnDisk(msgspec.Struct):
        now: str = msgspec.field(name="once")

    form = Form(RecordKind.OBSERVATION, Renamed, OnDisk)
    assert b'"once":"x"' in records.encode(form, Renamed(now="x"))
    assert records.decode(form, b'{%s,"record":"observation","once":"x"}' % NUMBERED) == Renamed(now="x")


def test_a_field_that_this_version_does_not_know_is_no_reason_to_refuse_a_record():
    line = records.encode(records.OBSERVATION, samples.PASSED).replace(b'"probe":"', b'"added":1,"probe":"')
    assert records.decode(records.OBSERVATION, line) == samples.PASSED


# ---------------------------------------------------------------- migrations


def test_steps_are_taken_in_order_from_the_number_of_a_file_to_the_newest():
    steps = {
        1: {RecordKind.RUN: lambda held: held | {"as": held.pop("a")}},
        0: {RecordKind.RUN: lambda held: held | {"a": held["zero"]}, RecordKind.LOCK: lambda held: held},
        2: {RecordKind.LOCK: lambda held: held},
        3: {RecordKind.RUN: lambda held: held | {"as": held["as"] * 2}},
    }
    taken = migrations.between(RecordKind.RUN, 0, steps)
    assert migrations.migrated({"zero": 3}, taken) == {"zero": 3, "as": 6}
    assert migrations.migrated({"a": 1}, migrations.between(RecordKind.RUN, 1, steps)) == {"as": 2}
    assert len(migrations.between(RecordKind.LOCK, 1, steps)) == 1
    assert migrations.between(RecordKind.PLAN, 0, steps) == ()


def test_a_step_that_trips_over_a_foreign_file_says_that_it_is_one():
    with pytest.raises(ValueError, match="it is not a valid record: KeyError"):
        migrations.migrated({}, (lambda held: held["gone"],))


def test_there_are_steps_from_each_earlier_number_and_a_sample_of_each():
    assert sorted(STEPS) == list(range(SCHEMA))
    assert {p.name for p in samples.FOLDER.iterdir()} == {str(n) for n in NUMBERS}


def test_lines_of_different_numbers_stand_in_one_file_of_observations(tmp_path):
    path = tmp_path / "observations" / "env.jsonl"
    path.parent.mkdir()
    path.write_bytes((samples.FOLDER / "0" / "store" / "observations" / "environment.jsonl").read_bytes())
    added = replace(samples.PASSED, key="added")
    Store(root=tmp_path).observe("env", added)
    assert list(Store(root=tmp_path).observations("env").values()) == [samples.SEEN, samples.PASSED, added]


# ---------------------------------------------------------------- what can't be read

FILES = {
    f"cells/docker/{samples.CELL.id}.json": (lambda s: s.newest("docker"), lambda s: s.save(samples.RECORD)),
    f"cells/docker/{samples.PLAIN.id}.infra.json": (lambda s: s.newest("docker"), lambda s: s.save(samples.TROUBLE)),
    f"runs/{samples.RUN.id}/run.json": (Store.runs, lambda s: s.begin(samples.RUN)),
    "plan.json": (Store.snapshot, lambda s: s.save_snapshot(samples.KNOWN)),
    "locks/found.json": (lambda s: s.lock("found"), lambda s: s.save_lock("found", samples.NO_LOCK)),
    "audits/look.json": (lambda s: s.audit("look"), lambda s: s.save_audit("look", samples.LOOK)),
}
DAMAGE = {
    "empty": (lambda _: b"", "it is empty"),
    "cut off": (lambda whole: whole[:-20], "it is cut off"),
    "binary": (lambda _: bytes(range(256)), "JSON is malformed"),
    "zeros": (lambda whole: bytes(len(whole)), "JSON is malformed"),
    "text": (lambda _: b"notes of mine\n", "JSON is malformed"),
    "a list": (lambda _: b"[1]\n", "it is not a valid record: Expected `object`, got `array`"),
    "another document": (lambda _: b'{"name": "x"}', "it has no schema number, and no `"),
    "a numbered document": (lambda _: b'{%s, "cells": []}' % NUMBERED, "a record of unstated kind, where"),
    "another record": (lambda _: records.encode(records.OBSERVATION, samples.SEEN), "a record of `observation`, where"),
    "values of other types": (
        lambda whole: re.sub(rb'(?<!"record)":"', b'":[1],"x":"', whole),
        "it is not a valid record: Expected `",
    ),
    "not UTF-8": (lambda whole: whole.replace(b'"record":"', b'"record":"\xff'), "it is not valid UTF-8"),
    "nested": (lambda _: b'{"a":' + b"[" * 100_000, "it is nested too deeply"),
    "no such number": (lambda whole: whole.replace(NUMBERED, b'"schema":-1'), "schema number -1, which does not exist"),
}


def damaged(tmp_path, name, change):
    shutil.copytree(samples.FOLDER / str(SCHEMA) / "store", tmp_path, dirs_exist_ok=True)
    path = tmp_path / name
    path.write_bytes(change(path.read_bytes()))
    return path, path.read_bytes()


# what an inspection saw is its own to read, and to refuse
READ_HERE = [(n, d) for n in FILES for d in DAMAGE if (n, d) != ("audits/look.json", "values of other types")]


@pytest.mark.parametrize(("name", "damage"), READ_HERE)
def test_a_torn_or_foreign_file_is_an_error_with_its_path_and_stays_as_it_is(tmp_path, name, damage):
    change, reason = DAMAGE[damage]
    path, content = damaged(tmp_path, name, change)
    for use in FILES[name]:
        with pytest.raises(UserError) as error:
            use(Store(root=tmp_path))
        assert str(path) in error.value.message
        assert reason in error.value.message
        assert "The file was not changed. Move it away" in error.value.hint
        assert error.value.code is ExitCode.USAGE
        assert path.read_bytes() == content


@pytest.mark.parametrize("name", FILES)
def test_a_newer_number_is_refused_with_what_to_do_and_stays_as_it_is(tmp_path, name):
    path, content = damaged(
        tmp_path, name, lambda w: w.replace(NUMBERED + b',"record":"', b'"schema":777,"record":"new')
    )
    for use in FILES[name]:
        with pytest.raises(UserError) as error:
            use(Store(root=tmp_path))
        said = (
            f"{path}: this record can't be read: it has schema number 777, and this version of compat-matrix reads 0 to"
        )
        assert error.value.message.startswith(said)
        assert "Install a newer compat-matrix" in error.value.hint
        assert path.read_bytes() == content


@pytest.mark.parametrize("held", [b"{}", b'{"lock":null,"status":null,"reason":"","detail":"","attribution":""}'])
def test_an_empty_answer_is_not_taken_for_there_being_no_lock(tmp_path, held):
    (tmp_path / "locks").mkdir()
    (tmp_path / "locks" / "key.json").write_bytes(held)
    with pytest.raises(UserError, match=r"locks/key\.json"):
        Store(root=tmp_path).lock("key")


def test_trouble_that_cant_be_read_is_not_removed_by_a_good_result(tmp_path):
    store = Store(root=tmp_path)
    path = tmp_path / "cells" / "docker" / f"{samples.CELL.id}.infra.json"
    path.parent.mkdir(parents=True)
    path.write_text("mine")
    with pytest.raises(UserError, match=r"infra\.json"):
        store.save(samples.RECORD)
    assert path.read_text() == "mine"
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_a_folder_where_a_file_should_be_is_an_error_with_its_path(tmp_path):
    (tmp_path / "plan.json").mkdir()
    with pytest.raises(UserError, match=r"plan\.json: this record can't be read: Is a directory"):
        Store(root=tmp_path).snapshot()


# ---------------------------------------------------------------- observations


def observations(tmp_path, content):
    path = tmp_path / "observations" / "env.jsonl"
    path.parent.mkdir()
    path.write_bytes(content)
    return Store(root=tmp_path), path


LINE = records.encode(records.OBSERVATION, samples.PASSED)


@pytest.mark.parametrize("torn", [b"", b"{", b'{"sch', LINE[:40], LINE[:-1], b'{"probe":"a","ended":"ret', b'{"pro'])
def test_what_a_killed_run_left_of_a_last_line_is_no_error_and_makes_room_for_the_next(tmp_path, torn):
    store, path = observations(tmp_path, LINE + torn)
    assert list(store.observations("env").values()) == [samples.PASSED]
    store.observe("env", replace(samples.PASSED, key="next"))
    assert len(store.observations("env")) == 2
    assert path.read_bytes().startswith(LINE + b"{" + NUMBERED)


@pytest.mark.parametrize("foreign", [b"mine", bytes(64), b'{"name": "x"}', b"\x89PNG\r\n\x1a\n\x00", b'["schema"]'])
@pytest.mark.parametrize("before", [b"", LINE])
def test_a_file_of_somebody_elses_is_not_taken_for_a_torn_line_and_cut(tmp_path, before, foreign):
    store, path = observations(tmp_path, before + foreign)
    for use in (store.observations, lambda env: store.observe(env, samples.SEEN)):
        with pytest.raises(UserError, match=r"env\.jsonl"):
            use("env")
        assert path.read_bytes() == before + foreign


def test_a_line_of_a_newer_number_is_refused_with_its_own_number(tmp_path):
    store, _ = observations(tmp_path, LINE + LINE.replace(NUMBERED, b'"schema":777'))
    with pytest.raises(UserError, match=r"env\.jsonl:2: this record can't be read: it has schema number 777"):
        store.observations("env")


# ---------------------------------------------------------------- the command


@pytest.mark.parametrize("line", ["table", "run --yes", "show tf=2.4.1 python=3.7", "export", "publish --partial"])
@pytest.mark.parametrize("wrong", [b'{"schema":777,"record":"cell"}', b"", b"[]"])
def test_no_command_goes_on_past_a_record_that_it_cant_read(compat, line, wrong):
    compat("run tf=2.4.1")
    path = min((compat.folder / ".compat" / "cells" / "docker").glob("*.json"))
    path.write_bytes(wrong)
    status, _, err = compat(line)
    assert status == ExitCode.USAGE
    assert path.name in "".join(err.split())
    assert path.read_bytes() == wrong
