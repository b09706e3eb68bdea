"""The marts of the minute path: rolling 24 hours and order books, against plain sums and numbers worked by hand."""

from __future__ import annotations

import random
from datetime import timedelta
from decimal import Decimal

import pytest

DAY, MINUTE = timedelta(hours=24), timedelta(minutes=1)
STATS = (
    "as_of, window_start, open_price, last_price, price_change, high_price, low_price, volume, quote_volume, trade_count, "
    "candle_count, is_final"
)


def stats(warehouse, columns=STATS):
    rows = warehouse.run(f"select symbol, {columns} from {{marts}}.market_stats_24h order by symbol")
    return {row[0]: row[1:] for row in rows}


def plain_sum(minutes):
    """What the newest 1,440 minutes of one symbol add up to, one after the other."""
    as_of = max(row["open_time"] for row in minutes) + MINUTE
    window = sorted((row for row in minutes if row["open_time"] >= as_of - DAY), key=lambda row: row["open_time"])
    traded = [row for row in window if row["trade_count"]]
    flat = window[0]["close_price"]
    first = traded[0]["open_price"] if traded else flat
    last = traded[-1]["close_price"] if traded else flat
    return (
        as_of, as_of - DAY, first, last, last - first,
        max((row["high_price"] for row in traded), default=flat),
        min((row["low_price"] for row in traded), default=flat),
        *(sum(row[name] for row in window) for name in ("volume", "quote_volume", "trade_count")),
        len(window), int(window[-1]["close_time"] < window[-1]["exchange_time"]),
    )  # fmt: skip


def random_minutes(candle, dice, first, last, symbol, share_missing=0.2):
    """Minutes with gaps and minutes without trades, of prices and amounts that share no digit."""
    rows = []
    for n in range(int((last - first) / MINUTE) + 1):
        if dice.random() < share_missing and first + n * MINUTE != last:
            continue
        prices = [Decimal(dice.randrange(1, 10**12)).scaleb(-8) for _ in range(4)]
        trades = dice.choice([0, 0, 1, 7, 1000])
        row = candle(
            first + n * MINUTE, prices[0], open_=prices[1], high=max(prices), low=min(prices), trades=trades,
            symbol=symbol, volume=Decimal(2 * dice.randrange(10**13)).scaleb(-8) if trades else Decimal(0),
        )  # fmt: skip
        row["quote_volume"] = Decimal(dice.randrange(10**14)).scaleb(-8) if trades else Decimal(0)
        rows.append(row)
    return rows


def test_the_rolling_day_is_the_plain_sum_of_its_minutes_wherever_it_ends(warehouse, candle, at):
    dice = random.Random(11)  # noqa: S311  # a die that always falls the same
    start = at("2026-03-04 00:00")
    symbols = {
        "BTCUSDT": random_minutes(candle, dice, start, at("2026-03-06 00:01"), "BTCUSDT"),
        "GAPUSDT": random_minutes(candle, dice, start, at("2026-03-06 00:01"), "GAPUSDT", share_missing=0.97),
        "OLDUSDT": random_minutes(candle, dice, start, at("2026-03-05 09:17"), "OLDUSDT"),
        "NEWUSDT": random_minutes(candle, dice, at("2026-03-05 22:34"), at("2026-03-06 00:01"), "NEWUSDT"),
    }
    everything = [row for minutes in symbols.values() for row in minutes]
    late = [row for row in everything if dice.random() < 0.1]
    in_time = [row for row in everything if row not in late]
    # Midnight, the last minutes of an hour, the first one, some in the middle.
    stops = ("2026-03-05 00:00", "2026-03-05 09:16", "2026-03-05 09:58", "2026-03-05 09:59", "2026-03-05 10:00",
             "2026-03-05 22:47", "2026-03-05 23:59", "2026-03-06 00:00", "2026-03-06 00:01")  # fmt: skip
    for before, stop in zip(("2026-03-03 00:00", *stops), stops, strict=False):
        if news := [row for row in in_time if at(before) < row["open_time"] <= at(stop)]:
            warehouse.load(news)
            warehouse.minute()
        seen = {
            symbol: [row for row in in_time if row["symbol"] == symbol and row["open_time"] <= at(stop)]
            for symbol in symbols
        }
        assert stats(warehouse) == {symbol: plain_sum(rows) for symbol, rows in seen.items() if rows}, stop
    warehouse.load(late)
    warehouse.minute()
    expected = {symbol: plain_sum(minutes) for symbol, minutes in symbols.items()}
    assert stats(warehouse) == expected
    assert expected["BTCUSDT"][10] > 1000 > expected["GAPUSDT"][10] > 0
    warehouse.minute("--full-refresh")
    assert stats(warehouse) == expected


def test_change_and_average_are_the_tickers_formulas(warehouse, candle):
    first, second = candle("10:00", 210, open_=200, volume=3), candle("10:01", 190, open_=210, volume=4)
    first["quote_volume"], second["quote_volume"] = 610, 790
    warehouse.load([first, second])
    warehouse.minute()
    assert stats(warehouse, "price_change, price_change_percent, vwap") == {
        "BTCUSDT": (-10, -5, Decimal(200))  # 1400 / 7
    }
    second = candle("10:02", 190, volume=2)
    second["quote_volume"] = 380
    warehouse.load([second])
    warehouse.minute()
    assert stats(warehouse, "vwap") == {"BTCUSDT": (Decimal("197.777777777778"),)}  # 1780 / 9


def test_a_day_without_a_trade_is_flat_and_has_no_average(warehouse, candle):
    warehouse.load([candle("10:00", 90, trades=0), candle("11:30", 90, trades=0)])
    warehouse.minute()
    columns = "open_price, last_price, high_price, low_price, price_change_percent, volume, vwap, candle_count"
    assert stats(warehouse, columns) == {"BTCUSDT": (90, 90, 90, 90, 0, 0, None, 2)}


def test_the_minute_in_progress_counts_and_is_told(warehouse, candle, at):
    warehouse.load([candle("10:00"), candle("10:01", 105, captured="10:01:20")])
    warehouse.minute()
    columns = "as_of, last_price, candle_count, is_final"
    assert stats(warehouse, columns) == {"BTCUSDT": (at("10:02"), 105, 2, 0)}
    warehouse.load([candle("10:01", 107)])
    warehouse.minute()
    assert stats(warehouse, columns) == {"BTCUSDT": (at("10:02"), 107, 2, 1)}


def test_late_and_corrected_minutes_of_the_window_change_it_and_older_ones_do_not(warehouse, candle, at):
    newest = candle("2026-03-06 10:30", 100)
    warehouse.load([candle("2026-03-05 10:31", 80), candle("2026-03-05 20:00", 90), newest])
    warehouse.load([candle("2026-03-06 10:30", 5, symbol="ETHUSDT")])
    warehouse.minute()
    before = stats(warehouse, f"{STATS}, updated_at")
    assert before["BTCUSDT"][:4] == (at("2026-03-06 10:31"), at("2026-03-05 10:31"), 80, 100)
    # One minute too old, with trades and prices beyond all others; and months of history.
    warehouse.load([candle("2026-03-05 10:30", 1, trades=500)])
    warehouse.load([candle(f"2026-01-0{day} 10:31", 1000, trades=500) for day in range(1, 9)])
    warehouse.minute()
    assert stats(warehouse, f"{STATS}, updated_at") == before
    # The window's first minute, corrected: the archive contradicts REST; and a late one.
    warehouse.load([
        candle("2026-03-05 10:31", 70, source="archive_daily", captured="2026-03-07 00:00"),
        candle("2026-03-05 10:59", 60, trades=3),
    ])  # fmt: skip
    warehouse.minute()
    after = stats(warehouse, f"{STATS}, updated_at")
    assert (after["BTCUSDT"][2], after["BTCUSDT"][6], after["BTCUSDT"][10]) == (70, 60, 4)
    assert after["ETHUSDT"] == before["ETHUSDT"]


def test_history_brought_by_a_backfill_costs_the_row_nothing(warehouse, candle):
    warehouse.load([candle("2026-03-06 10:30", 100)])
    warehouse.minute()
    before = stats(warehouse, f"{STATS}, updated_at")
    for load_id, day in ((2, "2025-12-01"), (3, "2025-12-02")):
        warehouse.load([candle(f"{day} 10:{minute}", 7) for minute in range(10, 60)], load_id=load_id)
        warehouse.run(
            "insert into {raw}.loads values (%s, 'backfill', 'run', 1, 50, 0, utc_timestamp(3), utc_timestamp(3))",
            (load_id,),
        )
    warehouse.minute("--vars", "{lane: backfill}")
    assert stats(warehouse, f"{STATS}, updated_at") == before
    assert warehouse.pending() == []
    # A symbol that has only history gets the end of it.
    warehouse.load([candle("2025-12-01 10:30", 3, symbol="OLDUSDT")], load_id=4)
    warehouse.run("insert into {raw}.loads values (4, 'backfill', 'run', 1, 1, 0, utc_timestamp(3), utc_timestamp(3))")
    warehouse.minute("--vars", "{lane: backfill}")
    assert stats(warehouse, "last_price") == {"BTCUSDT": (100,), "OLDUSDT": (3,)}


def test_what_was_summed_up_before_minutes_expired_stays(warehouse, candle):
    warehouse.load([candle("2026-03-05 10:40", 80), candle("2026-03-06 10:30", 100)])
    warehouse.minute()
    before = stats(warehouse, f"{STATS}, updated_at")
    warehouse.run("delete from {marts}.fact_klines")
    warehouse.run("delete from {raw}.staging_klines")
    warehouse.minute("--full-refresh")
    assert stats(warehouse, f"{STATS}, updated_at") == before
    assert before["BTCUSDT"][10] == 2


def test_the_marts_own_tests_accept_what_is_built_and_refuse_what_cannot_be(warehouse, candle):
    warehouse.load([candle("10:00", 80, open_=90), candle("10:01", 100)])
    warehouse.load_books(book("10:00:00", [("99", 1)], [("101", 1)]), load_id=2)
    warehouse.minute()
    tests = ("test", "--select", "market_stats_24h", "orderbook_metrics")
    warehouse.dbt(*tests)
    warehouse.run("update {marts}.market_stats_24h set low_price = 95, candle_count = 1441")
    said = warehouse.dbt(*tests, succeeds=False)
    assert said.count("Got 1 result") == 2


# --- order books


def book(captured_at, bids, asks, *, symbol="BTCUSDT", last_update_id=7):
    """The staged levels of a book from (price, quantity) pairs, best first."""
    return [
        {
            "object_id": 1, "exchange": "binance", "symbol": symbol, "captured_at": f"2026-03-05 {captured_at}",
            "last_update_id": last_update_id, "side": side, "level": level, "price": price, "quantity": quantity,
            "source": "rest", "exchange_time": f"2026-03-05 {captured_at}",
        }
        for side, levels in (("bid", bids), ("ask", asks))
        for level, (price, quantity) in enumerate(levels, 1)
    ]  # fmt: skip


def metrics(warehouse, columns):
    names = [column.strip() for column in columns.split(",")]
    rows = warehouse.run(f"select {columns} from {{marts}}.orderbook_metrics order by symbol, captured_at")
    return [dict(zip(names, row, strict=True)) for row in rows]


ALL = (
    "best_bid_price, best_bid_quantity, best_ask_price, best_ask_quantity, spread, spread_basis_points, mid_price, microprice, "
    "top_imbalance, book_imbalance, bid_depth_10bp, ask_depth_10bp, bid_depth_50bp, ask_depth_50bp, bid_depth_100bp, "
    "ask_depth_100bp, reaches_bid_basis_points, reaches_ask_basis_points, bid_levels, ask_levels, last_update_id"
)
OF_BOTH_SIDES = [name.strip() for name in ALL.split(",") if not name.strip().startswith("best_")][:-3]


def test_a_book_worked_by_hand(warehouse):
    # The mid is 1000, so 10, 50 and 100 basis points from it are 1, 5 and 10: levels at exactly that distance count.
    bids = [("999.5", 3), ("999", 2), ("996", 1), ("995", 4), ("990", 5), ("989.99", 100)]
    asks = [("1000.5", 1), ("1001", 4), ("1001.00000001", 2), ("1005", 2), ("1009", 1)]
    warehouse.load_books(book("10:00:01.500", bids, asks), load_id=1)
    warehouse.minute()
    expected = {
        "best_bid_price": "999.5", "best_bid_quantity": 3, "best_ask_price": "1000.5", "best_ask_quantity": 1,
        "spread": 1, "spread_basis_points": 10, "mid_price": 1000,
        "microprice": "1000.25",  # (1000.5 · 3 + 999.5 · 1) / 4
        "top_imbalance": "0.5",  # (3 - 1) / 4
        "book_imbalance": "0.84",  # (115 - 10) / 125
        "bid_depth_10bp": "4996.5",  # 999.5 · 3 + 999 · 2
        "ask_depth_10bp": "5004.5",  # 1000.5 · 1 + 1001 · 4
        "bid_depth_50bp": "9972.5",  # + 996 · 1 + 995 · 4
        "ask_depth_50bp": "9016.50000002",  # + 1001.00000001 · 2 + 1005 · 2
        "bid_depth_100bp": "14922.5",  # + 990 · 5
        "ask_depth_100bp": "10025.50000002",  # + 1009 · 1
        "reaches_bid_basis_points": "100.1", "reaches_ask_basis_points": 90,
        "bid_levels": 6, "ask_levels": 5, "last_update_id": 7,
    }  # fmt: skip
    assert metrics(warehouse, ALL) == [{name: Decimal(value) for name, value in expected.items()}]


def test_small_prices_lose_no_digit(warehouse):
    warehouse.load_books(book("10:00:00", [("0.00001042", 10**9)], [("0.00001043", 3 * 10**9)]), load_id=1)
    warehouse.minute()
    assert metrics(warehouse, "mid_price, microprice, spread_basis_points, bid_depth_10bp") == [{
        "mid_price": Decimal("0.000010425"), "microprice": Decimal("0.0000104225"),
        "spread_basis_points": Decimal("9.59232614"), "bid_depth_10bp": Decimal(10420),
    }]  # fmt: skip


@pytest.mark.parametrize("missing", ["bid", "ask"])
def test_a_one_sided_book_has_what_its_side_tells_and_nothing_else(warehouse, missing):
    levels = [("10", 2), ("11", 1)]
    warehouse.load_books(
        book("10:00:00", [] if missing == "bid" else levels[::-1], [] if missing == "ask" else levels), load_id=1
    )
    warehouse.minute()
    (row,) = metrics(warehouse, ALL)
    other = "ask" if missing == "bid" else "bid"
    assert [name for name in OF_BOTH_SIDES if row[name] is not None] == []
    assert (row[f"best_{missing}_price"], row[f"best_{missing}_quantity"], row[f"{missing}_levels"]) == (None, None, 0)
    assert (row[f"best_{other}_price"], row[f"{other}_levels"]) == (10 if other == "ask" else 11, 2)


def test_a_crossed_book_is_there_with_its_negative_spread(warehouse):
    warehouse.load_books(book("10:00:00", [("101", 1)], [("99", 1)]), load_id=1)
    warehouse.minute()
    assert metrics(warehouse, "spread, spread_basis_points, mid_price, bid_depth_10bp, reaches_bid_basis_points") == [
        {
            "spread": -2,
            "spread_basis_points": -200,
            "mid_price": 100,
            "bid_depth_10bp": 101,
            "reaches_bid_basis_points": -100,
        }
    ]


def test_levels_without_quantity_offer_nothing(warehouse):
    warehouse.load_books(book("10:00:00", [("100", 0), ("99", 1)], [("101", 1)]), load_id=1)
    warehouse.load_books(book("10:01:00", [("100", 0)], [("101", 0)]), load_id=2)
    warehouse.minute()
    assert metrics(warehouse, "best_bid_price, spread, bid_levels") == [
        {"best_bid_price": 99, "spread": 2, "bid_levels": 1}
    ]


def test_only_new_books_are_written_and_one_that_got_a_level_is_corrected(warehouse):
    first, second = book("10:00:00", [("99", 1)], [("101", 1)]), book("10:01:00", [("98", 1)], [("102", 1)])
    warehouse.load_books(first, load_id=1)
    warehouse.minute()
    before = metrics(warehouse, f"{ALL}, updated_at")
    warehouse.load_books([*first, *second], load_id=2)  # the first one again: it says nothing new
    warehouse.load_books(book("10:01:00", [("98", 1)], [("102", 1)], symbol="ETHUSDT"), load_id=3)
    warehouse.minute()
    after = metrics(warehouse, f"{ALL}, updated_at")
    assert (after[0], len(after)) == (before[0], 3)
    warehouse.load_books(book("10:01:00", [("98", 1), ("97", 1)], [("102", 1)])[1:2], load_id=4)
    warehouse.minute()
    assert metrics(warehouse, f"{ALL}, updated_at")[0] == before[0]
    assert [row["bid_levels"] for row in metrics(warehouse, "bid_levels")] == [1, 2, 1]
    same = metrics(warehouse, f"{ALL}, updated_at")
    warehouse.minute("--full-refresh")
    assert metrics(warehouse, f"{ALL}, updated_at") == same
    assert warehouse.pending() == []


def test_depth_columns_are_named_after_the_var_and_other_than_three_are_refused(warehouse):
    warehouse.load_books(book("10:00:00", [("999", 1), ("980", 1)], [("1001", 1)]), load_id=1)
    warehouse.minute("--vars", "{depth_basis_points: [5, 10, 250]}")
    assert metrics(warehouse, "bid_depth_5bp, bid_depth_10bp, bid_depth_250bp") == [
        {"bid_depth_5bp": 0, "bid_depth_10bp": 999, "bid_depth_250bp": 1979}
    ]
    said = warehouse.dbt(
        "run", "--select", "orderbook_metrics", "--vars", "{depth_basis_points: [10, 10, 50]}", succeeds=False
    )
    assert "three different whole numbers" in said
