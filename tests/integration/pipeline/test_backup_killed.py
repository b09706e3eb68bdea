"""A backup and a restore that are killed anywhere: the same again finishes, and nothing half is ever taken for whole."""

from __future__ import annotations

import os
import sys
from contextlib import closing
from datetime import datetime, timedelta
from itertools import count

import pytest

from candlewick.pipeline import backup
from candlewick.pipeline.backup import manifest as files
from candlewick.pipeline.backup import parts
from candlewick.warehouse import scratch
from support.minute_path import ask
from support.warm import Worker

NOW = datetime(2026, 11, 22, 2)
PART_BYTES = 4000


@pytest.fixture(scope="module")
def worker(tmp_path_factory):
    made = Worker(sys.executable, "support.safekeeping_actor", tmp_path_factory.mktemp("worker") / "log")
    yield made
    made.stop()


@pytest.fixture
def do(worker, database, object_store, config):
    """Do a step in a process of its own, killed at a failpoint."""

    def do(step, now, settings=config, **failpoint):
        worker.start(
            {
                "step": step, "failpoint": failpoint, "now": now.isoformat(), "part_bytes": PART_BYTES,
                "settings": settings.model_dump(mode="json"), "object_store": object_store.port,
                "database": f"{database.host}:{database.port}:{database.user}:{database.password}",
            }
        )  # fmt: skip
        return worker.finish()

    return do


@pytest.fixture
def elsewhere(database, config):
    names = {"raw_schema": f"{config.marts_schema}_back_raw", "marts_schema": f"{config.marts_schema}_back"}
    yield config.model_copy(update=names)
    with closing(database.connect()) as root, root.cursor() as cursor:
        for name in names.values():
            cursor.execute(f"DROP DATABASE IF EXISTS {name}")


@pytest.fixture
def large(warehouse, config):
    """Enough that does not compress for a handful of parts."""
    table = f"{config.raw_schema}.large"
    ask(warehouse, f"CREATE TABLE {table} (n BIGINT PRIMARY KEY, b VARBINARY(20000) NOT NULL)")
    with warehouse.session() as session:
        session.run_many(f"INSERT INTO {table} VALUES (%s, %s)", [(n, os.urandom(20_000)) for n in range(100)])


def stamps(lake):
    return {one.stamp: one.is_whole for one in files.stored(lake)}


@pytest.mark.parametrize(
    ("what", "side"), [("put", "before"), ("put", "after"), ("commit", "before"), ("delete", "after")]
)
def test_a_backup_killed_anywhere_is_made_by_the_next_call_and_leaves_nothing(do, warehouse, lake, what, side):
    backup.run(warehouse, lake, "run", NOW)
    for nth in count(1):
        # The backup of the try before is too old by now: it can be killed while it deletes that.
        now = NOW + timedelta(days=100 * nth)
        with warehouse.session() as session:
            session.run("DELETE FROM lifecycle_events")
        ended = do("save", now, what=what, nth=nth, side=side)
        if not ended.was_killed:
            assert ended.status == 0, ended
            assert ended.answer["seen"].get(what, 0) < nth
            break
        again = do("save", now)
        assert again.status == 0, again
        assert stamps(lake) == {files.stamp_of(now): True}
        events = ask(warehouse, "SELECT subject FROM lifecycle_events WHERE action = 'saved'")
        assert events == [(files.stamp_of(now),)]
    assert nth > 1


@pytest.mark.usefixtures("large")
@pytest.mark.parametrize(("what", "side"), [("get", "after"), ("put", "before"), ("put", "after")])
def test_a_restore_killed_anywhere_is_done_by_the_same_call_again(
    do, warehouse, lake, elsewhere, monkeypatch, what, side
):
    monkeypatch.setattr(parts, "PART_BYTES", PART_BYTES)
    backup.run(warehouse, lake, "run", NOW)
    saved = files.read(lake, "latest")
    for nth in count(1):
        ended = do("restore", NOW, elsewhere, what=what, nth=nth, side=side)
        if not ended.was_killed:
            assert ended.status == 0, ended
            break
        again = do("restore", NOW, elsewhere)
        assert again.status == 0, again
        with warehouse.session() as session:
            found = {name for name, _ in scratch.tables(session, elsewhere.raw_schema)}
            assert found == {one.name for one in saved.tables if one.schema == "raw"}
            # Verified: nobody may empty it any more. The next try needs it empty again.
            for schema in (elsewhere.raw_schema, elsewhere.marts_schema):
                session.run(f"DROP DATABASE {schema}")
    assert nth > 1
