"""What is computed on request: as TA-Lib says over all of history, whatever was read of it."""

from __future__ import annotations

import math

import numpy as np
import pytest
import talib

from candlewick_ui.analytics import formulas
from candlewick_ui.analytics.warm_up import EXACT, bars_for_exponential, bars_for_wilder
from support.bars import flat, walk

LENGTH, SHOWN = 30_000, 200
PERIODS = (2, 3, 14, 21, 100, 500)
PRICES = {"SHIB": 0.00001, "DOGE": 0.14, "BTC": 100_000.0}


def floats(bars):
    return tuple([float(getattr(bar, name)) for bar in bars] for name in ("high", "low", "close"))


@pytest.fixture(scope="module")
def histories():
    return {name: floats(walk(7, LENGTH, price)) for name, price in PRICES.items()}


def assert_same(found, expected, scale):
    expected = np.asarray(expected)
    found = np.array([math.nan if value is None else value for value in found])
    assert len(found) == len(expected)
    assert np.array_equal(np.isnan(found), np.isnan(expected))
    assert np.all(np.nan_to_num(np.abs(found - expected)) <= EXACT * np.abs(scale))


@pytest.mark.parametrize("period", PERIODS)
@pytest.mark.parametrize("name", PRICES)
def test_the_rsi_of_the_bars_read_is_that_of_all_of_history(histories, name, period):
    close = histories[name][2]
    read = close[-(SHOWN + bars_for_wilder(period)) :]
    found = formulas.rsi(*formulas.gains_and_losses(read, period))[-SHOWN:]
    assert_same(found, talib.RSI(np.array(close), period)[-SHOWN:], 100)


@pytest.mark.parametrize("period", PERIODS)
@pytest.mark.parametrize("name", PRICES)
def test_the_atr_of_the_bars_read_is_that_of_all_of_history(histories, name, period):
    history = histories[name]
    read = [series[-(SHOWN + bars_for_wilder(period)) :] for series in history]
    expected = talib.ATR(*map(np.array, history), period)[-SHOWN:]
    assert_same(formulas.atr(*read, period)[-SHOWN:], expected, expected)


@pytest.mark.parametrize("periods", [(2, 3, 2), (8, 21, 5), (12, 26, 9), (50, 200, 30), (100, 500, 500)])
@pytest.mark.parametrize("name", PRICES)
def test_the_macd_of_the_bars_read_is_that_of_all_of_history(histories, name, periods):
    close = histories[name][2]
    _, slow, signal = periods
    read = close[-(SHOWN + bars_for_exponential(slow) + bars_for_exponential(signal)) :]
    expected = talib.MACD(np.array(close), *periods)
    for found, of_all in zip(formulas.macd(read, *periods), expected, strict=True):
        assert_same(found[-SHOWN:], of_all[-SHOWN:], np.array(close[-SHOWN:]))


@pytest.mark.parametrize("period", PERIODS)
@pytest.mark.parametrize("name", PRICES)
def test_bands_are_those_of_talib_or_nearer_to_the_truth(histories, name, period):
    close = np.array(histories[name][2][-3000:])
    upper, middle, lower = formulas.bollinger(close.tolist(), period, 2.5)
    warm = slice(period - 1, None)
    windows = np.lib.stride_tricks.sliding_window_view(close.astype(np.longdouble), period)
    spread = 2.5 * windows.std(axis=1)
    assert_same(middle[warm], talib.SMA(close, period)[warm], close[warm])
    assert_same(upper[warm], (windows.mean(axis=1) + spread).astype(float), close[warm])
    assert_same(lower[warm], (windows.mean(axis=1) - spread).astype(float), close[warm])
    assert middle[: period - 1] == [None] * (period - 1)


@pytest.mark.parametrize("length", [0, 1, 2, 13, 14, 15, 25, 33, 34, 35])
def test_values_begin_on_the_bar_on_which_talib_begins_them(length):
    high, low, close = floats(walk(9, 40, 250))
    high, low, close = high[:length], low[:length], close[:length]

    def cold(values):
        return sum(value is None for value in values)

    assert len(formulas.rsi(*formulas.gains_and_losses(close, 14))) == length
    assert cold(formulas.rsi(*formulas.gains_and_losses(close, 14))) == min(length, 14)
    assert cold(formulas.atr(high, low, close, 14)) == min(length, 14)
    assert [cold(values) for values in formulas.macd(close, 12, 26, 9)] == [min(length, 33)] * 3
    assert [len(values) for values in formulas.macd(close, 12, 26, 9)] == [length] * 3
    assert [cold(values) for values in formulas.bollinger(close, 14, 2)] == [min(length, 13)] * 3


def test_a_price_that_stands_still_has_bands_of_itself_and_an_rsi_of_0():
    _, _, close = floats(flat(40, "43250.17"))
    assert formulas.bollinger(close, 20, 2)[0][19:] == close[19:]
    assert formulas.bollinger(close, 20, 2)[2][19:] == close[19:]
    assert formulas.rsi(*formulas.gains_and_losses(close, 14))[14:] == [0.0] * 26


def test_values_are_those_of_talib_from_the_first_bar_on():
    high, low, close = floats(walk(5, 120, 250))
    numbers = np.array(close)
    assert_same(formulas.rsi(*formulas.gains_and_losses(close, 14)), talib.RSI(numbers, 14), 100)
    expected = talib.ATR(np.array(high), np.array(low), numbers, 14)
    assert_same(formulas.atr(high, low, close, 14), expected, np.nan_to_num(expected))
    for found, of_all in zip(formulas.macd(close, 12, 26, 9), talib.MACD(numbers, 12, 26, 9), strict=True):
        assert_same(found, of_all, numbers)
