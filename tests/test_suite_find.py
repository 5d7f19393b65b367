"""Which folder a suite's name in a matrix means."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from staged import PROBES

from orchestrator.errors import UserError
from orchestrator.model.suite import SuiteRef
from orchestrator.suite.find import places

AT = "matrix.yaml:9:3 suites[0]"


def folder(name: str) -> SuiteRef:
    return SuiteRef(at=AT, folder=name)


def package(name: str) -> SuiteRef:
    return SuiteRef(at=AT, package=name)


def test_a_matrix_that_names_no_suite_has_the_one_that_ships(tmp_path: Path):
    (only,) = places((), tmp_path, PROBES)
    assert (only.folder, only.at) == (PROBES, "")
    (named,) = places([package("compat-matrix")], tmp_path, PROBES)
    assert named.folder == PROBES


def test_a_folder_stands_beside_the_matrix(tmp_path: Path):
    found = places([folder("probes"), folder("./more/probes")], tmp_path, PROBES)
    assert [place.folder for place in found] == [tmp_path / "probes", tmp_path / "more" / "probes"]
    assert found[0].said == f"{AT}: {tmp_path / 'probes'}"


@pytest.mark.parametrize("name", ["../probes", "/etc", "probes/../../x", "a\0b"])
def test_a_path_out_of_the_matrix_folder_is_refused_with_its_place(tmp_path: Path, name: str):
    with pytest.raises(UserError, match=r"^matrix\.yaml:9:3 suites\[0\]: .* is not a path below the matrix's folder"):
        places([folder(name)], tmp_path, PROBES)


def test_a_folder_that_leads_out_through_a_link_is_refused(tmp_path: Path):
    beside = tmp_path / "project"
    beside.mkdir()
    (beside / "probes").symlink_to(tmp_path)
    with pytest.raises(UserError, match=r"probes is outside the matrix's folder: it leads to "):
        places([folder("probes")], beside, PROBES)
    (beside / "inside").mkdir()
    (beside / "linked").symlink_to(beside / "inside")
    assert places([folder("linked")], beside, PROBES)[0].folder == beside / "linked"


def test_one_folder_under_two_names_is_refused(tmp_path: Path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").symlink_to(tmp_path / "a")
    with pytest.raises(UserError, match="is the same folder as"):
        places([folder("a"), folder("b")], tmp_path, PROBES)


def test_an_installed_package_is_found_and_not_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "mine" / "probes").mkdir(parents=True)
    (tmp_path / "mine" / "__init__.py").write_text("raise RuntimeError('it was imported')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    found = places([package("mine"), package("mine.probes")], tmp_path, PROBES)
    assert [place.folder for place in found] == [tmp_path / "mine", tmp_path / "mine" / "probes"]
    assert "mine" not in sys.modules
    with pytest.raises(UserError, match="the package 'mine' has no folder 'tests/probes'"):
        places([package("mine.tests.probes")], tmp_path, PROBES)


def test_a_package_that_is_not_installed_is_a_message_with_its_place(tmp_path: Path):
    with pytest.raises(UserError, match=r"suites\[0\]: the package 'nobody_has_this' is not installed") as refused:
        places([package("nobody_has_this.probes")], tmp_path, PROBES)
    assert "pip install nobody-has-this" in refused.value.hint


def test_a_module_is_no_package_with_probes(tmp_path: Path):
    with pytest.raises(UserError, match="the package 'this' has no folder"):
        places([package("this")], tmp_path, PROBES)
