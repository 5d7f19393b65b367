"""What the cells of a matrix are run and judged with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.model import Matrix
from orchestrator.model.suite import Suite
from orchestrator.store.store import Store

if TYPE_CHECKING:
    from orchestrator.lock.built import Wheels


@dataclass(frozen=True, kw_only=True, slots=True)
class Parts:
    """A matrix, the index that its pins come from, its state, its probes; `images` are the templates of images."""

    matrix: Matrix
    index: Wheels
    store: Store
    suite: Suite
    images: Path
