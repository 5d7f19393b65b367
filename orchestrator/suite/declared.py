"""What a probe file declares, read from its syntax tree: probes, mutations of checks, and the data it reads."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import PurePosixPath

from orchestrator.model import ProbeKind
from orchestrator.suite.constants import Constants, NotConstant, brought
from orchestrator.suite.modules import Module

HARNESS = "harness"
"""The module that probe files import."""
KINDS = tuple(kind.value for kind in ProbeKind)
ID = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)+", re.ASCII)
"""As a matrix can name it."""
MUTATIONS = re.compile(r"mutations(_\w+)?", re.ASCII)
_WORD = re.compile(rb"\b(?:%s)\b" % "|".join(KINDS).encode())
_FIXED = (
    "A suite is listed without running it: probes decorate functions of the module, with literals and constants, and "
    "MUTATIONS is one dictionary with such keys."
)


@dataclass(frozen=True, kw_only=True, slots=True)
class ProbeOptions:
    """The options of a declaration, as `harness` defines them."""

    source: str = ""
    needs: tuple[str, ...] = ()
    seconds: float | None = None
    fresh: bool = False
    light: bool = False
    expects: Mapping[str, object] | None = None
    repeat: bool = True


OPTIONS = tuple(option.name for option in fields(ProbeOptions))


@dataclass(frozen=True, kw_only=True, slots=True)
class Declared:
    """A probe as its file declares it, `at` its place."""

    id: str
    question: str
    kind: ProbeKind
    module: Module
    at: str
    options: ProbeOptions = field(default_factory=ProbeOptions)

    @property
    def group(self) -> str:
        return self.id.partition(".")[0]


def probes(module: Module, constants: Constants) -> Iterator[Declared]:
    """The probes of a file that imports the harness. Raises UserError for a declaration that is not literal."""
    words = _words(module.tree)
    found = 0
    for node in module.tree.body:
        for decorator in node.decorator_list if isinstance(node, ast.FunctionDef) else ():
            kind = _kind(decorator.func, words) if isinstance(decorator, ast.Call) else None
            if isinstance(decorator, ast.Call) and kind is not None:
                found += 1
                yield _declared(kind, decorator, module, constants)
    if _says_more(module, words, found):
        _refuse_others(module)


def _says_more(module: Module, words: Mapping[str, ProbeKind | None], found: int) -> bool:
    """Whether a file names a kind of probe more often than its imports and its declarations do; most files don't."""
    kinds = {name: kind for name, kind in words.items() if kind is not None}
    unnamed = any(name != kind for name, kind in kinds.items()) or f"*{HARNESS}" in brought(module.tree)
    return unnamed or len(_WORD.findall(module.content)) > found + len(kinds)


def _words(tree: ast.Module) -> dict[str, ProbeKind | None]:
    """Names that declare probes, and (None) names of the harness itself."""
    found: dict[str, ProbeKind | None] = {}
    for name, (where, original) in brought(tree).items():
        if where == HARNESS and original in KINDS:
            found[name] = ProbeKind(original)
        elif where == HARNESS and original == "*":
            found |= {kind.value: kind for kind in ProbeKind}
        elif where == HARNESS and not original:
            found[name] = None
    return found


def _kind(called: ast.expr, words: Mapping[str, ProbeKind | None]) -> ProbeKind | None:
    """The kind of probe that a decorator of this name declares."""
    if isinstance(called, ast.Name):
        return words.get(called.id)
    if isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name) and called.attr in KINDS:
        return ProbeKind(called.attr) if words.get(called.value.id, called) is None else None
    return None


def _refuse_others(module: Module) -> None:
    """Raises UserError where a file declares a probe by anything but a decorator of a function of the module."""
    everywhere = [node for node in ast.walk(module.tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    words = _words(ast.Module(body=[*everywhere], type_ignores=[]))
    read = _words(module.tree)
    plain = {
        id(decorator.func)
        for node in module.tree.body
        for decorator in (node.decorator_list if isinstance(node, ast.FunctionDef) else ())
        if isinstance(decorator, ast.Call) and _kind(decorator.func, read) is not None
    }
    for node in ast.walk(module.tree):
        if isinstance(node, ast.expr) and id(node) not in plain and _kind(node, words) is not None:
            raise module.error(node, "what this declares is only known once the file runs", hint=_FIXED)


def _declared(kind: ProbeKind, call: ast.Call, module: Module, constants: Constants) -> Declared:
    given: dict[str, ast.expr] = dict(zip(("id", "question"), call.args, strict=False))
    given |= {keyword.arg or "**": keyword.value for keyword in call.keywords}
    if len(call.args) > 2 or not {"id", "question"} <= set(given):
        raise module.error(call, "a probe takes an id and a question, then options by keyword")
    strange = sorted(set(given) - {"id", "question", *OPTIONS})
    if strange:
        raise module.error(call, f"unknown option {', '.join(strange)}", hint=f"options: {', '.join(OPTIONS)}")
    values = {name: _value(name, node, module, constants) for name, node in given.items()}
    id_, question = values.pop("id"), values.pop("question")
    if not (isinstance(id_, str) and ID.fullmatch(id_)):
        raise module.error(call, f"{id_!r} is not a probe id: lower-case words joined by dots")
    if not (isinstance(question, str) and question):
        raise module.error(call, f"{id_}: its question must be a string")
    return Declared(
        id=id_, question=question, kind=kind, module=module, at=module.at(call), options=_options(values, call, module)
    )


def _value(name: str, node: ast.expr, module: Module, constants: Constants) -> object:
    try:
        return constants.value(node, module)
    except NotConstant as error:
        raise module.error(node, f"{name} can't be read: {error}", hint=_FIXED) from error


def _options(values: Mapping[str, object], call: ast.Call, module: Module) -> ProbeOptions:
    """Checked options. Raises UserError."""
    texts = ("source",)
    truths = ("fresh", "light", "repeat")
    for name, value in values.items():
        if name in texts and not isinstance(value, str):
            raise module.error(call, f"{name} must be a string, not {value!r}")
        if name in truths and not isinstance(value, bool):
            raise module.error(call, f"{name} must be True or False, not {value!r}")
    needs, seconds, expects = values.get("needs", ()), values.get("seconds"), values.get("expects")
    if not (isinstance(needs, tuple | list) and all(isinstance(n, str) and _importable(n) for n in needs)):
        raise module.error(call, "needs must be a tuple of import names")
    if seconds is not None and (isinstance(seconds, bool) or not isinstance(seconds, int | float) or seconds <= 0):
        raise module.error(call, f"seconds must be a number above 0, not {seconds!r}")
    if expects is not None and not (isinstance(expects, dict) and isinstance(expects.get("ended"), str)):
        raise module.error(call, "expects must state at least how a control has `ended`")
    return ProbeOptions(**{**values, "needs": tuple(needs), "seconds": seconds})  # type: ignore[arg-type]


def _importable(name: str) -> bool:
    return all(part.isidentifier() for part in name.split("."))


def mutated(module: Module, constants: Constants) -> Iterator[tuple[str, str]]:
    """(check, place) of every entry of `MUTATIONS` of a module. Raises UserError where its keys can't be read."""
    node = constants.given("MUTATIONS", module)
    if node is None:
        raise module.error(module.tree, "MUTATIONS, a dictionary of check → sabotage, is missing or made in steps")
    if not isinstance(node, ast.Dict):
        raise module.error(node, "MUTATIONS is only known once the file runs", hint=_FIXED)
    for key in node.keys:
        if key is None:
            raise module.error(node, "MUTATIONS is only known once the file runs: it has '**'", hint=_FIXED)
        name = _value("a key of MUTATIONS", key, module, constants)
        if not isinstance(name, str):
            raise module.error(key, "a key of MUTATIONS must be the id of a check")
        yield name, module.at(key)


def reads(module: Module, constants: Constants) -> tuple[str, ...]:
    """Paths of the data that a file names in `READS`, from its own folder. Raises UserError for one that leads out."""
    node = constants.given("READS", module)
    if node is None:
        return ()
    found = _value("READS", node, module, constants)
    if not isinstance(found, tuple | list) or not all(isinstance(name, str) for name in found):
        raise module.error(node, "READS must be a tuple of paths relative to the file's own folder")
    for name in found:
        _require_inside(name, node, module)
    return tuple(found)


def _require_inside(name: str, node: ast.AST, module: Module) -> None:
    path = PurePosixPath(name)
    if not name or not name.isprintable() or path.is_absolute() or ".." in path.parts or str(path) != name:
        raise module.error(node, f"READS: {name!r} is not a plain path below the file's own folder")
