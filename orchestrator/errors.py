"""The three kinds of failure: a user's mistake, a cell that can't be judged, and (everything else) a bug."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection
from enum import IntEnum, StrEnum

_LOGIN = re.compile(r"(?<=://)[^\s/]*@")


def without_logins(text: str) -> str:
    """Text in which no address holds a user and password: tools print the address of an index as they were given it.

    >>> without_logins("no answer from https://me:secret@index.example/simple/")
    'no answer from https://index.example/simple/'
    """
    return _LOGIN.sub("", text)


def did_you_mean(word: str, known: Collection[str]) -> str:
    """A hint such as "did you mean 'python'?", or "" where nothing is close."""
    close = difflib.get_close_matches(word, sorted(known), n=1, cutoff=0.6)
    return f"did you mean '{close[0]}'?" if close else ""


class ExitCode(IntEnum):
    """What the command's exit status means to a script."""

    OK = 0
    FAIL_ON = 1
    USAGE = 2
    NO_ENGINE = 3
    INFRA = 4
    INTERRUPTED = 130


class UserError(Exception):
    """Something the person at the keyboard can mend: shown as a message and a hint, never as a traceback."""

    def __init__(self, message: str, *, hint: str = "", code: ExitCode = ExitCode.USAGE) -> None:
        message = without_logins(message)
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code = code


class Phase(StrEnum):
    """Where on the line a cell or a probe stopped."""

    RESOLVE = "resolve"
    BUILD = "build"
    START = "start"
    IMPORT = "import"
    PROBE = "probe"
    COLLECT = "collect"


class Attribution(StrEnum):
    """Whose failure it is."""

    SUBJECT = "subject"
    ENVIRONMENT = "environment"
    BASE = "base"
    INFRA = "infra"
    PROBE = "probe"
    UNKNOWN = "unknown"


class CellStatus(StrEnum):
    """How far a cell came."""

    RAN = "ran"
    EXCLUDED = "excluded"
    UNRESOLVABLE = "unresolvable"
    UNINSTALLABLE = "uninstallable"
    UNAVAILABLE = "unavailable"
    INFRA = "infra"


class CellError(Exception):
    """One cell could not be carried further. It becomes data in one place, `run.cells.run_cell`.

    `reason` is a short slug that groups equal failures (`no-wheel`, `pins-clash`, `index`, `disk-full`, …);
    `detail` is what a person reads, cut to what matters, without anybody's password.
    """

    def __init__(
        self,
        phase: Phase,
        status: CellStatus,
        reason: str,
        detail: str,
        *,
        attribution: Attribution = Attribution.UNKNOWN,
    ) -> None:
        detail = without_logins(detail)
        super().__init__(f"{phase}: {reason}: {detail}")
        self.phase = phase
        self.status = status
        self.reason = reason
        self.detail = detail
        self.attribution = attribution


def infra(phase: Phase, reason: str, detail: str) -> CellError:
    """A failure of this tool or the network; never a finding about a package."""
    return CellError(phase, CellStatus.INFRA, reason, detail, attribution=Attribution.INFRA)
