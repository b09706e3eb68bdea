"""The DAG files as Airflow parses them: light, complete, and as the design says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
FILES = sorted((REPOSITORY / "dags").glob("*.py"))
DESCRIBE = (Path(__file__).parent / "describe.py").read_text()
IMPORT = """
import json, runpy, sys
runpy.run_path({path!r})
print(json.dumps([name for name in ("pandas", "numpy", "boto3", "botocore", "MySQLdb", "alembic") if name in sys.modules]))
"""


@pytest.fixture(scope="module")
def parsed(airflow, with_manifest):
    assert with_manifest.is_file()
    return airflow.ask(DESCRIBE)


@pytest.fixture(scope="module")
def minute(parsed):
    return parsed["dags"]["market_minute"]


@pytest.fixture(scope="module")
def hourly(parsed):
    return parsed["dags"]["market_hourly"]


@pytest.fixture(scope="module")
def backfill(parsed):
    return parsed["dags"]["market_backfill"]


def test_every_file_parses_into_its_dag(parsed):
    assert parsed["errors"] == {}
    assert {path.stem for path in FILES} == parsed["dags"].keys()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_dag_file_only_wires(path):
    assert len(path.read_text().splitlines()) < 150


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_parsing_imports_nothing_heavy(airflow, with_manifest, path):
    assert with_manifest.is_file()
    assert airflow.ask(IMPORT.format(path=str(path))) == []


def test_every_dag_runs_once_at_a_time_never_catches_up_and_ends(parsed):
    for dag_id, dag in parsed["dags"].items():
        assert dag["max_active_runs"] == (3 if dag_id == "market_backfill" else 1)
        assert dag["max_active_tasks"] <= 8
        assert dag["catchup"] is False
        assert dag["timeout"] is not None
        assert dag["start"].endswith("+00:00")
        assert dag["callbacks"] == ["RunTimedOut"]
        assert "candlewick" in dag["tags"]
        assert dag["doc"].strip().startswith("### market_")


def test_every_task_has_a_timeout_retries_by_kind_and_tells_of_its_failure(parsed):
    for dag in parsed["dags"].values():
        for name, task in dag["tasks"].items():
            assert task["timeout"], name
            assert task["policy"] == "RetryByKind", name
            assert task["callbacks"] == ([] if name == "verdict" else ["TaskFailed"]), name


def test_the_minute_path_is_plan_extract_load_transform(minute):
    tasks = minute["tasks"]
    assert {name: task["upstream"] for name, task in tasks.items()} == {
        "plan": [],
        "extract": ["plan"],
        "load": ["extract"],
        "transform": ["load"],
        "verdict": ["extract", "load", "transform"],
    }
    assert {name: task["pool"] for name, task in tasks.items() if name != "verdict"} == {
        "plan": "binance",
        "extract": "binance",
        "load": "warehouse_load",
        "transform": "dbt",
    }


def test_a_rebuild_queues_loads_and_builds_on_the_lane_of_backfills(parsed):
    rebuild = parsed["dags"]["market_rebuild"]
    tasks = rebuild["tasks"]
    assert (rebuild["schedule"], {task["priority"] for task in tasks.values()}) == (None, {1})
    assert {name: task["upstream"] for name, task in tasks.items()} == {
        "queue": [],
        "load": ["queue"],
        "transform": ["load"],
    }
    assert {name: task["pool"] for name, task in tasks.items()} == {
        "queue": "backfill",
        "load": "backfill",
        "transform": "backfill",
    }


def test_gaps_are_found_fetched_built_and_judged_beside_the_minute_path(parsed):
    gaps = parsed["dags"]["market_gaps"]
    tasks = gaps["tasks"]
    assert gaps["schedule"] == "20 * * * *"
    assert {name: task["upstream"] for name, task in tasks.items() if name != "verdict"} == {
        "freshness": [],
        "detect": [],
        "fetch": ["detect"],
        "transform": ["detect", "fetch"],
        "classify": ["detect", "transform"],
        "books": ["classify"],
    }
    assert {tasks[name]["pool"] for name in ("detect", "fetch", "transform", "classify")} == {"backfill"}
    assert {task["priority"] for task in tasks.values()} == {2}
    assert {name: task["rule"] for name, task in tasks.items()} == {
        "freshness": "all_success",
        "detect": "all_success",
        "fetch": "all_success",
        "transform": "all_done",
        "classify": "all_done",
        "books": "all_done",
        "verdict": "one_failed",
    }


def test_maintenance_plans_asks_and_then_goes_step_by_step_whatever_else_failed_but_never_without_a_plan(parsed):
    maintenance = parsed["dags"]["market_maintenance"]
    tasks = maintenance["tasks"]
    assert maintenance["schedule"] == "0 2 * * 0"
    assert {name: task["upstream"] for name, task in tasks.items() if name != "verdict"} == {
        "plan": [],
        "ask": ["plan"],
        "approve": ["ask"],
        "consent": ["approve", "plan"],
        "archive": ["plan"],
        "backup": ["plan"],
        "expire": ["archive", "backup", "consent", "plan"],
        "retention": ["consent", "expire", "plan"],
        "care": ["plan", "retention"],
        "sweep": ["care", "plan"],
        "storage": ["plan", "sweep"],
    }
    steps = ("archive", "backup", "expire", "retention", "care", "sweep", "storage")
    assert {tasks[name]["rule"] for name in steps} == {"all_done"}
    assert (tasks["ask"]["rule"], tasks["approve"]["rule"], tasks["consent"]["rule"]) == (
        "all_success", "all_success", "none_failed",
    )  # fmt: skip
    assert {tasks[name]["pool"] for name in ("plan", *steps)} == {"backfill", "dbt"}
    assert {task["priority"] for task in tasks.values()} == {1}
    assert maintenance["timeout"] == 48 * 3600


def test_a_minute_run_that_is_not_done_in_time_is_announced_by_the_triggerer(parsed, airflow, tmp_path):
    told = "candlewick.alerts.notifier.DeadlineMissed"
    assert {dag_id: dag["deadlines"] for dag_id, dag in parsed["dags"].items() if dag["deadlines"]} == {
        "market_minute": [[600.0, "DagRunQueuedAtDeadline", told]]
    }
    sooner = airflow.ask(DESCRIBE, CANDLEWICK_HOME=str(tmp_path), CANDLEWICK_MINUTE_DEADLINE_MINUTES="3")
    assert sooner["dags"]["market_minute"]["deadlines"][0][0] == 180.0


def test_load_and_transform_run_after_failures_and_the_run_fails_all_the_same(minute):
    assert minute["tasks"]["load"]["rule"] == "all_done"
    assert minute["tasks"]["transform"]["rule"] == "all_done"
    assert minute["tasks"]["verdict"]["rule"] == "one_failed"


def test_lineage_runs_from_the_lake_to_the_facts(minute):
    tasks = minute["tasks"]
    staging = ["raw.staging_klines", "raw.staging_orderbook"]
    assert tasks["extract"]["outlets"] == tasks["load"]["inlets"] == ["lake.raw"]
    assert tasks["load"]["outlets"] == tasks["transform"]["inlets"] == staging
    assert "marts.fact_klines" in tasks["transform"]["outlets"]


def test_no_setting_changes_an_asset(airflow, tmp_path, minute):
    elsewhere = airflow.ask(
        DESCRIBE, CANDLEWICK_HOME=str(tmp_path), CANDLEWICK_RAW_BUCKET="other", CANDLEWICK_RAW_SCHEMA="other_raw"
    )
    tasks = elsewhere["dags"]["market_minute"]["tasks"]

    assert {name: task["outlet_uris"] for name, task in tasks.items()} == {
        name: task["outlet_uris"] for name, task in minute["tasks"].items()
    }


def test_the_minute_path_goes_before_the_hourly_one_in_a_shared_pool(minute, hourly):
    assert min(task["priority"] for task in minute["tasks"].values()) > 1
    assert {task["priority"] for name, task in hourly["tasks"].items() if name.startswith("models.")} == {1}


def test_a_backfill_is_plan_work_transform_report_on_its_own_pool_behind_the_minute_path(backfill, minute):
    tasks = backfill["tasks"]
    assert {name: task["upstream"] for name, task in tasks.items()} == {
        "plan": [],
        "work": ["plan"],
        "transform": ["plan", "work"],
        "report": ["plan", "transform", "work"],
        "verdict": ["plan", "report", "transform", "work"],
    }
    assert (tasks["work"]["pool"], tasks["transform"]["pool"]) == ("backfill", "backfill")
    assert backfill["timetable"] in ("", "Never, external triggers only")
    before = min(task["priority"] for task in minute["tasks"].values())
    assert all(task["priority"] < before for task in tasks.values())
    assert tasks["work"]["timeout"] > 3600
    assert tasks["transform"]["rule"] == tasks["report"]["rule"] == "all_done_min_one_success"


def test_each_hourly_model_is_a_task_that_declares_its_lineage(hourly):
    tasks = hourly["tasks"]
    assert {name for name in tasks if name.startswith("models.")} == {"models.daily_things", "models.quality_things"}
    assert tasks["models.quality_things"]["upstream"] == ["models.daily_things"]
    assert tasks["models.daily_things"]["outlets"] == ["marts.daily_things"]
    assert tasks["models.daily_things"]["inlets"] == ["marts.fact_klines"]
    unpooled = {"staleness", "sizes", "facts_are_built", "correlations", "verdict"}
    assert {task["pool"] for name, task in tasks.items() if name not in unpooled} == {"dbt"}


def test_all_quality_rules_are_one_task_after_the_models_whatever_became_of_them(hourly):
    quality = hourly["tasks"]["quality"]
    assert quality["upstream"] == ["correlations"]
    assert quality["rule"] == "all_done"
    assert hourly["tasks"]["docs"]["upstream"] == ["quality"]
    assert "quality" in hourly["tasks"]["verdict"]["upstream"]


def test_correlations_are_made_of_the_models_returns_whatever_became_of_the_others(hourly):
    correlations = hourly["tasks"]["correlations"]
    assert correlations["upstream"] == ["models.quality_things"]
    assert correlations["rule"] == "all_done"
    assert (correlations["inlets"], correlations["outlets"]) == (["marts.window_returns"], ["raw.correlation_pairs"])
    assert "correlations" in hourly["tasks"]["verdict"]["upstream"]


def test_without_a_manifest_the_hourly_dag_says_what_to_do(airflow, tmp_path):
    parsed = airflow.ask(DESCRIBE, CANDLEWICK_HOME=str(tmp_path))

    assert parsed["errors"] == {}
    assert set(parsed["dags"]["market_hourly"]["tasks"]) == {"staleness", "no_manifest"}


def test_the_variable_changes_the_schedule(airflow, tmp_path):
    wished = json.dumps({"market_minute": "*/2 * * * *", "market_hourly": "30 * * * *"})
    dags = airflow.ask(DESCRIBE, CANDLEWICK_HOME=str(tmp_path), AIRFLOW_VAR_CANDLEWICK_SCHEDULES=wished)["dags"]

    assert (dags["market_minute"]["schedule"], dags["market_hourly"]["schedule"]) == ("*/2 * * * *", "30 * * * *")


def test_the_dag_processor_follows_a_variable_kept_in_airflows_database(airflow, with_manifest):
    assert with_manifest.is_file()
    airflow.run("airflow", "variables", "set", "candlewick_schedules", '{"market_minute": "*/3 * * * *"}')
    try:
        airflow.run("airflow", "dag-processor", "--num-runs", "1")
    finally:
        airflow.run("airflow", "variables", "delete", "candlewick_schedules")

    assert airflow.metadata(
        "SELECT dag_id, timetable_summary FROM dag WHERE dag_id IN ('market_hourly', 'market_minute') ORDER BY 1"
    ) == [
        ("market_hourly", "5 * * * *"),
        ("market_minute", "*/3 * * * *"),
    ]
    assert airflow.metadata("SELECT COUNT(*) FROM import_error") == [(0,)]


def test_a_schedule_that_cannot_be_followed_falls_back_and_the_page_of_the_dag_says_so(airflow, tmp_path):
    parsed = airflow.ask(
        DESCRIBE, CANDLEWICK_HOME=str(tmp_path), AIRFLOW_VAR_CANDLEWICK_SCHEDULES='{"market_minute": "each minute"}'
    )

    assert parsed["errors"] == {}
    assert parsed["dags"]["market_minute"]["schedule"] == "* * * * *"
    assert "expected a cron expression of five fields" in parsed["dags"]["market_minute"]["doc"]


def test_the_setting_is_the_default(airflow, tmp_path):
    dags = airflow.ask(DESCRIBE, CANDLEWICK_HOME=str(tmp_path), CANDLEWICK_MINUTE_SCHEDULE="*/5 * * * *")["dags"]

    assert dags["market_minute"]["schedule"] == "*/5 * * * *"
