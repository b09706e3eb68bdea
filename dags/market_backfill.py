"""History on demand: plan what was asked for, bring it part by part, build what changed, say what came of it."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any

from airflow.sdk import Param, TriggerRule, dag, task

from candlewick import wiring
from candlewick.market import Interval
from candlewick.settings import SYMBOL_PATTERN, settings

DAG_ID = "market_backfill"
LATER = {"trigger_rule": TriggerRule.ALL_DONE_MIN_ONE_SUCCESS}  # also after failures, but not without a plan
PARAMS = {
    "symbols": Param(
        list(settings().symbols), type="array", items={"type": "string", "pattern": SYMBOL_PATTERN.pattern}, minItems=1,
        maxItems=1000, uniqueItems=True, title="Symbols", description="As the exchange writes them (BTCUSDT), one a line.",
    ),
    "interval": Param(
        "1m", type="string", enum=[*Interval], title="Interval", description="Hours and days are built from 1m by themselves.",
    ),
    "start": Param(
        None, type="string", format="date", title="First day", description="UTC, from 2017-07-01 on.", examples=["2023-01-01"],
    ),
    "end": Param(
        None, type="string", format="date", title="Last day", description="UTC, all of it; today at the latest.",
        examples=["2025-12-31"],
    ),
    "source": Param(
        "auto", type="string", enum=["auto", "archive", "rest", "files"], title="Source",
        description="auto: the archive's files of whole months and days, REST for what is not published yet. archive, rest: "
        "only these. files: a local folder.",
    ),
    "folder": Param(
        None, type=["null", "string"], maxLength=500, title="Folder",
        description=f"For source files: archive files or raw JSON objects below {settings().files_dir}.",
    ),
    "force": Param(False, type="boolean", title="Load again", description="Also what is there already, unchanged."),
    "keep": Param(True, type="boolean", title="Keep", description="Pin the span, so that retention leaves it."),
}  # fmt: skip


@dag(
    dag_id=DAG_ID,
    description="Bring history from the archive, by REST or from files.",
    schedule=None,
    max_active_tasks=8,
    dagrun_timeout=timedelta(days=14),
    default_args=wiring.default_args() | {"priority_weight": 1, "weight_rule": "absolute"},
    params=PARAMS,
    tags=["candlewick", "market", "history"],
    **(wiring.run_defaults() | {"max_active_runs": 3}),
    doc_md="""
### market_backfill
plan → work (a task for every few months, days or REST spans) → transform (one dbt process) → report.

* **What it does**: asks for what is missing or changed, keeps every file and answer in the lake, loads it from there.
* **Watch it**: the log of each `work` task has a line after every part; `candlewick_raw.backfill_parts` has a row for each.
* **Cancel it** whenever you like: trigger the same again, and only what is left is done.
* Fresh candles go first, the live watermark never moves.
* `airflow dags trigger market_backfill --conf '{"symbols": ["BTCUSDT"], "start": "2023-01-01", "end": "2025-12-31"}'`
""",
)
def market_backfill() -> None:
    """Wire the tasks."""

    @task(pool=wiring.POOL_EXCHANGE)
    def plan(params: dict[str, Any], run_id: str) -> list[dict[str, Any]]:
        """Refuse what makes no sense; write the parts down and share them among tasks."""
        from airflow.sdk.exceptions import AirflowFailException

        from candlewick.connections import backfill_tools
        from candlewick.pipeline.backfill.begin import begin
        from candlewick.pipeline.backfill.request import BackfillRequest, RequestRefused
        from candlewick.warehouse.database import to_ms, utc_now

        now = utc_now()
        try:
            request = BackfillRequest.read(params, now)
            with backfill_tools(run_id) as tools:
                return begin(tools, request, to_ms(now))
        except RequestRefused as refusal:
            raise AirflowFailException(str(refusal)) from None

    @task(
        pool=wiring.POOL_BACKFILL,
        execution_timeout=timedelta(hours=12),
        retries=5,  # each try goes on where the one before ended
        map_index_template="{{ task.op_kwargs['parts']['name'] }}",
        outlets=[wiring.raw_asset(), wiring.table_asset("staging_klines", schema="raw")],
    )
    def work(parts: dict[str, Any], run_id: str) -> str:
        """Bring the parts of one task."""
        from candlewick.connections import backfill_tools
        from candlewick.pipeline.backfill.work import work_through

        os.nice(wiring.NICENESS)
        with backfill_tools(run_id) as tools:
            return work_through(tools, parts["backfill_id"], parts["first"], parts["last"], parts["folder"])

    @task(
        pool=wiring.POOL_BACKFILL,  # not dbt's: history takes minutes to build, and the next minute must find a slot
        execution_timeout=timedelta(hours=12),
        retries=20,  # another build of history may keep a table's lock
        max_active_tis_per_dag=1,
        priority_weight=2,
        inlets=[wiring.table_asset("staging_klines", schema="raw")],
        outlets=wiring.built_assets(),
        **LATER,
    )
    def transform(run_id: str) -> str:
        """Load what killed tasks have left; build what changed, in one dbt process."""
        return wiring.build_history(run_id, name="backfill")

    @task(**LATER)
    def report(run_id: str) -> str:
        """Write the table into the log; fail with a sentence when parts are not there."""
        from airflow.sdk.exceptions import AirflowFailException

        from candlewick.connections import warehouse
        from candlewick.pipeline.backfill import report as end

        try:
            return end.report(warehouse(), run_id)
        except end.BackfillIncomplete as incomplete:
            raise AirflowFailException(str(incomplete)) from None

    planned = plan()
    worked = work.expand(parts=planned)
    built, told = transform(), report()
    [planned, worked] >> built >> told
    [planned, worked] >> told
    [planned, worked, built, told] >> wiring.verdict()


market_backfill()
