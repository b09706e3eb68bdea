"""Killed with -9 between any two steps, the same call again finishes, and what stays was never missing."""

from __future__ import annotations

import dataclasses
import itertools
import sys
from datetime import datetime

import pytest

from candlewick.pipeline.dbt_project import profile
from candlewick.pipeline.maintenance.retention import RetentionDays
from candlewick.pipeline.transform import run_dbt
from candlewick.settings import Settings
from candlewick.warehouse import schema
from candlewick.warehouse.database import Warehouse
from support.aged import FIRST_DUE, LAST_DUE, NOW, YOUNG, Aged
from support.failpoint import Failpoint
from support.places import DBT
from support.servers import MariaDB
from support.warm import Worker

DAYS = RetentionDays(klines=90, indicators=0, orderbook=0, staging=3650, outcomes=3650)
MANY = tuple(f"S{n:02}USDT" for n in range(15))
KEPT = (datetime(2026, 3, 10, 12), datetime(2026, 3, 10, 18))
STAY = {(FIRST_DUE, MANY[0]): 360} | {(YOUNG, name): 1440 for name in MANY[:2]}
STAY_NATIVE = {(FIRST_DUE, MANY[1]): 24}
DUE = 15 * 1440 - 360 + 8 * 1440


@pytest.fixture(scope="module")
def worker(tmp_path_factory):
    made = Worker(sys.executable, "support.retention_actor", tmp_path_factory.mktemp("actor") / "actor.log")
    yield made
    made.stop()


@pytest.fixture
def aged(database, warehouse, dbt):
    return Aged(database, warehouse, dbt)


def fill(aged):
    """A day that goes by its partition, one that goes by its keys in two batches, and what stays of both."""
    for table in (
        "fact_klines",
        *("hourly_klines", "klines_5m", "klines_15m", "klines_4h", "daily_klines", "coverage_daily"),
    ):
        aged.run(f"DELETE FROM {aged.marts}.{table}")
    for table in ("expired_spans", "retention_horizons", "lifecycle_events", "backfills", "backfill_parts"):
        aged.run(f"DELETE FROM {table}")
    aged.fill(MANY, [FIRST_DUE])
    aged.fill(MANY[:8], [LAST_DUE])
    aged.fill(MANY[:2], [YOUNG])
    aged.native_hours(MANY[1:2], FIRST_DUE)
    aged.backfill(MANY[0], *KEPT, is_kept=1)


def run(worker, aged, failpoint):
    server = aged.database
    point = {"what": failpoint.what, "nth": failpoint.nth, "side": failpoint.side, "pid": failpoint.pid}
    worker.start(
        {
            "failpoint": point, "settings": aged.config.model_dump(mode="json"), "now": NOW.isoformat(),
            "days": dataclasses.asdict(DAYS), "database": f"{server.host}:{server.port}:{server.user}:{server.password}",
        }
    )  # fmt: skip
    return worker.finish()


def expect_whole(aged):
    """What must never be missing, whatever was killed."""
    there = aged.rows()
    assert all(there.get(key, 0) >= count for key, count in STAY.items()), there
    assert aged.rows(where="interval_code = '1h'") == STAY_NATIVE


def expect_done(aged):
    assert aged.rows() == STAY
    assert aged.rows(where="interval_code = '1h'") == STAY_NATIVE
    assert aged.one("SELECT SUM(row_count) FROM lifecycle_events WHERE action = 'rows_deleted'") == DUE
    left = aged.ask("SELECT table_name FROM information_schema.tables WHERE table_schema = %s", aged.marts)
    assert not [name for (name,) in left if "__" in name]


@pytest.mark.parametrize("side", ["before", "after"])
def test_our_process_is_killed_at_every_commit_and_statement_in_turn(aged, worker, side):
    aged.run(f"DROP TABLE {aged.marts}.indicators_1m")
    for nth in itertools.count(1):
        fill(aged)
        ended = run(worker, aged, Failpoint("point", nth, side))
        expect_whole(aged)
        if not ended.was_killed:
            assert ended.status == 0, ended
            assert ended.answer["seen"]["point"] < nth, ended
            expect_done(aged)
            break
        ended = run(worker, aged, Failpoint())
        assert (ended.status, ended.answer.get("error")) == (0, None), (nth, ended)
        expect_done(aged)
    assert nth > 10


@pytest.fixture
def dbt_of():
    """Run dbt on a server of the test's own."""

    def on(server, config):
        environment = profile(server, config)
        return lambda *words: run_dbt(words, environment, name="kill", config=config)

    return on


@pytest.fixture
def own_server(tmp_path):
    """A MariaDB that this test kills."""
    (tmp_path / "mariadb").mkdir()
    server = MariaDB(tmp_path / "mariadb")
    server.start()
    yield server
    server.stop()


@pytest.mark.parametrize("side", ["before", "after"])
def test_mariadb_is_killed_at_every_change_of_tables_in_turn(own_server, worker, tmp_path, dbt_of, side):
    config = Settings(
        home=tmp_path / "home", dbt_executable=DBT, raw_schema="killed_raw", marts_schema="killed", lock_wait_seconds=5
    )
    warehouse = Warehouse(lambda: own_server.connect(config.raw_schema), config)
    with own_server.connect() as root, root.cursor() as cursor:
        for name in (config.raw_schema, config.marts_schema):
            cursor.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci")
    schema.upgrade(warehouse)
    aged = Aged(own_server, warehouse, dbt_of(own_server, config))
    aged.run(f"DROP TABLE {aged.marts}.indicators_1m")
    for nth in itertools.count(1):
        fill(aged)
        ended = run(worker, aged, Failpoint("table", nth, side, own_server.process.pid))
        if ended.answer["seen"].get("table", 0) < nth:
            assert ended.answer.get("error") is None, ended
            expect_done(aged)
            break
        own_server.process.wait()
        own_server.start()
        expect_whole(aged)
        ended = run(worker, aged, Failpoint())
        assert (ended.status, ended.answer.get("error")) == (0, None), (nth, ended)
        expect_done(aged)
    assert nth > 4
