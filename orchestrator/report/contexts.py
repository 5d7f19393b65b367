"""Build contexts of cells, to build one by hand or with another tool: `compat export --dockerfiles`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from orchestrator.image import dockerfile, recipe
from orchestrator.model import Libraries, LibraryLayer
from orchestrator.store.files import write_whole
from orchestrator.verdict.judge import CellResult


def write(
    cells: Sequence[CellResult],
    folder: Path,
    templates: dockerfile.Templates,
    layer: Callable[[Libraries, str], LibraryLayer],
) -> tuple[Path, ...]:
    """Writes the build context of each cell that was locked into `folder`/CELL; returns the Dockerfiles.

    `layer`: libraries and the digest of a template → what makes them be found.
    """
    written = []
    for judged in cells:
        record = judged.record
        if record is None or record.lock is None or record.base is None:
            continue
        subjects = tuple(c.axis.package or "" for c in record.cell.subjects)
        libraries = record.lock.libraries
        on_top = None if libraries is None else layer(libraries, templates.layer_digest)
        made = recipe.recipe(record.lock, record.base, subjects, template=templates.digest, on_top=on_top)
        place = folder / record.cell.id
        for part, at in ((made.below, place / "below"), (made, place)) if made.on_top else ((made, place),):
            context = dockerfile.render(part, templates)
            for name, content in context.written:
                write_whole(at / name, content)
            written.append(at / "Dockerfile")
    return tuple(written)
