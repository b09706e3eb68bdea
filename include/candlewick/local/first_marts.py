"""The first run of market_hourly: calendar, statistics and dbt docs are there in minutes, not after the next full hour."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from candlewick.local.platform import Platform
    from candlewick.local.progress import Step

DAG_ID, RUN_ID = "market_hourly", "first_marts"


def start_first_marts(platform: Platform, current: Step, after: timedelta) -> None:
    """Have every mart built once.

    Args:
        platform: the running one, with its first data.
        current: the step to tell.
        after: this long from now, so that history that is being brought is in them.

    Raises:
        LauncherError: Airflow refuses the run.
    """
    runs = platform.airflow.call("GET", f"/dags/{DAG_ID}/dagRuns?limit=1&run_type=manual")
    if runs["total_entries"]:
        current.result = "were built before"
        return
    begin = datetime.now(UTC) + after
    run = {"dag_run_id": RUN_ID, "logical_date": None, "run_after": begin.isoformat()}
    platform.airflow.call("POST", f"/dags/{DAG_ID}/dagRuns", run)
    current.result = (
        f"{DAG_ID} builds the calendar, statistics and dbt docs from {begin:%H:%M} UTC on; see its run {RUN_ID}"
    )
