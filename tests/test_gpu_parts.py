"""The parts of a look into an environment: traces of the loader, names, owners, build information, drivers."""

from __future__ import annotations

import importlib
import json
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace

import pytest
from gpu_environment import GPU, record

MODULES = "built", "drivers", "loader_trace", "owners", "places", "search"
sys.path.insert(0, str(GPU))
try:
    built, drivers, loader_trace, owners, places, search = map(importlib.import_module, MODULES)
finally:
    sys.path.remove(str(GPU))

# ---------------------------------------------------------------- traces

OLD_TRACE = """\
      7:\tfile=libcudart.so.11.0 [0];  dynamically loaded by /env/tensorflow/python/_pywrap_tensorflow_internal.so [0]
      7:\tfind library=libcudart.so.11.0 [0]; searching
      7:\t search path=/env/tensorflow/python:/env/tensorflow/python/..\t\t(RPATH from file /env/tensorflow/python/_pywrap_tensorflow_internal.so)
      7:\t  trying file=/env/tensorflow/python/libcudart.so.11.0
      7:\t  trying file=/env/tensorflow/python/../libcudart.so.11.0
      7:\t search path=/look/driver\t\t(LD_LIBRARY_PATH)
      7:\t  trying file=/look/driver/libcudart.so.11.0
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
      7:\t search path=/look/driver\t\t(LD_LIBRARY_PATH)
      7:\t  trying file=/look/driver/libcuda.so.1
      7:\t
      7:\tfile=libcuda.so.1 [0];  generating link map
      7:\t  dynamic: 0x00007fa64aa32dd0  base: 0x00007fa64aa2e000   size: 0x0000000000005050
      7:\t    entry: 0x00007fa64aa2e000  phdr: 0x00007fa64aa2e040  phnum:                 10
      7:\t
      7:\tcalling init: /look/driver/libcuda.so.1
"""  # noqa: E501
"""TensorFlow 2.4.1 on Python 3.7, glibc 2.36; some of the loader's variants of each folder are left out."""

NEW_TRACE = """\
     12:\tfile=libcublas.so.12 [0];  dynamically loaded by /env/tensorflow/python/platform/../../libtensorflow_framework.so.2 [0]
     12:\tfind library=libcublas.so.12 [0]; searching
     12:\t search path=/look/driver\t\t(LD_LIBRARY_PATH)
     12:\t  trying file=/look/driver/libcublas.so.12
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
     12:\t/look/driver/libcuda.so.1: error: symbol lookup error: undefined symbol: cuLinkCreate_v2 (fatal)
     12:\t
     12:\tcalling init: /env/tensorflow/python/platform/../../../nvidia/cublas/lib/libcublas.so.12
"""  # noqa: E501
"""TensorFlow 2.17.1 on Python 3.11, glibc 2.36."""


def test_a_library_nowhere_to_be_found_has_its_places_in_order() -> None:
    missing = loader_trace.parse(OLD_TRACE.splitlines()).searches[0]
    assert missing.name == "libcudart.so.11.0"
    assert missing.asked_by == "/env/tensorflow/python/_pywrap_tensorflow_internal.so"
    assert missing.places == [
        "/env/tensorflow/python",
        "/env/tensorflow/python/..",
        "/look/driver",
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
    assert trace.searches[1].mapped == "/look/driver/libcuda.so.1"
    assert trace.started == {"/look/driver/libcuda.so.1"}


def test_what_a_library_needs_is_told_from_what_it_opens() -> None:
    trace = loader_trace.parse(NEW_TRACE.splitlines())
    folder = "/env/tensorflow/python/platform/../../../nvidia/cublas/lib"
    cublas, inner = trace.searches
    assert (cublas.needs, inner.needs) == (False, True)
    assert inner.asked_by == cublas.mapped == f"{folder}/libcublas.so.12"
    assert trace.started == {f"{folder}/libcublas.so.12", f"{folder}/libcublasLt.so.12"}
    assert trace.errors == {"/look/driver/libcuda.so.1": "undefined symbol: cuLinkCreate_v2"}


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
        2024-01-01 00:00:00.403046: E xla/stream_executor/cuda/cuda_dnn.cc:8454] Unable to register cuDNN factory
        WARNING: All log messages before absl::InitializeLog() is called are written to STDERR
        I0000 00:00:1795254553.988809   20732 cuda_executor.cc:1015] successful NUMA node read from SysFS
        W0000 00:00:1795254553.988809   20732 gpu_device.cc:2251] Cannot dlopen some GPU libraries.
        2024-01-01 00:00:01.000000: W tensorflow/core/common_runtime/gpu/gpu_device.cc:1757] Cannot dlopen some
        2024-01-01 00:00:02.000000: W tensorflow/core/common_runtime/gpu/gpu_device.cc:1757] Cannot dlopen some
        """)
    assert search.said(output) == [
        "W gpu_device.cc:2251] Cannot dlopen some GPU libraries.",
        "W tensorflow/core/common_runtime/gpu/gpu_device.cc:1757] Cannot dlopen some",
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


def test_the_version_asked_for_in_full_goes_before_a_newer_one(tmp_path: Path) -> None:
    for name in ("libcudnn.so.9", "libcudnn.so.8.9.7", "libcudnn.so.8.10.1", "libcudnn.so.7"):
        (tmp_path / name).touch()
    found = places.of_other_versions("libcudnn.so.8", [str(tmp_path)])
    assert [Path(path).name[12:] for path in found] == ["8.10.1", "8.9.7", "9", "7"]


def test_a_folder_that_a_person_named_is_looked_through(tmp_path: Path) -> None:
    deep = tmp_path / "cuda" / "targets" / "lib"
    deep.mkdir(parents=True)
    (deep / "libcufft.so.10").touch()
    found = places.files_of("libcufft.so.10", places.folders([str(tmp_path)]))
    assert found == [str(deep / "libcufft.so.10")]


def test_owners_are_wheels_then_packages_of_the_system_and_else_the_real_name_tells(tmp_path: Path) -> None:
    site, prefix, dpkg = tmp_path / "site-packages", tmp_path / "prefix", tmp_path / "dpkg"
    record(site, "nvidia-cublas-cu12", "12.3.4.1", ["nvidia/cublas/lib/libcublas.so.12"])
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
    assert known.describe(str(site / "nvidia/cublas/lib/libcublas.so.12")) == (
        "12.3.4.1",
        "nvidia-cublas-cu12 12.3.4.1",
    )
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
        "build_info = {'cuda_version': '11.2', 'cudnn_version': '8',"
        " 'cuda_compute_capabilities': ['sm_35', 'compute_80']}",
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
    assert (found["cuda"], found["cuda_exact"], found["cudnn"], found["cudnn_exact"]) == (
        "12.5",
        "12.5.1",
        "9.3",
        "9.3.0",
    )


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
