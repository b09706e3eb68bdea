"""A drill beside a run of maintenance: what moves or goes meanwhile is no difference of the warehouse."""

from __future__ import annotations

from contextlib import closing

import pytest

from candlewick.pipeline.drill import objects, refill
from candlewick.pipeline.drill.objects import WANTED, Live
from candlewick.pipeline.maintenance import archive
from candlewick.warehouse import schema
from support.ageing import NOW, live
from support.minute_path import ask


@pytest.fixture
def drill(warehouse, config, database):
    """The drill's own schema, empty."""
    name = config.raw_schema + refill.SUFFIX
    with closing(database.connect()) as root, root.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci")
        made = refill.beside(warehouse)
        schema.upgrade(made)
        yield made
        cursor.execute(f"DROP DATABASE {name}")


def test_objects_that_are_archived_or_deleted_behind_the_drills_back_are_counted(drill, lake, warehouse, config):
    payloads = live(lake, warehouse, days=2)
    where = Live(config.raw_schema, config.marts_schema, drill.config.raw_schema)
    ask(warehouse, f"CREATE TABLE {where.drill}.{WANTED} (object_id BIGINT NOT NULL PRIMARY KEY)")
    ask(warehouse, f"INSERT INTO {where.drill}.{WANTED} SELECT object_id FROM processed_files")
    with drill.session() as session:
        refill._queue_answers(session, where, "drill")

    def moved():
        with warehouse.session() as session:
            return objects.have_moved(session, where)

    assert moved() == 0
    archive.run(lake, warehouse, "maintenance", NOW, 7)
    first = sum(key.startswith("2024-06-01") for key in payloads)
    assert moved() == first
    ask(warehouse, "UPDATE processed_files SET expired_at = '2024-07-01' WHERE bundle_id IS NULL")
    assert moved() == len(payloads)
