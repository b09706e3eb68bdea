"""When a tracked symbol is late."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from candlewick.settings import settings
from candlewick_ui.queries.symbols import is_stale

NOW = datetime(2026, 3, 5, 12)
LONG_AGO = NOW - timedelta(days=30)
ALLOWED = timedelta(minutes=settings().stale_after_minutes)


@pytest.mark.parametrize(
    ("status", "final_until", "tracked_since", "is_late"),
    [
        ("TRADING", NOW - ALLOWED, LONG_AGO, False),
        ("TRADING", NOW - ALLOWED - timedelta(seconds=1), LONG_AGO, True),
        (None, NOW - timedelta(hours=1), LONG_AGO, True),
        ("BREAK", NOW - timedelta(hours=1), LONG_AGO, False),
        ("TRADING", None, LONG_AGO, True),
        ("TRADING", None, NOW - timedelta(minutes=1), False),
        (
            "TRADING",
            NOW - timedelta(days=7),
            NOW - timedelta(minutes=1),
            False,
        ),  # backfilled, and followed since a minute
    ],
)
def test_a_symbol_that_trades_is_late_when_nothing_new_is_final_for_too_long(
    status, final_until, tracked_since, is_late
):
    assert is_stale(status, final_until, tracked_since, NOW) is is_late
