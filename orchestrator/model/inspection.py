"""A look into a cell's image, beside its probes: a protocol, so that no room knows what is looked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from orchestrator.model.engine import Engine, Prepared
from orchestrator.model.image import Base, Recipe
from orchestrator.model.matrix import Limits


@dataclass(frozen=True, kw_only=True, slots=True)
class Inspected:
    """What an inspection makes of what it saw: `word` stands in a table where a cell has no verdict ("audit: loads"),
    `says` is a sentence about the cell.
    """

    word: str
    says: str


class Inspection(Protocol):
    """One kind of look into images.

    What it saw is kept in the record as JSON has it, and nobody but the inspection reads it: what that amounts to is
    derived anew each time, as verdicts are.
    """

    @property
    def name(self) -> str:
        """What its sentences about a cell are headed with."""
        ...

    @property
    def meanings(self) -> Mapping[str, str]:
        """What its words mean, for legends."""
        ...

    @property
    def task(self) -> str:
        """What a run says while it looks."""
        ...

    @property
    def digest(self) -> str:
        """Of the program that looks: what it saw of an image before stands for what it would see now."""
        ...

    def subject(self, recipe: Recipe) -> Recipe | None:
        """The image to look into: that of the recipe, or one below it; None where there is nothing to look for."""
        ...

    def look(self, image: Prepared, base: Base, engine: Engine, limits: Limits) -> object:
        """What there is to see in an image, as JSON has it. Raises CellError(infra) where the look did not end."""
        ...

    def mended(self, recipe: Recipe, saw: object) -> Recipe:
        """The recipe with what was seen to mend it; the recipe itself where nothing did."""
        ...

    def tell(self, saw: object) -> Inspected:
        """What it amounts to. Raises UserError for what no such inspection saw."""
        ...

    def brief(self, saw: object) -> object:
        """What of it is published: bounded, nothing in it that changes what it amounts to left out."""
        ...
