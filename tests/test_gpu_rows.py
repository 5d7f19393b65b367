"""What is known of each release's GPU side, put together from tables and from looks into images."""

from __future__ import annotations

from dataclasses import replace

import pytest
from builders import cell, ran

from orchestrator import paths
from orchestrator.errors import CellStatus, UserError
from orchestrator.gpu import facts, rows
from orchestrator.gpu.audit import Built, Fix, FixKind, GpuAudit, Library, Loading, Registered
from orchestrator.gpu.facts import Driver, Official, Release
from orchestrator.gpu.inspection import kept
from orchestrator.gpu.verdict import Load
from orchestrator.model import Axis, Choice, Distribution, Libraries, Matrix, SourceKind
from orchestrator.verdict.judge import CellResult

TF = Axis(name="tf", kind="package", package="tensorflow")
DEVICE = Choice(axis=Axis(name="device", kind="device", default="cpu"), name="auto")
SEEN = GpuAudit(built=Built(release="2.4.1"), python="3.7.9", driver="stand-in", registered=Registered.YES)


def release(version, package="tensorflow", line="11.0", sonames=("libcudart.so.11.0",)):
    built = Built(release=version, cuda=line, cudnn="8" if line else "", sonames=sonames if line else ())
    return Release(package=package, version=version, uploaded="", pythons=("3.7",), wheel="w", built=built)


def audited(version="2.4.1", seen=SEEN):
    here = cell(version, "none")
    here = replace(here, choices=(*here.choices, DEVICE))
    record = ran(here)
    library = Distribution(name="nvidia-cublas-cu11", version="11.1", filename="n.whl", sha256="0")
    lock = replace(
        record.lock,
        device="cuda11.8",
        distributions=(Distribution(name="tensorflow", version=version, filename="t.whl", sha256="0"), library),
        libraries=Libraries(source=SourceKind.WHEELS, names=("nvidia-cublas-cu11",)),
    )
    return CellResult(cell=here, status=CellStatus.RAN, record=replace(record, lock=lock, audit=kept(seen)))


def test_a_look_stands_beside_its_release_with_the_line_that_was_taken_and_the_libraries_alone():
    (row,) = rows.rows([release("2.4.1")], (), (), [audited()])
    (look,) = row.looks
    assert (look.line, look.verdict.load, look.pins) == ("cuda11.8", Load.LOADS, ("nvidia-cublas-cu11==11.1",))


def test_cells_without_a_look_and_looks_of_other_releases_stand_beside_none():
    cells = [audited("2.3.4"), replace(audited(), record=replace(audited().record, audit=None))]
    (row,) = rows.rows([release("2.4.1")], (), (), cells)
    assert row.looks == ()


def test_libraries_that_served_a_release_are_offered_to_the_ones_beside_it_that_ask_for_the_same():
    every = [release("2.4.1"), release("2.5.0"), release("2.6.0", sonames=("libcudart.so.12",)), release("2.7.0")]
    found = rows.rows([*every, release("2.8.0", line="")], (), (), [audited("2.4.1"), audited("2.7.0")])
    served = {row.release.version: row.provided and row.provided.version for row in found}
    assert served == {"2.4.1": "2.4.1", "2.5.0": "2.4.1", "2.6.0": None, "2.7.0": "2.7.0", "2.8.0": None}


def test_libraries_that_load_as_they_are_come_before_those_that_had_to_be_mended():
    fix = Fix(kind=FixKind.PATH, folders=("/x",), registered=Registered.YES)
    lacking = Library(soname="libcudart.so.11.0", loading=Loading.NOT_FOUND)
    mended = replace(SEEN, registered=Registered.NO, libraries=(lacking,), fixes=(fix,))
    (row,) = rows.rows([release("2.4.1")], (), (), [audited(seen=mended)])
    assert row.provided.fix == fix
    (row,) = rows.rows([release("2.4.1")], (), (), [audited(seen=mended), audited()])
    assert row.provided.fix is None
    (row,) = rows.rows([release("2.4.1")], (), (), [audited(seen=replace(mended, fixes=()))])
    assert row.provided is None


def test_rows_are_in_the_order_of_versions_and_name_the_driver_of_their_line():
    drivers = (Driver(cuda="11.0", minimum="450.36.06", toolkit="450.51.05"),)
    found = rows.rows([release("2.10.0", line="11.2"), release("2.9.0")], drivers, (), ())
    assert [row.release.version for row in found] == ["2.9.0", "2.10.0"]
    assert [row.driver and row.driver.minimum for row in found] == ["450.36.06", None]


def test_tensorflow_gpu_has_a_row_only_where_tensorflow_came_without_cuda():
    found = [release("2.0.0", line=""), release("2.0.0", "tensorflow-gpu", "10.0"), release("2.4.1")]
    found.append(release("2.4.1", "tensorflow-gpu"))
    told = rows.rows(found, (), (), ())
    assert [(r.release.package, r.release.version) for r in told] == [
        ("tensorflow", "2.0.0"),
        ("tensorflow-gpu", "2.0.0"),
        ("tensorflow", "2.4.1"),
    ]


def test_documentation_that_says_something_else_is_named():
    said = Official(package="tensorflow", version="2.4.0", pythons=("3.7",), cuda="10.9", cudnn="8.0")
    (row,) = rows.rows([release("2.4.1")], (), (said,), ())
    assert [(one.about, one.official, one.wheel) for one in row.against] == [("CUDA", "10.9", "11.0")]


def test_without_words_the_listed_releases_are_meant_and_with_words_any_that_there_is():
    listed = (Choice(axis=TF, name="2.4.1"),)
    known = rows.rows([release("2.4.0"), release("2.4.1"), release("2.5.0")], (), (), ())
    assert [r.release.version for r in rows.selected(known, listed, ())] == ["2.4.1"]
    assert [r.release.version for r in rows.selected(known, listed, ["tf=2.4"])] == ["2.4.0", "2.4.1"]
    assert rows.selected(known, (), ()) == ()
    with pytest.raises(UserError, match="9"):
        rows.selected(known, listed, ["tf=9"])


def test_a_matrix_about_something_else_lists_no_tensorflow():
    other = (Choice(axis=replace(TF, package="numpy"), name="1.0"),)
    assert rows.listed(Matrix(title="", choices=(other,))) == ()


def test_the_shipped_tables_can_be_read_and_know_the_releases_people_ask_about():
    folder = paths.data("docs/cuda")
    lines = {r.version: r.built.cuda for r in facts.releases(folder) if r.package == "tensorflow"}
    assert {v: lines[v] for v in ("2.4.1", "2.10.1", "2.15.1", "2.16.1", "2.18.0")} == {
        "2.4.1": "11.0",
        "2.10.1": "11.2",
        "2.15.1": "12.2",
        "2.16.1": "12.3",
        "2.18.0": "12.5",
    }
    assert facts.driver_for("12.5", facts.drivers(folder)) is not None
