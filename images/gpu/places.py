"""Where CUDA's libraries and tools may lie in an environment, and which names are theirs.

Standard library only, CPython 3.6 to 3.14.
"""

import glob
import os
import re
import site
import sys

OURS = re.compile(
    r"^lib(?:cuda|cudart|cublas(?:Lt)?|nvblas|cufftw?|curand|cusolver(?:Mg)?|cusparse(?:Lt)?|cudnn\w*|cupti|cufile\w*|"
    r"cutensor\w*|nvJitLink|nvrtc[\w-]*|nvvm|nvToolsExt|nvperf_\w+|nvinfer\w*|nvonnxparser|nvparsers|nvidia-\S+?|"
    r"nvshmem\w*|nvcuvid|nccl[\w-]*|checkpoint|pcsamplingutil)\.so"
)
"""Libraries of CUDA, its driver, cuDNN, NCCL, CUPTI and TensorRT."""

DRIVERS = re.compile(r"^lib(?:cuda|nvidia-\S+?|nvcuvid)\.so")
"""Libraries that come with the driver: from the host, never from an environment."""

OPTIONAL = re.compile(
    r"^lib(?:nvinfer\w*|nvonnxparser|nvparsers|cupti|checkpoint|nvperf_\w+|pcsamplingutil|nccl[\w-]*)\.so"
)
"""Libraries without which a GPU is registered all the same: TensorRT, profiling, and NCCL, which is for several."""

SYSTEM = (
    "/lib/x86_64-linux-gnu",
    "/usr/lib/x86_64-linux-gnu",
    "/lib64",
    "/usr/lib64",
    "/usr/local/lib",
    "/lib",
    "/usr/lib",
)
TOOLKITS = ("/usr/local/cuda", "/usr/local/cuda-*", "/opt/cuda", "/opt/*", "/opt/nvidia/*")
BELOW_TOOLKIT = ("lib64", "lib", "targets/*/lib", "extras/CUPTI/lib64")
DEPTH = 4
"""How far down a folder that a person named is looked through."""

TOOLS = (("ptxas", "bin/ptxas"), ("libdevice", "nvvm/libdevice/libdevice.10.bc"))


def is_ours(soname):
    return OURS.match(os.path.basename(soname)) is not None


def is_needed(soname):
    """Whether no GPU is registered without it, and an environment can bring it."""
    return is_ours(soname) and not OPTIONAL.match(soname) and not DRIVERS.match(soname)


def sites():
    """Folders in which distributions lie, in the interpreter's order; those that exist, each once."""
    found = list(sys.path)
    found += site.getsitepackages() if hasattr(site, "getsitepackages") else []
    wanted = [os.path.abspath(folder) for folder in found if folder.rstrip("/").endswith(("-packages", ".egg"))]
    extra = [os.path.abspath(folder) for folder in sys.path if glob.glob(os.path.join(glob.escape(folder), "nvidia"))]
    return _present(wanted + extra)


def folders(given=()):
    """Every folder in which a library may lie, nearest first: distributions, the environment, toolkits, the system.

    `given` are looked through with what is below them.
    """
    found = []
    for place in sites():
        found += sorted(glob.glob(os.path.join(glob.escape(place), "nvidia", "*", "lib*")))
        found += sorted(glob.glob(os.path.join(glob.escape(place), "tensorrt*")))
    for place in given:
        found += _below(place)
    found += [os.path.join(sys.prefix, "lib"), os.path.join(sys.prefix, "lib64")]
    for toolkit in toolkits():
        for below in BELOW_TOOLKIT:
            found += sorted(glob.glob(os.path.join(glob.escape(toolkit), below)))
    found += SYSTEM
    return _present(found)


def toolkits():
    """Folders of CUDA toolkits: named by the environment, then where they are usually installed."""
    named = [os.environ.get(name, "") for name in ("CUDA_HOME", "CUDA_PATH", "CUDA_ROOT")]
    usual = [folder for pattern in TOOLKITS for folder in sorted(glob.glob(pattern))]
    return _present([folder for folder in named if folder] + usual)


def files_of(soname, within):
    """Files of that name in the folders `within`, in their order; what is one file under two names counts once."""
    found = {}
    for folder in within:
        path = os.path.join(folder, soname)
        if os.path.isfile(path):
            found.setdefault(os.path.realpath(path), path)
    return list(found.values())


def of_other_versions(soname, within):
    """Files of the same library under another version: libcusolver.so.11 for libcusolver.so.10.

    First those that are the version asked for in full, libcudnn.so.8.9.7 for libcudnn.so.8; each group newest first.
    """
    stem = soname.split(".so", 1)[0]
    found = {}
    for folder in within:
        for path in glob.glob(os.path.join(glob.escape(folder), glob.escape(stem) + ".so*")):
            if os.path.basename(path) != soname and os.path.isfile(path):
                found.setdefault(os.path.realpath(path), path)
    same = soname + "."
    return sorted(
        found.values(), key=lambda path: (os.path.basename(path).startswith(same), _version(path)), reverse=True
    )


def tools():
    """[(name, path)] of what XLA calls to compile for a GPU; "" where it is nowhere to be found."""
    roots = [os.path.join(place, "nvidia", "cuda_nvcc") for place in sites()] + [os.environ.get("CONDA_PREFIX", "")]
    roots += [root for part in ("cu12", "cu13") for place in sites() for root in [os.path.join(place, "nvidia", part)]]
    flags = re.findall(r"--xla_gpu_cuda_data_dir=(\S+)", os.environ.get("XLA_FLAGS", ""))
    roots = flags + [root for root in roots if root] + toolkits()
    found = {}
    for name, below in TOOLS:
        for path in [os.path.join(root, below) for root in roots] + _on_path(name):
            if os.path.isfile(path) and (name != "ptxas" or os.access(path, os.X_OK)):
                found.setdefault(name, path)
    return [[name, found.get(name, "")] for name, _ in TOOLS]


def _on_path(name):
    return [os.path.join(folder, name) for folder in os.environ.get("PATH", "").split(":") if folder]


def _version(path):
    return [int(part) for part in re.findall(r"\d+", os.path.basename(path).split(".so", 1)[1])]


def _below(place):
    """A folder and those below it, at most DEPTH deep."""
    start = os.path.abspath(place)
    found = []
    for folder, inner, _ in os.walk(start):
        if folder[len(start) :].count(os.sep) >= DEPTH:
            inner[:] = []
        inner.sort()
        found.append(folder)
    return found


def _present(given):
    """Those that are folders, each once (by what they really are), in order."""
    found = {}
    for folder in given:
        if os.path.isdir(folder):
            found.setdefault(os.path.realpath(folder), folder)
    return list(found.values())
