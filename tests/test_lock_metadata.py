from __future__ import annotations

import io
import tarfile
import zipfile

from orchestrator.lock.metadata import names_without_bounds, read_archive, requires_of

TEXT = (
    "Metadata-Version: 2.1\nName: a\nVersion: 1\nRequires-Dist: keras[x] (>=2.4.3,<3.0.0)\nRequires-Dist: six\n\nBody\n"
)


def wheel(text: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("a/__init__.py", "")
        archive.writestr("a-1.dist-info/METADATA", text)
    return content.getvalue()


def sdist(name: str, text: str) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        member = tarfile.TarInfo(name)
        member.size = len(text)
        archive.addfile(member, io.BytesIO(text.encode()))
    return content.getvalue()


def test_requirements_are_read_as_written():
    assert requires_of(TEXT) == ("keras[x] (>=2.4.3,<3.0.0)", "six")


def test_what_is_no_metadata_is_told_from_metadata_that_require_nothing():
    assert requires_of("<html>log in first</html>") is None
    assert requires_of("Metadata-Version: 2.1\nName: a\nVersion: 1\n") == ()


def test_a_wheel_and_an_sdist_give_their_metadata():
    assert read_archive("a-1-py3-none-any.whl", wheel(TEXT)) == TEXT
    assert read_archive("a-1.tar.gz", sdist("a-1/PKG-INFO", TEXT)) == TEXT


def test_a_broken_or_empty_archive_gives_none():
    assert read_archive("a-1-py3-none-any.whl", b"PK no") is None
    assert read_archive("a-1.tar.gz", b"") is None
    assert read_archive("a-1.tar.gz", sdist("a-1/a/deep/PKG-INFO", TEXT)) is None


def test_names_come_without_bounds_extras_and_foreign_markers():
    lines = [
        "Keras[standalone-keras] (>=2.4.3,<3.0.0)",
        "importlib_metadata>=1; python_version < '3.8'",
        "pywin32; sys_platform == 'win32'",
        "black; extra == 'dev'",
        "not a requirement at all",
    ]
    assert names_without_bounds(lines, "3.7.9") == ("importlib-metadata", "keras")
    assert names_without_bounds(lines, "3.9") == ("keras",)
