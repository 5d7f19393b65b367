"""The Python files of a suite: read and parsed, never run. They lie flat beside each other in a container."""

from __future__ import annotations

import ast
import stat
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from orchestrator import foreign
from orchestrator.errors import UserError

_HERE = f"{sys.version_info.major}.{sys.version_info.minor}"
"""The Python that reads a suite's files; those that run them are the matrix's."""
MOST_BYTES = 1024**2
"""A probe file that is larger is none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SuiteFolder:
    """A folder with probes; `at` is where a matrix names it ("" for the suite that ships), `package` the installed
    package that it belongs to.
    """

    folder: Path
    at: str = ""
    package: str = ""

    @property
    def said(self) -> str:
        """The prefix of messages about it."""
        return f"{self.at}: {self.folder}" if self.at else str(self.folder)


@dataclass(frozen=True, kw_only=True, slots=True)
class Module:
    """A file `NAME.py` of a suite. `imports` are the modules it names anywhere."""

    name: str
    path: Path
    place: SuiteFolder
    content: bytes
    tree: ast.Module
    imports: frozenset[str]

    @property
    def file(self) -> str:
        """Its name in a container."""
        return f"{self.name}.py"

    def at(self, node: ast.AST) -> str:
        return f"{self.path}:{getattr(node, 'lineno', 1)}"

    def error(self, node: ast.AST, message: str, *, hint: str = "") -> UserError:
        return UserError(f"{self.at(node)}: {message}", hint=hint)


def found(place: SuiteFolder) -> Iterator[Path]:
    """Every Python file of a suite: of its folder, then of the folders in it, each by name; not `__init__.py`.

    Raises UserError for a folder that is missing or none.
    """
    try:
        if not place.folder.is_dir():
            what = "is not a folder" if place.folder.exists() else "does not exist"
            raise UserError(
                f"{place.said}: {what}", hint="`suites` names folders with probe files, or installed packages"
            )
        for room in (place.folder, *_rooms(place.folder)):
            yield from sorted(p for p in room.iterdir() if p.suffix == ".py" and not p.name.startswith("__"))
    except OSError as error:
        raise UserError(f"{place.said}: can't be read: {error.strerror}") from error


def _rooms(folder: Path) -> list[Path]:
    """The folders in a suite's that may hold probes; what lies deeper is data."""
    return [path for path in sorted(folder.iterdir()) if not path.name.startswith((".", "__")) and path.is_dir()]


def module(path: Path, place: SuiteFolder) -> Module:
    """A file of a suite. Raises UserError for one that can't be parsed, can't be imported, or leads elsewhere."""
    name = path.stem
    if not (name.isascii() and name.isidentifier()):
        shown = foreign.printable(path.name)
        raise UserError(f"{place.said}: {shown!r} can't be imported: its name is not an ASCII identifier")
    if name in sys.stdlib_module_names:
        raise UserError(f"{path}: hides the module {name} of the standard library", hint="rename it")
    content = read(path, place, MOST_BYTES)
    tree = _parsed(content, path)
    return Module(name=name, path=path, place=place, content=content, tree=tree, imports=frozenset(_imports(tree)))


def read(path: Path, place: SuiteFolder, most: int) -> bytes:
    """What is in a file of a suite. Raises UserError where it is not a file inside the suite's folder, or too large."""
    try:
        inside = path.resolve(strict=True).is_relative_to(place.folder.resolve())
        found = path.stat()
        if inside and stat.S_ISREG(found.st_mode) and found.st_size <= most:
            return path.read_bytes()
    except (OSError, RuntimeError) as error:
        raise UserError(f"{place.said}: {path.name} can't be read: {foreign.printable(str(error))}") from error
    if not inside:
        raise UserError(f"{path}: is outside the suite's folder: it leads to {path.resolve()}")
    what = "is not a file" if not stat.S_ISREG(found.st_mode) else f"is larger than {most} bytes"
    raise UserError(f"{path}: {what}")


def _parsed(content: bytes, path: Path) -> ast.Module:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an invalid escape is the author's to see when the file is run
            return ast.parse(content, str(path))
    except SyntaxError as error:
        raise UserError(f"{path}:{error.lineno or 1}: is not valid Python {_HERE}: {error.msg}") from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise UserError(f"{path}: is not valid Python {_HERE}: {str(error) or type(error).__name__}") from error


def _imports(tree: ast.Module) -> Iterator[str]:
    """Top-level names that import statements name, anywhere in a file; only statements hold statements."""
    left: list[ast.AST] = [tree]
    while left:
        node = left.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.module and not node.level:
                yield node.module.split(".")[0]
        else:
            for field in ("body", "orelse", "finalbody", "handlers", "cases"):
                found = getattr(node, field, ())
                left.extend(found if isinstance(found, list) else ())
