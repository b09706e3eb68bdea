"""Returns in the mart become pairs in the table: whole matrices, one window at a time, on real servers."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from candlewick.pipeline.correlate import LOCK, correlate
from candlewick.warehouse.database import WarehouseBusy
from candlewick.warehouse.staging import RowsRefused

START = datetime(2026, 3, 5, 12)
STEPS = {"24h": 5, "7d": 60, "30d": 240}
SYMBOLS = ("ADAUSDT", "BNBUSDT", "BTCUSDT", "ETHUSDT")


@pytest.fixture
def random():
    return np.random.default_rng(20260305)


@pytest.fixture
def mart(warehouse):
    """The table dbt makes, empty."""
    with warehouse.session() as session:
        session.run(
            f"CREATE TABLE {warehouse.config.marts_schema}.window_returns (exchange VARCHAR(32), symbol VARCHAR(60), "
            "window_name VARCHAR(16), step_minutes INT, open_time DATETIME(3), log_return DOUBLE, "
            "PRIMARY KEY (exchange, window_name, symbol, open_time)) COLLATE utf8mb4_unicode_ci"
        )
    return warehouse


@pytest.fixture
def write(mart):
    """Write the returns of a window: a frame with a column per symbol, a row per step; NaN is no row."""

    def written(frame, window="24h", exchange="binance"):
        step = STEPS[window]
        rows = [
            (exchange, symbol, window, step, START + timedelta(minutes=step * place), value)
            for symbol, column in frame.items()
            for place, value in enumerate(column)
            if not np.isnan(value)
        ]
        with mart.session() as session:
            session.run_many(
                f"INSERT INTO {mart.config.marts_schema}.window_returns VALUES (%s, %s, %s, %s, %s, %s)", rows
            )

    return written


def frame_of(random, moments=60, symbols=SYMBOLS, holes=0.2):
    values = random.normal(size=(moments, len(symbols))) * 0.01 + random.normal(size=(moments, 1)) * 0.01
    values[random.random(values.shape) < holes] = np.nan
    values[0] = values[-1] = 0.001  # so that the span is known
    return pd.DataFrame(values, columns=symbols)


def pairs(warehouse, window="24h", exchange="binance"):
    """Both triangles, as pandas has them: correlations, and numbers of observations."""
    with warehouse.session() as session:
        rows = session.all(
            "SELECT symbol_a, symbol_b, correlation, observations FROM correlation_pairs "
            "WHERE exchange = %s AND window_name = %s",
            (exchange, window),
        )
    assert all(a <= b for a, b, _, _ in rows)
    both = [*rows, *((b, a, r, n) for a, b, r, n in rows if a != b)]
    found = pd.DataFrame(both, columns=["a", "b", "r", "n"])
    shape = {"index": "a", "columns": "b", "dropna": False}
    return found.pivot_table(values="r", **shape), found.pivot_table(values="n", **shape)


def assert_equal_to_pandas(found, frame, least=12):
    expected = frame.corr(min_periods=least)
    np.testing.assert_array_equal(found.columns, expected.columns)
    np.testing.assert_allclose(found.to_numpy(dtype=float), expected.to_numpy(), rtol=0, atol=1e-12)


def count(warehouse):
    with warehouse.session() as session:
        return session.all("SELECT window_name, COUNT(*) FROM correlation_pairs GROUP BY 1 ORDER BY 1")


def test_every_window_of_every_exchange_is_a_matrix_of_its_own_and_equals_pandas(mart, write, random):
    frames = {(window, exchange): frame_of(random) for window in STEPS for exchange in ("binance", "other")}
    for place, frame in frames.items():
        write(frame, *place)

    sentence = correlate(mart).sentence

    for place, frame in frames.items():
        found, observations = pairs(mart, *place)
        assert_equal_to_pandas(found, frame)
        there = frame.notna().to_numpy().astype(int)
        np.testing.assert_array_equal(observations.to_numpy(), there.T @ there)
    assert "binance 24h: 4 symbols over 60 returns of 5 minutes, 6 pairs (0 without a value)" in sentence


def test_a_row_says_what_its_window_covers_and_when_it_was_made(mart, write, random):
    write(frame_of(random, moments=30), "7d")

    correlate(mart)

    with mart.session() as session:
        rows = session.all("SELECT DISTINCT step_minutes, window_start, window_end, computed_at > UTC_TIMESTAMP() - "
                           "INTERVAL 1 MINUTE FROM correlation_pairs")  # fmt: skip
    assert rows == [(60, START, START + timedelta(hours=30), 1)]


def test_where_there_is_no_correlation_there_is_a_null(mart, write, random):
    frame = frame_of(random)
    frame["BNBUSDT"] = 0.0  # never moves
    frame.loc[5:, "ETHUSDT"] = np.nan  # too few
    write(frame)

    summary = correlate(mart)

    found, observations = pairs(mart)
    assert found.loc["BNBUSDT"].isna().all()
    assert found.loc["ETHUSDT"].isna().all()
    assert found.loc["BTCUSDT", "BTCUSDT"] == 1.0
    assert not np.isnan(found.loc["BTCUSDT", "ADAUSDT"])
    assert observations.loc["ETHUSDT", "ETHUSDT"] == frame["ETHUSDT"].notna().sum() < 12
    assert "6 pairs (5 without a value)" in summary.sentence


def test_what_left_disappears_symbols_and_windows(mart, write, random):
    write(frame_of(random))
    write(frame_of(random), "7d")
    correlate(mart)
    assert count(mart) == [("24h", 10), ("7d", 10)]
    with mart.session() as session:
        session.run(
            f"DELETE FROM {mart.config.marts_schema}.window_returns WHERE window_name = '7d' OR symbol = 'ADAUSDT'"
        )

    sentence = correlate(mart).sentence

    assert count(mart) == [("24h", 6)]
    assert sentence.endswith("; 1 windows without returns were forgotten")


def test_without_returns_there_are_no_pairs_and_without_the_mart_one_sentence_says_so(mart, warehouse):
    assert correlate(mart).sentence == "correlated nothing: no symbol has a return"
    with warehouse.session() as session:
        session.run(f"DROP TABLE {warehouse.config.marts_schema}.window_returns")

    assert correlate(warehouse).sentence == "nothing to do: dbt has not built window_returns yet"
    assert count(warehouse) == []


def test_one_symbol_alone_is_the_diagonal(mart, write, random):
    write(frame_of(random, symbols=("BTCUSDT",)))

    correlate(mart)

    assert pairs(mart)[0].to_numpy().tolist() == [[1.0]]


def test_no_reader_ever_sees_half_a_matrix(mart, write, random, database):
    names = [f"S{number:03d}USDT" for number in range(60)]
    write(frame_of(random, symbols=names, moments=20, holes=0))
    correlate(mart)
    seen, is_done = set(), threading.Event()

    def look():
        with database.connect(mart.config.raw_schema) as reader, reader.cursor() as cursor:
            while not is_done.is_set():
                cursor.execute("SELECT COUNT(*), COUNT(DISTINCT computed_at) FROM correlation_pairs")
                seen.add(cursor.fetchone())

    reader = threading.Thread(target=look)
    reader.start()
    for _ in range(10):
        correlate(mart)
    is_done.set()
    reader.join()

    assert seen == {(60 * 61 // 2, 1)}


def test_a_run_that_fails_while_it_writes_leaves_what_was_there(mart, write, random):
    frame = frame_of(random)
    write(frame)
    correlate(mart)
    write(frame_of(random, symbols=("X" * 51,)))  # one character too many for the table

    with pytest.raises(RowsRefused, match="expected 15 rows in correlation_pairs as they are"):
        correlate(mart)

    assert_equal_to_pandas(pairs(mart)[0], frame)


def test_two_runs_do_not_mix_the_second_one_waits_and_is_tried_again(mart, write, random):
    write(frame_of(random))
    mart.config = mart.config.model_copy(update={"lock_wait_seconds": 1})

    with (
        mart.session() as session,
        mart.named_lock(session, LOCK),
        pytest.raises(WarehouseBusy, match="will be tried again"),
    ):
        correlate(mart)

    assert count(mart) == []


def test_the_least_number_of_common_returns_is_a_setting(mart, write, random):
    frame = frame_of(random, moments=12, holes=0)
    write(frame)
    mart.config = mart.config.model_copy(update={"correlation_min_observations": 13})

    correlate(mart)

    assert pairs(mart)[0].isna().to_numpy().all()


@pytest.fixture
def staged(warehouse, random):
    """Minutes of three symbols as the load leaves them, the last one of each 5 minutes: their closes, a column per symbol."""
    closes = pd.DataFrame(100 * np.exp(random.normal(size=(30, 3)).cumsum(axis=0) / 100), columns=SYMBOLS[:3]).round(8)
    rows = [
        (
            1, "binance", symbol, "1m", moment, *[close] * 4, 1, moment + timedelta(milliseconds=59_999), 100, 1, 1, 100,
            "rest", moment + timedelta(minutes=1), moment + timedelta(minutes=1),
        )
        for symbol, column in closes.items()
        for moment, close in zip((START + timedelta(minutes=5 * n + 4) for n in range(30)), column, strict=True)
    ]  # fmt: skip
    columns = (
        "load_id, row_number_in_load, object_id, exchange, symbol, interval_code, open_time, open_price, high_price, low_price, "
        "close_price, volume, close_time, quote_volume, trade_count, taker_buy_volume, taker_buy_quote_volume, source, captured_at, "
        "exchange_time"
    )
    with warehouse.session() as session:
        session.run_many(
            f"INSERT INTO staging_klines ({columns}) VALUES ({', '.join(['%s'] * 20)})",
            [(1, number, *row) for number, row in enumerate(rows)],
        )
        session.run_many(
            "INSERT INTO tracked_symbols (exchange, symbol, added_at) VALUES ('binance', %s, %s)",
            [(symbol, START) for symbol in closes],
        )
        session.run("INSERT INTO pending_loads (model, load_id) VALUES ('fact_klines', 1)")
        session.commit()
    return closes


def test_from_staged_minutes_to_the_matrix_that_people_read(warehouse, staged, dbt):
    dbt("run", "--select", "+window_returns")

    sentence = correlate(warehouse).sentence

    dbt("build", "--select", "correlation_matrix")
    with warehouse.session() as session:
        rows = session.all(
            "SELECT symbol, other_symbol, correlation, observations, window_start, window_end "
            f"FROM {warehouse.config.marts_schema}.correlation_matrix WHERE window_name = '24h'"
        )
    found = pd.DataFrame([row[:3] for row in rows], columns=["a", "b", "r"]).pivot_table(
        values="r", index="a", columns="b"
    )
    assert_equal_to_pandas(found, np.log(staged).diff())
    span = (START + timedelta(minutes=5), START + timedelta(minutes=150))
    assert {row[3:] for row in rows} == {(29, *span)}
    assert "binance 24h: 3 symbols over 29 returns of 5 minutes, 3 pairs (0 without a value)" in sentence
    assert "binance 7d: 3 symbols over 1 returns of 60 minutes, 3 pairs (3 without a value)" in sentence
