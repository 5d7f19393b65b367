"""Published evidence: equal input gives equal bytes, and what was published under any number means what it meant."""

from __future__ import annotations

import json
import lzma
import random
from collections import Counter
from dataclasses import replace

import pytest
import record_samples as samples
from builders import MATRIX, NOW, PROBES, RUN, cell, evidence, failed, passed, ran, seed_plan

from orchestrator.errors import ExitCode, UserError
from orchestrator.gpu import inspection
from orchestrator.gpu.audit import Registered
from orchestrator.model import Choice, Ended, Frame, Group, Matrix, Raised
from orchestrator.report.files import Published
from orchestrator.report.publish import write_published
from orchestrator.store.evidence_codec import FILE, decode, encode, load
from orchestrator.store.migrations import SCHEMA
from orchestrator.store.publication import BUDGET, Catalogue, PlanSnapshot, Publication
from orchestrator.store.trim import redactor, trimmed
from orchestrator.verdict.judge import Evidence, judge

CATALOGUE = Catalogue(
    probes=PROBES, proven=frozenset(PROBES), expects={"control.passes": {"ended": "returned"}}, digest="s"
)


def of(records):
    """What is published of these records, on choices that hold all their cells."""
    axes = [c.axis for c in records[0].cell.choices]
    choices = tuple(tuple({r.cell[a.name].name: r.cell[a.name] for r in records}.values()) for a in axes)
    return Publication(
        known=PlanSnapshot(source="m", as_of=NOW, choices=choices),
        run=RUN,
        catalogue=CATALOGUE,
        records={r.cell.id: r for r in records},
        planned=len(records),
        tried=len(records),
    )


def small(records):
    return [trimmed(r, redactor(())) for r in records]


def test_evidence_comes_back_as_it_was_written():
    raised = Raised(
        type="ValueError", message="no", frames=(Frame(file="keras/a.py", line=3, function="f"),), text="a\nb\na\n"
    )
    seen = replace(
        failed("surgeon.dense", raised, "call"), value={"a": [1, None]}, warnings=("w", "v"), first="signal 11"
    )
    records = small([ran(cell(), seen), ran(cell("2.3.4"), passed("surgeon.dense")), *seed_plan()[0][6:9]])
    assert decode(encode(of(records))) == of(records)


def test_equal_evidence_is_equal_bytes_in_whatever_order_it_was_read():
    records = small(seed_plan()[0])
    assert encode(of(records)) == encode(replace(of(records), records={r.cell.id: r for r in reversed(records)}))


def test_verdicts_from_published_evidence_are_those_from_the_whole_records():
    records, cells = seed_plan()
    read = decode(encode(of(small(records))))
    whole = judge(evidence(records, cells))
    given = judge(evidence(list(read.records.values()), cells))
    assert [(j.status, j.verdicts and [(v.kind, v.passed, v.total) for v in j.verdicts]) for j in given] == [
        (j.status, j.verdicts and [(v.kind, v.passed, v.total) for v in j.verdicts]) for j in whole
    ]
    assert [[o.signature for o in j.outcomes] for j in given] == [[o.signature for o in j.outcomes] for j in whole]
    assert read.day == "2026-11-20"


def test_observations_that_came_out_equal_are_one_object():
    read = decode(encode(of(small(seed_plan()[0]))))
    seen = [o for r in read.records.values() for o in r.observations]
    assert len({id(o) for o in seen}) < len(seen) / 3


# ---------------------------------------------------------------- kept samples


@pytest.mark.parametrize("number", range(1, SCHEMA + 1))
def test_a_kept_sample_of_every_number_reads_into_the_same_values(number):
    assert load(samples.FOLDER / str(number) / "published") == samples.PUBLICATION


def test_what_is_written_now_holds_what_the_kept_sample_of_this_number_does():
    kept = (samples.FOLDER / str(SCHEMA) / "published" / FILE).read_bytes()
    assert samples.says_all_of(plain(encode(samples.PUBLICATION)), plain(kept))
    assert samples.says_all_of(plain(encode(decode(kept))), plain(kept))


SLICE = samples.FOLDER / "1" / "slice"
"""Six of the cells that were published on 21 November 2026."""
GROUPS = (
    Group(name="environment", core=("environment.import_tensorflow",)),
    Group(name="tensorflow", where=(("kerassurgeon", ("none",)), ("device", ("cpu",))), core=("tensorflow.save.h5",)),
    Group(name="surgeon", where=(("kerassurgeon", ("!none",)),), core=("surgeon.delete_channels.dense",)),
)
WORKS, ENVIRONMENT = ("tensorflow", "works", 33, 33), ("environment", "works", 3, 3)
THEN = {
    "00939c4b91f2": ("unresolvable", []),
    "0b97d47bc113": ("ran", [ENVIRONMENT]),
    "14f4843bf11d": ("ran", [ENVIRONMENT, WORKS]),
    "8312ba71d1fd": ("ran", [ENVIRONMENT, ("surgeon", "broken", 9, 58)]),
    "83cb209d88cd": ("ran", [ENVIRONMENT, WORKS]),
    "ad9ffa394201": ("ran", [ENVIRONMENT, ("surgeon", "works", 58, 58)]),
}


def test_a_slice_of_what_was_published_under_number_1_is_judged_as_it_was():
    given = load(SLICE)
    found = judge(
        Evidence(
            matrix=Matrix(title="KerasSurgeon on TensorFlow", choices=given.known.choices, groups=GROUPS),
            cells=tuple(r.cell for r in given.records.values()),
            records=given.records,
            probes=given.catalogue.probes,
            proven=given.catalogue.proven,
            expects=given.catalogue.expects,
        )
    )
    assert {
        j.cell.id: (j.status, [(v.group, v.kind, v.passed, v.total) for v in j.verdicts or ()]) for j in found
    } == THEN


def test_a_slice_of_what_was_published_under_number_1_holds_the_same_pins_tracebacks_and_looks():
    given = load(SLICE)
    broken, looked = given.records["8312ba71d1fd"], given.records["0b97d47bc113"]
    assert (given.day, given.planned, given.tried) == ("2026-11-21", 873, 831)
    assert (len(given.catalogue.probes), len(given.catalogue.proven)) == (285, 105)
    assert broken.lock.digest.startswith("7c797b7b633c")
    assert (str(broken.engine), broken.image_key[:8], broken.base.python) == ("docker 20.10.24", "c44ab15a", "3.7")
    counts = Counter(o.ended for o in broken.observations)
    assert (counts[Ended.RETURNED], counts[Ended.RAISED], counts.total()) == (55, 50, 109)
    (seen,) = (o for o in broken.observations if o.probe == "surgeon.delete_channels.dense")
    assert seen.exception.type == "TypeError"
    assert "Keras symbolic inputs/outputs do not implement `__len__`" in seen.exception.message
    assert seen.exception.text.endswith(seen.exception.message)
    assert seen.exception.frames[0].file == "probes/surgeon_channels.py"
    audit = inspection.read(looked.audit)
    assert (audit.registered, len(audit.libraries)) == (Registered.YES, 11)


# ---------------------------------------------------------------- what can't be read


def plain(content):
    return json.loads(lzma.decompress(content))


def changed(**fields):
    return lzma.compress(json.dumps(plain(encode(samples.PUBLICATION)) | fields).encode())


RECORD = {"cell": [0, 0, 0, 0, 0, 0], "status": "ran"}
DAMAGE = {
    "empty": (b"", "it is empty"),
    "cut off": (encode(samples.PUBLICATION)[:-30], "it is cut off"),
    "not compressed": (b'{"schema": 1}', "it is not compressed with xz"),
    "cut off before it was compressed": (lzma.compress(b'{"schema": 1, "pla'), "it is cut off"),
    "not JSON": (lzma.compress(b"notes"), "JSON is malformed"),
    "another document": (lzma.compress(b'{"schema": 1}'), "it is not a valid record"),
    "without a number": (lzma.compress(b'{"planned": 1}'), "it has no schema number"),
    "a number of nothing": (changed(schema=-1), "schema number -1"),
    "a place that no table has": (changed(records=[RECORD | {"seen": [99]}]), "list index out of range"),
    "a place before the first": (changed(records=[RECORD | {"seen": [-1]}]), "Expected `int` >= 0"),
    "a cell of another matrix": (changed(records=[RECORD | {"cell": [0]}]), "shorter than argument 1"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_or_foreign_evidence_is_an_error_with_its_path_and_reason(tmp_path, damage):
    content, reason = DAMAGE[damage]
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(UserError) as error:
        load(tmp_path)
    assert error.value.message.startswith(f"{tmp_path / FILE}: this record can't be read: ")
    assert reason in error.value.message
    assert "install compat-matrix again" in error.value.hint
    assert error.value.code is ExitCode.USAGE


def test_evidence_of_a_newer_number_is_refused_with_what_to_do(tmp_path):
    (tmp_path / FILE).write_bytes(lzma.compress(b'{"schema": 777, "holds": "what nobody knows yet"}'))
    with pytest.raises(UserError, match="schema number 777, and this version of compat-matrix reads 0 to") as error:
        load(tmp_path)
    assert "Install a newer compat-matrix" in error.value.hint


@pytest.mark.parametrize("there", [b"mine", lzma.compress(b'{"schema": 777}')])
def test_evidence_that_cant_be_read_is_never_published_over(tmp_path, there):
    (tmp_path / FILE).write_bytes(there)
    records, cells = seed_plan()
    made = Published(matrix=MATRIX, cells=judge(evidence(records, cells)), run=RUN)
    with pytest.raises(UserError, match=FILE):
        write_published(tmp_path, made, of(small(records)))
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [(FILE, there)]


def test_where_nothing_is_published_there_is_nothing(tmp_path):
    assert load(tmp_path) is None


# ---------------------------------------------------------------- its size


def test_three_hundred_cells_of_two_hundred_and_fifty_probes_take_well_under_the_budget():
    draw = random.Random(1)
    versions = [f"2.{n}.0" for n in range(30)]
    records = [_made_up(draw, tf, python) for tf in versions for python in range(10)]
    size = len(encode(of(small(records))))
    assert sum(len(r.observations) for r in records) > 70_000
    assert size < BUDGET / 2


def _made_up(draw, tf, python):
    """A cell in which a tenth of 250 probes fails, each with a traceback of its own per version."""
    seen = []
    for n in range(250):
        observation = passed(f"models.probe_{n}")
        if draw.random() < 0.1:
            lines = [
                f'  File "/opt/venv/keras/m{(n * i) % 97}.py", line {(n * i + hash_of(tf)) % 2000}' for i in range(20)
            ]
            frames = tuple(
                Frame(file=f"keras/m{(n * i) % 97}.py", line=(n * i + hash_of(tf)) % 2000, function="f")
                for i in range(20)
            )
            raised = Raised(type="ValueError", message=f"{n} in {tf}", frames=frames, text="\n".join(lines))
            observation = failed(f"models.probe_{n}", raised, "call")
        seen.append(replace(observation, seconds=round(draw.random(), 1)))
    made = ran(cell())
    choices = tuple(
        Choice(axis=c.axis, name={"tf": tf, "python": f"3.{python}"}.get(c.axis.name, c.name))
        for c in made.cell.choices
    )
    return replace(made, cell=replace(made.cell, choices=choices), observations=tuple(seen))


def hash_of(tf):
    return int(tf.split(".")[1]) * 7
