"""Packages on disk, made for tests: wheels, and repositories with sources."""

from __future__ import annotations

import io
import os
import subprocess
import zipfile
from pathlib import Path

PYPROJECT = """\
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"
[project]
name = "mine"
version = "1.0"
"""
NAMED = {"user.name": "somebody", "user.email": "somebody@example.org", "commit.gpgsign": "false"}
WHEEL = "mine-1.0-py3-none-any.whl"


def wheel(requires: tuple[str, ...] = (), says: str = "mine 1.0", more: str = "", body: str = "ANSWER = 42\n") -> bytes:
    """A wheel of mine 1.0; `says` is what its metadata call it, `more` further lines of them."""
    name, _, version = says.partition(" ")
    lines = [f"Requires-Dist: {line}\n" for line in requires]
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{more}{''.join(lines)}"
    about = "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for path, text in (("METADATA", metadata), ("WHEEL", about), ("RECORD", "")):
            archive.writestr(zipfile.ZipInfo(f"mine-1.0.dist-info/{path}"), text)
        archive.writestr(zipfile.ZipInfo("mine/__init__.py"), body)
    return stream.getvalue()


def git(folder: Path, *words: str) -> str:
    options = [word for name, value in NAMED.items() for word in ("-c", f"{name}={value}")]
    moment = "2024-03-01T12:00:00Z"
    environment = {"PATH": os.environ["PATH"], "GIT_COMMITTER_DATE": moment, "GIT_AUTHOR_DATE": moment}
    command = ["git", *options, "-C", str(folder), *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout


def repository(folder: Path, **files: str) -> Path:
    """A repository with sources of `mine` in one commit, tagged v1; `src__x` is the file `src/x.py`."""
    folder.mkdir(parents=True)
    (folder / "pyproject.toml").write_text(PYPROJECT)
    for name, text in ({"mine": "ANSWER = 42\n"} | files).items():
        path = folder.joinpath(*name.split("__")).with_suffix(".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    git(folder, "init", "--quiet")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message", "one")
    git(folder, "tag", "v1")
    return folder
