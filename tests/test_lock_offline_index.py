from __future__ import annotations

from datetime import UTC, datetime

import pytest

from orchestrator.errors import CellError, CellStatus
from orchestrator.lock.offline_index import OfflineIndex
from orchestrator.model import IndexFile

INDEX = OfflineIndex(as_of=datetime(2026, 11, 20, tzinfo=UTC))


def test_an_index_that_was_not_read_never_says_there_is_no_such_release():
    file = IndexFile(filename="a-1.whl", version="1", sha256="0")
    for ask in (lambda: INDEX.files("alpha"), lambda: INDEX.requires(file)):
        with pytest.raises(CellError, match="not read") as error:
            ask()
        assert error.value.status is CellStatus.INFRA
    assert not INDEX.healthy(["alpha"])
