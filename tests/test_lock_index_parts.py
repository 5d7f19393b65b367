from __future__ import annotations

import pytest
from range_server import reading, serving

from orchestrator.errors import CellError, CellStatus
from orchestrator.lock.index import PAUSES
from orchestrator.model import IndexFile


@pytest.fixture
def server(monkeypatch):
    with serving(monkeypatch) as state:
        yield state


@pytest.fixture
def index(server, tmp_path):
    with reading(server, tmp_path) as made:
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
    server.pause = lambda *_: setattr(server, "spoil", good)
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
