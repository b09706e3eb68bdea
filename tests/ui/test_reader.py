"""The reader of the warehouse on a real server: a statement ends in time, nobody waits for a connection for good, nothing is written."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from decimal import Decimal
from threading import Barrier

import pytest
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError

from candlewick_ui import database as of_readers
from candlewick_ui.database import DatabaseBusy, DatabaseDown, Reader
from candlewick_ui.told import TOLD, plain
from support.ports import wait_until

ENDLESS = """
SELECT COUNT(*) AS n FROM information_schema.collations AS a, information_schema.collations AS b, information_schema.collations AS c,
    information_schema.collations AS d
WHERE a.id + b.id + c.id + d.id = -1
"""

DECIMALS_AND_TIMES = """
SELECT
    CAST('12345678901234567890.12345678' AS DECIMAL(38, 8)) AS large,
    CAST('-0.00000001' AS DECIMAL(38, 8)) AS small,
    CAST(0 AS DECIMAL(38, 12)) AS zero,
    CAST(7 AS DECIMAL(38, 0)) AS whole,
    CAST(NULL AS DECIMAL(38, 8)) AS none,
    CAST('2026-01-02 03:04:05.678' AS DATETIME(3)) AS milliseconds,
    CAST('2026-01-02 03:04:05.678912' AS DATETIME(6)) AS microseconds,
    CAST('2026-01-02 03:04:05.6' AS DATETIME(1)) AS tenths,
    CAST('2026-01-02 00:00:00' AS DATETIME) AS seconds,
    CAST('2026-01-02' AS DATE) AS day,
    3 AS three, 'some' AS text
"""


@pytest.fixture
def make_reader(database):
    """Make readers; they are closed with the test."""
    made = []

    def make(**settings):
        made.append(Reader(lambda: database.connect("information_schema"), raw_schema="information_schema", **settings))
        return made[-1]

    yield make
    for reader in made:
        reader.close()


@pytest.fixture
def one_connection(make_reader, monkeypatch):
    for name, value in (("POOL", 1), ("OVERFLOW", 0), ("WAIT_SECONDS", 0.1)):
        monkeypatch.setattr(of_readers, name, value)
    return make_reader()


def test_what_is_only_told_is_read_as_it_is_told_and_what_is_read_next_is_not(one_connection):
    (values,) = one_connection.rows(DECIMALS_AND_TIMES)
    assert (values["small"], values["none"]) == (Decimal("-0.00000001"), None)
    assert (values["milliseconds"], values["seconds"]) == (datetime(2026, 1, 2, 3, 4, 5, 678000), datetime(2026, 1, 2))

    (told,) = one_connection.rows(DECIMALS_AND_TIMES, TOLD)
    assert (told["large"], told["zero"]) == ("12345678901234567890.12345678", "0.000000000000")
    assert told == plain({**values, "day": None}) | {"day": values["day"]}
    assert one_connection.rows(DECIMALS_AND_TIMES) == [values]


def test_what_is_read_again_since_its_connection_was_cut_is_read_likewise(one_connection, database):
    (mine,) = one_connection.rows("SELECT CONNECTION_ID() AS id")
    with database.connect() as root, root.cursor() as cursor:
        cursor.execute(f"KILL {mine['id']}")

    (told,) = one_connection.rows("SELECT CONNECTION_ID() AS id, CAST(1 AS DECIMAL(38, 8)) AS one", TOLD)
    assert told["id"] != mine["id"]
    assert told["one"] == "1.00000000"


def test_a_statement_that_takes_too_long_is_ended_by_the_server(make_reader):
    reader = make_reader(statement_seconds=1)
    begun = time.monotonic()
    with pytest.raises(DatabaseBusy, match="did not answer within 1 s"):
        reader.rows(ENDLESS)

    assert time.monotonic() - begun < 5
    assert reader.rows("SELECT 1 AS one") == [{"one": 1}]


def test_who_finds_every_connection_in_use_is_told_to_come_again(one_connection):
    with one_connection._engine.connect(), pytest.raises(DatabaseBusy, match="every connection"):
        one_connection.rows("SELECT 1")

    assert one_connection.rows("SELECT 1 AS one") == [{"one": 1}]


def test_a_reader_writes_nothing_whatever_its_account_may(make_reader):
    with pytest.raises(DBAPIError, match="READ ONLY"):
        make_reader().rows("CREATE TABLE test.written_by_a_reader (a INT)")


def test_a_connection_that_was_cut_is_not_given_to_the_next_one(make_reader, database):
    reader = make_reader()
    (mine,) = reader.rows("SELECT CONNECTION_ID() AS id")
    with database.connect() as root, root.cursor() as cursor:
        cursor.execute(f"KILL {mine['id']}")

    (other,) = reader.rows("SELECT CONNECTION_ID() AS id")
    assert other["id"] != mine["id"]


def test_when_all_connections_were_cut_at_once_as_by_a_server_that_starts_again_nobody_notices(make_reader, database):
    reader = make_reader()
    together = Barrier(3)

    def number_of_a_connection(_):
        with reader._engine.connect() as connection:
            together.wait(10)
            return connection.exec_driver_sql("SELECT CONNECTION_ID()").scalar()

    with ThreadPoolExecutor(3) as pool:
        numbers = set(pool.map(number_of_a_connection, range(3)))
    assert len(numbers) == 3
    with database.connect() as root, root.cursor() as cursor:
        for number in numbers:
            cursor.execute(f"KILL {number}")

    assert [reader.rows("SELECT 1 AS one") for _ in range(4)] == [[{"one": 1}]] * 4


def test_a_statement_that_loses_its_server_at_work_is_not_run_again(make_reader, database, monkeypatch):
    monkeypatch.setattr(of_readers, "CUT_SECONDS", 0.2)
    reader = make_reader()
    begun = []

    @event.listens_for(reader._engine, "before_cursor_execute")
    def _note(connection, *_):
        begun.append(connection.connection.dbapi_connection.thread_id())

    with ThreadPoolExecutor(1) as pool, database.connect() as root, root.cursor() as cursor:
        waiting = pool.submit(reader.rows, "SELECT SLEEP(8)")

        def is_at_work():
            cursor.execute(
                "SELECT 1 FROM information_schema.processlist WHERE id = %s AND info LIKE 'SELECT SLEEP%%' AND time >= 1",
                (begun or [0])[:1],
            )
            return bool(cursor.fetchall())

        wait_until(is_at_work, "the statement being at work")
        cursor.execute(f"KILL {begun[0]}")
        with pytest.raises(DatabaseDown):
            waiting.result(20)

    assert len(begun) == 1


def test_a_table_that_is_not_there_is_said_to_be_built_by_the_next_runs(make_reader):
    with pytest.raises(DatabaseDown, match="market_hourly build it"):
        make_reader().rows("SELECT 1 FROM mysql.no_such_table_of_ours")
