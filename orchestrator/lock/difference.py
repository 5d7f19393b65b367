"""What changed from one lock to another."""

from __future__ import annotations

from dataclasses import dataclass

from packaging.utils import canonicalize_name

from orchestrator.model import Distribution, Lock


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """From `a` to `b`, each sorted by name. `changed` also holds equal versions with another file."""

    added: tuple[Distribution, ...] = ()
    removed: tuple[Distribution, ...] = ()
    changed: tuple[tuple[Distribution, Distribution], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)


def difference(a: Lock, b: Lock) -> Difference:
    """What `b` has that `a` has not, and the other way round, by canonical name and file."""
    before = {canonicalize_name(d.name): d for d in a.distributions}
    after = {canonicalize_name(d.name): d for d in b.distributions}
    return Difference(
        added=tuple(after[n] for n in sorted(after.keys() - before.keys())),
        removed=tuple(before[n] for n in sorted(before.keys() - after.keys())),
        changed=tuple(
            (before[n], after[n])
            for n in sorted(before.keys() & after.keys())
            if (before[n].version, before[n].sha256) != (after[n].version, after[n].sha256)
        ),
    )
