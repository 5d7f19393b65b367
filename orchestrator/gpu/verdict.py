"""What a look into an environment's GPU side amounts to: one verdict, its reason, and what would mend it.

Three levels of evidence, never mixed: that libraries *load* is TensorFlow's own search having found them, with a
stand-in for the driver; that kernels *cover* a GPU is read from files; that something *ran* takes a GPU and is not
said here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from orchestrator.gpu.audit import Fix, GpuAudit, Library, Loading, Registered

GENERATIONS = (
    ("Kepler", 35),
    ("Maxwell", 52),
    ("Pascal", 60),
    ("Volta", 70),
    ("Turing", 75),
    ("Ampere", 80),
    ("Ada", 89),
    ("Hopper", 90),
    ("Blackwell", 100),
)
"""Generations of GPUs with the compute capability (times ten) of their first datacentre part, oldest first; as listed
at https://developer.nvidia.com/cuda-gpus and, for those no longer made, in the CUDA C++ Programming Guide.
"""


class Load(StrEnum):
    """The verdict of an audit."""

    LOADS = "loads"
    MISSING = "missing"
    UNREACHED = "installed but not found"
    REFUSED = "refused"
    OLD = "too old"
    SKIPPED = "skipped"
    CRASHED = "crashed"
    NO_CUDA = "no CUDA"
    UNKNOWN = "unknown"


_WORDS = {
    Load.LOADS: "loads",
    Load.MISSING: "broken: {names} missing",
    Load.UNREACHED: "broken: libraries installed but not found",
    Load.REFUSED: "broken: {names} refused",
    Load.OLD: "broken: {names} is older than cuDNN {detail}, which it was built for",
    Load.SKIPPED: "broken: every library loads, and the device is skipped",
    Load.CRASHED: "broken: TensorFlow crashes while it looks",
    Load.NO_CUDA: "built without CUDA",
    Load.UNKNOWN: "unknown: {detail}",
}


AUDIT_LOADS, AUDIT_MENDED = "audit: loads", "audit: mended"
AUDIT_BROKEN, AUDIT_UNKNOWN = "audit: broken", "audit: unknown"
MEANINGS = {
    AUDIT_LOADS: "without a GPU, TensorFlow's own search finds all its CUDA libraries",
    AUDIT_MENDED: "it finds them with a path or a link (compat cuda says which)",
    AUDIT_BROKEN: "it does not find them, or they do not load (compat cuda says why)",
    AUDIT_UNKNOWN: "inspecting the image told nothing",
}
"""What these words in a table mean, for legends."""


class Cover(StrEnum):
    """How a build covers a GPU: kernels of its own, code the driver compiles first, or nothing."""

    KERNELS = "kernels"
    JIT = "PTX JIT"
    NOTHING = "nothing"


@dataclass(frozen=True, kw_only=True, slots=True)
class Audited:
    """`deciding` are the libraries that decide; `fix` the first change that helped, where one was tried and did.

    `unsound` is a change by which a device is registered, with links to libraries that lack functions it calls.
    """

    load: Load
    deciding: tuple[Library, ...] = ()
    fix: Fix | None = None
    unsound: Fix | None = None
    detail: str = ""

    @property
    def words(self) -> str:
        """Such as: loads · broken: libcusolver.so.10 missing · broken: libraries installed but not found."""
        names = ", ".join(dict.fromkeys(library.soname for library in self.deciding))
        return _WORDS[self.load].format(names=names, detail=self.detail or "not inspected")


def audited(seen: GpuAudit) -> Audited:
    """The verdict of one look. What decides is TensorFlow's own word; the libraries say why."""
    if seen.trouble and seen.registered is Registered.UNKNOWN:
        return Audited(load=Load.UNKNOWN, detail=seen.trouble)
    if seen.registered is Registered.CRASHED:
        return Audited(load=Load.CRASHED, detail=" ".join(seen.said[-1:]))
    asked = tuple(library for library in seen.libraries if not library.optional)
    if seen.registered is Registered.YES:
        old = tuple(x for x in asked if _is_older(x, seen.built.cudnn))
        return Audited(load=Load.OLD, deciding=old, detail=seen.built.cudnn) if old else Audited(load=Load.LOADS)
    if not seen.built.cuda and not asked:
        return Audited(load=Load.NO_CUDA)
    helped = next((fix for fix in seen.fixes if fix.helped), None)
    unsound = None if helped else next((f for f in seen.fixes if f.registered is Registered.YES), None)
    missing = tuple(x for x in asked if x.loading is Loading.NOT_FOUND and not x.elsewhere)
    unreached = tuple(x for x in asked if x.loading is Loading.NOT_FOUND and x.elsewhere)
    refused = tuple(x for x in asked if x.loading is Loading.REFUSED)
    for load, deciding in ((Load.MISSING, missing), (Load.REFUSED, refused), (Load.UNREACHED, unreached)):
        if deciding:
            return Audited(load=load, deciding=deciding, fix=helped, unsound=unsound)
    return Audited(load=Load.SKIPPED, detail=" ".join(seen.said[-1:]), fix=helped)


def _is_older(library: Library, cudnn: str) -> bool:
    """Whether a library is a cuDNN that TensorFlow refuses when it first uses it: one of a lower minor version than it
    was compiled with ("needs to have matching major version and equal or higher minor version", xla cuda_dnn.cc).
    """
    loaded = re.match(r"(\d+)\.(\d+)", library.version)
    wanted = re.fullmatch(r"(\d+)\.(\d+)", cudnn)
    if not library.soname.startswith("libcudnn.so") or loaded is None or wanted is None:
        return False
    return (int(loaded[1]), int(loaded[2])) < (int(wanted[1]), int(wanted[2]))


def audit_word(seen: GpuAudit) -> str:
    """The verdict of a look in a word or two of a table: never one that a run on a GPU would have."""
    verdict = audited(seen)
    if verdict.load is Load.LOADS:
        return AUDIT_LOADS
    if verdict.load is Load.UNKNOWN:
        return AUDIT_UNKNOWN
    return AUDIT_MENDED if verdict.fix else AUDIT_BROKEN


def in_words(verdict: Audited) -> str:
    """A verdict in words, with what mends it or only seems to."""
    return and_unsound(verdict) if verdict.fix is None else f"{verdict.words}; mended by {mended(verdict.fix)}"


def and_unsound(verdict: Audited) -> str:
    """The verdict's words, with what only seems to mend it."""
    fix = verdict.unsound
    if fix is None:
        return verdict.words
    lacking = f"{len(fix.lacking)} of the {fix.named} functions it calls are missing, such as {fix.lacking[0]}"
    doubt = lacking if fix.lacking else "which of its functions are called is not known"
    return f"{verdict.words}; with {_linked(fix)} a device is listed, and {doubt}"


def mended(fix: Fix) -> str:
    """What mends it, such as: LD_LIBRARY_PATH and a link (libcudnn.so.8 → libcudnn.so.9)."""
    parts = ["LD_LIBRARY_PATH"] if fix.folders else []
    return " and ".join(parts + ([_linked(fix)] if fix.links else []))


def _linked(fix: Fix) -> str:
    links = ", ".join(f"{name} → {target.rpartition('/')[2]}" for name, target in fix.links)
    return f"{'a link' if len(fix.links) == 1 else 'links'} ({links})"


def coverage(seen: GpuAudit) -> tuple[tuple[str, Cover], ...]:
    """(generation, how all that TensorFlow carries covers its first GPU), the oldest first; empty where unknown.

    What a build carries comes in sets that differ: a GPU that one of them has no kernel for is compiled for, or not
    served.
    """
    sets = [names for _, names in seen.kernel_sets] or [k for k in (seen.kernels, seen.built.capabilities) if k][:1]
    worst = (Cover.NOTHING, Cover.JIT, Cover.KERNELS)
    return tuple(
        (name, min((cover(names, capability) for names in sets), key=worst.index))
        for name, capability in GENERATIONS
        if sets
    )


def cover(kernels: tuple[str, ...], capability: int) -> Cover:
    """How kernels ("sm_80", "compute_90") cover a GPU of a compute capability (times ten).

    A kernel runs on GPUs of its own major capability and no lower minor; code in PTX is compiled by the driver for any
    GPU that is not older (CUDA C++ Programming Guide, binary and PTX compatibility). Names with a letter behind the
    number ("sm_90a") run on that very capability only.
    """
    compiled = [_number(k.removeprefix("sm_")) for k in kernels if k.startswith("sm_")]
    portable = [_number(k.removeprefix("compute_")) for k in kernels if k.startswith("compute_")]
    if any(n == capability or (not exact and n // 10 == capability // 10 and n <= capability) for n, exact in compiled):
        return Cover.KERNELS
    if any(n <= capability and not (exact and n != capability) for n, exact in portable):
        return Cover.JIT
    return Cover.NOTHING


def _number(text: str) -> tuple[int, bool]:
    """A capability and whether it stands for itself alone: "90a" is (90, True)."""
    digits = "".join(c for c in text if c.isdigit())
    return int(digits or 0), digits != text
