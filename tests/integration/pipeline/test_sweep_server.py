"""What the sweep does about sleeping sessions with locks, tables half made, and rows that say something runs."""

from __future__ import annotations

import re
import time
from contextlib import closing
from datetime import datetime, timedelta

import MySQLdb
import pytest

from candlewick.pipeline.maintenance.sweep_server import Patience, ServerSweep
from candlewick.pipeline.maintenance.sweep_summary import SweepSummary
from candlewick.warehouse import leftovers
from candlewick.warehouse.database import utc_now
from support.minute_path import ask
from support.places import REPOSITORY

NOON = datetime(2026, 6, 20, 12)
SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
LOCK_CONSTANT = re.compile(r'^(?:[A-Z_]*LOCK)(?:, [A-Z]+)? = "(\w+)"', re.MULTILINE)


@pytest.fixture
def look(warehouse):
    def run(now=NOON, **patience):
        summary = SweepSummary()
        ServerSweep(warehouse, "run", now, Patience(**patience), summary).run()
        return summary

    return run


def test_every_lock_of_the_code_is_known_to_the_sweep():
    found = set()
    for path in (REPOSITORY / "include" / "candlewick").rglob("*.py"):
        if "local" not in path.parts:
            found |= set(LOCK_CONSTANT.findall(path.read_text()))
    assert found == {*leftovers.LOCKS, *leftovers.LONG_LOCKS}


def asleep(database, warehouse, name):
    """A session that holds a lock and has slept for a second."""
    connection = database.connect(warehouse.config.raw_schema)
    with connection.cursor() as cursor:
        cursor.execute("SELECT GET_LOCK(%s, 1)", (name,))
    time.sleep(1.1)
    return connection


def test_a_session_that_sleeps_with_a_lock_is_reported_and_later_ended(database, warehouse, look):
    with closing(asleep(database, warehouse, f"{warehouse.config.raw_schema}.load")) as sleeper:
        assert look().findings == []  # a second is nothing
        reported = look(report_sleeper=SECOND)
        assert f" s with the lock {warehouse.config.raw_schema}.load" in reported.findings[0].sentence
        assert (reported.sessions, reported.events[0].kind) == (0, "stuck")

        ended = look(report_sleeper=SECOND, end_sleeper=SECOND)

        assert (ended.sessions, ended.findings) == (1, [])
        with pytest.raises(MySQLdb.Error):
            sleeper.ping()
        with warehouse.session() as session, warehouse.named_lock(session, "load"):
            pass


def test_a_writer_of_a_mart_that_sleeps_is_seen_by_its_lock(database, warehouse, look):
    with warehouse.session() as session:
        session.run(f"CREATE TABLE {warehouse.config.marts_schema}.{'x' * 60} (n INT)")
    with closing(asleep(database, warehouse, warehouse.writer_lock_name("x" * 60))):
        assert len(look(report_sleeper=SECOND).findings) == 1


def test_tables_of_killed_work_are_dropped_after_a_day_unless_they_are_all_there_is(database, warehouse, look):
    marts = warehouse.config.marts_schema
    now = utc_now()
    with warehouse.session() as session:
        for name in (
            "fact_klines",
            "fact_klines__next120000",
            "fact_klines__kept",
            "daily__prev120000",
            "daily",
            "alone__prev1",
        ):
            session.run(f"CREATE TABLE {marts}.{name} (n INT)")

    assert look(now).tables == 0
    with warehouse.session() as writer, warehouse.writer_lock(writer, "daily"):
        impatient = warehouse.config.model_copy(update={"lock_wait_seconds": 1})
        warehouse.config = impatient
        done = look(now + 2 * DAY)

    assert done.tables == 2
    (found,) = done.findings
    assert f"{marts}.alone__prev1 is there since" in found.sentence
    left = ask(warehouse, "SELECT table_name FROM information_schema.tables WHERE table_schema = %s ORDER BY 1", marts)
    assert left == [("alone__prev1",), ("daily",), ("daily__prev120000",), ("fact_klines",)]
    assert look(now + 2 * DAY).tables == 1
    subjects = ask(warehouse, "SELECT subject FROM lifecycle_events WHERE action = 'repaired' ORDER BY 1")
    assert subjects == [
        (f"{marts}.{name}",) for name in ("daily__prev120000", "fact_klines__kept", "fact_klines__next120000")
    ]


def test_a_backfill_that_has_not_moved_for_a_day_is_called_incomplete(warehouse, look):
    with warehouse.session() as session:
        for number, moved in enumerate((NOON - 2 * DAY, NOON - timedelta(hours=3))):
            session.run(
                "INSERT INTO backfills (run_id, exchange, symbols, interval_code, from_time, to_time, source, is_forced, is_kept, "
                "state, requested_at, updated_at) VALUES (%s, 'binance', 'BTCUSDT', '1m', %s, %s, 'auto', 0, 1, 'running', %s, %s)",
                (f"run {number}", NOON - 9 * DAY, NOON, moved, moved),
            )

    assert look().backfills == 1

    assert ask(warehouse, "SELECT state FROM backfills ORDER BY backfill_id") == [("incomplete",), ("running",)]


def test_claims_of_old_bars_and_trials_that_never_reported_are_said(warehouse, look):
    marts = warehouse.config.marts_schema
    with warehouse.session() as session:
        session.run(
            f"CREATE TABLE {marts}.indicator_progress (model VARCHAR(64), symbol VARCHAR(50), claimed_from DATETIME(3) NULL)"
        )
        for claimed in (NOON - 9 * DAY, NOON - timedelta(minutes=1), None):
            session.run(f"INSERT INTO {marts}.indicator_progress VALUES ('indicators_1m', 'BTCUSDT', %s)", (claimed,))
        for host, opened in (("a.example", NOON - DAY), ("b.example", NOON - SECOND)):
            session.run(
                "INSERT INTO host_state (host, breaker_state, breaker_opened_at, updated_at) VALUES (%s, 'half_open', %s, %s)",
                (host, opened, opened),
            )

    sentences = [one.sentence for one in look().findings]

    assert len(sentences) == 2
    assert "indicators_1m: bars of 1 symbols from 2026-06-11 12:00 UTC on are claimed" in sentences[0]
    assert "a.example" in sentences[1]
