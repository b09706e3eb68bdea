"""The first runs of market_gaps and market_hourly: calendar, statistics and dbt docs are there in minutes, not in an hour."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from candlewick.local.platform import Platform
    from candlewick.local.progress import Step

MARTS, GAPS, RUN_ID = "market_hourly", "market_gaps", "first_marts"
COUNTING_TAKES = timedelta(
    seconds=30
)  # until market_gaps has counted the minutes; what it asks for then may take longer


def start_first_marts(platform: Platform, current: Step, after: timedelta) -> None:
    """Have what is there counted and every mart built once.

    Args:
        platform: the running one, with its first data.
        current: the step to tell.
        after: this long from now, so that history that is being brought is in them.

    Raises:
        LauncherError: Airflow refuses a run.
    """
    begin = datetime.now(UTC) + after
    asked = [_ask(platform, dag_id, at) for dag_id, at in ((GAPS, begin), (MARTS, begin + COUNTING_TAKES))]
    if not any(asked):
        current.result = "were asked for before"
        return
    current.result = f"{GAPS} counts minutes from {begin:%H:%M} UTC on, then {MARTS} builds calendar, statistics and dbt docs; see their runs {RUN_ID}"


def _ask(platform: Platform, dag_id: str, at: datetime) -> bool:
    """Ask for the run, unless there was one by hand: a start that was ended half way may have asked for it already."""
    if platform.airflow.call("GET", f"/dags/{dag_id}/dagRuns?limit=1&run_type=manual")["total_entries"]:
        return False
    run = {"dag_run_id": RUN_ID, "logical_date": None, "run_after": at.isoformat()}
    platform.airflow.trigger(dag_id, run)
    return True
