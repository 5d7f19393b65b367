"""What a machine has for running cells: an engine, a processor, an index, GPUs. Facts as they were met, unjudged."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from orchestrator.errors import ExitCode
from orchestrator.model.image import BaseSpec


class Reply(StrEnum):
    """How a question to a program, a daemon or a server ended."""

    ANSWERED = "answered"
    ABSENT = "absent"
    """There is nothing to ask."""
    DENIED = "denied"
    """It is there, and this user may not ask it."""
    FAILED = "failed"
    SILENT = "silent"
    """It did not answer in the time it had; a program was ended then."""
    UNREADABLE = "unreadable"
    """It answered something else than it was asked for."""
    UNASKED = "not asked"


@dataclass(frozen=True, kw_only=True, slots=True)
class Response:
    """`said` are its own words where it did not answer properly, as they came, cut to a few thousand characters;
    `seconds` how long it took, or the time it had where it was silent; `code` a program's exit status.
    """

    reply: Reply
    said: str = ""
    seconds: float = 0.0
    code: int | None = None

    @property
    def answered(self) -> bool:
        return self.reply is Reply.ANSWERED


UNASKED = Response(reply=Reply.UNASKED)


@dataclass(frozen=True, kw_only=True, slots=True)
class Program:
    """A program that was asked for its version; `path` is "" where there is none."""

    path: str = ""
    version: str = ""
    answer: Response = UNASKED


@dataclass(frozen=True, kw_only=True, slots=True)
class DockerCommand:
    """A `docker` command: its version, and that of its buildx ("" where it has none)."""

    path: str
    version: str
    buildx: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Daemon:
    """A Docker daemon. Sizes are bytes.

    `here`: it runs on this machine, so that this machine's processor and GPUs are its own. `system` is such as
    "linux/x86_64", `unenforced` are limits its kernel can't hold, `runtimes` the names of its runtimes, `devices` the
    CDI devices it knows ("nvidia.com/gpu=0"), `images` those of its images that are bases or that bases are made from,
    `flags` the processor's as a base of ours met them inside (None where no base is made). `registry` is how the
    registry of `wanted`, an image, answered the daemon.
    """

    host: str
    answer: Response
    version: str = ""
    system: str = ""
    here: bool = False
    root: str = ""
    disk_free: int | None = None
    memory: int | None = None
    cpus: int | None = None
    storage: str = ""
    cgroup: str = ""
    unenforced: tuple[str, ...] = ()
    runtimes: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    flags: tuple[str, ...] | None = None
    wanted: str = ""
    registry: Response = UNASKED

    def has(self, spec: BaseSpec) -> bool:
        """Whether it has a base of this spec, or the image that one is made from."""
        return not {f"compat-base:{spec.name}", spec.reference}.isdisjoint(self.images)


@dataclass(frozen=True, kw_only=True, slots=True)
class LocalEnvironments:
    """What the local engine would use: where it keeps environments, bytes free there, and this machine's CPythons.

    `pythons` are (minor, path); None where nobody looked, because a daemon answers.
    """

    root: str
    disk_free: int | None = None
    pythons: tuple[tuple[str, str], ...] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Processor:
    """The processor of this machine, and its memory in bytes.

    `machine` is such as "x86_64"; `flags` are those that wheels may need ("avx"), None where they can't be read.
    """

    machine: str
    model: str = ""
    flags: tuple[str, ...] | None = None
    cpus: int | None = None
    memory: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class PackageHost:
    """The package index: the host and port of its address, without user or password; "" where that is not known."""

    at: str
    answer: Response


@dataclass(frozen=True, kw_only=True, slots=True)
class Gpu:
    """One GPU as `nvidia-smi` lists it: bytes of memory, compute capability ("8.0"); None and "" where it says none."""

    name: str
    memory: int | None = None
    capability: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Nvidia:
    """What there is of NVIDIA's.

    `smi`: nvidia-smi, its `version` the driver's; `module` the version of the loaded kernel module ("" where none
    is); `nodes` the device files; `cards` NVIDIA's display controllers on the PCI bus ("0000:01:00.0 10de:2335").
    `toolkit`: nvidia-ctk of the container toolkit; `hook` the path of the program by which `docker run --gpus` works.
    """

    smi: Program = Program()
    gpus: tuple[Gpu, ...] = ()
    module: str = ""
    nodes: tuple[str, ...] = ()
    cards: tuple[str, ...] = ()
    toolkit: Program = Program()
    hook: str = ""

    @property
    def driver(self) -> str:
        """The driver's version; "" where none is known."""
        return self.smi.version or self.module


@dataclass(frozen=True, kw_only=True, slots=True)
class Host:
    """One machine, looked at once. `tools` are (name, path) of what makes bases without a registry, "" where absent.

    `named_only`: the environment asks for containers (CI=true), so that the local engine is used only when named.
    """

    system: str
    processor: Processor
    daemon: Daemon
    local: LocalEnvironments
    index: PackageHost
    uv: Program
    nvidia: Nvidia
    clients: tuple[DockerCommand, ...] = ()
    tools: tuple[tuple[str, str], ...] = ()
    named_only: bool = False

    def has(self, tool: str) -> bool:
        return bool(dict(self.tools).get(tool))


@dataclass(frozen=True, kw_only=True, slots=True)
class CudaLine:
    """A CUDA line of a matrix ("cuda11.2") and where its libraries may come from: an image, wheels, a folder."""

    name: str
    image: str = ""
    wheels: bool = False
    folder: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Planned:
    """The combinations of a matrix, counted: (device, Python minor, number); those on request are counted as well.

    `counts` is None where the package index must be read before anybody can count; `pythons` and `lines` are then
    still those that the file names, as are `packages`. `trouble` and `hint` say what is wrong with the file, if
    anything; `memory` is what one cell may use, in bytes.
    """

    title: str = ""
    path: str = ""
    pythons: tuple[str, ...] = ()
    lines: tuple[CudaLine, ...] = ()
    packages: tuple[str, ...] = ()
    counts: tuple[tuple[str, str, int], ...] | None = None
    memory: int = 0
    trouble: str = ""
    hint: str = ""


class Area(StrEnum):
    """What a diagnostic is about, in the order of output."""

    ENGINE = "Engine"
    PROCESSOR = "Processor"
    PACKAGES = "Packages"
    NVIDIA = "NVIDIA"
    COMBINATIONS = "Combinations"


class Level(StrEnum):
    OK = "ok"
    NOTE = "note"
    """Good to know; nothing has to be done for CPU combinations."""
    FIX = "fix"


@dataclass(frozen=True, kw_only=True, slots=True)
class Diagnostic:
    """What some facts mean, and what to do next ("" if nothing).

    `code` is not OK where this alone keeps every CPU combination from running.
    """

    area: Area
    level: Level
    says: str
    advice: str = ""
    code: ExitCode = ExitCode.OK
