"""Recipes and bases → Dockerfiles and the small files beside them: pure, the same bytes for the same values."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from orchestrator.model import (
    Base,
    BaseSpec,
    BuildContext,
    Distribution,
    LibraryLayer,
    Recipe,
    Renderer,
    StepKind,
    digest,
    public_index,
)

CELL_FILES = ("install.py", "unpack.py", "wheels.py")
"""What installs, in every cell's image."""
FETCH_FILES = ("fetch.py", "host.sh", "indexes.py")
"""What fetches for it, and decides nothing about the image."""
COMPILE_FILES = ("compile.py", "indexes.py", "sandbox.py")
"""What runs where a source is compiled."""
_PROXY_FILES = ("proxy.py", "upstream.py")
_LOCAL = "compile_local.py"
"""What compiles sources that no index has."""
_CELL = "Dockerfile.j2"
_FETCH = "fetch.Dockerfile.j2"
_LAYER = "gpu.Dockerfile.j2"
_BASE = "base.Dockerfile.j2"
_BUILDER = "builder.Dockerfile.j2"
_TOOLS = "tools.Dockerfile"
_VERIFY = "verify.py"
COPIED = "/opt/cuda/lib"
"""Where libraries from another image or a folder lie in an image on top of a cell's."""
FOLDER = "cuda"
"""Where a folder's libraries lie in the build context."""
_PATH = re.compile(r"[A-Za-z0-9/][A-Za-z0-9/._+*?-]*")
# Titles and names end up in comments, words and stage names of a Dockerfile: nothing else may come through.
_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+!-]*")


@dataclass(frozen=True, kw_only=True, slots=True)
class Templates:
    """The files of `images/`, read once (name → text); the `model.Renderer` of this project."""

    texts: tuple[tuple[str, str], ...]

    def __getitem__(self, name: str) -> str:
        return dict(self.texts)[name]

    @property
    def digest(self) -> str:
        """Digest of what decides an image beside its recipe: the template and the programs its steps call."""
        return _digest(*(self[name] for name in (_CELL, *CELL_FILES, *COMPILE_FILES, _BUILDER)))

    @property
    def layer_digest(self) -> str:
        """The same of what lies on a cell's image for a device with libraries of its own."""
        return _digest(self[_LAYER])

    @property
    def verify(self) -> bytes:
        return self[_VERIFY].encode()

    def script(self, name: str) -> bytes:
        return self[name].encode()

    def built(self, base: Base, source: Distribution) -> str:
        scripts = _digest(*(self[name] for name in (*COMPILE_FILES, _BUILDER)))
        return digest([base.identity, source.name, source.version, source.filename, source.sha256, scripts])

    def cell(self, recipe: Recipe) -> BuildContext:
        """The Dockerfile of a recipe, the one that fetches for it, their programs, and a list per layer of wheels.

        Of a recipe with a layer on top: the Dockerfile of that layer alone, on the image of the recipe below it.
        """
        return render(recipe, self)

    def base(self, spec: BaseSpec, start: str, *, bootstrapped: bool) -> BuildContext:
        """A base on top of `start`; a bootstrapped one with an artifact expects its tree as `python/`."""
        named = bootstrapped or not spec.suite
        interpreter = (spec.interpreter if named else "") or f"python{spec.python}"
        text = _text(
            self[_BASE], {"spec": spec, "start": start, "interpreter": interpreter, "bootstrapped": bootstrapped}
        )
        return BuildContext(dockerfile=text)

    def builder(self, base: str, packages: tuple[str, ...]) -> BuildContext:
        """The base with `packages` of its own suite (none where they are there already), uv and pip."""
        text = _text(self[_BUILDER], {"base": base, "packages": packages})
        return BuildContext(dockerfile=text, files=(("host.sh", self["host.sh"].encode()),))

    def tools(self) -> BuildContext:
        """The image that holds uv; expects the executable as `uv`."""
        return BuildContext(dockerfile=self[_TOOLS])


def read(folder: Path) -> Templates:
    """The templates of an `images/` folder."""
    files = (*CELL_FILES, *FETCH_FILES, *COMPILE_FILES, *_PROXY_FILES)
    names = sorted({_CELL, _FETCH, _LAYER, _BASE, _BUILDER, _TOOLS, _VERIFY, _LOCAL, *files})
    return Templates(texts=tuple((name, (folder / name).read_text(encoding="utf-8")) for name in names))


def renderer(templates: Templates) -> Renderer:
    """The templates, as what an engine is given."""
    return templates


def render(recipe: Recipe, templates: Templates) -> BuildContext:
    """The build context of a recipe (of what lies on top, where something does: `below` is the rest).

    Raises ValueError for a name no index would serve.
    """
    if recipe.on_top is not None:
        return _render_layer(recipe, recipe.on_top, templates)
    for step in recipe.steps:
        for dist in step.distributions:
            for word in (dist.name, dist.version, dist.filename, dist.sha256):
                if not _SAFE.fullmatch(word):
                    raise ValueError(f"{word!r} is not allowed in a Dockerfile")
    steps, files = [], []
    for number, step in enumerate(recipe.steps, start=1):
        name = f"layer-{number}.txt"
        compiled = step.kind is StepKind.COMPILE
        steps.append({"title": step.title, "compiled": compiled, "distributions": step.distributions, "file": name})
        if not compiled:
            files.append((name, wheels(step.distributions).encode()))
    text = _text(
        templates[_CELL],
        {
            "title": _title(recipe),
            "tag": reference(recipe.key),
            "key": recipe.key,
            "base": recipe.base.image,
            "steps": steps,
            "built": lambda dist: built_reference(templates.built(recipe.base, dist)),
            "environment": [(name, _quoted(value)) for name, value in recipe.environment],
        },
    )
    fetched = [d for s in recipe.steps if s.kind is StepKind.WHEELS for d in s.distributions]
    files += [(f"install/{name}", templates[name].encode()) for name in CELL_FILES]
    files += [(f"fetch/{name}", templates[name].encode()) for name in FETCH_FILES]
    files.append(("fetch/wheels.txt", wheels(fetched).encode()))
    by = _text(templates[_FETCH], {"title": _title(recipe), "base": recipe.base.image, "index": public_index()})
    own = [f"{d.sha256}/{d.filename}" for d in fetched if d.origin]
    large = [(f"fetch/local/{place}", f"{recipe.shelf}/{place}") for place in own if recipe.shelf]
    return BuildContext(dockerfile=text, fetching=by, files=tuple(sorted(files)), large=tuple(sorted(large)))


def _render_layer(recipe: Recipe, layer: LibraryLayer, templates: Templates) -> BuildContext:
    """The image of the same pins, with their libraries where they are found."""
    site = recipe.site_packages
    links = [(f"{_path(folder, site)}/{name}", target) for name, folder, target in map(_link, layer.links)]
    words = [*layer.folders, *layer.paths, *(word for pair in links for word in pair)]
    for word in words:
        if not _PATH.fullmatch(word):
            raise ValueError(f"{word!r} is not allowed in a Dockerfile")
    text = _text(
        templates[_LAYER],
        {
            "title": _title(recipe),
            "tag": reference(recipe.key),
            "below": reference(recipe.below.key),
            "key": recipe.key,
            "site": site,
            "cuda": layer,
            "copied": COPIED,
            "links": links,
            "folders": [*((COPIED,) if layer.copied else ()), *(_path(f, "${SITE}") for f in layer.folders)],
        },
    )
    large = [(f"{FOLDER}/{path.rpartition('/')[2]}", f"{layer.folder}/{path}") for path in layer.paths if layer.folder]
    return BuildContext(dockerfile=text, large=tuple(sorted(large)))


def _link(link: tuple[str, str]) -> tuple[str, str, str]:
    """(name, folder, file) of a link beside its target."""
    name, target = link
    folder, _, file = target.rpartition("/")
    return name, folder, file


def _path(below: str, site: str) -> str:
    return below if below.startswith("/") else f"{site}/{below}"


def wheels(distributions: Iterable[Distribution]) -> str:
    """The one file that was locked of each, with its sha256, as sha256sum has it."""
    return "".join(f"{d.sha256}  {d.filename}\n" for d in sorted(distributions, key=lambda d: d.name))


def reference(key: str) -> str:
    """The tag of a cell's image."""
    return f"compat-cell:{key[:20]}"


def built_reference(key: str) -> str:
    """The tag of what holds the wheel of a source."""
    return f"compat-built:{key[:20]}"


def _title(recipe: Recipe) -> str:
    names = [d.pin for step in recipe.steps if len(step.distributions) == 1 for d in step.distributions]
    count = sum(len(step.distributions) for step in recipe.steps)
    return f"CPython {recipe.base.python}, {count} distributions" + (": " + ", ".join(names) if names else "")


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$")
    return f'"{escaped}"'


def _text(template: str, values: dict[str, object]) -> str:
    import jinja2  # takes longer to import than reading results takes

    environment = jinja2.Environment(  # noqa: S701 - Dockerfiles, not HTML
        undefined=jinja2.StrictUndefined, keep_trailing_newline=True
    )
    return environment.from_string(template).render(values)


def _digest(*texts: str) -> str:
    total = hashlib.sha256()
    for text in texts:
        total.update(hashlib.sha256(text.encode()).digest())
    return total.hexdigest()
