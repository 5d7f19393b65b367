"""The one JSON document: `results.json`, what `compat export --json` prints. Its schema is in `report.schema`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from orchestrator.foreign import json_text, printable
from orchestrator.model import CellRecord, Outcome, RunInfo
from orchestrator.report.schema import VERSION
from orchestrator.verdict.judge import CellResult

NOT_RUN = "not-run"
"""Status of a planned cell without a record."""


def document(cells: Sequence[CellResult], run: RunInfo | None) -> dict[str, object]:
    """The document over a whole plan, as JSON-able values; every planned cell is in it, in the plan's order."""
    return {
        "schema": VERSION,
        "run": None if run is None else _run(run),
        "cells": [_cell(judged) for judged in cells],
    }


def text(cells: Sequence[CellResult], run: RunInfo | None) -> str:
    """The document as text: keys sorted, equal input gives equal bytes."""
    return json_text(document(cells, run))


def _run(run: RunInfo) -> dict[str, object]:
    return {
        "id": run.id,
        "as_of": _time(run.as_of),
        "started": _time(run.started),
        "finished": _time(run.finished),
        "engine": str(run.engine),
        "isolated": run.engine.isolated,
        "matrix_digest": run.matrix_digest,
        "suite_digest": run.suite_digest,
        "versions": dict(run.versions),
    }


def _cell(judged: CellResult) -> dict[str, object]:
    record = judged.record
    return {
        "id": judged.cell.id,
        "axes": judged.cell.axes,
        "constraints": list(judged.cell.constraints),
        "status": str(judged.status) if judged.status else NOT_RUN,
        "reason": judged.reason,
        "detail": printable(judged.detail, lines=True),
        "attribution": str(record.attribution) if record and record.attribution else None,
        "dated": _time(record.dated) if record else None,
        "run": record.run if record else None,
        "engine": str(record.engine) if record else None,
        "published": judged.published or None,
        "lock": _lock(record),
        "image": _image(record),
        "verdicts": {
            v.group: {
                "verdict": str(v.kind),
                "passed": v.passed,
                "total": v.total,
                "unproven": v.unproven,
                "stopped": v.stopped,
                "reason": v.reason,
                "failing": [o.probe.id for o in v.failing],
            }
            for v in judged.verdicts
        },
        "probes": [_probe(judged, outcome) for outcome in judged.outcomes],
    }


def _lock(record: CellRecord | None) -> dict[str, object] | None:
    if record is None or record.lock is None:
        return None
    lock = record.lock
    return {
        "digest": lock.digest,
        "pins": list(lock.pins),
        "compiled": list(lock.compiled),
        "resolver": lock.resolver,
        "cutoff": _time(lock.cutoff),
        "notes": list(lock.notes),
    }


def _image(record: CellRecord | None) -> dict[str, object] | None:
    if record is None or not (record.image_key or record.base):
        return None
    return {"key": record.image_key, "base": record.base.name if record.base else ""}


def _probe(judged: CellResult, outcome: Outcome) -> dict[str, object]:
    seen, probe = outcome.observation, outcome.probe
    run = judged.record.run if judged.record else ""
    return {
        "id": probe.id,
        "group": probe.group,
        "kind": str(probe.kind),
        "outcome": str(outcome.kind),
        "phase": str(outcome.phase) if outcome.phase else None,
        "reason": printable(outcome.reason),
        "attribution": str(outcome.attribution) if outcome.attribution else None,
        "value": plain(seen.value) if seen else None,
        "signature": outcome.signature,
        "proven": outcome.proven,
        "seconds": seen.seconds if seen else None,
        "evidence": f"{run}/{judged.cell.id}/{probe.id}" if seen else None,
        "key": seen.key if seen else "",
        "reused_from": seen.reused_from if seen else "",
        "confirmed": (seen.confirmed or None) if seen else None,
    }


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def plain(value: object) -> object:
    """A probe's value as strict JSON: what JSON can't say (NaN, infinities, odd characters) becomes a word for it."""
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, str):
        return printable(value, lines=True)
    if isinstance(value, Mapping):
        return {printable(str(k)): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    return value if value is None or isinstance(value, (bool, int)) else printable(str(value))
