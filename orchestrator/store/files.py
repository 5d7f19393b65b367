"""Writes files atomically."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from orchestrator.errors import UserError


def require_writable(path: Path) -> None:
    """Raises UserError if no file can be written at `path`."""
    if not os.access(path.parent, os.W_OK):
        raise UserError(f"{path} can't be written", hint="you may not write to its folder")


def write_whole(path: Path, content: bytes) -> None:
    """Replaces the content of `path` atomically."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as temporary:
        try:
            temporary.write(content)
            temporary.flush()
            os.fsync(temporary.fileno())
            # a temporary file is its owner's alone; what it becomes is anybody's to read
            Path(temporary.name).chmod(0o644)
            Path(temporary.name).replace(path)
        except BaseException:
            Path(temporary.name).unlink(missing_ok=True)
            raise
