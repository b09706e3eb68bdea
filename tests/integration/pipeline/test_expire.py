"""Archived objects are deleted for good by age, and their rows say when and by which rule."""

from __future__ import annotations

from datetime import timedelta

import pytest

from candlewick.lake.store import Lake, LakeUnavailable
from candlewick.pipeline.bulk import load_backlog
from candlewick.pipeline.load import UnknownObject, load_again, load_quarantined
from candlewick.pipeline.maintenance import archive, expire
from candlewick.pipeline.rebuild import queue_from_lake
from candlewick.pipeline.rebuild_request import RebuildRequest
from candlewick.warehouse import processed
from support.ageing import DAY, NOW, bundle_keys, events, in_bundles, in_raw, live
from support.minute_path import ask

LATER = NOW + timedelta(days=1)
DUE = DAY + timedelta(days=31, hours=2)
"""With 30 days, the bundles of the 1st are due, those of the 2nd are not."""


@pytest.fixture
def archived(lake, warehouse):
    """Two days of answers, both archived."""
    payloads = live(lake, warehouse, days=2)
    archive.run(lake, warehouse, "maintenance", LATER, 7)
    assert in_raw(lake) == {}
    return payloads


def run(lake, warehouse, now=DUE):
    return expire.run(lake, warehouse, "maintenance", now, 30)


def plan(lake, warehouse, now=DUE):
    with warehouse.session() as session:
        return expire.plan(session, lake.config, now, 30)


def test_bundles_past_their_age_are_deleted_and_their_rows_say_when_and_why(lake, warehouse, archived):
    planned = plan(lake, warehouse)
    size = sum(lake.size(lake.config.archive_bucket, key) for key in bundle_keys(lake) if "2024-06-01" in key)
    assert (planned.bundles.objects, planned.bundles.bytes, planned.answers.objects) == (4, size, 12)
    assert (planned.plain.objects, planned.held, planned.archive.objects, planned.raw.objects) == (0, (), 8, 0)

    summary = run(lake, warehouse)
    assert (summary.bundles, summary.answers, summary.bytes, summary.held) == (4, 12, size, 0)
    assert set(in_bundles(lake)) == {key for key in archived if key.startswith("2024-06-02")}
    reason = "captured more than 30 days before 2024-07-02"
    rows = ask(warehouse, "SELECT object_key, expired_at, expiry_reason FROM processed_files")
    for key, expired_at, why in rows:
        assert (expired_at, why) == ((DUE, reason) if key.startswith("2024-06-01") else (None, None))
    states = ask(
        warehouse, "SELECT CAST(date AS CHAR), state, expired_at, expiry_reason, COUNT(*) FROM archive_bundles GROUP BY 1, 2, 3, 4 ORDER BY 1"
    )  # fmt: skip
    assert states == [("2024-06-01", "expired", DUE, reason, 4), ("2024-06-02", "settled", None, None, 4)]
    assert [action for action, *_ in events(warehouse, "expire")] == ["expired"] * 4
    assert (run(lake, warehouse).bundles, plan(lake, warehouse).answers.objects) == (0, 0)


def test_days_count_from_the_plan_and_rows_say_when_it_was_done(lake, warehouse):
    """A person took a day to approve: meanwhile another day has come of age, which the plan did not name."""
    live(lake, warehouse, days=2)
    done, planned = NOW + timedelta(hours=30), NOW
    archive.run(lake, warehouse, "maintenance", done, 7, counted_from=planned)
    assert ask(warehouse, "SELECT DISTINCT date, archived_at FROM archive_bundles") == [(DAY.date(), done)]
    archive.run(lake, warehouse, "maintenance", done, 7)

    done, planned = DUE + timedelta(hours=30), DUE
    expire.run(lake, warehouse, "maintenance", done, 30, counted_from=planned)
    expired = "SELECT DISTINCT date, expired_at, expiry_reason FROM archive_bundles WHERE state = 'expired'"
    assert ask(warehouse, expired) == [(DAY.date(), done, f"captured more than 30 days before {planned.date()}")]
    assert ask(warehouse, "SELECT DISTINCT occurred_at FROM lifecycle_events WHERE step = 'expire'") == [(done,)]


def test_a_bundle_with_an_answer_that_is_queued_stays_and_is_reported(lake, warehouse, archived):
    key = next(key for key in archived if key.startswith("2024-06-01/BTCUSDT_klines"))
    ask(
        warehouse, "UPDATE extraction_outcomes SET load_state = 'pending', lane = 'backfill' WHERE object_key = %s", key
    )

    assert [(one.symbol, one.reason, one.holding.objects) for one in plan(lake, warehouse).held] == [
        ("BTCUSDT", "pending", 1)
    ]
    summary = run(lake, warehouse)
    assert (summary.bundles, summary.held) == (3, 1)
    assert key in in_bundles(lake)
    assert load_backlog(lake, warehouse, "again").objects == 1
    assert run(lake, warehouse).bundles == 1


def test_a_bundle_whose_sources_may_still_be_there_stays(lake, warehouse, archived):
    ask(warehouse, "UPDATE archive_bundles SET state = 'archived' WHERE symbol = 'ETHUSDT'")
    assert {one.reason for one in plan(lake, warehouse).held} == {"archived"}
    assert run(lake, warehouse).bundles == 2
    archive.run(lake, warehouse, "maintenance", DUE, 7)
    assert run(lake, warehouse).bundles == 2


def test_answers_that_an_older_platform_left_one_by_one_expire_too(lake, warehouse):
    payloads = live(lake, warehouse, days=2)
    for key, payload in payloads.items():
        lake.put(lake.config.archive_bucket, key, payload)
    lake.delete_many(lake.config.raw_bucket, list(payloads))
    ask(warehouse, "UPDATE processed_files SET bucket = %s", lake.config.archive_bucket)
    stranger = "2024-06-01/XRPUSDT_klines_1717200000123.json"
    lake.put(lake.config.archive_bucket, stranger, b"{}")

    first = {key for key in payloads if key.startswith("2024-06-01")}
    assert plan(lake, warehouse).plain.objects == len(first)
    assert run(lake, warehouse).plain == len(first)
    assert set(lake.keys(lake.config.archive_bucket)) == set(payloads) - first | {stranger}
    assert ask(warehouse, "SELECT COUNT(*) FROM processed_files WHERE expired_at = %s", DUE) == [(len(first),)]
    assert run(lake, warehouse).plain == 0


class StoreThatKeeps(Lake):
    """The real store, which refuses to delete one object."""

    def delete_many(self, bucket, keys):
        return super().delete_many(bucket, keys[1:]) | {keys[0]: "AccessDenied"}


def test_what_the_store_refuses_to_delete_is_not_called_expired(object_store, lake, warehouse, archived):
    with pytest.raises(LakeUnavailable, match=r"expected to delete 4 objects of .*, but 1 stay"):
        run(StoreThatKeeps(object_store.client(), lake.config), warehouse)
    assert ask(warehouse, "SELECT COUNT(*) FROM archive_bundles WHERE state = 'expiring'") == [(4,)]
    assert ask(warehouse, "SELECT COUNT(*) FROM processed_files WHERE expired_at IS NOT NULL") == [(0,)]
    assert run(lake, warehouse).bundles == 4


def test_an_expired_object_is_never_loaded_again_by_accident(lake, warehouse, archived):
    run(lake, warehouse)
    key = next(key for key in archived if key.startswith("2024-06-01"))
    with pytest.raises(UnknownObject, match=r"expected objects that the lake still has, got .*deleted for good by age"):
        load_again(lake, warehouse, "again", [key])
    ask(warehouse, "UPDATE processed_files SET status = 'partial'")
    assert load_quarantined(lake, warehouse, "again").objects == 12  # those of the 2nd
    lake.put(lake.config.raw_bucket, key, archived[key])  # somebody brings a copy back
    for force in (False, True):
        queue_from_lake(lake, warehouse, "again", RebuildRequest(force=force))
        load_backlog(lake, warehouse, "again")
    again = ask(warehouse, "SELECT load_state FROM extraction_outcomes WHERE object_key = %s", key)
    assert again == [("loaded",)]
    assert ask(warehouse, "SELECT load_id = 1 FROM processed_files WHERE object_key = %s", key) == [(1,)]


def test_an_object_that_is_about_to_expire_is_not_loaded_either(object_store, lake, warehouse, archived):
    with pytest.raises(LakeUnavailable):
        run(StoreThatKeeps(object_store.client(), lake.config), warehouse)
    key = next(key for key in archived if key.startswith("2024-06-01"))
    with pytest.raises(UnknownObject, match=r"expected objects that the lake still has"):
        load_again(lake, warehouse, "again", [key])
    queue_from_lake(lake, warehouse, "again", RebuildRequest(force=True))
    assert load_backlog(lake, warehouse, "again").objects == 12  # those of the 2nd


def test_a_key_that_was_pruned_from_both_ledgers_is_loaded_only_when_forced(lake, warehouse, archived):
    for table in ("extraction_outcomes", "processed_files"):
        ask(warehouse, f"DELETE FROM {table} WHERE object_key LIKE '2024-06-01/%%'")
    ask(warehouse, "DELETE FROM archive_bundles WHERE date = '2024-06-01'")
    ask(
        warehouse,
        "INSERT INTO retention_horizons (exchange, symbol, data_type, interval_code, horizon, updated_at) "
        "VALUES ('binance', '', 'processed_files', '', '2024-06-02', NOW(3))",
    )
    with warehouse.session() as session:
        assert processed.horizon(session, "binance") == DAY + timedelta(days=1)

    queued = queue_from_lake(lake, warehouse, "again", RebuildRequest())
    assert (queued.answers, queued.forgotten, queued.known) == (0, 12, 12)
    assert "12 are older than the ledger" in queued.sentence
    assert ask(warehouse, "SELECT COUNT(*) FROM archive_bundles WHERE date = '2024-06-01'") == [(0,)]
    forced = queue_from_lake(lake, warehouse, "again", RebuildRequest(force=True))
    assert (forced.answers, forced.forgotten) == (12, 0)
