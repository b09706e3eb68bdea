"""The warehouse from the lake alone: queue what no outcome names, load it, build what changed."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any

from airflow.sdk import Param, dag, task

from candlewick import wiring
from candlewick.settings import SYMBOL_PATTERN

DAG_ID = "market_rebuild"
PARAMS = {
    "symbols": Param(
        [], type="array", items={"type": "string", "pattern": SYMBOL_PATTERN.pattern}, maxItems=1000, uniqueItems=True,
        title="Symbols", description="As the exchange writes them (BTCUSDT), one a line; none: all the lake has.",
    ),
    "start": Param(
        None, type=["null", "string"], format="date", title="First day", examples=["2023-01-01"],
        description="UTC. Of an archive file's period; of the capture of an answer. Empty: from the beginning.",
    ),
    "end": Param(
        None, type=["null", "string"], format="date", title="Last day", description="UTC, all of it. Empty: to the end.",
        examples=["2025-12-31"],
    ),
    "force": Param(
        False, type="boolean", title="Load again", description="Also objects that the warehouse knows and has loaded.",
    ),
}  # fmt: skip


@dag(
    dag_id=DAG_ID,
    description="Fill the warehouse from the lake: facts, hours, days and revisions as they were.",
    schedule=None,
    max_active_tasks=8,
    dagrun_timeout=timedelta(days=14),
    default_args=wiring.default_args() | {"priority_weight": 1, "weight_rule": "absolute"},
    params=PARAMS,
    tags=["candlewick", "market", "history"],
    **wiring.run_defaults(),
    doc_md="""
### market_rebuild
queue → load → transform (one dbt process), on the lane of backfills: fresh candles go first. An empty warehouse gets its
tables before.

* **What it does**: every object of the lake that the warehouse does not know gets its row again and is loaded. An empty
  warehouse ends with the facts, finality, sources, hours, days and revisions it had, as far as the lake holds their objects.
* **What it cannot bring back**: watermarks (the next cycle asks anew), failed requests, the history of symbols' states.
* **Cancel it** whenever you like: trigger it again, and only what is left is done.
* A damaged schema: `{"force": true}` loads what is known once more; what is the same stays as it is.
* `airflow dags trigger market_rebuild --conf '{"symbols": ["BTCUSDT"], "start": "2023-01-01", "end": "2023-12-31"}'`
""",
)
def market_rebuild() -> None:
    """Wire the tasks."""

    @task(pool=wiring.POOL_BACKFILL, execution_timeout=timedelta(hours=2), inlets=[wiring.raw_asset()])
    def queue(params: dict[str, Any], run_id: str) -> str:
        """Refuse what makes no sense; write the rows of objects the warehouse does not know."""
        from airflow.sdk.exceptions import AirflowFailException

        from candlewick.connections import lake, warehouse
        from candlewick.pipeline.rebuild import queue_from_lake
        from candlewick.pipeline.rebuild_request import RebuildRefused, RebuildRequest
        from candlewick.warehouse.database import utc_now

        try:
            request = RebuildRequest.read(params, utc_now().date())
        except RebuildRefused as refusal:
            raise AirflowFailException(str(refusal)) from None
        if not wiring.has_facts():  # made empty, they take each load as it comes; made later, all of history at once
            wiring.build_history(run_id, name="rebuild")
        with lake() as store:
            return queue_from_lake(store, warehouse(), run_id, request).sentence

    @task(
        pool=wiring.POOL_BACKFILL,
        execution_timeout=timedelta(hours=24),
        retries=5,  # each try goes on where the one before ended
        outlets=wiring.staging_assets(),
    )
    def load(run_id: str) -> str:
        """Load all that is queued in the lane."""
        from candlewick.connections import lake, warehouse
        from candlewick.pipeline.bulk import load_backlog

        os.nice(wiring.NICENESS)
        with lake() as store:
            return load_backlog(store, warehouse(), run_id).sentence

    @task(
        pool=wiring.POOL_BACKFILL,  # not dbt's: history takes minutes to build, and the next minute must find a slot
        execution_timeout=timedelta(hours=12),
        retries=20,  # another build may keep a table's lock
        inlets=wiring.staging_assets(),
        outlets=wiring.built_assets(books=True),
    )
    def transform(run_id: str) -> str:
        """Build what changed, in one dbt process."""
        return wiring.build_history(run_id, name="rebuild")

    queue() >> load() >> transform()


market_rebuild()
