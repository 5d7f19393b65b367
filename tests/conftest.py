"""Keeps real tools out of tests that are not marked for them, and container tests from vanishing unseen."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes says something about the machine and its other work, nothing about a property.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
settings.load_profile("unhurried")

# A shell's background command and nohup hand these down ignored; the tests send them, and their children inherit.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

NO_SKIPS = os.environ.get("COMPAT_NO_SKIPS") == "1"


def engine_answers() -> bool:
    """Whether a Docker daemon answers at the place the environment names."""
    client = shutil.which("docker")
    if client is None:
        return False
    asked = subprocess.run(
        [client, "version", "--format", "{{.Server.Version}}"], capture_output=True, check=False, timeout=30
    )
    return asked.returncode == 0


def can_start_daemon() -> bool:
    """Whether the fault tests can start a daemon of their own: root, with dockerd and loop mounts."""
    return os.geteuid() == 0 and shutil.which("dockerd") is not None and shutil.which("mkfs.ext4") is not None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    engine = daemon = None
    for item in items:
        if item.get_closest_marker("faults"):
            daemon = can_start_daemon() if daemon is None else daemon
            _unless(daemon, item, "needs root, dockerd and mkfs.ext4: `nox -s engine` installs them on Debian")
        elif item.get_closest_marker("container"):
            engine = engine_answers() if engine is None else engine
            _unless(engine, item, "no container engine answers: `nox -s engine` starts one on Debian")


def _unless(there: bool, item: pytest.Item, why: str) -> None:
    if there:
        return
    if NO_SKIPS:
        pytest.exit(f"{item.nodeid} would be skipped: {why}", returncode=1)
    item.add_marker(pytest.mark.skip(reason=why))


@pytest.fixture(scope="session")
def flat(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The suite that ships as a container has it."""
    from staged import shipped, stage

    return stage(shipped(), tmp_path_factory.mktemp("flat") / "probes")


@pytest.fixture(autouse=True)
def no_engine_socket(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Forbids unmarked tests the engine's socket, so that a fast test can't come to need a daemon."""
    if any(request.node.get_closest_marker(marker) for marker in ("container", "faults")):
        yield
        return
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: object) -> None:
        if self.family == socket.AF_UNIX and "docker" in str(address):
            pytest.fail(f"this test is not marked `container` and connects to {address}")
        connect(self, address)  # type: ignore[arg-type]

    monkeypatch.setattr(socket.socket, "connect", guarded)
    yield
