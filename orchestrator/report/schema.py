"""JSON Schema of `results.json`; `docs/results.schema.json` is its text."""

from __future__ import annotations

import json
from collections.abc import Iterable
from enum import StrEnum

from orchestrator.errors import Attribution, CellStatus, Phase
from orchestrator.model import OutcomeKind, ProbeKind, VerdictKind

VERSION = 1

Schema = dict[str, object]


def schema_text() -> str:
    """The schema as it is committed."""
    return json.dumps(schema(), indent=2, sort_keys=True) + "\n"


def schema() -> Schema:
    """JSON Schema, draft 2020-12, of the results document."""
    run = _object(
        {
            "id": _STRING,
            "as_of": _TIME,
            "started": _TIME,
            "finished": _or_null(_TIME),
            "engine": _STRING,
            "isolated": _BOOLEAN,
            "matrix_digest": _STRING,
            "suite_digest": _STRING,
            "versions": _map(_STRING),
        }
    )
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "compat-matrix results",
        "description": "Every cell of a plan with its newest result. A status of not-run is absence, nothing else.",
        **_object({"schema": {"const": VERSION}, "run": _or_null(run), "cells": _array(_cell())}),
    }


def _cell() -> Schema:
    lock = _object(
        {
            "digest": _STRING,
            "pins": _array({"type": "string", "pattern": "^[^=\\s]+==[^=\\s]+$"}),
            "compiled": _array(_STRING),
            "resolver": _STRING,
            "cutoff": _TIME,
            "notes": _array(_STRING),
        }
    )
    return _object(
        {
            "id": {"type": "string", "pattern": "^[0-9a-f]{12}$"},
            "axes": _map(_STRING),
            "constraints": _array(_STRING),
            "status": {"enum": [*_values(CellStatus), "not-run"]},
            "reason": _STRING,
            "detail": _STRING,
            "attribution": _or_null(_enum(Attribution)),
            "dated": _or_null(_TIME),
            "run": _or_null(_STRING),
            "engine": _or_null(_STRING),
            "published": _or_null({"type": "string", "description": "Day it was published; null: of this store."}),
            "lock": _or_null(lock),
            "image": _or_null(_object({"key": _STRING, "base": _STRING})),
            "verdicts": _map(_verdict()),
            "probes": _array(_probe()),
        }
    )


def _verdict() -> Schema:
    return _object(
        {
            "verdict": _enum(VerdictKind),
            "passed": _COUNT,
            "total": _COUNT,
            "unproven": _COUNT,
            "stopped": _COUNT,
            "reason": _STRING,
            "failing": _array(_STRING),
        }
    )


def _probe() -> Schema:
    return _object(
        {
            "id": _STRING,
            "group": _STRING,
            "kind": _enum(ProbeKind),
            "outcome": _enum(OutcomeKind),
            "phase": _or_null(_enum(Phase)),
            "reason": _STRING,
            "attribution": _or_null(_enum(Attribution)),
            "value": {"description": "What a behaviour or drift probe returned; any JSON."},
            "signature": {"type": "string", "description": "Equal for equal causes; empty for a pass."},
            "proven": _BOOLEAN,
            "seconds": _or_null({"type": "number", "minimum": 0}),
            "evidence": _or_null({"type": "string", "description": "run/cell/probe of the stored observation."}),
            "key": _STRING,
            "reused_from": _STRING,
            "confirmed": _or_null(_STRING),
        }
    )


_STRING: Schema = {"type": "string"}
_BOOLEAN: Schema = {"type": "boolean"}
_COUNT: Schema = {"type": "integer", "minimum": 0}
_TIME: Schema = {"type": "string", "format": "date-time", "pattern": "Z$"}


def _object(properties: dict[str, Schema]) -> Schema:
    """All properties are there, none besides."""
    return {
        "type": "object",
        "properties": properties,
        "required": sorted(properties),
        "additionalProperties": False,
    }


def _map(values: Schema) -> Schema:
    return {"type": "object", "additionalProperties": values}


def _array(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _or_null(kind: Schema) -> Schema:
    return {"anyOf": [kind, {"type": "null"}]}


def _values(kind: Iterable[StrEnum]) -> list[str]:
    return sorted(str(member) for member in kind)


def _enum(kind: type[StrEnum]) -> Schema:
    return {"enum": _values(kind)}
