"""A DAG's params as fields of a form: what kind of input each is, read off its JSON schema."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from candlewick_ui.pages.tables import days_there_can_be, today

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

OFFERED_DAYS = 30
LAST_DAY, YESTERDAY = "last_day", "yesterday"  # a key of a param's schema, and what it says when a day must be over


@dataclass(frozen=True, slots=True)
class Input:
    """A field: ``kind`` is of the HTML element, ``reads`` how actions.js turns its text into JSON."""

    name: str
    label: str
    hint: str
    kind: str
    reads: str
    value: str = ""
    is_checked: bool = False
    is_required: bool = False
    empty_is_null: bool = False
    choices: Sequence[str] = ()
    limits: Mapping[str, Any] | None = None


def offered_days() -> tuple[date, date]:
    """Return the first and the last UTC day of history a form offers: the last month of whole days."""
    last = today() - timedelta(days=1)
    return last - timedelta(days=OFFERED_DAYS - 1), last


def inputs(params: Mapping[str, Mapping[str, Any]]) -> list[Input]:
    """Return a field for each param.

    Args:
        params: by name, each with `value`, `description` and `schema` (JSON schema with Airflow's `title`, and
            of a day that must be over our `last_day`).
    """
    return [_input(name, param) for name, param in params.items()]


def _input(name: str, param: Mapping[str, Any]) -> Input:
    schema, value = param.get("schema") or {}, param.get("value")
    label = schema.get("title") or name.replace("_", " ").capitalize()
    hint = param.get("description") or schema.get("description") or ""
    types = schema.get("type", [])
    types = {types} if isinstance(types, str) else set(types)
    limits: dict[str, Any] | None
    common: dict[str, Any] = {"name": name, "label": label, "hint": hint, "empty_is_null": "null" in types}
    text = "" if value is None else str(value)
    if "enum" in schema:
        return Input(**common, kind="select", reads="text", value=text, choices=[str(one) for one in schema["enum"]])
    if types == {"boolean"}:
        return Input(**common, kind="checkbox", reads="boolean", is_checked=bool(value))
    if "array" in types and _is_of_texts(schema):
        lines = "\n".join(value or ())
        return Input(**common, kind="textarea", reads="list", value=lines, is_required=bool(schema.get("minItems")))
    if types and types <= {"integer", "number", "null"}:
        limits = {html: schema[key] for html, key in (("min", "minimum"), ("max", "maximum")) if key in schema}
        return Input(
            **common, kind="number", reads="number", value=text, limits=limits, is_required="null" not in types
        )
    if "string" in types and types <= {"string", "null"}:
        kind = "date" if schema.get("format") == "date" else "text"
        limits = {"maxlength": schema["maxLength"]} if "maxLength" in schema else None
        if kind == "date":  # all of them are UTC days of the market
            limits = days_there_can_be(today() - timedelta(days=1) if schema.get(LAST_DAY) == YESTERDAY else None)
        return Input(**common, kind=kind, reads="text", value=text, limits=limits, is_required="null" not in types)
    return Input(**common, kind="textarea", reads="json", value="" if value is None else json.dumps(value, indent=1))


def _is_of_texts(schema: Mapping[str, Any]) -> bool:
    return bool(schema.get("items", {}).get("type") == "string")
