"""docs/security.md names a test for each way in: every one of them is there."""

from __future__ import annotations

import re
from pathlib import Path

from orchestrator import paths

TESTS = Path(__file__).parent
ROW = re.compile(r"\| `(?P<file>test_\w+\.py|…)::(?P<test>\w+)` \|$", re.MULTILINE)


def test_every_test_that_the_table_names_is_there():
    text = (TESTS.parent / "docs" / "security.md").read_text(encoding="utf-8")
    rows, file, missing = ROW.findall(text), "", []
    assert len(rows) > 40
    assert len(rows) == len([line for line in text.splitlines() if "::" in line])
    for named, test in rows:
        file = file if named == "…" else named
        if not re.search(rf"^def {test}\(", (TESTS / file).read_text(encoding="utf-8"), re.MULTILINE):
            missing.append(f"{file}::{test}")
    assert missing == []


def test_what_a_step_can_reach_is_what_the_files_say():
    """The table's rows that an image decides, held to the templates themselves."""
    images = paths.data("images")
    cell, fetch = ((images / name).read_text(encoding="utf-8") for name in ("Dockerfile.j2", "fetch.Dockerfile.j2"))
    assert "secret" not in cell.partition("FROM")[2]
    assert "USER 65534" in cell
    assert "secret,id=host" in fetch
