"""What comes out of a build, taken in as hostile data; and what an end other than a wheel means."""

from __future__ import annotations

import base64
import hashlib

import pytest

from orchestrator.engine import docker_compile
from orchestrator.engine.docker_compile import Received
from orchestrator.errors import CellError, CellStatus, Phase, UserError, infra
from orchestrator.model import Distribution, Exit

SOURCE = Distribution(name="some-thing", version="1.0", filename="some_thing-1.0.tar.gz", sha256="a" * 64)
NAME = "some_thing-1.0-py3-none-any.whl"
CONTENT = b"PK" + bytes(1000)


def lines(name: str = NAME, content: bytes = CONTENT, sha256: str = "", size: int | None = None) -> list[bytes]:
    size = len(content) if size is None else size
    head = f"wheel {name} {size} {sha256 or hashlib.sha256(content).hexdigest()}".encode()
    return [head, base64.b64encode(content[:300]), base64.b64encode(content[300:]), b"end"]


def taken(tmp_path, given: list[bytes], **options) -> Received:
    made = Received(target=tmp_path / "wheel", **options)
    for line in given:
        made.feed(line)
    made.check(SOURCE)
    return made


def test_a_wheel_comes_out_whole(tmp_path):
    made = taken(tmp_path, lines())
    assert (made.filename, (tmp_path / "wheel").read_bytes()) == (NAME, CONTENT)
    (tmp_path / "wheel").unlink()
    assert taken(tmp_path, lines("Some_Thing-1.0.0+local-py3-none-any.whl")).filename.startswith("Some")


WRONG = {
    "nothing": ([], {}),
    "words": ([b"hello", *lines()], {}),
    "a folder up": (lines("../evil-1.0-py3-none-any.whl"), {}),
    "a path": (lines("/etc/evil-1.0-py3-none-any.whl"), {}),
    "no name of a wheel": (lines("some_thing.whl"), {}),
    "another project": (lines("numpy-1.0-py3-none-any.whl"), {}),
    "another version": (lines("some_thing-2.0-py3-none-any.whl"), {}),
    "two wheels": ([*lines(), *lines()], {}),
    "cut off": (lines()[:-1], {}),
    "a part is missing": (lines()[:2] + lines()[3:], {}),
    "more than was said": (lines(size=400), {}),
    "another hash": (lines(sha256="0" * 64), {}),
    "no base64": ([lines()[0], b"\x00\xff!", b"end"], {}),
    "too large": (lines(), {"most": 500}),
    "a size without end": ([f"wheel {NAME} {'9' * 5000} {'0' * 64}".encode()], {}),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_not_that_wheel_is_refused(tmp_path, name):
    given, options = WRONG[name]
    with pytest.raises(ValueError, match="wheel"):
        taken(tmp_path, given, **options)
    assert {p.name for p in tmp_path.iterdir()} <= {"wheel"}


def test_no_more_is_written_than_was_announced(tmp_path):
    made = Received(target=tmp_path / "wheel")
    for line in [*lines(size=400)[:2], *[base64.b64encode(bytes(1000))] * 50]:
        made.feed(line)
    assert (tmp_path / "wheel").stat().st_size <= 400


@pytest.mark.parametrize(
    ("ended", "status", "reason"),
    [
        ({"code": 43}, CellStatus.INFRA, "fetch"),
        ({"code": 44, "trouble": "HTTP 503"}, CellStatus.INFRA, "fetch"),
        ({"code": 137, "timed_out": True, "trouble": "HTTP 503"}, CellStatus.INFRA, "fetch"),
        ({"code": 125}, CellStatus.INFRA, "fetch"),
        ({"code": None, "lost": "the daemon"}, CellStatus.INFRA, "engine"),
        ({"code": 44}, CellStatus.UNINSTALLABLE, "build-fails"),
        ({"code": 137, "timed_out": True}, CellStatus.UNINSTALLABLE, "build-timeout"),
        ({"code": 44, "oom_killed": True}, CellStatus.UNINSTALLABLE, "build-memory"),
        (
            {"code": 44, "stderr": "OSError: [Errno 28] No space left on device"},
            CellStatus.UNINSTALLABLE,
            "build-space",
        ),
        ({"code": 137}, CellStatus.INFRA, "build"),
        ({"code": 1}, CellStatus.INFRA, "build"),
    ],
)
def test_how_it_ended_says_whose_failure_it_is(ended, status, reason):
    error = docker_compile.failure(Exit(seconds=1.0, **ended))
    assert (error.status, error.reason) == (status, reason)


def test_no_error_tells_a_password():
    said = "error: no answer from https://me:s3cr3t@index.example:8080/simple/x, nor from http://you@other/ a@b"
    clean = "error: no answer from https://index.example:8080/simple/x, nor from http://other/ a@b"
    assert infra(Phase.BUILD, "fetch", said).detail == clean
    assert "s3cr3t" not in str(CellError(Phase.BUILD, CellStatus.INFRA, "x", said))
    assert str(UserError(said)) == clean
