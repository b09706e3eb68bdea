"""The market as a function: what any reader of it may rely on."""

from decimal import Decimal
from itertools import groupby, pairwise

import numpy as np
import pytest

from candlewick.demo.gaps import Gap
from candlewick.demo.intervals import DAY_MS, FIXED_MS, HOUR_MS, INTERVALS, MINUTE_MS
from candlewick.demo.market import candles

NOW = 1_717_243_230_000  # 2024-06-01 12:00:30
TODAY = NOW - NOW % DAY_MS
SEED = 5


def by_binances_rule(minutes):
    """Open, high, low, close, volume, quote volume, trades, taker volumes of one bucket, computed independently."""
    traded = [row for row in minutes if row[8] > 0]
    prices = (
        [traded[0][1], max(Decimal(r[2]) for r in traded), min(Decimal(r[3]) for r in traded), traded[-1][4]]
        if (traded)
        else [minutes[-1][4]] * 4
    )
    return [Decimal(p) for p in prices] + [sum(Decimal(row[i]) for row in minutes) for i in (5, 7, 8, 9, 10)]


def numbers(row):
    return [Decimal(row[i]) for i in (1, 2, 3, 4, 5, 7, 8, 9, 10)]


@pytest.mark.parametrize("symbol", ["BTCUSDT", "ARBUSDT", "SHIBUSDT", "S007USDT"])
@pytest.mark.parametrize("interval", ["3m", "15m", "1h", "4h", "1d"])
def test_minutes_roll_up_to_every_higher_candle_by_binances_rule(symbol, interval):
    start, length = TODAY - 3 * DAY_MS, FIXED_MS[interval]
    minutes = candles(SEED, symbol, "1m", start, TODAY - 1, NOW)
    buckets = {opened: list(rows) for opened, rows in groupby(minutes, lambda row: row[0] // length * length)}
    for row in candles(SEED, symbol, interval, start, TODAY - 1, NOW):
        assert numbers(row) == by_binances_rule(buckets[row[0]])
        assert row[6] == row[0] + length - 1


def test_the_rule_about_minutes_without_trades_makes_a_difference():
    minutes = candles(SEED, "ARBUSDT", "1m", TODAY - 30 * DAY_MS, TODAY - 1, NOW)
    hours = candles(SEED, "ARBUSDT", "1h", TODAY - 30 * DAY_MS, TODAY - 1, NOW)
    first_minutes = {row[0]: row for row in minutes}
    assert any(hour[1] != first_minutes[hour[0]][1] for hour in hours)


@pytest.mark.parametrize("symbol", ["BTCUSDT", "ARBUSDT", "SHIBUSDT", "PEPEUSDT", "S001USDT"])
def test_every_candle_keeps_the_invariants(symbol):
    for row in candles(SEED, symbol, "1m", TODAY - DAY_MS, NOW, NOW):
        open_, high, low, close, volume = (Decimal(value) for value in row[1:6])
        quote, taker, taker_quote = Decimal(row[7]), Decimal(row[9]), Decimal(row[10])
        assert 0 < low <= min(open_, close) <= max(open_, close) <= high
        assert 0 <= taker <= volume
        assert 0 <= taker_quote <= quote
        assert low * volume <= quote <= high * volume
        assert (row[8] == 0) == (volume == 0)
        if row[8] == 0:
            assert open_ == high == low == close
        assert row[0] % MINUTE_MS == 0
        assert row[6] == row[0] + MINUTE_MS - 1
        assert row[11] == "0"
        assert all(len(row[i].partition(".")[2]) == 8 for i in (1, 2, 3, 4, 5, 7, 9, 10))


def test_a_minute_opens_where_the_one_before_closed_and_a_quiet_one_stays_there():
    minutes = candles(SEED, "ARBUSDT", "1m", TODAY - DAY_MS, TODAY - 1, NOW)
    quiet = 0
    for before, row in pairwise(minutes):
        if row[8] == 0:
            quiet += 1
            assert row[1] == before[4]
        elif before[8]:
            assert row[1] == before[4]
    assert 20 < quiet < 300


def test_the_walk_looks_like_a_market():
    days = candles(SEED, "BTCUSDT", "1d", TODAY - 700 * DAY_MS, TODAY, NOW)
    closes = np.array([float(row[4]) for row in days])
    returns = np.diff(np.log(closes))
    assert 5_000 < closes.min() < closes.max() < 500_000
    assert 0.01 < returns.std() < 0.06
    assert abs(np.corrcoef(returns[:-1], returns[1:])[0, 1]) < 0.2


@pytest.mark.parametrize("interval", INTERVALS)
def test_a_span_cut_in_two_gives_the_same_rows(interval):
    start = NOW - 4 * FIXED_MS.get(interval, 31 * DAY_MS)
    middle = NOW - 2 * FIXED_MS.get(interval, 31 * DAY_MS)
    whole = candles(SEED, "ARBUSDT", interval, start, NOW, NOW)
    assert whole == candles(SEED, "ARBUSDT", interval, start, middle - 1, NOW) + candles(
        SEED, "ARBUSDT", interval, middle, NOW, NOW
    )
    assert len(whole) >= 4


def test_short_and_long_requests_agree_minute_by_minute():
    long = candles(SEED, "ARBUSDT", "1m", NOW - DAY_MS, NOW, NOW)
    for row in long[-40:]:
        assert candles(SEED, "ARBUSDT", "1m", row[0], row[0], NOW) == [row]


def test_the_newest_candle_is_forming_until_its_minute_is_over():
    opened = NOW // MINUTE_MS * MINUTE_MS
    final = candles(SEED, "BTCUSDT", "1m", opened, opened, opened + MINUTE_MS)[0]
    volumes = []
    for second in (0, 10, 30, 59.999):
        forming = candles(SEED, "BTCUSDT", "1m", opened, opened, opened + int(second * 1000))[0]
        assert forming[:2] == final[:2]
        assert forming[6] == final[6]
        assert Decimal(final[3]) <= Decimal(forming[3]) <= Decimal(forming[2]) <= Decimal(final[2])
        volumes.append(Decimal(forming[5]))
    assert volumes == sorted(set(volumes))
    assert volumes[-1] < Decimal(final[5])


def test_a_forming_hour_is_made_of_the_minutes_so_far():
    hour = NOW // HOUR_MS * HOUR_MS
    now = hour + 17 * MINUTE_MS + 20_000
    minutes = candles(SEED, "ARBUSDT", "1m", hour, now, now)
    assert len(minutes) == 18
    assert numbers(candles(SEED, "ARBUSDT", "1h", hour, now, now)[0]) == by_binances_rule(minutes)


def test_nothing_exists_before_the_listing_and_the_first_day_is_short():
    listed = 1_679_583_600_000
    first_day = candles(SEED, "ARBUSDT", "1m", listed - DAY_MS, listed // DAY_MS * DAY_MS + DAY_MS - 1, NOW)
    assert len(first_day) == 540
    assert first_day[0][0] == listed
    assert candles(SEED, "ARBUSDT", "1d", 0, NOW, NOW)[0][0] == listed // DAY_MS * DAY_MS


def test_weeks_begin_on_monday_and_months_on_the_first():
    week = candles(SEED, "BTCUSDT", "1w", NOW - 8 * DAY_MS, NOW, NOW)[0]
    months = candles(SEED, "BTCUSDT", "1M", NOW - 40 * DAY_MS, NOW, NOW)
    assert week[0] == 1_716_768_000_000  # Monday 2024-05-27
    assert [row[0] for row in months] == [1_714_521_600_000, 1_717_200_000_000]  # 2024-05-01, 2024-06-01


def test_an_outage_takes_minutes_away_and_the_hour_is_made_of_the_rest():
    hour = TODAY - DAY_MS
    gap = (Gap.between(hour + 10 * MINUTE_MS, hour + 40 * MINUTE_MS),)
    minutes = candles(SEED, "ARBUSDT", "1m", hour, hour + HOUR_MS - 1, NOW, gap)
    assert [(row[0] - hour) // MINUTE_MS for row in minutes] == [*range(10), *range(40, 60)]
    assert numbers(candles(SEED, "ARBUSDT", "1h", hour, hour, NOW, gap)[0]) == by_binances_rule(minutes)


def test_an_hour_inside_an_outage_does_not_exist():
    hour = TODAY - DAY_MS
    gap = (Gap.between(hour, hour + HOUR_MS),)
    assert candles(SEED, "BTCUSDT", "1h", hour, hour, NOW, gap) == []


def test_a_flat_span_stays_at_the_last_price():
    hour = TODAY - DAY_MS
    gap = (Gap.between(hour, hour + 2 * HOUR_MS, "flat"),)
    before = candles(SEED, "BTCUSDT", "1m", hour - MINUTE_MS, hour - 1, NOW, gap)[0]
    flat = candles(SEED, "BTCUSDT", "1m", hour, hour + 2 * HOUR_MS - 1, NOW, gap)
    assert len(flat) == 120
    assert {tuple(row[1:6]) for row in flat} == {(before[4],) * 4 + ("0.00000000",)}


def test_another_seed_is_another_market():
    assert candles(1, "BTCUSDT", "1m", NOW, NOW, NOW) == candles(1, "BTCUSDT", "1m", NOW, NOW, NOW)
    assert candles(1, "BTCUSDT", "1h", TODAY, NOW, NOW) != candles(2, "BTCUSDT", "1h", TODAY, NOW, NOW)


@pytest.mark.parametrize("year_ms", [1_503_000_000_000, 1_900_000_000_000])
def test_any_date_from_2017_to_2030_can_be_asked_for(year_ms):
    assert len(candles(SEED, "BTCUSDT", "1m", year_ms, year_ms + HOUR_MS - 1, year_ms + DAY_MS)) == 60
