"""A device's libraries in an environment of the local engine: where they lie, and what makes them be found."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TypedDict

from orchestrator.errors import Phase, infra
from orchestrator.model import Recipe


class Found(TypedDict):
    """Folders of libraries, in the loader's order, and the one with tools ("" for none): relative to the environment,
    or absolute. `tools_by` is the variable that names that folder to a process, and what stands before it there.
    """

    folders: list[str]
    tools: str
    tools_by: tuple[str, str]


def lay_out(recipe: Recipe, environment: Path) -> Found:
    """Makes a recipe's links in an environment; says where its libraries are.

    A folder of this machine is used where it is. Raises CellError(build, infra) where a link can't be made.
    """
    assert recipe.on_top is not None, "only recipes with a layer on top are laid out"  # noqa: S101
    layer = recipe.on_top
    site = Path("lib") / f"python{recipe.base.python}" / "site-packages"
    for name, target in layer.links:
        # Named in another environment, perhaps: what counts is where it lies in this one.
        place = environment / site / target.rpartition("/site-packages/")[2]
        try:
            (place.parent / name).symlink_to(place.name)
        except OSError as error:
            raise infra(Phase.BUILD, "link", f"{name} beside {target}: {error.strerror}") from error
    own = [str(Path(layer.folder, path).parent) for path in layer.paths if layer.folder]
    return Found(
        folders=[*dict.fromkeys(own), *(str(site / folder) for folder in layer.folders)],
        tools=str(site / layer.tools) if layer.tools else "",
        tools_by=layer.tools_by,
    )


def programs(found: Found, environment: str) -> list[str]:
    """Folders of its programs."""
    return [str(Path(environment, found["tools"], "bin"))] if found["tools"] else []


def variables(found: Found, environment: str, known: Mapping[str, str]) -> dict[str, str]:
    """What a process must see; this machine's own folders (its driver's, perhaps) stay on the loader's path."""
    folders = [str(Path(environment, folder)) for folder in found["folders"]]
    own = known.get("LD_LIBRARY_PATH")
    made = {"LD_LIBRARY_PATH": os.pathsep.join([*folders, *([own] if own else [])])}
    name, before = found["tools_by"]
    if found["tools"] and name:
        made[name] = f"{before}{Path(environment, found['tools'])}"
    return made
