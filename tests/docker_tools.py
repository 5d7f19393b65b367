"""What the tests of the docker engine share: an engine, a base, a small wheel, and what containers there are."""

from __future__ import annotations

import ipaddress
import json
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from orchestrator import paths
from orchestrator.engine.docker import DockerEngine
from orchestrator.image import bases, dockerfile
from orchestrator.model import Base, Distribution

TEMPLATES = dockerfile.read(paths.data("images"))
SPECS = bases.load(paths.data("images") / "bases.yaml")
PYTHON = "/opt/venv/bin/python"
SIX = Distribution(
    name="six",
    version="1.16.0",
    filename="six-1.16.0-py2.py3-none-any.whl",
    sha256="8abb2f1d86890a2dfb989f9a77cfcfd3e47c2a354b01111771326f8aa26e0254",
)


@contextmanager
def docker_engine() -> Iterator[DockerEngine]:
    """The engine on the usual daemon, which answers."""
    with closing(DockerEngine(renderer=TEMPLATES)) as made:
        made.check()
        yield made


def base_on(engine: DockerEngine, folder: Path) -> Base:
    """The base of the tests, made where it is not there."""
    return engine.base(bases.candidates("3.11", SPECS)[0], folder / "log")


def ours(**filters: str) -> list[str]:
    words = [w for name, value in filters.items() for w in ("--filter", f"{name}={value}")]
    listed = subprocess.run(
        ["docker", "ps", "-aq", "--no-trunc", *words], capture_output=True, text=True, check=True, timeout=30
    )
    return listed.stdout.split()


def bridge_address() -> str:
    """The daemon's host as containers on the default bridge reach it: its gateway, the first of its subnet."""
    inspected = subprocess.run(
        ["docker", "network", "inspect", "bridge", "--format", "{{json (index .IPAM.Config 0)}}"],
        capture_output=True, text=True, check=True, timeout=30,
    )  # fmt: skip
    found = json.loads(inspected.stdout)
    return str(found.get("Gateway") or next(ipaddress.ip_network(found["Subnet"]).hosts()))
