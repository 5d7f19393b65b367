"""Which packages a probe needs, and whether the cell was ever meant to have them.

Standard library only, CPython 3.6 to 3.14.
"""

import importlib.machinery
import os
import sys


def missing(needs, expected, folders, distributions):
    """The first of `needs` that the cell was never meant to have: not among its pins and not to be found; or "".

    `folders` are looked into beside the standard library, by the names of files alone: nothing of them is run.
    `distributions` says of an import name which distributions bring it, where they are called otherwise.
    """
    pinned = {name.lower().replace("_", "-").replace(".", "-") for name in expected}
    for need in needs:
        top = need.split(".")[0]
        names = distributions.get(top, (top.lower().replace("_", "-"),))
        if not pinned.intersection(names) and not _found(top, folders):
            return top
    return ""


def _found(name, folders):
    for finder in (importlib.machinery.BuiltinImporter, importlib.machinery.FrozenImporter):
        if finder.find_spec(name) is not None:
            return True
    here = os.path.dirname(os.path.abspath(__file__))
    library = [folder for folder in sys.path if folder != here]
    try:
        return importlib.machinery.PathFinder.find_spec(name, [*folders, *library]) is not None
    except (ImportError, ValueError):
        return True  # something is there, and broken: importing it tells how
