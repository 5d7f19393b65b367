"""What is known of a TensorFlow's GPU side: what its wheel was built for, and what its own search for libraries met."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class EvidenceSource(StrEnum):
    """Where it is known from what a release was built for."""

    WHEEL = "wheel"
    """From files inside the wheel."""
    EXTRA = "extra"
    """From what its `and-cuda` extra pins: what it asks for, as near as one can come without the wheel."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Built:
    """What a release was built for, read from its own files.

    `cuda` ("11.2") and `cudnn` ("8.1", or "8" where it says no more) are "" for a build without CUDA; `capabilities`
    are as written there: "sm_70" a kernel for that GPU, "compute_80" code that newer drivers compile, and "7.0" where
    only the compiled-in list is there, which does not say which of the two it is. `cuda_exact` ("12.5.1") and
    `cudnn_exact` ("9.3.0") are the versions in full. `told` is what its build_info.py (and so, from 2.3 on,
    `tf.sysconfig.get_build_info()`) says of CUDA where that is something else than `cuda_exact`: "10" in a release that
    was built with 10.1, "nothing" where it does not say. `sonames` are the names its version header gives CUDA's
    libraries; which of them it really opens, and which others, is the audit's to see.
    """

    release: str
    cuda: str = ""
    cudnn: str = ""
    capabilities: tuple[str, ...] = ()
    cuda_exact: str = ""
    cudnn_exact: str = ""
    told: str = ""
    sonames: tuple[str, ...] = ()
    source: EvidenceSource = EvidenceSource.WHEEL


class Loading(StrEnum):
    """What became of a library that was asked for."""

    LOADED = "loaded"
    NOT_FOUND = "not found"
    REFUSED = "refused"
    """Found, and the loader would not have it: another architecture, a missing symbol, a damaged file."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Library:
    """A shared library that was asked for by its soname, and what the loader made of it.

    `searched` are the places looked at, in order, `path` the file that was taken ("" where none was). `elsewhere` are
    files of that soname in this environment that the search did not reach. `why` is the loader's reason for refusing
    it, and what is wrong with the file, also with one that loads: cut off, and no harm before that part is touched.
    `version` is what the file says of itself or its distribution (`package`, such as "nvidia-cublas-cu12 12.3.4.1").
    `unresolved` are symbols that it needs and nothing it loads provides, by reading the files. `asked_by`: the file
    that asked for it. `optional`: a GPU is registered without it, or the host's driver brings it.
    """

    soname: str
    loading: Loading
    asked_by: str = ""
    searched: tuple[str, ...] = ()
    path: str = ""
    elsewhere: tuple[str, ...] = ()
    why: str = ""
    version: str = ""
    package: str = ""
    unresolved: tuple[str, ...] = ()
    optional: bool = False


class Registered(StrEnum):
    """TensorFlow's own word on the stand-in device."""

    YES = "registered"
    NO = "skipped"
    CRASHED = "crashed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True, slots=True)
class GpuAudit:
    """What one look into an environment saw. Everything but `registered` and `libraries` is read from files.

    `driver` is what answered as the driver: "stand-in" or "host". `kernels` are what TensorFlow's own shared objects
    carry anywhere ("sm_80", "compute_90"); `kernel_sets` says it in full: (how many fat binaries, what each of them
    carries), most first, for some are built for fewer GPUs than others. `oldest_driver` is the lowest CUDA version of
    a driver that its CUDA runtime accepted ("11.0", "" where that was not tried); TensorFlow lists a device whatever
    the driver's version is. `tools` are (name, path) of what XLA calls: ptxas, libdevice; path "" where missing.
    `said` are TensorFlow's own lines about GPUs. `fixes` are what was tried where libraries were missing, in order.
    """

    built: Built
    python: str
    driver: str
    registered: Registered
    libraries: tuple[Library, ...] = ()
    kernels: tuple[str, ...] = ()
    kernel_sets: tuple[tuple[int, tuple[str, ...]], ...] = ()
    oldest_driver: str = ""
    tools: tuple[tuple[str, str], ...] = ()
    said: tuple[str, ...] = ()
    trouble: str = ""
    fixes: tuple[Fix, ...] = ()


class FixKind(StrEnum):
    PATH = "path"
    LINK = "link"


@dataclass(frozen=True, kw_only=True, slots=True)
class Fix:
    """What was tried for one process, all of it together: `folders` put on the loader's path, `links` (name, target) in
    a folder before those. `registered` is what TensorFlow then said; `missing` the sonames still not loaded.

    For links, `named` counts the functions of the linked libraries that TensorFlow's own files name, and `lacking` are
    those the targets don't define: it fails where it calls one. 0 named is nothing compared.

    A registered device is not enough for links: TensorFlow looks functions up by name when it first calls them, so a
    library of another version is taken and fails later. They helped only where every function was seen to be there.
    """

    kind: FixKind
    folders: tuple[str, ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    registered: Registered = Registered.UNKNOWN
    missing: tuple[str, ...] = ()
    named: int = 0
    lacking: tuple[str, ...] = ()

    @property
    def helped(self) -> bool:
        return self.registered is Registered.YES and (not self.links or (self.named > 0 and not self.lacking))
