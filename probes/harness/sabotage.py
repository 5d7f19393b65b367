"""Breaks what a check looks at, so that a proof can see it fail.

A suite says how in `mutations.py` or `mutations_NAME.py`: `MUTATIONS` is check -> (path, way). The path is a module or
an attribute as a user spells it, the way a function from what was there to what takes its place; None for a way: the
module can't be imported. A module with an `apply` of its own says itself how its checks are sabotaged.

Standard library only, CPython 3.6 to 3.14.
"""

import functools
import importlib
import os
import re
import sys
import types

_NAMES = re.compile(r"(mutations(?:_\w+)?)\.py$")


def _modules():
    here = os.path.dirname(os.path.abspath(__file__))
    found = [_NAMES.match(name) for name in sorted(os.listdir(here))]
    return [importlib.import_module(name.group(1)) for name in found if name]


def apply(id):
    """Sabotages this process for the check `id`. Returns the path of what is broken, or "" where no way is known."""
    modules = _modules()
    for module in modules:
        if id in getattr(module, "MUTATIONS", ()) and not hasattr(module, "apply"):
            path, way = module.MUTATIONS[id]
            _break(path, way)
            return path
    for module in modules:
        path = module.apply(id) if hasattr(module, "apply") else ""
        if path:
            return path
    return ""


def _break(path, way):
    if way is None:
        sys.modules[path] = None
        return
    holder, name = _owner(path)
    original = getattr(holder, name)
    broken = way(original)
    if isinstance(original, types.FunctionType) and callable(broken):
        # what reads a signature still finds the original's
        broken = functools.wraps(original)(broken)
    setattr(holder, name, broken)


def _owner(path):
    """(object, name) such that `path` is that object's attribute of that name; modules are imported on the way."""
    parts = path.split(".")
    found = importlib.import_module(parts[0])
    for i, part in enumerate(parts[1:-1], 2):
        try:
            found = getattr(found, part)
        except AttributeError:
            found = importlib.import_module(".".join(parts[:i]))
    return found, parts[-1]
