"""A kind of axis that nothing here knows: one file (`axis_locale.py`) and its line in the registry are enough."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import axis_locale
import jsonschema
import pytest
import yaml
from builders import LISTED, MATRIX, failed, judged, passed, ran
from command import MATRIX as SMALL
from command import RAISED, Engine, compat_fixture  # noqa: F401
from fakes import BASE, lock_of
from test_store_evidence_codec import of, small
from test_verdict_ranges import found as ranges_of
from test_verdict_ranges import line_of

from orchestrator.axes.registry import KINDS
from orchestrator.errors import UserError
from orchestrator.insight.finding_scope import finding_scopes
from orchestrator.insight.nearest import nearest
from orchestrator.lock.strategies import requirements
from orchestrator.matrix.document import parse
from orchestrator.matrix.expand import expand
from orchestrator.matrix.ranges import settled
from orchestrator.matrix.schema import schema
from orchestrator.matrix.single import single
from orchestrator.model import Axis, Cell, Choice, ProbeKind
from orchestrator.run.keys import environment_key
from orchestrator.store.evidence_codec import decode, encode
from orchestrator.verdict.answers import answers
from orchestrator.verdict.pairing import pairing
from orchestrator.verdict.tables import summary_table

GERMAN = "de_DE.UTF-8"
PAIR = (axis_locale.PLAIN, GERMAN)
TEXT = SMALL.replace("  device:", f"  locale: {{kind: locale, choices: [{axis_locale.PLAIN}, {GERMAN}]}}\n  device:")
AXIS = Axis(name="locale", kind="locale", default=axis_locale.PLAIN)
PLAN = replace(
    MATRIX, choices=(*MATRIX.choices, tuple(Choice(axis=AXIS, name=name) for name in (axis_locale.PLAIN, GERMAN)))
)


@pytest.fixture(autouse=True)
def locale(monkeypatch):
    monkeypatch.setitem(KINDS, "locale", axis_locale.KIND)


class Speaking(Engine):
    """Keeps the locales that probe processes were to get."""

    def __init__(self):
        super().__init__()
        self.locales = []

    def run(self, reference, task, on_line):
        plan = json.loads(dict(task.files)["plan.json"])
        self.locales.append(plan["variables"].get("LC_ALL", ""))
        return super().run(reference, task, on_line)


@pytest.fixture
def asked(compat):
    (compat.folder / "matrix.yaml").write_text(TEXT)
    compat.engine = Speaking()
    return compat


def matrix_of(text=TEXT):
    source = parse(text, "matrix.yaml")
    return settled(source, tuple(axis.choices for axis in source.axes))


def cell(locale=axis_locale.PLAIN, **names) -> Cell:
    chosen = {"tf": "2.4.1", "keras": "unpinned", "kerassurgeon": "0.2.0", "python": "3.7", "resolve": "released"}
    axes = {axis.name: axis for axis in LISTED}
    choices = tuple(Choice(axis=axes[axis], name=name) for axis, name in (chosen | names).items())
    return Cell(choices=(*choices, Choice(axis=AXIS, name=locale)))


# ---------------------------------------------------------------- the file


def test_its_choices_are_read_with_what_they_do_and_its_default_enters_no_id():
    cells = expand(matrix_of()).cells
    german = next(c for c in cells if c.get("locale") == GERMAN)
    assert german.variables == (("LC_ALL", GERMAN),)
    plain = {c.id for c in cells if c.get("locale") == axis_locale.PLAIN}
    assert plain == {c.id for c in expand(matrix_of(SMALL)).cells}
    assert german.id not in plain


@pytest.mark.parametrize(
    ("choices", "complaint"),
    [
        ("[german]", "matrix.yaml:7:36 axes.locale.choices[0]: expected a locale such as de_DE.UTF-8, got 'german'"),
        (f"[{GERMAN}, {GERMAN}]", f"'{GERMAN}' is listed twice"),
    ],
)
def test_what_it_refuses_has_a_place(choices, complaint):
    text = SMALL.replace("  device:", f"  locale: {{kind: locale, choices: {choices}}}\n  device:")
    with pytest.raises(UserError) as caught:
        parse(text, "matrix.yaml")
    assert complaint in caught.value.message


def test_no_more_axes_of_it_than_it_says():
    with pytest.raises(UserError, match="more than one axis of kind locale"):
        parse(TEXT.replace("  device:", f"  other: {{kind: locale, choices: [{GERMAN}]}}\n  device:"), "matrix.yaml")


def test_a_variable_of_its_own_can_not_be_set_by_another_axis_too():
    env = "  env: {kind: env, choices: [plain, {name: french, set: {LC_ALL: fr_FR.UTF-8}}]}\n  device:"
    with pytest.raises(UserError) as caught:
        parse(TEXT.replace("  device:", env), "matrix.yaml")
    assert caught.value.message == "matrix.yaml:8:8 axes.env: sets LC_ALL, which the axis locale also sets"


def test_it_is_in_the_schema(monkeypatch):
    jsonschema.validate(yaml.safe_load(TEXT), schema())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(yaml.safe_load(TEXT.replace(GERMAN, "german")), schema())
    monkeypatch.delitem(KINDS, "locale")
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(yaml.safe_load(TEXT), schema())


def test_without_its_line_in_the_registry_a_matrix_and_evidence_of_it_are_refused(monkeypatch):
    records = [ran(cell(GERMAN))]
    kept = decode(encode(of(small(records))))
    monkeypatch.delitem(KINDS, "locale")
    with pytest.raises(UserError, match=f"expected one of {', '.join(KINDS)}, got 'locale'"):
        parse(TEXT, "matrix.yaml")
    # the record itself can be read: what was done is in it; nothing is told of it as if it had no such axis
    (record,) = kept.records.values()
    assert record.cell == cell(GERMAN)
    with pytest.raises(UserError, match="axis locale: unknown kind 'locale'"):
        summary_table(judged([record], matrix=PLAN), {record.cell.id: "a"})


# ---------------------------------------------------------------- the command


def test_it_is_selected_run_and_reaches_the_probe_process(asked):
    status, out, err = asked(f"run tf=2.3.4 python=3.7 kerassurgeon=0.2.0 resolve=pip-today locale={GERMAN}")
    assert (status, err) == (0, "")
    assert asked.engine.locales == [GERMAN]
    assert f"kerassurgeon 0.2.0, python 3.7, locale {GERMAN}, pip-today" in out
    assert f"+ kerassurgeon 0.2.0 + locale {GERMAN}" in out


def test_a_selector_that_means_none_of_its_choices_lists_them(asked):
    status, _, err = asked("table locale=fr_FR.UTF-8")
    assert status == 2
    assert "'fr_FR.UTF-8' matches no choice of locale" in err
    status, _, err = asked("table locale=latest")
    assert "'latest' needs versions, but the choices of locale are names" in err


def test_it_is_in_show_the_long_table_and_the_document(asked):
    words = f"tf=2.4.1 python=3.7 kerassurgeon=0.2.0 resolve=pip-today locale={GERMAN}"
    asked(f"run {words}")
    shown = asked(f"show {words}")[1]
    assert f"Python 3.7, locale {GERMAN}, pip today" in shown
    assert f"locale={GERMAN}" in shown
    assert f"export LC_ALL={GERMAN}" in shown
    (told,) = json.loads(asked(f"export --json {words}")[1])["cells"]
    assert told["axes"]["locale"] == GERMAN
    table = csv.DictReader(io.StringIO((asked.folder / "reports" / "latest" / "table.csv").read_text()))
    assert {row["locale"] for row in table if row["word"] == "broken"} == {GERMAN}


def test_two_choices_of_it_are_compared(asked):
    asked("run tf=2.3.4 python=3.7 kerassurgeon=0.2.0")
    _, out, _ = asked(f"diff locale={axis_locale.PLAIN} locale={GERMAN}")
    assert f"tensorflow 2.3.4, kerassurgeon 0.2.0, Python 3.7, locale {GERMAN}, pip today" in " ".join(out.split())


def test_what_no_matrix_lists_takes_it_too(asked):
    matrix = single(["tensorflow==2.4.3", "python=3.7", f"locale={GERMAN}"], matrix_of())
    (only,) = expand(matrix).cells
    assert (only.get("locale"), only.variables) == (GERMAN, (("LC_ALL", GERMAN),))
    (usual,) = expand(single(["tensorflow==2.4.3", "python=3.7"], matrix_of())).cells
    assert usual.get("locale") == axis_locale.PLAIN
    (without,) = expand(single(["tensorflow==2.4.3", "python=3.7"], matrix_of(SMALL))).cells
    assert without.get("locale") is None
    (alone,) = expand(single(["tensorflow==2.4.3", "python=3.7", f"locale={GERMAN}"], None)).cells
    assert (alone.get("locale"), alone.variables) == (GERMAN, (("LC_ALL", GERMAN),))
    status, _, err = asked("try tensorflow==2.4.1 python=3.7 locale=german")
    assert status == 2
    assert "'german' is not a locale" in err


# ---------------------------------------------------------------- the lock and the key


def test_what_it_needs_is_asked_for_and_what_it_sets_is_in_the_key():
    plain, german = (next(c for c in expand(matrix_of()).cells if c.get("locale") == name) for name in PAIR)
    assert requirements(german) == (*requirements(plain), "babel>=2")
    lock, engine = lock_of(plain, BASE), Engine()
    keys = {environment_key(c, lock, "image", engine, MATRIX.limits) for c in (plain, german)}
    assert len(keys) == 2


# ---------------------------------------------------------------- verdicts


def test_rows_of_the_small_table_are_told_apart_by_it():
    records = [ran(cell()), ran(cell(GERMAN), failed("surgeon.dense"))]
    table = summary_table(judged(records, matrix=PLAN), {r.cell.id: r.cell.id for r in records})
    rows = {row.who: str(row.entries[0].word) for row in table.blocks[0].rows}
    assert rows == {"+ kerassurgeon 0.2.0": "works", f"+ kerassurgeon 0.2.0 + locale {GERMAN}": "broken"}


def test_an_answer_tells_what_needed_it_and_takes_cells_without_it_first():
    broken, works = ran(cell(), failed("surgeon.dense")), ran(cell(GERMAN))
    (found,) = answers(PLAN, judged([broken, works], matrix=PLAN))
    assert (str(found.kind), found.detail) == ("yes, with pins", f"Python 3.7, deps as released, locale {GERMAN}")
    (found,) = answers(PLAN, judged([ran(cell()), ran(cell(GERMAN), failed("surgeon.dense"))], matrix=PLAN))
    assert str(found.kind) == "yes"


def test_a_comparison_holds_it_still_and_says_where_it_can_not():
    left = judged([ran(cell(GERMAN, tf="2.3.4"))], matrix=PLAN)
    right = judged([ran(cell()), ran(cell(GERMAN))], matrix=PLAN)
    (pair,) = pairing(left, right, ("tf",)).pairs
    assert pair.right.cell.get("locale") == GERMAN
    # it weighs more than the strategy, as its file says
    right = judged([ran(cell()), ran(cell(GERMAN, resolve="pip-today"))], matrix=PLAN)
    (pair,) = pairing(left, right, ("tf",)).pairs
    assert pair.right.cell.axes.items() >= {"locale": GERMAN, "resolve": "pip-today"}.items()
    loose = pairing(left, right[:1], ("tf",)).loose
    assert loose == (f"locale ({GERMAN} vs {axis_locale.PLAIN})",)


def test_values_along_the_versions_are_never_mixed_across_it():
    decay = "tensorflow.decay"
    records = [
        ran(cell(name, tf=tf, kerassurgeon="none"), passed(decay, value=value))
        for name, tf, value in ((PAIR[0], "2.3.4", "a"), (PAIR[1], "2.4.1", "b"))
    ]
    table = ranges_of(*records, matrix=PLAN, kind=ProbeKind.BEHAVIOUR)
    assert [run.value for run in line_of(table).runs] == ["a"]
    assert table.tracks[0].held.endswith(f"locale {axis_locale.PLAIN}, Python 3.7, deps as released")


def test_the_nearest_and_a_finding_name_it():
    records = [ran(cell(GERMAN), failed("surgeon.dense")), ran(cell())]
    every = judged(records, matrix=PLAN)
    assert nearest([cell(GERMAN)], "surgeon", every, PLAN).cell == cell()
    # easier to change than a package, harder than the strategy
    others = judged([ran(cell(GERMAN, tf="2.3.4")), ran(cell())], matrix=PLAN)
    assert nearest([cell(GERMAN)], "surgeon", others, PLAN).cell == cell()
    others = judged([ran(cell()), ran(cell(GERMAN, resolve="pip-today"))], matrix=PLAN)
    assert nearest([cell(GERMAN)], "surgeon", others, PLAN).cell == cell(GERMAN, resolve="pip-today")
    (found,) = finding_scopes(every, every, PLAN)
    assert ("locale", GERMAN) in found.where
