"""What a look into the GPU side of an environment amounts to."""

from __future__ import annotations

from dataclasses import replace

import pytest
from builders import cell, ran

from orchestrator import paths
from orchestrator.errors import CellStatus
from orchestrator.gpu.audit import Built, Fix, FixKind, GpuAudit, Library, Loading, Registered
from orchestrator.gpu.inspection import CudaInspection, kept
from orchestrator.gpu.verdict import MEANINGS, Cover, Load, audit_word, audited, cover, coverage
from orchestrator.model import Verdict, VerdictKind
from orchestrator.verdict.judge import CellResult

BUILT = Built(release="2.10.0", cuda="11.2", cudnn="8", capabilities=("sm_80", "compute_80"))
LOADED = Library(soname="libcudart.so.11.0", loading=Loading.LOADED, path="/x/libcudart.so.11.0")
MISSING = Library(soname="libcusolver.so.10", loading=Loading.NOT_FOUND)
UNREACHED = Library(
    soname="libcudnn.so.8", loading=Loading.NOT_FOUND, elsewhere=("/site/nvidia/cudnn/lib/libcudnn.so.8",)
)
REFUSED = Library(soname="libcufft.so.10", loading=Loading.REFUSED, why="wrong ELF class: ELFCLASS32")

LINK = Fix(
    kind=FixKind.LINK,
    links=(("libcusolver.so.10", "/a/libcusolver.so.11"),),
    registered=Registered.YES,
    named=69,
)


def seen(*libraries, registered=Registered.NO, **fields):
    return GpuAudit(
        built=BUILT, python="3.9.2", driver="stand-in", registered=registered, libraries=(LOADED, *libraries), **fields
    )


def test_a_registered_device_loads_whatever_optional_library_is_missing():
    tensorrt = Library(soname="libnvinfer.so.7", loading=Loading.NOT_FOUND, optional=True)
    assert audited(seen(tensorrt, registered=Registered.YES)).words == "loads"


def test_a_library_that_is_nowhere_is_missing_and_named():
    found = audited(seen(MISSING, UNREACHED))
    assert (found.load, found.words) == (Load.MISSING, "broken: libcusolver.so.10 missing")


def test_a_library_that_is_installed_elsewhere_was_not_reached():
    assert audited(seen(UNREACHED)).words == "broken: libraries installed but not found"


def test_a_library_that_the_loader_refuses_is_named_before_those_that_were_not_reached():
    found = audited(seen(UNREACHED, REFUSED))
    assert (found.load, [x.why for x in found.deciding]) == (Load.REFUSED, ["wrong ELF class: ELFCLASS32"])


def test_optional_libraries_decide_nothing():
    other = Library(soname="libnvinfer.so.7", loading=Loading.NOT_FOUND, optional=True)
    assert audited(seen(other)).load is Load.SKIPPED
    assert audited(seen(replace(other, optional=False))).load is Load.MISSING


def test_a_gpu_counts_as_covered_only_if_every_set_of_kernels_covers_it():
    sets = ((1900, ("sm_60", "sm_90", "compute_90")), (1149, ("sm_60", "compute_60")), (9, ("sm_60",)))
    found = dict(coverage(seen(kernels=("sm_60", "sm_90", "compute_90"), kernel_sets=sets[:2])))
    assert (found["Pascal"], found["Hopper"], found["Kepler"]) == (Cover.KERNELS, Cover.JIT, Cover.NOTHING)
    assert dict(coverage(seen(kernel_sets=sets)))["Hopper"] is Cover.NOTHING
    assert dict(coverage(seen()))["Ampere"] is Cover.KERNELS


def test_the_first_fix_that_helped_is_named_and_one_that_did_not_is_not():
    idle = Fix(kind=FixKind.PATH, folders=("/a",), registered=Registered.NO, missing=("libcusolver.so.10",))
    assert audited(seen(MISSING, fixes=(idle, LINK))).fix == LINK
    assert audited(seen(MISSING, fixes=(idle,))).fix is None


@pytest.mark.parametrize(
    "link",
    [replace(LINK, named=272, lacking=("cudnnCreatePersistentRNNPlan",)), replace(LINK, named=0)],
    ids=["functions are missing", "nothing was compared"],
)
def test_a_link_that_registers_a_device_mends_nothing_unless_every_function_is_there(link):
    found = audited(seen(MISSING, fixes=(link,)))
    assert (found.fix, found.unsound) == (None, link)
    assert audit_word(seen(MISSING, fixes=(link,))) == "audit: broken"
    assert audited(seen(MISSING, fixes=(link, LINK))).unsound is None


@pytest.mark.parametrize(
    ("loaded", "cudnn", "load"),
    [
        ("8.6.0.163", "8.9", Load.OLD),
        ("8.9.7.29", "8.9", Load.LOADS),
        ("8.10.0", "8.9", Load.LOADS),
        ("8.6.0.163", "8", Load.LOADS),
        ("", "8.9", Load.LOADS),
    ],
)
def test_a_cudnn_of_a_lower_minor_version_than_the_build_s_is_too_old(loaded, cudnn, load):
    cudnn_there = Library(soname="libcudnn.so.8", loading=Loading.LOADED, path="/x", version=loaded)
    other = replace(cudnn_there, soname="libcublas.so.12", version="1.0")
    one = replace(seen(cudnn_there, other, registered=Registered.YES), built=replace(BUILT, cudnn=cudnn))
    assert audited(one).load is load
    if load is Load.OLD:
        assert audited(one).words == "broken: libcudnn.so.8 is older than cuDNN 8.9, which it was built for"
        assert audit_word(one) == "audit: broken"


def test_a_build_without_cuda_that_asks_for_nothing_is_said_to_be_one():
    plain = replace(seen(), built=Built(release="2.10.0"), libraries=())
    assert audited(plain).words == "built without CUDA"


def test_a_look_that_failed_is_unknown_with_its_trouble_never_a_verdict_on_libraries():
    lost = replace(seen(MISSING), registered=Registered.UNKNOWN, trouble="TensorFlow can't be imported: ImportError")
    assert audited(lost).words == "unknown: TensorFlow can't be imported: ImportError"


def test_a_crash_is_a_crash():
    assert audited(seen(MISSING, registered=Registered.CRASHED)).load is Load.CRASHED


@pytest.mark.parametrize(
    ("kernels", "capability", "wanted"),
    [
        (("sm_80", "compute_80"), 80, Cover.KERNELS),
        (("sm_80", "compute_80"), 86, Cover.KERNELS),
        (("sm_86",), 80, Cover.NOTHING),
        (("sm_80", "compute_80"), 90, Cover.JIT),
        (("sm_80",), 90, Cover.NOTHING),
        (("compute_90",), 80, Cover.NOTHING),
        (("sm_90a",), 90, Cover.KERNELS),
        (("sm_100a", "compute_100a"), 103, Cover.NOTHING),
        (("compute_90a",), 100, Cover.NOTHING),
        ((), 80, Cover.NOTHING),
    ],
)
def test_kernels_cover_their_own_major_capability_and_ptx_everything_newer(kernels, capability, wanted):
    assert cover(kernels, capability) is wanted


def test_the_word_of_an_audit_is_never_one_that_a_run_on_a_gpu_has():
    audits = {
        "audit: loads": seen(registered=Registered.YES),
        "audit: mended": seen(MISSING, fixes=(LINK,)),
        "audit: broken": seen(MISSING),
        "audit: unknown": seen(registered=Registered.UNKNOWN, trouble="x"),
    }
    assert {word: audit_word(one) for word, one in audits.items()} == {word: word for word in audits}
    assert list(audits) == list(MEANINGS)


def test_a_gpu_cell_that_nothing_ran_in_on_a_gpu_says_what_the_audit_says():
    here = cell("2.4.1", "none")
    record = replace(ran(here), observations=(), audit=kept(seen(registered=Registered.YES)))
    audits = CudaInspection(folder=paths.data("images"))
    judged = CellResult(cell=here, status=CellStatus.RAN, record=record, inspection=audits, meaning=Unknown())
    assert judged.word("gpu") == "audit: loads"
    assert replace(judged, record=replace(record, audit=None)).word("gpu") == VerdictKind.UNKNOWN


class Unknown:
    """Says unknown of every group."""

    def verdict(self, group):
        return Verdict(group=group, kind=VerdictKind.UNKNOWN, passed=0, total=0)
