from __future__ import annotations

import pytest
from made_wheels import (
    CUDNN_HEADER,
    DICT,
    NEW_HEADER,
    NEW_SONAMES,
    NO_CUDA_HEADER,
    OLD_HEADER,
    OLD_SONAMES,
    ORDERED,
    PLAIN,
    SILENT,
)

from orchestrator.gpu import build_info
from orchestrator.gpu.audit import Built


def said(info: str = "", config: str = "", cudnn: str = "") -> Built | None:
    files = {build_info.BUILD_INFO: info, build_info.CONFIG: config, build_info.CUDNN: cudnn}
    return build_info.built("1", {name: text for name, text in files.items() if text})


def test_a_build_info_that_cuts_the_version_gives_way_to_the_header_and_is_quoted():
    assert said(PLAIN, OLD_HEADER) == Built(
        release="1",
        cuda="10.1",
        cudnn="7",
        capabilities=("3.5", "7.0"),
        cuda_exact="10.1",
        told="10",
        sonames=OLD_SONAMES,
    )


def test_the_newer_build_info_is_an_ordered_dict_and_knows_kernels_from_ptx():
    assert said(ORDERED) == Built(
        release="1", cuda="11.2", cudnn="8", capabilities=("sm_35", "compute_80"), cuda_exact="11.2"
    )


def test_a_build_info_with_a_plain_dict_says_the_same():
    assert said(DICT) == Built(release="1", cuda="10.1", cudnn="7", cuda_exact="10.1")


def test_a_build_info_without_versions_is_a_cuda_build_whose_header_tells():
    assert said(SILENT, NEW_HEADER, CUDNN_HEADER) == Built(
        release="1",
        cuda="12.5",
        cudnn="9.10",
        capabilities=("6.0", "8.9", "9.0a", "12.0"),
        cuda_exact="12.5.1",
        cudnn_exact="9.10.0",
        told="nothing",
        sonames=NEW_SONAMES,
    )


def test_runtime_and_solver_have_versions_of_their_own():
    header = '#define TF_CUDA_VERSION "11.0"\n#define TF_CUDART_VERSION "11.0"\n#define TF_CUSOLVER_VERSION "10"\n'
    found = said(ORDERED.replace("11.2", "11.0"), header)
    assert found is not None
    assert found.sonames == ("libcudart.so.11.0", "libcusolver.so.10")


@pytest.mark.parametrize(
    ("info", "config"),
    [
        ("is_rocm_build = False\nis_cuda_build = False\n", NO_CUDA_HEADER),
        ("build_info = {'is_rocm_build': False, 'is_cuda_build': False}\n", ""),
        ("", NO_CUDA_HEADER),
        ("is_cuda_build = False\n", OLD_HEADER),
    ],
)
def test_a_build_without_cuda_has_no_version_whatever_its_header_lists(info, config):
    assert said(info, config) == Built(release="1")


@pytest.mark.parametrize("text", ["", "def broken(:\n", "x = (" * 500, "\0", "import os\n"])
def test_files_that_say_nothing_are_not_a_build_without_cuda(text):
    assert said(text) is None


def test_nothing_in_a_build_info_is_run(tmp_path):
    mark = tmp_path / "ran"
    hostile = f"cuda_version = open({str(mark)!r}, 'w')\nis_cuda_build = True\ncudnn_version = [].append(1)\n"
    assert said(hostile + "cuda_version = '12.3'\n") == Built(release="1", cuda="12.3", cuda_exact="12.3")
    assert not mark.exists()


@pytest.mark.parametrize(("exact", "line"), [("12.5.1", "12.5"), ("10.1", "10.1"), ("8", "8"), ("", ""), ("x", "x")])
def test_a_line_is_the_first_two_numbers_of_a_version(exact, line):
    assert build_info.minor(exact) == line
