"""Whether a job can be run with these params, told in one sentence: Airflow's own check prints the whole schema."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from jsonschema import FormatChecker
from jsonschema.exceptions import best_match
from jsonschema.validators import validator_for

from candlewick_ui.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jsonschema import ValidationError

_TYPES = {
    "null": "null", "array": "a list", "integer": "an integer", "number": "a number", "boolean": "true or false", "string": "text",
    "object": "an object",
}  # fmt: skip
_BOUNDS = {
    "minimum": "at least {}", "maximum": "at most {}", "minItems": "a list of at least {}", "maxItems": "a list of at most {}",
    "minLength": "text of at least {} characters", "maxLength": "text of at most {} characters", "pattern": "text that fits {}",
}  # fmt: skip


def refuse_unknown(dag_id: str, params: Mapping[str, Any], conf: Mapping[str, Any]) -> None:
    """Refuse params that nobody would read.

    Args:
        dag_id: of the job.
        params: of the DAG.
        conf: the values that are given.

    Raises:
        Problem: 422, about the first of them.
    """
    if unknown := sorted(conf.keys() - params.keys()):  # Airflow would take it
        known = ", ".join(sorted(params)) or "none"
        raise _refusal(f"expected params of {dag_id} among {known}, got {unknown[0][:100]!r}; correct it")


def refuse_unfit(dag_id: str, params: Mapping[str, Any], conf: Mapping[str, Any]) -> None:
    """Refuse values that the schemas of their params do not allow.

    Args:
        dag_id: of the job.
        params: of the DAG, with their schemas.
        conf: the values that are given, of params the DAG has.

    Raises:
        Problem: 422, about the first of them.
    """
    for name, value in conf.items():
        schema = params[name].schema
        wrong = best_match(validator_for(schema)(schema, format_checker=FormatChecker()).iter_errors(value))
        if wrong is not None:
            got = json.dumps(wrong.instance, ensure_ascii=False)[:100]
            raise _refusal(
                f"expected {_place(name, wrong)} of {dag_id} to be {_expected(wrong, params[name].description)}, got {got}; "
                f"correct it, GET /jobs/{dag_id} describes the params"
            )


def _place(name: str, wrong: ValidationError) -> str:
    return name + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in wrong.absolute_path)


def _expected(wrong: ValidationError, description: str | None) -> str:
    rule, asked = str(wrong.validator), wrong.validator_value
    if rule == "type":
        return " or ".join(_TYPES[kind] for kind in ([asked] if isinstance(asked, str) else asked))
    if rule == "enum":
        return f"one of {', '.join(map(str, asked))}"
    if rule == "format":
        return "a day as 2024-06-01" if asked == "date" else f"a {asked}"
    if rule == "pattern" and description:  # for people, who do not read patterns
        return f'as "{description}" says'
    if rule == "uniqueItems":
        return "a list that names nothing twice"
    # What no job asks for yet is told in the words of jsonschema.
    return _BOUNDS[rule].format(asked) if rule in _BOUNDS else f"such that it is not true that {wrong.message}"


def _refusal(sentence: str) -> Problem:
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, sentence)
