"""A choice of a device axis: `cpu`, or a line of libraries with the places they may come from."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from orchestrator.matrix.nodes import Spot
from orchestrator.matrix.words import named, package_name, requirement
from orchestrator.model import Axis, Choice, Sources

DEVICE_KEYS = ("name", "on_request", "substitutes", "follows", "image", "paths", "libraries", "folder", "sonames")
SOURCE_KEYS = ("image", "paths", "libraries", "folder", "sonames")
IMAGE_NAME = r"[A-Za-z0-9][A-Za-z0-9._:/@-]*"
IMAGE_PATH = r"/[A-Za-z0-9._+*?/-]*"
FOLDER = r"/.*"
SONAME = r"lib[A-Za-z0-9._+-]+\.so(\.[0-9]+)*"
_NEEDED = (
    ("paths", "image", "what they are copied from"),
    ("folder", "sonames", "the libraries that must be in the folder"),
)
RUNTIME_PATHS = ("/usr/local/cuda/lib64/", "/usr/lib/x86_64-linux-gnu/libcudnn*.so.*")
"""Where `nvidia/cuda:*-cudnn*-runtime-*` images have what TensorFlow asks for. CUDA 10.1 keeps cuBLAS elsewhere."""


def near(value: str, names: Collection[str]) -> str:
    """The devices that somebody who wrote "gpu" may mean, "" for other words: none is spelled nearer to it than "cpu",
    which means the opposite.
    """
    if "gpu" not in value.lower():
        return ""
    others = [name for name in names if name != "cpu"]
    return f"a GPU is named by its line of libraries: {', '.join(others)}" if others else "no GPU is listed, only cpu"


def device(axis: Axis, spot: Spot) -> Choice:
    """A device, as the file describes it. Raises UserError with the place of what is wrong in it."""
    if not spot.is_mapping:
        return Choice(axis=axis, name=named(spot))
    fields = spot.fields(DEVICE_KEYS, ("name",))
    if "follows" in fields:
        for key in SOURCE_KEYS:
            if key in fields:
                raise spot.key(key).error(f"{key!r} has no place beside 'follows': another device's libraries are used")
    return Choice(
        axis=axis,
        name=named(fields["name"]),
        substitutes=_substitutes(fields["substitutes"]) if "substitutes" in fields else (),
        on_request="on_request" in fields and fields["on_request"].truth(),
        sources=_sources(spot, fields),
        follows=package_name(fields["follows"]) if "follows" in fields else "",
    )


def _substitutes(spot: Spot) -> tuple[tuple[str, str], ...]:
    """(original with its bounds, stand-in) of each; the bounds say for which versions of the original."""
    found: dict[str, str] = {}
    for text, stand_in in spot.entries().items():
        original = _original(spot, text)
        if original in found:
            raise spot.key(text).error(f"{text!r} is there twice, spelled otherwise")
        found[original] = package_name(stand_in)
    return tuple(found.items())


def _original(parent: Spot, text: str) -> str:
    try:
        found = Requirement(text)
    except InvalidRequirement as error:
        raise parent.key(text).expected('a package such as "numpy" or "numpy<2.1"') from error
    if found.url or found.extras or found.marker:
        raise parent.key(text).expected('a package such as "numpy" or "numpy<2.1"')
    return f"{canonicalize_name(found.name)}{found.specifier}"


def _sources(spot: Spot, fields: Mapping[str, Spot]) -> Sources | None:
    if fields.keys().isdisjoint(SOURCE_KEYS):
        return None
    for key, needed, why in _NEEDED:
        if key in fields and needed not in fields:
            raise spot.error(f"the key {needed!r} is missing: {why}")
    if fields.keys().isdisjoint(("image", "libraries", "folder")):
        raise spot.key("sonames").error("without a source: add `image`, `libraries` or `folder`")
    listed = {key: fields[key].items() if key in fields else () for key in ("paths", "libraries", "sonames")}
    paths = tuple(_shaped(item, IMAGE_PATH, "an absolute path in the image") for item in listed["paths"])
    return Sources(
        image=_shaped(fields["image"], IMAGE_NAME, "the name of an image") if "image" in fields else "",
        paths=paths or (RUNTIME_PATHS if "image" in fields else ()),
        wheels=tuple(requirement(item) for item in listed["libraries"]),
        folder=_shaped(fields["folder"], FOLDER, "an absolute path") if "folder" in fields else "",
        sonames=tuple(_shaped(item, SONAME, 'a name such as "libz.so.1"') for item in listed["sonames"]),
    )


def _shaped(spot: Spot, shape: str, what: str) -> str:
    text = spot.string()
    if not re.fullmatch(shape, text, re.ASCII):
        raise spot.expected(what)
    return text
