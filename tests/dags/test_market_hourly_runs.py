"""``airflow dags test market_hourly`` on a real database; dbt is a stand-in that Cosmos starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from candlewick.market import Lane
from candlewick.pipeline.dbt_docs import SITE
from candlewick.warehouse import processed
from candlewick.warehouse.database import utc_now
from support.fake_dbt import result


@pytest.fixture
def new_platform(platform, with_manifest):
    """The platform with the small project's manifest in its home, before market_minute built anything."""
    manifest = Path(platform["CANDLEWICK_HOME"]) / "dbt" / "manifest.json"
    manifest.parent.mkdir(parents=True)
    manifest.write_text(with_manifest.read_text())
    return platform


@pytest.fixture
def hourly(new_platform, warehouse):
    """The platform once there are facts."""
    with warehouse.session() as session:
        for name in ("fact_klines", "stg_klines"):
            session.run(
                f"CREATE TABLE {warehouse.config.marts_schema}.{name} (exchange VARCHAR(32), symbol VARCHAR(50), "
                "interval_code VARCHAR(8), open_time DATETIME(3), is_final TINYINT, "
                "PRIMARY KEY (exchange, symbol, interval_code, open_time))"
            )
    return new_platform


def test_a_new_platform_without_facts_has_nothing_to_do_and_that_is_no_failure(airflow, new_platform, dbt):
    dbt.will(code=1)

    airflow.test_run("market_hourly", **new_platform)

    assert airflow.run_state() == "success"
    assert airflow.states()["models.quality_things"] == ["skipped"]
    assert airflow.states()["quality"] == ["skipped"]
    assert airflow.states()["source_freshness"] == ["skipped"]


def test_once_there_was_a_load_its_age_is_looked_at_and_can_fail_before_anything_is_built(
    airflow, new_platform, warehouse, dbt
):
    with warehouse.session() as session:
        processed.begin_load(session, Lane.LIVE, "run", utc_now())
    dbt.will(lines=["1 of 2 ERROR STALE freshness of raw.loads"], code=1)

    airflow.test_run("market_hourly", **new_platform)

    assert airflow.states()["source_freshness"] == ["failed"]
    assert dbt.call["argv"][:2] == ["source", "freshness"]
    assert "ERROR STALE" in events(warehouse)["market_hourly.source_freshness"]


def events(warehouse):
    with warehouse.session() as session:
        return dict(session.all("SELECT subject, message FROM pipeline_events WHERE kind = 'task_failed'"))


def test_every_model_is_built_with_the_connections_account_and_the_docs_are_published(airflow, hourly, warehouse, dbt):
    dbt.will(results=[result("any")], files=SITE)

    done = airflow.test_run("market_hourly", **hourly)

    assert airflow.run_state() == "success"
    assert airflow.states()["models.quality_things"] == ["success"]
    assert (Path(hourly["CANDLEWICK_HOME"]) / "dbt" / "docs" / "index.html").read_text() == "index.html"
    with warehouse.session() as session:
        assert session.one("SELECT COUNT(*) > 20, COUNT(DISTINCT sampled_at) FROM storage_samples") == (1, 1)
    called = dbt.call["environment"]
    assert (called["CANDLEWICK_MARTS_SCHEMA"], called["CANDLEWICK_DBT_USER"]) == (
        hourly["CANDLEWICK_MARTS_SCHEMA"],
        "root",
    )
    assert called["CANDLEWICK_DBT_PASSWORD"] not in done.stdout + done.stderr
    stored = airflow.metadata("SELECT rendered_fields FROM rendered_task_instance_fields")
    assert called["CANDLEWICK_DBT_PASSWORD"] not in str(stored)


def test_a_model_that_fails_is_told_in_dbts_words_fails_the_run_and_is_not_tried_again(airflow, hourly, warehouse, dbt):
    dbt.will(
        lines=["12:00:00  Completed with 1 error and 0 warnings:", "12:00:00    1054 (42S22): Unknown column 'x'"],
        code=1,
        files=SITE,
    )

    airflow.test_run("market_hourly", **hourly)

    assert airflow.run_state() == "failed"
    assert airflow.states()["models.quality_things"] == ["upstream_failed"]
    assert "1054 (42S22): Unknown column 'x'" in events(warehouse)["market_hourly.models.daily_things"]
    tries = airflow.metadata(
        "SELECT try_number FROM task_instance WHERE task_id = 'models.daily_things' ORDER BY rowid DESC"
    )
    assert tries[0] == (1,)
