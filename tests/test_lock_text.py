from __future__ import annotations

import json
from datetime import UTC, datetime
from string import ascii_letters

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.lock.difference import difference
from orchestrator.lock.text import constraints_text, from_json, requirements_text, to_json
from orchestrator.model import Distribution, Lock, Strategy

word = st.text(ascii_letters + "0123456789.-_é", min_size=1, max_size=12)
distributions = st.builds(
    Distribution,
    name=word,
    version=word,
    filename=word,
    sha256=st.text("0123456789abcdef", min_size=64, max_size=64),
    size=st.none() | st.integers(min_value=0),
)


def distribution(name: str, version: str, sha256: str = "a" * 64) -> Distribution:
    return Distribution(
        name=name, version=version, filename=f"{name}-{version}-py3-none-any.whl", sha256=sha256, size=7
    )


def lock(*pins: Distribution) -> Lock:
    return Lock(
        python="3.9",
        platform="manylinux_2_36_x86_64",
        device="cpu",
        strategy=Strategy.RELEASED,
        resolver="uv 0.9.1",
        cutoff=datetime(2021, 1, 28, 19, 41, tzinfo=UTC),
        distributions=pins,
        notes=("a note",),
    )


@given(st.lists(distributions, max_size=4), st.datetimes(timezones=st.just(UTC)), st.sampled_from(Strategy))
def test_a_lock_survives_the_way_through_json(pins, cutoff, strategy):
    before = Lock(
        python="3.9",
        platform="p",
        device="cpu",
        strategy=strategy,
        resolver="uv 0.9.1",
        cutoff=cutoff,
        distributions=tuple(pins),
        notes=("ü",),
    )
    after = from_json(json.loads(json.dumps(to_json(before))))
    assert after == before
    assert after.digest == before.digest


def test_requirements_carry_one_hash_each_and_no_address():
    assert requirements_text([distribution("numpy", "1.19.5")]) == (f"numpy==1.19.5 \\\n    --hash=sha256:{'a' * 64}\n")


def test_constraints_say_for_what_they_were_resolved():
    text = constraints_text(lock(distribution("numpy", "1.19.5"), distribution("wrapt", "1.12.1")))
    assert text == (
        "# Python 3.9, manylinux_2_36_x86_64, cpu; released: uv 0.9.1, as of 2021-01-28\nnumpy==1.19.5\nwrapt==1.12.1\n"
    )


def test_a_difference_names_what_came_went_and_changed():
    a = lock(distribution("gone", "1"), distribution("same", "1"), distribution("moved", "1"))
    b = lock(distribution("moved", "2"), distribution("new", "1"), distribution("same", "1"))
    found = difference(a, b)
    assert [d.name for d in found.added] == ["new"]
    assert [d.name for d in found.removed] == ["gone"]
    assert [(x.version, y.version) for x, y in found.changed] == [("1", "2")]


def test_the_same_version_from_another_file_is_a_change_and_equal_locks_differ_in_nothing():
    a, b = lock(distribution("a", "1")), lock(distribution("a", "1", "b" * 64))
    assert len(difference(a, b).changed) == 1
    assert not difference(a, a)
