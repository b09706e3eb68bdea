"""The warehouse saved into the lake and restored elsewhere: the same tables, rows and values, or a sentence why not."""

from __future__ import annotations

import gzip
import json
import os
import threading
from contextlib import closing
from datetime import datetime, timedelta

import psutil
import pytest

from candlewick.lake.store import LakeError, ObjectMissing
from candlewick.pipeline import backup
from candlewick.pipeline.backup import manifest as files
from candlewick.pipeline.backup import parts, programs
from candlewick.pipeline.backup.programs import BackupFailed
from candlewick.pipeline.backup.restore import restore
from candlewick.pipeline.compare import HISTORY, first_difference
from candlewick.pipeline.dbt_project import profile
from candlewick.pipeline.transform import run_dbt
from candlewick.warehouse import scratch
from candlewick.warehouse.database import Warehouse, WarehouseBusy
from candlewick.warehouse.scratch import SchemaInUse
from support.minute_path import ask, cycle

NOW = datetime(2026, 11, 22, 2)
LATER = NOW + timedelta(hours=1)
# Tables, views, and what is made anew each hour.
MODELS = ("tag:minute", "kline_revisions", "window_returns", "return_distribution", "volatility")


@pytest.fixture
def elsewhere(database, warehouse, config):
    """Schemas of other names on the same server, not made yet."""
    names = {"raw_schema": f"{config.marts_schema}_back_raw", "marts_schema": f"{config.marts_schema}_back"}
    made = Warehouse(database.connect, config.model_copy(update=names), warehouse.address)
    yield made
    with closing(database.connect()) as root, root.cursor() as cursor:
        for name in names.values():
            cursor.execute(f"DROP DATABASE IF EXISTS {name}")


@pytest.fixture
def filled(market, binance, lake, warehouse, dbt):
    """A warehouse after two minutes, with views and with what is made anew each hour."""
    cycle(binance, lake, warehouse)
    dbt("run", "--select", *MODELS)
    market.advance(60_000)
    cycle(binance, lake, warehouse)
    dbt("run", "--selector", "minute")
    return warehouse


def keys(lake):
    return list(lake.keys(lake.config.backup_bucket))


def rows_of(warehouse, schema, table):
    return sorted(ask(warehouse, f"SELECT * FROM {schema}.{table}"), key=repr)


def random_rows(warehouse, table, megabytes):
    """A table that does not compress."""
    ask(warehouse, f"CREATE TABLE {table} (n BIGINT PRIMARY KEY, b VARBINARY(20000) NOT NULL)")
    with warehouse.session() as session:
        session.run_many(
            f"INSERT INTO {table} VALUES (%s, %s)", [(n, os.urandom(20_000)) for n in range(megabytes * 50)]
        )


def base_tables(warehouse, schema):
    with warehouse.session() as session:
        return {name for name, kind in scratch.tables(session, schema) if kind == "BASE TABLE"}


def test_what_is_restored_is_what_was_saved_and_the_platform_goes_on_from_it(
    filled, elsewhere, lake, database, config, market, binance
):
    summary = backup.run(filled, lake, "run", NOW)
    made = files.read(lake, "latest")
    assert summary.rows == made.rows > 100
    assert made.revision == ask(filled, "SELECT version_num FROM schema_version")[0][0]
    assert ask(filled, "SELECT action, subject, row_count, byte_count FROM lifecycle_events") == [
        ("saved", made.stamp, made.rows, made.bytes)
    ]

    restored = restore(elsewhere, lake, "latest", LATER)
    assert (restored.tables, restored.rows) == (len(made.tables), made.rows)
    for role in ("raw_schema", "marts_schema"):
        before, after = getattr(config, role), getattr(elsewhere.config, role)
        assert base_tables(elsewhere, after) == base_tables(filled, before) - set(backup.save.MADE_ANEW)
    for table in (
        "extraction_outcomes",
        "pending_loads",
        "extraction_metadata",
        "processed_files",
        "indicator_checkpoints",
    ):
        assert rows_of(elsewhere, elsewhere.config.raw_schema, table) == rows_of(filled, config.raw_schema, table)
    note = json.loads(lake.get(config.backup_bucket, f"{made.stamp}/VERIFIED"))
    assert note["rows"] == made.rows

    again = Warehouse(lambda: database.connect(elsewhere.config.raw_schema), elsewhere.config, filled.address)
    environment = profile(database, again.config)
    run_dbt(
        ["run", "--select", *MODELS], environment, name="again", config=again.config
    )  # the views, and what is made anew each hour
    for table in HISTORY:
        difference = first_difference(filled, again, table)
        assert difference is None, difference.sentence
    assert backup.save.MADE_ANEW[-1] in base_tables(again, again.config.marts_schema)


def test_rows_that_are_written_meanwhile_are_in_it_with_their_transaction_or_not_at_all(
    warehouse, elsewhere, lake, config
):
    raw, marts = config.raw_schema, config.marts_schema
    for name in (f"{raw}.aa_first", f"{marts}.zz_last"):
        ask(warehouse, f"CREATE TABLE {name} (n BIGINT PRIMARY KEY)")
    ask(warehouse, f"CREATE TABLE {marts}.middle (n BIGINT PRIMARY KEY, filler VARCHAR(250) NOT NULL)")
    digits = " UNION ALL ".join(f"SELECT {n} AS d" for n in range(10))
    tens = ", ".join(f"({digits}) AS t{n}" for n in range(5))
    number = " + ".join(f"t{n}.d * {10**n}" for n in range(5))
    ask(warehouse, f"INSERT INTO {marts}.middle SELECT {number}, REPEAT('x', 250) FROM {tens}")
    done = threading.Event()

    def write():
        n = 0
        with warehouse.session() as session:
            while not done.is_set():
                n += 1
                session.run(f"INSERT INTO {raw}.aa_first VALUES (%s)", (n,))
                session.run(f"INSERT INTO {marts}.zz_last VALUES (%s)", (n,))
                session.commit()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        backup.run(warehouse, lake, "run", NOW)
    finally:
        done.set()
        writer.join()
    restore(elsewhere, lake, "latest", LATER)
    first = ask(elsewhere, f"SELECT COUNT(*), MAX(n) FROM {elsewhere.config.raw_schema}.aa_first")
    last = ask(elsewhere, f"SELECT COUNT(*), MAX(n) FROM {elsewhere.config.marts_schema}.zz_last")
    assert first == last
    assert ask(warehouse, f"SELECT MAX(n) > %s FROM {marts}.zz_last", last[0][1] or 0) == [(1,)]


def test_odd_values_come_back_as_they_were(warehouse, elsewhere, lake, config):
    table = "CREATE TABLE {} (n BIGINT PRIMARY KEY, t VARCHAR(200) NULL, b VARBINARY(20) NULL, d DOUBLE NULL, m DATETIME(3) NULL)"
    ask(warehouse, table.format(f"{config.marts_schema}.odd"))
    odd = [
        (1, "line\nUSE `x`;\n(2,'y'),\n", b"\x00\xff'\\\n", 0.1 + 0.2, datetime(2024, 2, 29, 23, 59, 59, 999000)),
        (2, "ÜSDT 🕯 'quoted' \\ \" ;", b"", 1.7976931348623157e308, None),
        (3, None, None, 5e-324, datetime(1970, 1, 1)),
        (4, "", b"\n", -0.1, None),
    ]
    with warehouse.session() as session:
        session.run_many(f"INSERT INTO {config.marts_schema}.odd VALUES (%s, %s, %s, %s, %s)", odd)
    backup.run(warehouse, lake, "run", NOW)
    restore(elsewhere, lake, files.stamp_of(NOW), LATER)
    assert rows_of(elsewhere, elsewhere.config.marts_schema, "odd") == rows_of(warehouse, config.marts_schema, "odd")
    assert {row[1] for row in rows_of(elsewhere, elsewhere.config.marts_schema, "odd")} == {row[1] for row in odd}


def test_many_parts_make_one_gzip_file_that_anybody_can_open(warehouse, elsewhere, lake, config, monkeypatch):
    monkeypatch.setattr(parts, "PART_BYTES", 2000)
    random_rows(warehouse, f"{config.marts_schema}.large", 4)
    backup.run(warehouse, lake, "run", NOW)
    made = files.read(lake, "latest")
    assert len(made.parts) > 3
    packed = b"".join(lake.get(config.backup_bucket, part.key) for part in made.parts)
    text = gzip.decompress(packed)
    assert len(text) == made.text_bytes
    assert f"USE `{config.raw_schema}`;".encode() in text
    restore(elsewhere, lake, "latest", LATER)


def test_a_damaged_part_is_found_before_anything_is_touched(warehouse, elsewhere, lake, config):
    backup.run(warehouse, lake, "run", NOW)
    key = files.part_key(files.stamp_of(NOW), 1)
    packed = lake.get(config.backup_bucket, key)
    lake.put(config.backup_bucket, key, packed[:-5] + b"\0" + packed[-4:])
    with pytest.raises(LakeError, match="is damaged, use another backup"):
        restore(elsewhere, lake, "latest", LATER)
    assert base_tables(elsewhere, elsewhere.config.raw_schema) == set()
    lake.delete_many(config.backup_bucket, [key])
    with pytest.raises(ObjectMissing):
        restore(elsewhere, lake, "latest", LATER)


def test_a_schema_that_holds_anything_is_never_restored_into(warehouse, lake, config):
    backup.run(warehouse, lake, "run", NOW)
    before = base_tables(warehouse, config.raw_schema)
    with pytest.raises(SchemaInUse, match=f"expected the schema {config.raw_schema} empty, but it holds"):
        restore(warehouse, lake, "latest", LATER)
    assert base_tables(warehouse, config.raw_schema) == before
    assert scratch.MARK not in base_tables(warehouse, config.marts_schema)


def test_a_schema_of_the_same_server_that_is_not_empty_also_keeps_its_sister_from_being_touched(
    warehouse, elsewhere, lake, database
):
    backup.run(warehouse, lake, "run", NOW)
    raw, marts = elsewhere.config.raw_schema, elsewhere.config.marts_schema
    with closing(database.connect()) as root, root.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {marts}")
        cursor.execute(f"CREATE TABLE {marts}.mine (n INT)")
    with pytest.raises(SchemaInUse, match="mine"):
        restore(elsewhere, lake, "latest", LATER)
    assert base_tables(elsewhere, raw) == set()
    assert base_tables(elsewhere, marts) == {"mine"}


def test_what_is_not_what_was_saved_is_told_and_not_called_verified(warehouse, elsewhere, lake, config):
    backup.run(warehouse, lake, "run", NOW)
    key = f"{files.stamp_of(NOW)}/{files.MANIFEST}"
    text = lake.get(config.backup_bucket, key).decode()
    document = json.loads(text)
    table = next(one for one in document["tables"] if one["name"] == "schema_version")
    lake.put(config.backup_bucket, key, text.replace(table["checksum"], "0" * 32, 1).encode())
    with pytest.raises(BackupFailed, match=r"raw\.schema_version has 1 rows with other values"):
        restore(elsewhere, lake, "latest", LATER)
    assert not any("VERIFIED" in one for one in keys(lake))
    lake.put(config.backup_bucket, key, text.encode())
    assert restore(elsewhere, lake, "latest", LATER).tables == len(document["tables"])


def test_old_backups_go_with_their_events_and_the_verified_one_stays(warehouse, elsewhere, lake, config):
    first, second, third = (NOW + timedelta(days=days) for days in (0, 10, 50))
    backup.run(warehouse, lake, "run", first)
    restore(elsewhere, lake, "latest", LATER)
    backup.run(warehouse, lake, "run", second)
    assert backup.run(warehouse, lake, "run", third).deleted == (files.stamp_of(second),)
    assert {key.partition("/")[0] for key in keys(lake)} == {files.stamp_of(first), files.stamp_of(third)}
    assert ask(
        warehouse, "SELECT step, store, subject, object_count FROM lifecycle_events WHERE action = 'expired'"
    ) == [("backup", "backup", files.stamp_of(second), 2)]


def test_the_same_backup_asked_for_again_is_not_made_twice(warehouse, lake):
    first = backup.run(warehouse, lake, "run", NOW)
    before = keys(lake)
    assert backup.run(warehouse, lake, "run", NOW) == first
    assert keys(lake) == before
    assert ask(warehouse, "SELECT COUNT(*) FROM lifecycle_events") == [(1,)]


def test_a_name_that_no_backup_has_is_told_with_those_there_are(warehouse, elsewhere, lake):
    with pytest.raises(ObjectMissing, match="found none; make one: make backup"):
        restore(elsewhere, lake, "latest", LATER)
    backup.run(warehouse, lake, "run", NOW)
    with pytest.raises(ObjectMissing, match=f"those there are: {files.stamp_of(NOW)}"):
        restore(elsewhere, lake, "2020-01-01T00-00-00Z", LATER)


def test_a_table_that_is_swapped_meanwhile_makes_another_try_right(warehouse, config):
    last = f"{config.marts_schema}.zz_last"
    ask(warehouse, f"CREATE TABLE {last} (n BIGINT PRIMARY KEY)")
    random_rows(warehouse, f"{config.raw_schema}.aa_first", 20)

    def read():
        with programs.dump(warehouse.address, (config.raw_schema, config.marts_schema), []) as text:
            text.read(100_000)  # the pipe is full and most of it is yet to come
            ask(warehouse, f"CREATE TABLE {last}__next (n BIGINT PRIMARY KEY, m BIGINT)")
            ask(warehouse, f"RENAME TABLE {last} TO {last}__prev, {last}__next TO {last}")
            while text.read(1 << 20):
                pass

    with pytest.raises(WarehouseBusy, match=r"changed.* it will be tried again"):
        read()


def test_an_error_of_the_server_is_told_and_is_no_backup(warehouse, config):
    with (
        pytest.raises(BackupFailed, match=r"no_such_schema"),
        programs.dump(warehouse.address, ("no_such_schema",), []) as text,
    ):
        text.read()
    with (
        pytest.raises(BackupFailed, match=r"ended with code 1 .*SQL syntax"),
        programs.client(warehouse.address) as client,
    ):
        client.write(b"SELECT this is no SQL;\n" * 100_000)


def test_nobody_reads_the_password_off_the_list_of_processes(warehouse, config):
    with programs.dump(warehouse.address, (config.raw_schema,), []) as text:
        (words,) = [one.cmdline() for one in psutil.Process().children() if one.name() == "mariadb-dump"]
        text.read()
    assert f"--user={warehouse.address.user}" in words
    assert not any(warehouse.address.password in word for word in words)
    assert warehouse.address.password not in repr(warehouse.address)


def test_a_reader_that_gives_up_leaves_no_program_behind(warehouse, config):
    def give_up():
        with programs.dump(warehouse.address, (config.raw_schema,), []) as text:
            text.read(10)
            raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        give_up()
    assert not any("mariadb-dump" in " ".join(one.cmdline()) for one in psutil.Process().children())
