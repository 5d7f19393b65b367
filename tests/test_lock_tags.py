from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.lock.tags import admits, platforms, release, select_file
from orchestrator.model import IndexFile

PLATFORM = "manylinux_2_36_x86_64"
WHEN = datetime(2021, 1, 21, tzinfo=UTC)


def file(filename: str, version: str = "2.4.1", **more: object) -> IndexFile:
    return IndexFile(filename=filename, version=version, sha256="0" * 64, uploaded=WHEN, **more)


TENSORFLOW = tuple(
    file(f"tensorflow-2.4.1-{tags}.whl")
    for tags in (
        "cp36-cp36m-manylinux2010_x86_64",
        "cp37-cp37m-manylinux2010_x86_64",
        "cp38-cp38-manylinux2010_x86_64",
        "cp37-cp37m-win_amd64",
        "cp39-cp39-macosx_11_0_arm64",
    )
)


def test_each_python_gets_its_own_wheel_and_3_7_the_one_with_the_pymalloc_flag():
    assert "cp37-cp37m-manylinux2010" in select_file(TENSORFLOW, "3.7", PLATFORM).filename
    assert "cp38-cp38-manylinux2010" in select_file(TENSORFLOW, "3.8", PLATFORM).filename
    assert select_file(TENSORFLOW, "3.9", PLATFORM) is None


def test_a_full_python_version_selects_as_its_minor_does():
    assert select_file(TENSORFLOW, "3.7.9", PLATFORM) == select_file(TENSORFLOW, "3.7", PLATFORM)


def test_a_wheel_for_a_newer_glibc_than_the_base_has_does_not_fit():
    files = [file("a-2.4.1-cp311-cp311-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl")]
    assert select_file(files, "3.11", "manylinux_2_26_x86_64") is None
    assert select_file(files, "3.11", "manylinux_2_27_x86_64") == files[0]


def test_plain_linux_musl_and_free_threaded_wheels_do_not_fit():
    files = [
        file("a-2.4.1-cp313-cp313-linux_x86_64.whl"),
        file("a-2.4.1-cp313-cp313-musllinux_1_2_x86_64.whl"),
        file("a-2.4.1-cp313-cp313t-manylinux_2_17_x86_64.whl"),
    ]
    assert select_file(files, "3.13", PLATFORM) is None


def test_the_specific_wheel_wins_over_abi3_over_pure_over_source():
    source, pure = file("a-2.4.1.tar.gz"), file("a-2.4.1-py3-none-any.whl")
    abi3, own = file("a-2.4.1-cp38-abi3-manylinux2014_x86_64.whl"), file("a-2.4.1-cp311-cp311-manylinux1_x86_64.whl")
    assert select_file([source, pure, abi3, own], "3.11", PLATFORM) == own
    assert select_file([source, pure, abi3], "3.11", PLATFORM) == abi3
    assert select_file([source, pure], "3.11", PLATFORM) == pure
    assert select_file([source], "3.11", PLATFORM) == source


def test_of_two_builds_the_later_and_of_two_archives_the_tarball_is_taken():
    first, second = file("a-2.4.1-1-py3-none-any.whl"), file("a-2.4.1-2-py3-none-any.whl")
    assert select_file([first, second], "3.11", PLATFORM) == second
    assert select_file([file("a-2.4.1.zip"), file("a-2.4.1.tar.gz")], "3.11", PLATFORM).filename == "a-2.4.1.tar.gz"


def test_a_yanked_file_counts_only_when_the_version_was_asked_for():
    files = [file("a-2.4.1-py3-none-any.whl", yanked=True)]
    assert select_file(files, "3.11", PLATFORM) is None
    assert select_file(files, "3.11", PLATFORM, exact=True) == files[0]


def test_requires_python_keeps_a_pure_wheel_and_a_source_away_from_older_pythons():
    files = [file("a-2.4.1-py3-none-any.whl", requires_python=">=3.9"), file("a-2.4.1.tar.gz", requires_python=">=3.9")]
    assert select_file(files, "3.7", PLATFORM) is None
    assert select_file(files, "3.9", PLATFORM) == files[0]


def test_a_bare_minor_stands_for_its_patch_releases_and_an_unreadable_bound_admits():
    assert admits(">=3.9.1", "3.9")
    assert not admits(">=3.9.1", "3.9.0")
    assert admits("<3.10", "3.9")
    assert admits("about 3", "3.9")


def test_an_egg_and_a_broken_name_are_no_files_to_install():
    assert select_file([file("a-2.4.1-py3.7.egg"), file("a.whl"), file("a-2.4.1.exe")], "3.7", PLATFORM) is None


def test_a_release_is_found_by_any_spelling_of_its_version():
    assert release([file("a-2.0.tar.gz", "2.0")], "2.0.0")[0].filename == "a-2.0.tar.gz"


@given(glibc=st.integers(min_value=5, max_value=60))
def test_a_newer_glibc_loads_whatever_an_older_one_does_in_the_same_order(glibc: int):
    older, newer = platforms(f"manylinux_2_{glibc}_x86_64"), platforms(f"manylinux_2_{glibc + 1}_x86_64")
    assert newer[-len(older) :] == older
    assert "manylinux1_x86_64" in older
