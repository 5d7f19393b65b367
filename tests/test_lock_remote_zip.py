from __future__ import annotations

import struct
import zipfile

import pytest
from made_wheels import RANDOM, archive

from orchestrator.errors import CellError, CellStatus
from orchestrator.lock.remote_zip import BrokenArchiveError, read_members


class Shelf:
    """An archive that lies elsewhere: notes what was fetched, refuses what is not there."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.fetched: list[tuple[int, int]] = []

    def part(self, start: int, stop: int) -> bytes:
        assert 0 <= start < stop <= len(self.content)
        self.fetched.append((start, stop))
        return self.content[start:stop]

    def read(self, *names: str) -> dict[str, bytes]:
        return read_members(self.part, len(self.content), lambda all_names: [n for n in all_names if n in names])


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
@pytest.mark.parametrize("comment", [b"", b"a comment", b"c" * 65535], ids=len)
def test_members_are_read_however_they_are_packed_and_whatever_the_comment(method, comment):
    shelf = Shelf(archive({"a": b"one" * 50_000, "b/c": RANDOM, "d": b""}, method, comment))
    assert shelf.read("d", "b/c", "a") == {"a": b"one" * 50_000, "b/c": RANDOM, "d": b""}


def test_only_the_end_and_what_is_wanted_are_fetched():
    stored = archive({"before": RANDOM * 20, "wanted": b"x" * 500, "after": RANDOM * 20}, zipfile.ZIP_STORED)
    shelf = Shelf(stored)
    assert shelf.read("wanted") == {"wanted": b"x" * 500}
    assert len(shelf.fetched) == 2
    assert sum(stop - start for start, stop in shelf.fetched) < 100_000 < len(stored)


def test_a_table_of_contents_longer_than_the_first_read_in_the_zip64_form_is_fetched_once():
    many = {f"a/folder/with/a/long/name/{i}": b"" for i in range(66_000)}
    shelf = Shelf(archive({"first": RANDOM, **many, "last": b"2"}, zipfile.ZIP_STORED))
    assert shelf.read("first", "last") == {"first": RANDOM, "last": b"2"}
    table = [(start, stop) for start, stop in shelf.fetched if stop - start > 1_000_000]
    assert len(table) == 1
    assert table[0][1] == shelf.fetched[0][0]


def test_an_archive_without_what_is_wanted_gives_nothing():
    assert Shelf(archive({"a": b"1"})).read("b") == {}


def _with(content: bytes, place: int, new: bytes) -> bytes:
    return content[:place] + new + content[place + len(new) :]


def _damaged() -> dict[str, bytes]:
    good = archive({"wanted": RANDOM})
    table = good.index(b"PK\1\2")
    return {
        "empty": b"",
        "short": b"PK",
        "no zip": b"<html>please log in</html>" * 5000,
        "cut at the end": good[:-30],
        "cut in the middle": good[: len(good) // 2],
        "damaged inside": _with(good, 2000, b"\0" * 100),
        "another checksum": _with(good, table + 16, b"\1\2\3\4"),
        "encrypted": _with(_with(good, 6, b"\1"), table + 8, b"\1"),
        "an unknown packing": _with(_with(good, 8, b"\x63"), table + 10, b"\x63"),
        "a member somewhere else": _with(good, table + 42, struct.pack("<L", 0x7FFFFFFF)),
        "a table of 3 GB": _with(good, len(good) - 10, struct.pack("<L", 3_000_000_000)),
        "a member of 2 MB": archive({"wanted": b"\0" * 2_000_000}),
    }


@pytest.mark.parametrize("kind", _damaged())
def test_a_damaged_archive_is_named_as_such(kind):
    with pytest.raises(BrokenArchiveError):
        Shelf(_damaged()[kind]).read("wanted")


def test_what_the_index_raises_for_a_part_is_passed_on():
    def part(start: int, stop: int) -> bytes:
        raise CellError("resolve", CellStatus.INFRA, "index", "gone")

    with pytest.raises(CellError, match="gone"):
        read_members(part, 100, lambda names: names)
