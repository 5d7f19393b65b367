"""What makes CUDA's libraries be found in a cell's image: where wheels have them, and where XLA finds its tools."""

from __future__ import annotations

import re

from orchestrator.model import Libraries, LibraryLayer, SourceKind

_NVIDIA = re.compile(r"nvidia-(?P<part>[a-z0-9-]+)-cu[0-9]+")
"""A wheel of NVIDIA's: nvidia-cuda-runtime-cu12 has its libraries in nvidia/cuda_runtime/lib."""
_COMPILER = "cuda_nvcc"
"""The part that holds ptxas and libdevice."""
TOOLS_BY = ("XLA_FLAGS", "--xla_gpu_cuda_data_dir=")
"""How XLA is told of the folder with its tools; the template of the image says the same."""


def layer(libraries: Libraries, template: str) -> LibraryLayer:
    """What makes these libraries be found; `template` is the digest of the Dockerfile template."""
    parts = [m["part"].replace("-", "_") for name in libraries.names if (m := _NVIDIA.fullmatch(name))]
    tools = f"nvidia/{_COMPILER}" if _COMPILER in parts else ""
    return LibraryLayer(
        folders=tuple(f"nvidia/{part}/lib" for part in sorted(parts) if part != _COMPILER),
        tools=tools,
        tools_by=TOOLS_BY if tools else ("", ""),
        image=libraries.place if libraries.source is SourceKind.IMAGE else "",
        folder=libraries.place if libraries.source is SourceKind.FOLDER else "",
        paths=libraries.paths,
        identity=libraries.identity,
        template=template,
    )
