"""What is wrong with a suite is a message with its place, whatever it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_suites import check, places, suite
from staged import PROBES, load

from orchestrator.errors import UserError
from orchestrator.suite import probe_files

PROBE = "from harness import check\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (PROBE + "this is no python\n", r"made\.py:2: is not valid Python"),
        (PROBE + "\0", r"made\.py.*: is not valid Python"),
        (
            PROBE + "for n in 'ab':\n    check('one.' + n, '?')(print)\n",
            r"made\.py:3: .* only known once the file runs",
        ),
        ("from harness import *\nfor n in 'ab':\n    check('one.' + n, '?')(print)\n", r"made\.py:3: .* runs"),
        (PROBE + "@check('One.a', '?')\ndef f(): pass\n", r"made\.py:2: 'One\.a' is not a probe id"),
        (PROBE + "c = check\n", r"made\.py:2: .* only known once the file runs"),
        ("from harness import check as c\nfor n in 'ab':\n    c('one.' + n, '?')(print)\n", r"made\.py:3: .* run"),
        ("if True:\n    from harness import check\n@check('one.a', '?')\ndef f(): pass\n", r"made\.py:3: .* runs"),
        ("def f():\n    import harness\n    harness.check('one.a', '?')(f)\n", r"made\.py:3: .* once the file runs"),
        (
            PROBE + "import os\n@check(os.name + '.a', '?')\ndef f(): pass\n",
            r"made\.py:3: id can't be read: .*os\.",
        ),
        (PROBE + "A = B\nB = A\n@check(A, '?')\ndef f(): pass\n", r"made\.py:4: .* refers to itself"),
        (PROBE + "A = 'a'\nA = 'one.a'\n@check(A, '?')\ndef f(): pass\n", r"made\.py:4: .* or several"),
        (PROBE + "@check('alone', '?')\ndef f(): pass\n", r"made\.py:2: 'alone' is not a probe id"),
        (PROBE + "@check('one.a')\ndef f(): pass\n", r"made\.py:2: a probe takes an id and a question"),
        (PROBE + "@check('one.a', '')\ndef f(): pass\n", r"made\.py:2: one\.a: its question must be a string"),
        (PROBE + "@check('one.a', '?', nedes=())\ndef f(): pass\n", r"made\.py:2: unknown option nedes"),
        (
            PROBE + "@check('one.a', '?', needs='json')\ndef f(): pass\n",
            r"made\.py:2: needs must be a tuple of import names",
        ),
        (PROBE + "@check('one.a', '?', seconds=-1)\ndef f(): pass\n", r"made\.py:2: seconds must be a number above 0"),
        (PROBE + "@check('one.a', '?', fresh=1)\ndef f(): pass\n", r"made\.py:2: fresh must be True or False"),
        (PROBE + "@check('one.a', '?', **{})\ndef f(): pass\n", r"made\.py:2: unknown option \*\*"),
        (check() + check(), r"made\.py:11: duplicate probe one\.a, first at .*made\.py:4"),
        (check("control.mine"), r"made\.py:4: the group control is reserved for the harness"),
        ("READS = ('gone.bin',)\n" + check(), r"made\.py: READS: .*gone\.bin does not exist"),
        ("READS = ('../x',)\n" + check(), r"made\.py:1: READS: '\.\./x' is not a plain path"),
        ("READS = ('/etc/passwd',)\n" + check(), r"made\.py:1: READS: '/etc/passwd' is not a plain path"),
        ("READS = 'x'\n" + check(), r"made\.py:1: READS must be a tuple of paths"),
        ("READS = ('plan.json',)\n" + check(), r"READS: plan\.json is another file in the container"),
        ("x = " + "(" * 5000 + ")" * 5000 + "\n" + check(), r"made\.py.*: is not valid Python"),
        ("X = 'a'" + " + 'a'" * 20000 + "\n" + PROBE + "@check(X, '?')\ndef f(): pass\n", r"made\.py"),
    ],
)
def test_a_file_that_can_not_be_read_is_a_message_with_its_place(tmp_path: Path, text: str, said: str):
    with pytest.raises(UserError, match=said):
        load(suite(tmp_path / "s", made=text))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("MUTATIONS = {'one.b': ('os', None)}\n", r"mutations_one\.py:1: unknown check 'one\.b'"),
        ("MUTATIONS = dict(a=1)\n", r"mutations_one\.py:1: MUTATIONS is only known once the file runs"),
        ("MUTATIONS = {}\nMUTATIONS.update(a=1)\n", r"mutations_one\.py:1: MUTATIONS, .* made in steps"),
        ("X = {}\nMUTATIONS = {**X}\n", r"mutations_one\.py:2: MUTATIONS is only known"),
        ("pass\n", r"mutations_one\.py:1: MUTATIONS, .* is missing"),
        (
            "import mutations_two\nMUTATIONS = {'one.a': 1}\n",
            r"mutations_two\.py:1: duplicate mutation of one\.a, first at .*:2",
        ),
    ],
)
def test_sabotage_that_can_not_be_read_is_a_message_with_its_place(tmp_path: Path, text: str, said: str):
    two = "MUTATIONS = {'one.a': 1}\n"
    with pytest.raises(UserError, match=said):
        load(suite(tmp_path / "s", made=check(), mutations_one=text, mutations_two=two))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("json.py", "hides the module json of the standard library"),
        ("harness.py", r"have the same name harness\.py"),
        ("controls.py", r"have the same name controls\.py"),
        ("thing.py", r"hides the package thing that one\.a needs"),
        ("no-module.py", "'no-module.py' can't be imported"),
        ("größe.py", "'größe.py' can't be imported"),
        (b"\xff\xfe.py", "can't be imported: its name is not an ASCII identifier"),
    ],
)
def test_a_file_may_not_take_another_modules_name_or_one_that_can_not_be_imported(
    tmp_path: Path, name: str | bytes, said: str
):
    folder = suite(tmp_path / "s", made=check(needs="'thing',"))
    (folder / (name if isinstance(name, str) else name.decode("utf-8", "surrogateescape"))).write_text("X = 1\n")
    with pytest.raises(UserError, match=said) as refused:
        load(folder)
    refused.value.message.encode("utf-8")


def test_data_whose_name_is_not_utf_8_can_not_be_named(tmp_path: Path):
    folder = suite(tmp_path / "s", made="READS = ('\\udcff.bin',)\n" + check())
    with pytest.raises(UserError, match="is not a plain path"):
        load(folder)


def test_a_folder_that_is_missing_a_file_or_without_probes_is_no_suite(tmp_path: Path):
    with pytest.raises(UserError, match=r"^matrix\.yaml: suites\[0\]: .*gone: does not exist"):
        probe_files.load(places(tmp_path / "gone"), PROBES)
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="file: is not a folder"):
        load(tmp_path / "file")
    with pytest.raises(UserError, match="no probes in it"):
        load(suite(tmp_path / "empty"))
    with pytest.raises(UserError, match="no probes in it"):
        load(suite(tmp_path / "other", helper="X = 1\n", deep="from harness import expect\n"))


def test_no_file_of_a_suite_leads_out_of_it(tmp_path: Path):
    (tmp_path / "secret").write_text("X = 1\n")
    folder = suite(tmp_path / "s", made="READS = ('a.bin',)\n" + check())
    (folder / "a.bin").symlink_to(tmp_path / "secret")
    with pytest.raises(UserError, match=r"a\.bin: is outside the suite's folder"):
        load(folder)
    (folder / "a.bin").unlink()
    (folder / "a.bin").write_bytes(b"")
    (folder / "linked.py").symlink_to(tmp_path / "secret")
    with pytest.raises(UserError, match=r"linked\.py: is outside the suite's folder"):
        load(folder)


def test_a_folder_in_a_suite_that_leads_out_of_it_is_refused(tmp_path: Path):
    suite(tmp_path / "elsewhere", other=check("two.b"))
    folder = suite(tmp_path / "s", made=check())
    (folder / "room").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UserError, match=r"room/other\.py: is outside the suite's folder"):
        load(folder)


def test_a_name_that_no_disk_takes_is_a_message(tmp_path: Path):
    with pytest.raises(UserError, match="File name too long"):
        load(tmp_path / ("x" * 300))


def test_a_loop_of_links_and_what_is_no_file_are_messages(tmp_path: Path):
    folder = suite(tmp_path / "s", made=check())
    (folder / "loop.py").symlink_to(folder / "loop.py")
    with pytest.raises(UserError, match=r"loop\.py can't be read"):
        load(folder)
    (folder / "loop.py").unlink()
    (folder / "folder.py").mkdir()
    with pytest.raises(UserError, match=r"folder\.py: is not a file"):
        load(folder)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("suite.json", "{", r"suite\.json: Input data was truncated"),
        ("suite.json", '{"needs": {}}', r"suite\.json: .*unknown field `needs`"),
        ("suite.json", '{"distributions": {"a b": ["x"]}}', "'a b' is not a top-level import name"),
        ("suite.json", '{"distributions": {"a": ["X_y"]}}', "'X_y' is not a normalised distribution name"),
        ("suite.json", '{"loggers": ["a,b"]}', "'a,b' is not a valid logger name"),
        ("proofs.json", "[]", r"proofs\.json: is not a valid proofs file"),
        ("proofs.json", '{"one.a": {"digest": 1}}', r"proofs\.json: is not a valid proofs file"),
    ],
)
def test_what_stands_beside_probes_is_refused_where_it_is_something_else(
    tmp_path: Path, name: str, text: str, said: str
):
    folder = suite(tmp_path / "s", made=check())
    (folder / name).write_text(text)
    with pytest.raises(UserError, match=said):
        load(folder)


GOOD = (
    "import shared\nfrom harness import check, drift, subject\n\nREADS = ('data.txt',)\nGUIDE = 'g' + shared.X\n\n\n"
    "@check('one.a', 'Does it hold?', source=GUIDE, needs=('json',), seconds=-(-3))\ndef a():\n"
    "    with subject('x'):\n        pass\n\n\n@drift('one.' + 'b', 'How much?', fresh=True)\ndef b():\n    return 1\n"
)


@given(
    st.integers(0, len(GOOD)),
    st.integers(0, 12),
    st.text(alphabet="()[]{}@:,.=+-*'\"\\#\n\t\x00 aobe1é\ufeff", max_size=6),
)
@settings(max_examples=150)
def test_whatever_is_broken_in_a_probe_file_is_a_users_mistake_and_never_a_bug(tmp_path_factory, start, length, text):
    folder = tmp_path_factory.getbasetemp() / "broken"
    suite(folder, shared="X = ', 2'\n", made=GOOD[:start] + text + GOOD[start + length :])
    (folder / "data.txt").write_text("")
    try:
        found = load(folder)
    except UserError as error:
        assert str(folder) in error.message
    else:
        assert len(found.probes) > len(found.expects)
