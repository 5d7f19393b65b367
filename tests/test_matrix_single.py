"""`compat try`: a matrix of one combination, from words."""

from __future__ import annotations

import pytest
from matrix_index import FLAGSHIP, TinyIndex

from orchestrator import paths
from orchestrator.errors import UserError
from orchestrator.matrix.document import load
from orchestrator.matrix.expand import expand, groups_of
from orchestrator.matrix.ranges import resolve
from orchestrator.matrix.single import single
from orchestrator.model import Matrix


@pytest.fixture(scope="module")
def flagship() -> Matrix:
    return resolve(load(paths.data("matrix.yaml")), TinyIndex(FLAGSHIP))


def test_one_combination_gets_the_flagships_axes_groups_and_questions(flagship: Matrix):
    words = ["tensorflow==2.4.3", "kerassurgeon==0.2.0", "python=3.7", "resolve=released"]
    matrix = single(words, flagship)
    (cell,) = expand(matrix).cells
    assert cell.axes == {
        "tf": "2.4.3",
        "keras": "unpinned",
        "kerassurgeon": "0.2.0",
        "python": "3.7",
        "device": "cpu",
        "env": "plain",
        "resolve": "released",
    }
    assert [c.axis.name for c in cell.subjects] == ["kerassurgeon"]
    assert cell["device"].substitutes == (("tensorflow", "tensorflow-cpu"),)
    assert [g.name for g in groups_of(cell, matrix)] == ["environment", "surgeon"]
    assert [q.group for q in matrix.questions] == ["surgeon", "tensorflow"]
    assert matrix.limits == flagship.limits
    assert matrix.digest != single([*words[:2], "python=3.9"], flagship).digest


def test_a_combination_of_the_flagship_has_the_flagships_id(flagship: Matrix):
    (cell,) = expand(single(["tf=2.4.1", "kerassurgeon=0.2.0", "python=3.7"], flagship)).cells
    assert cell.get("resolve") == "pip-today"
    assert cell in expand(flagship).cells
    assert cell.id in {c.id for c in expand(flagship).cells}


def test_what_is_not_named_is_absent_and_its_groups_fit(flagship: Matrix):
    matrix = single(["tensorflow==2.20.0", "python=3.13", "env=keras2"], flagship)
    (cell,) = expand(matrix).cells
    assert cell.get("kerassurgeon") == "none"
    assert cell.variables == (("TF_USE_LEGACY_KERAS", "1"),)
    found = [g.name for g in groups_of(cell, matrix)]
    assert found == ["environment", "tensorflow", "seeds", "homes", "reporting", "integration"]


def test_a_package_the_flagship_does_not_know_becomes_an_axis_of_its_own(flagship: Matrix):
    (cell,) = expand(single(["numpy==1.26.4", "tensorflow==2.15.1", "python=3.11"], flagship)).cells
    assert [(c.axis.package, c.name) for c in cell.packages] == [("tensorflow", "2.15.1"), ("numpy", "1.26.4")]
    assert [c.axis.package for c in cell.subjects] == ["tensorflow"]


def test_groups_that_need_an_axis_that_is_not_there_are_left_out(flagship: Matrix):
    matrix = single(["numpy==1.26.4", "python=3.11"], flagship)
    assert "tf" not in {a.name for a in matrix.axes}
    assert matrix.questions == ()


def test_without_a_matrix_the_last_package_is_the_subject():
    matrix = single(["a.b==1.0", "C_d==2.0", "python=3.7,3.9"], None)
    cells = expand(matrix).cells
    assert [c.get("python") for c in cells] == ["3.7", "3.9"]
    assert [c.axis.package for c in cells[0].subjects] == ["c-d"]
    assert (cells[0].device, cells[0].strategy, cells[0].get("env")) == ("cpu", "pip-today", "plain")
    assert (matrix.groups, matrix.questions) == ((), ())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["tensorflow==2.4.1"], "no Python given"),
        (["python=3.7"], "no package given"),
        (["tensorflow>=2.4", "python=3.7"], "exact choices"),
        (["tensorflow", "python=3.7"], "exact choices"),
        (["tensorflow==two", "python=3.7"], "not a version"),
        (["tensorflow==2.4.1", "tf=2.4.0", "python=3.7"], "given twice"),
        (["tensorflow==2.4.1,2.4.1", "python=3.7"], "duplicate value"),
        (["tensorflow==2.4.1", "python=3.7.1"], "not a CPython minor version"),
        (["tensorflow==2.4.1", "python=3.7", "resolve=relesed"], "not one of the choices of resolve"),
        (["tensorflow==2.4.1", "python=3.7", "env=keras9"], "not one of the choices of env"),
        (["tensorflow==2.4.1", "python=3.7", "device=cuda"], "not one of the choices of device"),
    ],
)
def test_words_that_make_no_combination_are_refused(flagship: Matrix, words, message):
    for matrix in (flagship, None):
        if matrix is None and "tf=2.4.0" in words:
            continue  # without a matrix, tf is a package's name like any other
        with pytest.raises(UserError, match=message):
            single(words, matrix)
