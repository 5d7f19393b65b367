"""What choices name on disk, as it is taken in: by content, with nothing of it run, and every bad path refused."""

from __future__ import annotations

import os
import tarfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from made_packages import WHEEL, git, repository, wheel

from orchestrator.errors import UserError
from orchestrator.lock.sources import Disk, take
from orchestrator.model import LocalPackage

AT = "matrix.yaml:5:20 axes.mine.choices[0].path"


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    (tmp_path / "m").mkdir()
    return Disk(folder=tmp_path / "m", shelf=tmp_path / "shelf", environment={"PATH": os.environ["PATH"]})


def taken(disk: Disk, path: str, ref: str = "") -> LocalPackage:
    return take(LocalPackage(path=path, ref=ref, at=AT), "mine", disk)


def members(disk: Disk, local: LocalPackage) -> dict[str, tuple[int, float]]:
    with tarfile.open(disk.shelf / local.sha256 / local.filename) as archive:
        return {m.name: (m.mode, m.mtime) for m in archive}


def content(disk: Disk, local: LocalPackage, name: str) -> bytes:
    with tarfile.open(disk.shelf / local.sha256 / local.filename) as archive:
        found = archive.extractfile(f"source/{name}")
        assert found is not None
        return found.read()


# ---------------------------------------------------------------- what is taken


def test_a_wheel_is_kept_as_it_is_under_its_content(disk: Disk) -> None:
    (disk.folder / "dist").mkdir()
    (disk.folder / "dist" / WHEEL).write_bytes(wheel())
    local = taken(disk, f"dist/{WHEEL}")
    assert (disk.shelf / local.sha256 / WHEEL).read_bytes() == wheel()
    assert local.origin == f"the file dist/{WHEEL}"


def test_a_folder_is_what_git_tracks_as_it_is_now(disk: Disk) -> None:
    folder = repository(disk.folder / "lib", gone="")
    (folder / "mine.py").write_text("ANSWER = 43\n")
    (folder / "gone.py").unlink()
    (folder / "secrets.txt").write_text("untracked")
    local = taken(disk, "lib")
    assert members(disk, local) == {"source/mine.py": (0o644, 0), "source/pyproject.toml": (0o644, 0)}
    assert content(disk, local, "mine.py") == b"ANSWER = 43\n"


def test_equal_content_is_equal_whatever_its_times_modes_and_place(disk: Disk) -> None:
    first = taken(disk, "lib" if repository(disk.folder / "lib") else "")
    other = repository(disk.folder / "deep" / "copy")
    os.utime(other / "mine.py", (1, 1))
    (other / "mine.py").chmod(0o600)
    assert taken(disk, "deep/copy").sha256 == first.sha256
    (other / "mine.py").write_text("ANSWER = 1\n")
    assert taken(disk, "deep/copy").sha256 != first.sha256


def test_a_reference_wins_over_what_the_folder_holds_and_says_so(disk: Disk) -> None:
    folder = repository(disk.folder / "lib")
    clean = taken(disk, "lib", "v1")
    (folder / "mine.py").write_text("ANSWER = 43\n")
    dirty = taken(disk, "lib", "v1")
    assert (clean.sha256, clean.uncommitted, dirty.uncommitted) == (dirty.sha256, False, True)
    assert content(disk, dirty, "mine.py") == b"ANSWER = 42\n"
    assert dirty.committed == datetime(2024, 3, 1, 12, tzinfo=UTC)
    assert dirty.origin == f"built from lib at v1 ({git(folder, 'rev-parse', 'v1')[:12]})"


def test_a_folder_below_the_top_of_a_repository_is_taken_alone(disk: Disk) -> None:
    top = repository(disk.folder / "all", lib__mine="ANSWER = 7\n")
    (top / "lib" / "pyproject.toml").write_text((top / "pyproject.toml").read_text())
    git(top, "add", ".")
    git(top, "commit", "--quiet", "--message", "two")
    for local in (taken(disk, "all/lib"), taken(disk, "all/lib", "HEAD")):
        assert sorted(members(disk, local)) == ["source/mine.py", "source/pyproject.toml"]


def test_a_bare_repository_has_commits_too(disk: Disk) -> None:
    folder = repository(disk.folder / "lib")
    git(disk.folder, "clone", "--quiet", "--bare", str(folder), "bare.git")
    assert taken(disk, "bare.git", "v1").sha256 == taken(disk, "lib", "v1").sha256


# ---------------------------------------------------------------- nothing of it runs


def test_nothing_that_a_folder_names_runs_on_this_machine(disk: Disk, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    folder = repository(disk.folder / "lib", setup=f"open({str(ran)!r}, 'w')\n")
    (folder / ".gitattributes").write_text("*.py filter=evil export-subst diff=evil\n")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message", "two")
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {ran}\n")
    program.chmod(0o755)
    for key in ("core.fsmonitor", "filter.evil.smudge", "filter.evil.clean", "diff.evil.textconv", "core.pager"):
        git(folder, "config", key, str(program))
    for hook in ("post-checkout", "post-index-change", "reference-transaction"):
        (folder / ".git" / "hooks" / hook).write_bytes(program.read_bytes())
        (folder / ".git" / "hooks" / hook).chmod(0o755)
    (folder / "mine.py").write_text("ANSWER = 43\n")
    ran.unlink(missing_ok=True)
    taken(disk, "lib")
    taken(disk, "lib", "HEAD")
    assert not ran.exists()


# ---------------------------------------------------------------- what is refused


def _other_project(folder: Path) -> str:
    (folder / "other-1.0-py3-none-any.whl").write_bytes(wheel(says="other 1.0"))
    return "other-1.0-py3-none-any.whl"


def _two_names(folder: Path) -> str:
    (folder / WHEEL).write_bytes(wheel(says="other 1.0"))
    return WHEEL


def _text(folder: Path) -> str:
    (folder / WHEEL).write_text("no archive")
    return WHEEL


def _hostile_name(folder: Path) -> str:
    (folder / "mine-1.0;rm -rf-py3-none-any.whl").write_bytes(wheel())
    return "mine-1.0;rm -rf-py3-none-any.whl"


def _folder_called_wheel(folder: Path) -> str:
    (folder / WHEEL).mkdir()
    return WHEEL


def _link_to_a_wheel(folder: Path) -> str:
    (folder.parent / WHEEL).write_bytes(wheel())
    (folder / WHEEL).symlink_to(folder.parent / WHEEL)
    return WHEEL


def _link_to_a_folder(folder: Path) -> str:
    repository(folder.parent / "lib")
    (folder / "dist").symlink_to(folder.parent)
    return "dist/lib"


def _loop(folder: Path) -> str:
    (folder / "loop").symlink_to("loop")
    return "loop"


def _no_git(folder: Path) -> str:
    (folder / "lib").mkdir()
    (folder / "lib" / "setup.py").touch()
    return "lib"


def _file(folder: Path) -> str:
    (folder / "mine.tar.gz").touch()
    return "mine.tar.gz"


def _no_build(folder: Path) -> str:
    lib = repository(folder / "lib")
    (lib / "pyproject.toml").unlink()
    return "lib"


def _submodule(folder: Path) -> str:
    lib, part = repository(folder / "lib"), repository(folder / "part")
    git(lib, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(part), "inner")
    return "lib"


def _pointer(folder: Path) -> str:
    repository(folder / "lib", data="version https://git-lfs.example/spec/v1\noid sha256:1\nsize 1\n")
    return "lib"


def _link_inside(folder: Path) -> str:
    lib = repository(folder / "lib")
    (lib / "secret").symlink_to("../../../etc/passwd")
    git(lib, "add", ".")
    return "lib"


def _folder_that_became_a_link(folder: Path) -> str:
    lib, other = repository(folder / "lib", inner__a="1"), folder.parent / "other"
    other.mkdir()
    (lib / "inner").rename(folder.parent / "moved")
    (other / "a.py").write_text("secret")
    (lib / "inner").symlink_to(other)
    return "lib"


@pytest.mark.parametrize(
    ("prepare", "said"),
    [
        (lambda _folder: WHEEL, "is missing"),
        (_other_project, "a wheel of other, and the axis is one of mine"),
        (_two_names, "says inside that it is other 1.0"),
        (_text, "is not a wheel"),
        (_hostile_name, "is not a wheel file name"),
        (_folder_called_wheel, "it is not a file"),
        (_link_to_a_wheel, "leads elsewhere through a link"),
        (_link_to_a_folder, "leads elsewhere through a link"),
        (_loop, "a link that leads to itself"),
        (_no_git, "no files that git tracks"),
        (_file, "neither a wheel (.whl) nor a folder"),
        (_no_build, "nothing says how to build it"),
        (_submodule, "inner is a submodule"),
        (_pointer, "data.py is a pointer of Git LFS"),
        (_link_inside, "secret leads out of it through a link"),
        (_folder_that_became_a_link, "leads elsewhere through a link"),
    ],
)
def test_what_can_not_be_taken_is_refused_with_its_place(disk: Disk, prepare: Callable[[Path], str], said: str) -> None:
    with pytest.raises(UserError) as error:
        taken(disk, prepare(disk.folder))
    assert said in error.value.message
    assert error.value.message.startswith((AT, "lib: "))


@pytest.mark.parametrize("ref", ["v9", "deadbeef", "HEAD~9"])
def test_a_reference_that_is_not_there_is_refused(disk: Disk, ref: str) -> None:
    repository(disk.folder / "lib")
    with pytest.raises(UserError, match=f"finds no commit '{ref}'"):
        taken(disk, "lib", ref)


@pytest.mark.parametrize("prepare", [_submodule, _link_inside])
def test_a_commit_is_held_to_the_same(disk: Disk, prepare: Callable[[Path], str]) -> None:
    folder = disk.folder / prepare(disk.folder)
    git(folder, "commit", "--quiet", "--message", "two")
    with pytest.raises(UserError, match=r"submodule|leads out"):
        taken(disk, "lib", "HEAD")
