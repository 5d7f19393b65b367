"""`compat doctor` as a person types it: a daemon and an index made for the test, real programs on PATH."""

from __future__ import annotations

import json
import shutil
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from made_daemon import answers, daemon
from seen import moving
from shell_tools import TWO

from orchestrator import paths
from orchestrator.app import machine as app
from orchestrator.app.services import of_host
from orchestrator.cli.main import status_of
from orchestrator.engine import host as machine
from orchestrator.engine import nvidia
from orchestrator.lock.reachable import ask_index
from orchestrator.model.host import Reply

MATRIX = """\
schema: 1
title: KerasSurgeon on TensorFlow
axes:
  tf: {package: tensorflow, choices: ["2.3.4", "2.4.1"]}
  kerassurgeon: {package: kerassurgeon, choices: [none, "0.2.0"], subject: true}
  python: {kind: python, choices: ["3.7", "3.9"]}
  device: {kind: device, choices: [cpu]}
  resolve: {kind: resolve, choices: [released, pip-today]}
"""
RANGE = MATRIX.replace('["2.3.4", "2.4.1"]', '[{range: ">=2.3,<2.5", take: newest}]')
PAGE = {"meta": {"api-version": "1.0"}, "name": "pip", "files": [
    {"filename": "pip-24.0-py3-none-any.whl", "url": "pip-24.0-py3-none-any.whl", "hashes": {}}
]}  # fmt: skip


@contextmanager
def index(pages, *, status=200, delay=0.0):
    """A package index that has these pages; its address."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            return

        def do_GET(self) -> None:
            time.sleep(delay)
            name = self.path.strip("/").rpartition("/")[2]
            page = pages.get(name)
            body = page if isinstance(page, bytes) else json.dumps(page).encode()
            self.send_response(status if page is not None or status != 200 else 404)
            self.send_header("Content-Type", "application/vnd.pypi.simple.v1+json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads, server.block_on_close = True, False
    server.handle_error = lambda *_: None
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield f"http://someone:secret@127.0.0.1:{server.server_port}/simple"
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(name="compat")
def compat_fixture(tmp_path, monkeypatch, capsys):
    """Calls the command in a folder with a matrix; nothing of this machine's is on its PATH."""
    (tmp_path / "matrix.yaml").write_text(MATRIX)
    (tmp_path / "bin").mkdir()
    docker = 'case "$1" in buildx) echo "github.com/docker/buildx v0.14.1 x";; *) echo "Docker version 27.3.1";; esac'
    script(tmp_path, "docker", docker)
    script(tmp_path, "mmdebstrap", "exit 1")
    monkeypatch.chdir(tmp_path)
    for name in ("CI", "COLUMNS", "UV_INDEX_URL", "PIP_INDEX_URL", "FORCE_COLOR", "DOCKER_CONTEXT"):
        monkeypatch.delenv(name, raising=False)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1")
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "bin" / "sleep").symlink_to(shutil.which("sleep"))
    monkeypatch.setenv("PATH", f"{tmp_path}/bin")
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple")

    def call(*arguments: str) -> tuple[int, str]:
        capsys.readouterr()
        status = status_of(["doctor", *arguments])
        out, err = capsys.readouterr()
        assert err == ""
        return int(status), out

    return call


def script(folder, name, content):
    path = folder / "bin" / name
    path.write_text(f"#!/bin/sh\n{content}\n")
    path.chmod(0o755)


def test_a_machine_that_has_all_is_told_so_in_both_forms(compat, monkeypatch, tmp_path):
    script(tmp_path, "nvidia-smi", TWO)
    before = sorted(str(p) for p in tmp_path.rglob("*"))
    with daemon(answers()) as (environment, asked), index({"pip": PAGE}) as address:
        monkeypatch.setenv("DOCKER_HOST", environment["DOCKER_HOST"])
        monkeypatch.setenv("UV_DEFAULT_INDEX", address)
        status, out = compat()
        _, document = compat("--json")
    assert status == 0
    assert out.startswith("CPU combinations can run here, in Docker 27.3.1.\n")
    assert "  ok    driver 535.104.05, 2 GPUs\n" in out
    assert "  ok    NVIDIA A100-SXM4-80GB, 80 GiB, compute capability 8.0\n" in out
    assert f"the package index at {address.rpartition('@')[2].removesuffix('/simple')} answers" in out
    assert "Python 3.7, 8 planned: the base is here" in out
    assert "16 of 16 planned on the CPU have a base" in out
    assert "\x1b" not in out
    assert "secret" not in out + document
    read = json.loads(document)
    assert [gpu["name"] for gpu in read["facts"]["nvidia"]["gpus"]] == ["NVIDIA A100-SXM4-80GB", "Tesla T4"]
    assert read["exit"] == 0
    assert sorted(str(p) for p in tmp_path.rglob("*")) == before
    assert {path.partition("?")[0] for path in asked} <= {
        "/version",
        "/v1.44/info",
        "/v1.44/images/json",
        "/v1.44/distribution/python:3.9-slim-bullseye/json",
    }


def test_without_an_engine_or_an_index_the_exit_status_tells_which(compat, monkeypatch, tmp_path):
    script(tmp_path, "python3.9", "echo CPython 3.9")
    with index({"pip": PAGE}) as address:
        monkeypatch.setenv("UV_DEFAULT_INDEX", address)
        status, out = compat()
        assert (status, "in the local engine, without isolation" in out) == (0, True)
        monkeypatch.setattr(machine.sys, "platform", "darwin")
        assert compat()[0] == 3
        monkeypatch.undo()


def test_an_index_that_is_not_there_is_named_without_its_password(compat, monkeypatch):
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://someone:secret@127.0.0.1:9/simple")
    status, out = compat()
    assert status == 4
    assert "the package index at 127.0.0.1:9 does not answer properly: ConnectionError" in out
    assert "secret" not in out


@pytest.mark.parametrize(
    ("pages", "status", "reply", "said"),
    [
        ({"pip": PAGE}, 200, Reply.ANSWERED, ""),
        ({"setuptools": PAGE}, 200, Reply.ANSWERED, ""),
        ({}, 200, Reply.FAILED, "it has neither pip nor setuptools"),
        ({"pip": PAGE}, 503, Reply.FAILED, "HTTP 503"),
        ({"pip": b"<html>captive portal"}, 200, Reply.FAILED, "JSONDecodeError"),
        ({"pip": PAGE | {"meta": {"api-version": "9.0"}}}, 200, Reply.UNREADABLE, "UnsupportedRepoVersionError"),
        ({"pip": {"hello": "world"}}, 200, Reply.UNREADABLE, "ValidationError"),
    ],
)
def test_an_index_counts_when_it_answers_as_an_index_does(monkeypatch, pages, status, reply, said):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with index(pages, status=status) as address:
        found = ask_index(address + "/", None)
    assert (found.reply, found.said) == (reply, said)


def test_an_index_that_is_slow_is_not_waited_for(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    began = time.monotonic()
    with index({"pip": PAGE}, delay=3) as address:
        assert ask_index(address + "/", None, seconds=(0.3, 0.3)).reply is Reply.SILENT
    assert time.monotonic() - began < 2.5


def test_settings_that_can_not_be_read_are_a_finding(compat, monkeypatch, tmp_path):
    monkeypatch.delenv("UV_DEFAULT_INDEX")
    (tmp_path / "uv.toml").write_text("not = [toml")
    monkeypatch.setenv("UV_CONFIG_FILE", str(tmp_path / "uv.toml"))
    status, out = compat()
    assert status == 4
    assert "its settings can't be read" in out


def test_a_driver_that_hangs_does_not_hang_the_command(compat, monkeypatch, tmp_path):
    monkeypatch.setattr(nvidia, "SMI_SECONDS", 0.5)
    script(tmp_path, "nvidia-smi", "sleep 60")
    began = time.monotonic()
    _, out = compat()
    assert time.monotonic() - began < 8
    assert "nvidia-smi did not answer within 0.5 s and was ended" in out


def test_a_narrow_terminal_gets_narrow_lines(compat, monkeypatch, tmp_path):
    script(tmp_path, "nvidia-smi", "printf '\\033[1mNVIDIA-SMI has failed, and it says so at some length\\n'; exit 9")
    monkeypatch.setenv("COLUMNS", "60")
    _, out = compat()
    assert "ended with exit status 9: NVIDIA-SMI has failed" in " ".join(out.split())
    assert "\x1b" not in out
    assert all(len(line) <= 60 or len(line.split()) <= 2 for line in out.splitlines())


def test_a_matrix_whose_ranges_nobody_has_read_is_counted_without_asking_the_index(compat, tmp_path):
    (tmp_path / "matrix.yaml").write_text(RANGE)
    _, out = compat()
    assert "once the package index has been read" in " ".join(out.split())
    assert not (tmp_path / ".compat").exists()


def test_a_matrix_that_is_wrong_is_told_beside_the_machine(compat, tmp_path):
    (tmp_path / "matrix.yaml").write_text("schema: 1\ntitle: x\naxes: []\n")
    status, out = compat()
    assert status == 2
    assert "matrix.yaml:3:7" in out
    assert "Processor\n" in out
    status, out = compat("--matrix", "none.yaml")
    assert (status, "none.yaml" in out) == (2, True)


def test_the_flagship_matrix_is_counted_from_what_is_published():
    path = paths.data("matrix.yaml")
    found = app.planned(path, of_host({}))
    assert found.counts is not None
    assert sum(number for _, _, number in found.counts) > 500
    assert set(found.pythons) >= {python for _, python, _ in found.counts}
    assert {device for device, _, _ in found.counts} >= {"cpu", "cuda11.2", "cuda12.3"}
    assert all(line.image or line.wheels for line in found.lines)


def test_the_table_of_drivers_is_read_and_may_be_missing(tmp_path):
    table = tmp_path / "drivers.csv"
    table.write_text("# where from\ncuda,minimum,toolkit\n11.2,450.80.02,460.27.03\n12.2,525.60.13,535.54.03\n")
    assert app.minimum_drivers(tmp_path) == {"cuda11.2": "450.80.02", "cuda12.2": "525.60.13"}
    assert app.minimum_drivers(tmp_path / "none") == {}


@pytest.mark.parametrize("title", ["a\\e[31mb", "a\\u202eb", "a\\0b", "\\ud800"])
def test_a_matrix_with_what_a_terminal_acts_on_is_refused_as_text(compat, tmp_path, title):
    (tmp_path / "matrix.yaml").write_text(MATRIX.replace("title: KerasSurgeon on TensorFlow", f'title: "{title}"'))
    status, out = compat()
    assert status != 0
    assert "matrix.yaml:2:8 title: character" in " ".join(out.split())
    assert moving(out) == []


def test_a_group_that_no_probe_belongs_to_is_told(compat, tmp_path):
    (tmp_path / "matrix.yaml").write_text(MATRIX + "groups:\n  surgon: {}\n")
    out = " ".join(compat()[1].split())
    assert "matrix.yaml:10:3 groups.surgon: group 'surgon' has no probes in the suite" in out
    assert "did you mean 'surgeon'?" in out
