"""A backfill's worker that is killed anywhere loses nothing and doubles nothing: the same again does what is left."""

from __future__ import annotations

import sys
from datetime import datetime, timedelta
from itertools import count

import pytest

from candlewick.market import Interval
from support.backfilling import Backfilling
from support.minute_path import NOON
from support.warm import Worker

START = datetime(2024, 2, 1)
HOURS = 30  # a day that the archive has, and six hours that REST is asked for


@pytest.fixture(scope="module")
def worker(tmp_path_factory):
    made = Worker(sys.executable, "support.backfill_actor", tmp_path_factory.mktemp("worker") / "log")
    yield made
    made.stop()


@pytest.fixture
def backfilling(market, lake, warehouse):
    return Backfilling(market, lake, warehouse, NOON + timedelta(seconds=30))


@pytest.fixture
def work(worker, backfilling, market, database, object_store, config):
    """Work through a run's task in a process of its own, killed at a failpoint."""

    def work(run_id, task, **failpoint):
        worker.start(
            {
                "failpoint": failpoint, "task": task, "run_id": run_id, "exchange": market.url,
                "settings": config.model_copy(update={"archive_concurrency": 1}).model_dump(mode="json"),
                "object_store": object_store.port,
                "database": f"{database.host}:{database.port}:{database.user}:{database.password}",
            }
        )  # fmt: skip
        return worker.finish()

    return work


def span(nth):
    """A span of its own for each try; what is in it comes by two roads."""
    start = START + timedelta(days=2 * nth)
    return {"start": f"{start}Z", "end": f"{start + timedelta(hours=HOURS)}Z", "interval": Interval.HOUR_1.value}


def staged_hours(backfilling, nth):
    """What is staged of a span by loads that count."""
    rows = backfilling.ask(
        "SELECT s.open_time FROM staging_klines AS s JOIN processed_files AS f ON f.object_id = s.object_id "
        "AND f.load_id = s.load_id WHERE s.open_time >= %s AND s.open_time < %s ORDER BY 1",
        START + timedelta(days=2 * nth), START + timedelta(days=2 * nth + 2),
    )  # fmt: skip
    return [row[0] for row in rows]


@pytest.mark.parametrize(("what", "side"), [("put", "before"), ("put", "after"), ("commit", "before")])
def test_killed_at_any_put_or_commit_the_same_again_does_only_what_is_left(backfilling, work, what, side):
    for nth in count(1):
        run_id, (task,) = backfilling.plan(**span(nth))
        ended = work(run_id, task, what=what, nth=nth, side=side)
        assert ended.was_killed or ended.status == 0, ended
        if not ended.was_killed:
            break
        assert work(run_id, task).status == 0
        start = START + timedelta(days=2 * nth)
        assert staged_hours(backfilling, nth) == [start + timedelta(hours=n) for n in range(HOURS)], nth
        assert {row[1] for row in backfilling.parts(run_id)} <= {"done", "unchanged"}
        backfilling.asked()
        assert {row[1] for row in backfilling.run(**span(nth))} == {"unchanged"}
        assert [path for path in backfilling.asked() if path.startswith("/api")] == []
    assert nth > 3, "the failpoint never struck"
    assert backfilling.ask("SELECT object_key FROM extraction_outcomes WHERE load_state = 'pending'") == []
    assert backfilling.ask(
        "SELECT COUNT(*) FROM staging_klines AS s LEFT JOIN processed_files AS f ON f.object_id = s.object_id "
        "AND f.load_id = s.load_id WHERE f.object_id IS NULL"
    ) == [(0,)]
