"""What a look into the GPU side of an environment amounts to."""

from __future__ import annotations

from dataclasses import replace

import pytest

from orchestrator.model.cuda import Built, Fix, FixKind, Library, Loading, Registered, Sighting
from orchestrator.verdict.cuda import Cover, Load, audited, cover, needed

BUILT = Built(release="2.10.0", cuda="11.2", cudnn="8", capabilities=("sm_80", "compute_80"))
LOADED = Library(soname="libcudart.so.11.0", loading=Loading.LOADED, path="/x/libcudart.so.11.0")
MISSING = Library(soname="libcusolver.so.10", loading=Loading.NOT_FOUND)
UNREACHED = Library(
    soname="libcudnn.so.8", loading=Loading.NOT_FOUND, elsewhere=("/site/nvidia/cudnn/lib/libcudnn.so.8",)
)
REFUSED = Library(soname="libcufft.so.10", loading=Loading.REFUSED, why="wrong ELF class: ELFCLASS32")


def seen(*libraries, registered=Registered.NO, **fields):
    return Sighting(
        built=BUILT, python="3.9.2", driver="stand-in", registered=registered, libraries=(LOADED, *libraries), **fields
    )


def test_a_registered_device_loads_whatever_optional_library_is_missing():
    tensorrt = Library(soname="libnvinfer.so.7", loading=Loading.NOT_FOUND)
    assert audited(seen(tensorrt, registered=Registered.YES)).words == "loads"


def test_a_library_that_is_nowhere_is_missing_and_named():
    found = audited(seen(MISSING, UNREACHED))
    assert (found.load, found.words) == (Load.MISSING, "broken: libcusolver.so.10 missing")


def test_a_library_that_is_installed_elsewhere_was_not_reached():
    assert audited(seen(UNREACHED)).words == "broken: libraries installed but not found"


def test_a_library_that_the_loader_refuses_is_named_before_those_that_were_not_reached():
    found = audited(seen(UNREACHED, REFUSED))
    assert (found.load, [x.why for x in found.deciding]) == (Load.REFUSED, ["wrong ELF class: ELFCLASS32"])


@pytest.mark.parametrize("soname", ["libnvinfer.so.7", "libcupti.so.11.2", "libcuda.so.1", "libnvidia-ml.so.1"])
def test_optional_and_driver_libraries_decide_nothing(soname):
    assert not needed(soname)
    other = Library(soname=soname, loading=Loading.NOT_FOUND)
    assert audited(seen(other)).load is Load.SKIPPED


def test_the_first_fix_that_helped_is_named_and_one_that_did_not_is_not():
    idle = Fix(kind=FixKind.PATH, folders=("/a",), registered=Registered.NO, missing=("libcusolver.so.10",))
    link = Fix(kind=FixKind.LINK, links=(("libcusolver.so.10", "/a/libcusolver.so.11"),), registered=Registered.YES)
    assert audited(seen(MISSING, fixes=(idle, link))).fix == link
    assert audited(seen(MISSING, fixes=(idle,))).fix is None


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
