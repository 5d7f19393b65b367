"""Wheels of choices on disk: built in a builder task, kept by content, failures told in the build's words."""

from __future__ import annotations

import base64
import hashlib
import lzma
import os
from dataclasses import replace
from pathlib import Path

import pytest
from builders import NOW, PROBES, RUN, base, lock, ran
from builders import cell as plain_cell
from made_packages import WHEEL, repository, wheel

from orchestrator.errors import CellError, CellStatus
from orchestrator.lock.sources import Disk, take, taken_in
from orchestrator.model import Axis, Choice, Distribution, Exit, LocalPackage, Lock
from orchestrator.model.suite import Catalogue
from orchestrator.paths import data
from orchestrator.run.local import Builds
from orchestrator.store import evidence_codec
from orchestrator.store.publication import PlanSnapshot, Publication
from orchestrator.store.records import LockResult
from orchestrator.store.store import Store, lock_key
from orchestrator.store.trim import redactor, trimmed

MINE = Axis(name="mine", kind="package", package="mine", subject=True)
BASE = base("3.11")
OURS = Distribution(name="mine", version="1.0", filename=WHEEL, sha256="0" * 64)


def locked_to(origin: str) -> Lock:
    plain = lock()
    return replace(plain, distributions=(*plain.distributions, replace(OURS, origin=origin)))


class Builder:
    """Stands in for an engine: a builder task gives this wheel under this name, or ends so."""

    def __init__(self, content: bytes = b"", name: str = WHEEL, ended: Exit | None = None) -> None:
        self.content, self.name = content or wheel(), name
        self.ended = ended or Exit(code=0, seconds=1.0)
        self.tasks: list[object] = []

    def run(self, reference, task, on_line):
        self.tasks.append(task)
        if self.ended.code == 0:
            sha256 = hashlib.sha256(self.content).hexdigest()
            on_line(f"wheel {self.name} {len(self.content)} {sha256}".encode())
            on_line(base64.b64encode(self.content))
            on_line(b"end")
        return self.ended


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    (tmp_path / "m").mkdir()
    return Disk(folder=tmp_path / "m", shelf=tmp_path / "shelf", environment={"PATH": os.environ["PATH"]})


def builds(disk: Disk, engine: object) -> Builds:
    return Builds(engine=engine, shelf=disk.shelf, script=lambda name: (data("images") / name).read_bytes())  # type: ignore[arg-type]


def choice(disk: Disk, path: str = "lib", ref: str = "", name: str = "here") -> Choice:
    return Choice(axis=MINE, name=name, local=take(LocalPackage(path=path, ref=ref), "mine", disk))


def test_sources_are_built_once_for_a_base_and_again_when_they_change(disk: Disk) -> None:
    folder, engine = repository(disk.folder / "lib"), Builder()
    first = builds(disk, engine).brought(choice(disk), BASE)
    assert builds(disk, engine).brought(choice(disk), BASE) == first
    assert len(engine.tasks) == 1
    builds(disk, engine).brought(choice(disk), replace(BASE, identity="another"))
    (folder / "mine.py").write_text("ANSWER = 43\n")
    builds(disk, engine).brought(choice(disk), BASE)
    assert len(engine.tasks) == 3


def test_a_build_is_a_builder_task_with_an_index_and_no_more(disk: Disk) -> None:
    repository(disk.folder / "lib")
    engine = Builder()
    builds(disk, engine).brought(choice(disk), BASE)
    (task,) = engine.tasks
    assert (task.builder, task.network, task.gpus) == (True, True, False)
    assert str(disk.folder) not in repr(task.command)


def test_a_wheel_is_taken_without_any_build(disk: Disk) -> None:
    (disk.folder / WHEEL).write_bytes(wheel())
    engine = Builder()
    assert builds(disk, engine).brought(choice(disk, WHEEL), BASE).wheel.version == "1.0"
    assert engine.tasks == []


def test_choices_with_equal_content_are_one_wheel_and_one_build(disk: Disk) -> None:
    repository(disk.folder / "lib")
    engine = Builder()
    made = builds(disk, engine)
    one, two = (made.brought(choice(disk, ref=ref, name=name), BASE) for ref, name in (("", "here"), ("v1", "tagged")))
    assert one.distribution.sha256 == two.distribution.sha256
    assert len(engine.tasks) == 1


@pytest.mark.parametrize(
    ("engine", "reason", "said"),
    [
        (Builder(ended=Exit(code=44, seconds=1.0, stderr="no module named nothere")), "build-fails", "nothere"),
        (Builder(ended=Exit(code=None, seconds=1.0, timed_out=True)), "build-timeout", "did not build"),
        (Builder(name="other-1.0-py3-none-any.whl"), "build-fails", "is not a wheel of mine"),
        (Builder(content=b"no archive"), "build-fails", "is not a wheel"),
        (Builder(content=wheel(says="other 1.0")), "build-fails", "says inside that it is other"),
        (Builder(name="../mine-1.0-py3-none-any.whl"), "build-fails", "something other than a wheel"),
    ],
)
def test_what_a_build_does_is_the_outcome_of_its_cells(disk: Disk, engine: Builder, reason: str, said: str) -> None:
    repository(disk.folder / "lib")
    made, before = builds(disk, engine), len(engine.tasks)
    for _ in range(2):  # it is built once in a run
        with pytest.raises(CellError) as error:
            made.brought(choice(disk), BASE)
        assert (error.value.status, error.value.reason) == (CellStatus.UNINSTALLABLE, reason)
        assert said in error.value.detail
    assert len(engine.tasks) == before + 1


def test_trouble_of_the_index_is_never_the_builds(disk: Disk) -> None:
    repository(disk.folder / "lib")
    engine = Builder(ended=Exit(code=44, seconds=1.0, trouble="HTTP 503"))
    with pytest.raises(CellError) as error:
        builds(disk, engine).brought(choice(disk), BASE)
    assert error.value.status is CellStatus.INFRA


def test_a_wheel_that_was_changed_where_it_is_kept_is_built_anew(disk: Disk) -> None:
    repository(disk.folder / "lib")
    engine = Builder()
    found = builds(disk, engine).brought(choice(disk), BASE)
    (disk.shelf / found.wheel.sha256 / WHEEL).write_bytes(b"poison")
    assert builds(disk, engine).brought(choice(disk), BASE) == found
    assert len(engine.tasks) == 2


def test_an_edit_locks_anew_and_keeps_the_cells_id(disk: Disk) -> None:
    folder = repository(disk.folder / "lib")
    plain = plain_cell()
    cell = replace(plain, choices=(*plain.choices, Choice(axis=MINE, name="here", local=LocalPackage(path="lib"))))
    (first,) = taken_in((cell,), disk)
    (again,) = taken_in((cell,), disk)
    (folder / "mine.py").write_text("ANSWER = 43\n")
    (edited,) = taken_in((cell,), disk)
    keys = [lock_key(one, "base", "day") for one in (first, again, edited)]
    assert (keys[0] == keys[1], keys[0] == keys[2]) == (True, False)
    assert {one.id for one in (cell, first, edited)} == {cell.id}


def test_a_lock_whose_wheel_is_no_longer_kept_is_made_anew(tmp_path: Path) -> None:
    store, made = Store(root=tmp_path), locked_to("built from lib")
    store.save_lock("key", LockResult(lock=made))
    assert store.lock("key") is None
    (store.shelf / OURS.sha256).mkdir(parents=True)
    (store.shelf / OURS.sha256 / WHEEL).write_bytes(b"")
    assert store.lock("key") == LockResult(lock=made)


def test_published_evidence_tells_what_the_matrix_says_and_no_path_of_the_machine(disk: Disk) -> None:
    repository(disk.folder / "lib")
    local = choice(disk)
    plain = plain_cell()
    listed = replace(plain, choices=(*plain.choices, replace(local, local=LocalPackage(path="lib"))))
    cell = replace(plain, choices=(*plain.choices, local))
    assert local.local is not None
    record = replace(ran(cell), lock=locked_to(local.local.origin))
    choices = tuple((one,) for one in listed.choices)
    made = Publication(
        known=PlanSnapshot(source="m", as_of=NOW, choices=choices),
        run=RUN,
        catalogue=Catalogue(probes=PROBES, proven=frozenset(), expects={}, digest="s"),
        records={cell.id: trimmed(record, redactor(()))},
        planned=1,
        tried=1,
    )
    content = evidence_codec.encode(made)
    text = lzma.decompress(content).decode()
    assert str(disk.folder.parent) not in text
    read = evidence_codec.decode(content).records[cell.id].lock
    assert read is not None
    assert read.distributions[-1] == replace(OURS, origin="built from lib")
