"""An inspection of a cell's image as any kind of it meets a run, a table and a page: this one counts spoons."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest
from builders import MATRIX, evidence, ran
from builders import cell as planned
from fakes import BASE, FakeEngine, cell, recipe_of, run_context

from orchestrator.errors import CellStatus, Phase, UserError, infra
from orchestrator.model import Ended, Inspected, LibraryLayer, Observation
from orchestrator.report.page import page
from orchestrator.report.show import show
from orchestrator.run.cells import run_cell
from orchestrator.store.trim import redactor, trimmed
from orchestrator.verdict.judge import judge

SAW = {"spoons": 3, "places": ["/home/me/drawer"]}


@dataclass
class Spoons:
    """Looks below what lies on top; two spoons mend an image."""

    name: str = "Spoons"
    task: str = "counting spoons"
    digest: str = "1"
    meanings: dict = field(default_factory=lambda: {"spoons: enough": "one for each", "spoons: few": "not for all"})
    asked: list = field(default_factory=list)
    trouble: list = field(default_factory=list)
    saw: object = field(default_factory=lambda: dict(SAW))

    def subject(self, recipe):
        return recipe.below if recipe.on_top else None

    def look(self, image, base, engine, limits):
        self.asked.append((image, base))
        if self.trouble:
            raise self.trouble.pop()
        return self.saw

    def mended(self, recipe, saw):
        links = (("spoon", "drawer/spoon"),) if saw["spoons"] == 2 else ()
        return replace(recipe, on_top=replace(recipe.on_top, links=links))

    def tell(self, saw):
        if "spoons" not in saw:
            raise UserError("what was seen of spoons can't be read")
        few = saw["spoons"] < 3
        return Inspected(word="spoons: few" if few else "spoons: enough", says=f"{saw['spoons']} spoons")

    def brief(self, saw):
        return {"spoons": saw["spoons"], "places": saw["places"][:1]}


def shop(tmp_path, engine, inspection, **fields):
    """A run_context whose recipes have a layer on top."""

    def recipe(lock, base, subjects):
        return replace(recipe_of(lock, base, subjects), on_top=LibraryLayer(folders=("spoons/lib",)))

    return run_context(tmp_path, engine, **({"recipe": recipe, "inspection": inspection} | fields))


def test_an_image_is_looked_into_before_its_probes_and_the_record_keeps_what_was_seen(tmp_path):
    engine, inspection = FakeEngine(), Spoons()
    here = shop(tmp_path, engine, inspection)
    record = run_cell(cell(), here)
    assert record.audit == SAW
    assert here.store.newest("fake")[record.cell.id].audit == SAW
    ((image, base),) = inspection.asked
    assert base == BASE
    assert engine.prepared == [image.key, record.image_key]
    assert image.key != record.image_key


def test_what_mends_an_image_becomes_part_of_it(tmp_path):
    plain = run_cell(cell(), shop(tmp_path / "a", FakeEngine(), Spoons())).image_key
    mended = Spoons(saw={"spoons": 2, "places": []})
    assert run_cell(cell(), shop(tmp_path / "b", FakeEngine(), mended)).image_key != plain


def test_the_same_image_is_not_looked_into_twice_unless_the_program_changed(tmp_path):
    engine, inspection = FakeEngine(), Spoons()
    here = shop(tmp_path, engine, inspection)
    run_cell(cell(), here)
    assert run_cell(cell(), here).audit == SAW
    assert (len(inspection.asked), len(engine.prepared)) == (1, 2)
    inspection.digest = "2"
    run_cell(cell(), here)
    assert len(inspection.asked) == 2


def test_an_image_with_nothing_to_look_for_is_never_looked_into(tmp_path):
    inspection = Spoons()
    assert run_cell(cell(), shop(tmp_path, FakeEngine(), inspection, recipe=recipe_of)).audit is None
    assert inspection.asked == []


def test_a_look_that_fails_makes_the_cell_infra_and_is_tried_again(tmp_path):
    here = shop(tmp_path, FakeEngine(), Spoons(trouble=[infra(Phase.COLLECT, "audit", "gone")]))
    assert run_cell(cell(), here).status is CellStatus.INFRA
    assert run_cell(cell(), here).audit == SAW


def judged(saw, *observations):
    record = replace(ran(planned(), *observations), audit=saw)
    found = replace(evidence([record], [record.cell]), inspection=Spoons())
    (one,) = judge(found)
    return one


NOT_RUN = Observation(probe="surgeon.dense", ended=Ended.NOT_RUN, reason="needs:spoons")


def test_where_no_check_says_anything_its_word_stands_in_the_table_with_its_meaning():
    one = judged(SAW, NOT_RUN)
    assert one.word(one.headline) == "spoons: enough"
    assert "spoons: enough = one for each" in page(MATRIX, [one]).legend
    assert all("not for all" not in line for line in page(MATRIX, [one]).legend)


def test_what_it_says_of_a_cell_stands_on_its_page():
    assert "Spoons: 3 spoons" in show(judged(SAW)).splitlines()
    assert "Spoons" not in show(judged(None))


def test_what_it_can_not_read_is_an_error_never_a_word():
    with pytest.raises(UserError, match="spoons can't be read"):
        show(judged({"forks": 1}))


def test_what_is_published_of_it_is_what_it_keeps_without_anything_of_the_machine():
    record = replace(ran(planned()), audit={"spoons": 3, "places": ["/home/me/drawer", "b"]})
    assert trimmed(record, redactor(()), Spoons().brief).audit == {"spoons": 3, "places": ["…/drawer"]}
