"""Every Sunday: what is old moves into the archive, expires by policy, and the tables are cared for; a person is asked first."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import Param, TriggerRule, dag, task

from candlewick import wiring
from candlewick.settings import settings

DAG_ID = "market_maintenance"
SCHEDULE = wiring.schedule(DAG_ID, settings().maintenance_schedule)
HOURS = settings().approval_hours
LATER = {"trigger_rule": TriggerRule.ALL_DONE}  # whatever else failed or is off; without a plan a step does nothing
LEDGERS = [wiring.table_asset(table, schema="raw") for table in ("lifecycle_events", "storage_samples")]
TOUCHED = [wiring.table_asset(table) for table in ("fact_klines", "indicators_1m", "fact_orderbook")]
STEPS = {
    "archive": "Move objects into the archive, one file a symbol, type and day.",
    "expire": "Delete archived objects by age.",
    "retention": "Delete rows by age, where hours and days hold what they said.",
    "care": "Refresh statistics, give back space where it pays, write sizes down.",
    "sweep": "Repair what crashes have left; report what no program should repair.",
    "backup": "Save the warehouse before anything is deleted; when that fails, nothing is.",
}
AGES = {
    "archive_after_days": (1, "after its capture an object is archived."),
    "archived_keep_days": (2, "after its capture an archived object is deleted."),
    "retention_klines_days": (0, "1m candles stay; 0: for ever."),
    "retention_orderbook_days": (0, "order books stay; 0: for ever."),
    "retention_indicators_days": (0, "1m indicators stay; 0: for ever."),
    "retention_staging_days": (1, "staged rows stay."),
    "retention_outcomes_days": (8, "outcomes of requests stay."),
    "retention_processed_days": (0, "rows of processed_files stay after their object is gone; 0: for ever."),
}
PARAMS = {
    "dry_run": Param(False, type="boolean", title="Dry run", description="Write the plan into the log and do nothing else."),
    **{
        name: Param(name != "backup", type="boolean", title=name.capitalize(), description=text)
        for name, text in STEPS.items()
    },
    **{
        name: Param(getattr(settings(), name), type="integer", minimum=least, title=name, description=f"Days {text}")
        for name, (least, text) in AGES.items()
    },
    "retention_klines_by_symbol": Param(
        settings().retention_klines_by_symbol, type="object", additionalProperties={"type": "integer", "minimum": 0},
        title="retention_klines_by_symbol", description='Other days for some symbols: {"BTCUSDT": 365}; 0: for ever.',
    ),
}  # fmt: skip


@dag(
    dag_id=DAG_ID,
    description="Archive, expire, keep tables and lake in order; ask before much is deleted.",
    schedule=SCHEDULE.cron,
    max_active_tasks=4,
    dagrun_timeout=timedelta(hours=HOURS + 24),
    default_args=wiring.default_args() | {"priority_weight": 1, "weight_rule": "absolute"},
    params=PARAMS,
    tags=["candlewick", "market", "maintenance"],
    **wiring.run_defaults(),
    doc_md=f"""
### market_maintenance
plan → archive, backup; plan → ask → approve → consent → expire → retention → care → sweep → storage.

* **What each step does**, and what it never touches: `docs/maintenance.md`. Every action is a row of `lifecycle_events`.
* **A person is asked** (task `approve`, *Required actions*) when more than {settings().guard_share:.0%} of anything would be deleted.
  No answer within {HOURS} h, or *Reject*: nothing is deleted, and that is said.
* **Only look**: `airflow dags trigger market_maintenance --conf '{{"dry_run": true}}'`, then read the log of `plan`.
* **Schedule**: `{SCHEDULE.cron}` (UTC); the Variable `candlewick_schedules` changes it.
  {SCHEDULE.problem and f"**{SCHEDULE.problem}**"}
""",
)
def market_maintenance() -> None:
    """Wire the tasks."""

    @task(pool=wiring.POOL_BACKFILL, execution_timeout=timedelta(hours=2))
    def plan(params: dict[str, Any], run_id: str) -> dict[str, Any]:
        """Refuse what makes no sense; fix the cutoffs, count what would be done, write it into the log."""
        from candlewick.pipeline.maintenance.steps import begin

        with wiring.maintaining(run_id) as tools:
            return begin(tools, params)

    @task.short_circuit(ignore_downstream_trigger_rules=False)
    def ask(planned: dict[str, Any]) -> bool:
        """Whether a person has to be asked."""
        return bool(planned["question"])

    # Not the ApprovalOperator: what stands behind it is skipped at a rejection, also the task that tells people of it.
    approve = HITLOperator(
        task_id="approve",
        subject="market_maintenance: may this be deleted?",
        body="{{ ti.xcom_pull(task_ids='plan')['question'] }}",
        options=["Approve", "Reject"],
        defaults="Reject",
        response_timeout=timedelta(hours=HOURS),
    )

    @task(trigger_rule=TriggerRule.NONE_FAILED)
    def consent(planned: dict[str, Any], answer: dict[str, Any] | None, run_id: str) -> dict[str, Any]:
        """Say what the answer allows; tell people when it allows nothing."""
        from candlewick.pipeline.maintenance import steps

        with wiring.maintaining(run_id):
            return steps.consent(planned, answer, hours=HOURS)

    @task(pool=wiring.POOL_BACKFILL, execution_timeout=timedelta(hours=12), retries=5, outlets=LEDGERS[:1], **LATER)
    def step(name: str, planned: dict[str, Any] | None, consented: dict[str, Any] | None, run_id: str) -> str:
        """Do one step, unless it is off; what is deleted for good needs the consent."""
        from candlewick.pipeline.maintenance.steps import perform

        with wiring.maintaining(run_id) as tools:
            return perform(tools, name, planned, consented)

    @task(pool=wiring.POOL_DBT, inlets=LEDGERS, outlets=[wiring.table_asset("storage_health")], **LATER)
    def storage(planned: dict[str, Any] | None, run_id: str) -> str:
        """Build the tables that say how full the stores are and how fast they grow."""
        from candlewick.pipeline.maintenance.steps import build_storage

        with wiring.maintaining(run_id) as tools:
            return build_storage(tools, planned)

    planned = plan()
    wanted = ask(planned)
    consented = consent(planned, approve.output)
    wanted >> approve
    done = {
        name: step.override(task_id=name, doc_md=text, outlets=LEDGERS + (TOUCHED if name == "retention" else []))(
            name, planned, consented if name in ("expire", "retention") else None
        )
        for name, text in STEPS.items()
    }
    sized = storage(planned)
    [done["archive"], done["backup"]] >> done["expire"] >> done["retention"] >> done["care"] >> done["sweep"] >> sized
    [planned, wanted, approve, consented, *done.values(), sized] >> wiring.verdict()


market_maintenance()
