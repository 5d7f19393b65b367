"""Unreadable records: truncated, foreign, or from a later version. Each is an error, never "no result"."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from orchestrator.errors import UserError
from orchestrator.store.migrations import SCHEMA

NOT_UTF8 = "it is not valid UTF-8"


class UnreadableRecord(Exception):
    """Bytes that can't be read as the record they should be; says why. `newer`: a later version wrote them."""

    def __init__(self, reason: str, *, newer: bool = False) -> None:
        super().__init__(reason)
        self.newer = newer


def require_known(number: int) -> None:
    """Raises UnreadableRecord for a number that a later version gave."""
    if number > SCHEMA:
        reads = f"this version of compat-matrix reads 0 to {SCHEMA}"
        raise UnreadableRecord(f"it has schema number {number}, and {reads}", newer=True)
    if number < 0:
        raise UnreadableRecord(f"it has schema number {number}, which does not exist")


@contextmanager
def explained(content: bytes) -> Iterator[None]:
    """Turns parser errors for these bytes into UnreadableRecord with a readable reason."""
    try:
        yield
    except msgspec.ValidationError as error:
        raise UnreadableRecord(f"it is not a valid record: {error}") from error
    except msgspec.DecodeError as error:
        raise UnreadableRecord(_malformed(content, str(error))) from error
    except RecursionError as error:
        raise UnreadableRecord("it is nested too deeply") from error
    except UnicodeDecodeError as error:
        raise UnreadableRecord(NOT_UTF8) from error
    except (ValueError, IndexError) as error:
        raise UnreadableRecord(str(error)) from error


def _malformed(content: bytes, said: str) -> str:
    if not content:
        return "it is empty"
    if "truncated" in said:
        return "it is cut off"
    return NOT_UTF8 if "UTF-8" in said else said


def refused(place: object, why: UnreadableRecord, hint: str = "Move it away; a run recreates it.") -> UserError:
    """The error for a file that can't be read: path, reason, what to do. The file is not changed."""
    if why.newer:
        hint = "Install a newer compat-matrix: pip install --upgrade compat-matrix."
    return UserError(f"{place}: this record can't be read: {why}", hint=f"The file was not changed. {hint}")
