"""Whole looks into environments made here, by the program as it runs inside an image; and its stand-in driver."""

from __future__ import annotations

import ctypes
import json
import os
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest
from elf_files import SharedObject
from gpu_environment import GPU, Environment, of, record

from orchestrator.gpu.audit import FixKind, Loading, Registered

PYTHONS = [sys.executable, *filter(None, [os.environ.get("COMPAT_OLDEST_PYTHON")])]
"""This Python, and the oldest that CI has."""

# ---------------------------------------------------------------- the stand-in driver


@pytest.fixture(scope="module")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The stand-in, compiled without a warning."""
    path = tmp_path_factory.mktemp("driver") / "stand_in.so"
    strict = ["cc", "-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic", "-shared", "-fPIC"]
    subprocess.run([*strict, "-Wl,-soname,libcuda.so.1", "-o", path, GPU / "stand_in.c"], check=True)
    return path


def test_the_stand_in_says_what_it_is_and_carries_nothing_out(stand_in: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    driver = ctypes.CDLL(str(stand_in))
    number, other, name = ctypes.c_int(-1), ctypes.c_int(-1), ctypes.create_string_buffer(64)
    assert driver.cuInit(0) == driver.cuDeviceGetCount(ctypes.byref(number)) == 0
    assert number.value == 1
    assert driver.cuDeviceGetName(name, 64, 0) == 0
    assert name.value == b"stand-in, no GPU"
    monkeypatch.setenv("COMPAT_STAND_IN_CAPABILITY", "120")
    monkeypatch.setenv("COMPAT_STAND_IN_DRIVER", "11040")
    assert driver.cuDeviceComputeCapability(ctypes.byref(number), ctypes.byref(other), 0) == 0
    assert (number.value, other.value) == (12, 0)
    assert driver.cuDeviceGetAttribute(ctypes.byref(number), 75, 0) == 0
    assert number.value == 12
    assert driver.cuDriverGetVersion(ctypes.byref(number)) == 0
    assert number.value == 11040
    assert driver.cuDeviceGet(ctypes.byref(number), 1) == 101
    for never in ("cuMemAlloc_v2", "cuLaunchKernel", "cuModuleLoadData", "cuMemcpyHtoD_v2", "cuStreamCreate"):
        assert driver[never]() == 801, never


# ---------------------------------------------------------------- whole looks


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    return Environment(tmp_path)


@pytest.mark.parametrize("python", PYTHONS)
def test_libraries_that_load_make_a_registered_device(environment: Environment, python: str) -> None:
    inner = environment.library("libcublasLt.so.99", "cublas", SharedObject(soname="libcublasLt.so.99"))
    made = SharedObject(soname="libcublas.so.99", needed=("libcublasLt.so.99",), runpath="$ORIGIN")
    path = environment.library("libcublas.so.99", "cublas", made)
    record(environment.site, "nvidia-cublas-cu99", "99.1.2", ["nvidia/cublas/lib/libcublas.so.99"])
    environment.plan("libcublas.so.99")
    seen = environment.look(python, (path.parent,))
    assert (seen.registered, seen.driver, seen.trouble, seen.fixes) == (Registered.YES, "stand-in", "", ())
    assert [library.soname for library in seen.libraries] == ["libcuda.so.1", "libcublas.so.99", "libcublasLt.so.99"]
    cublas = of(seen, "libcublas.so.99")
    assert (cublas.loading, cublas.path, cublas.unresolved) == (Loading.LOADED, str(path), ())
    assert (cublas.version, cublas.package) == ("99.1.2", "nvidia-cublas-cu99 99.1.2")
    assert of(seen, "libcublasLt.so.99").asked_by == str(path)
    assert of(seen, "libcublasLt.so.99").path == str(inner)
    assert of(seen, "libcuda.so.1").package == "stand-in"
    assert (seen.built.release, seen.built.cuda, seen.built.capabilities) == ("2.99.0", "12.3", ("sm_60", "compute_90"))


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("names", [True, False])
def test_libraries_installed_but_not_found_are_mended_by_a_path(
    environment: Environment, python: str, names: bool
) -> None:
    environment.library("libnvJitLink.so.99", "nvjitlink", SharedObject(soname="libnvJitLink.so.99"))
    made = SharedObject(soname="libcusparse.so.99", needed=("libnvJitLink.so.99",))
    path = environment.library("libcusparse.so.99", "cusparse", made)
    environment.plan("libcusparse.so.99", "libnvinfer.so.99", names=names)
    seen = environment.look(python)
    missing = of(seen, "libcusparse.so.99")
    assert (seen.registered, missing.loading, missing.elsewhere) == (Registered.NO, Loading.NOT_FOUND, (str(path),))
    assert "/etc/ld.so.cache" in missing.searched
    assert not any("driver" in place for place in missing.searched)
    assert of(seen, "libnvinfer.so.99").optional
    assert [fix.kind for fix in seen.fixes] == [FixKind.PATH, FixKind.PATH]
    # the second try knows what the first one brought to light; this TensorFlow does not do without TensorRT
    assert [fix.missing for fix in seen.fixes] == [("libcusparse.so.99", "libnvJitLink.so.99"), ()]
    assert seen.fixes[-1].folders == (str(path.parent), str(environment.site / "nvidia/nvjitlink/lib"))
    assert not any("work/driver" in line for line in seen.said)


def test_for_a_missing_version_a_link_to_another_and_a_path_are_tried(environment: Environment) -> None:
    environment.library("libcufft.so.99", "cufft", SharedObject(soname="libcufft.so.99"))
    names = (".rodata", b"\0cusolverDnCreate\0cusolverDnOld\0cusolverMgNone\0")
    SharedObject(sections=(names,)).write(environment.site / "tensorflow" / "libtensorflow_cc.so.2")
    target = environment.library(
        "libcusolver.so.99", "cusolver", SharedObject(soname="libcusolver.so.99", defined=("cusolverDnCreate",))
    )
    environment.plan("libcufft.so.99", "libcusolver.so.98")
    seen = environment.look()
    assert of(seen, "libcusolver.so.98").elsewhere == ()
    path, link = seen.fixes
    assert (path.kind, path.registered, path.missing) == (FixKind.PATH, Registered.NO, ("libcusolver.so.98",))
    assert (link.kind, link.registered, link.missing) == (FixKind.LINK, Registered.YES, ())
    assert link.links == (("libcusolver.so.98", str(target)),)
    assert link.folders == path.folders == (str(environment.site / "nvidia/cufft/lib"),)
    # a device is registered; which functions are called in the library is not known, so that is no mend yet
    assert (link.named, link.helped, path.helped) == (0, False, False)
    assert sorted(place.name for place in target.parent.iterdir()) == ["libcusolver.so.99"]


WHOLE = SharedObject(soname="libcudnn.so.99", needed=("libm.so.6",), defined=("cudnnCreate",)).content()


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("names", [True, False])
@pytest.mark.parametrize(
    ("made", "why"),
    [
        (SharedObject(soname="libcudnn.so.99", bits=32), "wrong ELF class: ELFCLASS32; it is made for x86, 32 bit"),
        (SharedObject(soname="libcudnn.so.99", undefined=("cudnnGone",)), "undefined symbol: cudnnGone"),
        (SharedObject(soname="libcudnn.so.99", needed=("libzlibwapi.so.9",)), "libzlibwapi.so.9: cannot open shared"),
        (WHOLE[:100], "cut off: it has 100 bytes"),
        (WHOLE[:10], "cut off after 10 bytes"),
        (b"", "the file is empty"),
        (b"version https://git-lfs.github.com/spec/v1\n" * 9, "not an ELF file: it begins with b'vers'"),
    ],
    ids=["class", "symbol", "needed", "cut-100", "cut-10", "empty", "text"],
)
def test_a_refused_library_has_its_reason(
    environment: Environment, made: SharedObject | bytes, why: str, names: bool, python: str
) -> None:
    path = environment.library("libcudnn.so.99", "cudnn", made)
    environment.plan("libcudnn.so.99", names=names)
    seen = environment.look(python, (path.parent,), fixes=False)
    refused = of(seen, "libcudnn.so.99")
    assert (refused.loading, refused.path) == (Loading.REFUSED, str(path))
    assert why in refused.why
    assert seen.registered in (Registered.NO, Registered.CRASHED)


def test_a_cut_library_that_loads_all_the_same_is_said_to_be_cut(environment: Environment) -> None:
    path = environment.library("libcudnn.so.99", "cudnn", WHOLE[:-8])
    environment.plan("libcudnn.so.99")
    seen = of(environment.look(on_path=(path.parent,)), "libcudnn.so.99")
    assert seen.loading is Loading.LOADED
    assert seen.why == f"cut off: it has {len(WHOLE) - 8} bytes, and should go on to {len(WHOLE)}"


def test_all_missing_symbols_are_named_and_not_only_the_loaders_first(environment: Environment) -> None:
    made = SharedObject(soname="libcudnn.so.99", undefined=("one", "two"), weak=("three",))
    path = environment.library("libcudnn.so.99", "cudnn", made)
    environment.plan("libcudnn.so.99")
    assert of(environment.look(on_path=(path.parent,)), "libcudnn.so.99").unresolved == ("one", "two")
    assert of(environment.look(), "libcudnn.so.99").unresolved == ("one", "two"), "elsewhere as well"


def test_a_good_copy_elsewhere_mends_a_damaged_one(environment: Environment, tmp_path: Path) -> None:
    good = environment.library("libcudnn.so.99", "cudnn", WHOLE)
    bad = tmp_path / "bad" / "libcudnn.so.99"
    bad.parent.mkdir()
    bad.write_bytes(WHOLE[:100])
    environment.plan("libcudnn.so.99")
    seen = environment.look(on_path=(bad.parent,))
    assert of(seen, "libcudnn.so.99").elsewhere == (str(good),)
    assert [(fix.folders, fix.registered) for fix in seen.fixes] == [((str(good.parent),), Registered.YES)]


def test_what_a_library_only_looks_for_is_optional(environment: Environment, tmp_path: Path) -> None:
    source = tmp_path / "opens.c"
    source.write_text(
        "#include <dlfcn.h>\n"
        '__attribute__((constructor)) static void start(void) { dlopen("libnvrtc.so.99", RTLD_NOW); }\n'
    )
    path = environment.library("libcudnn.so.99", "cudnn", b"")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", path, source, "-ldl"], check=True)
    environment.plan("libcudnn.so.99")
    seen = environment.look(on_path=(path.parent,))
    looked_for = of(seen, "libnvrtc.so.99")
    assert (looked_for.loading, looked_for.optional, looked_for.asked_by) == (Loading.NOT_FOUND, True, str(path))
    assert not of(seen, "libcudnn.so.99").optional
    assert seen.registered is Registered.YES


@pytest.mark.parametrize("python", PYTHONS)
def test_a_process_that_dies_has_crashed(environment: Environment, python: str) -> None:
    environment.plan("libcufft.so.99", dies=True)
    seen = environment.look(python)
    assert seen.registered is Registered.CRASHED
    assert "signal 11 (SIGSEGV)" in seen.trouble
    assert of(seen, "libcufft.so.99").loading is Loading.NOT_FOUND
    assert seen.built.cuda == "12.3"


def test_a_tensorflow_that_hangs_is_ended_with_all_it_started(environment: Environment, tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    environment.plan("libcufft.so.99", hangs=str(pids))
    started = time.monotonic()
    seen = environment.look(seconds=3)
    assert time.monotonic() - started < 20
    assert (seen.registered, seen.fixes) == (Registered.UNKNOWN, ())
    assert "had not answered when the time was up" in seen.trouble
    for pid in pids.read_text().split():
        assert not _runs(int(pid)), pid


def _runs(pid: int) -> bool:
    """Whether a process is there and no zombie that nobody collects."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_a_tensorflow_that_cannot_be_imported_is_unknown_with_its_words(environment: Environment) -> None:
    environment.plan(raises="Descriptors cannot be created directly.")
    seen = environment.look()
    assert seen.registered is Registered.UNKNOWN
    assert seen.trouble == "TensorFlow raised TypeError: Descriptors cannot be created directly."
    assert seen.built.release == "2.99.0", "by its distribution"


def test_tensorflow_sees_the_environments_modules_and_not_the_audits(environment: Environment) -> None:
    (environment.site / "search.py").touch()
    environment.plan(imports="search")
    assert environment.look().built.release == str(environment.site / "search.py")


def test_a_hidden_gpu_is_said_to_be_hidden(environment: Environment) -> None:
    environment.plan()
    seen = environment.look(variables={"CUDA_VISIBLE_DEVICES": "-1"})
    assert seen.registered is Registered.YES
    assert "CUDA_VISIBLE_DEVICES is '-1' in this environment" in seen.trouble


def test_kernels_and_tools_are_read(environment: Environment) -> None:
    entries = struct.pack("<HHIQ", 2, 0x101, 32, 4) + bytes(12) + struct.pack("<I", 80) + b"code"
    fat = struct.pack("<IHHQ", 0xBA55ED50, 1, 16, len(entries)) + entries
    made = SharedObject(sections=((".nv_fatbin", fat),))
    made.write(environment.site / "tensorflow" / "python" / "_pywrap.so")
    ptxas = environment.site / "nvidia" / "cuda_nvcc" / "bin" / "ptxas"
    ptxas.parent.mkdir(parents=True)
    ptxas.touch(mode=0o755)
    environment.plan()
    seen = environment.look()
    assert (seen.kernels, seen.kernel_sets) == (("sm_80",), ((1, ("sm_80",)),))
    assert dict(seen.tools)["ptxas"] == str(ptxas)
    ptxas.chmod(0o644)
    again = environment.look(kernels=False)
    assert again.kernels == again.kernel_sets == ()
    assert dict(again.tools)["ptxas"] != str(ptxas), "it can't be run"


@pytest.mark.parametrize("python", PYTHONS)
def test_the_oldest_driver_is_asked_of_the_cuda_runtime(
    environment: Environment, stand_in: Path, tmp_path: Path, python: str
) -> None:
    source = tmp_path / "runtime.c"
    source.write_text(
        "int cuDriverGetVersion(int *);\n"
        "int cudaGetDeviceCount(int *n) { int v = 0; cuDriverGetVersion(&v); *n = 1; return v < 11020 ? 35 : 0; }\n"
    )
    path = environment.library("libcudart.so.99", "cuda_runtime", b"")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", path, source, f"-L{stand_in.parent}", "-l:stand_in.so"], check=True)
    environment.plan("libcudart.so.99")
    seen = environment.look(python, stand_in=str(stand_in), oldest_driver=True)
    assert seen.oldest_driver == "11.2"
    assert environment.look(python, stand_in=str(stand_in)).oldest_driver == ""


def test_an_environment_without_tensorflow_says_so(environment: Environment) -> None:
    for path in sorted((environment.site / "tensorflow").iterdir()):
        path.unlink()
    (environment.site / "tensorflow").rmdir()
    seen = environment.look()
    assert "No module named 'tensorflow'" in seen.trouble
    assert (seen.registered, seen.built.release, seen.libraries) == (Registered.UNKNOWN, "", ())


@pytest.mark.parametrize(
    ("request_text", "words"),
    [
        ("{", "Expecting property name"),
        ('{"work": "/nowhere"}', "'work' is no folder: '/nowhere'"),
        ('{"work": "/tmp", "folder": []}', "unknown key 'folder'"),
        ('{"work": "/tmp", "folders": "/opt"}', "'folders' should be like [] and is '/opt'"),
        ('{"work": "/tmp", "seconds": "60"}', "'seconds' should be like 120 and is '60'"),
        ("[]", "no object"),
    ],
)
def test_a_wrong_request_is_refused_with_its_key(tmp_path: Path, request_text: str, words: str) -> None:
    path = tmp_path / "request.json"
    path.write_text(request_text)
    done = subprocess.run([sys.executable, GPU / "look.py", path], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr


def test_a_stand_in_that_is_not_there_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "request.json"
    path.write_text(json.dumps({"work": str(tmp_path), "stand_in": str(tmp_path / "libcuda.so.1")}))
    done = subprocess.run([sys.executable, GPU / "look.py", path], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "'stand_in' is no file" in done.stderr
