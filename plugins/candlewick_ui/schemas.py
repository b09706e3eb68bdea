"""What answers look like, for the API's own description: JSON Schema made of the columns' names, which mean one thing everywhere."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from candlewick_ui.formats import MEDIA_TYPES, Format
from candlewick_ui.kinds import Kind, kind_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

Schema = dict[str, Any]


def _or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


TEXT = _or_null({"type": "string"})
COUNT = _or_null({"type": "integer"})
NUMBER = _or_null({"type": "number"})
FLAG = _or_null({"type": "boolean"})
DECIMAL = _or_null({"type": "string", "pattern": r"^-?\d+(\.\d+)?$", "description": "A decimal; no digit is lost."})
TIME = _or_null({"type": "string", "format": "date-time", "description": "UTC."})
DAY = _or_null({"type": "string", "format": "date", "description": "A UTC day."})

_OF_KINDS = {
    Kind.TEXT: TEXT, Kind.COUNT: COUNT, Kind.NUMBER: NUMBER, Kind.FLAG: FLAG, Kind.DECIMAL: DECIMAL, Kind.TIME: TIME, Kind.DAY: DAY,
}  # fmt: skip


def column(name: str) -> Schema:
    """Return the schema of a column by its name."""
    return _OF_KINDS[kind_of(name)]


def rows(columns: Iterable[str], numbers: Collection[str] = ()) -> Schema:
    """Return the schema of a list of rows with these columns, of which ``numbers`` hold doubles."""
    properties = {name: NUMBER if name in numbers else column(name) for name in columns}
    return {
        "type": "array",
        "items": {
            "type": "object",
            "properties": properties,
            "required": list(properties),
            "additionalProperties": False,
        },
    }


def table(
    columns: Iterable[str], *, is_paged: bool = False, numbers: Collection[str] = (), **more: Schema
) -> dict[int | str, dict[str, Any]]:
    """Return the ``responses`` of a route that answers with a table in any format.

    Args:
        columns: of the table.
        is_paged: whether `next` stands beside `data`.
        numbers: the columns that hold doubles.
        more: further members of the JSON document.
    """
    properties = {"data": rows(columns, numbers), **more}
    if is_paged:
        properties["next"] = {**TEXT, "description": "`cursor` of the next page; null: this is the last."}
    content: dict[str, Any] = {
        MEDIA_TYPES[form]: {"schema": {"type": "string"}} for form in Format if form is not Format.JSON
    }
    return _answers({**content, **_json(properties)})


def listing() -> dict[int | str, dict[str, Any]]:
    """Return the ``responses`` of a route whose columns depend on what was asked."""
    answers = table((), is_paged=True)
    properties = answers[200]["content"][MEDIA_TYPES[Format.JSON]]["schema"]["properties"]
    properties["column_names"] = {"type": "array", "items": {"type": "string"}}
    properties["data"] = {"type": "array", "items": {"type": "object"}}
    return answers


def document(*, is_cached: bool = True, **properties: Schema) -> dict[int | str, dict[str, Any]]:
    """Return the ``responses`` of a route that answers with one JSON document; ``is_cached``: it has an ETag."""
    answers = _answers(_json(properties))
    return (
        answers
        if is_cached
        else {status: told for status, told in answers.items() if status != HTTPStatus.NOT_MODIFIED}
    )


def _json(properties: dict[str, Schema]) -> dict[str, Any]:
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    return {MEDIA_TYPES[Format.JSON]: {"schema": schema}}


def _answers(content: dict[str, Any]) -> dict[int | str, dict[str, Any]]:
    return {
        200: {"description": "The answer.", "content": content},
        304: {"description": "The caller has it already (`If-None-Match`)."},
    }
