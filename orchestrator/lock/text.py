"""Locks as text: JSON for records, requirement files for installers and people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from orchestrator.model import Distribution, Lock, Strategy


def to_json(lock: Lock) -> dict[str, Any]:
    """A JSON-able dictionary that `from_json` reads back as an equal lock."""
    document = asdict(lock)
    document["cutoff"] = lock.cutoff.astimezone(UTC).isoformat()
    document["strategy"] = str(lock.strategy)
    document["distributions"] = [asdict(d) for d in lock.distributions]
    document["notes"] = list(lock.notes)
    return document


def from_json(document: Mapping[str, Any]) -> Lock:
    """The lock a dictionary of `to_json` describes. Raises KeyError, TypeError or ValueError where it is none."""
    return Lock(
        python=document["python"],
        platform=document["platform"],
        device=document["device"],
        strategy=Strategy(document["strategy"]),
        resolver=document["resolver"],
        cutoff=datetime.fromisoformat(document["cutoff"]),
        distributions=tuple(Distribution(**entry) for entry in document["distributions"]),
        notes=tuple(document["notes"]),
    )


def requirements_text(distributions: Iterable[Distribution]) -> str:
    """Requirements with the hash of the one selected file each, for `--require-hashes`; no URLs."""
    return "".join(f"{d.pin} \\\n    --hash=sha256:{d.sha256}\n" for d in distributions)


def constraints_text(lock: Lock) -> str:
    """`name==version` a line, to pass as constraints; its header says for what and by what it was resolved."""
    header = f"# Python {lock.python}, {lock.platform}, {lock.device}; {lock.strategy}: {lock.resolver}, "
    return header + f"as of {lock.cutoff.astimezone(UTC):%Y-%m-%d}\n" + "".join(f"{pin}\n" for pin in lock.pins)
