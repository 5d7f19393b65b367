"""pip's own answer: the command that asks for it, and what its report says."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from packaging.utils import canonicalize_name

from orchestrator.errors import Phase, infra
from orchestrator.lock.tools import Result
from orchestrator.model import Distribution

_QUIETLY = ("--disable-pip-version-check", "--no-input", "--no-color")
SOLVED, FAILED = 0, 1
"""Exit codes of pip: 1 for a clash and for a broken download alike; others for wrong use and for its own bugs."""
_ADVICE = ("WARNING", "[notice]", "To fix", "1. ", "2. ", "hint:", "ResolutionImpossible")
_VERSION = re.compile(r"\d[\w.+]{0,30}")
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+!-]{0,250}")
_TIMED_OUT = (124, 137)
"""What coreutils' `timeout` exits with when it ended or had to kill the command."""


def command(interpreter: str, requirements: Iterable[str], seconds: int) -> tuple[str, ...]:
    """`pip install --dry-run`: its report on stdout, what it says on stderr, ended after `seconds`.

    Bounded because pip's resolver may search for hours. Not `--quiet`, which would hide what the clash is caused by;
    so the report takes the way over a file.
    """
    pip = f"-m pip install --dry-run --ignore-installed --progress-bar off {' '.join(_QUIETLY)}"
    script = (
        f'report=$(mktemp) || exit 125; timeout -k 10 {seconds} "$0" {pip} --report "$report" "$@" >&2; code=$?; '
        'cat "$report"; rm -f "$report"; exit $code'
    )
    return ("sh", "-c", script, interpreter, *requirements)


def canary_command(interpreter: str, package: str) -> tuple[str, ...]:
    """Asks pip for nothing but the versions of one package: does it reach the index at all?"""
    return ("timeout", "-k", "10", "60", interpreter, "-m", "pip", "index", "versions", *_QUIETLY, "--pre", package)


def ran_out(result: Result) -> bool:
    """Whether the command was ended for taking too long."""
    return result.timed_out or result.code in _TIMED_OUT


def parse_report(text: str) -> tuple[Distribution, ...]:
    """The distributions of an installation report (version 1, pip 22.2 and later), sorted by name; sizes unknown.

    Source: pip's documentation, "Installation Report". Raises CellError(resolve, infra, "pip-report") for anything
    else: package code ran beside pip, and may have written it. Of an address only the file's name is taken.
    """
    try:
        items = json.loads(text)["install"]
        found = [_distribution(item) for item in items]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise infra(Phase.RESOLVE, "pip-report", f"pip's report can't be read: {error!r}") from error
    return tuple(sorted(found, key=lambda d: d.name))


def version_in(text: str) -> str:
    """From a report that `parse_report` could read: "pip 24.0"."""
    version = str(json.loads(text).get("pip_version", ""))
    return f"pip {version}" if _VERSION.fullmatch(version) else "pip"


def explanation(stderr: str) -> str:
    """Why pip found nothing, in its own words: at most twelve lines from its first error on, without advice."""
    # What follows "Additionally" names what the clash itself left without a candidate, as if nothing were published.
    lines = [line.strip() for line in stderr.partition("\nAdditionally,")[0].splitlines()]
    first = next((n for n, line in enumerate(lines) if line.lower().startswith("error:")), 0)
    said = [line.removeprefix("ERROR:").strip() for line in lines[first:]]
    return "\n".join([line for line in said if line and not line.startswith(_ADVICE)][:12])


def _distribution(item: Mapping[str, Any]) -> Distribution:
    link = item["download_info"]
    archive = link["archive_info"]
    # pip wrote only the older `hash` before 22.3 or so; both are in PEP 610.
    sha256 = archive.get("hashes", {}).get("sha256") or archive["hash"].removeprefix("sha256=")
    name, version = item["metadata"]["name"], item["metadata"]["version"]
    filename = unquote(urlsplit(link["url"]).path.rsplit("/", 1)[-1])
    for word in (name, version, filename, sha256):
        if not _WORD.fullmatch(word):
            raise ValueError("an invalid name, version, file or hash")
    return Distribution(name=canonicalize_name(name), version=version, filename=filename, sha256=sha256)
