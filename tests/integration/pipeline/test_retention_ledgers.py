"""Staging, outcomes and processed files: what somebody still needs never goes."""

from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta

import pytest

from candlewick.pipeline.maintenance import retention, retention_ledgers
from candlewick.pipeline.maintenance.retention import RetentionDays
from candlewick.warehouse import symbols
from candlewick.warehouse.staging import KLINES, ORDERBOOK

NOW = datetime(2026, 6, 10, 2)
DAYS = RetentionDays(klines=0, indicators=0, orderbook=0, staging=7, outcomes=90, processed=0)
OLD, YOUNG = datetime(2026, 3, 11, 23, 59), datetime(2026, 3, 12)


class Ledgers:
    """The ledgers of one test."""

    def __init__(self, warehouse) -> None:
        self.warehouse, self.config = warehouse, warehouse.config

    def ask(self, query, *parameters):
        with self.warehouse.session() as session:
            return session.all(query, parameters or None)

    def run(self, statement, *parameters):
        with self.warehouse.session() as session:
            return session.run(statement, parameters or None)

    def plan(self, days=DAYS):
        with self.warehouse.session() as session:
            return retention.plan(session, self.config, NOW, days)

    def expire(self, days=DAYS):
        return retention.run(self.warehouse, "run", NOW, self.plan(days), lambda *words: pytest.fail(str(words)))

    def load(self, load_id, loaded_at, *, klines=0, levels=0):
        with self.warehouse.session() as session:
            session.run(
                "INSERT INTO loads VALUES (%s, 'live', 'run', 1, %s, 0, %s, %s)",
                (load_id, klines + levels, loaded_at, loaded_at),
            )
            session.run_many(
                f"INSERT INTO {KLINES} VALUES (%s, %s, 1, 'binance', 'AUSDT', '1m', %s, 1, 1, 1, 1, 1, %s, 1, 1, 1, 1, 'rest', %s, %s)",
                [(load_id, n, loaded_at, loaded_at, loaded_at, loaded_at) for n in range(1, klines + 1)],
            )
            session.run_many(
                f"INSERT INTO {ORDERBOOK} VALUES (%s, %s, 1, 'binance', 'AUSDT', %s, 1, 'bid', %s, 1, 1, 'rest', %s)",
                [(load_id, n, loaded_at, n, loaded_at) for n in range(1, levels + 1)],
            )

    def outcome(self, number, captured_at=OLD, *, status="stored", load_state="loaded", source="rest"):
        self.run(
            "INSERT INTO extraction_outcomes (outcome_id, exchange, symbol, data_type, interval_code, run_id, shard, status, "
            "source, object_key, captured_at, load_state) VALUES (%s, 'binance', 'AUSDT', 'klines', '1m', 'run', '0', %s, %s, "
            "%s, %s, %s)",
            number, status, source, f"key-{number}" if status == "stored" else None, captured_at, load_state,
        )  # fmt: skip

    def processed(self, number, *, status="loaded", bundle_id=None, expired_at=None, captured_at=OLD):
        self.run(
            "INSERT INTO processed_files (object_id, bucket, object_key, exchange, symbol, data_type, interval_code, source, "
            "captured_at, record_count, rejected_count, load_id, status, processed_at, bundle_id, expired_at) "
            "VALUES (%s, 'b', %s, 'binance', 'AUSDT', 'klines', '1m', 'rest', %s, 1, 0, 1, %s, %s, %s, %s)",
            number, f"key-{number}", captured_at, status, captured_at, bundle_id, expired_at,
        )  # fmt: skip

    def numbers(self, table="extraction_outcomes", column="outcome_id"):
        return [row[0] for row in self.ask(f"SELECT {column} FROM {table} ORDER BY 1")]


@pytest.fixture
def ledgers(warehouse):
    return Ledgers(warehouse)


def test_staged_rows_go_when_their_load_is_old_and_no_model_waits_for_it(ledgers):
    old, young = datetime(2026, 6, 2, 23), datetime(2026, 6, 3)
    for load_id in (1, 2, 3, 5):
        ledgers.load(load_id, old, klines=3, levels=4)
    ledgers.load(4, young, klines=3)
    ledgers.load(6, old)
    ledgers.run("INSERT INTO pending_loads VALUES ('minutes_heard', 2)")
    item = next(one for one in ledgers.plan().items if one.table == "staging")
    assert (item.rows, item.table_rows, item.is_working_copy) == (21, 15 + 16, True)

    summary = ledgers.expire()

    assert summary.rows["staging"] == 21
    assert ledgers.ask(f"SELECT load_id, COUNT(*) FROM {KLINES} GROUP BY load_id ORDER BY 1") == [(2, 3), (4, 3)]
    assert ledgers.ask(f"SELECT load_id, COUNT(*) FROM {ORDERBOOK} GROUP BY load_id") == [(2, 4)]
    assert ledgers.numbers("loads", "load_id") == [1, 2, 3, 4, 5, 6]
    assert ledgers.ask("SELECT action, subject, row_count FROM lifecycle_events") == [("rows_deleted", "staging", 21)]
    assert ledgers.expire().rows["staging"] == 0


def test_loads_larger_than_a_batch_and_many_small_ones_go_batch_by_batch(ledgers, monkeypatch):
    monkeypatch.setattr(retention_ledgers, "BATCH", 10)
    monkeypatch.setattr(retention_ledgers, "_PAGE", 3)
    for load_id in range(1, 12):
        ledgers.load(load_id, NOW - timedelta(days=20), klines=25 if load_id == 4 else 3)
    ledgers.run("INSERT INTO pending_loads VALUES ('fact_klines', 9)")
    assert ledgers.expire().rows["staging"] == 25 + 9 * 3
    assert ledgers.ask(f"SELECT load_id, COUNT(*) FROM {KLINES} GROUP BY load_id") == [(9, 3)]
    assert ledgers.ask("SELECT row_count FROM lifecycle_events") == [(52,)]


def test_outcomes_go_when_their_object_lies_in_the_archive_or_is_gone_and_nobody_names_them(ledgers):
    for number in range(1, 13):
        ledgers.outcome(number)
    ledgers.run("DELETE FROM extraction_outcomes WHERE outcome_id IN (7, 8, 9, 10)")
    ledgers.processed(1, bundle_id=1)
    ledgers.processed(2, expired_at=NOW)
    ledgers.processed(3)  # not archived
    ledgers.processed(4, status="quarantined")
    ledgers.processed(5, bundle_id=1)
    ledgers.processed(6, bundle_id=1)
    ledgers.outcome(7, status="failed", load_state="none")
    ledgers.outcome(8, load_state="pending")
    ledgers.outcome(9, source="archive_monthly")
    ledgers.processed(9, bundle_id=1)
    ledgers.outcome(10, YOUNG, status="failed", load_state="none")
    ledgers.processed(11, bundle_id=1)
    with ledgers.warehouse.session() as session:
        symbols.ensure_known(session, "binance", ["AUSDT"], NOW)
        session.run("UPDATE tracked_symbols SET first_open_object_id = 5")
        session.run(
            "INSERT INTO archive_files (exchange, symbol, interval_code, granularity, period_start, path, state, object_id, "
            "checked_at) VALUES ('binance', 'AUSDT', '1m', 'daily', '2026-01-01', 'p', 'loaded', 6, %s)",
            (NOW,),
        )
    planned = next(one for one in ledgers.plan().items if one.table == "extraction_outcomes")
    assert planned.rows == 5  # number 3 is about to be archived, by the step before
    assert ledgers.expire().rows["extraction_outcomes"] == 4
    assert ledgers.numbers() == [3, 4, 5, 6, 8, 9, 10, 12]
    assert len(ledgers.numbers("processed_files", "object_id")) == 8


def test_processed_files_stay_for_ever_unless_an_age_is_set_and_then_the_horizon_says_so(ledgers):
    gone = datetime(2026, 5, 1)
    ledgers.processed(1, expired_at=gone, captured_at=datetime(2026, 4, 1, 5))
    ledgers.processed(2, expired_at=gone, captured_at=datetime(2026, 4, 1, 7))
    ledgers.processed(3, expired_at=NOW, captured_at=datetime(2026, 4, 1, 9))
    ledgers.processed(4, captured_at=datetime(2026, 4, 1, 3))
    assert "processed_files" not in ledgers.expire().rows
    days = dataclasses.replace(DAYS, processed=30)
    assert next(one for one in ledgers.plan(days).items if one.table == "processed_files").rows == 2
    assert ledgers.expire(days).rows["processed_files"] == 2
    assert ledgers.numbers("processed_files", "object_id") == [3, 4]
    horizon = ledgers.ask("SELECT exchange, symbol, data_type, interval_code, horizon FROM retention_horizons")
    assert horizon == [("binance", "", "processed_files", "", datetime(2026, 4, 1, 7, 0, 0, 1000))]


def test_a_processed_file_stays_as_long_as_its_outcome(ledgers):
    """Alone, the outcome would not say that its object is gone, and would never go itself."""
    days = dataclasses.replace(DAYS, processed=30)
    for number, captured_at in ((1, NOW - timedelta(days=80)), (2, OLD)):
        ledgers.outcome(number, captured_at)
        ledgers.processed(number, expired_at=NOW - timedelta(days=40), captured_at=captured_at)

    assert next(one for one in ledgers.plan(days).items if one.table == "processed_files").rows == 1
    assert ledgers.expire(days).rows["processed_files"] == 1
    assert (ledgers.numbers(), ledgers.numbers("processed_files", "object_id")) == ([1], [1])
