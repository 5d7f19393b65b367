"""What a run is given of devices with CUDA."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.gpu.cards import ask
from orchestrator.gpu.inspection import CudaInspection
from orchestrator.gpu.layer import layer
from orchestrator.model import BuiltFor
from orchestrator.run.parts import Devices

if TYPE_CHECKING:
    from orchestrator.lock.tools import Wheels


def devices(images: Path) -> Devices:
    """CUDA lines as a run meets them; `images` has the program that looks into their images."""
    return Devices(inspection=CudaInspection(folder=images / "gpu"), built_for=_built_for, layer=layer, gpus=ask)


def _built_for(package: str, version: str, python: str, platform: str, index: Wheels) -> BuiltFor:
    # those who only read results read no wheels
    from orchestrator.gpu.built import device_for

    return device_for(package, version, python, platform, index)
