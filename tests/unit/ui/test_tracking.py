"""The history that is offered of a symbol."""

from __future__ import annotations

from datetime import datetime

import pytest

from candlewick_ui.tracking import history_offer


@pytest.mark.parametrize(("first", "start"), [(None, "2017-07-01"), (datetime(2020, 8, 11, 6), "2020-08-11")])
def test_history_is_offered_from_the_first_candle_the_exchange_has_where_that_is_known(first, start):
    offer = history_offer("SOLUSDT", first)

    assert (offer["job"], offer["conf"]["symbols"], offer["conf"]["start"]) == ("market_backfill", ["SOLUSDT"], start)
