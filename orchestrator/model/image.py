"""Bases, recipes, and what turns them into build contexts."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Protocol

from orchestrator.model.lock import Distribution
from orchestrator.model.matrix import digest


@dataclass(frozen=True, kw_only=True, slots=True)
class BaseSpec:
    """How one base may be had, from `images/bases.yaml`.

    `reference` is an image to pull (empty: none); `suite`, `packages` and `artifact` say how to bootstrap
    one from a Debian suite and, where that suite has another Python, a relocatable CPython artifact;
    `builder_packages` are added in the builder variant that compiles source distributions.
    """

    name: str
    python: str
    reference: str = ""
    suite: str = ""
    packages: tuple[str, ...] = ()
    builder_packages: tuple[str, ...] = ()
    artifact: str = ""
    artifact_prefix: str = ""
    interpreter: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Base:
    """A verified root filesystem with one CPython.

    `image` is what the engine starts from (an image reference; a directory for local), `builder` the same
    with compilers ("" until built), `identity` the digest of what went in, `interpreter` the absolute path
    of its CPython in the environment that packages are installed into, `trusted` that of the one this was made
    from, which lies outside, where no package reaches, `lacks` standard-library modules that can't be imported
    there, `cpu_flags` those of ("avx", "avx2", …) this CPU has.
    """

    name: str
    python: str
    full_version: str
    glibc: str
    image: str
    identity: str
    interpreter: str
    lacks: tuple[str, ...] = ()
    cpu_flags: tuple[str, ...] = ()
    trusted: str = ""

    @property
    def platform(self) -> str:
        """The newest wheel platform this base can load, such as "manylinux_2_36_x86_64"."""
        return f"manylinux_{self.glibc.replace('.', '_')}_x86_64"


class StepKind(StrEnum):
    WHEELS = "wheels"
    COMPILE = "compile"


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One layer: distributions installed together. COMPILE: from wheels that their sources gave in a builder."""

    kind: StepKind
    title: str
    distributions: tuple[Distribution, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class LibraryLayer:
    """What makes the libraries of a cell's device be found: an image of its own, on top of the cell's.

    `folders` are those of wheels, below site-packages ("nvidia/cublas/lib"), in the order the loader looks into them;
    `tools` is one below site-packages with programs in its `bin` ("" for none), and `tools_by` the variable that names
    it to a process, with what stands before the folder in its value.
    Libraries from elsewhere are copied: `paths` from the image `image`, or from `folder` on the machine that builds,
    and `identity` is the digest of what is there. `links` are (name, target): the name is made beside the target, which
    is below site-packages or absolute. `template` is the digest of the Dockerfile template.
    """

    folders: tuple[str, ...] = ()
    tools: str = ""
    tools_by: tuple[str, str] = ("", "")
    image: str = ""
    folder: str = ""
    paths: tuple[str, ...] = ()
    identity: str = ""
    links: tuple[tuple[str, str], ...] = ()
    template: str = ""

    @property
    def copied(self) -> bool:
        return bool(self.image or self.folder)


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """A base and the ordered steps to an image. `template` is the digest of the Dockerfile template,
    `on_top` what comes on top for a device with libraries of its own. `shelf` is the folder of this machine with the
    files that no index has, as SHA256/FILENAME.
    """

    base: Base
    steps: tuple[Step, ...]
    environment: tuple[tuple[str, str], ...] = ()
    template: str = ""
    on_top: LibraryLayer | None = None
    shelf: str = field(default="", compare=False)

    @property
    def key(self) -> str:
        """What makes two images the same image."""
        steps = [(s.kind, [(d.name, d.version, d.sha256) for d in s.distributions]) for s in self.steps]
        below = digest([self.base.identity, steps, self.environment, self.template])
        if self.on_top is None:
            return below
        layer = self.on_top
        held = [layer.folders, layer.tools, layer.copied, layer.paths, layer.identity, layer.links]
        return digest([below, held, layer.template])

    @property
    def below(self) -> Recipe:
        """The same without what makes libraries be found: the environment as installing alone leaves it."""
        return replace(self, on_top=None)

    @property
    def site_packages(self) -> str:
        """Where a container's interpreter has its distributions; a base's is a virtual environment of one layout."""
        return site_packages(self.base.interpreter, self.base.python)


def site_packages(interpreter: str, python: str) -> str:
    """Where the environment of an interpreter has its distributions; `python` is its minor version."""
    return str(PurePosixPath(interpreter).parent.parent / "lib" / f"python{python}" / "site-packages")


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildContext:
    """What a builder is given: a Dockerfile, the small files beside it (path → content), and large ones of this machine
    (path → where they are).

    `fetching` is a Dockerfile that fetches beforehand what the other one, without network, is made of; "" for none.
    """

    dockerfile: str
    fetching: str = ""
    files: tuple[tuple[str, bytes], ...] = ()
    large: tuple[tuple[str, str], ...] = ()

    @property
    def written(self) -> tuple[tuple[str, bytes], ...]:
        """Every small file as it lies in a folder, the Dockerfiles first."""
        fetching = (("fetch.Dockerfile", self.fetching.encode()),) if self.fetching else ()
        return (("Dockerfile", self.dockerfile.encode()), *fetching, *self.files)


class Renderer(Protocol):
    """Turns recipes and bases into build contexts, purely; implemented by `image.dockerfile.Templates`."""

    @property
    def verify(self) -> bytes:
        """The script that says, from inside, what a base has."""
        ...

    def script(self, name: str) -> bytes:
        """A program of `images/` that runs inside a container."""
        ...

    def built(self, base: Base, source: Distribution) -> str:
        """The key of the wheel that a source gives on a base: what makes two of them the same."""
        ...

    def cell(self, recipe: Recipe) -> BuildContext:
        """A cell's image; of a recipe with a layer on top only that, on the image of the recipe below it."""
        ...

    def base(self, spec: BaseSpec, start: str, *, bootstrapped: bool) -> BuildContext: ...

    def builder(self, base: str, packages: tuple[str, ...]) -> BuildContext: ...

    def tools(self) -> BuildContext: ...
