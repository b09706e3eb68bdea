"""Readers never see a table missing or half filled, and a run that dies is made good by the next one."""

from __future__ import annotations

import dataclasses
import hashlib
import shutil
import threading
from contextlib import closing

import MySQLdb
import pytest

from support.dbt_sessions import wait_for_end, wait_for_statement

ROLL_UPS = ("klines_5m", "klines_15m", "hourly_klines", "klines_4h", "daily_klines")
FACTS = "select open_time, close_price, load_id from {marts}.fact_klines order by open_time"


def test_readers_see_one_whole_table_while_it_is_rebuilt(warehouse, candle):
    warehouse.load([candle("10:00", n + 1, symbol=f"S{n}USDT") for n in range(2000)])
    warehouse.minute()
    seen, failed, stop = set(), [], threading.Event()

    def read():
        reader = warehouse.server.connect()
        while not stop.is_set():
            try:
                with reader.cursor() as cursor:
                    for table in ("fact_klines", "hourly_klines"):
                        cursor.execute(f"select count(*), sum(close_price) from {warehouse.marts}.{table}")
                        seen.add(cursor.fetchone())
            except MySQLdb.Error as error:
                failed.append(error)
        reader.close()

    thread = threading.Thread(target=read)
    thread.start()
    for swap in ("false", "true"):
        warehouse.minute("--full-refresh", "--vars", f"{{rebuild_by_swap: {swap}}}")
    stop.set()
    thread.join()
    assert not failed
    assert [row[0] for row in seen] == [2000]


def test_dbt_killed_inside_its_transaction_leaves_old_rows_and_pending_loads(warehouse, candle):
    warehouse.load([candle("10:00", 1)])
    warehouse.minute()
    warehouse.load([candle("10:00", 2, captured="11:00"), candle("10:01", 3)])
    before = warehouse.run(FACTS)
    holder = warehouse.server.connect(autocommit=False)
    holder.cursor().execute("set session transaction isolation level read committed")  # no lock on what others insert
    holder.cursor().execute(f"select * from {warehouse.raw}.pending_loads where model = 'fact_klines' for update")
    process = warehouse.start_dbt("run", "--select", "fact_klines")
    session = wait_for_statement(warehouse, "delete pending")  # after the upsert, before the commit
    process.kill()
    process.wait()
    holder.rollback()
    wait_for_end(warehouse, session)
    assert warehouse.run(FACTS) == before
    assert warehouse.pending() == [("fact_klines", 2)]
    assert warehouse.one("select count(*) from {raw}.kline_revisions") == 0
    warehouse.minute()
    assert [float(row[1]) for row in warehouse.run(FACTS)] == [2, 3]
    assert warehouse.one("select count(*) from {raw}.kline_revisions") == 1
    assert warehouse.pending() == []


def test_dbt_killed_in_a_rebuild_loses_nothing_and_its_leftovers_go(warehouse, candle):
    warehouse.load([candle("10:00", 1)])
    warehouse.minute()
    warehouse.load([candle("10:01", 2)])
    reader = warehouse.server.connect(autocommit=False)
    reader.cursor().execute(
        f"select count(*) from {warehouse.marts}.fact_klines"
    )  # an idle transaction blocks the rename
    swap = ("--vars", "{rebuild_by_swap: true}")
    process = warehouse.start_dbt("run", "--full-refresh", "--select", "fact_klines", *swap)
    session = wait_for_statement(warehouse, "rename table")
    process.kill()
    process.wait()
    warehouse.run(f"kill {session}")
    wait_for_end(warehouse, session)
    reader.rollback()
    assert warehouse.one("select count(*) from {marts}.fact_klines") == 1
    assert warehouse.pending() == [("fact_klines", 2)]
    warehouse.minute()
    assert [float(row[1]) for row in warehouse.run(FACTS)] == [1, 2]
    assert (
        warehouse.run(
            "select table_name from information_schema.tables where table_name like '%%\\_\\_%%' and table_schema = '{marts}'"
        )
        == []
    )


def test_one_writer_per_table_and_the_second_says_what_to_do(warehouse, candle):
    warehouse.load([candle("10:00", 1)])
    warehouse.minute()
    other = warehouse.server.connect()
    other.cursor().execute("select get_lock(%s, 0)", (f"{warehouse.marts}.fact_klines",))
    said = warehouse.dbt("run", "--select", "fact_klines", "--vars", "{writer_wait_seconds: 1}", succeeds=False)
    assert "expected the writer lock" in said
    assert "run it again" in said
    other.close()
    warehouse.minute()


def test_a_broken_contract_leaves_the_old_table(warehouse, candle, tmp_path):
    warehouse.load([candle("10:00", 1)])
    warehouse.minute()
    from_here = warehouse.run(FACTS)
    warehouse.load([candle("10:01", 2)])
    project = tmp_path / "broken"
    shutil.copytree(warehouse.project, project)
    model = project / "models/facts/fact_klines.yml"
    model.write_text(model.read_text().replace("data_type: bigint", "data_type: date", 1))
    for arguments in ((), ("--full-refresh",)):
        said = warehouse.dbt("run", "--select", "fact_klines", *arguments, succeeds=False, project=project)
        assert "contract" in said
        assert warehouse.run(FACTS) == from_here


@pytest.mark.parametrize("first", ["view", "table"])
def test_a_view_becomes_a_table_and_back_under_the_same_name(warehouse, candle, first):
    kind = {
        "view": f"create definer = {warehouse.transformer}@'%' view {{marts}}.fact_klines as select 1 as one",
        "table": "create table {marts}.stg_klines (one int)",
    }
    warehouse.run(kind[first])
    warehouse.load([candle("10:00", 1)])
    warehouse.minute()
    kinds = dict(
        warehouse.run("select table_name, table_type from information_schema.tables where table_schema = '{marts}'")
    )
    assert kinds["fact_klines"] == "BASE TABLE"
    assert kinds["stg_klines"] == "VIEW"
    assert not [name for name in kinds if "__" in name]


def test_a_reader_that_idles_in_its_transaction_on_a_view_holds_nothing_up(warehouse, candle):
    warehouse.load([candle("10:00", 1)])
    warehouse.minute()
    with closing(warehouse.server.connect(autocommit=False)) as reader:
        for view in ("stg_klines", "stg_orderbook"):
            reader.cursor().execute(f"select count(*) from {warehouse.marts}.{view}")
        warehouse.load([candle("10:01", 2)])
        warehouse.minute("--vars", "{ddl_wait_seconds: 1}")
    assert warehouse.one("select count(*) from {marts}.fact_klines") == 2


def test_a_view_is_replaced_when_its_definition_changed_when_it_is_gone_and_on_full_refresh(warehouse, tmp_path):
    def columns():
        return [row[0] for row in warehouse.run(
            "select column_name from information_schema.columns where table_schema = '{marts}' and table_name = 'stg_klines'"
        )]  # fmt: skip

    build = ("run", "--select", "stg_klines")
    warehouse.dbt(*build)
    whole = columns()
    project = tmp_path / "changed"
    shutil.copytree(warehouse.project, project)
    model = project / "models/staging/stg_klines.sql"
    model.write_text(model.read_text().replace("        object_id,\n", ""))
    contract = project / "models/staging/stg_klines.yml"
    text = contract.read_text()
    start = text.index("      - name: object_id")
    contract.write_text(text[:start] + text[text.index("      - name: exchange", start) :])
    warehouse.dbt(*build, project=project)
    assert columns() == [name for name in whole if name != "object_id"]
    warehouse.dbt(*build)
    assert columns() == whole
    for lose in (
        "drop view {marts}.stg_klines",
        f"create or replace definer = {warehouse.transformer}@'%' view {{marts}}.stg_klines as select 1 as one",
    ):
        warehouse.run(lose)
        warehouse.dbt(*build, *(["--full-refresh"] if "replace" in lose else []))
        assert columns() == whole


def test_the_writer_lock_of_a_long_schema_and_table_has_a_name_the_server_takes(warehouse):
    long = dataclasses.replace(warehouse, marts=f"{warehouse.marts}_{'x' * 40}")
    full = f"{long.marts}.deduplication_daily"
    assert len(full) > 64
    warehouse.run(f"create database {long.marts} character set utf8mb4 collate utf8mb4_unicode_ci")
    try:
        warehouse.run(f"grant all on {long.marts}.* to {warehouse.transformer}@'%'")
        long.dbt("run", "--select", "+deduplication_daily")  # only what it reads: other models would want the seed
        other = warehouse.server.connect()
        name = f"{full[:31]}-{hashlib.md5(full.encode()).hexdigest()}"  # noqa: S324  # a name, no secret
        other.cursor().execute("select get_lock(%s, 0)", (name,))
        said = long.dbt("run", "--select", "deduplication_daily", "--vars", "{writer_wait_seconds: 1}", succeeds=False)
        assert f"expected the writer lock {name}" in said
        other.close()
    finally:
        warehouse.run(f"drop database {long.marts}")


def test_months_get_their_partition_ahead_unless_the_ceiling_has_rows(warehouse, candle):
    warehouse.load([candle("10:00", 1)])
    warehouse.minute("--vars", "{partition_months_ahead: 1}")
    partitions = "select count(*) from information_schema.partitions where table_schema = '{marts}' and table_name = 'fact_klines'"
    before = warehouse.one(partitions)
    warehouse.dbt("run-operation", "ensure_partitions", "--vars", "{partition_months_ahead: 4}")
    assert warehouse.one(partitions) in (before + 3, before + 4)
    warehouse.load([candle("2040-01-01 10:00", 1)])
    warehouse.minute()
    warehouse.dbt("run-operation", "ensure_partitions")
    assert warehouse.one("select count(*) from {marts}.fact_klines partition (p_ceiling)") == 1
    assert "empty_ceiling_fact_klines_: fail" in warehouse.dbt(
        "test", "--select", "fact_klines,test_name:empty_ceiling", succeeds=False
    )


def test_incremental_queries_look_rows_up_by_their_keys(warehouse, candle):
    warehouse.load([candle(f"10:{n:02}", n + 1) for n in range(60)])
    warehouse.minute()
    warehouse.load([candle("11:00", 1)])
    warehouse.minute()
    session = warehouse.server.connect(database=warehouse.marts)
    with session.cursor() as cursor:
        cursor.execute("create temporary table fact_klines__pins (load_id bigint primary key) select 2 as load_id")
        for model in ROLL_UPS:
            cursor.execute(
                f"create temporary table {model}__touched (exchange varchar(32), symbol varchar(50), bucket_start datetime(3),"
                " reached_at datetime(3), primary key (exchange, symbol, bucket_start)) collate utf8mb4_unicode_ci"
            )
        for model in ("facts/fact_klines", *(f"aggregates/{name}" for name in ROLL_UPS)):
            query = (warehouse.scratch / f"dbt_project/target/compiled/candlewick/models/{model}.sql").read_text()
            cursor.execute(f"explain {'format=traditional ' if warehouse.server.name == 'mysql' else ''}{query}")
            names = [column[0] for column in cursor.description]
            plan = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
            looked_up = [step for step in plan if step["table"] in ("staging_klines", "stg_klines", "parts", "native")]
            assert looked_up, (model, plan)
            for step in looked_up:
                assert (step["key"], step["type"]) in (("PRIMARY", "ref"), ("PRIMARY", "eq_ref")), (model, plan)
    session.close()


def test_a_full_refresh_that_keeps_history_never_renames_a_table_whose_definition_is_unchanged(warehouse, candle):
    warehouse.load([candle("10:00", 1)])
    warehouse.minute()
    made = "select table_name, create_time from information_schema.tables where table_schema = '{marts}' and table_name in ('fact_klines', 'hourly_klines') order by 1"
    before = warehouse.run(made)
    warehouse.load([candle("10:00", 2, captured="11:00"), candle("10:01", 3)])
    warehouse.minute("--full-refresh")
    assert warehouse.run(made) == before
    assert [float(row[1]) for row in warehouse.run(FACTS)] == [2, 3]
    assert warehouse.one("select count(*) from {raw}.kline_revisions") == 1
    assert warehouse.pending() == []
