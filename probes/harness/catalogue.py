"""What the suite says of itself once its files are run: which of them hold probes, and what each probe is.

The host reads the same from the files' syntax trees and runs none of them; tests hold both to be equal.

Standard library only, CPython 3.6 to 3.14.
"""

import ast
import importlib
import os
import sys
import traceback

import harness

_SAID = ("id", "question", "group", "kind", "source", "seconds", "fresh", "light", "repeat", "expects")


def load(directory):
    """Imports every probe file of `directory`. Returns {file name: what was wrong} for those that can't be."""
    wrong = {}
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        for name in probe_files(directory):
            known = set(harness.REGISTRY)
            try:
                importlib.import_module(name[:-3])
            except Exception as exception:
                for id in set(harness.REGISTRY) - known:
                    del harness.REGISTRY[id]
                wrong[name] = "".join(traceback.format_exception(type(exception), exception, exception.__traceback__))
    finally:
        sys.dont_write_bytecode = before
    return wrong


def _imports(path):
    """Top-level names that the file's import statements name, anywhere in it."""
    with open(path, "rb") as file:
        tree = ast.parse(file.read(), path)
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.split(".")[0])
    return names


def probe_files(directory):
    """File names in `directory` that hold probes: those that import `harness` and are no part of it; sorted."""
    names = sorted(n for n in os.listdir(directory) if n.endswith(".py") and n not in harness.HARNESS_FILES)
    return [n for n in names if "harness" in _imports(os.path.join(directory, n))]


def listed():
    """What every registered probe says of itself: a JSON-able dictionary, probes in order of their ids."""
    probes = []
    for id in sorted(harness.REGISTRY):
        spec = harness.REGISTRY[id]
        entry = {name: getattr(spec, name) for name in _SAID}
        probes.append(dict(entry, needs=list(spec.needs), file=os.path.basename(spec.file)))
    return {"probes": probes}
