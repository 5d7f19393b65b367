from __future__ import annotations

import hashlib
import http.server
import io
import json
import os
import re
import struct
import zipfile
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from listening import listening

from orchestrator.errors import CellError, CellStatus
from orchestrator.lock import build_info, cuda_facts, cuda_table, settings
from orchestrator.lock.built import built_for, extra_pins, pythons, unmet
from orchestrator.lock.cuda_facts import Driver, Official, Release
from orchestrator.lock.index import PAUSES, PackageIndex, session_for
from orchestrator.lock.remote_zip import BrokenArchiveError, read_members
from orchestrator.model import IndexFile
from orchestrator.model.cuda import Built, Source

AS_OF = datetime(2026, 11, 1, tzinfo=UTC)
THEN = "2023-05-01T00:00:00Z"
JSON = "application/vnd.pypi.simple.v1+json"
BASE = "manylinux_2_36_x86_64"
FOLDER = Path(__file__).parents[1] / "docs" / "cuda"

# ---------------------------------------------------------------- what wheels say, as they say it

PLAIN = """\
from __future__ import print_function

is_rocm_build = False
is_cuda_build = True

cuda_version_number = '10'
cudnn_version_number = '7'
"""
ORDERED = """\
import collections

build_info = collections.OrderedDict([('cpu_compiler', '/dt9/usr/bin/gcc'), ('cuda_compute_capabilities', ['sm_35', \
'compute_80']), ('cuda_version', '11.2'), ('cudnn_version', '8'), ('is_cuda_build', True), ('is_rocm_build', False)])
"""
DICT = "build_info = {'cuda_version': '10.1', 'cudnn_version': '7', 'is_cuda_build': True}\n"
SILENT = """\
import collections

build_info = collections.OrderedDict([('is_cuda_build', True), ('is_rocm_build', False), ('is_tensorrt_build', False)])
"""
OLD_HEADER = """\
#ifndef CUDA_CUDA_CONFIG_H_
#define CUDA_CUDA_CONFIG_H_

#define TF_CUDA_CAPABILITIES CudaVersion("3.5"), CudaVersion("7.0")

#define TF_CUDA_VERSION "10.1"
#define TF_CUDA_LIB_VERSION "10"
#define TF_CUDNN_VERSION "7"

#define TF_CUDA_TOOLKIT_PATH "/usr/local/cuda"

#endif  // CUDA_CUDA_CONFIG_H_
"""
NEW_HEADER = """\
#define TF_CUDA_VERSION "12.5.1"
#define TF_CUDART_VERSION "12"
#define TF_CUPTI_VERSION "12"
#define TF_CUBLAS_VERSION "12"
#define TF_CUSOLVER_VERSION "11"
#define TF_CURAND_VERSION "10"
#define TF_CUFFT_VERSION "11"
#define TF_CUSPARSE_VERSION "12"
#define TF_CUDNN_VERSION "9"

#define TF_CUDA_TOOLKIT_PATH ""

#define TF_CUDA_COMPUTE_CAPABILITIES 60, 89, 90a, 120
"""
NO_CUDA_HEADER = '#define TF_CUDA_CAPABILITIES CudaVersion("3.5"),CudaVersion("5.2")\n#define TF_CUDA_VERSION ""\n'
CUDNN_HEADER = """\
#define CUDNN_MAJOR 9
#define CUDNN_MINOR 10
#define CUDNN_PATCHLEVEL 0
#define CUDNN_VERSION (CUDNN_MAJOR * 10000 + CUDNN_MINOR * 100 + CUDNN_PATCHLEVEL)
"""
NEW_SONAMES = (
    "libcudart.so.12", "libcublas.so.12", "libcufft.so.11", "libcurand.so.10", "libcusolver.so.11",
    "libcusparse.so.12", "libcudnn.so.9",
)  # fmt: skip
OLD_SONAMES = (
    "libcudart.so.10.1", "libcublas.so.10", "libcufft.so.10", "libcurand.so.10", "libcusolver.so.10",
    "libcusparse.so.10", "libcudnn.so.7",
)  # fmt: skip


def said(info: str = "", config: str = "", cudnn: str = "") -> Built | None:
    files = {build_info.BUILD_INFO: info, build_info.CONFIG: config, build_info.CUDNN: cudnn}
    return build_info.built("1", {name: text for name, text in files.items() if text})


def test_a_build_info_that_cuts_the_version_gives_way_to_the_header_and_is_quoted():
    assert said(PLAIN, OLD_HEADER) == Built(
        release="1",
        cuda="10.1",
        cudnn="7",
        capabilities=("3.5", "7.0"),
        cuda_exact="10.1",
        told="10",
        sonames=OLD_SONAMES,
    )


def test_the_newer_build_info_is_an_ordered_dict_and_knows_kernels_from_ptx():
    assert said(ORDERED) == Built(
        release="1", cuda="11.2", cudnn="8", capabilities=("sm_35", "compute_80"), cuda_exact="11.2"
    )


def test_a_build_info_with_a_plain_dict_says_the_same():
    assert said(DICT) == Built(release="1", cuda="10.1", cudnn="7", cuda_exact="10.1")


def test_a_build_info_without_versions_is_a_cuda_build_whose_header_tells():
    assert said(SILENT, NEW_HEADER, CUDNN_HEADER) == Built(
        release="1",
        cuda="12.5",
        cudnn="9.10",
        capabilities=("6.0", "8.9", "9.0a", "12.0"),
        cuda_exact="12.5.1",
        cudnn_exact="9.10.0",
        told="nothing",
        sonames=NEW_SONAMES,
    )


def test_runtime_and_solver_have_versions_of_their_own():
    header = '#define TF_CUDA_VERSION "11.0"\n#define TF_CUDART_VERSION "11.0"\n#define TF_CUSOLVER_VERSION "10"\n'
    found = said(ORDERED.replace("11.2", "11.0"), header)
    assert found is not None
    assert found.sonames == ("libcudart.so.11.0", "libcusolver.so.10")


@pytest.mark.parametrize(
    ("info", "config"),
    [
        ("is_rocm_build = False\nis_cuda_build = False\n", NO_CUDA_HEADER),
        ("build_info = {'is_rocm_build': False, 'is_cuda_build': False}\n", ""),
        ("", NO_CUDA_HEADER),
        ("is_cuda_build = False\n", OLD_HEADER),
    ],
)
def test_a_build_without_cuda_has_no_version_whatever_its_header_lists(info, config):
    assert said(info, config) == Built(release="1")


@pytest.mark.parametrize("text", ["", "def broken(:\n", "x = (" * 500, "\0", "import os\n"])
def test_files_that_say_nothing_are_not_a_build_without_cuda(text):
    assert said(text) is None


def test_nothing_in_a_build_info_is_run(tmp_path):
    mark = tmp_path / "ran"
    hostile = f"cuda_version = open({str(mark)!r}, 'w')\nis_cuda_build = True\ncudnn_version = [].append(1)\n"
    assert said(hostile + "cuda_version = '12.3'\n") == Built(release="1", cuda="12.3", cuda_exact="12.3")
    assert not mark.exists()


@pytest.mark.parametrize(("exact", "line"), [("12.5.1", "12.5"), ("10.1", "10.1"), ("8", "8"), ("", ""), ("x", "x")])
def test_a_line_is_the_first_two_numbers_of_a_version(exact, line):
    assert build_info.minor(exact) == line


# ---------------------------------------------------------------- archives read in parts


def archive(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED, comment: bytes = b"") -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as made:
        for name, content in members.items():
            made.writestr(name, content)
        made.comment = comment
    return stream.getvalue()


class Shelf:
    """An archive that lies elsewhere: notes what was fetched, refuses what is not there."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.fetched: list[tuple[int, int]] = []

    def part(self, start: int, stop: int) -> bytes:
        assert 0 <= start < stop <= len(self.content)
        self.fetched.append((start, stop))
        return self.content[start:stop]

    def read(self, *names: str) -> dict[str, bytes]:
        return read_members(self.part, len(self.content), lambda all_names: [n for n in all_names if n in names])


RANDOM = bytes((i * 7919 + (i >> 8) * 104729) % 251 for i in range(300_000))
"""Does not compress much."""


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
@pytest.mark.parametrize("comment", [b"", b"a comment", b"c" * 65535], ids=len)
def test_members_are_read_however_they_are_packed_and_whatever_the_comment(method, comment):
    shelf = Shelf(archive({"a": b"one" * 50_000, "b/c": RANDOM, "d": b""}, method, comment))
    assert shelf.read("d", "b/c", "a") == {"a": b"one" * 50_000, "b/c": RANDOM, "d": b""}


def test_only_the_end_and_what_is_wanted_are_fetched():
    stored = archive({"before": RANDOM * 20, "wanted": b"x" * 500, "after": RANDOM * 20}, zipfile.ZIP_STORED)
    shelf = Shelf(stored)
    assert shelf.read("wanted") == {"wanted": b"x" * 500}
    assert len(shelf.fetched) == 2
    assert sum(stop - start for start, stop in shelf.fetched) < 100_000 < len(stored)


def test_a_table_of_contents_longer_than_the_first_read_in_the_zip64_form_is_fetched_once():
    many = {f"a/folder/with/a/long/name/{i}": b"" for i in range(66_000)}
    shelf = Shelf(archive({"first": RANDOM, **many, "last": b"2"}, zipfile.ZIP_STORED))
    assert shelf.read("first", "last") == {"first": RANDOM, "last": b"2"}
    table = [(start, stop) for start, stop in shelf.fetched if stop - start > 1_000_000]
    assert len(table) == 1
    assert table[0][1] == shelf.fetched[0][0]


def test_an_archive_without_what_is_wanted_gives_nothing():
    assert Shelf(archive({"a": b"1"})).read("b") == {}


def _with(content: bytes, place: int, new: bytes) -> bytes:
    return content[:place] + new + content[place + len(new) :]


def _damaged() -> dict[str, bytes]:
    good = archive({"wanted": RANDOM})
    table = good.index(b"PK\1\2")
    return {
        "empty": b"",
        "short": b"PK",
        "no zip": b"<html>please log in</html>" * 5000,
        "cut at the end": good[:-30],
        "cut in the middle": good[: len(good) // 2],
        "damaged inside": _with(good, 2000, b"\0" * 100),
        "another checksum": _with(good, table + 16, b"\1\2\3\4"),
        "encrypted": _with(_with(good, 6, b"\1"), table + 8, b"\1"),
        "an unknown packing": _with(_with(good, 8, b"\x63"), table + 10, b"\x63"),
        "a member somewhere else": _with(good, table + 42, struct.pack("<L", 0x7FFFFFFF)),
        "a table of 3 GB": _with(good, len(good) - 10, struct.pack("<L", 3_000_000_000)),
        "a member of 2 MB": archive({"wanted": b"\0" * 2_000_000}),
    }


@pytest.mark.parametrize("kind", _damaged())
def test_a_damaged_archive_is_named_as_such(kind):
    with pytest.raises(BrokenArchiveError):
        Shelf(_damaged()[kind]).read("wanted")


def test_what_the_index_raises_for_a_part_is_passed_on():
    def part(start: int, stop: int) -> bytes:
        raise CellError("resolve", CellStatus.INFRA, "index", "gone")

    with pytest.raises(CellError, match="gone"):
        read_members(part, 100, lambda names: names)


# ---------------------------------------------------------------- a server with ranges, and worse ones


class Server:
    """path → bytes, served in parts where asked; `spoil` changes an answer (status, headers, body) to those."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.kinds: dict[str, str] = {}
        self.asked: list[tuple[str, str]] = []
        self.encodings: set[str] = set()
        self.spoil = lambda status, headers, body: (status, headers, body)
        self.url = ""

    def answer(self, path: str, wanted: str) -> tuple[int, dict[str, str], bytes]:
        content = self.files.get(path)
        headers = {"Content-Type": self.kinds.get(path, "application/octet-stream")}
        if content is None:
            return 404, headers, b""
        found = re.fullmatch(r"bytes=(\d+)-(\d+)", wanted)
        if found is None:
            return 200, headers, content
        start, last = int(found[1]), min(int(found[2]), len(content) - 1)
        if start > last:
            return 416, headers, b""
        return 206, {**headers, "Content-Range": f"bytes {start}-{last}/{len(content)}"}, content[start : last + 1]

    def release(self, package: str, wheels: dict[str, bytes], **more: object) -> None:
        """A page that lists wheels and serves them."""
        entries = []
        for name, content in wheels.items():
            self.files[f"/f/{name}"] = content
            entry = {"filename": name, "url": f"/f/{name}", "upload-time": THEN, "size": len(content)}
            entries.append({**entry, "hashes": {"sha256": hashlib.sha256(content).hexdigest()}, **more})
        body = {"meta": {"api-version": "1.1"}, "name": package, "files": entries, "versions": []}
        self.files[f"/simple/{package}/"] = json.dumps(body).encode()
        self.kinds[f"/simple/{package}/"] = JSON


@contextmanager
def serving():
    state = Server()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            wanted = self.headers.get("Range", "")
            state.asked.append((self.path, wanted))
            if wanted:
                state.encodings.add(self.headers.get("Accept-Encoding", ""))
            status, headers, body = state.answer(self.path, wanted)
            if wanted:
                status, headers, body = state.spoil(status, headers, body)
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            # who was sent more than was asked for hangs up
            with suppress(ConnectionError):
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, *args):
            pass

    with listening(Handler) as state.url:
        yield state


@pytest.fixture
def server(monkeypatch):
    for variable in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(variable, raising=False)
    with serving() as state:
        yield state


@pytest.fixture
def index(server, tmp_path):
    """PackageIndex over the server; its waits are collected in `pauses`, not slept."""
    pauses: list[float] = []
    with session_for(None) as session:
        made = PackageIndex(AS_OF, f"{server.url}/simple", tmp_path, session, sleep=pauses.append)
        made.pauses = pauses
        yield made


@pytest.fixture
def file(server):
    server.files["/f/a.whl"] = bytes(range(256)) * 100
    return IndexFile(filename="a.whl", version="1", sha256="a" * 64, size=25_600, url=f"{server.url}/f/a.whl")


def test_a_part_is_exactly_the_bytes_that_were_asked_for(server, index, file):
    assert index.part(file, 250, 260) == bytes([250, 251, 252, 253, 254, 255, 0, 1, 2, 3])
    assert index.part(file, 25_599, 25_600) == b"\xff"
    assert server.asked == [("/f/a.whl", "bytes=250-259"), ("/f/a.whl", "bytes=25599-25599")]
    assert server.encodings == {"identity"}


def test_the_size_is_asked_of_the_server_only_where_the_index_does_not_say(server, index, file):
    assert index.size(file) == 25_600
    assert server.asked == []
    unknown = IndexFile(filename="a.whl", version="1", sha256="", url=file.url)
    assert index.size(unknown) == 25_600
    assert server.asked == [("/f/a.whl", "bytes=0-0")]


def test_a_server_that_only_sends_whole_files_is_told_apart_and_asked_once(server, index, file):
    server.spoil = lambda *_: (200, {}, b"\0" * 50_000_000)
    with pytest.raises(CellError) as caught:
        index.part(file, 0, 10)
    assert (caught.value.status, caught.value.reason) == (CellStatus.INFRA, "index-ranges")
    assert len(server.asked) == 1
    assert index.pauses == []


def _spoilers() -> dict[str, object]:
    def headers(**new):
        return lambda status, old, body: (status, {**old, **{k.replace("_", "-"): v for k, v in new.items()}}, body)

    return {
        "gone": lambda *_: (404, {}, b""),
        "forbidden": lambda *_: (403, {}, b""),
        "no such range": lambda *_: (416, {"Content-Range": "bytes */25600"}, b""),
        "busy": lambda *_: (503, {}, b""),
        "another range": headers(Content_Range="bytes 1-10/25600"),
        "a shorter range": lambda s, h, body: (s, {**h, "Content-Range": "bytes 0-4/25600"}, body[:5]),
        "no range": lambda s, _, body: (s, {}, body),
        "nonsense for a range": headers(Content_Range="all of it"),
        "a file of unknown size": headers(Content_Range="bytes 0-9/*"),
        "a file of another size": headers(Content_Range="bytes 0-9/25601"),
        "an encoded part": headers(Content_Encoding="gzip"),
        "fewer bytes": lambda s, h, body: (s, h, body[:5]),
        "more bytes": lambda s, h, body: (s, h, body * 20_000),
        "cut off": lambda s, h, body: (s, {**h, "Content-Length": "10"}, body[:5]),
    }


@pytest.mark.parametrize("kind", _spoilers())
def test_an_answer_that_is_not_the_part_asked_for_is_our_trouble_after_bounded_attempts(server, index, file, kind):
    server.spoil = _spoilers()[kind]
    if kind == "cut off":
        file = IndexFile(filename="a.whl", version="1", sha256="a" * 64, size=25_600, url=file.url)
    with pytest.raises(CellError) as caught:
        index.part(file, 0, 10)
    assert (caught.value.status, caught.value.reason) == (CellStatus.INFRA, "index")
    assert index.pauses == list(PAUSES)


def test_a_part_is_had_from_a_server_that_recovers(server, index, file):
    good = server.spoil
    server.spoil = lambda *_: (503, {}, b"")
    index._sleep = lambda _: setattr(server, "spoil", good)
    assert index.part(file, 0, 2) == b"\0\1"


def test_a_part_is_fetched_where_the_index_sends_one_on_to(server, index, file):
    def send_on(status, headers, body):
        if server.asked[-1][0] == "/f/a.whl":
            return 302, {"Location": "/elsewhere"}, b""
        return status, headers, body

    server.files["/elsewhere"] = server.files["/f/a.whl"]
    server.spoil = send_on
    assert index.part(file, 0, 3) == b"\0\1\2"
    assert server.asked[-1] == ("/elsewhere", "bytes=0-2")


# ---------------------------------------------------------------- releases

CP39 = "tensorflow-2.99.0-cp39-cp39-manylinux_2_17_x86_64.manylinux2014_x86_64.whl"
CP311 = "tensorflow-2.99.0-cp311-cp311-manylinux_2_27_x86_64.whl"
METADATA = """\
Metadata-Version: 2.1
Name: tensorflow
Version: 2.99.0
Provides-Extra: and-cuda
Requires-Dist: numpy
Requires-Dist: nvidia-cublas-cu12 ==12.3.4.1 ; extra == 'and-cuda'
Requires-Dist: nvidia-cuda-runtime-cu12 <13.0,>=12.5.82 ; extra == 'and-cuda'
Requires-Dist: nvidia-cudnn-cu12 <10.0,>=9.3.0.75 ; extra == 'and-cuda'
Requires-Dist: nvidia-old ; extra == 'and-cuda' and python_version < "3.9"
Requires-Dist: nvidia-win ; extra == 'and-cuda' and sys_platform == "win32"
Requires-Dist: this is no requirement
Requires-Dist: other ; extra == 'other'
"""


def a_wheel(info: str = SILENT, config: str = NEW_HEADER, metadata: str = METADATA) -> bytes:
    folder = "tensorflow/include/external"
    return archive(
        {
            "tensorflow/libtensorflow_framework.so.2": RANDOM * 3,
            "tensorflow/python/platform/build_info.py": info.encode(),
            "tensorflow/python/platform/build_info_test.py": b"cuda_version = 'wrong'",
            f"{folder}/local_config_cuda/cuda/cuda/cuda_config.h": config.encode(),
            "tensorflow/include/third_party/gpus/cuda/cuda_config.h": config.encode(),
            f"{folder}/cuda_cudnn/include/cudnn_version.h": CUDNN_HEADER.encode(),
            "tensorflow-2.99.0.dist-info/METADATA": metadata.encode(),
        }
    )


def ranges(server: Server) -> list[str]:
    return [path for path, wanted in server.asked if wanted]


def test_a_release_is_read_from_parts_of_the_wheel_for_that_python(server, index):
    server.release("tensorflow", {CP39: a_wheel(), CP311: a_wheel(ORDERED, "", "")})
    found = built_for("tensorflow", "2.99.0", "3.9", BASE, index)
    assert (found.release, found.cuda, found.cuda_exact, found.cudnn_exact) == ("2.99.0", "12.5", "12.5.1", "9.10.0")
    assert (found.told, found.source) == ("nothing", Source.WHEEL)
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
    assert found == Built(release="2.99.0", cuda="12.5", cudnn="9.3", source=Source.EXTRA)
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


# ---------------------------------------------------------------- the tables that are shipped


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
    found = cuda_facts.disagreements([release], [ROW])
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
    (tmp_path / "releases.csv").write_text(cuda_table.as_text(rows, AS_OF))
    assert cuda_facts.releases(tmp_path) == rows
    assert "on 2026-11-01" in (tmp_path / "releases.csv").read_text().splitlines()[0]


@pytest.mark.parametrize(
    "text", ["", "cuda,minimum\n10.0,1\n", "cuda,minimum,toolkit\n10.0,1\n", "cuda,minimum,toolkit\n1,2,3,4\n"]
)
def test_a_table_with_other_columns_is_refused_by_name(tmp_path, text):
    (tmp_path / "drivers.csv").write_text(text)
    with pytest.raises(ValueError, match=r"drivers\.csv"):
        cuda_facts.drivers(tmp_path)


def test_a_driver_is_found_for_a_line_and_for_a_full_version():
    known = (Driver(cuda="12.5", minimum="525.60.13", toolkit="555.42.02"),)
    assert cuda_facts.driver_for("12.5.1", known) == cuda_facts.driver_for("12.5", known) == known[0]
    assert cuda_facts.driver_for("12.50", known) is None


def test_every_cuda_line_of_a_release_has_a_driver_and_no_driver_is_older_than_its_minimum():
    drivers = cuda_facts.drivers(FOLDER)
    releases = cuda_facts.releases(FOLDER)
    assert all(cuda_facts.driver_for(r.built.cuda, drivers) for r in releases if r.built.cuda)
    numbers = [[int(n) for n in text.split(".")] for d in drivers for text in (d.minimum, d.toolkit)]
    assert all(least <= came for least, came in zip(numbers[::2], numbers[1::2], strict=True))
    assert [d.cuda for d in drivers] == sorted((d.cuda for d in drivers), key=lambda v: [int(n) for n in v.split(".")])


def test_every_documented_release_is_among_those_that_were_read():
    read = {(r.package, r.version) for r in cuda_facts.releases(FOLDER)}
    assert {(row.package, row.version) for row in cuda_facts.officials(FOLDER)} <= read


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
    found, failed = cuda_table.table(index, told.append)
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
    assert cuda_table.main([str(tmp_path)]) == (4 if broken else 0)
    printed = capsys.readouterr().out
    if broken:
        assert (tmp_path / "releases.csv").read_text() == "as it was"
        assert "1 releases could not be read" in printed
    else:
        assert [r.built.cuda for r in cuda_facts.releases(tmp_path)] == ["11.2", "12.5"]
        assert "tensorflow 2.0.0: CUDA: documentation of 2.0.0 10.0, wheel 11.2" in printed


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
        "11.2", "11.2", "8", "", Source.WHEEL,
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


@pytest.mark.network
@pytest.mark.parametrize("version", ["1.15.0", "2.4.1", "2.20.0"])
def test_the_shipped_table_says_what_the_wheels_say_today(real, version):
    (row,) = (r for r in cuda_facts.releases(FOLDER) if (r.package, r.version) == ("tensorflow", version))
    assert built_for("tensorflow", version, row.pythons[-1], BASE, real) == row.built
    assert pythons("tensorflow", version, real) == row.pythons
