"""Wheels on disk, read without unpacking them; every one of them may be hostile."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
from made_packages import WHEEL, wheel

from orchestrator.lock import wheel_file


def spoiled(at: int, by: bytes) -> bytes:
    content = bytearray(wheel())
    end = content.rindex(b"PK\x05\x06")
    content[end + at : end + at + len(by)] = by
    return bytes(content)


def damaged_inside() -> bytes:
    """A wheel whose METADATA is packed with LZMA, and damaged."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("mine-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: mine\n" * 50)
    content = bytearray(stream.getvalue())
    start = 30 + len("mine-1.0.dist-info/METADATA")
    content[start + 4 : start + 9] = b"\xff" * 5
    return bytes(content)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK",
        wheel()[:-30],
        spoiled(12, b"\xff\xff\xff\x7f"),
        spoiled(16, b"\xff\xff\xff\x7f"),
        wheel().replace(b"Name: mine", b"Nome: mine"),
        wheel(more="X" * 2_000_000),
        wheel(says="mine 2.0"),
        wheel(says="mine one"),
        zipfile.__file__.encode(),
        damaged_inside(),
    ],
    ids=range(11),
)
def test_what_is_no_wheel_is_said_to_be_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / WHEEL
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"mine-1\.0"):
        wheel_file.read(path)


@pytest.mark.parametrize(
    "name", ["mine.whl", "mine-1.0.tar.gz", "../mine-1.0-py3-none-any.whl", "mine-x-py3-none-any.whl"]
)
def test_a_name_that_is_no_wheels_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="is not a wheel file name"):
        wheel_file.project_of(name)


def test_a_wheel_says_what_it_requires(tmp_path: Path) -> None:
    path = tmp_path / WHEEL
    path.write_bytes(wheel(requires=("six<2", "numpy; extra == 'x'"), more="Requires-Python: >=3.8\n"))
    found = wheel_file.read(path)
    assert (found.name, found.version, found.requires_python) == ("mine", "1.0", ">=3.8")
    assert found.requires == ("six<2", "numpy; extra == 'x'")
