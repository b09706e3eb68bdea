"""`kline_revisions` is a function of the captures: not of the order or of the batches in which they were loaded."""

from __future__ import annotations

import itertools

import pytest

REST, DAILY, MONTHLY = "rest", "archive_daily", "archive_monthly"
# symbol: its captures (source, close, minute of capture), the close that stands, and its revisions:
# (lost source, lost close, newest capture of it, kept source, newest capture of what stands)
CASES = {
    "SAME": ([(REST, 1, 2), (REST, 1, 3), (REST, 1, 4)], 1, []),
    "CHANGED": ([(REST, 1, 2), (REST, 1, 3), (REST, 2, 5)], 2, [(REST, 1, 3, REST, 5)]),
    "CAMEBACK": ([(REST, 1, 2), (REST, 2, 3), (REST, 1, 4)], 1, [(REST, 2, 3, REST, 4)]),
    "CAMEBACKTWICE": ([(REST, 1, 2), (REST, 2, 3), (REST, 1, 4), (REST, 2, 5)], 2, [(REST, 1, 4, REST, 5)]),
    "DISAGREED": ([(REST, 1, 2), (DAILY, 2, 3), (REST, 1, 6)], 2, [(REST, 1, 6, DAILY, 3)]),
    "CONFIRMED": ([(REST, 1, 2), (DAILY, 1, 3), (REST, 1, 6)], 1, []),
    "BOTHREVISED": ([(REST, 1, 2), (DAILY, 1, 3), (MONTHLY, 2, 6)], 2, [(DAILY, 1, 3, MONTHLY, 6)]),
    "REPUBLISHED": ([(DAILY, 1, 2), (MONTHLY, 1, 3), (MONTHLY, 2, 6)], 2, [(MONTHLY, 1, 3, MONTHLY, 6)]),
    "THREEVALUES": (
        [(REST, 1, 2), (REST, 2, 3), (DAILY, 3, 4)],
        3,
        [(REST, 1, 2, DAILY, 4), (REST, 2, 3, DAILY, 4)],
    ),
}
MOST = max(len(captures) for captures, _, _ in CASES.values())
SHOWN = (
    "select symbol, lost_source, cast(lost_close_price as signed), minute(lost_captured_at), kept_source,"
    " cast(kept_close_price as signed), minute(kept_captured_at), is_current"
    " from {marts}.kline_revisions order by symbol, lost_close_price"
)
EXPECTED = sorted(
    (symbol, *lost[:3], lost[3], stands, lost[4], 1) for symbol, (_, stands, losses) in CASES.items() for lost in losses
)


@pytest.fixture
def capture(candle):
    def make(symbol, place):
        source, close, minute = CASES[symbol][0][place]
        return candle("11:00", close, symbol=symbol, source=source, captured=f"11:{minute:02}")

    return make


def batches(order):
    """Return for each step of the order what is loaded in it, over all cases."""
    return [[(symbol, place) for symbol, (captures, _, _) in CASES.items() if place < len(captures)] for place in order]


def build(warehouse):
    warehouse.dbt("run", "--select", "+fact_klines")


def load_each(warehouse, capture, steps):
    for step in steps:
        warehouse.load([capture(*which) for which in step])
        build(warehouse)


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (2, 0, 3, 1)], ids=["as told", "back", "mixed"])
def test_one_by_one(warehouse, capture, order):
    load_each(warehouse, capture, batches(order))
    warehouse.dbt("run", "--select", "kline_revisions")
    assert warehouse.run(SHOWN) == EXPECTED


@pytest.mark.parametrize("loads", [1, 2], ids=["one load", "two loads, one run"])
def test_in_one_batch(warehouse, capture, loads):
    whole = list(itertools.chain.from_iterable(batches(range(MOST))))
    for part in range(loads):
        warehouse.load([capture(*which) for which in whole[part::loads]])
    build(warehouse)
    warehouse.dbt("run", "--select", "kline_revisions")
    assert warehouse.run(SHOWN) == EXPECTED


def test_facts_built_anew_from_all_loads_show_the_same(warehouse, capture):
    load_each(warehouse, capture, batches(range(MOST)))
    warehouse.run("delete from {raw}.kline_revisions")
    warehouse.run("drop table {marts}.fact_klines")
    warehouse.run("insert into {raw}.pending_loads select distinct 'fact_klines', load_id from {raw}.staging_klines")
    build(warehouse)
    warehouse.dbt("run", "--select", "kline_revisions")
    assert warehouse.run(SHOWN) == EXPECTED


def test_when_the_minute_has_expired_what_stood_then_is_shown(warehouse, capture):
    load_each(warehouse, capture, batches(range(MOST)))
    warehouse.dbt("run", "--select", "kline_revisions")
    warehouse.run("delete from {marts}.fact_klines where symbol = 'DISAGREED'")
    told = [row for row in warehouse.run(SHOWN) if row[0] == "DISAGREED"]
    assert told == [("DISAGREED", REST, 1, 6, DAILY, 2, 3, 0)]
