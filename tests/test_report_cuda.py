"""Which CUDA for which TensorFlow, in the terminal and in files; the answer about one environment."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from orchestrator.gpu.audit import Built, Fix, FixKind, GpuAudit, Library, Loading, Registered
from orchestrator.gpu.facts import Disagreement, Driver, Release
from orchestrator.gpu.rows import Looked, Provided, ReleaseRow
from orchestrator.gpu.verdict import audited
from orchestrator.report import cuda

SITE = "/opt/venv/lib/python3.9/site-packages/nvidia"
BUILT = Built(
    release="2.4.1",
    cuda="11.0",
    cudnn="8",
    capabilities=("sm_35", "sm_75", "compute_80"),
    cuda_exact="11.0",
    sonames=("libcudart.so.11.0", "libcusolver.so.10"),
)
RELEASE = Release(
    package="tensorflow",
    version="2.4.1",
    uploaded="2021-01-21",
    pythons=("3.6", "3.7", "3.8"),
    wheel="w.whl",
    built=BUILT,
)
DRIVER = Driver(cuda="11.0", minimum="450.36.06", toolkit="450.51.05")
LOADED = Library(soname="libcudart.so.11.0", loading=Loading.LOADED, path=f"{SITE}/cuda_runtime/lib/libcudart.so.11.0")
MISSING = Library(soname="libcusolver.so.10", loading=Loading.NOT_FOUND, searched=("/usr/lib", "/lib"))
LINK = Fix(
    kind=FixKind.LINK,
    folders=(f"{SITE}/cusolver/lib",),
    links=(("libcusolver.so.10", f"{SITE}/cusolver/lib/libcusolver.so.11"),),
    registered=Registered.YES,
    named=69,
)
SEEN = GpuAudit(
    built=BUILT,
    python="3.7.9",
    driver="stand-in",
    registered=Registered.NO,
    libraries=(LOADED, MISSING),
    tools=(("ptxas", ""), ("libdevice", "/x/libdevice.10.bc")),
    fixes=(LINK,),
)


EXTRA = replace(RELEASE, extra=("nvidia-cublas-cu12==12",))
PROVIDED = Provided(pins=("nvidia-cublas-cu11==1",), version="2.4.1")


def look(seen=SEEN, line="cuda11.8", **fields):
    given = {
        "id": "a1",
        "python": "3.7",
        "dated": datetime(2026, 11, 21, tzinfo=UTC),
        "pins": ("nvidia-cublas-cu11==1",),
    }
    return Looked(line=line, seen=seen, verdict=audited(seen), **(given | fields))


def row(*looks, **fields):
    return replace(ReleaseRow(release=RELEASE, driver=DRIVER, looks=looks), **fields)


def test_the_table_has_a_line_per_release_and_one_below_it_per_look():
    lines = cuda.text([row(look()), row()], 100).splitlines()
    assert lines[1].split("  ")[0] == "2.4.1"
    assert "3.6–3.8" in lines[1]
    assert "≥ 450.36.06" in lines[1]
    assert "3.5–7.5, PTX 8.0" in lines[1]
    said = " ".join(lines[2:4])
    assert "cuda11.8, Python 3.7: broken: libcusolver.so.10 missing; mended by LD_LIBRARY_PATH and a link" in said
    assert "libcusolver.so.11" in said


def test_levels_of_evidence_are_named_below_every_table():
    assert "nothing here ran on a GPU" in " ".join(cuda.text([row()], 60).split())


@pytest.mark.parametrize("width", [50, 80, 120])
def test_details_fit_the_terminal(width):
    told = cuda.details(row(look()), width)
    assert max(map(len, told.splitlines())) <= max(width, len(f"            {LOADED.soname}"))


def test_details_say_what_is_documented_otherwise():
    one = Disagreement(package="tensorflow", version="2.4.1", row="2.4.0", about="CUDA", official="10.9", wheel="11.0")
    assert "docs say  CUDA 10.9; the wheel: 11.0" in cuda.details(row(against=(one,)), 100)


def test_coverage_tells_kernels_from_ptx_from_nothing():
    said = cuda.coverage(("sm_70", "compute_80"))
    assert "kernels for Volta (7.0), Turing (7.5)" in said
    assert "PTX, compiled by the driver, for Ampere (8.0)" in said
    assert "nothing for Kepler (3.5)" in said
    assert "does not say" in cuda.coverage(("7.0",))


def test_the_pip_line_is_the_extra_else_pins_that_were_tried_else_none_is_known():
    assert "no known set of wheels" in cuda.pip_line(row())
    assert cuda.pip_line(row(provided=PROVIDED)) == "pip install tensorflow==2.4.1 nvidia-cublas-cu11==1"
    assert cuda.pip_line(row(release=EXTRA, provided=PROVIDED)) == 'pip install "tensorflow[and-cuda]==2.4.1"'


def test_the_pip_line_says_where_else_its_pins_were_seen_and_what_had_to_be_mended():
    other = replace(PROVIDED, version="2.5.0", fix=replace(LINK, links=(), kind=FixKind.PATH))
    assert cuda.pip_line(row(provided=other)).endswith("(seen with 2.5.0; and LD_LIBRARY_PATH)")


def test_the_pip_line_of_an_extra_says_what_its_libraries_still_want():
    path = replace(PROVIDED, fix=replace(LINK, links=()))
    line = 'pip install "tensorflow[and-cuda]==2.4.1"'
    assert cuda.pip_line(row(release=EXTRA, provided=path)) == f"{line} (and LD_LIBRARY_PATH)"
    assert cuda.pip_line(row(release=EXTRA, provided=replace(path, version="2.5.0"))) == line


def test_an_extra_that_cannot_be_installed_on_a_python_is_not_offered_there():
    some = replace(EXTRA, unmet=(("3.8", "tensorrt==1"),))
    line = 'pip install "tensorflow[and-cuda]==2.4.1"'
    assert cuda.pip_line(row(release=some)) == f"{line} (not on Python 3.8: the index has no file of tensorrt==1)"
    assert cuda.pip_line(row(release=some), "3.7") == line
    assert "no known set of wheels" in cuda.pip_line(row(release=some), "3.8")
    nowhere = row(release=replace(EXTRA, unmet=tuple((p, "tensorrt==1") for p in EXTRA.pythons)), provided=PROVIDED)
    assert "[and-cuda]==" not in cuda.pip_line(nowhere)
    assert "no file of tensorrt==1" in cuda.pip_line(nowhere)


def test_the_answer_names_the_missing_library_and_what_mended_it():
    told = cuda.answer(SEEN, 100)
    assert "libraries: broken: libcusolver.so.10 missing" in told
    assert f"ln -s {SITE}/cusolver/lib/libcusolver.so.11 {SITE}/cusolver/lib/libcusolver.so.10" in told
    assert f"export LD_LIBRARY_PATH={SITE}/cusolver/lib" in told
    assert "does not find: ptxas" in told
    assert "no GPU of this machine was asked" in " ".join(told.split())


def test_the_answer_names_what_comes_from_the_host():
    told = cuda.answer(replace(SEEN, oldest_driver="11.0"), 200, row())
    wanted = "450.36.06 or newer for CUDA 11.0; the CUDA runtime found here takes any of CUDA 11.0 on"
    assert f"from the host: libcuda.so.1 of NVIDIA's driver, {wanted}" in told
    assert "from the host: libcuda.so.1 of NVIDIA's driver\n" in cuda.answer(SEEN, 200)
    assert "from the host" not in cuda.answer(replace(SEEN, built=Built(release="2.4.1")), 200)


def test_the_answer_about_a_whole_environment_gives_no_advice():
    assert cuda.advice(replace(SEEN, registered=Registered.YES)) == ()


def test_without_a_fix_that_helped_the_advice_is_to_install():
    (line,) = cuda.advice(replace(SEEN, fixes=()), row(release=EXTRA))
    assert line == (
        'libcusolver.so.10 not in this environment: pip install "tensorflow[and-cuda]==2.4.1", '
        "or install CUDA 11.0 and cuDNN 8, which it was built for"
    )


def test_a_pip_line_that_does_not_exist_for_a_release_is_no_advice():
    (line,) = cuda.advice(replace(SEEN, fixes=()), row())
    assert line == "libcusolver.so.10 not in this environment: install CUDA 11.0 and cuDNN 8, which it was built for"
    assert cuda.advice(replace(SEEN, fixes=())) == (line,)


def test_a_link_that_only_seems_to_mend_is_told_with_what_is_missing():
    unsound = replace(SEEN, fixes=(replace(LINK, named=272, lacking=("cudnnA", "cudnnB")),))
    told = " ".join(cuda.details(row(look(unsound)), 400).split())
    assert (
        "libcusolver.so.10 missing; with a link (libcusolver.so.10 → libcusolver.so.11) a device is listed, and 2 of "
        "the 272 functions it calls are missing, such as cudnnA"
    ) in told
    assert "mended" not in told
    assert "a device is listed, and 2 of the 272" in cuda.answer(unsound, 400)
    assert "ln -s" not in cuda.answer(unsound, 400)


def test_a_cudnn_that_is_too_old_is_named_with_its_version_and_where_a_newer_one_comes_from():
    cudnn = Library(soname="libcudnn.so.8", loading=Loading.LOADED, path="/x/libcudnn.so.8", version="8.6.0.163")
    old = replace(SEEN, registered=Registered.YES, built=replace(BUILT, cudnn="8.9"), libraries=(cudnn,), fixes=())
    told = cuda.answer(old, 200, row(release=EXTRA))
    assert "libraries: broken: libcudnn.so.8 is older than cuDNN 8.9" in told
    assert "libcudnn.so.8: /x/libcudnn.so.8 (8.6.0.163)" in told
    assert 'libcudnn.so.8 is 8.6.0.163, but cuDNN 8.9 or newer is needed: pip install "tensorflow[and-cuda]' in told


def test_escapes_in_what_was_seen_never_reach_the_terminal():
    evil = replace(MISSING, loading=Loading.REFUSED, path="/x", why="\x1b[31mboo")
    assert "\x1b" not in cuda.answer(replace(SEEN, libraries=(evil,)), 100)


def test_the_csv_has_a_line_per_look_and_one_for_a_release_without():
    lines = list(csv.DictReader(io.StringIO(cuda.csv([row(look(), look(line="cuda11.2")), row()]))))
    assert [line["line"] for line in lines] == ["cuda11.8", "cuda11.2", ""]
    assert lines[0]["missing"] == "libcusolver.so.10"
    assert lines[2]["verdict"] == "not tried"


def test_the_document_holds_everything_that_was_seen():
    (release,) = json.loads(cuda.document([row(look())]))["releases"]
    assert release["looks"][0]["seen"]["libraries"][1]["soname"] == "libcusolver.so.10"
    assert release["looks"][0]["verdict"] == "missing"


def test_the_page_shows_contradictions_or_that_there_are_none():
    one = Disagreement(package="tensorflow", version="2.4.1", row="2.4.0", about="CUDA", official="10.9", wheel="11.0")
    assert "CUDA 10.9 is documented" in cuda.markdown([row(against=(one,))], "2026-11-21")
    assert "Nowhere." in cuda.markdown([row()], "2026-11-21")
