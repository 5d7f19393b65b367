"""Variables of probe processes: the mapping that an engine sets is the mapping that a key holds."""

from __future__ import annotations

from collections.abc import Iterable

from orchestrator.ecosystems import ECOSYSTEMS

_EVERYWHERE = (
    ("HOME", "/tmp"),  # noqa: S108 - a private tmpfs inside the container
    ("HOSTNAME", "compat"),
    ("LANG", "C.UTF-8"),
    ("LC_ALL", "C.UTF-8"),
    ("MKL_NUM_THREADS", "1"),
    ("OMP_NUM_THREADS", "1"),
    ("OPENBLAS_NUM_THREADS", "1"),
    ("PYTHONDONTWRITEBYTECODE", "1"),
    ("PYTHONHASHSEED", "0"),
    ("TMPDIR", "/tmp"),  # noqa: S108
    ("TZ", "UTC"),
)
FIXED_VARIABLES = tuple(sorted((*_EVERYWHERE, *(pair for known in ECOSYSTEMS.values() for pair in known.variables))))
"""What every engine sets for every task, so that a difference between cells is a difference between their pins.

An engine adds nothing that is not here, in the image or in the task; the local one's HOME and TMPDIR are folders.
"""


def loading(variables: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Those that tell the dynamic loader what to load into a program (ld.so(8))."""
    return {name: value for name, value in variables if name.startswith("LD_") or name == "GLIBC_TUNABLES"}
