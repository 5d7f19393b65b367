"""The JSON Schema (2020-12) of matrix.yaml, for editors. What `document.parse` refuses beyond it (an unknown axis in
a rule, say) a schema can't say.
"""

from __future__ import annotations

from orchestrator.axes.kind import Kind
from orchestrator.axes.registry import KINDS
from orchestrator.axes.shapes import TEXT, Json, many, record
from orchestrator.matrix import document, suites
from orchestrator.matrix.axes import AXIS_NAME


def schema() -> Json:
    """The schema as JSON-able values; `docs/matrix.schema.json` is this, written out."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A compatibility matrix",
        "type": "object",
        "required": ["schema", "title", "axes"],
        "additionalProperties": False,
        "properties": {
            "schema": {"const": document.SCHEMA},
            "title": TEXT,
            "axes": {
                "type": "object",
                "minProperties": 1,
                "propertyNames": {"pattern": f"^{AXIS_NAME}$", "not": {"const": "reason"}},
                "additionalProperties": {"$ref": "#/$defs/axis"},
            },
            "exclude": many({"$ref": "#/$defs/rule"}, "Removes combinations from the product."),
            "include": many({"$ref": "#/$defs/rule"}, "Restores combinations that an exclude removed."),
            "groups": {
                "type": "object",
                "propertyNames": {"pattern": f"^{document.GROUP_NAME}$"},
                "additionalProperties": {"$ref": "#/$defs/group"},
            },
            "questions": many({"$ref": "#/$defs/question"}, "What the table answers."),
            "limits": {"$ref": "#/$defs/limits"},
            "suites": {
                **many({"$ref": "#/$defs/suite"}, "Where probes are; default: the suite that ships."),
                "minItems": 1,
            },
        },
        "$defs": {
            "patterns": _one_or_many(TEXT),
            "rule": _rule(),
            "group": _group(),
            "question": record({"ask": TEXT, "group": TEXT}, "ask", "group"),
            "limits": _limits(),
            "suite": {"oneOf": [TEXT, record({"package": {"pattern": f"^{suites.PACKAGE}$"}}, "package")]},
            "axis": {"oneOf": [_package_axis(k) if k.of_package else _other_axis(k) for k in KINDS.values()]},
        },
    }


def _one_or_many(one: Json) -> Json:
    return {"oneOf": [one, many(one)]}


def _rule() -> Json:
    return {
        "type": "object",
        "required": ["reason"],
        "minProperties": 2,
        "properties": {"reason": {"description": "Shown in the table.", **TEXT}},
        "additionalProperties": {"$ref": "#/$defs/patterns"},
    }


def _group() -> Json:
    probes = many({"type": "string", "pattern": f"^{document.PROBE_ID}$"})
    where: Json = {"type": "object", "additionalProperties": {"$ref": "#/$defs/patterns"}}
    return record({"where": where, "core": probes, "stands_on": probes, "gpu": {"type": "boolean"}})


def _limits() -> Json:
    most = document.MOST
    whole: Json = {"type": "integer", "minimum": document.LEAST_MEMORY}
    special: Json = {
        "memory": {"oneOf": [whole, {"type": "string", "pattern": f"^{document.MEMORY}$"}]},
        "cpus": {"type": "number", "minimum": document.LEAST_CPUS, "maximum": most["cpus"]},
        "pids": {"type": "integer", "minimum": 1, "maximum": most["pids"]},
    }
    seconds: Json = {"type": "number", "exclusiveMinimum": 0, "maximum": document.MOST_SECONDS}
    return record({key: special.get(key, seconds) for key in document.LIMIT_KEYS})


def _package_axis(kind: Kind) -> Json:
    properties: Json = {
        "package": TEXT,
        "kind": {"const": kind.name},
        "choices": many(kind.schema),
        "subject": {"type": "boolean", "description": "This package is the subject of the matrix."},
        "default": TEXT,
    }
    return record(properties, "package", "choices")


def _other_axis(kind: Kind) -> Json:
    properties: Json = {
        "kind": {"const": kind.name},
        "choices": many(kind.schema),
        "default": TEXT,
        "subject": {"const": False},
    }
    return record(properties, "kind", "choices")
