"""Every minute: ask the exchange, load what was captured, build what changed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import Param, TriggerRule, dag, task

from candlewick import wiring
from candlewick.settings import settings

DAG_ID = "market_minute"
SCHEDULE = wiring.schedule(DAG_ID, settings().minute_schedule)
FORCE_PROCESS = Param(
    default=None,
    type=["array", "string", "null"],
    items={"type": "string", "minLength": 1, "maxLength": 255},
    maxItems=1000,
    pattern="^quarantined$",
    title="Load again",
    description="Object keys to load again, one per line, or the one word: quarantined (re-validates what is in quarantine).",
)


@dag(
    dag_id=DAG_ID,
    description="Ask the exchange, load what was captured, build what changed.",
    schedule=SCHEDULE.cron,
    max_active_tasks=8,
    dagrun_timeout=timedelta(minutes=30),
    deadline=wiring.deadline(settings().minute_deadline_minutes),
    default_args=wiring.default_args() | {"priority_weight": 10, "weight_rule": "absolute"},
    params={"force_process": FORCE_PROCESS},
    tags=["candlewick", "market", "minute"],
    **wiring.run_defaults(),
    doc_md=f"""
### market_minute
plan → extract (one task per shard of symbols) → load → transform (one dbt process).

* A shard that fails does not stop the others: what was captured is loaded, and what was loaded is built.
  The run is failed by `verdict`.
* While the exchange bans this address, plan and extract are skipped; load and transform go on.
* A run that outlasts its minute skips the missed ones; the watermark makes that harmless. One that is not done
  {settings().minute_deadline_minutes} minutes after it was queued is announced (`CANDLEWICK_MINUTE_DEADLINE_MINUTES`).
* **Load again**: trigger with `{{"force_process": ["2026-01-31/BTCUSDT_klines_1769817600000.json"]}}` or `"quarantined"`.
* **Schedule**: `{SCHEDULE.cron}` (UTC); the Variable `candlewick_schedules`, as in
  `{{"market_minute": "*/2 * * * *"}}`, changes it. {SCHEDULE.problem and f"**{SCHEDULE.problem}**"}
""",
)
def market_minute() -> None:
    """Wire the tasks."""

    @task(pool=wiring.POOL_EXCHANGE, execution_timeout=timedelta(minutes=2))
    def plan() -> list[dict[str, object]]:
        """Refresh the symbols' states when they are old; split the symbols into shards."""
        from candlewick.alerts import conditions, fullness
        from candlewick.alerts.announce import announce
        from candlewick.connections import exchange, warehouse
        from candlewick.exchange.errors import ExchangeError, IpBanned
        from candlewick.pipeline import symbols

        house = warehouse()
        announce([*conditions.schedule_invalid(DAG_ID, SCHEDULE.problem), *fullness.fullness(house, settings())])
        with wiring.skip_when_banned(), exchange() as market:
            try:
                announce(conditions.symbol_states(symbols.refresh_states(market, house) or []))
            except IpBanned:
                raise
            except ExchangeError as error:
                announce([conditions.states_unknown(error, settings().exchange)])
        return symbols.plan_shards(house, settings())

    @task(
        pool=wiring.POOL_EXCHANGE,
        execution_timeout=timedelta(minutes=5),
        retries=1,  # the load waits for the slowest shard, and the next minute asks again anyway
        map_index_template="{{ task.op_kwargs['shard']['name'] }}",
        outlets=[wiring.raw_asset()],
    )
    def extract(shard: dict[str, object], run_id: str) -> str:
        """Ask for the candles and books of a shard's symbols and put the answers into the lake."""
        from candlewick.alerts import conditions
        from candlewick.alerts.announce import announce
        from candlewick.connections import exchange, lake, warehouse
        from candlewick.pipeline.extract import extract_shard

        with wiring.skip_when_banned(), exchange() as market, lake() as store:
            summary = extract_shard(market, store, warehouse(), shard, run_id)
        announce(conditions.symbols_failed(summary))
        return summary.sentence

    @task(
        pool=wiring.POOL_LOAD,
        trigger_rule=TriggerRule.ALL_DONE,
        inlets=[wiring.raw_asset()],
        outlets=wiring.staging_assets(),
    )
    def load(params: dict[str, Any], run_id: str) -> str:
        """Load what is captured; then what was asked for again; then look for late symbols."""
        from candlewick.alerts import conditions, staleness
        from candlewick.alerts.announce import announce
        from candlewick.connections import lake, warehouse
        from candlewick.pipeline.load import load_again, load_pending, load_quarantined
        from candlewick.pipeline.load_summary import LoadSummary

        house, summary = warehouse(), LoadSummary()
        try:
            with lake() as store:
                load_pending(store, house, run_id, summary)
                if keys := wiring.forced_keys(params):
                    load_again(store, house, run_id, keys, summary)
                if wiring.forces_quarantine(params):
                    load_quarantined(store, house, run_id, summary)
        finally:  # what was committed before an error is not announced by a later try
            announce(conditions.quarantined(summary))
        announce(staleness.stale_symbols(house, settings()))
        return summary.sentence

    @task(
        pool=wiring.POOL_DBT,
        trigger_rule=TriggerRule.ALL_DONE,
        inlets=wiring.staging_assets(),
        outlets=wiring.built_assets(books=True),
    )
    def transform() -> str:
        """Build what changed, in one dbt process."""
        from candlewick.pipeline.transform import run_dbt

        return run_dbt(["run", "--selector", "minute"], wiring.dbt_environment(), name="minute").sentence

    shards = extract.expand(shard=plan())
    loaded = load()
    built = transform()
    shards >> loaded >> built
    [shards, loaded, built] >> wiring.verdict()


market_minute()
