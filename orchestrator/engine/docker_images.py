"""Measures and removes compat's images on the daemon's disk."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from orchestrator.engine.docker_daemon import DaemonConnection
from orchestrator.errors import Phase
from orchestrator.model import Stored

if TYPE_CHECKING:
    from docker.models.images import Image

KEY_LABEL = "compat.key"
CELLS = "compat-cell"
BUILT = "compat-built"
"""Wheels that sources gave; counted and removed as the images of cells are."""
_MOUNTS = {
    "cached mount /var/cache/wheels from exec": ("install.py", "fetch.py"),
    "cached mount /var/cache/uv from exec": ("host.sh", "install.sh"),
}
"""How the daemon describes a cache mount of ours: by where it is, and by the command that first asked for it, a cell's
or a builder's (`images/`); `install.sh` is what cells called once.
"""
_LONG_SECONDS = 900.0
"""Tens of gigabytes in a million files take a daemon minutes to measure or to remove."""
_ASKING = threading.Lock()
_PATIENCE, _PAUSE = 20, 0.5
"""How often, and seconds between, the daemon is asked again while it measures its disk for somebody else."""
_KEPT = ("compat-base", "compat-builder")


def stored(daemon: DaemonConnection) -> tuple[Stored, ...]:
    """Images of cells, least recently used first.

    `size` counts a shared layer once, for the image that was used last of those it belongs to, and no layer of a
    base: the sum is what cells take, and removing the first few frees the sum of theirs.
    """
    with daemon.guarded(Phase.COLLECT):
        api = daemon.client.api
        seen = {
            layer for name in _KEPT for image in api.images(name) for layer in _chain(api.inspect_image(image["Id"]))
        }
        found = []
        for entry in (*api.images(CELLS), *api.images(BUILT)):
            image = api.inspect_image(entry["Id"])
            key = ((image.get("Config") or {}).get("Labels") or {}).get(KEY_LABEL)
            if key and image.get("RepoTags"):
                found.append((last_used(image), image["RepoTags"][0], key, image))
        result = []
        for used, reference, key, image in sorted(found, key=lambda f: f[:2], reverse=True):
            sizes = layer_sizes(image, api.history(image["Id"]))
            size = sum(s for layer, s in sizes.items() if layer not in seen)
            seen |= sizes.keys()
            result.append(Stored(reference=reference, key=key, size=size, last_used=used))
    return tuple(reversed(result))


def variables(image: Image) -> tuple[tuple[str, str], ...]:
    """What an image sets for every process in it."""
    lines = (image.attrs.get("Config") or {}).get("Env") or ()
    return tuple((name, value) for name, _, value in (line.partition("=") for line in lines))


def layer_sizes(image: Mapping[str, Any], history: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Layer (with all below it) → bytes. Where history and layers don't match, all bytes are the topmost layer's."""
    chain = _chain(image)
    sizes = [entry["Size"] for entry in history if entry["Size"]][::-1]
    if len(sizes) != len(chain):
        sizes = [0] * (len(chain) - 1) + [image["Size"]]
    return dict(zip(chain, sizes, strict=True))


def _chain(image: Mapping[str, Any]) -> list[str]:
    """Identities of an image's layers, lowest first, each covering those below it: equal layers on others differ."""
    total, chain = hashlib.sha256(), []
    for layer in (image.get("RootFS") or {}).get("Layers") or ():
        total.update(layer.encode())
        chain.append(total.hexdigest())
    return chain


def last_used(image: Mapping[str, Any]) -> datetime:
    """When an image was last tagged, which every use does; when it was made where it never was.

    To the microsecond: what lies on an image is tagged right after it.
    """
    text = str((image.get("Metadata") or {}).get("LastTagTime") or "")
    # A tag never set is year 1.
    if not text or text.startswith("0001"):
        text = str(image.get("Created") or "1970-01-01T00:00:00")
    found = datetime.fromisoformat(text)
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def remove(daemon: DaemonConnection, references: Iterable[str]) -> int:
    """Removes images; the bytes that freed, by the daemon's own account."""
    import docker.errors

    with daemon.guarded(Phase.COLLECT):
        before = _layers(daemon)
        for reference in references:
            try:
                daemon.client.images.remove(reference)
            except docker.errors.ImageNotFound:
                continue
        # A layer stays on disk as long as a record of the build cache holds it: those that no image shares ("private",
        # a filter by presence, without a value) go too.
        daemon.client.api.prune_builds(filters={"type": ["regular"], "private": []})
        return max(0, before - _layers(daemon))


def drop_downloads(daemon: DaemonConnection) -> None:
    """Empties the cache mounts of our builds. The daemon leaves those alone that a build has mounted."""
    api = daemon.client.api
    with daemon.guarded(Phase.COLLECT):
        ours = [r["ID"] for r in _usage(daemon).get("BuildCache") or () if _is_ours(r)]
        with daemon.patient(_LONG_SECONDS):
            for mount in ours:
                api.prune_builds(filters={"id": [mount]})


def _is_ours(record: Mapping[str, Any]) -> bool:
    said = str(record.get("Description"))
    programs = next((found for start, found in _MOUNTS.items() if said.startswith(start)), ())
    return record["Type"] == "exec.cachemount" and any(program in said for program in programs)


def _layers(daemon: DaemonConnection) -> int:
    return int(_usage(daemon).get("LayersSize") or 0)


def _usage(daemon: DaemonConnection) -> dict[str, Any]:
    """What the daemon says its disk holds. It answers one such question at a time, and others with an error (moby,
    daemon/disk_usage.go, up to 20.10): ours wait for each other, and for those of other programs.
    """
    import docker.errors

    with _ASKING:
        for _ in range(_PATIENCE):
            try:
                with daemon.patient(_LONG_SECONDS):
                    return dict(daemon.client.api.df())
            except docker.errors.APIError as error:
                if not error.is_server_error():
                    raise
                time.sleep(_PAUSE)
        return dict(daemon.client.api.df())
