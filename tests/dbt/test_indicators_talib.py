"""Indicators are what TA-Lib says, for every interval, however their bars arrived."""

from __future__ import annotations

from collections import defaultdict

import pytest

from support import published_values as tables
from support.bars import Bar, flat, published, recorded, simulated, spaced, walk
from support.indicators import COLUMNS, disagreements
from support.splits import ROUNDS, all_ways, at_once

INTERVALS = ("1m", "1h", "1d")
# Where the bars of an interval are: the indicators are read from nothing else.
BARS = {
    "1m": ("fact_klines", "open_time", "interval_code = '1m' and is_final"),
    "1h": ("hourly_klines", "hour_start", "is_final"),
    "1d": ("daily_klines", "cast(date as datetime)", "is_final"),
}
INDICATORS = tuple(f"indicators_{interval}" for interval in INTERVALS)
SCALES = {"SHIB": 0.00001, "DOGE": 0.14, "LTC": 80, "ETH": 2800, "BTC": 100_000}
SIMULATED = ("BTCUSDT", "DOGEUSDT", "SHIBUSDT")
# How often 1440 bars arrive at once; 1440 days are four years.
DAYS = {"1m": 2, "1h": 1, "1d": 1}


def build(warehouse, *arguments):
    models = ("stg_klines", "fact_klines", "hourly_klines", "daily_klines", *INDICATORS)
    return warehouse.dbt("run", "--select", *models, *arguments)


def whole(interval):
    """The bars that arrive in many ways."""
    return spaced(walk(11, 100 + 1440 * DAYS[interval], 43_000), interval)


def thinned(interval):
    """Bars with holes between them: single ones, and one of a hundred."""
    bars = spaced(walk(21, 420, 1.5), interval)
    return [bar for number, bar in enumerate(bars) if number % 7 and not 250 <= number < 350]


def moved_then_still(length):
    """A price that moves and then stands still for so long that gains and losses fade."""
    return spaced([*walk(31, 60, 27_000, silent=0), *flat(length, "26999.99", volume="0")], "1m")


def at_once_in(interval):
    """Symbols of this interval that are there from the beginning, each with its bars."""
    series = {
        "WHOLE": whole(interval),
        "THINNED": thinned(interval),
        "CONSTANT": spaced(flat(260, "43250.17"), interval),
        "NO_VOLUME": spaced(flat(260, "0.00001234", volume="0"), interval),
        "STILL": spaced(moved_then_still(1500 if interval == "1m" else 250), interval),
        "SHORT": spaced(walk(41, 13, 100), interval),
        "WORKSHEET": spaced(published(tables.WORKSHEET_CLOSES), interval),
        "REGRESSION": spaced(published(tables.TALIB_CLOSES, tables.TALIB_HIGHS, tables.TALIB_LOWS), interval),
    }
    series |= {name: spaced(walk(51, 260, price), interval) for name, price in SCALES.items()}
    series |= {
        f"WILD_{name}": spaced(walk(61, 230, price, move=0.1), interval)
        for name, price in SCALES.items()
        if name in {"SHIB", "BTC"}
    }
    series |= {f"SIMULATED_{symbol}": spaced(simulated(symbol, 300), interval) for symbol in SIMULATED}
    return [at_once(f"{name}_{interval}", interval, bars) for name, bars in series.items()]


@pytest.fixture(scope="module")
def built(shared_warehouse):
    """A warehouse into which the bars of all cases came round by round, dbt building after each."""
    arrivals = [arrival for interval in INTERVALS for arrival in at_once_in(interval)]
    arrivals += [arrival for interval in INTERVALS for arrival in all_ways(interval, whole(interval), DAYS[interval])]
    for number in range(ROUNDS + 1):
        shared_warehouse.load([row for arrival in arrivals for row in arrival.rounds[number]])
        build(shared_warehouse)
    return shared_warehouse


def bars_of(warehouse, interval, symbols):
    table, opened, condition = BARS[interval]
    found = defaultdict(list)
    for symbol, *values in warehouse.run(
        f"select symbol, {opened}, open_price, high_price, low_price, close_price, volume, quote_volume from {{marts}}.{table}"
        f" where {condition} and symbol in %s order by 1, 2",
        (symbols,),
    ):
        found[symbol].append(Bar(*values))
    return found


def rows_of(warehouse, interval, symbols):
    found = defaultdict(list)
    for symbol, *row in warehouse.run(
        f"select symbol, open_time, close_price, {', '.join(COLUMNS)} from {{marts}}.indicators_{interval}"
        f" where symbol in %s order by 1, 2",
        (symbols,),
    ):
        found[symbol].append(row)
    return found


def assert_agreement(warehouse, interval, symbols):
    bars, rows = bars_of(warehouse, interval, symbols), rows_of(warehouse, interval, symbols)
    said = [f"{name}: {line}" for name in sorted(bars) for line in disagreements(bars[name], rows[name])]
    assert said == []
    assert rows.keys() == bars.keys()
    return sum(map(len, rows.values()))


def columns_of(warehouse, interval):
    """All columns that hold what was computed, state included."""
    answer = warehouse.run(
        "select column_name from information_schema.columns where table_schema = '{marts}' and table_name = %s",
        (f"indicators_{interval}",),
    )
    return [name for (name,) in answer if name not in {"exchange", "symbol", "open_time", "updated_at", "created_at"}]


@pytest.mark.parametrize("interval", INTERVALS)
def test_every_indicator_is_what_talib_says_with_null_where_it_has_none(built, interval):
    symbols = [arrival.symbol for each in INTERVALS for arrival in at_once_in(each)]
    assert assert_agreement(built, interval, symbols) > 5000


@pytest.mark.parametrize("interval", INTERVALS)
def test_rows_do_not_depend_on_the_steps_in_which_their_bars_arrived(built, interval):
    columns = columns_of(built, interval)
    assert len(columns) > len(COLUMNS)  # the state too
    table = f"{{marts}}.indicators_{interval}"
    pairs = f"{table} as one inner join {table} as whole on whole.symbol = %s and whole.open_time = one.open_time"
    twins = [arrival.symbol for arrival in all_ways(interval, whole(interval), DAYS[interval])]
    differ = " or ".join(f"not (one.{name} <=> whole.{name})" for name in columns)
    wanted = (f"WHOLE_{interval}", twins)
    assert (
        built.run(
            f"select one.symbol, min(one.open_time) from {pairs} where one.symbol in %s and ({differ}) group by 1",
            wanted,
        )
        == []
    )
    bars, _, condition = BARS[interval]
    of_each = built.run(
        f"select symbol, count(*) from {{marts}}.{bars} where symbol in %s and {condition} group by 1", (twins,)
    )
    assert len(of_each) == len(twins)
    assert sorted(of_each) == sorted(
        built.run(f"select one.symbol, count(*) from {pairs} where one.symbol in %s group by 1", wanted)
    )


def test_an_earlier_past_and_late_bars_leave_one_chain_of_bars(built):
    for interval in INTERVALS:
        assert built.run(
            f"select symbol from {{marts}}.indicators_{interval} group by symbol"
            " having min(bar_number) <> 1 or max(bar_number) <> count(*) or count(distinct bar_number) <> count(*)"
        ) == []  # fmt: skip


def test_the_published_worksheet_of_the_rsi_is_met_to_its_last_digit(built):
    for interval in INTERVALS:
        rows = rows_of(built, interval, [f"WORKSHEET_{interval}"])[f"WORKSHEET_{interval}"]
        found = [row[2 + COLUMNS.index("rsi")] for row in rows]
        assert found[:14] == [None] * 14
        assert [f"{value:.2f}" for value in found[14:]] == tables.WORKSHEET_RSI.split()


def test_the_regression_values_of_talib_itself_are_met(built):
    for interval in INTERVALS:
        rows = rows_of(built, interval, [f"REGRESSION_{interval}"])[f"REGRESSION_{interval}"]
        found = {name: [row[2 + place] for row in rows] for place, name in enumerate(COLUMNS)}
        close = [float(row[1]) for row in rows]
        found["normalised_atr"] = [atr and 100 * atr / price for atr, price in zip(found["atr"], close, strict=True)]
        for name, place, text in tables.TALIB_EXPECTED:
            assert abs(found[name][place] - float(text)) < 10.0 ** -len(text.partition(".")[2]), (name, place)


def test_without_any_move_the_rsi_is_0_and_without_volume_there_is_no_vwap(built):
    for interval in INTERVALS:
        rsi, upper, lower, obv, vwap = (
            2 + COLUMNS.index(name) for name in ("rsi", "bollinger_upper", "bollinger_lower", "obv", "vwap")
        )
        constant = rows_of(built, interval, [f"CONSTANT_{interval}"])[f"CONSTANT_{interval}"]
        assert {row[rsi] for row in constant} == {None, 0.0}
        assert {(row[upper], row[lower]) for row in constant[19:]} == {(43250.17, 43250.17)}
        assert {row[obv] for row in constant} == {2.0}
        assert [row[vwap] for row in constant] == pytest.approx([43250.17] * len(constant), rel=1e-12)
        silent = rows_of(built, interval, [f"NO_VOLUME_{interval}"])[f"NO_VOLUME_{interval}"]
        assert {(row[rsi], row[obv], row[vwap]) for row in silent[14:]} == {(0.0, 0.0, None)}


def test_a_corrected_bar_rebuilds_its_symbol_from_that_bar_on_and_nothing_else(built):
    bars = spaced(walk(71, 300, 250), "1m")
    others = [at_once("BYSTANDER", "1m", bars), at_once("AMENDED", "1m", bars)]
    built.load([row for arrival in others for row in arrival.rounds[0]])
    build(built)
    built.run(
        "create table {marts}.untouched (primary key (symbol, open_time)) as select symbol, open_time, vwap from {marts}.indicators_1m"
    )
    built.run("update {marts}.indicators_1m set vwap = -1")
    amended = [*bars[:200], bars[200].corrected(), *bars[201:]]
    built.load([amended[200].staged("AMENDED", "1m", seconds_late=60)])
    build(built)
    rebuilt = built.run(
        "select symbol, min(open_time), count(*) from {marts}.indicators_1m where vwap <> -1 group by 1"
    )
    assert rebuilt == [("AMENDED", bars[200].open_time, 100)]
    built.run(
        "update {marts}.indicators_1m as now inner join {marts}.untouched as old"
        " on old.symbol = now.symbol and old.open_time = now.open_time set now.vwap = old.vwap where now.vwap = -1"
    )
    assert disagreements(amended, rows_of(built, "1m", ["AMENDED"])["AMENDED"]) == []


def test_a_full_refresh_gives_the_very_same_rows(built):
    for model in INDICATORS:
        built.run(
            f"create table {{marts}}.{model}_before (primary key (symbol, open_time)) as select * from {{marts}}.{model}"
        )
    built.dbt("run", "--select", *INDICATORS, "--full-refresh")
    for interval, model in zip(INTERVALS, INDICATORS, strict=True):
        same = " and ".join(f"now.{name} <=> old.{name}" for name in columns_of(built, interval))
        rows = built.one(f"select count(*) from {{marts}}.{model}_before")
        assert rows == built.one(f"select count(*) from {{marts}}.{model}")
        assert rows == built.one(
            f"select count(*) from {{marts}}.{model} as now inner join {{marts}}.{model}_before as old"
            f" on now.symbol = old.symbol and now.open_time = old.open_time and {same}"
        )


@pytest.mark.recordings
def test_bars_recorded_from_the_real_exchange_agree_too(built, recordings):
    """Days with halts and minutes without a trade; the first ones also as hours and as days of their own."""
    arrivals = []
    for symbol in ("ARBUSDT", "BTCUSDT"):
        minutes = recorded(recordings, symbol)
        arrivals.append(at_once(f"RECORDED_{symbol}", "1m", minutes))
        arrivals += [
            at_once(f"RECORDED_{symbol}_{interval}", interval, spaced(minutes[:400], interval))
            for interval in ("1h", "1d")
        ]
    built.load([row for arrival in arrivals for row in arrival.rounds[0]])
    build(built)
    for interval in INTERVALS:
        assert assert_agreement(built, interval, [arrival.symbol for arrival in arrivals]) > 800
