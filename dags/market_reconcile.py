"""Every day: our hours and days against the exchange's own, REST against the archive."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import Param, TriggerRule, dag, task

from candlewick import wiring
from candlewick.settings import SYMBOL_PATTERN, settings

DAG_ID = "market_reconcile"
SCHEDULE = wiring.schedule(DAG_ID, settings().reconcile_schedule)
BUILT = wiring.built_assets()
COMPARED = [wiring.table_asset(table) for table in ("minutes_heard", "reconciliation_daily")]
LATER = {"trigger_rule": TriggerRule.ALL_DONE}  # what came is built, whatever else failed or was skipped (a ban)
PARAMS = {
    "symbols": Param(
        None, type=["null", "array"], items={"type": "string", "pattern": SYMBOL_PATTERN.pattern}, maxItems=1000,
        title="Symbols", description="As the exchange writes them (BTCUSDT), one a line; empty: all we have minutes of.",
    ),
    "days": Param(
        None, type=["null", "integer"], minimum=1, maximum=5000, title="Days",
        description=f"Newest days to compare of each symbol, of those that were not yet; empty: {settings().reconcile_days}.",
    ),
    "from": Param(
        None, type=["null", "string"], format="date", last_day="yesterday", title="First day", description="UTC; every day from then on.",
    ),
    "to": Param(
        None, type=["null", "string"], format="date", last_day="yesterday", title="Last day", description="UTC, all of it; not today.",
    ),
}  # fmt: skip


@dag(
    dag_id=DAG_ID,
    description="Compare our hours and days with the exchange's own, REST with the archive.",
    schedule=SCHEDULE.cron,
    max_active_tasks=4,
    dagrun_timeout=timedelta(hours=12),
    default_args=wiring.default_args() | {"priority_weight": 1, "weight_rule": "absolute"},
    params=PARAMS,
    tags=["candlewick", "market", "history"],
    **wiring.run_defaults(),
    doc_md=f"""
### market_reconcile
choose → candles, files, republished → transform → compare.

* **What it asks for**: the exchange's own 1h and 1d candles of days that were not compared yet, newest first; the
  archive's files of the last days of the symbols we follow; checksums, to notice files that were published again.
* **What it leaves**: rows in `reconciliation_daily`; an alert for what nothing explains, and for symbols that failed.
* **A span**: `airflow dags trigger market_reconcile --conf '{{"from": "2023-02-13", "to": "2023-02-15", "symbols": ["SOLUSDT"]}}'`
* **Schedule**: `{SCHEDULE.cron}` (UTC); the Variable `candlewick_schedules` changes it.
  {SCHEDULE.problem and f"**{SCHEDULE.problem}**"}
""",
)
def market_reconcile() -> None:
    """Wire the tasks."""

    @task
    def choose(params: dict[str, Any]) -> list[dict[str, Any]]:
        """Refuse what makes no sense; find the days that were not compared."""
        from airflow.sdk.exceptions import AirflowFailException

        from candlewick.alerts import conditions
        from candlewick.alerts.announce import announce
        from candlewick.connections import warehouse
        from candlewick.pipeline.reconcile import choose
        from candlewick.pipeline.reconcile_request import ReconcileRequest, RequestRefused
        from candlewick.warehouse.database import utc_now

        announce(conditions.schedule_invalid(DAG_ID, SCHEDULE.problem))
        try:
            return [one.as_words() for one in choose(warehouse(), ReconcileRequest.read(params, utc_now()))]
        except RequestRefused as refusal:
            raise AirflowFailException(str(refusal)) from None

    @task(pool=wiring.POOL_BACKFILL, execution_timeout=timedelta(hours=3), outlets=[wiring.raw_asset()])
    def candles(wanted: list[dict[str, Any]], run_id: str) -> str:
        """Ask for the exchange's own hours and days."""
        from candlewick.connections import backfill_tools
        from candlewick.pipeline.reconcile import Wanted, fetch_candles

        with wiring.skip_when_banned(), backfill_tools(run_id) as tools:
            return tell(fetch_candles(tools, map(Wanted.of_words, wanted)))

    @task(execution_timeout=timedelta(hours=3), outlets=[wiring.raw_asset()])
    def files(wanted: list[dict[str, Any]], run_id: str) -> str:
        """Bring the archive's files of minutes."""
        from candlewick.connections import backfill_tools
        from candlewick.pipeline.reconcile import Wanted, fetch_files

        with backfill_tools(run_id) as tools:
            return tell(fetch_files(tools, map(Wanted.of_words, wanted)))

    @task(execution_timeout=timedelta(hours=1), outlets=[wiring.raw_asset()])
    def republished(run_id: str) -> str:
        """Look at published checksums; bring the files that were published again."""
        from candlewick.connections import backfill_tools
        from candlewick.pipeline.reconcile import fetch_republished

        with backfill_tools(run_id) as tools:
            return tell(fetch_republished(tools))

    @task(pool=wiring.POOL_BACKFILL, execution_timeout=timedelta(hours=3), retries=5, outlets=BUILT, **LATER)
    def transform(run_id: str) -> str:
        """Load what came; build what changed, in one dbt process."""
        return wiring.build_history(run_id, name="reconcile")

    @task(pool=wiring.POOL_BACKFILL, execution_timeout=timedelta(hours=1), outlets=COMPARED)
    def compare() -> str:
        """Compare the days that anything came of, and tell of what nothing explains."""
        from candlewick.alerts import conditions
        from candlewick.alerts.announce import announce
        from candlewick.connections import warehouse
        from candlewick.pipeline.reconcile import disagreements
        from candlewick.pipeline.transform import run_dbt

        arguments = ["build", "--select", "reconciliation", "--vars", "{lane: backfill}"]
        done = run_dbt(arguments, wiring.dbt_environment(), name="reconcile")
        announce(conditions.unreconciled(disagreements(warehouse())))
        return done.sentence

    wanted = choose()
    came = [candles(wanted), files(wanted), republished()]
    built, compared = transform(), compare()
    came >> built >> compared
    [wanted, *came, built, compared] >> wiring.verdict()


def tell(found: Any) -> str:
    """Announce the symbols that failed; return what came, in words."""
    from candlewick.alerts import conditions
    from candlewick.alerts.announce import announce

    announce(conditions.symbols_failed(found))
    return str(found.sentence)


market_reconcile()
