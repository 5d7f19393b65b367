"""What a probe and a proof stand on, as digests over the names that files have in a container and their contents.

The folders that files are kept in don't enter: moving one changes no digest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

from orchestrator.suite.modules import Module


class Digests:
    """Digests over files by name; `modules` are those that may be imported, `reads` the data that each names."""

    def __init__(
        self, contents: Mapping[str, bytes], modules: Mapping[str, Module], reads: Mapping[str, Iterable[str]]
    ) -> None:
        self._contents, self._modules, self._reads = contents, modules, reads
        self._known: dict[frozenset[str], str] = {}

    def behind(self, name: str) -> frozenset[str]:
        """A module's file, those of the modules that it imports, directly or not, and their data."""
        seen: set[str] = set()
        files: set[str] = set()
        left = [name]
        while left:
            module = self._modules.get(left.pop())
            if module is not None and module.name not in seen:
                seen.add(module.name)
                files |= {module.file, *self._reads[module.name]}
                left.extend(module.imports)
        return frozenset(files)

    def over(self, names: frozenset[str]) -> str:
        """sha256 (hex) over the names and contents of files."""
        if names not in self._known:
            total = hashlib.sha256()
            for name in sorted(names):
                total.update(f"{name}\0{len(self._contents[name])}\0".encode())
                total.update(self._contents[name])
            self._known[names] = total.hexdigest()
        return self._known[names]
