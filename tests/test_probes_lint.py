"""What probes may not do, read from their source: each rule with an example that breaks it."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cache

import pytest
from staged import of_probes

KINDS = frozenset({"check", "behaviour", "drift", "control"})
NETWORK = frozenset(
    ("socket", "ssl", "urllib", "http", "requests", "ftplib", "smtplib", "xmlrpc", "asyncio", "urllib3", "httpx")
)
PARSED = frozenset({"LooseVersion", "StrictVersion", "parse_version", "Version"})
VERSION = frozenset({"__version__", "VERSION", "version", "full_version"})
MAY_SLEEP = {"controls.py": "controls hang on purpose, and wait for what they started"}
"""File → why it may break the rule against sleeping."""
MAY_PARSE = {"reporting.py": "reporting.comparing_versions asks which ways of parsing a version work"}
"""File → why it may parse versions; it may not decide by one all the same."""


@dataclass(frozen=True)
class Suite:
    """Every file of the suite that is no part of the harness: module name → its source, its functions by name, and
    what it imports from others: name → (module, name there).
    """

    trees: Mapping[str, ast.Module]
    functions: Mapping[str, Mapping[str, ast.FunctionDef]]
    imported: Mapping[str, Mapping[str, tuple[str, str]]]


def suite_of(files: Mapping[str, ast.Module]) -> Suite:
    return Suite(
        trees=files,
        functions={name: {n.name: n for n in t.body if isinstance(n, ast.FunctionDef)} for name, t in files.items()},
        imported={name: _imported(tree, files) for name, tree in files.items()},
    )


@cache
def own_suite() -> Suite:
    return suite_of({path.stem: ast.parse(path.read_text()) for path in of_probes()})


# ---------------------------------------------------------------- one subject block a check


def subject_blocks(name: str, files: Suite) -> Iterator[str]:
    """Each check reaches exactly one `with subject(…)`: in its function, or in a helper of the suite that it calls.

    A helper counts once for every place it is called or handed on; loops count once.
    """
    for kind, function in _probes(files.trees[name]):
        found = _blocks(function, name, files, ())
        if kind == "check" and found != 1:
            yield f"{function.name}: {found} subject blocks, a check has one"


def declared_plainly(name: str, files: Suite) -> Iterator[str]:
    """Probes are declared by decorating functions of the module, where the rules see them."""
    decorators = {
        id(d.func) for _, f in _probes(files.trees[name]) for d in f.decorator_list if isinstance(d, ast.Call)
    }
    imported = KINDS & set(files.imported[name])
    for node in ast.walk(files.trees[name]):
        if isinstance(node, ast.Name) and node.id in imported and id(node) not in decorators:
            yield f"line {node.lineno}: {node.id} decorates a function of the module and does nothing else"


def _probes(tree: ast.Module) -> Iterator[tuple[str, ast.FunctionDef]]:
    for node in tree.body:
        for decorator in node.decorator_list if isinstance(node, ast.FunctionDef) else ():
            if isinstance(decorator, ast.Call) and isinstance(decorator.func, ast.Name) and decorator.func.id in KINDS:
                yield decorator.func.id, node


def _blocks(function: ast.AST, name: str, files: Suite, above: tuple[str, ...]) -> int:
    total = 0
    hidden = _bound(function, files)
    for node in ast.walk(function):
        if isinstance(node, ast.With):
            total += sum(_is_subject(item.context_expr) for item in node.items)
        elif isinstance(node, ast.Name) and node.id not in hidden and node.id not in above:
            where, helper = _helper(node.id, name, files)
            total += _blocks(helper, where, files, (*above, node.id)) if helper is not None else 0
    return total


def _bound(function: ast.AST, files: Suite) -> set[str]:
    """Names that mean something of the function's own: variables, arguments and imports."""
    found = {n.id for n in ast.walk(function) if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Load)}
    found |= {n.arg for n in ast.walk(function) if isinstance(n, ast.arg)}
    brought = [n for n in ast.walk(function) if isinstance(n, ast.Import)]
    brought += [n for n in ast.walk(function) if isinstance(n, ast.ImportFrom) and n.module not in files.trees]
    return found | {(a.asname or a.name).partition(".")[0] for n in brought for a in n.names}


def _is_subject(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "subject"


def _helper(called: str, name: str, files: Suite) -> tuple[str, ast.AST | None]:
    """The function of this name that a file can see: its own, or one that it imports from another of the suite."""
    where, original = files.imported[name].get(called, (name, called))
    return where, files.functions.get(where, {}).get(original)


def _imported(tree: ast.Module, files: Collection[str]) -> dict[str, tuple[str, str]]:
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and (node.module in files or node.module == "harness"):
            found.update({alias.asname or alias.name: (node.module, alias.name) for alias in node.names})
    return found


# ---------------------------------------------------------------- what is imported


def imports_at_the_top(name: str, files: Suite) -> Iterator[str]:
    """Above all functions: the standard library, `harness` and files of the suite. Packages are what is in question."""
    allowed = sys.stdlib_module_names | set(files.trees) | {"harness"}
    functions = {
        id(n) for f in ast.walk(files.trees[name]) if isinstance(f, ast.FunctionDef | ast.Lambda) for n in ast.walk(f)
    }
    for line, module in _modules(files.trees[name], functions):
        if module not in allowed:
            yield f"line {line}: imports {module} at module level"


def network(name: str, files: Suite) -> Iterator[str]:
    """A probe's container has none; what seems to need it is a question about something else."""
    for line, module in _modules(files.trees[name], set()):
        if module in NETWORK:
            yield f"line {line}: imports {module}"


def _modules(tree: ast.Module, but: set[int]) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if id(node) in but:
            continue
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name.partition(".")[0]) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, (node.module or "").partition(".")[0]


# ---------------------------------------------------------------- sleeping, and versions


def sleeping(name: str, files: Suite) -> Iterator[str]:
    """What has to be waited for can be asked; a sleep only hides how long it takes. Exceptions: `MAY_SLEEP`."""
    if f"{name}.py" in MAY_SLEEP:
        return
    for node in ast.walk(files.trees[name]):
        by_name = isinstance(node, ast.Name) and node.id == "sleep"
        if by_name or (isinstance(node, ast.Attribute) and node.attr == "sleep"):
            yield f"line {node.lineno}: sleeps"


def version_tests(name: str, files: Suite) -> Iterator[str]:
    """A probe does the same in every cell and tells what came of it: no branch, no expectation, hangs on a version.

    A version as a value, also compared with another as a value, is evidence and stays. What may differ is asked for
    by name (`hasattr`, an exception), so that the probe sees it wherever it is.
    """
    for node in ast.walk(files.trees[name]):
        if isinstance(node, ast.Attribute) and node.attr in ("version_info", "hexversion", "python_version"):
            yield f"line {node.lineno}: asks for Python's version"
        if _last(node) in PARSED and f"{name}.py" not in MAY_PARSE:
            yield f"line {node.lineno}: parses versions"
        if isinstance(node, ast.FunctionDef):
            known = _holding_versions(node)
            yield from (f"line {c.lineno}: decides by a version" for c in _conditions(node) if _compares(c, known))


def _last(node: ast.AST) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def _is_version(node: ast.AST, known: set[str]) -> bool:
    """Whether an expression is made of a version: `x.__version__`, `metadata.version(…)`, or a name that holds one."""
    for part in ast.walk(node):
        if isinstance(part, ast.Attribute) and part.attr in VERSION:
            return True
        if isinstance(part, ast.Constant) and part.value == "__version__":
            return True
        if isinstance(part, ast.Name) and part.id in known:
            return True
    return False


def _holding_versions(function: ast.FunctionDef) -> set[str]:
    known: set[str] = set()
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and not isinstance(node.value, ast.Dict) and _is_version(node.value, known):
            known |= {t.id for t in node.targets if isinstance(t, ast.Name)}
    return known


def _conditions(function: ast.FunctionDef) -> Iterator[ast.expr]:
    for node in ast.walk(function):
        if isinstance(node, ast.If | ast.IfExp | ast.While | ast.Assert):
            yield node.test
        elif isinstance(node, ast.comprehension):
            yield from node.ifs
        elif isinstance(node, ast.Call) and _last(node.func) == "expect" and node.args:
            yield node.args[0]


def _compares(condition: ast.expr, known: set[str]) -> bool:
    """Whether a condition sets a version against one that is written down; two that are read may be compared."""
    for node in ast.walk(condition):
        if isinstance(node, ast.Compare) and _is_version(node, known) and _written_down(node):
            return True
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "startswith":
            return _is_version(node.func.value, known)
        if isinstance(node, ast.Name) and node is condition and node.id in known:
            return True
    return False


def _written_down(node: ast.Compare) -> bool:
    sides = (node.left, *node.comparators)
    return any(isinstance(s, ast.Tuple | ast.List) or (isinstance(s, ast.Constant) and s.value) for s in sides)


RULES: tuple[Callable[[str, Suite], Iterator[str]], ...] = (
    subject_blocks,
    declared_plainly,
    imports_at_the_top,
    network,
    sleeping,
    version_tests,
)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_every_probe_of_the_suite_keeps_the_rule(rule):
    files = own_suite()
    assert len(files.trees) > 10
    assert [f"{name}.py: {broken}" for name in files.trees for broken in rule(name, files)] == []


HEAD = 'from harness import check, subject, expect\n@check("a.b", "?")\ndef probe():\n'


@pytest.mark.parametrize(
    ("rule", "source", "said"),
    [
        (subject_blocks, HEAD + "    pass\n", "0 subject blocks"),
        (
            subject_blocks,
            HEAD + "    with subject('a'):\n        pass\n    with subject('b'):\n        pass\n",
            "2 subject",
        ),
        (
            subject_blocks,
            HEAD + "    helper()\n    helper()\ndef helper():\n    with subject('a'):\n        pass\n",
            "2 ",
        ),
        (subject_blocks, "from own import far\n" + HEAD + "    far()\n    far()\n", "2 subject blocks"),
        (subject_blocks, HEAD + "    with subject('a'), subject('b'):\n        pass\n", "2 subject blocks"),
        (declared_plainly, "from harness import check\nfor n in 'ab':\n    check(n, '?')(print)\n", "line 3: check"),
        (imports_at_the_top, "import numpy\n", "imports numpy at module level"),
        (
            imports_at_the_top,
            "try:\n    from keras.layers import Dense\nexcept ImportError:\n    pass\n",
            "imports keras",
        ),
        (network, HEAD + "    import urllib.request\n", "imports urllib"),
        (network, "from http import client\n", "imports http"),
        (network, "import socket\n", "imports socket"),
        (network, HEAD + "    import requests\n", "imports requests"),
        (sleeping, "import time\n" + HEAD + "    time.sleep(1)\n", "sleeps"),
        (sleeping, "from time import sleep as rest\ndef f():\n    pass\nsleep = rest\n", "sleeps"),
        (
            version_tests,
            HEAD + "    import tensorflow as tf\n    if tf.__version__ > '2.4':\n        return\n",
            "by a ver",
        ),
        (
            version_tests,
            HEAD + "    import keras\n    v = keras.__version__\n    return 1 if v == '3' else 2\n",
            "by a ver",
        ),
        (
            version_tests,
            HEAD + "    import keras\n    new = keras.__version__ > '3'\n    if new:\n        pass\n",
            "by a ver",
        ),
        (
            version_tests,
            HEAD + "    import keras\n    if keras.__version__.startswith('3'):\n        pass\n",
            "by a ver",
        ),
        (
            version_tests,
            HEAD + "    import keras\n    v = getattr(keras, '__version__')\n    assert v != '3'\n",
            "by a ver",
        ),
        (
            version_tests,
            HEAD + "    import tensorflow as tf\n    expect(tf.__version__ != '2.4.1', '')\n",
            "by a version",
        ),
        (version_tests, HEAD + "    import sys\n    return sys.version_info\n", "Python's version"),
        (version_tests, HEAD + "    from packaging.version import Version\n    Version('1')\n", "parses versions"),
    ],
)
def test_what_breaks_a_rule_is_refused(rule, source, said):
    far = ast.parse("from harness import subject\ndef far():\n    with subject('far'):\n        pass\n")
    broken = list(rule("probe", suite_of({"probe": ast.parse(source), "own": far})))
    assert len(broken) >= 1
    assert said in broken[0]


@pytest.mark.parametrize(
    ("rule", "source"),
    [
        (subject_blocks, HEAD + "    for n in (1, 2):\n        with subject('a'):\n            pass\n"),
        (subject_blocks, "from own import far\n" + HEAD + "    far()\n"),
        (subject_blocks, "from harness import behaviour\n@behaviour('a.b', '?')\ndef probe():\n    return 1\n"),
        (
            imports_at_the_top,
            "import json\nfrom harness import check\nfrom own import far\ndef f():\n    import keras\n",
        ),
        (
            version_tests,
            HEAD + "    import keras\n    return {'version': keras.__version__, 'one': keras.__version__ == '3'}\n",
        ),
        (version_tests, HEAD + "    import keras\n    if hasattr(keras, 'ops'):\n        pass\n"),
        (
            version_tests,
            HEAD + "    import keras as k, tf_keras as t\n    return 1 if k.__version__ == t.__version__ else 2\n",
        ),
        (version_tests, HEAD + "    import tensorflow as tf\n    expect(bool(tf.__version__), 'none')\n"),
    ],
)
def test_what_keeps_a_rule_is_left_alone(rule, source):
    far = ast.parse("from harness import subject\ndef far():\n    with subject('far'):\n        pass\n")
    assert list(rule("probe", suite_of({"probe": ast.parse(source), "own": far}))) == []


def test_exceptions_are_of_files_that_need_them():
    texts = {path.name: path.read_text() for path in of_probes()}
    for name, why in MAY_SLEEP.items():
        assert "sleep(" in texts[name], why
    for name, why in MAY_PARSE.items():
        assert any(f"{word}(" in texts[name] for word in PARSED), why
