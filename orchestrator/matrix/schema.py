"""The JSON Schema (2020-12) of matrix.yaml, for editors. What `document.parse` refuses beyond it (an unknown axis in
a rule, say) a schema can't say.
"""

from __future__ import annotations

from orchestrator.matrix import devices, document, suites
from orchestrator.matrix.axes import AXIS_NAME, PYTHON_MINOR, Take
from orchestrator.matrix.words import CHOICE_NAME
from orchestrator.model import ABSENT, UNPINNED, AxisKind, Strategy

Json = dict[str, object]

_TEXT: Json = {"type": "string", "minLength": 1}


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
            "title": _TEXT,
            "axes": {
                "type": "object",
                "minProperties": 1,
                "propertyNames": {"pattern": f"^{AXIS_NAME}$", "not": {"const": "reason"}},
                "additionalProperties": {"$ref": "#/$defs/axis"},
            },
            "exclude": _many({"$ref": "#/$defs/rule"}, "Takes combinations out of the product."),
            "include": _many({"$ref": "#/$defs/rule"}, "Gives back combinations an exclude took."),
            "groups": {
                "type": "object",
                "propertyNames": {"pattern": f"^{document.GROUP_NAME}$"},
                "additionalProperties": {"$ref": "#/$defs/group"},
            },
            "questions": _many({"$ref": "#/$defs/question"}, "What the table answers."),
            "limits": {"$ref": "#/$defs/limits"},
            "suites": {
                **_many({"$ref": "#/$defs/suite"}, "Where probes are; without it the suite that ships."),
                "minItems": 1,
            },
        },
        "$defs": {
            "patterns": _one_or_many(_TEXT),
            "rule": _rule(),
            "group": _group(),
            "question": _record({"ask": _TEXT, "group": _TEXT}, "ask", "group"),
            "limits": _limits(),
            "suite": {"oneOf": [_TEXT, _record({"package": {"pattern": f"^{suites.PACKAGE}$"}}, "package")]},
            "axis": {"oneOf": [_package_axis(), *(_other_axis(kind) for kind in AxisKind if kind != "package")]},
        },
    }


def _record(properties: Json, *required: str) -> Json:
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
        "required": list(required),
    }


def _many(items: Json, description: str = "") -> Json:
    many: Json = {"type": "array", "minItems": 1, "items": items}
    return {"description": description, **many} if description else many


def _one_or_many(one: Json) -> Json:
    return {"oneOf": [one, _many(one)]}


def _rule() -> Json:
    return {
        "type": "object",
        "required": ["reason"],
        "minProperties": 2,
        "properties": {"reason": {"description": "Shown in the table.", **_TEXT}},
        "additionalProperties": {"$ref": "#/$defs/patterns"},
    }


def _group() -> Json:
    probes = _many({"type": "string", "pattern": f"^{document.PROBE_ID}$"})
    where: Json = {"type": "object", "additionalProperties": {"$ref": "#/$defs/patterns"}}
    return _record({"where": where, "core": probes, "stands_on": probes, "gpu": {"type": "boolean"}})


def _limits() -> Json:
    most = document.MOST
    whole: Json = {"type": "integer", "minimum": document.LEAST_MEMORY}
    special: Json = {
        "memory": {"oneOf": [whole, {"type": "string", "pattern": f"^{document.MEMORY}$"}]},
        "cpus": {"type": "number", "minimum": document.LEAST_CPUS, "maximum": most["cpus"]},
        "pids": {"type": "integer", "minimum": 1, "maximum": most["pids"]},
    }
    seconds: Json = {"type": "number", "exclusiveMinimum": 0, "maximum": document.MOST_SECONDS}
    return _record({key: special.get(key, seconds) for key in document.LIMIT_KEYS})


def _package_axis() -> Json:
    release: Json = {
        "description": f"An exact version, {ABSENT} (not asked for) or {UNPINNED} (whatever the others bring).",
        "type": "string",
        "pattern": f"^({ABSENT}|{UNPINNED}|[0-9].*)$",
    }
    span = _record({"range": _TEXT, "take": {"enum": [str(take) for take in Take]}}, "range", "take")
    properties: Json = {
        "package": _TEXT,
        "kind": {"const": "package"},
        "choices": _many({"oneOf": [release, span]}),
        "subject": {"type": "boolean", "description": "The matrix is about this package."},
        "default": _TEXT,
    }
    return _record(properties, "package", "choices")


def _device(name: Json, texts: Json) -> Json:
    shaped: dict[str, Json] = {
        "image": {"description": "An image that libraries are copied from.", **_shaped(devices.IMAGE_NAME)},
        "paths": {"description": "What is copied from it.", **_many(_shaped(devices.IMAGE_PATH))},
        "libraries": _many(_TEXT, "Requirements that are added to a cell's pins."),
        "folder": {"description": "A folder that libraries are copied from.", **_shaped(devices.FOLDER)},
        "sonames": {"description": "The libraries that must be in it.", **_many(_shaped(devices.SONAME))},
    }
    properties: Json = {
        "name": name,
        "on_request": {"type": "boolean", "description": "Planned only where somebody names it."},
        "substitutes": texts,
        "follows": {"description": "The package whose own build decides which device is meant.", **_TEXT},
        **shaped,
    }
    source: Json = {"anyOf": [{"required": [key]} for key in ("image", "libraries", "folder")]}
    return {
        **_record(properties, "name"),
        "dependentRequired": {"paths": ["image"], "folder": ["sonames"]},
        "dependentSchemas": {
            "follows": {"not": {"anyOf": [{"required": [key]} for key in devices.SOURCE_KEYS]}},
            "sonames": source,
        },
    }


def _shaped(pattern: str) -> Json:
    return {"type": "string", "pattern": f"^{pattern}$"}


def _other_axis(kind: AxisKind) -> Json:
    name: Json = {"type": "string", "pattern": f"^{CHOICE_NAME}$"}
    texts: Json = {"type": "object", "additionalProperties": {"type": "string"}}
    choices: dict[AxisKind, Json] = {
        AxisKind.PYTHON: {"type": "string", "pattern": f"^{PYTHON_MINOR}$"},
        AxisKind.RESOLVE: {"enum": [str(strategy) for strategy in Strategy]},
        AxisKind.DEVICE: {"oneOf": [name, _device(name, texts)]},
        AxisKind.ENV: {
            "oneOf": [{"const": "plain"}, _record({"name": name, "set": texts, "with": _many(_TEXT)}, "name", "set")]
        },
    }
    properties: Json = {"kind": {"const": str(kind)}, "choices": _many(choices[kind]), "default": _TEXT}
    return _record({**properties, "subject": {"const": False}}, "kind", "choices")
