"""The audit of a GPU image: what is sent in, what comes back, and when it is had again."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field, replace

import msgspec
import pytest
from fakes import BASE, FakeEngine, cell, recipe_of, workshop

from orchestrator import paths
from orchestrator.errors import CellError, CellStatus, Phase, infra
from orchestrator.model import Cuda, Exit, Limits, Prepared
from orchestrator.model.cuda import Built, Fix, FixKind, Registered, Sighting
from orchestrator.run import audit
from orchestrator.run.cells import run_cell

SEEN = Sighting(
    built=Built(release="2.10.0", cuda="11.2"), python="3.9.2", driver="stand-in", registered=Registered.YES
)
IMAGE = Prepared(key="k", reference="image", interpreter="/opt/venv/bin/python", trusted="/usr/bin/python", built=True)


@dataclass
class Looked(FakeEngine):
    """Compiles anything to the bytes of its source, and answers a look with what it is given."""

    answer: bytes = msgspec.json.encode(SEEN)
    tasks: list = field(default_factory=list)

    def run(self, reference, task, on_line):
        self.tasks.append((reference, task))
        if "supervisor" in " ".join(task.command):
            return super().run(reference, task, on_line)
        if task.builder:
            on_line(base64.b64encode(b"driver of " + dict(task.files)["stand_in.c"]))
            return self.ending()
        for line in self.answer.splitlines():
            on_line(line)
        return self.ending()


def look():
    return audit.Look(files=(("look.py", b"look"), ("stand_in.c", b"c")))


def auditing(engine):
    return audit.auditor(look(), engine, Limits(), (("A", "b"),))


def test_the_stand_in_is_compiled_in_the_builder_and_sent_into_the_image_for_the_look_alone():
    engine = Looked()
    assert auditing(engine)(IMAGE, BASE) == SEEN
    (base, compiling), (image, looking) = engine.tasks
    assert (base, compiling.builder, image, looking.builder) == (BASE.image, True, "image", False)
    files = dict(looking.files)
    assert files["driver/libcuda.so.1"] == b"driver of c"
    assert json.loads(files["request.json"])["stand_in"] == "/probes/driver/libcuda.so.1"
    assert looking.command[0] == IMAGE.interpreter
    assert looking.environment == (("A", "b"),)
    assert not looking.network


def test_the_stand_in_is_compiled_once_for_all_images_of_a_base():
    engine = Looked()
    looks = auditing(engine)
    looks(IMAGE, BASE)
    looks(replace(IMAGE, reference="another"), BASE)
    assert [task.builder for _, task in engine.tasks] == [True, False, False]


@pytest.mark.parametrize(
    ("ending", "answer"),
    [
        (Exit(code=None, seconds=1.0, lost="connection reset"), b""),
        (Exit(code=0, seconds=1.0), b"Segmentation fault"),
        (Exit(code=0, seconds=1.0), b'{"built": {}}'),
        (Exit(code=137, seconds=600.0, timed_out=True), b""),
        (Exit(code=1, seconds=1.0, stderr="no python"), b""),
    ],
)
def test_a_look_that_does_not_end_well_is_infra_never_a_verdict(ending, answer):
    engine = Looked(answer=answer, ending=lambda: ending)
    asked = audit.Asked(reference="image", interpreter="python", stand_in=b"")
    with pytest.raises(CellError) as caught:
        audit.look_into(asked, look(), engine, Limits())
    assert (caught.value.status, caught.value.reason) == (CellStatus.INFRA, "audit")


def test_a_compiler_that_fails_is_infra_with_what_it_said():
    engine = Looked(ending=lambda: Exit(code=1, seconds=1.0, stderr="stand_in.c:3: error"))
    with pytest.raises(CellError, match=r"stand_in\.c:3") as caught:
        audit.compiled(look(), BASE, engine, Limits())
    assert caught.value.status is CellStatus.INFRA


def test_the_digest_of_the_program_changes_with_any_of_its_files():
    other = replace(look(), files=(("look.py", b"look"), ("stand_in.c", b"d")))
    assert look().digest != other.digest
    assert audit.read(paths.data("images") / "gpu").digest == audit.read(paths.data("images") / "gpu").digest


def gpu_shop(tmp_path, engine, **fields):
    """A workshop whose recipes have a CUDA part."""

    def recipe(lock, base, subjects):
        return replace(recipe_of(lock, base, subjects), cuda=Cuda(folders=("nvidia/cublas/lib",)))

    return workshop(tmp_path, engine, **({"recipe": recipe} | fields))


def test_a_gpu_image_is_looked_into_as_installing_leaves_it_and_the_record_keeps_what_was_seen(tmp_path):
    asked, engine = [], FakeEngine()
    shop = gpu_shop(tmp_path, engine, audit=lambda image, base: asked.append((image, base)) or SEEN)
    record = run_cell(cell(), shop)
    assert record.audit == SEEN
    assert shop.store.newest("fake")[record.cell.id].audit == SEEN
    ((image, base),) = asked
    assert base == BASE
    assert engine.prepared == [image.key, record.image_key]
    assert image.key != record.image_key


def test_libraries_that_were_copied_are_looked_at_in_the_very_image(tmp_path):
    engine = FakeEngine()
    copied = Cuda(image="nvidia/cuda:11.2", paths=("/usr/local/cuda/lib64",), identity="i")
    shop = gpu_shop(
        tmp_path, engine, audit=lambda _image, _base: SEEN, recipe=lambda *a: replace(recipe_of(*a), cuda=copied)
    )
    record = run_cell(cell(), shop)
    assert set(engine.prepared) == {record.image_key}


def test_links_that_helped_become_part_of_the_image_and_those_that_did_not_do_not(tmp_path):
    links = (("libcusolver.so.10", "/site/nvidia/cusolver/lib/libcusolver.so.11"),)
    helped = Fix(kind=FixKind.LINK, links=links, registered=Registered.YES, named=69)
    idle = replace(helped, registered=Registered.NO)
    plain = run_cell(cell(), gpu_shop(tmp_path / "a", FakeEngine(), audit=lambda *_: SEEN)).image_key
    with_idle = replace(SEEN, fixes=(idle,))
    assert run_cell(cell(), gpu_shop(tmp_path / "b", FakeEngine(), audit=lambda *_: with_idle)).image_key == plain
    with_unsound = replace(SEEN, fixes=(replace(helped, lacking=("cusolverDnOld",)),))
    assert run_cell(cell(), gpu_shop(tmp_path / "d", FakeEngine(), audit=lambda *_: with_unsound)).image_key == plain
    with_link = replace(SEEN, fixes=(idle, helped))
    assert run_cell(cell(), gpu_shop(tmp_path / "c", FakeEngine(), audit=lambda *_: with_link)).image_key != plain


def test_the_same_image_is_not_looked_into_twice_unless_the_program_changed(tmp_path):
    asked, engine = [], FakeEngine()
    shop = gpu_shop(tmp_path, engine, audit=lambda image, _base: asked.append(image) or SEEN)
    run_cell(cell(), shop)
    assert run_cell(cell(), shop).audit == SEEN
    assert (len(asked), len(engine.prepared)) == (1, 2)
    run_cell(cell(), replace(shop, look="another"))
    assert len(asked) == 2


def test_a_cell_on_the_cpu_is_never_looked_into(tmp_path):
    assert run_cell(cell(), workshop(tmp_path, FakeEngine())).audit is None


def test_a_look_that_fails_makes_the_cell_infra_and_is_tried_again(tmp_path):
    answers = [infra(Phase.COLLECT, "audit", "gone"), None]

    def once(_image, _base):
        trouble = answers.pop(0)
        if trouble:
            raise trouble
        return SEEN

    shop = gpu_shop(tmp_path, FakeEngine(), audit=once)
    assert run_cell(cell(), shop).status is CellStatus.INFRA
    assert run_cell(cell(), shop).audit == SEEN
