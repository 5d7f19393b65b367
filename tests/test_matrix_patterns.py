"""What a pattern means among the choices of an axis."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.matrix.patterns import BadPattern, matching, strays
from orchestrator.model import Axis

TF = Axis(name="tf", kind="package", package="tensorflow")
PYTHON = Axis(name="python", kind="python")
ENV = Axis(name="env", kind="env")
VERSIONS = ("none", "unpinned", "2.3.4", "2.4.0", "2.4.1", "2.5.0", "2.6.5", "2.15.0", "2.15.0.post1", "2.40.0")
PYTHONS = ("3.1", "3.7", "3.10", "3.11")


def meant(*patterns: str, axis: Axis = TF, names: tuple[str, ...] = VERSIONS) -> list[str]:
    found = matching(axis, names, patterns)
    return [name for name in names if name in found]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("2.4.1", ["2.4.1"]),
        ("2.4", ["2.4.0", "2.4.1"]),
        ("2.15.0", ["2.15.0"]),
        ("2.4.0.0", ["2.4.0"]),
        ("2.4..2.6", ["2.4.0", "2.4.1", "2.5.0", "2.6.5"]),
        ("2.4.1..2.5", ["2.4.1", "2.5.0"]),
        (">=2.4,<2.6", ["2.4.0", "2.4.1", "2.5.0"]),
        ("~=2.4.0", ["2.4.0", "2.4.1"]),
        ("==2.4.1", ["2.4.1"]),
        ("==2.4.*", ["2.4.0", "2.4.1"]),
        ("<2.4", ["2.3.4"]),
        ("latest", ["2.40.0"]),
        ("none", ["none"]),
        ("==none", ["none"]),
        ("unpinned,2.3.4", ["unpinned", "2.3.4"]),
        ("!none", [*VERSIONS[1:]]),
        ("!=2", ["none", "unpinned"]),
        (">=2.4,!2.4,!latest", ["2.5.0", "2.6.5", "2.15.0", "2.15.0.post1"]),
        ("9.9", []),
        ("mine", []),
    ],
)
def test_a_pattern_on_a_package_axis(pattern, expected):
    assert meant(pattern) == expected


def test_several_patterns_are_ored_and_then_what_is_taken_away_is():
    assert meant("2.3", "2.4", "!2.4.0") == ["2.3.4", "2.4.1"]
    assert meant("!none", "!2") == ["unpinned"]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [("3.1", ["3.1"]), ("3.11", ["3.11"]), ("3", [*PYTHONS]), ("3.7..3.10", ["3.7", "3.10"]), ("latest", ["3.11"])],
)
def test_python_3_1_is_not_3_11(pattern, expected):
    assert meant(pattern, axis=PYTHON, names=PYTHONS) == expected


def test_names_are_matched_whole():
    names = ("plain", "keras2", "keras")
    assert meant("keras", axis=ENV, names=names) == ["keras"]
    assert meant("!plain", axis=ENV, names=names) == ["keras2", "keras"]
    assert meant("==plain", axis=ENV, names=names) == ["plain"]


@pytest.mark.parametrize("pattern", ["", "2.4,", "!", "!!2.4", "2.6..2.4", "2.4..", "a..b", "<two", ">=", "<2,>"])
def test_a_pattern_that_cant_be_read_is_refused(pattern):
    with pytest.raises(BadPattern):
        meant(pattern)


@pytest.mark.parametrize("pattern", ["latest", "a..b", ">=1"])
def test_names_have_no_order(pattern):
    with pytest.raises(BadPattern, match="needs versions"):
        meant(pattern, axis=ENV, names=("plain", "x"))


def test_strays_are_the_parts_that_mean_nothing():
    assert strays(TF, VERSIONS, ("2.4", "2.99", "!nnone", "none,9")) == ("2.99", "!nnone", "9")


releases = st.lists(st.integers(0, 30), min_size=1, max_size=3)
dotted = releases.map(lambda parts: ".".join(map(str, parts)))


@given(dotted, st.lists(releases, min_size=1, max_size=8, unique_by=tuple))
def test_a_prefix_means_the_release_itself_and_those_with_the_same_first_components(prefix, listed):
    names = tuple(dict.fromkeys(".".join(map(str, parts)) for parts in listed))
    start = [int(part) for part in prefix.split(".")]
    found = matching(TF, names, (prefix,))
    for name in names:
        parts = [int(part) for part in name.split(".")]
        same = parts + [0] * (3 - len(parts)) == start + [0] * (3 - len(start))
        under = len(parts) > len(start) and parts[: len(start)] == start
        assert (name in found) == (same or under)


@given(st.lists(dotted, min_size=1, max_size=8, unique=True), dotted)
def test_what_a_pattern_takes_away_is_what_it_means(listed, pattern):
    names = tuple(listed)
    assert matching(TF, names, (pattern,)) | matching(TF, names, ("!" + pattern,)) == set(names)
    assert not matching(TF, names, (pattern,)) & matching(TF, names, ("!=" + pattern,))
