"""Bins, value areas and moments are what numpy, pandas and a plain loop say."""

from __future__ import annotations

import math
import random
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

from candlewick_ui.analytics.bins import price_bins, value_area, volume_bins
from candlewick_ui.analytics.returns import histogram, log_returns, moments
from candlewick_ui.providers import volume
from candlewick_ui.providers.base import Asked, ProviderParameters
from candlewick_ui.providers.orderbook import _summed
from support.bars import walk

START = datetime(2026, 3, 5)


def bars(count, price=100.0, seed=3):
    return [
        {
            "open_time": bar.open_time, "high_price": bar.high, "low_price": bar.low, "close_price": bar.close,
            "volume": bar.volume,
        }
        for bar in walk(seed, count, price)
    ]  # fmt: skip


def bars_in_floats(count):
    return [
        {name: float(value) if name.endswith("_price") else value for name, value in bar.items()} for bar in bars(count)
    ]


@pytest.mark.parametrize("bins", [1, 7, 50, 500])
@pytest.mark.parametrize("price", [0.00001, 1.5, 100_000.0])
def test_closes_are_counted_where_exact_arithmetic_puts_them(bins, price):
    closes = [bar["close_price"] for bar in bars(2000, price)]
    rows = price_bins(closes, bins)
    lowest, width = Fraction(min(closes)), (Fraction(max(closes)) - Fraction(min(closes))) / bins
    expected = [0] * bins
    for close in closes:
        expected[min(int((Fraction(close) - lowest) / width), bins - 1)] += 1
    assert [row["bars"] for row in rows] == expected
    assert rows[-1]["cumulative_share"] == 1.0
    assert [row["upper_price"] for row in rows[:-1]] == [row["lower_price"] for row in rows[1:]]


def test_prices_that_are_all_the_same_have_one_bin():
    (row,) = price_bins([Decimal("5.00000000")] * 3, 50)
    assert (row["lower_price"], row["upper_price"], row["bars"], row["share"]) == (5.0, 5.0, 3, 1.0)


def test_prices_that_no_float_tells_apart_have_one_bin():
    closes = [Decimal("1234567890123456.00000001"), Decimal("1234567890123456.00000002")]
    (row,) = price_bins(closes, 50)
    assert (row["bars"], row["share"]) == (2, 1.0)
    some = [
        {"high_price": close, "low_price": close, "close_price": close, "volume": Decimal("1.00000000")}
        for close in closes
    ]
    (row,) = volume_bins(some, 50, Fraction("0.7"))
    assert (row["bars"], row["volume"]) == (2, 2)


def test_volumes_of_more_digits_than_python_computes_with_lose_none():
    large, small = Decimal("1234567890123456789012.12345678"), Decimal("0.00000001")
    some = [{**bar, "volume": volume} for bar, volume in zip(bars(2, 1.5), (large, small), strict=True)]
    assert sum(Fraction(row["volume"]) for row in volume_bins(some, 1, Fraction("0.7"))) == Fraction(large) + Fraction(
        small
    )
    rows = [{"side": "ask", "quantity": quantity} for quantity in (large, small)]
    assert _summed(rows)[-1]["cumulative_quantity"] == Decimal("1234567890123456789012.12345679")


def test_what_takers_sold_is_exact_to_the_last_digit():
    class OneBar:
        """Stands where the reader of the warehouse does."""

        def rows(self, _statement, _reading, /, **_values):
            return [
                {
                    "volume": Decimal("1234567890123456789012.12345678"),
                    "taker_buy_volume": Decimal("1.00000000"),
                    "is_final": 1,
                }
            ]

    (row,) = volume.answer(Asked(OneBar(), "binance", "BTCUSDT"), ProviderParameters()).rows
    assert row["taker_sell_volume"] == Decimal("1234567890123456789011.12345678")


def test_bins_of_volume_add_up_to_the_volume_to_the_last_digit():
    some = bars(1440)
    rows = volume_bins(some, 50, Fraction("0.7"))
    assert sum(row["volume"] for row in rows) == sum(bar["volume"] for bar in some)
    assert sum(row["is_point_of_control"] for row in rows) == 1
    assert max(rows, key=lambda row: row["volume"])["is_point_of_control"]


def test_the_value_area_takes_the_larger_pair_until_the_share_is_reached():
    # From 9 on: above 5 + 1, below 4 + 1, so above first; that is 15 of 21, more than 0.7 of it.
    assert value_area([Decimal(n) for n in (1, 1, 4, 9, 5, 1)], Fraction("0.7")) == range(3, 6)
    # A tie goes up, and where a side ends the other one is taken.
    assert value_area([Decimal(n) for n in (2, 2, 9, 2, 2)], Fraction("0.7")) == range(2, 5)
    assert value_area([Decimal(n) for n in (1, 2, 3, 9)], Fraction(1)) == range(4)
    assert value_area([Decimal(0)] * 4, Fraction("0.7")) == range(0)


def test_the_value_area_holds_its_share_and_would_not_without_its_last_pair():
    dice = random.Random(5)  # noqa: S311 -- a die that always falls the same
    for _ in range(300):
        volumes = [Decimal(dice.randrange(100)) for _ in range(dice.randrange(1, 30))]
        area = value_area(volumes, Fraction("0.7"))
        total, held = sum(volumes), sum(volumes[place] for place in area)
        assert held >= total * Decimal("0.7")
        assert not total or area[0] <= volumes.index(max(volumes)) <= area[-1]


def test_there_is_no_return_across_a_missing_bar():
    some = bars_in_floats(10)
    del some[4]
    returns = log_returns(some, 60)
    assert [moment for moment, _, _ in returns] == [some[n]["open_time"] for n in (1, 2, 3, 5, 6, 7, 8)]
    assert returns[0][1] == math.log(some[1]["close_price"] / some[0]["close_price"])


def test_moments_are_those_of_pandas_and_numpy():
    returns = log_returns(bars_in_floats(1500), 60)
    moves = pd.Series([move for _, move, _ in returns])
    told = moments(returns, 1, 365)
    count = len(moves)
    biased = moves.skew() * (count - 2) / math.sqrt(count * (count - 1))  # pandas corrects for bias, g₁ does not
    assert told["observations"] == count
    assert told["standard_deviation"] == pytest.approx(moves.std(), rel=1e-12)
    assert told["skewness"] == pytest.approx(biased, rel=1e-9)
    excess = ((moves - moves.mean()) ** 4).mean() / moves.var(ddof=0) ** 2 - 3
    assert told["excess_kurtosis"] == pytest.approx(excess, rel=1e-9)
    assert told["var_95"] == pytest.approx(-moves.quantile(0.05), rel=1e-12)
    assert told["var_99"] == pytest.approx(-moves.quantile(0.01), rel=1e-12)
    assert told["realised_volatility"] == pytest.approx(moves.std() * math.sqrt(525_600), rel=1e-12)


@pytest.mark.parametrize(
    ("count", "missing"),
    [
        (1, {"standard_deviation", "skewness", "excess_kurtosis", "var_95", "var_99", "realised_volatility"}),
        (2, {"skewness", "excess_kurtosis", "var_95", "var_99"}),
        (3, {"excess_kurtosis", "var_95", "var_99"}),
        (19, {"var_95", "var_99"}),
        (99, {"var_99"}),
        (100, set()),
    ],
)
def test_what_too_few_returns_do_not_show_is_null(count, missing):
    returns = [(START + timedelta(minutes=n), 0.001 * (n % 7 - 3 + n / 100), 0.002) for n in range(count)]
    assert {name for name, value in moments(returns, 5, 365).items() if value is None} == missing


def test_returns_that_are_all_the_same_have_no_shape_and_one_bin():
    returns = [(START + timedelta(minutes=n), 0.01, 0.002) for n in range(200)]
    told = moments(returns, 5, 365)
    assert (told["mean"], told["standard_deviation"], told["skewness"], told["excess_kurtosis"]) == (
        0.01,
        0.0,
        None,
        None,
    )
    assert [row["observations"] for row in histogram(returns, 50)] == [200]
    assert moments([], 5, 365) == {"observations": 0}
    assert histogram([], 50) == []


@pytest.mark.parametrize("bins", [1, 10, 500])
def test_a_bin_of_returns_holds_what_lies_within_its_bounds(bins):
    returns = log_returns(bars_in_floats(1500), 60)
    moves = np.array([move for _, move, _ in returns])
    rows = histogram(returns, bins)
    assert sum(row["observations"] for row in rows) == len(moves)
    for row in rows[:-1]:
        assert row["observations"] == ((moves >= row["lower_bound"]) & (moves < row["upper_bound"])).sum()
    assert [row["observations"] for row in rows] == np.histogram(moves, bins)[0].tolist()
