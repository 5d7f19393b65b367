"""What the installed TensorFlow was built for: told by itself where it can be imported, else read from its files.

The files are those that `orchestrator.lock.build_info` reads in a wheel. cuda_config.h leads, for it was compiled in:
some releases' build_info.py knows only "10" where the header has "10.1". Standard library only, CPython 3.6 to 3.14.
"""

import ast
import glob
import importlib.util
import os
import re

INFO = "python/platform/build_info.py"
HEADERS = "include/third_party/gpus/cuda/cuda_config.h", "include/external/local_config_cuda/cuda/cuda/cuda_config.h"
CUDNN_HEADERS = (
    "include/third_party/gpus/**/cudnn_version.h",
    "include/external/**/cudnn_version.h",
)
DEFINE = re.compile(r'^#define[ \t]+(\w+)[ \t]+"?([^"\r\n]*?)"?[ \t]*\r?$', re.MULTILINE)
CAPABILITIES = "cuda_compute_capabilities"


def package_folder():
    """TensorFlow's folder in this environment, found without importing it; "" where there is none."""
    try:
        found = importlib.util.find_spec("tensorflow")
    except (ImportError, ValueError):  # a module that was put there by hand and has no spec
        return ""
    folders = list(found.submodule_search_locations or ()) if found else []
    return os.path.abspath(folders[0]) if folders else ""


def built(package, owner, answer):
    """The fields of model.cuda.Built. `owner` is the distribution of the folder `package`, None where nobody's."""
    info = answer.build or read_info(os.path.join(package, INFO)) if package else answer.build
    macros = read_header(package, HEADERS)
    release = answer.release or (owner.version if owner else "")
    exact = macros.get("TF_CUDA_VERSION") or str(info.get("cuda_version") or info.get("cuda_version_number") or "")
    if not exact or info.get("is_cuda_build") is False:
        return {"release": release}
    numbers = read_header(package, CUDNN_HEADERS)
    parts = [numbers.get("CUDNN_" + part, "") for part in ("MAJOR", "MINOR", "PATCHLEVEL")]
    cudnn_exact = ".".join(parts) if all(part.isdigit() for part in parts) else ""
    short = macros.get("TF_CUDNN_VERSION") or str(info.get("cudnn_version") or info.get("cudnn_version_number") or "")
    return {
        "release": release,
        "cuda": minor(exact),
        "cuda_exact": exact,
        "cudnn": minor(cudnn_exact or short),
        "cudnn_exact": cudnn_exact,
        "capabilities": capabilities(info.get(CAPABILITIES)),
    }


def minor(version):
    """A version cut to its first two numbers: "12.5.1" → "12.5", "8" → "8"."""
    return ".".join(version.split(".")[:2])


def capabilities(told):
    """["sm_70", …] of what build_info says: a list, or the text of one."""
    if isinstance(told, (list, tuple)):
        return [str(one) for one in told]
    return re.findall(r"[a-z]+_\d+[a-z]?", str(told or ""))


def read_info(path):
    """{name: value} of the plain values in a build_info.py, read and not run; {} where it can't be."""
    try:
        with open(path, errors="replace") as file:
            tree = ast.parse(file.read())
    except (OSError, SyntaxError, ValueError):
        return {}
    told = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            _keep(told, node.targets[0].id, node.value)
        elif isinstance(node, ast.Dict):
            for index, value in enumerate(node.values):
                _keep(told, _literal(node.keys[index]), value)
        elif isinstance(node, ast.Tuple) and len(node.elts) == 2:  # an item of an OrderedDict
            _keep(told, _literal(node.elts[0]), node.elts[1])
    return told


def read_header(package, patterns):
    """{macro: value} of the first header that there is, quotes taken off."""
    for pattern in patterns if package else ():
        for path in sorted(glob.glob(os.path.join(glob.escape(package), pattern), recursive=True)):
            try:
                with open(path, errors="replace") as file:
                    return dict(DEFINE.findall(file.read()))
            except OSError:
                continue
    return {}


def _keep(told, name, node):
    value = _literal(node)
    if isinstance(name, str) and value is not None:
        told[name] = value


def _literal(node):
    """The value of a syntax node that is a literal, None for an expression."""
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError):
        return None
