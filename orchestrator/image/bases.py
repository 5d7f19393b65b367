"""`images/bases.yaml` → the ways to have each CPython."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from pathlib import Path

import yaml

from orchestrator.errors import UserError
from orchestrator.model import BaseSpec

_TEXTS = {
    "name": "name",
    "python": "python",
    "reference": "reference",
    "suite": "suite",
    "artifact": "artifact",
    "artifact_prefix": "artifact_prefix",
    "interpreter": "interpreter",
}
_LISTS = {"packages": "packages", "builder": "builder_packages"}


def load(path: Path) -> tuple[BaseSpec, ...]:
    """The bases of a file, in its order. Raises UserError naming the place of what is wrong in it."""
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path}: can't be read: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: not YAML: {error}") from error
    entries = document.get("bases") if isinstance(document, dict) else None
    if not isinstance(entries, list) or not entries:
        raise UserError(f"{path}: expected a list of bases under `bases`")
    specs = tuple(_spec(entry, f"{path}: bases[{number}]") for number, entry in enumerate(entries))
    names = [spec.name for spec in specs]
    for name in names:
        if names.count(name) > 1:
            raise UserError(f"{path}: duplicate base name {name!r}")
    return specs


def candidates(python: str, specs: Iterable[BaseSpec]) -> tuple[BaseSpec, ...]:
    """The specs for one CPython minor ("3.9"), in the order they are to be tried."""
    return tuple(spec for spec in specs if spec.python == python)


def _spec(entry: object, where: str) -> BaseSpec:
    if not isinstance(entry, Mapping):
        raise UserError(f"{where}: expected a mapping, got {entry!r}")
    known = [*_TEXTS, *_LISTS]
    for key in entry:
        if key not in known:
            close = difflib.get_close_matches(str(key), known, n=1)
            raise UserError(f"{where}: unknown key {key!r}", hint=f"did you mean {close[0]!r}?" if close else "")
    texts = {field: _text(entry[key], f"{where}.{key}") for key, field in _TEXTS.items() if key in entry}
    lists = {field: tuple(_flat(entry[key], f"{where}.{key}")) for key, field in _LISTS.items() if key in entry}
    for key in ("name", "python"):
        if not texts.get(key):
            raise UserError(f"{where}: {key} is missing")
    if not (texts.get("reference") or texts.get("suite")):
        raise UserError(f"{where}: neither a reference to pull nor a suite to bootstrap from")
    if texts.get("suite") and not texts.get("interpreter"):
        raise UserError(f"{where}: a suite needs the path of its interpreter")
    # mypy can't see which of the two dictionaries a keyword comes from.
    return BaseSpec(**texts, **lists)  # type: ignore[arg-type]


def _text(value: object, where: str) -> str:
    if not isinstance(value, str):
        raise UserError(f'{where}: expected a string, got {value!r} (quote it: "{value}")')
    return value


def _flat(value: object, where: str) -> list[str]:
    """Lists may hold lists, so that one list can be an anchor inside another."""
    if not isinstance(value, list):
        raise UserError(f"{where}: expected a list, got {value!r}")
    return [name for item in value for name in (_flat(item, where) if isinstance(item, list) else [_text(item, where)])]
