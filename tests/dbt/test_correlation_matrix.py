"""The matrix of correlations as people read it: every symbol against every other one."""

from __future__ import annotations

import pytest

PAIRS = [
    ("ADAUSDT", "ADAUSDT", 1, 288),
    ("ADAUSDT", "BTCUSDT", -0.25, 280),
    ("ADAUSDT", "DAIUSDT", None, 3),
    ("BTCUSDT", "BTCUSDT", 1, 287),
    ("BTCUSDT", "DAIUSDT", None, 4),
    ("DAIUSDT", "DAIUSDT", None, 5),
]


@pytest.fixture
def matrix(warehouse):
    """Three symbols of one window, one of them all but unknown."""
    for a, b, correlation, observations in PAIRS:
        warehouse.run(
            "insert into {raw}.correlation_pairs values ('binance', '24h', %s, %s, %s, %s, 5, '2026-03-04 12:00',"
            " '2026-03-05 12:00', '2026-03-05 12:05:01')",
            (a, b, correlation, observations),
        )
    warehouse.dbt("build", "--select", "correlation_matrix")
    return warehouse


def test_both_triangles_and_the_diagonal_are_there(matrix):
    rows = matrix.run("select symbol, other_symbol, correlation, observations from {marts}.correlation_matrix")

    assert sorted(rows, key=str) == sorted([*PAIRS, *((b, a, r, n) for a, b, r, n in PAIRS if a != b)], key=str)


def test_all_about_a_symbol_is_one_condition_in_a_session_of_any_collation(matrix):
    matrix.run("set names utf8mb4 collate utf8mb4_general_ci")

    assert matrix.run(
        "select other_symbol, correlation, step_minutes, timestampdiff(hour, window_start, window_end)"
        " from {marts}.correlation_matrix where symbol = 'BTCUSDT' and window_name = '24h' order by 1"
    ) == [("ADAUSDT", -0.25, 5, 24), ("BTCUSDT", 1.0, 5, 24), ("DAIUSDT", None, 5, 24)]


def test_a_correlation_beyond_one_or_a_pair_written_the_other_way_round_is_found(matrix):
    matrix.run(
        "update {raw}.correlation_pairs set correlation = 1.5 where symbol_b = 'DAIUSDT' and symbol_a = 'ADAUSDT'"
    )
    matrix.run(
        "insert into {raw}.correlation_pairs select exchange, window_name, symbol_b, symbol_a, correlation, observations,"
        " step_minutes, window_start, window_end, computed_at from {raw}.correlation_pairs"
        " where symbol_a = 'ADAUSDT' and symbol_b = 'BTCUSDT'"
    )

    said = matrix.dbt("test", "--select", "correlation_matrix", succeeds=False)

    assert "within_correlation_matrix_correlation___1__1: fail: Got 2 results" in said
    assert (
        "unique_combination_correlation_matrix_exchange__window_name__symbol__other_symbol: fail: Got 2 results" in said
    )
