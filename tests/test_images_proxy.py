"""`images/proxy.py` in a process of its own, before indexes of the tests' own: what it gives, and what it refuses."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest
from credentialed_index import PASSWORD, USER, index

from orchestrator import paths

PYTHON = os.environ.get("COMPAT_OLDEST_PYTHON") or sys.executable
TOKEN, OTHER = "a" * 32, "b" * 32


class Proxy:
    """A proxy that runs; `ask` is a GET of a path below a token."""

    def __init__(self, socket_path: Path, folder: Path, log: Path) -> None:
        self.path, self.folder, self.log = socket_path, folder, log

    def raw(self, text: bytes) -> bytes:
        with socket.socket(socket.AF_UNIX) as asking:
            asking.settimeout(20)
            asking.connect(str(self.path))
            asking.sendall(text)
            asking.shutdown(socket.SHUT_WR)
            # who is refused before all of it was read sees the connection reset
            with asking.makefile("rb") as answer, suppress(ConnectionResetError):
                return answer.read()
        return b""

    def ask(self, path: str, token: str = TOKEN, method: str = "GET", **headers: str):
        connection = http.client.HTTPConnection("proxy")
        with socket.socket(socket.AF_UNIX) as connection.sock:
            connection.sock.settimeout(20)
            connection.sock.connect(str(self.path))
            connection.request(method, f"/{token}{path}", headers=headers)
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()

    def trouble(self, token: str = TOKEN) -> int:
        said = json.loads(self.ask("/trouble", token)[2])
        return said["count"] + said["refused"]


@contextmanager
def running(folder: Path, environment: dict[str, str]):
    settings = folder / "settings"
    settings.write_text(json.dumps({"environment": environment}))
    (folder / "cache").mkdir(exist_ok=True)
    log = folder / "log"
    command = [PYTHON, "-I", "-S", str(paths.data("images") / "proxy.py"), str(folder / "socket")]
    # "-u" is not heard with what else is set here
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [*command, str(folder / "cache"), str(settings)], stdout=sink, stderr=subprocess.STDOUT, env={}
        )
    try:
        for _ in range(200):
            if b"ready" in log.read_bytes():
                break
            time.sleep(0.02)
        assert not settings.exists()
        yield Proxy(folder / "socket", folder / "cache", log)
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def served():
    with index(secret=True) as made:
        yield made


@pytest.fixture(scope="module")
def proxy(served, tmp_path_factory):
    with running(tmp_path_factory.mktemp("proxy"), {"UV_DEFAULT_INDEX": served.root}) as made:
        yield made


@pytest.fixture(autouse=True)
def as_it_is(served):
    served.spoil = lambda _path, answer: answer
    served.asked.clear()


def test_a_page_names_the_proxy_alone(served, proxy):
    served.add("Plain.Name", "plain_name-1.tar.gz", b"x")
    served.links["plain-name"] = served.links.pop("Plain.Name")
    status, headers, body = proxy.ask("/0/simple/Plain.Name/")
    assert (status, headers["Content-Type"], headers["Connection"]) == (200, "text/html; charset=utf-8", "close")
    assert b'href="../../file/plain-name/plain_name-1.tar.gz#sha256=' in body
    for secret in (PASSWORD, USER, served.url, str(served.port)):
        assert secret.encode() not in body
    assert proxy.ask("/settings")[2] == b'{"named": {"UV_DEFAULT_INDEX": [0]}}'


def test_a_page_of_json_stays_one_and_tells_no_address(served, proxy):
    entry = {"filename": "j-1.whl", "url": "../../files/j-1.whl", "hashes": {"sha256": "0" * 64}, "x": PASSWORD}
    entry |= {"size": 3, "upload-time": "2023-01-01T00:00:00Z", "core-metadata": {"sha256": "1" * 64}, "yanked": "bad"}
    served.files["/simple/j/"] = json.dumps({"meta": {"api-version": "1.1"}, "name": "j", "files": [entry]}).encode()
    served.spoil = lambda _path, answer: (answer[0], {"Content-Type": "application/vnd.pypi.simple.v1+json"}, answer[2])
    _, headers, body = proxy.ask("/0/simple/j/", Accept="application/vnd.pypi.simple.v1+json")
    assert headers["Content-Type"] == "application/vnd.pypi.simple.v1+json"
    (file,) = json.loads(body)["files"]
    assert file.pop("dist-info-metadata") == file["core-metadata"]
    assert file == {**{k: v for k, v in entry.items() if k != "x"}, "url": "../../file/j/j-1.whl"}


def test_a_file_is_fetched_once_and_verified_again_when_it_is_read(served, proxy):
    content = os.urandom(100_000)
    sha256 = served.add("kept", "kept-1.tar.gz", content)
    for _ in range(3):
        assert proxy.ask("/0/file/kept/kept-1.tar.gz")[2] == content
    assert served.asked.count("/files/kept-1.tar.gz") == 1
    kept = proxy.folder / sha256[:2] / sha256
    kept.write_bytes(b"spoiled")
    assert proxy.ask("/any/file/kept/kept-1.tar.gz")[2] == content
    assert served.asked.count("/files/kept-1.tar.gz") == 2
    assert kept.read_bytes() == content


def test_a_part_and_the_head_of_a_file_come_before_and_after_it_is_kept(served, proxy):
    content = bytes(range(256)) * 10
    served.add("part", "part-1.whl", content)
    for _ in range(2):
        status, headers, body = proxy.ask("/0/file/part/part-1.whl", Range="bytes=10-19")
        assert (status, headers["Content-Range"], body) == (206, "bytes 10-19/2560", content[10:20])
        status, headers, body = proxy.ask("/0/file/part/part-1.whl", method="HEAD")
        assert (status, headers["Content-Length"], body) == (200, "2560", b"")
        proxy.ask("/0/file/part/part-1.whl")
    assert proxy.ask("/0/file/part/part-1.whl", Range="bytes=-6")[2] == content[-6:]
    assert proxy.ask("/0/file/part/part-1.whl", Range="bytes=9999-")[0] == 416


def test_what_is_kept_is_forgotten_when_told_and_what_is_being_written_is_not(served, proxy):
    sha256 = served.add("gone", "gone-1.whl", b"soon gone")
    proxy.ask("/0/file/gone/gone-1.whl")
    half = proxy.folder / "half.part-1"
    half.write_bytes(b"x")
    subprocess.run([PYTHON, str(paths.data("images") / "proxy.py"), "forget", str(proxy.folder)], check=True)
    assert not (proxy.folder / sha256[:2] / sha256).exists()
    assert half.exists()
    half.unlink()
    assert proxy.ask("/0/file/gone/gone-1.whl")[2] == b"soon gone"


def test_other_bytes_than_the_page_says_are_never_given_out(served, proxy):
    served.add("lies", "lies-1.whl", b"content", sha256="0" * 64)
    before = proxy.trouble()
    status, _, body = proxy.ask("/0/file/lies/lies-1.whl")
    assert (status, body) == (502, b"the index did not answer properly")
    assert proxy.trouble() == before + 1
    assert proxy.trouble(OTHER) == 0
    assert not any("part" in f.name for f in proxy.folder.rglob("*"))


def test_an_index_that_serves_another_file_the_second_time_is_found_out(served, proxy):
    sha256 = served.add("turns", "turns-1.whl", b"first")
    assert proxy.ask("/0/file/turns/turns-1.whl")[2] == b"first"
    (proxy.folder / sha256[:2] / sha256).unlink()
    served.files["/files/turns-1.whl"] = b"second"
    assert proxy.ask("/0/file/turns/turns-1.whl")[0] == 502


@pytest.mark.parametrize(("status", "given", "counted"), [(404, 404, 0), (401, 502, 1), (403, 502, 1)])
def test_what_an_index_refuses_is_trouble_and_what_it_has_not_is_none(served, proxy, status, given, counted):
    served.spoil = lambda _path, _answer: (status, {}, b"")
    before = proxy.trouble()
    assert proxy.ask(f"/0/simple/refused{status}/")[0] == given
    assert proxy.trouble() == before + counted


def test_the_command_says_what_went_wrong(served, proxy):
    served.spoil = lambda _path, _answer: (403, {}, b"")
    proxy.ask("/0/simple/said/", OTHER)
    command = [PYTHON, "-I", "-S", str(paths.data("images") / "proxy.py"), "trouble", str(proxy.path), OTHER]
    said = json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout)
    assert said == {"count": 0, "refused": 1, "last": f"said of {served.host}:{served.port}: HTTP 403"}


ABSURD = [
    "/0/simple/../../etc/passwd/", "/0/simple/%2e%2e/", "/0/simple/", "/0/simple/a", "/9/simple/a/", "/99999/simple/a/",
    "/0/file/a/..%2f..%2fetc%2fpasswd", "/0/file/../a", "/0/file/a/", "/any/simple/a/", "/0/simple/a/?x=http://x/",
    "/0/file/http:%2f%2f169.254.169.254%2f/latest", "/0/simple/a//", "//", "", "/trouble/x",
    "/0/simple/" + "a" * 5000 + "/",
]  # fmt: skip


@pytest.mark.parametrize("path", ABSURD)
def test_paths_that_are_none_reach_no_index(served, proxy, path):
    assert proxy.ask(path)[0] == 404
    assert served.asked in ([], ["/simple/a/"])


RAW = {
    "open proxy": b"GET http://169.254.169.254/latest/meta-data/ HTTP/1.1\r\nHost: x\r\n\r\n",
    "file": b"GET file:///etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n",
    "connect": b"CONNECT 169.254.169.254:80 HTTP/1.1\r\nHost: x\r\n\r\n",
    "post": b"POST /%s/0/simple/a/ HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n" % TOKEN.encode(),
    "body": b"GET /%s/settings HTTP/1.1\r\nContent-Length: 40\r\n\r\nGET /x HTTP/1.1\r\n\r\n" % TOKEN.encode(),
    "chunked": b"GET /%s/settings HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" % TOKEN.encode(),
    "crlf": b"GET /%s/0/simple/a/%%0d%%0aHost:%%20evil/ HTTP/1.1\r\n\r\n" % TOKEN.encode(),
    "huge header": b"GET /%s/settings HTTP/1.1\r\nX: %s\r\n\r\n" % (TOKEN.encode(), b"x" * 100_000),
    "many headers": b"GET /%s/settings HTTP/1.1\r\n%s\r\n" % (TOKEN.encode(), b"X: y\r\n" * 500),
    "no token": b"GET /0/simple/a/ HTTP/1.1\r\n\r\n",
    "garbage": b"\x16\x03\x01" + b"\x00" * 50 + b"\r\n\r\n",
}


@pytest.mark.parametrize("name", RAW)
def test_what_is_no_question_is_refused_and_nothing_is_asked(served, proxy, name):
    answer = proxy.raw(RAW[name])
    # what came before HTTP had status lines is answered without one
    assert not answer.startswith(b"HTTP/1.1 200")
    assert b"root:" not in answer
    assert served.asked == []


def test_a_second_question_on_a_connection_is_not_heard(proxy):
    text = b"GET /%s/settings HTTP/1.1\r\n\r\n" % TOKEN.encode()
    assert proxy.raw(text + text).count(b"HTTP/1.1 200") == 1


def test_who_asks_slowly_keeps_nobody_waiting(served, proxy):
    slow = []
    for _ in range(50):
        slow.append(socket.socket(socket.AF_UNIX))
        slow[-1].connect(str(proxy.path))
        slow[-1].sendall(b"GET /")
    began = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        assert all(a[0] == 200 for a in pool.map(lambda _: proxy.ask("/settings"), range(40)))
    assert time.monotonic() - began < 3
    for each in slow:
        each.close()


def test_the_log_tells_no_password(served, proxy):
    served.spoil = lambda _path, _answer: (403, {}, b"")
    proxy.ask("/0/simple/logged/")
    assert PASSWORD not in proxy.log.read_text()
    assert USER not in proxy.log.read_text()


def test_who_takes_every_connection_is_trouble_for_those_who_are_at_it_and_for_nobody_later(served, tmp_path):
    """Attack: one build that opened three hundred connections made every later cell our fault."""
    before, after = "b" * 32, "c" * 32
    with running(tmp_path, {"UV_DEFAULT_INDEX": served.root}) as proxy, ExitStack() as held:
        proxy.ask("/settings", before)
        for _ in range(300):
            taken = held.enter_context(socket.socket(socket.AF_UNIX))
            taken.connect(str(proxy.path))
        with suppress(ConnectionError):
            assert taken.recv(1) == b"", "the last one is turned away"
        held.close()
        end = time.monotonic() + 20
        while time.monotonic() < end:
            with suppress(OSError, http.client.HTTPException):
                proxy.ask("/settings", after)
                break
        assert proxy.trouble(before) > 0
        assert proxy.trouble(after) == 0
