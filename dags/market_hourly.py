"""Every hour: one visible task per dbt model of the hourly path, the quality rules, tests, freshness, and the docs site."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import TriggerRule, dag, task

from candlewick import wiring
from candlewick.settings import settings

if TYPE_CHECKING:
    from cosmos import DbtTaskGroup

DAG_ID = "market_hourly"
SCHEDULE = wiring.schedule(DAG_ID, settings().hourly_schedule)
MANIFEST = settings().home / "dbt" / "manifest.json"
RETURNS, PAIRS = [wiring.table_asset("window_returns")], [wiring.table_asset("correlation_pairs", schema="raw")]


def models() -> DbtTaskGroup:
    """Render one task per model tagged `hourly`: dbt builds it and runs its tests in one process."""
    from cosmos import DbtTaskGroup, ExecutionConfig, ProfileConfig, ProjectConfig, RenderConfig
    from cosmos.constants import ExecutionMode, InvocationMode, LoadMode, TestBehavior

    from candlewick.pipeline.transform import LEASH

    project = settings().dbt_project_dir
    project_config = ProjectConfig(dbt_project_path=project, install_dbt_deps=False)
    # Given to the constructor, the path would be opened through every provider's file system: boto3 at each parse.
    project_config.manifest_path = MANIFEST
    group = DbtTaskGroup(
        group_id="models",
        project_config=project_config,
        profile_config=ProfileConfig(
            profile_name="candlewick", target_name="warehouse", profiles_yml_filepath=project / "profiles.yml"
        ),
        render_config=RenderConfig(
            load_method=LoadMode.DBT_MANIFEST,
            # The default runner demands that `dbt` on the PATH has not changed since Cosmos was imported.
            invocation_mode=InvocationMode.SUBPROCESS,
            select=["tag:hourly"],
            test_behavior=TestBehavior.BUILD,
            normalize_task_id=lambda node: node.name,
            normalize_task_display_name=lambda node: node.name,
            emit_datasets=False,  # Cosmos derives none for MySQL; they are declared below
        ),
        execution_config=ExecutionConfig(
            execution_mode=ExecutionMode.LOCAL, invocation_mode=InvocationMode.SUBPROCESS, dbt_executable_path=LEASH[0]
        ),
        operator_args={
            "dbt_cmd_global_flags": LEASH[1:],
            "interceptors": [wiring.prepare_dbt],
            "should_store_compiled_sql": False,
            "pool": wiring.POOL_DBT,
        },
    )
    for operator in group:
        node: dict[str, Any] = getattr(operator, "extra_context", {}).get("dbt_node_config", {})
        if node.get("resource_type") == "model":
            operator.outlets = [wiring.table_asset(node["resource_name"])]
            operator.inlets = [wiring.dbt_asset(unique_id) for unique_id in node["depends_on"]]
    return group


@dag(
    dag_id=DAG_ID,
    description="One visible task per dbt model of the hourly path, tests, freshness and docs.",
    schedule=SCHEDULE.cron,
    max_active_tasks=4,
    dagrun_timeout=timedelta(minutes=55),
    default_args=wiring.default_args(),
    tags=["candlewick", "market", "hourly"],
    **wiring.run_defaults(),
    doc_md=f"""
### market_hourly
One task per dbt model tagged `hourly` (built and tested in one dbt process), then the correlations, then all quality rules
in one process; beside them the tests of the minute models, source freshness (once there was a load), sizes and a look for
late symbols; at the end the dbt docs.

* **Quality**: a finding in the data warns and is in `quality_summary`; the task fails only when the pipeline broke a promise
  of its own. Each rule has a page in `docs/quality`.
* Models come from `$CANDLEWICK_HOME/dbt/manifest.json`; `dbt parse` (part of `make up`) writes it.
* **Schedule**: `{SCHEDULE.cron}` (UTC); the Variable `candlewick_schedules` changes it.
  {SCHEDULE.problem and f"**{SCHEDULE.problem}**"}
""",
)
def market_hourly() -> None:
    """Wire the tasks."""

    @task
    def staleness() -> list[str]:
        """Tell people about symbols whose newest final candle is too old."""
        from candlewick.alerts import conditions, staleness
        from candlewick.alerts.announce import announce
        from candlewick.connections import warehouse

        late = staleness.stale_symbols(warehouse(), settings())
        announce([*late, *conditions.schedule_invalid(DAG_ID, SCHEDULE.problem)])
        return [event.subject for event in late]

    @task(pool=wiring.POOL_DBT)
    def dbt(arguments: list[str], name: str) -> str:
        """Run one dbt process."""
        from candlewick.pipeline.transform import run_dbt

        return run_dbt(arguments, wiring.dbt_environment(), name=name).sentence

    @task(trigger_rule=TriggerRule.ALL_DONE, inlets=RETURNS, outlets=PAIRS)
    def correlations() -> str:
        """Correlate the returns of all symbols."""
        from candlewick.connections import warehouse
        from candlewick.pipeline.correlate import correlate

        return correlate(warehouse()).sentence

    @task(pool=wiring.POOL_DBT, trigger_rule=TriggerRule.ALL_DONE)
    def docs() -> str:
        """Generate the dbt docs and publish them."""
        from candlewick.pipeline.dbt_docs import publish
        from candlewick.pipeline.transform import run_dbt

        target = run_dbt(["docs", "generate"], wiring.dbt_environment(), name="docs-target").target
        return str(publish(target, settings().home / "dbt" / "docs"))

    @task(retries=0)
    def no_manifest() -> None:
        """Say what is missing."""
        raise FileNotFoundError(f"expected the dbt manifest at {MANIFEST}: `make up` (or `dbt parse`) makes it")

    late = staleness()
    if not MANIFEST.is_file():
        no_manifest()
        return
    aged = dbt.override(task_id="source_freshness", pre_execute=wiring.once_loaded)
    fresh = aged(["source", "freshness"], "freshness")
    ahead = dbt.override(task_id="partitions_ahead")(["run-operation", "ensure_partitions"], "partitions")
    tested = dbt.override(task_id="minute_tests")(["test", "--selector", "minute"], "minute-tests")
    sampled, built, correlated, published = wiring.sizes(), models(), correlations(), docs()
    # One process for all rules, after the models also when one of them failed: a task each would cost seconds a rule.
    rules = dbt.override(task_id="quality", trigger_rule=TriggerRule.ALL_DONE)
    quality = rules(["build", "--selector", "quality"], "quality")
    wiring.facts_are_built() >> [ahead, tested, built]
    built >> correlated >> quality >> published
    [late, sampled, fresh, ahead, tested, built, correlated, quality, published] >> wiring.verdict()


market_hourly()
