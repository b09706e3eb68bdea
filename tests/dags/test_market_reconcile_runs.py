"""market_reconcile as Airflow sees and runs it; and who notices when market_minute is paused."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import pytest

from support.fake_dbt import result

DESCRIBE = (Path(__file__).parent / "describe.py").read_text()


@pytest.fixture
def followed(warehouse):
    """Symbols that trade and are followed for long; market_minute never ran."""
    with warehouse.session() as session:
        session.run_many(
            "INSERT INTO tracked_symbols (exchange, symbol, status, status_at, first_open_time, added_at) VALUES "
            "('binance', %s, 'TRADING', NOW(3), '2017-08-17', '2020-01-01')",
            [("BTCUSDT",), ("ETHUSDT",)],
        )


def ask(warehouse, query):
    with warehouse.session() as session:
        return session.all(query)


@pytest.fixture
def minutes_of_a_day(warehouse, config):
    """A day that dbt has built, long ago."""
    marts = config.marts_schema
    with warehouse.session() as session:
        session.run(
            f"CREATE TABLE {marts}.daily_klines (exchange VARCHAR(32), symbol VARCHAR(50), date DATE, is_final TINYINT,"
            " PRIMARY KEY (exchange, symbol, date))"
        )
        session.run(f"INSERT INTO {marts}.daily_klines VALUES ('binance', 'BTCUSDT', '2024-05-29', 1)")
    return datetime(2024, 5, 29)


def test_what_is_lacking_comes_from_three_sides_is_built_compared_and_judged(airflow, with_manifest):
    assert with_manifest.is_file()
    dag = airflow.ask(DESCRIBE)["dags"]["market_reconcile"]
    tasks = dag["tasks"]

    assert dag["schedule"] == "30 4 * * *"
    assert {name: task["upstream"] for name, task in tasks.items()} == {
        "choose": [],
        "candles": ["choose"],
        "files": ["choose"],
        "republished": [],
        "transform": ["candles", "files", "republished"],
        "compare": ["transform"],
        "verdict": ["candles", "choose", "compare", "files", "republished", "transform"],
    }
    assert tasks["transform"]["rule"] == "all_done"  # a source that fails leaves the others theirs
    assert (tasks["candles"]["pool"], tasks["transform"]["pool"], tasks["compare"]["pool"]) == ("backfill",) * 3
    assert {task["priority"] for task in tasks.values()} == {1}
    assert tasks["compare"]["outlets"] == ["marts.minutes_heard", "marts.reconciliation_daily"]


@pytest.mark.usefixtures("followed", "minutes_of_a_day")
def test_a_run_asks_for_the_exchanges_own_candles_and_starts_two_dbt(airflow, platform, warehouse, dbt):
    dbt.will(results=[result("reconciliation_daily", rows=1)])

    done = airflow.test_run(
        "market_reconcile", "--conf", json.dumps({"from": "2024-05-01", "to": "2024-05-31"}), **platform
    )

    assert airflow.run_state() == "success", done.stdout[-4000:]
    assert {name: states for name, states in airflow.states().items() if states != ["success"]} == {
        "verdict": ["skipped"]
    }
    asked = ask(
        warehouse,
        "SELECT symbol, interval_code, source, lane, row_count, load_state FROM extraction_outcomes ORDER BY 2, 3",
    )
    assert [row[:4] for row in asked] == [
        ("BTCUSDT", "1d", "rest", "backfill"),
        ("BTCUSDT", "1h", "rest", "backfill"),
        ("BTCUSDT", "1m", "archive_daily", "backfill"),
    ]
    assert {row[5] for row in asked} == {"loaded"}
    assert dbt.call["argv"][:5] == ["build", "--select", "reconciliation", "--vars", "{lane: backfill}"]


@pytest.mark.usefixtures("followed", "minutes_of_a_day")
def test_while_the_exchange_bans_us_what_the_archive_has_is_brought_built_and_compared(airflow, platform, market, dbt):
    dbt.will(results=[result("reconciliation_daily", rows=1)])
    market.add_faults({"kind": "418", "path": "/api/v3/", "retry_after": 300})  # not of the archive's host

    airflow.test_run("market_reconcile", "--conf", json.dumps({"from": "2024-05-01", "to": "2024-05-31"}), **platform)

    states = airflow.states()
    assert (states["candles"], states["files"], states["transform"], states["compare"]) == (
        ["skipped"], ["success"], ["success"], ["success"],
    )  # fmt: skip


@pytest.mark.usefixtures("followed")
def test_market_gaps_tells_of_late_symbols_while_market_minute_is_paused(airflow, platform, warehouse):
    airflow.test_run("market_gaps", **platform)

    told = ask(warehouse, "SELECT subject, message FROM pipeline_events WHERE kind = 'stale' ORDER BY subject")
    assert [subject for subject, _ in told] == ["BTCUSDT", "ETHUSDT"]
    assert "market_minute has asked for nothing yet: is it paused, or the scheduler down?" in told[0][1]
