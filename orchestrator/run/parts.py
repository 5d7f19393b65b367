"""What it takes to run and judge the cells of a matrix."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.model import BuiltFor, Engine, Inspection, Libraries, LibraryLayer, Limits, Matrix, Prepared
from orchestrator.model.suite import Suite
from orchestrator.store.store import Store

if TYPE_CHECKING:
    from orchestrator.lock.tools import Wheels


@dataclass(frozen=True, kw_only=True, slots=True)
class Devices:
    """What is known of devices beside the CPU. It is passed in, so that no room from here down knows one by name.

    `inspection` looks into their images; `built_for`: package, version, Python, platform and index → the device that
    the package was built for; `layer`: libraries and the digest of a template → what makes them be found; `gpus`: an
    image → the GPUs that a container of it is given ("" for none).
    """

    inspection: Inspection
    built_for: Callable[[str, str, str, str, Wheels], BuiltFor]
    layer: Callable[[Libraries, str], LibraryLayer]
    gpus: Callable[[Prepared, Engine, Limits], str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Parts:
    """A matrix, the index that its pins come from, its state, its probes; `images` are the templates of images."""

    matrix: Matrix
    index: Wheels
    store: Store
    suite: Suite
    images: Path
    devices: Devices
