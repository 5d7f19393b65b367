"""Records that can't be read: cut off, somebody else's, a later version's. Each is an error, none is "no result"."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from orchestrator.errors import UserError
from orchestrator.store.migrations import SCHEMA


class Unreadable(Exception):
    """Bytes that can't be read as the record they should be; says why. `newer`: a later version wrote them."""

    def __init__(self, reason: str, *, newer: bool = False) -> None:
        super().__init__(reason)
        self.newer = newer


def require_known(number: int) -> None:
    """Raises Unreadable for a number that a later version gave."""
    if number > SCHEMA:
        reads = f"this version of compat-matrix reads 0 to {SCHEMA}"
        raise Unreadable(f"it has schema number {number}, and {reads}", newer=True)
    if number < 0:
        raise Unreadable(f"it has schema number {number}, which none ever had")


@contextmanager
def explained(content: bytes) -> Iterator[None]:
    """Turns what parsers raise for these bytes into Unreadable with a reason that a person understands."""
    try:
        yield
    except msgspec.ValidationError as error:
        raise Unreadable(f"it is no such record: {error}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Unreadable(_undecodable(content, error)) from error
    except RecursionError as error:
        raise Unreadable("it is nested too deeply") from error
    except (ValueError, IndexError) as error:
        raise Unreadable(str(error)) from error


def _undecodable(content: bytes, error: Exception) -> str:
    if not content:
        return "it is empty"
    if isinstance(error, UnicodeDecodeError) or "UTF-8" in str(error):
        return "it is not UTF-8"
    return "it is cut off" if "truncated" in str(error) else str(error)


def refused(place: object, why: Unreadable, hint: str = "Move it away, and a run makes it again.") -> UserError:
    """What a person is told of a file that can't be read: where, why, what to do. Nothing was written to it."""
    if why.newer:
        hint = "Install a newer compat-matrix: pip install --upgrade compat-matrix."
    return UserError(f"{place}: this record can't be read: {why}", hint=f"The file was left as it is. {hint}")
