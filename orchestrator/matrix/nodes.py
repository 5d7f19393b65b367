"""YAML text → values that know where they stand. Bounded before anything is expanded; nothing is constructed.

A `Spot` is a node of PyYAML's safe loader with the file's name and the value's path, so that every complaint
can say `matrix.yaml:11:7 axes.python.choices[4]: expected a string, got 2.10 (quote it: "2.10")`.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import yaml

from orchestrator import foreign
from orchestrator.errors import UserError, did_you_mean

MAX_BYTES = 1024**2
MAX_VALUES = 50_000
"""Values in a file, every alias counted as often as it is used."""
MAX_DEPTH = 32
MAX_STRING = 2000
"""Characters; also keeps versions below the number of digits that Python converts."""

_CORE = "tag:yaml.org,2002:"
_STRING = _CORE + "str"
_NULL = _CORE + "null"
_MERGE = _CORE + "merge"
_SCALARS = ("str", "int", "float", "bool", "null", "timestamp", "merge", "value")
_KNOWN_TAGS = frozenset(_CORE + tag for tag in (*_SCALARS, "seq", "map"))
_INTEGER = re.compile(r"0|[1-9][0-9]{0,17}", re.ASCII)
_NUMBER = re.compile(r"(0|[1-9][0-9]{0,17})(\.[0-9]{1,18})?", re.ASCII)
_TRUTH = {"true": True, "false": False}
_ENDLESS = re.compile(r"\\U(?!000|0010)[0-9A-Fa-f]{8}")
_LEAVE_OUT = "remove it"
_REPEATED = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class Spot:
    """One value of the file, with where it is."""

    file: str
    path: str
    node: yaml.Node

    @property
    def at(self) -> str:
        """file:line:column and path; lines and columns count from 1."""
        mark = self.node.start_mark
        return f"{self.file}:{mark.line + 1}:{mark.column + 1} {self.path}".rstrip()

    def error(self, message: str, *, hint: str = "") -> UserError:
        return UserError(f"{self.at}: {message}", hint=hint)

    def expected(self, what: str) -> UserError:
        hint = "give it a value, or remove the key" if self.node.tag == _NULL else ""
        return self.error(f"expected {what}, got {_described(self.node)}", hint=hint)

    @property
    def is_mapping(self) -> bool:
        return isinstance(self.node, yaml.MappingNode)

    @property
    def is_list(self) -> bool:
        return isinstance(self.node, yaml.SequenceNode)

    def string(self, *, lines: bool = False) -> str:
        """The value where it is a string with something in it, and nothing else: no control or direction characters,
        no blanks around it, and no line ends unless `lines`.
        """
        node = self.node
        if not isinstance(node, yaml.ScalarNode) or node.tag == _NULL:
            raise self.expected("a string")
        if node.tag == _MERGE:
            raise self.error("merge keys (<<) are not allowed", hint="write the keys out")
        text = str(node.value)
        if node.tag != _STRING:
            shown = cut(text)
            raise self.error(f'expected a string, got {shown} (quote it: "{shown}")')
        if len(text) > MAX_STRING:
            raise self.error(f"a string of {len(text):,} characters is too long (at most {MAX_STRING:,})")
        if not text.strip():
            raise self.error("expected a string, got an empty one")
        self._refuse_unseen(text, lines=lines)
        if not lines and text != text.strip():
            raise self.error(f"{cut(repr(text))} has leading or trailing blanks", hint="remove them")
        return text

    def _refuse_unseen(self, text: str, *, lines: bool) -> None:
        place = foreign.refused(text, lines=lines)
        if place < 0:
            return
        hint = _LEAVE_OUT
        if text[place] in "\n\r":
            hint = "write it on one line; a text over several lines begins with >- instead of > or |"
        name = foreign.named(text[place])
        raise self.error(f"character {place + 1} of this string is {name}, which is not allowed", hint=hint)

    def truth(self) -> bool:
        if isinstance(self.node, yaml.ScalarNode) and self.node.tag == _CORE + "bool" and self.node.value in _TRUTH:
            return _TRUTH[self.node.value]
        raise self.expected("true or false")

    def integer(self, most: int) -> int:
        """A whole number from 1 to `most`."""
        if self._is(_CORE + "int", _INTEGER) and 0 < int(self.node.value) <= most:
            return int(self.node.value)
        raise self.expected(f"a whole number from 1 to {most:,}")

    def number(self, most: float, least: float = 0.0) -> float:
        """A number above 0, from `least` to `most`."""
        plain = self._is(_CORE + "int", _INTEGER) or self._is(_CORE + "float", _NUMBER)
        if plain and float(self.node.value) > 0 and least <= float(self.node.value) <= most:
            return float(self.node.value)
        raise self.expected(f"a number {f'from {least:g}' if least else 'above 0, up'} to {most:,}")

    def _is(self, tag: str, shape: re.Pattern[str]) -> bool:
        node = self.node
        return isinstance(node, yaml.ScalarNode) and node.tag == tag and shape.fullmatch(node.value) is not None

    def items(self) -> tuple[Spot, ...]:
        """The elements of a list with at least one."""
        if not isinstance(self.node, yaml.SequenceNode):
            raise self.expected("a list")
        if not self.node.value:
            raise self.error("expected a list with at least one element, got an empty one")
        return tuple(replace(self, path=f"{self.path}[{i}]", node=n) for i, n in enumerate(self.node.value))

    def one_or_many(self) -> tuple[Spot, ...]:
        return self.items() if self.is_list else (self,)

    def entries(self) -> dict[str, Spot]:
        """key → value of a mapping. Keys must be strings and different from one another."""
        if not isinstance(self.node, yaml.MappingNode):
            raise self.expected("a mapping")
        found: dict[str, Spot] = {}
        lines: dict[str, int] = {}
        for key_node, value_node in self.node.value:
            key = replace(self, node=key_node)
            name = key.string()
            if name in found:
                raise key.error(f"duplicate key {name!r} (first on line {lines[name]})")
            found[name] = replace(self, path=f"{self.path}.{name}".lstrip("."), node=value_node)
            lines[name] = key_node.start_mark.line + 1
        return found

    def fields(self, known: Collection[str], required: Collection[str] = ()) -> dict[str, Spot]:
        """Like `entries`, with keys from `known` only and all of `required` there."""
        found = self.entries()
        for name in found:
            if name not in known:
                raise self.key(name).error(
                    f"unknown key {name!r}", hint=did_you_mean(name, known) or f"known: {', '.join(known)}"
                )
        for name in required:
            if name not in found:
                raise self.error(f"the key {name!r} is missing")
        return found

    def key(self, name: str) -> Spot:
        """Where a mapping's key stands (its value's path, but the key's line and column)."""
        for key_node, _ in self.node.value:
            if key_node.value == name:
                return replace(self, path=f"{self.path}.{name}".lstrip("."), node=key_node)
        raise KeyError(name)


def cut(text: str) -> str:
    """Foreign text as a message may quote it: on one line, and short."""
    text = foreign.printable(text)
    return text if len(text) <= _REPEATED else text[: _REPEATED - 3] + "..."


def _described(node: yaml.Node) -> str:
    if isinstance(node, yaml.MappingNode):
        return "a mapping"
    if isinstance(node, yaml.SequenceNode):
        return "a list"
    if node.tag == _NULL:
        return "nothing"
    return cut(repr(node.value) if node.tag == _STRING else node.value)


def read(path: Path) -> str:
    """The text of a matrix file. Raises UserError for what can't be one; a large file is refused unread."""
    try:
        status = path.stat()
    except ValueError as error:  # a NUL in the name
        raise UserError(f"{path}: not a valid file name") from error
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}", hint="docs/matrix.md shows how to begin") from error
    if not stat.S_ISREG(status.st_mode):
        raise UserError(f"{path}: expected a file, this is {'a directory' if path.is_dir() else 'something else'}")
    if status.st_size > MAX_BYTES:
        raise UserError(f"{path}: {status.st_size / 1024**2:.1f} MiB is too large for a matrix (at most 1 MiB)")
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}") from error
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise UserError(f"{path}:1:1: this is UTF-16, not UTF-8", hint="save the file as UTF-8")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        column = error.start - (content.rfind(b"\n", 0, error.start) + 1) + 1
        raise UserError(
            f"{path}:{line}:{column}: not UTF-8 (byte 0x{content[error.start]:02x})", hint="save the file as UTF-8"
        ) from error


def compose(text: str, name: str) -> Spot:
    """The root value of a file's text; `name` is what messages call the file."""
    _refuse_raw(text, name)
    try:
        node = _composed(text, name)
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(error, name) from error
    except yaml.reader.ReaderError as error:
        what = foreign.named(str(error.character))
        raise UserError(
            f"{_place(text, error.position, name)}: {what} is not allowed in YAML", hint=_LEAVE_OUT
        ) from error
    except (ValueError, OverflowError) as error:  # PyYAML on "\UFFFFFFFF": no such character
        at = next((n for n, line in enumerate(text.split("\n"), start=1) if _ENDLESS.search(line)), 1)
        raise UserError(f"{name}:{at}: not YAML: {error}", hint='such as "\\U0001F600"; at most 0010FFFF') from error
    if node is None:
        raise UserError(f"{name}: the file is empty", hint="docs/matrix.md shows how to begin")
    root = Spot(file=name, path="", node=node)
    _check_expanded(root)
    return root


def _composed(text: str, name: str) -> yaml.Node | None:
    """The node tree. libyaml, where PyYAML was built with it, takes a tenth of the time; what it refuses is read again
    by PyYAML's own parser, whose messages say more.
    """
    fast = getattr(yaml, "CSafeLoader", None)
    if fast is not None:
        with suppress(yaml.YAMLError, ValueError, OverflowError):
            _check_bounds(text, name, fast)
            return yaml.compose(text, Loader=fast)
    _check_bounds(text, name, yaml.SafeLoader)
    return yaml.compose(text, Loader=yaml.SafeLoader)


def _refuse_raw(text: str, name: str) -> None:
    """Refuses what an editor would not show, comments included: a file must say what it seems to say."""
    place = foreign.refused(text, lines=True)
    if place >= 0:
        what = foreign.named(text[place])
        raise UserError(f"{_place(text, place, name)}: {what} is not allowed in a matrix", hint=_LEAVE_OUT)


def _place(text: str, place: int, name: str) -> str:
    line = text.count("\n", 0, place) + 1
    return f"{name}:{line}:{place - text.rfind(chr(10), 0, place)}"


def _syntax_error(error: yaml.MarkedYAMLError, name: str) -> UserError:
    mark = error.problem_mark or error.context_mark
    where = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name
    problem = ", ".join(part for part in (error.context, error.problem) if part) or "not YAML"
    hint = "indent with spaces, not tabs" if "\\t" in problem else ""
    return UserError(f"{where}: {problem}", hint=hint)


def _check_bounds(text: str, name: str, loader: type[yaml.SafeLoader]) -> None:
    # Events come without recursion, so this also protects the composer, which recurses.
    depth = values = 0
    for event in yaml.parse(text, Loader=loader):
        line = event.start_mark.line + 1 if event.start_mark else 1
        values += isinstance(event, yaml.NodeEvent)
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise UserError(f"{name}:{line}: nested more than {MAX_DEPTH} levels deep")
        if values > MAX_VALUES:
            raise UserError(f"{name}:{line}: more than {MAX_VALUES:,} values")


def _check_expanded(root: Spot) -> None:
    """Refuses tags and, by counting, aliases that blow up or contain themselves."""
    waiting = [root]
    seen = 0
    while waiting:
        spot = waiting.pop()
        seen += 1
        if seen + len(waiting) > MAX_VALUES:
            line = spot.node.start_mark.line + 1
            raise UserError(f"{root.file}:{line}: more than {MAX_VALUES:,} values once its aliases are expanded")
        if spot.node.tag not in _KNOWN_TAGS:
            shown = spot.node.tag.replace(_CORE, "!!")
            raise spot.error(f"the tag {cut(shown)} is not allowed", hint="plain strings, lists and mappings only")
        waiting.extend(_children(spot))


def _children(spot: Spot) -> Iterator[Spot]:
    if isinstance(spot.node, yaml.MappingNode):
        for key, value in spot.node.value:
            yield replace(spot, node=key)
            yield replace(spot, path=f"{spot.path}.{key.value}".lstrip(".")[:200], node=value)
    elif isinstance(spot.node, yaml.SequenceNode):
        for i, node in enumerate(spot.node.value):
            yield replace(spot, path=f"{spot.path}[{i}]"[:200], node=node)
