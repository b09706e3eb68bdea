"""Sizes over time: what a sampling writes down of tables, buckets and the disk, on real servers."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from candlewick.pipeline.maintenance import archive, expire, sizes
from candlewick.warehouse import room, storage
from support.minute_path import ask
from support.stored import key_of, loaded, payload_of, row

NOON = datetime(2026, 6, 10, 12)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def samples(warehouse, store, columns="name, object_count, byte_count, oldest, newest", at=NOON):
    query = f"SELECT {columns} FROM storage_samples WHERE store = %s AND sampled_at = %s ORDER BY name"
    return ask(warehouse, query, store, at)


def held(warehouse, store, at=NOON):
    ((_, count, size, *_),) = samples(warehouse, store, at=at)
    return count, size


def test_every_table_of_both_schemas_is_sampled_with_its_rows_bytes_and_ends(warehouse, lake, config):
    for hours in (30, 2):
        loaded(lake, warehouse, NOON - hours * HOUR)
    with warehouse.session() as session:
        session.run(f"CREATE TABLE {config.marts_schema}.hourly_klines (exchange VARCHAR(32), symbol VARCHAR(50), "
                    "hour_start DATETIME(3), PRIMARY KEY (exchange, symbol, hour_start))")  # fmt: skip
        session.run(f"CREATE VIEW {config.marts_schema}.a_view AS SELECT 1 AS one")
        session.run(
            "INSERT INTO tracked_symbols (exchange, symbol, added_at) VALUES ('binance', 'BTCUSDT', %s)", (NOON,)
        )
        for hours in (90, 5, 1):
            session.run(f"INSERT INTO {config.marts_schema}.hourly_klines VALUES ('binance', 'BTCUSDT', %s)",
                        (NOON - hours * HOUR,))  # fmt: skip

    told = sizes.sample(warehouse, config, NOON).sentence

    found = {name.split(".")[1]: rest for name, *rest in samples(warehouse, "warehouse")}
    there = ask(warehouse, "SELECT table_name FROM information_schema.tables WHERE table_type = 'BASE TABLE' "
                "AND table_schema IN (%s, %s)", config.raw_schema, config.marts_schema)  # fmt: skip
    assert found.keys() == {name for (name,) in there}
    assert all(size >= 16384 for _, size, _, _ in found.values())
    assert found["extraction_outcomes"][2:] == [NOON - 30 * HOUR, NOON - 2 * HOUR]
    assert found["processed_files"][2:] == [NOON - 30 * HOUR, NOON - 2 * HOUR]
    assert found["hourly_klines"][2:] == [NOON - 90 * HOUR, NOON - HOUR]
    assert f"{len(found)} tables" in told
    rows = dict(samples(warehouse, "warehouse", "name, row_count"))
    assert rows[f"{config.marts_schema}.hourly_klines"] == 3


def test_buckets_are_counted_by_the_ledgers_and_carried_on_from_hour_to_hour(warehouse, lake, config):
    first = loaded(lake, warehouse, NOON - 9 * DAY)
    second = loaded(lake, warehouse, NOON - DAY)
    bytes_of = [len(payload_of(key)) for key in (first, second)]
    sizes.sample(warehouse, config, NOON)
    assert samples(warehouse, "raw") == [(config.raw_bucket, 2, sum(bytes_of), NOON - 9 * DAY, NOON - DAY)]
    assert held(warehouse, "archive") == (0, 0)

    third = loaded(lake, warehouse, NOON + HOUR / 2)
    archive.run(lake, warehouse, run_id="run", now=NOON + HOUR / 2, after_days=7)
    sizes.sample(warehouse, config, NOON + HOUR)

    after = NOON + HOUR
    assert samples(warehouse, "raw", at=after) == [
        (config.raw_bucket, 2, bytes_of[1] + len(payload_of(third)), NOON - DAY, NOON + HOUR / 2)
    ]
    ((size,),) = ask(warehouse, "SELECT bundle_bytes FROM archive_bundles")
    assert held(warehouse, "archive", at=after) == (1, size)
    expire.run(lake, warehouse, run_id="run", now=NOON + 30 * DAY, keep_days=30)
    sizes.sample(warehouse, config, NOON + 30 * DAY)
    assert held(warehouse, "archive", at=NOON + 30 * DAY) == (0, 0)


def test_carried_on_is_the_same_as_counted_anew(warehouse, lake, config):
    for hours in (80, 3):
        loaded(lake, warehouse, NOON - hours * HOUR)
    sizes.sample(warehouse, config, NOON - 2 * HOUR)
    loaded(lake, warehouse, NOON - HOUR)
    sizes.sample(warehouse, config, NOON)
    carried = samples(warehouse, "raw")
    sizes.sample(warehouse, config, NOON + timedelta(milliseconds=1), lake=lake)

    assert samples(warehouse, "raw", at=NOON + timedelta(milliseconds=1)) == carried


def test_what_is_queued_counts_and_evidence_does_not(warehouse, lake, config):
    sizes.sample(warehouse, config, NOON - HOUR)
    with warehouse.session() as session:
        for number, state in enumerate(("pending", "none")):
            captured_at = NOON - timedelta(minutes=number + 1)
            row(session, key_of(captured_at), captured_at, bucket=config.raw_bucket, load_state=state)
    sizes.sample(warehouse, config, NOON)

    assert held(warehouse, "raw")[0] == 1


def test_backups_are_counted_by_looking_at_them_once_a_week(warehouse, lake, config):
    lake.put(config.backup_bucket, "20260610T020000Z/warehouse.sql.gz", b"x" * 1000)
    sizes.sample(warehouse, config, NOON, lake=lake)
    assert held(warehouse, "backup") == (1, 1000)

    sizes.sample(warehouse, config, NOON + HOUR)
    assert held(warehouse, "backup", at=NOON + HOUR) == (1, 1000)


def test_the_same_moment_again_replaces_what_was_written(warehouse, lake, config):
    sizes.sample(warehouse, config, NOON)
    loaded(lake, warehouse, NOON - HOUR)
    count = ask(warehouse, "SELECT COUNT(*) FROM storage_samples")
    sizes.sample(warehouse, config, NOON, lake=lake)

    assert ask(warehouse, "SELECT COUNT(*) FROM storage_samples") == count
    assert held(warehouse, "raw")[0] == 1


def test_the_disk_of_a_server_under_the_home_folder_is_sampled_and_is_the_capacity(
    mariadb, warehouse, config, database
):
    if database.name != "mariadb":
        pytest.skip("a given server's disk is not ours to look at")
    at_home = config.model_copy(update={"home": mariadb.data.parent, "disk_room_gigabytes": 1e6})
    sizes.sample(warehouse, at_home, NOON)

    ((name, used, capacity),) = samples(warehouse, "disk", "name, byte_count, capacity_bytes")
    assert name == str(mariadb.data.parent)
    assert 0 < used < capacity
    assert samples(warehouse, "warehouse", "DISTINCT capacity_bytes") == [(capacity,)]
    assert samples(warehouse, "raw", "capacity_bytes") == [(None,)]
    with warehouse.session() as session:
        assert room.look(session, at_home).fullest.what.endswith(str(at_home.home))
        assert room.look(session, config).fullest.capacity == capacity  # as sampled


def test_a_capacity_that_is_configured_is_written_beside_each_size(warehouse, config):
    limited = config.model_copy(update={"warehouse_capacity_gigabytes": 2.0, "lake_capacity_gigabytes": 0.5})
    sizes.sample(warehouse, limited, NOON)

    assert samples(warehouse, "warehouse", "DISTINCT capacity_bytes") == [(2_000_000_000,)]
    assert samples(warehouse, "raw", "capacity_bytes") == [(500_000_000,)]
    assert samples(warehouse, "disk") == []


def test_samples_of_old_days_are_thinned_to_the_last_of_each_day(warehouse, config):
    for hours in (0, 5, 23, 24, 30):
        sizes.sample(warehouse, config, datetime(2026, 1, 1) + hours * HOUR)
    with warehouse.session() as session:
        storage.thin_out(session, datetime(2026, 1, 2))

    left = [moment for (moment,) in ask(warehouse, "SELECT DISTINCT sampled_at FROM storage_samples ORDER BY 1")]
    assert left == [datetime(2026, 1, 1, 23), datetime(2026, 1, 2), datetime(2026, 1, 2, 6)]
