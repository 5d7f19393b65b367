"""What tests may not do: reach into what is private to get their way. Services and arguments are passed in."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parent


def patched(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Line and name of every attribute that is replaced from outside of its class."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(attr="setattr" | "delattr"), args=args):
                texts = [a.value for a in args[:2] if isinstance(a, ast.Constant) and isinstance(a.value, str)]
                yield from ((node.lineno, text.rpartition(".")[2]) for text in texts)
            case ast.Assign(targets=targets):
                whole = (t for t in targets if isinstance(t, ast.Attribute))
                yield from ((node.lineno, t.attr) for t in whole if ast.unparse(t.value) != "self")


@pytest.mark.parametrize("path", sorted(TESTS.glob("*.py")), ids=lambda path: path.stem)
def test_no_test_patches_a_private_name(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert [f"{path.name}:{line}: {name}" for line, name in patched(tree) if name.startswith("_")] == []


@pytest.mark.parametrize("text", ['monkeypatch.setattr(m, "_x", 1)', 'monkeypatch.setattr("a.b._x", 1)', "made._x = 1"])
def test_a_private_name_that_is_patched_is_seen(text):
    assert [name for _, name in patched(ast.parse(text))] == ["_x"]
