"""OpenAPI 3.1 told in the words of 3.0, for viewers that know no other.

What differs is how JSON Schema says some things (https://spec.openapis.org/oas/v3.0.3#schema-object): null is a type of
its own in 3.1 and a flag in 3.0, an exclusive bound is a number and was a flag, a constant is an enumeration of one.
"""

from __future__ import annotations

from typing import Any

VERSION = "3.0.3"
_BOUNDS = {"exclusiveMinimum": "minimum", "exclusiveMaximum": "maximum"}
_NULL = {"type": "null"}
_VALUES = {"default", "example", "examples", "enum", "const"}  # what stands behind these words is no schema


def downgraded(document: Any) -> Any:
    """Return a copy of an OpenAPI 3.1 document, or of a part of one, as 3.0 would say it."""
    if isinstance(document, list):
        return [downgraded(part) for part in document]
    if not isinstance(document, dict):
        return document
    told = {name: part if name in _VALUES else _part(name, part) for name, part in document.items()}
    if "openapi" in told:
        return {**told, "openapi": VERSION}
    return _schema(told)


def _part(name: str, part: Any) -> Any:
    if name == "properties" and isinstance(part, dict):  # its members have the names somebody gave them
        return {member: downgraded(schema) for member, schema in part.items()}
    return downgraded(part)


def _schema(told: dict[str, Any]) -> dict[str, Any]:
    for exclusive, bound in _BOUNDS.items():
        value = told.get(exclusive)
        if isinstance(value, int | float) and not isinstance(value, bool):
            told[bound], told[exclusive] = value, True
    if "const" in told:
        told["enum"] = [told.pop("const")]
    for word in ("anyOf", "oneOf"):
        if isinstance(told.get(word), list) and _NULL in told[word]:
            told = _nullable(told, word)
    return told


def _nullable(told: dict[str, Any], word: str) -> dict[str, Any]:
    """Turn "this or null" into "this, nullable"."""
    others = [part for part in told[word] if part != _NULL]
    rest = {name: part for name, part in told.items() if name != word}
    if len(others) == 1 and "$ref" not in others[0]:
        return {**others[0], **rest, "nullable": True}
    return {**rest, ("allOf" if len(others) == 1 else word): others, "nullable": True}
