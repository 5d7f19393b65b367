"""Parts of a JSON Schema that a matrix's schema is made of."""

from __future__ import annotations

from typing import TypeAlias

Json: TypeAlias = dict[str, object]

CHOICE_NAME = r"[A-Za-z][A-Za-z0-9._-]*"
TEXT: Json = {"type": "string", "minLength": 1}
TEXTS: Json = {"type": "object", "additionalProperties": {"type": "string"}}


def record(properties: Json, *required: str) -> Json:
    """An object with these properties and no others."""
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
        "required": list(required),
    }


def many(items: Json, description: str = "") -> Json:
    """A list with at least one element."""
    found: Json = {"type": "array", "minItems": 1, "items": items}
    return {"description": description, **found} if description else found


def shaped(pattern: str) -> Json:
    """A string that a pattern matches as a whole."""
    return {"type": "string", "pattern": f"^{pattern}$"}


def choice_name() -> Json:
    """What `names.named` accepts."""
    return shaped(CHOICE_NAME)
