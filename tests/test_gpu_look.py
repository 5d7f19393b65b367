"""The look into an environment: what it makes of the loader's trace, and whole looks at a TensorFlow made here.

That TensorFlow opens the libraries it is told to and prints as the real one does; the libraries are real shared
objects, and the loader is this machine's. It stands in for the program's subject only: no evidence comes of it.
"""

from __future__ import annotations

import ctypes
import importlib
import json
import os
import shutil
import subprocess
import sys
import textwrap
import time
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest
from elf_files import SharedObject

from orchestrator import paths
from orchestrator.model.cuda import FixKind, Library, Loading, Registered, Sighting

GPU = paths.data("images") / "gpu"
MODULES = "bounded", "built", "drivers", "libraries", "loader_trace", "look", "owners", "places", "search"
sys.path.insert(0, str(GPU))
try:
    bounded, built, drivers, libraries, loader_trace, look, owners, places, search = map(
        importlib.import_module, MODULES
    )
finally:
    sys.path.remove(str(GPU))

OLDEST = os.environ.get("COMPAT_OLDEST_PYTHON") or shutil.which("python3.7")
PYTHONS = [sys.executable, *([OLDEST] if OLDEST else [])]

# ---------------------------------------------------------------- traces

OLD_TRACE = """\
      7:\tfile=libcudart.so.11.0 [0];  dynamically loaded by /env/tensorflow/python/_pywrap_tensorflow_internal.so [0]
      7:\tfind library=libcudart.so.11.0 [0]; searching
      7:\t search path=/env/tensorflow/python:/env/tensorflow/python/..\t\t(RPATH from file /env/tensorflow/python/_pywrap_tensorflow_internal.so)
      7:\t  trying file=/env/tensorflow/python/libcudart.so.11.0
      7:\t  trying file=/env/tensorflow/python/../libcudart.so.11.0
      7:\t search path=/work/driver\t\t(LD_LIBRARY_PATH)
      7:\t  trying file=/work/driver/libcudart.so.11.0
      7:\t search cache=/etc/ld.so.cache
      7:\t search path=/lib/x86_64-linux-gnu/glibc-hwcaps/x86-64-v3:/lib/x86_64-linux-gnu/tls/haswell/x86_64:/lib/x86_64-linux-gnu/tls:/lib/x86_64-linux-gnu/x86_64:/lib/x86_64-linux-gnu:/lib\t\t(system search path)
      7:\t  trying file=/lib/x86_64-linux-gnu/x86_64/libcudart.so.11.0
      7:\t  trying file=/lib/x86_64-linux-gnu/libcudart.so.11.0
      7:\t  trying file=/lib/libcudart.so.11.0
      7:\t
      7:\topening file=/env/tensorflow/python/_pywrap_tensorflow_internal.so [0]; direct_opencount=1
      7:\t
      7:\tfile=libcuda.so.1 [0];  dynamically loaded by /env/tensorflow/python/_pywrap_tensorflow_internal.so [0]
      7:\tfind library=libcuda.so.1 [0]; searching
      7:\t search path=/work/driver\t\t(LD_LIBRARY_PATH)
      7:\t  trying file=/work/driver/libcuda.so.1
      7:\t
      7:\tfile=libcuda.so.1 [0];  generating link map
      7:\t  dynamic: 0x00007fa64aa32dd0  base: 0x00007fa64aa2e000   size: 0x0000000000005050
      7:\t    entry: 0x00007fa64aa2e000  phdr: 0x00007fa64aa2e040  phnum:                 10
      7:\t
      7:\tcalling init: /work/driver/libcuda.so.1
"""
"""TensorFlow 2.4.1 on Python 3.7, glibc 2.36; some of the loader's variants of each folder are left out."""

NEW_TRACE = """\
     12:\tfile=libcublas.so.12 [0];  dynamically loaded by /env/tensorflow/python/platform/../../libtensorflow_framework.so.2 [0]
     12:\tfind library=libcublas.so.12 [0]; searching
     12:\t search path=/work/driver\t\t(LD_LIBRARY_PATH)
     12:\t  trying file=/work/driver/libcublas.so.12
     12:\t search path=/env/tensorflow/python/platform/../..:/env/tensorflow/python/platform/../../../nvidia/cublas/lib\t\t(RUNPATH from file /env/tensorflow/python/platform/../../libtensorflow_framework.so.2)
     12:\t  trying file=/env/tensorflow/python/platform/../../libcublas.so.12
     12:\t  trying file=/env/tensorflow/python/platform/../../../nvidia/cublas/lib/libcublas.so.12
     12:\t
     12:\tfile=libcublas.so.12 [0];  generating link map
     12:\t  dynamic: 0x00007f8e703b58c0  base: 0x00007f8e69c00000   size: 0x00000000067c4688
     12:\t
     12:\tfile=libcublasLt.so.12 [0];  needed by /env/tensorflow/python/platform/../../../nvidia/cublas/lib/libcublas.so.12 [0]
     12:\tfind library=libcublasLt.so.12 [0]; searching
     12:\t search path=/env/tensorflow/python/platform/../../../nvidia/cublas/lib\t\t(RUNPATH from file /env/tensorflow/python/platform/../../libtensorflow_framework.so.2)
     12:\t  trying file=/env/tensorflow/python/platform/../../../nvidia/cublas/lib/libcublasLt.so.12
     12:\t
     12:\tfile=libcublasLt.so.12 [0];  generating link map
     12:\t
     12:\tcalling init: /env/tensorflow/python/platform/../../../nvidia/cublas/lib/libcublasLt.so.12
     12:\t
     12:\t/work/driver/libcuda.so.1: error: symbol lookup error: undefined symbol: cuLinkCreate_v2 (fatal)
     12:\t
     12:\tcalling init: /env/tensorflow/python/platform/../../../nvidia/cublas/lib/libcublas.so.12
"""
"""TensorFlow 2.17.1 on Python 3.11, glibc 2.36."""


def test_a_library_nowhere_to_be_found_has_its_places_in_order() -> None:
    missing = loader_trace.parse(OLD_TRACE.splitlines()).searches[0]
    assert missing.name == "libcudart.so.11.0"
    assert missing.asked_by == "/env/tensorflow/python/_pywrap_tensorflow_internal.so"
    assert missing.places == [
        "/env/tensorflow/python",
        "/env/tensorflow/python/..",
        "/work/driver",
        "/etc/ld.so.cache",
        "/lib/x86_64-linux-gnu",
        "/lib",
    ]
    assert missing.tried[-1] == "/lib/libcudart.so.11.0"
    assert missing.mapped == ""
    assert not missing.needs


def test_a_library_that_loads_has_the_file_that_was_taken() -> None:
    trace = loader_trace.parse(OLD_TRACE.splitlines())
    assert [one.name for one in trace.searches] == ["libcudart.so.11.0", "libcuda.so.1"]
    assert trace.searches[1].mapped == "/work/driver/libcuda.so.1"
    assert trace.started == {"/work/driver/libcuda.so.1"}


def test_what_a_library_needs_is_told_from_what_it_opens() -> None:
    trace = loader_trace.parse(NEW_TRACE.splitlines())
    folder = "/env/tensorflow/python/platform/../../../nvidia/cublas/lib"
    cublas, inner = trace.searches
    assert (cublas.needs, inner.needs) == (False, True)
    assert inner.asked_by == cublas.mapped == f"{folder}/libcublas.so.12"
    assert trace.started == {f"{folder}/libcublas.so.12", f"{folder}/libcublasLt.so.12"}
    assert trace.errors == {"/work/driver/libcuda.so.1": "undefined symbol: cuLinkCreate_v2"}


@pytest.mark.parametrize(
    ("given", "left"),
    [
        ("/a/tls/x86_64:/a/tls:/a", ["/a"]),
        ("/a/haswell:/b", ["/a/haswell", "/b"]),
        ("/a:tls/x86_64:tls:", ["/a", "."]),
        ("/usr/lib/x86_64-linux-gnu", ["/usr/lib/x86_64-linux-gnu"]),
    ],
)
def test_the_loaders_variants_of_a_folder_are_left_out(given: str, left: list[str]) -> None:
    assert loader_trace.folders(given) == left


def test_tensorflows_lines_about_gpus_are_kept_in_both_forms_and_once() -> None:
    output = textwrap.dedent("""\
        2024-01-01 00:00:00.318662: I tensorflow/core/util/port.cc:153] oneDNN custom operations are on.
        2024-01-01 00:00:00.403046: E external/local_xla/xla/stream_executor/cuda/cuda_dnn.cc:8454] Unable to register cuDNN factory: Attempting
        WARNING: All log messages before absl::InitializeLog() is called are written to STDERR
        I0000 00:00:1795254553.988809   20732 cuda_executor.cc:1015] successful NUMA node read from SysFS had negative value
        W0000 00:00:1795254553.988809   20732 gpu_device.cc:2251] Cannot dlopen some GPU libraries.
        2024-01-01 00:00:01.000000: W tensorflow/core/common_runtime/gpu/gpu_device.cc:1757] Cannot dlopen some GPU libraries.
        2024-01-01 00:00:02.000000: W tensorflow/core/common_runtime/gpu/gpu_device.cc:1757] Cannot dlopen some GPU libraries.
        """)
    assert search.said(output) == [
        "W gpu_device.cc:2251] Cannot dlopen some GPU libraries.",
        "W tensorflow/core/common_runtime/gpu/gpu_device.cc:1757] Cannot dlopen some GPU libraries.",
    ]


# ---------------------------------------------------------------- names, places, owners


@pytest.mark.parametrize(
    ("soname", "ours", "needed"),
    [
        ("libcublasLt.so.12", True, True),
        ("libcudnn_ops_infer.so.8", True, True),
        ("libnvJitLink.so.12", True, True),
        ("libcuda.so.1", True, False),
        ("libnvidia-ml.so.1", True, False),
        ("libnvinfer_plugin.so.8.6.1", True, False),
        ("libcupti.so.12", True, False),
        ("libcurl.so.4", False, False),
        ("libstdc++.so.6", False, False),
        ("libtensorflow_framework.so.2", False, False),
    ],
)
def test_cudas_names_are_known_and_those_a_gpu_does_without(soname: str, ours: bool, needed: bool) -> None:
    assert (places.is_ours(soname), places.is_needed(soname)) == (ours, needed)


def test_other_versions_of_a_library_are_found_newest_first(tmp_path: Path) -> None:
    for name in ("libcusolver.so.9", "libcusolver.so.11", "libcusolverMg.so.12", "libcusolver.so.10", "libcusolver.a"):
        (tmp_path / name).touch()
    found = places.of_other_versions("libcusolver.so.10", [str(tmp_path)])
    assert [Path(path).name for path in found] == ["libcusolver.so.11", "libcusolver.so.9"]


def test_a_folder_that_a_person_named_is_looked_through(tmp_path: Path) -> None:
    deep = tmp_path / "cuda" / "targets" / "lib"
    deep.mkdir(parents=True)
    (deep / "libcufft.so.10").touch()
    found = places.files_of("libcufft.so.10", places.folders([str(tmp_path)]))
    assert found == [str(deep / "libcufft.so.10")]


def test_owners_are_wheels_then_packages_of_the_system_and_else_the_real_name_tells(tmp_path: Path) -> None:
    site, prefix, dpkg = tmp_path / "site-packages", tmp_path / "prefix", tmp_path / "dpkg"
    install(site, "nvidia-cublas-cu12", "12.3.4.1", ["nvidia/cublas/lib/libcublas.so.12"])
    (prefix / "conda-meta").mkdir(parents=True)
    meta = {"name": "cudatoolkit", "version": "11.2.2", "files": ["lib/libcudart.so.11.0"]}
    (prefix / "conda-meta" / "cudatoolkit.json").write_text(json.dumps(meta))
    (dpkg / "info").mkdir(parents=True)
    (dpkg / "info" / "libcudnn8.list").write_text("/.\n/usr/lib/libcudnn.so.8\n")
    (dpkg / "info" / "zlib1g.list").write_text("/usr/lib/libz.so.1\n")
    (dpkg / "status").write_text("Package: libcudnn8\nVersion: 8.9.7.29-1\n\nPackage: zlib1g\nVersion: 1\n")
    (tmp_path / "libcufft.so.10.9.0").touch()
    (tmp_path / "libcufft.so.10").symlink_to("libcufft.so.10.9.0")
    known = owners.Owners([str(site)], str(prefix), str(dpkg))
    assert known.describe(str(site / "nvidia/cublas/lib/libcublas.so.12")) == ("12.3.4.1", "nvidia-cublas-cu12 12.3.4.1")
    assert known.describe(str(prefix / "lib/libcudart.so.11.0")) == ("11.2.2", "cudatoolkit 11.2.2")
    assert known.describe("/usr/lib/libcudnn.so.8") == ("8.9.7.29-1", "libcudnn8 8.9.7.29-1")
    assert known.describe(str(tmp_path / "libcufft.so.10")) == ("10.9.0", "")
    assert known.describe("/usr/lib/libz.so.1") == ("", "")


# ---------------------------------------------------------------- what it was built for


def built_of(package: Path, build: Mapping[str, object] | None = None) -> Mapping[str, object]:
    found: Mapping[str, object] = built.built(
        str(package), owners.Owner("tensorflow", "2.9.9"), SimpleNamespace(build=build or {}, release="")
    )
    return found


@pytest.mark.parametrize(
    "text",
    [
        "import collections\nbuild_info = collections.OrderedDict([('cuda_version', '11.2'), ('cudnn_version', '8'),"
        " ('cuda_compute_capabilities', ['sm_35', 'compute_80']), ('is_cuda_build', True)])",
        "build_info = {'cuda_version': '11.2', 'cudnn_version': '8', 'cuda_compute_capabilities': ['sm_35', 'compute_80']}",
        "cuda_version_number = '11.2'\ncudnn_version_number = '8'\ncuda_compute_capabilities = 'sm_35,compute_80'",
    ],
)
def test_a_build_info_is_read_without_running_it(tmp_path: Path, text: str) -> None:
    path = tmp_path / "python" / "platform" / "build_info.py"
    path.parent.mkdir(parents=True)
    path.write_text(text + "\nraise SystemExit('this was run')\n")
    found = built_of(tmp_path)
    assert (found["release"], found["cuda"], found["cudnn"]) == ("2.9.9", "11.2", "8")
    assert found["capabilities"] == ["sm_35", "compute_80"]


def test_the_headers_lead_and_say_the_whole_version(tmp_path: Path) -> None:
    gpus = tmp_path / "include" / "third_party" / "gpus"
    (gpus / "cuda").mkdir(parents=True)
    (gpus / "cuda" / "cuda_config.h").write_text('#define TF_CUDA_VERSION "12.5.1"\n#define TF_CUDNN_VERSION "9"\n')
    (gpus / "cudnn" / "include").mkdir(parents=True)
    numbers = "#define CUDNN_MAJOR 9\n#define CUDNN_MINOR 3\n#define CUDNN_PATCHLEVEL 0\n"
    (gpus / "cudnn" / "include" / "cudnn_version.h").write_text(numbers)
    found = built_of(tmp_path, {"cuda_version": "12", "cudnn_version": "9"})
    assert (found["cuda"], found["cuda_exact"], found["cudnn"], found["cudnn_exact"]) == ("12.5", "12.5.1", "9.3", "9.3.0")


def test_a_build_without_cuda_has_no_version(tmp_path: Path) -> None:
    assert built_of(tmp_path, {"is_cuda_build": False, "cuda_version": "11.2"}) == {"release": "2.9.9"}


# ---------------------------------------------------------------- the oldest driver


@pytest.mark.parametrize(
    ("least", "oldest"), [(11000, 11000), (12050, 12050), (11081, 12000), (13000, 13000), (0, None), (13001, None)]
)
def test_the_oldest_accepted_driver_is_found_by_halving(least: int, oldest: int | None) -> None:
    asked = []

    def accepts(version: int) -> bool:
        asked.append(version)
        return version >= least

    assert drivers.oldest(accepts) == oldest
    assert len(asked) <= 6


def test_a_driver_that_nobody_can_judge_gives_no_answer() -> None:
    assert drivers.oldest(lambda version: None if version == 11080 or version == 12000 else version > 11000) is None
    assert (drivers.text(12050), drivers.text(None)) == ("12.5", "")


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

TENSORFLOW = '''\
"""Opens libraries as TensorFlow does. What it opens, and what happens then, is written beside it."""
import ctypes, json, os, signal, subprocess, sys, time
__version__ = "2.99.0"
PLAN = json.load(open(os.path.join(os.path.dirname(__file__), "plan.json")))
if PLAN.get("raises"):
    raise TypeError(PLAN["raises"])
class sysconfig:
    @staticmethod
    def get_build_info():
        return {"cuda_version": "12.3", "cudnn_version": "8", "cuda_compute_capabilities": ["sm_60", "compute_90"]}
class Device:
    name = "/physical_device:GPU:0"
class config:
    @staticmethod
    def list_physical_devices(kind):
        ctypes.CDLL("libcuda.so.1")
        missing = False
        for soname in PLAN["opens"]:
            try:
                ctypes.CDLL(soname)
            except OSError as error:
                missing = True
                if PLAN.get("names"):
                    where = "2024-01-01 00:00:00.000000: W tensorflow/stream_executor/platform/default/dso_loader.cc:60]"
                    what = "Could not load dynamic library '%s'; dlerror: %s; LD_LIBRARY_PATH: %s"
                    print(where, what % (soname, error, os.environ.get("LD_LIBRARY_PATH")), file=sys.stderr)
        if PLAN.get("hangs"):
            sleeper = subprocess.Popen(["sleep", "300"])
            open(PLAN["hangs"], "w").write("%d %d" % (os.getpid(), sleeper.pid))
            time.sleep(300)
        if PLAN.get("dies"):
            os.kill(os.getpid(), signal.SIGSEGV)
        if missing:
            print("2024-01-01 00:00:00.000000: W tensorflow/core/gpu_device.cc:1] Cannot dlopen some", file=sys.stderr)
        return [] if missing else [Device()]
'''


def install(site: Path, name: str, version: str, files: list[str]) -> None:
    """The record of a wheel that brought these files."""
    folder = site / f"{name.replace('-', '_')}-{version}.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n\nName: no\n")
    (folder / "RECORD").write_text("".join(f"{file},sha256=x,1\n" for file in [*files, f"{folder.name}/RECORD"]))


class Environment:
    """A folder of distributions with that TensorFlow, and libraries of the major versions 98 and 99."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.site = root / "site-packages"
        self.library("libcuda.so.1", "../../driver", SharedObject(soname="libcuda.so.1"))
        (self.site / "tensorflow").mkdir(parents=True)
        (self.site / "tensorflow" / "__init__.py").write_text(TENSORFLOW)
        install(self.site, "tensorflow", "2.99.0", ["tensorflow/__init__.py"])

    def plan(self, *opens: str, **more: object) -> None:
        (self.site / "tensorflow" / "plan.json").write_text(json.dumps({"opens": opens, **more}))

    def library(self, soname: str, part: str, made: SharedObject | bytes) -> Path:
        """Puts a library where the wheel of that part would."""
        path = self.site / "nvidia" / part / "lib" / soname
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(made if isinstance(made, bytes) else made.content())
        return path

    def look(self, python: str = sys.executable, on_path: tuple[Path, ...] = (), **request: object) -> Sighting:
        work = self.root / "work"
        work.mkdir(exist_ok=True)
        stand_in = self.site / "nvidia" / "../../driver" / "lib" / "libcuda.so.1"
        asked = {"work": str(work), "stand_in": str(stand_in), "oldest_driver": False, **request}
        (self.root / "request.json").write_text(json.dumps(asked))
        env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(self.site), "PYTHONDONTWRITEBYTECODE": "1"}
        if on_path:
            env["LD_LIBRARY_PATH"] = ":".join(map(str, on_path))
        command = [python, str(GPU / "look.py"), str(self.root / "request.json")]
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr
        return msgspec.json.decode(done.stdout.splitlines()[-1], type=Sighting)


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    return Environment(tmp_path)


def of(sighting: Sighting, soname: str) -> Library:
    return next(library for library in sighting.libraries if library.soname == soname)


@pytest.mark.parametrize("python", PYTHONS)
def test_libraries_that_load_make_a_registered_device(environment: Environment, python: str) -> None:
    inner = environment.library("libcublasLt.so.99", "cublas", SharedObject(soname="libcublasLt.so.99"))
    made = SharedObject(soname="libcublas.so.99", needed=("libcublasLt.so.99",), runpath="$ORIGIN")
    path = environment.library("libcublas.so.99", "cublas", made)
    install(environment.site, "nvidia-cublas-cu99", "99.1.2", ["nvidia/cublas/lib/libcublas.so.99"])
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
