"""Correlations of all pairs at once equal those that pandas makes pair by pair."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

from candlewick.pipeline.pearson import correlations

LEAST = 12
NAN = float("nan")


@pytest.fixture
def random():
    return np.random.default_rng(20260305)


def market(random, moments, series, *, holes=0.0):
    """Returns that share a common move, each series with its own scale; NaN where there is none."""
    common = random.normal(size=(moments, 1))
    own = random.normal(size=(moments, series))
    values = (common * random.uniform(-1, 1, series) + own) * 10.0 ** random.uniform(-6, 0, series)
    values[random.random(values.shape) < holes] = NAN
    return values


def assert_equal_to_pandas(values, least=LEAST):
    found, rows = correlations(values, least)
    expected = pd.DataFrame(values).corr(min_periods=least).to_numpy()
    there = ~np.isnan(values)
    np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(found, found.T)
    np.testing.assert_array_equal(rows, there.T.astype(int) @ there.astype(int))


@pytest.mark.parametrize("holes", [0.0, 0.1, 0.6, 0.95])
def test_every_pair_equals_pandas_whatever_share_of_the_returns_is_missing(random, holes):
    assert_equal_to_pandas(market(random, 288, 20, holes=holes))


def test_three_hundred_series_are_correlated_in_one_go(random):
    found, _ = correlations(market(random, 288, 300, holes=0.02), LEAST)

    assert found.shape == (300, 300)
    assert not np.isnan(found).any()
    assert_equal_to_pandas(market(random, 180, 300, holes=0.3))


def test_the_diagonal_is_one_and_nothing_lies_beyond_it(random):
    line = random.normal(size=100)
    found, _ = correlations(np.column_stack([line, line * 3 + 1, -line]), LEAST)

    assert found.diagonal().tolist() == [1.0, 1.0, 1.0]
    assert np.abs(found).max() <= 1.0
    np.testing.assert_allclose(found, [[1, 1, -1], [1, 1, -1], [-1, -1, 1]], rtol=0, atol=1e-15)


def test_too_few_common_moments_are_no_correlation(random):
    values = market(random, 40, 2)
    values[:20, 0] = NAN
    values[32:, 1] = NAN  # twelve moments have both

    assert correlations(values, 12)[1][0, 1] == 12
    assert not np.isnan(correlations(values, 12)[0]).any()
    assert np.isnan(correlations(values, 13)[0][0, 1])
    assert_equal_to_pandas(values, 13)


@pytest.mark.parametrize("price", [0.0, 0.1, 1 / 3, -7e-9])
def test_a_series_that_does_not_move_has_no_correlation_not_even_with_itself(random, price):
    values = market(random, 100, 3, holes=0.1)
    values[:, 1] = price

    found, _ = correlations(values, LEAST)

    assert np.isnan(found[1]).all()
    assert_equal_to_pandas(values)


@pytest.mark.parametrize("quiet", [0.0, 0.1, 1 / 3])
def test_a_series_that_moves_only_where_the_other_one_is_missing_has_no_correlation_with_it(random, quiet):
    values = market(random, 100, 4)
    values[:60, 1] = quiet
    values[60:, 2] = NAN

    found, _ = correlations(values, LEAST)

    assert np.isnan(found[1, 2])
    assert not np.isnan(found[[0, 1, 2], [1, 3, 3]]).any()
    assert_equal_to_pandas(values)


def test_small_moves_around_a_large_value_keep_the_digits_that_pandas_loses(random):
    values = market(random, 200, 4, holes=0.1)
    values[:120, 1] = 5.0 + values[:120, 1] * 1e-3
    values[120:, 1] = -300.0 + values[120:, 1]
    values[120:, 2] = NAN
    values[:, 3] = 1e3 + values[:, 3]

    found, _ = correlations(values, LEAST)

    expected = [
        [1.0 if one == other else exact(values[:, one], values[:, other]) for one in range(4)] for other in range(4)
    ]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


def exact(x, y):
    """Pearson's correlation in fractions, rounded once at the end."""
    pairs = [(Fraction(a), Fraction(b)) for a, b in zip(x.tolist(), y.tolist(), strict=True) if not math.isnan(a + b)]
    mean_x, mean_y = (sum(side) / len(pairs) for side in zip(*pairs, strict=True))
    moves = [(a - mean_x, b - mean_y) for a, b in pairs]
    common, of_x, of_y = (sum(products) for products in zip(*((a * b, a * a, b * b) for a, b in moves), strict=True))
    return float(common) / math.sqrt(float(of_x)) / math.sqrt(float(of_y))


def test_one_series_is_correlated_with_itself_alone(random):
    found, rows = correlations(market(random, 30, 1), LEAST)

    assert (found.tolist(), rows.tolist()) == ([[1.0]], [[30]])


@pytest.mark.parametrize("shape", [(0, 0), (0, 3), (5, 0)])
def test_nothing_is_correlated_with_nothing(shape):
    found, rows = correlations(np.empty(shape), LEAST)

    assert found.shape == rows.shape == (shape[1], shape[1])
    assert np.isnan(found).all()
    assert not rows.any()
