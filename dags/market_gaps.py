"""Every hour: find what is missing, ask for it, explain what stays missing; look for late symbols."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import Param, TriggerRule, dag, task

from candlewick import wiring
from candlewick.settings import SYMBOL_PATTERN, settings

DAG_ID = "market_gaps"
SCHEDULE = wiring.schedule(DAG_ID, settings().gaps_schedule)
LATER = {"trigger_rule": TriggerRule.ALL_DONE}  # also when fetch was skipped or failed: what came is built and judged
STAGED = [wiring.table_asset("staging_klines", schema="raw")]
FACTS, BUILT = [wiring.table_asset("fact_klines")], wiring.built_assets()
LEDGER = [wiring.table_asset(table, schema="raw") for table in ("gap_ledger", "coverage_counts")]
PARAMS = {
    "full": Param(
        False, type="boolean", title="All of history",
        description="Read every requested minute of the facts; without it that is done once a day.",
    ),
    "symbols": Param(
        None, type=["null", "array"], items={"type": "string", "pattern": SYMBOL_PATTERN.pattern}, maxItems=1000,
        title="Symbols", description="As the exchange writes them (BTCUSDT), one a line; empty: all.",
    ),
}  # fmt: skip


@dag(
    dag_id=DAG_ID,
    description="Find what is missing, ask for it, explain what stays missing.",
    schedule=SCHEDULE.cron,
    max_active_tasks=4,
    dagrun_timeout=timedelta(hours=6),
    default_args=wiring.default_args() | {"priority_weight": 2, "weight_rule": "absolute"},
    params=PARAMS,
    tags=["candlewick", "market", "history"],
    **wiring.run_defaults(),
    doc_md=f"""
### market_gaps
detect → fetch (REST, then the archive) → transform (one dbt process) → classify → books; beside them a look for late symbols.

* **What it leaves**: rows in `gap_ledger`, each with its reason and evidence; the counts behind `coverage_daily`.
* **What the reasons mean**, and what a person can do: `docs/gaps.md`.
* **Look at all of history now**: `airflow dags trigger market_gaps --conf '{{"full": true, "symbols": ["BTCUSDT"]}}'`
* While the exchange bans this address, fetch and classify are skipped; detection goes on.
* **Schedule**: `{SCHEDULE.cron}` (UTC); the Variable `candlewick_schedules` changes it.
  {SCHEDULE.problem and f"**{SCHEDULE.problem}**"}
""",
)
def market_gaps() -> None:
    """Wire the tasks."""

    @task
    def freshness() -> list[str]:
        """Tell people about symbols whose newest final candle is too old."""
        from candlewick.alerts import conditions, staleness
        from candlewick.alerts.announce import announce
        from candlewick.connections import warehouse

        late = staleness.stale_symbols(warehouse(), settings())
        announce([*late, *conditions.schedule_invalid(DAG_ID, SCHEDULE.problem)])
        return [event.subject for event in late]

    @task(pool=wiring.POOL_BACKFILL, execution_timeout=timedelta(hours=1), inlets=FACTS, outlets=LEDGER)
    def detect(params: dict[str, Any]) -> str:
        """Compare what should be there with the facts."""
        from candlewick.connections import warehouse
        from candlewick.pipeline.gaps.detect import detect

        return detect(warehouse(), full=bool(params["full"]), symbols=params["symbols"] or None).sentence

    @task(pool=wiring.POOL_BACKFILL, execution_timeout=timedelta(hours=3), outlets=[wiring.raw_asset(), *STAGED])
    def fetch(params: dict[str, Any], run_id: str) -> str:
        """Ask for the gaps that are due."""
        from candlewick.alerts import conditions
        from candlewick.alerts.announce import announce
        from candlewick.connections import backfill_tools
        from candlewick.pipeline.gaps.asking import FetchSummary
        from candlewick.pipeline.gaps.fetch import fetch_due

        summary = FetchSummary()
        try:
            with wiring.skip_when_banned(), backfill_tools(run_id) as tools:
                return fetch_due(tools, symbols=params["symbols"] or None, summary=summary).sentence
        finally:
            announce(conditions.unexplained_gaps(summary.given_up))

    @task(
        pool=wiring.POOL_BACKFILL,
        execution_timeout=timedelta(hours=2),
        retries=5,
        inlets=STAGED,
        outlets=BUILT,
        **LATER,
    )
    def transform(run_id: str) -> str:
        """Load what killed tasks have left; build what changed, in one dbt process."""
        return wiring.build_history(run_id, name="gaps")

    @task(pool=wiring.POOL_BACKFILL, execution_timeout=timedelta(hours=2), inlets=FACTS, outlets=LEDGER, **LATER)
    def classify(params: dict[str, Any], run_id: str) -> str:
        """See what is healed; explain what stays missing."""
        from candlewick.alerts import conditions
        from candlewick.alerts.announce import announce
        from candlewick.connections import backfill_tools, warehouse
        from candlewick.pipeline.gaps.detect import detect
        from candlewick.pipeline.gaps.settle import ClassifySummary, classify_open

        detect(warehouse(), symbols=params["symbols"] or None)
        summary = ClassifySummary()
        try:
            with wiring.skip_when_banned(), backfill_tools(run_id) as tools:
                return classify_open(tools, symbols=params["symbols"] or None, summary=summary).sentence
        finally:
            announce(conditions.unexplained_gaps(summary.given_up))

    @task(outlets=LEDGER[:1], **LATER)
    def books() -> str:
        """Write down the minutes without an order book."""
        from candlewick.alerts import conditions
        from candlewick.alerts.announce import announce
        from candlewick.connections import warehouse
        from candlewick.pipeline.gaps.depth import look_at_books

        summary = look_at_books(warehouse())
        announce(conditions.unexplained_gaps(summary.unexplained))
        return summary.sentence

    fresh, found, fetched, built, judged, looked = freshness(), detect(), fetch(), transform(), classify(), books()
    found >> fetched >> built >> judged >> looked
    found >> [built, judged]
    [fresh, found, fetched, built, judged, looked] >> wiring.verdict()


market_gaps()
