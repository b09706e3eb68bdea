"""What storage_health says of sizes, growth and the day a store is full, on both engines."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

GIGABYTE = 10**9
DAY = timedelta(days=1)
LAST = datetime(2026, 6, 10, 23, 5)


@pytest.fixture
def sampled(warehouse):
    """Write samples: (days before the last, hour, store, name, bytes[, capacity])."""

    def write(*rows):
        for days, hour, store, name, size, *capacity in rows:
            moment = (LAST - days * DAY).replace(hour=hour)
            counts = (size // 1000, None) if store in ("raw", "archive", "backup") else (None, size // 100)
            warehouse.run(
                "insert into {raw}.storage_samples values (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
                (moment, store, name, *counts, size, *(capacity or [None]), moment - 90 * DAY, moment),
            )

    return write


@pytest.fixture
def health(warehouse):
    def read(columns, where="1 = 1"):
        warehouse.dbt("build", "--select", "storage_health")
        return warehouse.run(f"select {columns} from {{marts}}.storage_health where {where} order by date, store, name")

    return read


def test_a_day_is_its_last_sampling_and_what_is_gone_by_then_is_gone(sampled, health):
    sampled((0, 1, "warehouse", "m.old", 5000), (0, 1, "warehouse", "m.t", 1000), (0, 22, "warehouse", "m.t", 2000))

    assert health("store, name, date, row_count, byte_count, sampled_at") == [
        ("warehouse", "(all)", LAST.date(), 20, 2000, LAST.replace(hour=22)),
        ("warehouse", "m.t", LAST.date(), 20, 2000, LAST.replace(hour=22)),
    ]


def test_growth_is_measured_over_seven_days_and_unknown_on_the_first(sampled, health):
    sampled(*((days, 23, "raw", "b", 10_000 - days * 1000) for days in (9, 7, 1, 0)))

    growth = health("date, object_count, growth_bytes_per_day", "store = 'raw'")

    assert growth == [
        ((LAST - 9 * DAY).date(), 1, None), ((LAST - 7 * DAY).date(), 3, 1000), ((LAST - DAY).date(), 9, 1000),
        (LAST.date(), 10, 1000),
    ]  # fmt: skip


def test_after_a_day_of_hourly_samples_growth_is_known_to_the_hour(sampled, health):
    sampled((1, 11, "raw", "b", 1000), (0, 23, "raw", "b", 4000))

    assert health("growth_bytes_per_day", f"store = 'raw' and date = '{LAST.date()}'") == [(2000,)]


def test_the_warehouse_and_the_lake_are_sums_and_say_when_they_are_full(sampled, health):
    for days, size in ((7, 20), (0, 27)):
        sampled(
            (days, 23, "warehouse", "m.a", size * GIGABYTE, 100 * GIGABYTE), (days, 23, "warehouse", "m.b", 10 * GIGABYTE, 100 * GIGABYTE),
            (days, 23, "raw", "r", size * GIGABYTE, 25 * GIGABYTE), (days, 23, "archive", "a", GIGABYTE, 25 * GIGABYTE),
            (days, 23, "disk", "/data", size * GIGABYTE, 30 * GIGABYTE),
        )  # fmt: skip

    full = health(
        "store, name, byte_count div 1000000000, full_at_bytes div 1000000000, days_until_full",
        f"date = '{LAST.date()}'",
    )

    assert full == [
        ("archive", "a", 1, None, None), ("disk", "/data", 27, 30, 3), ("lake", "(all)", 28, 25, 0), ("raw", "r", 27, None, None),
        ("warehouse", "(all)", 37, 100, 63), ("warehouse", "m.a", 27, None, None), ("warehouse", "m.b", 10, None, None),
    ]  # fmt: skip


def test_what_does_not_grow_or_has_no_size_given_is_never_full(sampled, health):
    sampled(
        *((days, 23, "warehouse", "m.a", 10 + days, 100) for days in (3, 0)),
        *((days, 23, "raw", "r", 10 - days) for days in (3, 0)),
    )

    rows = health("store, growth_bytes_per_day, days_until_full", f"name = '(all)' and date = '{LAST.date()}'")

    assert rows == [("lake", 1, None), ("warehouse", -1, None)]


def test_what_maintenance_deleted_stands_beside_the_sizes_of_its_day(warehouse, sampled, health):
    sampled(
        (0, 23, "warehouse", "m.fact_klines", 1000), (0, 23, "warehouse", "m.other", 1000), (0, 23, "raw", "r", 1000)
    )
    for action, store, subject, objects, rows, size in (
        ("rows_deleted", "warehouse", "m.fact_klines", 0, 40, 0), ("rows_deleted", "warehouse", "fact_klines", 0, 2, 0),
        ("kept", "warehouse", "m.fact_klines", 0, 99, 0), ("sources_deleted", "raw", "a.tar.gz", 7, 0, 700),
        ("archived", "archive", "a.tar.gz", 7, 0, 100),
    ):  # fmt: skip
        warehouse.run(
            "insert into {raw}.lifecycle_events (occurred_at, run_id, step, action, store, subject, object_count, row_count, byte_count,"
            " reason) values (%s, 'run', 'retention', %s, %s, %s, %s, %s, %s, 'x')",
            (LAST, action, store, subject, objects, rows, size),
        )

    rows = health("store, name, deleted_objects, deleted_rows, deleted_bytes")

    assert rows == [
        ("lake", "(all)", 7, 0, 700), ("raw", "r", 7, 0, 700), ("warehouse", "(all)", 0, 42, 0),
        ("warehouse", "m.fact_klines", 0, 42, 0), ("warehouse", "m.other", 0, 0, 0),
    ]  # fmt: skip


def test_without_samples_there_is_nothing_and_that_is_no_failure(health):
    assert health("count(*)") == [(0,)]
