"""A small matrix, and what can be wrong with one: a text, where the message must point, and words it must have."""

from __future__ import annotations

from dataclasses import dataclass

GOOD = """\
schema: 1
title: KerasSurgeon on TensorFlow
axes:
  tf: {package: tensorflow, choices: ["2.3.4", "2.4.1"]}
  kerassurgeon: {package: kerassurgeon, choices: [none, "0.2.0"], subject: true}
  python: {kind: python, choices: ["3.7"]}
  device: {kind: device, choices: [cpu, {name: cuda11.2, on_request: true, image: "a/b:1"}]}
  env: {kind: env, choices: [plain, {name: fast, set: {A: "1"}, with: [six]}]}
  resolve: {kind: resolve, choices: [released, pip-today]}
exclude:
  - {env: fast, tf: "2.3.4", reason: not there yet}
groups:
  tensorflow: {where: {kerassurgeon: none}, core: [tensorflow.fit]}
  surgeon: {where: {kerassurgeon: "!none"}, core: [surgeon.dense], stands_on: [environment.tensorflow]}
questions:
  - {ask: "Does KerasSurgeon {kerassurgeon} work on TensorFlow {tf}?", group: surgeon}
limits: {probe_seconds: 60, memory: 4g}
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """`old` in the good matrix replaced by `new`; `at` is the line (and column) a message names, `said` its words."""

    old: str
    new: str
    at: str
    said: str


def case(old: str, new: str, at: str, said: str) -> Case:
    assert GOOD.count(old) == 1, old
    return Case(old=old, new=new, at=at, said=said)


TITLE = "title: KerasSurgeon on TensorFlow"
VALUE = '{A: "1"}'
REASON = "reason: not there yet"
LIMITS = "{probe_seconds: 60, memory: 4g}"

UNSEEN = {
    "escape in a title": case(TITLE, 'title: "a\\e[31mb"', "2:8", "U+001B (ESC)"),
    "escape by its number": case(TITLE, 'title: "a\\x1b]0;b\\x07"', "2:8", "U+001B (ESC)"),
    "escape as it is": case(TITLE, "title: a\x1b[2Jb", "2:9", "U+001B (ESC)"),
    "nul in a title": case(TITLE, 'title: "a\\0b"', "2:8", "U+0000 (NUL)"),
    "nul as it is": case(TITLE, "title: a\x00b", "2:9", "U+0000 (NUL)"),
    "half a surrogate pair": case(TITLE, 'title: "\\ud800"', "2:8", "U+D800 (half of a surrogate pair)"),
    "the other half": case(REASON, 'reason: "a\\udc80b"', "11:38", "U+DC80 (half of a surrogate pair)"),
    "direction override": case(TITLE, 'title: "a\\u202eb"', "2:8", "U+202E (RIGHT-TO-LEFT OVERRIDE)"),
    "direction override as it is": case(TITLE, "title: a\u202eb", "2:9", "U+202E (RIGHT-TO-LEFT OVERRIDE)"),
    "isolate in a comment": case(LIMITS, LIMITS + "  # \u2066 \u2069", "17:44", "U+2066 (LEFT-TO-RIGHT ISOLATE)"),
    "zero width space": case("[plain,", '["pl\\u200bain",', "8:30", "U+200B (ZERO WIDTH SPACE)"),
    "mark of byte order within": case(TITLE, "title: a\ufeffb", "2:9", "U+FEFF (ZERO WIDTH NO-BREAK SPACE)"),
    "filler that is a letter": case(TITLE, 'title: "a\\u3164b"', "2:8", "U+3164 (HANGUL FILLER)"),
    "tag character": case(TITLE, 'title: "a\\U000E0041b"', "2:8", "U+E0041"),
    "control of eight bits": case(TITLE, 'title: "a\\x9b31m"', "2:8", "U+009B (a control character)"),
    "next line": case(TITLE, 'title: "a\\Nb"', "2:8", "U+0085"),
    "line separator": case(TITLE, 'title: "a\\Lb"', "2:8", "U+2028 (LINE SEPARATOR)"),
    "delete": case(TITLE, 'title: "a\\x7f"', "2:8", "U+007F"),
    "backspace in a reason": case(REASON, 'reason: "yes\\b\\b\\bno"', "11:38", "U+0008"),
    "bell in a question": case('"Does Keras', '"\\aDoes Keras', "16:11", "U+0007"),
    "line end in a title": case(TITLE, 'title: "a\\nb"', "2:8", "U+000A (a line end)"),
    "block as a title": case(TITLE, "title: |\n  a\n  b", "2:8", "U+000A (a line end)"),
    "folded block as a title": case(TITLE, "title: >\n  a", "2:8", "U+000A (a line end)"),
    "carriage return": case(TITLE, 'title: "a\\rb"', "2:8", "U+000D (a carriage return)"),
    "tab in a title": case(TITLE, 'title: "a\\tb"', "2:8", "U+0009 (a tab)"),
    "nul in a variable": case(VALUE, '{A: "1\\0"}', "8:59", "U+0000 (NUL)"),
    "line end in a variable": case(VALUE, '{A: "1\\nLD_PRELOAD=x"}', "8:59", "U+000A (a line end)"),
    "escape in a variable's name": case(VALUE, '{"A\\e": "1"}', "8:56", "U+001B (ESC)"),
    "escape in a key": case(TITLE, '"titl\\e": T', "2:1", "U+001B (ESC)"),
    "escape in an axis": case("  env: {", '  "en\\ev": {', "8:3", "U+001B (ESC)"),
    "escape in a version": case('"2.4.1"]', '"2.4.1\\e"]', "4:48", "U+001B (ESC)"),
    "escape in a package": case("package: tensorflow", 'package: "tensor\\eflow"', "4:17", "U+001B (ESC)"),
    "escape in a requirement": case("[six]", '["six\\e"]', "8:72", "U+001B (ESC)"),
    "escape in a pattern": case('tf: "2.3.4"', 'tf: "2.3.4\\e"', "11:21", "U+001B (ESC)"),
    "escape in a tag": case(TITLE, "title: !%1b%5b31m T", "2:8", "the tag"),
    "blanks around a version": case('"2.4.1"]', '" 2.4.1"]', "4:48", "has leading or trailing blanks"),
    "blank behind a variable": case(VALUE, '{A: "1 "}', "8:59", "has leading or trailing blanks"),
    "wide blank before a title": case(TITLE, 'title: "\\u3000T"', "2:8", "has leading or trailing blanks"),
    "nothing but blanks": case(TITLE, 'title: "   "', "2:8", "got an empty one"),
}
TWINS = {
    "version with a zero more": case('"2.4.1"]', '"2.4.1", "2.4.1.0"]', "4:57", "'2.4.1.0' is the same as '2.4.1'"),
    "candidate spelled otherwise": case(
        '"2.4.1"]', '"2.4.1rc1", "2.4.1-RC.1"]', "4:60", "'2.4.1-RC.1' is the same as '2.4.1rc1'"
    ),
    "version with a leading zero": case('"2.4.1"]', '"2.4.1", "2.04.1"]', "4:57", "is the same as"),
    "the same version twice": case('"2.4.1"]', '"2.4.1", "2.4.1"]', "4:57", "'2.4.1' is listed twice"),
    "env in other letters": case(
        "[plain,", "[plain, {name: Fast, set: {A: b}},", "8:64", "'fast' is the same as 'Fast'"
    ),
    "device in other letters": case("[cpu,", "[cpu, CPU,", "7:41", "'CPU' is the same as 'cpu'"),
    "package of two axes": case(
        "package: kerassurgeon", "package: TensorFlow", "4:3", "more than one axis for the package tensorflow"
    ),
    "original spelled otherwise": case(
        "[cpu,", "[{name: cpu, substitutes: {six: a, SIX: b}},", "7:70", "'SIX' is a duplicate in another spelling"
    ),
    "probe twice": case("[tensorflow.fit]", "[tensorflow.fit, tensorflow.fit]", "13:68", "'tensorflow.fit' is listed"),
    "question twice": case(
        "group: surgeon}\n",
        'group: surgeon}\n  - {ask: "Does KerasSurgeon {kerassurgeon} work on TensorFlow {tf}?", group: surgeon}\n',
        "17:5",
        "the same question is listed twice",
    ),
    "key twice": case(TITLE, TITLE + "\ntitle: again", "3:1", "duplicate key 'title' (first on line 2)"),
    "axis twice": case("  env: {", "  tf: {", "8:3", "duplicate key 'tf' (first on line 4)"),
    "group twice": case("  surgeon: {", "  tensorflow: {", "14:3", "duplicate key 'tensorflow' (first on line 13)"),
    "variable twice": case(VALUE, '{A: "1", A: "2"}', "8:64", "duplicate key 'A'"),
}
SUITE = {
    "group misspelled": case(
        "  tensorflow: {where", "  tensorflaw: {where", "13:52", "does not belong to group tensorflaw"
    ),
    "core that is no probe": case("[surgeon.dense]", "[surgeon.dens]", "14:52", "unknown probe 'surgeon.dens'"),
    "core of nothing alike": case("[tensorflow.fit]", "[tensorflow.zzz]", "13:52", "unknown probe"),
    "stands on no probe": case("[environment.tensorflow]", "[environment.tf]", "14:80", "unknown probe"),
    "stands on no group": case("[environment.tensorflow]", "[enviroment.tensorflow]", "14:80", "group 'enviroment'"),
    "group without probes": case(
        "groups:\n", "groups:\n  cake: {}\n", "13:3", "group 'cake' has no probes in the suite"
    ),
}
TYPES = {
    "version that is a number": case('"2.4.1"]', "2.10]", "4:48", 'got 2.10 (quote it: "2.10")'),
    "version that is a whole number": case('"2.4.1"]', "3]", "4:48", 'got 3 (quote it: "3")'),
    "version that is a date": case('"2.4.1"]', "2021-08-01]", "4:48", 'got 2021-08-01 (quote it: "2021-08-01")'),
    "version that is a time": case('"2.4.1"]', "2021-08-01 10:00:00]", "4:48", "(quote it:"),
    "version that is a truth": case('"2.4.1"]', "on]", "4:48", 'got on (quote it: "on")'),
    "version of sixty": case('"2.4.1"]', "1:30]", "4:48", 'got 1:30 (quote it: "1:30")'),
    "version in octal": case('"2.4.1"]', "010]", "4:48", 'got 010 (quote it: "010")'),
    "version of nothing": case('"2.4.1"]', "~]", "4:48", "expected a string, got nothing"),
    "version that is none": case('"2.4.1"]', "latest]", "4:48", "expected a version"),
    "version with a v": case('"2.4.1"]', "v2.4.1]", "4:48", "expected a version"),
    "version that is a list": case('"2.4.1"]', "[2]]", "4:48", "expected a string, got a list"),
    "version that is a path": case('"2.4.1"]', '"a/2.4.1"]', "4:48", "expected a version"),
    "version in other digits": case('"2.4.1"]', '"２.4"]', "4:48", "expected a version"),
    "Python that is a number": case('choices: ["3.7"]', "choices: [3.10]", "6:36", 'got 3.10 (quote it: "3.10")'),
    "Python with a patch": case('choices: ["3.7"]', 'choices: ["3.7.1"]', "6:36", "expected a CPython minor version"),
    "Python of the past": case('choices: ["3.7"]', 'choices: ["2.7"]', "6:36", "expected a CPython minor version"),
    "title that is a truth": case(TITLE, "title: yes", "2:8", 'got yes (quote it: "yes")'),
    "title that is a number": case(TITLE, "title: 1_000", "2:8", "(quote it:"),
    "title that is no number": case(TITLE, "title: .nan", "2:8", "(quote it:"),
    "title that is an equals sign": case(TITLE, "title: =", "2:8", 'got = (quote it: "=")'),
    "title that is a list": case(TITLE, "title: [a]", "2:8", "expected a string, got a list"),
    "title without end": case(TITLE, "title: " + "T" * 5000, "2:8", "a string of 5,000 characters is too long"),
    "number without end": case(TITLE, "title: " + "1" * 50_000, "2:8", "(quote it:"),
    "variable that is a number": case(VALUE, "{A: 1}", "8:59", 'got 1 (quote it: "1")'),
    "variable that is a truth": case(VALUE, "{A: off}", "8:59", 'got off (quote it: "off")'),
    "variable with a dash": case(VALUE, '{A-B: "1"}', "8:56", "is not a valid variable name"),
    "variable with an equals sign": case(VALUE, '{"A=B": "1"}', "8:56", "is not a valid variable name"),
    "subject that is a word": case("subject: true", 'subject: "true"', "5:76", "expected true or false"),
    "subject that is yes": case("subject: true", "subject: yes", "5:76", "expected true or false"),
    "key that is a number": case(TITLE, TITLE + "\n1: x", "3:1", 'got 1 (quote it: "1")'),
    "key that is nothing": case(TITLE, TITLE + "\n~: x", "3:1", "expected a string, got nothing"),
    "key that is a list": case(TITLE, TITLE + "\n? [a]\n: x", "3:3", "expected a string, got a list"),
    "key that is a date": case(TITLE, TITLE + "\n2021-08-01: x", "3:1", "(quote it:"),
    "schema that is a string": case("schema: 1", 'schema: "1"', "1:9", "expected a whole number"),
    "schema of tomorrow": case("schema: 1", "schema: 2", "1:9", "this version reads schema 1, got 2"),
    "schema without end": case("schema: 1", "schema: " + "9" * 5000, "1:9", "expected a whole number"),
    "exclude of nothing": case(
        'exclude:\n  - {env: fast, tf: "2.3.4", ' + REASON + "}", "exclude:", "10:9", "a list, got nothing"
    ),
    "axes under another name": case("axes:\n", "axis:\n", "3:1", "unknown key 'axis'"),
    "reason that is a number": case(REASON, "reason: 1.0", "11:38", "(quote it:"),
}
LIMIT_CASES = {
    name: case(LIMITS, "{" + limit + "}", at, said)
    for name, limit, at, said in (
        ("no time", "probe_seconds: 0", "17:25", "expected a number above 0"),
        ("time below nothing", "probe_seconds: -5", "17:25", "expected a number above 0"),
        ("time without end", "probe_seconds: .inf", "17:25", "expected a number above 0"),
        ("time that is no number", "probe_seconds: .nan", "17:25", "expected a number above 0"),
        ("time beyond a week", "cell_seconds: 999999999", "17:24", "up to 604,800"),
        ("time in octal", "probe_seconds: 010", "17:25", "expected a number above 0"),
        ("time in sixties", "probe_seconds: 1:30", "17:25", "expected a number above 0"),
        ("time in words", "probe_seconds: a minute", "17:25", "expected a number above 0"),
        ("memory of a byte", "memory: 1", "17:18", "from 6 MiB to 16 TiB"),
        ("memory of all there is", "memory: 999999999g", "17:18", "from 6 MiB to 16 TiB"),
        ("memory in other units", "memory: 4GiB", "17:18", "expected an amount of memory"),
        ("memory below nothing", "memory: -1", "17:18", "expected a whole number"),
        ("less than a processor's hundredth", "cpus: 0.001", "17:16", "from 0.01 to 1,024"),
        ("half a process", "pids: 1.5", "17:16", "expected a whole number from 1 to"),
        ("more processes than there are", "pids: 99999999", "17:16", "to 4,194,304"),
        ("a limit that is none", "probe_second: 1", "17:10", "unknown key 'probe_second'"),
        ("a merge key", "<<: {pids: 1}", "17:10", "merge keys (<<) are not allowed"),
    )
}
YAML = {
    "tab for blanks": case("  env: {", "\tenv: {", "8:1", "found character '\\t'"),
    "bracket that stays open": case("[plain,", "[[plain,", "8:79", "expected ',' or ']'"),
    "quote that stays open": case(TITLE, 'title: "T', "4:40", "expected <block end>"),
    "two documents": case("limits:", "---\nlimits:", "17:1", "expected a single document"),
    "alias of nothing": case(TITLE, "title: *t", "2:8", "undefined alias"),
    "alias to itself": case("exclude:\n", "exclude: &a\n  - [*a]\n", "12:", "once its aliases are expanded"),
    "bomb": case(
        TITLE,
        "a: &a [x,x,x,x,x,x,x,x,x]\n"
        + "\n".join(f"{b}: &{b} [{','.join([f'*{a}'] * 9)}]" for a, b in zip("abcdef", "bcdefg", strict=True)),
        "2:",
        "once its aliases",
    ),
    "nested without end": case(TITLE, "title: " + "[" * 5000, "2", "nested more than 32 levels deep"),
    "mappings without end": case(TITLE, "title: " + "{a: " * 500, "2", "nested more than 32 levels deep"),
    "list without end": case(TITLE, "title: [" + "x," * 60_000 + "]", "2", "more than 50,000 values"),
    "Python's own tag": case(
        TITLE, "title: !!python/object/apply:os.system [id]", "2:8", "python/object/apply:os.system"
    ),
    "binary": case(TITLE, "title: !!binary aGk=", "2:8", "the tag !!binary is not allowed"),
    "set": case(TITLE, "title: !!set {a}", "2:8", "the tag !!set is not allowed"),
    "ordered mapping": case(TITLE, "title: !!omap [a: b]", "2:8", "the tag !!omap is not allowed"),
    "number by a tag": case(TITLE, "title: !!int x", "2:8", "(quote it:"),
    "directive of another YAML": case("schema: 1", "%YAML 3.0\n---\nschema: 1", "1:", "incompatible"),
    "escape that is none": case(TITLE, 'title: "\\q"', "2:", "unknown escape character"),
    "character that is none": case(TITLE, 'title: "\\UFFFFFFFF"', "2", "not YAML"),
    "character beyond the last": case(TITLE, 'title: "\\U00110000"', "2", "not YAML"),
    "anchor over two values": case(TITLE, "title: &a T\ntitle2: &a U", "3:9", "found duplicate anchor"),
    "mapping in a string's place": case(TITLE, "title: a: b", "2:", "mapping values are not allowed here"),
    "reserved character": case(TITLE, "title: @home", "2:8", "cannot start any token"),
}

CASES = UNSEEN | TWINS | SUITE | TYPES | LIMIT_CASES | YAML
