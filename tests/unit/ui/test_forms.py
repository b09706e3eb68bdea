"""A DAG's params as fields of a form."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from candlewick_ui.pages.forms import Input, inputs
from candlewick_ui.pages.tables import today


def one(schema: dict[str, Any], value: Any = None, description: str | None = None) -> Input:
    (found,) = inputs({"a_param": {"value": value, "description": description, "schema": schema}})
    return found


@pytest.mark.parametrize(
    ("schema", "value", "kind", "reads", "text"),
    [
        ({"type": "string"}, "x", "text", "text", "x"),
        ({"type": "string", "format": "date"}, None, "date", "text", ""),
        ({"type": ["null", "string"], "format": "date"}, None, "date", "text", ""),
        ({"type": "string", "enum": ["auto", "rest"]}, "rest", "select", "text", "rest"),
        ({"type": "boolean"}, True, "checkbox", "boolean", ""),
        ({"type": "integer", "minimum": 1}, 7, "number", "number", "7"),
        ({"type": ["null", "integer"]}, None, "number", "number", ""),
        ({"type": "array", "items": {"type": "string"}}, ["A", "B"], "textarea", "list", "A\nB"),
        ({"type": ["null", "array"], "items": {"type": "string"}}, None, "textarea", "list", ""),
        ({"type": "object"}, {"A": 1}, "textarea", "json", '{\n "A": 1\n}'),
        ({}, None, "textarea", "json", ""),
    ],
)
def test_a_param_is_the_field_its_schema_says(schema, value, kind, reads, text) -> None:
    found = one(schema, value)
    assert (found.kind, found.reads, found.value) == (kind, reads, text)


def test_what_may_be_nothing_is_not_required_and_says_so_when_it_is_empty() -> None:
    optional, needed = one({"type": ["null", "string"]}), one({"type": "string", "format": "date"})
    assert (optional.is_required, optional.empty_is_null) == (False, True)
    assert (needed.is_required, needed.empty_is_null) == (True, False)


def test_a_day_is_offered_up_to_today_unless_its_job_takes_only_days_that_are_over() -> None:
    any_day = one({"type": "string", "format": "date"}).limits
    over = one({"type": "string", "format": "date", "last_day": "yesterday"}).limits
    yesterday = today() - timedelta(days=1)
    assert any_day == {"min": "2017-07-01", "max": f"{today()}"}
    assert over == {"min": "2017-07-01", "max": f"{yesterday}"}


def test_a_field_is_called_what_its_schema_is_and_has_its_bounds() -> None:
    found = one({"type": "integer", "title": "Days", "minimum": 1, "maximum": 9}, 3, "how many")
    assert (found.label, found.hint, found.limits) == ("Days", "how many", {"min": 1, "max": 9})
    assert one({"type": "string"}).label == "A param"
    assert one({"type": "boolean"}, value=False).is_checked is False
