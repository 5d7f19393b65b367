"""`images/indexes.py` against indexes of the tests' own: credentials go to one origin, files come whole or not."""

from __future__ import annotations

import importlib.util
import os
import time

import pytest
from credentialed_index import EXPECTED, PASSWORD, Index, index

from orchestrator import paths


@pytest.fixture(scope="module")
def indexes():
    spec = importlib.util.spec_from_file_location("compat_indexes", paths.data("images") / "indexes.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(autouse=True)
def quick(indexes, monkeypatch):
    monkeypatch.setattr(indexes, "PAUSES", ())
    for name in os.environ:
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture
def served():
    with index(secret=True) as made:
        yield made


@pytest.fixture
def on(indexes, monkeypatch):
    def use(root: str, **more: str) -> None:
        known = indexes.Indexes({"UV_DEFAULT_INDEX": root, **more})
        monkeypatch.setattr(indexes, "host", lambda: known)

    return use


def fetch(indexes, served: Index, folder, sha256: str, **options) -> bytes:
    url = indexes.find("a", "a-1.tar.gz")
    assert PASSWORD not in url
    indexes.download(url, str(folder / "it"), sha256, **options)
    return (folder / "it").read_bytes()


def test_a_file_of_an_index_with_credentials_comes_with_them(indexes, served, on, tmp_path):
    on(served.root)
    assert fetch(indexes, served, tmp_path, served.add("a", "a-1.tar.gz", b"content")) == b"content"
    assert served.authorized == [("/simple/a/", EXPECTED), ("/files/a-1.tar.gz", EXPECTED)]


@pytest.mark.parametrize("how", ["link", "redirect"])
def test_credentials_go_to_no_other_origin(indexes, served, on, tmp_path, how):
    with index("localhost") as other:
        on(served.root)
        other.add("a", "a-1.tar.gz", b"content")
        there = f"{other.url}/files/a-1.tar.gz"
        sha256 = served.add("a", "a-1.tar.gz", b"content", at=there if how == "link" else "")
        if how == "redirect":
            served.spoil = lambda path, answer: (302, {"Location": there}, b"") if "files" in path else answer
        assert fetch(indexes, served, tmp_path, sha256) == b"content"
        assert other.authorized == [("/files/a-1.tar.gz", None)]


def test_another_port_of_the_same_host_is_another_origin(indexes, served, on, tmp_path):
    with index() as other:
        on(served.root)
        other.add("a", "a-1.tar.gz", b"content")
        sha256 = served.add("a", "a-1.tar.gz", b"content", at=f"{other.url}/files/a-1.tar.gz")
        fetch(indexes, served, tmp_path, sha256)
        assert other.authorized == [("/files/a-1.tar.gz", None)]


@pytest.mark.parametrize("status", [401, 403, 404, 500])
def test_no_error_tells_the_password(indexes, served, on, tmp_path, status):
    on(served.root)
    sha256 = served.add("a", "a-1.tar.gz", b"content")
    served.spoil = lambda path, answer: (status, {}, b"") if "files" in path else answer
    with pytest.raises(indexes.Trouble) as caught:
        fetch(indexes, served, tmp_path, sha256)
    assert str(caught.value) == f"a-1.tar.gz of 127.0.0.1:{served.port}: HTTP {status}"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("status", [401, 500])
def test_an_index_that_lists_nothing_is_told_without_its_password(indexes, served, on, status):
    on(served.root)
    served.spoil = lambda _path, _answer: (status, {}, b"")
    with pytest.raises(LookupError, match=f"HTTP {status}") as caught:
        indexes.find("a", "a-1.tar.gz")
    assert PASSWORD not in str(caught.value)


def test_only_what_may_pass_is_tried_again(indexes, served, on, monkeypatch, tmp_path):
    on(served.root)
    monkeypatch.setattr(indexes, "PAUSES", (0, 0))
    sha256 = served.add("a", "a-1.tar.gz", b"content")
    for status, times in ((401, 1), (404, 1), (503, 3)):
        served.spoil = lambda path, answer, s=status: (s, {}, b"") if "files" in path else answer
        served.asked.clear()
        with pytest.raises(indexes.Trouble):
            fetch(indexes, served, tmp_path, sha256)
        assert served.asked.count("/files/a-1.tar.gz") == times


@pytest.mark.parametrize(
    ("options", "spoiled", "message"),
    [
        ({}, b"other", "expected was"),
        ({"size": 3}, b"content", "more than 3 bytes"),
        ({}, None, "cut off"),
    ],
    ids=["other bytes", "too large", "cut off"],
)
def test_what_is_not_the_file_leaves_nothing(indexes, served, on, tmp_path, options, spoiled, message):
    on(served.root)
    sha256 = served.add("a", "a-1.tar.gz", b"content")

    def spoil(path, answer):
        if "files" not in path:
            return answer
        headers = {} if spoiled is not None else {"Content-Length": "1000", "Connection": "close"}
        return 200, headers, spoiled if spoiled is not None else b"content"

    served.spoil = spoil
    with pytest.raises((OSError, ValueError), match=message):
        fetch(indexes, served, tmp_path, sha256, **options)
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_trickles_is_given_up(indexes, served, on, monkeypatch, tmp_path):
    on(served.root)
    monkeypatch.setattr(indexes, "SILENT_SECONDS", 0.2)
    sha256 = served.add("a", "a-1.tar.gz", b"x" * 100)

    def trickle(wfile, body):
        for number in range(len(body)):
            time.sleep(0.05 if body[:1] == b"x" else 0)
            wfile.write(body[number : number + 1])
            wfile.flush()

    served.write = trickle
    began = time.monotonic()
    with pytest.raises(indexes.Trouble, match="slower than"):
        fetch(indexes, served, tmp_path, sha256)
    assert time.monotonic() - began < 3


def test_an_answer_that_does_not_begin_is_cut(indexes, served, on, monkeypatch):
    on(served.root)
    monkeypatch.setattr(indexes, "HEAD_SECONDS", 0.2)
    served.spoil = lambda _path, answer: (time.sleep(1), answer)[1]
    began = time.monotonic()
    with pytest.raises(LookupError):
        indexes.find("a", "a-1.tar.gz")
    assert time.monotonic() - began < 0.9


def test_names_that_are_none_are_never_asked_for(indexes, served, on):
    on(served.root)
    for name in ("../x", "a/b", "a\r\nX: y", "", "-a", "a" * 300, "http://x"):
        with pytest.raises(LookupError):
            indexes.find(name, "a-1.tar.gz")
    assert served.asked == []


def test_every_variable_is_read_and_each_index_asked_once(indexes):
    made = indexes.Indexes(
        {
            "PIP_INDEX_URL": "http://one.invalid/simple/",
            "UV_DEFAULT_INDEX": "named=http://one.invalid/simple",
            "UV_INDEX": "own=http://two.invalid/a?b=c http://u:p@three.invalid",
            "UV_INDEX_OWN_USERNAME": "me",
            "UV_INDEX_OWN_PASSWORD": "it",
        }
    )
    assert made.roots == ["http://two.invalid/a?b=c", "http://three.invalid", "http://one.invalid/simple"]
    assert made.named == {"UV_INDEX": [0, 1], "UV_DEFAULT_INDEX": [2], "PIP_INDEX_URL": [2]}
    assert made.login("http://two.invalid/a/x").startswith("Basic ")
    assert made.login("http://three.invalid/f").startswith("Basic ")
    assert made.login("https://three.invalid/f") == made.login("http://one.invalid/simple/") == ""
    assert indexes.Indexes({}).roots == []


def test_a_page_of_json_and_one_of_html_say_the_same(indexes, on):
    on("http://x.invalid/simple")
    known = indexes.host()
    page = b'<base href="/b/"><a href="f/a-1.whl#sha256=AA" data-requires-python="&gt;=3" data-core-metadata>a</a>'
    json = b'{"files": [{"filename": "a-1.whl", "url": "../b/f/a-1.whl", "hashes": {"sha256": "aa"}}, {"filename": 1}]}'
    (one,) = indexes.files("text/html", page, "http://x.invalid/simple/a/", known)
    (two,) = indexes.files("application/vnd.pypi.simple.v1+json", json, "http://x.invalid/simple/", known)
    assert one["url"] == two["url"] == "http://x.invalid/b/f/a-1.whl"
    assert (one["requires-python"], one["core-metadata"], one["hashes"]) == (">=3", True, two["hashes"])
