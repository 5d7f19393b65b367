"""What the suite says of itself: which files hold probes, what each probe is, and digests of what it stands on.

Standard library only, CPython 3.6 to 3.14.
"""

import ast
import hashlib
import importlib
import os
import re
import sys
import traceback

import harness


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


def _named(path):
    """Data files that the file names in a module-level `READS`, a tuple of paths from its own directory."""
    with open(path, "rb") as file:
        tree = ast.parse(file.read(), path)
    named = [node.value for node in tree.body if isinstance(node, ast.Assign) and _is_reads(node.targets)]
    return {name for value in named for name in ast.literal_eval(value)}


def _is_reads(targets):
    return [getattr(target, "id", "") for target in targets] == ["READS"]


def _reads(directory, name):
    """`name`, every file of `directory` that it imports, directly or not, and their data; the harness left out."""
    seen, left = set(), [name]
    while left:
        current = left.pop()
        if current in seen or current in harness.HARNESS_FILES:
            continue
        seen.add(current)
        seen.update(_named(os.path.join(directory, current)))
        for module in _imports(os.path.join(directory, current)):
            if os.path.exists(os.path.join(directory, module + ".py")):
                left.append(module + ".py")
    return seen


def digest(directory, names):
    """sha256 (hex) over the names and contents of files in `directory`."""
    total = hashlib.sha256()
    for name in sorted(names):
        with open(os.path.join(directory, name), "rb") as file:
            content = file.read()
        total.update(("%s\0%d\0" % (name, len(content))).encode())
        total.update(content)
    return total.hexdigest()


def _mutated_by(directory):
    """Check → files that say how it is sabotaged: the one that names it in `MUTATIONS`, and what that imports."""
    names = sorted(n for n in os.listdir(directory) if re.match(r"mutations(_\w+)?\.py$", n))
    found = {}
    for name in names:
        files = _reads(directory, name)
        found.update((id, files) for id in importlib.import_module(name[:-3]).MUTATIONS)
    return found


def of(directory):
    """What every registered probe says of itself: a JSON-able dictionary, probes in order of their ids.

    `digest` covers a probe's file, what that imports outside the harness and its data; `harness` the harness; `proof`
    what a proof stands on: the files of `digest` and, for a check, those of its mutation.
    """
    own = digest(directory, [n for n in harness.HARNESS_FILES if os.path.exists(os.path.join(directory, n))])
    mutated_by = _mutated_by(directory)
    digests = {}

    def covering(names):
        key = tuple(sorted(names))
        if key not in digests:
            digests[key] = digest(directory, key)
        return digests[key]

    reads = {name: _reads(directory, name) for name in {os.path.basename(s.file) for s in harness.REGISTRY.values()}}
    probes = []
    for id in sorted(harness.REGISTRY):
        spec = harness.REGISTRY[id]
        files = reads[os.path.basename(spec.file)]
        entry = {
            "id": id,
            "question": spec.question,
            "group": spec.group,
            "kind": spec.kind,
            "source": spec.source,
            "needs": list(spec.needs),
            "seconds": spec.seconds,
            "fresh": spec.fresh,
            "light": spec.light,
            "repeat": spec.repeat,
            "file": os.path.basename(spec.file),
            "digest": covering(files),
            "harness": own,
            "proof": covering(files | mutated_by.get(id, set())),
        }
        if spec.expects is not None:
            entry["expects"] = spec.expects["ended"]
            entry["expects_fields"] = spec.expects
        probes.append(entry)
    return {"harness": sorted(harness.HARNESS_FILES), "probes": probes}
