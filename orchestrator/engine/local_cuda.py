"""CUDA libraries in an environment of the local engine: where they lie, and the variables that make them found."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TypedDict

from orchestrator.errors import Phase, infra
from orchestrator.model import Recipe


class Found(TypedDict):
    """Folders of libraries, in the loader's order, and the one XLA finds its tools in ("" for none): relative to the
    environment, or absolute.
    """

    folders: list[str]
    tools: str


def lay_out(recipe: Recipe, environment: Path) -> Found:
    """Makes a recipe's links in an environment; says where its libraries are.

    A folder of this machine is used where it is. Raises CellError(build, infra) where a link can't be made.
    """
    assert recipe.cuda is not None, "only recipes with a CUDA part are laid out"  # noqa: S101
    cuda = recipe.cuda
    site = Path("lib") / f"python{recipe.base.python}" / "site-packages"
    for name, target in cuda.links:
        # Named in another environment, perhaps: what counts is where it lies in this one.
        place = environment / site / target.rpartition("/site-packages/")[2]
        try:
            (place.parent / name).symlink_to(place.name)
        except OSError as error:
            raise infra(Phase.BUILD, "link", f"{name} beside {target}: {error.strerror}") from error
    own = [str(Path(cuda.folder, path).parent) for path in cuda.paths if cuda.folder]
    return Found(
        folders=[*dict.fromkeys(own), *(str(site / folder) for folder in cuda.folders)],
        tools=str(site / cuda.tools) if cuda.tools else "",
    )


def programs(found: Found, environment: str) -> list[str]:
    """Folders of programs that XLA calls."""
    return [str(Path(environment, found["tools"], "bin"))] if found["tools"] else []


def variables(found: Found, environment: str, known: Mapping[str, str]) -> dict[str, str]:
    """What a process must see; this machine's own folders (its driver's, perhaps) stay on the loader's path."""
    folders = [str(Path(environment, folder)) for folder in found["folders"]]
    before = known.get("LD_LIBRARY_PATH")
    made = {"LD_LIBRARY_PATH": os.pathsep.join([*folders, *([before] if before else [])])}
    if found["tools"]:
        made["XLA_FLAGS"] = f"--xla_gpu_cuda_data_dir={Path(environment, found['tools'])}"
    return made
