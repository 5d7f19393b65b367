"""Machines as `compat doctor` finds them, and what is said of them."""

from __future__ import annotations

from dataclasses import replace

from orchestrator.model import BaseSpec
from orchestrator.model.host import (
    CudaLine,
    Daemon,
    DockerCommand,
    Gpu,
    Host,
    LocalEnvironments,
    Nvidia,
    PackageHost,
    Planned,
    Processor,
    Program,
    Reply,
    Response,
)
from orchestrator.report.doctor import diagnose

GB = 1_000_000_000
YES = Response(reply=Reply.ANSWERED)
NO = Response(reply=Reply.ABSENT)
DRIVERS = {"cuda11.2": "450.80.02", "cuda12.2": "525.60.13", "cuda12.3": "545.23.06", "cuda13.0": "580"}
SPECS = (
    BaseSpec(name="cpython-3.7", python="3.7", reference="python:3.7-slim", suite="bookworm", artifact="org:cpython:3"),
    BaseSpec(name="cpython-3.8", python="3.8", reference="python:3.8-slim"),
    BaseSpec(name="debian-3.9", python="3.9", reference="python:3.9-slim", suite="bullseye"),
)
PLANNED = Planned(
    packages=("tensorflow",),
    title="KerasSurgeon on TensorFlow",
    path="matrix.yaml",
    pythons=("3.7", "3.8", "3.9"),
    counts=(("cpu", "3.7", 100), ("cpu", "3.8", 20), ("cpu", "3.9", 1500)),
    memory=4 * GB,
)
DAEMON = Daemon(
    host="unix:///var/run/docker.sock",
    answer=YES,
    version="27.3.1",
    system="linux/x86_64",
    here=True,
    root="/var/lib/docker",
    disk_free=200 * GB,
    memory=16 * GB,
    cpus=8,
    storage="overlay2",
    cgroup="2",
    runtimes=("runc",),
    images=("compat-base:cpython-3.7",),
    wanted="python:3.8-slim",
    registry=YES,
)
MACHINE = Host(
    system="linux",
    processor=Processor(machine="x86_64", model="A CPU", flags=("avx", "avx2", "fma"), cpus=8, memory=16 * GB),
    daemon=DAEMON,
    local=LocalEnvironments(root="/home/me/.cache", disk_free=200 * GB),
    index=PackageHost(at="index.example", answer=YES),
    uv=Program(path="/bin/uv", version="0.13.8", answer=YES),
    nvidia=Nvidia(smi=Program(answer=NO)),
    clients=(DockerCommand(path="/usr/bin/docker", version="27.3.1", buildx="0.14.1"),),
    tools=(("mmdebstrap", "/bin/mmdebstrap"), ("mvn", "/bin/mvn")),
)
T4 = Gpu(name="Tesla T4", memory=15360 * 1024**2, capability="7.5")


def machine(**changes):
    return replace(MACHINE, **changes)


def daemon(**changes):
    return machine(daemon=replace(DAEMON, **changes))


def with_gpus(driver="535.104.05", *gpus, **changes):
    smi = Program(path="/bin/nvidia-smi", version=driver, answer=YES)
    facts = {"smi": smi, "gpus": gpus or (T4,), "module": driver}
    return Nvidia(**facts | changes)


def failing(reply, said="", code=None, seconds=0.0, **changes):
    answer = Response(reply=reply, said=said, code=code, seconds=seconds)
    return machine(nvidia=Nvidia(smi=Program(path="/bin/nvidia-smi", answer=answer), **changes))


def found(host, area, planned=PLANNED, drivers=DRIVERS):
    """[(level, what is said, advice)] of one area."""
    every = diagnose(host, planned, SPECS, drivers).findings
    return [(f.level, f.says, f.advice) for f in every if f.area is area]


def lines(*names, image="", wheels=True):
    return replace(PLANNED, lines=tuple(CudaLine(name=name, image=image, wheels=wheels) for name in names))


def code(host, planned=PLANNED):
    return diagnose(host, planned, SPECS, DRIVERS).code


NO_DOCKER = daemon(answer=NO)
LOCAL = replace(NO_DOCKER, local=replace(MACHINE.local, pythons=(("3.9", "/usr/bin/python3.9"),)))
