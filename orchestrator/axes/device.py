"""`device`: `cpu`, or a line of libraries with the places they may come from."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from orchestrator.axes import shapes
from orchestrator.axes.kind import (
    Kind,
    Naming,
    Standing,
    Unlisted,
    Wording,
    YamlValue,
    as_named,
    at_default,
    axis_name,
    one_of,
)
from orchestrator.axes.names import named, package_name, requirement
from orchestrator.axes.shapes import Json
from orchestrator.axes.versions import is_or_under
from orchestrator.model import CPU, DEVICE, Axis, Choice, Sources

DEVICE_KEYS = ("name", "on_request", "substitutes", "follows", "image", "paths", "libraries", "folder", "sonames")
SOURCE_KEYS = ("image", "paths", "libraries", "folder", "sonames")
_LINE = re.compile(r"([A-Za-z]+)([0-9][0-9.]*)?", re.ASCII)
"""A device such as cuda11.8, or the beginning of one."""
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


def _near(value: str, names: Collection[str]) -> str:
    """The devices that somebody who wrote "gpu" may mean, "" for other words: none is spelled nearer to it than "cpu",
    which means the opposite.
    """
    if "gpu" not in value.lower():
        return ""
    others = [name for name in names if name != CPU]
    return (
        f"a GPU is named by its line of libraries: {', '.join(others)}"
        if others
        else "the matrix lists no GPU device, only cpu"
    )


def read(axis: Axis, entry: YamlValue) -> Choice:
    """A device: `substitutes`, `on_request`, `sources` and `follows` are what the file says of it."""
    if not entry.is_mapping:
        return Choice(axis=axis, name=named(entry))
    fields = entry.fields(DEVICE_KEYS, ("name",))
    if "follows" in fields:
        for key in SOURCE_KEYS:
            if key in fields:
                raise entry.key(key).error(
                    f"{key!r} cannot be combined with 'follows', which uses another device's libraries"
                )
    return Choice(
        axis=axis,
        name=named(fields["name"]),
        substitutes=_substitutes(fields["substitutes"]) if "substitutes" in fields else (),
        on_request="on_request" in fields and fields["on_request"].truth(),
        sources=_sources(entry, fields),
        follows=package_name(fields["follows"]) if "follows" in fields else "",
    )


def _substitutes(entry: YamlValue) -> tuple[tuple[str, str], ...]:
    """(original with its bounds, stand-in) of each; the bounds say for which versions of the original."""
    found: dict[str, str] = {}
    for text, stand_in in entry.entries().items():
        original = _original(entry, text)
        if original in found:
            raise entry.key(text).error(f"{text!r} is a duplicate in another spelling")
        found[original] = package_name(stand_in)
    return tuple(found.items())


def _original(parent: YamlValue, text: str) -> str:
    try:
        found = Requirement(text)
    except InvalidRequirement as error:
        raise parent.key(text).expected('a package such as "numpy" or "numpy<2.1"') from error
    if found.url or found.extras or found.marker:
        raise parent.key(text).expected('a package such as "numpy" or "numpy<2.1"')
    return f"{canonicalize_name(found.name)}{found.specifier}"


def _sources(entry: YamlValue, fields: Mapping[str, YamlValue]) -> Sources | None:
    if fields.keys().isdisjoint(SOURCE_KEYS):
        return None
    for key, needed, why in _NEEDED:
        if key in fields and needed not in fields:
            raise entry.error(f"the key {needed!r} is missing: {why}")
    if fields.keys().isdisjoint(("image", "libraries", "folder")):
        raise entry.key("sonames").error("without a source: add `image`, `libraries` or `folder`")
    listed = {key: fields[key].items() if key in fields else () for key in ("paths", "libraries", "sonames")}
    paths = tuple(_shaped(item, IMAGE_PATH, "an absolute path in the image") for item in listed["paths"])
    return Sources(
        image=_shaped(fields["image"], IMAGE_NAME, "the name of an image") if "image" in fields else "",
        paths=paths or (RUNTIME_PATHS if "image" in fields else ()),
        wheels=tuple(requirement(item) for item in listed["libraries"]),
        folder=_shaped(fields["folder"], FOLDER, "an absolute path") if "folder" in fields else "",
        sonames=tuple(_shaped(item, SONAME, 'a name such as "libz.so.1"') for item in listed["sonames"]),
    )


def _shaped(entry: YamlValue, shape: str, what: str) -> str:
    text = entry.string()
    if not re.fullmatch(shape, text, re.ASCII):
        raise entry.expected(what)
    return text


def _lines(names: Collection[str], word: str) -> frozenset[str]:
    """The devices that are this word with a version, or with one under the version given: `cuda`, `cuda11`."""
    wanted = _LINE.fullmatch(word)
    shapes_of = ((name, _LINE.fullmatch(name)) for name in names)
    return frozenset(
        name
        for name, here in shapes_of
        if wanted and here and here[2] and here[1] == wanted[1] and (not wanted[2] or is_or_under(here[2], wanted[2]))
    )


def _schema() -> Json:
    name = shapes.choice_name()
    properties: Json = {
        "name": name,
        "on_request": {"type": "boolean", "description": "Planned only where somebody names it."},
        "substitutes": shapes.TEXTS,
        "follows": {"description": "The package whose own build decides which device is meant.", **shapes.TEXT},
        "image": {"description": "An image that libraries are copied from.", **shapes.shaped(IMAGE_NAME)},
        "paths": {"description": "What is copied from it.", **shapes.many(shapes.shaped(IMAGE_PATH))},
        "libraries": shapes.many(shapes.TEXT, "Requirements that are added to a cell's pins."),
        "folder": {"description": "A folder that libraries are copied from.", **shapes.shaped(FOLDER)},
        "sonames": {"description": "The libraries that must be in it.", **shapes.many(shapes.shaped(SONAME))},
    }
    source: Json = {"anyOf": [{"required": [key]} for key in ("image", "libraries", "folder")]}
    described: Json = {
        **shapes.record(properties, "name"),
        "dependentRequired": {"paths": ["image"], "folder": ["sonames"]},
        "dependentSchemas": {
            "follows": {"not": {"anyOf": [{"required": [key]} for key in SOURCE_KEYS]}},
            "sonames": source,
        },
    }
    return {"oneOf": [name, described]}


KIND = Kind(
    name=DEVICE,
    least=0,
    most=1,
    read=read,
    schema=_schema(),
    naming=Naming(versioned=False, neutral=(CPU,), default=lambda _names: CPU, lines=_lines, near=_near),
    wording=Wording(
        title=axis_name,
        where=axis_name,
        word=as_named,
        phrase=lambda choice, _month: choice.name,
        short=lambda choice: choice.name,
        unsaid=at_default,
    ),
    standing=Standing(held=40, effort=20, varies=False, extra=False),
    unlisted=Unlisted(
        usual=lambda axis: axis.default,
        noun="device",
        what="device",
        example=f"device={CPU}",
        always=True,
        names=(CPU,),
        make=one_of(CPU),
    ),
    untried=lambda names: "" if set(names) - {CPU} else "GPU",
)
