"""``airflow dags test market_gaps`` on a real database, object store and simulated exchange; dbt is a stand-in."""

from __future__ import annotations

from datetime import timedelta

import pytest

from candlewick.warehouse import symbols
from candlewick.warehouse.database import utc_now
from support.fake_dbt import result
from support.minute_path import ask

FACTS = (
    "CREATE TABLE {marts}.fact_klines (exchange VARCHAR(32), symbol VARCHAR(50), interval_code VARCHAR(8), "
    "open_time DATETIME(3), close_time DATETIME(3), trade_count BIGINT, volume DECIMAL(30,8), is_final TINYINT, "
    "load_id BIGINT, PRIMARY KEY (exchange, symbol, interval_code, open_time))"
)


@pytest.fixture
def missing(market, warehouse):
    """A symbol that is tracked for an hour and has no candle; exchange and machine show the same time."""
    market.set_clock(f"{utc_now():%Y-%m-%dT%H:%M:%S}Z")
    with warehouse.session() as session:
        session.run(FACTS.format(marts=warehouse.config.marts_schema))
        symbols.add(session, "binance", ["BTCUSDT"], utc_now() - timedelta(hours=1))
    return market


@pytest.mark.usefixtures("missing")
def test_what_is_missing_is_found_fetched_built_and_judged(airflow, platform, warehouse, dbt):
    dbt.will(results=[result("fact_klines", rows=100)])

    done = airflow.test_run("market_gaps", **platform)

    assert airflow.run_state() == "success", done.stdout[-4000:]
    tasks = ("freshness", "detect", "fetch", "transform", "classify", "books")
    assert airflow.states() == {**{name: ["success"] for name in tasks}, "verdict": ["skipped"]}
    assert dbt.call["argv"][:5] == ["run", "--selector", "minute", "--vars", "{lane: backfill}"]
    assert ask(warehouse, "SELECT MAX(attempts) FROM gap_ledger") == [(1,)]
    assert ask(warehouse, "SELECT COUNT(*) > 90 FROM staging_klines WHERE interval_code = '1m'") == [(1,)]


def test_while_the_exchange_bans_us_gaps_are_found_and_books_looked_at_and_nothing_is_asked(
    airflow, platform, warehouse, dbt, missing
):
    dbt.will(results=[result("fact_klines", rows=0)])
    missing.add_faults({"kind": "418", "retry_after": 300})

    airflow.test_run("market_gaps", **platform)

    states = airflow.states()
    assert (states["detect"], states["fetch"], states["transform"], states["books"]) == (
        ["success"], ["skipped"], ["success"], ["success"],
    )  # fmt: skip
    assert ask(warehouse, "SELECT reason, status, attempts FROM gap_ledger") == [("unknown", "open", 0)]
    assert ask(warehouse, "SELECT kind FROM pipeline_events WHERE kind = 'ip_banned'") == [("ip_banned",)]
