"""Archive files killed on the way, on either side of every put and commit: the next run leaves each candle once."""

from __future__ import annotations

import itertools
import sys
from datetime import date, timedelta

import pytest

from candlewick.archive_file import ArchiveFile
from candlewick.market import Interval
from candlewick.pipeline.bulk import load_backlog
from candlewick.warehouse.facts import FEEDS
from support.marts import build_facts
from support.minute_path import ask
from support.warm import Worker

FIRST_DAY = date(2024, 1, 1)


@pytest.fixture
def bring(database, object_store, market, warehouse, config, tmp_path):
    """Run a process that brings two days of hours into the facts; it may be killed."""
    worker = Worker(sys.executable, "support.history_actor", tmp_path / "actor.log")
    server = f"{database.host}:{database.port}:{database.user}:{database.password}"

    def brought(files, what="", nth=0, side="before"):
        job = {
            "failpoint": {"what": what, "nth": nth, "side": side, "pid": 0},
            "settings": config.model_dump(mode="json"), "database": server, "object_store": object_store.port,
            "exchange": market.url, "files": [file.name for file in files],
        }  # fmt: skip
        worker.start(job)
        return worker.finish()

    yield brought
    worker.stop()


def two_days(number):
    start = FIRST_DAY + timedelta(days=2 * number)
    return [ArchiveFile.of_day("BTCUSDT", Interval.HOUR_1, start + timedelta(days=n)) for n in range(2)]


def is_whole(warehouse, market, days):
    """All hours of the first days are facts, once and as the exchange has them; the ledgers say the same."""
    marts = warehouse.config.marts_schema
    facts = ask(
        warehouse,
        "SELECT TIMESTAMPDIFF(SECOND, '1970-01-01', open_time) * 1000, CAST(open_price AS CHAR), CAST(volume AS CHAR), "
        f"trade_count FROM {marts}.fact_klines ORDER BY 1",
    )
    expected = []
    for start in range(two_days(0)[0].start_ms, two_days(0)[0].start_ms + days * 86_400_000, 40 * 86_400_000):
        end = min(start + 40 * 86_400_000, two_days(0)[0].start_ms + days * 86_400_000)
        expected += market.get(
            "/api/v3/klines", symbol="BTCUSDT", interval="1h", startTime=start, endTime=end - 1, limit=1000
        ).json()
    assert facts == [(row[0], row[1], row[5], row[8]) for row in expected]
    staged = ask(warehouse, "SELECT COUNT(*), COUNT(DISTINCT open_time) FROM staging_klines")
    assert staged == [(24 * days, 24 * days)]
    assert ask(warehouse, "SELECT state, COUNT(*), SUM(editions) FROM archive_files GROUP BY state") == [
        ("loaded", days, days)
    ]
    left = ask(warehouse, "SELECT load_state, COUNT(*) FROM extraction_outcomes GROUP BY load_state")
    assert left == [("loaded", days)]
    models = ask(warehouse, "SELECT model, COUNT(*) FROM pending_loads GROUP BY model ORDER BY 1")
    assert models == [(model, days) for model in sorted(FEEDS)]


@pytest.mark.parametrize(("what", "least"), [("put", 4), ("commit", 8)])
def test_archive_files_killed_at_every_put_and_commit(database, warehouse, dbt, lake, market, bring, what, least):
    build_facts(database, warehouse, dbt)
    numbers = itertools.count()
    for side in ("before", "after"):
        for nth in itertools.count(1):
            files = two_days(number := next(numbers))
            ended = bring(files, what, nth, side)
            if not ended.was_killed:
                assert ended.status == 0, ended
                break
            again = bring(files)
            assert again.status == 0, again
            assert sorted(again.answer["rows"].values()) == [24, 24]
        assert nth > least
    assert load_backlog(lake, warehouse, "run").objects == 0
    is_whole(warehouse, market, 2 * (number + 1))
