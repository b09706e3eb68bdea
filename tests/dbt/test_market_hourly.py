"""The hourly market marts: equal to what numpy and plain Python make of the same bars, and honest where there is little to say."""

from __future__ import annotations

import math
import random
from collections import defaultdict
from datetime import timedelta
from decimal import Decimal

import numpy as np
import pytest

END = "2026-03-05 12:00"  # no bar opens at it or after it
MODELS = (
    "window_returns",
    "return_distribution",
    "return_histogram",
    "volatility",
    "price_distribution",
    "volume_profile",
)
WINDOWS = {"24h": (5, 24), "7d": (60, 168), "30d": (240, 720)}
TABLES = {5: ("klines_5m", "open_time"), 60: ("hourly_klines", "hour_start"), 240: ("klines_4h", "open_time")}
CLOSE = {"rel": 1e-9, "abs": 1e-15}  # numpy subtracts means of its own summation


def track(warehouse, symbols, exchange="binance"):
    for symbol in symbols:
        warehouse.run(
            "insert into {raw}.tracked_symbols (exchange, symbol, added_at) values (%s, %s, utc_timestamp(3))",
            (exchange, symbol),
        )


def put(warehouse, table, rows):
    """Insert rows (dicts) as they are; columns nobody names get a value that no mart reads."""
    described = warehouse.run(
        "select column_name, data_type from information_schema.columns where table_schema = %s and table_name = %s",
        (warehouse.marts, table),
    )
    neutral = {"datetime": "2026-01-01", "varchar": "rest", "char": "rest"}
    kinds = {name.lower(): kind for name, kind in described}
    values = [tuple(row.get(name, neutral.get(kind, 0)) for name, kind in kinds.items()) for row in rows]
    with warehouse.admin.cursor() as cursor:
        cursor.executemany(
            f"insert into {warehouse.marts}.{table} ({', '.join(kinds)}) values ({', '.join(['%s'] * len(kinds))})",
            values,
        )


def bar(time, close, *, high=None, low=None, symbol="BTCUSDT", step=5, final=1, exchange="binance"):
    """A bar of 5, 60 or 240 minutes."""
    return {
        "exchange": exchange, "symbol": symbol, TABLES[step][1]: time, "open_price": close, "close_price": close,
        "high_price": close if high is None else high, "low_price": close if low is None else low, "is_final": final,
    }  # fmt: skip


def minute(time, close, *, high=None, low=None, volume=1, symbol="BTCUSDT", final=1):
    """A fact of one minute."""
    return {
        "exchange": "binance", "symbol": symbol, "interval_code": "1m", "open_time": time, "open_price": close,
        "high_price": close if high is None else high, "low_price": close if low is None else low,
        "close_price": close, "volume": volume, "is_final": final,
    }  # fmt: skip


def put_minutes(warehouse, minutes):
    """Facts, and the hours that lead to them."""
    put(warehouse, "fact_klines", minutes)
    hours = defaultdict(int)
    for row in minutes:
        hours[row["symbol"], row["open_time"].replace(minute=0)] += row["is_final"]
    put(warehouse, "hourly_klines", [
        {"exchange": "binance", "symbol": symbol, "hour_start": hour, "final_count": count}
        for (symbol, hour), count in hours.items()
    ])  # fmt: skip


@pytest.fixture(name="tables")
def empty_tables(shared_warehouse):
    """The tables the marts read, empty, and no mart yet."""
    warehouse = shared_warehouse
    made = warehouse.run(
        "select table_name from information_schema.tables where table_schema = %s and table_name in %s",
        (warehouse.marts, [*MODELS, "fact_klines", *(table for table, _ in TABLES.values())]),
    )
    if not made:
        sources = ("stg_klines", "fact_klines", "klines_5m", "hourly_klines", "klines_4h", "daily_klines")
        warehouse.dbt("run", "--select", *sources)
    for (name,) in made:
        warehouse.run(f"{'drop' if name in MODELS else 'truncate'} table {{marts}}.{name}")
    warehouse.run("delete from {raw}.tracked_symbols")
    return warehouse


def build(warehouse, *models):
    warehouse.dbt("build", "--select", *(models or MODELS))


def seeded_bars(at, seed=4):
    """Bars of three symbols, prices from 1e-5 to 1e5, some missing, some in progress: {(symbol, step): rows by time}."""
    dice = random.Random(seed)  # noqa: S311  # a die that always falls the same
    bars = {}
    for symbol, price in (("SHIBUSDT", 0.01), ("ETHUSDT", 2000.0), ("BTCUSDT", 100000.0)):
        for step, count in ((5, 400), (60, 220), (240, 220)):
            rows, close = [], price
            newest = at(END) - timedelta(minutes=step)
            newest -= timedelta(minutes=(newest.hour * 60 + newest.minute) % step)
            for n in range(count):
                close *= math.exp(dice.gauss(0, 0.001 * step**0.5))
                exact = Decimal(f"{close:.8f}")
                high, low = exact * Decimal("1.001"), exact * Decimal("0.9985")
                final = 0 if n == count - 1 or dice.random() < 0.01 else 1
                row = bar(newest - timedelta(minutes=step * (count - 1 - n)), exact, high=round(high, 8), low=round(low, 8),
                          symbol=symbol, step=step, final=final)  # fmt: skip
                if dice.random() > 0.05 or final == 0:
                    rows.append(row)
            bars[symbol, step] = rows
    return bars


def expected_returns(bars):
    """{(symbol, window): [(time, log return, log range)]} by plain loops."""
    answer = {}
    for name, (step, hours) in WINDOWS.items():
        time = TABLES[step][1]
        newest = max(row[time] for (_, of), rows in bars.items() if of == step for row in rows if row["is_final"])
        for (symbol, of), rows in bars.items():
            if of != step:
                continue
            closes = {row[time]: row for row in rows if row["is_final"]}
            answer[symbol, name] = [
                (
                    moment,
                    float(np.log(float(row["close_price"]) / float(before["close_price"]))),
                    float(np.log(float(row["high_price"]) / float(row["low_price"]))),
                )
                for moment, row in closes.items()
                if moment > newest - timedelta(hours=hours) and (before := closes.get(moment - timedelta(minutes=step)))
            ]
    return answer


def test_the_models_compile_for_the_docs_of_a_warehouse_without_tables(shared_warehouse):
    # The first of the file: the others share the tables they make.
    shared_warehouse.dbt("compile", "--select", *MODELS)


def test_returns_distribution_histogram_and_volatility_equal_numpy(tables, at):
    track(tables, ["SHIBUSDT", "ETHUSDT", "BTCUSDT", "NEWUSDT"])
    bars = seeded_bars(at)
    for (_, step), rows in bars.items():
        put(tables, TABLES[step][0], rows)
    build(tables, "window_returns", "return_distribution", "return_histogram", "volatility")
    expected = expected_returns(bars)
    found = defaultdict(list)
    for symbol, name, *row in tables.run(
        "select symbol, window_name, open_time, log_return, log_range from {marts}.window_returns order by open_time"
    ):
        found[symbol, name].append(tuple(row))
    assert found.keys() == expected.keys()
    for key, rows in expected.items():
        assert [row[0] for row in found[key]] == [row[0] for row in rows]
        assert np.array([row[1:] for row in found[key]]) == pytest.approx(
            np.array([row[1:] for row in rows]), rel=1e-12, abs=1e-16
        )
        check_figures(tables, key, np.array([row[1] for row in rows]), np.array([row[2] for row in rows]))


def check_figures(tables, key, moves, ranges):
    deviations = moves - moves.mean()
    second = (deviations**2).mean()
    row = tables.run(
        "select observations, mean, standard_deviation, skewness, excess_kurtosis, var_95, var_99, minimum, maximum"
        " from {marts}.return_distribution where symbol = %s and window_name = %s",
        key,
    )[0]
    assert row == pytest.approx((
        len(moves), moves.mean(), moves.std(ddof=1), (deviations**3).mean() / second**1.5,
        (deviations**4).mean() / second**2 - 3, -np.quantile(moves, 0.05), -np.quantile(moves, 0.01), moves.min(), moves.max(),
    ), **CLOSE)  # fmt: skip
    counts, bounds = np.histogram(moves, 50)
    bins = tables.run(
        "select bin_number, observations, lower_bound, upper_bound, share from {marts}.return_histogram"
        " where symbol = %s and window_name = %s order by bin_number",
        key,
    )
    assert [row[:2] for row in bins] == list(enumerate(counts, 1))
    assert [row[2] for row in bins] + [bins[-1][3]] == pytest.approx(bounds, **CLOSE)
    assert [row[4] for row in bins] == pytest.approx(counts / len(moves), **CLOSE)
    a_year = math.sqrt(365 * 1440 / WINDOWS[key[1]][0])
    assert tables.run(
        "select observations, realised_volatility, parkinson_volatility from {marts}.volatility"
        " where symbol = %s and window_name = %s",
        key,
    )[0] == pytest.approx(
        (len(moves), moves.std(ddof=1) * a_year, math.sqrt((ranges**2).mean() / (4 * math.log(2))) * a_year), **CLOSE
    )


def test_no_return_is_made_across_a_missing_bucket_or_one_in_progress(tables, at):
    track(tables, ["BTCUSDT"])
    closes = {"10:00": 100, "10:05": 110, "10:15": 121, "10:20": 133, "10:25": 140, "10:30": 150}
    put(tables, "klines_5m", [bar(at(time), close, final=time != "10:25") for time, close in closes.items()])
    build(tables, "window_returns")
    found = tables.run("select open_time, log_return from {marts}.window_returns order by 1")
    assert found == [
        (at("10:05"), pytest.approx(math.log(1.1))),
        (at("10:20"), pytest.approx(math.log(133 / 121))),
    ]


def test_windows_of_an_exchange_end_together_and_hold_their_length(tables, at):
    track(tables, ["BTCUSDT", "OLDUSDT", "GONEUSDT"])
    track(tables, ["BTCUSDT"], exchange="other")
    end = at("2026-03-05 10:00")
    five = timedelta(minutes=5)
    put(tables, "klines_5m", [
        *(bar(end - n * five, 100 + n) for n in range(300)),
        *(bar(end - n * five, 100 + n, symbol="OLDUSDT") for n in range(280, 300)),
        *(bar(end - n * five, 100 + n, symbol="GONEUSDT") for n in range(288, 300)),
        *(bar(end - timedelta(days=9) - n * five, 100 + n, exchange="other") for n in range(3)),
    ])  # fmt: skip
    build(tables, "window_returns")
    assert tables.run(
        "select exchange, symbol, count(*), min(open_time), max(open_time) from {marts}.window_returns group by 1, 2 order by 1, 2"
    ) == [
        ("binance", "BTCUSDT", 288, end - 287 * five, end),
        ("binance", "OLDUSDT", 8, end - 287 * five, end - 280 * five),
        ("other", "BTCUSDT", 2, end - timedelta(days=9) - five, end - timedelta(days=9)),
    ]


def test_a_price_that_stands_still_has_no_variance_one_bin_and_no_skewness(tables, at):
    track(tables, ["STABLEUSDT"])
    put(tables, "klines_5m", [bar(at("10:00") + timedelta(minutes=5 * n), 1, symbol="STABLEUSDT") for n in range(40)])
    build(tables, "window_returns", "return_distribution", "return_histogram", "volatility")
    assert tables.run(
        "select observations, mean, standard_deviation, skewness, excess_kurtosis, var_95, var_99 from {marts}.return_distribution"
    ) == [(39, 0, 0, None, None, 0, None)]
    bins = "select bin_number, lower_bound, upper_bound, observations, share from {marts}.return_histogram"
    assert tables.run(bins) == [(1, 0, 0, 39, 1)]
    assert tables.run("select realised_volatility, parkinson_volatility from {marts}.volatility") == [(0, 0)]


def test_a_price_that_grows_evenly_has_no_skewness_made_of_rounding(tables, at):
    track(tables, ["EVENUSDT"])
    put(tables, "klines_5m", [bar(at("10:00") + timedelta(minutes=5 * n), 2**n, symbol="EVENUSDT") for n in range(30)])
    build(tables, "window_returns", "return_distribution")
    assert tables.run("select mean, skewness, excess_kurtosis, var_95 from {marts}.return_distribution") == [
        (pytest.approx(math.log(2)), None, None, pytest.approx(-math.log(2)))
    ]


def test_one_return_has_a_mean_and_a_bin_and_nothing_that_takes_more(tables, at):
    track(tables, ["BTCUSDT"])
    put(tables, "klines_5m", [bar(at("10:00"), 100), bar(at("10:05"), 110, high=121, low=110)])
    build(tables, "window_returns", "return_distribution", "return_histogram", "volatility")
    move = pytest.approx(math.log(1.1))
    assert tables.run("select * from {marts}.return_distribution")[0][6:] == (
        1, move, None, None, None, None, None, move, move,
    )  # fmt: skip
    assert tables.run("select bin_number, lower_bound, upper_bound, observations from {marts}.return_histogram") == [
        (1, move, move, 1)
    ]
    parkinson = pytest.approx(math.log(1.1) / math.sqrt(4 * math.log(2)) * math.sqrt(365 * 288))
    assert tables.run("select realised_volatility, parkinson_volatility from {marts}.volatility") == [(None, parkinson)]


def test_empty_tables_make_empty_marts_and_so_does_a_price_of_zero(tables, at):
    build(tables)
    assert [tables.one(f"select count(*) from {{marts}}.{model}") for model in MODELS] == [0] * len(MODELS)
    track(tables, ["BTCUSDT"])
    put(tables, "klines_5m", [bar(at("10:00"), 0), bar(at("10:05"), 1), bar(at("10:10"), 0), bar(at("10:15"), 0)])
    build(tables, "window_returns", "return_distribution")
    assert tables.one("select count(*) from {marts}.return_distribution") == 0


def seeded_minutes(at):
    """Minutes of two days, the newest in progress: prices on a coarse grid, so that many lie on a bound."""
    dice = random.Random(8)  # noqa: S311  # a die that always falls the same
    minutes = []
    for symbol, start, grid in (("SHIBUSDT", 1250, -8), ("BTCUSDT", 99_000, 0)):
        price = start
        for n in range(2 * 1440):
            price = max(1, price + dice.randrange(-3, 4))
            low, high = price - dice.randrange(3), price + dice.randrange(3)
            minutes.append(minute(
                at(END) - timedelta(minutes=n + 1), Decimal(price).scaleb(grid), high=Decimal(high).scaleb(grid),
                low=Decimal(low).scaleb(grid), volume=Decimal(dice.randrange(10**12)).scaleb(-8), symbol=symbol, final=n > 0,
            ))  # fmt: skip
    return [row for row in minutes if dice.random() > 0.02]


def in_bins(values, bins=50):
    """Bins by whole numbers: {bin: places of the values}."""
    lowest, highest = min(values), max(values)
    answer = defaultdict(list)
    for place, value in enumerate(values):
        answer[min(int((value - lowest) * bins // (highest - lowest)), bins - 1) + 1].append(place)
    return answer


def test_price_distribution_equals_a_count_by_hand(tables, at):
    track(tables, ["SHIBUSDT", "BTCUSDT"])
    minutes = seeded_minutes(at)
    put_minutes(tables, minutes)
    build(tables, "price_distribution")
    newest = max(row["open_time"] for row in minutes if row["is_final"])
    for symbol in ("SHIBUSDT", "BTCUSDT"):
        closes = [row["close_price"] for row in last_day(minutes, newest, symbol)]
        expected = in_bins(closes)
        rows = tables.run(
            "select bin_number, minutes, lower_price, upper_price, share, cumulative_share, from_time, to_time"
            " from {marts}.price_distribution where symbol = %s order by 1",
            (symbol,),
        )
        assert [row[:2] for row in rows] == [(n, len(expected[n])) for n in range(1, 51)]
        lowest, highest = float(min(closes)), float(max(closes))
        assert [row[2] for row in rows] + [rows[-1][3]] == pytest.approx(np.linspace(lowest, highest, 51), rel=1e-12)
        counts = np.array([row[1] for row in rows])
        assert [row[4] for row in rows] == pytest.approx(counts / len(closes))
        assert [row[5] for row in rows] == pytest.approx(counts.cumsum() / len(closes))
        assert rows[-1][5:] == (1, newest - timedelta(hours=24) + timedelta(minutes=1), newest + timedelta(minutes=1))


def last_day(minutes, newest, symbol):
    after = newest - timedelta(hours=24)
    return [row for row in minutes if row["symbol"] == symbol and row["is_final"] and row["open_time"] > after]


def test_volume_profile_equals_a_walk_by_hand_and_adds_up_to_the_last_digit(tables, at):
    track(tables, ["SHIBUSDT", "BTCUSDT"])
    minutes = seeded_minutes(at)
    put_minutes(tables, minutes)
    build(tables, "volume_profile")
    newest = max(row["open_time"] for row in minutes if row["is_final"])
    for symbol in ("SHIBUSDT", "BTCUSDT"):
        day = last_day(minutes, newest, symbol)
        places = in_bins([row["high_price"] + row["low_price"] + row["close_price"] for row in day])
        volumes = {n: sum((day[place]["volume"] for place in places[n]), Decimal(0)) for n in range(1, 51)}
        control, area = value_area(volumes)
        rows = tables.run(
            "select bin_number, minutes, volume, is_point_of_control, is_value_area, share, lower_price, upper_price"
            " from {marts}.volume_profile where symbol = %s order by 1",
            (symbol,),
        )
        assert [row[:5] for row in rows] == [
            (n, len(places[n]), volumes[n], int(n == control), int(n in area)) for n in range(1, 51)
        ]
        total = sum(row["volume"] for row in day)
        assert sum(row[2] for row in rows) == total
        assert [row[5] for row in rows] == pytest.approx([float(volumes[n] / total) for n in range(1, 51)])


def value_area(volumes, share=Decimal("0.7")):
    """Walk from the point of control, two bins at a time, as the rule is written."""
    control = max(volumes, key=lambda n: (volumes[n], -n))
    area, wanted = {control}, share * sum(volumes.values())
    while sum(volumes[n] for n in area) < wanted:
        above = [n for n in (max(area) + 1, max(area) + 2) if n in volumes]
        below = [n for n in (min(area) - 1, min(area) - 2) if n in volumes]
        takes_below = not above or (below and sum(volumes[n] for n in below) > sum(volumes[n] for n in above))
        area.update(below if takes_below else above)
    return control, area


def bins_of_volumes(tables, at, volumes):
    """A profile of 50 bins with these volumes from the lowest price on: (point of control, value area)."""
    track(tables, ["BTCUSDT"])
    put_minutes(tables, [
        minute(at("10:00") + timedelta(minutes=n), n, volume=volumes.get(n, 0)) for n in range(51)
    ])  # fmt: skip
    build(tables, "volume_profile")
    rows = tables.run("select bin_number, is_point_of_control, is_value_area from {marts}.volume_profile")
    return {row[0] for row in rows if row[1]}, {row[0] for row in rows if row[2]}


def test_the_value_area_takes_pairs_and_the_upper_one_at_a_tie(tables, at):
    # bins 20 to 26: 6 0 4 | 10 | 3 7 1; the pairs beside 23 hold 4 and 10, then 6 and 1
    volumes = {19: 6, 21: 4, 22: 10, 23: 3, 24: 7, 25: 1}
    assert bins_of_volumes(tables, at, volumes) == ({23}, {21, 22, 23, 24, 25})
    tables.run("truncate table {marts}.fact_klines")
    tables.run("truncate table {marts}.hourly_klines")
    tables.run("delete from {raw}.tracked_symbols")
    assert bins_of_volumes(tables, at, {9: 5, 10: 10, 11: 5, 30: 1}) == ({11}, {11, 12, 13})


def test_of_equal_bins_the_lowest_is_the_point_of_control_and_edges_are_no_trap(tables, at):
    assert bins_of_volumes(tables, at, {0: 5, 49: 5}) == ({1}, set(range(1, 51)))


def test_what_did_not_move_has_one_bin_and_what_did_not_trade_no_point_of_control(tables, at):
    track(tables, ["BTCUSDT", "IDLEUSDT"])
    put_minutes(tables, [
        minute(at("10:00"), 100, volume=2), minute(at("10:01"), 100, volume=3),
        minute(at("10:00"), 7, volume=0, symbol="IDLEUSDT"), minute(at("10:01"), 8, volume=0, symbol="IDLEUSDT"),
    ])  # fmt: skip
    build(tables, "price_distribution", "volume_profile")
    assert tables.run(
        "select bin_number, lower_price, upper_price, minutes, volume, share, is_point_of_control, is_value_area"
        " from {marts}.volume_profile where symbol = 'BTCUSDT'"
    ) == [(1, 100, 100, 2, 5, 1, 1, 1)]
    assert tables.run(
        "select bin_number, lower_price, upper_price, minutes, share, cumulative_share"
        " from {marts}.price_distribution where symbol = 'BTCUSDT'"
    ) == [(1, 100, 100, 2, 1, 1)]
    assert tables.run(
        "select count(*), sum(is_point_of_control), sum(is_value_area), sum(minutes), count(share)"
        " from {marts}.volume_profile where symbol = 'IDLEUSDT'"
    ) == [(50, 0, 0, 2, 0)]
