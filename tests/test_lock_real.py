"""The real uv: against an index of our own that misbehaves, and against the host's index."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from docker_tools import base_on, docker_engine
from test_lock_index import Server, serving

from orchestrator.errors import Attribution, CellError, CellStatus
from orchestrator.lock import settings, uv
from orchestrator.lock.index import PackageIndex, session_for
from orchestrator.lock.strategies import lock
from orchestrator.lock.tools import Result, Tools
from orchestrator.model import Axis, Base, Cell, Choice, Limits
from orchestrator.run.assemble import in_builder

AS_OF = datetime(2026, 11, 1, tzinfo=UTC)
THEN = "2023-05-01T00:00:00Z"
FULL = {"3.7": "3.7.9", "3.9": "3.9.2", "3.11": "3.11.2"}
PYTHON = Axis(name="python", kind="python")
RESOLVE = Axis(name="resolve", kind="resolve")
DEVICE = Axis(name="device", kind="device")


def cell(python: str, resolve: str, subject: str = "", **packages: str) -> Cell:
    axes = [
        Choice(axis=Axis(name=n, kind="package", package=n, subject=n == subject), name=v) for n, v in packages.items()
    ]
    return Cell(
        choices=(
            *axes,
            Choice(axis=PYTHON, name=python),
            Choice(axis=RESOLVE, name=resolve),
            Choice(axis=DEVICE, name="cpu", substitutes=(("tensorflow", "tensorflow-cpu"),)),
        )
    )


def base(python: str) -> Base:
    return Base(
        name="b", python=python, full_version=FULL[python], glibc="2.36", image="i", identity="x", interpreter="p"
    )


class NeedsBuilder(Exception):
    """The resolution went to the builder; its argument is the command."""


def no_builder(command: tuple[str, ...], files: object) -> Result:
    raise NeedsBuilder(command)


# ---------------------------------------------------------------- an index that misbehaves


def offer(server: Server, name: str, *requires: str) -> None:
    """A wheel that is never fetched: its metadata lie beside it (PEP 658)."""
    filename = f"{name}-1-py3-none-any.whl"
    lines = "".join(f"Requires-Dist: {r}\n" for r in requires)
    server.page(name, (filename, THEN, {"core-metadata": True}))
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n{lines}".encode()
    server.routes[f"/f/{filename}.metadata"] = (200, "text/plain", metadata)


@pytest.fixture
def asked(tmp_path):
    """(server, ask): an index of ours, where `app` needs `lib`; ask(name of uv's cache) resolves app 1 from it."""
    with serving() as server, session_for(None) as session:
        for name in ("app", "lib", "pip"):
            offer(server, name, *(["lib"] if name == "app" else []))
        root = f"{server.url}/simple/"

        def ask(cache="uv"):
            environment = {
                "PATH": os.environ["PATH"], "HOME": str(tmp_path), "UV_CACHE_DIR": str(tmp_path / cache),
                "UV_DEFAULT_INDEX": root, "UV_HTTP_RETRIES": "0",
            }  # fmt: skip
            host = partial(uv.run_host, environment=settings.uv_environment(environment))
            index = PackageIndex(AS_OF, root, tmp_path / "readings", session, sleep=lambda _: None)
            tools = Tools(uv_host=host, in_builder=no_builder, sleep=lambda _: None)
            return lock(cell("3.11", "uv-today", app="1"), base("3.11"), index, tools)

        yield server, ask


def test_a_healthy_index_gives_a_lock(asked):
    _, ask = asked
    assert ask().pins == ("app==1", "lib==1")


def test_a_dependency_that_is_not_there_is_a_finding(asked):
    server, ask = asked
    del server.routes["/simple/lib/"]
    with pytest.raises(CellError) as caught:
        ask()
    assert (caught.value.status, caught.value.reason) == (CellStatus.UNRESOLVABLE, "pins-clash")
    assert "lib" in caught.value.detail


@pytest.mark.parametrize(
    "answer",
    [(403, "text/html", b"no"), (500, "text/plain", b""), (200, "text/html", b"<html><a href='/x'>log in</a></html>")],
    ids=["403", "500", "garbage"],
)
def test_a_dependency_the_index_does_not_answer_for_is_never_a_finding(asked, answer):
    server, ask = asked
    server.routes["/simple/lib/"] = answer
    with pytest.raises(CellError) as caught:
        ask()
    assert caught.value.status is CellStatus.INFRA


@pytest.mark.parametrize("status", [403, 404, 500])
def test_an_index_that_goes_away_after_it_was_read_is_never_a_finding(asked, status):
    server, ask = asked
    ask()
    server.everything = (status, "text/plain", b"")
    # The readings of the first call are kept, so only the resolver can notice.
    with pytest.raises(CellError) as caught:
        ask("another-cache")
    assert caught.value.status is CellStatus.INFRA


def test_an_index_that_gives_uv_no_upload_times_is_never_a_finding(asked):
    server, ask = asked
    for name in ("app", "lib"):
        filename = f"{name}-1-py3-none-any.whl"
        server.html(name, filename)
        entry = f'{{"filename": "{filename}", "upload_time_iso_8601": "{THEN}", "size": 1}}'
        server.routes[f"/pypi/{name}/json"] = (200, "application/json", f'{{"releases": {{"1": [{entry}]}}}}'.encode())
    with pytest.raises(CellError) as caught:
        ask()
    assert caught.value.status is CellStatus.INFRA


# ---------------------------------------------------------------- the host's own index


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    root = settings.host_index(os.environ)
    with session_for(settings.certificates(os.environ)) as session:
        index = PackageIndex(AS_OF, root, tmp_path_factory.mktemp("readings"), session)
        environment = settings.uv_environment(os.environ)
        tools = Tools(uv_host=partial(uv.run_host, environment=environment), in_builder=no_builder)
        yield lambda which: lock(which, base(which.python), index, tools)


@pytest.mark.network
def test_tensorflow_2_15_1_resolves_on_3_11_and_twice_the_same(real):
    which = cell("3.11", "released", tensorflow="2.15.1")
    first = real(which)
    assert first == real(which)
    assert first.version("tensorflow-cpu") == "2.15.1"
    assert first.version("keras") == "2.15.0"
    assert first.compiled == ()
    assert all(d.size and len(d.sha256) == 64 for d in first.distributions)
    assert first.cutoff - datetime(2024, 3, 8, tzinfo=UTC) < timedelta(days=9)


@pytest.mark.network
def test_tensorflow_2_4_1_has_no_wheel_for_3_9(real):
    with pytest.raises(CellError) as caught:
        real(cell("3.9", "released", tensorflow="2.4.1"))
    assert caught.value.status is CellStatus.UNRESOLVABLE
    assert (caught.value.reason, caught.value.detail) == (
        "no-wheel",
        "tensorflow 2.4.1 has no wheel for Python 3.9",
    )


@pytest.mark.network
def test_tensorflow_2_4_1_on_3_7_needs_the_builder_for_termcolor_and_wrapt(real):
    with pytest.raises(NeedsBuilder) as caught:
        real(cell("3.7", "released", tensorflow="2.4.1"))
    assert caught.value.args[0][-1] == "tensorflow==2.4.1"


@pytest.mark.network
def test_kerassurgeon_clashes_with_tensorflow_2_16_and_forced_gives_a_lock(real):
    packages = {"kerassurgeon": "0.2.0", "tensorflow": "2.16.2"}
    with pytest.raises(CellError) as caught:
        real(cell("3.11", "released", "kerassurgeon", **packages))
    assert (caught.value.reason, caught.value.attribution) == ("pins-clash", Attribution.SUBJECT)
    assert "keras" in caught.value.detail
    assert "hint" not in caught.value.detail
    forced = real(cell("3.11", "forced", "kerassurgeon", **packages))
    assert forced.version("kerassurgeon") == "0.2.0"
    assert forced.version("keras").startswith("3.")
    assert forced.version("importlib-metadata")


@pytest.mark.network
def test_a_package_nobody_published_is_known_not_to_be_there(real):
    with pytest.raises(CellError) as caught:
        real(cell("3.11", "uv-today", **{"compat-matrix-no-such-thing": "1"}))
    assert (caught.value.status, caught.value.reason) == (CellStatus.UNRESOLVABLE, "no-release")


# ---------------------------------------------------------------- the builder, before the host's own index


@pytest.mark.container
@pytest.mark.network
@pytest.mark.parametrize("resolve", ["pip-today", "uv-today"])
def test_what_only_exists_as_source_is_locked_from_a_builder_without_a_network(tmp_path, resolve):
    with docker_engine() as engine, session_for(settings.certificates(os.environ)) as session:
        where = base_on(engine, tmp_path)
        index = PackageIndex(AS_OF, settings.host_index(os.environ), tmp_path / "readings", session)
        host = partial(uv.run_host, environment=settings.uv_environment(os.environ))
        tools = Tools(uv_host=host, in_builder=in_builder(engine, where, Limits()))
        found = lock(cell("3.11", resolve, termcolor="1.1.0", wrapt="1.12.1"), where, index, tools)
    assert found.pins == ("termcolor==1.1.0", "wrapt==1.12.1")
    assert found.compiled == ("termcolor", "wrapt")
    assert all(d.size and len(d.sha256) == 64 for d in found.distributions)
    assert "127.0.0.1" not in repr(found)
