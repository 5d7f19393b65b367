"""The audit of CUDA libraries as an `Inspection`: which images are looked into, and what that means for other rooms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec

from orchestrator.errors import UserError
from orchestrator.gpu import auditor
from orchestrator.gpu.audit import GpuAudit, Library
from orchestrator.gpu.verdict import MEANINGS, audit_word, audited, in_words
from orchestrator.model import FIXED_VARIABLES, Base, Engine, Inspected, Limits, Prepared, Recipe

UNRESOLVED = 5
"""Symbols that a library misses, of which a few say as much as all."""
SEARCHED = 20
SAID = 300
LINES = 20
TEXT = 2_000


@dataclass(frozen=True, kw_only=True, slots=True)
class CudaInspection:
    """`model.Inspection` of images with CUDA libraries. `folder` has the program that looks (`images/gpu`)."""

    folder: Path
    _drivers: dict[str, bytes] = field(default_factory=dict, init=False, repr=False, compare=False)
    """Identity of a base → the stand-in driver that its builder compiled."""

    @property
    def name(self) -> str:
        return "CUDA libraries"

    @property
    def meanings(self) -> Mapping[str, str]:
        return MEANINGS

    @property
    def task(self) -> str:
        return "what TensorFlow finds of CUDA"

    @property
    def digest(self) -> str:
        return auditor.read(self.folder).digest

    def subject(self, recipe: Recipe) -> Recipe | None:
        """Where the libraries are wheels, TensorFlow is watched as installing alone leaves it: what is found then is
        what anybody has who installs the same.
        """
        if recipe.on_top is None:
            return None
        return recipe if recipe.on_top.copied else recipe.below

    def look(self, image: Prepared, base: Base, engine: Engine, limits: Limits) -> object:
        program = auditor.read(self.folder)
        if base.identity not in self._drivers:
            self._drivers[base.identity] = auditor.compiled(program, base, engine, limits)
        asked = auditor.AuditRequest(
            reference=image.reference,
            interpreter=image.interpreter,
            stand_in=self._drivers[base.identity],
            environment=FIXED_VARIABLES,
        )
        return kept(auditor.look_into(asked, program, engine, limits))

    def mended(self, recipe: Recipe, saw: object) -> Recipe:
        if recipe.on_top is None:
            return recipe
        helped = next((fix.links for fix in read(saw).fixes if fix.helped), ())
        # relative to the environment, so that the key of an image does not tell where one was made
        links = tuple((name, target.rpartition(f"{recipe.site_packages}/")[2]) for name, target in helped)
        return replace(recipe, on_top=replace(recipe.on_top, links=links))

    def tell(self, saw: object) -> Inspected:
        seen = read(saw)
        return Inspected(word=audit_word(seen), says=in_words(audited(seen)))

    def brief(self, saw: object) -> object:
        seen = read(saw)
        said = tuple(line[:SAID] for line in seen.said)[:LINES]
        libraries = tuple(_brief(library) for library in seen.libraries)
        return kept(replace(seen, libraries=libraries, said=said, trouble=seen.trouble[:TEXT]))


def read(saw: object) -> GpuAudit:
    """What a record keeps, as a value. Raises UserError for anything else."""
    try:
        return msgspec.convert(saw, GpuAudit)
    except msgspec.ValidationError as error:
        hint = "It was written by another version of compat, or is damaged: run the combination again."
        raise UserError(f"the stored audit of CUDA libraries can't be read: {error}", hint=hint) from error


def kept(seen: GpuAudit) -> object:
    """The value as a record keeps it: as JSON has it."""
    return msgspec.json.decode(msgspec.json.encode(seen))


def _brief(library: Library) -> Library:
    few = library.unresolved[:UNRESOLVED]
    return replace(library, why=library.why[:TEXT], unresolved=few, searched=library.searched[:SEARCHED])
