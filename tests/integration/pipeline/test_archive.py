"""Answers age into the archive: one compressed file for a series and day, read back before the sources go."""

from __future__ import annotations

from datetime import timedelta

from candlewick.lake.keys import EVIDENCE, bundle_key
from candlewick.market import DataType, Interval
from candlewick.pipeline.bulk import load_backlog
from candlewick.pipeline.load import load_pending
from candlewick.pipeline.maintenance import archive, bundling
from support.ageing import (
    DAY,
    NOW,
    answer,
    bundle_keys,
    capture,
    events,
    in_bundles,
    in_raw,
    live,
    sha256,
    where,
)
from support.archive_files import keep, month
from support.minute_path import ask

SERIES = [("BTCUSDT", "depth"), ("BTCUSDT", "klines"), ("ETHUSDT", "depth"), ("ETHUSDT", "klines")]


def run(lake, warehouse, now=NOW):
    return archive.run(lake, warehouse, "maintenance", now, 7)


def of_day(payloads, day="2024-06-01"):
    return {key: payload for key, payload in payloads.items() if key.startswith(day)}


def test_a_day_of_a_series_becomes_one_file_and_the_next_day_stays(lake, warehouse):
    payloads = live(lake, warehouse, days=2)
    summary = run(lake, warehouse)

    assert (summary.bundles, summary.objects, summary.held, summary.left) == (4, 12, 0, 0)
    assert in_raw(lake) == of_day(payloads, "2024-06-02")
    assert in_bundles(lake) == of_day(payloads)
    assert [(key.split("_")[0], key.split("_")[1]) for key in bundle_keys(lake)] == [
        (f"2024-06-01/{symbol}", data_type) for symbol, data_type in SERIES
    ]
    for key, (bucket, bundle) in where(warehouse).items():
        if key.startswith("2024-06-01"):
            assert bucket == lake.config.archive_bucket
            assert bundle in bundle_keys(lake)
            assert bundle.startswith("_".join(key.split("_")[:2]))
        else:
            assert (bucket, bundle) == (lake.config.raw_bucket, None)
    rows = ask(
        warehouse,
        "SELECT symbol, data_type, interval_code, CAST(date AS CHAR), object_count, source_bytes, bundle_bytes, sha256, "
        "state, archived_at, settled_at, object_key FROM archive_bundles ORDER BY object_key",
    )
    for symbol, data_type, interval_code, day, count, source_bytes, size, digest, state, at, settled, key in rows:
        members = [p for k, p in of_day(payloads).items() if k.startswith(f"2024-06-01/{symbol}_{data_type}_")]
        assert (interval_code, day, count) == ("1m" if data_type == "klines" else "", "2024-06-01", 3)
        assert (source_bytes, state, at, settled) == (sum(map(len, members)), "settled", NOW, NOW)
        packed = lake.get(lake.config.archive_bucket, key)
        assert (size, digest) == (len(packed), sha256(packed))
    assert ask(warehouse, "SELECT COUNT(*) FROM processed_files WHERE archived_at = %s", NOW) == [(12,)]
    assert sorted(events(warehouse, "archive")) == sorted(
        (action, symbol, 3) for symbol, _ in SERIES for action in ("archived", "sources_deleted")
    )


def test_archiving_again_finds_nothing_to_do(lake, warehouse):
    live(lake, warehouse)
    run(lake, warehouse)
    before = where(warehouse), in_raw(lake), bundle_keys(lake), len(events(warehouse, "archive"))

    assert run(lake, warehouse).objects == 0
    assert (where(warehouse), in_raw(lake), bundle_keys(lake), len(events(warehouse, "archive"))) == before


def test_the_plan_says_what_a_run_then_does(lake, warehouse):
    payloads = live(lake, warehouse)
    with warehouse.session() as session:
        plan = archive.plan(session, lake.config, NOW, 7)
    due = of_day(payloads)
    assert (plan.due.objects, plan.due.bytes) == (len(due), sum(map(len, due.values())))
    assert (plan.raw.objects, plan.raw.bytes) == (len(payloads), sum(map(len, payloads.values())))
    assert plan.cutoff == DAY + timedelta(days=1)
    assert plan.due.oldest == DAY + timedelta(minutes=1, milliseconds=123)
    assert plan.due.newest < plan.cutoff < plan.raw.newest
    assert (plan.archive.objects, plan.unfinished.objects, plan.held) == (0, 0, ())

    summary = run(lake, warehouse)
    assert (summary.objects, summary.source_bytes) == (plan.due.objects, plan.due.bytes)
    with warehouse.session() as session:
        after = archive.plan(session, lake.config, NOW, 7)
    assert (after.due.objects, after.archive.objects, after.archive.bytes) == (0, 4, summary.bundle_bytes)
    assert after.raw.objects == len(payloads) - len(due)


def test_what_is_queued_or_in_quarantine_stays_and_is_reported(lake, warehouse):
    live(lake, warehouse, days=1)
    bad = capture(lake, warehouse, "BTCUSDT", DAY + timedelta(hours=1), payload=b"no envelope")
    load_pending(lake, warehouse, "minute")
    queued = capture(lake, warehouse, "ETHUSDT", DAY + timedelta(hours=2))
    again = next(key for key in in_raw(lake) if "ETHUSDT_depth" in key)
    ask(
        warehouse,
        "UPDATE extraction_outcomes SET load_state = 'pending', lane = 'backfill' WHERE object_key = %s",
        again,
    )

    with warehouse.session() as session:
        held = archive.plan(session, lake.config, NOW, 7).held
    summary = run(lake, warehouse)
    assert {(one.symbol, one.data_type, one.reason, one.holding.objects) for one in held} == {
        ("ETHUSDT", "klines", "pending", 1), ("ETHUSDT", "depth", "pending", 1), ("BTCUSDT", "klines", "quarantined", 1),
    }  # fmt: skip
    assert summary.held == 3
    assert set(in_raw(lake)) == {bad, queued, again}
    kept = ask(warehouse, "SELECT symbol, reason, object_count FROM lifecycle_events WHERE action = 'kept'")
    assert {(symbol, count) for symbol, _, count in kept} == {("ETHUSDT", 1), ("BTCUSDT", 1)}
    assert sum("queued" in reason for _, reason, _ in kept) == 2

    load_pending(lake, warehouse, "minute")
    load_backlog(lake, warehouse, "minute")
    assert run(lake, warehouse).objects == 2
    assert set(in_raw(lake)) == {bad}


def test_published_files_evidence_and_what_nobody_names_are_left_alone(lake, warehouse):
    keep(warehouse, lake, month(), captured="2024-05-01")
    load_backlog(lake, warehouse, "run")
    lake.put(lake.config.raw_bucket, f"{EVIDENCE}/2024-05-01/BTCUSDT_klines_1714521600000.json", b"{}")
    lake.put(lake.config.raw_bucket, "2024-05-01/BTCUSDT_klines_1714521600000.json", b"{}")
    before = in_raw(lake)

    assert run(lake, warehouse).objects == 0
    assert in_raw(lake) == before


def test_a_straggler_of_an_archived_day_makes_a_bundle_of_its_own(lake, warehouse):
    payloads = live(lake, warehouse, days=1)
    run(lake, warehouse)
    late = capture(lake, warehouse, "BTCUSDT", DAY + timedelta(hours=5))
    payloads[late] = lake.get(lake.config.raw_bucket, late)
    load_pending(lake, warehouse, "minute")

    assert run(lake, warehouse).bundles == 1
    assert len([key for key in bundle_keys(lake) if "BTCUSDT_klines" in key]) == 2
    assert in_bundles(lake) == payloads
    assert in_raw(lake) == {}


def test_an_object_that_is_gone_or_changed_is_reported_and_the_others_are_archived(lake, warehouse):
    payloads = live(lake, warehouse, days=1)
    gone, changed, *others = (key for key in payloads if "BTCUSDT_klines" in key)
    lake.delete_many(lake.config.raw_bucket, [gone])
    lake.put(lake.config.raw_bucket, changed, payloads[changed].replace(b'"symbol"', b'"Symbol"'))

    summary = run(lake, warehouse)
    assert (summary.left, summary.objects) == (2, len(payloads) - 2)
    assert set(in_raw(lake)) == {changed}
    assert set(in_bundles(lake)) == set(payloads) - {gone, changed}
    assert where(warehouse)[gone] == where(warehouse)[changed] == (lake.config.raw_bucket, None)
    ((reason, count),) = ask(
        warehouse, "SELECT reason, object_count FROM lifecycle_events WHERE action = 'reported' AND symbol = 'BTCUSDT'"
    )
    assert count == 2
    assert gone in reason
    assert "not in" in reason
    assert others


def test_a_name_that_does_not_say_the_day_is_archived_all_the_same(lake, warehouse):
    """An older platform named folders by its local date."""
    payloads = live(lake, warehouse, days=1)
    odd, *_ = payloads
    other = odd.replace("2024-06-01/", "2024-05-31/")
    lake.put(lake.config.raw_bucket, other, payloads[odd])
    lake.delete_many(lake.config.raw_bucket, [odd])
    for table in ("extraction_outcomes", "processed_files"):
        ask(warehouse, f"UPDATE {table} SET object_key = %s WHERE object_key = %s", other, odd)

    assert run(lake, warehouse).objects == len(payloads)
    assert other in in_bundles(lake)


def test_a_day_with_very_many_answers_is_cut_into_several_bundles(lake, warehouse, monkeypatch):
    monkeypatch.setattr(bundling, "MOST_MEMBERS", 2)
    payloads = live(lake, warehouse, days=1, each=5, symbols=("BTCUSDT",))
    assert run(lake, warehouse).bundles == 6
    assert in_bundles(lake) == payloads
    assert in_raw(lake) == {}


def test_the_same_answers_make_the_same_bundle_whoever_packs_them(lake, warehouse):
    """A run that died after its put is followed by one that overwrites the same object."""
    payloads = live(lake, warehouse, days=1)
    keys = [key for key in payloads if "BTCUSDT_klines" in key]
    key = bundle_key("BTCUSDT", DataType.KLINES, Interval.MINUTE_1, DAY.date(), keys)
    lake.put(lake.config.archive_bucket, key, b"half a bundle")

    run(lake, warehouse)
    assert key in bundle_keys(lake)
    assert len(bundle_keys(lake)) == 4
    assert in_bundles(lake) == payloads


def test_what_changes_while_it_is_packed_is_left_to_the_next_run(lake, warehouse, monkeypatch):
    payloads = live(lake, warehouse, days=1)
    key = next(key for key in payloads if "BTCUSDT_klines" in key)
    packed = bundling.make

    def asked_for_meanwhile(store, unit, objects):
        made = packed(store, unit, objects)
        if key in [one.object_key for one in objects]:
            ask(warehouse, "UPDATE extraction_outcomes SET load_state = 'pending' WHERE object_key = %s", key)
        return made

    monkeypatch.setattr(bundling, "make", asked_for_meanwhile)
    summary = run(lake, warehouse)
    assert "asked for or changed meanwhile" in summary.problems[0]
    assert len(in_raw(lake)) == 3
    monkeypatch.undo()
    load_pending(lake, warehouse, "minute")
    run(lake, warehouse)
    assert in_raw(lake) == {}
    assert in_bundles(lake) == payloads


def test_an_answer_is_archived_as_captured_down_to_the_byte(lake, warehouse):
    payload = answer("BTCUSDT", DAY + timedelta(minutes=7)).replace(b'"data":', b'"data" : ')
    key = capture(lake, warehouse, "BTCUSDT", DAY + timedelta(minutes=7), payload=payload)
    load_pending(lake, warehouse, "minute")
    run(lake, warehouse)
    assert in_bundles(lake) == {key: payload}
