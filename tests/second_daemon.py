"""A Docker daemon of the tests' own, on a disk of its own size: to kill, fill and cut without harm to anyone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from orchestrator.engine import docker_base
from orchestrator.engine.docker import DockerEngine
from orchestrator.model import Base


@dataclass
class SecondDaemon:
    """`host` is what DOCKER_HOST wants; `disk` the mount that holds its images."""

    host: str
    disk: Path
    command: list[str]
    log: Path
    exec_root: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts the daemon and waits until it answers."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self.command, stdout=log, stderr=log)
        deadline = time.monotonic() + 60
        while self.docker("version", check=False).returncode != 0:
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the second daemon did not start:\n{self.log.read_text()[-2000:]}")
            time.sleep(0.2)

    def kill(self) -> None:
        """The daemon dies at once, as in a crash, and its containerd with it."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(timeout=30)
        self._end_containerd(signal.SIGKILL)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """The daemon takes calls and answers none."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(timeout=30)

        self._end_containerd(signal.SIGTERM)

    def _end_containerd(self, how: signal.Signals) -> None:
        """Ends the containerd that a dead dockerd left behind; a new dockerd can't take it over."""
        pid_file = self.exec_root / "containerd" / "containerd.pid"
        if not pid_file.exists():
            return
        pid = int(pid_file.read_text())
        for sent in (how, signal.SIGKILL):
            try:
                os.kill(pid, sent)
                for _ in range(50):
                    os.kill(pid, 0)
                    time.sleep(0.1)
            except ProcessLookupError:
                break
        pid_file.unlink(missing_ok=True)

    def docker(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["docker", "--host", self.host, *arguments], capture_output=True, text=True, check=check, timeout=300
        )

    def containers(self) -> list[str]:
        """Every container, running or not."""
        return self.docker("ps", "--all", "--quiet", "--no-trunc").stdout.split()

    def copy_in(self, *images: str) -> None:
        """Brings images over from the daemon the tests run with."""
        with subprocess.Popen(["docker", "save", *images], stdout=subprocess.PIPE) as saving:
            subprocess.run(["docker", "--host", self.host, "load"], stdin=saving.stdout, check=True, timeout=600)


@contextmanager
def second_daemon(folder: Path, gigabytes: float = 4.0) -> Iterator[SecondDaemon]:
    """Starts one below `folder`; on the way out it is stopped and its disk unmounted."""
    image, disk = folder / "disk.ext4", folder / "disk"
    disk.mkdir()
    with image.open("wb") as sparse:
        sparse.truncate(int(gigabytes * 1e9))
    subprocess.run(["mkfs.ext4", "-q", "-F", str(image)], check=True)
    subprocess.run(["mount", "-o", "loop", str(image), str(disk)], check=True)
    socket = f"unix://{folder}/docker.sock"
    # a namespace of its own in the containerd that another daemon may share
    name = f"compat-test-{os.getpid()}"
    command = [
        # in a network of its own: a daemon without a bridge deletes the one that another daemon made
        "unshare",
        "--net",
        "dockerd",
        f"--data-root={disk}/docker",
        f"--exec-root={folder}/exec",
        f"--pidfile={folder}/docker.pid",
        f"--host={socket}",
        "--bridge=none",
        "--iptables=false",
        f"--containerd-namespace={name}",
        f"--containerd-plugins-namespace={name}-plugins",
    ]
    daemon = SecondDaemon(
        host=socket, disk=disk, command=command, log=folder / "dockerd.log", exec_root=folder / "exec"
    )
    try:
        daemon.start()
        yield daemon
    finally:
        daemon.stop()
        for _ in range(20):
            if subprocess.run(["umount", "--recursive", str(disk)], capture_output=True, check=False).returncode == 0:
                break
            time.sleep(0.5)
        image.unlink(missing_ok=True)


def engine_on(daemon: SecondDaemon, renderer: object) -> DockerEngine:
    return DockerEngine(renderer=renderer, environment={**os.environ, "DOCKER_HOST": daemon.host})


def base_of(daemon: SecondDaemon) -> Base:
    """The base that was copied into the daemon, as its label tells."""
    name = daemon.docker("images", "--format", "{{.Repository}}:{{.Tag}}", "compat-base").stdout.split()[0]
    label = daemon.docker("inspect", "--format", '{{index .Config.Labels "compat.base"}}', name).stdout
    return docker_base.parse(json.loads(label))
