"""Values that a suite's files write down, worked out from the syntax tree: nothing of a file is run.

What is understood is what declarations are made of: literals, tuples, lists, dictionaries, `+`, an index, names that
this module or another of the suite gives a value once, and the number of a signal.
"""

from __future__ import annotations

import ast
import signal
from collections.abc import Mapping

from orchestrator.suite.modules import Module

MOST_CHARACTERS = 10_000
"""A text that is put together from parts."""
_STARS = "*"
Above = tuple[tuple[str, str], ...]
"""The names, (module, name), whose values are being worked out."""


class NotConstant(Exception):
    """A value can't be worked out without running the file."""


class Constants:
    """Values of the constants in a suite's modules."""

    def __init__(self, modules: Mapping[str, Module]) -> None:
        self._modules = modules
        self._given: dict[str, dict[str, ast.expr]] = {}
        self._brought: dict[str, dict[str, tuple[str, str]]] = {}

    def value(self, node: ast.expr, module: Module) -> object:
        """The value of an expression in a module. Raises NotConstant, also for a definition that refers to itself."""
        try:
            return self._value(node, module.name, ())
        except RecursionError as error:
            raise NotConstant("it is nested too deeply") from error

    def given(self, name: str, module: Module) -> ast.expr | None:
        """What a module's name is assigned, at its top level and once; None where it is not."""
        return self._assigned(module.name).get(name)

    def _value(self, node: ast.expr, module: str, above: Above) -> object:
        if isinstance(node, ast.Constant):
            return node.value
        if isinstance(node, ast.Name):
            return self._named(node.id, module, above)
        if isinstance(node, ast.Tuple | ast.List | ast.Dict):
            return self._several(node, module, above)
        return self._worked_out(node, module, above)

    def _several(self, node: ast.Tuple | ast.List | ast.Dict, module: str, above: Above) -> object:
        if isinstance(node, ast.Dict):
            return self._dictionary(node, module, above)
        items = [self._value(item, module, above) for item in node.elts]
        return tuple(items) if isinstance(node, ast.Tuple) else items

    def _worked_out(self, node: ast.expr, module: str, above: Above) -> object:
        match node:
            case ast.BinOp(op=ast.Add()):
                return _sum(self._value(node.left, module, above), self._value(node.right, module, above))
            case ast.UnaryOp(op=ast.USub()):
                return _minus(self._value(node.operand, module, above))
            case ast.Subscript():
                return _item(self._value(node.value, module, above), self._value(node.slice, module, above))
            case ast.Attribute(value=ast.Name(id=alias)):
                return self._of_module(alias, node.attr, module, above)
            case ast.Call(func=ast.Name(id="int"), args=[ast.Attribute(value=ast.Name(id="signal"), attr=name)]):
                return _signal(name)
        raise NotConstant(f"{ast.unparse(node)[:60]!r} is only known once the file runs")

    def _dictionary(self, node: ast.Dict, module: str, above: Above) -> dict[object, object]:
        found: dict[object, object] = {}
        for key, value in zip(node.keys, node.values, strict=True):
            if key is None:
                raise NotConstant("'**' is only known once the file runs")
            name = self._value(key, module, above)
            if not isinstance(name, str | int):
                raise NotConstant(f"{name!r} can't be a key here")
            found[name] = self._value(value, module, above)
        return found

    def _named(self, name: str, module: str, above: Above) -> object:
        if (module, name) in above:
            raise NotConstant(f"{name} refers to itself")
        assigned = self._assigned(module).get(name)
        if assigned is not None:
            return self._value(assigned, module, (*above, (module, name)))
        if name in self._imported(module):
            where, original = self._imported(module)[name]
            return self._named(original, where, (*above, (module, name)))
        raise NotConstant(f"{name} has no value that can be read statically, or several")

    def _of_module(self, alias: str, name: str, module: str, above: Above) -> object:
        where, original = self._imported(module).get(alias, ("", _STARS))
        if original:
            raise NotConstant(f"{alias}.{name} is not a value of a module of the suite")
        return self._named(name, where, above)

    def _assigned(self, module: str) -> dict[str, ast.expr]:
        if module not in self._given:
            self._given[module] = _assignments(self._modules[module].tree)
        return self._given[module]

    def _imported(self, module: str) -> dict[str, tuple[str, str]]:
        """Name → (module of the suite, name there; "" for the module itself)."""
        if module not in self._brought:
            self._brought[module] = {
                name: found for name, found in brought(self._modules[module].tree).items() if found[0] in self._modules
            }
        return self._brought[module]


def brought(tree: ast.Module) -> dict[str, tuple[str, str]]:
    """Name → (module, name there; "" for the module itself) of imports at the top level; `*` under "*" + module."""
    found: dict[str, tuple[str, str]] = {}
    for node in tree.body:
        if isinstance(node, ast.Import):
            found.update({alias.asname or alias.name: (alias.name, "") for alias in node.names})
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                name = _STARS + node.module if alias.name == _STARS else alias.asname or alias.name
                found[name] = (node.module, alias.name)
    return found


def _assignments(tree: ast.Module) -> dict[str, ast.expr]:
    """Names that are assigned at the top level and nowhere else there, and to what."""
    found: dict[str, ast.expr] = {}
    spoilt: set[str] = set()
    for node in tree.body:
        target, value = _assignment(node)
        if target and value is not None and target not in found:
            found[target] = value
        else:
            spoilt |= _bound(node)
    return {name: value for name, value in found.items() if name not in spoilt}


def _assignment(node: ast.stmt) -> tuple[str, ast.expr | None]:
    if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
        return node.targets[0].id, node.value
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return node.target.id, node.value
    return "", None


def _bound(node: ast.stmt) -> set[str]:
    """Names that a statement of the top level may give a value to, or change the value of."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {node.name}
    names = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Load)}
    # NAME.update(…), NAME[…] = …
    changed = (n.value for n in ast.walk(node) if isinstance(n, ast.Attribute | ast.Subscript))
    return names | {n.id for n in changed if isinstance(n, ast.Name)}


def _sum(left: object, right: object) -> object:
    if isinstance(left, str) and isinstance(right, str):
        if len(left) + len(right) > MOST_CHARACTERS:
            raise NotConstant(f"it is longer than {MOST_CHARACTERS} characters")
        return left + right
    for kind in (tuple, list, int | float):
        if isinstance(left, kind) and isinstance(right, kind):
            return left + right  # type: ignore[operator]
    raise NotConstant(f"{type(left).__name__} + {type(right).__name__} can't be worked out")


def _minus(value: object) -> object:
    if isinstance(value, int | float):
        return -value
    raise NotConstant(f"- {type(value).__name__} can't be worked out")


def _item(value: object, key: object) -> object:
    try:
        return value[key]  # type: ignore[index]
    except (LookupError, TypeError) as error:
        raise NotConstant(f"[{key!r}] does not exist") from error


def _signal(name: str) -> int:
    found = getattr(signal.Signals, name, None)
    if found is None:
        raise NotConstant(f"unknown signal.{name}")
    return int(found)
