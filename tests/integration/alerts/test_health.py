"""The health check: what it finds on a real database and object store, and how it says so."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from datetime import datetime, timedelta

import pytest

from candlewick.alerts.health import check
from candlewick.lake.store import LakeUnavailable
from candlewick.warehouse.database import WarehouseBusy

NOON = datetime(2026, 1, 1, 12)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def run(warehouse):
    """Run a statement on the raw schema."""

    def run_(statement, *parameters):
        with warehouse.session() as session:
            session.run(statement, parameters)

    return run_


@pytest.fixture
def findings(warehouse, lake, config):
    """Look, and return the findings as they are printed."""

    @contextmanager
    def open_lake():
        yield lake

    return lambda: [str(finding) for finding in check(lambda: warehouse, open_lake, config, now=NOON)]


@pytest.fixture
def followed(run):
    """A symbol whose newest candle is fresh."""
    run(
        "INSERT INTO tracked_symbols (exchange, symbol, status, added_at) VALUES ('binance', 'BTCUSDT', 'TRADING', %s)",
        NOON - DAY,
    )
    run(
        "INSERT INTO extraction_metadata VALUES ('binance', 'BTCUSDT', 'klines', '1m', %s, %s, 1, %s)", NOON, NOON, NOON
    )


def object_queued(run, lane, captured_at):
    run(
        "INSERT INTO extraction_outcomes (exchange, symbol, data_type, interval_code, lane, run_id, shard, status, source,"
        " captured_at, load_state) VALUES ('binance', 'BTCUSDT', 'klines', '1m', %s, 'run', 's', 'stored', 'rest', %s, 'pending')",
        lane,
        captured_at,
    )


def load_pending(run, model, lane, loaded_at):
    run("INSERT INTO loads (lane, run_id, objects, rows_staged, rows_rejected, started_at, loaded_at) VALUES (%s, 'run', 1, 1, 0, %s, %s)",
        lane, loaded_at, loaded_at)  # fmt: skip
    run("INSERT INTO pending_loads SELECT %s, MAX(load_id) FROM loads", model)


@pytest.mark.usefixtures("followed")
def test_what_is_on_its_way_is_no_finding(run, findings):
    object_queued(run, "live", NOON - timedelta(minutes=1))
    object_queued(run, "backfill", NOON - HOUR)
    load_pending(run, "fact_klines", "live", NOON - timedelta(minutes=2))
    load_pending(run, "reconciliation_daily", "live", NOON - HOUR)

    assert findings() == []


@pytest.mark.usefixtures("followed")
def test_each_thing_that_is_stuck_is_a_sentence_errors_first(run, findings, config):
    run("UPDATE extraction_metadata SET last_open_time = %s", NOON - HOUR)
    run(
        "INSERT INTO host_state (host, banned_until, ban_reason, updated_at) VALUES ('api.example', %s, 'HTTP 418', %s)",
        NOON + HOUR,
        NOON,
    )
    run("INSERT INTO host_state (host, breaker_state, breaker_failures, breaker_opened_at, updated_at)"
        " VALUES ('api2.example', 'open', 5, %s, %s)", NOON, NOON)  # fmt: skip
    for lane in ("live", "backfill"):
        object_queued(run, lane, NOON - DAY)
        object_queued(run, lane, NOON - HOUR)
    load_pending(run, "fact_klines", "live", NOON - HOUR)
    load_pending(run, "reconciliation_daily", "backfill", NOON - DAY)
    for status, minutes in (("unexplained", 7), ("explained", 80), ("open", 3)):
        run("INSERT INTO gap_ledger (exchange, symbol, data_type, interval_code, from_time, to_time, minutes, reason, status,"
            " detected_at, updated_at) VALUES ('binance', 'BTCUSDT', 'klines', '1m', %s, %s, %s, 'unknown', %s, %s, %s)",
            NOON - DAY, NOON - HOUR, minutes, status, NOON, NOON)  # fmt: skip
    for updated_at in (NOON, NOON - 8 * DAY):  # the older book is no news any more
        run("INSERT INTO gap_ledger (exchange, symbol, data_type, from_time, to_time, minutes, reason, status, detected_at, updated_at)"
            " VALUES ('binance', 'BTCUSDT', 'depth', %s, %s, 2, 'fetch_failed', 'unexplained', %s, %s)",
            updated_at - HOUR, updated_at, updated_at, updated_at)  # fmt: skip
    marts = config.marts_schema
    run(f"CREATE TABLE {marts}.reconciliation_daily (exchange VARCHAR(32), symbol VARCHAR(50), date DATE, check_name VARCHAR(16),"
        " difference_count BIGINT, unexplained_count BIGINT, first_offending_bucket DATETIME(3), compared_at DATETIME(3))")  # fmt: skip
    for date, unexplained in (("2025-12-20", 2), ("2025-12-21", 0)):
        run(f"INSERT INTO {marts}.reconciliation_daily VALUES ('binance', 'BTCUSDT', %s, '1h', 2, %s, %s, %s)",
            date, unexplained, f"{date} 10:00", NOON - 10 * DAY)  # fmt: skip

    found = findings()

    assert [line.split(":", 1)[0] for line in found] == ["error"] * 6 + ["warning"] * 4
    for sentence in (
        "BTCUSDT: newest final candle closed at 2026-01-01 11:01 UTC, 59 minutes ago",
        "api.example bans this address until 2026-01-01 13:00:00 UTC (HTTP 418)",
        "2 objects of the live lane wait for their load, the oldest since 2025-12-31 12:00 UTC",
        "2 objects of the backfill lane wait for their load",
        "1 loads of the live lane wait for fact_klines, the oldest since 2026-01-01 11:00 UTC",
        "1 loads of the backfill lane wait for reconciliation_daily",
        "api2.example failed 5 times in a row",
        "2 gaps of 1 symbols (9 minutes) are not explained, the oldest from 2025-12-31 12:00 UTC",
        "BTCUSDT 1h: 2 differences on 1 days are not explained, the first at 2025-12-20 10:00 UTC",
        "nothing was compared with the exchange since 2025-12-22 12:00 UTC (newest day: 2025-12-21)",
    ):
        assert sum(sentence in line for line in found) == 1, (sentence, found)


def test_a_store_out_of_reach_is_a_finding(config):
    def no_warehouse():
        raise WarehouseBusy("the warehouse answered Can't connect (error 2002); it will be tried again")

    @contextmanager
    def no_lake():
        raise LakeUnavailable("expected to list crypto-raw/, but the object store does not answer")
        yield

    found = [str(finding) for finding in check(no_warehouse, no_lake, config, now=NOON)]

    assert [line.split(" ")[:3] for line in found] == [["error:", "the", "warehouse"], ["error:", "the", "lake"]]
    assert "does not answer" in found[0]


def test_the_command_ends_with_one_and_keeps_passwords_to_itself(tmp_path):
    secret = "never-to-be-printed"
    nowhere = {"host": "127.0.0.1", "port": 1, "login": "someone", "password": secret}
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "CANDLEWICK"))},
        "AIRFLOW_HOME": str(tmp_path),
        "CANDLEWICK_HOME": str(tmp_path),
        "AIRFLOW_CONN_WAREHOUSE": json.dumps({"conn_type": "mysql", **nowhere}),
        "AIRFLOW_CONN_LAKE": json.dumps({
            "conn_type": "aws", "login": "someone", "password": secret,
            "extra": {"endpoint_url": "http://127.0.0.1:1", "region_name": "us-east-1"},
        }),
    }  # fmt: skip

    done = subprocess.run(
        [sys.executable, "-m", "candlewick.alerts.health"], env=environment, capture_output=True, text=True, check=False
    )

    assert done.returncode == 1, done.stdout + done.stderr
    assert [line.split(" ")[:3] for line in done.stdout.splitlines()] == [
        ["error:", "the", "warehouse"],
        ["error:", "the", "lake"],
    ]
    assert secret not in done.stdout + done.stderr
