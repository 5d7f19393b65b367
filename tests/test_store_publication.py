from __future__ import annotations

import lzma
import random
from dataclasses import replace

import pytest
from builders import NOW, PROBES, RUN, cell, evidence, failed, passed, ran, seed_plan

from orchestrator.errors import UserError
from orchestrator.model import Choice, Frame, Raised
from orchestrator.model.suite import Catalogue
from orchestrator.store.packed import FILE, decode, encode, load
from orchestrator.store.publication import BUDGET, Known, Publication
from orchestrator.store.trim import scrubber, trimmed
from orchestrator.verdict.judge import judge

CATALOGUE = Catalogue(
    probes=PROBES, proven=frozenset(PROBES), expects={"control.passes": {"ended": "returned"}}, digest="s"
)


def of(records):
    """What is published of these records, on choices that hold all their cells."""
    axes = [c.axis for c in records[0].cell.choices]
    choices = tuple(tuple({r.cell[a.name].name: r.cell[a.name] for r in records}.values()) for a in axes)
    return Publication(
        known=Known(source="m", as_of=NOW, choices=choices),
        run=RUN,
        catalogue=CATALOGUE,
        records={r.cell.id: r for r in records},
        planned=len(records),
        tried=len(records),
    )


def small(records):
    return [trimmed(r, scrubber(())) for r in records]


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


def test_damaged_evidence_is_an_error_with_its_path_and_none_is_none(tmp_path):
    assert load(tmp_path) is None
    (tmp_path / FILE).write_bytes(lzma.compress(b'{"schema": 1}'))
    with pytest.raises(UserError, match=FILE):
        load(tmp_path)


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
