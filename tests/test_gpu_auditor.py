"""The audit of a GPU image: what is sent in, what comes back, and what a record keeps of it."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field, replace

import msgspec
import pytest
from fakes import BASE, FakeEngine, cell, lock_of, recipe_of

from orchestrator import paths
from orchestrator.errors import CellError, CellStatus, UserError
from orchestrator.gpu import auditor
from orchestrator.gpu.audit import Built, Fix, FixKind, GpuAudit, Library, Loading, Registered
from orchestrator.gpu.inspection import CudaInspection, kept
from orchestrator.model import FIXED_VARIABLES, Exit, LibraryLayer, Limits, Prepared

SEEN = GpuAudit(
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
    return auditor.Look(files=(("look.py", b"look"), ("stand_in.c", b"c")))


@pytest.fixture(name="inspection")
def inspection_fixture(tmp_path):
    """The audit as cells meet it, with another program."""
    for name, content in look().files:
        (tmp_path / name).write_bytes(content)
    return CudaInspection(folder=tmp_path)


def test_the_stand_in_is_compiled_in_the_builder_and_sent_into_the_image_for_the_look_alone(inspection):
    engine = Looked()
    assert inspection.look(IMAGE, BASE, engine, Limits()) == kept(SEEN)
    (base, compiling), (image, looking) = engine.tasks
    assert (base, compiling.builder, image, looking.builder) == (BASE.image, True, "image", False)
    files = dict(looking.files)
    assert files["driver/libcuda.so.1"] == b"driver of c"
    assert json.loads(files["request.json"])["stand_in"] == "/probes/driver/libcuda.so.1"
    assert looking.command[0] == IMAGE.interpreter
    assert looking.environment == FIXED_VARIABLES
    assert not looking.network


def test_the_stand_in_is_compiled_once_for_all_images_of_a_base(inspection):
    engine = Looked()
    inspection.look(IMAGE, BASE, engine, Limits())
    inspection.look(replace(IMAGE, reference="another"), BASE, engine, Limits())
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
    asked = auditor.AuditRequest(reference="image", interpreter="python", stand_in=b"")
    with pytest.raises(CellError) as caught:
        auditor.look_into(asked, look(), engine, Limits())
    assert (caught.value.status, caught.value.reason) == (CellStatus.INFRA, "audit")


def test_a_compiler_that_fails_is_infra_with_what_it_said():
    engine = Looked(ending=lambda: Exit(code=1, seconds=1.0, stderr="stand_in.c:3: error"))
    with pytest.raises(CellError, match=r"stand_in\.c:3") as caught:
        auditor.compiled(look(), BASE, engine, Limits())
    assert caught.value.status is CellStatus.INFRA


def test_the_digest_of_the_program_changes_with_any_of_its_files():
    other = replace(look(), files=(("look.py", b"look"), ("stand_in.c", b"d")))
    assert look().digest != other.digest
    assert auditor.read(paths.data("images") / "gpu").digest == auditor.read(paths.data("images") / "gpu").digest


LINKS = (("libcusolver.so.10", "/site/nvidia/cusolver/lib/libcusolver.so.11"),)
HELPED = Fix(kind=FixKind.LINK, links=LINKS, registered=Registered.YES, named=69)
ON_WHEELS = replace(recipe_of(lock_of(cell(), BASE), BASE, ()), on_top=LibraryLayer(folders=("nvidia/cublas/lib",)))


def test_wheels_are_looked_at_as_installing_leaves_them_copies_in_the_very_image_and_cpu_images_never(inspection):
    copied = replace(ON_WHEELS, on_top=LibraryLayer(image="nvidia/cuda:11.2", paths=("/lib/",), identity="i"))
    assert inspection.subject(ON_WHEELS) == ON_WHEELS.below
    assert inspection.subject(copied) == copied
    assert inspection.subject(ON_WHEELS.below) is None


def test_links_that_helped_become_part_of_the_image_and_those_that_did_not_do_not(inspection):
    idle = replace(HELPED, registered=Registered.NO)
    unsound = replace(HELPED, lacking=("cusolverDnOld",))
    for fixes, links in (((), ()), ((idle,), ()), ((unsound,), ()), ((idle, HELPED), LINKS)):
        made = inspection.mended(ON_WHEELS, kept(replace(SEEN, fixes=fixes)))
        assert made == replace(ON_WHEELS, on_top=replace(ON_WHEELS.on_top, links=links))


def test_what_is_published_of_an_audit_is_bounded_and_means_the_same(inspection):
    many = tuple(f"symbol{n}" for n in range(50))
    missing = Library(soname="libcudnn.so.8", loading=Loading.NOT_FOUND, searched=many, unresolved=many, why="x" * 5000)
    saw = kept(replace(SEEN, registered=Registered.NO, libraries=(missing,), said=("y" * 999,) * 99))
    left = inspection.brief(saw)
    (library,) = left["libraries"]
    assert (len(library["searched"]), len(library["unresolved"]), len(library["why"])) == (20, 5, 2000)
    assert (len(left["said"]), len(left["said"][0])) == (20, 300)
    assert inspection.tell(left) == inspection.tell(saw)
    assert inspection.tell(saw).says == "broken: libcudnn.so.8 missing"


@pytest.mark.parametrize("saw", [{}, [], "audit", {"built": 1}, {**kept(SEEN), "registered": "perhaps"}])
def test_what_no_audit_saw_is_an_error_that_says_so(inspection, saw):
    with pytest.raises(UserError, match="can't be read"):
        inspection.tell(saw)
