"""Gaps the real exchange has, from recordings: each ends as an explained row of the ledger."""

from __future__ import annotations

from datetime import datetime

import pytest

from candlewick.demo.testing import RunningExchange
from support.gap_hunting import GapHunting
from support.marts import build_facts

pytestmark = pytest.mark.recordings
NOW = datetime(2025, 1, 2, 12, 0, 30)
OUTAGE = (datetime(2023, 3, 24, 12, 40), datetime(2023, 3, 24, 14), "exchange_outage", "explained")
FIVE_DAYS = {"start": "2023-03-22", "end": "2023-03-26"}


@pytest.fixture(scope="module")
def replayed(recordings):
    """The simulated exchange replaying the recordings, where they are."""
    with RunningExchange(replay=recordings) as exchange:
        exchange.set_clock("2025-01-02T12:00:30Z")
        yield exchange


@pytest.fixture
def gaps(replayed, database, lake, warehouse, dbt):
    build_facts(database, warehouse, dbt)
    return GapHunting(replayed, lake, warehouse, NOW)


@pytest.mark.parametrize("symbols", [["BTCUSDT"], ["ARBUSDT", "BTCUSDT", "ETHUSDT", "SOLUSDT"]], ids=["alone", "all"])
@pytest.mark.parametrize("source", ["archive", "rest"])
def test_the_outage_of_2023_03_24_is_one_row_a_symbol(gaps, symbols, source):
    gaps.run(**FIVE_DAYS, symbols=symbols, source=source)
    gaps.hunt()

    rows = gaps.ledger()
    assert [row for row in rows if row[3] == "exchange_outage"] == [(symbol, *OUTAGE) for symbol in symbols]
    for evidence in gaps.evidence("status <> 'closed' AND reason = 'exchange_outage'"):
        assert len(evidence["witnesses"]) >= 2
        assert evidence["signs"][0]["candle"] == "2023-03-24 12:39:00"
        assert evidence["signs"][0]["closed_at"] < "2023-03-24 12:39:59"
        assert {"no_candle": "1h", "open_time": "2023-03-24 13:00:00"} in evidence["signs"]
    listed = datetime(2023, 3, 23, 15)
    others = [("ARBUSDT", datetime(2023, 3, 22), listed, "not_listed", "explained")] if "ARBUSDT" in symbols else []
    assert [row for row in rows if row[3] != "exchange_outage"] == others


def test_the_hole_of_2023_02_14_is_shown_by_the_higher_candle(gaps):
    gaps.run(start="2023-02-14", end="2023-02-14", symbols=["SOLUSDT"], source="archive")
    gaps.hunt()

    hole = datetime(2023, 2, 14, 16, 39), datetime(2023, 2, 14, 16, 40)
    assert gaps.ledger() == [("SOLUSDT", *hole, "archive_hole", "explained")]
    (found,) = gaps.evidence()[0]["found"]
    assert (found["open_time"], found["interval"]) == ("2023-02-14 16:30:00", "15m")
    assert found["trades"] > found["our_trades"]


def test_the_file_of_2023_07_27_is_cut_short(gaps):
    gaps.run(start="2023-07-27", end="2023-07-28", symbols=["ARBUSDT"], source="archive")
    gaps.hunt()

    cut = datetime(2023, 7, 27, 3, 50), datetime(2023, 7, 28)
    assert gaps.ledger() == [("ARBUSDT", *cut, "archive_hole", "explained")]
    evidence = gaps.evidence()[0]
    assert (evidence["rule"], evidence["rows"], evidence["last_row"]) == ("file_cut_short", 230, "2023-07-27 03:49:00")
