from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.gpu.layer import TOOLS_BY, layer
from orchestrator.image.recipe import LARGE, OWN_LAYERS, recipe
from orchestrator.model import Base, Distribution, Libraries, LibraryLayer, Lock, SourceKind, StepKind, Strategy

BASE = Base(
    name="debian-3.11",
    python="3.11",
    full_version="3.11.2",
    glibc="2.36",
    image="compat-base:debian-3.11-0123456789ab",
    identity="0123456789abcdef" * 4,
    interpreter="/opt/venv/bin/python",
)


def dist(name: str, size: int | None = None, *, wheel: bool = True, version: str = "1.0") -> Distribution:
    ending = "-py3-none-any.whl" if wheel else ".tar.gz"
    return Distribution(
        name=name, version=version, filename=f"{name}-{version}{ending}", sha256=f"{name:0<64}"[:64], size=size
    )


def lock(*distributions: Distribution) -> Lock:
    return Lock(
        python="3.11",
        platform="manylinux_2_36_x86_64",
        device="cpu",
        strategy=Strategy.RELEASED,
        resolver="uv 0.13.8",
        cutoff=datetime(2024, 1, 1, tzinfo=UTC),
        distributions=tuple(sorted(distributions, key=lambda d: d.name)),
    )


def names(made) -> list[tuple[str, ...]]:
    return [tuple(d.name for d in step.distributions) for step in made.steps]


locks = st.lists(
    st.builds(
        dist,
        st.from_regex(r"[a-z]{1,8}", fullmatch=True),
        st.one_of(st.none(), st.integers(0, 10 * LARGE)),
        wheel=st.booleans(),
    ),
    unique_by=lambda d: d.name,
    max_size=30,
).map(lambda found: lock(*found))


def test_large_distributions_come_first_and_the_subject_last():
    made = recipe(
        lock(
            dist("numpy", 25_000_000),
            dist("six", 11_000),
            dist("tensorflow", 400_000_000),
            dist("kerassurgeon", 20_000),
            dist("wrapt", 27_000, wheel=False),
            dist("unknown"),
        ),
        BASE,
        ("kerassurgeon",),
    )
    assert names(made) == [("tensorflow",), ("numpy",), ("six", "unknown"), ("wrapt",), ("kerassurgeon",)]
    assert [s.kind for s in made.steps] == [StepKind.WHEELS] * 3 + [StepKind.COMPILE, StepKind.WHEELS]


def test_two_subjects_on_one_lock_share_all_but_the_last_layer():
    common = (dist("tensorflow", 400_000_000), dist("numpy", 25_000_000), dist("six"))
    first = recipe(lock(*common, dist("kerassurgeon", version="0.1.3")), BASE, ("kerassurgeon",))
    second = recipe(lock(*common, dist("kerassurgeon", version="0.2.0")), BASE, ("kerassurgeon",))
    assert first.steps[:-1] == second.steps[:-1]
    assert first.key != second.key


def test_a_subject_that_is_large_or_a_source_still_lies_on_top():
    made = recipe(lock(dist("big", 90_000_000), dist("numpy", 25_000_000)), BASE, ("big",))
    assert names(made) == [("numpy",), ("big",)]
    made = recipe(lock(dist("source", wheel=False), dist("wrapt", wheel=False)), BASE, ("source",))
    assert names(made) == [("wrapt",), ("source",)]


@given(locks, st.integers(0, 3))
def test_every_distribution_is_in_exactly_one_step(found, subjects):
    own = tuple(d.name for d in found.distributions[:subjects])
    made = recipe(found, BASE, own)
    installed = [d for step in made.steps for d in step.distributions]
    assert sorted(installed, key=lambda d: d.name) == list(found.distributions)
    assert all(step.distributions for step in made.steps)
    assert all(all(d.wheel == (step.kind is StepKind.WHEELS) for d in step.distributions) for step in made.steps)


@given(locks)
def test_no_image_has_more_layers_than_a_filesystem_stacks(found):
    assert len(recipe(found, BASE).steps) <= OWN_LAYERS + 2


@given(locks, locks)
def test_equal_locks_give_equal_recipes_and_other_pins_other_keys(one, two):
    assert recipe(one, BASE, template="t") == recipe(one, BASE, template="t")
    if one.digest != two.digest:
        assert recipe(one, BASE).key != recipe(two, BASE).key


def test_the_template_and_the_base_are_part_of_the_key():
    found = lock(dist("six"))
    other = Base(**{**{f: getattr(BASE, f) for f in BASE.__slots__}, "identity": "f" * 64})
    keys = {recipe(found, BASE, template="a").key, recipe(found, BASE, template="b").key, recipe(found, other).key}
    assert len(keys) == 3


# ---------------------------------------------------------------- with CUDA

NVIDIA = ("nvidia-cublas-cu12", "nvidia-cuda-nvcc-cu12", "nvidia-cuda-runtime-cu12")
WHEELS = Libraries(source=SourceKind.WHEELS, names=NVIDIA)
CELL = (dist("tensorflow", 400_000_000), dist("numpy", 25_000_000), dist("six"))
LIBRARIES = tuple(dist(name, 300_000_000) for name in NVIDIA)


def gpu_lock(*distributions: Distribution, libraries: Libraries = WHEELS) -> Lock:
    return replace(lock(*distributions), device="cuda12.2", libraries=libraries)


def test_the_libraries_of_a_line_lie_lowest_so_that_every_tensorflow_shares_them():
    made = recipe(gpu_lock(*CELL, *LIBRARIES), BASE)
    assert names(made) == [NVIDIA, ("tensorflow",), ("numpy",), ("six",)]
    assert made.steps[0].title == "the libraries of cuda12.2, 900 MB"
    other = recipe(gpu_lock(dist("tensorflow", 500_000_000, version="2.0"), *LIBRARIES), BASE)
    assert made.steps[0] == other.steps[0]


def test_above_its_libraries_a_cell_has_the_layers_it_has_without():
    assert recipe(gpu_lock(*CELL, *LIBRARIES), BASE).steps[1:] == recipe(lock(*CELL), BASE).steps


def test_libraries_are_found_where_their_wheels_put_them():
    made = layer(WHEELS, "t")
    assert made == LibraryLayer(
        folders=("nvidia/cublas/lib", "nvidia/cuda_runtime/lib"),
        tools="nvidia/cuda_nvcc",
        tools_by=TOOLS_BY,
        template="t",
    )
    foreign = Libraries(source=SourceKind.WHEELS, names=("nvidia-cudnn-cu11", "tensorrt-libs"))
    assert layer(foreign, "") == LibraryLayer(folders=("nvidia/cudnn/lib",))


def test_libraries_from_elsewhere_leave_the_image_below_as_it_is_without_them():
    image = Libraries(source=SourceKind.IMAGE, place="nvidia/cuda:11.2", paths=("/lib/",), identity="i")
    made = recipe(gpu_lock(*CELL, libraries=image), BASE, template="t", on_top=layer(image, ""))
    assert made.on_top == LibraryLayer(image="nvidia/cuda:11.2", paths=("/lib/",), identity="i")
    assert made.below == recipe(lock(*CELL), BASE, template="t")
    folder = replace(image, source=SourceKind.FOLDER, place="/cuda")
    assert layer(folder, "") == LibraryLayer(folder="/cuda", paths=("/lib/",), identity="i")


def test_the_key_of_an_image_without_cuda_is_what_it_was():
    made = recipe(lock(*CELL), BASE, ("six",), template="t")
    assert made.key == "826e1a6f4c40b27160fe86bb7c57b1c8675751530510fa7a246e7b9a379c2bb1"


def test_whatever_makes_libraries_be_found_is_part_of_the_key_and_where_they_were_taken_from_is_not():
    made = recipe(gpu_lock(*CELL, *LIBRARIES), BASE, on_top=layer(WHEELS, ""))
    cuda = made.on_top
    others = [
        replace(cuda, folders=cuda.folders[::-1]),
        replace(cuda, tools=""),
        replace(cuda, links=(("a", "b"),)),
        replace(cuda, template="t"),
        replace(cuda, identity="i"),
        replace(cuda, paths=("/a",)),
        None,
    ]
    keys = {replace(made, on_top=other).key for other in (cuda, *others)}
    assert len(keys) == len(others) + 1
    assert {replace(made, on_top=other).below.key for other in (cuda, *others)} == {made.below.key}
    here, there = (replace(made, on_top=LibraryLayer(folder=place, identity="i")).key for place in ("/a", "/b"))
    assert here == there
