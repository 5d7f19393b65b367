"""The disk budget: stops before the disk is full, and evicts images that are safe to evict."""

from __future__ import annotations

from orchestrator.errors import Phase, infra
from orchestrator.model import Recipe
from orchestrator.run.context import RunContext, Worker

TIGHT = 12_000_000_000
"""Bytes above the floor from which on disk counts as tight."""
ROOM = 2_000_000_000
"""Bytes above the floor that a build should find: the image and what is fetched for it."""
ROOM_LIBRARIES = 8_000_000_000
"""The same for an image with the libraries of a device on top."""


def require_space(recipe: Recipe, worker: Worker) -> None:
    """Raises CellError(infra, disk-full) when less than the floor is free and nothing that can be given up helps.

    Already when it is getting tight, downloads that are kept between builds are given up: no engine says how much they
    take, and a matrix of many large packages brings tens of gigabytes of them. Where the recipe's image is still to be
    built, images that no cell is at follow, the least recently used first, until the build has room: they can be built
    again, if need be.
    """
    free = worker.engine.disk_free()
    if free is not None and free < worker.disk_floor + TIGHT:
        worker.engine.drop_downloads()
        free = worker.engine.disk_free()
    wanted = worker.disk_floor + (ROOM_LIBRARIES if recipe.on_top else ROOM)
    if free is not None and free < wanted and recipe.key not in {image.key for image in worker.engine.images()}:
        _remove(worker, wanted - free, frozenset(worker.in_use.values()))
        free = worker.engine.disk_free()
    if free is None or free >= worker.disk_floor:
        return
    kept = sum(image.size for image in worker.engine.images())
    raise infra(
        Phase.BUILD,
        "disk-full",
        f"only {gigabytes(free)} free on the image disk, {gigabytes(worker.disk_floor)} needed; cell images "
        f"use {gigabytes(kept)} (`compat gc` removes them)",
    )


def evict(context: RunContext, keep: frozenset[str]) -> int:
    """Removes least recently used images, of whichever run, until the budget holds; those whose key is in `keep` stay.

    Returns the bytes freed. Called only when the results of what is evicted are safe.
    """
    if not context.disk_budget:
        return 0
    return _remove(
        context.worker, sum(image.size for image in context.worker.engine.images()) - context.disk_budget, keep
    )


def _remove(worker: Worker, excess: int, keep: frozenset[str]) -> int:
    """Removes images until that many bytes are free or only those in `keep` are left; returns the bytes freed."""
    doomed: list[str] = []
    for image in sorted(worker.engine.images(), key=lambda image: image.last_used):
        if excess <= 0:
            break
        if image.key not in keep:
            doomed.append(image.reference)
            excess -= image.size
    return worker.engine.remove(doomed) if doomed else 0


def gigabytes(size: int) -> str:
    """A size to display: "1.4 GB"."""
    return f"{size / 1e9:.1f} GB"
