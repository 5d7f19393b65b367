"""Compares the functions that TensorFlow names of a library with those that another version of it defines.

TensorFlow opens a library and asks it for one function after another by name, each when it is first called. That a
library of another version loads therefore says little: the names say which calls would fail. They stand as strings
in the file that asks. Standard library only, CPython 3.6 to 3.14.
"""

import glob
import mmap
import os
import re

import elf

TEXTS = ".rodata"


def compare(asking, soname, target, environment):
    """(how many functions of `soname` are named beside the file `asking`, sorted those that the file `target` lacks).

    Read is every shared object in that folder: newer releases open libraries from one file and call them from
    another. (0, []) where nothing can be read.
    """
    read = environment.object(target)
    if isinstance(read, str) or not asking:
        return 0, []
    found = set()
    for path in glob.glob(os.path.join(glob.escape(os.path.dirname(asking)), "*.so*")):
        found.update(named(path, soname))
    return len(found), sorted(name for name in found if name not in read.defined)


def named(path, soname):
    """Names of functions of a library that stand in a shared object's constants: what has its prefix and is not of
    cublasLt or cusolverMg, which are libraries of their own.
    """
    prefix = soname[len("lib") :].split(".so", 1)[0]
    pattern = re.compile(rb"(?<=\0)%s(?!Lt|Mg)[A-Z]\w*(?=\0)" % re.escape(prefix.encode()))
    try:
        parts = [part for part in elf.sections(path) if part.name == TEXTS]
    except (elf.Damaged, OSError):
        return set()
    found = set()
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        for part in parts:
            matches = pattern.finditer(data, part.offset, part.offset + part.size)
            found.update(match.group().decode() for match in matches)
    return found
