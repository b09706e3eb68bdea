"""Our hours and days against the exchange's own candles, REST against the archive: what differs, and what explains it."""

from __future__ import annotations

from datetime import timedelta

import pytest

DAY = "2026-03-05"
NEXT_DAY = "2026-03-06 04:30"


@pytest.fixture
def reconcile(warehouse):
    """Build facts, hours and days, then compare."""

    def run(*arguments):
        warehouse.dbt("run", "--select", "tag:minute", "minutes_heard", "reconciliation_daily", *arguments)

    return run


def rows(warehouse, check, columns="bucket_count, match_count, difference_count, explained_count, unexplained_count"):
    return warehouse.run(
        f"select {columns} from {{marts}}.reconciliation_daily where check_name = %s order by symbol, date", (check,)
    )


@pytest.fixture
def theirs(candle):
    """A candle of the exchange's own, captured when its day was over."""
    return lambda at, close=100, *, interval="1h", **values: candle(
        at, close, interval=interval, **{"captured": NEXT_DAY, **values}
    )


def explain(warehouse, reason, start, end, *, status="explained"):
    warehouse.run(
        "insert into {raw}.gap_ledger (exchange, symbol, data_type, interval_code, from_time, to_time, minutes, reason, status,"
        " detected_at, updated_at) values ('binance', 'BTCUSDT', 'klines', '1m', %s, %s, timestampdiff(minute, %s, %s), %s, %s,"
        " '2026-03-06', '2026-03-06')",
        (start, end, start, end, reason, status),
    )


def test_hours_and_days_that_agree_are_matches_also_where_nothing_was_traded(warehouse, candle, theirs, reconcile):
    warehouse.load([
        candle("10:00", 90, trades=0), candle("10:01", 101, open_=100, high=102, low=99), candle("10:02", 103, open_=101),
        candle("11:00", 103, trades=0), candle("11:01", 103, trades=0),
    ])  # fmt: skip
    warehouse.load([
        theirs("10:00", 103, open_=100, high=103, low=99, trades=20), theirs("11:00", 103, trades=0),
        theirs("00:00", 103, open_=100, high=103, low=99, trades=20, interval="1d"),
    ])  # fmt: skip
    reconcile()
    assert rows(warehouse, "1h") == [(2, 2, 0, 0, 0)]
    assert rows(warehouse, "1d") == [(1, 1, 0, 0, 0)]
    assert rows(warehouse, "1h", "first_offending_bucket, explanation") == [(None, None)]
    assert warehouse.pending() == []


def test_a_bucket_that_only_one_side_has_is_a_difference(warehouse, candle, theirs, reconcile, at):
    warehouse.load([candle("10:00"), candle("12:00")])
    warehouse.load([theirs("10:00"), theirs("11:00")])
    reconcile()
    assert rows(warehouse, "1h") == [(3, 1, 2, 0, 2)]
    assert rows(warehouse, "1h", "first_offending_bucket, explanation") == [(at("11:00"), None)]


@pytest.mark.parametrize(
    ("column", "other"),
    [
        ("open_price", 99), ("high_price", 103), ("low_price", 98), ("close_price", 101), ("volume", 11),
        ("quote_volume", 1001), ("trade_count", 11), ("taker_buy_volume", 6), ("taker_buy_quote_volume", 501),
    ],
)  # fmt: skip
def test_every_value_is_compared(warehouse, candle, theirs, reconcile, column, other):
    warehouse.load([candle("10:00", 100, high=102, low=99)])
    warehouse.load([theirs("10:00", 100, high=102, low=99) | {column: other}])
    reconcile()
    assert rows(warehouse, "1h") == [(1, 0, 1, 0, 1)]


def test_close_times_are_not_compared(warehouse, candle, theirs, reconcile, at):
    warehouse.load([candle("10:00")])
    warehouse.load([theirs("10:00", close_time=at("10:41"))])
    reconcile()
    assert rows(warehouse, "1h") == [(1, 1, 0, 0, 0)]


def test_a_lost_minute_explains_once_the_ledger_says_so(warehouse, candle, theirs, reconcile, at):
    warehouse.load([candle("10:00"), candle("11:00")])
    warehouse.load([theirs("10:00", 100, high=101, trades=12), theirs("11:00")])
    reconcile()
    assert rows(warehouse, "1h") == [(2, 1, 1, 0, 1)]

    explain(warehouse, "unknown", at("10:41"), at("10:42"), status="unexplained")
    reconcile()
    assert rows(warehouse, "1h") == [(2, 1, 1, 0, 1)]

    explain(warehouse, "archive_hole", at("10:41"), at("10:42"))
    reconcile()  # nothing was loaded in between
    assert rows(warehouse, "1h") == [(2, 1, 1, 1, 0)]
    assert rows(warehouse, "1h", "first_offending_bucket, explanation") == [
        (at("10:00"), "archive_hole 2026-03-05 10:41 (1 minute)")
    ]


def test_a_lost_minute_never_explains_that_we_have_more_than_the_exchange(warehouse, candle, theirs, reconcile, at):
    explain(warehouse, "archive_hole", at("10:41"), at("10:42"))
    warehouse.load([candle("10:00", trades=12)])
    warehouse.load([theirs("10:00")])
    reconcile()
    assert rows(warehouse, "1h") == [(1, 0, 1, 0, 1)]


def test_an_hour_flat_at_an_older_close_is_explained_by_its_lost_minute(warehouse, candle, theirs, reconcile, at):
    explain(warehouse, "archive_hole", at("10:41"), at("10:42"))
    warehouse.load([candle("10:00", 100, trades=0)])
    warehouse.load([theirs("10:00", 90)])
    reconcile()
    assert rows(warehouse, "1h") == [(1, 0, 1, 1, 0)]


def test_the_first_unexplained_difference_is_named_before_explained_ones(warehouse, candle, theirs, reconcile, at):
    explain(warehouse, "exchange_outage", at("08:00"), at("09:20"))
    explain(warehouse, "archive_hole", at("11:05"), at("11:07"))
    warehouse.load([candle("08:00"), candle("10:00"), candle("11:00")])
    warehouse.load([theirs("09:00"), theirs("10:00", 101), theirs("11:00", trades=11), theirs("08:00")])
    reconcile()
    assert rows(warehouse, "1h") == [(4, 1, 3, 2, 1)]
    assert rows(warehouse, "1h", "first_offending_bucket, explanation") == [
        (at("10:00"), "archive_hole 2026-03-05 11:05 (2 minutes) and 1 more")
    ]


def test_a_late_minute_settles_its_hour_and_its_day(warehouse, candle, theirs, reconcile):
    warehouse.load([candle("10:00"), candle("2026-03-06 10:00")])
    warehouse.load([theirs("10:00", trades=20), theirs("00:00", trades=20, interval="1d")])
    reconcile()
    assert rows(warehouse, "1h", "unexplained_count") + rows(warehouse, "1d", "unexplained_count") == [(1,), (1,)]
    warehouse.load([candle("10:01")])
    reconcile()
    assert rows(warehouse, "1h") + rows(warehouse, "1d") == [(1, 1, 0, 0, 0), (1, 1, 0, 0, 0)]


def test_only_days_that_were_over_when_their_candles_were_captured_are_compared(warehouse, candle, theirs, reconcile):
    warehouse.load([candle("10:00"), candle("11:00")])
    warehouse.load([theirs("10:00", captured="11:30")])
    reconcile()
    assert rows(warehouse, "1h") == []
    warehouse.load([theirs("10:00"), theirs("11:00")])
    reconcile()
    assert rows(warehouse, "1h") == [(2, 2, 0, 0, 0)]


def test_hours_without_minutes_disagree_only_if_somebody_asked_for_minutes(warehouse, theirs, reconcile):
    warehouse.run("insert into {raw}.coverage_counts values ('binance', 'ETHUSDT', '2026-03-05', 1440, 0, 0, now(3))")
    warehouse.load([theirs("10:00"), theirs("10:00", symbol="ETHUSDT")])
    reconcile()
    assert rows(warehouse, "1h", "symbol, unexplained_count") == [("ETHUSDT", 1)]


def test_what_did_not_change_is_not_compared_again(warehouse, candle, theirs, reconcile):
    for day in ("2026-03-04", DAY):
        warehouse.load([candle(f"{day} 10:00"), theirs(f"{day} 10:00")])
    reconcile()
    before = rows(warehouse, "1h", "date, compared_at")
    warehouse.load([candle(f"{DAY} 10:01")])
    reconcile()
    after = rows(warehouse, "1h", "date, compared_at")
    assert after[0] == before[0]
    assert after[1] != before[1]


def test_a_revised_minute_explains_exactly_what_it_lost(warehouse, candle, theirs, reconcile):
    for symbol, trades in (("BTCUSDT", 15), ("ETHUSDT", 17)):
        warehouse.load([candle("10:00", trades=15, symbol=symbol), candle("10:01", symbol=symbol)])
        warehouse.load([candle("10:00", trades=10, symbol=symbol, source="archive_daily", captured=NEXT_DAY)])
        warehouse.load([theirs("10:00", trades=trades + 10, symbol=symbol)])
    reconcile()
    assert rows(warehouse, "1h", "symbol, explained_count, explanation") == [
        ("BTCUSDT", 1, "revision 2026-03-05 10:00 (archive_daily instead of rest)"),
        ("ETHUSDT", 0, None),
    ]


def test_a_candle_the_exchange_revised_explains_if_it_said_what_we_say(warehouse, candle, theirs, reconcile):
    warehouse.load([candle("10:00")])
    warehouse.load([theirs("10:00")])
    warehouse.load([theirs("10:00", trades=11, captured="2026-03-07 04:30")])
    reconcile()
    assert rows(warehouse, "1h", "unexplained_count, explanation") == [
        (0, "revision 2026-03-05 10:00 (rest instead of rest)")
    ]


def test_rest_is_compared_with_the_archive_minute_by_minute(warehouse, candle, reconcile, at):
    minutes = [at("10:00") + timedelta(minutes=n) for n in range(90)]
    warehouse.load([candle(minute) for minute in minutes])
    reconcile()
    assert rows(warehouse, "rest_vs_archive") == []

    published = {"source": "archive_daily", "captured": NEXT_DAY}
    warehouse.load([candle(minute, 100 if minute != minutes[70] else 101, **published) for minute in minutes[:89]])
    warehouse.load([candle("2026-03-07 10:00", **published)])  # a day REST knows nothing of
    reconcile()
    assert rows(warehouse, "rest_vs_archive") == [(90, 88, 2, 1, 1)]
    assert rows(warehouse, "rest_vs_archive", "first_offending_bucket, explanation") == [
        (at("11:29"), "revision 2026-03-05 11:10 (archive_daily instead of rest)")
    ]

    explain(warehouse, "archive_hole", at("11:29"), at("11:30"), status="closed")
    reconcile()
    assert rows(warehouse, "rest_vs_archive") == [(90, 88, 2, 2, 0)]


def test_rest_that_comes_after_the_archive_is_compared_as_well(warehouse, candle, reconcile, at):
    warehouse.load([candle(minute, source="archive_monthly") for minute in ("10:00", "10:01")])
    reconcile()
    warehouse.load([candle("10:00", 101, captured=NEXT_DAY), candle("10:01", captured=NEXT_DAY)])
    reconcile()
    assert rows(warehouse, "rest_vs_archive") == [(2, 1, 1, 1, 0)]
    assert rows(warehouse, "rest_vs_archive", "first_offending_bucket") == [(at("10:00"),)]


def test_minutes_still_forming_say_nothing(warehouse, candle, reconcile):
    warehouse.load([candle("10:00"), candle("10:01", captured="10:01:30")])
    warehouse.load([candle("10:00", source="archive_daily", captured=NEXT_DAY)])
    reconcile()
    assert rows(warehouse, "rest_vs_archive") == [(1, 1, 0, 0, 0)]


def test_a_rebuild_says_the_same(warehouse, candle, theirs, reconcile, at):
    explain(warehouse, "archive_hole", at("10:41"), at("10:42"))
    warehouse.load([candle("10:00"), candle("10:01")])
    warehouse.load([candle("10:00", 101, source="archive_daily", captured=NEXT_DAY)])
    warehouse.load([theirs("10:00", 101, high=102, trades=21), theirs("00:00", interval="1d")])
    reconcile()
    columns = "check_name, bucket_count, match_count, explained_count, unexplained_count, first_offending_bucket, explanation"
    before = warehouse.run(f"select {columns} from {{marts}}.reconciliation_daily order by 1")
    assert len(before) == 3
    warehouse.run("delete from {raw}.staging_klines")  # the bits outlive the rows they were read from
    reconcile("--full-refresh")
    assert warehouse.run(f"select {columns} from {{marts}}.reconciliation_daily order by 1") == before
    warehouse.run("drop table {marts}.reconciliation_daily")
    reconcile()
    assert warehouse.run(f"select {columns} from {{marts}}.reconciliation_daily order by 1") == before


def test_what_the_table_promises_is_tested(warehouse, candle, theirs, reconcile):
    warehouse.load([candle("10:00"), theirs("10:00")])
    reconcile()
    warehouse.dbt("test", "--select", "reconciliation_daily", "minutes_heard")
    warehouse.run("update {marts}.reconciliation_daily set explained_count = 2")
    assert "counts_in_order" in warehouse.dbt("test", "--select", "reconciliation_daily", succeeds=False)
