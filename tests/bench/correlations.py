"""How long the correlation of every pair takes: read the returns, multiply, write; and what a reader of the matrix waits."""

from __future__ import annotations

import statistics
import time

from candlewick.pipeline.correlate import correlate

MODELS = {"window_returns", "correlation_matrix"}
ROUNDS = 5


def measure(warehouse) -> list[tuple[str, str, str]]:
    """Return (what, figure, aim) lines for the returns there are; both of ``MODELS`` are built."""
    took = [_seconds(lambda: correlate(warehouse)) for _ in range(ROUNDS)][1:]  # the first writes into an empty table
    matrix = f"{warehouse.config.marts_schema}.correlation_matrix"
    of_window = f"SELECT other_symbol, correlation FROM {matrix} WHERE exchange = 'binance' AND window_name = '24h'"
    with warehouse.session() as session:
        cells, symbols = session.all(f"SELECT COUNT(*), COUNT(DISTINCT symbol) FROM {matrix}")[0]
        line = [_seconds(lambda: session.all(f"{of_window} AND symbol = 'S007USDT'")) for _ in range(ROUNDS)]
        window = [_seconds(lambda: session.all(of_window)) for _ in range(ROUNDS)]
    return [
        (f"correlations: {symbols} symbols, {cells:,} cells", f"{statistics.median(took):.2f} s", "≤ 2 s"),
        ("correlation_matrix: a symbol's line of a window", f"{statistics.median(line) * 1000:.0f} ms", ""),
        ("correlation_matrix: a whole window", f"{statistics.median(window) * 1000:.0f} ms", ""),
    ]


def _seconds(work) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
