"""git, asked what a folder holds. It reads objects and the index; no hook, filter or monitor of a repository runs."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

SECONDS = 120
MOST_BYTES = 256 * 1024**2
"""Of sources; a larger repository holds something else than a package."""
_INERT = ("core.fsmonitor=false", "core.hooksPath=/dev/null", "core.untrackedCache=false", "protocol.allow=never")
_SETTINGS = {"GIT_OPTIONAL_LOCKS": "0", "GIT_NO_LAZY_FETCH": "1", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
_PASSED = ("HOME", "PATH", "XDG_CONFIG_HOME")
LINK, SUBMODULE, PROGRAM = "120000", "160000", "100755"


class GitError(Exception):
    """git said no; the message is its own."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TreeEntry:
    """A tracked file: its path below the folder that was asked about, its mode and the name of its content."""

    path: str
    mode: str
    blob: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Repository:
    """What git says of a folder: one of a working tree, or a bare repository. Raises GitError."""

    folder: Path
    environment: Mapping[str, str]

    def tracked(self) -> tuple[TreeEntry, ...]:
        """The files below the folder that git tracks, as they are in its index."""
        return tuple(_entry(line) for line in self._lines("ls-files", "--cached", "--stage", "-z"))

    def commit(self, ref: str) -> tuple[str, datetime]:
        """The full name of a commit and when it was made."""
        name = self._text("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")
        stamp = self._text("show", "--no-patch", "--format=%ct", name)
        return name, datetime.fromtimestamp(int(stamp), UTC)

    def files(self, commit: str) -> tuple[TreeEntry, ...]:
        """The files below the folder in a commit."""
        return tuple(_entry(line) for line in self._lines("ls-tree", "-r", "-z", commit))

    def contents(self, entries: tuple[TreeEntry, ...]) -> dict[str, bytes]:
        """Path → content as it was committed, whatever filters the repository names. Raises ValueError for too much."""
        asked = "".join(f"{entry.blob}\n" for entry in entries).encode()
        said = self._ask("cat-file", "--batch-check=%(objectsize)", stdin=asked)
        if sum(int(size) for size in said.split()) > MOST_BYTES:
            raise ValueError(f"its files take more than {MOST_BYTES // 1024**2} MiB")
        answer, found = self._ask("cat-file", "--batch", stdin=asked), {}
        for entry in entries:
            head, _, answer = answer.partition(b"\n")
            size = int(head.rsplit(b" ", 1)[1])
            found[entry.path], answer = answer[:size], answer[size + 1 :]
        return found

    def _lines(self, *words: str) -> list[str]:
        said = self._ask(*words).decode("utf-8", "surrogateescape")
        return [line for line in said.split("\0") if line]

    def _text(self, *words: str) -> str:
        return self._ask(*words).decode("utf-8", "replace").strip()

    def _ask(self, *words: str, stdin: bytes = b"") -> bytes:
        passed = {name: self.environment[name] for name in _PASSED if name in self.environment}
        options = [word for setting in _INERT for word in ("-c", setting)]
        command = ["git", *options, "-C", str(self.folder), *words]
        try:
            ended = subprocess.run(
                command,
                input=stdin,
                capture_output=True,
                timeout=SECONDS,
                check=False,
                env={"PATH": os.defpath, **passed, **_SETTINGS},
            )
        except FileNotFoundError as error:
            raise GitError("git is not installed here") from error
        except subprocess.TimeoutExpired as error:
            raise GitError(f"git did not answer in {SECONDS} s") from error
        if ended.returncode != 0:
            raise GitError(ended.stderr.decode("utf-8", "replace").strip().removeprefix("fatal: ")[:300])
        return ended.stdout


def _entry(line: str) -> TreeEntry:
    """Of `MODE [blob] OBJECT [STAGE]<TAB>PATH`, as ls-files and ls-tree write it."""
    about, _, path = line.partition("\t")
    words = about.split()
    return TreeEntry(path=path, mode=words[0], blob=words[2] if words[1] in ("blob", "commit") else words[1])
