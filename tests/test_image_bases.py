from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator import paths
from orchestrator.errors import UserError
from orchestrator.image import bases

MINIMAL = 'bases:\n  - {name: a, python: "3.9", reference: "python:3.9"}\n'


def written(folder: Path, text: str) -> Path:
    path = folder / "bases.yaml"
    path.write_text(text)
    return path


def test_the_shipped_file_has_every_minor_from_3_7_to_3_13():
    specs = bases.load(paths.data("images") / "bases.yaml")
    assert [s.python for s in specs] == ["3.7", "3.8", "3.9", "3.10", "3.11", "3.12", "3.13"]
    assert all(s.reference for s in specs)
    assert {s.python for s in specs if not s.suite} == {"3.8", "3.12"}


def test_a_list_inside_a_list_is_flattened():
    spec = bases.candidates("3.11", bases.load(paths.data("images") / "bases.yaml"))[0]
    assert "libgomp1" in spec.packages
    assert "python3" in spec.packages
    assert "python3-dev" in spec.builder_packages


def test_candidates_keep_the_files_order(tmp_path):
    text = MINIMAL + '  - {name: b, python: "3.9", reference: mine}\n  - {name: c, python: "3.8", reference: other}\n'
    specs = bases.load(written(tmp_path, text))
    assert [s.name for s in bases.candidates("3.9", specs)] == ["a", "b"]
    assert bases.candidates("3.10", specs) == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("bases: []", "expected a list of bases"),
        ("[", "not YAML"),
        (
            "bases:\n  - {name: a, python: 3.9, reference: x}",
            'bases[0].python: expected a string, got 3.9 (quote it: "3.9")',
        ),
        ('bases:\n  - {name: a, python: "3.9"}', "neither a reference"),
        ('bases:\n  - {name: a, python: "3.9", suite: x}', "needs the path of its interpreter"),
        ('bases:\n  - {python: "3.9", reference: x}', "name is missing"),
        ('bases:\n  - {name: a, python: "3.9", refrence: x}', "unknown key 'refrence'"),
        (MINIMAL + '  - {name: a, python: "3.8", reference: x}', "duplicate base name 'a'"),
    ],
)
def test_a_malformed_file_says_where(tmp_path, text, said):
    with pytest.raises(UserError) as raised:
        bases.load(written(tmp_path, text))
    assert said in raised.value.message


def test_a_misspelt_key_is_answered_with_the_right_one(tmp_path):
    with pytest.raises(UserError) as raised:
        bases.load(written(tmp_path, 'bases:\n  - {name: a, python: "3.9", refrence: x}'))
    assert raised.value.hint == "did you mean 'reference'?"


def test_a_file_that_is_not_there_is_a_users_error(tmp_path):
    with pytest.raises(UserError, match="can't be read"):
        bases.load(tmp_path / "none.yaml")
