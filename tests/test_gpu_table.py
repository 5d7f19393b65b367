from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from made_wheels import ORDERED, a_wheel
from range_server import AS_OF, reading, serving

from orchestrator.gpu import facts, table
from orchestrator.gpu.audit import Built
from orchestrator.gpu.built import built_for, pythons
from orchestrator.gpu.facts import Driver, Official, Release
from orchestrator.lock import settings
from orchestrator.lock.index import PackageIndex, session_for

BASE = "manylinux_2_36_x86_64"
FOLDER = Path(__file__).parents[1] / "docs" / "cuda"


@pytest.fixture
def server(monkeypatch):
    with serving(monkeypatch) as state:
        yield state


@pytest.fixture
def index(server, tmp_path):
    with reading(server, tmp_path) as made:
        yield made


def a_release(version="2.4.1", package="tensorflow", pythons=("3.6", "3.7", "3.8"), **built) -> Release:
    made = Built(release=version, **{"cuda": "11.0", "cudnn": "8", "cuda_exact": "11.0", **built})
    return Release(package=package, version=version, uploaded="2021-01-21", pythons=pythons, wheel="w.whl", built=made)


ROW = Official(package="tensorflow", version="2.4.0", pythons=("3.6", "3.7", "3.8"), cuda="11.0", cudnn="8.0")


@pytest.mark.parametrize(
    ("release", "met"),
    [
        (a_release(), []),
        (a_release(cudnn="8.0"), []),
        (a_release(cudnn="8.1"), [("cuDNN", "8.0", "8.1")]),
        (a_release(cudnn="80"), [("cuDNN", "8.0", "80")]),
        (a_release(cuda="11.2"), [("CUDA", "11.0", "11.2")]),
        (a_release(cuda="", cudnn=""), [("CUDA", "11.0", "built without CUDA")]),
        (a_release(pythons=("3.7", "3.8")), [("Python", "3.6 3.7 3.8", "3.7 3.8")]),
        (a_release(version="2.5.0", cuda="11.2"), []),
        (a_release(package="tensorflow-gpu", cuda="11.2"), [("CUDA", "11.0", "11.2")]),
        (a_release(package="tensorflow-cpu", cuda="", cudnn=""), []),
    ],
)
def test_documentation_and_wheels_disagree_only_where_they_contradict_each_other(release, met):
    found = facts.disagreements([release], [ROW])
    assert [(d.about, d.official, d.wheel) for d in found] == met
    assert all((d.package, d.version, d.row) == (release.package, release.version, "2.4.0") for d in found)


def test_a_table_that_was_written_is_read_back_as_it_was(tmp_path):
    full = a_release(
        cuda_exact="11.0.3", cudnn="8.9", cudnn_exact="8.9.6", told="nothing", capabilities=("sm_35", "compute_80"),
        sonames=("libcudart.so.11.0",),
    )  # fmt: skip
    unmet_here = (("3.7", "a==1"), ("3.8", "a==1"))
    full = replace(full, extra=("a==1", "b<3,>=2"), unmet=unmet_here)
    rows = (full, a_release("2.0.0", cuda="", cudnn="", cuda_exact=""))
    (tmp_path / "releases.csv").write_text(table.as_text(rows, AS_OF))
    assert facts.releases(tmp_path) == rows
    assert "on 2026-11-01" in (tmp_path / "releases.csv").read_text().splitlines()[0]


@pytest.mark.parametrize(
    "text", ["", "cuda,minimum\n10.0,1\n", "cuda,minimum,toolkit\n10.0,1\n", "cuda,minimum,toolkit\n1,2,3,4\n"]
)
def test_a_table_with_other_columns_is_refused_by_name(tmp_path, text):
    (tmp_path / "drivers.csv").write_text(text)
    with pytest.raises(ValueError, match=r"drivers\.csv"):
        facts.drivers(tmp_path)


def test_a_driver_is_found_for_a_line_and_for_a_full_version():
    known = (Driver(cuda="12.5", minimum="525.60.13", toolkit="555.42.02"),)
    assert facts.driver_for("12.5.1", known) == facts.driver_for("12.5", known) == known[0]
    assert facts.driver_for("12.50", known) is None


def test_every_cuda_line_of_a_release_has_a_driver_and_no_driver_is_older_than_its_minimum():
    drivers = facts.drivers(FOLDER)
    releases = facts.releases(FOLDER)
    assert all(facts.driver_for(r.built.cuda, drivers) for r in releases if r.built.cuda)
    numbers = [[int(n) for n in text.split(".")] for d in drivers for text in (d.minimum, d.toolkit)]
    assert all(least <= came for least, came in zip(numbers[::2], numbers[1::2], strict=True))
    assert [d.cuda for d in drivers] == sorted((d.cuda for d in drivers), key=lambda v: [int(n) for n in v.split(".")])


def test_every_documented_release_is_among_those_that_were_read():
    read = {(r.package, r.version) for r in facts.releases(FOLDER)}
    assert {(row.package, row.version) for row in facts.officials(FOLDER)} <= read


def test_a_table_is_made_of_releases_and_newer_pre_releases_and_says_what_it_could_not_read(server, index):
    def name(version: str, tag: str = "cp39-cp39-manylinux2014_x86_64") -> str:
        return f"tensorflow-{version}-{tag}.whl"

    wheels = {
        name("1.14.0"): b"", name("2.4.0rc1"): b"", name("2.4.0"): a_wheel(ORDERED, ""), name("2.5.0rc0"): a_wheel(),
        name("2.3.0"): b"no archive", name("2.2.0", "cp39-cp39-win_amd64"): b"",
    }  # fmt: skip
    server.release("tensorflow", wheels)
    server.release("tensorflow-gpu", {"tensorflow_gpu-2.4.0-cp39-cp39-manylinux2014_x86_64.whl": a_wheel()})
    told: list[str] = []
    found, failed = table.table(index, told.append)
    assert [(r.package, r.version) for r in found] == [
        ("tensorflow", "2.4.0"), ("tensorflow", "2.5.0rc0"), ("tensorflow-gpu", "2.4.0"),
    ]  # fmt: skip
    assert (found[1].uploaded, found[1].pythons, len(found[1].extra)) == ("2023-05-01", ("3.9",), 3)
    assert found[1].unmet == tuple(("3.9", pin) for pin in found[1].extra)  # this index has TensorFlow alone
    assert len(failed) == 1
    assert failed[0].startswith("tensorflow 2.3.0: ")
    assert told[1] == "tensorflow 2.4.0: CUDA 11.2, cuDNN 9.10"


@pytest.mark.parametrize("broken", [False, True])
def test_the_table_is_replaced_only_when_every_release_could_be_read(server, tmp_path, monkeypatch, capsys, broken):
    wheels = {"tensorflow-2.0.0-cp39-cp39-manylinux2014_x86_64.whl": a_wheel(ORDERED, "")}
    server.release(
        "tensorflow", {**wheels, "tensorflow-2.1.0-cp39-cp39-manylinux2014_x86_64.whl": b""} if broken else wheels
    )
    server.release("tensorflow-gpu", {"tensorflow_gpu-2.0.0-cp39-cp39-manylinux2014_x86_64.whl": a_wheel()})
    monkeypatch.setenv("UV_DEFAULT_INDEX", f"{server.url}/simple")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("orchestrator.lock.index.PAUSES", ())
    (tmp_path / "official.csv").write_text("package,version,pythons,cuda,cudnn\ntensorflow,2.0.0,3.9,10.0,9.10\n")
    (tmp_path / "releases.csv").write_text("as it was")
    assert table.main([str(tmp_path)]) == (4 if broken else 0)
    printed = capsys.readouterr().out
    if broken:
        assert (tmp_path / "releases.csv").read_text() == "as it was"
        assert "1 releases could not be read" in printed
    else:
        assert [r.built.cuda for r in facts.releases(tmp_path)] == ["11.2", "12.5"]
        assert "tensorflow 2.0.0: CUDA: documentation of 2.0.0 10.0, wheel 11.2" in printed


# ---------------------------------------------------------------- the host's own index


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    root = settings.host_index(os.environ)
    with session_for(settings.certificates(os.environ)) as session:
        yield PackageIndex(AS_OF, root, tmp_path_factory.mktemp("readings"), session)


@pytest.mark.network
@pytest.mark.parametrize("version", ["1.15.0", "2.4.1", "2.20.0"])
def test_the_shipped_table_says_what_the_wheels_say_today(real, version):
    (row,) = (r for r in facts.releases(FOLDER) if (r.package, r.version) == ("tensorflow", version))
    assert built_for("tensorflow", version, row.pythons[-1], BASE, real) == row.built
    assert pythons("tensorflow", version, real) == row.pythons
