"""Says what a base really has, from inside: one line of JSON. Standard library only, CPython 3.6 and later."""

import importlib
import json
import os
import platform
import sys

# What Linux builds of CPython are expected to have; tried by importing, never assumed. Left out: what only other
# systems have, and what newer CPythons removed on purpose.
MODULES = (
    "_bz2",
    "_ctypes",
    "_curses",
    "_dbm",
    "_decimal",
    "_elementtree",
    "_hashlib",
    "_lzma",
    "_multiprocessing",
    "_posixshmem",
    "_sqlite3",
    "_ssl",
    "_tkinter",
    "_uuid",
    "bz2",
    "concurrent.futures",
    "ctypes",
    "curses",
    "decimal",
    "distutils",
    "ensurepip",
    "fcntl",
    "hashlib",
    "json",
    "lzma",
    "mmap",
    "multiprocessing",
    "pdb",
    "pydoc",
    "pyexpat",
    "readline",
    "resource",
    "select",
    "sqlite3",
    "ssl",
    "termios",
    "tkinter",
    "unittest",
    "uuid",
    "venv",
    "xml.etree.ElementTree",
    "zlib",
    "zoneinfo",
)
SINCE = {"_posixshmem": (3, 8), "zoneinfo": (3, 9), "_uuid": (3, 7)}
UNTIL = {"distutils": (3, 12)}
FLAGS = ("avx", "avx2", "avx512f", "fma", "sse4_1", "sse4_2")


def lacks():
    """Standard-library modules that should import on this version and do not."""
    missing = []
    for name in MODULES:
        if sys.version_info < SINCE.get(name, (0,)) or sys.version_info >= UNTIL.get(name, (99,)):
            continue
        try:
            importlib.import_module(name)
        except ImportError:
            missing.append(name)
    return missing


def flags():
    """CPU features of interest."""
    with open("/proc/cpuinfo") as lines:
        for line in lines:
            if line.startswith("flags"):
                present = set(line.split(":", 1)[1].split())
                return [flag for flag in FLAGS if flag in present]
    return []


def certificates():
    """How many certificates the base itself trusts."""
    import ssl

    context = ssl.create_default_context()
    return len(context.get_ca_certs()) or len(os.listdir("/etc/ssl/certs"))


def main():
    glibc = os.confstr("CS_GNU_LIBC_VERSION") or "unknown 0"
    facts = {
        "full_version": platform.python_version(),
        "implementation": platform.python_implementation(),
        "machine": platform.machine(),
        "glibc": glibc.split()[-1],
        "certificates": certificates() if "ssl" not in lacks() else 0,
        "cpu_flags": flags(),
        "lacks": lacks(),
    }
    sys.stdout.write(json.dumps(facts, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
