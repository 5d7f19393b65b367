from __future__ import annotations

import hashlib
import json
import os
import zipfile

import pytest
from made_wheels import CP39, CP311, METADATA, ORDERED, a_wheel, archive
from range_server import AS_OF, ranges, reading, serving

from orchestrator.errors import CellError, CellStatus
from orchestrator.gpu import built
from orchestrator.gpu.audit import Built, EvidenceSource
from orchestrator.gpu.built import built_for, device_for, extra_pins, pythons, unmet
from orchestrator.lock import settings
from orchestrator.lock.index import PackageIndex, session_for
from orchestrator.model import BuiltFor

BASE = "manylinux_2_36_x86_64"


@pytest.fixture
def server(monkeypatch):
    with serving(monkeypatch) as state:
        yield state


@pytest.fixture
def index(server, tmp_path):
    with reading(server, tmp_path) as made:
        yield made


def test_a_release_is_read_from_parts_of_the_wheel_for_that_python(server, index):
    server.release("tensorflow", {CP39: a_wheel(), CP311: a_wheel(ORDERED, "", "")})
    found = built_for("tensorflow", "2.99.0", "3.9", BASE, index)
    assert (found.release, found.cuda, found.cuda_exact, found.cudnn_exact) == ("2.99.0", "12.5", "12.5.1", "9.10.0")
    assert (found.told, found.source) == ("nothing", EvidenceSource.WHEEL)
    assert set(ranges(server)) == {f"/f/{CP39}"}
    assert built_for("tensorflow", "2.99.0", "3.11", BASE, index).cuda == "11.2"


def test_a_reading_is_kept_for_the_sha256_and_not_made_again_on_another_day(server, index, tmp_path):
    content = a_wheel()
    server.release("tensorflow", {CP39: content})
    first = built_for("tensorflow", "2.99.0", "3.9", BASE, index)
    asked = len(ranges(server))
    with session_for(None) as session:
        later = PackageIndex(AS_OF.replace(day=2), f"{server.url}/simple", tmp_path, session)
        assert built_for("tensorflow", "2.99.0", "3.9", BASE, later) == first
    assert len(ranges(server)) == asked
    assert [p.name for p in (tmp_path / "built").iterdir()] == [hashlib.sha256(content).hexdigest() + ".json"]


@pytest.mark.parametrize("text", ["", "[]", '{"schema": 0, "files": {}}', '{"schema": 1, "files": ["x"]}', "{"])
def test_a_kept_reading_that_can_t_be_read_is_replaced(server, index, tmp_path, text):
    content = a_wheel()
    server.release("tensorflow", {CP39: content})
    kept = tmp_path / "built" / f"{hashlib.sha256(content).hexdigest()}.json"
    kept.parent.mkdir()
    kept.write_text(text)
    assert built_for("tensorflow", "2.99.0", "3.9", BASE, index).cuda == "12.5"
    assert json.loads(kept.read_text())["wheel"] == CP39


@pytest.mark.parametrize("digest", ["", "../../../evil", "0" * 63])
def test_a_file_without_a_proper_sha256_is_read_every_time(server, index, tmp_path, digest):
    server.release("tensorflow", {CP39: a_wheel()}, hashes={"sha256": digest})
    assert built_for("tensorflow", "2.99.0", "3.9", BASE, index).cuda == "12.5"
    asked = len(ranges(server))
    assert built_for("tensorflow", "2.99.0", "3.9", BASE, index).cuda == "12.5"
    assert len(ranges(server)) == 2 * asked
    assert not (tmp_path / "built").exists()


def test_without_ranges_the_extra_tells_and_is_named_as_the_source(server, index, tmp_path):
    server.release("tensorflow", {CP39: a_wheel()})
    server.files[f"/f/{CP39}.metadata"] = METADATA.encode()
    server.spoil = lambda *_: (200, {}, b"all of it")
    found = built_for("tensorflow", "2.99.0", "3.9", BASE, index)
    assert found == Built(release="2.99.0", cuda="12.5", cudnn="9.3", source=EvidenceSource.EXTRA)
    assert not (tmp_path / "built").exists()


def test_without_ranges_and_without_the_extra_nothing_is_guessed(server, index):
    server.release("tensorflow", {CP39: a_wheel()})
    server.files[f"/f/{CP39}.metadata"] = b"Metadata-Version: 2.1\nName: tensorflow\nVersion: 2.99.0\n"
    server.spoil = lambda *_: (200, {}, b"all of it")
    with pytest.raises(CellError, match=r"nor has tensorflow .* an extra and-cuda") as caught:
        built_for("tensorflow", "2.99.0", "3.9", BASE, index)
    assert (caught.value.status, caught.value.reason) == (CellStatus.INFRA, "index-ranges")


def test_a_wheel_that_says_nothing_is_not_a_build_without_cuda(server, index):
    server.release("tensorflow", {CP39: archive({"tensorflow/__init__.py": b""})})
    with pytest.raises(CellError, match=r"does not say .*build_info\.py") as caught:
        built_for("tensorflow", "2.99.0", "3.9", BASE, index)
    assert (caught.value.status, caught.value.reason) == (CellStatus.UNAVAILABLE, "not-said")


def test_a_broken_wheel_is_our_trouble_and_is_not_kept(server, index, tmp_path):
    server.release("tensorflow", {CP39: a_wheel()[:-40]})
    with pytest.raises(CellError) as caught:
        built_for("tensorflow", "2.99.0", "3.9", BASE, index)
    assert (caught.value.status, caught.value.reason) == (CellStatus.INFRA, "index-archive")
    assert CP39 in caught.value.detail
    assert not (tmp_path / "built").exists()


@pytest.mark.parametrize(
    ("version", "python", "platform", "reason"),
    [
        ("2.99.0", "3.13", BASE, "no-wheel"),
        ("2.99.0", "3.11", "manylinux_2_17_x86_64", "no-wheel"),
        ("2.98.0", "3.9", BASE, "no-release"),
        ("2.97.0", "3.9", BASE, "no-wheel"),
    ],
)
def test_a_release_that_is_not_there_for_this_python_is_a_finding(server, index, version, python, platform, reason):
    server.release("tensorflow", {CP39: a_wheel(), CP311: a_wheel(), "tensorflow-2.97.0.tar.gz": b""})
    with pytest.raises(CellError) as caught:
        built_for("tensorflow", version, python, platform, index)
    assert (caught.value.status, caught.value.reason) == (CellStatus.UNRESOLVABLE, reason)


def test_an_index_that_does_not_answer_is_never_a_finding(server, index):
    with pytest.raises(CellError) as caught:
        built_for("tensorflow", "2.99.0", "3.9", BASE, index)
    assert caught.value.status is CellStatus.INFRA


@pytest.mark.parametrize("beside", [True, False])
def test_an_extra_s_requirements_are_those_that_hold_there_for_it_alone(server, index, beside):
    server.release("tensorflow", {CP39: a_wheel(metadata="") if beside else a_wheel()})
    if beside:
        server.files[f"/f/{CP39}.metadata"] = METADATA.encode()
    pins = (
        "nvidia-cublas-cu12==12.3.4.1",
        "nvidia-cuda-runtime-cu12<13.0,>=12.5.82",
        "nvidia-cudnn-cu12<10.0,>=9.3.0.75",
    )
    assert extra_pins("tensorflow", "2.99.0", "and-cuda", "3.9", index) == pins
    assert extra_pins("tensorflow", "2.99.0", "no-such-extra", "3.9", index) == ()


def test_metadata_inside_a_large_wheel_are_read_in_parts(server, index):
    big = archive(
        {"a.so": b"\0" * 68_000_000, "tensorflow-2.99.0.dist-info/METADATA": METADATA.encode()}, zipfile.ZIP_STORED
    )
    assert len(big) > 64 * 1024**2
    server.release("tensorflow", {CP39: big})
    assert len(extra_pins("tensorflow", "2.99.0", "and-cuda", "3.9", index)) == 3
    assert (f"/f/{CP39}", "") not in server.asked


def test_a_pin_without_any_file_for_that_python_is_named(server, index):
    server.release("here", {"here-1.0-py3-none-manylinux1_x86_64.whl": b"", "here-2.0rc1-py3-none-any.whl": b""})
    server.release("newer", {"newer-1.0-cp310-none-manylinux_2_17_x86_64.whl": b""})
    server.release("source", {"source-1.0.post1.tar.gz": b""})
    server.release("pip", {"pip-24.0-py3-none-any.whl": b""})
    pins = ("here==1.0", "here==2.0rc1", "newer==1.0", "source==1.0.post1", "here>=1.1", "here<2,>=0.9", "nowhere==1")
    assert unmet(pins, "3.9", BASE, index) == ("newer==1.0", "here>=1.1", "nowhere==1")
    assert unmet(pins, "3.10", BASE, index) == ("here>=1.1", "nowhere==1")
    assert unmet((), "3.9", BASE, index) == ()


def test_pythons_are_those_with_a_linux_wheel_in_order(server, index):
    names = [
        CP311, CP39, "tensorflow-2.99.0-cp310-cp310-macosx_12_0_arm64.whl",
        "tensorflow-2.99.0-cp312-cp312-manylinux_2_17_aarch64.whl",
        "tensorflow-2.99.0-cp27-cp27mu-manylinux2010_x86_64.whl",
        "tensorflow-2.99.0-cp37-cp37m-manylinux2010_x86_64.whl", "tensorflow-2.99.0.tar.gz",
        "tensorflow-2.98.0-cp36-cp36m-manylinux2010_x86_64.whl", "tensorflow-2.99.0-cp313-win_amd64.whl",
    ]  # fmt: skip
    server.release("tensorflow", dict.fromkeys(names, b""))
    assert pythons("tensorflow", "2.99.0", index) == ("3.7", "3.9", "3.11")
    assert pythons("tensorflow", "1.0", index) == ()


# ---------------------------------------------------------------- the host's own index


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    root = settings.host_index(os.environ)
    with session_for(settings.certificates(os.environ)) as session:
        yield PackageIndex(AS_OF, root, tmp_path_factory.mktemp("readings"), session)


@pytest.mark.network
def test_tensorflow_2_10_0_was_built_for_cuda_11_2(real):
    found = built_for("tensorflow", "2.10.0", "3.10", BASE, real)
    assert (found.cuda, found.cuda_exact, found.cudnn, found.told, found.source) == (
        "11.2", "11.2", "8", "", EvidenceSource.WHEEL,
    )  # fmt: skip
    assert found.capabilities == ("sm_35", "sm_50", "sm_60", "sm_70", "sm_75", "compute_80")
    assert "libcusolver.so.11" in found.sonames
    assert pythons("tensorflow", "2.10.0", real) == ("3.7", "3.8", "3.9", "3.10")
    assert extra_pins("tensorflow", "2.10.0", "and-cuda", "3.10", real) == ()


@pytest.mark.network
def test_tensorflow_2_17_1_was_built_for_cuda_12_3_and_its_extra_brings_that(real):
    found = built_for("tensorflow", "2.17.1", "3.11", BASE, real)
    assert (found.cuda, found.cudnn, found.cudnn_exact) == ("12.3", "8.9", "8.9.6")
    pins = extra_pins("tensorflow", "2.17.1", "and-cuda", "3.11", real)
    assert "nvidia-cuda-runtime-cu12==12.3.101" in pins
    assert len(pins) == 12


@pytest.mark.network
def test_what_the_extra_of_2_14_1_asks_for_is_not_all_there_on_3_11(real):
    lacking = {
        python: unmet(extra_pins("tensorflow", "2.14.1", "and-cuda", python, real), python, BASE, real)
        for python in ("3.10", "3.11")
    }
    assert lacking == {"3.10": (), "3.11": ("tensorrt==8.5.3.1",)}


@pytest.mark.network
def test_tensorflow_2_2_0_says_10_and_was_built_for_10_1(real):
    found = built_for("tensorflow", "2.2.0", "3.8", BASE, real)
    assert (found.cuda, found.told) == ("10.1", "10")


def test_the_device_that_follows_a_package_is_named_by_the_line_it_was_built_for(monkeypatch):
    for cuda, device, said in (
        ("11.8", "cuda11.8", "for CUDA 11.8"),
        ("11.8.0", "cuda11.8", "for CUDA 11.8.0"),
        ("", "", "without CUDA"),
    ):
        monkeypatch.setattr(built, "built_for", lambda *_, cuda=cuda: Built(release="2.4.1", cuda=cuda))
        assert device_for("tensorflow", "2.4.1", "3.7", BASE, None) == BuiltFor(device=device, said=said)
