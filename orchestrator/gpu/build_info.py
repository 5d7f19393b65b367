"""What a TensorFlow wheel says it was built for: three small files in it, and what they mean together.

`build_info.py` is what `tf.sysconfig.get_build_info()` answers from, since 2.3. `cuda_config.h` is the header that
TensorFlow itself was compiled with: the names of the libraries it opens are made from the versions in it (source:
`dso_loader.cc` in tensorflow/tensorflow, under stream_executor/platform/default, later tsl/platform/default).
`cudnn_version.h` is NVIDIA's own and is there in newer wheels. Where they differ the header leads, because it is what
was compiled in: the build_info.py of some releases knows only "10" where the header has "10.1", that of others knows
no version at all.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping

from orchestrator.gpu.audit import Built

BUILD_INFO = "build_info.py"
CONFIG = "cuda_config.h"
CUDNN = "cudnn_version.h"
MEMBERS = {
    BUILD_INFO: re.compile(r"[^/]+/python/platform/build_info\.py"),
    CONFIG: re.compile(r"[^/]+/include/(third_party/gpus|external/local_config_cuda/cuda)/cuda/cuda_config\.h"),
    CUDNN: re.compile(r"[^/]+/include/(third_party/gpus|external)/.+/cudnn_version\.h"),
}
"""Which member of a wheel is which file; a wheel may have several copies of a header."""

_DEFINE = re.compile(r"^#define[ \t]+(\w+)[ \t]+(.+?)[ \t]*\r?$", re.MULTILINE)
_NUMBER = re.compile(r"\d+(\.\d+)?")
_NAMED = {
    "libcudart": "TF_CUDART_VERSION",
    "libcublas": "TF_CUBLAS_VERSION",
    "libcufft": "TF_CUFFT_VERSION",
    "libcurand": "TF_CURAND_VERSION",
    "libcusolver": "TF_CUSOLVER_VERSION",
    "libcusparse": "TF_CUSPARSE_VERSION",
    "libcudnn": "TF_CUDNN_VERSION",
}
"""Library → the macro that its version is taken from."""


def built(release: str, files: Mapping[str, str]) -> Built | None:
    """What these files (`BUILD_INFO`, `CONFIG`, `CUDNN`, as far as the wheel has them) say of a release.

    None where they say nothing at all. A build that calls itself one without CUDA has no version, whatever defaults
    its header holds.
    """
    info, macros = read_build_info(files.get(BUILD_INFO, "")), read_header(files.get(CONFIG, ""))
    told = str(info.get("cuda_version") or info.get("cuda_version_number") or "")
    exact = macros.get("TF_CUDA_VERSION", "") or told
    if not info and "TF_CUDA_VERSION" not in macros:
        return None
    if not info.get("is_cuda_build", bool(exact)) or not exact:
        return Built(release=release)
    cudnn = _cudnn_version(files.get(CUDNN, ""))
    short = macros.get("TF_CUDNN_VERSION", "") or str(
        info.get("cudnn_version") or info.get("cudnn_version_number") or ""
    )
    return Built(
        release=release,
        cuda=minor(exact),
        cudnn=minor(cudnn or short),
        capabilities=_capabilities(info, macros),
        cuda_exact=exact,
        cudnn_exact=cudnn,
        told="" if told == exact else told or "nothing",
        sonames=_sonames(macros),
    )


def read_build_info(text: str) -> dict[str, object]:
    """name → value of what a build_info.py assigns, with what `build_info` holds spread among them; never run.

    Two ways of writing it are known: plain variables (`cuda_version_number = '10'`), and from 2.3 on a dict, plain or
    as `collections.OrderedDict([...])`. Whatever is not a literal is left out; {} for a text that is no Python.
    """
    try:
        body = ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {}
    found: dict[str, object] = {}
    for statement in body:
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            value = _value(statement.value)
            found |= value if isinstance(value, dict) else {statement.targets[0].id: value}
    return found


def read_header(text: str) -> dict[str, str]:
    """Macro → value of a C header's one-line definitions, quotes taken off; "" where it is an empty string."""
    return {name: value.strip('"') for name, value in _DEFINE.findall(text)}


def minor(version: str) -> str:
    """A version cut to its first two numbers: "12.5.1" → "12.5", "8" → "8"; what starts otherwise as it is."""
    found = _NUMBER.match(version)
    return version if found is None else found[0]


def _value(node: ast.expr) -> object:
    """A literal, or the dict that a call makes of a literal list of pairs; None for anything else."""
    called = isinstance(node, ast.Call)
    if isinstance(node, ast.Call):
        if len(node.args) != 1 or not ast.unparse(node.func).endswith(("OrderedDict", "dict")):
            return None
        node = node.args[0]
    try:
        value = ast.literal_eval(node)
        return dict(value) if called else value
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return None


def _cudnn_version(text: str) -> str:
    """What NVIDIA's header says, in full ("9.3.0"); "" where it does not say."""
    macros = read_header(text)
    numbers = [macros.get(f"CUDNN_{part}", "") for part in ("MAJOR", "MINOR", "PATCHLEVEL")]
    return ".".join(numbers) if all(n.isdigit() for n in numbers) else ""


def _capabilities(info: Mapping[str, object], macros: Mapping[str, str]) -> tuple[str, ...]:
    listed = info.get("cuda_compute_capabilities")
    if isinstance(listed, list | tuple) and listed:
        return tuple(str(c) for c in listed)
    old = re.findall(r'CudaVersion\("(\d+\.\d+)"\)', macros.get("TF_CUDA_CAPABILITIES", ""))
    new = re.findall(r"\b(\d+)(\d[a-z]?)\b", macros.get("TF_CUDA_COMPUTE_CAPABILITIES", ""))
    return tuple(old) or tuple(f"{major}.{rest}" for major, rest in new)


def _sonames(macros: Mapping[str, str]) -> tuple[str, ...]:
    """Older headers have one version for most libraries (`TF_CUDA_LIB_VERSION`), and the runtime has CUDA's own."""
    shared = macros.get("TF_CUDA_LIB_VERSION", "")
    whole = macros.get("TF_CUDA_VERSION", "")
    names = []
    for library, macro in _NAMED.items():
        version = macros.get(macro) or (whole if library == "libcudart" else shared)
        if version:
            names.append(f"{library}.so.{version}")
    return tuple(names)
