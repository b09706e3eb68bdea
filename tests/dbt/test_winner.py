"""Which capture of a candle wins, and what becomes of the loser."""

from __future__ import annotations

FINAL, RUNNING = "11:02", "11:00:30"  # captured after, or inside, the minute that opens at 11:00
EARLIER, LATER = "11:03", "11:09"

# symbol: first load, second load, the close that wins, the losers that are kept (source, close)
CASES = {
    "FINALSTAYS": ([{"close": 1}], [{"close": 2, "captured": LATER, "clock": RUNNING}], 1, []),
    "FINALCOMES": ([{"close": 1, "clock": RUNNING}], [{"close": 2}], 2, []),
    "RUNNINGMOVES": ([{"close": 1, "clock": "11:00:10"}], [{"close": 2, "captured": EARLIER, "clock": RUNNING}], 2, []),
    "ARCHIVESTAYS": ([{"close": 1, "source": "archive_daily"}], [{"close": 2, "captured": LATER}], 1, [("rest", 2)]),
    "ARCHIVECOMES": ([{"close": 1, "captured": LATER}], [{"close": 2, "source": "archive_daily"}], 2, [("rest", 1)]),
    "ARCHIVENEWER": (
        [{"close": 1, "source": "archive_monthly"}],
        [{"close": 2, "source": "archive_daily", "captured": LATER}],
        2,
        [("archive_monthly", 1)],
    ),
    "REVISED": ([{"close": 1, "captured": EARLIER}], [{"close": 2, "captured": LATER}], 2, [("rest", 1)]),
    "LATEOLDER": ([{"close": 1, "captured": LATER}], [{"close": 2, "captured": EARLIER}], 1, [("rest", 2)]),
    "SAMEMOMENT": ([{"close": 1}], [{"close": 2}], 2, [("rest", 1)]),
    "INONEBATCH": ([], [{"close": 1, "captured": LATER}, {"close": 2, "captured": EARLIER}], 1, [("rest", 2)]),
    "THREEWAYS": (
        [{"close": 1, "captured": EARLIER}],
        [{"close": 2, "captured": LATER}, {"close": 3, "source": "archive_daily"}],
        3,
        [("rest", 1), ("rest", 2)],
    ),
}


def rows_of(candle, place):
    return [
        candle("11:00", **{"captured": FINAL, **row}, symbol=symbol)
        for symbol, case in CASES.items()
        for row in case[place]
    ]


def test_the_winner_rule_decides_and_final_losers_are_kept_once(warehouse, candle):
    warehouse.load(rows_of(candle, 0))
    warehouse.minute()
    warehouse.load(rows_of(candle, 1))
    warehouse.minute()
    warehouse.load(rows_of(candle, 1))  # the newest candles are read again every minute
    warehouse.minute()
    kept = dict(warehouse.run("select symbol, close_price + 0e0 from {marts}.fact_klines"))
    assert kept == {symbol: float(case[2]) for symbol, case in CASES.items()}
    lost = warehouse.run(
        "select symbol, lost_source, lost_close_price + 0e0 from {raw}.kline_revisions order by symbol, lost_close_price"
    )
    assert lost == [
        (symbol, source, float(close)) for symbol in sorted(CASES) for source, close in sorted(CASES[symbol][3])
    ]


def test_an_older_capture_loaded_last_does_not_beat_a_newer_one_that_confirmed_the_stored_values(warehouse, candle, at):
    for close, captured in ((1, "11:02"), (1, "11:06"), (2, "11:04")):
        warehouse.load([candle("11:00", close, captured=captured)])
        warehouse.minute()
    kept = warehouse.run("select close_price + 0e0, captured_at, confirmed_at, load_id from {marts}.fact_klines")
    assert kept == [(1.0, at("11:02"), at("11:06"), 1)]
    lost = warehouse.run("select lost_close_price + 0e0, kept_close_price + 0e0 from {raw}.kline_revisions")
    assert lost == [(2.0, 1.0)]
    warehouse.load([candle("11:00", 3, captured="11:07")])
    warehouse.minute()
    kept = warehouse.run("select close_price + 0e0, captured_at, confirmed_at, load_id from {marts}.fact_klines")
    assert kept == [(3.0, at("11:07"), at("11:07"), 4)]


def test_a_full_refresh_confirms_as_well(warehouse, candle, at):
    warehouse.load([candle("11:00", 1, captured="11:02")])
    warehouse.minute()
    warehouse.load([candle("11:00", 1, captured="11:06")])
    warehouse.minute("--full-refresh")
    assert warehouse.run("select captured_at, confirmed_at, load_id from {marts}.fact_klines") == [
        (at("11:02"), at("11:06"), 1)
    ]


def test_a_capture_that_says_the_same_only_confirms(warehouse, candle):
    warehouse.load([candle("11:00", 1), candle("11:01", 2)])
    warehouse.minute()
    everything = (
        "select open_time, close_price, source, captured_at, exchange_time, load_id, object_id, created_at from {marts}.fact_klines",
        "select * from {marts}.hourly_klines",
        "select * from {marts}.daily_klines",
    )
    before = [warehouse.run(query) for query in everything]
    warehouse.load([candle("11:00", 1, captured="11:05"), candle("11:01", 2, captured="11:05")])
    warehouse.minute()
    assert [warehouse.run(query) for query in everything] == before
    assert warehouse.pending() == []
