"""Libraries on top of a cell's pins: which line, which source, and that nothing of the cell changes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from test_image_recipe import dist
from test_image_recipe import lock as image_lock
from test_lock_strategies import (
    AS_OF,
    BASE,
    CLASH,
    KERAS,
    SIX,
    SURGEON,
    TF,
    FakeIndex,
    Host,
    cell,
    clash,
    file,
    never,
    pylock,
    tools,
)

from orchestrator.errors import CellError, CellStatus, Phase, infra
from orchestrator.lock import folders
from orchestrator.lock.strategies import lock
from orchestrator.lock.tools import Result, Tools
from orchestrator.model import BuiltFor, Cell, Choice, Libraries, Lock, SourceKind, Sources

CUDART = file("nvidia_cuda_runtime_cu11", "11.8.89", uploaded=AS_OF)
CUBLAS = file("nvidia_cublas_cu11", "11.11.3.6", uploaded=AS_OF)
GPU = file("tensorflow_gpu", "2.4.1", "cp37-cp37m-manylinux2010_x86_64")
WHEELS = Sources(wheels=("nvidia-cuda-runtime-cu11==11.8.89", "nvidia-cublas-cu11"))
IMAGE = Sources(image="nvidia/cuda:11.2", paths=("/usr/local/cuda/lib64/",))
SONAMES = ("libcudart.so.11.0", "libcudnn.so.8")
SOLVED = Result(code=0, stdout=pylock(TF, SIX))
WITH_LIBRARIES = Result(code=0, stdout=pylock(TF, SIX, CUDART, CUBLAS))


@pytest.fixture
def index() -> FakeIndex:
    return FakeIndex(
        tensorflow=[TF],
        tensorflow_gpu=[GPU],
        six=[SIX],
        keras=[KERAS],
        kerassurgeon=[SURGEON],
        nvidia_cuda_runtime_cu11=[CUDART],
        nvidia_cublas_cu11=[CUBLAS],
    )


def on(name: str, sources: Sources | None = None, which: Cell | None = None, **more) -> Cell:
    """A cell on a device."""
    start = which or cell("released")
    device = start["device"]
    made = Choice(axis=device.axis, name=name, on_request=True, sources=sources, **more)
    return replace(start, choices=tuple(made if c is device else c for c in start.choices))


def failed(index, which, using: Tools) -> CellError:
    with pytest.raises(CellError) as caught:
        lock(which, BASE, index, using)
    return caught.value


def elf(kind: int = 3, machine: int = 62, bits: int = 2) -> bytes:
    header = b"\x7fELF" + bytes([bits, 1, 1]) + bytes(9)
    return header + kind.to_bytes(2, "little") + machine.to_bytes(2, "little") + bytes(44)


def library(folder: Path, name: str, content: bytes | None = None) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(elf() if content is None else content)
    return folder / name


# ---------------------------------------------------------------- cells without CUDA


def test_a_cell_without_cuda_asks_nothing_more_and_has_the_digest_it_always_had(index):
    host = Host(SOLVED)
    found = lock(cell("released"), BASE, index, replace(tools(host), image=never, built_for=never))
    assert (found.device, found.libraries, len(host.seen)) == ("cpu", None, 1)
    known = image_lock(dist("tensorflow", 400_000_000), dist("six", 11_000))
    assert known.digest == "08b6f7ce573edf5b5ddbbf9d173f82fe0b59a0f1313c72c74bb8ba9eb666ab05"


# ---------------------------------------------------------------- wheels


def test_libraries_are_added_to_pins_that_are_held_and_the_lock_says_so(index):
    host = Host(SOLVED, WITH_LIBRARIES)
    found = lock(on("cuda11.8", WHEELS), BASE, index, tools(host))
    assert found.pins == (
        "nvidia-cublas-cu11==11.11.3.6",
        "nvidia-cuda-runtime-cu11==11.8.89",
        "six==1.15.0",
        "tensorflow==2.4.1",
    )
    assert found.device == "cuda11.8"
    assert found.libraries == Libraries(
        source=SourceKind.WHEELS, names=("nvidia-cublas-cu11", "nvidia-cuda-runtime-cu11")
    )
    assert found.notes == (
        "the libraries of cuda11.8 were added from wheels as of 2026-11-01, every other pin unchanged: "
        "nvidia-cublas-cu11==11.11.3.6, nvidia-cuda-runtime-cu11==11.8.89",
    )
    assert host.seen[1][1] == "six==1.15.0\ntensorflow==2.4.1\nnvidia-cuda-runtime-cu11==11.8.89\nnvidia-cublas-cu11\n"


def test_libraries_may_be_younger_than_what_a_cell_takes_its_dependencies_from(index):
    host = Host(SOLVED, WITH_LIBRARIES)
    found = lock(on("cuda11.8", WHEELS), BASE, index, tools(host))
    assert found.cutoff < AS_OF
    cutoffs = [args[args.index("--exclude-newer") + 1] for args, _ in host.seen]
    assert cutoffs == ["2021-01-28T19:41:31Z", "2026-11-01T00:00:00Z"]


def test_libraries_that_clash_with_the_pins_are_a_finding_with_the_resolvers_reason(index):
    why = clash("Because nvidia-cublas-cu11==11.11.3.6 depends on six>=1.16 and you require six==1.15.0, no.")
    error = failed(index, on("cuda11.8", WHEELS), tools(Host(SOLVED, why)))
    assert (error.status, error.reason, error.phase) == (CellStatus.UNRESOLVABLE, "libraries-clash", Phase.RESOLVE)
    assert error.detail.startswith("the libraries of cuda11.8 can't be added to these pins: Because nvidia-cublas-cu11")


def test_a_resolver_that_would_change_a_pin_of_the_cell_is_not_followed(index):
    newer = file("six", "1.16.0")
    index.packages["six"].append(newer)
    error = failed(index, on("cuda11.8", WHEELS), tools(Host(SOLVED, Result(code=0, stdout=pylock(TF, newer, CUDART)))))
    assert (error.reason, error.detail[-35:]) == ("libraries-clash", ": six==1.15.0 would become six==1.16.0"[-35:])


def test_trouble_with_the_index_while_libraries_are_added_stays_trouble(index):
    error = failed(index, on("cuda11.8", WHEELS), tools(Host(SOLVED, Result(code=2, stderr="503"))))
    assert error.status is CellStatus.INFRA


def test_an_extra_that_brings_nothing_is_no_source(index):
    error = failed(index, on("cuda12.2", Sources(wheels=("tensorflow[and-cuda]",))), tools(Host(SOLVED)))
    assert (error.status, error.reason) == (CellStatus.UNAVAILABLE, "no-libraries")
    assert error.detail == (
        "no libraries for cuda12.2: tensorflow[and-cuda] add nothing to these pins (does the extra exist?)"
    )


def test_a_subject_whose_requirements_are_ignored_is_not_held_while_libraries_are_added(index):
    host = Host(CLASH, CLASH, Result(code=0, stdout=pylock(TF, SIX, KERAS)), Result(code=0, stdout=pylock(TF, CUDART)))
    found = lock(on("cuda11.8", WHEELS, cell("forced", surgeon="0.2.0")), BASE, index, tools(host))
    assert "kerassurgeon" not in host.seen[-1][1]
    assert {"kerassurgeon", "nvidia-cuda-runtime-cu11"} <= {d.name for d in found.distributions}


# ---------------------------------------------------------------- images, and what comes after them


def test_an_image_that_can_be_had_comes_first(index):
    asked: list[str] = []

    def image(reference: str) -> str:
        asked.append(reference)
        return "identity of it"

    both = replace(IMAGE, wheels=WHEELS.wheels)
    found = lock(on("cuda11.2", both), BASE, index, replace(tools(Host(SOLVED)), image=image))
    assert asked == ["nvidia/cuda:11.2"]
    assert found.pins == ("six==1.15.0", "tensorflow==2.4.1")
    assert found.libraries == Libraries(
        source=SourceKind.IMAGE, place="nvidia/cuda:11.2", paths=IMAGE.paths, identity="identity of it"
    )
    assert found.notes == ("the libraries of cuda11.2 are copied from the image nvidia/cuda:11.2",)
    other = lock(on("cuda11.2", both), BASE, index, replace(tools(Host(SOLVED)), image=lambda _: "another"))
    assert other.digest != found.digest


def test_an_image_that_cant_be_had_falls_through_to_wheels(index):
    found = lock(on("cuda11.2", replace(IMAGE, wheels=WHEELS.wheels)), BASE, index, tools(Host(SOLVED, WITH_LIBRARIES)))
    assert found.libraries is not None
    assert found.libraries.source is SourceKind.WHEELS


def test_trouble_while_an_image_is_fetched_stays_trouble(index):
    def image(_reference: str) -> str:
        raise infra(Phase.START, "daemon", "gone")

    error = failed(index, on("cuda11.2", IMAGE), replace(tools(Host(SOLVED)), image=image))
    assert error.status is CellStatus.INFRA


def test_where_no_source_is_left_everything_that_was_tried_is_named(index, tmp_path):
    sources = replace(IMAGE, folder=str(tmp_path / "none"), sonames=SONAMES)
    error = failed(index, on("cuda11.2", sources), tools(Host(SOLVED)))
    assert (error.status, error.reason, error.phase) == (CellStatus.UNAVAILABLE, "no-libraries", Phase.START)
    assert error.detail == (
        "no libraries for cuda11.2: the image nvidia/cuda:11.2 is not available (no engine to fetch it with); "
        f"the folder {tmp_path}/none: it does not exist"
    )


# ---------------------------------------------------------------- folders


def test_a_folder_gives_its_libraries_and_what_belongs_to_them(index, tmp_path):
    place = tmp_path / "cuda" / "lib64"
    library(place, "libcudart.so.11.2.152")
    (place / "libcudart.so.11.0").symlink_to("libcudart.so.11.2.152")
    for name in ("libcudnn.so.8", "libcudnn_ops_infer.so.8", "libc.so.6"):
        library(place, name)
    library(place, "libcudnn_static.so", b"no ELF file")
    sources = Sources(folder=str(tmp_path / "cuda"), sonames=SONAMES)
    found = lock(on("cuda11.2", sources), BASE, index, tools(Host(SOLVED)))
    assert found.libraries is not None
    assert found.libraries.paths == (
        "lib64/libcudart.so.11.0",
        "lib64/libcudart.so.11.2.152",
        "lib64/libcudnn.so.8",
        "lib64/libcudnn_ops_infer.so.8",
    )
    assert (found.libraries.source, found.libraries.place) == (SourceKind.FOLDER, str(tmp_path / "cuda"))
    assert found.notes == (f"the libraries of cuda11.2 are copied from the folder {tmp_path}/cuda",)
    before = found.libraries.identity
    library(place, "libcudnn_ops_infer.so.8", elf() + b"another build")
    assert folders.examine(str(tmp_path / "cuda"), SONAMES).identity != before


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is not an ELF file"),
        (b"\x7fELF\x02\x01", "is not an ELF file"),
        (b"#!/bin/sh\necho no library at all\n", "is not an ELF file"),
        (elf(bits=1), "is not a 64-bit library"),
        (elf(kind=2), "is not a shared object"),
        (elf(machine=183), "is for another processor"),
    ],
)
def test_a_file_in_a_folder_that_is_no_library_for_this_machine_is_named(tmp_path, content, said):
    library(tmp_path, "libcudart.so.11.0", content)
    found = folders.examine(str(tmp_path), SONAMES)
    assert found.wrong == (f"libcudart.so.11.0 {said}", "libcudnn.so.8 is missing")
    assert found.files == ()


def test_a_folder_that_is_none_and_a_link_that_leads_nowhere_say_so(tmp_path):
    assert folders.examine(str(library(tmp_path, "file")), SONAMES).wrong == ("it is not a folder",)
    (tmp_path / "libcudart.so.11.0").symlink_to("gone")
    assert folders.examine(str(tmp_path), SONAMES[:1]).wrong == ("libcudart.so.11.0 is missing",)
    (tmp_path / "libcudart.so.11.0").unlink()
    (tmp_path / "libcudart.so.11.0").mkdir()
    assert folders.examine(str(tmp_path), SONAMES[:1]).wrong == ("libcudart.so.11.0 can't be read (Is a directory)",)


# ---------------------------------------------------------------- a device that follows a package


CUDA_11_8 = BuiltFor(device="cuda11.8", said="for CUDA 11.8")


def following(index, built: BuiltFor | Exception, which: Cell | None = None, **more) -> Lock:
    asked: list[tuple[str, ...]] = []

    def built_for(*words: str) -> BuiltFor:
        asked.append(words)
        if isinstance(built, Exception):
            raise built
        return built

    start = which or cell("released")
    axis = start["device"].axis
    listed = (
        Choice(axis=axis, name="cpu"),
        Choice(axis=axis, name="cuda11.0", sources=IMAGE),
        Choice(axis=axis, name="cuda11.8", sources=WHEELS),
        Choice(axis=axis, name="auto", follows="tensorflow"),
    )
    using = replace(tools(Host(SOLVED, WITH_LIBRARIES)), built_for=built_for, devices=listed)
    try:
        return lock(on("auto", None, start, follows="tensorflow", **more), BASE, index, using)
    finally:
        following.asked = asked


def test_a_device_that_follows_a_package_is_the_line_that_was_built_for(index):
    found = following(index, CUDA_11_8)
    assert following.asked == [("tensorflow", "2.4.1", "3.7", "manylinux_2_36_x86_64")]
    assert found.device == "cuda11.8"
    assert found.notes[0] == "tensorflow 2.4.1 was built for CUDA 11.8: auto is cuda11.8 here"
    named = lock(on("cuda11.8", WHEELS), BASE, index, tools(Host(SOLVED, WITH_LIBRARIES)))
    assert found.digest == named.digest


@pytest.mark.parametrize(
    ("built", "detail"),
    [
        (
            BuiltFor(device="cuda11.1", said="for CUDA 11.1"),
            "tensorflow 2.4.1 was built for CUDA 11.1, and the matrix lists cuda11.0, cuda11.8",
        ),
        (BuiltFor(device="", said="without CUDA"), "tensorflow 2.4.1 was built without CUDA"),
    ],
)
def test_a_release_built_for_no_line_that_is_listed_is_unavailable_with_those_that_are(index, built, detail):
    with pytest.raises(CellError) as caught:
        following(index, built)
    assert (caught.value.status, caught.value.reason) == (CellStatus.UNAVAILABLE, "no-line")
    assert caught.value.detail == detail


def test_a_package_that_is_not_there_can_not_be_followed(index):
    with pytest.raises(CellError) as caught:
        lock(
            on("auto", None, cell("released", tf="unpinned"), follows="tensorflow"),
            BASE,
            index,
            tools(Host(Result(code=0, stdout=pylock(SIX)))),
        )
    assert caught.value.detail == "auto follows tensorflow, which is not in this combination"


def test_a_wheel_that_can_not_be_read_is_no_finding(index):
    with pytest.raises(CellError) as caught:
        following(index, infra(Phase.RESOLVE, "index", "503"))
    assert caught.value.status is CellStatus.INFRA
    bare = failed(index, on("auto", None, follows="tensorflow"), tools(Host(SOLVED)))
    assert (bare.status, bare.reason) == (CellStatus.INFRA, "built-for")


def test_a_stand_in_with_bounds_is_followed_in_the_place_of_its_original(index):
    pairs = (("tensorflow<2.5", "tensorflow-gpu"),)
    found = following(index, CUDA_11_8, substitutes=pairs)
    assert following.asked[0][0] == "tensorflow-gpu"
    assert {d.name for d in found.distributions} >= {"tensorflow-gpu", "six"}
    assert "tensorflow" not in {d.name for d in found.distributions}
    assert found.notes[0] == "tensorflow-gpu 2.4.1 stands in for tensorflow 2.4.1 (same version)"
    beyond = following(index, CUDA_11_8, substitutes=(("tensorflow<2.4", "tensorflow-gpu"),))
    assert "tensorflow==2.4.1" in beyond.pins
