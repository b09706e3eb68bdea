"""``airflow dags test market_rebuild`` on a real database and object store; dbt is a stand-in."""

from __future__ import annotations

import pytest

from support.archive_files import keep, month
from support.fake_dbt import result
from support.minute_path import ask

LEDGERS = ("extraction_outcomes", "archive_files", "processed_files", "loads", "pending_loads", "staging_klines")


@pytest.fixture
def forgotten(lake, warehouse):
    """An archive file that lies in the lake and in no table."""
    keep(warehouse, lake, month())
    for table in LEDGERS:
        ask(warehouse, f"DELETE FROM {table}")


@pytest.mark.usefixtures("forgotten")
def test_an_empty_warehouse_gets_its_tables_then_what_the_lake_has(airflow, platform, warehouse, dbt):
    dbt.will(results=[result("hourly_klines", rows=0)])

    done = airflow.test_run("market_rebuild", **platform)

    assert airflow.run_state() == "success", done.stdout[-4000:]
    assert airflow.states() == {"queue": ["success"], "load": ["success"], "transform": ["success"]}
    assert ask(warehouse, "SELECT symbol, load_state FROM extraction_outcomes") == [("BTCUSDT", "loaded")]
    assert ask(warehouse, "SELECT COUNT(*) FROM staging_klines") == [(744,)]
    assert dbt.call["argv"][:5] == ["run", "--selector", "minute", "--vars", "{lane: backfill}"]
    log = done.stdout + done.stderr
    assert log.index("hourly_klines") < log.index("queued 1 archive files") < log.rindex("hourly_klines")


@pytest.mark.usefixtures("forgotten")
def test_a_rebuild_that_makes_no_sense_fails_at_once(airflow, platform, warehouse):
    airflow.test_run("market_rebuild", "--conf", '{"start": "2023-02-02", "end": "2023-02-01"}', **platform)

    assert (airflow.run_state(), airflow.states()["queue"]) == ("failed", ["failed"])
    assert ask(warehouse, "SELECT COUNT(*) FROM extraction_outcomes") == [(0,)]
