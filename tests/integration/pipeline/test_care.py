"""Care of tables: what is analysed, what is copied into a file without holes, what is left alone."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

import pytest

from candlewick.pipeline.maintenance import care, sizes
from candlewick.warehouse import storage, tables
from candlewick.warehouse.storage import TableSize
from candlewick.warehouse.table_care import Bounds
from support.minute_path import ask

NOON = datetime(2026, 6, 10, 12)
MEGABYTE = 1 << 20
SMALL = Bounds(analyse_bytes=1, free_bytes=4 * MEGABYTE)


@pytest.fixture
def with_holes(warehouse, config):
    """A table of 24 MB of which four fifths were deleted, and a partitioned one likewise."""
    marts = config.marts_schema
    with warehouse.session() as session:
        for name, cut in (("plain", ""), ("cut", "PARTITION BY RANGE (id) (PARTITION p VALUES LESS THAN MAXVALUE)")):
            session.run(
                f"CREATE TABLE {marts}.{name} (id INT PRIMARY KEY AUTO_INCREMENT, filler VARBINARY(8000)) ENGINE=InnoDB {cut}"
            )
            session.run(f"INSERT INTO {marts}.{name} (filler) VALUES (REPEAT('x', 8000))")
            while session.one(f"SELECT COUNT(*) FROM {marts}.{name}")[0] < 3000:
                session.run(f"INSERT INTO {marts}.{name} (filler) SELECT filler FROM {marts}.{name} LIMIT 1000")
            session.commit()
            session.run(f"DELETE FROM {marts}.{name} WHERE id %% 5 = 0 OR id > 700", ())
            session.commit()
    return marts


def wait_for_purge(warehouse, config, name):
    """Deleted rows leave their pages some time after the commit."""
    for _ in range(200):
        with warehouse.session() as session:
            size = {one.name: one for one in storage.table_sizes(session, config)}[name]
        if SMALL.pays(size):
            return
        threading.Event().wait(0.1)
    raise AssertionError(f"{name} has no holes: {size}")


def events(warehouse):
    return ask(
        warehouse, "SELECT action, subject, byte_count > 0 FROM lifecycle_events WHERE step = 'care' ORDER BY 1, 2"
    )


def test_what_pays_is_copied_into_a_file_without_holes_and_what_is_large_is_analysed(
    warehouse, lake, config, with_holes
):
    wait_for_purge(warehouse, config, "plain")

    done = care.run(warehouse, lake, "run", NOON, bounds=SMALL)

    assert done.optimised == 1
    assert done.freed_bytes > 10 * MEGABYTE
    assert done.left == []
    assert ("optimised", f"{with_holes}.plain", 1) in events(warehouse)
    assert ("analysed", f"{with_holes}.cut", 0) in events(warehouse)
    assert [name for _, name, _ in events(warehouse)].count(f"{with_holes}.plain") == 1
    assert "given back" in done.sentence
    again = care.run(warehouse, lake, "run", NOON + timedelta(minutes=1), bounds=SMALL)
    assert again.optimised == 0


def test_nothing_is_copied_while_a_store_is_nearly_full(warehouse, lake, config, with_holes):
    wait_for_purge(warehouse, config, "plain")
    sizes.sample(warehouse, config, NOON)
    warehouse.config = config.model_copy(update={"warehouse_capacity_gigabytes": 0.001})

    done = care.run(warehouse, lake, "run", NOON + timedelta(minutes=1), bounds=SMALL)

    assert done.optimised == 0


def test_a_table_that_is_busy_is_left_for_the_next_run_and_named(warehouse, lake, config, with_holes, monkeypatch):
    monkeypatch.setattr(tables, "DDL_WAIT_SECONDS", 1)
    wait_for_purge(warehouse, config, "plain")
    with warehouse.session() as reader:
        reader.all(f"SELECT * FROM {with_holes}.plain LIMIT 1")  # holds the table's definition until it commits

        done = care.run(warehouse, lake, "run", NOON, bounds=SMALL)

    assert done.optimised == 0
    assert len(done.left) == 1
    assert done.left[0].startswith(f"{with_holes}.plain (")
    assert ("analysed", f"{with_holes}.cut", 0) in events(warehouse)
    assert care.run(warehouse, lake, "run", NOON + timedelta(minutes=1), bounds=SMALL).optimised == 1


def test_old_samples_are_thinned_by_care_and_that_is_an_event(warehouse, lake, config):
    for hour in (1, 2, 3):
        sizes.sample(warehouse, config, datetime(2026, 1, 1, hour))

    done = care.run(warehouse, lake, "run", NOON)

    assert done.thinned > 0
    assert ask(warehouse, "SELECT DISTINCT sampled_at FROM storage_samples ORDER BY 1") == [
        (datetime(2026, 1, 1, 3),),
        (NOON,),
    ]
    assert ask(warehouse, "SELECT action, row_count FROM lifecycle_events") == [("pruned", done.thinned)]


def test_small_tables_are_left_to_the_servers_own_statistics():
    assert not Bounds().wants_statistics(TableSize("m", "t", 1, 15 * MEGABYTE, 0, False))
    assert Bounds().wants_statistics(TableSize("m", "t", 1, 16 * MEGABYTE, 0, False))


@pytest.mark.parametrize(
    ("size", "pays"),
    [
        (TableSize("m", "t", 1, 100 * MEGABYTE, 100 * MEGABYTE, False), True),
        (TableSize("m", "t", 1, 100 * MEGABYTE, 100 * MEGABYTE, True), False),
        (TableSize("m", "t", 1, 10 * MEGABYTE, 20 * MEGABYTE, False), False),
        (TableSize("m", "t", 1, 1000 * MEGABYTE, 100 * MEGABYTE, False), False),
        (TableSize("m", "t", 1, 3000 * MEGABYTE, 3000 * MEGABYTE, False), False),
    ],
    ids=["half empty", "partitioned", "small", "a tenth empty", "giant"],
)
def test_a_copy_pays_for_tables_with_large_holes_that_are_no_giants(size, pays):
    assert Bounds().pays(size) == pays
