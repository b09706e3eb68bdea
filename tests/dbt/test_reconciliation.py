"""Our hours and days against the exchange's own candles, REST against the archive: what differs, and what explains it."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest

DAY, NEXT_DAY = "2026-03-05", "2026-03-06 04:30"
COUNTS = "bucket_count, match_count, difference_count, explained_count, unexplained_count"
HOLE = ("archive_hole", "10:41", "10:42", "explained")

OTHER_VALUES = {
    "open_price": 99, "high_price": 103, "low_price": 97, "close_price": 101, "volume": 11, "quote_volume": 1001,
    "trade_count": 11, "taker_buy_volume": 6, "taker_buy_quote_volume": 501,
}  # fmt: skip


@pytest.fixture
def theirs(candle):
    """A candle of the exchange's own, captured when its day was over."""
    return partial(candle, interval="1h", captured=NEXT_DAY)


@pytest.fixture
def published(candle):
    """A minute of an archive file."""
    return partial(candle, source="archive_daily", captured=NEXT_DAY)


def cases(candle, theirs, published, at):
    """Return what comes in and what is found, by symbol; each candle is a load of its own, in this order.

    Our minutes, the exchange's hours, rows of the gap ledger; then the counts (buckets, differing, explained), the first
    offending bucket, the explanation.
    """
    return {
        "TRADED": (
            [candle("10:00", 90, trades=0), candle("10:01", 101, open_=100, high=102, low=99), candle("10:02", 103, open_=101)],
            [theirs("10:00", 103, open_=100, high=103, low=99, trades=20)], [], (1, 0, 0), None, None,
        ),
        "FLAT": ([candle("10:00", 7, trades=0), candle("10:01", 7, trades=0)], [theirs("10:00", 7, trades=0)], [], (1, 0, 0), None, None),
        "EARLYCLOSE": ([candle("10:00")], [theirs("10:00", close_time=at("10:41"))], [], (1, 0, 0), None, None),
        "ONESIDED": ([candle("10:00"), candle("12:00")], [theirs("10:00"), theirs("11:00")], [], (3, 2, 0), "11:00", None),
        "HOLE": (
            [candle("10:00")], [theirs("10:00", 100, high=101, trades=12)], [HOLE],
            (1, 1, 1), "10:00", "archive_hole 2026-03-05 10:41 (1 minute)",
        ),
        "PARTLYKNOWN": (
            [candle("10:00")], [theirs("10:00", trades=12)], [HOLE, ("unknown", "10:50", "10:51", "open")], (1, 1, 0), "10:00", None,
        ),
        "UNKNOWN": ([candle("10:00")], [theirs("10:00", trades=12)], [("unknown", "10:41", "10:42", "unexplained")], (1, 1, 0), "10:00", None),
        "ELSEWHERE": ([candle("10:00")], [theirs("10:00", trades=12)], [("archive_hole", "11:00", "11:01", "explained")], (1, 1, 0), "10:00", None),
        "MORETHANTHEY": ([candle("10:00", trades=12)], [theirs("10:00")], [HOLE], (1, 1, 0), "10:00", None),
        "HIGHERTHANTHEY": ([candle("10:00", high=101)], [theirs("10:00", trades=12)], [HOLE], (1, 1, 0), "10:00", None),
        "FLATATOLDCLOSE": (
            [candle("10:00", 100, trades=0)], [theirs("10:00", 90)], [HOLE],
            (1, 1, 1), "10:00", "archive_hole 2026-03-05 10:41 (1 minute)",
        ),
        "FIRSTUNEXPLAINED": (
            [candle("08:00"), candle("10:00"), candle("11:00")],
            [theirs("08:00"), theirs("09:00"), theirs("10:00", 101), theirs("11:00", trades=11)],
            [("exchange_outage", "08:30", "09:20", "explained"), ("archive_hole", "11:05", "11:07", "explained")],
            (4, 3, 2), "10:00", "archive_hole 2026-03-05 11:05 (2 minutes) and 1 more",
        ),
        "REVISEDMINUTE": (
            [candle("10:00", trades=15), candle("10:01"), published("10:00", trades=10)], [theirs("10:00", trades=25)], [],
            (1, 1, 1), "10:00", "revision 2026-03-05 10:00 (archive_daily instead of rest)",
        ),
        "REVISEDOTHERWISE": (
            [candle("10:00", trades=15), candle("10:01"), published("10:00", trades=10)], [theirs("10:00", trades=27)], [],
            (1, 1, 0), "10:00", None,
        ),
        "REVISEDHOUR": (
            [candle("10:00")], [theirs("10:00"), theirs("10:00", trades=11, captured="2026-03-07 04:30")], [],
            (1, 1, 1), "10:00", "revision 2026-03-05 10:00 (rest instead of rest)",
        ),
        **{
            f"OTHER{number}": ([candle("10:00", high=102, low=98)], [theirs("10:00", high=102, low=98) | {column: value}], [], (1, 1, 0), "10:00", None)
            for number, (column, value) in enumerate(OTHER_VALUES.items())
        },
    }  # fmt: skip


@pytest.fixture
def reconcile(warehouse):
    """Build facts, hours and days, then compare."""
    return partial(warehouse.dbt, "run", "--select", "tag:minute", "minutes_heard", "reconciliation_daily")


def load(warehouse, symbol, *candles):
    for one in candles:
        warehouse.load([one | {"symbol": symbol}])


def explain(warehouse, symbol, reason, start, end, status):
    start, end = f"{DAY} {start}", f"{DAY} {end}"
    warehouse.run(
        "insert into {raw}.gap_ledger (exchange, symbol, data_type, interval_code, from_time, to_time, minutes, reason, status,"
        " detected_at, updated_at) values ('binance', %s, 'klines', '1m', %s, %s, timestampdiff(minute, %s, %s), %s, %s,"
        " '2026-03-06', '2026-03-06')",
        (symbol, start, end, start, end, reason, status),
    )


def rows(warehouse, check, columns=COUNTS):
    return warehouse.run(
        f"select {columns} from {{marts}}.reconciliation_daily where check_name = %s order by symbol, date", (check,)
    )


def test_each_hour_agrees_or_differs_and_only_evidence_explains(warehouse, reconcile, candle, theirs, published, at):
    told = cases(candle, theirs, published, at)
    for symbol, (minutes, hours, gaps, *_) in told.items():
        load(warehouse, symbol, *minutes, *hours)
        for gap in gaps:
            explain(warehouse, symbol, *gap)
    reconcile()
    found = {row[0]: row[1:] for row in rows(warehouse, "1h", f"symbol, {COUNTS}, first_offending_bucket, explanation")}
    expected = {
        symbol: (buckets, buckets - differing, differing, explained, differing - explained, first and at(first), why)
        for symbol, (_, _, _, (buckets, differing, explained), first, why) in told.items()
    }
    assert found == expected
    assert rows(warehouse, "1d") == []
    queued = "select * from {raw}.pending_loads where model in ('minutes_heard', 'reconciliation_daily')"
    assert warehouse.run(queued) == []


def test_a_day_is_compared_when_it_was_over_and_again_when_anything_of_it_comes(
    warehouse, reconcile, candle, theirs, at
):
    """SETTLED waits for a minute, EXPLAINED for a word of the ledger, EARLY for the rest of its hours; ASKED has no minute.

    PARTLY was asked for from 09:00 on, NEWLISTED from its first minute.
    """
    load(warehouse, "SETTLED", candle("10:00"), candle("2026-03-06 10:00"), theirs("10:00", trades=20))
    load(warehouse, "SETTLED", theirs("00:00", trades=20, interval="1d"), theirs("2026-03-04 00:00", interval="1d"))
    load(warehouse, "EXPLAINED", candle("10:00"), theirs("10:00", trades=12))
    load(warehouse, "EARLY", candle("10:00"), candle("11:00"), theirs("10:00", captured="11:30"))
    load(warehouse, "SAME", candle("10:00"), theirs("10:00"))
    load(warehouse, "NOTASKED", theirs("10:00"))
    load(warehouse, "ASKED", theirs("10:00"))
    load(warehouse, "PARTLY", candle("10:30"), theirs("10:00", trades=20))
    load(warehouse, "NEWLISTED", candle("15:00"), theirs("15:00", trades=20))
    for symbol, minutes in (("ASKED", 1440), ("PARTLY", 900), ("NEWLISTED", 540)):
        warehouse.run(
            "insert into {raw}.coverage_counts values ('binance', %s, '2026-03-05', %s, 0, 0, now(3))",
            (symbol, minutes),
        )
    for symbol, opened in (("PARTLY", "2017-08-17"), ("NEWLISTED", "2026-03-05 15:00")):
        warehouse.run(
            "insert into {raw}.tracked_symbols (exchange, symbol, status, first_open_time, added_at)"
            " values ('binance', %s, 'TRADING', %s, now(3))",
            (symbol, opened),
        )
    reconcile()
    assert rows(warehouse, "1h", "symbol, difference_count, unexplained_count") == [
        ("ASKED", 1, 1), ("EXPLAINED", 1, 1), ("NEWLISTED", 1, 1), ("SAME", 0, 0), ("SETTLED", 1, 1),
    ]  # fmt: skip
    assert rows(warehouse, "1d", "symbol, date, unexplained_count") == [("SETTLED", at("00:00").date(), 1)]
    same = rows(warehouse, "1h", "if(symbol = 'SAME', compared_at, null)")

    load(warehouse, "SETTLED", candle("10:01"))
    load(warehouse, "EARLY", theirs("10:00"), theirs("11:00"))
    reconcile()
    assert rows(warehouse, "1h", f"symbol, {COUNTS}")[1:3] == [("EARLY", 2, 2, 0, 0, 0), ("EXPLAINED", 1, 0, 1, 0, 1)]
    assert rows(warehouse, "1h")[-1] == rows(warehouse, "1d")[-1] == (1, 1, 0, 0, 0)

    explain(warehouse, "EXPLAINED", *HOLE)
    reconcile()  # nothing was loaded in between
    assert rows(warehouse, "1h", "symbol, explained_count, unexplained_count")[2] == ("EXPLAINED", 1, 0)
    assert {row[0] for row in same} <= {
        row[0] for row in rows(warehouse, "1h", "if(symbol = 'SAME', compared_at, null)")
    }


def test_rest_is_compared_with_the_archive_minute_by_minute(warehouse, reconcile, candle, published, at):
    minutes = [at("10:00") + timedelta(minutes=n) for n in range(90)]
    warehouse.load([candle(minute, symbol="FIRSTREST") for minute in minutes])
    load(warehouse, "FIRSTARCHIVE", published("10:00"), published("10:01"))
    load(warehouse, "FORMING", candle("10:00"), candle("10:01", captured="10:01:30"), published("10:00"))
    reconcile()
    assert rows(warehouse, "rest_vs_archive", f"symbol, {COUNTS}") == [("FORMING", 1, 1, 0, 0, 0)]

    warehouse.load([
        published(minute, 100 if minute != minutes[70] else 101, symbol="FIRSTREST") for minute in minutes[:89]
    ])  # fmt: skip
    load(warehouse, "FIRSTREST", published("2026-03-07 10:00", captured="2026-03-08"))  # a day REST knows nothing of
    load(warehouse, "FIRSTARCHIVE", candle("10:00", 101, captured="2026-03-07"), candle("10:01", captured="2026-03-07"))
    reconcile()
    assert rows(warehouse, "rest_vs_archive", f"{COUNTS}, first_offending_bucket, explanation")[:2] == [
        (2, 1, 1, 1, 0, at("10:00"), "revision 2026-03-05 10:00 (archive_daily instead of rest)"),
        (90, 88, 2, 1, 1, at("11:29"), "revision 2026-03-05 11:10 (archive_daily instead of rest)"),
    ]

    explain(warehouse, "FIRSTREST", "archive_hole", "11:29", "11:30", "closed")
    reconcile()
    assert rows(warehouse, "rest_vs_archive", COUNTS)[1] == (90, 88, 2, 2, 0)


def test_a_rebuild_says_the_same_and_what_the_table_promises_is_tested(warehouse, reconcile, candle, theirs, published):
    explain(warehouse, "BTCUSDT", *HOLE)
    load(warehouse, "BTCUSDT", candle("10:00"), candle("10:01"), published("10:00", 101))
    load(warehouse, "BTCUSDT", theirs("10:00", 101, high=102, trades=21), theirs("00:00", interval="1d"))
    reconcile()
    columns = f"check_name, {COUNTS}, first_offending_bucket, explanation"
    before = warehouse.run(f"select {columns} from {{marts}}.reconciliation_daily order by 1")
    assert [row[0] for row in before] == ["1d", "1h", "rest_vs_archive"]
    warehouse.run("delete from {raw}.staging_klines")  # what was heard outlives the rows it was read from
    warehouse.run("drop table {marts}.reconciliation_daily")
    warehouse.dbt("build", "--select", "minutes_heard", "reconciliation_daily", "--full-refresh")
    assert warehouse.run(f"select {columns} from {{marts}}.reconciliation_daily order by 1") == before
    warehouse.run("update {marts}.reconciliation_daily set explained_count = 2")
    assert "counts_in_order" in warehouse.dbt("test", "--select", "reconciliation_daily", succeeds=False)
