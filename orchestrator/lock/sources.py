"""What choices name on disk, taken in when a run begins: copied to a shelf under its sha256, from where all else reads.

Nothing of it runs here. Sources become an archive of the files that git tracks: equal contents, equal bytes.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import posixpath
import shutil
import stat
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from packaging.utils import canonicalize_name

from orchestrator.errors import UserError
from orchestrator.lock import git, wheel_file
from orchestrator.lock.git import GitError, Repository, TreeEntry
from orchestrator.model import Cell, Choice, LocalPackage

WHEEL_BYTES = 1024**3
MOST_FILES = 50_000
_POINTER = b"version https://git-lfs."
_TOP = "source"
_BUILDABLE = ("pyproject.toml", "setup.py")


@dataclass(frozen=True, kw_only=True, slots=True)
class Disk:
    """Where the paths of a matrix begin, where files are kept, and the host's environment, for git."""

    folder: Path
    shelf: Path
    environment: Mapping[str, str]


def taken_in(cells: tuple[Cell, ...], disk: Disk) -> tuple[Cell, ...]:
    """The cells, each choice from disk with what is there now. Raises UserError for what can't be taken."""
    known: dict[Choice, Choice] = {}

    def now(choice: Choice) -> Choice:
        if choice.local is None:
            return choice
        if choice not in known:
            known[choice] = replace(choice, local=take(choice.local, choice.axis.package or choice.axis.name, disk))
        return known[choice]

    return tuple(replace(cell, choices=tuple(now(choice) for choice in cell.choices)) for cell in cells)


def take(local: LocalPackage, package: str, disk: Disk) -> LocalPackage:
    """One choice with what is on disk of it. Raises UserError, with its place in the matrix."""
    try:
        path = _place(local, disk.folder)
        if local.wheel:
            return _wheel(local, path, package, disk.shelf)
        return _commit(local, path, disk) if local.ref else _folder(local, path, disk)
    except (ValueError, GitError) as error:
        raise UserError(f"{local.at}: {local.path}: {error}") from error
    except OSError as error:
        raise UserError(f"{local.at}: {local.path}: {error.strerror}") from error


def _place(local: LocalPackage, folder: Path) -> Path:
    start = folder.resolve()
    meant = Path(os.path.normpath(start / local.path))
    try:
        real = meant.resolve(strict=True)
    except FileNotFoundError as error:
        hint = "Build it first, or leave the choice out of this run with a selector." if local.wheel else ""
        raise UserError(f"{local.at}: {local.path} is missing", hint=hint) from error
    except RuntimeError as error:
        raise ValueError("a link that leads to itself") from error
    if real != meant:
        raise UserError(f"{local.at}: {local.path} leads elsewhere through a link", hint="give the path of its target")
    return meant


# ---------------------------------------------------------------- wheels


def _wheel(local: LocalPackage, path: Path, package: str, shelf: Path) -> LocalPackage:
    if not stat.S_ISREG(path.lstat().st_mode):
        raise ValueError("it is not a file")
    if path.stat().st_size > WHEEL_BYTES:
        raise ValueError(f"it is larger than {WHEEL_BYTES // 1024**3} GiB")
    with beside(shelf) as fresh:
        kept = fresh / path.name
        shutil.copyfile(path, kept, follow_symlinks=False)
        wheel = wheel_file.read(kept)
        if wheel.name != canonicalize_name(package):
            raise ValueError(f"it is a wheel of {wheel.name}, and the axis is one of {package}")
        shelve(kept, shelf, wheel.sha256)
    return replace(local, sha256=wheel.sha256, filename=wheel.filename)


@contextmanager
def beside(shelf: Path) -> Iterator[Path]:
    """A folder from which files move to their places on a shelf, each whole or not at all."""
    shelf.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=shelf, prefix=".new-") as folder:
        yield Path(folder)


def shelve(file: Path, shelf: Path, sha256: str) -> Path:
    """Moves a file that lies `beside` a shelf to its place there."""
    place = shelf / sha256 / file.name
    place.parent.mkdir(parents=True, exist_ok=True)
    return file.replace(place)


# ---------------------------------------------------------------- sources


def _folder(local: LocalPackage, path: Path, disk: Disk) -> LocalPackage:
    """The tracked files of a folder as they are now, edited or not."""
    if not path.is_dir():
        raise ValueError("it is neither a wheel (.whl) nor a folder")
    repository = Repository(folder=path, environment=disk.environment)
    return _archived(local, _working(repository), disk.shelf)


def _commit(local: LocalPackage, path: Path, disk: Disk) -> LocalPackage:
    """The files of a commit, whatever the folder holds now."""
    if not path.is_dir():
        raise ValueError("it is not a folder")
    repository = Repository(folder=path, environment=disk.environment)
    try:
        commit, when = repository.commit(local.ref)
    except GitError as error:
        said = str(error) or "it has no such branch, tag or commit"
        raise GitError(f"git finds no commit {local.ref!r}: {said}") from error
    entries = _plain(repository.files(commit))
    files = _with_modes(entries, repository.contents(entries))
    found = replace(local, commit=commit, committed=when, uncommitted=_edited(repository))
    return _archived(found, files, disk.shelf)


_Files = dict[str, tuple[str, bytes]]
"""Path → mode and content, of a link its target."""


def _working(repository: Repository) -> _Files:
    try:
        entries = _plain(repository.tracked())
    except GitError as error:
        hint = "`git init && git add .` says which files belong to it; or build a wheel and name that."
        raise UserError(f"{repository.folder.name}: no files that git tracks: {error}", hint=hint) from error
    found: _Files = {}
    total = 0
    for entry in entries:
        path = repository.folder / entry.path
        read = _read(path, repository.folder)
        if read is not None:
            found[entry.path] = read
            total += len(read[1])
        if total > git.MOST_BYTES:
            raise ValueError(f"its files take more than {git.MOST_BYTES // 1024**2} MiB")
    return found


def _read(path: Path, root: Path) -> tuple[str, bytes] | None:
    """The mode and content of a file, None where it was deleted. A folder may have become a link since git saw it."""
    if path.parent.resolve() != root.resolve() / path.parent.relative_to(root):
        raise ValueError(f"{path.relative_to(root)} leads elsewhere through a link")
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return None
    if stat.S_ISLNK(mode):
        return git.LINK, os.fsencode(path.readlink())
    if not stat.S_ISREG(mode):
        raise ValueError(f"{path.relative_to(root)} is not a file")
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as source:
        content = source.read(git.MOST_BYTES + 1)
    return (git.PROGRAM if mode & stat.S_IXUSR else "100644"), content


def _with_modes(entries: tuple[TreeEntry, ...], contents: Mapping[str, bytes]) -> _Files:
    return {entry.path: (entry.mode, contents[entry.path]) for entry in entries}


def _plain(entries: tuple[TreeEntry, ...]) -> tuple[TreeEntry, ...]:
    """The entries. Raises ValueError for a submodule, whose files are in another repository."""
    for entry in entries:
        if entry.mode == git.SUBMODULE:
            raise ValueError(f"{entry.path} is a submodule, and only files of the repository itself are taken")
    if len(entries) > MOST_FILES:
        raise ValueError(f"it has more than {MOST_FILES:,} files")
    return entries


def _edited(repository: Repository) -> bool:
    """Whether the folder differs from what is committed; a bare repository has none."""
    try:
        head, _ = repository.commit("HEAD")
        entries = _plain(repository.files(head))
        return _working(repository) != _with_modes(entries, repository.contents(entries))
    except (GitError, UserError, ValueError, OSError):
        return False


def _archived(local: LocalPackage, files: _Files, shelf: Path) -> LocalPackage:
    if not any(name in files for name in _BUILDABLE):
        raise ValueError(f"git tracks no {' or '.join(_BUILDABLE)} there: nothing says how to build it")
    for path, (mode, content) in files.items():
        if mode == git.LINK:
            _require_inside(path, os.fsdecode(content))
        elif content.startswith(_POINTER):
            raise ValueError(f"{path} is a pointer of Git LFS, whose content is not in the repository")
    content = _archive(files)
    sha256 = hashlib.sha256(content).hexdigest()
    name = f"{_TOP}.tar.gz"
    with beside(shelf) as fresh:
        (fresh / name).write_bytes(content)
        shelve(fresh / name, shelf, sha256)
    return replace(local, sha256=sha256, filename=name)


def _require_inside(path: str, target: str) -> None:
    led = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
    if target.startswith("/") or led == ".." or led.startswith("../"):
        raise ValueError(f"{path} leads out of it through a link")


def _archive(files: _Files) -> bytes:
    """A source archive: names sorted, and no owner, time or mode but whether a file can be run."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path, (mode, content) in sorted(files.items()):
            entry = tarfile.TarInfo(str(PurePosixPath(_TOP) / path))
            entry.mode = 0o755 if mode == git.PROGRAM else 0o644
            if mode == git.LINK:
                entry.type, entry.linkname = tarfile.SYMTYPE, os.fsdecode(content)
                archive.addfile(entry)
            else:
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))
    return gzip.compress(stream.getvalue(), mtime=0)
