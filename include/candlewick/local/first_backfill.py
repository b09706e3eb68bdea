"""The demo's first history: a real run of market_backfill, started once and not waited for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from candlewick.local.database import writer
from candlewick.local.landed import landed
from candlewick.warehouse import room

if TYPE_CHECKING:
    from candlewick.local.platform import Platform
    from candlewick.local.progress import Step

DAG_ID, RUN_ID = "market_backfill", "first_history"
DAYS = 3


def start_first_backfill(platform: Platform, current: Step) -> None:
    """Have the last days of the tracked symbols brought, today included, unless there is no room or somebody has run one already.

    Of today too: what is fetched first begins a hundred minutes ago, and the charts would show a hole before it.

    Raises:
        LauncherError: Airflow refuses the run.
    """
    if platform.airflow.call("GET", f"/dags/{DAG_ID}/dagRuns?limit=1")["total_entries"]:
        current.result = "is there already"
        return
    with writer(platform.wiring, platform.settings).session() as session:
        space = room.look(session, platform.settings)
    if space.stops_backfills:
        current.result = f"not brought: {space.history_waits}"
        return
    today = datetime.now(UTC).date()
    symbols = [one.symbol for one in landed(platform, count=False)]
    days = {"start": f"{today - timedelta(days=DAYS)}", "end": f"{today}"}
    run = {"dag_run_id": RUN_ID, "logical_date": None, "conf": {"symbols": symbols, **days}}
    platform.airflow.trigger(DAG_ID, run)
    current.result = f"{DAG_ID} brings {days['start']} … {days['end']} of {', '.join(symbols)}; see its run {RUN_ID}"
