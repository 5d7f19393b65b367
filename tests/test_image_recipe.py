from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.image.recipe import LARGE, OWN_LAYERS, recipe
from orchestrator.model import Base, Distribution, Lock, StepKind, Strategy

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
