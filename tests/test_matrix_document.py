"""Every malformed file gets one message: file, line, column, path, what was expected."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.errors import ExitCode, UserError
from orchestrator.matrix.document import load, parse, refuse_strangers
from orchestrator.matrix.nodes import MAX_BYTES
from orchestrator.model import Limits

GOOD = """\
schema: 1
title: T
axes:
  tf: {package: TensorFlow, choices: ["2.4.1", {range: ">=2.1", take: newest-patch}]}
  sub: {package: sub, choices: [none, "1.0"], subject: true}
  python: {kind: python, choices: ["3.9", "3.10"]}
  device: {kind: device, choices: [{name: cpu, substitutes: {tensorflow: tensorflow_cpu}}]}
  env: {kind: env, choices: [plain, {name: x, set: {A: "1"}, with: ["tf-keras <3"]}]}
  resolve: {kind: resolve, choices: [released, pip-today]}
exclude:
  - {env: x, tf: "<2.14", reason: "because"}
groups:
  g: {where: {sub: "!none"}, core: [g.one], stands_on: [other.two]}
questions: [{ask: "Does {sub} work?", group: g}]
limits: {probe_seconds: 5, memory: 512m}
"""


def complaint(text: str) -> UserError:
    with pytest.raises(UserError) as caught:
        parse(text, "matrix.yaml")
    assert caught.value.code == ExitCode.USAGE
    return caught.value


def changed(old: str, new: str) -> UserError:
    assert old in GOOD
    return complaint(GOOD.replace(old, new))


def test_a_good_file_becomes_a_source_with_ranges_still_open():
    source = parse(GOOD, "matrix.yaml")
    tf, sub, python, device, env, resolve = source.axes
    assert (tf.axis.package, tf.axis.default, tf.ranges[0].specifier) == ("tensorflow", None, ">=2.1")
    assert (sub.axis.subject, sub.axis.default) == (True, "none")
    assert (python.axis.kind, python.axis.default) == ("python", None)
    assert (device.axis.default, device.choices[0].substitutes) == ("cpu", (("tensorflow", "tensorflow-cpu"),))
    assert env.choices[1].variables == (("A", "1"),)
    assert env.choices[1].requires == ("tf-keras<3",)
    assert resolve.axis.default is None
    assert source.exclude[0].where == (("env", ("x",)), ("tf", ("<2.14",)))
    assert source.exclude[0].at == "matrix.yaml:11:5 exclude[0]"
    assert source.limits == Limits(probe_seconds=5, memory=512 * 1024**2)
    assert source.groups[0].stands_on == ("other.two",)


def test_an_unquoted_version_is_refused_with_its_place_and_the_quoted_form_of_what_stands_there():
    error = changed('"3.9", "3.10"', '"3.9", 3.10')
    assert error.message == 'matrix.yaml:6:43 axes.python.choices[1]: expected a string, got 3.10 (quote it: "3.10")'
    assert '(quote it: "2.10")' in changed('["2.4.1",', "[2.10,").message
    assert '(quote it: "2.10")' in changed('tf: "<2.14"', "tf: 2.10").message


@pytest.mark.parametrize("text", ["2.10", "1_0", "017", "190:20", "2024-01-01", "1.0e+3", "0x1f", "yes", ".inf"])
def test_whatever_yaml_makes_of_an_unquoted_value_the_quoted_form_is_what_stood_there(text):
    assert f'got {text} (quote it: "{text}")' in changed('["2.4.1",', f"[{text},").message


CASES = {
    "duplicate key": ("title: T", "title: T\ntitle: U", "matrix.yaml:3:1: duplicate key 'title' (first on line 2)"),
    "duplicate axis": ("  env:", "  python: {}\n  env:", "matrix.yaml:8:3 axes: duplicate key 'python'"),
    "unknown key": ("title: T", "titel: T", "matrix.yaml:2:1 titel: unknown key 'titel'"),
    "unknown key of an axis": ("{kind: python, ch", "{kind: python, x: 1, ch", "axes.python.x: unknown key 'x'"),
    "missing key": ("title: T\n", "", "matrix.yaml:1:1: the key 'title' is missing"),
    "unknown axis in a rule": ('tf: "<2.14", r', 'ft: "<2.14", r', "exclude[0].ft: unknown axis 'ft'"),
    "unknown axis in a group": ('{sub: "!none"}', '{sup: "!none"}', "groups.g.where.sup: unknown axis 'sup'"),
    "unknown axis in a question": ("{sub} work", "{sup} work", "questions[0].ask: unknown axis 'sup'"),
    "unknown group": ("group: g", "group: h", "unknown group 'h'"),
    "no reason": (', reason: "because"', "", "exclude[0]: the key 'reason' is missing"),
    "no axis in a rule": ('env: x, tf: "<2.14", ', "", "a rule needs at least one axis"),
    "bad pattern": ('"<2.14"', '"2.6..2.3"', "is reversed"),
    "bad specifier": ('"<2.14"', '"<two"', "not a version specifier"),
    "range of names": ("env: x, tf", "env: a..b, tf", "needs versions"),
    "wrong schema": ("schema: 1", "schema: 2", "this version reads schema 1"),
    "unknown kind": ("kind: python", "kind: pyton", "matrix.yaml:6:18 axes.python.kind: expected one of"),
    "unknown strategy": ("pip-today]", "pip-tody]", "axes.resolve.choices[1]: expected one of"),
    "unknown take": ("newest-patch", "newest-pach", "choices[1].take: expected one of"),
    "range that is none": ('">=2.1"', '"2.1 or so"', "expected a range such as"),
    "not a version": ('"2.4.1"', '"two"', "expected a version, none, unpinned or a range"),
    "not a CPython minor": ('"3.9"', '"3.9.1"', "expected a CPython minor version"),
    "choice twice": ('"3.9", "3.10"', '"3.9", "3.9"', "'3.9' is listed twice"),
    "no choices": ('["3.9", "3.10"]', "[]", "got an empty one"),
    "choices missing": ('choices: ["3.9", "3.10"]', "", "the key 'choices' is missing"),
    "no python axis": ('  python: {kind: python, choices: ["3.9", "3.10"]}\n', "", "axis of kind python is missing"),
    "default not listed": ("{kind: python,", '{kind: python, default: "3.8",', "'3.8' is not one of the choices"),
    "two axes of a package": ("package: sub", "package: tensorflow", "more than one axis for the package tensorflow"),
    "subject of another kind": ("{kind: python,", "{kind: python, subject: true,", "only a package can be the subject"),
    "reserved axis": ("  env:", "  reason:", "'reason' is not a valid axis name"),
    "variable of a number": ('{A: "1"}', "{A: 1}", 'expected a string, got 1 (quote it: "1")'),
    "variable misnamed": ('{A: "1"}', '{A-B: "1"}', "is not a valid variable name"),
    "requirement": ('"tf-keras <3"', '"tf keras"', "expected a requirement"),
    "requirement with a URL": ('"tf-keras <3"', '"x @ file:///x"', "expected a requirement by name"),
    "core of another group": ("core: [g.one]", "core: [h.one]", "does not belong to group g"),
    "no probe id": ("core: [g.one]", "core: [one]", "expected the id of a probe"),
    "limit below zero": ("probe_seconds: 5", "probe_seconds: -5", "expected a number above 0"),
    "memory": ("512m", "lots", "expected an amount of memory"),
    "question with a format": ("{sub} work", "{sub:>9} work", "without a format"),
    "question that is unbalanced": ("{sub} work", "{sub work", "not a question to fill in"),
    "empty title": ("title: T", 'title: ""', "got an empty one"),
    "nothing": ("title: T", "title:", "expected a string, got nothing"),
    "list for a mapping": ("limits: {probe_seconds: 5, memory: 512m}", "limits: [1]", "expected a mapping, got a list"),
    "merge key": ("limits: {", "limits: {<<: {pids: 1}, ", "merge keys (<<) are not allowed"),
    "tab": ("limits:", "\tlimits:", "matrix.yaml:15:1: "),
    "syntax": ("title: T", "title: [T", "matrix.yaml:"),
    "second document": ("limits:", "---\nlimits:", "expected a single document"),
    "tagged Python object": ("title: T", "title: !!python/object/apply:os.getcwd []", "python/object/apply:os.getcwd"),
    "tag of one's own": ("title: T", "title: !secret T", "the tag !secret is not allowed"),
    "impossible character": ("title: T", 'title: "\\UFFFFFFFF"', "matrix.yaml"),
    "control character": ("title: T", "title: \x00", "matrix.yaml"),
    "endless string": ("title: T", "title: " + "T" * 3000, "a string of 3,000 characters is too long"),
    "endless version": ('"2.4.1"', '"' + "1" * 5000 + '"', "a string of 5,000 characters is too long"),
    "unknown anchor": ("title: T", "title: *t", "undefined alias"),
}


@pytest.mark.parametrize(("old", "new", "message"), CASES.values(), ids=CASES)
def test_a_malformed_file_gets_one_message_with_its_place(old, new, message):
    error = changed(old, new)
    assert error.message.startswith("matrix.yaml")
    assert message in error.message


@pytest.mark.parametrize(
    ("old", "new", "hint"),
    [
        ("title: T", "titel: T", "did you mean 'title'?"),
        ('tf: "<2.14", r', 'tensorfow: "<2.14", r', "did you mean 'tensorflow'?"),
        ("kind: python", "kind: pyton", "did you mean 'python'?"),
        ("pip-today]", "pip-tody]", "did you mean 'pip-today'?"),
        ("choices: [none,", "choices: [nnone,", "did you mean 'none'?"),
        ("limits:", "\tlimits:", "indent with spaces, not tabs"),
    ],
)
def test_a_near_miss_is_asked_about(old, new, hint):
    assert changed(old, new).hint == hint


def test_a_yaml_bomb_is_refused_before_it_is_expanded():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]
    started = time.perf_counter()
    assert "once its aliases are expanded" in complaint("\n".join(lines)).message
    assert time.perf_counter() - started < 5


def test_an_alias_to_itself_is_refused():
    assert "once its aliases are expanded" in complaint("a: &a [*a]").message


def test_deep_nesting_and_endless_lists_are_refused_early():
    assert "nested more than 32 levels deep" in complaint("[" * 100_000).message
    assert "more than 50,000 values" in complaint("[" + "x," * 60_000 + "]").message


def test_an_empty_file_says_so():
    assert complaint("").message == "matrix.yaml: the file is empty"
    assert complaint("# nothing but this\n").message == "matrix.yaml: the file is empty"


def test_a_file_that_is_no_mapping_says_so():
    assert complaint("- 1\n").message == "matrix.yaml:1:1: expected a mapping, got a list"


def test_a_large_file_is_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "matrix.yaml"
    with path.open("wb") as file:
        file.truncate(50 * 1024**2)
    monkeypatch.setattr(Path, "read_bytes", lambda _self: pytest.fail("it was read"))
    with pytest.raises(UserError, match=r"50\.0 MiB is too large"):
        load(path)


def test_a_file_of_just_the_allowed_size_is_read(tmp_path: Path):
    path = tmp_path / "matrix.yaml"
    path.write_text(GOOD + "#" * (MAX_BYTES - len(GOOD) - 1) + "\n")
    assert load(path).title == "T"


def test_a_file_that_is_not_utf_8_says_where(tmp_path: Path):
    path = tmp_path / "matrix.yaml"
    path.write_bytes(b"schema: 1\ntitle: caf\xe9\n")
    with pytest.raises(UserError, match=r"matrix\.yaml:2:11: not UTF-8 \(byte 0xe9\)"):
        load(path)


def test_a_byte_order_mark_is_no_error(tmp_path: Path):
    path = tmp_path / "matrix.yaml"
    path.write_text(GOOD, encoding="utf-8-sig")
    assert load(path).title == "T"


def test_a_missing_file_and_a_directory_say_so(tmp_path: Path):
    with pytest.raises(UserError, match="No such file"):
        load(tmp_path / "matrix.yaml")
    with pytest.raises(UserError, match="this is a directory"):
        load(tmp_path)


@given(
    st.integers(0, len(GOOD)),
    st.integers(0, 12),
    st.text(alphabet="{}[]:,-!&*?|>'\"#%@` \n\t\\x0a1.~<=\x07é", max_size=6),
)
@settings(max_examples=200)
def test_whatever_is_broken_in_a_file_is_a_users_mistake_and_never_a_bug(start, length, text):
    broken = GOOD[:start] + text + GOOD[start + length :]
    try:
        source = parse(broken, "matrix.yaml")
    except UserError as error:
        assert error.message.startswith("matrix.yaml")
    else:
        assert source.axes


@pytest.mark.parametrize(
    ("probes", "said", "hint"),
    [
        (
            ("h.one", "other.two"),
            "matrix.yaml:13:3 groups.g: group 'g' has no probes in the suite",
            "groups with probes: h",
        ),
        (("g.won", "other.two"), "groups.g.core[0]: unknown probe 'g.one'", "did you mean 'g.won'?"),
        (("g.one", "other.tow"), "groups.g.stands_on[0]: unknown probe 'other.two'", "did you mean 'other.tow'?"),
        (("g.one", "others.two"), "group 'other' has no probes in the suite", "did you mean 'others'?"),
        (("g.one", "other.zzzzzz"), "unknown probe 'other.two'", "`compat export --catalogue` lists the probes"),
    ],
)
def test_a_group_or_probe_that_the_suite_does_not_have_is_refused_with_its_place(probes, said, hint):
    source = parse(GOOD, "matrix.yaml")
    refuse_strangers(source, ("g.one", "other.two"))
    with pytest.raises(UserError) as caught:
        refuse_strangers(source, probes)
    assert said in caught.value.message
    assert hint in caught.value.hint
