"""The files of `reports/published/`, as functions of what is published."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

from builders import LOCALLY, MATRIX, RUN, evidence, seed_plan
from test_report_cuda import look, row
from test_store_evidence_codec import of, small

from orchestrator.report import cuda
from orchestrator.report.files import Published
from orchestrator.report.publish import whole_run, write_published
from orchestrator.store import evidence_codec
from orchestrator.verdict.judge import judge


def published(tmp_path, *gpus):
    records, cells = seed_plan()
    given = of(small(records))
    made = Published(matrix=MATRIX, cells=judge(evidence(records, cells)), run=RUN)
    return write_published(tmp_path, made, given, cuda.files(gpus, given.day))


def test_without_gpu_images_there_are_the_table_and_the_evidence(tmp_path):
    written = published(tmp_path, row())
    assert [p.name for p in written.paths] == ["table.md", "table.csv", "table.html", evidence_codec.FILE]


def test_looks_into_gpu_images_stand_beside_them_and_count_in_what_is_shipped(tmp_path):
    less = published(tmp_path / "a", row()).shipped
    written = published(tmp_path / "b", row(look()))
    assert [p.name for p in written.paths][-3:] == ["cuda.md", "cuda.csv", "cuda.json"]
    assert written.shipped > less
    page, table, document = (p.read_text() for p in written.paths[-3:])
    assert "libcusolver.so.10 missing; mended by LD_LIBRARY_PATH and a link" in page.replace("\\", "")
    assert "cuda11.8" in table
    assert json.loads(document)["releases"][0]["looks"]


def test_equal_looks_are_equal_bytes(tmp_path):
    one, other = published(tmp_path / "a", row(look())), published(tmp_path / "b", row(look()))
    assert [p.read_bytes() for p in one.paths] == [p.read_bytes() for p in other.paths]


def test_the_run_that_is_published_began_with_the_first_of_the_same_reading():
    later = replace(RUN, id="later", started=RUN.started + timedelta(hours=1))
    other = replace(RUN, id="other", started=RUN.started - timedelta(days=1), as_of=RUN.as_of - timedelta(days=1))
    local = replace(later, id="local", engine=LOCALLY, started=later.started + timedelta(hours=1))
    assert whole_run([other, RUN, later, local]) == replace(later, started=RUN.started)
