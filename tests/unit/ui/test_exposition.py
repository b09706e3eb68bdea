"""What a monitoring system is told while there are no marts yet."""

from __future__ import annotations

from datetime import datetime

from candlewick_ui.database import NotBuilt
from candlewick_ui.exposition import exposition
from candlewick_ui.queries.metrics import measure


class LedgersOnly:
    """Stands where the reader of the warehouse does, before dbt has run."""

    def rows(self, statement, **_values):
        if "market_stats_24h" in statement:
            raise NotBuilt("the warehouse has not everything yet")
        if "FORCE INDEX (by_time)" in statement and "loaded_at" in statement:
            return [
                {
                    "lane": "live",
                    "loads": 2,
                    "objects": 2,
                    "rows_staged": 7,
                    "rows_rejected": 0,
                    "newest_loaded_at": None,
                }
            ]
        return []


def test_before_dbt_has_run_all_is_told_that_the_ledgers_know():
    told = exposition(measure(LedgersOnly(), "binance", datetime(2026, 3, 5)), 0).decode()

    assert 'candlewick_rows_loaded{lane="live"} 7.0' in told
    assert "candlewick_stream_listeners 0.0" in told
    assert "candlewick_tracked_symbols" not in told
