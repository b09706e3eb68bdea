"""A backfill's worker that is killed anywhere loses nothing and doubles nothing: the same again does what is left."""

from __future__ import annotations

import sys
from datetime import datetime, timedelta

import pytest

from candlewick.market import Interval
from support.backfilling import Backfilling
from support.minute_path import NOON
from support.warm import Worker

START = datetime(2024, 5, 30)
HOURS = [
    START + timedelta(hours=n) for n in range(60)
]  # a day of the archive, a day of the archive, half a day of REST
PARAMS = {"start": "2024-05-30", "end": "2024-06-01", "interval": Interval.HOUR_1.value}


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


def whole(backfilling):
    """Every hour is staged by a load that counts, each object was loaded once, nothing is queued."""
    staged = backfilling.ask(
        "SELECT s.open_time FROM staging_klines AS s JOIN processed_files AS f ON f.object_id = s.object_id "
        "AND f.load_id = s.load_id ORDER BY 1"
    )
    strays = backfilling.ask(
        "SELECT COUNT(*) FROM staging_klines AS s LEFT JOIN processed_files AS f ON f.object_id = s.object_id "
        "AND f.load_id = s.load_id WHERE f.object_id IS NULL"
    )
    queued = backfilling.ask("SELECT object_key FROM extraction_outcomes WHERE load_state = 'pending'")
    return [row[0] for row in staged], strays, queued


@pytest.mark.parametrize("what", ["put", "commit"])
@pytest.mark.parametrize("side", ["before", "after"])
def test_killed_at_any_put_or_commit_a_new_run_does_only_what_is_left(backfilling, work, what, side):
    run_id, (task,) = backfilling.plan(**PARAMS)
    killed = 0
    for nth in range(1, 100):
        ended = work(run_id, task, what=what, nth=nth, side=side)
        assert ended.was_killed or ended.status == 0, ended
        if not ended.was_killed:
            break
        killed += 1
    assert killed >= 3, "the failpoint never struck"

    assert whole(backfilling) == (HOURS, [(0,)], [])
    assert {row[1] for row in backfilling.parts(run_id)} <= {"done", "unchanged"}
    backfilling.report(run_id)
    backfilling.asked()
    assert {row[1] for row in backfilling.run(**PARAMS)} == {"unchanged"}
    assert not any("klines" in path and path.startswith("/api") for path in backfilling.asked())
