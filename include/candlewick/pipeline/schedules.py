"""When a DAG runs: the Variable's word, else the setting's, else the built-in default; never a broken DAG."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from croniter import CroniterBadDateError, croniter  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from collections.abc import Callable

VARIABLE = "candlewick_schedules"
CRON_FIELDS = 5


@dataclass(frozen=True, slots=True)
class Schedule:
    """A cron expression (UTC) and, when the wished one could not be used, why."""

    cron: str
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Stored:
    """What the Variable says, by DAG; and what is wrong with it."""

    crons: dict[str, object]
    problem: str = ""


def choose(dag_id: str, default: str, read: Callable[[], str | None]) -> Schedule:
    """Return the schedule of a DAG.

    Args:
        dag_id: the key in the Variable's JSON object, as in ``{"market_minute": "*/2 * * * *"}``.
        default: the cron expression of the settings.
        read: returns the Variable's text, or None when it is not set.
    """
    try:
        text = read()
    except Exception as error:  # noqa: BLE001  # a DAG must parse whatever happens to the store of Variables
        return Schedule(
            default, f"expected to read the Variable {VARIABLE}, got {error}; the default {default!r} is used"
        )
    cron, problem = wished(dag_id, read_stored(text))
    if problem:
        return Schedule(default, f"{problem}; the default {default!r} is used")
    return Schedule(cron or default)


def read_stored(text: str | None) -> Stored:
    """Read the text of the Variable; None where it is not set."""
    if not text or not text.strip():
        return Stored({})
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        return Stored({}, f"expected JSON in the Variable {VARIABLE}, got {text[:80]!r} ({error})")
    if not isinstance(document, dict):
        return Stored({}, f"expected a JSON object of DAG names in the Variable {VARIABLE}, got {text[:80]!r}")
    return Stored(document)


def wished(dag_id: str, stored: Stored) -> tuple[str | None, str]:
    """Return the cron expression a DAG is wished to have, or None, and why a wish cannot be followed."""
    cron = stored.crons.get(dag_id)
    if cron is None:
        return None, stored.problem
    if not is_cron(cron):
        return (
            None,
            f"expected a cron expression of five fields whose time comes for {dag_id} in the Variable {VARIABLE}, got {cron!r}",
        )
    return str(cron).strip(), ""


def is_cron(value: object) -> bool:
    """Tell whether the value is a schedule: five fields, or a word such as ``@hourly``, whose time ever comes."""
    if not isinstance(value, str):
        return False
    fields = value.split()
    shaped = len(fields) == CRON_FIELDS or (len(fields) == 1 and fields[0].startswith("@"))
    return shaped and bool(croniter.is_valid(value)) and _ever_comes(value)


def _ever_comes(cron: str) -> bool:
    """Airflow takes the 31st of February when it parses the DAG, and fails when it looks for the next run."""
    try:
        croniter(cron, datetime.now(UTC)).get_next(datetime)
    except CroniterBadDateError:  # none within decades
        return False
    return True
